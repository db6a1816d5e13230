"""New, empty places for stores: files, and schemas of a real PostgreSQL."""

import itertools
import os

import pytest
import sqlalchemy as sa

from benchmarks.postgres import PostgresServer
from taskaware.store import Store


@pytest.fixture
def new_file(tmp_path):
    """A function that names a file that does not exist, another at each call."""
    numbers = itertools.count()
    return lambda: str(tmp_path / f"{next(numbers)}.db")


@pytest.fixture(scope="session")
def postgres():
    """URL of a PostgreSQL: what TASKAWARE_POSTGRES names, else a server of our own until the tests end."""
    if named := os.environ.get("TASKAWARE_POSTGRES"):
        yield named
        return
    with PostgresServer() as server:
        yield server.url


@pytest.fixture
def new_schema(postgres):
    """A function that makes an empty schema in PostgreSQL and gives its URL, another at each call."""
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    made = []

    def make() -> str:
        made.append(f"taskaware_test_{os.getpid()}_{len(made)}")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {made[-1]}")
        url = sa.make_url(postgres).update_query_dict({"options": f"-csearch_path={made[-1]}"})
        return url.render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        for schema in made:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture(params=["new_file", "new_schema"], ids=["sqlite", "postgresql"])
def new_place(request):
    """Both of them in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def open_store(new_place, tmp_path):
    """A function that opens a new, empty store with an area for artefacts of its own."""
    numbers = itertools.count()
    return lambda: Store.open(new_place(), artefacts=tmp_path / f"artefacts {next(numbers)}")
