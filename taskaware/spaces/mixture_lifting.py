"""Points of a mixture space as points of a larger one: the same networks, trained in the same way.

Only the random draws differ where the larger space has further layers or gates: a network with more weights
takes its first ones from other numbers.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from jaxtyping import Float

from taskaware.errors import UserError
from taskaware.spaces.mixture import BOUND, MixtureSpace
from taskaware.spaces.mixture_draws import CORNER
from taskaware.spaces.mixture_parts import RecipeCoordinate
from taskaware.spaces.space import Space

NEUTRAL = {"label_smoothing": 0.0, "beta2": 0.99, "coslog4": 0.0}
"""Values that spaces without these coordinates train with."""


def neutral(coordinate: RecipeCoordinate) -> float | None:
    """What spaces without the coordinate train with; a gate is shut. None where the recipe decides it."""
    return 0.0 if coordinate.gate else NEUTRAL.get(coordinate.name)


def extends(large: Space, small: Space) -> bool:
    """Whether each point of a space is a point of another one: the same network and the same training.

    The larger space may have further layers, sizes, activations, groups of embeddings behind those of the
    small one, and coordinates of the recipe. Spaces whose baselines have weights of their own draw other
    initial weights when there are more baselines, so these have to be the same there.

    Args:
        large: the other one.
        small: the space.
    """
    if not isinstance(large, MixtureSpace) or not isinstance(small, MixtureSpace):
        return False
    shared = large.shared_weights and small.shared_weights
    same = (large.shared_weights, large.baselines) == (small.shared_weights, small.baselines)
    further = [(one, neutral(one)) for one in large.recipe if one not in small.recipe]
    return (
        (shared or same)
        and large.layers >= small.layers
        and set(large.baselines) >= set(small.baselines)
        and large.embeddings[: len(small.embeddings)] == small.embeddings
        and set(large.recipe) >= set(small.recipe)
        and all(value is not None and one.low <= value <= one.high for one, value in further)
    )


def lifted_points(
    points: Float[np.ndarray, "n D"], small: MixtureSpace, large: MixtureSpace
) -> Float[np.ndarray, "n E"]:
    """Points of a space as points of a larger one.

    Further layers are absent, further sizes and activations have no share, further groups of embeddings have
    equal shares, and further coordinates of the recipe have the value that the small space trains with.

    Args:
        points: of the small space.
        small: the space.
        large: a space that `extends` it.

    Raises:
        UserError: it does not.

    >>> from taskaware.spaces import preset
    >>> small, large = preset("compact"), preset("extended")
    >>> point = np.zeros((1, small.dimension), np.float32)
    >>> lifted_points(point, small, large).shape == (1, large.dimension)
    True
    """
    if not extends(large, small):
        raise UserError(
            f"Points of the space '{small.name}' are no points of '{large.name}', which lacks some of its "
            "layers, sizes, activations, embeddings or coordinates. Fit an evaluator in that space: "
            "train_evaluator(space=...)."
        )
    points = np.asarray(points)
    parts = _parts(points, small)
    new = _parts(np.zeros((len(points), large.dimension), points.dtype), large)
    alpha, beta, gamma, recipe = new
    own = _places(small.baselines, large.baselines)
    alpha[:, : small.layers] = -BOUND
    alpha[:, : small.layers, own] = parts[0]
    beta[:, : small.layers], beta[:, small.layers :, 1] = parts[1], CORNER
    gamma[:, : parts[2].shape[1]] = parts[2]
    kept = _places(small.recipe, large.recipe)
    for place, coordinate in enumerate(large.recipe):
        if place not in kept:
            recipe[:, place] = coordinate.coordinate(cast(float, neutral(coordinate)))
    recipe[:, kept] = parts[3]
    return np.concatenate([part.reshape(len(points), -1) for part in new], axis=1)


def _parts(points: np.ndarray, space: MixtureSpace) -> list[np.ndarray]:
    """Alpha, beta, gamma and recipe of the points."""
    shapes = space.shapes
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    parts = np.split(points, ends, axis=1)
    return [part.reshape(len(points), *shape) for part, shape in zip(parts, shapes, strict=True)]


def _places(some: Sequence, all_of_them: Sequence) -> list[int]:
    return [list(all_of_them).index(one) for one in some]
