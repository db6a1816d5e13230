"""The candidates that no other beats, as a table and a plot."""

from typing import TYPE_CHECKING, Any

import numpy as np

from taskaware.children.mixture.cost import exactly
from taskaware.children.mixture.describe import summary
from taskaware.errors import visible
from taskaware.recommendation.cost import members_of, reads_of, within
from taskaware.recommendation.record import Record

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 80


def table(record: Record, measure: bool = False) -> "pd.DataFrame":
    """See `Recommendation.pareto`."""
    import pandas as pd

    if not record.front:
        return pd.DataFrame(columns=["architecture", *_columns(measure)])
    points = np.array([one.point for one in record.front], np.float32)
    counts = exactly(record.space, points, reads_of(record.space, record.task, record.prefer))
    keeps = within(counts, record.prefer)
    inputs = record.task.inputs
    found = pd.DataFrame(
        {
            "architecture": [summary(record.space, point, inputs=inputs) for point in points],
            "predicted_score": [one.predicted_score for one in record.front],
            "uncertainty": [one.uncertainty for one in record.front],
            "size": counts.parameters.astype(int),
            "macs": counts.multiply_adds.astype(int),
            "latency": counts.seconds,
            "found_by": [one.found_by for one in record.front],
            "within": keeps,
            "recommended": [one.point == record.ranked[0].point for one in record.front],
        }
    )
    if measure:
        found.insert(6, "measured", [measured(record, point) for point in points])
    return found.sort_values(["size", "macs"], kind="stable", ignore_index=True)


def measured(record: Record, point: np.ndarray) -> float:
    """Seconds that the networks of an architecture take for 1,000 encoded rows on this machine."""
    from taskaware.training.timing import Shape, measured_seconds

    card = record.task
    shape = Shape(
        card.columns, card.problem, card.outputs, card.several is not None, members_of(card, record.prefer)
    )
    return measured_seconds(record.space, point, shape)


def plot(record: Record):
    """Expected score over size, the answer and the limit marked: a matplotlib Figure."""
    from matplotlib.figure import Figure

    found = table(record)
    figure = Figure(figsize=(8, 5), layout="constrained")
    ax = figure.subplots()
    for inside, colour in ((True, "#2563eb"), (False, "#9ca3af")):
        part = found[found["within"] == inside]
        if len(part):
            style: dict[str, Any] = {"fmt": "o", "color": colour, "capsize": 3, "lw": 1}
            label = None if not record.prefer.limited else "within the limits" if inside else "beyond them"
            ax.errorbar(part["size"], part["predicted_score"], part["uncertainty"], label=label, **style)
    answer = found[found["recommended"]]
    ax.plot(
        answer["size"], answer["predicted_score"], "D", color="#c4505a", ms=9, label="recommended", zorder=5
    )
    if record.prefer.size is not None:
        ax.axvline(record.prefer.size, color="#c4505a", lw=1, ls="--")
    ax.set_xscale("log")
    ax.set_xlabel("parameters of all networks that are averaged")
    ax.set_ylabel(f"expected {record.task.metric}")
    ax.set_title(visible(record.task.name[:LONGEST]), parse_math=False)
    ax.legend(frameon=False, loc="best")
    return figure


def _columns(measure: bool) -> list[str]:
    own = ["predicted_score", "uncertainty", "size", "macs", "latency", "found_by", "within", "recommended"]
    return own + ["measured"] * measure
