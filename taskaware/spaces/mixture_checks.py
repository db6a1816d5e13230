"""What may stand in the definition of a mixture space that was read from a file."""

import math
from collections.abc import Mapping
from typing import Any

from taskaware import plain
from taskaware.errors import UserError, quoted

ACTIVATIONS = ("relu", "tanh", "silu", "selu", "mish")
"""Names that a definition may use; the child knows their functions."""
GATES = ("residual", "normalisation", "scaling", "ensemble")
"""Parts of a network that are there by a share: each layer's input added to its output; each layer's input
brought to mean 0 and variance 1; a learned factor of each input column; members that share their weights."""
MEMBERS = 8
"""Members of an ensemble, which share their weights (k in TabM)."""
RECIPE = {
    **{"learning_rate": 10.0, "weight_decay": 10.0, "dropout": 0.99},
    **{"label_smoothing": 0.99, "beta2": 0.9999, "coslog4": 1.0},
    **dict.fromkeys(GATES, 1.0),
}
"""Coordinates of a recipe, and the largest value of each."""
LAYERS, SIZES, WIDEST, EMBEDDINGS = 200, 64, 2**16, 64
LARGEST = 100_000
"""Numbers of a point, at most."""
FIELDS = ("name", "layers", "sizes", "activations", "embeddings", "recipe", "shared_weights", "width_odds")


def checked(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a definition, each found to be what it has to be; without its "type".

    Raises:
        UserError: a field is missing, unknown, or no name, list or finite number that may stand there.

    >>> checked({"layers": 3})
    Traceback (most recent call last):
    ...
    taskaware.errors.UserError: A mixture space lacks 'name'. Its fields: name, layers, ...
    """
    data = plain.table("the space", data)
    for field in FIELDS:
        if field not in data:
            raise UserError(f"A mixture space lacks '{field}'. Its fields: {', '.join(FIELDS)}.")
    for field in data:
        if field not in (*FIELDS, "type"):
            raise UserError(f"A mixture space has no field {quoted(field)}. Allowed: {', '.join(FIELDS)}.")
    found: dict[str, Any] = {
        "name": plain.name("name of the space", data["name"], longest=200),
        "layers": plain.whole("number of layers", data["layers"], low=1, high=LAYERS),
        "sizes": _sizes(data["sizes"]),
        "activations": _distinct("activation", data["activations"], ACTIVATIONS),
        "embeddings": _embeddings(data["embeddings"]),
        "recipe": tuple(map(_coordinate, plain.row("recipe", data["recipe"], most=len(RECIPE)))),
        "shared_weights": _flag("shared_weights", data["shared_weights"]),
        "width_odds": _odds(data["width_odds"], data["sizes"]),
    }
    _unique("recipe", [coordinate["name"] for coordinate in found["recipe"]])
    _check_dimension(found)
    return found


def _sizes(values: object) -> tuple[int, ...]:
    sizes = tuple(
        plain.whole("size of a layer", size, low=1, high=WIDEST)
        for size in plain.row("sizes", values, least=1, most=SIZES)
    )
    if list(sizes) != sorted(set(sizes)):
        raise UserError(f"The sizes are {quoted(list(sizes))}. Allowed: each once, in ascending order.")
    return sizes


def _distinct(what: str, values: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(
        plain.one_of(what, value, allowed)
        for value in plain.row(f"list of {what}s", values, least=1, most=len(allowed))
    )
    _unique(what, list(found))
    return found


def _embeddings(values: object) -> tuple[tuple[str, ...], ...]:
    groups = tuple(
        tuple(
            plain.word("name of an embedding", name)
            for name in plain.row("group of embeddings", group, least=1, most=EMBEDDINGS)
        )
        for group in plain.row("list of embeddings", values, least=1, most=EMBEDDINGS)
    )
    _unique("embedding", [name for group in groups for name in group])
    return groups


def _coordinate(value: object) -> dict[str, Any]:
    fields = {"log": False, "gate": 0.0, **plain.table("coordinate of the recipe", value)}
    if set(fields) != {"name", "low", "high", "log", "gate"}:
        raise UserError(
            f"A coordinate of the recipe has {quoted(sorted(fields))}. Allowed: name, low, high, log, gate."
        )
    name = plain.one_of("coordinate of the recipe", fields["name"], tuple(RECIPE))
    low = plain.number(f"low of {name}", fields["low"], low=0.0, high=RECIPE[name])
    high = plain.number(f"high of {name}", fields["high"], low=low, high=RECIPE[name])
    if _flag(f"log of {name}", fields["log"]) and not low > 0:
        raise UserError(
            f"The low of {name} is {low:g}, and it has no logarithm. Allowed: above 0, or log false."
        )
    gate = plain.number(f"gate of {name}", fields["gate"], low=0.0, high=1.0)
    if (gate > 0) != (name in GATES) or (gate and (low, high) != (0.0, 1.0)):
        raise UserError(
            f"The coordinate {name} has gate {gate:g} and goes from {low:g} to {high:g}. Allowed: "
            f"{', '.join(GATES)} with a gate above 0, from 0 to 1; other coordinates without one."
        )
    return {"name": name, "low": low, "high": high, "log": fields["log"], "gate": gate}


def _odds(values: object, sizes: object) -> tuple[float, ...]:
    count = len(plain.row("sizes", sizes))
    odds = tuple(
        plain.number("width_odds", each, low=0.0, high=1.0)
        for each in plain.row("width_odds", values, least=count, most=count)
    )
    if not math.isclose(sum(odds), 1.0, abs_tol=1e-3):
        raise UserError(f"The width_odds sum to {sum(odds):g}. Allowed: 1.")
    return odds


def _flag(what: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UserError(f"{what} is {quoted(value)}. Allowed: true, false.")
    return value


def _unique(what: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise UserError(f"A name of the {what}s stands twice among {quoted(names)}. Allowed: each once.")


def _check_dimension(found: Mapping[str, Any]) -> None:
    baselines = len(found["sizes"]) * len(found["activations"])
    if found["layers"] * (baselines + 2) > LARGEST:
        raise UserError(f"A point of the space has more than {LARGEST:,} numbers. Allowed: fewer.")
