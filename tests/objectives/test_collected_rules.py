"""Experience of update rules: collected on tables, learned by a surrogate, which ranks rules."""

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.metafeatures import vector
from taskaware.objectives import collect
from taskaware.training.recipe import TrainingRecipe

SETTINGS = collect.CollectSettings(
    space="update-rules",
    architectures=6,
    batch=6,
    trainer=TrainingRecipe(steps=10, batch_size=16, evaluations=2),
)


def tasks():
    rng = np.random.default_rng(0)
    for number in range(3):
        frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=["a", "b", "c"])
        yield make_task(
            frame.assign(y=np.where(frame["a"] > 0.2 * number, "more", "less")), "y", name=f"t{number}"
        )


def test_a_surrogate_of_collected_rules_ranks_rules(tmp_path):
    made, path = list(tasks()), tmp_path / "rules.sqlite"
    with ta.Store.open(path) as store:
        first = collect.collect(made, store, SETTINGS, show=False)
        again = collect.collect(made, store, SETTINGS, show=False)
    assert (first.failed, first.added, again.jobs) == (0, 18, 0)
    evaluator = ta.train_evaluator(str(path), space="update-rules")
    query, space = ta.TaskQuery(vector(made[0]), made[0].problem), evaluator.space
    start = ta.objectives.best_of_nearest(evaluator, query, tasks=2, each=2)
    predict = ta.objectives.predictor(evaluator, query)
    assert np.asarray(space.contains(start)).all()
    predicted = np.asarray(predict(np.stack([space.encode(text) for text in ("adam", "g", "noise")])))
    assert np.isfinite(predicted).all() and len(set(predicted.tolist())) > 1
