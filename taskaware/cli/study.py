"""The common parts of all commands that run a study: options, folder, progress, summary."""

import contextlib
import json
import logging
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taskaware.cli.output import aligned
from taskaware.cli.parser import Arguments, Parser, add_settings, one_of, whole
from taskaware.errors import EngineError, UserError, visible
from taskaware.runner.engine import ENGINES
from taskaware.secrets import masked, masked_value

FORMAT = "%(asctime)s %(levelname)s %(message)s"


class Discreet(logging.Formatter):
    """Lines without passwords and control characters."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback keeps its lines."""
        return "\n".join(map(visible, masked(super().format(record)).split("\n")))


def add_run_options(parser: Parser) -> None:
    """Add the options of a study to a command's parser."""
    add_settings(parser, "a setting", "trainer.steps=200")
    parser.add_argument(
        "--engine",
        type=one_of("engine", ENGINES),
        metavar="|".join(ENGINES),
        help="where jobs run (default: serial)",
    )
    parser.add_argument(
        "--workers", type=whole(0, 100_000), metavar="N", help="workers (default: one for each core)"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="quick check on the smallest tasks with few steps (1 to 2 minutes, mostly compilation)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="the run folder (default: runs/NAME-DIGEST)"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append a log to this file")
    parser.add_argument(
        "--report", action="store_true", help="write report.html into the run folder at the end"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")


def run_config(config: Any, name: str, arguments: Arguments) -> None:
    """Apply the arguments to the config, run it in its folder, and print its summary.

    Args:
        config: settings of a study.
        name: part of the name of the default folder.
        arguments: those of `add_run_options`.

    Raises:
        UserError: a setting is unknown or out of range, or the folder holds other files.
        EngineError: jobs failed; the results of the others are recorded.
    """
    from taskaware.runner.run_folder import RunFolder
    from taskaware.studies.registry import study_of
    from taskaware.studies.settings import overridden

    study = study_of(config)
    if arguments.keys:
        print(_listed(config, arguments.json))
        return
    config = config.smoke() if arguments.smoke else config
    config = overridden(config, [*_shorthands(config, arguments), *arguments.set])
    path = arguments.out or _default_folder(study.name, config, name, arguments.smoke)
    folder = RunFolder.open(path, study.name, config, command=_typed())
    show = print if not arguments.json else _silent
    show(f"run        {folder.path} (config {folder.digest})", flush=True)
    try:
        with folder.alone(), _logging(arguments.log):
            summary = study.run(config, folder, False if arguments.json else None)
    except KeyboardInterrupt:
        print("Finished jobs are recorded; the same command resumes the study.", file=sys.stderr)
        raise
    show(summary_text(summary), flush=True)
    answer = {"folder": str(folder.path), "digest": folder.digest, "summary": summary}
    if arguments.report:
        answer["report"] = str(_report(folder.path))
        show(f"written    {answer['report']}")
    if arguments.json:
        print(json.dumps(answer, indent=1))
    if summary.get("failed"):
        raise EngineError(
            f"{summary['failed']} of {summary['jobs']} jobs failed; the others are recorded. "
            f"For the reasons: taskaware report {folder.path}. The same command tries the failed jobs again."
        )


def summary_text(summary: dict) -> str:
    """A summary for people: a line for each number, a table for each group of them.

    >>> print(summary_text({"jobs": 2, "methods": {"random": {"score": 0.5}, "ours": {"score": 0.75}}}))
    jobs       2
    <BLANKLINE>
    methods  score
    random     0.5
    ours      0.75
    """
    plain = {key: value for key, value in summary.items() if not _is_group(value)}
    parts = ["\n".join(f"{key:<10} {_in_words(value)}" for key, value in plain.items())]
    for title, group in summary.items():
        if not _is_group(group):
            continue
        if isinstance(group, list):
            group = dict(enumerate(group, 1))
        rows = {name: row if isinstance(row, dict) else {"value": row} for name, row in group.items()}
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        cells = [[name, *(_in_words(row.get(column)) for column in columns)] for name, row in rows.items()]
        parts.append(aligned([title, *columns], cells, right=columns))
    return "\n\n".join(part for part in parts if part)


def _is_group(value: object) -> bool:
    """Whether it is a table: rows by name, or a list of rows."""
    rows = isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
    return isinstance(value, dict) or bool(rows)


def _typed() -> str:
    """The command as it was typed, without passwords."""
    return shlex.join(["taskaware", *map(masked_value, sys.argv[1:])])


def _listed(config: object, as_json: bool) -> str:
    """Every setting, with its value, type and meaning."""
    from taskaware.studies.settings import keys

    names = ["key", "value", "kind", "what"]
    rows = [
        [name, masked_value(found.value), found.kind, found.comment] for name, found in keys(config).items()
    ]
    if as_json:
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=1)
    return aligned(names, rows)


def _shorthands(config: object, arguments: Arguments) -> Iterator[str]:
    """--engine and --workers as settings of every runner in the config."""
    from taskaware.studies.settings import keys

    for option in ("engine", "workers"):
        value = getattr(arguments, option)
        if value is None:
            continue
        names = [name for name in keys(config) if f".{name}".endswith(f".runner.{option}")]
        if not names:
            raise UserError(
                f"--{option}: this study runs no jobs ({type(config).__name__}). Leave the option out."
            )
        yield from (f"{name}={value}" for name in names)


def _default_folder(study: str, config: object, name: str, smoke: bool) -> Path:
    from taskaware.runner.run_folder import config_digest

    found = config_digest(study, config)
    return Path("runs") / f"{name}{'-smoke' if smoke else ''}-{found[:8]}"


@contextlib.contextmanager
def _logging(file: Path | None) -> Iterator[None]:
    """Log to the file, and to stderr if it is not a terminal."""
    log = logging.getLogger("taskaware")
    handlers: list[logging.Handler] = []
    if file is not None:
        handlers.append(logging.FileHandler(file, encoding="utf-8"))
        handlers[0].setFormatter(Discreet(FORMAT))
    plain = logging.StreamHandler()
    plain.setFormatter(Discreet())
    plain.setLevel(logging.WARNING if sys.stderr.isatty() else logging.INFO)
    handlers.append(plain)
    level = log.level
    log.setLevel(logging.INFO)
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(level)
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


def _report(folder: Path) -> Path:
    from taskaware.reports import report

    return report(folder, force=True)


def _in_words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _silent(*words: object, **settings: object) -> None:
    """Replaces `print` when the output is JSON."""
