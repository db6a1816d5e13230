"""Recommendations for other data than tables: by experience with data of that kind."""

import numpy as np
import pytest

import taskaware as ta
from taskaware.recommendation.evaluators import query_of, shipped_evaluator
from taskaware.surrogates.patterns import kinds_of
from taskaware.training.recipe import TrainingRecipe


def texts(count=60, seed=0):
    rng = np.random.default_rng(seed)
    words = rng.choice(["a fresh start with paint", "some dusty rust and decay"], count)
    return [f"{text}, number {place}" for place, text in enumerate(words)], [text[0] for text in words]


@pytest.fixture(scope="module")
def rec():
    return ta.recommend(texts())


def shares(rec):
    """Share of each embedding of the recommended point, by group."""
    gamma = np.asarray(rec.space.soften(np.array(rec.ranked[0].point, np.float32)).gamma)
    return np.split(gamma, np.cumsum([len(group) for group in rec.space.embeddings])[:-1])


def test_every_kind_has_known_tasks():
    evaluator = shipped_evaluator("universal")
    kinds = kinds_of(evaluator.space, evaluator.training_data)
    assert {"tables", "text", "image", "audio", "series", "mixed"} == set(kinds)
    assert "breast-cancer" not in evaluator.training_data.groups


def test_texts_are_answered_by_texts(rec):
    assert rec.space.name == "universal"
    assert not any("No known task has" in note or "trees" in note for note in rec.notes)
    for group, share in zip(rec.space.embeddings, shares(rec), strict=True):
        if "word_ngrams" not in group:
            np.testing.assert_allclose(share, 1 / len(group), atol=1e-3)
    # The default is the best architecture of the texts, which differ in the shares of their blocks.
    start = rec.space.dimension - len(rec.space.recipe) - sum(map(len, rec.space.embeddings))
    gamma = np.array(rec.default.point)[start : -len(rec.space.recipe)]
    assert np.ptp(gamma[7:14]) > 0 and np.ptp(gamma[:7]) == 0


def test_a_kind_without_known_tasks_is_said_to_have_none(rec):
    X = np.random.default_rng(0).normal(size=(60, 64)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    found = ta.recommend(ta.make_task((X, [0, 1] * 30), modality="embedding"))
    assert any("No known task has the kind 'embedding' of this dataset" in note for note in found.notes)
    lifted = ta.recommend(texts(), evaluator=shipped_evaluator())
    assert any("No known task has the kind 'text'" in note for note in lifted.notes)
    assert lifted.space.digest == rec.space.digest


def test_the_same_dataset_again_is_not_read_anew(monkeypatch):
    task, evaluator = ta.make_task(texts(seed=3)), shipped_evaluator("universal")
    first = query_of(task, evaluator)
    monkeypatch.setattr(type(task.data), "take", lambda *_: pytest.fail("read again"))
    again = query_of(ta.make_task(texts(seed=3)), evaluator)
    np.testing.assert_array_equal(first.z, again.z)
    assert first.present == again.present == ("word_ngrams", "character_ngrams", "token_bag")


def test_meta_features_that_are_given_are_not_kept_for_the_dataset():
    task, evaluator = ta.make_task(texts(seed=4)), shipped_evaluator("universal")
    given = query_of(task, evaluator, np.zeros(80, np.float32))
    assert not given.z.any() and query_of(task, evaluator).z.any()


def test_refined_by_trainings_on_the_texts(rec, tmp_path):
    better = rec.refine(texts(), trainings=1, store=str(tmp_path / "mine.sqlite"), progress=False)
    assert better.space.digest == rec.space.digest and better.ranked[0].found_by == "trained"
    with ta.Store.open(tmp_path / "mine.sqlite") as store:
        assert len(store.triplets()) == 1


def test_own_texts_are_learned_from(tmp_path):
    sets = [(np.array(words, object), labels) for words, labels in (texts(40, seed) for seed in range(3))]
    tasks = [ta.make_task(each, name=f"notes {place}") for place, each in enumerate(sets)]
    evaluator = ta.learn(
        tasks,
        architectures=2,
        store=str(tmp_path / "mine.sqlite"),
        trainer=TrainingRecipe(steps=5, evaluations=5, batch_size=32),
        with_shipped=False,
        progress=False,
    )
    assert evaluator.space.name == "universal"
    assert kinds_of(evaluator.space, evaluator.training_data) == ["text"] * 3
