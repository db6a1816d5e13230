"""One service for the tests of HTTP, in this process, with one short training."""

import numpy as np
import pandas as pd
import pytest
from litestar.testing import TestClient

from taskaware.service.app import make_app
from taskaware.service.limits import Limits
from taskaware.service.tokens import Tokens, digest_of

URL = "http://127.0.0.1:8000"
ANN, BOB = "the token of Ann, 1", "the token of Bob, 2"


@pytest.fixture(scope="session")
def flowers():
    """A small table: two numbers, a category, and a label."""
    rng = np.random.default_rng(0)
    kind = np.arange(60) % 3
    return pd.DataFrame(
        {
            "length": np.round(kind + rng.normal(0, 0.3, 60), 2),
            "width": np.round(rng.normal(3, 1, 60), 2),
            "colour": np.array(["red", "white", "blue"])[rng.integers(0, 3, 60)],
            "species": np.array(["iris", "rose", "tulip"])[kind],
        }
    )


@pytest.fixture
def service(tmp_path):
    """Makes clients of services in a folder that is new for each test; no worker does their jobs."""
    opened = []

    def make(folder=tmp_path / "service", *, tokens=(), headers=None, **limits):
        app = make_app(folder, tokens=Tokens(map(digest_of, tokens)), limits=Limits(**limits), workers=0)
        # A failure of the service is an answer here, as it is for users.
        client = TestClient(app, base_url=URL, raise_server_exceptions=False)
        client.headers.update(headers or {})
        opened.append(client)
        return client.__enter__()

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def http(tmp_path_factory):
    """A client of a service with a worker."""
    app = make_app(tmp_path_factory.mktemp("service"))
    with TestClient(app, base_url=URL, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def uploaded(http, flowers):
    """Id of the uploaded table."""
    content = flowers.to_csv(index=False)
    answer = http.post("/datasets", params={"name": "flowers.csv", "target": "species"}, content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture(scope="session")
def recommended(http, uploaded):
    """A recommendation for it, as the service answers it."""
    answer = http.post("/recommendations", json={"dataset": uploaded})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture(scope="session")
def events(http, recommended):
    """What was told of one training, until its end."""
    answer = http.post("/jobs", json={"recommendation": recommended["id"], "members": 1, "seed": 3})
    assert answer.status_code == 202, answer.text
    return http.get(f"{answer.headers['location']}/events").text


@pytest.fixture(scope="session")
def job(http, events):
    """The job of that training, which has ended."""
    return http.get(f"/jobs/{http.get('/jobs').json()['items'][0]['id']}").json()


@pytest.fixture(scope="session")
def model(http, job):
    """The model of that training, as the service answers it."""
    return http.get(f"/models/{job['model']}").json()
