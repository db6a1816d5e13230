"""Weights of a trained `MixtureNetwork`, as those of the module that `source` writes."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taskaware.arrays import EitherArray
from taskaware.children.mixture.architecture import Layer
from taskaware.children.mixture.source import Selected, architecture_of, learns_vectors, selected
from taskaware.errors import UserError
from taskaware.spaces import MixtureSpace


def source_params(
    space: MixtureSpace,
    vector: Float[EitherArray, " D"],
    params: dict[str, EitherArray],
    *,
    block: Int[np.ndarray, " N"] | Sequence[int],
    categories: int,
    outputs: int,
) -> dict[str, dict[str, Array]]:
    """Parameters of the module of `source` that reproduce the outputs of a trained `MixtureNetwork`.

    Args:
        space, vector, block, categories, outputs: as given to `source`.
        params: of the `MixtureNetwork` of width `space.width(vector)`; rows of padded columns and columns of
            padded outputs are left behind.

    Raises:
        UserError: the parameters are of another width.
    """
    net = architecture_of(space, vector, block, categories)
    if len(params["embedding_bias"]) != net.width:
        raise UserError(
            f"The parameters are of a network of width {len(params['embedding_bias'])}, and this one has "
            f"width {net.width}. Give the parameters that were trained for this point."
        )
    # In NumPy: JAX would compile a program for every slice.
    arrays = {name: np.asarray(value) for name, value in params.items()}
    read = selected(net, block, categories)
    kernels = [_embedding_kernel(columns, arrays, float(net.gates.get("scaling", 0.0))) for columns in read]
    found = {"embedding": {"kernel": np.concatenate(kernels), "bias": arrays["embedding_bias"]}}
    if learns_vectors(read):
        found["vectors"] = {"kernel": arrays["category_vectors"][:categories]}
    for layer in net.layers:
        found |= _layer_params(space, layer, arrays, net.width)
    ends = {"kernel": slice(net.last_width), "member_kernel": slice(net.last_width)}
    found["output"] = {
        part: values[..., ends.get(part, slice(None)), :outputs] if values.ndim > 1 else values[:outputs]
        for part, values in _parts(arrays, "output").items()
    }
    if net.members > 1:
        found["members"] = {"signs": arrays["member_signs"]}
    return jax.tree.map(jnp.asarray, found)


def _parts(params: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The arrays of a layer: its kernel and bias, and what members add to them."""
    return {
        key.removeprefix(f"{name}_"): value for key, value in params.items() if key.startswith(f"{name}_")
    }


def _embedding_kernel(columns: Selected, params: dict[str, np.ndarray], scaling: float) -> np.ndarray:
    """The kernel of some columns, times what was learned of each by the gate's share."""
    if columns.embedding == "learned":
        return params["vector_kernel"]
    name = "category" if columns.embedding == "one_hot" else "number"
    rows = slice(columns.start, columns.stop)
    kernel = params[f"{name}_kernel"][rows]
    return kernel * (1 + scaling * params[f"{name}_scale"][rows, None]) if scaling else kernel


def _layer_params(
    space: MixtureSpace, layer: Layer, params: dict[str, np.ndarray], width: int
) -> dict[str, dict[str, np.ndarray]]:
    """The parameters of one layer, cut out of the matrix that holds all its baselines."""
    parts = _parts(params, f"layer{layer.slot}")

    def cut(start, size):
        columns = slice(start, start + size)
        own = {part: values[..., columns] for part, values in parts.items() if part != "member_in"}
        own["kernel"] = own["kernel"][: layer.incoming]
        return own | {part: parts[part][..., : layer.incoming] for part in parts if part == "member_in"}

    if space.shared_weights:
        return {layer.name: cut(0, layer.size)}
    sizes = [size if size <= width else 0 for size, _ in space.baselines]
    starts = dict(zip(space.baselines, np.cumsum([0, *sizes[:-1]]), strict=True))
    names = {b: f"{layer.name}_{b.size}_{b.activation}" for b in layer.baselines}
    if len(names) == 1:
        names = dict.fromkeys(names, layer.name)
    return {name: cut(starts[b.size, b.activation], b.size) for b, name in names.items()}
