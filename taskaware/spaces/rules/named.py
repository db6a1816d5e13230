"""Known update rules, written in the language."""

from taskaware.errors import unknown
from taskaware.spaces.rules.language import Expression
from taskaware.spaces.rules.parser import parse

_DECAYS = ("linear", "cosine", "restart", "cyclical")
_AGREE = "sign(g) * sign(m)"

NAMED = {
    "sgd": "g",
    "momentum": "trace",
    "adam": "m / sqrt(v)",
    "rmsprop": "g / sqrt(v)",
    "powersign": f"g * exp({_AGREE})",
    "addsign": f"g * (1 + {_AGREE})",
    **{f"powersign-{decay}": f"g * exp({decay} * {_AGREE})" for decay in _DECAYS},
    **{f"addsign-{decay}": f"g * (1 + {decay} * {_AGREE})" for decay in _DECAYS},
    "powersign-noise": f"g * exp({_AGREE}) + annealed_noise",
    "addsign-noise": f"g * (1 + {_AGREE}) + annealed_noise",
}
"""Name of a rule → its text.

PowerSign and AddSign are examples of what a search found (Bello et al. 2017). Chen et al. 2023 measured them
below AdamW and Lion. Their noise is added to the step, as Neelakantan et al. 2015 add it to the gradient.
"""


def named_rule(name: str) -> Expression:
    """A known rule.

    Raises:
        UserError: there is none of this name; the nearest one is given.

    >>> str(named_rule("addsign-linear"))
    'g * (1 + linear * sign(g) * sign(m))'
    """
    if name not in NAMED:
        raise unknown("update rule", name, NAMED)
    return parse(NAMED[name])
