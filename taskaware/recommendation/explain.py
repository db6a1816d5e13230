"""A recommendation as text, as an HTML page, and as a drawing."""

import html

import numpy as np

from taskaware.errors import visible
from taskaware.recommendation.record import Record

LONGEST = 80
"""Characters of a name in a drawing."""


def explain(record: Record) -> str:
    """The recommendation as text, one line for each part."""
    task = record.task
    what = f"{len(task.classes)} classes" if task.classes else "a number"
    nearest = ", ".join(f"{near.name} ({near.distance:.2f})" for near in record.nearest_tasks[:3])
    lines = [
        f"{task.name}: {task.rows:,} rows, {task.features} features, target '{task.target_name}' ({what})",
        f"  network    {record.architecture.text}",
        f"  expected   {_score(record)} on validation rows",
        *_against_default(record),
        f"  nearest    {nearest}",
        f"  found by   {_found_by(record)}",
        *(f"  note       {note}" for note in record.notes),
    ]
    # Names come from files, and none of them may steer a terminal or start a line of its own.
    return "\n".join(map(visible, lines))


def page(record: Record) -> str:
    """The text, a drawing of the network, and the first candidates, as HTML."""
    from taskaware.children.mixture.draw import svg

    drawing = svg(record.space, record.point, inputs=record.task.inputs)
    table = record.candidates.head(5).to_html(index=False)
    return f"<pre>{html.escape(explain(record))}</pre>{drawing}{table}"


def plot(record: Record):
    """The network, and the ascent that found it: a matplotlib Figure."""
    from matplotlib.figure import Figure

    from taskaware.children.mixture.draw import draw_network, plot_ascent

    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    draw_network(record.space, record.point, ax=above, inputs=record.task.inputs)
    # A name is text, also where it holds two dollar signs or what no font can draw.
    name = visible(record.task.name[:LONGEST])
    above.set_title(f"{name}: {_score(record)}", parse_math=False)
    plot_ascent(below, np.array(record.trace).T)
    return figure


def _score(record: Record) -> str:
    return f"{record.task.metric} {record.predicted_score:.3f} ± {record.uncertainty:.3f}"


def _against_default(record: Record) -> list[str]:
    if record.chance is None:
        return []
    better = f"better with probability {record.chance:.2f}"
    return [f"  default    the best on average over training tasks; this network is {better}"]


def _found_by(record: Record) -> str:
    way, seconds = record.ranked[0].found_by, f"{record.seconds:.2f} s"
    if way == "trained":
        return f"short trainings on the dataset, in {seconds}"
    if record.abstained:
        return f"the safe default, because no training task resembles this task, in {seconds}"
    return f"{way}, in {seconds}; nothing was trained"
