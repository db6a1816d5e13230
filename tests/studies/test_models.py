"""Comparing models: the same rows for all, nothing done twice, and sums that are right."""

import dataclasses
import json
import logging
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from taskaware.errors import UserError
from taskaware.modalities.suites import bundled_suite
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.frame import library_frame
from taskaware.runner.run_folder import RunFolder
from taskaware.studies import baselines as rivals
from taskaware.studies import models as comparing
from taskaware.studies.baselines import BASELINES, Baseline, recommended
from taskaware.studies.models import (
    ModelsSettings,
    Trial,
    by_task,
    compare_models,
    plan,
    score_model,
    standings,
)
from taskaware.tasks.metrics import METRICS
from taskaware.tasks.split import split
from taskaware.training import fit

SETTINGS = ModelsSettings(tasks=("iris", "diabetes"), models=("mlp", "trees"), seeds=2)


def run(settings, path):
    return compare_models(settings, RunFolder.open(path, "models", settings), show=False)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """(summary, folder, trees.csv)"""
    path = tmp_path_factory.mktemp("models")
    settings = dataclasses.replace(SETTINGS, trees=str(path / "new" / "trees.csv"))
    return run(settings, path / "run"), path / "run", path / "new" / "trees.csv"


@pytest.fixture(scope="module")
def mixed():
    """A classification of numbers, dates, booleans, words and categories, with gaps everywhere."""
    rng = np.random.default_rng(0)
    x, colour = rng.normal(size=120), rng.choice(["red", "green", "blue"], 120)
    frame = pd.DataFrame(
        {
            "size [mm]": np.where(rng.random(120) < 0.1, np.nan, x),
            "colour": np.where(rng.random(120) < 0.1, None, colour),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 120), unit="D"),
            "new": rng.random(120) < 0.5,
            "text": [f"word{i} and {'long ' * (i % 7)}text of its own" for i in range(120)],
            "good": np.where((x > 0) ^ (colour == "red"), "yes", "no"),
        }
    )
    return make_task(frame, "good")


def test_scores_are_those_of_the_libraries_on_the_split(compared):
    summary, path, _ = compared
    assert (summary["jobs"], summary["failed"], summary["compared"], summary["skipped"]) == (8, 0, 4, "none")
    scores = pd.read_csv(path / "scores.csv")
    assert list(scores.columns) == comparing.SCORES and len(scores) == 8
    iris = bundled_suite().task("iris")
    for seed in (0, 1):
        parts = split(iris, seed)
        rows = np.sort(np.concatenate([parts.train, parts.validation]))
        model = HistGradientBoostingClassifier(random_state=seed)
        with threadpool_limits(1):
            model.fit(iris.data.numeric[rows], iris.target[rows])
            own = model.score(iris.data.numeric[parts.test], iris.target[parts.test])
        found = scores.query("task == 'iris' and model == 'trees' and seed == @seed")["score"].item()
        assert found == own


def test_tables_and_summary_agree(compared):
    summary, path, _ = compared
    scores, tasks = pd.read_csv(path / "scores.csv"), pd.read_csv(path / "tasks.csv")
    assert list(tasks.columns) == comparing.TASKS
    for row in tasks.itertuples():
        pair = scores.query("task == @row.task and model == @row.model")["score"]
        assert row.seeds == 2
        np.testing.assert_allclose([row.score, row.se], [pair.mean(), np.ptp(pair) / 2])
    assert (tasks.groupby("task")["rank"].sum() == 3).all()
    assert json.loads((path / "result.json").read_text())["summary"] == summary
    assert set(summary["models"]) == {"mlp", "trees"}
    assert (
        summary["regression"]["mlp"]["score"]
        == tasks.query("task == 'diabetes' and model == 'mlp'")["score"].item()
    )


def test_the_trees_are_written_by_digest(compared):
    table = pd.read_csv(compared[2])
    assert list(table.columns) == ["digest", "name", "problem", "score", "se", "seeds"]
    tasks = {task.name: task for task in bundled_suite().only("iris", "diabetes")}
    assert dict(zip(table["name"], table["digest"], strict=True)) == {n: t.digest for n, t in tasks.items()}
    means = pd.read_csv(compared[1] / "tasks.csv").query("model == 'trees'")
    np.testing.assert_allclose(table["score"], means["score"], atol=1e-5)
    assert set(table["seeds"]) == {2}


def test_nothing_is_done_twice_and_what_failed_is_tried_again(tmp_path, monkeypatch):
    asked = []

    def moody(task, parts, seed):
        asked.append((task.name, seed))
        if task.name == "diabetes" and asked.count((task.name, seed)) <= 2:
            raise RuntimeError("not today")
        return task.target[parts.test]

    monkeypatch.setitem(BASELINES, "mlp", Baseline(moody))
    first = run(SETTINGS, tmp_path / "run")
    assert (first["jobs"], first["failed"], first["compared"]) == (8, 2, 2)
    assert set(first["models"]) == {"mlp", "trees"}
    # A model that has failed everywhere on a problem leaves nothing to compare there.
    assert "regression" not in first
    again = run(SETTINGS, tmp_path / "run")
    assert (again["jobs"], again["failed"], again["compared"]) == (2, 0, 4)
    assert again["models"]["mlp"]["score"] == 1.0 and again["models"]["mlp"]["rank"] == 1.0
    assert asked.count(("iris", 0)) == 1
    assert run(SETTINGS, tmp_path / "run")["jobs"] == 0


