"""Every surrogate keeps the contract, one from a single file of a user's too; the page of the docs runs."""

import dataclasses
import re
from pathlib import Path

import pytest

import taskaware as ta
from taskaware.pytrees import pytree
from taskaware.surrogates import SURROGATES, fit_evaluator
from taskaware.testing.surrogate_contract import check_surrogate
from tests.toys import toy_surrogate

PAGE = Path(__file__).parents[2] / "docs" / "extending" / "surrogate.md"
LEARNER = ta.EvaluatorSettings("bilinear", members=2, steps=120, tasks_per_step=8, architectures_per_step=24)
SETTINGS = {
    "gp": ta.EvaluatorSettings(),
    "bilinear": LEARNER,
    "published": dataclasses.replace(LEARNER, network="published"),
    "published_head": dataclasses.replace(LEARNER, network="published_head"),
    "joint": ta.JointSettings(beside=True, evaluator=LEARNER),
    "near_tasks": dataclasses.replace(LEARNER, network="near_tasks"),
}
DRAW_NOTHING = ("gp", "near_tasks")


@pytest.mark.parametrize("name", sorted({*SURROGATES, *SETTINGS}))
def test_contract(name, tmp_path):
    def fit(space, data, *, seed, samples):
        return fit_evaluator(space, data, SETTINGS[name], seed=seed, samples=samples)

    check_surrogate(fit, tmp_path, draws=name not in DRAW_NOTHING)


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class Unsure(toy_surrogate.Smoothed):
    """Its deviations are no numbers."""

    def mean_std(self, features):
        mean, std = super().mean_std(features)
        return mean, std * float("nan")


@pytree
@dataclasses.dataclass(frozen=True, eq=False)
class Reversed(toy_surrogate.Smoothed):
    """What is good is bad."""

    def mean_std(self, features):
        mean, std = super().mean_std(features)
        return -mean, std


@pytest.mark.parametrize(("broken", "check"), [(Unsure, "predictions_are_finite"), (Reversed, "it_ranks")])
def test_the_contract_finds_what_is_wrong(broken, check, tmp_path, monkeypatch):
    kind = SURROGATES["near_tasks"]
    sound = kind.posterior

    def posterior(self, query):
        found = sound(self, query)
        return broken(found.features, found.targets, found.scale)

    monkeypatch.setattr(kind, "posterior", posterior)

    def fit(space, data, *, seed, samples):
        return fit_evaluator(space, data, SETTINGS["near_tasks"], seed=seed)

    with pytest.raises(AssertionError) as caught:
        check_surrogate(fit, tmp_path, draws=False)
    assert any(entry.name.startswith(check) for entry in caught.traceback), caught.getrepr()


def test_the_contract_minds_the_seed(tmp_path):
    def fit(space, data, *, seed, samples):
        return fit_evaluator(space, data, SETTINGS["near_tasks"], seed=seed)

    with pytest.raises(AssertionError) as caught:
        check_surrogate(fit, tmp_path, draws=True)
    assert any(entry.name == "the_seed_decides" for entry in caught.traceback)


def test_the_page_runs_and_shows_the_toy(capsys):
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert first in Path(toy_surrogate.__file__).read_text(encoding="utf-8")
    exec(compile(second, str(PAGE), "exec"), {})
    assert "iris: 150 rows" in capsys.readouterr().out
