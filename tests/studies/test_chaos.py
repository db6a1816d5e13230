"""A little of what `make chaos` does: kills, a full disk, savers beside readers, bad jobs, two starts."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.chaos import __main__ as chaos
from benchmarks.chaos import jobs as bad_jobs
from benchmarks.chaos import readers, saves, searches, studies, twice
from taskaware.objectives import architectures
from taskaware.objectives import collect as collecting
from taskaware.runner.run_folder import RunFolder
from taskaware.store import Store
from taskaware.studies.collect import run_collect
from taskaware.training.model import load_model

JOBS = 40


def undisturbed(folder):
    """The experience of the study, which comes to its end in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collecting, "train_batch", studies.pretended)
        patch.setattr(architectures, "common_architectures", studies.scattered)
        settings = studies.settings_for(str(folder / "experience.sqlite"), engine="serial", jobs=JOBS)
        run_collect(settings, RunFolder.open(folder / "run", "collect", settings), show=False)
    with Store.open(folder / "experience.sqlite") as store:
        return store.triplets()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The experience of the study that nobody disturbed."""
    return undisturbed(tmp_path_factory.mktemp("calm"))


def test_nothing_is_lost_and_nothing_done_twice(tmp_path, expected):
    # With this seed a worker and, between two statements, the study are killed in the first start.
    found = studies.torment(
        tmp_path, kills=2, engine="processes", victims=studies.VICTIMS, jobs=JOBS, seed=60
    )
    assert found.kills >= 2
    assert found.repeated == 0
    assert found.trainings == len(expected) == 2 * JOBS
    with Store.open(tmp_path / "experience.sqlite") as store:
        studies.same_experience(store.triplets(), expected)


def test_a_killed_search_goes_on_and_nothing_is_lost_or_done_twice(tmp_path, monkeypatch):
    """A worker that is killed is in `test_workers`; `make chaos` kills searches on several processes too."""
    found = searches.torment(tmp_path, kills=1, engine="serial", budget=120)
    assert found.kills >= 1 and found.evaluations == 120
    words = searches.command(tmp_path / "calm.jsonl", budget=120)
    monkeypatch.setattr("sys.argv", words[2:])
    searches.main()
    calm = searches.evaluations(tmp_path / "calm.jsonl")
    assert searches.evaluations(tmp_path / "search.jsonl") == calm


NO_ROOM = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
runpy.run_module("benchmarks.chaos.studies", run_name="__main__", alter_sys=True)
"""
"""Files may not grow beyond 200 KB: what a full disk or a quota is to SQLite."""


def test_a_full_disk_ends_the_study_in_words_and_room_lets_it_go_on(tmp_path, expected):
    python, _, _, *words = studies.command(tmp_path / "experience.sqlite", tmp_path / "run", jobs=JOBS)
    environment = os.environ | {"TASKAWARE_COMPILED": "0"}
    full = subprocess.run(
        [python, "-c", NO_ROOM, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert full.returncode == 3, full.stderr
    assert "room" in full.stderr or "space" in full.stderr
    with Store.open(tmp_path / "experience.sqlite") as store:
        kept = store.summary().trained
    assert 0 < kept < 2 * JOBS
    studies.same_experience(undisturbed(tmp_path), expected)


@pytest.fixture(scope="module")
def model():
    return load_model(Path(__file__).parent.parent / "training" / "model_v3")


def test_a_killed_save_leaves_a_whole_model_and_the_files_of_others(tmp_path, model):
    found = saves.torment(tmp_path, model, kills=3)
    assert found.kills == 3 and found.saves >= 6


def test_savers_and_readers_do_not_disturb_each_other(tmp_path, model):
    found = readers.together(tmp_path, model, seconds=1.0)
    assert min(found["saves"], found["loads"], found["changes"]) > 0


def test_a_campaign_with_bad_jobs_ends_in_time_and_leaves_no_process(tmp_path):
    kinds = ("waits for a child", "stops its worker", "leaves a fork", "exits as if well", "exits when read")
    found = bad_jobs.campaign(tmp_path / "run", kinds=kinds, good=2, time_limit=2.0)
    assert (found.good, found.failed) == (10, 5)


def test_of_the_same_command_twice_at_once_one_does_the_jobs(tmp_path):
    twice.light(tmp_path, jobs=20)


def test_each_part_says_what_it_found_and_a_violation_ends_in_an_exit_code(monkeypatch, capsys):
    def violated(arguments):
        raise AssertionError("a file is gone")

    monkeypatch.setattr(chaos, "PARTS", {"saves": violated, "twice": lambda found: f"twice: {found.rounds}"})
    monkeypatch.setattr("sys.argv", ["chaos", "--rounds", "7"])
    assert chaos.main() == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("twice: 7\n", "saves: FAILED: a file is gone\n")
    monkeypatch.setattr("sys.argv", ["chaos", "--only", "twice"])
    assert chaos.main() == 0
