"""The process of a service: its folder, its tokens, its address, until Ctrl-C."""

import contextlib
import importlib.util
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from taskaware.errors import UserError
from taskaware.runner import starts
from taskaware.service.limits import Limits
from taskaware.service.tokens import is_loopback, tokens_for

if TYPE_CHECKING:
    import uvicorn

    from taskaware.surrogates import Evaluator

EXTRA = ("litestar", "uvicorn", "httpx")
INSTALL = "pip install 'taskaware[serve]'"
GRACE = 3
"""Seconds that answers have to come to their end after Ctrl-C."""

log = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where a service listens.

    Attributes:
        host: name or number of this machine.
        port: 0 for any that is free.
    """

    host: str = "127.0.0.1"
    port: int = 8000

    @property
    def url(self) -> str:
        """As a browser takes it."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Access(NamedTuple):
    """Who may use a service.

    Attributes:
        tokens: that are valid; they are not written down.
        fresh: whether one more is made, and kept as a digest.
    """

    tokens: tuple[str, ...] = ()
    fresh: bool = False


class Started(NamedTuple):
    """What whoever starts a service has to know.

    Attributes:
        url: of the page; the description of HTTP is at /docs below it.
        folder: of the service.
        token: that was made, to be shown this once; "" where none was.
        private: whether what is sent stays on this machine, where nobody else reads it.
    """

    url: str
    folder: Path
    token: str
    private: bool


def check_extra() -> None:
    """Nothing, if what a service needs is installed.

    Raises:
        UserError: it is not; the message has the line that installs it.
    """
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"A service needs {' and '.join(missing)}. Install what it needs: {INSTALL}")


def serve(
    folder: Path,
    address: Address,
    access: Access,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    evaluator: str | None = None,
    store: str | None = None,
    on_start: Callable[[Started], object] = print,
) -> None:
    """Serve until Ctrl-C.

    Args:
        folder: of the service, made where there is none; one process at a time works on it.
        address: where it listens; another one than this machine's own asks for a token.
        access: who may use it.
        limits: that hold.
        workers: jobs that run at once.
        evaluator: file or name of the one that recommends, see `recommend`; the shipped one by default.
        store: path or URL of the experience that records the short trainings of jobs, made where there is
            none; by default none does.
        on_start: called once, when it listens.

    Raises:
        UserError: the extra is not installed, the folder is in use, the port is taken, or a token is too
            weak.
        StoreError: the store cannot be opened.
    """
    check_extra()
    import uvicorn

    from taskaware.recommendation.evaluators import evaluator_named
    from taskaware.service.app import make_app
    from taskaware.service.patience import patient_for
    from taskaware.store import Store

    limits = limits or Limits()
    # Refused before a folder is made.
    own = None if evaluator is None else evaluator_named(evaluator)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if store is not None:
        Store.open(store).close()
    with contextlib.ExitStack() as stack:
        stack.enter_context(starts.alone(folder))
        tokens, made = tokens_for(folder, address.host, access.tokens, fresh=access.fresh)
        app = make_app(
            folder, tokens=tokens, limits=limits, workers=workers, evaluator=evaluator, store=store
        )
        config = uvicorn.Config(
            app,
            host=address.host,
            port=address.port,
            http=patient_for(limits.silent_seconds),
            h11_max_incomplete_event_size=limits.header_bytes,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=limits.waiting + 1_000,
            backlog=2_048,
            server_header=False,
            proxy_headers=False,
            access_log=False,
            # The program that serves decides where its log goes.
            log_config=None,
            lifespan="on",
        )
        bound = stack.enter_context(_bound(config))
        address = address._replace(port=bound.getsockname()[1])
        on_start(Started(address.url, folder, made, is_loopback(address.host)))
        threading.Thread(target=_warm, args=(own,), daemon=True).start()
        uvicorn.Server(config).run(sockets=[bound])


def _bound(config: "uvicorn.Config") -> socket.socket:
    """The socket that the server listens on.

    Raises:
        UserError: the port is taken, or the host is not of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((config.host, config.port))
        # Who is told the address may ask at once, and waits until the application has started.
        found.listen(config.backlog)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"Nothing can listen on {config.host}:{config.port} ({error}). Choose another --port or --host."
        ) from error
    return found


def _warm(evaluator: "Evaluator | None") -> None:
    """Compile what a recommendation needs, so that the first one does not wait for it."""
    from taskaware.recommendation.recommend import recommend

    try:
        recommend("iris", evaluator=evaluator)
    except Exception as error:
        log.warning("The first recommendation, which only compiles programs, failed: %s", error)
