"""φ and ρ learned together, from raw samples alone, and kept."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from scipy.stats import spearmanr

from taskaware.data.table import Column, Table
from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.tables.samples import draw_samples, stack_samples
from taskaware.recommendation.evaluators import checked
from taskaware.surrogates import EvaluatorSettings, TaskQuery, fit_evaluator, load_evaluator, save_evaluator
from taskaware.surrogates.joint_learning import draw_parts
from taskaware.surrogates.joint_settings import PUBLISHED_JOINT, JointSettings
from taskaware.tasks.task import Task

SIZE = {"rows": 48, "columns": 6, "outputs": 3}
HELD_OUT = np.arange(20, 30)
LEARNER = EvaluatorSettings("bilinear", members=2, steps=600, tasks_per_step=8, architectures_per_step=24)


def table(place):
    """In every second task the columns follow the target; otherwise there is nothing to be learned in it."""
    rng = np.random.default_rng(place)
    labels = rng.integers(0, 2, 60).astype(np.int32)
    x = rng.normal(size=(60, 3 + place % 3)) + 1.5 * (place % 2) * labels[:, None]
    columns = tuple(Column(f"x{c}", "numeric", column) for c, column in enumerate(x.T))
    return Task("t", "classification", Table("t", columns, 60), "y", labels, ("a", "b"), "accuracy")


@pytest.fixture(scope="module")
def samples(opposites):
    """Of the opposite tasks: whether anything can be learned in a table says which order its scores have."""
    return {digest: draw_samples(table(place), **SIZE) for place, digest in enumerate(opposites.digests)}


@pytest.fixture(scope="module")
def known(opposites):
    return opposites.take(np.arange(20))


@pytest.fixture(scope="module")
def joint(known, samples, tiny):
    made = fit_evaluator(tiny, known, JointSettings(evaluator=LEARNER), samples=samples, seed=0)
    return dataclasses.replace(made, card={"hours": 0.5})


def correlations(evaluator, data, samples, z=False):
    found = []
    for task in HELD_OUT:
        statistics = data.z[task] if z else None
        query = TaskQuery(statistics, samples=samples[data.digests[task]])
        found.append(spearmanr(evaluator.predict(query, data.u)[0], data.score[task]).statistic)
    return found


def test_it_sees_in_the_rows_what_kind_of_task_it_is(joint, opposites, samples):
    learned = correlations(joint, opposites, samples)
    assert np.mean(learned) > 0.6
    blind = dict.fromkeys(samples, samples[opposites.digests[0]])
    assert np.mean(correlations(joint, opposites, blind)) < 0.2


def test_statistical_meta_features_may_stand_beside(known, opposites, samples, tiny):
    quick = dataclasses.replace(LEARNER, steps=300)
    made = fit_evaluator(tiny, known, JointSettings(beside=True, evaluator=quick), samples=samples)
    assert np.mean(correlations(made, opposites, samples, z=True)) > 0.7
    here, u = samples[opposites.digests[21]], opposites.u
    query = TaskQuery(opposites.z[21], samples=here)
    changed = made.predict(query._replace(z=-query.z), u)[0]
    assert np.abs(changed - made.predict(query, u)[0]).max() > 1e-2
    with pytest.raises(UserError, match="statistical meta-features too. Pass z="):
        made.predict(TaskQuery(None, samples=here), u)


def test_the_published_form(known, opposites, samples, tiny):
    short = dataclasses.replace(PUBLISHED_JOINT.evaluator, steps=20)
    made = fit_evaluator(tiny, known, dataclasses.replace(PUBLISHED_JOINT, evaluator=short), samples=samples)
    widths = {name: leaf["kernel"].shape[1:] for name, leaf in made.params["generator"].items()}
    assert widths == {"Dense_0": (6 + 3, 50), "Dense_1": (50, 50)}
    heads = [made.params["evaluator"][f"Dense_{place}"]["bias"].shape for place in range(3)]
    assert heads == [(1, 50), (1, 10), (1, 1)]
    mean, deviation = made.predict(TaskQuery(None, samples=samples[opposites.digests[25]]), opposites.u)
    assert np.isfinite(mean).all() and deviation.max() < 1e-5


def test_the_generator_learns_too(joint, known, opposites, samples, tiny):
    """Both from the one objective: after no step and after many, φ is another."""
    still = dataclasses.replace(LEARNER, steps=1, learning_rate=0.0)
    first = fit_evaluator(tiny, known, JointSettings(evaluator=still), samples=samples).params["generator"]
    learned = joint.params["generator"]
    assert np.abs(learned["Dense_0"]["kernel"] - first["Dense_0"]["kernel"]).max() > 1e-2
    embedded = joint.embed(samples[opposites.digests[21]])
    assert embedded.shape == (2, 16)
    assert embedded.dtype == np.float32


def test_each_step_sees_parts_of_what_is_there(samples):
    whole = stack_samples(samples.values())
    tasks = np.array([[2, 0, 7], [1, 2, 2]], np.int32)
    parts = draw_parts(JointSettings(), whole, np.random.default_rng(0), tasks)
    assert (parts.rows.shape, parts.columns.shape) == ((2, 3, 16), (2, 3, 8))
    first = parts._replace(**{name: getattr(parts, name)[0] for name in parts._fields})
    found = first.of(whole, tasks[0])
    assert all(mask.all() for mask in found[2:])
    for place, task in enumerate(tasks[0]):
        rows, columns, outputs = (part[place] for part in first)
        np.testing.assert_array_equal(found.x[place], whole.x[task][np.ix_(rows, columns)])
        np.testing.assert_array_equal(found.y[place], whole.y[task][np.ix_(rows, outputs)])
    assert len({tuple(rows) for rows in parts.rows.reshape(6, -1)}) == 6
    settings = dataclasses.replace(PUBLISHED_JOINT, rows_per_step=4)
    placed = draw_parts(settings, whole, np.random.default_rng(0), tasks)
    assert placed.columns[1, 2].tolist() == list(range(6))


def test_seeds_and_members_differ(joint, known, opposites, samples, tiny):
    here, u = TaskQuery(None, samples=samples[opposites.digests[21]]), opposites.u
    quick = JointSettings(evaluator=dataclasses.replace(LEARNER, steps=20))
    first, again, other = (
        fit_evaluator(tiny, known, quick, seed=seed, samples=samples).predict(here, u)[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert joint.members == 2
    assert (joint.predict(here, u)[1] > 1e-4).all()


def test_what_does_not_fit_is_refused(unchecked, joint, known, opposites, samples, tiny):
    with pytest.raises(UserError, match="no samples of 19 tasks"):
        fit_evaluator(tiny, known, JointSettings(), samples=dict(list(samples.items())[:1]))
    with pytest.raises(UserError, match="columns_per_step=8, but the generator 'published'"):
        fit_evaluator(tiny, known, JointSettings(generator="published"), samples=samples)
    with pytest.raises(UserError, match="Unknown evaluator network 'gp'"):
        fit_evaluator(tiny, known, JointSettings(evaluator=EvaluatorSettings("gp")), samples=samples)
    with pytest.raises(UserError, match="rows_per_step=0 is too small"):
        fit_evaluator(tiny, known, JointSettings(rows_per_step=0), samples=samples)
    with pytest.raises(UserError, match=r"rows of size \(48, 6, 3\); the samples are of size \(50, 6, 3\)"):
        other = draw_samples(table(21), **SIZE | {"rows": 50})
        joint.predict(TaskQuery(None, samples=other), opposites.u)
    with pytest.raises(UserError, match="no samples are given. Draw them"):
        joint.predict(TaskQuery(opposites.z[21]), opposites.u)
    with pytest.raises(UserError, match="made by JointSettings"):
        fit_evaluator(tiny, known, EvaluatorSettings("joint"))


def test_round_trip(joint, opposites, samples, tmp_path):
    path = save_evaluator(joint, tmp_path / "joint.npz")
    loaded = load_evaluator(path)
    here = TaskQuery(opposites.z[21], "classification", samples=samples[opposites.digests[21]])
    for ours, theirs in zip(*(one.predict(here, opposites.u) for one in (joint, loaded)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert (loaded.space, loaded.settings, loaded.size) == (joint.space, joint.settings, joint.size)
    assert loaded.card == {"hours": 0.5}
    with pytest.raises(UserError, match="force=True"):
        save_evaluator(joint, path)


def rewritten(path, changes):
    """The file with other values in its header, or other arrays, and without its digest, as one of before."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays.pop("header").tobytes())
    del header["digest"]
    for name, value in changes.items():
        (header if name in header else arrays)[name] = value
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "another"}, "is no taskaware evaluator"),
        ({"version": 99}, "version 99.*Update taskaware"),
        ({"settings": {"generator": "deep"}}, "damaged"),
        ({"size": {"rows": 0}}, "damaged"),
        ({"param/generator/Dense_0/kernel": np.zeros((2, 3, 32), np.float32)}, "do not fit 'joint'"),
        ({"param/generator/Dense_9/kernel": np.zeros((2, 3, 32), np.float32)}, "do not fit 'joint'"),
    ],
)
def test_foreign_and_damaged_files_are_refused(joint, tmp_path, changes, words):
    path = save_evaluator(joint, tmp_path / "joint.npz")
    rewritten(path, changes)
    with pytest.raises(CheckpointError, match=words):
        load_evaluator(path)


