"""The shipped form of experience."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from taskaware.errors import StoreError, UserError
from taskaware.store import Store, pack, unpack
from taskaware.testing import store_examples as examples


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        recipe = examples.register(store)
        store.append(examples.example(recipe, count=40))
        store.append(dataclasses.replace(examples.example(recipe, task=1, count=30), strategy="evolution"))
        yield store


@pytest.fixture
def packed(store, tmp_path):
    pack(store, tmp_path / "a.npz")
    return tmp_path / "a.npz"


def rewrite(path, **changes):
    """The file with some arrays replaced, or left out where None."""
    with np.load(path) as file:
        arrays = {**file, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def header_of(path, **changes):
    with np.load(path) as file:
        header = json.loads(bytes(file["header"])) | changes
    return np.frombuffer(json.dumps(header).encode(), np.uint8)


def test_round_trip(store, packed):
    examples.assert_same(unpack(packed), store.triplets())


def test_into_another_store_and_back(store, packed, tmp_path):
    with Store.open(tmp_path / "b.db") as other:
        assert other.import_compact(packed) == 70
        assert other.import_compact(packed) == 0
        examples.assert_same(other.triplets(), store.triplets())
        assert store.merge(other) == 0


def test_an_empty_experience(tmp_path):
    with Store.open(tmp_path / "b.db") as store:
        examples.register(store)
        pack(store, tmp_path / "b.npz")
        examples.assert_same(unpack(tmp_path / "b.npz"), store.triplets())


def test_the_same_experience_gives_the_same_bytes(store, packed, tmp_path):
    pack(store.triplets(), tmp_path / "b.npz")
    assert (tmp_path / "b.npz").read_bytes() == packed.read_bytes()


def test_half_precision_rounds_architectures_alone(store, packed, tmp_path):
    pack(store, tmp_path / "half.npz", half=True)
    whole, half = unpack(packed), unpack(tmp_path / "half.npz")
    np.testing.assert_array_equal(half.score, whole.score, strict=True)
    np.testing.assert_allclose(half.u, whole.u, rtol=1e-3)
    assert (half.u != whole.u).any()
    assert half.u.dtype == np.float32


def test_half_precision_of_points_that_differ_in_length(store, tmp_path):
    experience = store.triplets()
    points = experience.architectures.copy()
    points[0, 1:] = np.nan
    ragged = dataclasses.replace(experience, architectures=points)
    pack(ragged, tmp_path / "half.npz", half=True)
    found = unpack(tmp_path / "half.npz")
    assert found.lengths.tolist()[:2] == [1, 3]
    np.testing.assert_allclose(found.architectures, points, rtol=1e-3)
    with pytest.raises(UserError, match="half"):
        pack(dataclasses.replace(ragged, architectures=points + 1e6), tmp_path / "large.npz", half=True)


def test_half_precision_refuses_what_it_cannot_hold(store, tmp_path):
    experience = store.triplets()
    large = dataclasses.replace(experience, architectures=experience.architectures + 1e6)
    with pytest.raises(UserError, match="half"):
        pack(large, tmp_path / "half.npz", half=True)
    assert not (tmp_path / "half.npz").exists()


def test_seventy_tasks_and_three_hundred_architectures_are_small(store, tmp_path):
    rng = np.random.default_rng(0)
    small = store.triplets()
    tasks = tuple(dataclasses.replace(small.tasks[0], digest=f"{i:016x}") for i in range(70))
    grid = np.indices((70, 300, 3)).reshape(3, -1).astype(np.int32)
    numbers = {name: rng.random(grid.shape[1]).astype(np.float32) for name in ("test_score", "loss")}
    zeros = np.zeros(grid.shape[1], np.int32)
    large = dataclasses.replace(
        small,
        tasks=tasks,
        z=rng.random((70, 2)).astype(np.float32),
        architectures=rng.random((300, 105)).astype(np.float32),
        task=grid[0],
        architecture=grid[1],
        seed=grid[2].astype(np.int64),
        recipe=zeros,
        strategy=zeros,
        score=(rng.integers(0, 1000, grid.shape[1]) / 1000).astype(np.float32),
        seconds=np.full(grid.shape[1], 0.1, np.float32),
        **numbers,
    )
    pack(large, tmp_path / "large.npz")
    assert (tmp_path / "large.npz").stat().st_size < 1_000_000
    examples.assert_same(unpack(tmp_path / "large.npz"), large)


def test_an_existing_file_is_left_alone(store, packed):
    before = packed.read_bytes()
    with pytest.raises(StoreError, match="exists"):
        pack(store, packed)
    assert packed.read_bytes() == before


def test_a_folder_that_is_not_there(store, tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        pack(store, tmp_path / "none" / "a.npz")
    with pytest.raises(StoreError, match="no file"):
        unpack(tmp_path / "none.npz")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.99])
def test_a_truncated_file_is_corrupt(packed, share):
    content = packed.read_bytes()
    packed.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreError, match="corrupt"):
        unpack(packed)


def test_no_flipped_byte_goes_unseen_or_raises_another_error(store, packed):
    content, whole = packed.read_bytes(), store.triplets()
    for position in range(0, len(content), 61):
        packed.write_bytes(content[:position] + bytes([content[position] ^ 0x15]) + content[position + 1 :])
        try:
            found = unpack(packed)
        except StoreError:
            continue
        examples.assert_same(found, whole)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY\x01\x00", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_such_file(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(StoreError):
        unpack(tmp_path / "a.npz")


def test_arrays_of_someone_else(tmp_path):
    np.savez(tmp_path / "a.npz", header=np.frombuffer(b'{"format": "other"}', np.uint8), x=np.arange(3))
    with pytest.raises(StoreError, match="no experience"):
        unpack(tmp_path / "a.npz")
    np.save(tmp_path / "b.npy", np.arange(3))
    with pytest.raises(StoreError):
        unpack(tmp_path / "b.npy")


def test_objects_are_not_executed(packed):
    rewrite(packed, score=np.array([print] * 70, object))
    with pytest.raises(StoreError, match="corrupt"):
        unpack(packed)


def test_a_newer_format_is_refused_in_both_versions_words(packed):
    rewrite(packed, header=header_of(packed, version=3))
    with pytest.raises(StoreError, match=r"version 3; this taskaware reads up to 2.*pip install --upgrade"):
        unpack(packed)


@pytest.mark.parametrize(
    "changes",
    [
        {"score": None},
        {"score": np.zeros(3, np.float32)},
        {"score": np.zeros(70, np.int32)},
        {"task": np.full(70, 2)},
        {"task": np.full(70, -1)},
        {"architecture": np.zeros(70)},
        {"architecture": np.full(70, 2**32)},
        {"architectures": np.zeros(3, np.float32)},
        {"architectures": np.full((70, 3), "a")},
        {"architectures": np.float32([[np.nan, 1.0, 1.0]] * 70)},
        {"z": np.zeros((2, 5), np.float32)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_arrays_that_do_not_fit_together(packed, changes):
    rewrite(packed, **changes)
    with pytest.raises(StoreError, match="corrupt"):
        unpack(packed)


@pytest.mark.parametrize(
    "changes",
    [{"tasks": [{"digest": "x"}]}, {"tasks": 3}, {"version": "one"}, {"space": []}, {"features": None}],
    ids=str,
)
def test_headers_that_are_none(packed, changes):
    rewrite(packed, header=header_of(packed, **changes))
    with pytest.raises(StoreError):
        unpack(packed)


def test_the_file_is_an_ordinary_archive_of_numbers(packed):
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
    with np.load(packed, allow_pickle=False) as file:
        assert {array.dtype.kind for array in file.values()} <= {"u", "i", "f"}
        assert file["task"].dtype == np.uint8
