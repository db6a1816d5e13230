"""Who was how good in a comparison, over tasks and seeds."""

import numpy as np
import pandas as pd

from taskaware.studies import quality


def standings(progress: pd.DataFrame) -> dict:
    """Scores of each strategy over the tasks and seeds on which none failed, as plain data.

    Args:
        progress: a row for each training, see `compare`; `score` and `test` are those of the training itself.

    Returns:
        `compared`: the pairs of task and seed that count. `strategies`, for each: the mean `rank` by the best
        validation score (1 is first, ties share), `best_score` and `test_score` at the end, normalised by
        task (0 is the median of all trainings there, 1 the mean of the best five), and the plain mean
        `test_score_raw`, without searches that diverged everywhere; each with its standard error over groups
        (`..._se`; 0 for a single group).
    """
    ends = progress.groupby(["task", "seed", "strategy"], sort=False).tail(1)
    most = progress["strategy"].nunique()
    ends = ends[ends.groupby(["task", "seed"])["strategy"].transform("size") == most].copy()
    ends["test_score_raw"] = ends["test_score"]
    for column, single in (("best_score", "score"), ("test_score", "test")):
        ends[column] = _normalised(ends[["task", column]], progress[["task", single]])
    ends["rank"] = ends.groupby(["task", "seed"])["best_score"].rank(ascending=False)
    counted = ["rank", "best_score", "test_score", "test_score_raw"]
    means = ends.groupby(["strategy", "group"])[counted].mean()
    return {
        "compared": len(ends) // max(most, 1),
        "strategies": {name: _standing(means.loc[name]) for name in ends["strategy"].unique()},
    }


def _normalised(ends: pd.DataFrame, every: pd.DataFrame) -> pd.Series:
    """The second column of `ends`, scaled by the range of the second column of `every` on the same task.

    A search that diverged everywhere counts as the worst training of the task.
    """
    found = pd.Series(np.nan, ends.index)
    for task, rows in ends.groupby("task")[ends.columns[1]]:
        scores = every.loc[every["task"] == task, every.columns[1]].to_numpy()
        if not np.isnan(scores).all():
            middle, spread = quality.scale(scores[None])
            found[rows.index] = (rows.fillna(np.nanmin(scores)) - middle[0]) / spread[0]
    return found


def _standing(means: pd.DataFrame) -> dict[str, float | None]:
    """Mean over groups, and its standard error, of each column; None where no group has a number."""
    found = {}
    for name in means:
        column = means[name].dropna()
        found[name] = float(column.mean()) if len(column) else None
        found[f"{name}_se"] = float(column.std(ddof=1) / len(column) ** 0.5) if len(column) > 1 else 0.0
    return found
