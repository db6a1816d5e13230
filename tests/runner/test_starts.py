"""One process at a time works on a run, and the time of all starts counts."""

import dataclasses
import datetime
import json
import os
import signal
import subprocess
import sys

import pytest

from taskaware.errors import UserError
from taskaware.runner import run_folder
from taskaware.runner.run_folder import JOURNAL, RESULT, RunFolder
from taskaware.runner.starts import NAME

HOLDER = """
import sys, time
from pathlib import Path
from taskaware.runner.starts import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@dataclasses.dataclass(frozen=True)
class Config:
    number: int = 1


@pytest.fixture
def folder(tmp_path):
    return RunFolder.open(tmp_path / "run", "collect", Config())


@pytest.fixture
def holder(folder):
    """Another process that works on the run."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder.path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_the_first_is(folder, holder):
    said = f"by process {holder.pid} on host '.*Wait for it, or end it"
    with pytest.raises(UserError, match=said), folder.alone():
        pass


def test_what_a_killed_one_held_is_free(folder, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with folder.alone():
        pass


def test_the_block_may_stand_within_itself(folder):
    with folder.alone(), folder.alone():
        pass
    with folder.alone():
        lines = [json.loads(line) for line in (folder.path / NAME).read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == ["started", "ended", "started"]
    assert lines[0]["pid"] == os.getpid()


def test_a_start_that_was_killed_or_is_still_beginning_is_no_obstacle(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / f".taskaware-{'0' * 32}").write_text("half a config")
    RunFolder.open(run, "collect", Config())
    with pytest.raises(UserError, match="another config"):
        RunFolder.open(run, "collect", Config(2))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(UserError, match="something else than a study"):
        RunFolder.open(tmp_path / "other", "collect", Config())


def test_of_two_starts_at_once_both_find_the_folder(tmp_path, monkeypatch):
    write = run_folder.atomic_write

    def late(path, content, **words):
        if not path.exists():
            monkeypatch.setattr(run_folder, "atomic_write", write)
            RunFolder.open(tmp_path / "run", "collect", Config())
        write(path, content, **words)

    monkeypatch.setattr(run_folder, "atomic_write", late)
    RunFolder.open(tmp_path / "run", "collect", Config())
    monkeypatch.setattr(run_folder, "atomic_write", late)
    (tmp_path / "run" / "config.json").unlink()
    with pytest.raises(UserError, match="another config"):
        RunFolder.open(tmp_path / "run", "collect", Config(2))


def test_damaged_lines_do_no_harm(folder):
    (folder.path / NAME).write_bytes(b'\xff\n3\n{"started": 1e400}\n[[[\n{"started": "soon"}\n')
    with folder.alone():
        folder.finish(jobs=0, failed=0, seconds=2.0, summary={})
    assert json.loads((folder.path / RESULT).read_text())["seconds"] == 2.0


def at(second):
    return datetime.datetime.fromtimestamp(second, datetime.UTC).isoformat()


def job(second, seconds=1.0):
    return {"job": f"{second}", "status": "ok", "at": at(second), "seconds": seconds}


@pytest.mark.parametrize(
    ("starts", "jobs", "earlier"),
    [
        ([], [], 0),
        ([{"started": at(100)}, {"ended": at(130)}], [], 30),
        # Killed: it lasted until its last job.
        ([{"started": at(100)}], [job(110), job(150)], 50),
        ([{"started": at(100)}, {"ended": at(130)}, {"started": at(500)}], [job(510)], 40),
        # An older taskaware wrote no starts.
        ([], [job(100, 10), job(150)], 60),
        ([{"started": at(100)}], [], 0),
    ],
)
def test_the_time_of_all_starts_counts(starts, jobs, earlier, folder):
    for name, lines in ((NAME, starts), (JOURNAL, jobs)):
        (folder.path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with folder.alone():
        folder.finish(jobs=0, failed=0, seconds=3.0, summary={})
    assert json.loads((folder.path / RESULT).read_text())["seconds"] == 3.0 + earlier
