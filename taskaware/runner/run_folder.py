"""The run folder: what was asked for, what happened, what came out."""

import contextlib
import dataclasses
import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import taskaware
from taskaware.digests import digest
from taskaware.errors import UserError
from taskaware.exchange import is_unfinished
from taskaware.files import ExistsError, atomic_write
from taskaware.runner import Journal, read_journal, starts
from taskaware.saved import read_json
from taskaware.secrets import in_plain, without_secrets

CONFIG, JOURNAL, RESULT = "config.json", "journal.jsonl", "result.json"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A run on the disk: `config.json`, `journal.jsonl`, `result.json`, and a CSV file for each table.

    Attributes:
        path: of the folder.
        study: name of what was run.
        digest: of the resolved config, see `config_digest`.
    """

    path: Path
    study: str
    digest: str

    @classmethod
    def open(
        cls, path: str | os.PathLike, study: str, config: Any, *, command: str | None = None
    ) -> "RunFolder":
        """Begin a study, or go on with the same one.

        Args:
            path: a new or empty folder, or that of a study with the same config.
            study: name of what is run.
            config: the resolved one, a dataclass of plain data.
            command: what was typed, for the record.

        Raises:
            UserError: the folder holds something else.
        """
        folder = cls(Path(path), study, config_digest(study, config))
        if not (folder.path / CONFIG).exists():
            folder._begin(config, command)
        folder._check_same(config)
        return folder

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """A block in which no other process works on this study.

        Raises:
            UserError: another one does; the message names it.
        """
        return starts.alone(self.path)

    def journal(self) -> Journal:
        """The journal, to be written to."""
        return Journal(self.path / JOURNAL)

    def finished(self) -> dict[str, dict]:
        """The entries of the jobs that went well, by job id; those of earlier starts too."""
        entries = {entry["job"]: entry for entry in read_journal(self.path / JOURNAL)}
        return {job: entry for job, entry in entries.items() if entry.get("status") == "ok"}

    def write_table(self, name: str, table: pd.DataFrame) -> Path:
        """Write `name`.csv anew."""
        path = self.path / f"{name}.csv"
        atomic_write(path, table.to_csv(index=False).encode())
        return path

    def finish(self, *, jobs: int, failed: int, seconds: float, summary: Mapping) -> None:
        """Write `result.json`: the study has come to its end.

        Its `seconds` are those of all starts together, from `starts.jsonl`.

        Args:
            jobs: that were to be done in this start.
            failed: those of them that were given up.
            seconds: that this start took.
            summary: plain data, printed and reported.
        """
        result = {"finished": _now(), "jobs": jobs, "failed": failed}
        seconds += starts.earlier_seconds(self.path, JOURNAL)
        result |= {"seconds": round(seconds, 2), "summary": dict(summary)}
        atomic_write(self.path / RESULT, json.dumps(in_plain(result), indent=1).encode())

    def _begin(self, config: Any, command: str | None) -> None:
        """Write `config.json` into a folder that holds nothing else; a second start may be quicker."""
        if not self._is_free() and not (self.path / CONFIG).exists():
            raise UserError(f"'{self.path}' holds something else than a study. Choose another folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        # The key is older than the word study; folders of earlier versions are read and resumed.
        about: dict[str, object] = {"campaign": self.study, "digest": self.digest}
        about |= {"config": dataclasses.asdict(config), "taskaware": taskaware.__version__}
        about |= {"started": _now(), "command": command}
        content = json.dumps(in_plain(about), indent=1).encode()
        with contextlib.suppress(ExistsError):
            atomic_write(self.path / CONFIG, content, replace=False)

    def _is_free(self) -> bool:
        """Whether it is not there, or empty but for what a start is writing, or wrote when it was killed."""
        if not self.path.exists():
            return True
        return self.path.is_dir() and all(is_unfinished(each) for each in self.path.iterdir())

    def _check_same(self, config: Any) -> None:
        try:
            about = read_json(self.path / CONFIG, finite=False)
            found = (about["campaign"], about["digest"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(f"'{self.path / CONFIG}' is damaged. Choose another folder.") from error
        # Older ones counted a password as a part of the config.
        older = digest({"campaign": self.study, "config": _without_runners(dataclasses.asdict(config))})
        if found not in ((self.study, self.digest), (self.study, older)):
            raise UserError(
                f"'{self.path}' holds a study of another config ({found[0]} {found[1]}; this one is "
                f"{self.study} {self.digest}). Choose another folder, or take the settings back."
            )


def config_digest(study: str, config: Any) -> str:
    """16 hex digits that name what a study is; where its jobs run, and passwords, are no part of it."""
    plain = in_plain(_without_runners(dataclasses.asdict(config)), without_secrets)
    return digest({"campaign": study, "config": plain})


def _without_runners(config: Mapping) -> dict:
    left = {name: value for name, value in config.items() if name != "runner"}
    return {n: _without_runners(v) if isinstance(v, Mapping) else v for n, v in left.items()}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
