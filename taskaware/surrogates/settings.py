"""How an evaluator is made."""

import dataclasses
import warnings

OLDER_NAMES = {"process": "gp"}
"""Networks by the names that they had before."""


@dataclasses.dataclass(frozen=True)
class EvaluatorSettings:
    """How an evaluator is made; the `PUBLISHED` ones follow the seed document, the default is our own."""

    # Name of the surrogate, one of SURROGATES; "gp", a Gaussian process, reads nothing of what follows.
    network: str = "gp"
    # Name of the loss.
    loss: str = "squared"
    # Members of the ensemble; each learns from tasks drawn with replacement.
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
    # Least difference of normalised scores that a pairwise loss counts.
    gap: float = 0.1
    # Multiples of a task's noise, as its seeds show it, that are added to the gap.
    noise_gap: float = 0.0
    # Whether a task counts the less, the noisier its scores are.
    noise_weights: bool = False

    def __post_init__(self) -> None:
        name = present_name(self.network)
        if name != self.network:
            words = (
                f"network='{self.network}' is now network='{name}'; the old name ends with the next version."
            )
            warnings.warn(words, FutureWarning, stacklevel=3)
            object.__setattr__(self, "network", name)


def present_name(network: str) -> str:
    """The name that a network has now.

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
