"""A trained model: what it answers, what it refuses, and that it is the same after it was saved."""

import dataclasses
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.tables.build import make_task
from taskaware.training import explaining
from taskaware.training import forward as room
from taskaware.training.fit import fit
from taskaware.training.model import load_model
from taskaware.training.recipe import TrainingRecipe

RECIPE = TrainingRecipe(steps=150, batch_size=32, learning_rate=0.02)


def made(rows=100, seed=0, labels=("no", "yes")):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.1, np.nan, x),
            "colour": rng.choice(["red", "green"], rows),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9, rows), "D"),
            "answer": pd.Series([labels[int(value > 0)] for value in x], dtype=object),
        }
    )


@pytest.fixture(scope="module")
def trained(small, plain):
    """A function that trains a frame's model."""

    def train(frame, problem=None):
        point = plain(small, [(8, "relu"), None])
        return fit(make_task(frame, "answer", problem=problem), small, point, recipe=RECIPE, progress=False)

    return train


@pytest.fixture(scope="module")
def model(trained):
    return trained(made())


@pytest.fixture(scope="module")
def numbers(trained):
    """A model of a target around a million."""
    frame = made()
    x = frame["size"].fillna(0)
    return trained(frame.assign(answer=1e6 + 5e3 * x + 1e3 * (frame["colour"] == "red")))


@pytest.fixture
def folder(model, tmp_path):
    return model.save(tmp_path / "model")


def test_the_column_that_decides_is_important_and_others_are_not(model, numbers):
    found = model.explain(made(seed=1), repeats=3, progress=False)
    assert found.index.tolist()[0] == "size" and set(found.index) == {"size", "colour", "seen"}
    assert found["importance"]["size"] > 0.2 > 0.1 > abs(found["importance"]["colour"])
    assert found.attrs == {"metric": "accuracy", "score": model.score(made(seed=1))}
    again = model.explain(made(seed=1), repeats=3, progress=False)
    pd.testing.assert_frame_equal(found, again)
    frame = made(seed=1)
    frame["answer"] = 1e6 + 5e3 * frame["size"].fillna(0) + 1e3 * (frame["colour"] == "red")
    apart = numbers.explain(frame.drop(columns="answer"), frame["answer"], progress=False)
    assert apart.index.tolist()[:2] == ["size", "colour"] and apart["importance"]["colour"] > 0


def test_columns_with_numbers_for_names_are_explained(trained):
    frame = made().rename(columns={"size": 0, "colour": 1, "seen": 2})
    found = trained(frame).explain(frame, repeats=1, progress=False)
    assert found.index[0] == "0" and set(found.index) == {"0", "1", "2"}


def test_of_many_rows_some_are_looked_at(model, monkeypatch):
    monkeypatch.setattr(explaining, "MOST_ROWS", 50)
    asked = []
    score = type(model).score
    monkeypatch.setattr(
        type(model), "score", lambda self, rows, y: asked.append(len(rows)) or score(self, rows, y)
    )
    model.explain(made(rows=80, seed=1), repeats=1, progress=False)
    assert set(asked) == {50}


def test_what_cannot_be_explained_or_plotted_is_refused(model):
    with pytest.raises(UserError, match="named columns"):
        model.explain(np.zeros((5, 3)), ["yes"] * 5)
    with pytest.raises(UserError, match="Column 'colour' is missing"):
        model.explain(made().drop(columns="colour"))
    with pytest.raises(UserError, match="Repeats is 0"):
        model.explain(made(), repeats=0)
    with pytest.raises(UserError, match="needs the target"):
        model.explain(made().drop(columns="answer"))
    with pytest.raises(UserError, match="needs the target"):
        model.plot(made().drop(columns="answer"))


def test_a_figure_shows_where_it_is_right(model, numbers):
    frame = made(seed=1)
    axes = model.plot(frame).axes[0]
    counts = np.array([int(text.get_text()) for text in axes.texts]).reshape(2, 2)
    assert counts.sum() == 100 and counts.trace() == round(100 * model.score(frame))
    answers = 1e6 + 5e3 * frame["size"].fillna(0)
    dots = numbers.plot(frame.drop(columns="answer"), answers).axes[0].lines[0]
    np.testing.assert_array_equal(dots.get_ydata(), answers)
    np.testing.assert_array_equal(dots.get_xdata(), numbers.predict(frame))


def test_a_saved_model_has_a_card(model, tmp_path):
    named = dataclasses.replace(model, target_name="a`\n---\nb: <script>", classes=("no\n# x", "yes"))
    text = (named.save(tmp_path / "model") / "README.md").read_text()
    head, body = text.split("\n---\n", 1)
    assert head.startswith("---\n") and 'pipeline_tag: "tabular-classification"' in head
    assert "\n# x" not in body and "\n---" not in body
    assert f"{model.best_score:.3f}" in body and "2 classes" in body
    assert load_model(tmp_path / "model").predict(made(seed=1)).shape == (100,)


