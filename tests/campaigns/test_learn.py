"""Own tasks join what is known."""

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.evaluator import Evaluator
from taskaware.training.recipe import TrainingRecipe


def test_own_tasks_are_trained_kept_and_known(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    task = ta.make_task(frame, "y", name="mine")
    hasty = TrainingRecipe(steps=10)
    store = str(tmp_path / "own.sqlite")
    learned = ta.learn([task], architectures=2, store=store, trainer=hasty, progress=False)
    assert isinstance(learned, Evaluator)
    place = learned.known.names.index("mine")
    assert (~np.isnan(learned.known.score[place])).sum() == 2
    assert learned.known.real.sum() > 60
    rec = ta.recommend(frame, "y", evaluator=learned)
    assert "This dataset is 'mine' of the experience" in " ".join(rec.notes)
    again = ta.learn([(frame, "y")], architectures=2, store=store, trainer=hasty, progress=False)
    assert again.known.digests.count(task.digest) == 1
