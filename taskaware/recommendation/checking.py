"""What may stand in the file of a recommendation."""

import numpy as np

from taskaware import plain
from taskaware.data.description import KINDS
from taskaware.errors import UserError, quoted
from taskaware.recommendation.parts import Candidate, Neighbour, TaskCard
from taskaware.recommendation.preference import Preference
from taskaware.spaces import MixtureSpace
from taskaware.spaces.mixture import BOUND
from taskaware.tasks.metrics import METRICS
from taskaware.tasks.outputs import SEVERAL
from taskaware.tasks.task import ALL_PROBLEMS, PROBLEMS

CLASSES, CANDIDATES, NOTES, ROUNDS = 100_000, 100_000, 10_000, 100_000
COLUMNS = 10_000_000
"""Columns of all embeddings, at most."""
ROWS = 10**15
NOTE = 100_000
"""Characters of a note, at most."""
LARGEST_SEED = 2**63 - 1


def checked_card(card: TaskCard) -> TaskCard:
    """The card itself, if every field of it is what it has to be.

    Raises:
        UserError: it is not; the message names the field and what is allowed.
    """
    plain.name("name of the task", card.name, longest=100_000)
    plain.one_of("problem", card.problem, ALL_PROBLEMS)
    if (card.several is not None) != (card.problem in SEVERAL):
        raise UserError(
            f"Problem '{card.problem}' and its outputs do not fit. Allowed: outputs of several only."
        )
    plain.one_of("metric", card.metric, METRICS)
    plain.name("name of the target", card.target_name, longest=100_000)
    _check_classes(plain.row("list of classes", card.classes, most=CLASSES))
    for field in ("rows", "features"):
        plain.whole(f"number of {field}", getattr(card, field), high=ROWS)
    for field in ("numbers", "categories"):
        plain.whole(f"number of columns '{field}'", getattr(card, field), high=COLUMNS)
    if card.own_metric:
        plain.one_of("metric of its own", card.own_metric, METRICS)
    plain.word("modality", card.modality)
    for name, width in plain.row("list of widths", card.widths, most=1000):
        plain.whole(f"width of {plain.word('name of an embedding', name)}", width, high=COLUMNS)
    for name, kind in plain.row("list of kinds", card.kinds, most=COLUMNS):
        plain.one_of(f"kind of {plain.name('name of a column', name, longest=100_000)}", kind, KINDS)
    for name, modality in plain.row("list of modalities", card.modalities, most=COLUMNS):
        plain.name("name of a column", name, longest=100_000), plain.word("modality", modality)
    for name in plain.row("list of dropped columns", card.drop, most=COLUMNS):
        plain.name("name of a dropped column", name, longest=100_000)
    plain.whole("number of all columns", sum(width for _, width in card.widths), high=COLUMNS)
    if card.problem == "classification" and not card.classes:
        raise UserError("A classification without classes. Allowed: 1 class or more.")
    return card


def checked_candidate(candidate: Candidate, space: MixtureSpace) -> Candidate:
    """The candidate itself, if it is a point of the space with finite numbers.

    Raises:
        UserError: it is not.
    """
    point = plain.row("point", candidate.point, least=space.dimension, most=space.dimension)
    for value in point:
        plain.number("number of a point", value)
    if isinstance(space, MixtureSpace):
        _check_inside(space, np.array(point, float))
    plain.number("predicted_score", candidate.predicted_score)
    plain.number("uncertainty", candidate.uncertainty, low=0.0)
    plain.word("found_by", candidate.found_by)
    return candidate


def checked_preference(fields: object) -> Preference:
    """The preference that `Preference.to_dict` wrote.

    Raises:
        UserError: it is none.
    """
    given = plain.table("preference", fields)
    for value in given.values():
        plain.number("limit", value, low=0.0)
    return Preference.of(given)


def checked_neighbour(neighbour: Neighbour) -> Neighbour:
    """The neighbour itself, if it has a name and finite numbers.

    Raises:
        UserError: it has not.
    """
    plain.name("name of a known task", neighbour.name)
    plain.one_of("problem of a known task", neighbour.problem, PROBLEMS)
    plain.number("distance of a known task", neighbour.distance, low=0.0)
    plain.number("top_score of a known task", neighbour.top_score)
    return neighbour


def checked_rest(fields: dict) -> dict:
    """The other fields of a record, checked: numbers, notes, seed and time.

    Raises:
        UserError: one is not what it has to be.
    """
    for value in plain.row("list of meta-features", fields["meta_features"], most=10_000):
        plain.number("meta-feature", value)
    for row in plain.row("trace", fields["trace"], most=ROUNDS):
        for value in plain.row("round of the trace", row, most=ROUNDS):
            plain.number("number of the trace", value)
    for note in plain.row("list of notes", fields["notes"], most=NOTES):
        plain.name("note", note, longest=NOTE)
    plain.whole("seed", fields["seed"], high=LARGEST_SEED)
    plain.number("seconds", fields["seconds"], low=0.0)
    if fields["chance"] is not None:
        plain.number("chance", fields["chance"], low=0.0, high=1.0)
    return fields


def _check_classes(classes) -> None:
    for label in classes:
        if not isinstance(label, str | bool) and not plain.is_number(label):
            raise UserError(f"A class is {quoted(label)}. Allowed: text, a finite number, true or false.")
    if len({(type(label), label) for label in classes}) < len(classes):
        raise UserError("A class stands twice in the list. Allowed: each once.")


def _check_inside(space: MixtureSpace, point: np.ndarray) -> None:
    """As `MixtureSpace.contains`, without a compiled program."""
    cut = space.dimension - len(space.recipe)
    logits, recipe = point[:cut], point[cut:]
    if not ((np.abs(logits) <= BOUND).all() and ((recipe >= 0) & (recipe <= 1)).all()):
        raise UserError(
            f"A point lies outside the space '{space.name}'. Allowed: logits within ±{BOUND:g}, "
            "recipe within 0 to 1."
        )
