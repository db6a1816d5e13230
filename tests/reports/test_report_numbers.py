"""The numbers behind the plots of a report, beside other ways to get them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, sem

from taskaware.reports import (
    calibration,
    failures,
    folder,
    models,
    plots,
    progress,
    ranks,
    style,
    timeline,
)
from taskaware.runner.run_folder import RunFolder
from taskaware.studies.models import ModelsSettings


def searches(*rows):
    """strategy, task, seed, trainings, best_score."""
    return pd.DataFrame(rows, columns=["strategy", "task", "seed", "trainings", "best_score"])


def test_scores_are_normalised_within_their_task():
    table = searches(
        ("a", "t", 0, 1, -5.0), ("a", "t", 0, 2, 0.4), ("b", "t", 0, 1, np.nan), ("b", "t", 0, 2, 0.8),
        ("a", "u", 0, 1, 0.3), ("b", "u", 0, 1, 0.3), ("b", "v", 0, 1, np.nan),
    )  # fmt: skip
    np.testing.assert_allclose(progress.normalised(table, "best_score"), [0, 0.5, 0, 1, 1, 1, 0])


def test_curves_keep_what_was_found_and_end_with_the_strategy():
    table = searches(
        ("a", "t", 0, 1, 0.2), ("a", "t", 0, 3, 0.4), ("a", "u", 0, 1, 0.6), ("a", "u", 0, 2, 0.8),
        ("b", "t", 0, 2, 0.5), ("b", "u", 0, 1, 0.1),
    )  # fmt: skip
    found = progress.curves(table, table["best_score"])
    assert found.index.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found["a"][0], [0.4, 0.5, 0.6])
    np.testing.assert_allclose(found["b"][0], [np.nan, 0.3, np.nan])


def test_means_are_over_tasks_that_everyone_has_had():
    table = searches(
        *((who, task, seed, 1, 0.5) for who in "ab" for task in "tu" for seed in range(2)),
        ("a", "v", 0, 1, 1.0),
    )
    assert set(progress.balanced(table)["task"]) == {"t", "u"}
    lacking = table[~((table["strategy"] == "b") & (table["task"] == "u") & (table["seed"] == 1))]
    assert set(progress.balanced(lacking)["task"]) == {"t"}
    pairs = progress.paired(lacking, "strategy")[["task", "seed"]].drop_duplicates()
    assert set(pairs.itertuples(index=False, name=None)) == {("t", 0), ("t", 1), ("u", 0)}
    none = table[(table["seed"] == 0) | (table["strategy"] == "a")]
    assert set(progress.balanced(none)["seed"]) == {0}


def test_ranks_are_those_of_scipy():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (5, 3, 4)).astype(float)
    rows = [
        (f"m{who}", f"t{task}", seed, scores[task, seed, who]) for task, seed, who in np.ndindex(scores.shape)
    ]
    table = pd.DataFrame(rows, columns=["name", "task", "seed", "score"])
    expected = rankdata(-scores, axis=2).mean(axis=1)
    np.testing.assert_allclose(ranks.ranks(table, "score").to_numpy(), expected)


def test_whoever_has_no_score_is_last():
    table = pd.DataFrame({"name": ["a", "b"], "task": "t", "seed": 0, "score": [np.nan, -9.0]})
    assert ranks.ranks(table, "score").loc["t"].to_dict() == {"a": 2, "b": 1}


def test_standard_errors_are_over_groups():
    by_task = pd.DataFrame({"a": [1.0, 3.0, 4.0, 7.0]}, index=list("tuvw"))
    mean, error = ranks.over_groups(by_task, pd.Series({"w": "z", "v": "y", "u": "x", "t": "x"}))
    assert mean["a"] == pytest.approx(np.mean([2, 4, 7]))
    assert error["a"] == pytest.approx(sem([2, 4, 7]))
    assert np.isnan(ranks.over_groups(by_task, pd.Series(dict.fromkeys("tuvw", "x")))[1]["a"])


@pytest.mark.parametrize(("scale", "holds"), [(1.0, (0.5, 0.8, 0.95)), (2.0, (0.264, 0.478, 0.673))])
def test_coverage_of_normal_errors(scale, holds):
    rng = np.random.default_rng(0)
    predicted, deviation = rng.random(20_000), rng.uniform(0.05, 0.2, 20_000)
    actual = predicted + scale * deviation * rng.standard_normal(20_000)
    table = pd.DataFrame({"predicted": predicted, "deviation": deviation, "actual": actual})
    np.testing.assert_allclose(list(calibration.coverage(table).values()), holds, atol=0.015)
    assert calibration.z_scores(table).std() == pytest.approx(scale, rel=0.03)


def jobs(*rows):
    """end, seconds, size, status, worker."""
    return pd.DataFrame(rows, columns=["end", "seconds", "size", "status", "worker"])


def test_pauses_are_cut_out_and_work_stays():
    table = jobs((100, 100, 8, "ok", "0"), (150, 100, 4, "ok", "1"), (5100, 100, 6, "ok", "0"))
    seen = timeline.clocked_jobs(table)
    assert (seen.length, seen.cuts, seen.paused) == (250, [150], 4850)
    assert seen.jobs["start"].tolist() == [0, 50, 150] and seen.jobs["end"].tolist() == [100, 150, 250]
    edges = np.linspace(0, seen.length, 11)
    speed = timeline.throughput(seen.jobs, edges)
    assert speed @ np.diff(edges) == pytest.approx(18)
    np.testing.assert_allclose(speed[[0, 3, 5, 9]], [0.08, 0.12, 0.04, 0.06])


def test_work_of_failed_jobs_counts_for_nothing():
    seen = timeline.clocked_jobs(jobs((10, 10, 8, "failed", "0"), (20, 10, 4, "ok", "0")))
    np.testing.assert_allclose(timeline.throughput(seen.jobs, np.array([0.0, 10, 20])), [0, 0.4])


def test_merged_stretches_cover_the_same():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 200, 60).astype(float)
    end = start + rng.integers(1, 6, 60)
    found = timeline.merged(start, end, 0.0)
    at = np.arange(0, 210) + 0.5
    covered = ((start[:, None] < at) & (at < end[:, None])).any(axis=0)
    again = ((found[:, :1] < at) & (at < found[:, 1:])).sum(axis=0)
    np.testing.assert_array_equal(again, covered)
    assert (found[1:, 0] > found[:-1, 1]).all()


def test_errors_that_differ_in_numbers_are_one_group():
    texts = ["no room for 12 bytes", "no room for 3.5 bytes", "NaN", "no room for 0x1f bytes"]
    table = pd.DataFrame({"error": texts})
    groups = failures.grouped(table)
    assert [(error, len(group)) for error, group in groups] == [(texts[0], 3), ("NaN", 1)]


def test_the_last_entry_of_a_job_counts(tmp_path):
    lines = [
        '{"at": "2026-01-01T00:00:10+00:00", "job": "a", "status": "failed", "error": "x", "seconds": 10}',
        '{"at": "2026-01-01T00:00:12+00:00", "job": "b", "status": "ok", "seconds": 2, "diverged": NaN}',
        '{"at": "2026-01-01T01:00:30+01:00", "job": "a", "status": "ok", "seconds": 3, "size": 64}',
    ]
    path = tmp_path / "run"
    path.mkdir()
    (path / "config.json").write_text('{"campaign": "collect"}', encoding="utf-8")
    (path / "journal.jsonl").write_text("\n".join(lines), encoding="utf-8")
    run = folder.read_run(path)
    assert run.jobs["job"].tolist() == ["b", "a"] and run.jobs["before"].tolist() == [0, 1]
    assert run.jobs["end"].tolist() == [2, 20] and run.jobs["diverged"].tolist() == [0, 0]
    assert (run.failed, run.ended) == (0, 2)


def test_looks_can_be_told_apart():
    names = [f"m{number}" for number in range(30)]
    found = style.looks(names)
    assert list(found) == names and len({(look.colour, look.dash) for look in found.values()}) == 30
    lights = [light for light, _ in style.COLOURS.values()]
    assert len(set(lights)) == len(lights)


def test_scores_of_models_are_means_over_seeds_beside_the_first(tmp_path):
    rows = [
        ("t", "t", "regression", seed, model, score, 1.0)
        for model, pair in {"ours": (0.5, 0.7), "theirs": (0.9, 0.9), "third": (0.1, 0.2)}.items()
        for seed, score in enumerate(pair)
    ]
    table = pd.DataFrame(rows, columns=["task", "group", "problem", "seed", "model", "score", "seconds"])
    run = RunFolder.open(tmp_path / "run", "models", ModelsSettings())
    run.write_table("scores", table)
    with plots.drawing():
        found = models.section(folder.read_run(run.path), style.looks(table["model"]))
    text = " ".join(found.parts)
    assert "3 models, 1 task, 2 seeds" in text
    assert "0.600 ± 0.100" in text and "0.900 ± 0<" in text and "0.150 ± 0.050" in text
    assert "less that of ours" in text
    assert models.section(folder.read_run(_empty(tmp_path)), {}) is None


def _empty(path):
    return RunFolder.open(path / "empty", "models", ModelsSettings()).path
