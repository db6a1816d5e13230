"""`taskaware serve` as a process: it is killed while it trains, and the next start goes on."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import taskaware as ta
from taskaware.cli import main


def start(folder, *options):
    """The process, and what it printed when it listened."""
    words = ["serve", "--port", "0", "--json", "--folder", str(folder), *options]
    process = subprocess.Popen([sys.executable, "-m", "taskaware", *words], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a system with SIGKILL")
def test_a_killed_service_goes_on_at_its_next_start(tmp_path, flowers):
    token = "token-of-the-test-1"
    first, told = start(tmp_path / "served", "--token", token)
    try:
        assert told["folder"] == str(tmp_path / "served") and told["token"] == ""
        client = ta.Client(told["url"], token)
        rec = client.recommend(client.upload(flowers, target="species"))
        job = client.train(rec, members=1, patience=3)
        for event in job.events():
            if event["event"] == "phase":
                break
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    second, told = start(tmp_path / "served", "--token", token)
    try:
        client = ta.Client(told["url"], token)
        again = next(iter(client.jobs()))
        assert again.id == job.id
        model = again.wait(progress=False)
        assert again.about["attempts"] == 2
        assert (model.predict(flowers) == flowers["species"]).mean() > 0.8
    finally:
        second.send_signal(signal.SIGINT)
        assert second.wait(30) in (0, 130)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "row=3"], "rows"),
        (["--token", "short"], "token"),
        (["--evaluator", "missing.npz"], "missing.npz"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, words, message, capsys):
    assert main(["serve", "--folder", str(tmp_path), "--port", "0", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--folder", str(tmp_path), "--port", port]) == 2
    assert "another --port" in capsys.readouterr().err


def test_without_the_extra_the_message_has_the_line_that_installs_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("taskaware.service.server.EXTRA", ("litestar_that_is_missing",))
    assert main(["serve", "--folder", str(tmp_path)]) == 2
    assert "pip install 'taskaware[serve]'" in capsys.readouterr().err


def test_what_is_printed_at_the_start(capsys):
    from taskaware.cli.serve import _show
    from taskaware.service.server import Started

    _show(Started("http://models.example.org:80", Path("kept"), "the-token-that-was-made", False))
    out = capsys.readouterr().out
    assert "models.example.org:80/docs" in out and "the-token-that-was-made" in out and "not encrypted" in out
    _show(Started("http://models.example.org:80", Path("kept"), "", True))
    assert "token" not in (out := capsys.readouterr().out) and "encrypted" not in out
