"""Jobs survive what ends their worker or their server; nothing that is finished is lost."""

import importlib
import math
import os
import sqlite3
import sys
import time
from types import SimpleNamespace

import pytest

from taskaware.errors import StoreError, UserError
from taskaware.service.jobs import MOST_ATTEMPTS, Trainer, Trainers
from taskaware.service.limits import Limits
from taskaware.service.places import Places, new_id
from taskaware.service.records import CANCELLED, DONE, FAILED, FILE, RUNNING, WAITING, Records
from taskaware.service.service import Service
from taskaware.service.work import Curve, Order, Refining, train
from taskaware.training.attempt import Evaluation


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Workers import what they do from here."""
    monkeypatch.setattr(sys, "path", [*sys.path, os.path.dirname(__file__)])


@pytest.fixture
def places(tmp_path):
    found = Places(tmp_path)
    found.make()
    return found


@pytest.fixture
def records(places):
    return Records(places.root)


@pytest.fixture
def trainer(records, places):
    """Starts trainers that end with the test."""
    started = []

    def start(**limits):
        found = Trainer(records, places, Limits(**limits), obeying())
        found.start()
        started.append(found)
        return found

    yield start
    for each in started:
        each.stop()


def obeying():
    return importlib.import_module("obeying").obey


def add(records, verb, **more):
    row = {"id": new_id(), "owner": "ann", "dataset": "d", "recommendation": "r", "model": new_id()}
    return records.add("jobs", row | {"status": WAITING, "about": {"name": verb, "options": {}}} | more)


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def ended(records, job):
    found = records.get("jobs", job["id"])
    return found if found["status"] in (DONE, FAILED, CANCELLED) else None


def test_every_job_ends_and_a_dead_worker_loses_one_attempt(records, trainer, places):
    jobs = {verb: add(records, verb) for verb in ("do", "die once", "raise", "memory", "die", "do again")}
    trainer()
    found = {verb: until(lambda job=job: ended(records, job)) for verb, job in jobs.items()}
    assert {verb: row["status"] for verb, row in found.items()} == {
        "do": DONE, "die once": DONE, "raise": FAILED, "memory": FAILED, "die": FAILED, "do again": DONE,
    }  # fmt: skip
    assert {verb: row["attempts"] for verb, row in found.items() if row["attempts"] > 1} == {
        "die once": 2,
        "die": MOST_ATTEMPTS + 1,
    }
    errors = {verb: row["about"]["error"]["code"] for verb, row in found.items() if row["status"] == FAILED}
    assert errors == {"raise": "failed", "memory": "memory", "die": "worker_died"}
    assert "ZeroDivision" not in found["raise"]["about"]["error"]["message"]
    models = {row["id"] for row in records.page("models", "ann", limit=10)}
    assert models == {jobs[verb]["model"] for verb in ("do", "die once", "do again")}
    assert {path.name for path in (places.root / "models").iterdir()} == models


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(records, places):
    trainers = Trainers(records, places, Limits(), workers=0)
    trainers._all = [Trainer(records, places, Limits(), obeying())]
    jobs = [add(records, verb) for verb in ("sleep", "do", "do")]
    trainers.start()
    try:
        until(lambda: any(event.get("phase") for _, event in records.events(jobs[0]["id"])))
        assert trainers.cancel(jobs[1]["id"]) and trainers.cancel(jobs[0]["id"])
        assert until(lambda: ended(records, jobs[2]))["status"] == DONE
        assert [ended(records, job)["status"] for job in jobs] == [CANCELLED, CANCELLED, DONE]
        assert not trainers.cancel(jobs[2]["id"])
    finally:
        trainers.stop()
    assert len(records.page("models", "ann", limit=10)) == 1


def test_an_error_that_nobody_foresaw_does_not_end_the_thread(records, trainer, monkeypatch):
    """The disk may fail behind a training: its job gets its attempts, and the next one is done."""
    first, second = add(records, "first"), add(records, "second")
    attempts = []

    def settle(self, job, ended):
        attempts.append(job["about"]["name"])
        if job["id"] == first["id"]:
            raise OSError("the disk is gone")
        records.end(job["id"], DONE)

    monkeypatch.setattr("taskaware.service.jobs._GLANCE", 0.01)
    monkeypatch.setattr(Trainer, "_attempt", lambda self, job: None)
    monkeypatch.setattr(Trainer, "_settle", settle)
    thread = trainer()
    assert until(lambda: ended(records, second))["status"] == DONE and thread.is_alive()
    assert until(lambda: ended(records, first))["status"] == FAILED
    assert attempts == ["first"] * MOST_ATTEMPTS + ["second"]


def test_a_job_takes_no_longer_than_is_allowed(records, trainer):
    job = add(records, "sleep")
    trainer(job_seconds=1)
    assert until(lambda: ended(records, job))["about"]["error"]["code"] == "timeout"


def test_a_stopped_service_goes_on_with_its_job_at_the_next_start(records, places):
    job = add(records, "sleep once")
    for there in (lambda: records.events(job["id"])[1:], lambda: ended(records, job)):
        trainers = Trainers(records, places, Limits(), workers=0)
        trainers._all = [Trainer(records, places, Limits(), obeying())]
        trainers.start()
        until(there)
        trainers.stop()
    assert (ended(records, job)["status"], ended(records, job)["attempts"]) == (DONE, 2)


def test_a_job_that_a_killed_server_left_is_taken_up_again(records, places):
    done, job = add(records, "do"), add(records, "do")
    assert records.take()["id"] == done["id"] and records.take()["id"] == job["id"]
    records.end(done["id"], DONE)
    Trainers(records, places, Limits(), workers=0).start()
    assert records.get("jobs", done["id"])["status"] == DONE
    assert records.take()["id"] == job["id"] and records.take() is None


def test_a_job_ends_once(records):
    job = add(records, "do")
    records.take()
    assert records.end(job["id"], CANCELLED)
    model = {
        "id": job["model"],
        "owner": "ann",
        "dataset": "d",
        "recommendation": "r",
        "bytes": 0,
        "about": {},
    }
    assert not records.end(job["id"], DONE, model=model)
    assert records.get("models", job["model"]) is None
    assert [event["status"] for _, event in records.events(job["id"])] == [RUNNING, CANCELLED]


def test_records_of_another_version_are_left_alone(records, places):
    with sqlite3.connect(places.root / FILE) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="version 9"):
        Records(places.root)
    (places.root / "models" / FILE).write_bytes(b"x" * 5_000)
    with pytest.raises(StoreError, match="cannot be read"):
        Records(places.root / "models")


def test_a_curve_is_told_from_time_to_time_and_to_its_end(records):
    curve = Curve(records, "job", lambda score: -score)
    for step in range(1, 101):
        curve.add(Evaluation(100, step, step / 50, step / 100, 1.0))
    curve.close()
    steps = [event["step"] for _, event in records.events("job")]
    assert steps[0] == 1 and steps[-1] == 100 and 9 <= len(steps) <= 12
    assert (records.progress("job")["step"], records.progress("job")["shown"]) == (100, -1)
    curve.add(Evaluation(100, 1, 0.0, -math.inf, math.nan))
    last = records.progress("job")
    assert (last["step"], last["score"], last["loss"], last["shown"]) == (1, None, None, None)


def test_what_a_kill_left_without_a_row_is_removed_at_the_next_start(places, records):
    row = {"owner": "ann", "dataset": "d", "recommendation": "r", "bytes": 0, "about": {}}
    kept, lost = new_id(), new_id()
    records.add("models", row | {"id": kept})
    del row["bytes"], row["recommendation"]
    records.add("recommendations", row | {"id": kept})
    for id in (kept, lost):
        places.model(id).mkdir()
        places.incoming(id).mkdir()
        places.recommendation(id).write_text("{}")
    Service(places.root, Limits())
    left = {path.relative_to(places.root).as_posix() for path in places.root.glob("*/*")}
    assert left == {f"models/{kept}", f"recommendations/{kept}.json"}


def test_a_job_without_its_dataset_fails_with_the_mend(records, places):
    job = add(records, "do")
    records.take()
    train(None, Order(places.root, job["id"], Limits()))
    assert ended(records, job)["status"] == FAILED
    assert "Upload it again" in ended(records, job)["about"]["error"]["message"]


def test_short_trainings_are_recorded_in_the_store_of_the_service(records, places, monkeypatch):
    job = add(records, "name the store")
    found = Trainer(records, places, Limits(), obeying(), refining=Refining(store="mine.sqlite"))
    found.start()
    until(lambda: ended(records, job))
    found.stop()
    assert "mine.sqlite" in [event.get("phase") for _, event in records.events(job["id"])]
    own = Refining("learned", "mine.sqlite")
    assert Trainers(records, places, Limits(), refining=own)._all[0]._refining == own

    class Refined(Exception):
        """Ends the job where the trainings would begin."""

    def refine(task, **given):
        raise Refined(given["evaluator"], given["store"], given["trainings"])

    id, about = new_id(), {"name": "letters", "choices": {"target": ["b"]}}
    records.add("datasets", {"id": id, "owner": "ann", "about": about, "file": "data.csv", "bytes": 0})
    records.add("recommendations", {"id": id, "owner": "ann", "about": about, "dataset": id})
    order = add(
        records, "do", dataset=id, recommendation=id, about={"name": "do", "options": {"trainings": 2}}
    )
    places.dataset(id).mkdir()
    places.dataset(id, "data.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    monkeypatch.setattr(
        "taskaware.recommendation.loading.load_recommendation", lambda path: SimpleNamespace(refine=refine)
    )
    until(lambda: records.take())
    with pytest.raises(Refined, match="'learned', 'mine.sqlite', 2"):
        train(None, Order(places.root, order["id"], Limits(), own))
    assert ended(records, order) is None


def test_a_store_that_cannot_be_opened_ends_the_start(tmp_path):
    from taskaware.service.server import Access, Address, serve

    with pytest.raises(StoreError, match="is a folder"):
        serve(tmp_path / "service", Address(port=0), Access(), store=str(tmp_path))


def test_only_ids_become_paths(places):
    for wrong in ("..", "", "a" * 31, "../" + "a" * 29):
        with pytest.raises(ValueError, match="no id"):
            places.model(wrong)


def test_one_process_works_on_a_folder(tmp_path, monkeypatch):
    from taskaware.runner import starts
    from taskaware.service.server import Access, Address, serve

    def busy(folder):
        raise UserError(f"'{folder}' is being worked on")

    monkeypatch.setattr(starts, "alone", busy)
    with pytest.raises(UserError, match="being worked on"):
        serve(tmp_path, Address(port=0), Access())
