"""The language of update rules: text, trees, canonical forms, rounds."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings

from taskaware.errors import UserError
from taskaware.spaces.rules import (
    NAMED,
    Binary,
    Operand,
    Unary,
    canonical,
    mutate,
    named_rule,
    operands,
    parse,
    rounds_of,
    tree_of,
)
from taskaware.spaces.rules.language import BINARY, OPERANDS, UNARY, nodes
from taskaware.spaces.rules.parser import LONGEST
from tests.spaces.rule_trees import TREES

G, M = Operand("g"), Operand("m")


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_what_is_written_reads_back(tree):
    assert parse(str(tree)) == tree
    assert parse(re.sub(r"\s", "", str(tree))) == tree


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_the_canonical_form_is_reached_in_one_go(tree):
    found = canonical(tree)
    assert canonical(found) == found == canonical(parse(str(found)))
    assert set(operands(found)) <= set(operands(tree)) | {"1", "2", "adam", "rmsprop", "m", "g", "g^3"}


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_rounds_lead_back_to_the_rule(tree):
    assert canonical(tree_of(rounds_of(tree, 99))) == canonical(tree)


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_a_mutation_is_a_small_change(tree):
    changed = mutate(tree, np.random.default_rng(0))
    before, after = list(nodes(tree)), list(nodes(changed))
    assert changed != tree and abs(len(before) - len(after)) <= 2
    # Seen from the root, what differs is one path down to the node.
    kinds = [(type(node), getattr(node, "function", getattr(node, "name", ""))) for node in before]
    others = [(type(node), getattr(node, "function", getattr(node, "name", ""))) for node in after]
    if len(before) == len(after):
        assert sum(a != b for a, b in zip(kinds, others, strict=True)) == 1
    assert len(rounds_of(changed, 99)) <= max(5, len(rounds_of(tree, 99)))


def reached(text, tries):
    rng = np.random.default_rng(46)  # so few tries reach all with this one
    return [mutate(parse(text), rng) for _ in range(tries)]


def test_mutations_lead_from_any_rule_to_any_other():
    """Operands change, and functions come and go; so a rule shrinks to an operand, and another one grows."""
    found = reached("g", 100)
    assert {Unary(name, G) for name in UNARY if name != "x"} <= set(found)
    assert {Operand(name) for name in OPERANDS if name != "g"} <= set(found)
    grown = [each for each in found if isinstance(each, Binary)]
    assert {(each.function, each.left == G) for each in grown} == set(
        itertools.product(BINARY, (True, False))
    )
    assert G in reached("exp(g)", 20) and {G, M} <= set(reached("g + m", 40))
    assert Unary("exp(x)", M) in reached("g + exp(m)", 20)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("g - m - g", Binary("-", Binary("-", G, M), G)),
        ("g ^ m ^ g", Binary("^", G, Binary("^", M, G))),
        ("-g^2", Unary("-x", Binary("^", G, Operand("2")))),
        ("g**3", Operand("g^3")),
        ("g + m * g", Binary("+", G, Binary("*", M, G))),
        ("0.01 * w", Operand("0.01w")),
        ("g + 1e-2w", Binary("+", G, Operand("0.01w"))),
        ("clip(g, 0.001)", Unary("clip(x, 1e-3)", G)),
        ("keep(g, m)", Binary("keep", G, M)),
    ],
)
def test_text_is_read_as_mathematics_is(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("", 1, "operand or a function was expected"),
        ("g * gg", 5, "Did you mean 'g'?"),
        ("g * exq(m)", 5, "Did you mean 'exp'?"),
        ("g * (m + v", 11, "')' was expected"),
        ("g m", 3, "operator or the end"),
        ("g +", 4, "operand or a function was expected"),
        ("3 * g", 1, "numbers are 1 and 2"),
        ("g * w", 5, "such as '0.01w'"),
        ("g / 0.01 * w", 5, "'(0.01 * w)'"),
        ("0.5w", 1, "0.0001, 0.001, 0.01, 0.1"),
        ("clip(g, 7)", 9, "1e-5, 1e-4, 1e-3"),
        ("drop(g)", 7, "',' was expected"),
        ("exp", 1, "is a function"),
        ("g ; m", 3, "no rule contains this character"),
        ("__import__(g)", 1, "Unknown function"),
        ("f('os')", 3, "no rule contains this character"),
        ("g.real", 2, "no rule contains this character"),
    ],
)
def test_an_error_points_at_the_place(text, place, what):
    with pytest.raises(UserError) as error:
        parse(text)
    message = str(error.value)
    assert f"at character {place}:" in message and what in message
    *_, shown, caret = message.split("\n")
    assert shown.strip() in text and caret.index("^") == 2 + place - 1


def test_a_place_far_into_a_long_text_is_shown():
    with pytest.raises(UserError) as error:
        parse(" + ".join(["gamma"] * 30 + ["q"]))
    *_, shown, caret = str(error.value).split("\n")
    assert shown[caret.index("^")] == "q" and len(shown) < 70


@pytest.mark.parametrize(
    "text",
    ["(" * 1900 + "g" + ")" * 1900, "-" * 3000 + "g", "exp(" * 500, "+".join("g" * 500), "g^" * 900 + "g"],
)
def test_rules_without_end_are_refused(text):
    with pytest.raises(UserError, match="nested more than|in a row"):
        parse(text)
    with pytest.raises(UserError, match="characters. Give"):
        parse("g" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m / sqrt(v)", "adam"),
        ("g * sign(m)", "sign(m) * g"),
        ("g + m - g", "m"),
        ("g - -m", "m + g"),
        ("g * g * g", "g^3"),
        ("(-g)^2", "g * g"),
        ("g * -m", "-(m * g)"),
        ("sign(-trace)", "-sign(m)"),
        ("m + m", "2 * m"),
        ("clip(clip(g, 1e-3), 1e-5)", "clip(g, 1e-5)"),
        ("drop(drop(-g, 0.1), 0.5)", "-drop(g, 0.5)"),
        ("keep(g, m / v)", "g * 1"),
        ("(g + m) + v", "v + (m + g)"),
    ],
)
def test_equal_rules_are_one(one, other):
    assert canonical(parse(one)) == canonical(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("g", "m"),
        ("g / m", "m / g"),
        ("g^m", "m^g"),
        ("exp(-g)", "exp(g)"),
        ("g - m", "m - g"),
        ("1 / -g", "-(1 / g)"),
    ],
)
def test_other_rules_stay_apart(one, other):
    assert canonical(parse(one)) != canonical(parse(other))


def test_known_rules_fit_into_five_rounds():
    assert {
        name: len(rounds_of(named_rule(name))) for name in ("sgd", "adam", "powersign", "addsign-linear")
    } == {
        "sgd": 1,
        "adam": 1,
        "powersign": 2,
        "addsign-linear": 4,
    }
    assert all(str(parse(text)) == text and len(rounds_of(parse(text))) <= 5 for text in NAMED.values())
    with pytest.raises(UserError, match="Did you mean 'adam'"):
        named_rule("adma")


def test_a_rule_of_too_many_rounds_is_refused():
    with pytest.raises(UserError, match="needs 3 rounds, and 2 are allowed"):
        rounds_of(parse("(g + m) * v / gamma"), 2)
