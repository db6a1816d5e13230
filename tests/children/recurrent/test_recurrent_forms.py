"""Recurrent cells as modules, as code and drawn: all equal the shared program."""

import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.recurrent.cell import Kernels, Memory, coded, stepped
from taskaware.children.recurrent.draw import draw_cell
from taskaware.children.recurrent.network import cell_network, module_variables
from taskaware.children.recurrent.source import source
from taskaware.spaces import recurrent_cells
from taskaware.spaces.recurrent_cells import ACTIVATIONS, COMBINATIONS

SPACE = recurrent_cells()
ALL = recurrent_cells(5, combinations=COMBINATIONS, activations=ACTIVATIONS)
DRAWN = ALL.sample_on_host(np.random.default_rng(0), 3)
POINTS = [(SPACE, SPACE.named("lstm")), (SPACE, SPACE.named("published")), *((ALL, each) for each in DRAWN)]
UNITS, INPUTS, ROWS = 3, 2, 4
RUN = jax.jit(lambda space, point, *given: stepped(coded(space, point), *given), static_argnums=0)


def numbers(*shape):
    rng = np.random.default_rng(sum(shape))
    return jnp.asarray(rng.normal(size=shape), jnp.float32)


def written(space, point):
    """The cell of the code, which knows nothing of taskaware."""
    text = source(space, point, UNITS)
    assert "taskaware." not in text.split("\n", 1)[1]
    names: dict = {}
    exec(compile(text, "cell.py", "exec"), names)
    return names["Cell"]()


def test_module_and_code_equal_the_shared_program():
    used = set()
    for space, point in POINTS:
        shape = (space.base, UNITS)
        kernels = Kernels(numbers(INPUTS, *shape), numbers(UNITS, *shape), numbers(*shape))
        before, inputs = Memory(numbers(ROWS, UNITS), numbers(1 + ROWS, UNITS)[1:]), numbers(ROWS, INPUTS)
        expected = RUN(space, jnp.asarray(point), kernels, before, inputs)
        carry, variables = (before.memory, before.hidden), module_variables(kernels)
        for cell in (cell_network(space, point, UNITS), written(space, point)):
            (memory, hidden), given = cell.apply(variables, carry, inputs)
            np.testing.assert_allclose(hidden, expected.hidden, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(memory, expected.memory, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(given, hidden)
        used |= {label for node in space.decode(point).nodes for label in node}
    assert used == {*COMBINATIONS, *ACTIVATIONS}


def test_a_cell_runs_over_sequences_as_those_of_flax():
    space, point = POINTS[1]
    cell, sequence = cell_network(space, point, UNITS), numbers(ROWS, 3, INPUTS)
    variables = nn.RNN(cell).init(jax.random.key(0), sequence)
    weights = {"params": variables["params"]["cell"]}
    leaves = jax.tree.leaves(weights)
    assert sum(leaf.size for leaf in leaves) == 8 * UNITS * (INPUTS + UNITS + 1)
    assert 0.07 < max(float(jnp.abs(leaf).max()) for leaf in leaves) <= 0.08
    for run in (cell, written(space, point)):
        given = nn.RNN(run).apply(variables, sequence)
        carry = run.initialize_carry(jax.random.key(0), (ROWS, INPUTS))
        for step in range(3):
            carry, hidden = run.apply(weights, carry, sequence[:, step])
            np.testing.assert_allclose(given[:, step], hidden, rtol=1e-5, atol=1e-6)
        assert not np.allclose(given[:, 1], given[:, 2])


def test_a_cell_is_drawn_with_all_its_nodes():
    space, point = POINTS[1]
    texts = [text.get_text() for text in draw_cell(space, point).axes[0].texts]
    nodes = [f"{node.combination}\n{node.activation}" for node in space.decode(point).nodes]
    # Beside the nodes and their numbers: what leaves read, the memories, how the last one joins, the note.
    expected = [*nodes, *map(str, range(15)), *["xₜ", "hₜ₋₁"] * 8, "cₜ₋₁", "cₜ", "hₜ", "add\ntanh"]
    assert sorted(texts[:-1]) == sorted(expected)


@pytest.mark.parametrize("base", [2, 3, 5, 8, 32])
def test_nothing_in_a_drawing_hides_another_thing(base):
    space = recurrent_cells(base)
    for point in space.sample_on_host(np.random.default_rng(base), 2):
        figure = draw_cell(space, point)
        places = [(*text.get_position(), "\n" in text.get_text()) for text in figure.axes[0].texts]
        for (x, y, tall), (other_x, other_y, other_tall) in itertools.combinations(places, 2):
            apart = 0.42 if tall and other_tall else 0.2
            assert abs(x - other_x) > apart or abs(y - other_y) > 0.15 + 0.1 * (tall + other_tall)
        (left, right), (low, high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
        assert all(left < x < right and low < y < high for x, y, _ in places)
