"""Datasets by name: groups of relatives, and named lists."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources


@functools.cache
def groups() -> Mapping[str, str]:
    """Group of each dataset that has relatives, by its name; how they were found: `docs/groups.md`."""
    return {name: group for group, names in _read("groups.toml").items() for name in names}


def group_of(name: str) -> str:
    """The group of a dataset; groups are held out as a whole.

    >>> group_of("heart.c"), group_of("sonar")
    ('heart', 'sonar')
    """
    return groups().get(name, name)


def listed(name: str) -> tuple[str, ...]:
    """Names of the datasets of a list in `suites.toml`; a dot leads into a table.

    >>> listed("smoke.collect")
    ('iris',)
    """
    found = _read("suites.toml")
    for part in name.split("."):
        found = found[part]
    return tuple(found)


@functools.cache
def _read(file: str) -> dict:
    return tomllib.loads((resources.files("taskaware.data") / file).read_text(encoding="utf-8"))
