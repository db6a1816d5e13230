"""How many networks of one architecture `fit` trains and averages, unless it is told."""

from taskaware import plain
from taskaware.errors import UserError

MEMBERS = ((10_000, 5), (50_000, 3))
"""Number of networks up to so many rows, see `docs/evaluator.md`; one beyond them."""

MOST_INPUTS = 100_000
"""Largest number of encoded columns for which several networks are trained."""


MOST_MEMBERS = 100
"""Networks that one training may have."""


def checked_members(members: int) -> int:
    """The number of networks that a user gives.

    Raises:
        UserError: it is no whole number from 1 to MOST_MEMBERS.
    """
    plain.refuse_no_whole("members", members)
    if members < 1:
        raise UserError(f"members={members} is too small. Give 1 or more.")
    if members > MOST_MEMBERS:
        raise UserError(f"members={members} is too large. Give {MOST_MEMBERS} or fewer.")
    return members


def usual_members(rows: int, inputs: int) -> int:
    """The default number of networks.

    >>> usual_members(1_000, 20), usual_members(20_000, 20), usual_members(1_000, 200_000)
    (5, 3, 1)
    """
    fitting = (members for most, members in MEMBERS if rows <= most and inputs <= MOST_INPUTS)
    return next(fitting, 1)
