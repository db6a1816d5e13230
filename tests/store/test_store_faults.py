"""What a store survives: killed writers, full disks, locks, and files that are none."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

import taskaware
from taskaware.errors import StoreError
from taskaware.store import Store
from taskaware.testing import store_examples as examples

COUNT = 50

ENDLESS_WRITER = """
import itertools, sys
from taskaware.store import Store
from taskaware.testing import store_examples as examples
store = Store.open(sys.argv[1])
recipe = examples.register(store)
for start in itertools.count(0, 50):
    store.append(examples.example(recipe, start=start, count=50))
    print(start, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    """A store with five trainings."""
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        store.append(examples.example(examples.register(store)))
    return path


def change(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("lines", [1, 7, 20])
def test_a_store_killed_in_mid_append_opens_and_has_whole_batches(new_place, lines):
    place = new_place()
    writer = subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, place], stdout=subprocess.PIPE)
    for _ in range(lines):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    with Store.open(place) as store:
        found = len(store.triplets())
        assert found % COUNT == 0
        assert found >= last + COUNT
        assert store.summary().architectures == found
        assert store.append(examples.example(store.recipes()[0].digest, start=found, count=3)) == 3


def test_a_full_disk_leaves_the_store_as_it_was(path):
    with Store.open(path) as store:
        recipe = store.recipes()[0].digest
        before = store.triplets()
        sa.event.listen(store._database.engine, "checkout", _no_page_more)
        with pytest.raises(StoreError, match="full.*Nothing of this batch"):
            store.append(examples.example(recipe, start=5, count=20_000))
        examples.assert_same(store.triplets(), before)
        sa.event.remove(store._database.engine, "checkout", _no_page_more)
        examples.assert_same(store.triplets(), before)
    with Store.open(path) as store:
        examples.assert_same(store.triplets(), before)
        assert store.append(examples.example(recipe, start=5, count=20_000)) == 20_000


def _no_page_more(connection, *_):
    connection.execute("PRAGMA max_page_count = 1")


def test_a_locked_store_is_named_after_the_timeout(path):
    with Store.open(path, timeout=0.1) as store:
        recipe = store.recipes()[0].digest
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked.*timeout"):
            store.append(examples.example(recipe, start=5))
        assert len(store.triplets()) == 5
        other.execute("ROLLBACK")
        other.close()
        assert store.append(examples.example(recipe, start=5)) == 5


@pytest.mark.parametrize("content", [b"name,age\nann,3\n", b"\0" * 4096, b"SQLite"])
def test_a_file_that_is_no_database_stays_as_it_is(tmp_path, content):
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not an SQLite file"):
        Store.open(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("pragma", ["PRAGMA application_id = 0", "PRAGMA application_id = 7"])
def test_the_database_of_another_application_stays_as_it_is(tmp_path, pragma):
    path = tmp_path / "a.db"
    change(path, "CREATE TABLE tasks (digest TEXT)", pragma)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another application"):
        Store.open(path)
    assert path.read_bytes() == before


def test_an_empty_database_with_another_mark_is_not_taken(tmp_path):
    path = tmp_path / "a.db"
    change(path, "PRAGMA application_id = 7", "CREATE TABLE t (x)", "DROP TABLE t")
    with pytest.raises(StoreError, match="another application"):
        Store.open(path)


def test_a_postgresql_table_of_the_same_name_is_not_taken(new_schema):
    place = new_schema()
    engine = sa.create_engine(place)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE meta (key TEXT, value TEXT)")
    with pytest.raises(StoreError, match="another application"):
        Store.open(place)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == ["meta"]
    engine.dispose()


def test_a_truncated_file_is_corrupt(path):
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(StoreError, match="corrupt"):
        Store.open(path)


def test_a_damaged_page_is_corrupt(path):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"corrupt|another application"):
        Store.open(path).triplets()


def test_an_empty_file_is_a_store_that_was_about_to_begin(tmp_path):
    path = tmp_path / "a.db"
    path.touch()
    with pytest.raises(StoreError, match="create=True"):
        Store.open(path, create=False)
    with Store.open(path) as store:
        examples.register(store)


