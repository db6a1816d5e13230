"""A user's own loss, weights and batches, as a training of update rules reads them."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taskaware.arrays import as_jax
from taskaware.errors import UserError, quoted
from taskaware.objectives.user_state import Memory

MOST_BATCHES = 100_000
"""So many are read of an iterable; one without end is refused then."""


@dataclasses.dataclass(frozen=True, eq=False)
class Weights:
    """A user's parameters as one flat vector of those that are trained, and back.

    Attributes:
        params: any pytree; its arrays of floats are trained.
    """

    params: Any

    @classmethod
    def of(cls, params: Any) -> "Weights":
        """The weights of a pytree.

        Raises:
            UserError: it has no floats, or some that are not finite or complex.
        """
        found = cls(params)
        kinds = [_dtype(leaf) for leaf in jax.tree.leaves(params)]
        if any(kind is not None and jnp.issubdtype(kind, jnp.complexfloating) for kind in kinds):
            raise UserError("The params have complex numbers. Give their real and imaginary parts.")
        if not any(found.trained):
            raise UserError(
                f"The params have no array of floats to train; their {len(kinds)} leaves are "
                f"{', '.join(sorted({str(kind) for kind in kinds})) or 'none'}. Give a pytree with weights."
            )
        if not np.isfinite(found.flat).all():
            raise UserError("The params hold numbers that are not finite. Give finite first weights.")
        return found

    @functools.cached_property
    def trained(self) -> list[bool]:
        """Whether each leaf is trained."""
        kinds = [_dtype(leaf) for leaf in jax.tree.leaves(self.params)]
        return [kind is not None and jnp.issubdtype(kind, jnp.floating) for kind in kinds]

    @functools.cached_property
    def flat(self) -> Float[np.ndarray, " P"]:
        """All that is trained, float32."""
        leaves = itertools.compress(jax.tree.leaves(self.params), self.trained)
        return np.concatenate([np.asarray(leaf, np.float32).ravel() for leaf in leaves])

    def trainable(self, flat: Float[Array, " P"]) -> Any:
        """The tree with the weights of a vector, in their own types, and None for what is not trained."""
        leaves, structure = jax.tree.flatten(self.params)
        found, start = [], 0
        for leaf, trained in zip(leaves, self.trained, strict=True):
            size = math.prod(np.shape(leaf))
            part = flat[start : start + size].reshape(np.shape(leaf)) if trained else None
            found.append(None if part is None else part.astype(_dtype(leaf)))
            start += size if trained else 0
        return jax.tree.unflatten(structure, found)

    def flattened(self, trainable: Any) -> Float[Array, " P"]:
        """The vector of such a tree."""
        return jnp.concatenate(
            [jnp.asarray(leaf, jnp.float32).ravel() for leaf in jax.tree.leaves(trainable)]
        )

    def whole(self, trainable: Any) -> Any:
        """The parameters with such weights."""
        leaves, structure = jax.tree.flatten(self.params)
        new: Any = structure
        pairs = zip(leaves, new.flatten_up_to(trainable), self.trained, strict=True)
        return jax.tree.unflatten(structure, [own if trained else leaf for leaf, own, trained in pairs])

    def __getstate__(self) -> dict[str, Any]:
        return {"params": self.params}


@dataclasses.dataclass(frozen=True, eq=False)
class FlatLoss:
    """A user's loss, as one of flat weights.

    Attributes:
        function: (params, batch), the state if there is one, and a key if `random` → (), and the new state if
            there is one.
        weights: that the vector stands for.
        memory: what the loss keeps.
        random: whether it takes a key, its last argument.
    """

    function: Callable[..., Any]
    weights: Weights
    memory: Memory = Memory()
    random: bool = False

    def __call__(
        self, flat: Float[Array, " P"], batch: Any, state: Any, key: Array
    ) -> tuple[Float[Array, ""], Any]:
        return self.of_tree(self.weights.trainable(flat), batch, state, key)

    def valued(
        self, flat: Float[Array, " P"], batch: Any, state: Any, key: Array
    ) -> tuple[tuple[Float[Array, ""], Any], Float[Array, " P"]]:
        """The value and the new state, and the gradient.

        Args:
            flat: weights.
            batch, state, key: as in `of_tree`.
        """
        # The gradient of a tree is joined once; that of the vector would be a sum of padded parts.
        gradient = jax.value_and_grad(self.of_tree, has_aux=True)
        found, tree = gradient(self.weights.trainable(flat), batch, state, key)
        return found, self.weights.flattened(tree)

    def of_tree(self, trainable: Any, batch: Any, state: Any, key: Array) -> tuple[Float[Array, ""], Any]:
        """The value, and the new state as plain arrays.

        Args:
            trainable: weights, as `Weights.trainable` gives them.
            batch: of the step.
            state: plain arrays before it.
            key: of the step.
        """
        found = self._called(trainable, batch, state, key)
        return (found[0], self.memory.plain(found[1])) if self.memory.given else (found, ())

    def _called(self, trainable: Any, batch: Any, state: Any, key: Array) -> Any:
        more = (self.memory.whole(state),) if self.memory.given else ()
        return self.function(self.weights.whole(trainable), batch, *more, *((key,) if self.random else ()))

    def check(self, batches: Any) -> "FlatLoss":
        """The loss itself, if it gives a finite number for the first weights and the first batch.

        Raises:
            UserError: JAX cannot trace it, or it gives something else.
        """
        batch, flat = _first(batches), as_jax(self.weights.flat)
        given = (self.weights.trainable(flat), batch, self.memory.first, jax.random.key(0))
        names = [*("state",) * self.memory.given, *("key",) * self.random]
        what = "(one number, new state)" if self.memory.given else "one number"
        found = _traced("loss", self._called, given, names, what)
        self._check_form(found)
        if self.memory.given:
            self.memory.check(jax.eval_shape(self, flat, *given[1:])[1])
        _check_finite("loss", float(jax.jit(self)(flat, *given[1:])[0]))
        return self

    def _check_form(self, found: Any) -> None:
        if not self.memory.given:
            mend = "Return one number. If the loss keeps a state, give the first one: state=..."
            _check_shape("loss", found, mend)
        elif not isinstance(found, tuple) or len(found) != 2:
            raise UserError(
                f"The loss returned a {type(found).__name__}. With state= it returns two: (one number, new "
                "state)."
            )
        else:
            _check_shape("loss", found[0], "Return (one number, new state).")


@dataclasses.dataclass(frozen=True, eq=False)
class FlatMetric:
    """A user's metric, or minus the loss, as a function of flat weights.

    Attributes:
        function: (params, batch), and the state if there is one → ().
        weights: that the vector stands for.
        memory: what the loss keeps.
        name: for messages.
        sign: factor of the value.
    """

    function: Callable[..., Any]
    weights: Weights
    memory: Memory = Memory()
    name: str = "metric"
    sign: int = 1

    def __call__(self, flat: Float[Array, " P"], batch: Any, state: Any) -> Float[Array, ""]:
        return self.sign * self._called(flat, batch, state)

    def _called(self, flat: Float[Array, " P"], batch: Any, state: Any) -> Any:
        more = (self.memory.whole(state),) if self.memory.given else ()
        return self.function(self.weights.whole(self.weights.trainable(flat)), batch, *more)

    def check(self, batches: Any) -> "FlatMetric":
        """The metric itself, if it gives a finite number for the first weights and the first batch.

        Raises:
            UserError: JAX cannot trace it, or it gives something else.
        """
        given = (as_jax(self.weights.flat), _first(batches), self.memory.first)
        names = [*("state",) * self.memory.given]
        found = _traced(self.name, self._called, given, names, "one number")
        _check_shape(self.name, found, "Return one number.")
        _check_finite(self.name, float(jax.jit(self)(*given)))
        return self


def _first(batches: Any) -> Any:
    return jax.tree.map(lambda leaf: as_jax(leaf[0]), batches)


def _traced(name: str, function: Callable, given: tuple, more: list[str], returns: str) -> Any:
    """Shapes of what a function gives.

    Args:
        name: of the user's function, for messages.
        function: that calls it.
        given: its arguments.
        more: names of what the user's function takes beside params and batch.
        returns: what it should give.
    """
    try:
        return jax.eval_shape(function, *given)
    except UserError:
        raise
    except Exception as error:
        takes = ", ".join(["params", "batch", *more])
        both = name == "loss" and isinstance(error, TypeError)
        mend = (
            " With state= it takes a state behind the batch, with random=True a key as the last."
            if both
            else ""
        )
        raise UserError(
            f"The {name} cannot be traced by JAX ({type(error).__name__}: {quoted(str(error), 200)}). It "
            f"takes ({takes}), uses jax.numpy, and returns {returns}.{mend}"
        ) from error


def _check_shape(name: str, found: Any, mend: str) -> None:
    if not isinstance(found, jax.ShapeDtypeStruct):
        raise UserError(f"The {name} returned a {type(found).__name__}. {mend}")
    if found.shape != () or not jnp.issubdtype(found.dtype, jnp.floating):
        raise UserError(
            f"The {name} returned an array of shape {found.shape} and type {found.dtype}. Return one float, "
            "such as the mean over the rows: losses.mean()."
        )


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise UserError(
            f"The {name} is {value} for the first weights and the first batch, so every rule would diverge. "
            "Look for a logarithm of 0, a division by 0 or a missing value."
        )


def stacked(batches: Iterable[Any], name: str) -> Any:
    """Batches as one pytree of arrays, (B, ...).

    Args:
        batches: pytrees of arrays that are all alike.
        name: of the argument, for messages.

    Raises:
        UserError: there are none, or they are not alike, or hold no numbers.
    """
    if isinstance(batches, Mapping | str) or hasattr(batches, "shape") or not isinstance(batches, Iterable):
        raise UserError(
            f"{name} is a {type(batches).__name__}. Give a list of batches, each as your loss takes it: "
            "[(x1, y1), (x2, y2), ...]."
        )
    each = list(itertools.islice(batches, MOST_BATCHES + 1))
    if not each:
        raise UserError(f"{name} is empty. Give two batches or more.")
    if len(each) > MOST_BATCHES:
        raise UserError(
            f"{name} has more than {MOST_BATCHES:,} batches. Cut it: itertools.islice(..., 1000)."
        )
    first = jax.tree.map(np.asarray, each[0])
    _check_numbers(first, name)
    for number, batch in enumerate(each[1:], 1):
        if _form(batch) != _form(first):
            raise UserError(
                f"Batch {number} of {name} is {_form(batch)[1]}, and batch 0 is {_form(first)[1]}. All have "
                "one shape, so leave out a shorter last one, or fill it up."
            )
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *each)


def parted(train: Any, held_out: Iterable[Any] | None, share: float) -> tuple[Any, Any]:
    """Batches for the training, and those held out.

    Args:
        train: all batches, (B, ...).
        held_out: batches for the score; the last ones of `train` if None.
        share: of `train` that is held out then.

    Raises:
        UserError: there is one batch alone, or those held out cannot be used.
    """
    if held_out is not None:
        return train, stacked(held_out, "held_out")
    count = len(jax.tree.leaves(train)[0])
    if count < 2:
        raise UserError("batches has one batch, so none can be held out. Give more, or held_out=[...].")
    first = count - max(1, round(share * count))
    return jax.tree.map(lambda leaf: leaf[:first], train), jax.tree.map(lambda leaf: leaf[first:], train)


def _dtype(leaf: Any) -> Any:
    """The type of the numbers of a leaf; None if it has none."""
    kind = np.dtype(np.float32) if isinstance(leaf, float) else getattr(leaf, "dtype", None)
    return jax.dtypes.canonicalize_dtype(kind) if isinstance(kind, np.dtype) else kind


def _form(batch: Any) -> tuple[Any, str]:
    """Structure, shapes and types of a batch, and the same for people."""
    leaves, structure = jax.tree.flatten(batch)
    shapes = [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in leaves]
    return (structure, shapes), ", ".join(f"{dtype}{list(shape)}" for shape, dtype in shapes)


def _check_numbers(batch: Any, name: str) -> None:
    leaves = jax.tree.leaves(batch)
    if not leaves:
        raise UserError(f"{name} has no arrays in a batch. Give each as your loss takes it: (x, y).")
    for leaf in leaves:
        if not (jnp.issubdtype(leaf.dtype, jnp.number) or leaf.dtype == bool):
            raise UserError(f"{name} has values of type {leaf.dtype}. Give numbers: encode texts and labels.")
        if leaf.ndim and not len(leaf):
            raise UserError(f"{name} has an array of shape {leaf.shape} in a batch. Give one row or more.")
