"""`taskaware experience`: list, check, move and prune the trainings of a store."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from taskaware.cli.output import aligned
from taskaware.cli.parser import Arguments, Command, Parser, one_of
from taskaware.errors import StoreError, UserError

LISTED = (
    "name",
    "problem",
    "metric",
    "space_name",
    "recipe",
    "trained",
    "diverged",
    "failed",
    "seeds",
    "architectures",
    "best",
)


def run(arguments: Arguments) -> None:
    """Run the action.

    Raises:
        UserError: the action needs a further argument, or has one too many.
        StoreError: the store cannot be used, or `check` found a fault.
    """
    from taskaware.store import Store

    needs = NEEDS[arguments.action]
    if bool(needs) != bool(arguments.other):
        what = f"needs {needs} after STORE" if needs else f"takes nothing after STORE, not {arguments.other}"
        raise UserError(f"'experience {arguments.action}' {what}.")
    writes = arguments.action in WRITERS
    creates = arguments.action in CREATORS
    with Store.open(arguments.store, create=creates, readonly=not writes) as store:
        answer, text = ACTIONS[arguments.action](store, arguments)
    print(json.dumps(answer, indent=1) if arguments.json else text)


def _list(store, arguments: Arguments) -> tuple[object, str]:
    rows = [dataclasses.asdict(row) for row in store.listing()]
    if not rows:
        return [], f"{store.place} holds no trainings."
    cells = [[_short(row[name]) for name in LISTED] for row in rows]
    return rows, aligned(LISTED, cells, right=LISTED[5:])


def _show(store, arguments: Arguments) -> tuple[object, str]:
    summary = dataclasses.asdict(store.summary())
    groups = [dataclasses.asdict(group) for group in store.failures(10)]
    lines = [f"{name:<14} {_short(value)}" for name, value in summary.items()]
    lines += [f"failed {group['count']} times: {group['error']}" for group in groups]
    return summary | {"failures": groups}, "\n".join(lines)


def _merge(store, arguments: Arguments) -> tuple[object, str]:
    from taskaware.store import Store

    added = 0
    for place in arguments.other:
        with Store.open(place, create=False, readonly=True) as other:
            added += store.merge(other)
    return {"added": added}, f"{added:,} trainings added to {store.place}."


def _export(store, arguments: Arguments) -> tuple[object, str]:
    path = _one(arguments)
    written = store.export_parquet(path)
    return {"written": written, "path": path}, f"{written:,} trainings written to {path}."


def _import(store, arguments: Arguments) -> tuple[object, str]:
    path = _one(arguments)
    packed = Path(path).suffix == ".npz"
    added = store.import_compact(path) if packed else store.import_parquet(path)
    return {"added": added}, f"{added:,} trainings added to {store.place}."


def _migrate(store, arguments: Arguments) -> tuple[object, str]:
    version = store.summary().version
    return {"version": version}, f"{store.place} has schema version {version}."


def _check(store, arguments: Arguments) -> tuple[object, str]:
    report = store.check()
    if not report.ok:
        raise StoreError(f"{store.place}: " + " ".join(report.problems))
    counts = ("trainings", "architectures", "tasks", "artefacts")
    checked = ", ".join(f"{getattr(report, name):,} {name}" for name in counts)
    return dataclasses.asdict(report), f"{store.place} has no fault: {checked}."


def _prune(store, arguments: Arguments) -> tuple[object, str]:
    pruned = store.prune(
        failed=arguments.failed,
        recipe=arguments.recipe,
        task=arguments.task,
        code_version=arguments.code_version,
        unused=arguments.unused,
        dry_run=not arguments.yes,
    )
    counts = ", ".join(f"{count:,} {name}" for name, count in dataclasses.asdict(pruned).items())
    text = f"Removed: {counts}." if arguments.yes else f"Would remove: {counts}. To remove it, add --yes."
    return dataclasses.asdict(pruned) | {"removed": arguments.yes}, text


def _one(arguments: Arguments) -> str:
    if len(arguments.other) > 1:
        raise UserError(f"'experience {arguments.action}' takes one file, not {len(arguments.other)}.")
    return arguments.other[0]


def _short(value: object) -> object:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else value


ACTIONS: dict[str, Callable] = {
    "list": _list,
    "show": _show,
    "merge": _merge,
    "export": _export,
    "import": _import,
    "migrate": _migrate,
    "check": _check,
    "prune": _prune,
}
NEEDS = dict.fromkeys(ACTIONS, "") | {
    "merge": "other stores",
    "export": "a Parquet file",
    "import": "a Parquet file or a packed .npz file",
}
WRITERS = ("merge", "import", "migrate", "prune")
CREATORS = ("merge", "import")


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "action",
        metavar="|".join(ACTIONS),
        type=one_of("action", tuple(ACTIONS)),
        help="what to do with STORE; merge, export and import need OTHER",
    )
    parser.add_argument("store", metavar="STORE", help="path or database URL of the experience")
    parser.add_argument(
        "other",
        metavar="OTHER",
        nargs="*",
        help="merge: stores to read; export: Parquet file to write; import: Parquet or packed .npz file",
    )
    parser.add_argument(
        "--failed", action="store_true", help="prune: select trainings that failed with an error"
    )
    parser.add_argument("--recipe", metavar="DIGEST", help="prune: select trainings with this recipe")
    parser.add_argument("--task", metavar="NAME", help="prune: select trainings on this task")
    parser.add_argument(
        "--code-version", metavar="V", help="prune: select trainings by this version of the trainer"
    )
    parser.add_argument(
        "--unused",
        action="store_true",
        help="prune: also select tasks, architectures and recipes without a training",
    )
    parser.add_argument(
        "--yes", action="store_true", help="prune: delete what is selected; without it, only count"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")


COMMAND = Command(
    "experience",
    "List the trainings of a store; merge, export, import, migrate, check or prune it.",
    (
        "taskaware experience list experience.sqlite",
        "taskaware experience export experience.sqlite experience.parquet",
        "taskaware experience merge all.sqlite monday.sqlite tuesday.sqlite",
        "taskaware experience prune experience.sqlite --failed --yes",
    ),
    _add_arguments,
    run,
)
