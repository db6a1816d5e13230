"""A network of `MixtureSpace` as data, and its outputs computed with NumPy alone.

The weights are those of `source_weights.source_params`, "layer1/kernel" and so on. What `source` writes as
code stands here as values, so that one function computes every network. Written code has copies of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from taskaware.children.mixture.architecture import Architecture, Layer
from taskaware.children.mixture.source import Selected


def network_data(net: Architecture, read: list[Selected]) -> dict[str, Any]:
    """The network as plain data, for `network_outputs`.

    Args:
        net: the network.
        read: columns that reach it, see `source.selected`.
    """
    origins = {"one_hot": "categories", "learned": "vectors"}
    inputs = [
        {"from": origins.get(each.embedding, "numbers"), "share": each.share}
        | ({} if each.embedding in origins else {"start": each.start, "stop": each.stop})
        for each in read
    ]
    return {
        "inputs": inputs,
        "members": net.members,
        "ensemble": net.gates.get("ensemble", 0.0),
        "normalisation": net.gates.get("normalisation", 0.0),
        "layers": [_layer_data(layer, net.space.shared_weights) for layer in net.layers],
    }


def _layer_data(layer: Layer, shared: bool) -> dict[str, Any]:
    single = len(layer.baselines) == 1
    parts = [
        {
            "dense": layer.name if single or shared else f"{layer.name}_{each.size}_{each.activation}",
            "size": each.size,
            "activation": each.activation,
            "share": 1.0 if single else each.share,
        }
        for each in layer.baselines
    ]
    own = {name: getattr(layer, name) for name in ("size", "width", "presence", "bypass")}
    return own | {"parts": parts}


def silu(x: np.ndarray) -> np.ndarray:
    """x times its sigmoid."""
    return x * (0.5 + 0.5 * np.tanh(0.5 * x))


def selu(x: np.ndarray) -> np.ndarray:
    """The scaled exponential linear unit."""
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def mish(x: np.ndarray) -> np.ndarray:
    """x times the hyperbolic tangent of its softplus."""
    return x * np.tanh(np.logaddexp(x, 0))


def relu(x: np.ndarray) -> np.ndarray:
    """x where it is above 0."""
    return np.maximum(x, 0)


ACTIVATIONS: dict[str, Callable] = {"relu": relu, "tanh": np.tanh, "silu": silu, "selu": selu, "mish": mish}


def network_outputs(network: Mapping, weights: Mapping, inputs: Mapping) -> np.ndarray:
    """The outputs of one network, (n, K), or of each of its k members, (k, n, K).

    Args:
        network: of `network_data`.
        weights: of one network, by name.
        inputs: encoded rows, "numbers" (n, D) and "categories" (n, T).
    """
    x = input_columns(network, weights, inputs) @ weights["embedding/kernel"] + weights["embedding/bias"]
    share = network["ensemble"]
    if network["members"] > 1:
        x = x[None] * (1 + share * weights["members/signs"])
    for layer in network["layers"]:
        hidden = layer_outputs(layer, weights, normalised(x, network["normalisation"]), share)
        before, x = x, widened(hidden, layer["width"])
        if layer["bypass"]:
            x = layer["presence"] * x + layer["bypass"] * widened(before, layer["width"])
    x = normalised(x, network["normalisation"])
    outputs = x @ weights["output/kernel"] + weights["output/bias"]
    if network["members"] > 1:
        outputs = outputs + share * (x @ weights["output/member_kernel"] + weights["output/member_bias"])
    return outputs


def input_columns(network: Mapping, weights: Mapping, inputs: Mapping) -> np.ndarray:
    """The columns that the network reads, times their shares.

    Args:
        network, weights, inputs: as for `network_outputs`.
    """
    parts = []
    for each in network["inputs"]:
        if each["from"] == "numbers":
            part = inputs["numbers"][:, each["start"] : each["stop"]]
        else:
            part = inputs["categories"]
        if each["from"] == "vectors":
            part = part @ weights["vectors/kernel"]
        parts.append(part if each["share"] == 1 else each["share"] * part)
    return np.concatenate(parts, axis=1, dtype=np.float32)


def layer_outputs(layer: Mapping, weights: Mapping, x: np.ndarray, ensemble: float) -> np.ndarray:
    """The mixture of a layer's plain layers, each filled with zeros to the size of the largest.

    Args:
        layer: of the network.
        weights: of one network.
        x: what the layer reads.
        ensemble: share by which members differ.
    """
    given = {name: dense(name, weights, x, ensemble) for name in {part["dense"] for part in layer["parts"]}}
    total = np.zeros((*x.shape[:-1], layer["size"]), np.float32)
    for part in layer["parts"]:
        size = part["size"]
        values = ACTIVATIONS[part["activation"]](given[part["dense"]][..., :size])
        total[..., :size] += part["share"] * values
    return total


def dense(name: str, weights: Mapping, x: np.ndarray, ensemble: float) -> np.ndarray:
    """A dense layer; members have factors and biases of their own by the share of the ensemble.

    Args:
        name: of the layer.
        weights: of one network.
        x: what it reads.
        ensemble: the share.
    """
    own = {part: weights.get(f"{name}/member_{part}", 0) for part in ("in", "out", "bias")}
    given = (x * (1 + ensemble * own["in"])) @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
    return given * (1 + ensemble * own["out"]) + ensemble * own["bias"]


def normalised(x: np.ndarray, share: float) -> np.ndarray:
    """By this share, each row of x at mean 0 and variance 1."""
    if not share:
        return x
    centred = x - x.mean(-1, keepdims=True)
    return x + share * (centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) - x)


def widened(x: np.ndarray, width: int) -> np.ndarray:
    """x, filled with zeros to so many columns."""
    zeros = np.zeros((*x.shape[:-1], width - x.shape[-1]), x.dtype)
    return np.concatenate([x, zeros], axis=-1)


def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities of logits."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
