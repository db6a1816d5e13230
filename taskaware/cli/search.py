"""`taskaware search`: any strategy over a space, with real trainings or a table of known scores."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskaware.cli.output import aligned
from taskaware.cli.parser import Arguments, Command, Parser, add_settings, one_of, whole
from taskaware.errors import UserError
from taskaware.runner import ENGINES

if TYPE_CHECKING:
    from taskaware.spaces import Space
    from taskaware.strategies import History

OF_TABLES = ("decisions", "score", "test")
OF_TASKS = ("target", "store", "inherit")


def run(arguments: Arguments) -> None:
    """Search, or resume the same search, and print the best so far.

    Raises:
        UserError: an argument is not usable, or the journal is of another search.
    """
    _check(arguments)
    import taskaware as ta
    from taskaware.cli.strategy import strategy_of

    if arguments.keys:
        print(_listed(arguments))
        return
    strategy = strategy_of(arguments.strategy, arguments.set)
    space, given = _table(arguments) if arguments.score else _training(arguments)
    journal = arguments.journal or _default_journal(arguments, space, given)
    show: Callable[..., object] = _silent if arguments.json else print
    show(f"journal    {journal}", flush=True)
    journal.parent.mkdir(parents=True, exist_ok=True)
    found = ta.search(
        space,
        strategy,
        **given,
        budget=arguments.budget,
        seconds=arguments.seconds,
        threshold=arguments.threshold,
        engine=arguments.engine,
        workers=arguments.workers or 0,
        seed=arguments.seed,
        journal=journal,
        resume=True,
        progress=False if arguments.json else None,
        control=arguments.control,
    )
    print(json.dumps(_plain(found, journal), indent=1) if arguments.json else _text(found))


def _listed(arguments: Arguments) -> str:
    """The settings of the strategy."""
    from taskaware.cli.strategy import settings_of

    rows = [(key, str(value)) for key, value in settings_of(arguments.strategy).items()]
    return json.dumps(dict(rows), indent=1) if arguments.json else aligned(["setting", "default"], rows)


def _check(arguments: Arguments) -> None:
    if bool(arguments.task) == bool(arguments.score):
        raise UserError(
            "Give either --task DATA, to train on it, or --score COLUMN, if SPACE is a table of known scores."
        )
    wrong, why = (OF_TASKS, "--task") if arguments.score else (OF_TABLES, "--score")
    for name in wrong:
        if getattr(arguments, name):
            raise UserError(f"--{name} requires {why}.")
    if arguments.score and not arguments.decisions:
        raise UserError("--score requires --decisions: the columns that define a point.")


def _table(arguments: Arguments) -> tuple["Space", dict[str, Any]]:
    from taskaware.data.load import load
    from taskaware.objectives.lookups import table

    frame = load(arguments.space).frame
    space, objective = table(
        frame, arguments.decisions, arguments.score, test=arguments.test, name=Path(arguments.space).stem
    )
    return space, {"objective": objective}


def _training(arguments: Arguments) -> tuple["Space", dict[str, Any]]:
    from taskaware.spaces.presets import space_named

    given = {name: getattr(arguments, name) for name in ("task", "target", "store", "inherit")}
    return space_named(arguments.space), {name: value for name, value in given.items() if value}


def _default_journal(arguments: Arguments, space: "Space", given: dict[str, Any]) -> Path:
    """A name that is the same for the same search."""
    from taskaware.digests import digest

    table = given["objective"].about if "objective" in given else ""
    words = [space.digest, arguments.strategy, str(arguments.task), arguments.target, arguments.seed, table]
    words += [arguments.inherit] * bool(arguments.inherit) + arguments.set
    name = re.sub(r"[^\w-]+", "-", space.name).strip("-")[:40] or "space"
    return Path("runs") / f"search-{name}-{arguments.strategy}-{digest(words)[:8]}.jsonl"


def _text(found: "History") -> str:
    best = found.best
    test = "" if best.test_score is None else f" (test {best.test_score:.4g})"
    lines = [f"best       {best.score:.4g}{test}, evaluation {best.number} of {len(found)}"]
    lines += [f"  {name:<24} {value}" for name, value in best.decisions.items()]
    if (random := _control(found)) is not None:
        lines.append(f"random     {random:.4g} is the best of the same number of random points")
    diverged = int(found.diverged.sum())
    lines += [f"diverged   {diverged} of {len(found)}"] * bool(diverged) + list(found.notes)
    return "\n".join([*lines, f"ended by   {found.ended}"])


def _plain(found: "History", journal: Path) -> dict[str, object]:
    best = found.best
    test = best.test_score
    return {
        "best": best.score,
        "test": test if test is None or math.isfinite(test) else None,
        "evaluation": best.number,
        "decisions": {name: _option(value) for name, value in best.decisions.items()},
        "evaluations": len(found),
        "diverged": int(found.diverged.sum()),
        "ended": found.ended,
        "journal": str(journal),
        **({} if found.control is None else {"control": _control(found)}),
    }


def _control(found: "History") -> float | None:
    """The best score of the control; None without one, or if all of its points diverged."""
    control = found.control
    return None if control is None or control.diverged.all() else control.best.score


def _silent(*words: object, **settings: object) -> None:
    """Replaces `print` when the output is JSON."""


def _option(value: Any) -> object:
    """A number of NumPy as one of Python, and everything else as it is."""
    return value.item() if hasattr(value, "item") else value


def _number(least: float) -> Callable[[str], float]:
    """A type for argparse: numbers above `least`."""
    import argparse

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or not value > least:
            above = "" if least == -math.inf else f" above {least:g}"
            raise argparse.ArgumentTypeError(f"'{text}' is not a number{above}")
        return value

    return read


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "space",
        metavar="SPACE",
        help="'compact' or another preset, a space.json, or a table of known scores (with --score)",
    )
    parser.add_argument(
        "--strategy",
        default="evolution",
        metavar="NAME",
        help="evolution (default), local_search, random, ...",
    )
    add_settings(parser, "a setting of the strategy", "minibatch=16")
    parser.add_argument("--task", metavar="DATA", help="dataset on which each point is trained")
    parser.add_argument("--target", metavar="COLUMN", help="with --task: column to predict")
    parser.add_argument(
        "--decisions", nargs="+", metavar="COLUMN", help="with --score: columns of the decisions"
    )
    parser.add_argument("--score", metavar="COLUMN", help="column of the table to maximise")
    parser.add_argument("--test", metavar="COLUMN", help="with --score: column of the test score")
    parser.add_argument(
        "--budget", type=whole(1, 100_000_000), required=True, metavar="N", help="evaluations, at most"
    )
    parser.add_argument("--seconds", type=_number(0.0), metavar="S", help="end after S seconds")
    parser.add_argument(
        "--threshold", type=_number(-math.inf), metavar="X", help="end at a score of X or more"
    )
    parser.add_argument(
        "--engine",
        type=one_of("engine", ENGINES),
        default="serial",
        metavar="|".join(ENGINES),
        help="where points are evaluated (default: serial)",
    )
    parser.add_argument(
        "--workers", type=whole(0, 100_000), metavar="N", help="evaluations at a time (default: one per core)"
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="the same seed gives the same search (default: 0)",
    )
    parser.add_argument("--store", metavar="STORE", help="path or URL of a store that records every training")
    parser.add_argument(
        "--inherit",
        type=whole(0, 100_000),
        default=0,
        metavar="N",
        help="only cells: children start from the weights of parents among the last N trainings (default: 0)",
    )
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="record of the search, from which it is resumed (default: runs/search-....jsonl)",
    )
    parser.add_argument(
        "--control", action="store_true", help="add a random search with the same number of evaluations"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")


COMMAND = Command(
    "search",
    "Search a space with any strategy; the same command resumes the search.",
    (
        "taskaware search compact --strategy evolution --task iris --budget 200 --engine processes",
        "taskaware search known.csv --decisions op0 op1 --score valid --strategy local_search --budget 5000",
    ),
    _add_arguments,
    run,
)
