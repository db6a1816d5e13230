"""Collecting: the same experience whatever the engine, the batches and the interruptions."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from benchmarks.chaos.studies import same_experience
from taskaware.children.child import child_of
from taskaware.errors import UserError
from taskaware.modalities.suites import bundled_suite
from taskaware.objectives import collect as collecting
from taskaware.objectives.architectures import common_architectures, turns
from taskaware.objectives.collect import CollectSettings, collect, plan
from taskaware.recommendation.shipped import open_experience
from taskaware.runner import RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import PRESETS, preset
from taskaware.store import Store
from taskaware.studies.collect import run_collect
from taskaware.training.recipe import TrainingRecipe

SETTINGS = CollectSettings(
    tasks=("iris", "wine"),
    space="small",
    architectures=12,
    seeds=2,
    seed_rows=(160,),
    batch=4,
    trainer=TrainingRecipe(steps=10, evaluations=5, batch_size=32),
    store=":memory:",
)


@pytest.fixture(scope="module", autouse=True)
def small_space():
    """A preset of one width, so that a task has one program, which is kept from test to test."""
    with pytest.MonkeyPatch.context() as patch:
        small = dataclasses.replace(preset("compact"), name="small", layers=1, sizes=(8,), width_odds=(1.0,))
        patch.setitem(PRESETS, "small", small)
        patch.setattr(collecting, "TASKS_BETWEEN_CLEARINGS", 1000)
        yield


@pytest.fixture(scope="module")
def tasks():
    return [bundled_suite().task(name) for name in ("iris", "wine")]


@pytest.fixture(scope="module")
def undisturbed(tasks):
    with Store.open(":memory:") as store:
        collect(tasks, store, SETTINGS, show=False)
        return store.triplets()


def test_every_architecture_is_trained_with_every_seed_of_its_task(undisturbed):
    counts = {name: np.sum(undisturbed.task == row) for row, name in enumerate(undisturbed.names)}
    assert counts == {"iris": 24, "wine": 12}
    assert set(undisturbed.seed[undisturbed.task == 1]) == {0}
    assert len(undisturbed.architectures) == 12
    assert np.isfinite(undisturbed.z).all()
    assert undisturbed.recipes[0].definition["steps"] == 10


@pytest.mark.parametrize("batch", [1, 12])
def test_company_does_not_change_a_result(tasks, undisturbed, batch):
    with Store.open(":memory:") as store:
        collect(tasks, store, dataclasses.replace(SETTINGS, batch=batch), show=False)
        same_experience(store.triplets(), undisturbed)


def test_tasks_in_arrays_of_a_few_sizes_are_collected_too(tasks, undisturbed):
    with Store.open(":memory:") as store:
        settings = dataclasses.replace(SETTINGS, coarse=True, architectures=2, seeds=1)
        assert collect(tasks, store, settings, show=False).added == 4
        scores = store.triplets().score
    assert np.isfinite(scores).all() and np.ptp(scores) > 0


def test_a_worker_process_gives_the_same_experience_row_for_row(tasks, tmp_path):
    """All engines are under contract in the room of the runner."""
    apart = dataclasses.replace(SETTINGS, runner=RunnerSettings("processes", workers=1))
    with Store.open(tmp_path / "a.db") as store, Store.open(":memory:") as serial:
        found = collect(tasks[1:], store, apart, show=False)
        assert (found.jobs, found.failed, found.added) == (3, 0, 12)
        collect(tasks[1:], serial, SETTINGS, show=False)
        same_experience(store.triplets(), serial.triplets())


def test_finished_work_is_no_job(tasks, undisturbed):
    with Store.open(":memory:") as store:
        first = dataclasses.replace(SETTINGS, architectures=6)
        collect(tasks, store, first, show=False)
        assert list(plan(tasks, store, first)) == []
        found = collect(tasks, store, SETTINGS, show=False)
        assert found.added == 18
        same_experience(store.triplets(), undisturbed)
        assert collect(tasks, store, SETTINGS, show=False).jobs == 0


def test_a_failed_job_is_marked_and_tried_again_by_the_next_study(tasks, undisturbed, monkeypatch):
    original = collecting.train_batch
    begun = []

    def broken(task, batch):
        begun.append(task.name)
        if task.name == "wine":
            raise RuntimeError("the device fell off")
        return original(task, batch)

    monkeypatch.setattr(collecting, "train_batch", broken)
    with Store.open(":memory:") as store:
        retrying = dataclasses.replace(SETTINGS, runner=RunnerSettings(retries=2))
        found = collect(tasks, store, retrying, show=False)
        assert (found.jobs, found.failed) == (9, 3)
        assert begun.count("wine") == 9
        assert store.summary().failed == 12
        assert len(store.triplets()) == 24
        monkeypatch.setattr(collecting, "train_batch", original)
        assert collect(tasks, store, SETTINGS, show=False).jobs == 3
        assert store.summary().failed == 0
        same_experience(store.triplets(), undisturbed)


def test_too_little_memory_halves_the_batch(tasks, monkeypatch):
    original, sizes = collecting.train_batch, []

    def small_machine(task, batch):
        sizes.append((len(batch.points), batch.chunk_for))
        if len(batch.points) > 1:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        return original(task, batch)

    monkeypatch.setattr(collecting, "train_batch", small_machine)
    with Store.open(":memory:") as store:
        settings = dataclasses.replace(SETTINGS, architectures=3, seeds=1)
        found = collect(tasks[:1], store, settings, show=False)
        assert (found.failed, found.added) == (0, 3)
    assert sizes == [(3, 16), (1, 1), (2, 1), (1, 1), (1, 1)]


def test_a_single_architecture_that_does_not_fit_is_a_failure(tasks, monkeypatch):
    def no_room(task, batch):
        raise MemoryError("not one")

    monkeypatch.setattr(collecting, "train_batch", no_room)
    with Store.open(":memory:") as store:
        found = collect(tasks[:1], store, dataclasses.replace(SETTINGS, architectures=2, seeds=1), show=False)
        assert (found.failed, store.summary().failed) == (2, 2)


def test_a_lost_candidate_is_counted_and_not_trained_again(tasks, monkeypatch):
    original = collecting.train_batch

    def one_lost(task, batch):
        trained = original(task, batch)
        trained.score[0] = -np.inf
        return trained

    monkeypatch.setattr(collecting, "train_batch", one_lost)
    with Store.open(":memory:") as store:
        found = collect(tasks[1:], store, SETTINGS, show=False)
        assert found.diverged == store.summary().diverged == 3
        assert collect(tasks[1:], store, SETTINGS, show=False).jobs == 0


def test_architectures_are_the_same_on_every_machine():
    space = preset("compact")
    few, many = common_architectures(space, 20), common_architectures(space, 40)
    np.testing.assert_array_equal(few, many[:20])
    np.testing.assert_array_equal(few * 1024, np.round(few * 1024))
    assert np.asarray(space.contains(many)).all()
    assert len(np.unique(many, axis=0)) == 40


def test_tasks_take_turns_with_the_architectures(tasks):
    settings = CollectSettings(architectures=12, turns=3)
    space = preset("compact")
    parts = turns(space, 12, 3)
    keys = [
        [key for key, rows in child_of(space).group(space, jnp.asarray(part)) for _ in rows] for part in parts
    ]
    assert keys[0] == keys[1] == keys[2] and len(parts[0]) > 1  # so they share compiled programs
    known = {point.tobytes() for point in common_architectures(space, 12)}
    assert len({point.tobytes() for part in parts for point in part} & known) == sum(map(len, parts))
    with Store.open(":memory:") as store:
        planned = {job.needs: job.spec.points for job in plan(tasks, store, settings)}
        alone = list(plan(tasks[-1:], store, settings))
    assert {len(points) for points in planned.values()} == {len(parts[0])}
    np.testing.assert_array_equal(alone[0].spec.points, planned[tasks[-1].digest])  # whatever else there is
    with pytest.raises(UserError, match="turns=13"):
        turns(space, 12, 13)


def test_a_run_leaves_its_folder(tmp_path):
    settings = dataclasses.replace(SETTINGS, store=str(tmp_path / "a.db"), architectures=4)
    for times in (3, 0):
        folder = RunFolder.open(tmp_path / "run", "collect", settings)
        summary = run_collect(settings, folder, show=False)
        assert summary["jobs"] == times
    journal = (tmp_path / "run" / "journal.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in journal]
    assert [(e["task"], e["seed"], e["size"], e["status"]) for e in entries] == [
        ("iris", 0, 4, "ok"), ("iris", 1, 4, "ok"), ("wine", 0, 4, "ok"),
    ]  # fmt: skip
    cost = (tmp_path / "run" / "cost.csv").read_text().splitlines()
    assert (
        cost[0].startswith("task,problem,rows,columns,trainings,diverged,failed,seconds") and len(cost) == 3
    )
    assert json.loads((tmp_path / "run" / "result.json").read_text())["failed"] == 0


def test_settings_are_checked_before_any_work(tmp_path):
    for change, words in (
        ({"architectures": 0}, "architectures=0"),
        ({"variants": -1}, "variants=-1 is too small. Give 0"),
        ({"space": "compct"}, "Did you mean 'compact'"),
        ({"trainer": TrainingRecipe(steps=7)}, "not a multiple"),
        ({"runner": RunnerSettings("proceses")}, "Did you mean 'processes'"),
        ({"tasks": ("irish",)}, "Did you mean 'iris'"),
        ({"suite": (str(tmp_path),)}, "index.csv"),
    ):
        settings = dataclasses.replace(SETTINGS, store=str(tmp_path / "a.db"), **change)
        with pytest.raises(UserError, match=words):
            run_collect(settings, RunFolder.open(tmp_path / str(change), "collect", settings), show=False)
    assert not (tmp_path / "a.db").exists()


def test_variants_are_tasks_of_the_study_and_are_held_out_with_theirs(tmp_path):
    settings = dataclasses.replace(
        SETTINGS, tasks=("iris",), variants=2, architectures=2, seeds=1, store=str(tmp_path / "a.db")
    )
    for jobs in (3, 0):
        folder = RunFolder.open(tmp_path / "run", "collect", settings)
        assert run_collect(settings, folder, show=False)["jobs"] == jobs
    with Store.open(settings.store) as store:
        known = store.triplets().tasks
    assert len({task.digest for task in known}) == 3 and {task.group for task in known} == {"iris"}
    assert sorted(task.name.split("~")[0] for task in known) == ["iris"] * 3
    # More variants: what is there already is not trained again.
    more = dataclasses.replace(settings, variants=3)
    assert run_collect(more, RunFolder.open(tmp_path / "more", "collect", more), show=False)["jobs"] == 1


def test_smoke_is_small():
    given = dataclasses.replace(SETTINGS, suite=("bundled", "gone"), tasks=(), trainer=TrainingRecipe())
    small = dataclasses.replace(given, seeds=9).smoke().check()
    assert (small.suite, small.tasks, small.architectures) == (("bundled",), ("iris",), 2)
    assert small.trainer.steps == 10
    with pytest.raises(UserError, match="index.csv"):
        dataclasses.replace(given, suite=("gone",)).smoke()


def test_smoke_takes_the_smallest_tables_of_the_users_own(tmp_path):
    lines = ["name,modality,task,target,file"]
    for name, rows in (("large", 300), ("small", 20), ("middle", 100)):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + "".join(f"{n},{n % 2}\n" for n in range(rows)))
        lines.append(f"{name},tabular,classification,y,{name}.csv")
    (tmp_path / "index.csv").write_text("\n".join(lines))
    given = dataclasses.replace(SETTINGS, suite=(str(tmp_path),), tasks=())
    assert (given.smoke().suite, given.smoke().tasks) == ((str(tmp_path),), ("small", "middle"))
    named = dataclasses.replace(given, tasks=("large", "middle"))
    assert named.smoke().tasks == ("middle", "large")


def test_scores_of_several_recipes_are_not_mixed(tasks, tmp_path):
    place = str(tmp_path / "a.db")
    with Store.open(place) as store:
        for steps in (10, 15):
            trainer = dataclasses.replace(SETTINGS.trainer, steps=steps)
            collect(tasks, store, dataclasses.replace(SETTINGS, architectures=2, trainer=trainer), show=False)
        first, second = (recipe.digest for recipe in store.recipes())
    with pytest.raises(UserError, match=f"trained with 2 recipes.*{first}, {second}"):
        open_experience(place, preset("small"))
    found = open_experience(place, preset("small"), second)
    assert len(found) == 6 and {found.recipes[place].digest for place in found.recipe} == {second}
    with pytest.raises(UserError, match="Unknown recipe"):
        open_experience(place, preset("small"), "0" * 16)


def test_experience_is_recorded_under_the_metric_of_its_task(tasks):
    own = dataclasses.replace(tasks[1], metric="log_loss")
    few = dataclasses.replace(SETTINGS, architectures=2, seeds=1)
    with Store.open(":memory:") as store:
        assert collect([own], store, few, show=False).added == 2
        scores = store.triplets(metric="log_loss").score
        assert (scores < 0).all() and np.isfinite(scores).all()
        # The same trainings by accuracy, the default metric, from which surrogates learn.
        plain = store.triplets()
        assert len(plain) == 2 and plain.metrics == ("accuracy",) and (plain.score > 0).all()
        assert np.isnan(plain.test_score).all()
        assert collect([own], store, few, show=False).jobs == 0
        assert [record.metric for record in store.tasks()] == ["accuracy"]


@pytest.fixture
def kinds(tmp_path):
    """A folder of a table, texts, and texts beside a number."""
    words = np.random.default_rng(0).choice(["red apples", "green leaves and stems", "blue"], 40)
    frame = pd.DataFrame(
        {"text": [f"{word} number {n} here" for n, word in enumerate(words)], "x": range(40)}
    )
    frame["y"] = [word[0] for word in words]
    for name, columns in (("numbers", ["x", "y"]), ("words", ["text", "y"]), ("both", ["text", "x", "y"])):
        frame[columns].to_csv(tmp_path / f"{name}.csv", index=False)
    lines = ["name,modality,task,target,file"]
    lines += [f"{name},{kind},classification,y,{name}.csv" for name, kind in
              (("numbers", "tabular"), ("words", "text"), ("both", "mixed"))]  # fmt: skip
    (tmp_path / "index.csv").write_text("\n".join(lines))
    return tmp_path


def test_every_kind_of_data_is_collected_where_the_space_can_read_it(kinds, monkeypatch, tmp_path):
    wide = dataclasses.replace(preset("universal"), name="wide", layers=1, sizes=(8,), width_odds=(1.0,))
    monkeypatch.setitem(PRESETS, "wide", wide)
    settings = dataclasses.replace(
        SETTINGS, suite=(str(kinds),), tasks=(), space="wide", architectures=4, seeds=1,
        store=str(tmp_path / "a.db"),
    )  # fmt: skip
    for jobs in (3, 0):
        folder = RunFolder.open(tmp_path / "run", "collect", settings)
        assert run_collect(settings, folder, show=False)["jobs"] == jobs
    found = open_experience(settings.store, wide)
    assert np.isfinite(found.score).all() and len(found) == 12
    groups = {"numbers": (0, 1), "words": (2,), "both": (0, 1, 2)}
    for row, name in enumerate(found.names):
        mine = found.architectures[found.architecture[found.task == row]]
        gamma, start = np.asarray(wide.decode(mine).gamma), 0
        for group, names in enumerate(wide.embeddings):
            unequal = (np.ptp(gamma[:, start : start + len(names)], axis=1) > 0).any()
            assert unequal == (group in groups[name]), (name, group)
            start += len(names)
    # A space without the embeddings of texts takes the table alone, and refuses a frame with texts by name.
    small = dataclasses.replace(settings, space="small", tasks=("numbers",))
    assert [entry.name for entry in small.chosen().entries] == ["numbers"]
    both = dataclasses.replace(small, tasks=("both",), store=":memory:")
    with pytest.raises(UserError, match=r"Task 'both' is of the kind 'mixed'.*Set space=universal"):
        run_collect(both, RunFolder.open(tmp_path / "both", "collect", both), show=False)
