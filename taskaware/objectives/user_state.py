"""What a user's loss keeps from step to step, such as moving averages, as trainings read it."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from taskaware.errors import UserError, quoted


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """The state of a loss as a pytree of plain arrays, and back; random keys of JAX are numbers there.

    Attributes:
        state: the first one, any pytree of arrays; () where the loss keeps none.
        given: whether it keeps one.
    """

    state: Any = ()
    given: bool = False

    @classmethod
    def of(cls, state: Any) -> "Memory":
        """The memory of a first state; None is none.

        Raises:
            UserError: it holds something else than arrays of numbers.
        """
        if state is None:
            return cls()
        for path, leaf in jax.tree_util.tree_leaves_with_path(state):
            if not (_is_key(leaf) or _is_number(leaf)):
                raise UserError(
                    f"The state has {quoted(str(leaf))}, a {type(leaf).__name__}, at "
                    f"'{jax.tree_util.keystr(path)}'. A state is a pytree of arrays of numbers; let the loss "
                    "itself hold what is fixed."
                )
        return cls(state, True)

    @functools.cached_property
    def first(self) -> Any:
        """The plain arrays before the first step."""
        return self.plain(self.state)

    def plain(self, state: Any) -> Any:
        """The plain arrays of a state."""
        return jax.tree.map(_plain, state)

    def whole(self, plain: Any) -> Any:
        """The state of plain arrays, as the user's functions take it."""
        return jax.tree.map(_whole, self.state, plain)

    def check(self, new: Any) -> None:
        """Refuse a new state that is not like the first one.

        Args:
            new: as `jax.eval_shape` gives it.

        Raises:
            UserError: structure, shape or type of an array is another one.
        """
        old = jax.eval_shape(self.plain, self.state)
        forms = [str(jax.tree.structure(each)) for each in (new, old)]
        if forms[0] != forms[1]:
            raise UserError(
                f"The loss returned a state of another structure, {quoted(forms[0], 200)}; the first one is "
                f"{quoted(forms[1], 200)}. Return all that state= has."
            )
        pairs = zip(jax.tree_util.tree_leaves_with_path(old), jax.tree.leaves(new), strict=True)
        for (path, before), after in pairs:
            if (before.shape, before.dtype) != (after.shape, after.dtype):
                raise UserError(
                    f"The loss returned {after.dtype}{list(after.shape)} in the state at "
                    f"'{jax.tree_util.keystr(path)}', and it got {before.dtype}{list(before.shape)}. Return "
                    "arrays of the same shape and type: new.astype(old.dtype)."
                )

    def __getstate__(self) -> dict[str, Any]:
        return {"state": self.state, "given": self.given}


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) and jnp.issubdtype(
        leaf.dtype, jax.dtypes.prng_key
    )


def _is_number(leaf: Any) -> bool:
    kind = np.asarray(leaf).dtype
    return any(jnp.issubdtype(kind, each) for each in (jnp.number, jnp.bool_))


def _plain(leaf: Any) -> Array:
    return jax.random.key_data(leaf) if _is_key(leaf) else jnp.asarray(leaf)


def _whole(first: Any, plain: Array) -> Array:
    return jax.random.wrap_key_data(plain, impl=jax.random.key_impl(first)) if _is_key(first) else plain
