"""Leaving tasks out: nothing held out is seen, and what stopped goes on."""

import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import StoreError, UserError
from taskaware.recommendation.shipped import open_experience
from taskaware.runner import RunnerSettings, read_journal
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import preset
from taskaware.store import Store, pack
from taskaware.studies import evaluate as evaluating
from taskaware.studies.evaluate import EvaluateSettings, evaluate, plan, prepared
from taskaware.studies.scoring import score_picks
from taskaware.studies.selectors import METHODS, Choice
from taskaware.surrogates import EvaluatorSettings
from taskaware.surrogates import training_data as training_data

HASTY = EvaluatorSettings(members=2, steps=20, tasks_per_step=4, architectures_per_step=8)
NAMES = ("cleveland", "heart.c", "iris", "wine", "diabetes", "cholesterol", "sonar", "glass", "ecoli", "vote")


def tables(path):
    return [pd.read_csv(path / f"{name}.csv") for name in ("picks", "calibration")]


@pytest.fixture(scope="module")
def few():
    """Up to ten tasks of the shipped experience (three are relatives), with forty architectures."""
    experience = open_experience("shipped", preset("compact"))
    tasks = np.isin(np.array(experience.names)[experience.task], NAMES)
    return experience.take(tasks & (experience.architecture < 40))


@pytest.fixture(scope="module")
def settings(few, tmp_path_factory):
    path = tmp_path_factory.mktemp("experience") / "few.npz"
    pack(few, path)
    simple = ("random", "single_best", "nearest_task")
    return EvaluateSettings(str(path), methods=(*simple, "evaluator"), folds=3, seeds=2, evaluator=HASTY)


@pytest.fixture(scope="module")
def undisturbed(settings, tmp_path_factory):
    """(summary, folder) of a run that nothing came between."""
    path = tmp_path_factory.mktemp("evaluate") / "run"
    return evaluate(settings, RunFolder.open(path, "evaluate", settings), show=False), path


def test_every_task_is_picked_for_once_by_each_method_and_seed(few, settings, undisturbed):
    summary, path = undisturbed
    picks, calibration = tables(path)
    tasks = sorted(few.names[place] for place in np.unique(few.task))
    assert len(tasks) >= 8 and summary["tasks"] == len(tasks)
    for _, group in picks.groupby(["method", "seed"]):
        assert sorted(group["task"]) == tasks
    assert list(dict.fromkeys(picks["method"])) == list(settings.methods)
    assert (summary["jobs"], summary["failed"]) == (4 * 2 * 3, 0)
    assert set(calibration["method"]) == {"evaluator"} and len(calibration) == 2 * len(tasks)
    result = json.loads((path / "result.json").read_text())
    assert result["summary"] == summary and result["failed"] == 0


def test_picks_are_those_of_the_experience(few, undisturbed):
    picks, calibration = tables(undisturbed[1])
    for row in picks[picks["method"] == "single_best"].itertuples():
        here = few.task == few.names.index(row.task)
        scores, tests = (
            pd.Series(column[here]).groupby(few.architecture[here]).mean()
            for column in (few.score, few.test_score)
        )
        place = np.flatnonzero(np.isclose(scores, row.score))
        assert np.isclose(tests.iloc[place], row.test_score).any()
        assert row.regret == pytest.approx(tests.max() - row.test_score, abs=1e-6)
        assert row.top1 == np.isclose(row.score, scores.max())
    ours = picks[picks["method"] == "evaluator"].merge(calibration, on=["seed", "task"])
    np.testing.assert_array_equal(ours["score"], ours["actual"])
    assert (calibration["deviation"] > 0).all() and calibration["predicted"].between(-1, 1).all()


def test_the_summary_is_that_of_the_tables(undisturbed):
    summary, path = undisturbed
    picks, calibration = tables(path)
    within = (calibration["actual"] - calibration["predicted"]).abs() <= 1.2816 * calibration["deviation"]
    for name, group in picks.groupby("method"):
        found = summary["methods"][name]
        assert found["test_score"] == pytest.approx(group["test_score"].mean())
        assert found["spearman"] == pytest.approx(group["spearman"].mean())
        assert found["regret"] == pytest.approx(group["regret"].mean())
        assert found["coverage"] == (within.mean() if name == "evaluator" else None)
        assert found["worth"] >= 0 and found["worth_normalised"] >= 0


