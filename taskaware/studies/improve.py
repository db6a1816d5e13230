"""Experience where ascent goes: what ascents find is trained, and the evaluator learns from it.

In each round every task is held out with its relatives. Ascents on an evaluator that knows neither design
architectures for it; these are trained on it. So the next evaluator knows what ascents lead to, and the price
of an architecture that was never trained is learned from what such architectures fell short by.
"""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from taskaware.compilation import keep_compiled
from taskaware.errors import StoreError, UserError
from taskaware.files import atomic_write
from taskaware.objectives.collect import CollectSettings, collect
from taskaware.objectives.readable import check_readable
from taskaware.recommendation.designed import price_of, scored
from taskaware.recommendation.designs import Designs, held_out_designs
from taskaware.recommendation.expected import INTERVAL_80
from taskaware.recommendation.learn import BY_ASCENT
from taskaware.recommendation.teach import MORE, experience_of, train_evaluator
from taskaware.runner import RunnerSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.saved import read_json
from taskaware.secrets import discreet
from taskaware.spaces import preset
from taskaware.store import Experience, Store
from taskaware.studies.answers import FEWEST
from taskaware.studies.quality import spearman
from taskaware.surrogates import EvaluatorSettings, save_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.warping import unwarp
from taskaware.tasks.task import Task
from taskaware.training.recipe import TrainingRecipe


@discreet
@dataclasses.dataclass(frozen=True)
class ImproveSettings:
    """Settings of the rounds."""

    # Suites: "bundled", or folders with an index.csv.
    suite: tuple[str, ...] = ("bundled",)
    # Names of tasks; all tasks of the suites if empty.
    tasks: tuple[str, ...] = ()
    # Kinds of data that are taken of a folder; if empty, those whose embeddings the space has.
    modalities: tuple[str, ...] = ()
    # Preset that the architectures are points of.
    space: str = "compact"
    # Whether to learn from the shipped experience as well.
    with_shipped: bool = True
    # Parts of `teach.MORE` that are added to the shipped experience.
    more: tuple[str, ...] = MORE
    # Architectures that ascents design for each task in a round.
    designs: int = 8
    # Most rounds; they end earlier when the designs get no better.
    rounds: int = 2
    # Most trainings of all rounds together; 0 for no limit.
    trainings: int = 0
    # Parts that the groups of tasks are held out in.
    folds: int = 5
    # Of the folds and the searches.
    seed: int = 0
    # See `CollectSettings`.
    coarse: bool = False
    # Training recipe.
    trainer: TrainingRecipe = TrainingRecipe()
    # Settings of the evaluator.
    evaluator: EvaluatorSettings = EvaluatorSettings()
    # Path or database URL of the experience.
    store: str = "experience.sqlite"
    # Where the jobs run.
    runner: RunnerSettings = RunnerSettings()

    def check(self) -> "ImproveSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a value is out of range; the message names it and the range.
        """
        for name, least in {"designs": 1, "rounds": 1, "trainings": 0, "folds": 2, "seed": 0}.items():
            if getattr(self, name) < least:
                raise UserError(f"Setting {name}={getattr(self, name)} is too small. Give {least} or more.")
        if 0 < self.trainings <= self.designs:
            raise UserError(
                f"Setting trainings={self.trainings} is too small: a round of one task takes "
                f"{self.designs + 1}. Give more, or 0 for no limit."
            )
        self.collected.check()
        return self

    @property
    def collected(self) -> CollectSettings:
        """The part of the settings that tells how to train."""
        names = ("suite", "tasks", "modalities", "space", "coarse", "trainer", "store", "runner")
        return CollectSettings(**{name: getattr(self, name) for name in names}, batch=self.designs + 1)

    def smoke(self) -> "ImproveSettings":
        """A tiny version: two small tasks, one round, few steps of few rows, nothing kept."""
        small = self.collected.smoke()
        names = ("suite", "tasks", "modalities", "trainer", "store")
        changes: dict[str, Any] = {name: getattr(small, name) for name in names}
        return dataclasses.replace(self, **changes, more=(), designs=1, rounds=1, folds=2, coarse=False)


def improve(settings: ImproveSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Design, train and learn, round by round.

    Writes `round-N.json` (the designs of each round), `designs.csv` (a row for each design and round, see
    `scored`), `calibration.csv` (the same predictions as normalised scores, for the report) and
    `evaluator.npz` (learned from all, with the price of what was never trained).

    Args:
        settings: checked before any work.
        folder: the run folder; a round that it holds is not designed again, and a training that the store
            holds is not repeated.
        show: see `Progress`.

    Returns:
        The summary: jobs, those that failed, and by round what `standing` says.

    Raises:
        UserError: the settings do not do, or there are too few tasks to learn from.
        StoreError: the store cannot be opened, or a round's file is damaged.
    """
    began = time.perf_counter()
    settings.check()
    keep_compiled()
    space = preset(settings.space)
    tasks = list(settings.collected.chosen())
    for task in tasks:
        check_readable(task, space)
    jobs = failed = spent = 0
    rounds: list[dict[str, Designs]] = []
    with folder.alone(), Store.open(settings.store) as store, folder.journal() as journal:
        for number in range(settings.rounds):
            left = settings.trainings - spent if settings.trainings else None
            found = _round(number, tasks[: _affordable(left, settings)], store, settings, folder)
            if not found:
                break
            chosen = {digest: one.points for digest, one in found.items()}
            some = [task for task in tasks if task.digest in chosen]
            done = collect(
                some, store, settings.collected, chosen=chosen, strategy=BY_ASCENT, journal=journal, show=show
            )
            jobs, failed = jobs + done.jobs, failed + done.failed
            spent += sum(len(one.points) for one in found.values())
            rounds.append(found)
            experience = _known(store, settings)
            table = scored(training_data(experience), rounds, {task.digest: task.rows for task in tasks})
            folder.write_table("designs", table)
            folder.write_table("calibration", _calibration(table, tasks, settings.seed))
            if not _goes_on(table, number):
                break
    evaluator = train_evaluator(experience, space=space.name, settings=settings.evaluator, seed=settings.seed)
    price = price_of(table)
    evaluator = dataclasses.replace(evaluator, price=price)
    save_evaluator(evaluator, folder.path / "evaluator.npz", force=True)
    by_round = {f"round {number + 1}": standing(table, number) for number in range(len(rounds))}
    summary = {"jobs": jobs, "failed": failed, "rounds": by_round}
    summary["price"] = {name: round(value, 3) for name, value in price._asdict().items()}
    seconds = time.perf_counter() - began
    folder.finish(jobs=jobs, failed=failed, seconds=seconds, summary=summary)
    return summary


