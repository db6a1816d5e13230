"""Settings of the fit of an evaluator."""

import dataclasses

from taskaware.errors import warn

OLDER_NAMES = {"process": "gp"}
"""Old name → present name of a network."""


@dataclasses.dataclass(frozen=True)
class EvaluatorSettings:
    """Settings of the fit of an evaluator; `PUBLISHED` follows the seed document."""

    # Name of the surrogate, one of SURROGATES; "gp", a Gaussian process, has no further settings.
    network: str = "gp"
    # Name of the loss.
    loss: str = "squared"
    # Members of the ensemble; each is trained on tasks drawn with replacement.
    members: int = 8
    # Optimizer steps.
    steps: int = 800
    # Tasks in a step.
    tasks_per_step: int = 12
    # Architectures of each of these tasks in a step.
    architectures_per_step: int = 32
    # "adam" or "sgd" (with momentum 0.5, as published).
    optimizer: str = "adam"
    # Peak learning rate; falls to zero along a cosine.
    learning_rate: float = 2e-3
    # Decoupled weight decay (adam only).
    weight_decay: float = 1e-2
    # Standard deviation of the noise added to the scaled meta-features in training.
    jitter: float = 0.1
    # Share of the meta-features that is hidden from each step of training.
    hidden: float = 0.2
    # Smallest difference of normalised scores that a pairwise loss counts.
    gap: float = 0.1
    # Multiples of a task's noise (estimated from its seeds) that are added to the gap.
    noise_gap: float = 0.0
    # Whether tasks with noisier scores have smaller weights.
    noise_weights: bool = False

    def __post_init__(self) -> None:
        name = present_name(self.network)
        if name != self.network:
            words = (
                f"network='{self.network}' is now network='{name}'; the old name ends with the next version."
            )
            warn(words, FutureWarning)
            object.__setattr__(self, "network", name)


def present_name(network: str) -> str:
    """The present name of a network.

    >>> present_name("process")
    'gp'
    """
    return OLDER_NAMES.get(network, network)


PUBLISHED = EvaluatorSettings(
    network="published",
    loss="squared",
    members=1,
    optimizer="sgd",
    learning_rate=1e-2,
    weight_decay=0.0,
    jitter=0.0,
    hidden=0.0,
)
