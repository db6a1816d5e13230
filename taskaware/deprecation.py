"""Old names, kept for one version: they work, and a FutureWarning says what to write instead."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from taskaware.errors import warn

Called = TypeVar("Called", bound=Callable)


def renamed_arguments(**names: str) -> Callable[[Called], Called]:
    """Let a function take keyword arguments by their old names, too.

    Args:
        names: old name → new name.

    >>> import warnings
    >>> @renamed_arguments(kind="problem")
    ... def made(problem="classification"):
    ...     return problem
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     made(kind="regression"), str(caught[0].message)
    ('regression', 'made(kind=...) is now made(problem=...); the old name ends with the next version.')
    """

    def decorate(function: Called) -> Called:
        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() was given both '{new}' and its old name '{old}'.")
                name = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
                _warn(f"{name}({old}=...)", f"{name}({new}=...)")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return cast(Called, called)

    return decorate


def renamed_fields(**names: str) -> Callable[[type], type]:
    """Let a dataclass be made, and read, by the old names of its fields, too.

    Args:
        names: old name → new name.
    """

    def decorate(cls: type) -> type:
        made: Any = cls
        made.__init__ = renamed_arguments(**names)(made.__init__)
        for old, new in names.items():
            setattr(cls, old, renamed(old, new))
        return cls

    return decorate


def renamed(old: str, new: str) -> property:
    """An old name of an attribute or a method, for the body of a class.

    >>> import warnings
    >>> class Space:
    ...     def soften(self, point):
    ...         return point / 2
    ...
    ...     soft_weights = renamed("soft_weights", "soften")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     Space().soft_weights(3), str(caught[0].message)
    (1.5, 'Space.soft_weights is now Space.soften; the old name ends with the next version.')
    """

    def read(self: object) -> object:
        _warn(f"{type(self).__name__}.{old}", f"{type(self).__name__}.{new}")
        return getattr(self, new)

    return property(read, doc=f"The old name of `{new}`.")


def _warn(old: str, new: str) -> None:
    warn(f"{old} is now {new}; the old name ends with the next version.", FutureWarning)
