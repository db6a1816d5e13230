"""Comparing strategies: equal budgets, honest recommendations, and nothing done twice."""

import dataclasses
import json
import pickle

import jax
import numpy as np
import pandas as pd
import pytest

from benchmarks.chaos.studies import same_experience
from taskaware.errors import StoreError, UserError
from taskaware.modalities.suites import bundled_suite
from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.objectives.architectures import GRID
from taskaware.runner import RunnerSettings, read_journal
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import preset
from taskaware.store import Store
from taskaware.strategies import Strategy
from taskaware.studies import compare as comparing
from taskaware.studies import search_spec
from taskaware.studies.compare import CompareSettings, compare, plan
from taskaware.studies.search_spec import COMPARED, INHERITING, ranked_candidates, search_task
from taskaware.studies.standings import standings
from taskaware.surrogates import EvaluatorSettings
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import Trained, train

HASTY = EvaluatorSettings("bilinear", members=2, steps=10, tasks_per_step=4, architectures_per_step=8)
SETTINGS = CompareSettings(
    tasks=("iris", "wine"),
    strategies=("random", "evolution", "recommend"),
    budget=6,
    round=4,
    seeds=1,
    population=4,
    tournament=2,
    evaluator=HASTY,
    trainer=TrainingRecipe(steps=10, evaluations=5, batch_size=32),
)
SPACE = preset("compact")
# Of one width, so that real trainings share their programs.
NARROW = dataclasses.replace(SPACE, name="narrow", layers=1, sizes=(8,), width_odds=(1.0,))
TRAINED = dataclasses.replace(
    SETTINGS, strategies=("random", "evolution"), space=json.dumps(NARROW.to_dict())
)


def run(settings, path):
    return compare(settings, RunFolder.open(path, "compare", settings), show=False)


def triplets(path):
    with Store.open(path) as store:
        return store.triplets(catalogue=catalogue_digest())


@pytest.fixture(scope="module")
def iris():
    return bundled_suite().task("iris")


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A suite of two tables of one shape, which share all compiled programs."""
    path = tmp_path_factory.mktemp("twins")
    lines = ["name,modality,task,target,file"]
    for place, name in enumerate(("left", "right")):
        x = np.random.default_rng(place).normal(size=(150, 4))
        frame = pd.DataFrame(x).add_prefix("x").assign(y=np.digitize(x[:, place] + x[:, 2], [-0.7, 0.7]))
        frame.to_csv(path / f"{name}.csv", index=False)
        lines.append(f"{name},tables,classification,y,{name}.csv")
    (path / "index.csv").write_text("\n".join(lines))
    return dataclasses.replace(TRAINED, suite=(str(path),), tasks=("left", "right"))


@pytest.fixture(scope="module")
def undisturbed(twins, tmp_path_factory):
    """(summary, folder) of a run that nothing came between; its store lies in the folder's parent."""
    path = tmp_path_factory.mktemp("compare")
    return run(dataclasses.replace(twins, store=str(path / "a.db")), path / "run"), path / "run"


def test_every_strategy_has_its_budget_on_every_task(undisturbed):
    summary, path = undisturbed
    progress = pd.read_csv(path / "progress.csv")
    assert list(progress.columns) == comparing.PROGRESS
    assert (summary["jobs"], summary["failed"], summary["compared"]) == (4, 0, 2)
    for _, search in progress.groupby(["strategy", "task", "seed"]):
        assert search["trainings"].tolist() == [1, 2, 3, 4, 5, 6]
        assert search["best_score"].is_monotonic_increasing
    assert set(progress["strategy"]) == set(summary["strategies"]) == set(TRAINED.strategies)
    assert json.loads((path / "result.json").read_text())["summary"] == summary


def test_progress_is_the_best_by_validation_score_and_its_test_score(undisturbed):
    progress = pd.read_csv(undisturbed[1] / "progress.csv")
    for entry in read_journal(undisturbed[1] / "journal.jsonl"):
        search = progress.query("strategy == @entry['strategy'] and task == @entry['task']")
        for row in search.itertuples():
            place = int(np.argmax(entry["scores"][: row.trainings]))
            assert row.best_score == entry["scores"][place] and row.test_score == entry["test_scores"][place]


