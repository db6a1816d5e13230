"""From a run folder to one file of HTML."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from taskaware.errors import UserError
from taskaware.files import atomic_write
from taskaware.reports import (
    calibration,
    cost,
    failures,
    models,
    opening,
    page,
    picks,
    plots,
    progress,
    ranks,
)
from taskaware.reports.folder import TABLES, Run, read_run
from taskaware.reports.searches import search_page
from taskaware.reports.style import looks
from taskaware.reports.together import searches_page
from taskaware.runner.run_folder import CONFIG, JOURNAL, RESULT

NAME = "report.html"


def report(
    folder: str | os.PathLike | Sequence[str | os.PathLike],
    path: str | os.PathLike | None = None,
    *,
    force: bool = False,
) -> Path:
    """Write the results and the course of a study or a search as one self-contained HTML file.

    The same files give the same bytes. An unfinished study or search is reported as far as it is.

    Args:
        folder: the run folder of a study, the journal of a search, or several journals, for one page with a
            band over the seeds of each strategy.
        path: path of the page; by default `report.html` in the folder, the journal's name with `.html`, or
            `searches.html` beside the first of several journals.
        force: whether to replace an existing file.

    Returns:
        The path of the page.

    Raises:
        UserError: the folder is not a run folder, or a file in it is damaged; the file is not a journal; or
            the page exists already, is a file of the study, or cannot be written there.
        StoreError: a line of the journal is damaged.
    """
    if not isinstance(folder, str | os.PathLike):
        journals = [Path(each) for each in folder]
        if len(journals) != 1:
            return _of_searches(journals, path, force)
        folder = journals[0]
    folder = Path(folder)
    if folder.is_file():
        return _of_search(folder, folder.with_suffix(".html") if path is None else Path(path), force)
    target = folder / NAME if path is None else Path(path)
    _check_target(folder, target, force)
    atomic_write(target, _page(read_run(folder)).encode())
    return target


def _of_search(journal: Path, target: Path, force: bool) -> Path:
    if target.exists() and target.samefile(journal):
        raise UserError(f"'{target}' is the journal itself. Choose another name.")
    _check_target(journal, target, force)
    atomic_write(target, search_page(journal).encode())
    return target


def _of_searches(journals: list[Path], path: str | os.PathLike | None, force: bool) -> Path:
    for each in journals:
        if not each.is_file():
            raise UserError(f"'{each}' is no journal of a search. Several at once must all be journals.")
    if not journals:
        raise UserError("Name a run folder, or the journals of searches.")
    target = journals[0].parent / "searches.html" if path is None else Path(path)
    if any(target.exists() and target.samefile(each) for each in journals):
        raise UserError(f"'{target}' is one of the journals. Choose another name.")
    _check_target(journals[0], target, force)
    atomic_write(target, searches_page(journals).encode())
    return target


def _page(run: Run) -> str:
    strategies, methods = (
        looks(run.progress["strategy"]),
        looks([*run.picks["method"], *run.calibration["method"]]),
    )
    with plots.drawing():
        sections = [
            opening.summary(run),
            progress.section(run, strategies),
            ranks.section(run, strategies, methods),
            picks.section(run, methods),
            calibration.section(run, methods),
            models.section(run, looks(run.scores["model"])),
            cost.section(run),
            failures.section(run),
        ]
    there = [section for section in sections if section is not None]
    title = f"{opening.title(run)} · {run.name}"
    return page.document(title, [*opening.head(run), *_nothing(there)], there, FOOT)


FOOT = "Accuracy or R²: larger is better. This page is one file; it loads nothing."


def _nothing(sections: list[page.Section]) -> Iterator[Markup]:
    if not sections:
        yield page.paragraph("There are no tables and no ended jobs yet, and so nothing to plot.")


def _check_target(folder: Path, target: Path, force: bool) -> None:
    own = {CONFIG, JOURNAL, RESULT, *(f"{name}.csv" for name in TABLES)}
    if target.name in own and target.resolve().parent == folder.resolve():
        raise UserError(f"'{target}' is a file of the run folder itself. Choose another name.")
    if target.is_dir():
        raise UserError(f"'{target}' is a folder. Name a file in it.")
    if target.exists() and not force:
        raise UserError(f"'{target}' exists already. Choose another name, or pass force=True to replace it.")
    if folder.is_dir() and not target.parent.is_dir():
        raise UserError(f"There is no folder '{target.parent}'. Make it first, or choose another.")
