"""Update rules as code: an optax transformation. A rule is no network, so it has no module and no drawing."""

from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.children.forms import Forms, Sizes
from taskaware.spaces.rules import RuleSpace

TEXT = '''\
"""An update rule found by taskaware, as an optax transformation."""

import taskaware as ta

RULE = "{rule}"


def optimizer(learning_rate, **options):
    """The rule with a learning rate, or an optax schedule; one that decays needs total_steps=..., too."""
    return ta.optimizers.rule(RULE, learning_rate, **options)
'''


def source(space: RuleSpace, point: Float[EitherArray, " D"], sizes: Sizes) -> str:
    """The rule as code.

    Args:
        space, point: the rule.
        sizes: not used.
    """
    return TEXT.format(rule=space.decode(point))


FORMS = Forms(source=source, alone=("source",))
