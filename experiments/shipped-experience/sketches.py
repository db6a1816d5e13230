"""Sketches of the tables that the shipped evaluator learned from, and how well parts of them are recognised.

    python experiments/shipped-experience/sketches.py FOLDER [FOLDER ...] [--write] [--check]

Each folder has tables and an index.csv, see README.md; the tables that come with scikit-learn join them. A
task is sketched where its content is that of a known task; a sketch that is
taken for a relative of an unrelated table or of noise is left out. --write writes sketches.npz into
taskaware/shipped.
--check takes parts of every table (some rows, half of the columns, both; shuffled, renamed or not), and
compares every table with the sketches of all other groups, and noise with all.
"""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware.shipped
from taskaware.data.table import Table
from taskaware.errors import UserError
from taskaware.files import atomic_write
from taskaware.modalities.reading import make_task
from taskaware.modalities.suites import suite_named
from taskaware.modalities.tables.table import table_of
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.recommendation.relatives import relatives
from taskaware.recommendation.sketches import FILE, Sketch, packed, sketch
from taskaware.tasks.task import Task


def main() -> None:
    """Sketch the known tables; write the sketches, or check them."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    settings = parser.parse_args()
    tasks = list(known(settings.folders))
    sketches = told_apart(tasks, [sketch(task) for task in tasks])
    real = int(shipped_evaluator().training_data.real.sum())
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **packed(sketches))
    size = len(content.getvalue()) / 1024
    print(f"{len(sketches)} of {real} known tasks have a sketch; together {size:.0f} kB")
    if settings.write:
        path = Path(taskaware.shipped.__file__).parent / FILE
        atomic_write(path, content.getvalue(), replace=True)
    if settings.check:
        check(tasks, sketches)


def known(folders: list[str]) -> Iterator[Task]:
    """The tasks of the folders whose content an evaluator learned from, each once, in its group."""
    data = shipped_evaluator().training_data
    groups = dict(zip(data.digests, data.groups, strict=True))
    for folder in ["bundled", *folders]:
        for entry in suite_named(folder).entries:
            task = entry.task()
            if isinstance(task.data, Table) and groups.get(task.digest) == task.group:
                del groups[task.digest]
                yield task


def told_apart(tasks: list[Task], sketches: list[Sketch]) -> list[Sketch]:
    """The sketches that are taken for a relative of no table of another group, and of no noise."""
    wrong = {one.digest for task in tasks for one in relatives(task, sketches) if one.group != task.group} | {
        one.digest for seed in range(50) for one in relatives(noise(seed), sketches)
    }
    return [one for one in sketches if one.digest not in wrong]


def check(tasks: list[Task], sketches: list[Sketch]) -> None:
    """Print how many parts are recognised, and how many pairs of unrelated tables are taken for relatives."""
    parts = {
        "75 % of the rows": (0.75, 1.0),
        "half of the columns": (1.0, 0.5),
        "75 % of the rows, half of the columns": (0.75, 0.5),
        "half of the rows": (0.5, 1.0),
    }
    for what, (rows, columns) in parts.items():
        for renamed in (False, True):
            made = [(task, part_of(task, rows, columns, renamed)) for task in tasks]
            tried = [(task, part) for task, part in made if part is not None]
            groups = [{one.group for one in relatives(part, sketches)} for _, part in tried]
            missed = [
                task.name for (task, _), found in zip(tried, groups, strict=True) if task.group not in found
            ]
            also = ", renamed" if renamed else ""
            print(f"{what}{also}: {len(tried) - len(missed)} of {len(tried)} recognised; not {missed}")
    wrong = [
        (task.name, one.name)
        for task in tasks
        for one in relatives(task, sketches)
        if one.group != task.group
    ]
    pairs = sum(one.group != task.group for task in tasks for one in sketches)
    print(f"unrelated tables: {len(wrong)} of {pairs} pairs are taken for relatives {wrong}")
    noisy = [len(relatives(noise(seed), sketches)) for seed in range(50)]
    print(f"noise: {sum(noisy)} of {50 * len(sketches)} pairs are taken for relatives")


def part_of(task: Task, rows: float, columns: float, renamed: bool) -> Task | None:
    """Some rows and columns of a task, drawn and shuffled; None where that is no task.

    Args:
        task: of tables.
        rows, columns: shares of them.
        renamed: whether the columns get other names.
    """
    rng = np.random.default_rng(0)
    kept = rng.permutation(task.rows)[: round(rows * task.rows)]
    every = table_of(task).columns
    chosen = rng.permutation(len(every))[: max(round(columns * len(every)), 1)]
    columns_of = [every[place] for place in chosen]
    named = {f"v{i}" if renamed else column.name: column for i, column in enumerate(columns_of)}
    frame = pd.DataFrame({name: values_of(column, kept) for name, column in named.items()})
    target = task.target[kept]
    name = "answer" if renamed else task.target_name
    frame[name] = target if task.problem == "regression" else np.array(task.classes, object)[target]
    try:
        return make_task(frame, name, problem=task.problem)
    except UserError:
        return None


def values_of(column, rows: np.ndarray) -> np.ndarray:
    """The values of a column as a user has them."""
    if column.is_numeric:
        return column.values[rows]
    return np.array([*column.categories, None], object)[column.values[rows]]


def noise(seed: int) -> Task:
    """A table of random numbers, small whole numbers and words."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(50, 3000))
    frame = pd.DataFrame(rng.normal(size=(rows, 4)).round(int(rng.integers(1, 6)))).add_prefix("x")
    for place in range(8):
        frame[f"n{place}"] = rng.integers(0, rng.integers(2, 60), rows)
    frame["word"] = rng.choice(list("yn"), rows)
    return make_task(frame.assign(y=rng.choice(["yes", "no"], rows)), "y")


if __name__ == "__main__":
    main()
