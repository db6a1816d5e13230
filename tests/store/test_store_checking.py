"""What a check of the store sees."""

import re
import sqlite3

import pytest
import sqlalchemy as sa

from taskaware.errors import StoreError
from taskaware.store import Store
from taskaware.testing import store_examples as examples


@pytest.fixture
def path(tmp_path):
    """A store with ten trainings on two tasks, one of them diverged."""
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        recipe = examples.register(store)
        store.append(examples.example(recipe))
        store.append(examples.example(recipe, task=1))
    return path


def problems(path):
    with Store.open(path, readonly=True) as store:
        report = store.check()
    assert report.ok == (not report.problems)
    return report.problems


ARCHITECTURES, DESCRIPTIONS = "UPDATE architectures SET", "UPDATE metafeatures SET"
TRAININGS = "UPDATE trainings SET"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"{ARCHITECTURES} u = zeroblob(12) WHERE rowid = 2", "do not match their digests: 1 "),
        (f"{ARCHITECTURES} u = x'0000c07f0000000000000000' WHERE rowid = 1", "not finite: 1 "),
        (f"{ARCHITECTURES} u = x'00000000' WHERE rowid = 2", "do not match their digests: 1 "),
        (f"{ARCHITECTURES} u = x'000000' WHERE rowid = 2", "are no float32 numbers: 1 "),
        ("DELETE FROM architectures WHERE rowid = 1", "'trainings' that refer to .* 'architectures': [12] "),
        ("DELETE FROM recipes", "'trainings' that refer to what is not in 'recipes': 10 "),
        ("DELETE FROM spaces", "'architectures' that refer to what is not in 'spaces': 8 "),
        ("DELETE FROM tasks WHERE name = 'adult'", "'metafeatures' that refer to what .* 'tasks': 1 "),
        ("UPDATE recipes SET definition = '{}'", "Recipes that do not match their digests: 1 "),
        ("UPDATE recipes SET definition = '{'", "'recipes' that have no JSON in 'definition': 1 "),
        ("UPDATE tasks SET info = ''", "'tasks' that have no JSON in 'info': 2 "),
        (f'{DESCRIPTIONS} "values" = zeroblob(4)', "another number of meta-features than of names: 2 "),
        (f"{DESCRIPTIONS} names = '3'", "another number of meta-features than of names: 2 "),
        (f"{DESCRIPTIONS} \"values\" = x'0000c07f00000000' WHERE task LIKE '%1'", r"not finite: 1 \('0+1'\)"),
        (f"{DESCRIPTIONS} names = '[\"a\",\"b\"]' WHERE task LIKE '%2'", "have other names .*: 1 "),
        (f"{TRAININGS} status = 'done' WHERE status = 'ok'", r"a status that is none: 8 \(.*, \.\.\.\)"),
        (f"{TRAININGS} score = NULL WHERE status = 'ok'", "are 'ok' without a finite score: 8 "),
        (f"{TRAININGS} score = 9e999 WHERE status = 'ok'", "are 'ok' without a finite score: 8 "),
        (
            f"{TRAININGS} score = 1 WHERE status = 'diverged'",
            "are 'diverged' or 'failed' but have a score: 2 ",
        ),
        (f"{TRAININGS} status = 'failed', score = NULL", "are 'failed' without an error: 10 "),
        (f"{TRAININGS} error = 'late'", "have an error but are not 'failed': 10 "),
        (f"{TRAININGS} metric = '' WHERE seed = 0", "name no metric: 6 "),
        (f"{TRAININGS} birth = -1 WHERE seed = 0", "have a negative birth: 6 "),
        (f"{TRAININGS} parent = 'adam' WHERE seed = 0", "have a parent that is no digest: 6 "),
        ("UPDATE spaces SET type = 'cell'", "Spaces that have another type than their definition: 1 "),
    ],
)
def test_every_fault_is_reported(path, statement, words):
    assert problems(path) == ()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    found = problems(path)
    assert len(found) >= 1
    assert any(re.search(words, problem) for problem in found), found


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM architectures WHERE rowid = 1", "refer to what is not there"),
        ("DELETE FROM tasks", "refer to what is not there"),
        ("UPDATE trainings SET recipe = 'odd' WHERE seed = 0", "a digest that is none"),
        ("UPDATE architectures SET u = x'000000' WHERE rowid = 1", "architectures that are no float32"),
    ],
)
def test_what_cannot_be_read_is_refused(path, statement, words):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    with Store.open(path) as store, pytest.raises(StoreError, match=words):
        store.triplets()


def test_a_page_that_does_not_go_with_its_index(path):
    with Store.open(path) as store:
        query = "SELECT max(digest) FROM architectures"
        name = store._database.read(lambda connection: connection.exec_driver_sql(query).scalar())
    content = path.read_bytes()
    assert content.count(name.encode()) >= 3
    path.write_bytes(content.replace(name.encode(), b"0" * 16, 1))
    assert any("damaged" in problem for problem in problems(path))


def test_a_reference_that_leads_nowhere_in_postgresql(new_schema):
    place = new_schema()
    with Store.open(place) as store:
        store.append(examples.example(examples.register(store)))
        engine = sa.create_engine(place)
        with engine.begin() as connection:
            # as a restored backup without its constraints could
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql("DELETE FROM recipes")
            connection.exec_driver_sql("UPDATE trainings SET score = 'NaN' WHERE status = 'ok'")
        engine.dispose()
        references, scores = store.check().problems
    assert "'trainings' that refer to what is not in 'recipes': 5 " in references
    assert "without a finite score: 4 " in scores


def test_a_page_of_nonsense_is_reported_or_refused(path):
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        damaged = content[:start] + b"\x5a" * 4096 + content[start + 4096 :]
        path.write_bytes(damaged)
        try:
            assert problems(path), start
        except StoreError as error:
            assert "corrupt" in str(error) or "another application" in str(error)
