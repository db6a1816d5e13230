"""What more steps and more networks give in `fit`: test score and time for each table of a folder.

    python benchmarks/fitting.py FOLDER --tasks magic,banana [--ways 600:5,2400:5,2400:3]
    python benchmarks/fitting.py FOLDER --tasks letter,sick --passes 80,240 [--beside trees,catboost]
    python benchmarks/fitting.py FOLDER --tasks letter,sick --beside recommended,realmlp [--seed 1]
    python benchmarks/fitting.py FOLDER --tasks abalone --beside recommended --without-factors

With --ways a quarter of the rows tests, and all trainings are of the architecture that is recommended for
the rest. Otherwise a fifth tests, and the recommendation knows neither the table nor a relative. With
--passes it is trained in several lengths, with --beside other models stand beside it, and --without-factors
trains it once more, without the factors of columns that `fit` learns in regressions of tables.
"""

import argparse
import dataclasses
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple, TypeVar
from unittest import mock

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.modalities.suites import suite_named
from taskaware.studies.models import Trial, score_model
from taskaware.training import fit as fit_module
from taskaware.training.fit import RECIPE, fit

Answer = TypeVar("Answer")

MOST_ROWS = 20_000
MOST_ROWS_HELD_OUT = 10_000


def main() -> None:
    """Print a line for each table and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of Parquet tables, with an index.csv")
    parser.add_argument("--tasks", required=True, help="names, with commas between")
    parser.add_argument("--ways", default="600:5,2400:5", help="steps:networks for 4,096 training rows")
    parser.add_argument("--passes", help="passes over the rows, with commas between, in place of the ways")
    parser.add_argument("--beside", help="models of the comparison of models, with commas between")
    parser.add_argument(
        "--seed", type=int, default=0, help="of split and trainings, for --passes and --beside"
    )
    parser.add_argument(
        "--without-factors", action="store_true", help="of columns, once more, with --passes or --beside"
    )
    given = parser.parse_args()
    entries = suite_named(given.folder).only(*given.tasks.split(",")).entries
    if given.passes or given.beside:
        passes = [int(number) for number in given.passes.split(",")] if given.passes else []
        ways = ways_of(passes, (given.beside or "trees").split(","), given.without_factors)
        held_out(entries, ways, given.seed)
    else:
        in_ways(entries, given.ways.split(","))


def in_ways(entries: Sequence, ways: Sequence[str]) -> None:
    """Trainings of so many steps of so many networks.

    Args:
        entries: of the tables.
        ways: steps:networks.
    """
    print(f"{'table':<20}{'rows':>7}{'way':>10}{'steps':>7}{'score':>8}{'seconds':>9}")
    for entry in entries:
        frame = pd.read_parquet(entry.source).sample(frac=1.0, random_state=7)[:MOST_ROWS]
        name, cut = entry.name, len(frame) * 3 // 4
        known, rest = ta.make_task(frame[:cut], entry.target), frame[cut:]
        found = ta.recommend(known)
        for way in ways:
            steps, members = map(int, way.split(":"))
            began, recipe = time.perf_counter(), dataclasses.replace(RECIPE, steps=steps)
            model = fit(
                known,
                found.space,
                np.asarray(found.point),
                recipe=recipe,
                members=members,
                patience=steps // 30,
                progress=False,
            )
            score, done = model.score(rest), int(model.history["step"].iloc[-1])
            took = time.perf_counter() - began
            print(f"{name:<20}{cut:>7}{way:>10}{done:>7}{score:>8.4f}{took:>9.1f}", flush=True)


class Way(NamedTuple):
    """A model of the comparison of models, and what is changed in `fit` for it, by name."""

    model: str
    changes: dict[str, object]


def ways_of(passes: Sequence[int], beside: Sequence[str], without_factors: bool) -> dict[str, Way]:
    """Names as they are printed → ways.

    Args:
        passes: least numbers of passes over the rows, each a way.
        beside: names of models, see `studies.baselines.BASELINES`.
        without_factors: whether the recommended architecture is trained without factors of columns, too.
    """
    ways = {name: Way(name, {}) for name in beside}
    ways |= {str(number): Way("recommended", {"passes_for": partial(always, number)}) for number in passes}
    if without_factors:
        ways["without factors"] = Way("recommended", {"is_eased": partial(always, False)})
    return ways


def always(answer: Answer, *_: object, **__: object) -> Answer:
    """The answer, whatever is asked."""
    return answer


def held_out(entries: Sequence, ways: Mapping[str, Way], seed: int) -> None:
    """The score of each way on a fifth of the rows.

    Args:
        entries: of the tables; of a large one, MOST_ROWS_HELD_OUT rows drawn at random.
        ways: by name.
        seed: of the split and the trainings.
    """
    print(f"{'table':<20}{'rows':>7} {'way':<16}{'score':>8}{'seconds':>9}")
    for entry in entries:
        frame = pd.read_parquet(entry.source)
        if len(frame) > MOST_ROWS_HELD_OUT:
            frame = frame.sample(MOST_ROWS_HELD_OUT, random_state=7)
        task = ta.make_task(frame, entry.target)
        for name, (model, changes) in ways.items():
            began = time.perf_counter()
            with ExitStack() as stack:
                for changed, to in changes.items():
                    stack.enter_context(mock.patch.object(fit_module, changed, to))
                score = score_model(task, Trial(model, seed))
            took = time.perf_counter() - began
            print(f"{entry.name:<20}{task.rows:>7} {name:<16}{score:>8.4f}{took:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
