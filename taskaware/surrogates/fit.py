"""Fitting an evaluator to experience."""

from collections.abc import Mapping
from typing import Any

from taskaware import plain
from taskaware.compilation import keep_compiled
from taskaware.deprecation import renamed_arguments
from taskaware.modalities.tables.samples import Samples
from taskaware.spaces import Space
from taskaware.surrogates.evaluator import Evaluator
from taskaware.surrogates.registry import SURROGATES
from taskaware.surrogates.settings import PUBLISHED, EvaluatorSettings
from taskaware.surrogates.triplets import AnyData

__all__ = ["PUBLISHED", "EvaluatorSettings", "fit_evaluator"]


@renamed_arguments(known="training_data")
def fit_evaluator(
    space: Space,
    training_data: AnyData,
    settings: Any = None,
    *,
    seed: int = 0,
    samples: Mapping[str, Samples] | None = None,
) -> Evaluator:
    """Fit a surrogate that predicts the normalised score of an architecture on a task.

    Args:
        space: of the architectures.
        training_data: T tasks and their scores.
        settings: `EvaluatorSettings`, `JointSettings`, or those of a surrogate of your own; their `network`
            names the surrogate, see SURROGATES. None is `EvaluatorSettings()`.
        seed: of all draws.
        samples: raw rows of each task by its digest, for surrogates that read them.

    Raises:
        UserError: a network or loss is unknown (the nearest name is suggested), or raw rows are required and
            missing.
    """
    seed = plain.seed(seed)
    keep_compiled()
    settings = settings or EvaluatorSettings()
    surrogate = SURROGATES.named(settings.network)
    # Triplets come only to a surrogate that `reads_triplets`, see `data_for`.
    return surrogate.fit(space, training_data, settings, seed=seed, samples=samples)
