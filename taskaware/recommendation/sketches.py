"""Sketches of the tables of known tasks: hashes of some cells, by which a part is recognised."""

import functools
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import UInt32

from taskaware.data.table import Column, Table
from taskaware.tasks.alone import alone
from taskaware.tasks.task import Task

FILE = "sketches.npz"
SKETCH_ROWS = 32
SKETCH_COLUMNS = 32
FEW_VALUES = 40
"""A column of at most so many values is sketched by the shares of its values, too."""
ROWS = 16_384
"""So many rows of a table are looked at."""
COLUMNS = 2048
"""So many columns of a table are hashed, those of a wider one by their names."""
_ARRAYS = ("texts", "shapes", "cells", "counts", "values", "shares", "names")


class Sketch(NamedTuple):
    """What is kept of one table of c columns, its target the last of them.

    Attributes:
        digest, name, group: of the task.
        cells: hashes of the cells of some rows, (r, c).
        shares: of each column of few values: hash of a value → its share; empty for the other columns.
        names: hashes of the columns' names, (c,).
    """

    digest: str
    name: str
    group: str
    cells: UInt32[np.ndarray, "r c"]
    shares: tuple[dict[int, float], ...]
    names: UInt32[np.ndarray, " c"]


def sketch(task: Task) -> Sketch:
    """The sketch of a task of tables, the same for any order of its rows."""
    seen = hashed(task, SKETCH_COLUMNS)
    order = np.argsort(task.row_hashes[seen.rows], kind="stable")[:SKETCH_ROWS]
    cells = np.stack([column[order] for column in seen.columns], axis=1)
    shares = tuple(_shares(column) for column in seen.columns)
    return Sketch(task.digest, task.name, task.group, cells, shares, seen.names)


class Hashed(NamedTuple):
    """What is looked at of a table.

    Attributes:
        rows: n of its rows.
        columns: hashes of the cells of c columns, the target the last, (n,) each.
        names: hashes of their names, (c,).
    """

    rows: np.ndarray
    columns: list[UInt32[np.ndarray, " n"]]
    names: UInt32[np.ndarray, " c"]


def hashed(task: Task, most: int) -> Hashed:
    """Hashes of the cells of a table, of at most ROWS rows.

    Of more columns than `most`, those of the smallest hashes are taken: a part of the table has most of the
    same. The target is always there, as the last.

    Args:
        task: of tables.
        most: how many columns.
    """
    rows = np.arange(task.rows)
    if task.rows > ROWS:
        rows = np.argsort(task.row_hashes, kind="stable")[:ROWS]
    table = cast(Table, task.data)
    given: Sequence[Column] = table.columns
    if len(given) > COLUMNS:
        given = sorted(given, key=lambda column: zlib.crc32(column.name.encode(errors="surrogatepass")))[
            :COLUMNS
        ]
    columns, kept = [_hashes(column)[rows] for column in given], np.arange(len(given))
    if len(columns) >= most:
        kept = np.argsort([int(column.min()) for column in columns], kind="stable")[: most - 1]
    names = np.array(
        [_sha(name) for name in (*(given[place].name for place in kept.tolist()), task.target_name)]
    )
    # Of several outputs, the first stands for the target: a known task has one.
    first = alone(task, most=1)[0]
    return Hashed(rows, [*(columns[place] for place in kept), _target_hashes(first)[rows]], names)


def packed(sketches: Sequence[Sketch]) -> dict[str, np.ndarray]:
    """Sketches as arrays, for a file."""
    shares = [table for one in sketches for table in one.shares]
    columns = (
        np.array([[one.digest, one.name, one.group] for one in sketches]),
        np.array([one.cells.shape for one in sketches], np.int32),
        np.concatenate([one.cells.ravel(order="F") for one in sketches]),
        np.array([len(table) for table in shares], np.int32),
        np.array([value for table in shares for value in table], np.uint32),
        np.array([share for table in shares for share in table.values()], np.float32),
        np.concatenate([one.names for one in sketches]),
    )
    return dict(zip(_ARRAYS, columns, strict=True))


def unpacked(arrays: Mapping[str, np.ndarray]) -> Iterator[Sketch]:
    """The sketches of arrays that `packed` made."""
    texts, shapes, cells, counts, values, shares, names = (arrays[name] for name in _ARRAYS)
    pairs = iter(zip(values.tolist(), shares.tolist(), strict=True))
    tables = iter([{v: s for _, (v, s) in zip(range(count), pairs, strict=False)} for count in counts])
    first = column = 0
    for (digest, name, group), (rows, width) in zip(texts.tolist(), shapes.tolist(), strict=True):
        block = cells[first : first + rows * width].reshape((rows, width), order="F")
        own = tuple(next(tables) for _ in range(width))
        yield Sketch(digest, name, group, block, own, names[column : column + width])
        first, column = first + rows * width, column + width


@functools.cache
def shipped_sketches() -> tuple[Sketch, ...]:
    """The sketches that come with the package."""
    with (
        resources.as_file(resources.files("taskaware.shipped") / FILE) as path,
        np.load(path, allow_pickle=False) as file,
    ):
        return tuple(unpacked({name: file[name] for name in _ARRAYS}))


def mixed(words: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 on every word (Steele, Lea, Flood 2014), uint64."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _shares(column: np.ndarray) -> dict[int, float]:
    values, counts = np.unique(column, return_counts=True)
    if len(values) > FEW_VALUES:
        return {}
    return dict(zip(values.tolist(), (counts / len(column)).tolist(), strict=True))


def _hashes(column: Column) -> np.ndarray:
    if column.is_numeric:
        return _of_numbers(column.values)
    return np.append(_of_words(column.categories), _NO_VALUE)[column.values]


def _target_hashes(task: Task) -> np.ndarray:
    if task.problem == "regression":
        return _of_numbers(task.target)
    return _of_words([str(label) for label in task.classes])[task.target]


def _of_numbers(values: np.ndarray) -> np.ndarray:
    """Hashes of numbers in single precision, so that they survive a file; missing ones are a word."""
    single = np.asarray(values, np.float64).astype(np.float32) + np.float32(0)
    words = mixed(single.view(np.uint32).astype(np.uint64) + np.uint64(1)) >> np.uint64(32)
    return np.where(np.isnan(single), _NO_VALUE, words.astype(np.uint32))


def _of_words(words: Sequence[str]) -> np.ndarray:
    """Hashes of words; a word that is a number has the number's."""
    return np.array([_of_word(word) for word in words], np.uint32)


def _of_word(word: str) -> np.uint32:
    try:
        return _of_numbers(np.array([float(word)]))[0]
    except ValueError:
        return _sha(word)


def _sha(word: str) -> np.uint32:
    return np.frombuffer(hashlib.sha256(word.encode(errors="surrogatepass")).digest()[:4], np.uint32)[0]


_NO_VALUE = _sha("")