def test_the_chance_to_beat_the_default_is_kept_beside_what_came(settings, undisturbed):
    summary, path = undisturbed
    chances = pd.read_csv(path / "chances.csv")
    assert set(chances["method"]) == {"evaluator"} and chances["chance"].between(0, 1).all()
    entries = read_journal(path / "journal.jsonl")
    rows = [row for entry in entries for row in entry["picks"] if row["chance"] is not None]
    rows = [row for row in rows if np.isfinite(row["chance"])]
    test = prepared(settings)[0].training_data.test_score
    ahead = [test[row["place"], row["picked"]] - test[row["place"], row["default"]] for row in rows]
    assert sorted(chances["won"]) == sorted((np.sign(ahead) + 1) / 2) and len(rows) > 0
    found = summary["methods"]["evaluator"]
    assert found["chance_brier"] == pytest.approx(((chances["chance"] - chances["won"]) ** 2).mean())
    assert found["chance_constant"] == pytest.approx(chances["won"].var(ddof=0))
    assert summary["methods"]["random"]["chance_brier"] is None


def test_what_was_not_trained_is_not_beaten(settings, undisturbed, tmp_path):
    known, curve = prepared(settings)
    entries = [e for e in read_journal(undisturbed[1] / "journal.jsonl") if e["method"] == "evaluator"]
    rows = [row for e in entries for row in e["picks"] if np.isfinite(row["chance"] or np.nan)]
    place, default = rows[0]["place"], rows[0]["default"]
    pool = known.pool.copy()
    pool[place, default] = False
    folder = RunFolder.open(tmp_path / "run", "evaluate", settings)
    score_picks(known._replace(pool=pool), curve, entries, ("evaluator",), folder)
    gone = [row for row in rows if (row["place"], row["default"]) == (place, default)]
    assert len(pd.read_csv(tmp_path / "run" / "chances.csv")) == len(rows) - len(gone) < len(rows)


def test_the_reported_score_is_not_corrected_by_coefficients_that_saw_the_tasks(settings, monkeypatch):
    """`recommend` corrects with coefficients fitted to all known tasks; here these are held out."""
    from taskaware.recommendation import expected

    def asked():
        raise AssertionError("the coefficients are of all tasks")

    monkeypatch.setattr(expected, "coefficients", asked)
    study, _ = prepared(settings)
    fold = next(job for job in plan(study, settings) if job.about["method"] == "evaluator").spec
    rows = evaluating.pick(study, fold)
    assert rows and all(row["deviation"] > 0 for row in rows)


