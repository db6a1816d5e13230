"""A controller taught by several tasks: it begins where they end, and tells them apart by z."""

import pickle

import jax
import numpy as np
import pytest
import safetensors.numpy

import taskaware as ta
from taskaware.errors import CheckpointError, UserError
from taskaware.spaces import choices
from taskaware.strategies import Objective, Outcomes, ppo, reinforce, search
from taskaware.strategies.controller_terms import Terms
from taskaware.strategies.policy_gradient import programs
from taskaware.tensors import read_tensors, write_tensors

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
    with pytest.raises(UserError, match="not finite"):
        reinforce(start=taught, z=[np.nan, 1.0])(SPACE, 1)
    with pytest.raises(UserError, match="z=... needs start=..."):
        ppo(z=[1.0])


def test_a_saved_controller_searches_as_before(taught, tmp_path):
    path = taught.save(tmp_path / "controller.safetensors")
    again = ta.strategies.load_controller(path)
    assert (repr(again), again.tasks, again.digest) == (repr(taught), taught.tasks, taught.digest)
    found = [searched(reinforce(8, start=start, z=Z["2"]), 2) for start in (taught, path, str(path))]
    assert all((each.points == found[0].points).all() for each in found)
    with pytest.raises(UserError, match="exists already"):
        taught.save(path)
    assert ta.strategies.load_controller(taught.save(path, force=True)).digest == taught.digest
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    with pytest.raises(UserError, match="taught in the space 'choices'"):
        ppo(start=path, z=Z["0"])(choices(a=[1, 2]), 1)


def test_a_transformer_is_taught_and_saved(tmp_path):
    few = {"updates": 30, "units": 8, "layers": 1, "controller": "transformer", "progress": False}
    taught = ta.strategies.teach(SPACE, {name: objective(int(name)) for name in TASKS}, z=Z, **few)
    path = taught.save(tmp_path / "controller")
    again = ta.strategies.load_controller(path)
    assert again.digest == taught.digest and again.controller == taught.controller
    # It is what was taught that searches, not the settings of the search.
    first = [searched(reinforce(8, start=start, z=Z["2"]), 2).points for start in (taught, path)]
    np.testing.assert_array_equal(*first)
    facts, arrays = read_tensors(path)
    write_tensors(path, facts | {"controller": "lstm"}, arrays, force=True)
    with pytest.raises(CheckpointError, match="do not fit"):
        ta.strategies.load_controller(path)


@pytest.mark.parametrize(
    ("facts", "arrays", "message"),
    [
        ({"format": "taskaware model"}, {}, "no controller .* another format"),
        ({"version": 99}, {}, "has format version 99; this taskaware reads 1. Update"),
        ({"space": {"type": "choice"}}, {}, "cannot be read here. Unknown space type 'choice'"),
        ({"controller": "gru"}, {}, "cannot be read here"),
        ({"units": 9}, {}, "weights do not fit its settings"),
        ({"units": 10**9}, {}, "from 1 to 4,096"),
        ({"spread": [0.0, 1.0]}, {}, "its scale of z is none"),
        ({}, {"params/bias": np.full((3, 3), np.nan, np.float32)}, "not finite"),
        ({}, {"params/more": np.zeros(2, np.float32)}, "do not fit"),
    ],
)
def test_files_of_others_are_refused(taught, tmp_path, facts, arrays, message):
    mine = read_tensors(taught.save(tmp_path / "mine"))
    write_tensors(tmp_path / "other", mine[0] | facts, mine[1] | arrays)
    with pytest.raises(CheckpointError, match=message):
        ta.strategies.load_controller(tmp_path / "other")


def test_damaged_files_are_refused(taught, tmp_path):
    path = taught.save(tmp_path / "controller")
    content = path.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    no_facts = safetensors.numpy.save({"bias": np.zeros(2, np.float32)})
    for wrong in (content[:-1], content[:40], flipped, b"", b"\xff" * 40, pickle.dumps({}), no_facts):
        path.write_bytes(wrong)
        with pytest.raises(CheckpointError, match="no controller of taskaware, or it is damaged"):
            ta.strategies.load_controller(path)
    with pytest.raises(UserError, match="There is no file '.*nowhere'"):
        reinforce(start=tmp_path / "nowhere")


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_controller_is_refused():
    with pytest.raises(UserError, match="start=5 is no controller"):
        reinforce(start=5)


def test_all_tasks_share_their_programs(taught, tmp_path):
    """What was taught and z are data, also where it was read from a file."""
    terms = Terms(8, 0.01, "raw", 1.0, 0.9, 0.0, "weigh", 0, 1.0, 35, 2, 1.0, None)
    again = ta.strategies.load_controller(taught.save(tmp_path / "controller"))
    made = [
        programs(SPACE, terms._replace(start=start, z=tuple(Z[name].tolist())))
        for start, name in ((taught, "0"), (taught, "2"), (again, "1"))
    ]
    for each in made:
        each.drawn(jax.random.key(0), each.init(jax.random.key(0)), 4)
    assert made[0].drawn is made[1].drawn is made[2].drawn and made[0].drawn._cache_size() == 1
