"""Killed writers, killed servers, clashes and disks that are really full."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.postgres import PostgresServer
from taskaware.errors import StoreError
from taskaware.store import Store, reading
from taskaware.testing import store_examples as examples

# stops for good in the second batch, when the statement that begins with sys.argv[2] has run
HALTING_WRITER = """
import sys, time
import sqlalchemy as sa
from taskaware.store import Store, reading
from taskaware.testing import store_examples as examples

def halt(connection, cursor, statement, *rest):
    if statement.startswith(sys.argv[2]):
        print("in the middle", flush=True)
        time.sleep(600)

with Store.open(sys.argv[1]) as store:
    recipe = examples.register(store)
    store.append(examples.example(recipe, count=64))
    sa.event.listen(store._database.engine, "after_cursor_execute", halt)
    store.append(examples.example(recipe, start=64, count=64))
"""


@pytest.fixture
def server():
    """A PostgreSQL of our own, to be killed."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def small_disk():
    """A file system of one megabyte, which grows by calling it; everyone may use it."""
    folder = Path(tempfile.mkdtemp(prefix="taskaware-disk-"))
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    mounted = mounted and _mount(folder, "size=1m,mode=777") == 0
    if not mounted:
        folder.rmdir()
        pytest.skip("only root can mount a small file system")
    try:
        yield folder, lambda: _mount(folder, "remount,size=64m")
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def _mount(folder, options):
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True
    ).returncode


def filled(place):
    """A store with five trainings, and its recipe."""
    store = Store.open(place)
    recipe = examples.register(store)
    store.append(examples.example(recipe))
    return store, recipe


def once_after(store, start, act):
    """Let `act` run when the first statement that begins with `start` has run; takes it back by itself."""

    def listen(connection, cursor, statement, *_):
        if statement.startswith(start):
            sa.event.remove(store._database.engine, "after_cursor_execute", listen)
            act(connection)

    sa.event.listen(store._database.engine, "after_cursor_execute", listen)


@pytest.mark.parametrize("statement", ["INSERT INTO architectures", "INSERT INTO trainings"])
def test_a_writer_killed_between_two_statements_leaves_no_half_of_a_batch(new_place, statement):
    place = new_place()
    command = [sys.executable, "-c", HALTING_WRITER, place, statement]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "in the middle\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    with Store.open(place) as store:
        found = store.summary()
        assert (found.architectures, found.trained + found.diverged) == (64, 64)
        assert store.check().ok
        recipe = store.recipes()[0].digest
        assert store.append(examples.example(recipe, start=64, count=64)) == 64


def test_a_connection_that_is_cut_in_mid_append_is_replaced(new_schema, postgres):
    place = new_schema()
    store, recipe = filled(place)
    before, batch = store.triplets(), examples.example(recipe, start=5)

    def cut(connection):
        pid = connection.connection.driver_connection.info.backend_pid
        other = sa.create_engine(postgres)
        with other.begin() as killer:
            assert killer.execute(sa.select(sa.func.pg_terminate_backend(pid, 5000))).scalar()
        other.dispose()

    once_after(store, "INSERT INTO architectures", cut)
    with pytest.raises(StoreError, match="broke off.*terminating connection.*not written twice"):
        store.append(batch)
    examples.assert_same(store.triplets(), before)
    with Store.open(place) as again:
        examples.assert_same(again.triplets(), before)
        assert again.append(batch) == 5
    assert store.append(batch) == 0
    store.close()


def test_a_server_that_crashes_in_mid_append_loses_nothing_that_was_appended(server):
    store, recipe = filled(server.url)
    before, batch = store.triplets(), examples.example(recipe, start=5)
    once_after(store, "INSERT INTO trainings", lambda connection: server.stop(at_once=True))
    with pytest.raises(StoreError, match="broke off"):
        store.append(batch)
    with pytest.raises(StoreError, match="broke off or was refused"):
        store.append(batch)
    with pytest.raises(StoreError, match="broke off or was refused"):
        Store.open(server.url)
    server.start()
    with Store.open(server.url, create=False) as again:
        examples.assert_same(again.triplets(), before)
        assert again.check().ok
    assert store.append(batch) == 5
    assert store.append(batch) == 0
    assert len(store.triplets()) == 10
    store.close()