def test_every_model_gets_the_same_rows(mixed, monkeypatch):
    seen = {}

    class Recommended:
        def fit(self, task, *, seed, members, progress):
            seen["given"], seen["seed"], seen["members"] = task, seed, members
            return self

        def predict(self, rows):
            table = seen["given"].reader.apply(rows)
            seen["asked"] = dataclasses.replace(seen["given"].data, columns=table.columns, rows=len(rows))
            return np.array(["yes", "no"], object)[np.arange(len(rows)) % 2]

    def recommend(task, *, leave_out, seed):
        assert task is mixed and leave_out
        return Recommended()

    monkeypatch.setattr(rivals, "recommend", recommend)
    parts = split(mixed, 1)
    found = recommended(mixed, parts, 1)
    # Classes are sorted: no, yes.
    np.testing.assert_array_equal(found, 1 - np.arange(len(parts.test)) % 2)
    rows = np.sort(np.concatenate([parts.train, parts.validation]))
    assert seen["seed"] == 1 and seen["members"] is None and not set(rows) & set(parts.test)
    BASELINES["recommended_once"].predict(mixed, parts, 1)
    assert seen["members"] == 1
    np.testing.assert_array_equal(seen["given"].target, mixed.target[rows])
    assert seen["given"].data.row_hashes.tolist() == mixed.data.row_hashes[rows].tolist()
    # The test rows arrive as they stand in the table.
    assert seen["asked"].row_hashes.tolist() == mixed.data.row_hashes[parts.test].tolist()


@pytest.mark.parametrize("name", ["mlp", "trees"])
def test_models_learn_from_any_columns(mixed, name):
    parts = split(mixed, 0)
    predicted = BASELINES[name].predict(mixed, parts, 0)
    often = np.bincount(mixed.target).max() / mixed.rows
    assert METRICS[mixed.metric].on_host(mixed.target[parts.test], predicted) > often


@pytest.mark.parametrize(
    ("name", "classes", "settings"),
    [
        ("realmlp", "RealMLP_TD_Classifier", {}),
        ("catboost", "CatBoost_D_Classifier", {}),
        ("tabm_tuned", "TabM_HPO_Classifier", {"n_hyperopt_steps": 20, "hpo_space_name": "tabarena"}),
    ],
)
def test_models_of_pytabkit_get_numbers_without_gaps(mixed, monkeypatch, name, classes, settings):
    made, kinds = {}, ("number", "category")

    class Often(DummyClassifier):
        def __init__(self, **given):
            made.update(given)
            super().__init__()

        def fit(self, x, y):
            made["gaps"] = {kind: bool(x.select_dtypes(kind).isna().any(axis=None)) for kind in kinds}
            return super().fit(x, y)

    monkeypatch.setitem(sys.modules, "pytabkit", SimpleNamespace(**{classes: Often}))
    assert "pytabkit" in BASELINES[name].packages
    parts = split(mixed, 0)
    assert len(BASELINES[name].predict(mixed, parts, 3)) == len(parts.test)
    assert made["random_state"] == 3 and made["n_threads"] == 1 and settings.items() <= made.items()
    # These models read categories with gaps.
    assert made["gaps"] == {"number": False, "category": True}


def test_a_class_of_one_row_does_not_stop_the_trees():
    # Beyond 10,000 rows scikit-learn's trees keep some apart, and refuse a class that they cannot part.
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=12_600), np.array(["a", "b"])[np.arange(12_600) % 2]
    labels[7] = "c"
    task = make_task(pd.DataFrame({"x": x, "y": labels}), "y")
    assert score_model(task, Trial("trees", 0)) > 0.4


def test_frames_hold_numbers_and_categories(mixed):
    frame = library_frame(mixed.data)
    problems = [str(dtype) for dtype in frame.dtypes]
    assert set(problems) == {"float64", "category"} and len(frame) == 120
    assert frame["x0"].isna().sum() == mixed.data.columns[0].missing.sum() > 0
    wide = pd.DataFrame({"id": [f"n{i % 300}" for i in range(600)], "y": np.arange(600) % 7})
    assert str(library_frame(make_task(wide, "y").data)["x0"].dtype) == "float64"


@pytest.mark.parametrize(("wrong", "score"), [(np.nan, -1.0), (1e9, -1.0)])
def test_hopeless_predictions_have_the_worst_score(monkeypatch, wrong, score):
    task = bundled_suite().task("diabetes")
    monkeypatch.setitem(BASELINES, "mlp", Baseline(lambda task, parts, seed: np.full(len(parts.test), wrong)))
    assert score_model(task, Trial("mlp", 0)) == score


