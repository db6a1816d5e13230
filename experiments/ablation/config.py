"""What each part of the evaluator contributes; see README.md."""

from taskaware.runner import RunnerSettings
from taskaware.studies.evaluate import EvaluateSettings
from taskaware.studies.vary import VarySettings


def config() -> VarySettings:
    """The shipped evaluator, and without or with one thing each."""
    networks = "evaluator.network=bilinear"
    return VarySettings(
        evaluate=EvaluateSettings(methods=("evaluator",), seeds=3, runner=RunnerSettings(engine="processes")),
        changes=(
            "more=shipped-variants,shipped-tables",
            "more=shipped-variants",
            "more=shipped-tables",
            "more=",
            networks,
            f"{networks} evaluator.loss=pairwise_linear",
            f"{networks} evaluator.loss=pairwise_quadratic",
            f"{networks} evaluator.loss=listwise",
            f"{networks} evaluator.loss=pairwise_linear evaluator.noise_gap=1",
            f"{networks} evaluator.noise_weights=true",
            f"{networks} evaluator.members=1",
            "deal=far",
        ),
    )
