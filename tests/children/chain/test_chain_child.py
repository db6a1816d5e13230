"""One program trains many different chains, and equals the module of each."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

import taskaware as ta
from taskaware.children.chain import child
from taskaware.children.chain.count import cost, shapes
from taskaware.children.chain.draw import draw_chain
from taskaware.children.chain.network import chain_network
from taskaware.children.chain.source import source
from taskaware.children.chain.weights import module_variables
from taskaware.children.child import Batch, Design, Now
from taskaware.children.mixture.network import Inputs
from taskaware.spaces import Layer, chain
from taskaware.testing.child_contract import check_child
from taskaware.training.recipe import TrainingRecipe

# An odd side has an edge where images are halved.
SPACE = chain((2, 3), kernels=(1, 3, 5), filters=(2, 3), strides=(1, 2, 3), pooling=True, side=9, channels=1)
CHAINS = [
    # All sizes differ, and the second layer has no input but the image.
    (
        Layer(5, 1, 3, (0,), (2, 1)),
        Layer(1, 3, 2, (0,), (1, 1), pooled=True),
        Layer(3, 5, 2, (1, 2), (1, 3)),
    ),
    # Nothing is read: three outputs, of 9 x 9, 3 x 5 and 2 x 2 pixels.
    (
        Layer(3, 3, 2, (0,)),
        Layer(3, 1, 3, (0,), (3, 2)),
        Layer(1, 1, 3, (0,), (3, 3), pooled=True),
    ),
    # A layer less.
    (Layer(3, 3, 2, (0,)), Layer(1, 3, 3, (1,), (2, 1))),
]
TINY = chain(2, kernels=(1, 3), filters=(2, 4), side=8, channels=1)


def shifted(params):
    """Other numbers than the first ones, so that scales, biases and moving numbers count, too."""
    return {
        name: leaf + 0.1 * np.sin(np.arange(leaf.size)).reshape(leaf.shape) for name, leaf in params.items()
    }


def test_the_shared_program_equals_the_module_and_the_code():
    images = jax.random.normal(jax.random.key(1), (4, 9, 9, 1))
    batch = Batch(
        Inputs(images.reshape(4, -1), jnp.zeros((4, 0))), jnp.zeros(4), None, jnp.ones(2, bool), True
    )
    init, outputs, step = jax.jit(child.init), jax.jit(child.outputs), jax.jit(child.step)
    now = Now(jax.random.key(2), jnp.float32(0.0), jnp.float32(0.0))
    for layers in CHAINS:
        point = SPACE.encode(layers)
        candidate = child.read(Design(SPACE, 3), jnp.asarray(point))
        state = init(jax.random.key(0), candidate, batch)
        params = shifted(state.params)
        module, variables = chain_network(SPACE, point, 2), module_variables(SPACE, point, params)
        _, moved = jax.jit(functools.partial(module.apply, training=True, mutable="batch_stats"))(
            variables, images
        )
        # A step with a rate of 0 changes only the moving means and variances.
        after = step(state._replace(params=params), candidate, batch, now).params
        own = module_variables(SPACE, point, after)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
            own,
            {"params": variables["params"], "batch_stats": moved["batch_stats"]},
        )
        expected = jax.jit(module.apply)(own, images)
        np.testing.assert_allclose(outputs(after, candidate, batch), expected, rtol=1e-4, atol=1e-5)
        names: dict = {}
        exec(compile(source(SPACE, point, 2), "network.py", "exec"), names)
        alone = jax.jit(names["Network"]().apply)(own, images)
        np.testing.assert_allclose(alone, expected, rtol=1e-4, atol=1e-5)
    assert outputs._cache_size() == step._cache_size() == 1
    assert "taskaware." not in source(SPACE, point, 2).split("\n", 1)[1]


def test_counts_are_those_of_the_module():
    image = jnp.zeros((1, 9, 9, 1))
    for layers in CHAINS:
        point = SPACE.encode(layers)
        weights = jax.eval_shape(chain_network(SPACE, point, 2).init, jax.random.key(0), image)["params"]
        assert cost(SPACE, point, 2).parameters == sum(leaf.size for leaf in jax.tree.leaves(weights))
    # The third layer reads 5 x 9 pixels of five channels.
    assert shapes(SPACE, CHAINS[0]) == [(9, 9, 1), (5, 9, 3), (5, 5, 2), (5, 3, 2)]
    by_hand = (5 * 9) * (5 * 3) + (9 * 9) * (3 * 2) + (5 * 3) * (3 * 5 * 5 * 2) + 2 * 2
    assert cost(SPACE, SPACE.encode(CHAINS[0]), 2).multiply_adds == by_hand


def test_layers_and_connections_are_drawn():
    axes = draw_chain(SPACE, SPACE.encode(CHAINS[0])).axes[0]
    texts = [text.get_text() for text in axes.texts]
    layers = ["1: 3 filters of 5 × 1, stride 2 × 1", "2: 2 filters of 1 × 3, pooled"]
    layers.append("3: 2 filters of 3 × 5, stride 1 × 3")
    assert texts[:5] == ["image", *layers, "mean over pixels, dense layer"]
    assert texts[5:] == ["9 × 9 × 1", "5 × 9 × 3", "5 × 5 × 2", "5 × 3 × 2"]
    # Three lines to the next, and arcs with their heads: from the image to 2, from 1 to 3.
    assert len(axes.lines) == 3 + 2 * 2
    several = [text.get_text() for text in draw_chain(SPACE, SPACE.encode(CHAINS[1])).axes[0].texts]
    assert "concatenated, mean over pixels, dense layer" in several


def test_the_contract_on_images():
    """The answer is whether the upper half is brighter."""
    rng = np.random.default_rng(0)
    signal = rng.uniform(-1, 1, 160)
    images = 128 + 100 * signal[:, None, None] * np.repeat([1, -1], 4)[None, :, None]
    images = np.clip(images + rng.normal(scale=8, size=(160, 8, 8)), 0, 255).astype(np.uint8)
    layers = [Layer(3, 1, 4, (0,)), Layer(1, 3, 2, (0,))]
    points = np.stack([TINY.named("plain"), np.zeros(TINY.dimension), TINY.encode(layers)])
    check_child(lambda: (TINY, points), tasks=[ta.make_task((images, signal > 0))])


def test_evolution_trains_chains_on_digits():
    digits = load_digits(n_class=2)
    task = ta.make_task((digits.images, digits.target))
    # The rate and the steps between evaluations are those of the contract: one program.
    recipe = TrainingRecipe(steps=100, evaluations=10, batch_size=32, learning_rate=0.01)
    strategy = ta.strategies.aging_evolution(population=4, sample=2)
    found = ta.search(TINY, strategy, task=task, recipe=recipe, budget=8, progress=False)
    assert found.best.score > 0.9 and not found.diverged.any()
    assert len(np.unique(found.points, axis=0)) > 4 and len(np.unique(found.scores)) > 2
    assert found.module().outputs == 2 and "class Network" in found.source()