def test_every_training_joins_the_experience_under_its_strategy(undisturbed):
    experience = triplets(undisturbed[1].parent / "a.db")
    assert np.isfinite(experience.z).all() and np.unique(experience.seed).tolist() == [0]
    assert set(experience.strategies) == set(TRAINED.strategies)
    for entry in read_journal(undisturbed[1] / "journal.jsonl"):
        rows = (experience.task == experience.names.index(entry["task"])) & (
            experience.strategy == experience.strategies.index(entry["strategy"])
        )
        # A child may be its parent again, which is one training.
        assert 4 <= rows.sum() <= 6
        assert set(experience.score[rows].tolist()) == set(entry["scores"])
        assert set(experience.test_score[rows].tolist()) == set(entry["test_scores"])
    on_grid = experience.architectures / GRID
    np.testing.assert_array_equal(on_grid, np.round(on_grid))


@pytest.fixture
def pretended(monkeypatch):
    """Trainings that cost nothing (scores follow from task and architecture); draws that cost little."""

    def train_batch(task, batch):
        score = (np.abs(batch.points).sum(1, dtype=np.float64) * 0.618 + task.rows / 1000) % 1.0
        return Trained(score, score / 2, 1 - score, score[:, None], np.zeros(len(score)))

    def drawn(spec, task):
        def ask(key, state):
            return state, jax.random.uniform(key, (spec.round, spec.space.dimension)) + len(spec.strategy)

        return lambda *_: Strategy(lambda key: (), ask, lambda state, points, feedback: (state, {}))

    monkeypatch.setattr(search_spec, "train_batch", train_batch)
    for name in ("random", "evolution"):
        monkeypatch.setitem(COMPARED, name, drawn)


def test_a_run_that_was_stopped_goes_on_and_does_nothing_twice(tmp_path, monkeypatch, pretended):
    after = 3  # within the second of two tasks
    begun, left = [], [after]

    def counted(task, spec):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        begun.append((task.name, spec))
        return search_task(task, spec)

    def settings(store):
        return dataclasses.replace(SETTINGS, strategies=("random", "evolution"), store=str(tmp_path / store))

    expected = run(settings("calm.db"), tmp_path / "calm")
    monkeypatch.setattr(comparing, "search_task", counted)
    with pytest.raises(KeyboardInterrupt):
        run(settings("stopped.db"), tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "progress.csv").exists()
    left[0] = -1
    summary = run(settings("stopped.db"), tmp_path / "stopped")
    assert (expected["jobs"], summary["jobs"]) == (4, 4 - after)
    assert len(begun) == len(set(begun)) == 4
    assert summary["strategies"] == expected["strategies"]
    same_experience(triplets(tmp_path / "stopped.db"), triplets(tmp_path / "calm.db"))
    written = [(tmp_path / name / "progress.csv").read_text() for name in ("calm", "stopped")]
    assert written[0] == written[1]
    assert run(settings("stopped.db"), tmp_path / "stopped") == summary | {"jobs": 0}


def test_what_travels_to_a_worker_gives_the_same(undisturbed, twins):
    """Task and search through pickle, as engines send them; the engines are under contract in their room."""
    tasks = twins.found_tasks()
    expected = {entry["job"]: entry for entry in read_journal(undisturbed[1] / "journal.jsonl")}
    settings = dataclasses.replace(twins, strategies=("random",))
    job = plan(list(tasks.values()), settings)[1]
    found = search_task(*pickle.loads(pickle.dumps((tasks["right"], job.spec))))
    assert expected[job.id]["task"] == "right"
    assert expected[job.id]["scores"] == found.scores.tolist()
    assert expected[job.id]["test_scores"] == found.test_scores.tolist()


def test_a_score_does_not_depend_on_company(iris):
    (job,) = plan([iris], dataclasses.replace(TRAINED, strategies=("random",)))
    history = search_task(iris, job.spec)
    prepared = prepare(iris, 0, SETTINGS.trainer)
    for place in (0, 5):
        alone = train(NARROW, history.points[[place]], prepared, SETTINGS.trainer, seed=0, chunk_for=4)
        assert alone.score[0] == history.scores[place]
        assert alone.test_score[0] == history.test_scores[place]


def test_tasks_and_seeds_draw_apart_and_a_larger_budget_begins_alike(iris, pretended):
    wine = bundled_suite().task("wine")
    settings = dataclasses.replace(SETTINGS, strategies=("random",), seeds=2)
    jobs = plan([iris, wine], settings)
    assert len({job.id for job in jobs}) == 4
    points = [search_task({"iris": iris, "wine": wine}[j.about["task"]], j.spec).points for j in jobs]
    assert len(np.unique(np.concatenate(points), axis=0)) == 24
    longer = dataclasses.replace(jobs[0].spec, budget=8)
    np.testing.assert_array_equal(search_task(iris, longer).points[:6], points[0])


