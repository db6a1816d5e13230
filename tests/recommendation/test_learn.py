"""Own tasks join what is known."""

import dataclasses
import functools

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.recommendation import teach
from taskaware.recommendation.joined import together
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import read_tasks
from taskaware.spaces import preset
from taskaware.surrogates import Evaluator
from taskaware.surrogates.price import USUAL
from taskaware.training.recipe import TrainingRecipe

FEW = ("iris", "wine", "diabetes", "heart.c", "sonar", "glass", "ecoli", "vote")
"""Tables of the shipped experience."""


def test_own_tasks_are_trained_kept_and_known(tmp_path, monkeypatch):
    # The shipped experience without its further parts is enough here, and is fitted sooner.
    fewer = functools.partial(teach.train_evaluator, more=())
    monkeypatch.setattr("taskaware.recommendation.learn.train_evaluator", fewer)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    task = ta.make_task(frame, "y", name="mine")
    hasty = TrainingRecipe(steps=10)
    store = str(tmp_path / "own.sqlite")
    learned = ta.learn([task], architectures=2, store=store, trainer=hasty, progress=False)
    assert isinstance(learned, Evaluator)
    place = learned.training_data.names.index("mine")
    assert (~np.isnan(learned.training_data.score[place])).sum() == 2
    assert learned.training_data.real.sum() > 60
    rec = ta.recommend(frame, "y", evaluator=learned)
    assert "This dataset is 'mine' of the experience" in " ".join(rec.notes)
    with ta.Store.open(store) as opened:
        again = ta.CollectSettings(architectures=2, trainer=hasty)
        assert ta.collect(read_tasks([(frame, "y")]), opened, again, show=False).added == 0


def test_designs_are_trained_once(tmp_path, monkeypatch):
    """Designs and the best known architecture are trained on a task; a second call makes the same ones."""
    experience_of = teach.experience_of

    def fewer(*given, **named):
        found = experience_of(*given, **named, more=())
        return found.take(np.isin(np.array(found.names)[found.task], (*FEW, "mine")))

    monkeypatch.setattr("taskaware.recommendation.learn.experience_of", fewer)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    task, store = ta.make_task(frame, "y", name="mine"), str(tmp_path / "own.sqlite")
    own = {"architectures": 2, "store": store, "trainer": TrainingRecipe(steps=10), "progress": False}
    learned = ta.learn([task], **own, designs=2)
    assert learned.price == USUAL  # two designs tell no other
    with ta.Store.open(store) as opened:
        found = opened.triplets()
    names = np.array(found.strategies)[found.strategy].tolist()
    assert names.count("random") == 2 and 2 <= names.count("ascent") <= 3
    again = ta.learn([task], **own, designs=2)
    with ta.Store.open(store) as opened:
        assert len(opened.triplets()) == len(found)
    np.testing.assert_array_equal(again.training_data.score, learned.training_data.score)


def test_where_tasks_were_trained_in_different_ways_the_last_counts():
    shipped = open_experience("shipped", preset("compact"))
    known = shipped.take(np.isin(np.array(shipped.names)[shipped.task], ("iris", "wine")))
    iris = known.take(np.array(known.names)[known.task] == "iris")
    other = dataclasses.replace(iris.recipes[0], digest="f" * 16)
    later = dataclasses.replace(iris, recipes=(other,), score=iris.score / 2)
    found = together(known, known, later)
    assert len(found) == len(known)
    for name, factor in (("iris", 0.5), ("wine", 1.0)):
        scores = [e.score[np.array(e.names)[e.task] == name] for e in (found, known)]
        np.testing.assert_allclose(np.sort(scores[0]), np.sort(scores[1]) * factor)
