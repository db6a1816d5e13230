"""One program trains many convolutional networks with a front, and equals the module and the code of each."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taskaware as ta
from taskaware.children.child import Batch, Design, Now, State
from taskaware.children.convolution import LAYOUT, convolved
from taskaware.children.forms import UNKNOWN, Sizes, written
from taskaware.children.front import child
from taskaware.children.front.architecture import convolutions, cost, describe, summary
from taskaware.children.front.network import kernel_gains
from taskaware.children.front.source import source_params
from taskaware.children.mixture.network import Inputs
from taskaware.errors import UserError
from taskaware.spaces import front
from taskaware.spaces.front import DENSE
from taskaware.testing.child_contract import check_child
from taskaware.training.fit import fit
from taskaware.training.recipe import TrainingRecipe

DENSE_8 = dataclasses.replace(DENSE, layers=1, sizes=(8,), width_odds=(1.0,))
TINY = front(2, kernels=(1, 3), filters=4, side=8, channels=1, dense=DENSE_8)
ONE = front(1, kernels=(3,), activations=("relu",), filters=3, side=8, channels=1, dense=DENSE_8)
COLOURED = front(3, kernels=(1, 3, 5), filters=4, side=12, dense=DENSE_8)
RECIPE = TrainingRecipe(steps=20, evaluations=2, batch_size=32, score_last=2, learning_rate=0.01)


def point(space, *layers):
    """A point with these shares of kernels, of activations and of presence in each convolution."""
    shares = np.concatenate([np.concatenate(layer) for layer in layers])
    dense = np.asarray(space.dense.discretise(np.zeros(space.dense.dimension)))
    return np.concatenate([np.log(np.maximum(shares, 1e-4)), dense]).astype(np.float32)


MIXED = point(
    COLOURED,
    ([0, 0.7, 0.3], [0.6, 0.4], [0.8, 0.2]),
    ([1, 0, 0], [0, 1], [1, 0]),
    ([0, 1, 0], [1, 0], [0, 1]),
)
"""In part, a plain one, and none."""
WITHOUT_FIRST = point(
    COLOURED,
    ([0, 1, 0], [1, 0], [0, 1]),
    ([0, 0, 1], [0.5, 0.5], [1, 0]),
    ([0.5, 0.5, 0], [1, 0], [0.4, 0.6]),
)


def rows_of(images):
    return Inputs(images.reshape(len(images), -1), jnp.zeros((len(images), 0)))


def trained_like(space, chosen):
    """A candidate, and weights as after some steps."""
    [(key, _)] = child.group(space, jnp.asarray(chosen)[None])
    candidate = child.read(Design(space, key), jnp.asarray(chosen))
    images = jax.random.normal(jax.random.key(1), (4, space.side, space.side, space.channels))
    batch = Batch(rows_of(images), jnp.zeros(4), None, jnp.ones(2, bool), True)
    params = jax.jit(child.mixture.init)(jax.random.key(0), candidate, batch).params
    more = {name: 0.1 * np.sin(np.arange(leaf.size)).reshape(leaf.shape) for name, leaf in params.items()}
    return candidate, batch, images, {name: leaf + more[name] for name, leaf in params.items()}


@pytest.mark.parametrize("chosen", [MIXED, WITHOUT_FIRST], ids=["mixed", "without the first"])
def test_the_shared_program_equals_the_module_and_the_code(chosen):
    candidate, batch, images, params = trained_like(COLOURED, chosen)
    expected = jax.jit(child.mixture.outputs)(params, candidate, batch)
    sizes = Sizes({}, 2, "classes")
    module = written("module", COLOURED, chosen, sizes)
    given = jax.jit(module.apply)({"params": {"network": params}}, images)
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-5)
    names: dict = {}
    exec(compile(written("source", COLOURED, chosen, sizes), "network.py", "exec"), names)
    own = source_params(COLOURED, chosen, params, 2)
    alone = jax.jit(names["Network"]().apply)({"params": own}, images)
    np.testing.assert_allclose(alone, expected, rtol=1e-4, atol=1e-5)
    counted = sum(leaf.size for leaf in jax.tree.leaves(own))
    assert cost(COLOURED, chosen, 2).parameters == counted


def test_a_mixture_of_kernels_is_the_mixture_of_convolutions():
    sizes, shares = (1, 3, 5), jnp.array([0.0, 0.7, 0.3])
    space = front(1, kernels=sizes, filters=3, side=8, channels=1, dense=DENSE_8)
    images, kernel = (
        jax.random.normal(jax.random.key(seed), shape)
        for seed, shape in ((0, (2, 8, 8, 1)), (1, (5, 5, 1, 3)))
    )

    def plain(size):
        edge = (5 - size) // 2
        own = kernel[edge : edge + size, edge : edge + size]
        return jax.lax.conv_general_dilated(images, own, (1, 1), "SAME", dimension_numbers=LAYOUT)

    gains = kernel_gains(space, shares)[:, :, None, None]
    given = convolved(sizes, jnp.int32(3), images, kernel * gains)
    np.testing.assert_allclose(given, 0.7 * plain(3) + 0.3 * plain(5), rtol=1e-4, atol=1e-5)


def test_first_weights_are_scaled_by_what_the_shares_leave_of_a_kernel():
    """And by the channels in use: of an image, three; behind a convolution, all."""
    wired = {}
    for name, chosen in (("mixed", MIXED), ("without", WITHOUT_FIRST)):
        wired[name] = child.read(Design(COLOURED, 8), jnp.asarray(chosen)).wired
    mixed = 3 * (9 * 1.0**2 + 16 * 0.3**2)
    np.testing.assert_allclose(wired["mixed"].fan_in, [mixed, 4 * 1, 4 * 9], rtol=1e-3)
    half = 4 * (1 + 8 * 0.5**2)
    np.testing.assert_allclose(wired["without"].fan_in, [3 * 9, 3 * 25, half], rtol=1e-3)
    assert wired["mixed"].active == 6 * 6 * 4


def test_what_is_told_of_a_network():
    present = convolutions(COLOURED, MIXED)
    assert [(one.number, one.size, one.presence, one.channels, one.side) for one in present] == [
        (1, 5, 0.8, 3, 12),
        (2, 1, 1.0, 4, 6),
    ]
    told = summary(COLOURED, MIXED)
    mixed = "(80 % (70 % 3x3 + 30 % 5x5) (60 % relu + 40 % tanh) + 20 % bypass)"
    assert told.startswith(f"{mixed} → halved → 1x1 tanh → front → 8 relu → output")
    assert json.loads(json.dumps(describe(COLOURED, MIXED)))["sides"] == [12, 6, 6, 6]
    axes = written("draw", COLOURED, MIXED, UNKNOWN).axes
    texts = [text.get_text() for text in axes[0].texts]
    assert texts[0::2][-1] == "dense layers" and texts[1::2] == [
        "12 × 12 × 3",
        "6 × 6 × 4",
        "6 × 6 × 4",
        "6 × 6 × 4",
    ]
    with pytest.raises(UserError, match="no point of the space"):
        summary(COLOURED, np.full(COLOURED.dimension, 20.0))


def upper_or_lower():
    """Images whose answer is whether the upper half is brighter."""
    rng = np.random.default_rng(0)
    signal = rng.uniform(-1, 1, 160)
    images = 128 + 100 * signal[:, None, None] * np.repeat([1, -1], 4)[None, :, None]
    images = np.clip(images + rng.normal(scale=8, size=(160, 8, 8)), 0, 255).astype(np.uint8)
    return ta.make_task((images, signal > 0), name="upper or lower")


def test_the_contract_on_images():
    plain = ([0, 1], [1, 0], [1, 0])
    mixed = ([0.5, 0.5], [0.5, 0.5], [0.5, 0.5])
    points = [point(TINY, *layers) for layers in ((plain, plain), (mixed, mixed), (plain, mixed))]
    check_child(lambda: (TINY, np.stack(points)), tasks=[upper_or_lower()])


def test_a_step_reads_changed_images(monkeypatch):
    seen = []

    def step(state, candidate, batch, now):
        seen.append((batch, now))
        return state

    monkeypatch.setattr(child.mixture, "step", step)
    images = np.arange(8 * 64, dtype=np.float32).reshape(8, 8, 8, 1)
    batch = Batch(rows_of(jnp.asarray(images)), jnp.zeros(8), None, jnp.ones(2, bool), True)
    now = Now(jax.random.key(2), jnp.float32(1.0), jnp.float32(0.0))
    candidate = child.read(Design(ONE, 8, augment=("flip",)), jnp.asarray(point(ONE, ([1], [1], [1, 0]))))
    child.step(State({}), candidate, batch, now)
    [(changed, after)] = seen
    given = np.asarray(changed.x.numbers).reshape(images.shape)
    mirrored = [bool((one == image[:, ::-1]).all()) for one, image in zip(given, images, strict=True)]
    kept = [bool((one == image).all()) for one, image in zip(given, images, strict=True)]
    assert 0 < sum(mirrored) < 8 and sum(mirrored) + sum(kept) == 8
    assert after.key != now.key, "the draws of the changes are used once"
    assert child.CHILD.augments(ONE) == ("crop", "flip", "cutout")


def test_search_fit_save_and_load(tmp_path):
    task = upper_or_lower()
    # Rows and recipe are those of the contract: one program.
    strategy = ta.strategies.aging_evolution(population=4, sample=2)
    found = ta.search(TINY, strategy, task=task, recipe=RECIPE, budget=6, progress=False)
    assert found.best.score > 0.9 and not found.diverged.any() and len(np.unique(found.scores)) > 1
    assert "class Front" in found.source() and found.module().outputs == 2
    # Of one convolution, whose program is the fastest to compile.
    chosen = point(ONE, ([1], [1], [1, 0]))
    chosen[-3] = 1.0  # the learning rate, so that few steps are enough
    model = fit(task, ONE, chosen, recipe=RECIPE, progress=False)
    images, labels = task.data.pixels[:40], task.target[:40]
    assert model.score(images, np.array(task.classes)[labels]) > 0.9
    model.save(tmp_path / "model")
    again = ta.load_model(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(images[:9]), model.predict(images[:9]))
    with pytest.raises(UserError, match="computes mixtures, and 'front' is another kind of space"):
        model.export(tmp_path / "exported", to="numpy")
    assert model.export(tmp_path / "function", to="stablehlo").is_dir()
