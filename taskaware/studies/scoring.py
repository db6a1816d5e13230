"""Scores of the choices for tasks held out: tables, and a summary for each method."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskaware.recommendation.expected import INTERVAL_80
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import Space
from taskaware.studies import entries as checked
from taskaware.studies import quality
from taskaware.surrogates import TrainingData

PICKS = ["method", "seed", "task", "group", "problem", "spearman", "score", "test_score", "regret", "top1"]
CALIBRATION = ["method", "seed", "task", "group", "problem", "predicted", "deviation", "actual"]
CHANCES = ["method", "seed", "task", "group", "problem", "chance", "won"]


class StudyData(NamedTuple):
    """The resource of every job; each worker receives it once.

    Attributes:
        space: of the architectures.
        training_data: T tasks.
        pool: mask of the allowed choices on each task, (T, A): architectures drawn at random, because those
            that a search found depend on the scores. Empty on tasks that are only training data, see
            `quality.eligible`.
    """

    space: Space
    training_data: TrainingData
    pool: np.ndarray


def score_picks(
    study: StudyData, curve: np.ndarray, entries: list[dict], methods: Sequence[str], folder: RunFolder
) -> dict:
    """Write `picks.csv` and `calibration.csv`.

    Args:
        study: the resource of the jobs.
        curve: see `prepared`.
        entries: of the journal, with `method`, `seed` and `picks`.
        methods: in the order of the summary; those without any choice are left out.
        folder: the run folder.

    Returns:
        The summary of the choices.
    """
    table = _table(study, entries)
    folder.write_table("picks", table[PICKS])
    calibration = table[table["deviation"].notna()].rename(columns={"score": "actual"})[CALIBRATION]
    folder.write_table("calibration", calibration)
    folder.write_table("chances", table[table["won"].notna()][CHANCES])
    names = [name for name in methods if (table["method"] == name).any()]
    return {
        "tasks": int(study.pool.any(1).sum()),
        "groups": len(set(np.array(study.training_data.groups)[study.pool.any(1)])),
        "methods": {name: _summary(study, curve, table[table["method"] == name]) for name in names},
    }


def _table(study: StudyData, entries: list[dict]) -> pd.DataFrame:
    """A row for each method, seed and task, with the scores of the pick."""
    tasks, architectures = study.pool.shape
    ends = {"place": tasks, "picked": architectures, "default": architectures}
    rows = [
        {"method": entry["method"], "seed": entry["seed"]} | row
        for entry in entries
        for row in checked.rows(entry, "picks", ends, ("place", "picked"))
    ]
    columns = ["method", "seed", "task", "place", "picked", "spearman", "predicted", "deviation"]
    columns += ["default", "chance"]
    types = {
        "place": int,
        "picked": int,
        "predicted": float,
        "deviation": float,
        "default": float,
        "chance": float,
    }
    table = pd.DataFrame(rows, columns=columns).astype(types)
    pool, place, picked = _pool(study), table["place"].to_numpy(), table["picked"].to_numpy()
    score, test = pool.score, pool.test_score
    default = table["default"].fillna(0).to_numpy(int)
    ahead = test[place, picked] - test[place, default]
    return table.assign(
        group=np.array(pool.groups, object)[place],
        problem=np.array(pool.problems, object)[place],
        score=score[place, picked],
        test_score=test[place, picked],
        regret=np.nanmax(test[place], axis=1) - test[place, picked],
        won=np.where(table["chance"].notna() & np.isfinite(ahead), (ahead > 0) + 0.5 * (ahead == 0), np.nan),
        top1=(score[place, picked] == np.nanmax(score[place], axis=1)).astype(int),
    )


def _pool(study: StudyData) -> TrainingData:
    """The training data, reduced to the allowed choices."""
    data = study.training_data
    score, test = (np.where(study.pool, scores, np.nan) for scores in (data.score, data.test_score))
    return dataclasses.replace(data, score=score, test_score=test)


def _summary(study: StudyData, curve: np.ndarray, table: pd.DataFrame) -> dict:
    """Scores of one method over the tasks that it chose for."""
    reached = table.pivot(index="seed", columns="place", values="test_score")
    there = reached.columns.to_numpy()
    standing = quality.standing(_pool(study).take(there), curve[there], reached.to_numpy())
    scored = table[table["deviation"].notna()]
    within = (scored["score"] - scored["predicted"]).abs() <= INTERVAL_80 * scored["deviation"]
    return {
        "spearman": float(table["spearman"].mean()),
        **standing,
        "coverage": float(within.mean()) if len(scored) else None,
        **_brier(table[table["won"].notna()]),
    }


def _brier(table: pd.DataFrame) -> dict[str, float | None]:
    """Mean squared error of predicted chances, and that of the share of wins as a constant prediction."""
    if table.empty:
        return {"chance_brier": None, "chance_constant": None}
    won = table["won"]
    return {
        "chance_brier": float(((table["chance"] - won) ** 2).mean()),
        "chance_constant": float(((won.mean() - won) ** 2).mean()),
    }
