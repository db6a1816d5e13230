"""Tokens: who asks, and what belongs to whom. Only digests of tokens are kept."""

import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from taskaware.errors import CheckpointError, UserError
from taskaware.files import atomic_write, is_file
from taskaware.saved import read_json
from taskaware.secrets import remember

FILE = "tokens.json"
LEAST = 16
"""Characters of a token that somebody chose."""
EVERYBODY = "local"
"""The owner of everything in a service of this machine that asks for no token."""

_TOKEN = re.compile(r"[\x21-\x7e]+")


class Tokens:
    """The digests of the tokens that are valid; none where the service asks for no token."""

    def __init__(self, digests: Iterable[str] = ()):
        self._digests = tuple(digests)

    @property
    def required(self) -> bool:
        """Whether a request needs a token."""
        return bool(self._digests)

    def owner(self, authorization: str | None) -> str | None:
        """Who sends a request; None where its token is missing or wrong.

        Args:
            authorization: header of the request: "Bearer TOKEN".
        """
        if not self._digests:
            return EVERYBODY
        scheme, _, token = (authorization or "").partition(" ")
        found = digest_of(token.strip()) if scheme.lower() == "bearer" else ""
        # Every digest is compared, in constant time, so that the time tells nothing.
        valid = [hmac.compare_digest(found, digest) for digest in self._digests]
        return found[:16] if any(valid) else None


def digest_of(token: str) -> str:
    """64 hex digits that name a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def tokens_for(
    folder: Path, host: str, given: Iterable[str] = (), *, fresh: bool = False
) -> tuple[Tokens, str]:
    """The tokens of a service.

    On a host that others reach, a token is needed: where none is given and none is known from an earlier
    start, one is made.

    Args:
        folder: of the service, which keeps digests of the tokens that were made.
        host: that the service listens on.
        given: tokens by the command line or the environment; they are not written down.
        fresh: whether one more is made.

    Returns:
        The tokens, and the one that was made, to be shown once; "" where none was made.

    Raises:
        UserError: a given token is too short, or has other characters than visible ones of ASCII.
        CheckpointError: the file of digests is damaged.
    """
    own = [_checked(token) for token in given]
    known, made = _known(folder / FILE), ""
    if fresh or not (own or known or is_loopback(host)):
        made = secrets.token_urlsafe(32)
        remember(made)
        known.append(digest_of(made))
        atomic_write(folder / FILE, json.dumps({"tokens": known}, indent=1).encode())
    return Tokens([*map(digest_of, own), *known]), made


def _checked(token: str) -> str:
    remember(token)
    if len(token) < LEAST or not _TOKEN.fullmatch(token):
        raise UserError(
            f"A token of {len(token)} characters is refused. Give {LEAST} or more letters, digits and signs "
            "without blanks, or none: then one is made."
        )
    return token


def _known(path: Path) -> list[str]:
    if not is_file(path):
        return []
    try:
        found = read_json(path)["tokens"]
        if not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found):
            raise ValueError("it holds something else than digests")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"'{path}' is damaged ({error}). Remove it; a new token is made then."
        ) from error
    return list(found)
