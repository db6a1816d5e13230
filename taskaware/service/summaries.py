"""Recommendations and models as plain JSON, for answers of the service."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskaware.children.mixture.describe import summary
from taskaware.children.mixture.draw import svg
from taskaware.recommendation.cost import cost_of
from taskaware.recommendation.expected import INTERVAL_80
from taskaware.recommendation.recommendation import Recommendation
from taskaware.recommendation.record import Record
from taskaware.tasks.metrics import METRICS
from taskaware.tasks.task import Task
from taskaware.training.model import Model


def of_recommendation(rec: Recommendation) -> dict[str, Any]:
    """What people and programs ask of a recommendation."""
    return {
        "architecture": rec.architecture.text,
        "layers": rec.architecture.description,
        "metric": rec.task.metric,
        "problem": rec.task.problem,
        "target": rec.task.target_columns,
        "classes": list(rec.task.classes),
        "rows": rec.task.rows,
        "features": rec.task.features,
        "modality": rec.task.modality,
        "predicted_score": rec.predicted_score,
        "uncertainty": rec.uncertainty,
        "interval": _interval(rec),
        "measured": rec.ranked[0].measured,
        "chance": rec.chance,
        "abstained": rec.abstained,
        "size": rec.size,
        "macs": rec.macs,
        "latency": rec.latency,
        "seconds": rec.seconds,
        "notes": list(rec.notes),
        "neighbours": rec.neighbours.to_dict("records"),
        "candidates": _candidates(rec),
    }


def of_task(task: Task) -> dict[str, Any]:
    """What was assumed of a dataset with its target."""
    return {
        "problem": task.problem,
        "modality": task.modality,
        "metric": task.metric,
        "rows": task.rows,
        "classes": [str(label) for label in task.classes[:100]],
        "class_count": len(task.classes),
        "notes": list(task.notes),
    }


def of_model(model: Model) -> dict[str, Any]:
    """What people and programs ask of a trained model."""
    names = [name for name in model.reader.names if name not in model.target_columns] if model.reader else []
    return {
        "problem": model.problem,
        "metric": model.metric,
        "score": model.best_score,
        "score_text": METRICS.named(model.metric).text(model.best_score),
        "target": list(model.target_columns),
        "classes": [str(label) for label in model.classes],
        "modality": model.modality,
        "members": model.members,
        "columns": _columns(model, names),
        "history": model.history.to_dict("list"),
    }


def drawing(rec: Record) -> str:
    """The network of a recommendation as one `<svg>` element."""
    return svg(rec.space, rec.point, inputs=rec.task.inputs)


def plain(value: Any) -> Any:
    """The value as JSON has it: None for a number that is not finite, text for what JSON lacks.

    >>> plain({"a": float("nan"), "b": (1, np.float32(0.5))})
    {'a': None, 'b': [1, 0.5]}
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    return str(value)


def _interval(rec: Recommendation) -> list[float]:
    """Ends of the 80 % interval of the expected score, within the range of the metric."""
    metric = METRICS.named(rec.task.metric)
    wide = INTERVAL_80 * rec.uncertainty
    ends = (rec.predicted_score - wide, rec.predicted_score + wide)
    return [float(np.clip(end, metric.low, metric.high)) for end in ends]


def _candidates(rec: Recommendation) -> list[dict[str, Any]]:
    inputs = rec.task.inputs
    found = []
    for one in rec.ranked:
        point = np.array(one.point, np.float32)
        cost = cost_of(rec.space, point, rec.task, rec.prefer)
        found.append(
            {
                "architecture": summary(rec.space, point, inputs=inputs),
                "predicted_score": one.predicted_score,
                "uncertainty": one.uncertainty,
                "found_by": one.found_by,
                "size": cost.size,
                "macs": cost.macs,
                "latency": cost.latency,
            }
        )
    return found


def _columns(model: Model, names: list[str]) -> list[dict[str, Any]]:
    """The columns that a row for prediction has, with the labels of categories, for a form."""
    table = getattr(model.reader, "table", model.reader)
    fields = {field.name: field for field in getattr(table, "fields", ())}
    found: list[dict[str, Any]] = []
    for name in names:
        field = fields.get(name)
        if field is not None and not field.used:
            continue
        labels = list(field.categories[:200]) if field is not None else []
        kind = field.kind if field is not None else ""
        found.append({"name": name, "kind": kind, "labels": labels})
    others = {each.column: each.modality.name for each in getattr(model.reader, "columns", ())}
    if not fields and not others:
        others = dict.fromkeys(names, model.modality)
    return [each | {"modality": others.get(each["name"], "tables")} for each in found]
