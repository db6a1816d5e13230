"""Update rules: the language, known rules, and a space of them."""

from taskaware.spaces.rules.change import mutate
from taskaware.spaces.rules.language import Binary, Expression, Operand, Unary, operands, written
from taskaware.spaces.rules.named import NAMED, named_rule
from taskaware.spaces.rules.parser import parse
from taskaware.spaces.rules.rounds import Round, rounds_of, tree_of
from taskaware.spaces.rules.simplify import canonical
from taskaware.spaces.rules.space import RuleSpace

__all__ = [
    "NAMED",
    "Binary",
    "Expression",
    "Operand",
    "Round",
    "RuleSpace",
    "Unary",
    "canonical",
    "mutate",
    "named_rule",
    "operands",
    "parse",
    "rounds_of",
    "tree_of",
    "written",
]
