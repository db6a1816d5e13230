"""Networks of cells: counts are exact, source code runs alone, both cells are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.cells.count import cost
from taskaware.children.cells.draw import draw_cells
from taskaware.children.cells.network import cell_network
from taskaware.children.cells.source import source
from taskaware.errors import UserError
from taskaware.spaces import cells, space_from
from taskaware.spaces.cells import KNOWN

# An odd side, so that halving has an edge.
SPACE = cells(repeats=2, filters=4, stem=6, side=9)
SERIES = cells(repeats=2, filters=4, stem=6, side=21, channels=2, axes=1)
INPUTS = {SPACE: jnp.zeros((1, 9, 9, 3)), SERIES: jnp.zeros((1, 21, 2))}


def multiply_adds(module, variables):
    """Of all convolutions and products in the traced program, for one row."""
    total = 0
    for step in jax.make_jaxpr(module.apply)(variables, INPUTS[module.space]).eqns:
        if step.primitive.name == "conv_general_dilated":
            kernel = step.invars[1].aval.shape
            total += step.outvars[0].aval.size * int(np.prod(kernel[:-1]))
        if step.primitive.name == "dot_general":
            total += int(np.prod(step.invars[1].aval.shape))
    return total


@pytest.mark.parametrize(
    ("space", "name"), [*((SPACE, name) for name in (*KNOWN, "resnet")), (SERIES, "amoebanet-a")]
)
def test_counts_are_those_of_the_module(space, name):
    point = space.named(name)
    module = cell_network(space, point, 5)
    variables = jax.eval_shape(module.init, jax.random.key(0), INPUTS[space])
    parameters = sum(leaf.size for leaf in jax.tree.leaves(variables))
    assert cost(space, point, 5) == (parameters, multiply_adds(module, variables))


@pytest.mark.parametrize("axes", [2, 1])
def test_source_runs_alone_with_the_weights_of_the_module(axes):
    small = cells(2, filters=2, side=9, axes=axes)
    # All eight operations, four for each cell.
    point = np.array([0, 0, 1, 1, 2, 2, 0, 3, 0, 4, 1, 5, 1, 6, 2, 7], np.float32)
    names: dict = {}
    exec(compile(source(small, point, 3), "network.py", "exec"), names)
    module, alone = cell_network(small, point, 3), names["Network"]()
    images = jax.random.normal(jax.random.key(1), (2, *[9] * axes, 3))
    rng = np.random.default_rng(0)
    fresh = jax.eval_shape(module.init, jax.random.key(0), images)
    weights = jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(leaf.dtype), fresh)
    given = jax.jit(module.apply)(weights, images)
    np.testing.assert_allclose(given, jax.jit(alone.apply)(weights, images), rtol=1e-5, atol=1e-5)
    assert np.isfinite(given).all() and not np.allclose(given[0], given[1])
    assert "import taskaware" not in source(small, point, 3) and "from taskaware" not in source(
        small, point, 3
    )


def test_both_cells_are_drawn():
    figure = draw_cells(SPACE, SPACE.named("amoebanet-a"))
    assert [axes.get_title() for axes in figure.axes] == ["normal cell", "reduction cell"]
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    # Two operations for each of five combinations of two cells, seven hidden states, one output.
    assert len(texts) == 2 * (10 + 7 + 1) and texts.count("1x7\nthen 7x1") == 1
    figure = draw_cells(SERIES, SERIES.named("amoebanet-a"))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts.count("convolution\n7") == 1 and not any("x" in text.replace("max", "") for text in texts)


def test_what_is_set_on_the_space_names_it():
    for space in (SPACE, SERIES):
        assert space_from(space.to_dict()) == space
    settings = [{}, {"repeats": 3}, {"filters": 9}, {"stem": 9}, {"side": 8}, {"channels": 1}, {"axes": 1}]
    assert len({cells(**each).digest for each in settings}) == len(settings)
    for wrong in ({"repeats": 0}, {"side": 4}, {"channels": 2}, {"axes": 3}, {"axes": 1, "channels": 0}):
        with pytest.raises(UserError, match="is out of range. Give"):
            cells(**wrong)