def test_nothing_is_run_on_load(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    path = tmp_path / "joint.npz"
    np.savez(path, header=np.array([Trap()], dtype=object))
    with pytest.raises(CheckpointError):
        load_evaluator(path)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError):
        load_evaluator(path)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(UserError, match="no evaluator file"):
        load_evaluator(tmp_path / "gone.npz")


def test_other_statistical_meta_features_are_refused(joint, tmp_path):
    """They say which known tasks are near, even where they do not stand beside the learned ones."""
    path = save_evaluator(dataclasses.replace(joint, catalogue="c" * 16), tmp_path / "joint.npz")
    assert load_evaluator(path, catalogue="c" * 16).catalogue == "c" * 16
    with pytest.raises(CheckpointError, match=f"catalogue {'c' * 16}, here {'d' * 16}"):
        load_evaluator(path, catalogue="d" * 16)


def test_a_file_of_before_predicts_as_it_did(unchecked, joint, opposites, samples, tmp_path):
    """Until version 3 such files had no training data and no level: they predict, and cannot recommend."""
    path = save_evaluator(joint, tmp_path / "joint.npz")
    with np.load(path) as file:
        arrays = {
            name: file[name] for name in file.files if name.split("/")[0] in ("header", "param", "scaler")
        }
    header = json.loads(arrays.pop("header").tobytes())
    del header["digest"]
    header = {name: header[name] for name in ("space", "settings", "size", "catalogue", "card")}
    header |= {"format": "taskaware joint evaluator", "version": 1}
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    loaded = load_evaluator(path)
    here = TaskQuery(opposites.z[21], "classification", samples=samples[opposites.digests[21]])
    np.testing.assert_array_equal(loaded.predict(here, opposites.u), joint.predict(here, opposites.u))
    with pytest.raises(UserError, match="older taskaware and has no training data"):
        checked(loaded)
    with pytest.raises(UserError, match="no training data"):
        save_evaluator(loaded, tmp_path / "again.npz")
