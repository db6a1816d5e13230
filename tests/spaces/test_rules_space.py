"""The space of update rules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import preset, space_from
from taskaware.spaces.rules import NAMED, RuleSpace, canonical, parse
from taskaware.spaces.rules.space import chosen_rounds
from taskaware.testing.space_contract import check_space, mutated, sampled

SPACE = RuleSpace()


def test_the_contract_of_a_small_space():
    check_space(RuleSpace("few", 1, ("g", "m", "sign(g)")))


def test_points_and_rules_lead_to_each_other():
    for point in sampled(SPACE):
        rule = SPACE.decode(point)
        again = SPACE.encode(rule)
        assert canonical(SPACE.decode(again)) == canonical(rule) and bool(SPACE.contains(again))
    for text in NAMED.values():
        assert str(SPACE.decode(SPACE.encode(text))) == text


def test_random_rules_use_all_their_rounds():
    """Unless a round keeps one side and drops the other."""
    used = np.asarray(jax.vmap(SPACE._used)(jnp.asarray(sampled(SPACE))))[:, 1::5]
    lived = used.sum(1) == sampled(SPACE)[:, 0] + 1
    assert 0.7 < lived.mean() < 1
    assert set(sampled(SPACE)[:, 0]) == {0, 1, 2, 3, 4}


def test_a_mutation_gives_another_rule():
    parents = sampled(SPACE)
    trees = [[SPACE.decode(point) for point in points] for points in (parents, mutated(SPACE, parents))]
    assert all(before != after for before, after in zip(*trees, strict=True))


def test_open_choices_grow_with_the_rounds_and_unused_rounds_decide_nothing():
    point = SPACE.encode("g * exp(sign(g) * sign(m))")
    found = jax.vmap(SPACE.open_choices, (None, 0))(jnp.asarray(point), jnp.arange(SPACE.dimension)).sum(1)
    assert point[0] == 1 and found[11:].tolist() == [1] * 15
    assert found[:11].tolist() == [decision.choices for decision in SPACE.decisions[:11]]
    assert found[6] == found[1] + 1 == len(SPACE.operands) + 1


def test_features_count_what_the_step_is_made_of():
    found = SPACE.features(SPACE.encode("g * exp(sign(g) * sign(m))"))
    there = [(name, float(n)) for name, n in zip(SPACE.feature_names, np.asarray(found), strict=True) if n]
    assert there[0] == ("rounds", 1.0)
    assert dict(there[1:4]) == {"g": 1.0, "sign(g)": 1.0, "sign(m)": 1.0}
    assert dict(there[4:6]) == {"x": 3.0, "exp(x)": 1.0} and dict(there[6:7]) == {"*": 2.0}


def test_a_small_space_numbers_its_operands_as_all_do():
    small = RuleSpace("few", 2, ("m", "g"))
    for space in (small, SPACE):
        codes, count = chosen_rounds(space, jnp.asarray(space.encode("(g + m) * g")))
        assert (
            count == 2
            and codes[0, :2].tolist() == [0, 3]
            and codes[1, :2].tolist() == [len(SPACE.operands), 0]
        )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rounds": 9}, "Give 1 to 5"),
        ({"rounds": True}, "Give 1 to 5"),
        ({"operands": ["g", "g"]}, "each once"),
        ({"operands": ["gg"]}, "Did you mean 'g"),
        ({"operands": "g"}, "list of names"),
    ],
)
def test_a_damaged_definition_is_refused(change, what):
    with pytest.raises(UserError, match=what):
        space_from({**SPACE.to_dict(), **change})


def test_rules_that_do_not_fit_are_refused():
    small = RuleSpace("few", 2, ("m", "g"))
    with pytest.raises(UserError, match="'v'"):
        small.encode("g / v")
    with pytest.raises(UserError, match="needs 3 rounds"):
        small.encode("exp(exp(g * m) + g) * m")
    with pytest.raises(UserError, match="no point"):
        small.decode(np.full(small.dimension, 99, np.float32))
    # The rule as it stands needs three rounds, its canonical form one.
    assert canonical(small.decode(small.encode("sqrt(sign(--g)) * 1 - sqrt(sign(g)) + m"))) == parse("m")


def test_it_is_a_preset():
    assert preset("update-rules") == SPACE
