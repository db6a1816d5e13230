"""A recommendation as JSON text, and back."""

import dataclasses
import json
import os
from pathlib import Path

from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.recommendation.parts import Candidate, Neighbour, TaskCard
from taskaware.recommendation.recommendation import Recommendation
from taskaware.spaces import space_from

FORMAT = "taskaware recommendation"
VERSION = 2


def written(recommendation: Recommendation) -> str:
    """See `Recommendation.to_json`."""
    fields = {field.name: getattr(recommendation, field.name) for field in dataclasses.fields(recommendation)}
    default = recommendation.default
    fields |= {
        "format": FORMAT,
        "version": VERSION,
        "task": dataclasses.asdict(recommendation.task),
        "space": recommendation.space.to_dict(),
        "ranked": [dataclasses.asdict(candidate) for candidate in recommendation.ranked],
        "default": None if default is None else dataclasses.asdict(default),
        "known": [dataclasses.asdict(neighbour) for neighbour in recommendation.known],
        "meta_features": dict(zip(NAMES, recommendation.meta_features, strict=True)),
        "architecture": recommendation.architecture.description,
    }
    return json.dumps(fields, indent=1, default=str)


def load_recommendation(path: str | os.PathLike) -> Recommendation:
    """Read what `Recommendation.to_json` wrote.

    Raises:
        UserError: there is no such file.
        CheckpointError: it is no recommendation, is damaged, or comes from a newer taskaware.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no recommendation file '{path}'.")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"'{path}' is no JSON ({error}).") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is no taskaware recommendation.")
    if fields.get("version") not in (1, VERSION):
        raise CheckpointError(
            f"'{path}' has format version {fields.get('version')}; this taskaware reads up to {VERSION}. "
            "Update taskaware."
        )
    try:
        return _of_fields(fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"The recommendation in '{path}' is damaged ({error}).") from error


def _of_fields(fields: dict) -> Recommendation:
    task = {**_present(fields["task"]), "classes": tuple(fields["task"]["classes"])}
    ranked = [_candidate(entry) for entry in fields["ranked"]]
    space = space_from(fields["space"])
    if {len(candidate.point) for candidate in ranked} != {space.dimension}:
        raise ValueError("no candidates, or not of this space")
    return Recommendation(
        task=TaskCard(**task),
        space=space,
        ranked=tuple(ranked),
        known=tuple(Neighbour(**_present(entry)) for entry in fields["known"]),
        meta_features=tuple(fields["meta_features"].values()),
        trace=tuple(tuple(row) for row in fields["trace"]),
        notes=tuple(fields["notes"]),
        seed=fields["seed"],
        seconds=fields["seconds"],
        default=_candidate(fields["default"]) if fields.get("default") else None,
        chance=fields.get("chance"),
    )


def _present(fields: dict) -> dict:
    """The fields under their present names; format version 1 said "kind"."""
    return {"problem" if name == "kind" else name: value for name, value in fields.items()}


def _candidate(fields: dict) -> Candidate:
    return Candidate(**{**fields, "point": tuple(fields["point"])})
