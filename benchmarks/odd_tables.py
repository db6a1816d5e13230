"""Odd tables for `make fuzz`: what people, other programs and broken transfers give.

Every table is drawn from a seed, so a case that fails can be run again.
"""

import datetime
import decimal
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

ROWS = (0, 1, 2, 9, 10, 11, 23, 40, 120)
NAMES = (
    "x",
    "y",
    "",
    " ",
    "x.1",
    "index",
    "a,b",
    'quo"te',
    "name\n2",
    "Ünï",
    "$x$",
    "\ud800",
    "\u202eabc",
    "x" * 300,
    "target",
)


class Case(NamedTuple):
    """A source of data as a user would give it.

    Attributes:
        source: what `make_task` reads.
        target: name or values of the target; None where the source is (X, y).
        what: how it was made, for the report.
        numbers: column name → the numbers that it must be read as; empty where nothing is promised.
    """

    source: Any
    target: Any
    what: str
    numbers: dict[str, np.ndarray] = {}


def case(seed: int, folder: Path) -> Case:
    """The case of a seed; files are written into the folder."""
    rng = np.random.default_rng(seed)
    return pick(rng, (_frame_case, _frame_case, _file_case, _array_case, _written_case, _broken_case))(
        rng, folder
    )


def pick(rng: np.random.Generator, among):
    return among[int(rng.integers(len(among)))]


def _numbers(rng, rows):
    scale = 10.0 ** rng.integers(-12, 13)
    return rng.normal(size=rows) * scale + pick(rng, (0.0, 0.0, 1e6, -1e12, 2_459_000.5))


def _objects(rng, rows, values):
    column = np.empty(rows, object)
    column[:] = [pick(rng, values) for _ in range(rows)]
    return column


def _strings(rng, rows):
    alphabet = pick(
        rng, ("ab", "0123456789", "äß€ 語", "01 .,-", "\x00\x1b[31m", "\ud800x", "=+@-", "<b>'\"&")
    )
    return _objects(
        rng, rows, ["".join(pick(rng, alphabet) for _ in range(int(rng.integers(0, 9)))) for _ in range(12)]
    )


def _moments(rng, rows):
    return pd.Timestamp("1970-01-01") + pd.to_timedelta(rng.integers(0, 2 * 10**9, rows), unit="s")


COLUMNS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "floats": _numbers,
    "integers": lambda rng, rows: rng.integers(-5, 50, rows),
    "large integers": lambda rng, rows: rng.integers(-(2**62), 2**62, rows),
    "huge integers": lambda rng, rows: _objects(rng, rows, [10**30, -(10**400), 7]),
    "unsigned": lambda rng, rows: rng.integers(0, 255, rows).astype(np.uint8),
    "half floats": lambda rng, rows: rng.normal(size=rows).astype(np.float16),
    "constant": lambda rng, rows: np.full(rows, 3),
    "missing": lambda rng, rows: np.full(rows, np.nan),
    "holes": lambda rng, rows: np.where(rng.random(rows) < 0.5, np.nan, rng.normal(size=rows)),
    "infinite": lambda rng, rows: np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
    "largest": lambda rng, rows: rng.choice([1.7e308, -1.7e308, 5e-324, 0.0], rows),
    "truth": lambda rng, rows: rng.random(rows) < 0.5,
    "truth with holes": lambda rng, rows: pd.array(
        [pick(rng, (True, False, None)) for _ in range(rows)], "boolean"
    ),
    "nullable integers": lambda rng, rows: pd.array([pick(rng, (1, 2, None)) for _ in range(rows)], "Int64"),
    "arrow integers": lambda rng, rows: pd.array(
        [pick(rng, (1, 2, None)) for _ in range(rows)], pd.ArrowDtype(pa.int32())
    ),
    "arrow decimals": lambda rng, rows: pd.array(
        [decimal.Decimal(int(v)) for v in rng.integers(0, 99, rows)], pd.ArrowDtype(pa.decimal128(20, 2))
    ),
    "decimals": lambda rng, rows: _objects(
        rng, rows, [decimal.Decimal("1.5"), decimal.Decimal("NaN"), decimal.Decimal(2)]
    ),
    "complex": lambda rng, rows: rng.normal(size=rows) + 1j,
    "strings": _strings,
    "long strings": lambda rng, rows: _objects(rng, rows, ["x" * 100_000, "y z " * 500, ""]),
    "numbers in strings": lambda rng, rows: np.array([f"{v:.3g}" for v in _numbers(rng, rows)], object),
    "categories": lambda rng, rows: pd.Categorical(rng.choice(["a", "b", "c"], rows), ["z", "c", "b", "a"]),
    "categories of numbers": lambda rng, rows: pd.Categorical(rng.choice([1, 2.5], rows)),
    "ids": lambda rng, rows: np.array([f"id{i}" for i in range(rows)], object),
    "moments": _moments,
    "moments with zone": lambda rng, rows: _moments(rng, rows).tz_localize("Asia/Kolkata"),
    "dates": lambda rng, rows: _objects(rng, rows, [datetime.date(2020, 1, 1), datetime.date(1, 1, 1), None]),
    "times": lambda rng, rows: _objects(rng, rows, [datetime.time(1, 2), datetime.time(23, 59)]),
    "durations": lambda rng, rows: pd.to_timedelta(rng.integers(0, 10**6, rows), unit="s"),
    "periods": lambda rng, rows: pd.period_range("2020-01", periods=max(rows, 1), freq="M")[:rows],
    "intervals": lambda rng, rows: pd.arrays.IntervalArray.from_breaks(np.arange(rows + 1)),
    "sparse": lambda rng, rows: pd.arrays.SparseArray(rng.choice([0.0, 1.0], rows)),
    "lists": lambda rng, rows: _objects(rng, rows, ([1], [1, 2])),
    "dicts": lambda rng, rows: _objects(rng, rows, ({"a": 1}, {"a": 2})),
    "bytes": lambda rng, rows: _objects(rng, rows, (b"x", b"\xff")),
    "a mixture": lambda rng, rows: _objects(rng, rows, [1, 2.5, "a", None, True, pd.NaT, np.float32(2)]),
    "functions": lambda rng, rows: _objects(rng, rows, [len, max]),
}

