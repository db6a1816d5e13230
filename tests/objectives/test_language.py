"""Models of language: text as streams, what they learn, and a search over their cells."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taskaware as ta
from taskaware.children.recurrent.cell import coded
from taskaware.children.recurrent.language import init_params, losses, mean_loss, rested
from taskaware.errors import CheckpointError, EngineError, UserError
from taskaware.objectives import language_fit
from taskaware.objectives.language import language_model
from taskaware.objectives.language_text import LanguageSettings, numbered, windows_of
from taskaware.saved import read_sealed, write_sealed
from taskaware.spaces import recurrent_cells
from taskaware.tasks.metrics import METRICS

SPACE = recurrent_cells(2)
TEXTS = {part: ["a b c d e f"] * count for part, count in (("train", 60), ("valid", 12), ("test", 12))}
SETTINGS = LanguageSettings(units=8, streams=4, window=7, epochs=20, dropout=0.1, learning_rate=0.03)


@pytest.fixture(scope="module")
def objective():
    return language_model(SPACE, TEXTS, SETTINGS, together=3)


def test_a_model_learns_what_comes_next(objective):
    points = SPACE.sample_on_host(np.random.default_rng(0), 4)
    found = objective.evaluate(points)
    # Of seven tokens each follows from the one before it. A cell of products alone may diverge.
    learned = found.score[np.isfinite(found.score)]
    assert len(learned) > 2 and (learned < -1).all() and learned.max() > -1.3, found.score
    assert len(np.unique(learned)) == len(learned) and found.seconds.shape == (4,)
    np.testing.assert_allclose(found.test_score, found.score)
    alone = objective.evaluate(points[3:])
    np.testing.assert_allclose(alone.score, found.score[3:], rtol=1e-3)
    assert np.isnan(objective.evaluate(np.full((1, SPACE.dimension), np.nan, np.float32)).score).all()


def test_a_search_over_cells(objective, tmp_path):
    journal = tmp_path / "cells.jsonl"
    found = ta.search(
        SPACE,
        ta.strategies.reinforce(3, reward="inverse_square", units=4, layers=1),
        objective=objective,
        budget=6,
        journal=journal,
        progress=False,
    )
    assert len(found) == 6 and found.best.score > -1.5 and np.isfinite(found.info["loss"]).sum() == 2
    # The best cell is built, written and drawn without a dataset, and stands on the page.
    assert found.module().features == SETTINGS.units and f"features: int = {SETTINGS.units}" in found.source()
    assert "hₜ₋₁" in [text.get_text() for text in found.draw().axes[0].texts]
    page = ta.report(journal).read_text(encoding="utf-8")
    assert "The best point." in page and page.count("hₜ₋₁") == 2


def test_the_loss_gives_the_metrics_and_goes_over_windows(objective):
    evaluate = objective.evaluate
    size, point = evaluate.size, jnp.asarray(SPACE.sample_on_host(np.random.default_rng(1), 1)[0])
    params, cell = init_params(size, jax.random.key(0)), coded(SPACE, point)
    params = jax.tree.map(lambda leaf: 5 * leaf, params)
    windows = jnp.asarray(evaluate.windows[1])
    loss = float(jax.jit(mean_loss, static_argnums=0)(size, cell, params, windows))
    # The windows of a stream are one text: what the cell remembers goes on.
    whole = jnp.concatenate([windows[0], *windows[1:, 1:]])
    _, each = losses(cell, params, rested(size, SETTINGS.streams), whole)
    assert loss == pytest.approx(float(each.mean()), rel=1e-4)
    truth, chances = np.zeros(len(np.ravel(each)), int), np.exp(-np.ravel(each).astype(float))
    probabilities = np.stack([chances, 1 - chances], 1)
    assert evaluate._score(np.array([loss]))[0] == pytest.approx(
        METRICS["perplexity"].on_host(truth, probabilities), rel=1e-3
    )
    by_character = language_model(SPACE, TEXTS, LanguageSettings(by="character", streams=2, window=5))
    assert by_character.evaluate._score(np.array([loss]))[0] == pytest.approx(
        METRICS["bits_per_character"].on_host(truth, probabilities), rel=1e-3
    )
    assert by_character.evaluate.size.tokens == 9 and by_character.about != objective.about
    assert math.exp(loss) > 3


def test_streams_are_read_side_by_side():
    found = windows_of(np.arange(41), 4, 5)
    assert found.shape == (2, 6, 4)
    assert found[:, :, 1].tolist() == [list(range(10, 16)), list(range(15, 21))]
    assert found[:, :, 3].max() == 40


@pytest.mark.parametrize(
    ("texts", "settings", "words"),
    [
        ({"train": ["a"]}, {}, "The texts lack valid"),
        ({"train": ["a"], "valid": ["a"], "tset": ["a"]}, {}, "Unknown part of the text 'tset'"),
        ({"train": ["a"], "valid": ["a"]}, {}, "The text 'train' has 2 tokens, and 16 streams .* need 401"),
        ({"train": "a", "valid": ["a"]}, {}, r"A text is one string. Give its lines: text.splitlines\(\)"),
        (TEXTS, {"by": "letter"}, "Unknown way to cut a text 'letter'"),
        (TEXTS, {"dropout": 1.0}, "dropout=1.0 is out of range"),
        (TEXTS, {"epochs": 0}, "epochs=0 is too small"),
        (TEXTS, {"learning_rate": 0.0}, "learning_rate=0.0 is too small. Give more than 0"),
    ],
)
def test_what_is_no_text_is_refused(texts, settings, words):
    with pytest.raises(UserError, match=words):
        language_model(SPACE, texts, LanguageSettings(**settings))


@pytest.fixture(scope="module")
def model():
    settings = dataclasses.replace(SETTINGS, epochs=12, dropout=0.0)
    point = SPACE.sample_on_host(np.random.default_rng(0), 1)[0]
    return ta.objectives.fit_language_model(SPACE, point, TEXTS, settings, progress=False)


def test_a_model_is_trained_as_in_the_search_and_keeps_its_best_pass(model):
    trials = language_model(SPACE, TEXTS, model.settings, together=1).evaluate
    last = -float(trials(model.point[None]).score[0])
    assert model.metric == "perplexity" and model.history["epoch"].tolist() == list(range(1, 13))
    assert model.history["perplexity"].iloc[-1] == pytest.approx(last, rel=1e-3)
    assert model.history["perplexity"].min() < 1.5 < model.history["perplexity"].iloc[0]
    assert f"perplexity {model.history['perplexity'].min():.2f}" in repr(model)


def test_a_text_is_measured_from_its_beginning_to_its_end(model, monkeypatch):
    once = model.measure(["a b c d e f"])
    # By hand: each token after the one before it, the memories going on.
    numbers = numbered(["<eos>", *["a", "b", "c", "d", "e", "f"], "<eos>"], model.vocabulary)
    size, cell = model._size, coded(SPACE, jnp.asarray(model.point))
    _, each = losses(cell, model.params, rested(size, 1), jnp.asarray(numbers)[:, None])
    assert once == pytest.approx(float(jnp.exp(each.mean())), rel=1e-4)
    assert model.score(["a b c d e f"]) == -once
    # A long text is read in four streams, each from rest.
    monkeypatch.setattr(language_fit, "LONG", 10)
    numbers = numbered(["<eos>", *["a", "b", "c", "d", "e", "f", "<eos>"] * 9], model.vocabulary)
    streams = [numbers[first : min(first + 17, 64)] for first in range(0, 63, 16)]
    each = [losses(cell, model.params, rested(size, 1), jnp.asarray(one)[:, None])[1] for one in streams]
    assert sum(map(len, each)) == 63
    mean = float(jnp.concatenate(each).mean())
    assert model.measure(["a b c d e f"] * 9) == pytest.approx(math.exp(mean), rel=1e-4)
    monkeypatch.undo()
    assert model.measure(["f e d c b a"]) > 3 * once
    assert model.measure(TEXTS["test"]) < 1.5 and np.isfinite(model.measure(["what nobody said"]))
    with pytest.raises(UserError, match="no lines"):
        model.measure([])


def test_a_model_goes_on_with_a_text(model):
    assert model.sample(start="a b", temperature=0) == "a b c d e f"
    assert model.sample(3, start="a", temperature=0) == "a b c d"
    assert model.sample(seed=3) == model.sample(seed=3)
    for wrong in ({"tokens": 0}, {"temperature": -1.0}, {"temperature": float("nan")}):
        with pytest.raises(UserError, match=next(iter(wrong))):
            model.sample(**wrong)


def test_a_saved_model_of_language_is_the_same_model(model, tmp_path):
    path = model.save(tmp_path / "cell.npz")
    again = ta.objectives.load_language_model(path)
    assert again.measure(TEXTS["test"]) == model.measure(TEXTS["test"])
    assert again.sample(seed=1) == model.sample(seed=1) and repr(again) == repr(model)
    with pytest.raises(UserError, match="exists"):
        model.save(path)
    assert model.save(path, force=True) == path
    with pytest.raises(UserError, match="no file"):
        ta.objectives.load_language_model(tmp_path / "other.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        ta.objectives.load_language_model(path)
    header, arrays = read_sealed(model.save(path, force=True))
    for changed in ({"vocabulary": ["a"]}, {"version": 9}, {"settings": {"units": 9}}, {"space": {}}):
        write_sealed(path, header | changed, arrays, force=True)
        with pytest.raises(CheckpointError):
            ta.objectives.load_language_model(path)
    write_sealed(path, header, arrays | {"bias": arrays["bias"] * np.nan}, force=True)
    with pytest.raises(CheckpointError, match="finite"):
        ta.objectives.load_language_model(path)


def test_what_cannot_be_trained_is_refused(model):
    with pytest.raises(UserError, match="decision|point|space"):
        ta.objectives.fit_language_model(SPACE, np.full(SPACE.dimension, 99.0), TEXTS)
    steep = dataclasses.replace(model.settings, learning_rate=1e30, clip=1e30, epochs=1)
    with pytest.raises(EngineError, match="NaN"):
        ta.objectives.fit_language_model(SPACE, model.point, TEXTS, steep, progress=False)
    found = ta.search(SPACE, "random", objective=lambda point: float(np.sum(point)), budget=1, progress=False)
    with pytest.raises(UserError, match="fit_language_model"):
        found.fit()
