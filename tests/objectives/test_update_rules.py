"""A user's own loss, trained by rules: the score, the sweep, halvings, refusals, and searches."""

import pickle

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.objectives.user_loss import Weights
from taskaware.spaces.rules import RuleSpace

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 16, 3)).astype(np.float32)
BATCHES = [(each, each @ np.array([1.0, -2.0, 0.5], np.float32)) for each in X]
PARAMS = {"kernel": np.zeros(3, np.float32), "bias": jnp.zeros(()), "layers": 2}
SPACE = RuleSpace()


def loss(params, batch):
    x, y = batch
    return jnp.mean((x @ params["kernel"] + params["bias"] - y) ** 2)


def points(*texts):
    return np.stack([SPACE.encode(text) for text in texts])


@pytest.fixture(scope="module")
def objective():
    return ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40)


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        ("adam", optax.adam),
        ("momentum", lambda rate: optax.sgd(rate, momentum=0.9)),
        ("g + 0.1w", lambda rate: optax.chain(optax.add_decayed_weights(0.1), optax.sgd(rate))),
        ("addsign-linear", lambda rate: ta.optimizers.named("addsign-linear", rate)),
    ],
)
def test_a_rule_and_the_same_optimizer_of_optax_reach_the_same(objective, rule, make):
    ours, theirs = (ta.optimizers.score(objective, each) for each in (rule, make))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-7)
    assert -1 < ours.score < 0 and ours.learning_rate in (1e-3, 1e-2, 0.1, 1.0)


def test_the_score_is_that_of_the_batches_held_out(objective):
    """By hand: the sweep, and then the rate that it chose."""
    order = np.asarray(objective.evaluate._arrays.order)
    assert sorted(order[:10].tolist()) == list(range(10)) != order[:10].tolist()

    def trained(rate, steps):
        made, params = optax.sgd(rate), {name: PARAMS[name] for name in ("kernel", "bias")}
        state, average = made.init(params), None
        for number in order[:steps]:
            value, gradient = jax.value_and_grad(loss)(params, BATCHES[number])
            average = value if average is None else 0.8 * average + 0.2 * value
            updates, state = made.update(gradient, state)
            params = optax.apply_updates(params, updates)
        return params, average

    rate = min((0.01, 0.1, 1.0), key=lambda rate: trained(rate, 8)[1])
    params, _ = trained(rate, 40)
    mean = np.mean([loss(params, batch) for batch in BATCHES[10:]])
    np.testing.assert_allclose(ta.optimizers.score(objective, "g"), (-mean, rate), rtol=1e-3, atol=1e-9)


def test_a_rule_that_diverges_takes_no_other_with_it(objective):
    found = objective.evaluate(points("g", "exp(exp(2)^2)", "g * 1", "adam"))
    assert np.isnan(found.score[1]) and np.isfinite(found.score[[0, 2, 3]]).all()
    assert found.score[0] == found.score[2] == objective.evaluate(points("g")).score[0]
    assert (
        found.more["steps"].tolist() == [40, found.more["steps"][1], 40, 40] and found.more["steps"][1] < 40
    )


def test_all_at_once_as_on_accelerators_is_one_by_one(objective, monkeypatch):
    rules = points("g", "drop(m, 0.1) / sqrt(v) + noise", "g * (1 + sign(g) * sign(m))", "exp(exp(2)^2)")
    alone = objective.evaluate(rules)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    together = ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40, together=3).evaluate(rules)
    np.testing.assert_allclose(together.score, alone.score, rtol=1e-3, atol=1e-9)
    np.testing.assert_array_equal(together.more["learning_rate"], alone.more["learning_rate"])


def test_halvings_end_the_worse_half():
    halved = ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40, halvings=2)
    rules = points("g", "1", "noise", "adam", "2", "trace", "sign(g)", "0.1w")
    found = halved.evaluate(rules)
    whole = ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40).evaluate(rules)
    assert sorted(found.more["steps"].tolist()) == [8, 8, 8, 8, 24, 24, 40, 40]
    last = found.more["steps"] == 40
    np.testing.assert_array_equal(found.score[last], whole.score[last])
    assert found.score[last].min() > np.median(whole.score) and found.more["steps"][[1, 2]].max() < 40


def test_a_sweep_may_last_for_the_whole_training():
    whole = ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40, sweep=1.0)
    alone = [ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40, rates=(rate,)) for rate in (0.01, 0.1)]
    scores = [ta.optimizers.score(each, "adam").score for each in alone]
    found = whole.evaluate(points("adam"))
    assert found.more["steps"].tolist() == [40] and found.score[0] >= max(scores) - 1e-9


def test_a_metric_of_ones_own_is_the_score():
    def metric(params, batch):
        return -jnp.abs(params["bias"] - 3.0)

    def to_three(params, batch):
        return loss(params, batch) * 0 + (params["bias"] - 3.0) ** 2

    made = ta.optimizers.objective(
        to_three, PARAMS, BATCHES[:4], held_out=BATCHES[4:5], metric=metric, steps=30, rates=(0.1, 0.3)
    )
    assert ta.optimizers.score(made, "g").score > -0.01


