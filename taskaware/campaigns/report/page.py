"""The page itself: HTML that needs nothing else."""

import os
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import pandas as pd

from taskaware.campaigns.report import figures
from taskaware.campaigns.report.record import Record
from taskaware.campaigns.run_folder import write_whole
from taskaware.errors import UserError

STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --faint: #667; --line: #d8dce3; --paper: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --faint: #9aa3b2; --line: #39404d; --paper: #171a20 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line) }
figure { margin: 1rem 0 }
figure svg { max-width: 100%; height: auto; background: #fff; border-radius: 4px }
figcaption, .faint { color: var(--faint) }
table { border-collapse: collapse; font-size: .9em }
td, th { padding: .15rem .7rem .15rem 0; text-align: left; border-bottom: 1px solid var(--line) }
td { overflow-wrap: anywhere }
.warn { border-left: 4px solid #d55e00; padding: .4rem .8rem }
details { margin: .6rem 0; overflow-x: auto }
summary { cursor: pointer; color: var(--faint) }
"""


def report(folder: str | os.PathLike, path: str | os.PathLike | None = None, *, force: bool = False) -> Path:
    """Write a run as one HTML file that opens without a network.

    Args:
        folder: of the run.
        path: of the file; `report.html` in the folder by default.
        force: whether a file that is there is replaced.

    Returns:
        The path of the file. The same folder gives the same bytes.

    Raises:
        UserError: the folder is no run's, something in it is damaged, or the file exists and `force` is not
            given.
    """
    folder = Path(folder)
    target = Path(path) if path is not None else folder / "report.html"
    record = Record.read(folder)
    if target.exists() and not force:
        raise UserError(f"'{target}' exists already. Choose another name, or pass force=True to replace it.")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder '{target.parent}'. Make it first, or choose another.")
    write_whole(target, page(record))
    return target


def page(record: Record) -> str:
    """The page of a run."""
    title = f"{record.about.get('campaign', 'run')} {record.about.get('digest', '')}"
    body = "\n".join([*_head(record), *_sections(record)])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def _head(record: Record) -> Iterator[str]:
    about, result = record.about, record.result
    if result is None:
        ended = f"{len(record.jobs)} jobs have ended so far"
        yield _warning(f"This run has not come to its end: {ended}. The same command goes on from there.")
    if len(record.failed):
        yield _warning(
            f"{len(record.failed)} jobs failed and are missing from what follows; see the last part."
        )
    rows = {
        "started": about.get("started"),
        "command": about.get("command"),
        "taskaware": about.get("taskaware"),
    }
    if result is not None:
        rows |= {"finished": result.get("finished"), "jobs of the last start": result.get("jobs")}
        rows |= {"seconds of the last start": result.get("seconds")}
    yield _table(pd.DataFrame({"": list(rows), " ": [str(value) for value in rows.values()]}))
    config = dict(_flat(about.get("config", {})))
    settings = pd.DataFrame({"setting": list(config), "value": [str(value) for value in config.values()]})
    yield _details("Settings", _table(settings))
    if result is not None and result.get("summary"):
        summary = dict(_flat(result["summary"]))
        said = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in summary.values()]
        yield _details("Summary in numbers", _table(pd.DataFrame({"": list(summary), " ": said})))


def _sections(record: Record) -> Iterator[str]:
    parts = {"progress": _progress, "picks": _picks, "calibration": _calibration, "cost": _cost}
    for name, part in parts.items():
        if name in record.tables:
            yield from part(record.tables[name])
    if len(record.jobs):
        yield "<h2>Throughput</h2>"
        yield _figure(
            figures.throughput(record.jobs),
            "Left: how much work ended in each part of the run. Right: how long every worker was at work.",
        )
    if not record.tables:
        yield '<p class="faint">There are no tables of results yet.</p>'
    if len(record.failed):
        yield "<h2>Failures</h2>"
        groups = record.failed.groupby("error")["label"].agg(["size", lambda labels: "; ".join(labels[:5])])
        groups = groups.set_axis(["times", "jobs"], axis=1).reset_index()
        yield _table(groups.sort_values("times", ascending=False))


def _progress(table: pd.DataFrame) -> Iterator[str]:
    seeds = table["seed"].nunique()
    band = f"the band spans {seeds} seeds" if seeds > 1 else "one seed, so there is no band"
    yield "<h2>Progress over the budget</h2>"
    yield _figure(
        figures.progress(table),
        "Best score so far, as a share of the way from the worst to the best score that any strategy had "
        f"on the task; mean over {table['task'].nunique()} tasks, {band}. Higher is better.",
    )
    yield _details(
        "Task by task",
        _figure(
            figures.progress_by_task(table), "Best validation score by trainings; the band spans the seeds."
        ),
    )
    ends = table.sort_values("trainings").groupby(["task", "origin", "seed", "strategy"]).tail(1)
    yield from _ranks(ends, "strategy", "best_score", "best validation score at the end of the budget")


def _picks(table: pd.DataFrame) -> Iterator[str]:
    yield "<h2>What was picked for tasks held out</h2>"
    yield _figure(
        figures.by_method(table, {"spearman": "Spearman", "regret": "regret in test score"}),
        "Each box is over tasks, mean over seeds. Left: rank correlation with the true scores, higher is "
        "better. Right: how much the best known architecture is better than the pick, lower is better.",
    )
    yield from _ranks(table, "method", "test_score", "test score of what was picked")


def _ranks(table: pd.DataFrame, what: str, column: str, words: str) -> Iterator[str]:
    """Mean ranks by task as a picture, and their mean with a standard error over origins."""
    ranked = table.assign(
        rank=table.groupby(["task", "seed"])[column].rank(ascending=False, na_option="bottom")
    )
    by_task = ranked.pivot_table(index="task", columns=what, values="rank")
    by_origin = ranked.pivot_table(index="origin", columns=what, values="rank")
    means = pd.DataFrame(
        {
            what: by_origin.columns,
            "mean rank": by_origin.mean().round(3).to_numpy(),
            "standard error over origins": by_origin.sem().round(3).to_numpy(),
        }
    ).sort_values("mean rank")
    yield f"<h2>Ranks by {escape(words)}</h2>"
    yield _table(means)
    yield _figure(
        figures.ranks(by_task[means[what]]), "Mean rank over seeds on each task; 1 is best (bright)."
    )


def _calibration(table: pd.DataFrame) -> Iterator[str]:
    levels, held = figures.coverage(table)
    said = ", ".join(f"{level:.0%}: {share:.0%}" for level, share in zip(levels, held, strict=True))
    yield "<h2>Calibration</h2>"
    yield _figure(
        figures.calibration(table),
        "Left: predicted and actual validation score of the picks. Middle: how many lie in their interval "
        f"({said}). Right: errors in units of the stated deviation, with the normal curve they should follow.",
    )


def _cost(table: pd.DataFrame) -> Iterator[str]:
    seconds, trainings = table["seconds"].sum(), int(table["trainings"].sum())
    yield "<h2>Cost</h2>"
    speed = f", {trainings / seconds:.1f} in a second of training" if seconds > 0 else ""
    yield f"<p>{trainings:,} trainings on {len(table)} tasks, {seconds / 3600:.2f} hours in all{speed}.</p>"
    yield _figure(figures.cost(table), "Seconds of training by task, compiling left out; the 40 dearest.")
    yield _details("All tasks", _table(table))


def _flat(values: Mapping, before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _details(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def _warning(words: str) -> str:
    return f'<p class="warn">{escape(words)}</p>'


def _table(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, escape=True, na_rep="", float_format=lambda x: f"{x:.4g}")
