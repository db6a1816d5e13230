"""The studies: the settings of each, and the function that runs it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from taskaware.errors import UserError
from taskaware.objectives.collect import CollectSettings
from taskaware.registry import Registry
from taskaware.runner.run_folder import RunFolder
from taskaware.studies.collect import run_collect
from taskaware.studies.compare import CompareSettings, compare
from taskaware.studies.evaluate import EvaluateSettings, evaluate
from taskaware.studies.growing import GrowingSettings, grow
from taskaware.studies.improve import ImproveSettings, improve
from taskaware.studies.learned_features import LearnedFeaturesSettings, run_learned_features
from taskaware.studies.models import ModelsSettings, compare_models
from taskaware.studies.published import PublishedSettings, run_published
from taskaware.studies.shipped import ShipSettings, run_ship
from taskaware.studies.toy import ToySettings, run_toy
from taskaware.studies.vary import VarySettings, vary


class Study(NamedTuple):
    """A study, which can be run as an experiment.

    Attributes:
        name: in the run folder and report.
        settings: type of its config; with `check` and `smoke`.
        run: (config, folder, whether to show progress) → summary.
    """

    name: str
    settings: type
    run: Callable[[Any, RunFolder, bool | None], dict]


_ALL = (
    Study("collect", CollectSettings, run_collect),
    Study("evaluate", EvaluateSettings, evaluate),
    Study("compare", CompareSettings, compare),
    Study("growing", GrowingSettings, grow),
    Study("improve", ImproveSettings, improve),
    Study("learned-features", LearnedFeaturesSettings, run_learned_features),
    Study("models", ModelsSettings, compare_models),
    Study("published", PublishedSettings, run_published),
    Study("ship", ShipSettings, run_ship),
    Study("toy", ToySettings, run_toy),
    Study("vary", VarySettings, vary),
)

STUDIES: Registry[Study] = Registry("study", {study.name: study for study in _ALL})
"""Every study by its name; one of your own: `STUDIES.add(name, Study(...))` in an experiment's config.py."""


def study_of(config: object) -> Study:
    """The study that a config is for.

    Raises:
        UserError: none is.
    """
    for study in STUDIES.values():
        if isinstance(config, study.settings):
            return study
    allowed = ", ".join(study.settings.__name__ for study in STUDIES.values())
    raise UserError(f"No study reads a {type(config).__name__}. Allowed: {allowed}.")
