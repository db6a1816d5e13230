"""Settings: typed by their fields, refused by name."""

import dataclasses
from pathlib import Path

import pytest

from taskaware.errors import UserError
from taskaware.objectives.collect import CollectSettings
from taskaware.studies.experiment import load_experiment
from taskaware.studies.registry import STUDIES, study_of
from taskaware.studies.settings import keys, overridden


@dataclasses.dataclass(frozen=True)
class Inner:
    # How fast.
    rate: float = 0.5
    wide: bool = False

    def check(self):
        if self.rate < 0:
            raise UserError(f"rate={self.rate} is negative.")
        return self


@dataclasses.dataclass(frozen=True)
class Outer:
    # How often,
    # in all.
    times: int = 3
    name: str = "x"
    words: tuple[str, ...] = ("a",)
    sizes: tuple[int, ...] = ()
    limit: float | None = None
    inner: Inner = Inner()

    def check(self):
        # unlike a field, however much it looks like one
        times: int = self.times
        if times > 99:
            raise UserError(f"times={times} is too large.")
        return self


def test_values_have_the_types_of_their_fields():
    found = overridden(
        Outer(),
        ["times=7", "name=a=b", "words=x, y", "sizes=1,2", "limit=1e3", "inner.rate=2", "inner.wide=Yes"],
    )
    assert found == Outer(7, "a=b", ("x", "y"), (1, 2), 1000.0, Inner(2.0, True))
    assert type(found.inner.rate) is float
    assert overridden(found, ["limit=none", "sizes="]) == dataclasses.replace(found, limit=None, sizes=())


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("rate=3", "Unknown setting 'rate'. Did you mean 'inner.rate'?"),
        ("", "Write key=value"),
        ("=3", "Unknown setting ''"),
        ("inner.rate.deep=3", "Unknown setting 'inner.rate.deep'"),
        ("times=1_000", "times='1_000' is not a whole number. Give digits only"),
        ("times=1e3", "Give digits only, for example 300"),
        ("inner.rate=nan", "inner.rate='nan' is not a number. Give a finite one"),
        ("inner.rate=1_0", "is not a number"),
        ("limit=-inf", "is not a number. Give a finite one, for example 0.01 or 1e-2, or none."),
        ("times=none", "times='none' is not a whole number"),
        ("tmes=3", "Unknown setting 'tmes'. Did you mean 'times'"),
        ("inner.rte=3", "Did you mean 'inner.rate'"),
        ("times.rate=3", "Unknown setting 'times.rate'"),
        ("inner=3", "is a group. Set one of inner.rate, inner.wide"),
        ("times=many", "times='many' is not a whole number"),
        ("times=1.5", "times='1.5' is not a whole number"),
        ("inner.rate=fast", "inner.rate='fast' is not a number"),
        ("inner.wide=perhaps", "is not true or false"),
        ("sizes=1,x", "sizes='x' is not a whole number"),
        ("times", "Write key=value"),
        ("inner.rate=-1", "rate=-1.0 is negative"),
    ],
)
def test_what_does_not_fit_is_refused(assignment, words):
    with pytest.raises(UserError) as raised:
        overridden(Outer(), [assignment])
    assert words in str(raised.value)


def test_only_brackets_around_a_whole_list_are_taken_off():
    assert overridden(Outer(), ["words=(b, c)"]).words == ("b", "c")
    assert overridden(Outer(), ["words=[x, copy (1)"]).words == ("[x", "copy (1)")


def test_every_config_is_checked_the_inner_ones_first():
    with pytest.raises(UserError, match="rate=-1.0 is negative"):
        overridden(Outer(times=100, inner=Inner(rate=-1.0)), [])
    with pytest.raises(UserError, match="times=100 is too large"):
        overridden(Outer(), ["times=100"])


