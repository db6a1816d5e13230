"""One meta-feature, and the literature of the catalogue."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskaware.modalities.tables.metafeatures.view import View

SEED = "US20220121906A1"
SHANNON = "Shannon 1948"
STATLOG = "Michie, Spiegelhalter, Taylor 1994 (STATLOG)"
LANDMARKING = "Pfahringer, Bensusan, Giraud-Carrier 2000"
VANSCHOREN = "Vanschoren 2018"


@dataclasses.dataclass(frozen=True)
class MetaFeature:
    """One named number about a task.

    Attributes:
        name: unique in the catalogue; a Python identifier.
        unit: "bits", "share", "log10 rows", ...
        low: smallest value it can take.
        high: largest value it can take.
        source: of the definition: a paper, a document, or your own name.
        compute: pure function of a `View` (whose `task` is the Task itself); one finite number.
        what: one line for people.
    """

    name: str
    unit: str
    low: float
    high: float
    source: str
    compute: Callable[["View"], float]
    what: str = ""
