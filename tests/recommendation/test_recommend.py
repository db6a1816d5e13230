"""`recommend`: any form of data in, one architecture out, nothing trained."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import taskaware
from taskaware.errors import UserError
from taskaware.modalities.tables import metafeatures
from taskaware.modalities.tables.build import make_task
from taskaware.objectives import record as keeping
from taskaware.recommendation import building
from taskaware.recommendation import recommend as room
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.loading import load_recommendation
from taskaware.recommendation.products import known_tasks, meta_features
from taskaware.recommendation.recommend import recommend
from taskaware.store import Store
from taskaware.surrogates import fit as learning
from taskaware.surrogates.ensemble import EnsembleEvaluator
from taskaware.training import fit as training
from taskaware.training import trainer


@pytest.fixture
def untrainable(monkeypatch):
    """Whatever trains or learns raises."""

    def refuse(*args, **options):
        raise AssertionError("Something is trained.")

    for module, name in (
        (trainer, "segment"),
        (trainer, "train_chunks"),
        (training, "advance_members"),
        (training, "fit"),
        (learning, "fit_evaluator"),
        (EnsembleEvaluator, "fit"),
    ):
        monkeypatch.setattr(module, name, refuse)


def without_seconds(recommendation):
    return {
        name: value
        for name, value in dataclasses.asdict(recommendation).items()
        if name not in ("seconds", "space")
    }


def as_frame(frame, folder):
    return frame, "species"


def as_arrays(frame, folder):
    return frame.drop(columns="species").to_numpy(), frame["species"].to_numpy()


def as_tuple(frame, folder):
    return (frame.drop(columns="species"), frame["species"]), None


def as_dataset_dict(frame, folder):
    from datasets import Dataset, DatasetDict

    return DatasetDict(train=Dataset.from_pandas(frame)), "species"


def as_csv(frame, folder):
    frame.to_csv(folder / "iris.csv", index=False)
    return folder / "iris.csv", "species"


def as_parquet(frame, folder):
    frame.to_parquet(folder / "iris.parquet")
    return str(folder / "iris.parquet"), "species"


def as_manifest(frame, folder):
    return "iris", None


def as_task(frame, folder):
    return make_task(frame, "species"), None


@pytest.mark.parametrize(
    "form",
    [as_frame, as_arrays, as_tuple, as_dataset_dict, as_csv, as_parquet, as_manifest, as_task],
)
def test_the_same_data_in_any_form_gets_the_same_answer(form, evaluator, iris, tmp_path, untrainable):
    source, target = form(iris(), tmp_path)
    found = recommend(source, target, evaluator=evaluator)
    expected = recommend(make_task("iris"), evaluator=evaluator)
    np.testing.assert_array_equal(found.point, expected.point)
    assert (found.predicted_score, found.uncertainty) == (expected.predicted_score, expected.uncertainty)
    assert (found.task.rows, found.task.features, len(found.task.classes)) == (150, 4, 3)
    assert any("is 'iris' of the experience" in note for note in found.notes)


def test_an_answer(evaluator, made, untrainable):
    found = recommend(made(), "y", evaluator=evaluator, name="shop")
    assert (found.task.name, found.task.problem, found.task.classes) == (
        "shop",
        "classification",
        ("kept", "sold"),
    )
    assert 0 <= found.predicted_score <= 1
    assert found.uncertainty > 0
    assert bool(evaluator.space.contains(found.point))
    recipe = found.architecture.recipe
    for coordinate in evaluator.space.recipe:
        assert coordinate.low <= recipe[coordinate.name] * (1 + 1e-5)
        assert recipe[coordinate.name] <= coordinate.high * (1 + 1e-5)
    np.testing.assert_allclose(found.architecture.alpha.sum(1), 1, rtol=1e-5)
    assert found.seconds > 0
    assert "with no training on the dataset" in found.explain()
    assert repr(found) == found.explain()


def test_regression(evaluator, made, untrainable):
    found = recommend(made(problem="regression"), "y", evaluator=evaluator)
    assert (found.task.problem, found.task.metric, found.task.classes, found.task.outputs) == (
        "regression",
        "r2",
        (),
        1,
    )
    assert -1 <= found.predicted_score <= 1


def test_the_same_seed_gives_the_same_answer(evaluator, made):
    first, again = (recommend(made(), "y", evaluator=evaluator, seed=3) for _ in range(2))
    assert without_seconds(first) == without_seconds(again)
    random = AscentSettings(optimizer="random_search")
    traces = [
        recommend(made(), "y", evaluator=evaluator, ascent=random, seed=seed).trace for seed in (3, 3, 4)
    ]
    assert traces[0] == traces[1] != traces[2]


def test_the_order_of_rows_does_not_show(evaluator, made):
    frame = made()
    shuffled = frame.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(
        recommend(frame, "y", evaluator=evaluator).point, recommend(shuffled, "y", evaluator=evaluator).point
    )


def test_candidates(evaluator, made):
    found = recommend(made(), "y", evaluator=evaluator, candidates=3)
    assert len(found.ranked) == len(found.candidates) == 3
    assert set(found.candidates["found_by"]) <= {"known", "ascent", "discretised"}
    assert len({candidate.point for candidate in found.ranked}) == 3
    with pytest.raises(UserError, match="candidates=0"):
        recommend(made(), "y", evaluator=evaluator, candidates=0)


def test_neighbours_are_nearest_first(evaluator):
    found = recommend("wine", evaluator=evaluator).neighbours
    assert found["name"][0] == "wine"
    assert found["distance"][0] == pytest.approx(0, abs=1e-5)
    assert found["distance"].is_monotonic_increasing
    assert len(found) == 5


def test_a_known_dataset_is_left_out_with_its_relatives(evaluator, settings, monkeypatch):
    seen, fit = [], EnsembleEvaluator.fit

    def learn(space, data, given, *, seed):
        seen.append(data)
        assert given == settings
        return fit(space, data, given, seed=seed)

    monkeypatch.setattr(EnsembleEvaluator, "fit", learn)
    found = recommend("iris", evaluator=evaluator, leave_out=True)
    assert sorted(seen[0].names) == ["breast-cancer", "diabetes", "wine"]
    assert {"iris", "iris-half"}.isdisjoint(found.neighbours["name"])
    assert any("'iris' of the experience. It was left out" in note for note in found.notes)
    asked = recommend("iris", evaluator=evaluator)
    assert not np.array_equal(found.point, asked.point)
    assert any("leave_out=True leaves it out" in note for note in asked.notes)
    recommend("iris", evaluator=evaluator, leave_out=True, seed=1)
    assert len(seen) == 1


def test_an_unknown_dataset_has_nothing_to_be_left_out(evaluator, made, untrainable):
    found = recommend(made(), "y", evaluator=evaluator, leave_out=True)
    assert not any("of the experience" in note for note in found.notes)


def test_too_few_tasks_are_left(evaluator):
    few = dataclasses.replace(evaluator, training_data=evaluator.training_data.without("wine", "diabetes"))
    with pytest.raises(UserError, match="Without group 'iris', 1 task is left"):
        recommend("iris", evaluator=few, leave_out=True)


def test_a_note_says_that_a_task_is_farther_than_usual(evaluator, monkeypatch):
    rng = np.random.default_rng(0)
    odd = pd.DataFrame(rng.choice(list("abcdefghijklmno"), (4000, 60))).add_prefix("c")
    odd = odd.mask(rng.random(odd.shape) < 0.5).assign(y=rng.random(4000) < 0.01)
    words = "No known task is close to this one"
    assert not any(words in note for note in recommend("iris", evaluator=evaluator).notes)
    # Far, but not farther than the farthest known task is from the others.
    monkeypatch.setattr(room, "is_unfamiliar", lambda *given: False)
    found = recommend(odd, "y", evaluator=evaluator)
    assert any(words in note for note in found.notes) and not found.abstained


def test_an_evaluator_of_other_meta_features_is_refused(evaluator):
    narrow = dataclasses.replace(evaluator.training_data, z=evaluator.training_data.z[:, :5])
    for wrong in (
        dataclasses.replace(evaluator, training_data=narrow),
        dataclasses.replace(evaluator, catalogue="0" * 16),
    ):
        with pytest.raises(UserError, match="other meta-features"):
            recommend("iris", evaluator=wrong)


def test_what_is_wrong_with_the_data_is_said(evaluator, made):
    with pytest.raises(UserError, match="Did you mean 'colour'"):
        recommend(made(), "color", evaluator=evaluator)
    with pytest.raises(UserError, match="not named"):
        recommend(made(), evaluator=evaluator)
    with pytest.raises(UserError, match="Unknown optimizer 'gradient'. Did you mean 'gradient_ascent'"):
        recommend("iris", evaluator=evaluator, ascent=AscentSettings(optimizer="gradient"))


def test_the_module_and_its_source_run(evaluator, made):
    import jax
    import jax.numpy as jnp

    found = recommend(made(), "y", evaluator=evaluator)
    module = found.module()
    numbers = jnp.ones((7, len(module.block)))
    categories = jnp.ones((7, found.task.categories))
    outputs, _ = jax.jit(module.init_with_output)(jax.random.key(0), numbers, categories)
    assert outputs.shape == (7, 2)
    names = {}
    exec(compile(found.source(), "source", "exec"), names)
    network = names["Network"]()
    outputs, _ = jax.jit(network.init_with_output)(jax.random.key(0), numbers, categories)
    assert outputs.shape == (7, 2)


def test_a_folder_reads_trains_and_predicts_by_itself(evaluator, made, tmp_path):
    import importlib.util

    frame = made()
    found = recommend(frame, "y", evaluator=evaluator)
    text = found.source(tmp_path / "network/")
    assert text == (tmp_path / "network" / "network.py").read_text(encoding="utf-8")
    assert "def predict" in text and "def predict" not in found.source()
    spec = importlib.util.spec_from_file_location("written_network", tmp_path / "network" / "network.py")
    network = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(network)
    network.train(frame, steps=60)
    assert (network.predict(frame.drop(columns="y")) == frame["y"]).mean() > 0.6


def test_the_data_of_a_folder_is_at_hand_or_is_given(evaluator, made, tmp_path, monkeypatch):
    frame = made()
    found = recommend(frame, "y", evaluator=evaluator)
    found.to_json(tmp_path / "rec.json")
    copy = pickle.loads(pickle.dumps(found))
    for other in (copy, load_recommendation(tmp_path / "rec.json")):
        with pytest.raises(UserError, match="Give the data as well"):
            other.source(tmp_path / "network")
        assert not (tmp_path / "network").exists()
    copy.source(tmp_path / "network", frame)
    same = tmp_path / "same"
    found.source(same)
    assert (same / "encoder.json").read_bytes() == (tmp_path / "network" / "encoder.json").read_bytes()
    with pytest.raises(UserError, match="exists already"):
        found.source(same)
    monkeypatch.setattr(building, "MOST_CELLS", 10)
    with pytest.raises(UserError, match="Give the data as well"):
        recommend(frame, "y", evaluator=evaluator).source(tmp_path / "other")


def test_it_shows_itself(evaluator, made):
    found = recommend(made(), "y", evaluator=evaluator, name="<shop>")
    page = found._repr_html_()
    assert "<svg" in page
    assert "&lt;shop&gt;" in page
    assert "<shop>" not in page
    figure = found.plot()
    assert len(figure.axes) == 2
    starts, rounds = 2 * 5 + 6, 40
    assert {len(line.get_xdata()) for line in figure.axes[1].lines} >= {rounds}
    assert len(figure.axes[1].lines) >= starts


@pytest.mark.parametrize("found_by", ["known", "ascent"])
def test_the_figure_marks_the_answer_in_the_metrics_unit(evaluator, made, found_by):
    found = recommend(made(), "y", evaluator=evaluator)
    answer = dataclasses.replace(found.ranked[0], found_by=found_by)
    found = dataclasses.replace(found, ranked=(answer, *found.ranked[1:]))
    above, below = found.plot().axes
    assert below.get_ylabel() == "accuracy, lower estimate"
    assert 0.4 < np.min(found.trace) <= np.max(found.trace) < 1
    words = [text.get_text() for text in below.get_legend().get_texts()]
    assert any("the answer (" in text and f"{found.predicted_score:.3f}" in text for text in words)
    assert any("16 starts" in text for text in words)
    # The strong line and its end are drawn where the search found the answer, and only there.
    assert ("returned" in words) == (found_by == "ascent")
    assert "columns" in above.get_title(loc="left") and "layer1" in above.get_title(loc="left")


def test_a_trace_of_an_older_taskaware_is_not_taken_for_scores(evaluator, made):
    found = recommend(made(), "y", evaluator=evaluator)
    older = dataclasses.replace(found, trace=tuple(tuple(-1 - v for v in row) for row in found.trace))
    below = older.plot().axes[1]
    assert "evaluator's own unit" in below.get_ylabel()


def test_it_is_trained_when_asked(evaluator, made, short):
    frame = made()
    found = recommend(frame, "y", evaluator=evaluator)
    models = [
        found.fit(frame, progress=False),
        found.fit(frame.drop(columns="y"), frame["y"], progress=False),
        found.fit(frame.drop(columns="y"), frame["y"].to_numpy(), progress=False),
        found.fit(make_task(frame, "y"), progress=False),
    ]
    assert [model.score(frame.drop(columns="y"), frame["y"]) for model in models] == [
        models[0].score(frame)
    ] * 4
    assert models[0].score(made(seed=1)) > 0.7
    assert models[0].target_name == "y"


def test_accuracy_is_predicted_for_a_task_of_another_metric(evaluator, made, tmp_path, short):
    """A note says which metric is predicted; training uses the task's own."""
    task = make_task(made(), "y", metric="balanced_accuracy")
    found = recommend(task, evaluator=evaluator)
    assert found.task.metric == "accuracy" and "accuracy 0." in found.explain()
    assert any(
        "Accuracy on the target is predicted" in note and "balanced_accuracy" in note for note in found.notes
    )
    assert not any("is predicted" in note for note in recommend(made(), "y", evaluator=evaluator).notes)
    found.to_json(tmp_path / "rec.json")
    for asked in (found, load_recommendation(tmp_path / "rec.json")):
        for data in (task, made()):
            assert asked.fit(data, members=1, progress=False).metric == "balanced_accuracy"
    with Store.open(tmp_path / "experience.sqlite") as store:
        keeping.describe(store, task)
        assert [record.metric for record in store.tasks()] == ["accuracy"]