def test_a_card_that_a_person_has_changed_stays(model, tmp_path):
    card = model.save(tmp_path / "model") / "README.md"
    first = card.read_text()
    dataclasses.replace(model, best_score=0.125).save(tmp_path / "model", force=True)
    assert card.read_text() != first and "0.125" in card.read_text()
    card.write_text(card.read_text() + "licence: mine\n")
    model.save(tmp_path / "model", force=True)
    assert "0.125" in card.read_text() and card.read_text().endswith("licence: mine\n")


def test_answers_agree_with_each_other(model):
    frame = made(seed=1)
    proba = model.predict_proba(frame)
    assert proba.shape == (100, 2)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-5)
    predicted = model.predict(frame)
    np.testing.assert_array_equal(predicted, np.array(model.classes)[proba.argmax(1)])
    assert model.score(frame) == np.mean(predicted == frame["answer"])
    assert model.score(frame) == model.score(frame.drop(columns="answer"), frame["answer"].tolist()) > 0.75
    assert "accuracy" in repr(model)


@pytest.mark.parametrize("name", ["model", "numbers"])
def test_networks_answer_with_their_mean(name, request):
    together, frame = request.getfixturevalue(name), made(seed=1)
    each = [
        dataclasses.replace(together, params={n: leaf[m : m + 1] for n, leaf in together.params.items()})
        for m in range(together.members)
    ]
    assert together.members == 5
    assert "of 5 networks" in repr(together) and "networks" not in repr(each[0])
    given = [m.predict_proba(frame) if m.classes else m.predict(frame) for m in (together, *each)]
    np.testing.assert_allclose(given[0], np.mean(given[1:], axis=0), rtol=1e-4, atol=1e-6)
    assert not np.allclose(given[1], given[2])


def test_predictions_come_beside_the_index(model, numbers):
    frame = made(30, seed=1)
    frame.index = pd.Index([f"row {place}" for place in range(30)][::-1], name="id")
    found = model.predict_frame(frame, proba=True)
    pd.testing.assert_index_equal(found.index, frame.index)
    assert list(found.columns) == ["answer", "P(no)", "P(yes)"]
    np.testing.assert_array_equal(found["answer"], model.predict(frame))
    np.testing.assert_array_equal(found.iloc[:, 1:], model.predict_proba(frame))
    array = frame.drop(columns="answer").to_numpy(object)
    assert model.predict_frame(array).index.tolist() == list(range(30))
    assert numbers.predict_frame(frame)["answer"].dtype == np.float64
    with pytest.raises(UserError, match="proba=True is for classification"):
        numbers.predict_frame(frame, proba=True)


@pytest.mark.parametrize("name", ["model", "numbers"])
def test_no_rows_no_predictions(name, request):
    model = request.getfixturevalue(name)
    none = made(5)[:0]
    assert model.predict(none).shape == (0,)
    assert len(model.predict_frame(none)) == 0
    if model.classes:
        assert model.predict_proba(none).shape == (0, 2)
    with pytest.raises(UserError, match="at least one row"):
        model.score(made(5)[:0])


def test_rows_do_not_see_each_other(model, monkeypatch):
    frame = made(seed=1)
    whole = model.predict_proba(frame)
    np.testing.assert_allclose(model.predict_proba(frame[::-1]), whole[::-1], rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba(frame[7:8]), whole[7:8], rtol=1e-5)
    monkeypatch.setattr(room, "ROWS_AT_ONCE", 33)
    np.testing.assert_allclose(model.predict_proba(frame), whole, rtol=1e-5)


def test_numbers_come_in_the_targets_units(numbers):
    frame = made(seed=1)
    truth = 1e6 + 5e3 * frame["size"].fillna(0) + 1e3 * (frame["colour"] == "red")
    predicted = numbers.predict(frame)
    assert predicted.shape == (100,)
    assert abs(predicted.mean() - truth.mean()) < 1e3
    left = np.mean((truth - predicted) ** 2) / np.var(truth)
    assert numbers.score(frame, truth) == pytest.approx(1 - left, rel=1e-6)
    assert numbers.score(frame, truth.astype(str)) == pytest.approx(1 - left, rel=1e-6)
    assert left < 0.3
    with pytest.raises(UserError, match="predict_proba is for classification"):
        numbers.predict_proba(frame)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (("no", "yes"), "U"),
        ((1, 2), "i"),
        ((False, True), "b"),
        ((0.5, 1.5), "f"),
        ((1, "one"), "O"),
    ],
)
def test_labels_come_back_as_they_were(trained, tmp_path, labels, dtype):
    frame = made(labels=labels)
    model = trained(frame, "classification")
    loaded = load_model(model.save(tmp_path / "model"))
    for each in (model, loaded):
        predicted = each.predict(frame)
        assert predicted.dtype.kind == dtype
        assert {type(label) for label in predicted.tolist()} <= {type(label) for label in labels}
        assert set(predicted.tolist()) == set(labels)
        assert each.score(frame) > 0.8


