"""One program trains many different cells, and equals the module of each."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taskaware as ta
from taskaware.children.cells import child
from taskaware.children.cells.network import cell_network
from taskaware.children.cells.weights import module_params
from taskaware.children.child import Batch, Design
from taskaware.children.mixture.network import Inputs
from taskaware.errors import UserError
from taskaware.objectives.readable import suited
from taskaware.spaces import cells
from taskaware.spaces.cells import Stack
from taskaware.testing.child_contract import check_child
from taskaware.training.prepare import fitted_blocks
from taskaware.training.recipe import TrainingRecipe

# An odd side has an edge where images are halved.
SPACE = cells(2, filters=2, side=9, channels=1)
WINDOWS = ("separable 5x5", "dilated separable 3x3", "average pooling 3x3", "1x7 then 7x1")
SERIES = cells(1, filters=2, side=9, channels=2, axes=1, operations=WINDOWS)
SMALL = cells(1, filters=2, side=8, channels=1, operations=("identity", "separable 3x3"))
# All eight operations, four in each cell.
POINT = np.array([0, 0, 1, 1, 2, 2, 0, 3, 0, 4, 1, 5, 1, 6, 2, 7], np.float32)


@pytest.mark.parametrize(
    ("space", "first"),
    [(SPACE, POINT), (SERIES, np.array([0, 0, 1, 1, 0, 2, 1, 3], np.float32))],
    ids=["images", "series"],
)
def test_the_shared_program_equals_the_module(space, first):
    images = jax.random.normal(jax.random.key(1), (3, *[9] * space.axes, space.stack.channels))
    batch = Batch(
        Inputs(images.reshape(3, -1), jnp.zeros((3, 0))), jnp.zeros(3), None, jnp.ones(2, bool), True
    )
    init, outputs = jax.jit(child.init), jax.jit(child.outputs)
    read = jax.jit(child.read, static_argnums=0)
    before, half = outputs._cache_size(), len(first) // 2
    for point in (first, np.concatenate([first[half:], first[:half]])):
        candidate = read(Design(space, 2), jnp.asarray(point))
        params = init(jax.random.key(0), candidate, batch).params
        # Scales and biases that differ from 1 and 0 count, too.
        params = {
            name: jnp.asarray(leaf + 0.1 * np.sin(np.arange(leaf.size)).reshape(leaf.shape), leaf.dtype)
            for name, leaf in jax.device_get(params).items()
        }
        own = module_params(space, point, params)
        expected = jax.jit(cell_network(space, point, 2).apply)({"params": own}, images)
        np.testing.assert_allclose(outputs(params, candidate, batch), expected, rtol=1e-4, atol=1e-5)
    assert outputs._cache_size() == before + 1


def test_the_contract_on_images():
    """The answer is whether the upper half is brighter."""
    rng = np.random.default_rng(0)
    signal = rng.uniform(-1, 1, 160)
    images = 128 + 100 * signal[:, None, None] * np.repeat([1, -1], 4)[None, :, None]
    images = np.clip(images + rng.normal(scale=8, size=(160, 8, 8)), 0, 255).astype(np.uint8)
    points = np.array([[1, 1, 0, 0] * 2, [0, 0, 1, 1] * 2, [1, 1, 1, 0] * 2], np.float32)
    check_child(lambda: (SMALL, points), tasks=[ta.make_task((images, signal > 0))])


def test_tables_have_no_pixels():
    with pytest.raises(UserError, match="reads pixels of images, and 'iris' is of modality 'tables'"):
        ta.search("cells", "random", task="iris", budget=1, progress=False)


def test_cells_of_series_and_of_spectrograms():
    """Series give the space one axis, their length and their channels; sounds give it one channel."""
    rng = np.random.default_rng(0)
    slow = rng.random(96) < 0.5
    waves = np.sin(np.arange(13) * np.where(slow, 0.5, 1.5)[:, None, None]) + rng.normal(0, 0.2, (96, 2, 13))
    waves[0], waves[1, 1] = np.nan, np.nan
    task = ta.make_task((waves, slow))
    recipe = TrainingRecipe(steps=20, evaluations=2, batch_size=32, learning_rate=0.01)
    found = ta.search(SMALL, "random", task=task, recipe=recipe, budget=2, progress=False)
    assert (found.space.axes, found.space.stack.side, found.space.stack.channels) == (1, 12, 2)
    assert found.best.score > 0.8
    with pytest.raises(UserError, match="Unknown change of rows 'flip'. Allowed: crop, cutout"):
        found.fit(augment="flip", progress=False)
    with pytest.raises(UserError, match="the space reads 1, these series have 2. Give cells"):
        ta.search(cells(1, axes=1, channels=1), "random", task=task, budget=1, progress=False)
    sounds = ta.make_task([(rng.normal(0, 0.1, 400), 8000) for _ in range(10)], ["a", "b"] * 5)
    assert suited(SMALL, sounds).stack.channels == 1 and suited(cells(), sounds).stack == Stack(channels=1)
    block = fitted_blocks(sounds, np.arange(3), suited(SMALL, sounds).embedding_names)
    squares = block.transform(sounds.data)["pixels_8_1"]
    assert squares.shape == (10, 64) and abs(squares[:3].mean()) < 1e-6
