"""Weights of the shared program as those of the module of one point."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from taskaware.arrays import EitherArray
from taskaware.spaces import ChainSpace
from taskaware.spaces.chain import ends


def module_variables(
    space: ChainSpace, point: Float[EitherArray, " D"], params: dict[str, EitherArray]
) -> dict[str, Any]:
    """The "params" and "batch_stats" of `ChainNetwork`, and of the code of `source`.

    Args:
        space: of the point.
        point: choice numbers.
        params: that `child.outputs` reads, of one network.
    """
    # On the host, where cutting compiles nothing.
    arrays = {name: np.asarray(each) for name, each in jax.device_get(params).items()}
    layers = space.decode(point)
    channels = [space.settings.channels, *(layer.filters for layer in layers)]
    weights: dict[str, Any] = {}
    moving: dict[str, Any] = {}
    for number, layer in enumerate(layers, 1):
        name, kernel = f"layer{number}", arrays[f"layer{number}"]
        down, right = ((kernel.shape[1] - size) // 2 for size in (layer.height, layer.width))
        middle = kernel[:, down : down + layer.height, right : right + layer.width, :, : layer.filters]
        parts = [middle[source][:, :, : channels[source]] for source in layer.reads]
        weights[name] = {"kernel": np.concatenate(parts, axis=2)}
        scale, bias, mean, variance = (
            arrays[f"{name}_{part}"][: layer.filters] for part in ("scale", "bias", "mean", "variance")
        )
        weights[f"{name}_norm"] = {"scale": scale, "bias": bias}
        moving[f"{name}_norm"] = {"mean": mean, "var": variance}
    rows = [arrays["output"][number - 1][: channels[number]] for number in ends(layers)]
    weights["output"] = {"kernel": np.concatenate(rows), "bias": arrays["output_bias"]}
    return {"params": weights, "batch_stats": moving}
