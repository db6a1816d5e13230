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
        units: H, of recurrent cells; other points say their widths themselves.
    """

    widths: Mapping[str, int]
    outputs: int
    link: str
    units: int = 64


UNKNOWN = Sizes({}, 1, "values")
"""For forms that need no task."""


class Forms(NamedTuple):
    """Functions of (space, point (D,), `Sizes`); None for a form that points of the space do not have.

    Attributes:
        module: gives a Flax module.
        source: gives code that runs alone.
        draw: gives a matplotlib Figure.
        alone: names of the forms that a point has without a task: they read no widths and no outputs.
    """

    module: Callable | None = None
    source: Callable | None = None
    draw: Callable | None = None
    alone: tuple[str, ...] = ()


FORMS: Registry[Forms] = Registry(
    "type of space with written forms",
    {
        "mixture": "taskaware.children.mixture.forms:FORMS",
        "cells": "taskaware.children.cells.forms:FORMS",
        "chain": "taskaware.children.chain.forms:FORMS",
        "front": "taskaware.children.front.forms:FORMS",
        "recurrent-cells": "taskaware.children.recurrent.forms:FORMS",
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
    kind, make = type_of(space), getattr(_forms(space), form)
    if make is None:
        having = [name for name, forms in FORMS.items() if getattr(forms, form)]
        raise UserError(
            f"Points of the space '{space.name}' (type {kind}) have no {form}; those of the types "
            f"{', '.join(having)} do. A space of your own gets one with "
            f"`taskaware.children.forms.FORMS.add('{kind}', Forms({form}=...))`."
        )
    return make(space, point, sizes)


def needs_task(form: str, space: Any) -> bool:
    """Whether a point needs the sizes of a task to be written in a form."""
    forms = _forms(space)
    return getattr(forms, form) is not None and form not in forms.alone


def _forms(space: Any) -> Forms:
    """The forms of points of a space; one that is not registered has none."""
    return FORMS.get(type_of(space), Forms())
