"""Clients that send nothing, or half a head, do not hold a connection."""

import http.client
import socket
import threading
import time

import pytest
import uvicorn

from taskaware.service.patience import patient_for

HALF = b"GET / HTTP/1.1\r\nHo"
WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port():
    with socket.create_server(("127.0.0.1", 0)) as bound:
        config = uvicorn.Config(
            app, http=patient_for(0.5), lifespan="off", log_config=None, timeout_keep_alive=60
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join()


def answered(connection):
    """Sends a whole request, and reads its answer to the end: the body may come after the head."""
    connection.sendall(WHOLE)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status == 200 and answer.read() == b"ok"


def closed_after(connection):
    """Seconds until the other side closes."""
    began = time.monotonic()
    while connection.recv(1_000):
        pass
    return time.monotonic() - began


@pytest.mark.parametrize(("served", "part"), [(False, b""), (False, HALF), (True, HALF)])
def test_a_head_that_does_not_come_closes_the_connection(port, served, part):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        if served:
            assert answered(connection)
        connection.sendall(part)
        assert closed_after(connection) < 10


def test_a_connection_that_sends_whole_requests_stays(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for _ in range(3):
            assert answered(connection)
            time.sleep(0.4)
