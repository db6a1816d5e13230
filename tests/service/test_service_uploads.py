"""Uploads in parts: broken off, resumed, of another token, too long; and what is left of them is removed."""

import base64
import os
import socket
import threading
import time

import httpx
import pytest
import uvicorn

import taskaware as ta
from taskaware.errors import EngineError
from taskaware.service import resuming
from taskaware.service.app import make_app
from taskaware.service.limits import Limits
from taskaware.service.service import Service
from tests.service.conftest import ANN, BOB, URL
from tests.service.test_service_http import refusal

TUS = {"tus-resumable": "1.0.0"}
PART = TUS | {"content-type": "application/offset+octet-stream"}


def begin(client, length, name="sales.csv", **more):
    named = base64.b64encode(name.encode()).decode()
    headers = TUS | {"upload-length": str(length), "upload-metadata": f"filename {named}"}
    return client.post("/uploads", headers=headers | more)


def send(client, place, content, offset=0, **more):
    return client.patch(place, content=content, headers=PART | {"upload-offset": str(offset)} | more)


def offset_of(client, place):
    answer = client.head(place, headers=TUS)
    assert (answer.status_code, answer.content) == (200, b"")
    return int(answer.headers["upload-offset"])


@pytest.fixture
def table(flowers):
    return flowers.to_csv(index=False).encode()


def test_parts_become_a_dataset(service, table):
    client = service()
    told = client.options("/uploads")
    assert told.status_code == 204 and told.headers["tus-version"] == "1.0.0"
    assert told.headers["tus-extension"] == "creation,termination" and int(told.headers["tus-max-size"]) > 1e6
    answer = begin(client, len(table))
    place = answer.headers["location"]
    assert (answer.status_code, answer.headers["tus-resumable"], offset_of(client, place)) == (
        201,
        "1.0.0",
        0,
    )
    first = send(client, place, table[:100])
    assert (first.status_code, first.headers["upload-offset"], first.content) == (204, "100", b"")
    code, message = refusal(client.post("/datasets", params={"upload": place.rpartition("/")[2]}), 409)
    assert f"100 of {len(table):,} bytes" in message
    assert offset_of(client, place) == 100
    send(client, place, table[100:], 100)
    made = client.post("/datasets", params={"upload": place.rpartition("/")[2], "target": "species"})
    assert (made.status_code, made.json()["rows"], made.json()["name"]) == (201, 60, "sales.csv")
    assert made.headers["location"] == f"/datasets/{place.rpartition('/')[2]}"
    assert made.json()["choices"]["target"] == ["species"]
    assert client.head(place).status_code == 404


@pytest.fixture
def served(tmp_path):
    """The port of a service in a thread, which real connections can be broken with."""
    app = make_app(tmp_path / "service", workers=0)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join()


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_came_before_a_connection_broke_is_kept(served, table):
    with httpx.Client(base_url=f"http://127.0.0.1:{served}") as client:
        place = begin(client, len(table)).headers["location"]
        head = f"PATCH {place} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\n"
        head += f"Content-Type: {PART['content-type']}\r\nContent-Length: {len(table)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", served)) as broken:
            broken.sendall(head.encode() + table[:70])
            # One request writes at a time.
            until(lambda: send(client, place, table[:9], 9).status_code == 423)
        until(lambda: offset_of(client, place) == 70)
        assert send(client, place, table[70:], 70).headers["upload-offset"] == str(len(table))
        made = client.post("/datasets", params={"upload": place.rpartition("/")[2]})
        assert (made.status_code, made.json()["rows"]) == (201, 60)


def test_wrong_parts_are_refused_and_change_nothing(service, table):
    client = service()
    place = begin(client, len(table)).headers["location"]
    send(client, place, table[:50])
    for content, offset, more, status in (
        (table[:9], 40, {}, 409),
        (table[:9], 60, {}, 409),
        (table[:9], "many", {}, 400),
        (table[50:] + b"x", 50, {}, 413),
        (iter([table[50:] + b"x"]), 50, {}, 413),
        (table[50:], 50, {"content-type": "text/csv"}, 415),
        (table[50:], 50, {"tus-resumable": "0.2.2"}, 412),
    ):
        answer = send(client, place, content, offset, **more)
        refusal(answer, status)
        assert offset_of(client, place) == 50 and answer.headers["tus-resumable"] == "1.0.0"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"upload-length": "1000001"}, 413),
        ({"upload-length": "0"}, 400),
        ({"upload-length": "-1"}, 400),
        ({"upload-metadata": "filetype YQ=="}, 400),
        ({"upload-metadata": "filename *"}, 400),
        ({"upload-metadata": "filename " + base64.b64encode(b"a.exe").decode()}, 415),
        ({"tus-resumable": "2.0.0"}, 412),
    ],
)
def test_uploads_that_cannot_be_are_not_begun(service, tmp_path, headers, status):
    client = service(dataset_bytes=1_000_000)
    refusal(begin(client, 100, **headers), status)
    assert list((tmp_path / "service" / "incoming").iterdir()) == []