def test_weights_of_any_types_are_trained_and_the_others_stay():
    params = {
        "a": jnp.ones((2, 3), jnp.bfloat16),
        "n": np.arange(3),
        "s": "word",
        "b": [np.float32(2.0), 0.5],
    }
    weights = Weights.of(params)
    assert weights.flat.tolist() == [1.0] * 6 + [2.0, 0.5] and weights.flat.dtype == np.float32
    tree = weights.trainable(jnp.arange(8.0))
    whole = weights.whole(tree)
    assert whole["a"].dtype == jnp.bfloat16 and whole["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert whole["n"] is params["n"] and whole["s"] == "word" and [float(b) for b in whole["b"]] == [6, 7]
    np.testing.assert_array_equal(weights.flattened(tree), np.arange(8.0))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"batches": []}, "batches is empty"),
        ({"batches": BATCHES[:1]}, "none can be held out"),
        ({"batches": BATCHES[0]}, "Batch 1 of batches is"),
        ({"batches": {"x": 1}}, "Give a list of batches"),
        ({"batches": [*BATCHES[:3], (X[0][:5], BATCHES[0][1][:5])]}, "leave out a shorter last one"),
        ({"batches": [("a", "b")] * 3}, "encode texts"),
        ({"batches": [(X[0][:0], X[0][:0, 0])] * 3}, "one row or more"),
        ({"held_out": []}, "held_out is empty"),
        ({"params": {"n": np.arange(3)}}, "no array of floats to train"),
        ({"params": {}}, "none"),
        ({"params": np.array([1j])}, "complex"),
        ({"params": {**PARAMS, "bias": np.nan}}, "not finite"),
        ({"loss": lambda params, batch: batch[1]}, r"shape \(16,\).*losses.mean"),
        ({"loss": lambda params, batch: (loss(params, batch), 0)}, "returned a tuple"),
        ({"loss": lambda params, batch: jnp.int32(1)}, "type int32"),
        ({"loss": lambda params, batch: float(params["bias"])}, "cannot be traced"),
        ({"loss": lambda params: 0.0}, "It takes"),
        ({"loss": lambda params, batch: jnp.log(params["bias"])}, "-inf for the first weights"),
        ({"metric": lambda params, batch: batch[0]}, "The metric returned an array"),
        ({"loss": 3}, "not 3"),
        ({"steps": 0}, "steps=0"),
        ({"rates": ()}, "learning rates"),
        ({"rates": (0.1, -1)}, "above 0"),
        ({"sweep": 0.0}, "sweep=0.0"),
        ({"halvings": -1}, "halvings=-1"),
        ({"together": 0}, "together=0"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_any_training(unchecked, change, what):
    given = {"loss": loss, "params": PARAMS, "batches": BATCHES, **change}
    own, params, batches = (given.pop(name) for name in ("loss", "params", "batches"))
    with pytest.raises(UserError, match=what):
        ta.optimizers.objective(own, params, batches, **given)


def test_points_of_another_space_and_other_objectives_are_refused(objective):
    with pytest.raises(UserError, match="Pass the space"):
        objective.evaluate(RuleSpace("two", 2).encode("g")[None])
    with pytest.raises(UserError, match=r"objective\(loss"):
        ta.optimizers.score(ta.objectives.function(sum), "g")
    with pytest.raises(UserError, match="Did you mean"):
        ta.optimizers.score(objective, "g * mm")


def test_the_objective_travels_to_workers(objective):
    other = pickle.loads(cloudpickle.dumps(objective))
    rules = points("sign(g) + 0.001w")
    assert other.evaluate(rules).score == objective.evaluate(rules).score and other.about == objective.about


def test_what_is_maximised_has_a_name_of_its_content(objective):
    def about(**change):
        given = {"batches": BATCHES, "steps": 40, "seed": 0, **change}
        return ta.optimizers.objective(loss, PARAMS, given.pop("batches"), **given).about

    assert about() == objective.about
    assert len({objective.about, about(steps=41), about(seed=1), about(batches=BATCHES[1:])}) == 4


@pytest.mark.parametrize(
    "strategy", [ta.strategies.aging_evolution(6, 3), ta.strategies.reinforce(4), "random"]
)
def test_a_search_finds_a_rule_and_goes_on_where_it_ended(objective, strategy, tmp_path):
    def found(budget, name, **more):
        more |= {"journal": tmp_path / name, "together": 4, "progress": False}
        return ta.search("update-rules", strategy, objective=objective, budget=budget, **more)

    whole = found(16, "whole")
    found(8, "parts")
    again = found(16, "parts", resume=True)
    np.testing.assert_array_equal(whole.points, again.points)
    np.testing.assert_array_equal(whole.scores, again.scores)
    rule = whole.space.decode(whole.best.point)
    assert ta.optimizers.score(objective, str(rule)).score == whole.best.score
    assert {"learning_rate", "steps"} <= set(whole.to_frame())


def test_the_same_seed_gives_the_same_and_another_seed_another(objective):
    rules = points("adam + noise", "drop(g, 0.5)")
    again = ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40)
    other = ta.optimizers.objective(loss, PARAMS, BATCHES, steps=40, seed=1)
    first, second, third = (each.evaluate(rules).score for each in (objective, again, other))
    np.testing.assert_array_equal(first, second)
    assert (first != third).all()
