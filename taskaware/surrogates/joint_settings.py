"""Settings of a feature generator φ and its evaluator ρ."""

import dataclasses

from taskaware.errors import UserError
from taskaware.surrogates.generator import generator_named
from taskaware.surrogates.networks import network_named
from taskaware.surrogates.settings import PUBLISHED, EvaluatorSettings


@dataclasses.dataclass(frozen=True)
class JointSettings:
    """Settings of the joint surrogate: generator φ and evaluator ρ."""

    # Name of the feature generator.
    generator: str = "dataset2vec"
    # Whether the evaluator reads the statistical meta-features as well as the learned ones.
    beside: bool = False
    # Rows of a task in a step.
    rows_per_step: int = 16
    # Columns of a task in a step; 0 for all, each in its place.
    columns_per_step: int = 8
    # Outputs of a task in a step; 0 for all, each in its place.
    outputs_per_step: int = 2
    # The evaluator, and the training of both.
    evaluator: EvaluatorSettings = EvaluatorSettings(network="bilinear")

    @property
    def network(self) -> str:
        """Name in SURROGATES."""
        return "joint"


PUBLISHED_JOINT = JointSettings(
    generator="published",
    rows_per_step=64,
    columns_per_step=0,
    outputs_per_step=0,
    evaluator=dataclasses.replace(PUBLISHED, network="published_head"),
)
"""The published settings: φ of 50-50 on the raw rows, pooled over rows, and ρ of 50-10 (US20220121906A1)."""


def check_joint(settings: JointSettings) -> JointSettings:
    """The settings themselves, if they are valid.

    Raises:
        UserError: a name is unknown, a number is out of range, or the generator needs all columns.
    """
    generator_named(settings.generator)
    network_named(settings.evaluator.network)
    if settings.rows_per_step < 1:
        raise UserError(f"Setting rows_per_step={settings.rows_per_step} is too small. Give 1 or more.")
    for name in ("columns_per_step", "outputs_per_step"):
        value = getattr(settings, name)
        if value < 0:
            raise UserError(f"Setting {name}={value} is negative. Give a number, or 0 for all.")
        if value and settings.generator == "published":
            raise UserError(
                f"Setting {name}={value}, but the generator 'published' reads every column in its place. "
                "Give 0, or generator=dataset2vec."
            )
    return settings
