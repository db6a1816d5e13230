"""A task as a frame: made into a task again, it is the same one."""

import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.suites import bundled_suite
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.frame import frame_of


@pytest.mark.parametrize("name", bundled_suite().names)
def test_the_same_task_comes_back(name):
    task = bundled_suite().task(name)
    again = make_task(frame_of(task), task.target_name, problem=task.problem)
    assert again.digest == task.digest and again.classes == task.classes
    np.testing.assert_array_equal(again.target, task.target)


@pytest.mark.parametrize("target", ["price", "mark"])
def test_every_kind_of_column_keeps_its_kind_and_its_gaps(target):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(60) < 0.2, np.nan, rng.normal(size=60)),
            "code": pd.Categorical(rng.choice(["1", "2", "30"], 60)),
            "open": pd.array(rng.choice([True, False, None], 60), "boolean"),
            "text": [f"{i} of the many words that are found here" if i % 5 else None for i in range(60)],
            "price": rng.normal(size=60),
            "mark": rng.choice([1, 2, 10], 60),
        }
    )
    task = make_task(frame, target)
    again = make_task(frame_of(task), target, problem=task.problem)
    problems = [[column.kind for column in each.data.columns] for each in (again, task)]
    assert problems[0] == problems[1] and {"numeric", "category", "boolean", "text"} <= set(problems[0])
    assert (again.digest, again.classes) == (task.digest, task.classes)