DAMAGE = {
    "no list": (lambda picks: 3, "'picks' is no list of rows"),
    "numbers": (lambda picks: [1.5], "'picks' is no list of rows"),
    "another task": (lambda picks: [picks[0] | {"place": 10_000}], "'place' is '10000'; 0 to"),
    "another architecture": (lambda picks: [picks[0] | {"picked": -1}], "'picked' is '-1'; 0 to 255"),
    "no architecture": (lambda picks: [picks[0] | {"picked": None}], "'picked' is 'None'; 0 to 255"),
    "a list inside": (
        lambda picks: [picks[0] | {"predicted": [0.5, 0.6]}],
        "'predicted' is neither a number",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_entry_of_another_shape_is_refused(settings, undisturbed, tmp_path, damage):
    known, curve = prepared(settings)
    entry = next(iter(read_journal(undisturbed[1] / "journal.jsonl")))
    change, words = DAMAGE[damage]
    folder = RunFolder.open(tmp_path / "run", "evaluate", settings)
    with pytest.raises(StoreError, match=f"entry of '.*seed 0, fold 0' cannot be read: {words}.*Delete its"):
        score_picks(known, curve, [entry | {"picks": change(entry["picks"])}], ("random",), folder)


def test_what_is_held_out_is_never_seen(settings, tmp_path, monkeypatch):
    seen = []

    def spy(known, unseen, seed):
        seen.append((known, unseen))
        return Choice(np.zeros((len(unseen.z), len(known.u))))

    monkeypatch.setitem(METHODS, "spy", lambda space, ours: spy)
    spying = dataclasses.replace(settings, methods=("spy",), seeds=1)
    evaluate(spying, RunFolder.open(tmp_path / "run", "evaluate", spying), show=False)
    everything = prepared(settings)[0].training_data
    group = {tuple(z): name for z, name in zip(everything.z, everything.groups, strict=True)}
    assert sum(len(unseen.z) for _, unseen in seen) == len(everything.names)
    for known, unseen in seen:
        assert not {group[tuple(z)] for z in unseen.z} & set(known.groups)
    assert "heart" in everything.groups and everything.groups.count("heart") >= 2


def test_what_a_search_has_found_is_learned_from_but_not_picked(few, settings, tmp_path, monkeypatch):
    learned = training_data(few)
    best = set(zip(learned.names, np.nanargmax(learned.score, axis=1).tolist(), strict=True))
    pairs = zip(np.array(few.names)[few.task].tolist(), few.architecture.tolist(), strict=True)
    top = np.array([pair in best for pair in pairs])
    # One of several seeds is enough.
    top &= few.seed == 0
    strategies = (*few.strategies, "evolution")
    found = dataclasses.replace(
        few, strategies=strategies, strategy=np.where(top, len(strategies) - 1, few.strategy).astype(np.int32)
    )
    pack(found, tmp_path / "found.npz")
    changed = dataclasses.replace(settings, experience=str(tmp_path / "found.npz"), methods=("oracle",))
    known, _ = prepared(changed)
    truth = {
        tuple(z): score for z, score in zip(known.training_data.z, known.training_data.score, strict=True)
    }

    def oracle(known, unseen, seed):
        return Choice(np.stack([truth[tuple(z)] for z in unseen.z]))

    monkeypatch.setitem(METHODS, "oracle", lambda space, ours: oracle)
    evaluate(changed, RunFolder.open(tmp_path / "run", "evaluate", changed), show=False)
    entries = read_journal(tmp_path / "run" / "journal.jsonl")
    picked = {(row["task"], row["picked"]) for entry in entries for row in entry["picks"]}
    assert len(picked) == len(best) and not picked & best
    picks, _ = tables(tmp_path / "run")
    assert (picks["top1"] == 1).all() and (picks["regret"] >= 0).all()


@pytest.mark.parametrize("after", [1, 5])
def test_a_run_that_was_stopped_goes_on_and_does_nothing_twice(
    settings, undisturbed, tmp_path, monkeypatch, after
):
    original, done = evaluating.pick, []

    def stopped(known, fold):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(fold)
        return original(known, fold)

    quick = dataclasses.replace(settings, methods=("random", "nearest_task"))
    monkeypatch.setattr(evaluating, "pick", stopped)
    with pytest.raises(KeyboardInterrupt):
        evaluate(quick, RunFolder.open(tmp_path / "run", "evaluate", quick), show=False)
    assert not (tmp_path / "run" / "picks.csv").exists()
    monkeypatch.setattr(evaluating, "pick", lambda known, fold: done.append(fold) or original(known, fold))
    summary = evaluate(quick, RunFolder.open(tmp_path / "run", "evaluate", quick), show=False)
    assert summary["jobs"] == 12 - after and len(done) == len(set(done)) == 12
    expected, _ = tables(undisturbed[1])
    expected = expected[expected["method"].isin(quick.methods)].reset_index(drop=True)
    pd.testing.assert_frame_equal(tables(tmp_path / "run")[0], expected)
    again = evaluate(quick, RunFolder.open(tmp_path / "run", "evaluate", quick), show=False)
    assert again == summary | {"jobs": 0}


def test_what_travels_to_a_worker_gives_the_same(settings, undisturbed):
    """Data and fold through pickle, as engines send them; the engines are under contract in their room."""
    study, _ = prepared(settings)
    expected = {entry["job"]: entry["picks"] for entry in read_journal(undisturbed[1] / "journal.jsonl")}
    for method in ("nearest_task", "evaluator"):
        job = plan(study, dataclasses.replace(settings, methods=(method,)))[0]
        found = evaluating.pick(*pickle.loads(pickle.dumps((study, job.spec))))
        assert len(found) >= 2
        pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected[job.id]), check_dtype=False)


