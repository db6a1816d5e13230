"""Ablations: evaluations that differ in one setting each, and learning curves."""

import dataclasses
import io
import re
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskaware.errors import UserError
from taskaware.files import atomic_write
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet
from taskaware.studies.evaluate import EvaluateSettings, evaluate
from taskaware.studies.settings import overridden

AS_IT_IS = "as it is"
SHOWN = (
    "spearman",
    "test_score",
    "test_score_se",
    "regret",
    "worth",
    "worth_se",
    "worth_normalised",
    "coverage",
)
FEWEST_POINTS = 3


@discreet
@dataclasses.dataclass(frozen=True)
class VarySettings:
    """Settings of a study of changes."""

    # The reference evaluation.
    evaluate: EvaluateSettings = EvaluateSettings(methods=("evaluator",), seeds=3)
    # Changes: each is "key=value", or several separated by blanks that are applied together.
    changes: tuple[str, ...] = ("evaluator.network=bilinear",)

    def check(self) -> "VarySettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a value is out of range, or a change names none of the evaluation's settings.
        """
        self.evaluate.check()
        if len(set(self.changes)) < len(self.changes):
            raise UserError("A change is named twice. Name each once.")
        for change in self.changes:
            self.changed(change)
        return self

    def changed(self, change: str) -> EvaluateSettings:
        """The evaluation with a change."""
        return overridden(self.evaluate, change.split())

    def smoke(self) -> "VarySettings":
        """A version that takes seconds: one method, eight tasks, the last change."""
        small = dataclasses.replace(self.evaluate.smoke(), methods=self.evaluate.methods[:1], tasks=8)
        return dataclasses.replace(self, evaluate=small, changes=self.changes[-1:])


def vary(settings: VarySettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Run the reference evaluation and one for each change; each has a folder in the run folder.

    Writes `changes.csv` (a row for each change and method, see `row`), and, where changes give one setting
    several numbers, `curves.png`.

    Args:
        settings: checked before any work.
        folder: the run folder; finished jobs of its evaluations are not repeated.
        show: see `runner.Progress`.

    Returns:
        The summary: jobs that were to be done, those that failed, and the rows by change.
    """
    began = time.perf_counter()
    settings.check()
    rows, first, jobs, failed = [], None, 0, 0
    for change in (AS_IT_IS, *settings.changes):
        evaluation = settings.evaluate if change == AS_IT_IS else settings.changed(change)
        path = folder.path / re.sub(r"[^\w.=-]+", "_", change)
        summary = evaluate(evaluation, RunFolder.open(path, "evaluate", evaluation), show)
        jobs, failed = jobs + summary["jobs"], failed + summary["failed"]
        picks = pd.read_csv(path / "picks.csv")
        first = picks if first is None else first
        rows += [
            row(change, name, found, picks=picks, first=first) for name, found in summary["methods"].items()
        ]
    table = pd.DataFrame(rows)
    folder.write_table("changes", table)
    draw(table, folder)
    result = {"jobs": jobs, "failed": failed, "changes": table.to_dict("records")}
    folder.finish(jobs=jobs, failed=failed, seconds=time.perf_counter() - began, summary=result)
    return result


def row(change: str, method: str, found: dict, *, picks: pd.DataFrame, first: pd.DataFrame) -> dict:
    """The numbers of `quality.standing`, and the loss by the change on the same tasks and seeds.

    Args:
        change: of the settings.
        method: name of the method.
        found: summary of the method in the evaluation.
        picks: of the evaluation with the change.
        first: picks of the reference evaluation.

    Returns:
        Plain data. `lost` is the mean difference of the picks' test scores to those of the same method (or
        the only one) without the change, `lost_se` its standard error over groups.
    """
    reference = first[first["method"] == method] if (first["method"] == method).any() else first
    pair = [
        t.groupby(["group", "task"])["test_score"].mean()
        for t in (picks[picks["method"] == method], reference)
    ]
    lost = (pair[1] - pair[0]).groupby("group").mean()
    shown = {name: found[name] for name in SHOWN}
    return {
        "change": change,
        "method": method,
        **shown,
        "lost": float(lost.mean()),
        "lost_se": float(lost.sem()),
    }


def numbered(changes: Sequence[str]) -> dict[str, list[tuple[float, str]]]:
    """Settings that changes give several numbers: (number, change), rising.

    >>> numbered(["tasks=8", "tasks=3", "tasks=5", "deal=far"])
    {'tasks': [(3.0, 'tasks=3'), (5.0, 'tasks=5'), (8.0, 'tasks=8')]}
    """
    found: dict[str, list[tuple[float, str]]] = {}
    for change in changes:
        match = re.fullmatch(r"([\w.]+)=(\d+(?:\.\d+)?)", change)
        if match:
            found.setdefault(match[1], []).append((float(match[2]), change))
    return {key: sorted(points) for key, points in found.items() if len(points) >= FEWEST_POINTS}


def draw(table: pd.DataFrame, folder: RunFolder) -> None:
    """Plot the test score against each setting with several values, a line for each method."""
    from matplotlib.figure import Figure

    curves = numbered(list(dict.fromkeys(table["change"])))
    if not curves:
        return
    figure = Figure(figsize=(5 * len(curves), 3.6), layout="constrained")
    for axes, (key, points) in zip(
        np.ravel(figure.subplots(1, len(curves), squeeze=False)), curves.items(), strict=True
    ):
        for number, (method, its) in enumerate(table.groupby("method", sort=False)):
            its = its.set_index("change")
            at = [(value, its.loc[change]) for value, change in points if change in its.index]
            values = [value for value, _ in at]
            scores, errors = ([r[name] for _, r in at] for name in ("test_score", "test_score_se"))
            axes.errorbar(values, scores, errors, marker="o", capsize=3, label=method, color=f"C{number}")
            if AS_IT_IS in its.index:
                axes.axhline(its.loc[AS_IT_IS, "test_score"], color=f"C{number}", linestyle=":", linewidth=1)
        axes.set(xscale="log", xlabel=key, ylabel="mean test score of the pick")
        axes.set_title("dotted: all of them", fontsize=9)
        axes.legend(fontsize=8)
    drawing = io.BytesIO()
    figure.savefig(drawing, format="png", dpi=120)
    atomic_write(folder.path / "curves.png", drawing.getvalue())
