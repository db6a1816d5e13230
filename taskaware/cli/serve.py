"""`taskaware serve`: the service, with its page, until Ctrl-C."""

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.study import FORMAT, Discreet

if TYPE_CHECKING:
    from taskaware.service.server import Started

FOLDER = Path("taskaware-service")
TOKEN = "TASKAWARE_TOKEN"
"""Environment variable for a token, which so stays out of the list of processes."""


def run(arguments: Arguments) -> None:
    """Serve until Ctrl-C.

    Raises:
        UserError: the extra is not installed, or an option is not usable.
    """
    from taskaware.service.limits import limits_of
    from taskaware.service.server import Access, Address, check_extra, serve

    check_extra()
    tokens = [*arguments.token, *filter(None, [os.environ.get(TOKEN)])]
    limits = limits_of(arguments.limit)
    with _logging():
        serve(
            arguments.folder,
            Address(arguments.host, arguments.port),
            Access(tuple(tokens), arguments.new_token),
            limits=limits,
            workers=arguments.workers,
            evaluator=arguments.evaluator,
            store=arguments.store,
            on_start=_show_json if arguments.json else _show,
        )


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    """Warnings and errors of the service and its server on stderr, without passwords."""
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet(FORMAT))
    handler.setLevel(logging.WARNING)
    logs = [logging.getLogger(name) for name in ("taskaware", "uvicorn")]
    for log in logs:
        log.addHandler(handler)
    try:
        yield
    finally:
        for log in logs:
            log.removeHandler(handler)
        handler.close()


def _show(started: "Started") -> None:
    lines = [
        f"serving    {started.url} (page), {started.url}/docs (HTTP); Ctrl-C ends it",
        f"folder     {started.folder}",
    ]
    if started.token:
        lines.append(f"token      {started.token} (shown only once; the page and programs ask for it)")
    if not started.private:
        lines.append(
            "warning    HTTP is not encrypted: put a proxy with TLS in front of it in a shared network"
        )
    print("\n".join(lines), flush=True)


def _show_json(started: "Started") -> None:
    print(json.dumps({"url": started.url, "folder": str(started.folder), "token": started.token}), flush=True)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: 127.0.0.1, only this machine); any other requires a token",
    )
    parser.add_argument(
        "--port",
        type=whole(0, 65535),
        default=8000,
        metavar="N",
        help="port (default: 8000; 0: any free one)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help=f"where datasets, models and jobs are kept (default: {FOLDER})",
    )
    parser.add_argument(
        "--token",
        action="append",
        default=[],
        metavar="TEXT",
        help=f"require this token; may be repeated, each has its own datasets; or set ${TOKEN}",
    )
    parser.add_argument("--new-token", action="store_true", help="make one more token, and show it once")
    parser.add_argument(
        "--workers", type=whole(1, 64), default=1, metavar="N", help="trainings that run at once (default: 1)"
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=N",
        help="change a limit, for example dataset_bytes=1000000000; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the address as JSON, errors too")
    parser.add_argument(
        "--evaluator", metavar="FILE", help="your own evaluator, or 'learned' (default: the shipped one)"
    )
    parser.add_argument(
        "--store", metavar="STORE", help="path or URL of a store that records the short trainings of jobs"
    )


COMMAND = Command(
    "serve",
    "Serve recommendations, trainings and predictions over HTTP, with a page for the browser.",
    (
        "taskaware serve",
        "taskaware serve --port 9000 --folder models --limit token_jobs=5",
        "taskaware serve --host 0.0.0.0 --new-token",
        "taskaware serve --store experience.sqlite",
    ),
    _add_arguments,
    run,
)
