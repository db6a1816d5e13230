"""The journal survives what tears it; the progress says where things are."""

import json
import logging

import pytest

from taskaware.errors import EngineError, UserError
from taskaware.runner import (
    Job,
    Journal,
    Outcome,
    Progress,
    RunnerSettings,
    open_engine,
    progress,
    read_journal,
)
from taskaware.testing import engine_contract as contract


def outcome(number: int, error: str | None = None) -> Outcome:
    job = Job(f"{number:016x}", None, f"job {number}", size=10, about={"task": f"t{number // 2}"})
    return Outcome(job, None, error, 1, 0.25, "0")


def test_a_journal_grows_and_is_read_back(tmp_path):
    path = tmp_path / "journal.jsonl"
    for numbers in ((0, 1), (2,)):
        with Journal(path) as journal:
            for number in numbers:
                journal.add(outcome(number, "late" if number == 1 else None), diverged=number)
    entries = list(read_journal(path))
    assert [(e["job"], e["status"], e["diverged"], e["task"]) for e in entries] == [
        (f"{0:016x}", "ok", 0, "t0"), (f"{1:016x}", "failed", 1, "t0"), (f"{2:016x}", "ok", 2, "t1"),
    ]  # fmt: skip
    assert list(read_journal(tmp_path / "none")) == []


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_torn_line_spoils_no_other(tmp_path, cut):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.add(outcome(0))
        journal.add(outcome(1))
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path) as journal:
        journal.add(outcome(2))
    found = [entry["label"] for entry in read_journal(path)]
    assert found[0] == "job 0" and found[-1] == "job 2"


def test_lines_that_are_no_entries_are_passed_over(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('[1]\n"job"\n{"x": 1}\n\xff\n' + json.dumps({"job": "a"}) + "\n")
    assert list(read_journal(path)) == [{"job": "a"}]


def test_progress_counts_and_speaks_in_lines_where_there_is_no_terminal(caplog, monkeypatch, capsys):
    monkeypatch.setattr(progress, "EVERY", -1.0)
    jobs = [outcome(number).job for number in range(4)]
    with caplog.at_level(logging.INFO, "taskaware"), Progress(jobs, unit="training") as shown:
        for number in range(3):
            shown.add(outcome(number, "late" if number == 2 else None))
        assert (shown.ended, shown.failed, shown.done) == (3, 1, 30)
    assert "30 of 40 trainings (tasks 1/2, jobs 3/4, 1 FAILED)" in caplog.messages[-1]
    assert "trainings/s" in caplog.messages[-1] and "left" in caplog.messages[-1]
    assert capsys.readouterr().err == ""


def test_a_bar_where_it_is_asked_for(capsys):
    with Progress([outcome(0).job], unit="training", show=True) as shown:
        shown.add(outcome(0))
    assert "tasks 1/1, jobs 1/1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (RunnerSettings("threads"), "Unknown engine 'threads'"),
        (RunnerSettings(retries=-1), "retries=-1 is negative"),
        (RunnerSettings(time_limit=float("nan")), "time_limit=nan"),
        (RunnerSettings(address="auto"), "is for the engine 'ray'"),
    ],
)
def test_settings_are_checked(settings, words):
    with pytest.raises(UserError, match=words):
        open_engine(settings, contract.work, {})


def test_workers_that_cannot_begin_are_an_error_of_the_engine(monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    engine = open_engine(RunnerSettings("processes", workers=1), contract.work, {})
    with pytest.raises(EngineError, match="before they are ready"):
        engine.next()
    engine.close()


def test_work_of_the_main_module_is_refused(monkeypatch):
    def work(resource, spec):
        return spec

    work.__module__ = "__main__"
    with pytest.raises(UserError, match="Move the work to a module"):
        open_engine(RunnerSettings("processes"), work, {})


def test_the_time_left_is_not_that_of_the_first_jobs(monkeypatch):
    """The first two of 100 jobs compile for 50 s, the others take 1 s."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    jobs = [contract.job("add", number) for number in range(100)]
    said = []
    with Progress(jobs, unit="job", show=False) as progress:
        for place, each in enumerate(jobs):
            clock[0] += 50 if place < 2 else 1
            progress.add(Outcome(each, 1, None, 1, 1.0, "0"))
            said.append(progress.time_left())
    assert said[:3] == ["time left not known yet"] * 3
    assert said[9] == "about 01:30 left" and said[-1] == "0:00 left"