@pytest.fixture(scope="module")
def ranked(iris):
    return ranked_candidates(SPACE, iris, HASTY, 0)


def test_recommend_trains_the_ranked_candidates_in_their_order(iris, ranked, pretended):
    (job,) = plan([iris], dataclasses.replace(SETTINGS, strategies=("recommend",)))
    np.testing.assert_array_equal(search_task(iris, job.spec).points, np.round(ranked[:6] / GRID) * GRID)


def test_recommend_then_evolve_goes_on_from_the_best_candidates(iris, ranked, pretended):
    (job,) = plan([iris], dataclasses.replace(SETTINGS, strategies=("recommend_then_evolve",)))
    points = search_task(iris, job.spec).points
    first = np.round(ranked[:4] / GRID) * GRID
    np.testing.assert_array_equal(points[:4], first)
    labels = np.array(SPACE.decision_labels())
    for child in points[4:]:
        assert min(len(set(labels[child != parent])) for parent in first) <= 1


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({}, {"iris"}),
        ({"name": "flowers", "group": "flowers"}, {"iris", "flowers"}),
        ({"name": "hearts", "group": "heart"}, {"iris", "heart"}),
    ],
)
def test_a_recommendation_knows_neither_the_task_nor_a_relative(iris, monkeypatch, changes, gone):
    taught = []

    def spy(space, known, *settings, seed):
        taught.append(known)
        raise InterruptedError

    monkeypatch.setattr(search_spec, "fit_evaluator", spy)
    with pytest.raises(InterruptedError):
        ranked_candidates(SPACE, dataclasses.replace(iris, **changes), HASTY, 1)
    (known,) = taught
    everything = set(search_spec.shipped_evaluator().training_data.groups)
    assert set(known.groups) == everything - gone and iris.digest not in known.digests


def test_a_search_that_fails_is_noted_and_the_others_go_on(tmp_path, monkeypatch, pretended):
    def broken(spec, task):
        raise RuntimeError("no idea")

    settings = dataclasses.replace(SETTINGS, tasks=("iris",), strategies=("random", "evolution"))
    sound = COMPARED["evolution"]
    monkeypatch.setitem(COMPARED, "evolution", broken)
    summary = run(settings, tmp_path / "run")
    assert (summary["jobs"], summary["failed"], list(summary["strategies"])) == (2, 1, ["random"])
    entries = list(read_journal(tmp_path / "run" / "journal.jsonl"))
    assert [entry["error"] for entry in entries] == [None, "RuntimeError: no idea"]
    monkeypatch.setitem(COMPARED, "evolution", sound)
    summary = run(settings, tmp_path / "run")
    assert (summary["jobs"], summary["failed"], summary["compared"]) == (1, 0, 1)


def test_where_all_fails_the_table_is_empty(tmp_path, monkeypatch):
    settings = dataclasses.replace(SETTINGS, tasks=("iris",), strategies=("random",))
    monkeypatch.setitem(COMPARED, "random", lambda spec, task: None)
    summary = run(settings, tmp_path / "run")
    assert (summary["failed"], summary["compared"], summary["strategies"]) == (1, 0, {})
    assert len(pd.read_csv(tmp_path / "run" / "progress.csv")) == 0


def progress_of(searches) -> pd.DataFrame:
    """{(strategy, task, group, seed): scores} → progress; test scores are half of the scores."""
    tasks = {}
    entries = []
    for (strategy, task, group, seed), scores in searches.items():
        tasks[task] = dataclasses.make_dataclass("Named", ["group", "problem"])(group, "classification")
        halves = [None if score is None else score / 2 for score in scores]
        about = {"strategy": strategy, "task": task, "seed": seed}
        entries.append(about | {"scores": scores, "test_scores": halves})
    return comparing._progress(tasks, entries, budget=100)


@pytest.mark.parametrize(
    ("scores", "tests", "words"),
    [
        ([0.5, 0.6], [0.5], "it holds 2 of 'scores', 1 of 'test_scores'; 1 to 4 of each"),
        ([0.5] * 5, [0.5] * 5, "it holds 5 of 'scores', 5 of 'test_scores'; 1 to 4 of each"),
        ([], [], "it holds 0 of 'scores'"),
        ([[0.5], [0.6]], [0.5, 0.5], "'scores' is no list of numbers"),
        (0.5, [0.5], "'scores' is no list of numbers"),
        ([0.5], None, "'test_scores' is no list of numbers"),
    ],
)
def test_an_entry_of_another_shape_is_refused(scores, tests, words):
    entry = {"job": "1", "label": "random on iris", "task": "iris", "scores": scores, "test_scores": tests}
    with pytest.raises(StoreError, match=f"entry of 'random on iris' cannot be read: {words}.*Delete its"):
        comparing._progress({"iris": None}, [entry], budget=4)