def test_an_upload_belongs_to_the_token_that_began_it(service, table):
    client = service(tokens=[ANN, BOB])
    client.headers["authorization"] = f"Bearer {ANN}"
    place = begin(client, len(table)).headers["location"]
    client.headers["authorization"] = f"Bearer {BOB}"
    nobody = f"/uploads/{'0' * 32}"
    for ask in (
        lambda at: send(client, at, table),
        lambda at: client.delete(at, headers=TUS),
        lambda at: client.post("/datasets", params={"upload": at.rpartition("/")[2]}),
    ):
        assert refusal(ask(place), 404) == refusal(ask(nobody), 404)
    assert client.head(place).status_code == 404
    client.headers["authorization"] = f"Bearer {ANN}"
    assert offset_of(client, place) == 0
    assert client.delete(place, headers=TUS).status_code == 204 and client.head(place).status_code == 404


def test_uploads_count_before_a_byte_of_them_is_there(service, table):
    client = service(token_uploads=2, token_bytes=10_000)
    first = begin(client, 4_000).headers["location"]
    assert refusal(begin(client, 8_000), 429)[0] == "limit"
    begin(client, 4_000)
    assert "2 uploads are not complete" in refusal(begin(client, 1_000), 429)[1]
    assert client.delete(first).status_code == 204
    assert begin(client, 1_000).status_code == 201


def test_an_upload_goes_on_after_a_restart_and_an_old_one_is_removed(service, table, tmp_path):
    client = service()
    place, old = (begin(client, len(table)).headers["location"] for _ in range(2))
    send(client, place, table[:50])
    incoming = tmp_path / "service" / "incoming"
    (incoming / ("1" * 32)).mkdir()
    os.utime(incoming / old.rpartition("/")[2] / "data.csv", (1, 1))
    Service(tmp_path / "service", Limits())
    assert [path.name for path in incoming.iterdir()] == [place.rpartition("/")[2]]
    assert offset_of(client, place) == 50


class Breaking:
    """An HTTP client that breaks at some calls: before (False) or after (True) they are carried out."""

    def __init__(self, http, lost):
        self.http, self.lost, self.asked = http, lost, []

    def request(self, method, url, **given):
        self.asked.append(method)
        if len(self.asked) not in self.lost or method == "DELETE":
            return self.http.request(method, url, **given)
        if self.lost[len(self.asked)]:
            self.http.request(method, url, **given)
        raise httpx.ReadError("the connection broke")


@pytest.fixture
def in_small_parts(monkeypatch):
    monkeypatch.setattr(resuming, "LARGE", 400)
    monkeypatch.setattr("taskaware.service.client.LARGE", 400)
    monkeypatch.setattr(resuming, "PAUSE", 0.001)


def test_the_client_goes_on_where_it_stopped(service, table, tmp_path, in_small_parts):
    (tmp_path / "flowers.csv").write_bytes(table)
    parts = -(-len(table) // 400)
    assert parts > 2
    # The second part does not arrive, the answer to the third is lost, and that to the last request, too.
    http = Breaking(service(), {3: False, 5: True, parts + 5: True})
    data = ta.Client(URL, http=http).upload(tmp_path / "flowers.csv", target="species")
    assert (data.about["rows"], data.about["choices"]["target"]) == (60, ["species"])
    wanted = [
        "POST",
        "PATCH",
        "PATCH",
        "HEAD",
        "PATCH",
        "HEAD",
        *["PATCH"] * (parts - 2),
        "POST",
        "GET",
        "PATCH",
    ]
    assert http.asked == wanted
    assert list((tmp_path / "service" / "incoming").iterdir()) == []


def test_an_upload_that_is_given_up_leaves_nothing(service, table, tmp_path, in_small_parts, monkeypatch):
    (tmp_path / "flowers.csv").write_bytes(table)
    (tmp_path / "broken.parquet").write_bytes(table)
    client = ta.Client(URL, http=service())
    with pytest.raises(ta.UserError, match="no Parquet file"):
        client.upload(tmp_path / "broken.parquet")
    monkeypatch.setattr(resuming, "PATIENCE", 0.01)
    http = Breaking(client._wire._http, dict.fromkeys(range(3, 10_000), False))
    with pytest.raises(EngineError, match="does not answer"):
        ta.Client(URL, http=http).upload(tmp_path / "flowers.csv")
    assert http.asked[-1] == "DELETE"
    assert list((tmp_path / "service" / "incoming").iterdir()) == []
