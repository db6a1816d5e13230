"""`learn`: your own tasks join the training data of an evaluator."""

from collections.abc import Iterable

from taskaware.objectives.collect import CollectSettings, collect
from taskaware.objectives.readable import is_readable
from taskaware.recommendation.teach import read_tasks, train_evaluator
from taskaware.spaces import preset
from taskaware.store import Store
from taskaware.surrogates import Evaluator
from taskaware.training.recipe import TrainingRecipe


def learn(
    datasets: Iterable | str,
    *,
    architectures: int = 64,
    store: str = "experience.sqlite",
    trainer: TrainingRecipe | None = None,
    with_shipped: bool = True,
    progress: bool | None = None,
) -> Evaluator:
    """Train architectures on tasks of your own, record the scores, and fit an evaluator to them.

    The architectures are those of the shipped experience, in the same order, so that your tasks and the
    shipped ones are scored on the same points. Trainings that the store holds already are not repeated.
    Fitting the evaluator takes seconds, and the shipped experience is not forgotten.

    Tables are trained in the space `compact`. Where a dataset is of another kind, all are trained in the
    space `universal`, which has embeddings for every kind of data.

    Args:
        datasets: each a Task, (data, target), or what `make_task` reads on its own; or the name of a suite.
        architectures: how many are trained on each task.
        store: path or URL of your experience.
        trainer: the training recipe; None is the recipe of the shipped experience.
        with_shipped: whether to learn from the shipped experience as well.
        progress: whether to show a bar; by default where there is a terminal.

    Returns:
        The evaluator, for `recommend(..., evaluator=...)` or `save_evaluator`.

    Raises:
        UserError: a dataset cannot be used, or there are too few tasks to learn from.
    """
    tasks = read_tasks(datasets)
    tables = all(is_readable(task, preset("compact")) for task in tasks)
    space = "compact" if tables else "universal"
    settings = CollectSettings(space=space, architectures=architectures, trainer=trainer or TrainingRecipe())
    with Store.open(store) as opened:
        collect(tasks, opened, settings, show=progress)
    return train_evaluator(store, space=space, with_shipped=with_shipped)
