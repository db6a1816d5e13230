"""Passwords in URLs and options: none of them is written, printed or logged.

A password is for the moment in which a connection is made. Whatever leaves the process, as a file, a log, a
message or a repr, passes `masked` or `without_secrets`; so a study is resumed with the password given anew,
on the command line or by the environment (PGPASSWORD, ~/.pgpass).
"""

import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

MASK = "***"
KEYS = r"[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|credential)[\w.-]*"
"""Names of parts of a query that hold a secret."""
SHORTEST = 4
"""Characters of a password that is looked for in any text; a shorter one stands in too many words."""

# Up to the last "@" before a blank, a quote or the end of the address: a password may hold "/", ":" and "@".
_IN_ADDRESS = re.compile(r"(\b[a-zA-Z][\w+.-]*://[^\s:/@'\"<>]*):([^\s'\"<>]*)@")
_IN_QUERY = re.compile(rf"([?&;]{KEYS})=([^&;#\s'\"<>]*)", re.IGNORECASE)
_IN_OPTION = re.compile(
    r"(?<![?&;\w])(\w*(?:password|passwd|passphrase|pwd|secret|api_?key))=('[^']*'|\"[^\"]*\"|[^\s,;&)'\"]+)",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"((?:-{0,2}[\w.-]+=)?[a-zA-Z][\w+.-]*://[^\s:/@]*):(.*)@([^@]*)", re.DOTALL)

_seen: set[str] = set()

Made = TypeVar("Made", bound=type)


def remember(secret: object) -> None:
    """Mask this text wherever it stands from now on, also as a URL writes it."""
    text = str(secret or "")
    if len(text) >= SHORTEST:
        _seen.update({text, urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text)})


def masked(text: str) -> str:
    """The text with "***" for each password.

    >>> masked("postgresql://ann:s3cret@host/name is no store")
    'postgresql://ann:***@host/name is no store'
    >>> masked("mysql://host/name?user=ann&password=s3cret&ssl=1")
    'mysql://host/name?user=ann&password=***&ssl=1'
    """
    text = _IN_ADDRESS.sub(rf"\1:{MASK}@", text)
    text = _IN_QUERY.sub(rf"\1={MASK}", text)
    text = _IN_OPTION.sub(rf"\1={MASK}", text)
    for secret in sorted(_seen, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def masked_value(text: str) -> str:
    """As `masked`, for a text that is one value: the password of an address may hold blanks and quotes.

    >>> masked_value("--store=postgresql://ann:my s3cret@host/name")
    '--store=postgresql://ann:***@host/name'
    """
    return masked(_WHOLE.sub(rf"\1:{MASK}@\3", text) if _WHOLE.fullmatch(text) else text)


def without_secrets(text: str) -> str:
    """The text without its passwords: the same whether one was given in it, or by the environment.

    >>> without_secrets("postgresql://ann:s3cret@host/name"), without_secrets("postgresql://ann@host/name")
    ('postgresql://ann@host/name', 'postgresql://ann@host/name')
    """
    if "://" not in text:
        return text
    text = masked_value(text).replace(f":{MASK}@", "@")
    text = re.sub(rf"([?&;])[^?&;=]*={re.escape(MASK)}(?:&|$)?", r"\1", text)
    return text.rstrip("?&;")


def in_plain(value: Any, change: Callable[[str], str] = masked_value) -> Any:
    """Plain data with every text in it changed, and the keys of mappings as they are.

    >>> in_plain({"store": ["postgresql://ann:s3cret@host/name"]})
    {'store': ['postgresql://ann:***@host/name']}
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: in_plain(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(in_plain(part, change) for part in value)
    return value


def discreet(made: Made) -> Made:
    """Let the repr of a dataclass show no password.

    >>> import dataclasses
    >>> @discreet
    ... @dataclasses.dataclass
    ... class Place:
    ...     url: str
    >>> "s3cret" in repr(Place("postgresql://ann:s3cret@host/name"))
    False
    """
    shown: Callable[[object], str] = vars(made)["__repr__"]

    def discreetly(self: object) -> str:
        return masked(shown(self))

    setattr(made, "__repr__", discreetly)  # noqa: B010, because a method may not be assigned to
    return made
