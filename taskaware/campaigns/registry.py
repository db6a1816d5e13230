"""The campaigns that there are: what settings each reads, and what runs it."""

from collections.abc import Callable
from typing import NamedTuple

from taskaware.campaigns.collect import CollectSettings, run_collect
from taskaware.campaigns.compare import CompareSettings, compare
from taskaware.campaigns.evaluate import EvaluateSettings, evaluate
from taskaware.campaigns.growing import GrowingSettings, grow
from taskaware.campaigns.learned_features import LearnedFeaturesSettings, run_learned_features
from taskaware.campaigns.models import ModelsSettings, compare_models
from taskaware.campaigns.published import PublishedSettings, run_published
from taskaware.campaigns.run_folder import RunFolder
from taskaware.campaigns.shipped import ShipSettings, run_ship
from taskaware.campaigns.vary import VarySettings, vary
from taskaware.errors import UserError


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
