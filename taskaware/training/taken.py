"""What the networks of a space take from the user's side: an optimizer, random changes of rows."""

from collections.abc import Sequence
from typing import Any

import optax

from taskaware.children.child import Child
from taskaware.errors import UserError, quoted, unknown


def checked_optimizer(optimizer: object, child: Child, space: Any) -> optax.GradientTransformation | None:
    """The optimizer itself, if the networks of a space can train with it.

    Args:
        optimizer: an optax transformation, or None.
        child: of the space.
        space: of the points.

    Raises:
        UserError: it is no optax transformation, or the child has its own.
    """
    if optimizer is not None and not isinstance(optimizer, optax.GradientTransformation):
        raise UserError(
            f"optimizer={quoted(optimizer)} is no optax transformation. Give one, such as "
            'optax.adamw(1e-3) or ta.optimizers.named("adam", learning_rate=1e-3).'
        )
    if optimizer is not None and not child.takes_optimizer:
        raise UserError(f"Points of the space '{space.name}' train in their own way. Leave optimizer= out.")
    return optimizer


def known_changes(augment: Sequence[str], child: Child, space: Any) -> tuple[str, ...]:
    """The names themselves, if the child knows them.

    Args:
        augment: one name or several.
        child: of the space.
        space: of the points.

    Raises:
        UserError: it does not.
    """
    names = (augment,) if isinstance(augment, str) else tuple(augment)
    known = child.augments(space) if child.augments is not None else ()
    if names and not known:
        raise UserError(f"Points of the space '{space.name}' take rows as they are. Leave augment= out.")
    for name in names:
        if name not in known:
            raise unknown("change of rows", str(name), known)
    return names