SOUND = tuple(
    kind
    for kind in COLUMNS
    if kind
    not in ("huge integers", "infinite", "complex", "lists", "dicts", "bytes", "functions", "a mixture")
)
"""Columns that are no reason to refuse a table."""

TARGETS = (
    "floats",
    "integers",
    "truth",
    "categories",
    "strings",
    "numbers in strings",
    "holes",
    "a mixture",
    "ids",
    "constant",
)


def _series(values) -> pd.Series:
    """Arrow cannot hold every string that Python can; an array of objects holds them all."""
    return pd.Series(
        values, dtype=object if isinstance(values, np.ndarray) and values.dtype.kind == "O" else None
    )


def _frame(rng) -> tuple[pd.DataFrame, str]:
    sound = rng.random() < 0.6
    rows, kinds = pick(rng, ROWS[4:] if sound else ROWS), list(COLUMNS)
    chosen = [pick(rng, SOUND if sound else kinds) for _ in range(int(rng.integers(1, 6)))]
    target = pick(rng, TARGETS[:4] if sound else TARGETS) if rng.random() < 0.9 else pick(rng, kinds)
    columns = {place: _series(COLUMNS[kind](rng, rows)) for place, kind in enumerate([*chosen, target])}
    frame = pd.DataFrame(columns)
    names: list[str | int] = [f"c{place}" for place in range(len(chosen))]
    if rng.random() < 0.3:
        names = [pick(rng, NAMES) for _ in chosen]
    elif rng.random() < 0.2:
        names = list(range(len(chosen)))
    frame.columns = pd.Index([*names, "y"], dtype=object)
    if rng.random() < 0.2 and rows:
        frame.index = pick(
            rng,
            (pd.Index(range(rows), name="id"), pd.Index(["same"] * rows), pd.Index(np.arange(rows)[::-1])),
        )
    return frame, ", ".join([*chosen, f"target of {target}"])


def _frame_case(rng, folder: Path) -> Case:
    frame, what = _frame(rng)
    target = pick(rng, ("y",) * 8 + ("Y", "", ["y"], 0))
    return Case(frame, target, f"frame of {len(frame)} rows: {what}")


def _array_case(rng, folder: Path) -> Case:
    rows = pick(rng, ROWS)
    shape = pick(rng, ((rows,), (rows, 1), (rows, 3), (rows, 0), (rows, 2, 2), ()))
    kind = pick(rng, ("float", "object", "str", "int", "bool", "datetime64[s]"))
    values = rng.integers(0, 3, shape).astype(kind)
    y = COLUMNS[pick(rng, TARGETS)](rng, max(0, rows + pick(rng, (0, 0, 0, 0, 1, -1))))
    return Case((values, y), None, f"array {shape} of {kind}")