def test_a_server_that_crashes_while_it_is_read(server, monkeypatch):
    store, recipe = filled(server.url)
    before, keys, crashed = store.triplets(), reading._keys, []
    monkeypatch.setattr(reading, "BLOCK", 2)

    def crash(digests):
        if digests and not crashed:
            crashed.append(server.stop(at_once=True))
        return keys(digests)

    monkeypatch.setattr(reading, "_keys", crash)
    with pytest.raises(StoreError, match="broke off"):
        store.triplets()
    monkeypatch.undo()
    server.start()
    examples.assert_same(store.triplets(), before)
    assert store.append(examples.example(recipe, start=5)) == 5
    store.close()


def test_a_store_on_a_disk_that_is_really_full(small_disk):
    folder, grow = small_disk
    store, recipe = filled(folder / "a.db")
    before = store.triplets()
    large = examples.example(recipe, start=5, count=8_000)
    with pytest.raises(StoreError, match="full.*Nothing of this batch"):
        store.append(large)
    examples.assert_same(store.triplets(), before)
    with Store.open(folder / "a.db") as again:
        examples.assert_same(again.triplets(), before)
    with pytest.raises(StoreError, match="full.*Nothing of this batch"):
        store.append(large)
    grow()
    assert store.append(large) == 8_000
    assert store.check().ok
    store.close()


def test_a_server_whose_disk_is_really_full(small_disk, server):
    # in this order, for the server has to be gone before its disk can be
    folder, grow = small_disk
    owner = server.folder.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    with sa.create_engine(server.url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
    store, recipe = filled(f"{server.url}&options=-cdefault_tablespace%3Dsmall")
    before = store.triplets()
    large = examples.example(recipe, start=5, count=8_000)
    with pytest.raises(StoreError, match="full.*Nothing of this batch"):
        store.append(large)
    examples.assert_same(store.triplets(), before)
    grow()
    assert store.append(large) == 8_000
    assert store.check().ok
    store.close()


def test_a_quota_that_is_used_up(tmp_path):
    store, recipe = filled(tmp_path / "a.db")
    before = store.triplets()
    large = examples.example(recipe, start=5, count=8_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(StoreError, match="(refused|full).*Nothing of this batch"):
            store.append(large)
        examples.assert_same(store.triplets(), before)
        with Store.open(tmp_path / "a.db") as again:
            examples.assert_same(again.triplets(), before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.append(large) == 8_000
    assert store.check().ok
    store.close()


def test_an_export_onto_a_full_disk_leaves_nothing(small_disk, tmp_path):
    folder, grow = small_disk
    store, recipe = filled(tmp_path / "a.db")
    store.append(examples.example(recipe, start=5, count=40_000))
    with pytest.raises(StoreError, match="cannot be written.*No space left"):
        store.export_parquet(folder / "a.parquet")
    assert list(folder.iterdir()) == []
    grow()
    assert store.export_parquet(folder / "a.parquet") == 40_005
    store.close()


def test_a_clash_that_sqlite_refuses_at_once_is_tried_again(tmp_path):
    """A transaction that read before another wrote can never write; from the beginning it can."""
    store, recipe = filled(tmp_path / "a.db")
    other = Store.open(tmp_path / "a.db")
    counts = []

    def read_then_write(connection):
        counts.append(connection.exec_driver_sql("SELECT count(*) FROM trainings").scalar())
        if len(counts) == 1:
            other.append(examples.example(recipe, start=5))
        connection.exec_driver_sql("UPDATE trainings SET strategy = 'x'")

    store._database.read(read_then_write)
    assert counts == [5, 10]
    assert store.triplets().strategies == ("x",)
    other.close()
    store.close()


def test_a_deadlock_in_postgresql_is_tried_again(new_schema):
    place = new_schema()
    store, _ = filled(place)
    other, both, tries = Store.open(place), threading.Barrier(2), []

    def changes(first, second):
        met = []

        def job(connection):
            tries.append(first)
            change = "UPDATE tasks SET name = name WHERE digest = '{}'"
            connection.exec_driver_sql(change.format(first))
            if not met:
                met.append(both.wait(60))
            connection.exec_driver_sql(change.format(second))

        return job

    a, b = (task.digest for task in examples.TASKS)
    thread = threading.Thread(target=other._database.write, args=[changes(b, a)])
    thread.start()
    store._database.write(changes(a, b))
    thread.join(60)
    assert len(tries) >= 3
    other.close()
    store.close()
