"""Saved evaluators: the same after a round trip, and nothing but numbers and text is read."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from taskaware.errors import CheckpointError, UserError
from taskaware.surrogates import TaskQuery, load_evaluator, save_evaluator
from taskaware.surrogates.training_data import TrainingData


@pytest.fixture
def saved(evaluator, tmp_path):
    return save_evaluator(evaluator, tmp_path / "evaluator.npz")


def rewritten(path, **changes):
    """The file with other values in its header, or other arrays, and without its digest, as one of before."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays["header"].tobytes())
    del header["digest"]
    for name, value in changes.items():
        if name in header:
            header[name] = value
        else:
            arrays[name] = value
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_round_trip(saved, evaluator, opposites):
    loaded = load_evaluator(saved, catalogue="c" * 16)
    for ours, theirs in zip(
        evaluator.predict(TaskQuery(opposites.z[21]), opposites.u),
        loaded.predict(TaskQuery(opposites.z[21]), opposites.u),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    scaled = evaluator.scaler(opposites.z[21])
    for problem in ("classification", "regression"):
        np.testing.assert_allclose(loaded.level(scaled, problem), evaluator.level(scaled, problem), rtol=1e-5)
    for field in dataclasses.fields(TrainingData):
        ours, theirs = getattr(evaluator.training_data, field.name), getattr(loaded.training_data, field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=field.name)
        else:
            assert ours == theirs
    assert (loaded.space, loaded.network, loaded.catalogue) == (
        evaluator.space,
        evaluator.network,
        evaluator.catalogue,
    )
    assert dict(loaded.card) == {"hours": 0.5}


def test_a_file_is_not_replaced_unasked(saved, evaluator):
    before = saved.read_bytes()
    with pytest.raises(UserError, match="force=True"):
        save_evaluator(evaluator, saved)
    assert saved.read_bytes() == before
    save_evaluator(dataclasses.replace(evaluator, card={}), saved, force=True)
    assert dict(load_evaluator(saved).card) == {}
    assert [path.name for path in saved.parent.iterdir()] == ["evaluator.npz"]


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="no evaluator file '.*gone.npz'"):
        load_evaluator(tmp_path / "gone.npz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "another"}, "is no taskaware evaluator"),
        ({"version": 99}, "version 99.*Update taskaware"),
        ({"network": "deep"}, "unknown network 'deep'"),
        ({"space": {"name": "odd"}}, "damaged"),
        ({"training_data/z": None}, "damaged"),
        ({"training_data": {"names": []}}, "damaged"),
        ({"level/error": None}, "damaged"),
        ({"header": None}, "damaged"),
    ],
)
def test_foreign_and_damaged_files_are_refused(saved, changes, words):
    if changes == {"header": None}:
        np.savez(saved, numbers=np.arange(3))
    else:
        rewritten(saved, **changes)
    with pytest.raises(CheckpointError, match=words) as caught:
        load_evaluator(saved)
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("training_data/z", lambda z: np.where(np.arange(z.shape[1]) == 1, np.nan, z), "finite"),
        ("training_data/z", lambda z: z[:, 1:], "shape"),
        ("training_data/z", lambda z: z.astype(str), "numbers"),
        ("training_data/u", lambda u: u[:, 1:], "shape"),
        ("training_data/score", lambda score: np.full_like(score, np.inf), "finite"),
        ("training_data/target", lambda target: target[1:], "shape"),
        ("scaler/spread", np.zeros_like, "above 0"),
        ("level/error", lambda error: np.full_like(error, np.nan), "finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, name, change, words):
    with np.load(saved) as file:
        rewritten(saved, **{name: change(file[name])})
    with pytest.raises(CheckpointError, match=words):
        load_evaluator(saved)


def test_a_changed_value_is_refused(saved):
    with np.load(saved) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["level/error"] = arrays["level/error"] * 2
    np.savez(saved, **arrays)
    with pytest.raises(CheckpointError, match="the digests differ: a value was changed"):
        load_evaluator(saved)


def test_another_catalogue_is_refused(saved):
    with pytest.raises(
        CheckpointError, match="learned from other meta-features.*evaluator.npz|evaluator.npz"
    ):
        load_evaluator(saved, catalogue="d" * 16)


def test_a_single_array_is_refused(saved):
    with saved.open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(CheckpointError, match="evaluator.npz"):
        load_evaluator(saved)


def test_weights_of_another_network_are_refused(saved, evaluator):
    name = next(iter(evaluator.params))
    rewritten(saved, **{f"param/{name}/kernel": np.zeros((3, 2, 2), np.float32)})
    with pytest.raises(CheckpointError, match="evaluator.npz"):
        load_evaluator(saved)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_cut_files_are_refused(saved, share):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="evaluator.npz"):
        load_evaluator(saved)


def test_changed_bytes_are_refused_or_harmless(saved, evaluator):
    """Whatever is done to a file, it is read as it was or refused with the one error."""
    whole, rng, refused = saved.read_bytes(), np.random.default_rng(0), 0
    for _ in range(150):
        bent = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            bent[place] ^= int(rng.integers(1, 256))
        saved.write_bytes(bytes(bent))
        try:
            loaded = load_evaluator(saved)
        except CheckpointError as error:
            assert "evaluator.npz" in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(loaded.training_data.u, evaluator.training_data.u)
    assert refused > 50


class Bomb:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_is_executed(saved, tmp_path):
    trace = tmp_path / "executed"
    objects = np.empty(1, object)
    objects[0] = Bomb(trace)
    rewritten(saved, **{"training_data/z": objects})
    with pytest.raises(CheckpointError, match="evaluator.npz"):
        load_evaluator(saved)
    saved.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(CheckpointError, match="evaluator.npz"):
        load_evaluator(saved)
    with saved.open("wb") as file:
        np.save(file, objects, allow_pickle=True)
    with pytest.raises(CheckpointError, match="evaluator.npz"):
        load_evaluator(saved)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Bomb(trace))).close()
    assert trace.exists()
