"""Which jobs failed, and why."""

import re
from collections.abc import Iterator

import pandas as pd
from markupsafe import Markup

from taskaware.reports import page
from taskaware.reports.folder import Run

LABELS = 20
ERROR = 2000
"""Job labels of a group that are listed, and characters of an error that are shown."""

_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")


def section(run: Run) -> page.Section | None:
    """None where nothing failed."""
    jobs = run.jobs
    failed = jobs[jobs["status"] == "failed"]
    later = jobs[(jobs["status"] == "ok") & ((jobs["before"] > 0) | (jobs["attempts"] > 1))]
    if failed.empty and later.empty and not run.failed:
        return None
    parts = [page.paragraph(text) for text in _words(run, failed, later)]
    parts += [part for error, group in grouped(failed) for part in _group(error, group)]
    return page.Section("Failures", parts)


def grouped(failed: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The first error text of each group and its jobs, the largest group first.

    Errors that differ in numbers alone are one group.
    """
    alike = failed["error"].map(lambda text: _NUMBER.sub("0", " ".join(text.split())))
    groups = [group for _, group in failed.groupby(alike, sort=False)]
    groups.sort(key=lambda group: -len(group))
    return [(group["error"].iloc[0], group) for group in groups]


def _words(run: Run, failed: pd.DataFrame, later: pd.DataFrame) -> Iterator[str]:
    if len(failed):
        yield f"{page.counted(len(failed), 'job')} failed and did not succeed later."
    elif run.failed:
        yield f"{page.counted(run.failed, 'job')} failed; the journal here does not name them."
    if len(later):
        yield f"{page.counted(len(later), 'job')} succeeded only after another attempt."


def _group(error: str, group: pd.DataFrame) -> list[Markup]:
    names = [label or job for label, job in zip(group["label"], group["job"], strict=True)]
    more = f", and {len(names) - LABELS:,} more" if len(names) > LABELS else ""
    text = page.shortened(error, ERROR) or "no message"
    several = group["error"].nunique()
    alike = f" ({several} wordings that differ in numbers)" if several > 1 else ""
    tasks = group.loc[group["task"] != "", "task"].nunique()
    on = f" on {page.counted(tasks, 'task')}" if tasks else ""
    listed = page.paragraph("; ".join(names[:LABELS]) + more)
    return [
        page.heading(f"{page.counted(len(group), 'job')}{on}{alike}"),
        page.error(text),
        page.details("Which jobs", listed, shown=len(names) <= 5),
    ]
