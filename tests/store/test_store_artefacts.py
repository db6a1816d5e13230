"""The artefact area: its bound, what is damaged, and what may not lead out of it."""

import pickle
import sqlite3
import subprocess
import sys

import pytest

from taskaware.digests import architecture_digests
from taskaware.errors import StoreError, UserError
from taskaware.store import Store, TrainingKey
from taskaware.testing import store_examples as examples

WRITER = """
import sys
from taskaware.store import Store, TrainingKey
with Store.open(sys.argv[1], artefacts=sys.argv[2], artefact_limit=2500) as store:
    keys = [TrainingKey(*row.split("/")[:3], int(row.split("/")[3])) for row in sys.argv[4:]]
    for i in range(30):
        store.put_artefact(keys[i % len(keys)], f"{sys.argv[3]} {i}", f"{sys.argv[3]}{i:03}".encode() * 100)
"""


def filled(store):
    """Five trainings, and their keys."""
    recipe = examples.register(store)
    batch = examples.example(recipe)
    store.append(batch)
    names = architecture_digests(examples.SPACE.digest, batch.u).tolist()
    return [TrainingKey(batch.task, u, recipe, int(seed)) for u, seed in zip(names, batch.seeds, strict=True)]


@pytest.fixture
def place(tmp_path):
    return tmp_path / "a.db"


@pytest.fixture
def area(tmp_path):
    return tmp_path / "a.db.artefacts"


def files(area):
    return sorted(path for path in area.rglob("*") if path.is_file())


def change(place, statement):
    with sqlite3.connect(place) as connection:
        connection.execute(statement)
    connection.close()


def test_the_area_lies_beside_the_file_and_is_made_when_it_is_needed(place, area):
    with Store.open(place) as store:
        keys = filled(store)
        assert store.artefact_folder == area
        assert not area.exists()
        store.put_artefact(keys[0], "log", b"one")
        (only,) = files(area)
        assert only.read_bytes() == b"one"
    with Store.open(place, readonly=True) as store:
        assert store.get_artefact(keys[0], "log") == b"one"
        with pytest.raises(StoreError, match="readonly"):
            store.put_artefact(keys[0], "log", b"two")
    assert files(area) == [only]


def test_equal_content_is_there_once(place, area):
    with Store.open(place) as store:
        first, second, *_ = filled(store)
        store.put_artefact(first, "log", b"one")
        store.put_artefact(second, "log", b"one")
        assert len(files(area)) == 1
        store.put_artefact(first, "log", b"two")
        assert (len(files(area)), store.get_artefact(second, "log")) == (2, b"one")
        store.put_artefact(second, "log", b"two")
        assert len(files(area)) == 1


def test_what_was_used_longest_ago_gives_way_and_its_row_says_so(place, area):
    with Store.open(place, artefact_limit=250) as store:
        first, second, third, fourth, _ = filled(store)
        store.put_artefact(first, "weights", b"1" * 100)
        store.put_artefact(second, "weights", b"2" * 100)
        assert store.get_artefact(first, "weights") == b"1" * 100
        store.put_artefact(third, "weights", b"3" * 100)
        assert sum(path.stat().st_size for path in files(area)) == 200
        assert [bool(each.dropped) for each in store.artefacts()] == [True, False, False]
        assert store.get_artefact(first, "weights") == b"1" * 100
        with pytest.raises(StoreError, match="removed to make room.*artefact_limit"):
            store.get_artefact(second, "weights")
        assert store.check().problems == ()
        store.put_artefact(fourth, "weights", b"2" * 100)
        assert store.get_artefact(second, "weights") == b"2" * 100
        with pytest.raises(UserError, match="251 bytes.*250"):
            store.put_artefact(first, "large", bytes(251))
        assert (store.summary().artefacts, store.summary().artefact_bytes) == (3, 200)
        assert [path.stat().st_size for path in files(area)] == [100, 100]


def test_a_smaller_limit_holds_from_the_next_file_on(place, area):
    with Store.open(place) as store:
        keys = filled(store)
        for number, key in enumerate(keys):
            store.put_artefact(key, "weights", bytes([number]) * 100)
    with Store.open(place, artefact_limit=100) as store:
        store.put_artefact(keys[0], "log", b"x" * 100)
        assert [path.read_bytes() for path in files(area)] == [b"x" * 100]
        assert sum(not each.dropped for each in store.artefacts()) == 1


def test_a_file_that_is_damaged_or_gone_is_not_given(place, area):
    with Store.open(place) as store:
        first, second, *_ = filled(store)
        store.put_artefact(first, "log", b"one")
        store.put_artefact(second, "log", b"two!")
        by_size = sorted(files(area), key=lambda path: path.stat().st_size)
        by_size[0].write_bytes(b"eno")
        by_size[1].unlink()
        with pytest.raises(StoreError, match="damaged"):
            store.get_artefact(first, "log")
        with pytest.raises(StoreError, match="cannot be read"):
            store.get_artefact(second, "log")
        (problem,) = store.check().problems
        assert "have no file, or a damaged one: 2 " in problem
        store.put_artefact(first, "log", b"one")
        store.put_artefact(second, "log", b"two!")
        assert store.check().problems == ()


