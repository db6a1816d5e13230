"""A recommendation as JSON text, and back to its fields."""

import dataclasses
import json
import os
from pathlib import Path
from typing import cast

from taskaware import plain
from taskaware.errors import CheckpointError, UserError, quoted
from taskaware.files import is_file
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.recommendation import checking
from taskaware.recommendation.parts import Candidate, Neighbour, TaskCard
from taskaware.recommendation.record import Record
from taskaware.saved import read_json
from taskaware.secrets import in_plain
from taskaware.spaces import MixtureSpace, space_from
from taskaware.tasks.outputs import Outputs

FORMAT = "taskaware recommendation"
VERSION = 4
_OLDER_NAMES = {"kind": "problem", "came_from": "found_by", "known": "nearest_tasks"}
"""Fields by the names that they had in versions 1 and 2."""


def to_text(record: Record) -> str:
    """See `Recommendation.to_json`."""
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    default = record.default
    del fields["scored"]
    fields |= {
        "format": FORMAT,
        "version": VERSION,
        "task": _card(record.task),
        "space": record.space.to_dict(),
        "ranked": [dataclasses.asdict(candidate) for candidate in record.ranked],
        "default": None if default is None else dataclasses.asdict(default),
        "prefer": record.prefer.to_dict(),
        "cost": dataclasses.asdict(record.cost),
        "front": [dataclasses.asdict(candidate) for candidate in record.front],
        "nearest_tasks": [dataclasses.asdict(neighbour) for neighbour in record.nearest_tasks],
        "meta_features": dict(zip(NAMES, record.meta_features, strict=True)),
        "architecture": record.architecture.description,
    }
    return json.dumps(in_plain(fields, _whole_characters), indent=1, default=str)


def _card(card: TaskCard) -> dict:
    """The card as plain JSON; that of one output is as it was before there were several."""
    fields = dataclasses.asdict(card)
    del fields["several"]
    return fields | ({"several": card.several.to_dict()} if card.several else {})


def _whole_characters(text: str) -> str:
    """The text with "?" for each half of a character, which a file name of another encoding has."""
    return text.encode("utf-8", "replace").decode()


def read_fields(path: str | os.PathLike) -> dict:
    """The fields of the recommendation that `Recommendation.to_json` wrote, now or in an earlier version.

    Raises:
        UserError: there is no such file.
        CheckpointError: it is no recommendation, is damaged, or comes from a newer taskaware.
    """
    path = Path(path)
    if not is_file(path):
        raise UserError(f"There is no recommendation file {quoted(str(path))}.")
    try:
        fields = read_json(path, finite=False)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"'{path}' is no JSON ({error}).") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise CheckpointError(f"'{path}' is no taskaware recommendation.")
    if fields.get("version") not in range(1, VERSION + 1):
        raise CheckpointError(
            f"'{path}' has format version {quoted(fields.get('version'))}; this taskaware reads up to "
            f"{VERSION}. Update taskaware."
        )
    try:
        return _of_fields(fields)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(f"The recommendation in '{path}' is damaged ({error}).") from error


def _of_fields(fields: dict) -> dict:
    fields = _present(fields)
    task = {**_present(fields["task"]), "classes": tuple(fields["task"]["classes"])}
    for pairs in ("widths", "kinds", "modalities"):
        task[pairs] = tuple((name, value) for name, value in task.get(pairs, ()))
    task["drop"] = tuple(task.get("drop", ()))
    task["several"] = Outputs.from_dict(task.get("several"))
    # What an answer tells of an architecture, it tells of a mixture.
    space = cast(MixtureSpace, space_from(fields["space"]))
    ranked = plain.row("list of candidates", fields["ranked"], least=1, most=checking.CANDIDATES)
    front = plain.row("front", fields.get("front", ()), most=checking.CANDIDATES)
    neighbours = (Neighbour(**_present(entry)) for entry in fields["nearest_tasks"])
    rest = {
        "meta_features": tuple(fields["meta_features"].values()),
        "trace": tuple(tuple(row) for row in fields["trace"]),
        "notes": tuple(fields["notes"]),
        "seed": fields["seed"],
        "seconds": fields["seconds"],
        "chance": fields.get("chance"),
    }
    return {
        "task": checking.checked_card(TaskCard(**task)),
        "space": space,
        "ranked": tuple(_candidate(entry, space) for entry in ranked),
        "nearest_tasks": tuple(map(checking.checked_neighbour, neighbours)),
        "default": _candidate(fields["default"], space) if fields.get("default") else None,
        "prefer": checking.checked_preference(fields.get("prefer", {})),
        "scored": tuple(_candidate(entry, space) for entry in front),
        **checking.checked_rest(rest),
    }


def _present(fields: dict) -> dict:
    """The fields under their present names."""
    return {_OLDER_NAMES.get(name, name): value for name, value in fields.items()}


def _candidate(fields: dict, space: MixtureSpace) -> Candidate:
    candidate = Candidate(**{**_present(fields), "point": tuple(fields["point"])})
    return checking.checked_candidate(candidate, space)
