"""How credible the expected score of a recommendation is, on tasks held out; and its few coefficients.

The evaluator is fitted without a fold of the groups at a time and picks an architecture for each task of the
fold. The coefficients of the expected score (`taskaware.recommendation.expected`) are fitted to the other
folds too. With --write, they are fitted to all tasks and written into the package. With --kinds, it reports
on texts, images, sounds, series and mixed frames. The evaluator's own scale ("before") is better for them, so
that is what a recommendation says. With --designs, it also reports on what ascents designed for tasks held
out, and no coefficient is fitted to that: a run folder of experiments/designs, in the space `compact`.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize

import taskaware.shipped
from taskaware.files import atomic_write
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.recommendation.expected import FILE, INTERVAL_80, Signs, apply, constant_score, of_share, signs
from taskaware.studies import quality
from taskaware.studies.improve import read_round
from taskaware.studies.selectors import NewTasks
from taskaware.surrogates import EvaluatorSettings, TrainingData, fit_evaluator
from taskaware.surrogates.patterns import kinds_of
from taskaware.surrogates.training_data import architecture_features
from taskaware.tasks.task import PROBLEMS

SHOWN, OTHERS = 6, 4
FREEDOM = 5.0
PENALTY = 1.0
WANTED = 0.82
"""Share of the training picks within their interval; on tasks held out it is a little less."""
VARIANT, CANDIDATE = 0.3, 1 / 6
"""Weights of a variant beside a real task, and of a candidate beside the pick."""


PICK, OTHER, DESIGN = "picks", "other candidates", "designs"
"""What an architecture is to its task."""


class Designed(NamedTuple):
    """Architectures that ascents found for a task and that were trained on it.

    Attributes:
        points: (n, D).
        score: validation score of each, (n,).
    """

    points: np.ndarray
    score: np.ndarray


def designed(run: Path) -> dict[str, Designed]:
    """The designs of the first round of a study, by the name of their task.

    Args:
        run: folder of the study.
    """
    table, points = pd.read_csv(run / "designs.csv"), read_round(run / "round-1.json")
    table = table[table["round"] == 1]
    known = shipped_evaluator().training_data
    digests = dict(zip(known.names, known.digests, strict=True))
    return {
        name: Designed(points[digests[name]].points[its["place"].to_numpy()], its["score"].to_numpy())
        for name, its in table.groupby("task")
        if digests.get(name) in points
    }


def candidates(
    folds: int, seed: int, kinds: bool, designs: Mapping[str, Designed]
) -> tuple[pd.DataFrame, list[Signs]]:
    """A row for each of ten architectures of each task held out, the pick first, and for each design of it.

    Args:
        folds, seed: of the deal.
        kinds: whether the tasks are those of other kinds of data than tables.
        designs: by the name of their task.

    Returns:
        The rows, and the tasks' signs.
    """
    evaluator = shipped_evaluator("universal" if kinds else "compact")
    known, space = evaluator.training_data, evaluator.space
    assert isinstance(known, TrainingData)  # every task has a score of every architecture, or NaN
    judged = (np.array(kinds_of(space, known)) != "tables") == kinds
    features, rng = architecture_features(space, known.u), np.random.default_rng(seed)
    rows, found = [], []
    for fold, dealt in enumerate(quality.held_out(known.take(judged), folds, seed)):
        out = np.isin(known.groups, np.array(known.groups)[judged][dealt])
        evaluator = fit_evaluator(space, known.take(~out), EvaluatorSettings(), seed=seed)
        wanted = np.flatnonzero(out & judged)
        queries = NewTasks.of(known.take(wanted)).queries(space, known.u)
        for task, query in zip(wanted, queries, strict=True):
            posterior = evaluator.posterior(query)
            mean, deviation = (np.asarray(part, float) for part in posterior.mean_std(features))
            order = np.argsort(-(mean - deviation), kind="stable")
            order = order[~np.isnan(known.score[task, order])]
            chosen = np.r_[order[:SHOWN], rng.choice(order[SHOWN:], OTHERS, replace=False)]
            what = [PICK, *[OTHER] * (len(chosen) - 1)]
            mean, deviation, actual = mean[chosen], deviation[chosen], known.score[task, chosen]
            if its := designs.get(known.names[task]):
                more = posterior.mean_std(architecture_features(space, its.points.astype(np.float32)))
                mean, deviation = np.append(mean, more[0]), np.append(deviation, more[1])
                actual, what = np.append(actual, its.score), what + [DESIGN] * len(its.score)
            normalised = [np.asarray(part, float) for part in posterior.unwarp(mean, deviation)]
            before, error = posterior.in_metric_units(*normalised)
            scale = evaluator.scale(query)
            assert query.z is not None and scale is not None  # the queries have meta-features and a problem
            found.append(signs(query.z, scale, *normalised))
            rows.append(
                pd.DataFrame(
                    {
                        "fold": fold,
                        "task": known.names[task],
                        "problem": known.problems[task],
                        "real": known.real[task],
                        "of": what,
                        "actual": actual,
                        "constant": constant_score(query.z),
                        "before": before,
                        "error before": error,
                    }
                )
            )
    return pd.concat(rows, ignore_index=True), found


def together(found: list[Signs]) -> Signs:
    """The signs of many tasks as those of one, each row with its own constant."""
    constant = np.concatenate([np.full(len(one.score["mean"]), one.constant) for one in found])
    score = {name: np.concatenate([one.score[name] for one in found]) for name in found[0].score}
    error = {name: np.concatenate([one.error[name] for one in found]) for name in found[0].error}
    return Signs(constant, score, error)


def rows_of(found: Signs, rows: np.ndarray) -> Signs:
    """Only these rows."""
    parts = ({name: term[rows] for name, term in part.items()} for part in found[1:])
    return Signs(np.asarray(found.constant)[rows], *parts)


def fitted(found: Signs, table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Coefficients by maximum likelihood under Student's t, with a penalty on those of scaled terms."""
    names = [list(found.score), [*found.error, *of_share(np.ones(1) / 2)]]
    terms = [np.stack([found.score[n] for n in names[0]], 1)]
    terms += [np.stack([found.error[n] for n in names[1][:-1]], 1)]
    centres, widths = zip(*(_scale(part) for part in terms), strict=True)
    x, e = ((part - c) / w for part, c, w in zip(terms, centres, widths, strict=True))
    actual = np.maximum(table["actual"].to_numpy(), -1.0)
    weight = np.where(table["real"], 1.0, VARIANT) * np.where(table["of"] == PICK, 1.0, CANDIDATE)
    first = np.zeros(x.shape[1] + e.shape[1] + 1)
    first[x.shape[1]], first[-1] = -1.0, 0.5

    def loss(theta: np.ndarray) -> float:
        a, b = theta[: x.shape[1]], theta[x.shape[1] :]
        share = 1 / (1 + np.exp(-x @ a))
        log_error = e @ b[:-1] + b[-1] * of_share(share)["log_open"]
        off = (actual - found.constant - (1 - found.constant) * share) / np.exp(log_error)
        each = log_error + (FREEDOM + 1) / 2 * np.log1p(off**2 / FREEDOM)
        size = np.sum(a[1:] ** 2) + np.sum(b[1:-1] ** 2) / 2 + (b[-1] - 0.5) ** 2 / 2
        return weight @ each + PENALTY * size

    theta = minimize(loss, first, method="L-BFGS-B", options={"maxiter": 500, "maxfun": 100_000}).x
    a, b = theta[: x.shape[1]] / widths[0], np.append(theta[x.shape[1] : -1] / widths[1], theta[-1])
    a[0] -= centres[0] @ a
    b[0] -= centres[1] @ b[:-1]
    weights = {"score": dict(zip(names[0], a, strict=True)), "error": dict(zip(names[1], b, strict=True))}
    picks = (table["real"] & (table["of"] == PICK)).to_numpy()
    score, error = apply(weights, rows_of(found, picks))
    off = np.abs(score - actual[picks]) / error
    weights["error"]["constant"] += float(np.log(np.quantile(off, WANTED) / INTERVAL_80))
    return {part: {name: float(number) for name, number in its.items()} for part, its in weights.items()}


