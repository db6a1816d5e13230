"""The connection of a client to a service."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from taskaware.errors import EngineError, UserError, quoted
from taskaware.secrets import remember
from taskaware.service.sending import raise_refusal

if TYPE_CHECKING:
    import httpx


class Wire:
    """Requests to a service, with its token; refusals and silence are errors of the library.

    Args:
        url, token, timeout, http: as for `Client`.

    Raises:
        UserError: the URL is none, or httpx is not installed.
    """

    def __init__(self, url: str, token: str | None, timeout: float, http: "httpx.Client | None"):
        try:
            import httpx
        except ImportError as error:
            raise UserError("The client needs httpx. Install it: pip install 'taskaware[serve]'") from error
        if not url.startswith(("http://", "https://")):
            raise UserError(
                f"url={quoted(url)} is no address of a service. Give one as http://127.0.0.1:8000."
            )
        remember(token)
        self.url, self._errors = url.rstrip("/"), (httpx.TransportError, httpx.InvalidURL)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = http or httpx.Client(timeout=timeout)

    def request(self, method: str, path: str, **given: Any) -> "httpx.Response":
        """The answer to a request.

        Args:
            method, path: of HTTP.
            given: as httpx takes it.

        Raises:
            UserError: the service refuses the request; the message says what to change.
            EngineError: it does not answer, or has failed.
        """
        headers = self._headers | given.pop("headers", {})
        try:
            answer = self._http.request(method, f"{self.url}{path}", headers=headers, **given)
        except self._errors as error:
            raise self._silent(error) from error
        raise_refusal(answer.status_code, answer.content)
        return answer

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator["httpx.Response"]:
        """The answer to a GET, to be read as it comes."""
        try:
            with self._http.stream("GET", f"{self.url}{path}", headers=self._headers) as answer:
                if answer.status_code >= 400:
                    raise_refusal(answer.status_code, answer.read())
                yield answer
        except self._errors as error:
            raise self._silent(error) from error

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        """The items of a list, part by part."""
        before: int | None = None
        while True:
            params = {} if before is None else {"before": before}
            found = self.request("GET", path, params=params).json()
            yield from found["items"]
            before = found["next"]
            if before is None:
                return

    def _silent(self, error: Exception) -> EngineError:
        return EngineError(
            f"{self.url} does not answer ({error}). Check the URL, or start it: taskaware serve"
        )
