"""Reading a run folder, whichever study has written it, finished or not."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from taskaware import plain
from taskaware.errors import UserError
from taskaware.runner import read_journal
from taskaware.runner.run_folder import CONFIG, JOURNAL, RESULT
from taskaware.saved import read_json

TABLES = {
    "progress": (
        ("strategy", "task", "group", "problem", "seed"),
        ("trainings", "best_score", "test_score"),
    ),
    "picks": (
        ("method", "seed", "task", "group", "problem"),
        ("spearman", "score", "test_score", "regret", "top1"),
    ),
    "calibration": (
        ("method", "seed", "task", "group", "problem"),
        ("predicted", "deviation", "actual"),
    ),
    "scores": (
        ("task", "group", "problem", "seed", "model"),
        ("score", "seconds"),
    ),
    "cost": (
        ("task", "problem"),
        ("rows", "columns", "trainings", "diverged", "failed", "seconds"),
    ),
}
"""Tables that a report knows: columns of words, and columns of numbers."""

STUDIES = (
    "collect", "compare", "evaluate", "improve", "learned-features", "models", "published", "ship", "toy",
)  # fmt: skip
"""Studies that write these tables; another one may call a table of its own the same."""

WORDS = ("job", "label", "task", "status", "error", "worker")
NUMBERS = {"size": 1.0, "attempts": 1.0, "seconds": 0.0, "diverged": 0.0}
"""Columns of the journal, and what stands for a number that is missing."""

LISTED = 6
DAY = 86_400.0


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """The files of a run folder.

    Attributes:
        name: of its folder.
        about: `config.json`.
        result: `result.json`; None while the study is not finished.
        jobs: the last entry of each job in the journal, in the order in which they ended: `WORDS`, `NUMBERS`,
            `end` (seconds since the first of them began) and `before` (how often it had failed before).
        progress, picks, calibration, scores, cost: see `TABLES`; empty where the study has none.
        parts: folders inside that are runs themselves.
    """

    name: str
    about: dict
    result: dict | None
    jobs: pd.DataFrame
    progress: pd.DataFrame
    picks: pd.DataFrame
    calibration: pd.DataFrame
    scores: pd.DataFrame
    cost: pd.DataFrame
    parts: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Unit of the size of a job."""
        return (
            "picks"
            if self.about["campaign"] in ("evaluate", "learned-features", "published")
            else "trainings"
        )

    @property
    def failed(self) -> int:
        """Number of jobs that failed and did not succeed later."""
        return max(int((self.jobs["status"] == "failed").sum()), _count(self.result, "failed"))

    @property
    def ended(self) -> int:
        """Number of ended jobs."""
        return max(len(self.jobs), _count(self.result, "jobs"))


def read_run(folder: Path) -> Run:
    """All that the report needs of a folder.

    Raises:
        UserError: it is no run folder, or a file of it is damaged.
    """
    if not (folder / CONFIG).is_file():
        raise _no_run(folder)
    about = _read_json(folder / CONFIG)
    if not isinstance(about.get("campaign"), str):
        raise _damaged(folder / CONFIG, "it names no study")
    result = _read_json(folder / RESULT) if (folder / RESULT).exists() else None
    tables = {
        name: _read_table(folder / f"{name}.csv", *columns, ours=about["campaign"] in STUDIES)
        for name, columns in TABLES.items()
    }
    jobs = _read_jobs(folder / JOURNAL)
    return Run(folder.resolve().name, about, result, jobs, parts=tuple(_runs_in(folder)), **tables)


def _read_json(path: Path) -> dict:
    try:
        found = read_json(path, finite=False)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(found, dict):
        raise _damaged(path, "it holds no object")
    return found


def _read_table(path: Path, words: Sequence[str], numbers: Sequence[str], *, ours: bool) -> pd.DataFrame:
    """The table; what is no finite number in a column of numbers is NaN.

    Args:
        path: of it.
        words, numbers: its columns.
        ours: whether the study is one that writes it; else a table of other columns is left out.
    """
    if not path.is_file():
        return pd.DataFrame(columns=[*words, *numbers])
    try:
        # A task may well be called "NA".
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=[*words, *numbers])
    except (ValueError, pd.errors.ParserError) as error:
        raise _damaged(path, str(error)) from error
    missing = [name for name in (*words, *numbers) if name not in table]
    if missing and not ours:
        return pd.DataFrame(columns=[*words, *numbers])
    if missing:
        raise _damaged(path, f"it has no column {', '.join(missing)}")
    return table.assign(**{name: _finite(table[name]) for name in numbers})


def _read_jobs(path: Path) -> pd.DataFrame:
    last: dict[str, dict] = {}
    before: dict[str, int] = {}
    for entry in read_journal(path):
        job = str(entry["job"])
        before[job] = before.get(job, -1) + 1
        last.pop(job, None)
        last[job] = entry
    jobs = pd.DataFrame(
        {name: [_text(entry.get(name)) for entry in last.values()] for name in WORDS}, dtype=str
    )
    for name, missing in NUMBERS.items():
        jobs[name] = _finite(pd.Series([entry.get(name) for entry in last.values()])).fillna(missing)
    jobs["end"] = _elapsed([entry.get("at") for entry in last.values()], jobs["seconds"])
    return jobs.assign(before=[before[job] for job in last]).astype({"before": int})


def _elapsed(times: Sequence[object], seconds: pd.Series) -> pd.Series:
    """When each job ended, in seconds since the first one began; NaN where the time is missing."""
    texts = pd.Series([_text(time) for time in times], dtype=str)
    at = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
    end = (at - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return end - (end - seconds).min()


def _finite(column: pd.Series) -> pd.Series:
    # A whole number of 400 digits is none that a float could hold.
    known = column.map(lambda value: None if isinstance(value, int) and not plain.is_number(value) else value)
    numbers = pd.to_numeric(known, errors="coerce").astype(float)
    return numbers.where(numbers.abs() < float("inf"))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _count(result: dict | None, name: str) -> int:
    value = (result or {}).get(name)
    return int(value) if plain.is_number(value) else 0


def _runs_in(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))


def _no_run(folder: Path) -> UserError:
    if not folder.exists():
        return UserError(f"'{folder}' is no run folder: there is no such folder. Name one.")
    inside = _runs_in(folder)
    if inside:
        more = f" and {len(inside) - LISTED} more" if len(inside) > LISTED else ""
        return UserError(
            f"'{folder}' is no run folder, but has some in it. Name one: {', '.join(inside[:LISTED])}{more}."
        )
    return UserError(
        f"'{folder}' is no run folder: it has no {CONFIG}. Name the folder that a study has written, "
        "such as runs/NAME."
    )


def _damaged(path: Path, why: str) -> UserError:
    mend = "Run the study again in a new folder." if path.name == CONFIG else "Remove it, and run again."
    return UserError(f"'{path}' is damaged ({' '.join(why.split())}). {mend}")