def test_labels_that_json_does_not_have_come_back_as_text(trained, tmp_path):
    frame = made()
    frame["answer"] = pd.cut(frame["size"].fillna(0), [-9, 0, 9])
    model = trained(frame)
    assert isinstance(model.classes[0], pd.Interval)
    loaded = load_model(model.save(tmp_path / "model"))
    assert loaded.classes == ("(-9, 0]", "(0, 9]")
    assert loaded.score(frame) == model.score(frame)


def test_new_categories_and_missing_values_are_read(model):
    frame = made(20).astype(object)
    frame.iloc[0] = None
    frame.loc[1, "colour"] = "purple"
    frame.loc[2, ["size", "seen"]] = ["?", "2031-05-05"]
    assert np.isfinite(model.predict_proba(frame)).all()


def test_columns_in_another_order_or_dtype_are_the_same(model):
    frame = made(20)
    proba = model.predict_proba(frame)
    other = frame[["answer", "seen", "colour", "size"]].astype({"colour": "category", "size": "Float64"})
    other["seen"] = frame["seen"].dt.strftime("%Y-%m-%d")
    np.testing.assert_array_equal(model.predict_proba(other), proba)
    array = frame.drop(columns="answer").to_numpy(object)
    np.testing.assert_array_equal(model.predict_proba(array), proba)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="size"), "'size' is missing"),
        (lambda f: f.rename(columns={"size": "sise"}), "'sise' is nearest to 'size'"),
        (lambda f: f.assign(size="tall"), "'size' is numeric, but row 0 holds 'tall'"),
        (lambda f: f.assign(size=np.inf), "'size' has 20 infinite values"),
        (lambda f: f.to_numpy(object), "X has 4 features, but the model was trained on 3"),
        (lambda f: f["size"].to_numpy(), "two axes"),
    ],
)
def test_unusable_rows_are_refused(model, change, words):
    with pytest.raises(UserError, match=words):
        model.predict(change(made(20)))


def test_columns_beyond_the_training_data_are_ignored_with_a_warning(model):
    frame = made(20)
    with pytest.warns(UserWarning, match="'extra' is not among the columns of the training"):
        found = model.predict_proba(frame.assign(extra=1))
    np.testing.assert_array_equal(found, model.predict_proba(frame))


def test_a_score_needs_the_answers(model, numbers):
    frame = made(20)
    features = frame.drop(columns="answer")
    with pytest.raises(UserError, match="a frame with column 'answer', or target="):
        model.score(features)
    with pytest.raises(UserError, match="a frame with column 'answer'"):
        model.score(features.to_numpy(object))
    with pytest.raises(UserError, match="20 rows and 19 answers"):
        model.score(features, frame["answer"][:-1])
    with pytest.raises(UserError, match="2 of 20 answers 'answer' are missing"):
        model.score(frame.assign(answer=frame["answer"].where(frame.index > 1, None)))
    with pytest.raises(UserError, match="1 of 20 answers"):
        numbers.score(features, [np.nan, *range(19)])
    assert model.score(frame.assign(answer="never seen")) == 0


def test_saved_it_is_the_same(model, folder):
    frame, loaded = made(seed=1), load_model(folder)
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    assert loaded.score(frame) == model.score(frame)
    assert repr(loaded) == repr(model)
    pd.testing.assert_frame_equal(loaded.history, model.history)
    assert (loaded.space, loaded.reader, loaded.classes) == (model.space, model.reader, model.classes)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "model.json", "weights.npz"]
    again = load_model(loaded.save(folder.with_name("again")))
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


def test_saved_numbers_are_the_same(numbers, tmp_path):
    frame = made(seed=1)
    loaded = load_model(numbers.save(tmp_path / "deeper" / "model"))
    np.testing.assert_array_equal(loaded.predict(frame), numbers.predict(frame))


