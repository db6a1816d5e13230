import ast
import dataclasses
import functools
import subprocess
import sysconfig
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from taskaware.children.mixture.child import group
from taskaware.children.mixture.cost import Reads, exactly
from taskaware.children.mixture.network import (
    Columns,
    Inputs,
    MixtureNetwork,
    mean_of_members,
    wiring,
)
from taskaware.children.mixture.source import parameter_count, source
from taskaware.children.mixture.source_weights import source_params
from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.spaces import MixtureSpace, Point, preset
from taskaware.spaces.mixture_checks import MEMBERS
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe

ROWS, OUTPUTS = 5, 3
TABLES = dataclasses.replace(preset("extended"), embeddings=preset("compact").embeddings)
"""The space `extended` with the embeddings of tables."""
# One feature: a column of each of three embeddings, 2 bins and 4 waves; then two columns of padding.
BLOCK = [0, 1, 2, 3, 3, 4, 4, 4, 4]
SHAPES = {"both": (BLOCK + [7, 7], 4), "numbers": (BLOCK, 0), "categories": ([], 4)}


discretise = jax.jit(MixtureSpace.discretise, static_argnums=0)


@functools.cache
def points(space):
    """Two plain networks and two mixtures."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (4, space.dimension)).clip(-9, 9)
    drawn = space.decode(jnp.asarray(logits, jnp.float32))
    drawn = np.asarray(space.encode(drawn._replace(recipe=jax.nn.sigmoid(drawn.recipe))))
    return [*np.asarray(discretise(space, drawn[:2])), *drawn[2:]]


def built(space, layers, **embeddings):
    """A point with these layers, each (presence, {(size, activation): share}), and embedding shares."""
    point = space.decode(np.full(space.dimension, -9.0, np.float32))
    alpha, beta, gamma, recipe = (np.array(part) for part in point)
    for slot, (presence, shares) in enumerate(layers):
        beta[slot] = logits(presence), logits(1 - presence)
        for baseline, share in shares.items():
            alpha[slot, space.baselines.index(baseline)] = logits(share)
    beta[len(layers) :, 1] = 0
    for name, share in embeddings.items():
        gamma[space.embedding_names.index(name)] = logits(share)
    return space.encode(Point(*map(jnp.asarray, (alpha, beta, gamma, np.full_like(recipe, 0.5)))))


def logits(share):
    return np.log(max(share, 1e-3))


def inputs_of(block, categories):
    rng = np.random.default_rng(2)
    return Inputs(
        rng.normal(size=(ROWS, len(block))).astype(np.float32),
        rng.normal(size=(ROWS, categories)).astype(np.float32),
    )


width_of = jax.jit(MixtureSpace.width, static_argnums=0)


@functools.partial(jax.jit, static_argnums=(0, 2))
def wired_of(space, vector, width):
    return wiring(space, space.weights(vector), width, jnp.zeros(()))


def trained(space, vector, x, block, outputs=OUTPUTS):
    """Parameters as if trained, without a zero among them, and the outputs that they give."""
    [(key, _)] = group(space, jnp.asarray(vector)[None])
    width, members, rng = abs(key), MEMBERS if key < 0 else 1, np.random.default_rng(3)
    columns = Columns(jnp.asarray(block, jnp.int32), jnp.ones(len(space.embedding_names)))
    wired = wired_of(space, vector, width)
    network = MixtureNetwork(space, width, outputs, members)
    shapes = jax.eval_shape(network.init, jax.random.key(0), x, columns, wired)["params"]
    params = jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)
    return params, given_by(network, params, x, columns, wired)


@functools.partial(jax.jit, static_argnums=0)
def given_by(network, params, x, columns, wired):
    given = network.apply({"params": params}, x, columns, wired)
    if network.members == 1:
        return given
    return mean_of_members(given, "classes" if network.outputs > 1 else "values")


def emitted(text):
    names = {"__name__": "emitted"}
    exec(compile(text, "emitted.py", "exec"), names)
    return names["Network"]()


def answers(text, params, x):
    """Outputs of the emitted code, called with the inputs that the table has."""
    return jax.jit(emitted(text).apply)({"params": params}, *(part for part in x if part.shape[-1]))


def products(program):
    """Multiply-adds of all matrix products of a program, those of the functions that it calls included."""
    total = 0
    for step in program.eqns:
        total += sum(products(inner) for inner in jax.core.jaxprs_in_params(step.params))
        if step.primitive.name == "dot_general":
            (contracted, _), _ = step.params["dimension_numbers"]
            summed = [step.invars[0].aval.shape[axis] for axis in contracted]
            total += step.outvars[0].aval.size * int(np.prod(summed))
    return total


def assert_same_outputs(space, vector, block, categories):
    sizes = {"block": block, "categories": categories, "outputs": OUTPUTS}
    x = inputs_of(block, categories)
    params, expected = trained(space, vector, x, block)
    found = source_params(space, vector, params, **sizes)
    np.testing.assert_allclose(
        answers(source(space, vector, **sizes), found, x), expected, rtol=1e-4, atol=1e-4
    )
    assert sum(leaf.size for leaf in jax.tree.leaves(found)) == parameter_count(space, vector, **sizes)
    network = emitted(source(space, vector, **sizes))
    program = jax.make_jaxpr(network.apply)({"params": found}, *(part for part in x if part.shape[-1]))
    reads = Reads.of(space, np.bincount(block, minlength=len(space.embedding_names)), categories, OUTPUTS)
    assert products(program.jaxpr) == ROWS * exactly(space, vector[None], reads).multiply_adds[0]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("compact", "both"),
        ("compact", "numbers"),
        ("compact", "categories"),
        ("published", "both"),
        ("tables", "both"),
    ],
)
def test_emitted_code_answers_as_the_network_does(name, shape):
    space = TABLES if name == "tables" else preset(name)
    # All four once; elsewhere one plain network and one mixture.
    every = (name, shape) == ("compact", "both")
    for vector in points(space) if every else points(space)[1:3]:
        assert_same_outputs(space, vector, *SHAPES[shape])


@pytest.mark.parametrize("name", ["compact", "published"])
@pytest.mark.parametrize(
    "layers",
    [
        [],
        [(1, {(16, "tanh"): 1}), (0.7, {(64, "relu"): 1}), (0.4, {(32, "relu"): 0.5, (128, "tanh"): 0.5})],
        [(0.5, {(32, "relu"): 1}), (0, {(128, "relu"): 1}), (1, {(16, "tanh"): 0.9, (16, "relu"): 0.1})],
    ],
    ids=["none", "growing", "absent"],
)
def test_widths_that_grow_shrink_and_pass_by(name, layers):
    space = preset(name)
    vector = built(space, layers, quantile=0.6, standardised=0.4, learned=1)
    assert_same_outputs(space, vector, [2, 0, 2, 2, 0], 3)


def test_only_what_has_a_share_is_written():
    space = preset("compact")
    vector = built(space, [(1, {(32, "relu"): 1}), (0, {}), (1, {(16, "tanh"): 1})], quantile=1, one_hot=1)
    text = source(space, vector, block=[0, 0, 2, 2, 4], categories=5, outputs=2)
    assert (
        text[text.index("    def __call__") :]
        == """\
    def __call__(self, numbers, categories, train=False):
        x = jnp.concatenate(
            [
                numbers[:, 2:4],  # quantile
                categories,  # one-hot
            ],
            axis=-1,
        )
        x = nn.Dense(32, name="embedding")(x)
        x = nn.relu(nn.Dense(32, name="layer1")(x))
        x = nn.Dropout(0.25, deterministic=not train)(x)
        x = nn.tanh(nn.Dense(16, name="layer2")(x))
        x = nn.Dropout(0.25, deterministic=not train)(x)
        return nn.Dense(2, name="output")(x)
