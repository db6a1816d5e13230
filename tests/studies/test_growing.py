"""Own tasks become known: which ones, what is picked for, and that no relative of that is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.recommendation.shipped import open_experience
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import preset
from taskaware.store import pack
from taskaware.studies.evaluate import EvaluateSettings, prepared
from taskaware.studies.growing import PICKS, GrowingSettings, Grown, grow, parts
from taskaware.surrogates import EvaluatorSettings

FAMILY = ("cleveland", "heart.c", "breast.cancer", "hepatitis", "haberman", "lymph")
OTHERS = ("iris", "wine", "diabetes", "sonar", "glass", "ecoli", "vote", "autos", "zoo", "bodyfat", "servo")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    experience = open_experience("shipped", preset("compact"))
    tasks = np.isin(np.array(experience.names)[experience.task], FAMILY + OTHERS)
    path = tmp_path_factory.mktemp("experience") / "few.npz"
    pack(experience.take(tasks & (experience.architecture < 40) & (experience.seed == 0)), path)
    return GrowingSettings(str(path), families=(" ".join(FAMILY),), own=(0, 4), seeds=2)


@pytest.fixture(scope="module")
def known(settings):
    return prepared(EvaluateSettings(settings.experience))[0].training_data


@pytest.mark.parametrize("seed", range(4))
def test_the_same_are_picked_for_before_and_after(known, seed):
    before, after = (parts(known, Grown(FAMILY, own, 4, seed, EvaluatorSettings())) for own in (0, 4))
    assert np.array_equal(before.like, after.like) and before.like.sum() == 2
    assert np.array_equal(before.others, after.others) and before.others.sum() == len(OTHERS)
    names = np.array(known.names)
    assert not set(names[before.known]) & set(FAMILY)
    assert set(names[after.known]) - set(names[before.known]) <= set(FAMILY)
    for which in (before, after):
        picked = {o for o, p in zip(known.groups, which.like | which.others, strict=True) if p}
        assert not picked & {o for o, k in zip(known.groups, which.known, strict=True) if k}


def test_picks_and_means(settings, known, tmp_path, monkeypatch):
    # Strangers are held out; with all others among them nothing would be left to learn from.
    monkeypatch.setattr("taskaware.studies.growing.STRANGERS", 4)
    summary = grow(settings, RunFolder.open(tmp_path / "run", "growing", settings), show=False)
    assert (summary["jobs"], summary["failed"]) == (4, 0)
    table = pd.read_csv(tmp_path / "run" / "picks.csv")
    assert list(table.columns) == PICKS
    assert table.groupby(["own", "seed", "about"]).size().unstack().to_numpy().tolist() == [[2, 4]] * 4
    for row in summary["grown"]:
        its = table[(table["own"] == row["own"]) & (table["about"] == row["about"])]
        assert row["test_score"] == pytest.approx(its["test_score"].mean())
        assert row["normalised"] == pytest.approx(its["normalised"].mean())
    again = grow(settings, RunFolder.open(tmp_path / "run", "growing", settings), show=False)
    assert again == summary | {"jobs": 0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"families": ()}, "No family is named"),
        ({"own": (0, 6)}, "has 6 tasks; with 6 learned, none is left"),
        ({"own": ()}, "too small"),
        ({"seeds": 0}, "too small"),
    ],
)
def test_bad_settings_are_refused(settings, changes, words):
    with pytest.raises(UserError, match=words):
        dataclasses.replace(settings, **changes).check()


def test_a_task_that_nobody_trained_is_named(settings, tmp_path):
    wrong = dataclasses.replace(settings, families=(settings.families[0].replace("lymph", "limph"),))
    with pytest.raises(UserError, match="Did you mean 'lymph'"):
        grow(wrong, RunFolder.open(tmp_path / "run", "growing", wrong), show=False)
