"""How many networks of one architecture `fit` trains and averages, unless it is told."""

MEMBERS = ((10_000, 5), (50_000, 3))
"""Number of networks up to so many rows, see `docs/evaluator.md`; one beyond them."""

MOST_INPUTS = 100_000
"""Largest number of encoded columns for which several networks are trained."""


def usual_members(rows: int, inputs: int) -> int:
    """The default number of networks.

    >>> usual_members(1_000, 20), usual_members(20_000, 20), usual_members(1_000, 200_000)
    (5, 3, 1)
    """
    fitting = (members for most, members in MEMBERS if rows <= most and inputs <= MOST_INPUTS)
    return next(fitting, 1)
