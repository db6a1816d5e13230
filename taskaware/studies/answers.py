"""Which answers for tasks held out are designs, and how right the evaluator is at designs and elsewhere."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import pandas as pd

from taskaware.recommendation.ascent import AscentSettings, propose, rows_of
from taskaware.recommendation.designs import of_a_score
from taskaware.recommendation.expected import INTERVAL_80
from taskaware.recommendation.safety import is_unfamiliar
from taskaware.spaces import Space
from taskaware.studies.quality import spearman
from taskaware.studies.selectors import NewTasks
from taskaware.surrogates import EvaluatorSettings, Posterior, TrainingData, fit_evaluator
from taskaware.surrogates.folds import held_out
from taskaware.surrogates.patterns import kinds_of
from taskaware.surrogates.price import Price
from taskaware.surrogates.training_data import architecture_features
from taskaware.surrogates.warping import warped

SIZES = {"below 500": 500, "500 to 1,999": 2_000, "2,000 or more": np.inf}
"""Classes of tasks by their rows, and the first number above each."""
KNOWN = ("known", "default")
"""What an answer is found by that was trained on other tasks."""
FEWEST = 3
"""Designs of a task whose order is compared with the measured one."""


def answers(
    space: Space,
    data: TrainingData,
    asked: np.ndarray,
    *,
    price: Price | None = None,
    ascent: AscentSettings | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Iterator[dict]:
    """The answer for each task while it is held out with its relatives.

    Args:
        space: of the architectures.
        data: experience.
        asked: mask of the tasks to answer for, (T,).
        price: of what was never trained.
        ascent: settings of the search.
        folds: parts that the groups are held out in.
        seed: of folds, evaluators and searches.

    Yields:
        Plain data for each task: its name, `group`, `kind` of data and `rows`; what the answer was
        `found_by`; `spearman` of predicted and measured scores of its architectures, and the share of these
        `within` intervals of 80 %; Spearman of their scores on "validation, test" rows, see `ends`.
    """
    kinds = kinds_of(space, data)
    for out in held_out(data, folds, seed):
        mine = np.flatnonzero(out & asked)
        if not len(mine):
            continue
        evaluator = fit_evaluator(space, data.take(~out), EvaluatorSettings(), seed=seed)
        evaluator = dataclasses.replace(evaluator, price=price)
        queries = NewTasks.of(data.take(mine)).queries(space, data.u)
        for task, query in zip(mine.tolist(), queries, strict=True):
            posterior, z = evaluator.posterior(query), cast(np.ndarray, query.z)
            found = propose(evaluator, query, ascent or AscentSettings(), seed=seed, posterior=posterior)
            ranks, within = _at_known(space, data, task, posterior)
            there = ~np.isnan(data.score[task])
            yield {
                "task": data.names[task],
                "group": data.groups[task],
                "kind": kinds[task],
                "rows": round(rows_of(z)),
                "found_by": "default" if is_unfamiliar(evaluator, z) else found.came_from[0],
                "spearman": ranks,
                "within": within,
                "validation, test": spearman(data.score[task, there], data.test_score[task, there]),
            }


def _at_known(space: Space, data: TrainingData, task: int, posterior: Posterior) -> tuple[float, float]:
    """Spearman, and the share within intervals of 80 %, over the architectures of a task."""
    places = np.flatnonzero(~np.isnan(data.target[task]))
    mean, deviation = posterior.mean_std(architecture_features(space, data.u[places]))
    measured, middle = warped(data.target[task, places]), np.asarray(mean)
    off = np.abs(measured - middle)
    within = off <= INTERVAL_80 * of_a_score(posterior, np.asarray(deviation))
    return spearman(middle, measured), float(within.mean())


def by_class(table: pd.DataFrame) -> pd.DataFrame:
    """Share of answers that are designs, with its standard error over groups, by kind of data and by rows.

    Args:
        table: rows of `answers`.
    """
    return _classes(table, _of_answers)


def ends(designs: pd.DataFrame, answered: pd.DataFrame) -> pd.DataFrame:
    """Spearman and coverage at the ends of ascents, by kind of data and by rows.

    "validation, test" is the Spearman of two scores of the same networks, on other rows. An evaluator that
    knew all but the noise of the rows would reach about its square root.

    Args:
        designs: a round of `designed.scored`.
        answered: rows of `answers`, for kinds, groups and rows of the tasks.
    """
    return _classes(_beside(designs, answered), _of_ends)


def first_designs(designs: pd.DataFrame, answered: pd.DataFrame) -> pd.DataFrame:
    """Mean test score of the first design, of the best known architecture and of the best by validation.

    Args:
        designs, answered: as in `ends`.
    """
    table = _beside(designs, answered)
    return _classes(table[(table["place"] == 0) & table["known_test_score"].notna()], _of_first)


def mean_error(values: np.ndarray, groups: Sequence[str] | np.ndarray) -> tuple[float, float]:
    """Mean, and its standard error over groups.

    >>> mean_error(np.array([1.0, 0.0, 1.0, 0.0]), ["a", "a", "b", "b"])
    (0.5, 0.0)

    Args:
        values: of n tasks.
        groups: of each.
    """
    mean = float(np.mean(values))
    _, place = np.unique(groups, return_inverse=True)
    sums = np.bincount(place, np.asarray(values, float) - mean)
    count = len(sums)
    if count < 2:
        return mean, float("nan")
    return mean, float(np.sqrt(np.sum(sums**2) * count / (count - 1)) / len(values))


def _beside(designs: pd.DataFrame, answered: pd.DataFrame) -> pd.DataFrame:
    about = answered.drop_duplicates("task").set_index("task")[["group", "kind"]]
    return designs[designs["task"].isin(about.index)].join(about, on="task")


def _classes(table: pd.DataFrame, summary) -> pd.DataFrame:
    """A line of the summary for all tasks, for each kind, and for the tasks of each kind and size."""
    lines = [{"kind": "all", "rows": "all"} | summary(table)]
    for kind, its in table.groupby("kind", sort=True):
        lines.append({"kind": kind, "rows": "all"} | summary(its))
        least = 0.0
        for label, most in SIZES.items():
            some = its[(its["rows"] >= least) & (its["rows"] < most)]
            least = most
            if len(some):
                lines.append({"kind": kind, "rows": label} | summary(some))
    return pd.DataFrame(lines)


def _of_answers(table: pd.DataFrame) -> dict:
    share, error = mean_error(~table["found_by"].isin(KNOWN), table["group"])
    numbers = {"tasks": len(table), "groups": table["group"].nunique(), "designs": share, "error": error}
    return numbers | {
        "default": (table["found_by"] == "default").mean(),
        "spearman": table["spearman"].mean(),
        "validation, test": table["validation, test"].mean(),
        "within 80 %": table["within"].mean(),
    }


def _of_ends(table: pd.DataFrame) -> dict:
    off = np.abs(table["measured"] - table["predicted"])
    return {
        "tasks": table["task"].nunique(),
        "designs": len(table),
        "spearman": _ranked(table, "predicted", "measured"),
        "validation, test": _ranked(table, "score", "test_score"),
        "within 80 %": (off <= INTERVAL_80 * table["deviation"]).mean(),
        "bias": (table["measured"] - table["predicted"]).mean(),
    }


def _ranked(table: pd.DataFrame, one: str, other: str) -> float:
    """Mean Spearman of two columns over the tasks with FEWEST designs, where neither column is constant."""
    ranks = [
        spearman(its[one].to_numpy(), its[other].to_numpy())
        for _, its in table.groupby("task")
        if len(its) >= FEWEST and its[one].nunique() > 1 and its[other].nunique() > 1
    ]
    return float(np.mean(ranks)) if ranks else float("nan")


def _of_first(table: pd.DataFrame) -> dict:
    names = {
        "first design": "test_score",
        "best known": "known_test_score",
        "by validation": "search_test_score",
    }
    line = {"tasks": len(table), "groups": table["group"].nunique()}
    line |= {name: table[column].mean() for name, column in names.items()}
    for name in ("best known", "by validation"):
        gain, error = mean_error(table["test_score"] - table[names[name]], table["group"])
        line |= {f"less {name}": gain, f"error {name}": error}
    return line