def test_standings_by_hand():
    found = standings(
        progress_of(
            {
                ("a", "one", "x", 0): [0.1, 0.5, 0.4],
                ("b", "one", "x", 0): [0.2, 0.3, 0.9],
                ("a", "two", "x", 0): [0.0, 0.7, 0.1],
                ("b", "two", "x", 0): [0.7, 0.2, 0.3],
                ("a", "three", "y", 0): [0.5, 0.5, 0.6],
                ("b", "three", "y", 0): [0.5, 0.1, 0.2],
                ("a", "three", "y", 1): [0.9, 0.9, 0.9],
            }
        )
    )
    assert found["compared"] == 3
    a, b = found["strategies"]["a"], found["strategies"]["b"]
    # Group x: ranks 2 and 1.5; group y: 1.
    assert a["rank"] == pytest.approx((1.75 + 1) / 2) and b["rank"] == pytest.approx((1.25 + 2) / 2)
    assert a["rank_se"] == pytest.approx(0.375)
    assert a["test_score_raw"] == pytest.approx((0.3 + 0.3) / 2)


def test_scores_are_normalised_by_all_trainings_of_the_task():
    found = standings(
        progress_of({("a", "one", "x", 0): [0.1, 0.5, 0.4], ("b", "one", "x", 0): [0.2, 0.3, 0.9]})
    )["strategies"]
    # The median of all six is .35, the mean of the best five .46; of the test scores half of that.
    expected = [(score - 0.35) / 0.11 for score in (0.5, 0.9)]
    for name in ("best_score", "test_score"):
        assert [found[strategy][name] for strategy in "ab"] == pytest.approx(expected)
    assert found["a"]["rank_se"] == 0.0


def test_what_is_lost_is_no_progress_and_a_lost_search_is_as_bad_as_the_worst_training():
    progress = progress_of(
        {("a", "one", "x", 0): [None, 0.2, None, 0.6], ("b", "one", "x", 0): [None, None, None, None]}
    )
    assert progress["best_score"].isna().tolist() == [True, False, False, False] + [True] * 4
    assert progress["best_score"].dropna().tolist() == [0.2, 0.2, 0.6]
    found = standings(progress)["strategies"]
    assert (found["a"]["rank"], found["b"]["rank"]) == (1, 2)
    assert found["b"]["best_score"] < 0 and found["b"]["test_score_raw"] is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"strategies": ("evolutoin",)}, "Did you mean 'evolution'"),
        ({"strategies": ()}, "No strategy is named"),
        ({"budget": 0}, "budget=0 is too small"),
        ({"round": 5}, "population=4 is less than round=5"),
        ({"space": "compct"}, "Did you mean 'compact'"),
        ({"space": "published"}, "'recommend' needs the space 'compact', not 'published'"),
        ({"trainer": TrainingRecipe(steps=7)}, "not a multiple"),
        ({"evaluator": EvaluatorSettings(optimizer="adma")}, "Did you mean 'adam'"),
        ({"runner": RunnerSettings("serail")}, "Did you mean 'serial'"),
        ({"tasks": ("irish",)}, "Did you mean 'iris'"),
    ],
)
def test_settings_are_checked_before_any_work(tmp_path, changes, words):
    settings = dataclasses.replace(SETTINGS, store=str(tmp_path / "a.db"), **changes)
    with pytest.raises(UserError, match=words):
        run(settings, tmp_path / "run")
    assert not (tmp_path / "a.db").exists()


def test_a_store_that_cannot_be_opened_is_said_at_once(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        run(dataclasses.replace(SETTINGS, store=str(tmp_path / "nowhere" / "a.db")), tmp_path / "run")


def test_other_strategies_know_the_published_space():
    settings = dataclasses.replace(SETTINGS, space="published", strategies=("random", "evolution"))
    assert settings.check() is settings


def test_smoke_is_small():
    # Mixtures do not inherit weights.
    names = tuple(name for name in COMPARED if name not in INHERITING)
    small = CompareSettings(strategies=names, store="x.db", seeds=9).smoke().check()
    assert (small.tasks, small.budget, small.seeds, small.store) == (("iris",), 4, 1, "")
    assert small.trainer.steps == 10