def test_a_folder_is_not_replaced_unasked(model, numbers, folder):
    with pytest.raises(UserError, match="force=True"):
        numbers.save(folder)
    assert load_model(folder).problem == "classification"
    numbers.save(folder, force=True)
    assert load_model(folder).problem == "regression"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_what_is_no_model_is_never_replaced(model, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="thesis' is not a taskaware model"):
        model.save(tmp_path / "thesis", force=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_others_may_read_it_as_any_folder(folder, tmp_path):
    (tmp_path / "plain").mkdir()
    assert folder.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "taskaware evaluator"}, "is not a taskaware model"),
        ({"version": 9}, "version 9.*Update taskaware"),
        ({"version": 2}, "version 2.*Train it again"),
        ({"version": "x"}, "version x"),
        ({"reader": {"columns": []}}, "damaged"),
        ({"modality": "smells"}, "Unknown modality 'smells'"),
        ({"space": {}}, "damaged"),
        ({"classes": None}, "damaged"),
        ({"classes": ["a"] * 9}, "damaged"),
        ({"width": 4}, "damaged"),
        ({"width": "wide"}, "damaged"),
        ({"outputs": 64}, "damaged"),
        ({"history": 3}, "damaged"),
    ],
)
def test_foreign_and_damaged_models_are_refused(folder, change, words):
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(CheckpointError, match=words) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)


def test_weights_of_another_model_are_refused(folder, numbers, tmp_path):
    other = numbers.save(tmp_path / "other")
    (other / "weights.npz").replace(folder / "weights.npz")
    with pytest.raises(CheckpointError, match="damaged .*another network"):
        load_model(folder)


@pytest.mark.parametrize("none", [False, True])
def test_no_weights_are_refused(folder, none):
    with np.load(folder / "weights.npz") as file:
        arrays = {name: file[name][:0] if name.startswith("param/") else file[name] for name in file.files}
    kept = {name: value for name, value in arrays.items() if not (none and name.startswith("param/"))}
    np.savez(folder / "weights.npz", **kept)
    with pytest.raises(CheckpointError, match="damaged .*no weights"):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", None])
def test_a_broken_description_is_refused(folder, content):
    if content is None:
        (folder / "model.json").unlink()
    else:
        (folder / "model.json").write_bytes(content)
    with pytest.raises(CheckpointError, match="not a taskaware model"):
        load_model(folder)


def test_changed_bytes_are_refused_or_harmless(folder, model):
    file, rng, refused = folder / "weights.npz", np.random.default_rng(0), 0
    whole = file.read_bytes()
    for share in (0.0, 0.5, 0.99):
        file.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(CheckpointError, match="damaged"):
            load_model(folder)
    for _ in range(100):
        bent = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            bent[place] ^= int(rng.integers(1, 256))
        file.write_bytes(bytes(bent))
        try:
            loaded = load_model(folder)
        except CheckpointError:
            refused += 1
        else:
            np.testing.assert_array_equal(loaded.point, model.point)
    assert refused > 30


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="no model folder '.*gone'"):
        load_model(tmp_path / "gone")


class Bomb:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_is_executed(folder, tmp_path):
    trace = tmp_path / "executed"
    objects = np.empty(1, object)
    objects[0] = Bomb(trace)
    with np.load(folder / "weights.npz") as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(folder / "weights.npz", **{**arrays, "point": objects})
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(folder)
    (folder / "weights.npz").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(folder)
    (folder / "model.json").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(CheckpointError, match="not a taskaware model"):
        load_model(folder)
    assert not trace.exists()


def test_models_of_before_are_read():
    """A model that version 0.1 wrote, and the probabilities that it gave (format version 3)."""
    kept = Path(__file__).with_name("model_v3")
    wine = load_wine(as_frame=True).data.iloc[::12]
    model = load_model(kept)
    found = model.predict_proba(wine)
    np.testing.assert_allclose(found, json.loads((kept / "probabilities.json").read_text()), atol=1e-5)
    assert (model.problem, model.modality, model.reader.names) == (
        "classification",
        "tables",
        tuple(wine.columns),
    )
    with pytest.warns(FutureWarning, match="Model.schema is now Model.reader"):
        assert model.schema is model.reader


def test_a_model_without_a_modality_is_one_of_tables(folder, model):
    file = folder / "model.json"
    fields = json.loads(file.read_text())
    assert (fields["version"], fields.pop("modality"), len(fields.pop("digest"))) == (5, "tables", 64)
    fields["version"] = 4
    fields["schema"] = fields.pop("reader")
    file.write_text(json.dumps(fields))
    with np.load(folder / "weights.npz") as weights:
        arrays = {name.replace("block/", "encoder/"): weights[name] for name in weights.files}
    del arrays["encoder/unit"], arrays["encoder/wide"]
    np.savez(folder / "weights.npz", **arrays)
    frame = made(seed=1)
    np.testing.assert_array_equal(load_model(folder).predict_proba(frame), model.predict_proba(frame))


def test_a_model_without_a_reader_says_so(model, tmp_path):
    byhand = dataclasses.replace(model, reader=None)
    for each in (byhand, load_model(byhand.save(tmp_path / "model"))):
        with pytest.raises(UserError, match="made by hand, without a reader"):
            each.predict(made())
