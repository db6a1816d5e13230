"""The store on real databases: the contract, several writers, and opening."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from taskaware.errors import StoreError, UserError
from taskaware.store import Store, Trainings, reading, writing
from taskaware.testing import store_examples as examples
from taskaware.testing.store_contract import (
    CHECKS,
    a_batch_may_repeat_itself,
    a_result_replaces_a_failure,
    appending_twice_changes_nothing,
    check_store,
    merging_adds_what_is_missing,
)

INSERTING = (
    a_batch_may_repeat_itself,
    a_result_replaces_a_failure,
    appending_twice_changes_nothing,
    merging_adds_what_is_missing,
)
"""Checks in which rows meet others of the same key."""

WRITER = """
import sys, time
from taskaware.store import Store
from taskaware.testing import store_examples as examples
place, start, begin = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
time.sleep(max(0.0, begin - time.time()))
with Store.open(place) as store:
    recipe = examples.register(store)
    new = [store.append(examples.example(recipe, start=start + 10 * i, count=20)) for i in range(40)]
print(sum(new))
"""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check, open_store):
    check(open_store)


@pytest.mark.parametrize("check", INSERTING, ids=lambda check: check.__name__)
def test_contract_with_standard_sql_alone(check, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "INSERTS", {})
    numbers = iter(range(9))
    check(lambda: Store.open(tmp_path / f"{next(numbers)}.db"))


def test_the_contract_in_one_call(tmp_path):
    numbers = iter(range(99))
    check_store(lambda: Store.open(":memory:", artefacts=tmp_path / str(next(numbers))))


def test_a_store_that_breaks_the_contract_is_named(monkeypatch):
    monkeypatch.setattr(Store, "merge", lambda self, other: 0)
    with pytest.raises(AssertionError) as raised:
        check_store(lambda: Store.open(":memory:"))
    assert "in the check 'merging_adds_what_is_missing'" in raised.value.__notes__[0]


def test_two_processes_begin_and_fill_one_store(new_place):
    place, begin = new_place(), str(time.time() + 1.5)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, place, start, begin], stdout=subprocess.PIPE)
        for start in ("0", "200")
    ]
    new = [int(writer.communicate(timeout=120)[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    with Store.open(place) as store:
        assert sum(new) == len(store.triplets()) == 610
        assert store.summary().architectures == 610


def test_a_reader_sees_one_moment_while_another_writes(new_place):
    place = new_place()
    with Store.open(place) as store, Store.open(place) as writer:
        recipe = examples.register(store)

        def look_twice(connection):
            before = connection.exec_driver_sql("SELECT count(*) FROM trainings").scalar()
            assert writer.append(examples.example(recipe)) == 5
            return before, connection.exec_driver_sql("SELECT count(*) FROM trainings").scalar()

        assert store._database.read(look_twice) == (0, 0)
        assert len(store.triplets()) == 5


def test_what_was_written_is_there_after_reopening(new_place):
    place = new_place()
    with Store.open(place) as store:
        store.append(examples.example(examples.register(store)))
        before = store.triplets()
    with Store.open(place, create=False) as store:
        examples.assert_same(store.triplets(), before)


def test_readonly_reads_and_never_writes(new_place):
    place = new_place()
    with Store.open(place) as store:
        recipe = examples.register(store)
        store.append(examples.example(recipe))
    with Store.open(place, readonly=True) as store:
        assert len(store.triplets()) == 5
        for write in (
            lambda: store.append(examples.example(recipe, start=5)),
            lambda: store.add_task(examples.TASKS[0]),
            lambda: store.add_recipe({"steps": 1}),
            lambda: store.merge(store),
        ):
            with pytest.raises(StoreError, match="readonly"):
                write()
        assert len(store.triplets()) == 5


@pytest.mark.parametrize("options", [{"create": False}, {"readonly": True}])
def test_a_missing_store_is_not_begun(new_place, options):
    place = new_place()
    with pytest.raises(StoreError, match="no store at.*create=True"):
        Store.open(place, **options)
    with pytest.raises(StoreError, match="no store at"):
        Store.open(place, create=False)
    assert not os.path.exists(place)


def test_a_closed_store_says_so(tmp_path):
    store = Store.open(tmp_path / "a.db")
    store.close()
    store.close()
    assert "closed" in repr(store)
    with pytest.raises(StoreError, match="closed"):
        store.tasks()


def test_odd_paths_are_paths(tmp_path):
    path = tmp_path / "a ?b#c%20d é.db"
    Store.open(path).close()
    assert path.exists()
    assert os.listdir(tmp_path) == [path.name]


def test_a_url_does_not_show_its_password():
    with pytest.raises(StoreError) as raised:
        Store.open("nosuchthing://me:secret@host/name")
    assert "nosuchthing" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_missing_driver_names_what_to_install():
    with pytest.raises(StoreError, match="pip install"):
        Store.open("postgresql+pg8000://me@localhost/name")


@pytest.mark.parametrize("url", ["sqlite//x://", "://"])
def test_a_broken_url_is_refused(url):
    with pytest.raises(StoreError, match="no database URL"):
        Store.open(url)


def test_metafeatures_of_one_catalogue_have_one_list_of_names(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        examples.register(store)
        task, catalogue = examples.TASKS[0].digest, examples.CATALOGUE
        with pytest.raises(UserError, match="other names"):
            store.add_metafeatures(task, catalogue=catalogue, names=["rows", "classes"], values=[1, 2])
        with pytest.raises(UserError, match="2 names"):
            store.add_metafeatures(task, catalogue=catalogue, names=["rows", "classes"], values=[1])
        with pytest.raises(StoreError, match="lacks a task"):
            store.add_metafeatures("9" * 16, catalogue="d" * 16, names=["rows"], values=[1])


def test_what_is_no_plain_data_is_named(tmp_path):
    with Store.open(tmp_path / "a.db") as store, pytest.raises(UserError, match=r"value\['at'\]\[1\]"):
        store.add_recipe({"at": [1, {2}]})


def test_a_batch_larger_than_a_block_of_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 2_000)
    count = 4_500
    with Store.open(tmp_path / "a.db") as store:
        recipe = examples.register(store)
        u = np.repeat(np.eye(3, dtype=np.float32), count // 3, axis=0)
        seeds = np.arange(count)
        task, space = examples.TASKS[0].digest, examples.SPACE.digest
        assert store.append(Trainings(task, space, recipe, u, seeds, scores=seeds)) == count
        found = store.triplets()
        assert len(found.architectures) == 3
        np.testing.assert_array_equal(np.sort(found.seed), seeds)
        np.testing.assert_array_equal(found.score, found.seed)
        np.testing.assert_array_equal(found.u, u[found.seed])


def test_the_shipped_form_is_read_without_sqlalchemy():
    code = "import sys, taskaware.store; sys.exit('sqlalchemy' in sys.modules or 'jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