def test_a_method_that_fails_is_noted_and_tried_again(settings, tmp_path, monkeypatch):
    def broken(known, unseen, seed):
        raise RuntimeError("no idea")

    quick = dataclasses.replace(settings, methods=("random", "single_best"), seeds=1)
    original = METHODS["random"]
    monkeypatch.setitem(METHODS, "random", lambda space, ours: broken)
    summary = evaluate(quick, RunFolder.open(tmp_path / "run", "evaluate", quick), show=False)
    assert (summary["jobs"], summary["failed"], list(summary["methods"])) == (6, 3, ["single_best"])
    monkeypatch.setitem(METHODS, "random", original)
    summary = evaluate(quick, RunFolder.open(tmp_path / "run", "evaluate", quick), show=False)
    assert (summary["jobs"], summary["failed"], set(summary["methods"])) == (3, 0, set(quick.methods))


def test_where_all_fails_the_tables_are_empty(settings, tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS, "random", lambda space, ours: None)
    quick = dataclasses.replace(settings, methods=("random",), seeds=1)
    summary = evaluate(quick, RunFolder.open(tmp_path / "run", "evaluate", quick), show=False)
    assert (summary["failed"], summary["methods"]) == (3, {})
    assert [len(table) for table in tables(tmp_path / "run")] == [0, 0]


def test_a_store_serves_as_well_and_grown_experience_is_new_work(few, settings, tmp_path):
    part = few.take(few.architecture < 30)
    stored = dataclasses.replace(settings, experience=str(tmp_path / "few.db"))
    with Store.open(tmp_path / "few.db") as store:
        store.add_experience(part)
    before = plan(prepared(stored)[0], stored)
    with Store.open(tmp_path / "few.db") as store:
        store.add_experience(few)
    known, curve = prepared(stored)
    assert not {job.id for job in before} & {job.id for job in plan(known, stored)}
    expected, expected_curve = prepared(settings)
    assert known.training_data.names == expected.training_data.names
    np.testing.assert_allclose(curve, expected_curve, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ("evaluater",)}, "Did you mean 'evaluator'"),
        ({"methods": ()}, "No method is named"),
        ({"folds": 1}, "folds=1 is too small. Give 2"),
        ({"seeds": 0}, "seeds=0"),
        ({"fewest": -1}, "fewest=-1"),
        ({"fewest": 41}, "fewest=41 leaves no test task: at most 40"),
        ({"space": "compct"}, "Did you mean 'compact'"),
        ({"space": "published"}, "of the space 'compact', not of 'published'"),
        ({"evaluator": EvaluatorSettings(loss="squard")}, "Did you mean 'squared'"),
        ({"evaluator": EvaluatorSettings(members=0)}, "members=0"),
        ({"evaluator": EvaluatorSettings(noise_gap=-1.0)}, "noise_gap=-1.0 is negative. Give 0 or more"),
        ({"runner": RunnerSettings("serail")}, "Did you mean 'serial'"),
    ],
)
def test_settings_are_checked_before_any_work(settings, tmp_path, changes, words):
    changed = dataclasses.replace(settings, **changes)
    with pytest.raises(UserError, match=words):
        evaluate(changed, RunFolder.open(tmp_path / "run", "evaluate", changed), show=False)
    assert not (tmp_path / "run" / "journal.jsonl").exists()


def test_experience_that_does_not_do_is_refused(few, settings, tmp_path):
    with pytest.raises(StoreError, match="no store"):
        prepared(dataclasses.replace(settings, experience=str(tmp_path / "nowhere.db")))
    searched = dataclasses.replace(few, strategies=("evolution",) * len(few.strategies))
    pack(searched, tmp_path / "searched.npz")
    with pytest.raises(UserError, match="random architectures for 0 groups"):
        prepared(dataclasses.replace(settings, experience=str(tmp_path / "searched.npz")))


def test_smoke_is_small():
    small = EvaluateSettings().smoke().check()
    assert (small.folds, small.seeds, small.evaluator.members) == (2, 1, 2)
    assert "boosted" not in small.methods and "published_linear" in small.methods