def test_keys_are_listed_with_their_comments():
    listed = keys(Outer())
    assert list(listed) == ["times", "name", "words", "sizes", "limit", "inner.rate", "inner.wide"]
    assert listed["times"] == ("a whole number", "3", "How often, in all.")
    assert listed["words"].kind == "list of: text"
    assert listed["limit"][:2] == ("a number or none", "none")
    assert listed["inner.rate"] == ("a number", "0.5", "How fast.")
    assert listed["inner.wide"] == ("true or false", "false", "How fast.")


def test_keys_of_a_config_without_source_have_no_comments():
    made = dataclasses.make_dataclass("Made", [("size", int, 3)], frozen=True)
    assert keys(made()) == {"size": ("a whole number", "3", "")}


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_what_is_listed_can_be_assigned_back(study):
    config = study.settings()
    assert study_of(config) is study
    assert overridden(config, [f"{name}={known.value}" for name, known in keys(config).items()]) == config
    assert all(known.comment for known in keys(config).values())


def test_a_value_that_is_no_config_belongs_to_no_study():
    with pytest.raises(UserError, match="No study reads a Outer"):
        study_of(Outer())


HEAD = "from taskaware.objectives.collect import CollectSettings\n"


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Source → the folder of an experiment with that config, as seen from the folder above all of them."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "experiments" / "mine"
    folder.mkdir(parents=True)

    def write(source):
        (folder / "config.py").write_text(source)
        return "experiments/mine"

    return write


def test_an_experiment_is_a_python_file(experiment):
    path = Path(experiment(f"{HEAD}def config():\n    return CollectSettings(seeds=4)\n"))
    assert load_experiment(path) == load_experiment(path / "config.py") == CollectSettings(seeds=4)
    assert load_experiment(path.absolute()) == CollectSettings(seeds=4)
    assert [each.name for each in path.iterdir()] == ["config.py"]


def test_an_experiment_may_have_settings_of_its_own(experiment):
    own = """from __future__ import annotations
import dataclasses
from typing import ClassVar

@dataclasses.dataclass(frozen=True)
class Mine(CollectSettings):
    KNOWN: ClassVar[int] = 1
    # My own.
    extra: int = 3

def config():
    return Mine()
"""
    config = load_experiment(experiment(own.replace("import dataclasses\n", f"import dataclasses\n{HEAD}")))
    listed = keys(config)
    assert listed["extra"] == ("a whole number", "3", "My own.")
    assert listed["seeds"].comment.startswith("Number of seeds (0, 1")
    assert overridden(config, ["extra=4", "seeds=2"]).extra == 4


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def config():\n    return 3\n", "config() returned 3. Return the settings"),
        (f"{HEAD}def config():\n    return CollectSettings\n", "config() returned <class"),
        ("def config():\n    return nothing\n", "line 2, returns no config (NameError"),
        ("def config():\n    open('nowhere')\n", "line 2, returns no config (FileNotFoundError"),
        ("import sys\nsys.exit(0)\n", "line 2, returns no config (SystemExit"),
        ("x = 1\n", "has no function config()"),
        ("config = 1\n", "has no function config()"),
        ("(\n", "returns no config (SyntaxError"),
        (
            "import dataclasses\nconfig = dataclasses.make_dataclass('Odd', [])\n",
            "No study reads a Odd. Allowed: CollectSettings",
        ),
    ],
)
def test_a_file_that_gives_no_config_is_refused(source, words, experiment):
    with pytest.raises(UserError) as raised:
        load_experiment(experiment(source))
    assert words in str(raised.value)
    assert "experiments/mine/config.py" in str(raised.value)


def test_an_experiment_that_is_not_there_is_refused(experiment, tmp_path):
    with pytest.raises(UserError, match="There is no experiment 'none'"):
        load_experiment("none")
    experiment("x = 1\n")
    with pytest.raises(UserError, match="Did you mean 'experiments/mine'"):
        load_experiment("experiments/mien")
    (tmp_path / "experiments" / "empty").mkdir()
    with pytest.raises(UserError, match="'experiments/empty' has no config.py"):
        load_experiment("experiments/empty")