def test_content_is_never_unpickled(place):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    content = pickle.dumps(Evil())
    with Store.open(place) as store:
        key, *_ = filled(store)
        store.put_artefact(key, "weights.pkl", content)
        assert store.get_artefact(key, "weights.pkl") == content
        assert store.check().ok


@pytest.mark.parametrize("sha256", ["../../secret", "/etc/passwd", "ab", "A" * 64, "0" * 63 + "/"])
def test_no_row_leads_out_of_the_area(place, tmp_path, sha256):
    (tmp_path / "secret").write_bytes(b"one")
    with Store.open(place) as store:
        key, *_ = filled(store)
        store.put_artefact(key, "log", b"one")
        change(place, f"UPDATE artefacts SET sha256 = '{sha256}', path = '{sha256}'")
        with pytest.raises(StoreError, match="leads out of"):
            store.get_artefact(key, "log")
        assert any("have a path that is none" in problem for problem in store.check().problems)
        store.prune(unused=True)
    assert (tmp_path / "secret").read_bytes() == b"one"


def test_a_link_leads_nowhere(place, area, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    with Store.open(place) as store:
        key, *_ = filled(store)
        put = store.put_artefact(key, "log", b"one")
        (only,) = files(area)
        only.unlink()
        only.parent.rmdir()
        only.parent.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StoreError, match="leads out of"):
            store.put_artefact(key, "log", b"one")
        (tmp_path / "elsewhere" / put.sha256).write_bytes(b"one")
        with pytest.raises(StoreError, match="leads out of"):
            store.get_artefact(key, "log")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [put.sha256]


def test_pruning_removes_files_and_leaves_those_of_others(place, area):
    with Store.open(place) as store:
        first, second, *_ = filled(store)
        store.put_artefact(first, "log", b"one")
        store.put_artefact(second, "log", b"one")
        (area / "notes.txt").write_text("mine")
        orphan = area / "00" / ("0" * 64)
        orphan.parent.mkdir()
        orphan.write_bytes(b"left by a crash")
        assert store.prune(unused=True, dry_run=True).artefacts == 0
        assert orphan.exists()
        store.prune(unused=True)
        assert not orphan.exists()
        assert len(files(area)) == 2
        assert store.prune(task="adult").artefacts == 2
        assert [path.name for path in files(area)] == ["notes.txt"]


def test_a_store_without_a_file_wants_a_folder(tmp_path):
    with Store.open(":memory:") as store:
        key, *_ = filled(store)
        assert store.artefact_folder is None
        with pytest.raises(UserError, match=r"Store.open\(..., artefacts="):
            store.put_artefact(key, "log", b"one")
        assert store.artefacts() == ()
        with Store.open(":memory:", artefacts=tmp_path / "files") as other:
            filled(other)
            other.put_artefact(key, "log", b"one")
            store.merge(other)
        (found,) = store.artefacts()
        assert found.dropped
    with pytest.raises(UserError, match="artefact_limit is -1"):
        Store.open(":memory:", artefact_limit=-1)


def test_merging_keeps_to_the_limit(place, area, tmp_path):
    with Store.open(tmp_path / "b.db") as other, Store.open(place, artefact_limit=200) as store:
        for number, key in enumerate(filled(other)):
            other.put_artefact(key, "weights", bytes([number]) * 100)
        store.merge(other)
        assert sum(path.stat().st_size for path in files(area)) == 200
        here = [each for each in store.artefacts() if not each.dropped]
        assert [store.get_artefact(each.key, "weights")[0] for each in here] == [3, 4]
        assert len(store.artefacts()) == 5
        assert store.check().problems == ()


def test_a_full_disk_leaves_no_row(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with Store.open(place) as store:
        key, *_ = filled(store)
        monkeypatch.setattr("taskaware.store.artefacts.atomic_write", full)
        with pytest.raises(StoreError, match="cannot be written.*No space left"):
            store.put_artefact(key, "log", b"one")
        assert store.artefacts() == ()


def test_two_processes_share_an_area(new_place, tmp_path):
    place, area = new_place(), tmp_path / "shared"
    with Store.open(place, artefacts=area, artefact_limit=2500) as store:
        keys = filled(store)
        words = [f"{key.task}/{key.architecture}/{key.recipe}/{key.seed}" for key in keys]
        command = [sys.executable, "-c", WRITER, place, str(area)]
        writers = [subprocess.Popen([*command, name, *words]) for name in ("a", "b")]
        assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
        here = [each for each in store.artefacts() if not each.dropped]
        assert len(store.artefacts()) == 60
        assert sum(each.size for each in here) <= 2500
        assert {path.name for path in files(area)} == {each.sha256 for each in here}
        assert store.check().problems == ()


def test_text_is_no_content(unchecked, tmp_path):
    with Store.open(tmp_path / "a.db") as store, pytest.raises(UserError, match="bytes"):
        store.put_artefact(filled(store)[0], "log", "text")
