"""Jobs that start processes of their own, in the engine of worker processes: each attempt ends."""

import os
import signal
import sys
import time

import pytest

from taskaware.runner import Job, RunnerSettings, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")


def work(resource, spec):
    """A child is forked, which holds all pipes of the worker; what comes then, the spec says."""
    verb, folder = spec
    child = os.fork()
    if not child and verb == "return":
        return "from the child"
    if not child:
        if verb == "leave":
            os.setsid()
        time.sleep(600)
        os._exit(0)
    (folder / f"{child}").touch()
    if verb in ("sleep", "leave"):
        time.sleep(600)
    if verb == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return "from the worker"


def alive(folder):
    """Process ids of the children that are still there."""
    return [int(path.name) for path in folder.iterdir() if _there(int(path.name))]


def _there(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Workers import `work` from here."""
    monkeypatch.setattr(sys, "path", [*sys.path, os.path.dirname(__file__)])


@pytest.mark.parametrize(
    ("verb", "limit", "words"),
    [
        ("sleep", 1.0, "Not done after 1 s."),
        ("leave", 1.0, "Not done after 1 s."),
        ("die", 0.0, "The worker died (signal 9)."),
        ("return", 0.0, None),
        ("stay", 0.0, None),
    ],
)
def test_every_attempt_ends_and_so_do_its_children(verb, limit, words, tmp_path):
    began = time.monotonic()
    settings = RunnerSettings("processes", workers=1, retries=0, time_limit=limit)
    try:
        jobs = [Job(letter * 16, (verb, tmp_path)) for letter in "ab"]
        outcomes = list(run(jobs, work, settings))
        assert [outcome.error for outcome in outcomes] == [words, words]
        assert {outcome.result for outcome in outcomes} == {None if words else "from the worker"}
        assert time.monotonic() - began < 30
        while alive(tmp_path) and verb != "leave":
            assert time.monotonic() - began < 40, "a child is left behind"
            time.sleep(0.05)
    finally:
        for pid in alive(tmp_path):
            os.kill(pid, signal.SIGKILL)
