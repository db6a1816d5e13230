"""Models of language: text as streams, what they learn, and a search over their cells."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taskaware as ta
from taskaware.children.recurrent.cell import coded
from taskaware.children.recurrent.language import init_params, losses, mean_loss, rested
from taskaware.errors import UserError
from taskaware.objectives.language import LanguageSettings, language_model, windows_of
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
