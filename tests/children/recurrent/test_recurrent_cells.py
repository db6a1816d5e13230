"""One program runs all recurrent cells: a plain LSTM, the published cell, and any tree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.recurrent.cell import Kernels, Memory, coded, stepped
from taskaware.errors import UserError
from taskaware.spaces import recurrent_cells
from taskaware.spaces.recurrent_cells import ACTIVATIONS, COMBINATIONS

SPACE = recurrent_cells()
ALL = recurrent_cells(5, combinations=COMBINATIONS, activations=ACTIVATIONS)
UNITS, INPUTS, ROWS = 3, 2, 4
RUN = jax.jit(lambda space, point, *given: stepped(coded(space, point), *given), static_argnums=0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


PLAIN = {
    **{"add": np.add, "elem_mult": np.multiply, "max": np.maximum},
    **{"identity": lambda x: x, "tanh": np.tanh, "sigmoid": sigmoid, "sin": np.sin},
    "relu": lambda x: np.maximum(x, 0),
}


def drawn(base, seed=0):
    """Weights, memory and inputs."""
    rng = np.random.default_rng(seed)
    shapes = ((INPUTS, base, UNITS), (UNITS, base, UNITS), (base, UNITS))
    kernels = Kernels(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))
    memory = Memory(*(rng.normal(size=(ROWS, UNITS)).astype(np.float32) for _ in range(2)))
    return kernels, memory, rng.normal(size=(ROWS, INPUTS)).astype(np.float32)


def products(kernels, memory, inputs):
    """What each leaf combines: (B, n, H) of the inputs and of the hidden state."""
    given = np.einsum("ni,ibh->bnh", inputs, kernels.inputs) + kernels.bias[:, None]
    return given, np.einsum("nh,hbk->bnk", memory.hidden, kernels.hidden)


def assert_step(space, point, given, hidden, memory):
    found = RUN(space, jnp.asarray(point), *given)
    np.testing.assert_allclose(found.hidden, hidden, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.memory, memory, rtol=1e-4, atol=1e-5)


def test_the_named_lstm_is_a_plain_lstm():
    """Whose forget gate has the sum of two leaves' weights, and whose output gate that of four."""
    kernels, memory, inputs = given = drawn(8)
    joined = jnp.concatenate
    weights = joined([jnp.asarray(kernels.inputs), jnp.asarray(kernels.hidden), kernels.bias[None]])
    both = joined([inputs, memory.hidden, np.ones((ROWS, 1), np.float32)], axis=1)
    forget, enter, new, leave = (
        both @ weights[:, leaves].sum(1) for leaves in (np.s_[:2], np.s_[2:3], np.s_[3:4], np.s_[4:])
    )
    cell = sigmoid(forget) * memory.memory + sigmoid(enter) * np.tanh(new)
    assert_step(SPACE, SPACE.named("lstm"), given, sigmoid(leave) * np.tanh(cell), cell)


def test_the_published_cell():
    given = drawn(8)
    x, h = products(*given)
    first = sigmoid(x[0] + h[0]), np.maximum(x[1] + h[1], 0), sigmoid(x[2] + h[2]), np.maximum(x[3] * h[3], 0)
    second = np.tanh(x[4] + h[4]), sigmoid(x[5] + h[5]), np.tanh(x[6] + h[6]), sigmoid(x[7] + h[7])
    cell = np.tanh(np.tanh(first[0] * first[1]) + given[1].memory) * np.tanh(first[2] + first[3])
    right = np.tanh(np.tanh(second[0] * second[1]) + sigmoid(second[2] + second[3]))
    assert_step(SPACE, SPACE.named("published"), given, np.tanh(cell * right), cell)


def test_any_tree_is_what_its_nodes_say():
    given = drawn(ALL.base)
    x, h = products(*given)
    for point in ALL.sample_on_host(np.random.default_rng(1), 12):
        cell, values = ALL.decode(point), []
        for number, node in enumerate(cell.nodes):
            inner = 2 * (number - ALL.base)
            pair = (x[number], h[number]) if number < ALL.base else values[inner : inner + 2]
            made = PLAIN[node.combination](*pair)
            values.append(PLAIN[node.activation](made))
            if number == cell.memory:
                memory = made
            if number == cell.joined:
                joined = PLAIN[cell.inject.combination](values[-1], given[1].memory)
                values[-1] = PLAIN[cell.inject.activation](joined)
        assert_step(ALL, point, given, values[-1], memory)
        np.testing.assert_array_equal(ALL.encode(cell), point)
    assert RUN._cache_size() <= 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: recurrent_cells(1), "base=1 is out of range"),
        (
            lambda: recurrent_cells(activations=("tanh", "tahn")),
            "Unknown activation 'tahn'. Did you mean 'tanh'",
        ),
        (lambda: recurrent_cells(combinations=("add", "add")), "each once"),
        (lambda: SPACE.named("gru"), "Unknown design 'gru'"),
        (lambda: ALL.named("lstm"), "The cell has 15 nodes; those of 'recurrent-cells' have 9"),
        (lambda: SPACE.decode(np.full(34, 9, np.float32)), "is no point"),
    ],
)
def test_what_is_no_cell_is_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()
