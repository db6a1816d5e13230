"""Commands that run studies, and those that look after what they leave."""

import functools
import json

import numpy as np
import pytest

from taskaware.cli import main
from taskaware.store import Store

SMALL = ["--set", "trainer.steps=10", "--set", "trainer.batch_size=32"]


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """A folder with the store of a small collection from the command line."""
    folder = tmp_path_factory.mktemp("collected")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["collect", "bundled", "--tasks", "iris", "wine", "diabetes", "--architectures", "2"]
        assert main([*words, "--store", "a.db", "--log", "log.txt", *SMALL]) == 0
    return folder


def test_collect_fills_the_store_and_goes_on(collected, command, monkeypatch):
    monkeypatch.chdir(collected)
    (run,) = (collected / "runs").iterdir()
    assert run.name.startswith("collect-")
    assert {path.name for path in run.iterdir()} == {
        "config.json",
        "journal.jsonl",
        "starts.jsonl",
        "result.json",
        "cost.csv",
    }
    assert "6 of 6 trainings" in (collected / "log.txt").read_text()
    words = ["collect", "bundled", "--tasks", "iris", "wine", "diabetes", "--architectures", "2"]
    code, out, _ = command(*words, "--store", "a.db", *SMALL, "--json")
    told = json.loads(out)
    assert (code, told["summary"]["jobs"], told["summary"]["added"]) == (0, 0, 6)
    assert told["folder"] == f"runs/{run.name}"


def test_a_folder_of_another_config_is_refused(collected, refused, monkeypatch):
    monkeypatch.chdir(collected)
    (run,) = (collected / "runs").iterdir()
    words = ["collect", "bundled", "--tasks", "iris", "--architectures", "2", "--store", "b.db"]
    assert "another config" in refused(*words, "--out", run)
    assert not (collected / "b.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["collect", "bundled", "--set", "seads=3"], "Did you mean 'seeds'"),
        (["collect", "bundled", "--engine", "proceses"], "Did you mean 'processes'"),
        (["collect", "bundled", "--architectures", "0"], "whole number from 1"),
        (["collect", "nowhere"], "index.csv"),
        (["collect"], "SUITE"),
        (["run", "experiments/none"], "no experiment 'experiments/none'"),
        (["evaluate", "--methods", "evaluater"], "Did you mean 'evaluator'"),
        (["compare", "bundled", "--strategies", "evolutoin"], "Did you mean 'evolution'"),
        (["experience", "lst", "a.db"], "Did you mean 'list'"),
        (["experience", "merge", "a.db"], "needs other stores"),
        (["experience", "list", "a.db", "b.db"], "takes nothing after STORE"),
        (["report", "nowhere"], "is no run folder"),
        (["train-evaluator", "a.db"], "--out"),
    ],
)
def test_beginners_errors(words, said, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert list(tmp_path.glob("*.sqlite")) == []


def test_failed_jobs_are_told_by_the_exit_code(command, tmp_path, monkeypatch):
    from taskaware.objectives import collect as collecting

    def broken(task, batch):
        raise RuntimeError("no device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "train_batch", broken)
    code, out, err = command("collect", "bundled", "--tasks", "iris", "--architectures", "2", "--report")
    assert code == 4
    assert "1 of 1 jobs failed" in err and "taskaware report" in err
    assert "failed     1" in out
    (page,) = tmp_path.glob("runs/*/report.html")
    assert "no device" in page.read_text()


def test_interrupted_says_how_to_go_on(command, tmp_path, monkeypatch):
    from taskaware.objectives import collect as collecting

    def interrupted(task, batch):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "train_batch", interrupted)
    code, _, err = command("collect", "bundled", "--tasks", "iris", "--architectures", "2")
    assert code == 130
    assert "the same command resumes" in err


def test_keys_are_listed_and_nothing_runs(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("collect", "bundled", "--keys")
    assert code == 0
    assert any(line.split()[:2] == ["trainer.steps", "300"] for line in out.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_experience_actions(collected, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = str(collected / "a.db")
    code, out, _ = command("experience", "list", place)
    assert code == 0 and [line.split()[0] for line in out.splitlines()[1:]] == ["diabetes", "iris", "wine"]
    assert "trained        6" in command("experience", "show", place)[1]
    assert "6 trainings, 2 architectures, 3 tasks" in command("experience", "check", place)[1]
    assert command("experience", "export", place, "a.parquet")[0] == 0
    assert "6 trainings added" in command("experience", "import", "b.db", "a.parquet")[1]
    assert "0 trainings added" in command("experience", "merge", "b.db", place)[1]
    counted = command("experience", "prune", "b.db", "--task", "iris")[1]
    assert "Would remove: 2 trainings" in counted
    assert "Removed: 2 trainings" in command("experience", "prune", "b.db", "--task", "iris", "--yes")[1]
    with Store.open("b.db") as store, Store.open(place) as whole:
        assert (store.summary().trained, whole.summary().trained) == (4, 6)
    assert "exists" in command("experience", "export", place, "a.parquet")[2]
    assert command("experience", "show", "none.db")[0] == 3


def test_a_damaged_store_fails_its_check(collected, command, tmp_path):
    import sqlite3

    path = tmp_path / "a.db"
    with Store.open(path) as store, Store.open(collected / "a.db") as whole:
        store.merge(whole)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE trainings SET status = 'odd' WHERE seed = 0")
    connection.commit()
    connection.close()
    code, _, err = command("experience", "check", path)
    assert code == 3 and "status" in err


def test_an_evaluator_from_my_own_experience(collected, command, tmp_path, table):
    path = tmp_path / "mine.npz"
    code, out, _ = command("train-evaluator", collected / "a.db", "--out", path)
    assert code == 0 and "trainings" in out
    told = command("recommend", table, "--target", "species", "--evaluator", path, "--json")
    assert told[0] == 0
    known = {each["name"] for each in json.loads(told[1])["nearest_tasks"]}
    assert known == {"iris", "wine", "diabetes"}
    assert "exists already" in command("train-evaluator", collected / "a.db", "--out", path)[2]


def test_mine_beside_the_shipped(collected):
    from taskaware.recommendation.teach import train_evaluator
    from taskaware.surrogates import EvaluatorSettings

    hasty = functools.partial(
        train_evaluator, more=(), settings=EvaluatorSettings("bilinear", members=2, steps=5)
    )
    both, shipped = hasty(str(collected / "a.db"), with_shipped=True), hasty()
    assert len(both.training_data.names) >= len(shipped.training_data.names)
    data = both.training_data
    mine = {name: np.sum(~np.isnan(data.score[data.names.index(name)])) for name in ("iris", "wine")}
    assert mine == {"iris": 2, "wine": 2}
    without = hasty(without=("thyroid",))
    gone = set(shipped.training_data.names) - set(without.training_data.names)
    assert {name.split("~")[0] for name in gone} == {"hypothyroid", "sick"}
