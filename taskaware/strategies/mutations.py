"""What strategies share that draw from a space: random points on the host, and mutations by name."""

import inspect
from collections.abc import Mapping
from typing import TypeGuard

import numpy as np
from jaxtyping import Float

from taskaware.errors import UserError, unknown
from taskaware.spaces import HostSpace, Space

AT_ONCE = 256
"""Random points that are drawn at once."""


class Fresh:
    """Random points of a space, one after the other; drawn many at a time, which is quicker."""

    def __init__(self, space: HostSpace, rng: np.random.Generator):
        self._space, self._rng = space, rng
        self._points, self._next = np.empty((0, space.dimension), np.float32), 0

    def point(self) -> Float[np.ndarray, " D"]:
        """The next one."""
        if self._next == len(self._points):
            self._points, self._next = self._space.sample_on_host(self._rng, AT_ONCE), 0
        self._next += 1
        return self._points[self._next - 1]


def host_space(space: Space) -> TypeGuard[HostSpace]:
    """Whether a space can be drawn from in plain NumPy."""
    return hasattr(space, "sample_on_host") and hasattr(space, "mutate_on_host")


def chances_of(space: Space, mutations: Mapping[str, float] | None) -> Float[np.ndarray, " D"] | None:
    """How often each decision is the one that changes; None where all are equal.

    A mutation is drawn by its weight, then one of the decisions that it changes; equal weights for the
    mutations of the space if `mutations` is None.

    Raises:
        UserError: the space has no such mutation, or cannot draw by weights, or no weight is above 0.

    >>> from taskaware.spaces import choices
    >>> names = {"a": "input", "b": "input", "c": "operation"}
    >>> space = choices(a=[0, 1], b=[0, 1], c=[0, 1], mutations=names)
    >>> chances_of(space, {"input": 1, "operation": 3}).tolist()
    [0.125, 0.125, 0.75]
    """
    open_to_change = [decision for decision in space.decisions if decision.choices != 1]
    names = list(dict.fromkeys(decision.mutation for decision in open_to_change))
    if mutations is None and len(names) == 1:
        return None
    weights = dict.fromkeys(names, 1.0) if mutations is None else {**mutations}
    for name, weight in weights.items():
        if name not in names:
            raise unknown(f"mutation of the space '{space.name}'", name, filter(None, names) or ["none"])
        if not weight >= 0 or not np.isfinite(weight):
            raise UserError(f"The mutation '{name}' has the weight {weight}. Give 0 or more.")
    total = sum(weights.values())
    if not total > 0:
        raise UserError(f"No mutation has a weight above 0. Name one of {', '.join(names)}.")
    if "chances" not in inspect.signature(space.mutate).parameters:
        raise UserError(
            f"The space '{space.name}' cannot mutate by weights: its `mutate` takes no `chances`."
        )
    count = {name: sum(each.mutation == name for each in open_to_change) for name in names}
    return np.array(
        [
            0.0 if each.choices == 1 else weights.get(each.mutation, 0.0) / total / count[each.mutation]
            for each in space.decisions
        ]
    )
