"""The head of the page: what was run, how it ended, and its summary in numbers."""

import datetime
from collections.abc import Iterator, Mapping

from markupsafe import Markup

from taskaware.reports import page
from taskaware.reports.folder import Run
from taskaware.reports.verdict import groups_of, verdict

TITLES = {
    "collect": "Collecting experience",
    "evaluate": "Leaving tasks out",
    "compare": "Comparing strategies",
    "models": "Comparing models",
    "published": "The published setting",
    "ship": "Shipped experience",
    "toy": "Evolution with and without aging",
}
COUNTED = ("jobs", "failed")


def title(run: Run) -> str:
    """The name of the study, for people."""
    study = run.about["campaign"]
    return TITLES.get(study, study)


def head(run: Run) -> list[Markup]:
    """From the title down to the config."""
    about = run.about
    facts = [
        f"config {about.get('digest', 'unknown')}",
        f"started {_moment(about.get('started'))}",
        *([f"finished {_moment(run.result.get('finished'))}"] if run.result else []),
        f"taskaware {about.get('taskaware', 'unknown')}",
    ]
    return [
        page.title_block(
            f"{about['campaign']} · {run.name}", title(run), " · ".join(facts), about.get("command")
        ),
        *([page.notice(sentence, fine=True)] if (sentence := verdict(run)) else []),
        *_notices(run),
        page.tiles(_tiles(run)),
        *_config(about.get("config")),
    ]


def summary(run: Run) -> page.Section | None:
    """The summary that the study itself wrote."""
    written = (run.result or {}).get("summary")
    if not isinstance(written, Mapping):
        return None
    groups = groups_of(written)
    single = {name: value for name, value in written.items() if name not in groups and value != {}}
    rows = [(_in_words(name), _cell(value)) for name, value in single.items() if name not in COUNTED]
    parts = [page.table(["what", "value"], rows)] if rows else []
    for name, group in groups.items():
        parts += [page.heading(_in_words(name)), _group(group)]
    return page.Section("Summary", parts) if parts else None


def _notices(run: Run) -> Iterator[Markup]:
    if run.result is None:
        so_far = (
            f"{page.counted(len(run.jobs), 'job')} ended so far" if len(run.jobs) else "no job has ended yet"
        )
        yield page.notice(f"This study is not finished: {so_far}. The same command resumes it.")
    if run.failed:
        yield page.notice(
            f"{run.failed:,} of {page.counted(run.ended, 'job')} failed; their results are missing "
            "below. The same command tries them again."
        )
    elif run.result is not None:
        well = f"{page.counted(run.ended, 'job')}, none failed" if run.ended else "no job was left to do"
        yield page.notice(f"This study is finished: {well}.", fine=True)
    if run.parts:
        names = ", ".join(run.parts)
        yield page.notice(f"Parts of this study have folders, and reports, of their own: {names}.", fine=True)


def _tiles(run: Run) -> Iterator[tuple[str, str, bool]]:
    well = run.jobs[run.jobs["status"] == "ok"]
    yield "jobs ended", f"{run.ended:,}", False
    yield "failed", f"{run.failed:,}", run.failed > 0
    tasks = {*run.jobs["task"], *run.progress["task"], *run.picks["task"], *run.cost["task"]}
    tasks = tasks.union(run.scores["task"]) - {""}
    if tasks:
        yield "tasks", f"{len(tasks):,}", False
    if len(well):
        yield f"{run.unit} made", f"{well['size'].sum():,.0f}", False
    diverged = int(well["diverged"].sum())
    if diverged:
        yield "of them diverged (NaN)", f"{diverged:,}", False
    if run.result and isinstance(run.result.get("seconds"), int | float):
        yield "took", page.duration(run.result["seconds"]), False
    if len(run.jobs):
        yield "worker time", page.duration(run.jobs["seconds"].sum()), False


def _config(config: object) -> Iterator[Markup]:
    rows = list(_flat(config)) if isinstance(config, Mapping) else []
    if rows:
        yield page.details(
            f"Config: {page.counted(len(rows), 'setting')}", page.table(["key", "value"], rows)
        )


def _flat(config: Mapping, before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _cell(value: object) -> object:
    """A list in words, and anything else as it is."""
    return _shown(value) if isinstance(value, list | tuple) else value


def _group(group: Mapping) -> Markup:
    """A table with a row for each name; a number and its standard error stand in one cell."""
    rows = {name: row if isinstance(row, Mapping) else {"value": row} for name, row in group.items()}
    names = dict.fromkeys(column for row in rows.values() for column in row)
    columns = [name for name in names if not (name.endswith("_se") and name.removesuffix("_se") in names)]
    cells = [[name, *(_with_error(row, column) for column in columns)] for name, row in rows.items()]
    return page.table(["", *map(_in_words, columns)], cells)


def _with_error(row: Mapping, column: str) -> object:
    value, error = row.get(column), row.get(f"{column}_se")
    if isinstance(value, int | float) and isinstance(error, int | float):
        return f"{page.number(value)} ± {page.number(error)}"
    return value


def _in_words(name: object) -> str:
    return str(name).replace("_", " ")


def _moment(text: object) -> str:
    try:
        at = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return "at an unknown time"
    utc = at.astimezone(datetime.UTC) if at.tzinfo else at
    return f"{utc:%Y-%m-%d %H:%M} UTC"
