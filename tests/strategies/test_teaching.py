"""A controller taught by several tasks: it begins where they end, and tells them apart by z."""

import jax
import numpy as np
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.spaces import choices
from taskaware.strategies import Objective, Outcomes, ppo, reinforce, search

SPACE = choices({name: range(3) for name in "abc"})
PAYS = np.random.default_rng(0).random((3, 3))
BEST = PAYS.max(1).mean()
TASKS = ("0", "1", "2")
Z = {name: np.array([float(name), 5.0]) for name in TASKS}


def objective(task: int) -> Objective:
    """Each task pays for other choices; the first one in another unit, with a point that diverges."""

    def evaluate(points):
        own = np.roll(PAYS, task, axis=1)
        found = np.array([own[np.arange(3), row.astype(int)].mean() for row in points])
        return Outcomes(np.where((points == 2).all(1), -np.inf, 100 * found) if task == 0 else found)

    return Objective(evaluate)


@pytest.fixture(scope="module")
def taught():
    objectives = {name: objective(int(name)) for name in TASKS}
    return ta.strategies.teach(
        SPACE,
        objectives,
        z=Z,
        updates=240,
        learning_rate=0.03,
        entropy=0.1,
        units=8,
        layers=1,
        progress=False,
    )


def searched(strategy, task):
    return search(strategy, objective(task), space=SPACE, budget=24, seed=1, progress=False)


def test_a_search_begins_with_what_the_tasks_taught_and_z_tells_which_task(taught):
    cold = searched(reinforce(8, units=8, layers=1), 2).scores.mean()
    warm = searched(reinforce(8, start=taught, z=Z["2"]), 2)
    assert warm.scores[:8].mean() > (cold + 2 * BEST) / 3
    assert warm.best.score == pytest.approx(BEST)
    # The same weights with the z of another task draw points that are good there.
    other = searched(reinforce(8, start=taught, z=Z["1"]), 2)
    assert other.scores[:8].mean() < (cold + 2 * BEST) / 3


def test_the_weights_and_z_name_the_strategy(taught):
    labels = {
        make(8, start=start, z=z)(SPACE, 1).label
        for make in (reinforce, ppo)
        for start, z in ((None, None), (taught, Z["1"]), (taught, Z["2"]))
    }
    assert len(labels) == 6 and all("Taught" not in label for label in labels)
    assert repr(taught) == "<controller of 'choices', taught by 3 tasks, reads 2 meta-features>"


def test_the_same_seed_teaches_the_same(taught):
    few = [
        ta.strategies.teach(
            SPACE, {"1": objective(1)}, updates=3, units=8, layers=1, seed=seed, progress=False
        ).digest
        for seed in (0, 0, 1)
    ]
    assert few[0] == few[1] != few[2]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(taught.params))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objectives": {}}, "nothing to learn from"),
        ({"updates": 0}, "updates=0 is too small"),
        ({"z": {"0": [1.0]}}, "no meta-features of the task '1'"),
        ({"z": {"0": [1.0], "1": [1.0, 2.0]}}, "unlike lengths"),
        ({"z": {"0": [1.0], "1": [np.nan]}}, "not finite"),
        ({"z": {"0": {"rows": 1}, "1": [1.0]}}, "no list of numbers"),
        ({"entropy": -1.0}, "entropy=-1.0 is too small"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_settings_are_refused(settings, message):
    given = {"objectives": {"0": objective(0), "1": objective(1)}} | settings
    with pytest.raises(UserError, match=message):
        ta.strategies.teach(SPACE, progress=False, **given)


def test_ctrl_c_keeps_what_is_learned():
    asked = []

    def evaluate(points):
        asked.append(len(points))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return Outcomes(points[:, 0])

    few = {"units": 8, "layers": 1, "progress": False}
    stopped = ta.strategies.teach(SPACE, {"1": Objective(evaluate)}, updates=9, **few)
    whole = Objective(lambda points: Outcomes(points[:, 0]))
    two = ta.strategies.teach(SPACE, {"1": whole}, updates=2, **few)
    assert stopped.digest == two.digest
    with pytest.raises(UserError, match="needs decisions with choices"):
        ta.strategies.teach(ta.preset("compact"), {"1": objective(1)})


def test_another_space_and_another_z_are_refused(taught):
    with pytest.raises(UserError, match="taught in the space 'choices'.* Teach one in the space"):
        reinforce(start=taught, z=Z["0"])(choices(a=[1, 2]), 1)
    with pytest.raises(UserError, match="the controller reads 2 meta-features"):
        reinforce(start=taught)(SPACE, 1)
