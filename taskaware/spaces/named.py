"""Known designs of networks as points of a mixture space."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taskaware.errors import UserError, unknown
from taskaware.spaces.mixture import MixtureSpace
from taskaware.spaces.mixture_draws import CORNER
from taskaware.spaces.mixture_lifting import neutral
from taskaware.spaces.mixture_parts import Point
from taskaware.spaces.presets import EXTENDED


class Plan(NamedTuple):
    """A plain network, and how it is trained.

    Attributes:
        layers: (size, activation) of each.
        numbers: the embedding of numbers.
        recipe: values of coordinates, in their own units; others are neutral, see `mixture_lifting`.
    """

    layers: tuple[tuple[int, str], ...]
    numbers: str
    recipe: Mapping[str, float]


ADAMW = {"learning_rate": 2e-3, "weight_decay": 1e-2, "dropout": 0.1}

PLANS = {
    "mlp": Plan(((128, "relu"),) * 2, "standardised", ADAMW),
    "mlp-plr": Plan(((128, "relu"),) * 2, "periodic", ADAMW),
    "resnet": Plan(((128, "relu"),) * 4, "quantile", ADAMW | {"residual": 1.0, "normalisation": 1.0}),
    "realmlp": Plan(
        ((256, "mish"),) * 3,
        "robust",
        {
            **{"learning_rate": 4e-3, "weight_decay": 1e-2, "dropout": 0.15},
            **{"label_smoothing": 0.1, "beta2": 0.95, "coslog4": 1.0, "scaling": 1.0},
        },
    ),
    "tabm": Plan(((256, "relu"),) * 3, "quantile", ADAMW | {"weight_decay": 3e-4, "ensemble": 1.0}),
}
"""Name of a design → its plan.

Sources: "resnet" and "mlp-plr" Gorishniy et al. 2021 and 2022; "realmlp" Holzmüller et al. 2024; "tabm"
Gorishniy et al. 2025. Each is a near point of the space `extended`: no layer is wider than 256, a layer of
"resnet" is one dense layer, and RealMLP's own initial weights and numeric embedding are left out.
"""


def named_point(name: str, space: MixtureSpace = EXTENDED) -> Float[np.ndarray, " D"]:
    """A known design as a point.

    Args:
        name: "mlp", "mlp-plr", "resnet", "realmlp" or "tabm".
        space: that has what the design needs.

    Raises:
        UserError: there is no such design, or the space lacks a part of it.

    >>> EXTENDED.weights(named_point("tabm")).beta.tolist()
    [1.0, 1.0, 1.0, 0.0, 0.0]
    """
    if name not in PLANS:
        raise unknown("design", name, PLANS)
    plan = PLANS[name]
    chosen = [_place(name, "baseline", layer, space.baselines) for layer in plan.layers]
    for coordinate in plan.recipe:
        _place(name, "coordinate", coordinate, space.coordinates)
    if len(chosen) > space.layers:
        raise UserError(f"The design '{name}' has {len(chosen)} layers, and the space has {space.layers}.")
    alpha, beta = np.zeros(space.shapes.alpha, np.float32), np.zeros(space.shapes.beta, np.float32)
    beta[: len(chosen), 0], beta[len(chosen) :, 1] = CORNER, CORNER
    alpha[np.arange(len(chosen)), chosen] = CORNER
    gamma = np.zeros(space.shapes.gamma, np.float32)
    gamma[_place(name, "embedding", plan.numbers, space.embedding_names)] = CORNER
    if "one_hot" in space.embedding_names:
        gamma[space.embedding_names.index("one_hot")] = CORNER
    recipe = [one.coordinate(plan.recipe.get(one.name, neutral(one) or 0.0)) for one in space.recipe]
    parts = (alpha, beta, gamma, np.array(recipe, np.float32))
    return np.asarray(space.encode(Point(*map(jnp.asarray, parts))))


def _place(name: str, what: str, part: Any, parts: tuple) -> int:
    if part not in parts:
        raise UserError(
            f"The design '{name}' needs the {what} {part}, which the space lacks. Use 'extended'."
        )
    return parts.index(part)
