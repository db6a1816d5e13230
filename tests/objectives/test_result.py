"""The best point of a search as a module, as code, drawn, and trained to a model; what children inherit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

import taskaware as ta
from taskaware.children.cells.augment import augmented
from taskaware.children.cells.inherit import inherited
from taskaware.children.forms import Sizes
from taskaware.errors import UserError
from taskaware.objectives import Objective, Outcomes
from taskaware.objectives.inheriting import weights_folder
from taskaware.spaces import cells
from taskaware.spaces.rules import RuleSpace
from taskaware.strategies import portfolio_then, random
from taskaware.training.recipe import TrainingRecipe
from tests.toys.bits import Bits, one_max

CELLS = cells(1, filters=2, side=8, channels=1, operations=("identity", "separable 3x3"))
HASTY = TrainingRecipe(steps=10, evaluations=5, batch_size=32)
DIGITS = load_digits()
PICTURES, LABELS = DIGITS.images[DIGITS.target < 2], DIGITS.target[DIGITS.target < 2]
IMAGES = (PICTURES[:120], LABELS[:120])


@pytest.fixture(scope="module")
def on_images():
    """Two trainings of cells on 120 digits, 0 or 1."""
    return ta.search(CELLS, "random", task=IMAGES, recipe=HASTY, budget=2, progress=False)


def test_cells_are_built_written_and_drawn(on_images):
    names: dict = {}
    exec(compile(on_images.source(), "network.py", "exec"), names)
    image = np.zeros((1, 8, 8, 1), np.float32)
    of_module, of_code = (
        jax.eval_shape(each.init, jax.random.key(0), image)
        for each in (on_images.module(), names["Network"]())
    )
    assert jax.tree.map(np.shape, of_module) == jax.tree.map(np.shape, of_code)
    assert of_module["params"]["output"]["kernel"].shape[1] == 2
    assert [axes.get_title() for axes in on_images.draw().axes] == ["normal cell", "reduction cell"]
    assert repr(on_images).endswith(".draw() and .fit().")


def test_the_winner_on_more_data_is_a_model_that_is_saved_and_read(on_images, tmp_path):
    more = (PICTURES[:260], LABELS[:260])
    recipe = TrainingRecipe(steps=90, batch_size=32, learning_rate=0.02)
    model = on_images.fit(more, recipe=recipe, augment=["crop", "cutout"], progress=False)
    assert model.members == 1 and len(model.history) == 3
    held = PICTURES[260:], LABELS[260:]
    assert model.score(*held) > 0.9
    model.save(tmp_path / "model")
    again = ta.load_model(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(held[0]), model.predict_proba(held[0]))
    assert again.source() == on_images.source()
    with pytest.raises(UserError, match="Unknown change of rows 'flop'.*flip"):
        on_images.fit(augment="flop")
    with pytest.raises(UserError, match="is a classification of 10 outputs; the search was for"):
        on_images.fit((DIGITS.images, DIGITS.target))


def test_the_final_training_is_longer_than_those_of_the_search(on_images):
    longer = functools.partial(on_images._longer, on_images.task)
    assert longer(100).steps == 600 and longer(100).batch_size == HASTY.batch_size
    assert longer(10_000).steps == pytest.approx(80 * 10_000 / HASTY.batch_size, abs=120)


def test_images_change_as_the_names_say():
    key, images = jax.random.key(0), np.arange(1, 2 * 64 + 1, dtype=np.float32).reshape(2, 8, 8, 1)
    many = np.concatenate([images] * 20)
    flipped = np.asarray(augmented(key, jnp.asarray(many), ("flip",)))
    kinds = {(row == own).all() for row, own in zip(flipped, many, strict=True)}
    assert kinds == {True, False} and set(flipped[0].ravel()) == set(many[0].ravel())
    holes = np.asarray(augmented(key, jnp.asarray(many), ("cutout",)) == 0).sum((1, 2, 3))
    assert holes.max() <= 16 and holes.min() >= 1 and len(set(holes.tolist())) > 1
    cropped = np.asarray(augmented(key, jnp.asarray(many), ("crop",)))
    # A shift by one pixel at most: the middle of the image is in each.
    assert all(many[0, 4, 4] in row for row in cropped[::2]) and not np.array_equal(cropped, many)
    np.testing.assert_array_equal(augmented(key, jnp.asarray(many), ()), many)


def test_a_mixture_and_a_rule_are_trained_to_models(tmp_path):
    """Rules train a small network; they are code, and no network."""
    space = RuleSpace("two", 2)
    begin = portfolio_then(np.stack([space.encode("m / sqrt(v)")]), random())
    found = ta.search(space, begin, task="iris", recipe=HASTY, budget=1, progress=False)
    names: dict = {}
    exec(compile(found.source(), "rule.py", "exec"), names)
    assert names["RULE"] == "m / sqrt(v)" and names["optimizer"](0.1).init({"w": np.ones(2)}) is not None
    model = found.fit(recipe=TrainingRecipe(steps=90), members=2, progress=False)
    assert model.score(*_iris()) > 0.8
    model.save(tmp_path / "rule")
    assert ta.load_model(tmp_path / "rule").score(*_iris()) == model.score(*_iris())
    with pytest.raises(UserError, match="have no module; those of the types mixture, .*recurrent-cells do"):
        found.module()
    with pytest.raises(UserError, match=r"Leave augment= out"):
        found.fit(augment=("flip",))


def test_without_a_task_the_data_says_what_a_network_reads():
    found = ta.search("compact", "random", objective=lambda point: point[0], budget=2, progress=False)
    with pytest.raises(UserError, match="had an objective of its own"):
        found.fit()
    module = found.module("iris")
    columns = np.zeros((1, len(module.block))), np.zeros((1, 0))
    assert jax.eval_shape(module.init, jax.random.key(0), *columns)["params"] and module.outputs == 3
    assert "class Network" in found.source("iris") and found.draw("iris").axes
    bits = ta.search(Bits(4), "random", objective=one_max(), budget=1, progress=False)
    with pytest.raises(UserError, match="type of space with a child"):
        bits.fit("iris")
    with pytest.raises(UserError, match="have no draw; those of"):
        bits.draw()
    drawn = ta.search("chain", "random", objective=lambda point: point[0], budget=1, progress=False)
    assert drawn.draw().axes
    with pytest.raises(UserError, match="had an objective of its own"):
        drawn.source()
    about = Objective(lambda points: Outcomes(points[:, 0]), sizes=Sizes({}, 7, "classes"))
    assert "nn.Dense(7," in ta.search("chain", "random", objective=about, budget=1, progress=False).source()


def _iris():
    from sklearn.datasets import load_iris

    data = load_iris(as_frame=True)
    return data.data, data.target_names[data.target]


def test_children_start_from_the_weights_of_their_parents(tmp_path):
    """A search that goes on does so, too, row for row; the folder holds no more than it is told to."""
    journal, straight = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    settings = {"task": IMAGES, "recipe": HASTY, "inherit": 5, "progress": False}
    strategy = ta.strategies.aging_evolution(population=4, sample=2, identity=0.4)
    ta.search(CELLS, strategy, budget=8, journal=journal, **settings)
    found = ta.search(CELLS, strategy, budget=12, journal=journal, resume=True, **settings)
    again = ta.search(CELLS, strategy, budget=12, journal=straight, **settings)
    np.testing.assert_array_equal(found.scores, again.scores)
    np.testing.assert_array_equal(found.info["loss"], again.info["loss"])
    folder = weights_folder(journal)
    assert sorted(int(path.stem) for path in folder.iterdir()) == list(range(3, 12))
    alone = ta.search(CELLS, strategy, budget=5, **(settings | {"inherit": 0}))
    losses, parents = found.info["loss"], found.info["parent"]
    assert (parents[:4] == -1).all() and (parents[4:] >= 0).all()
    np.testing.assert_array_equal(alone.info["loss"][:4], losses[:4])
    assert losses[4] < alone.info["loss"][4]


def test_what_is_inherited_and_what_is_not():
    space = cells(1, filters=2, side=8, channels=1)
    parent = np.array([0, 0, 1, 1, 0, 2, 1, 3], np.float32)
    child = parent.copy()
    child[[1, 4]] = 7, 1
    shapes = {"stem": (3, 3, 1, 2), "cell0_ops": (2, 7, 2, 2), "cell1_ops": (2, 7, 2, 2), "output": (1, 8, 2)}
    given = {name: np.ones(shape) for name, shape in shapes.items()}
    fresh = {name: np.zeros(shape) for name, shape in shapes.items()}
    found = inherited(space, child, fresh, (parent, given))
    # The first slot of the normal cell has another operation; the reduction cell reads another state.
    assert (found["cell0_ops"].reshape(2, -1).min(1) == [0, 1]).all() and (found["cell1_ops"] == 1).all()
    assert (found["stem"] == 1).all() and (found["output"] == 1).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"store": "a.sqlite"}, "a store does not take them"),
        ({"space": "compact", "task": "iris"}, "'compact' do not inherit weights"),
        ({"inherit": -1}, "inherit=-1 is too small"),
        ({"task": None, "objective": len}, "inherit=... needs task"),
    ],
)
def test_who_cannot_inherit_is_told(given, words):
    settings = {"space": CELLS, "task": IMAGES, "inherit": 2, "budget": 2} | given
    with pytest.raises(UserError, match=words):
        ta.search(**settings)
