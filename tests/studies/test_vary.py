"""Evaluations that differ in one thing each, and the curves that come of it."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.recommendation.shipped import open_experience
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import preset
from taskaware.store import pack
from taskaware.studies.evaluate import EvaluateSettings
from taskaware.studies.vary import AS_IT_IS, VarySettings, numbered, vary

NAMES = ("cleveland", "heart.c", "iris", "wine", "diabetes", "sonar", "glass", "ecoli", "vote", "autos")
CHANGES = (
    "architectures=2",
    "architectures=10",
    "architectures=20",
    "methods=nearest_task",
    "deal=far seeds=1",
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    experience = open_experience("shipped", preset("compact"))
    tasks = np.isin(np.array(experience.names)[experience.task], NAMES)
    path = tmp_path_factory.mktemp("experience") / "few.npz"
    pack(experience.take(tasks & (experience.architecture < 40)), path)
    return VarySettings(EvaluateSettings(str(path), methods=("single_best",), folds=3, seeds=2), CHANGES)


@pytest.fixture(scope="module")
def undisturbed(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("vary") / "run"
    return vary(settings, RunFolder.open(path, "vary", settings), show=False), path


def test_each_change_is_an_evaluation_of_its_own(settings, undisturbed):
    summary, path = undisturbed
    assert (summary["jobs"], summary["failed"]) == (3 * (2 * 5 + 1), 0)
    table = pd.read_csv(path / "changes.csv")
    assert table["change"].tolist() == [AS_IT_IS, *CHANGES]
    assert table["method"].tolist() == ["single_best"] * 4 + ["nearest_task", "single_best"]
    for change, found in zip(table["change"], table["test_score"], strict=True):
        name = change.replace(" ", "_")
        result = json.loads((path / name / "result.json").read_text())["summary"]["methods"]
        (method,) = result.values()
        assert method["test_score"] == pytest.approx(found)
    assert json.loads((path / "result.json").read_text())["summary"] == summary


def test_what_a_change_loses_is_counted_by_origin(settings, undisturbed):
    _, path = undisturbed
    table = pd.read_csv(path / "changes.csv").set_index("change")
    assert table.loc[AS_IT_IS, ["lost", "lost_se"]].tolist() == [0, 0]
    picks = [pd.read_csv(path / name / "picks.csv") for name in ("as_it_is", "methods=nearest_task")]
    means = [each.groupby(["group", "task"])["test_score"].mean().groupby("group").mean() for each in picks]
    assert table.loc["methods=nearest_task", "lost"] == pytest.approx((means[0] - means[1]).mean())
    assert table.loc["methods=nearest_task", "lost_se"] > 0


def test_a_setting_of_several_numbers_is_drawn(undisturbed):
    _, path = undisturbed
    from matplotlib.image import imread

    assert imread(path / "curves.png").std() > 0.05
    assert list(numbered(CHANGES)) == ["architectures"]


def test_fewer_architectures_are_seen(settings, tmp_path, undisturbed):
    """With all that there are, thinning changes nothing; what was done is not done again."""
    same = dataclasses.replace(settings, changes=("architectures=40",))
    summary = vary(same, RunFolder.open(tmp_path / "run", "vary", same), show=False)
    rows = summary["changes"]
    assert rows[0]["test_score"] == rows[1]["test_score"]
    assert undisturbed[0]["changes"][1]["test_score"] != rows[0]["test_score"]
    again = vary(same, RunFolder.open(tmp_path / "run", "vary", same), show=False)
    assert again == summary | {"jobs": 0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("folds=1",), "folds=1 is too small"),
        (("deal=near",), "Unknown deal 'near'"),
        (("tasks=2",), "tasks=2 is too small. Give 0 for all, or 3"),
        (("metods=random",), "Did you mean 'methods'"),
        (("more=shipped-tabels",), "Did you mean 'shipped-tables'"),
        (("seeds=1", "seeds=1"), "named twice"),
    ],
)
def test_bad_changes_are_refused_before_any_work(settings, changes, words):
    with pytest.raises(UserError, match=words):
        dataclasses.replace(settings, changes=changes).check()