def test_what_is_not_installed_is_skipped_in_one_line(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(
        BASELINES, "flaml", Baseline(BASELINES["trees"].predict, ("no-such-package", "nor-this"))
    )
    settings = dataclasses.replace(SETTINGS, models=("trees", "flaml"), tasks=("iris",), seeds=1)
    with caplog.at_level(logging.WARNING, "taskaware"):
        summary = run(settings, tmp_path / "run")
    assert summary["skipped"] == "flaml" and list(summary["models"]) == ["trees"]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("Skipped: flaml.") and "pip install no-such-package nor-this" in line
    with pytest.raises(UserError, match="None of the models is installed.*pip install no-such-package"):
        dataclasses.replace(settings, models=("flaml",)).check()


def test_larger_tasks_are_left_out():
    assert set(dataclasses.replace(SETTINGS, most_rows=150).check().chosen()) == {"iris"}
    assert set(SETTINGS.check().chosen()) == {"iris", "diabetes"}


def test_jobs_are_named_by_content_and_version(monkeypatch):
    tasks = list(bundled_suite().only("iris"))
    jobs = plan(tasks, dataclasses.replace(SETTINGS, models=("recommended", "mlp")))
    assert [job.about for job in jobs[:2]] == [
        {"task": "iris", "seed": 0, "model": "recommended"},
        {"task": "iris", "seed": 1, "model": "recommended"},
    ]
    assert len({job.id for job in jobs}) == 4
    monkeypatch.setattr(rivals, "_learned", lambda: "something else")
    later = plan(tasks, dataclasses.replace(SETTINGS, models=("recommended", "mlp")))
    same = [job.id == other.id for job, other in zip(jobs, later, strict=True)]
    assert same == [False, False, True, True]
    monkeypatch.setattr(fit, "VERSION", 99)
    last = plan(tasks, dataclasses.replace(SETTINGS, models=("recommended", "mlp")))
    same = [job.id == other.id for job, other in zip(later, last, strict=True)]
    assert same == [False, False, True, True]


def scored(*rows):
    table = pd.DataFrame(rows, columns=["task", "group", "seed", "model", "score"])
    return table.assign(problem="classification", rows=10, digest="d", seconds=2.0)


def test_standings_by_hand():
    table = scored(
        ("a", "o", 0, "ours", 0.9), ("a", "o", 1, "ours", 0.8),
        ("a", "o", 0, "theirs", 0.7), ("a", "o", 1, "theirs", 0.6),
        ("b", "o", 0, "ours", 0.5), ("b", "o", 1, "ours", 0.5),
        ("b", "o", 0, "theirs", 0.3), ("b", "o", 1, "theirs", 0.9),
        ("c", "p", 0, "ours", 0.5), ("c", "p", 1, "ours", 0.5),
        ("c", "p", 0, "theirs", 0.6), ("c", "p", 1, "theirs", 0.6),
    )  # fmt: skip
    assert by_task(table)["rank"].tolist() == [1, 2, 2, 1, 2, 1]
    found = standings(table)
    ours, theirs = found["ours"], found["theirs"]
    # On b the seeds disagree by more than the mean difference: nobody wins.
    assert (theirs["wins"], theirs["loses"], theirs["ties"]) == (1, 1, 1)
    assert (ours["wins"], ours["loses"], ours["ties"]) == (0, 0, 3)
    # Group o is the mean of tasks a and b.
    np.testing.assert_allclose([ours["rank"], ours["score"]], [1.75, (0.675 + 0.5) / 2])
    np.testing.assert_allclose(ours["score_se"], (0.675 - 0.5) / 2)
    np.testing.assert_allclose(theirs["noise"], np.sqrt((0.05**2 + 0.3**2 + 0) / 3))
    assert ours["seconds"] == 2.0


def test_a_single_seed_has_no_noise():
    table = scored(("a", "o", 0, "ours", 0.9), ("a", "o", 0, "theirs", 0.7))
    found = standings(table)
    assert found["theirs"]["noise"] is None and found["theirs"]["loses"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ("tree",)}, "Unknown model 'tree'. Did you mean 'trees'"),
        ({"models": ()}, "No model is named"),
        ({"seeds": 0}, "seeds=0 is too small"),
        ({"most_rows": -1}, "most_rows=-1 is too small"),
        ({"most_rows": 9}, "No task has at most most_rows=9 rows"),
        ({"models": ("mlp",), "trees": "a.csv"}, "needs the model 'trees'"),
        ({"tasks": ("irish",)}, "Did you mean 'iris'"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(SETTINGS, **change).check()


def test_a_run_in_which_all_fails_still_ends(tmp_path, monkeypatch):
    monkeypatch.setitem(BASELINES, "trees", Baseline(lambda task, parts, seed: 1 / 0))
    settings = dataclasses.replace(SETTINGS, models=("trees",), trees=str(tmp_path / "trees.csv"))
    summary = run(settings, tmp_path / "run")
    assert (summary["failed"], summary["compared"], summary["models"]) == (4, 0, {})
    # A file that was there would be better than half of a new one.
    assert not (tmp_path / "trees.csv").exists()
