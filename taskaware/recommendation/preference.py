"""`prefer=`: limits on a network's size, multiply-adds and time of prediction."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from taskaware import plain
from taskaware.errors import UserError, quoted, unknown
from taskaware.training.members import MOST_MEMBERS

COUNT_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
TIME_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
LIMITS = ("size", "macs", "latency")
_WRITTEN = re.compile(r"\s*(?:<=?)?\s*((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-zµ]*)\s*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Preference:
    """What an answer has to keep to; None where there is no limit.

    Attributes:
        size: learned parameters at most, of all networks that `fit` averages.
        macs: multiply-adds for one row at most, of all of them.
        latency: seconds to predict 1,000 encoded rows at most, as estimated.
        members: number of networks; by default as many as `fit` trains.
    """

    size: float | None = None
    macs: float | None = None
    latency: float | None = None
    members: int | None = None

    @classmethod
    def of(cls, given: "Preference | Mapping[str, Any] | None") -> "Preference":
        """What a user wrote: {"size": "<100k", "macs": 2e6, "latency": "<1ms", "members": 1}.

        Raises:
            UserError: a name is unknown, or a value is no number above 0 in a unit that it can have.

        >>> Preference.of({"size": "<1.5M", "latency": "< 2 ms"})
        Preference(size=1500000.0, macs=None, latency=0.002, members=None)
        """
        if isinstance(given, cls):
            return given
        if given is not None and not isinstance(given, Mapping):
            raise UserError(
                f"prefer is {quoted(given)}. Give a dict of limits, such as "
                '{"size": "<100k", "latency": "<1ms"}.'
            )
        found: dict[str, Any] = {}
        for name, value in (given or {}).items():
            if name not in (*LIMITS, "members"):
                raise unknown("preference", name, (*LIMITS, "members"))
            found[name] = _members(value) if name == "members" else _limit(name, value)
        return cls(**found)

    @property
    def limits(self) -> tuple[float, float, float]:
        """Of size, multiply-adds and seconds; infinite where there is none."""
        size, macs, latency = (math.inf if one is None else one for one in self._own)
        return size, macs, latency

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return any(one is not None for one in self._own)

    @property
    def text(self) -> str:
        """The limits in words, as in "at most 20,000 parameters, 3 ms"."""
        written = zip(LIMITS, self._own, strict=True)
        return "at most " + ", ".join(in_units(name, one) for name, one in written if one is not None)

    def to_dict(self) -> dict[str, float]:
        """Plain data: what is given."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @property
    def _own(self) -> tuple[float | None, float | None, float | None]:
        return self.size, self.macs, self.latency


def with_members(
    given: Preference | Mapping[str, Any] | None, members: int | None
) -> Preference | Mapping[str, Any] | None:
    """The preference for a training of so many networks; its own number counts where `members` is None."""
    if members is None or not given:
        return given
    return Preference.of({**Preference.of(given).to_dict(), "members": members})


def in_units(name: str, value: float) -> str:
    """A size, a number of multiply-adds or a latency, for people.

    Args:
        name: one of LIMITS.
        value: of it.

    >>> in_units("size", 61725), in_units("latency", 0.00084), in_units("latency", 2.5)
    ('61,725 parameters', '0.84 ms', '2.5 s')
    """
    if name == "latency":
        return f"{value:.2g} s" if value >= 1 else f"{1e3 * value:.2g} ms"
    return f"{math.floor(value):,} {'parameters' if name == 'size' else 'multiply-adds'}"


def _members(value: Any) -> int:
    found = int(value) if isinstance(value, str) and value.isdecimal() else value
    return plain.whole("number of members that is preferred", found, low=1, high=MOST_MEMBERS)


def _limit(name: str, value: Any) -> float:
    """The limit that a user wrote, as a number."""
    units = TIME_UNITS if name == "latency" else COUNT_UNITS
    if isinstance(value, str):
        found = _WRITTEN.fullmatch(value)
        number = float(found[1]) * units.get(found[2].lower(), math.nan) if found else math.nan
    else:
        number = float(value) if plain.is_number(value) or hasattr(value, "dtype") else math.nan
    if not 0 < number < math.inf:
        example = "'<1ms', '0.5 s' or seconds" if name == "latency" else "'<100k', '1.5M' or a number"
        raise UserError(f"The limit of {name} is {quoted(value)}. Give a number above 0: {example}.")
    return number
