"""A recommendation as text and as an HTML page."""

import html

import numpy as np

from taskaware.errors import visible
from taskaware.recommendation.expected import constant_score
from taskaware.recommendation.record import Record
from taskaware.tasks.outputs import single_problem


def explain(record: Record) -> str:
    """The recommendation as text, one line for each part."""
    task = record.task
    what = f"{len(task.classes)} classes" if task.classes else "a number"
    if task.several:
        what = f"{task.outputs} {'labels' if task.problem == 'multilabel' else 'numbers'}"
    nearest = ", ".join(f"{near.name} ({near.distance:.2f})" for near in record.nearest_tasks[:3])
    lines = [
        f"{task.name}: {task.rows:,} rows, {task.features} features, target '{task.target_name}' ({what})",
        f"  network    {record.architecture.text}",
        f"  {_sort(record)}   {score_text(record)} on validation rows{_measured(record)}",
        *_against_constant(record),
        *_against_default(record),
        f"  size       {record.cost.text}",
        *([f"  limits     {record.prefer.text}"] if record.prefer.limited else []),
        f"  nearest    {nearest}",
        f"  origin     {_found_by(record)}",
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


def score_text(record: Record) -> str:
    """The score of the recommended architecture and its error, in the metric's unit."""
    return f"{record.task.metric} {record.predicted_score:.3f} ± {record.uncertainty:.3f}"


def _sort(record: Record) -> str:
    return "measured" if record.ranked[0].measured else "expected"


def _measured(record: Record) -> str:
    return " of this dataset, in the experience" if record.ranked[0].measured else ""


def _against_constant(record: Record) -> list[str]:
    if single_problem(record.task.problem) != "classification":
        return []
    reached = constant_score(np.array(record.meta_features))
    of_each = " of each label" if record.task.several else ""
    return [f"  constant   {record.task.metric} {reached:.3f}, always the most frequent class{of_each}"]


def _against_default(record: Record) -> list[str]:
    if record.chance is None:
        return []
    better = f"better with probability {record.chance:.2f}"
    return [f"  default    the best on average over known tasks; this architecture is {better}"]


def _found_by(record: Record) -> str:
    way, seconds = record.ranked[0].found_by, f"{record.seconds:.2f} s"
    if way == "trained":
        return f"short trainings on the dataset, in {seconds}"
    if record.abstained:
        return f"the safe default, because no known task resembles this task; in {seconds}"
    return f"{_ORIGINS[way]}; in {seconds}, with no training on the dataset"


_ORIGINS = {
    "known": "a known architecture, trained on other tasks",
    "ascent": "a design of gradient ascent, never trained before",
    "discretised": "a design of gradient ascent, rounded to a plain network",
    "narrowed": "a known architecture of a near task, made smaller",
}
