"""Update rules for your own training, as optax transformations, and the search for one.

>>> import taskaware as ta
>>> optimizer = ta.optimizers.named("powersign", learning_rate=0.01)
"""

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import optax

from taskaware.children.rules.transform import RuleState, rule
from taskaware.spaces.rules import NAMED, RuleSpace, canonical, mutate, named_rule, parse

if TYPE_CHECKING:
    from taskaware.objectives.rule_trials import Score as Score
    from taskaware.objectives.update_rules import score as score
    from taskaware.objectives.update_rules import update_rules as objective
    from taskaware.strategies import Objective
    from taskaware.training.recipe import TrainingRecipe

_HOMES = {
    "Score": ("taskaware.objectives.rule_trials", "Score"),
    "objective": ("taskaware.objectives.update_rules", "update_rules"),
    "score": ("taskaware.objectives.update_rules", "score"),
}

__all__ = [
    "NAMED",
    "RuleSpace",
    "RuleState",
    "Score",
    "canonical",
    "mutate",
    "named",
    "objective",
    "on_tasks",
    "parse",
    "rule",
    "score",
]


def __getattr__(name: str) -> object:
    """Imported on first use: objectives are slow to import."""
    if name not in _HOMES:
        raise AttributeError(f"module 'taskaware.optimizers' has no attribute '{name}'")
    home, own = _HOMES[name]
    return getattr(importlib.import_module(home), own)


def named(name: str, learning_rate: Any, **options: Any) -> optax.GradientTransformationExtraArgs:
    """A known update rule as an optax transformation.

    Args:
        name: a name of NAMED, such as "adam", "momentum" or "powersign-linear".
        learning_rate: a number, or an optax schedule.
        options: as in `rule`.

    Raises:
        UserError: there is no such rule (the nearest name is given), or an option is out of range.

    >>> len(NAMED), NAMED["powersign"]
    (16, 'g * exp(sign(g) * sign(m))')
    """
    return rule(named_rule(name), learning_rate, **options)


def on_tasks(
    tasks: Iterable[Any],
    *,
    recipe: "TrainingRecipe | None" = None,
    seed: int = 0,
    together: int = 4,
    halvings: int = 0,
) -> "Objective":
    """An objective that scores a rule on several tasks: the mean of their validation scores.

    Each rule trains a small network of the task's kind of data, see `ta.search("update-rules", task=...)`.

    Args:
        tasks: anything that `make_task` reads: names, frames, tuples (X, y), tasks.
        recipe: of the trainings.
        seed: of the splits and the trainings.
        together: rules of a round.
        halvings: how often the half of a round with the larger validation loss ends early on each task, see
            `ta.objectives.trained`. Give a round enough rules then, such as together=16.

    Raises:
        UserError: there are no tasks, one cannot be read, or the recipe has too few evaluations.
    """
    # Imported here: training is slow to import.
    from taskaware.modalities.reading import make_task
    from taskaware.objectives.combined import several
    from taskaware.objectives.trainings import trained
    from taskaware.tasks.task import Task

    made = [each if isinstance(each, Task) else make_task(each) for each in tasks]
    return several(
        [trained(each, RuleSpace(), recipe, seed, together=together, halvings=halvings) for each in made]
    )