def _known(store: Store, settings: ImproveSettings) -> Experience:
    """What the settings say to learn from."""
    space = preset(settings.space)
    return experience_of(store, space, with_shipped=settings.with_shipped, more=settings.more)


def _affordable(left: int | None, settings: ImproveSettings) -> int | None:
    """How many tasks a round can have with so many trainings left; None for all."""
    return None if left is None else max(left, 0) // (settings.designs + 1)


def _round(
    number: int, tasks: Sequence[Task], store: Store, settings: ImproveSettings, folder: RunFolder
) -> dict[str, Designs]:
    """The designs of a round by the digest of their task: those of its file, or new ones."""
    path = folder.path / f"round-{number + 1}.json"
    if path.is_file():
        return read_round(path)
    if not tasks:
        return {}
    space, data = preset(settings.space), training_data(_known(store, settings))
    found = held_out_designs(
        tasks, space, data, settings.evaluator, settings.designs,
        folds=settings.folds, seed=settings.seed, draw=settings.seed + number,
    )  # fmt: skip
    plain = {
        digest: {name: part.tolist() for name, part in one._asdict().items()} for digest, one in found.items()
    }
    atomic_write(path, json.dumps(plain).encode())
    return found


def read_round(path: Path) -> dict[str, Designs]:
    """The designs of a round by the digest of their task.

    Args:
        path: of `round-N.json`.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        plain = cast(Mapping[str, Mapping[str, Any]], read_json(path))
        return {
            digest: Designs(*(np.array(one[name], np.float32) for name in Designs._fields))
            for digest, one in plain.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(
            f"'{path}' is damaged ({error}). Delete it, and run the same command again."
        ) from error


def _calibration(table: pd.DataFrame, tasks: Sequence[Task], seed: int) -> pd.DataFrame:
    """The predictions of the designs beside what they reached, as normalised scores."""
    of_task = {task.name: task for task in tasks}
    middle, half = unwarp(table["predicted"].to_numpy(), table["deviation"].to_numpy())
    mine = [of_task[name] for name in table["task"]]
    columns = {
        "method": [f"round {number}" for number in table["round"]],
        "seed": seed,
        "task": table["task"],
        "group": [task.group or task.name for task in mine],
        "problem": [task.problem for task in mine],
        "predicted": np.asarray(middle),
        "deviation": np.asarray(half),
        "actual": np.asarray(unwarp(table["measured"].to_numpy(), 0.0)[0]),
    }
    return pd.DataFrame(columns)


def _goes_on(table: pd.DataFrame, number: int) -> bool:
    """Whether the last round's first designs are better than those of the round before, beyond the noise."""
    if not number:
        return True
    first = table[table["place"] == 0].pivot(index="task", columns="round", values="measured")
    gain = (first[number + 1] - first[number]).dropna()
    return bool(len(gain) > 1 and gain.mean() > gain.sem())


def standing(table: pd.DataFrame, number: int) -> dict[str, float]:
    """How good the designs of a round are, means over tasks.

    Args:
        table: of `scored`.
        number: of the round, from 0.

    Returns:
        `tasks`; `test_score` of each task's first design, `known_test_score` of the best known architecture
        and `search_test_score` of the best one after training all that many tasks share, on the tasks that
        have all three; the standard error of the first difference, and the share of tasks on which the
        design is better; `best_test_score` of the best design by validation; `bias`, the mean of measured
        less predicted warped scores; `spearman` of prediction and measurement among the designs of a
        task; `coverage` of intervals of 80 %.
    """
    mine = table[table["round"] == number + 1]
    first = mine[(mine["place"] == 0) & mine["known_test_score"].notna()]
    gain = first["test_score"] - first["known_test_score"]
    inside = np.abs(mine["measured"] - mine["predicted"]) <= INTERVAL_80 * mine["deviation"]
    ranks = [
        spearman(its["predicted"].to_numpy(), its["measured"].to_numpy())
        for _, its in mine.groupby("task")
        if len(its) >= FEWEST
    ]
    return {
        "tasks": mine["task"].nunique(),
        "test_score": float(first["test_score"].mean()),
        "known_test_score": float(first["known_test_score"].mean()),
        "search_test_score": float(first["search_test_score"].mean()),
        "best_test_score": float(mine.loc[mine.groupby("task")["score"].idxmax(), "test_score"].mean()),
        "difference_se": float(gain.sem()),
        "better": float((gain > 0).mean()),
        "bias": float((mine["measured"] - mine["predicted"]).mean()),
        "spearman": float(np.mean(ranks)) if ranks else float("nan"),
        "coverage": float(inside.mean()),
    }
