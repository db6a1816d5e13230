"""`taskaware run`, on a small study of the test's own: what it says, keeps, goes on with and ends with."""

import dataclasses
import json
import logging
import re

import pytest

from taskaware.cli.entry import read
from taskaware.cli.study import _shorthands
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.runner import Job, RunnerSettings
from taskaware.studies import registry
from taskaware.studies.published import PublishedSettings
from taskaware.studies.registry import Study
from taskaware.studies.resumable import do_once
from taskaware.studies.shipped import ShipSettings


@dataclasses.dataclass(frozen=True)
class SquareSettings:
    # Numbers to square.
    numbers: int = 5
    # Factor of each square.
    scale: float = 1.0
    runner: RunnerSettings = RunnerSettings(retries=0)

    def check(self):
        if self.numbers < 1:
            raise UserError(f"Setting numbers={self.numbers} is too small. Give 1 or more.")
        return self

    def smoke(self):
        return dataclasses.replace(self, numbers=2)


CONFIG = """from {module} import SquareSettings

def config():
    return SquareSettings()
"""


class World:
    """Where the jobs of the test take place: which were done, and what happens to some of them."""

    def __init__(self):
        self.done = []
        self.happens = {}

    def square(self, resource, number):
        if number in self.happens:
            raise self.happens[number]
        self.done.append(number)
        return number**2

    def run(self, settings, folder, show=None):
        jobs = [
            Job(digest(number), number, f"number {number}", about={"task": str(number)})
            for number in range(settings.numbers)
        ]
        done = do_once(
            jobs,
            self.square,
            settings.runner,
            folder,
            keep=lambda outcome: {"square": settings.scale * outcome.result},
            show=show,
        )
        total = sum(entry["square"] for entry in done.entries)
        summary = {"jobs": done.begun, "failed": done.failed, "total": total}
        folder.finish(jobs=done.begun, failed=done.failed, seconds=0.0, summary=summary)
        return summary


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The study of squares, and `experiments/squares` in the current folder."""
    world = World()
    registry.STUDIES.add("square", Study("square", SquareSettings, world.run))
    folder = tmp_path / "experiments" / "squares"
    folder.mkdir(parents=True)
    (folder / "config.py").write_text(CONFIG.format(module=__name__))
    monkeypatch.chdir(tmp_path)
    yield world
    registry.STUDIES.remove("square")


RUN = ("run", "experiments/squares")


def _only_run(folder):
    (path,) = (folder / "runs").iterdir()
    return path


def test_it_says_what_it_runs_and_what_came_of_it(world, command, tmp_path):
    code, out, _ = command(*RUN)
    path = _only_run(tmp_path)
    about = json.loads((path / "config.json").read_text())
    assert code == 0
    assert path.name == f"squares-{about['digest'][:8]}"
    assert out.splitlines()[0] == f"run        runs/{path.name} (config {about['digest']})"
    assert out.splitlines()[1:] == ["jobs       5", "failed     0", "total      30"]
    assert about["config"] == dataclasses.asdict(SquareSettings())
    assert about["command"].split()[0] == "taskaware"
    assert json.loads((path / "result.json").read_text())["summary"]["total"] == 30
    assert "total      30" in command("run", "experiments/squares/config.py")[1]
    assert (world.done, _only_run(tmp_path)) == ([0, 1, 2, 3, 4], path)


def test_other_settings_are_another_run(world, command, tmp_path):
    names = set()
    for words in (
        (),
        ("--set", "scale=2", "--set", "numbers=3"),
        ("--smoke",),
        ("--smoke", "--set", "scale=3"),
    ):
        assert command(*RUN, *words)[0] == 0
        names |= {path.name for path in (tmp_path / "runs").iterdir()}
    assert len(names) == 4 and sum(name.startswith("squares-smoke-") for name in names) == 2
    assert world.done == [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 0, 1]
    results = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/result.json")]
    assert sorted(result["summary"]["total"] for result in results) == [1, 3, 10, 30]


def test_interrupted_it_goes_on_where_it_was(world, command, tmp_path):
    world.happens = {3: KeyboardInterrupt()}
    code, out, err = command(*RUN)
    assert code == 130
    assert err.splitlines()[-2] == "Finished jobs are recorded; the same command resumes the study."
    assert "total" not in out and world.done == [0, 1, 2]
    assert not (_only_run(tmp_path) / "result.json").exists()
    world.happens = {}
    code, out, _ = command(*RUN)
    assert (code, world.done) == (0, [0, 1, 2, 3, 4])
    assert "jobs       2" in out and "total      30" in out


def test_failed_jobs_are_named_kept_apart_and_tried_again(world, command, tmp_path):
    world.happens = {1: ValueError("odd"), 4: ValueError("odd")}
    code, out, err = command(*RUN)
    assert code == 4
    assert "failed     2" in out and "total      13" in out
    last = err.splitlines()[-1]
    assert "2 of 5 jobs failed" in last and f"taskaware report runs/{_only_run(tmp_path).name}" in last
    world.happens = {}
    code, out, _ = command(*RUN)
    assert (code, world.done) == (0, [0, 2, 3, 1, 4])
    assert "failed     0" in out and "total      30" in out


def test_what_happens_goes_to_stderr_and_to_a_file_that_only_grows(world, command, tmp_path):
    world.happens = {1: ValueError("odd")}
    _, _, err = command(*RUN, "--log", "log.txt")
    assert "number 1: given up: ValueError: odd" in err.splitlines()
    assert any(line.startswith("5 of 5 jobs") for line in err.splitlines())
    first = (tmp_path / "log.txt").read_text()
    pattern = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (INFO|ERROR) \S")
    assert all(pattern.match(line) for line in first.splitlines())
    assert " ERROR number 1: given up: ValueError: odd" in first and " INFO 5 of 5 jobs" in first
    world.happens = {}
    command(*RUN, "--log", "log.txt")
    both = (tmp_path / "log.txt").read_text()
    assert both.startswith(first) and " INFO 1 of 1 jobs" in both
    assert logging.getLogger("taskaware").handlers == []
    assert logging.getLogger("taskaware").level == logging.NOTSET


def test_json_is_all_that_is_printed(world, command, tmp_path):
    world.happens = {0: ValueError("odd")}
    code, out, err = command(*RUN, "--json", "--report")
    path = _only_run(tmp_path)
    told = json.loads(out)
    assert told["summary"] == {"jobs": 5, "failed": 1, "total": 30}
    assert (told["folder"], told["report"]) == (f"runs/{path.name}", f"runs/{path.name}/report.html")
    assert told["digest"].startswith(path.name.removeprefix("squares-"))
    assert json.loads(err.splitlines()[-1])["code"] == code == 4
    assert "odd" in (path / "report.html").read_text()


def test_the_folder_can_be_chosen(world, command, refused, tmp_path):
    assert command(*RUN, "--out", "mine")[0] == 0
    assert (tmp_path / "mine" / "result.json").exists() and not (tmp_path / "runs").exists()
    assert "another config" in refused(*RUN, "--out", "mine", "--set", "scale=2")
    assert "something else" in refused(*RUN, "--out", "experiments")
    assert world.done == [0, 1, 2, 3, 4]


def test_the_settings_are_listed_with_their_meaning(world, command, tmp_path):
    _, out, _ = command(*RUN, "--keys")
    lines = out.splitlines()
    assert lines[0].split() == ["key", "value", "kind", "what"]
    assert lines[1].split(maxsplit=2) == ["numbers", "5", "a whole number  Numbers to square."]
    listed = json.loads(command(*RUN, "--keys", "--json")[1])
    scale = {
        "key": "scale",
        "value": "1.0",
        "kind": "a number",
        "what": "Factor of each square.",
    }
    assert listed[1] == scale
    assert [each["key"] for each in listed[2:4]] == ["runner.engine", "runner.workers"]
    assert world.done == [] and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "runner.retris=1"], "Did you mean 'runner.retries'?"),
        (["--set", "retries=1"], "Did you mean 'runner.retries'?"),
        (["--set", "numbers=few"], "numbers='few' is not a whole number. Give digits only, for example 300."),
        (["--set", "numbers=0"], "numbers=0 is too small"),
        (["--set", "runner.time_limit=-1"], "time_limit=-1.0 is negative"),
        (["--workers", "-1"], "whole number"),
    ],
)
def test_what_does_not_do_is_refused_before_anything_is_made(words, said, world, refused, tmp_path):
    assert said in refused(*RUN, *words)
    assert world.done == [] and not (tmp_path / "runs").exists()


def test_engine_and_workers_are_settings_like_others(world, command, tmp_path):
    assert command(*RUN, "--engine", "serial", "--workers", "3", "--set", "runner.workers=2")[0] == 0
    config = json.loads((_only_run(tmp_path) / "config.json").read_text())["config"]
    assert (config["runner"]["engine"], config["runner"]["workers"]) == ("serial", 2)
    # Where jobs run makes no other run of it.
    assert "jobs       0" in command(*RUN, "--workers", "1")[1]
    assert _only_run(tmp_path).is_dir() and world.done == [0, 1, 2, 3, 4]


def test_engine_and_workers_go_to_every_runner_of_a_config():
    arguments = read(["run", "x", "--engine", "processes", "--workers", "2"])
    assert list(_shorthands(PublishedSettings(), arguments)) == [
        "collect.runner.engine=processes",
        "evaluate.runner.engine=processes",
        "collect.runner.workers=2",
        "evaluate.runner.workers=2",
    ]
    engines = [word for word in _shorthands(ShipSettings(), arguments) if "engine" in word]
    parts = ("collect", "published", "variants", "tables", "tables_variants", "kinds", "extended")
    assert engines == [f"{part}.runner.engine=processes" for part in parts]
    with pytest.raises(UserError, match="--engine: this study runs no jobs"):
        list(_shorthands(RunnerSettings(), arguments))
