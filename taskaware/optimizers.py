"""Update rules for your own training, as optax transformations.

>>> import taskaware as ta
>>> optimizer = ta.optimizers.named("powersign", learning_rate=0.01)
"""

from typing import Any

import optax

from taskaware.children.rules.transform import RuleState, rule
from taskaware.spaces.rules import NAMED, RuleSpace, canonical, mutate, named_rule, parse

__all__ = ["NAMED", "RuleSpace", "RuleState", "canonical", "mutate", "named", "parse", "rule"]


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
