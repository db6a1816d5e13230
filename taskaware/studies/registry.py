"""The campaigns that there are: what settings each reads, and what runs it."""

from collections.abc import Callable
from typing import NamedTuple

from taskaware.errors import UserError
from taskaware.objectives.collect import CollectSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.studies.collect import run_collect
from taskaware.studies.compare import CompareSettings, compare
from taskaware.studies.evaluate import EvaluateSettings, evaluate
from taskaware.studies.growing import GrowingSettings, grow
from taskaware.studies.learned_features import LearnedFeaturesSettings, run_learned_features
from taskaware.studies.models import ModelsSettings, compare_models
from taskaware.studies.published import PublishedSettings, run_published
from taskaware.studies.shipped import ShipSettings, run_ship
from taskaware.studies.vary import VarySettings, vary


class Campaign(NamedTuple):
    """One of them.

    Attributes:
        name: of it, in the run's folder and report.
        settings: type of its config; with `check` and `smoke`.
        run: (config, folder, whether to show progress) → summary.
    """

    name: str
    settings: type
    run: Callable[[object, RunFolder, bool | None], dict]


CAMPAIGNS = (
    Campaign("collect", CollectSettings, run_collect),
    Campaign("evaluate", EvaluateSettings, evaluate),
    Campaign("compare", CompareSettings, compare),
    Campaign("growing", GrowingSettings, grow),
    Campaign("learned-features", LearnedFeaturesSettings, run_learned_features),
    Campaign("models", ModelsSettings, compare_models),
    Campaign("published", PublishedSettings, run_published),
    Campaign("ship", ShipSettings, run_ship),
    Campaign("vary", VarySettings, vary),
)


def campaign_of(config: object) -> Campaign:
    """The campaign that a config is for.

    Raises:
        UserError: none is.
    """
    for campaign in CAMPAIGNS:
        if isinstance(config, campaign.settings):
            return campaign
    allowed = ", ".join(campaign.settings.__name__ for campaign in CAMPAIGNS)
    raise UserError(f"No campaign reads a {type(config).__name__}. Allowed: {allowed}.")
