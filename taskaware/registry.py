"""Explicit lists of what there is under one name each: metrics, spaces, children, modalities, ..."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from taskaware.errors import UserError, unknown

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Entries by name, in the order in which they were added.

    An entry may be given as "module:attribute"; it is imported when it is first asked for.

    >>> colours = Registry("colour", {"red": 0xFF0000})
    >>> colours.add("blue", 0x0000FF)
    255
    >>> list(colours), colours.named("blue")
    (['red', 'blue'], 255)
    """

    def __init__(self, what: str, entries: Mapping[str, Entry | str]):
        """Make a registry.

        Args:
            what: one entry is, in a word for messages: "metric", "space".
            entries: the first ones.
        """
        self.what = what
        self._entries: dict[str, Entry | str] = dict(entries)

    def add(self, name: str, entry: Entry) -> Entry:
        """Add an entry of your own, for this process; the entry itself comes back.

        Raises:
            UserError: the name is no word, or is taken by another entry.
        """
        if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
            raise UserError(f"{name!r} is no name for a {self.what}. Use letters, digits, '_' and '-'.")
        if name in self._entries and self[name] is not entry:
            raise UserError(f"There is a {self.what} '{name}' already. Give yours another name.")
        self._entries[name] = entry
        return entry

    def remove(self, name: str) -> None:
        """Take an entry out again; nothing happens where there is none."""
        self._entries.pop(name, None)

    def named(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            UserError: there is none; the nearest name is given.
        """
        if name not in self._entries:
            raise unknown(self.what, name, self._entries)
        return self[name]

    def __getitem__(self, name: str) -> Entry:
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = self._entries[name] = getattr(importlib.import_module(module), attribute)
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<{self.what} registry: {', '.join(self._entries)}>"
