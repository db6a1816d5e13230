"""The outermost layer: who may ask, from where, how much and how slowly; and what browsers are told.

It wraps the application, so that nothing of a request is looked at before it has passed.
"""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import anyio

from taskaware.errors import quoted
from taskaware.service.limits import Limits
from taskaware.service.metrics import Metrics
from taskaware.service.refused import Refused
from taskaware.service.tokens import Tokens, is_loopback

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

OWNER = "taskaware_owner"
"""Key of a scope under which the owner stands."""
OPEN = ("/", "/page.css", "/page.js", "/icon.svg", "/health")
OPEN_BELOW = "/docs"
"""What is given without a token: nothing in it is anybody's."""
SAFE = ("GET", "HEAD", "OPTIONS")
WRONG_TOKEN_SECONDS = 0.25

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An application behind the checks.

    Args:
        app: that answers what passes.
        tokens: that are valid.
        limits: of the service.
        metrics: that count.
    """

    def __init__(self, app: App, tokens: Tokens, limits: Limits, metrics: Metrics):
        self.app, self._tokens, self._limits, self._metrics = app, tokens, limits, metrics

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it.

        Args:
            scope, receive, send: of ASGI.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message)
            await send(message)

        try:
            scope[OWNER] = self._admitted(scope)
            await self.app(scope, self._patient(receive), sending)
        except Refused as error:
            if error.status == 401:
                await anyio.sleep(WRONG_TOKEN_SECONDS)
            await _refuse(error, sending)
        finally:
            route = scope.get("path_template") or "other"
            self._metrics.count(scope["method"], route, status, time.perf_counter() - began)

    def _admitted(self, scope: Any) -> str:
        """The owner.

        Raises:
            Refused: the headers are too long, or come from another page, or the token is missing or wrong.
        """
        raw = scope["headers"]
        if sum(len(name) + len(value) for name, value in raw) > self._limits.header_bytes:
            raise Refused(
                431,
                f"The headers have more than {self._limits.header_bytes:,} bytes. Send fewer.",
            )
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
        if not self._tokens.required:
            _check_host(headers.get("host", ""))
        if scope["method"] not in SAFE:
            _check_origin(headers)
        owner = self._tokens.owner(headers.get("authorization"))
        if owner is None and not _is_open(scope["path"]):
            raise Refused(401, "A valid token is needed. Send the header 'Authorization: Bearer TOKEN'.")
        return owner or ""

    def _patient(self, receive: Receive) -> Receive:
        """`receive` that gives up a body of which nothing comes any more."""
        seconds, complete = self._limits.silent_seconds, False

        async def receiving() -> Any:
            nonlocal complete
            if complete:
                return await receive()
            with anyio.move_on_after(seconds):
                message = await receive()
                complete = message["type"] != "http.request" or not message.get("more_body", False)
                return message
            raise Refused(
                408, f"Nothing came for {seconds} s, and the request is not complete. Send it again."
            )

        return receiving


def error_body(error: Refused) -> dict[str, Any]:
    """An error as every answer has it."""
    return {"error": {"code": error.code, "message": str(error)}}


async def _refuse(error: Refused, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(error_body(error)).encode()})


def _is_open(path: str) -> bool:
    return path in OPEN or path == OPEN_BELOW or path.startswith(f"{OPEN_BELOW}/")


def _check_host(host: str) -> None:
    """Refuse a name that leads here by another one's DNS: a page of that name would be of the same origin."""
    name = urlsplit(f"//{host}").hostname if host else None
    if not name or not is_loopback(name):
        raise Refused(403, f"This service answers to localhost, not to {quoted(host)}. Use http://127.0.0.1.")


def _check_origin(headers: dict[str, str]) -> None:
    """Refuse what a page of another origin makes a browser send."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    same = origin is None or urlsplit(origin).netloc == headers.get("host", "")
    if not same or site not in ("none", "same-origin"):
        raise Refused(403, f"A page of {quoted(origin or site)} may not change anything here. Use this page.")


def _add_headers(message: Message) -> None:
    names = {name.lower() for name, _ in message["headers"]}
    more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in names]
    message["headers"] = [*message["headers"], *more]
