"""Files of before: a store of schema 1, and what its code exported, in Parquet and packed.

`schema1.json` has the answers of the code that wrote them.
"""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from taskaware.digests import architecture_digests
from taskaware.errors import StoreError
from taskaware.store import Store, migrations, schema, unpack
from taskaware.testing.store_examples import assert_same

HERE = Path(__file__).parent
ANSWERS = json.loads((HERE / "schema1.json").read_text())
TABLES = ("meta", "tasks", "spaces", "recipes", "metafeatures", "architectures", "trainings")
COLUMNS = ("task", "architecture", "recipe", "strategy", "seed")
NUMBERS = ("score", "test_score", "loss", "seconds")

# migrates, and stops for good when the statement that begins with sys.argv[2] has run
HALTING = """
import sys, time
import sqlalchemy as sa
from taskaware.store import Store

def halt(connection, cursor, statement, *rest):
    if statement.startswith(sys.argv[2]):
        print("in the middle", flush=True)
        time.sleep(600)

sa.event.listen(sa.Engine, "after_cursor_execute", halt)
Store.open(sys.argv[1])
"""


@pytest.fixture
def old_file(tmp_path):
    """A copy of the store of schema 1."""
    return str(shutil.copy(HERE / "schema1.sqlite", tmp_path / "old.sqlite"))


@pytest.fixture
def old_schema(new_schema):
    """The same store in PostgreSQL, made by the statements of schema 1."""
    place = new_schema()
    source, engine = sqlite3.connect(HERE / "schema1.sqlite"), sa.create_engine(place)
    statements = [sql for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    with engine.begin() as connection:
        for statement in statements:
            words = statement.replace("DOUBLE", "DOUBLE PRECISION").replace("BLOB", "BYTEA")
            connection.exec_driver_sql(words.replace("WITHOUT ROWID", ""))
        for table in TABLES:
            rows = source.execute(f"SELECT * FROM {table}").fetchall()
            places = ", ".join(["%s"] * len(rows[0]))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({places})", rows)
    source.close()
    engine.dispose()
    return place


@pytest.fixture(params=["old_file", "old_schema"], ids=["sqlite", "postgresql"])
def old_store(request):
    return request.getfixturevalue(request.param)


def assert_answers(found):
    """The triplets are those that the code of before gave."""
    tasks = [
        [t.digest, t.name, t.group, t.problem, t.metric, t.rows, t.features, t.outputs] for t in found.tasks
    ]
    assert tasks == ANSWERS["tasks"]
    assert [found.space.digest, found.space.name] == ANSWERS["space"]
    assert (found.space.type, found.metric, found.metrics) == ("mixture", "", ("accuracy", "accuracy"))
    names = architecture_digests(found.space.digest, found.architectures)
    assert names.tolist() == ANSWERS["architectures"]
    assert [recipe.digest for recipe in found.recipes] == ANSWERS["recipes"]
    assert (list(found.strategies), found.catalogue) == (ANSWERS["strategies"], ANSWERS["catalogue"])
    for name in COLUMNS:
        assert getattr(found, name).tolist() == ANSWERS[name], name
    for name in NUMBERS:
        expected = np.array(ANSWERS[name], float).astype(np.float32)
        np.testing.assert_array_equal(getattr(found, name), expected, err_msg=name, strict=True)
    assert np.nan_to_num(found.z).astype(float).sum() == pytest.approx(ANSWERS["z_sum"], rel=1e-12)
    assert found.diverged.sum() == 1


def assert_migrated(store):
    assert_answers(store.triplets())
    found, before = store.summary(), ANSWERS["summary"]
    assert (found.version, found.created) == (2, before["created"])
    assert (found.trained, found.diverged, found.failed) == (
        before["trained"],
        before["lost"],
        before["failed"],
    )
    assert [[group.error, group.count] for group in store.failures()] == ANSWERS["failures"]
    assert store.check().problems == ()


def test_an_old_store_answers_as_before(old_store):
    for _ in range(2):
        with Store.open(old_store) as store:
            assert_migrated(store)


def test_a_migrated_store_takes_and_gives_what_is_new(old_store, tmp_path):
    with Store.open(old_store, artefacts=tmp_path / "files") as store, Store.open(":memory:") as other:
        before = store.triplets()
        assert store.add_experience(before) == 0
        other.merge(store)
        assert_same(other.triplets(), before)
        other.close()


def test_a_migrated_store_has_the_tables_of_a_new_one(old_file, old_schema, new_file, new_schema):
    for old, new in ((old_file, new_file()), (old_schema, new_schema())):
        found = []
        for place in (old, new):
            with Store.open(place) as store:
                inspector = sa.inspect(store._database.engine)
                assert set(inspector.get_table_names()) == set(schema.metadata.tables)
                found.append({table: shape(inspector, table) for table in schema.metadata.tables})
        assert found[0] == found[1]


def shape(inspector, table):
    """Columns, key and references of a table, in any order of columns."""
    columns = sorted((c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table))
    references = sorted(
        (key["referred_table"], key["constrained_columns"]) for key in inspector.get_foreign_keys(table)
    )
    return columns, inspector.get_pk_constraint(table)["constrained_columns"], references


def test_an_old_store_that_is_only_read_stays_and_says_what_to_do(old_store):
    with pytest.raises(
        StoreError, match="schema version 1.*taskaware experience migrate.*without `readonly`"
    ):
        Store.open(old_store, readonly=True)
    if "://" not in old_store:
        assert Path(old_store).read_bytes() == (HERE / "schema1.sqlite").read_bytes()


@pytest.mark.parametrize(
    "statement", ["ALTER TABLE trainings", "INSERT INTO trainings", "DROP TABLE", "UPDATE meta"]
)
def test_a_migration_that_is_killed_leaves_the_old_store(old_store, statement):
    command = [sys.executable, "-c", HALTING, old_store, statement]
    migrating = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert migrating.stdout.readline() == "in the middle\n"
    migrating.send_signal(signal.SIGKILL)
    migrating.communicate()
    with pytest.raises(StoreError, match="schema version 1"):
        Store.open(old_store, readonly=True)
    with Store.open(old_store) as store:
        assert_migrated(store)


def test_a_migration_that_breaks_leaves_the_old_store(old_store, monkeypatch):
    def broken(connection):
        migrations._from_1_to_2(connection)
        raise RuntimeError("power cut")

    monkeypatch.setitem(migrations.STEPS, 1, broken)
    with pytest.raises(RuntimeError, match="power cut"):
        Store.open(old_store)
    monkeypatch.undo()
    with Store.open(old_store) as store:
        assert_migrated(store)


def test_two_processes_migrate_one_store(old_store):
    code = "import sys; from taskaware.store import Store; Store.open(sys.argv[1]).close()"
    both = [
        subprocess.Popen([sys.executable, "-c", code, old_store], stderr=subprocess.PIPE) for _ in range(2)
    ]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    with Store.open(old_store) as store:
        assert_migrated(store)


def test_a_packed_file_of_before_answers_as_before():
    assert_answers(unpack(HERE / "schema1.npz"))


def test_an_export_of_before_answers_as_before(tmp_path):
    with Store.open(":memory:") as store:
        assert store.import_parquet(HERE / "schema1.parquet") == 11
        assert_answers(store.triplets())
        assert (store.summary().diverged, store.summary().failed) == (1, 1)
        assert store.check().problems == ()
        store.export_parquet(tmp_path / "new.parquet")
        with Store.open(":memory:") as other:
            assert other.import_parquet(tmp_path / "new.parquet") == 11
            assert_same(other.triplets(), store.triplets())
