"""Update rules as optax transformations: equal to optax's own, finite, and at home in optax."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import assume, given, settings

from taskaware import optimizers
from taskaware.children.rules import values
from taskaware.errors import UserError
from taskaware.spaces.rules import NAMED, canonical, operands, parse
from tests.spaces.rule_trees import TREES

STEPS = 30
PAIRS = {
    "sgd": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, momentum=0.9),
    "adam": optax.adam,
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.999, eps_in_sqrt=False, bias_correction=True),
}
RATE = optax.cosine_decay_schedule(0.05, STEPS)


def start(dtype):
    rng = np.random.default_rng(0)
    return {"a": jnp.asarray(rng.normal(size=(3, 2)), dtype), "b": jnp.asarray(rng.normal(size=4), dtype)}


def loss(weights):
    return sum(jnp.sum(jnp.cos(3 * leaf) + leaf * leaf) for leaf in jax.tree.leaves(weights))


@jax.jit
def both_paths(weights):
    """Weights after each step: of the rules, and of optax."""

    def path(optimizer):
        def step(carry, _):
            weights, state = carry
            steps, state = optimizer.update(jax.grad(loss)(weights), state, weights)
            weights = optax.apply_updates(weights, steps)
            return (weights, state), weights

        return jax.lax.scan(step, (weights, optimizer.init(weights)), None, STEPS)[1]

    ours = {name: path(optimizers.named(name, RATE)) for name in PAIRS}
    texts = {"adam": path(optimizers.rule("adam", RATE)), "rmsprop": path(optimizers.rule("rmsprop", RATE))}
    return ours, texts, {name: path(make(RATE)) for name, make in PAIRS.items()}


@pytest.mark.parametrize(("dtype", "close"), [("float32", 2e-5), ("float64", 1e-12)])
def test_known_rules_equal_optax_step_by_step(dtype, close):
    with jax.enable_x64(dtype == "float64"):
        ours, operand, theirs = both_paths(start(dtype))
        for name in PAIRS:
            for path in (ours[name], operand.get(name, ours[name])):
                for leaf, other in zip(jax.tree.leaves(path), jax.tree.leaves(theirs[name]), strict=True):
                    assert leaf.dtype == dtype == other.dtype
                    np.testing.assert_allclose(leaf, other, rtol=close, atol=close, err_msg=name)


def test_powersign_and_addsign_by_hand():
    g, old = np.array([0.5, -2.0, 1.0]), np.array([1.0, 1.0, -1.0])
    m = (0.9 * 0.1 * old + 0.1 * g) / (1 - 0.9**2)
    agree = np.sign(g) * np.sign(m)
    half = {"powersign": np.exp(agree), "addsign": 1 + agree}
    half |= {"powersign-linear": np.exp(0.5 * agree), "addsign-cosine": 1 + 0.5 * agree}
    for name, factor in half.items():
        made = optimizers.named(name, 0.1, total_steps=2)
        _, state = made.update(jnp.asarray(old, jnp.float32), made.init(jnp.zeros(3)))
        steps, _ = made.update(jnp.asarray(g, jnp.float32), state)
        np.testing.assert_allclose(steps, -0.1 * g * factor, rtol=1e-5, err_msg=name)


def test_decays_follow_their_formulas():
    now = values.Moment(jnp.ones(1), done=jnp.float32(0.32))
    wanted = {
        "linear": 0.68,
        "cosine": 0.5 * (1 + np.cos(np.pi * 0.32)),
        "restart": 0.5 * (1 + np.cos(np.pi * 0.2)),
        "cyclical": 0.5 * (1 + np.cos(2 * np.pi * 10 * 0.32)),
    }
    for name, formula in wanted.items():
        assert float(values.value(parse(name), now)[0]) == pytest.approx(formula, abs=1e-5), name


def test_noise_has_its_variance_and_follows_its_seed():
    def drawn(text, seed, steps=1):
        made = optimizers.rule(text, 1.0, seed=seed)
        state = made.init({"a": jnp.zeros(4000), "b": jnp.zeros(4000)})
        for _ in range(steps):
            found, state = made.update({"a": jnp.ones(4000), "b": jnp.ones(4000)}, state)
        return found

    first = drawn("noise", 0)
    assert np.std(first["a"]) == pytest.approx(0.1, rel=0.05)
    np.testing.assert_array_equal(first["a"], drawn("noise", 0)["a"])
    for other in (drawn("noise", 1)["a"], drawn("noise", 0, 2)["a"], first["b"]):
        assert abs(np.corrcoef(first["a"], other)[0, 1]) < 0.1
    assert np.std(drawn("annealed_noise", 0, 3)["a"]) == pytest.approx(3**-0.275, rel=0.05)
    dropped = drawn("drop(g, 0.3)", 0)["a"]
    assert np.mean(np.asarray(dropped) == 0) == pytest.approx(0.3, abs=0.03) and set(np.unique(dropped)) == {
        -1,
        0,
    }


WILD = jnp.array([0.0, -0.0, 1.0, -1.0, 1e-30, -1e-20, 1e20, -1e30, 3e38, -0.3], jnp.float32)


@settings(max_examples=40, deadline=None)
@given(TREES)
def test_finite_gradients_give_finite_steps(tree):
    made = optimizers.rule(tree, 10.0, total_steps=4)
    state = made.init(WILD)
    for gradient in (WILD, -WILD, 0 * WILD):
        steps, state = made.update(gradient, state, WILD)
        assert np.isfinite(steps).all()


def moment(size, seed=0):
    rng = np.random.default_rng(seed)
    g, w, m, gamma, *normal = rng.normal(size=(6, size))
    v, uniform = rng.exponential(size=size), rng.random(size)
    arrays = [jnp.asarray(each) for each in (g, w, m, v, gamma, 2.5 * m)]
    return values.Moment(*arrays, tuple(map(jnp.asarray, normal)), jnp.asarray(uniform), 3, 0.32)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_the_canonical_form_is_equal_as_numbers(tree):
    with jax.enable_x64(True):
        now, found, tame = moment(16), [], np.ones(16, bool)
        for form in (tree, canonical(tree)):
            inner = {}
            found.append(np.asarray(values._value(form, now, inner)))
            for each in map(np.abs, map(np.asarray, inner.values())):
                # Beyond these sizes rounding shows, and the limits cut.
                tame &= ((each > 1e-6) | (each == 0)) & (each < 1e6)
    assume(tame.any())
    np.testing.assert_allclose(found[0][tame], found[1][tame], rtol=1e-5, atol=1e-7)


def test_a_gradient_of_nan_is_left_to_optax():
    made = optax.apply_if_finite(optimizers.named("adam", 0.1), 5)
    state = made.init(jnp.ones(3))
    steps, state = made.update(jnp.array([jnp.nan, 1.0, 1.0]), state)
    assert not steps.any()
    steps, _ = made.update(jnp.ones(3), state)
    np.testing.assert_allclose(steps, -0.1, rtol=1e-5)


def test_it_is_at_home_in_optax(tmp_path):
    weights = start("float32")
    gradient = jax.jit(jax.grad(loss))(weights)
    # Hyperparameters that can be changed on the way; a schedule of one of them.
    made = optax.inject_hyperparams(optimizers.rule)(NAMED["powersign"], learning_rate=0.1, b1=RATE)
    state = made.init(weights)
    update = jax.jit(made.update)
    once, state = update(gradient, state, weights)
    state.hyperparams["learning_rate"] = jnp.float32(0.0)
    never, _ = update(gradient, state, weights)
    assert np.abs(once["a"]).min() > 0 and not np.any(never["a"])
    # Masks, chains, and arguments for others.
    masked = optax.chain(
        optax.masked(optimizers.rule("g + 0.1w", 0.1), {"a": True, "b": False}), optax.scale(2.0)
    )
    steps, _ = masked.update(gradient, masked.init(weights), weights, value=1.0)
    np.testing.assert_allclose(steps["a"], -0.2 * (gradient["a"] + 0.1 * weights["a"]), rtol=1e-5)
    np.testing.assert_allclose(steps["b"], 2 * gradient["b"], rtol=1e-6)
    # The state is arrays, and goes on from a file as if it had never left.
    made = optimizers.rule("drop(m, 0.5) / sqrt(v) + noise", 0.1, seed=3)
    update = jax.jit(made.update)
    _, state = update(gradient, made.init(weights), weights)
    leaves, structure = jax.tree.flatten(state)
    np.savez(tmp_path / "state.npz", *leaves)
    with np.load(tmp_path / "state.npz") as file:
        again = structure.unflatten([file[name] for name in file.files])
    for ours, saved in zip(
        *(jax.tree.leaves(update(gradient, each)) for each in (state, again)), strict=True
    ):
        np.testing.assert_array_equal(ours, saved)


def test_small_numbers_keep_their_type():
    made = optimizers.named("adam", 0.1)
    weights = jnp.ones(3, jnp.bfloat16)
    steps, state = made.update(weights, made.init(weights), weights)
    assert steps.dtype == jnp.bfloat16 and state.averages["v"].dtype == jnp.float32
    assert optax.apply_updates(weights, steps).dtype == jnp.bfloat16


def test_a_rule_remembers_what_it_uses():
    assert optimizers.rule("g", 0.1).init(jnp.ones(2)).averages == {}
    assert set(optimizers.rule("trace * gamma", 0.1).init(jnp.ones(2)).averages) == {"m", "gamma"}
    assert operands(parse("g + 0.1w")) == ("g", "0.1w")


def test_what_is_missing_is_named():
    with pytest.raises(UserError, match="reads the weights"):
        optimizers.rule("g + 0.1w", 0.1).update(jnp.ones(2), optimizers.rule("g", 0.1).init(jnp.ones(2)))
    made = optimizers.named("powersign-linear", 0.1)
    state = made.init(jnp.ones(2))
    with pytest.raises(UserError, match="total_steps"):
        made.update(jnp.ones(2), state)
    np.testing.assert_allclose(made.update(jnp.ones(2), state, done=1.0)[0], -0.1, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": "fast"}, "optax schedule"),
        ({"learning_rate": 0.1, "b1": 1.0}, "b1=1.0"),
        ({"learning_rate": 0.1, "total_steps": 0}, "total_steps=0"),
        ({"learning_rate": 0.1, "eps": 0.0}, "eps=0.0"),
    ],
)
def test_numbers_out_of_range_are_refused(unchecked, options, what):
    with pytest.raises(UserError, match=what):
        optimizers.named("adam", **options)