def test_it_is_trained_on_what_it_was_made_for(evaluator, made, iris):
    found = recommend(made(), "y", evaluator=evaluator)
    with pytest.raises(UserError, match="classification of 3 outputs.*made for a classification of 2"):
        found.fit(iris(), "species", progress=False)
    with pytest.raises(UserError, match="regression of 1.*Call recommend"):
        found.fit(make_task(made(problem="regression"), "y"), progress=False)
    with pytest.raises(UserError, match="no column 'y'"):
        found.fit(iris(), progress=False)


def test_meta_features_by_name():
    found = meta_features("wine")
    np.testing.assert_array_equal(found.to_numpy(np.float32), metafeatures.vector(make_task("wine")))
    assert list(found.index) == list(metafeatures.NAMES)
    assert found.name == "wine"


def test_known_tasks(evaluator):
    found = known_tasks(evaluator).set_index("task")
    assert found.loc["iris-half", "group"] == "iris"
    assert found.loc["diabetes", "problem"] == "regression"
    assert (found["architectures"] == 24).all()
    assert (found["spread"] > 0).all()


def test_the_public_names_exist():
    for name in taskaware.__all__:
        assert getattr(taskaware, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        taskaware.recomend  # noqa: B018


def test_a_recommendation_does_without_slow_imports(tmp_path):
    """They were half of a cold start."""
    path = tmp_path / "table.csv"
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.normal(size=(60, 3)), columns=list("aby")).to_csv(path, index=False)
    heavy = "('scipy', 'sklearn', 'flax', 'sqlalchemy', 'datasets', 'matplotlib')"
    code = (
        f"import sys, taskaware; str(taskaware.recommend({str(path)!r}, 'y')); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
