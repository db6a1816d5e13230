"""The small products beside the recommendation: meta-features as a Series, the known tasks as a frame."""

from collections.abc import Iterable

import pandas as pd

from taskaware.deprecation import renamed_arguments
from taskaware.modalities import reading
from taskaware.modalities.reading import make_task
from taskaware.modalities.tables.metafeatures import MetaFeature
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.surrogates import Evaluator
from taskaware.surrogates.patterns import kinds_of
from taskaware.tasks.task import Task


@renamed_arguments(kind="problem")
def meta_features(
    dataset, target=None, *, problem: str | None = None, extra: Iterable[MetaFeature] = ()
) -> pd.Series:
    """The named meta-features of a dataset.

    Args:
        dataset: data in any form that `recommend` takes.
        target: name of the target.
        problem: "classification" or "regression"; by default inferred from the target.
        extra: meta-features of your own, added after the catalogue's.

    Returns:
        A finite float for each meta-feature, in the order of the catalogue.

    Raises:
        UserError: the dataset cannot be used, or an entry of `extra` is not valid.

    >>> meta_features("iris")["label_entropy"].round(3)
    np.float64(1.585)
    """
    task = dataset if isinstance(dataset, Task) else make_task(dataset, target, problem=problem)
    return pd.Series(reading.meta_features(task, extra), name=task.name)


def known_tasks(evaluator: Evaluator | None = None) -> pd.DataFrame:
    """The real tasks that an evaluator learned from: name, group, modality, problem, architectures, top
    score, spread.

    Args:
        evaluator: by default the shipped one for the space universal, which knows all kinds of data.
    """
    evaluator = evaluator or shipped_evaluator("universal")
    data = evaluator.training_data
    data = data.take(data.real)
    return pd.DataFrame(
        {
            "task": data.names,
            "group": data.groups,
            "modality": kinds_of(evaluator.space, data.table()),
            "problem": data.problems,
            "architectures": data.trained(),
            "top_score": data.top,
            "spread": data.spread,
        }
    )
