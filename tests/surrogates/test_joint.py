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
from taskaware.surrogates import EvaluatorSettings
from taskaware.surrogates.joint import PUBLISHED_JOINT, JointSettings, draw_parts, fit_jointly
from taskaware.surrogates.joint_checkpoint import load_joint, save_joint
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
    made = fit_jointly(tiny, known, samples, JointSettings(evaluator=LEARNER), seed=0)
    return dataclasses.replace(made, card={"hours": 0.5})


def correlations(evaluator, lessons, samples, z=False):
    found = []
    for task in HELD_OUT:
        statistics = lessons.z[task] if z else None
        predicted = evaluator.predict(samples[lessons.digests[task]], lessons.u, statistics)[0]
        found.append(spearmanr(predicted, lessons.score[task]).statistic)
    return found


def test_it_sees_in_the_rows_what_kind_of_task_it_is(joint, opposites, samples):
    learned = correlations(joint, opposites, samples)
    assert np.mean(learned) > 0.6
    blind = dict.fromkeys(samples, samples[opposites.digests[0]])
    assert np.mean(correlations(joint, opposites, blind)) < 0.2


def test_statistical_meta_features_may_stand_beside(known, opposites, samples, tiny):
    made = fit_jointly(tiny, known, samples, JointSettings(beside=True, evaluator=LEARNER))
    assert np.mean(correlations(made, opposites, samples, z=True)) > 0.7
    here, u = samples[opposites.digests[21]], opposites.u
    changed = made.predict(here, u, -opposites.z[21])[0]
    assert np.abs(changed - made.predict(here, u, opposites.z[21])[0]).max() > 1e-2
    with pytest.raises(UserError, match="statistical meta-features too. Pass z="):
        made.predict(here, u)


def test_the_published_form(known, opposites, samples, tiny):
    short = dataclasses.replace(PUBLISHED_JOINT.evaluator, steps=20)
    made = fit_jointly(tiny, known, samples, dataclasses.replace(PUBLISHED_JOINT, evaluator=short))
    widths = {name: leaf["kernel"].shape[1:] for name, leaf in made.params["generator"].items()}
    assert widths == {"Dense_0": (6 + 3, 50), "Dense_1": (50, 50)}
    heads = [made.params["evaluator"][f"Dense_{place}"]["bias"].shape for place in range(3)]
    assert heads == [(1, 50), (1, 10), (1, 1)]
    mean, deviation = made.predict(samples[opposites.digests[25]], opposites.u)
    assert np.isfinite(mean).all() and not deviation.any()


def test_the_generator_learns_too(joint, known, opposites, samples, tiny):
    """Both from the one objective: after no step and after many, φ is another."""
    still = dataclasses.replace(LEARNER, steps=1, learning_rate=0.0)
    first = fit_jointly(tiny, known, samples, JointSettings(evaluator=still)).params["generator"]
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
    here, u = samples[opposites.digests[21]], opposites.u
    quick = JointSettings(evaluator=dataclasses.replace(LEARNER, steps=20))
    first, again, other = (
        fit_jointly(tiny, known, samples, quick, seed=seed).predict(here, u)[0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert joint.members == 2
    assert (joint.predict(here, u)[1] > 1e-4).all()


def test_what_does_not_fit_is_refused(joint, known, opposites, samples, tiny):
    with pytest.raises(UserError, match="no samples of 19 tasks"):
        fit_jointly(tiny, known, {known.digests[0]: samples[known.digests[0]]})
    with pytest.raises(UserError, match="columns_per_step=8, but the generator 'published'"):
        fit_jointly(tiny, known, samples, JointSettings(generator="published"))
    with pytest.raises(UserError, match="Unknown evaluator network 'process'"):
        fit_jointly(tiny, known, samples, JointSettings(evaluator=EvaluatorSettings("process")))
    with pytest.raises(UserError, match="rows_per_step=0 is too small"):
        fit_jointly(tiny, known, samples, JointSettings(rows_per_step=0))
    with pytest.raises(UserError, match=r"size \(50, 6, 3\); this evaluator reads \(48, 6, 3\)"):
        joint.predict(draw_samples(table(21), **SIZE | {"rows": 50}), opposites.u)


def test_round_trip(joint, opposites, samples, tmp_path):
    path = save_joint(joint, tmp_path / "joint.npz")
    loaded = load_joint(path)
    here = samples[opposites.digests[21]]
    for ours, theirs in zip(joint.predict(here, opposites.u), loaded.predict(here, opposites.u), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert (loaded.space, loaded.settings, loaded.size) == (joint.space, joint.settings, joint.size)
    assert loaded.card == {"hours": 0.5}
    with pytest.raises(UserError, match="force=True"):
        save_joint(joint, path)


def rewritten(path, changes):
    """The file with other values in its header, or other arrays."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays.pop("header").tobytes())
    for name, value in changes.items():
        (header if name in header else arrays)[name] = value
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "taskaware evaluator"}, "no taskaware evaluator with a feature generator"),
        ({"version": 99}, "version 99.*Update taskaware"),
        ({"settings": {"generator": "deep"}}, "damaged"),
        ({"size": {"rows": 0}}, "damaged"),
        ({"param/generator/Dense_0/kernel": np.zeros((2, 3, 32), np.float32)}, "do not fit the networks"),
        ({"param/generator/Dense_9/kernel": np.zeros((2, 3, 32), np.float32)}, "do not fit the networks"),
    ],
)
def test_foreign_and_damaged_files_are_refused(joint, tmp_path, changes, words):
    path = save_joint(joint, tmp_path / "joint.npz")
    rewritten(path, changes)
    with pytest.raises(CheckpointError, match=words):
        load_joint(path)


def test_nothing_is_run_on_load(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    path = tmp_path / "joint.npz"
    np.savez(path, header=np.array([Trap()], dtype=object))
    with pytest.raises(CheckpointError):
        load_joint(path)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError):
        load_joint(path)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(UserError, match="no evaluator file"):
        load_joint(tmp_path / "gone.npz")


def test_other_statistical_meta_features_matter_only_beside(joint, known, samples, tiny, tmp_path):
    alone = save_joint(dataclasses.replace(joint, catalogue="c" * 16), tmp_path / "alone.npz")
    assert load_joint(alone, catalogue="d" * 16).catalogue == "c" * 16
    quick = JointSettings(beside=True, evaluator=dataclasses.replace(LEARNER, steps=1))
    made = dataclasses.replace(fit_jointly(tiny, known, samples, quick), catalogue="c" * 16)
    both = save_joint(made, tmp_path / "both.npz")
    assert load_joint(both, catalogue="c" * 16).settings.beside
    with pytest.raises(CheckpointError, match=f"catalogue {'c' * 16}, here {'d' * 16}"):
        load_joint(both, catalogue="d" * 16)
