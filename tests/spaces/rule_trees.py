"""Random rules for hypothesis."""

from hypothesis import strategies as st

from taskaware.spaces.rules import Binary, Operand, Unary
from taskaware.spaces.rules.language import BINARY, OPERANDS, SAME, UNARY

LEAVES = st.sampled_from([Operand(name) for name in OPERANDS])
FUNCTIONS = st.sampled_from([name for name in UNARY if name != SAME])


def _grown(inner):
    return st.builds(Unary, FUNCTIONS, inner) | st.builds(Binary, st.sampled_from(list(BINARY)), inner, inner)


TREES = st.recursive(LEAVES, _grown, max_leaves=12)
