"""Datasets that have a name here: `data_manifests/*.toml`.

A manifest has `title`, `target`, `problem` ("classification" or "regression"), `licence`, and `[[sources]]`,
the order in which they are tried. A source is one of

    sklearn = "load_iris"                     a dataset in scikit-learn's package
    openml = 31                               number of a dataset of OpenML
    hub = "owner/name/config"                 dataset of the Hugging Face hub
    url = "https://..."  sha256 = "..."       a file, checked

and may say by `target` which column that is, where the source does not; it gets the manifest's name.
"""

import dataclasses
import functools
import tomllib
from pathlib import Path

from taskaware.data import sources
from taskaware.data.loaded import Loaded
from taskaware.errors import UserError, unknown

_ROOM = Path(__file__).resolve().parent
# Installed, the files are in the package; in a checkout without symbolic links, only at its top.
_FOLDERS = (_ROOM / "data_manifests", _ROOM.parent.parent / "data_manifests")
_SOURCES = ("sklearn", "openml", "hub", "url")


@dataclasses.dataclass(frozen=True)
class Manifest:
    """One named dataset.

    Attributes:
        name: what a user calls it; the file's name.
        title: one line for people.
        target: name of the target column, under any name that the source gives it.
        problem: "classification" or "regression".
        licence: of the data.
        sources: in the order in which they are tried.
    """

    name: str
    title: str
    target: str
    problem: str
    licence: str
    sources: tuple[dict, ...]

    @property
    def offline(self) -> bool:
        """Whether it is available offline."""
        return any("sklearn" in source for source in self.sources)


@functools.cache
def manifests() -> tuple[Manifest, ...]:
    """Every manifest, by name.

    >>> [manifest.name for manifest in manifests() if manifest.offline]
    ['breast-cancer', 'diabetes', 'digits', 'iris', 'wine']
    """
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    if folder is None:
        raise UserError(f"The folder of manifests is missing from {_ROOM}. Install taskaware again.")
    return tuple(read_manifest(path) for path in sorted(folder.glob("*.toml")))


def read_manifest(path: Path) -> Manifest:
    """One manifest file.

    Raises:
        UserError: a key is missing, unknown, or of the wrong form.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        if "kind" in plain:  # as it was called before version 0.2
            plain["problem"] = plain.pop("kind")
        found = Manifest(name=path.stem, **{**plain, "sources": tuple(plain["sources"])})
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise UserError(f"Manifest '{path.name}' cannot be read: {error}.") from error
    for source in found.sources:
        if len([key for key in _SOURCES if key in source]) != 1 or ("url" in source) != ("sha256" in source):
            raise UserError(f"Manifest '{path.name}': {source} needs one of {_SOURCES}, a url its sha256.")
    return found


def manifest(name: str) -> Manifest:
    """The manifest of this name.

    Raises:
        UserError: there is none; names the nearest.
    """
    known = {manifest.name: manifest for manifest in manifests()}
    if name not in known:
        raise unknown("dataset", name, known)
    return known[name]


def fetch(wanted: Manifest) -> Loaded:
    """The dataset, from the first of its sources that answers.

    Raises:
        UserError: none of them does; the message gives the reason of each.
    """
    reasons = []
    for source in wanted.sources:
        try:
            return _from_source(wanted, source)
        except UserError as error:
            reasons.append(str(error))
    raise UserError(f"Dataset '{wanted.name}' is not available now. {' '.join(reasons)}")


def _from_source(wanted: Manifest, source: dict) -> Loaded:
    if "sklearn" in source:
        loaded = sources.from_sklearn(source["sklearn"])
    elif "openml" in source:
        loaded = sources.from_openml(str(source["openml"]))
    elif "hub" in source:
        loaded = sources.from_hub(source["hub"])
    else:
        loaded = sources.from_url(source["url"], source["sha256"])
    called = source.get("target") or loaded.target or wanted.target
    renamed = {called: wanted.target}
    test = None if loaded.test is None else loaded.test.rename(columns=renamed)
    if called not in loaded.frame.columns:
        raise UserError(f"Its source {source} has no column '{called}'.")
    frame = loaded.frame.rename(columns=renamed)
    return Loaded(frame, wanted.name, wanted.target, test, wanted.problem, loaded.notes)
