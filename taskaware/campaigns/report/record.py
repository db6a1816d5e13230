"""What a run has left in its folder, read for a report."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from taskaware.campaigns.run_folder import CONFIG, JOURNAL, RESULT
from taskaware.errors import UserError
from taskaware.runner import read_journal

TABLES = ("progress", "picks", "calibration", "cost")


@dataclasses.dataclass(frozen=True, eq=False)
class Record:
    """A run, as it stands on the disk.

    Attributes:
        about: of `config.json`.
        result: of `result.json`; None where the run has not come to its end.
        jobs: the last entry of each job, a row each, in the order of their ends.
        tables: those that there are and that hold rows, by name.
    """

    about: Mapping
    result: Mapping | None
    jobs: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """What lies in the folder.

        Raises:
            UserError: it is no run's, or something in it is damaged.
        """
        if not (folder / CONFIG).is_file():
            raise UserError(f"'{folder}' is no run: it has no {CONFIG}. Name a folder that a campaign wrote.")
        about = _json(folder / CONFIG)
        result = _json(folder / RESULT) if (folder / RESULT).exists() else None
        entries = {entry["job"]: entry for entry in read_journal(folder / JOURNAL)}
        jobs = pd.DataFrame(list(entries.values()))
        return cls(about, result, jobs, dict(_tables(folder)))

    @property
    def failed(self) -> pd.DataFrame:
        """The jobs that were given up."""
        return self.jobs[self.jobs["status"] == "failed"] if len(self.jobs) else self.jobs


def _json(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"'{path}' cannot be read ({error}). Run the campaign again.") from error
    if not isinstance(found, dict):
        raise UserError(f"'{path}' is damaged: it holds no object. Run the campaign again.")
    return found


def _tables(folder: Path):
    for name in TABLES:
        path = folder / f"{name}.csv"
        if not path.is_file():
            continue
        try:
            table = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise UserError(f"'{path}' cannot be read ({error}). Run the campaign again.") from error
        if len(table):
            yield name, table
