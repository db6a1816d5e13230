"""A point as people keep it: Flax module, source code, drawing; one registry by the type of the space."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from taskaware.errors import UserError
from taskaware.registry import Registry
from taskaware.spaces import type_of


class Sizes(NamedTuple):
    """What a network reads and gives.

    Attributes:
        widths: columns of each embedding of the task.
        outputs: K, classes, labels or values.
        link: what the outputs are: logits of "classes" or of "labels", or "values".
    """

    widths: Mapping[str, int]
    outputs: int
    link: str


class Forms(NamedTuple):
    """Functions of (space, point (D,), `Sizes`); None for a form that points of the space do not have.

    Attributes:
        module: gives a Flax module.
        source: gives code that runs alone.
        draw: gives a matplotlib Figure.
    """

    module: Callable | None = None
    source: Callable | None = None
    draw: Callable | None = None


FORMS: Registry[Forms] = Registry(
    "type of space with written forms",
    {
        "mixture": "taskaware.children.mixture.forms:FORMS",
        "cells": "taskaware.children.cells.forms:FORMS",
        "chain": "taskaware.children.chain.forms:FORMS",
        "update-rules": "taskaware.children.rules.forms:FORMS",
    },
)
"""Type of a space (its `type`) → the forms of its points."""


def written(form: str, space: Any, point: Any, sizes: Sizes) -> Any:
    """A point in one of its forms.

    Args:
        form: a field of `Forms`.
        space, point: what is written, (D,).
        sizes: of the network.

    Raises:
        UserError: points of the space do not have this form.
    """
    kind = type_of(space)
    make = getattr(FORMS[kind], form) if kind in FORMS else None
    if make is None:
        having = [name for name, forms in FORMS.items() if getattr(forms, form)]
        raise UserError(
            f"Points of the space '{space.name}' (type {kind}) have no {form}; those of the types "
            f"{', '.join(having)} do. A space of your own gets one with "
            f"`taskaware.children.forms.FORMS.add('{kind}', Forms({form}=...))`."
        )
    return make(space, point, sizes)
