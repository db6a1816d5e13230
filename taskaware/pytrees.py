"""Dataclasses as pytrees of JAX, each type told apart from all others."""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

import jax

Kind = TypeVar("Kind", bound=type)


@overload
def pytree(kind: Kind) -> Kind: ...
@overload
def pytree(*, static: tuple[str, ...] = ()) -> Callable[[Kind], Kind]: ...
def pytree(kind: Any = None, *, static: tuple[str, ...] = ()) -> Any:
    """Register a dataclass as a pytree of JAX.

    `jax.tree_util.register_dataclass` compares the fields of two trees and not their types, so JAX may run
    the compiled program of one type on another type with the same fields.

    Args:
        kind: the dataclass.
        static: fields that are part of the tree's structure; hashable. All others are its children.

    >>> @pytree
    ... @dataclasses.dataclass(frozen=True)
    ... class Point:
    ...     x: float
    >>> jax.tree.map(lambda leaf: 2 * leaf, Point(3.0))
    Point(x=6.0)
    """
    if kind is None:
        return functools.partial(_registered, static=static)
    return _registered(kind)


def _registered(kind: Kind, static: tuple[str, ...] = ()) -> Kind:
    names = [field.name for field in dataclasses.fields(kind)]
    inner = [name for name in names if name not in static]
    keys = [jax.tree_util.GetAttrKey(name) for name in inner]

    def flatten(tree: Any) -> tuple[tuple, tuple]:
        return tuple(getattr(tree, name) for name in inner), tuple(getattr(tree, name) for name in static)

    def flatten_with_keys(tree: Any) -> tuple[tuple, tuple]:
        children, structure = flatten(tree)
        return tuple(zip(keys, children, strict=True)), structure

    def unflatten(structure: tuple, children: Iterable) -> Any:
        return kind(**dict(zip(inner, children, strict=True)), **dict(zip(static, structure, strict=True)))

    jax.tree_util.register_pytree_with_keys(kind, flatten_with_keys, unflatten, flatten)
    return kind