def _scale(terms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and width of each column; the first one, which is 1, stays."""
    centre, width = terms.mean(0), terms.std(0)
    width[width < 1e-6] = 1.0
    centre[0] = 0.0
    return centre, width


def cross_validated(table: pd.DataFrame, found: Signs) -> pd.DataFrame:
    """The table with the scores `after` and their errors, by coefficients from the other folds."""
    table = table.assign(**{"after": np.nan, "error after": np.nan})
    for problem in table["problem"].unique():
        for fold in table["fold"].unique():
            alike, out = (table["problem"] == problem).to_numpy(), (table["fold"] == fold).to_numpy()
            taught = alike & ~out & (table["of"] != DESIGN).to_numpy()
            weights = fitted(rows_of(found, taught), table[taught])
            table.loc[alike & out, ["after", "error after"]] = np.stack(
                apply(weights, rows_of(found, alike & out)), 1
            )
    return table


def report(table: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute error, coverage and mean half width of the intervals of 80 %, by problem."""
    lines = []
    for (problem, what), part in table[table["real"]].groupby(["problem", "of"], sort=False):
        for name in ("before", "after"):
            off = (part["actual"] - part[name]).abs()
            half = INTERVAL_80 * part[f"error {name}"]
            lines.append(
                {
                    "problem": problem,
                    "of": what,
                    "expected": name,
                    "n": len(part),
                    "mean absolute error": off.mean(),
                    "coverage": (off <= half).mean(),
                    "mean half width": half.mean(),
                    "narrowest tenth": half.quantile(0.1),
                    "widest tenth": half.quantile(0.9),
                    "below the constant": (part[name] < part["constant"]).mean(),
                }
            )
    return pd.DataFrame(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the deal of the folds")
    parser.add_argument("--kinds", action="store_true", help="of other kinds of data than tables")
    parser.add_argument("--write", action="store_true", help="write the coefficients into the package")
    parser.add_argument("--designs", type=Path, help="run folder of experiments/designs")
    parser.add_argument("--out", type=Path, help="write the table of all candidates as CSV")
    settings = parser.parse_args()
    if settings.kinds and settings.write:
        parser.error("--write is for tables; other kinds of data have no coefficients.")
    if settings.designs and (settings.kinds or settings.write):
        parser.error("--designs are those of tables, and nothing is fitted to them.")
    designs = designed(settings.designs) if settings.designs else {}
    table, signs_of = candidates(settings.folds, settings.seed, settings.kinds, designs)
    found = together(signs_of)
    table = cross_validated(table, found)
    print(report(table).round(3).to_string(index=False))
    if settings.out:
        table.to_csv(settings.out, index=False)
    if settings.write:
        alike = {problem: (table["problem"] == problem).to_numpy() for problem in PROBLEMS}
        weights = {problem: fitted(rows_of(found, rows), table[rows]) for problem, rows in alike.items()}
        about = "python benchmarks/expected_score.py --write"
        text = json.dumps({"made by": about, "coefficients": weights}, indent=1)
        atomic_write(Path(taskaware.shipped.__file__).parent / FILE, f"{text}\n".encode(), replace=True)


if __name__ == "__main__":
    main()
