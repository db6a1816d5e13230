"""What a study has found, in one sentence, from the summary that its study wrote."""

from collections.abc import Mapping
from typing import NamedTuple

from taskaware import plain
from taskaware.reports import page
from taskaware.reports.folder import Run

LEADING = (
    ("rank", "mean rank", False),
    ("regret", "mean regret", False),
    ("lost", "test score lost", False),
    ("normalised", "normalised test score", True),
    ("score", "mean score", True),
    ("test_score", "mean test score", True),
)
"""Columns that order the rows of a summary: name, words, and whether larger is better; the first counts."""


class Entry(NamedTuple):
    """A row of a summary.

    Attributes:
        name: of the row.
        value: that orders it.
        error: standard error of the value; None where it is not known.
    """

    name: str
    value: float
    error: float | None


def groups_of(summary: Mapping) -> dict[str, dict[str, object]]:
    """The tables of a summary by name: rows by name. Rows of a list are named by their words."""
    found: dict[str, dict[str, object]] = {}
    for name, value in summary.items():
        if isinstance(value, Mapping) and value:
            found[name] = dict(value)
        elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            found[name] = {f"{place}": dict(row) for place, row in enumerate(value, 1)}
    return found


def verdict(run: Run) -> str:
    """The sentence; empty where the summary orders nothing.

    The better of two is only called so where they differ by more than two standard errors.
    """
    written = (run.result or {}).get("summary")
    if not isinstance(written, Mapping):
        return ""
    if run.about["campaign"] == "collect" and plain.is_number(written.get("added")):
        return _collected(written)
    for group, rows in groups_of(written).items():
        for column, words, larger in LEADING:
            entries = _entries(rows, column)
            if len(entries) > 1:
                ordered = sorted(entries, key=lambda entry: -entry.value if larger else entry.value)
                return _sentence(group, words, ordered)
    return ""


def _collected(summary: Mapping) -> str:
    added, diverged, failed = (_count(summary.get(name)) for name in ("added", "diverged", "failed"))
    gone = f", {diverged:,} of which diverged" if diverged else ""
    lost = f"; {page.counted(failed, 'job')} failed" if failed else ""
    return f"{page.counted(added, 'training')} recorded{gone}{lost}."


def _count(value: object) -> int:
    return int(value) if plain.is_number(value) else 0


def _entries(rows: Mapping, column: str) -> list[Entry]:
    found = []
    for name, row in rows.items():
        value = row.get(column) if isinstance(row, Mapping) else None
        if plain.is_number(value):
            error = row.get(f"{column}_se")
            label = _label(row) if str(name).isdecimal() else str(name)
            found.append(Entry(label, float(value), float(error) if plain.is_number(error) else None))
    return found


def _label(row: Mapping) -> str:
    """A row of a list in words: its texts and its whole numbers."""
    whole = (f"{name} {value}" for name, value in row.items() if isinstance(value, int))
    return ", ".join([*(value for value in row.values() if isinstance(value, str)), *whole])


def _sentence(group: str, words: str, ordered: list[Entry]) -> str:
    best, second = ordered[:2]
    first = f"{page.shortened(best.name, 60)} ({words} {_with_error(best)})"
    other = f"{page.shortened(second.name, 60)} ({_with_error(second)})"
    count = f"{len(ordered)} {group}"
    if best.error is None or second.error is None:
        return f"First of {count}: {first}, before {other}."
    clear = abs(best.value - second.value) > 2 * (best.error**2 + second.error**2) ** 0.5
    if clear:
        return f"Best of {count}: {first}, before {other}, by more than two standard errors."
    return f"First of {count}: {first}. {other} is within two standard errors, so no winner is clear."


def _with_error(entry: Entry) -> str:
    error = "" if entry.error is None else f" ± {page.number(entry.error)}"
    return f"{page.number(entry.value)}{error}"
