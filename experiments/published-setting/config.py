"""The published space, networks, optimizer and losses, on tables; see README.md."""

from taskaware.objectives.collect import CollectSettings
from taskaware.runner import RunnerSettings
from taskaware.studies.evaluate import EvaluateSettings
from taskaware.studies.published import PublishedSettings

WORKERS = RunnerSettings(engine="processes")


def config() -> PublishedSettings:
    """The bundled tables, leave one group out; give more with --set collect.suite=bundled,FOLDER."""
    return PublishedSettings(
        collect=CollectSettings(space="published", architectures=32, runner=WORKERS),
        evaluate=EvaluateSettings(
            methods=("random", "single_best", "published", "published_linear", "published_quadratic"),
            folds=5,
            seeds=3,
            runner=WORKERS,
        ),
    )