def test_folders(tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        Store.open(tmp_path / "none" / "a.db")


def test_a_newer_store_is_refused_in_both_versions_words(path):
    change(path, "UPDATE meta SET value = '9' WHERE key = 'schema_version'")
    with pytest.raises(StoreError, match=r"version 9; this taskaware reads up to 2.*pip install --upgrade"):
        Store.open(path)


def test_a_store_without_a_way_forward_is_refused(path):
    change(path, "UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    with pytest.raises(StoreError, match="no migration leads to 2"):
        Store.open(path)


def test_a_database_that_does_not_answer(new_schema):
    place = sa.make_url(new_schema()).difference_update_query(["host"]).set(host="127.0.0.1", port=1)
    with pytest.raises(StoreError, match="was refused.*that the database runs"):
        Store.open(place.render_as_string(hide_password=False))


def test_a_store_that_is_locked_while_it_begins(tmp_path):
    path = tmp_path / "a.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        Store.open(path, timeout=0.1)
    other.execute("ROLLBACK")
    other.close()
    Store.open(path).close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trainings SET score = 'high'",
        "UPDATE trainings SET score = 9e999",
        "UPDATE trainings SET seed = 'first'",
        "UPDATE tasks SET name = x'00ff'",
        "UPDATE tasks SET rows = 'many'",
        "UPDATE tasks SET info = '[' ",
        "UPDATE tasks SET info = '3'",
        "UPDATE tasks SET digest = 'short' WHERE digest = (SELECT min(digest) FROM tasks)",
        "UPDATE spaces SET definition = 'null'",
        "UPDATE recipes SET definition = replace(hex(zeroblob(60000)), '0', '[')",
        "UPDATE architectures SET u = 'text'",
        "UPDATE architectures SET u = x'0000807f'",
        "UPDATE metafeatures SET names = '[3]'",
        "UPDATE metafeatures SET \"values\" = x'00'",
    ],
)
def test_what_no_taskaware_wrote_is_damage(path, statement):
    change(path, "PRAGMA foreign_keys = OFF", statement)
    with Store.open(path, create=False) as store, pytest.raises(StoreError, match="damaged") as caught:
        store.triplets()
    assert len(str(caught.value)) < 600


def as_nobody(place, other, mode):
    """A process that reads a store as a user who may write nothing here; first, with all rights, another."""
    environment = os.environ | {"PYTHONPATH": str(Path(taskaware.__file__).parent.parent)}
    command = [sys.executable, "-P", "-c", READING, str(place), str(other), mode]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


READING = """
import os, sys
from taskaware.store import Store
_, place, other, mode = sys.argv
for target in (other, place):
    with Store.open(target, create=False, readonly=mode == "readonly") as store:
        print(len(store.triplets()))
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
"""


@pytest.fixture
def shelf(path):
    """A store in a folder that may only be read; all may enter the folders above it, unlike pytest's."""
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        closed = Path(above) / "shelf"
        closed.mkdir()
        shutil.copy(path, closed / "a.db")
        (closed / "a.db").chmod(0o444)
        closed.chmod(0o555)
        yield closed / "a.db"
        closed.chmod(0o755)


def test_a_store_that_may_only_be_read_is_read(shelf, path):
    done = as_nobody(shelf, path, "readonly")
    assert done.stdout == "5\n5\n", done.stderr


def test_one_that_may_only_be_read_is_not_opened_to_write(shelf, path):
    done = as_nobody(shelf, path, "writable")
    assert "can only be read: open it with readonly=True" in done.stderr


def test_one_with_changes_left_beside_it_says_so(shelf, path):
    shelf.parent.chmod(0o755)
    shelf.with_name(f"{shelf.name}-wal").write_bytes(b"changes")
    shelf.parent.chmod(0o555)
    done = as_nobody(shelf, path, "readonly")
    assert "StoreError" in done.stderr and "copy both files" in done.stderr


ENDLESS = """
CREATE VIEW {name} AS WITH RECURSIVE n(digest, name, definition, type) AS
(SELECT '0', '0', '{{}}', '0' UNION ALL SELECT digest, name, definition, type FROM n) SELECT * FROM n
"""


def test_a_view_without_end_is_no_store(path):
    change(path, "PRAGMA foreign_keys = OFF", "DROP TABLE spaces", ENDLESS.format(name="spaces"))
    with pytest.raises(StoreError, match="lacks the tables spaces"):
        Store.open(path, create=False)


def test_ctrl_c_ends_a_query_without_end(path):
    with Store.open(path) as store:
        ended = threading.Event()

        def press():
            # Again where it came while Python could not raise it, as in a destructor.
            while not ended.wait(0.3):
                os.kill(os.getpid(), signal.SIGINT)

        presses = threading.Thread(target=press)
        presses.start()
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT count(*) FROM n"
        with pytest.raises(KeyboardInterrupt):
            try:
                store._database.read(lambda connection: connection.exec_driver_sql(endless).scalar())
            finally:
                ended.set()
        presses.join()
        assert len(store.triplets()) == 5


def test_a_wait_is_explained_and_limited_by_the_environment(path, monkeypatch, caplog):
    monkeypatch.setattr("taskaware.store.connecting.PATIENCE", 0.0)
    monkeypatch.setattr("taskaware.store.opening.BUSY", 0.05)
    monkeypatch.setenv("TASKAWARE_STORE_TIMEOUT", "0.4")
    with Store.open(path) as store, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        recipe = store.recipes()[0].digest
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreError, match="locked by another program"):
            store.append(examples.example(recipe, start=5))
        assert time.monotonic() - began < 5
        other.execute("ROLLBACK")
    (line,) = caplog.messages
    assert "Waiting for it, 0.4 s at most" in line


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf"])
def test_a_wait_that_is_none_is_refused(value, path, monkeypatch):
    monkeypatch.setenv("TASKAWARE_STORE_TIMEOUT", value)
    with pytest.raises(StoreError, match=f"TASKAWARE_STORE_TIMEOUT is '{value}'"):
        Store.open(path)