"""
    )
    assert "mixture" not in text


def test_units_are_dropped_in_training_alone():
    space, block = preset("compact"), [2] * 4
    vector = built(space, [(1, {(128, "relu"): 1})], quantile=1, one_hot=1)
    sizes = {"block": block, "categories": 0, "outputs": OUTPUTS}
    x = inputs_of(block, 0)
    params, expected = trained(space, vector, x, block)
    network = emitted(source(space, vector, **sizes))
    found = {"params": source_params(space, vector, params, **sizes)}

    @jax.jit
    def dropped(seed):
        return network.apply(found, x.numbers, train=True, rngs={"dropout": jax.random.key(seed)})

    assert not np.allclose(dropped(0), dropped(1))
    several = np.mean([dropped(seed) for seed in range(40)], axis=0)
    np.testing.assert_allclose(several, expected, atol=6 * np.std(several - expected) + 0.1)


def test_fresh_parameters_have_the_names_and_shapes_of_carried_ones():
    space, (block, categories) = preset("published"), SHAPES["both"]
    vector = points(space)[-1]
    sizes = {"block": block, "categories": categories, "outputs": OUTPUTS}
    x = inputs_of(block, categories)
    params, _ = trained(space, vector, x, block)
    network = emitted(source(space, vector, **sizes))
    fresh = jax.eval_shape(network.init, jax.random.key(0), *x)["params"]
    found = source_params(space, vector, params, **sizes)
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, found)


def test_parameters_of_a_padded_task_are_cut_to_size():
    frame = pd.DataFrame({"x": np.arange(90.0) % 7, "c": ["a", "b", "c"] * 30, "y": list("uvwvwu") * 15})
    task = make_task(frame, "y")
    prepared = prepare(task, 0, TrainingRecipe())
    arrays, (numbers, categories) = prepared.arrays, prepared.blocks.encoder.transform(task.data)
    sizes = {
        "block": prepared.blocks.encoder.block,
        "categories": categories.shape[1],
        "outputs": task.outputs,
    }
    assert arrays.x.numbers.shape[1] > numbers.shape[1]
    assert arrays.x.categories.shape[1] > categories.shape[1]
    space = preset("compact")
    vector = points(space)[-1]
    x = Inputs(*(np.zeros((task.rows, part.shape[1]), np.float32) for part in arrays.x))
    x.numbers[:, : numbers.shape[1]], x.categories[:, : categories.shape[1]] = numbers, categories
    params, expected = trained(space, vector, x, arrays.columns.block, outputs=len(arrays.allowed))
    found = source_params(space, vector, params, **sizes)
    got = answers(source(space, vector, **sizes), found, (numbers, categories))
    np.testing.assert_allclose(got, expected[:, : task.outputs], rtol=1e-4, atol=1e-4)


def test_emitted_code_is_formatted_and_runs_alone(tmp_path):
    ruff = Path(sysconfig.get_path("scripts"), "ruff")
    if not ruff.is_file():
        pytest.skip("needs ruff: install taskaware[test]")
    for space in (preset("compact"), preset("published"), TABLES):
        for number, vector in enumerate(points(space)):
            for shape, (block, categories) in SHAPES.items():
                text = source(space, vector, block=block, categories=categories, outputs=OUTPUTS)
                imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]
                assert set(imports) <= {"import flax.linen as nn", "import jax", "import jax.numpy as jnp"}
                (tmp_path / f"{space.name}{number}{shape}.py").write_text(text, encoding="utf-8")
    for command in (
        ["check", "--select=E,F,I,B,UP,SIM,C4"],
        ["format", "--check", "--line-length=88"],
        ["format", "--check", "--line-length=110"],
    ):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--no-cache", tmp_path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_parameters_of_another_width_are_refused():
    space = preset("compact")
    narrow, wide = (built(space, [(1, {(size, "relu"): 1})], quantile=1) for size in (16, 128))
    params, _ = trained(space, wide, inputs_of([2], 0), [2])
    with pytest.raises(UserError, match="width 128, and this one has width 16"):
        source_params(space, narrow, params, block=[2], categories=0, outputs=OUTPUTS)


def test_shares_of_embeddings_without_columns_go_to_the_others():
    space = preset("compact")
    vector = built(space, [], quantile=1, one_hot=1)
    text = source(space, vector, block=[0, 1, 7], categories=0, outputs=1)
    assert "0.5 * numbers[:, 0:1],  # standardised" in text and "quantile" not in text
    with pytest.raises(UserError, match="needs an input"):
        source(space, vector, block=[7], categories=0, outputs=1)
    with pytest.raises(UserError, match="needs an input"):
        source(space, vector, block=[], categories=0, outputs=1)


HOSTILE = 'x")(x); __import__("os").system("touch owned"); """\n\\\nimport os\r#'


@pytest.mark.parametrize("where", ["embedding", "recipe"])
def test_names_become_no_code(where):
    space = preset("compact")
    if where == "embedding":
        (_, *others), categories = space.embeddings
        space = dataclasses.replace(space, embeddings=((HOSTILE, *others), categories))
    else:
        (first, *others) = space.recipe
        space = dataclasses.replace(space, recipe=(dataclasses.replace(first, name=HOSTILE), *others))
    corner = space.discretise(jnp.zeros(space.dimension))
    text = source(space, corner, block=[0, 0, 1], categories=0, outputs=2)
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert names <= {"nn", "jnp", "numbers", "x", "h", "train"}
    assert "touch owned" in text


def test_an_activation_that_is_none_is_refused():
    space = dataclasses.replace(preset("compact"), activations=("relu", "Dense(1).init#"))
    with pytest.raises(UserError, match="Unknown activation"):
        source(space, points(space)[2], block=[0, 1], categories=0, outputs=2)
