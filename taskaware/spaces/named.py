"""Known designs of networks as points of a mixture space."""

import dataclasses
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

# RealMLP divides the products of a layer by the root of its inputs, 16 here. It learns weights of size 1 at a
# rate of 0.04 (classification) or 0.2, and each step shrinks them by 0.02 of the rate. With weights of usual
# size, the rate is 16 times smaller, and the decay 16 times larger.
REALMLP = {"weight_decay": 0.32, "dropout": 0.15, "beta2": 0.95, "coslog4": 1.0, "scaling": 1.0}

PLANS = {
    "mlp": Plan(((128, "relu"),) * 2, "standardised", ADAMW),
    "mlp-plr": Plan(((128, "relu"),) * 2, "periodic", ADAMW),
    "resnet": Plan(((128, "relu"),) * 4, "quantile", ADAMW | {"residual": 1.0, "normalisation": 1.0}),
    "realmlp": Plan(
        ((256, "selu"),) * 3, "robust", REALMLP | {"learning_rate": 2.5e-3, "label_smoothing": 0.1}
    ),
    "tabm": Plan(((256, "relu"),) * 3, "quantile", ADAMW | {"weight_decay": 1e-4, "ensemble": 1.0}),
}
"""Name of a design → its plan.

Sources: "resnet" and "mlp-plr" Gorishniy et al. 2021 and 2022; "realmlp" Holzmüller et al. 2024; "tabm"
Gorishniy et al. 2025. Each is a near point of the space `extended`: no layer is wider than 256, a layer of
"resnet" is one dense layer, and RealMLP's own initial weights and numeric embedding are left out.
"""

OF_REGRESSION = {"realmlp": Plan(((256, "mish"),) * 3, "robust", REALMLP | {"learning_rate": 1.25e-2})}
"""Plans for a regression, where they differ."""

OF_PROBLEM: dict[str, dict[str, Plan]] = {
    **{"classification": {}, "multilabel": {}},
    **{"regression": OF_REGRESSION, "multioutput": OF_REGRESSION},
}


def named_point(
    name: str, space: MixtureSpace = EXTENDED, *, problem: str = "classification"
) -> Float[np.ndarray, " D"]:
    """A known design as a point.

    Args:
        name: "mlp", "mlp-plr", "resnet", "realmlp" or "tabm".
        space: that has what the design needs.
        problem: "realmlp" is another network for a "regression" or "multioutput".

    Raises:
        UserError: there is no such design or problem, or the space lacks a part of it.

    >>> EXTENDED.weights(named_point("tabm")).beta.tolist()
    [1.0, 1.0, 1.0, 0.0, 0.0]
    """
    plan = _plan(name, problem)
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


def named_space(name: str, *, problem: str = "classification") -> MixtureSpace:
    """The part of `extended` that a known design needs: it trains the same network faster.

    Args:
        name, problem: as in `named_point`, which takes this as its space.

    Raises:
        UserError: as there.

    >>> named_space("tabm").baselines, named_space("tabm").layers
    (((256, 'relu'),), 3)
    """
    layers = _plan(name, problem).layers
    sizes = tuple(sorted({size for size, _ in layers}))
    return dataclasses.replace(
        EXTENDED,
        layers=len(layers),
        sizes=sizes,
        activations=tuple(dict.fromkeys(activation for _, activation in layers)),
        width_odds=(1 / len(sizes),) * len(sizes),
    )


def _plan(name: str, problem: str) -> Plan:
    if name not in PLANS:
        raise unknown("design", name, PLANS)
    if problem not in OF_PROBLEM:
        raise unknown("problem", problem, OF_PROBLEM)
    return OF_PROBLEM[problem].get(name, PLANS[name])


def _place(name: str, what: str, part: Any, parts: tuple) -> int:
    if part not in parts:
        raise UserError(
            f"The design '{name}' needs the {what} {part}, which the space lacks. Use 'extended'."
        )
    return parts.index(part)
