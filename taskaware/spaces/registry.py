"""Which spaces there are, by the type that their files name, and the one reader of them all."""

from collections.abc import Mapping
from typing import Any

from taskaware import plain
from taskaware.errors import UserError, quoted
from taskaware.registry import Registry
from taskaware.spaces.space import Space

SPACES: Registry[type[Space]] = Registry(
    "space type",
    {
        "mixture": "taskaware.spaces.mixture:MixtureSpace",
        "cells": "taskaware.spaces.cells:CellSpace",
        "chain": "taskaware.spaces.chain:ChainSpace",
        "front": "taskaware.spaces.front:FrontSpace",
        "recurrent-cells": "taskaware.spaces.recurrent_cells:RecurrentCellSpace",
        "choices": "taskaware.spaces.choices:ChoiceSpace",
        "relaxed-choices": "taskaware.spaces.relaxed:RelaxedChoices",
        "update-rules": "taskaware.spaces.rules.space:RuleSpace",
    },
)
"""Type name → class."""


def space_from(data: Mapping[str, Any]) -> Space:
    """The space that `Space.to_dict` wrote; without a "type" it is a mixture, as older files have it.

    Raises:
        UserError: there is no such type (the nearest name is given), or a field is not what may stand there.

    >>> from taskaware.spaces import preset
    >>> space_from(preset("compact").to_dict()) == preset("compact")
    True
    """
    kind = plain.name("type of the space", plain.table("the space", data).get("type", "mixture"))
    try:
        return SPACES.named(kind).from_dict(data)
    except UserError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A space of a third party need not check what it reads.
        raise UserError(f"The definition of the {kind} space is damaged ({quoted(str(error))}).") from error


def type_of(space: Any) -> str:
    """The type that a space is registered by: its attribute `type`, or what `to_dict` writes.

    A child can be written, and tested, for less than a whole `Space`; so this asks for no more than that.

    >>> from taskaware.spaces import preset
    >>> type_of(preset("compact"))
    'mixture'
    """
    return getattr(space, "type", "") or space.to_dict()["type"]