def _file_case(rng, folder: Path) -> Case:
    frame, what = _frame(rng)
    frame.columns = pd.Index([str(name) for name in frame.columns], dtype=object)
    ending = pick(rng, (".csv", ".csv", ".csv.gz", ".tsv", ".jsonl", ".json", ".parquet", ".txt"))
    path = folder / f"case{ending}"
    content = _written(frame, ending, rng)
    if content is None:
        return Case(frame, "y", f"frame that cannot be written as {ending}: {what}")
    if rng.random() < 0.5:
        content = _damaged(content, rng)
        what += ", damaged"
    path.write_bytes(content)
    return Case(path, "y", f"{ending} file: {what}")


def _written(frame: pd.DataFrame, ending: str, rng) -> bytes | None:
    """The frame as a file; None where pandas cannot write it."""
    try:
        if ending == ".parquet":
            buffer = io.BytesIO()
            frame.to_parquet(buffer, index=False)
            return buffer.getvalue()
        if ending in (".jsonl", ".json"):
            return frame.to_json(orient="records", lines=ending == ".jsonl").encode("utf-8", "surrogatepass")
        separator = "\t" if ending == ".tsv" else pick(rng, (",", ";", "|"))
        encoding = pick(rng, ("utf-8", "utf-8-sig", "latin-1", "utf-16"))
        text = frame.to_csv(index=bool(rng.random() < 0.1), sep=separator).encode(encoding, "replace")
        return gzip.compress(text) if ending.endswith(".gz") else text
    except Exception:  # whatever pandas cannot write is no file of anybody's
        return None


def _damaged(content: bytes, rng) -> bytes:
    changed = bytearray(content)
    kind = rng.integers(4)
    if kind == 0:
        return content[: int(rng.integers(len(content) + 1))]
    if kind == 1 and changed:
        for _ in range(int(rng.integers(1, 8))):
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    elif kind == 2:
        place = int(rng.integers(len(changed) + 1))
        changed[place:place] = pick(
            rng, (b'"', b"\n\n", b",,,,", b"\x00", b"\xff\xfe", b"'", b"\r", b"{", b"[[[")
        )
    else:
        changed *= 2
    return bytes(changed)


FORMS = {
    "plain": "{:.2f}",
    "thousands": "{:,.2f}",
    "percent": "{:.2f}%",
    "dollars": "${:,.2f}",
    "euros behind": "{:.2f} €",
    "kilograms": "{:.2f} kg",
    "signed": "{:+.2f}",
}


def _written_case(rng, folder: Path) -> Case:
    """Numbers in a form of people, with a few odd cells, that must be read as those numbers."""
    rows = int(rng.integers(60, 200))
    numbers = np.round(rng.normal(1000, 4000, rows), 2)
    form = pick(rng, list(FORMS))
    text = np.array([FORMS[form].format(value) for value in numbers], object)
    if "plain" in form and rng.random() < 0.5:
        text = np.array([value.replace(".", ",") for value in text], object)
        form = "decimal commas"
    odd = rng.random(rows) < pick(rng, (0.0, 0.02))
    text[odd] = pick(rng, ("-", "n/k", "unknown", "#DIV/0!", "?", ""))
    frame = pd.DataFrame({"x": text, "y": rng.choice(["a", "b"], rows)})
    expected = {"x": np.where(odd, np.nan, numbers)}
    if rng.random() < 0.5:
        return Case(frame, "y", f"{form} in a frame", expected)
    path = folder / "written.csv"
    frame.to_csv(path, index=False, sep=";" if form == "decimal commas" else pick(rng, (",", ";", "\t")))
    return Case(path, "y", f"{form} in a file", expected)


def _broken_case(rng, folder: Path) -> Case:
    """What is no table at all."""
    path = (
        folder
        / f"broken{pick(rng, ('.csv', '.json', '.jsonl', '.parquet', '.arff', '.xlsx', '.csv.gz', '.zip'))}"
    )
    content = pick(
        rng,
        (
            b"",
            b"\n",
            b"a",
            b"a,b\n",
            b"\x00" * 50,
            b"[" * 100_000,
            json.dumps([{"a": [1]}] * 20).encode(),
            b'{"a": NaN}\n' * 20,
            b"@relation r\n@attribute a numeric\n@data\n" + b"1\n" * 20,
            b"@attribute a {x\n@data\nx\n",
            rng.bytes(300),
            gzip.compress(b"a,y\n1,2\n" * 20),
        ),
    )
    path.write_bytes(content)
    return Case(path, pick(rng, ("a", "y", None)), f"{path.name} of {content[:20]!r}...")
