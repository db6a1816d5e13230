"""Twelve kills in all: of studies, of workers, and in the middle of a transaction; then a full disk."""

import os
import subprocess
import sys

import pytest

from benchmarks import chaos
from taskaware.store import Store

JOBS = 80


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The experience of the study that nobody disturbed."""
    return chaos.undisturbed(tmp_path_factory.mktemp("calm"), jobs=JOBS)


@pytest.mark.parametrize(
    ("engine", "victims", "kills"),
    [("serial", ("study", "append"), 6), ("processes", ("study", "worker", "append"), 6)],
    ids=["serial", "processes"],
)
def test_nothing_is_lost_and_nothing_done_twice(tmp_path, expected, engine, victims, kills):
    found = chaos.torment(tmp_path, kills=kills, engine=engine, victims=victims, jobs=JOBS)
    assert found.kills >= kills
    assert found.repeated == 0
    assert found.trainings == len(expected) == 2 * JOBS
    with Store.open(tmp_path / "experience.sqlite") as store:
        chaos.same_experience(store.triplets(), expected)


NO_ROOM = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
runpy.run_module("benchmarks.chaos", run_name="__main__", alter_sys=True)
"""
"""Files may not grow beyond 200 KB: what a full disk or a quota is to SQLite."""


def test_a_full_disk_ends_the_study_in_words_and_room_lets_it_go_on(tmp_path, expected):
    words = ["--store", str(tmp_path / "experience.sqlite"), "--run", str(tmp_path / "run")]
    words += ["--engine", "serial", "--jobs", str(JOBS)]
    environment = os.environ | {"TASKAWARE_COMPILED": "0"}
    full = subprocess.run(
        [sys.executable, "-c", NO_ROOM, "--study", *words],
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
    again = [sys.executable, "-m", "benchmarks.chaos", "--study", *words]
    assert subprocess.run(again, timeout=300).returncode == 0
    with Store.open(tmp_path / "experience.sqlite") as store:
        chaos.same_experience(store.triplets(), expected)
