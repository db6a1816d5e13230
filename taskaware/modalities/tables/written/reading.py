"""How code without taskaware reads the rows of a file: by the functions of `data`, column for column.

A column is an entry of `encoder.json`: its "name", its "kind", and the "form", "zone", "parts" or
"categories" that its kind needs. `copying` puts the functions of this module into the code that is written
out.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from taskaware.data import columns, dates, delimited, numerals
from taskaware.data.frames import valid_text
from taskaware.data.moments import moments
from taskaware.errors import UserError
from taskaware.modalities.tables.embedded import word_counts


def read_numbers(series: pd.Series, column: Mapping) -> list[np.ndarray]:
    """The numbers of a column, NaN where missing: one array."""
    return [columns.numbers(series, tuple(column["form"]), strict=False)]


def read_booleans(series: pd.Series, column: Mapping) -> list[np.ndarray]:
    """1 for true, 0 for false, NaN where missing: one array."""
    values = columns.numbers(series, tuple(column["form"]), strict=False)
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"Column '{series.name}' is boolean, but row {row} is neither true nor false.")
    return [values]


def read_dates(series: pd.Series, column: Mapping) -> list[np.ndarray]:
    """The moments of a column as days, month, weekday and hour, those that the network reads."""
    when = moments(series, tuple(column["form"]), column["zone"])
    return [dates.part_of(when, part) for part in column["parts"]]


def read_texts(series: pd.Series, column: Mapping) -> list[np.ndarray]:
    """The counts of hashed words and the length of each text."""
    codes, texts = columns.distinct(series)
    return list(word_counts(texts)[codes].T)


def read_categories(series: pd.Series, column: Mapping) -> np.ndarray:
    """The place of each label among the known ones, -1 where it is missing or new."""
    return columns.codes_in(series, column["categories"])


def only_plain(names: Sequence[str], form: tuple = ()) -> np.ndarray:
    """`numerals.parsed` of a table whose numbers are all written as Python writes them."""
    return numerals.plain_numbers(names)


def same_form(names: Sequence[str], counts: np.ndarray, form: tuple, decimal: str) -> tuple:
    """`numerals.form_beside` of such a table.

    Args:
        names, counts, form, decimal: as there.
    """
    return form


def named_columns(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series]:
    """The columns of a table by name, after a check that these stand in it, each once."""
    given = [valid_text(str(name)) for name in frame.columns]
    for name in names:
        if name not in given:
            raise UserError(f"Column '{name}' is missing. Add it, or fill it with NaN.")
        if given.count(name) > 1:
            raise UserError(f"Column '{name}' stands twice in the table. Rename one of them.")
    return {
        name: frame.iloc[:, given.index(name)].rename(name).reset_index(drop=True)
        for name in dict.fromkeys(names)
    }


def target_numbers(series: pd.Series, form: Sequence[str]) -> np.ndarray:
    """The target of a regression, NaN where missing."""
    return columns.numbers(series, tuple(form))


def target_classes(series: pd.Series, classes: Sequence) -> np.ndarray:
    """The place of each label among the classes, -1 where it is missing or none of them."""
    return columns.codes_in(series, [columns.label(each) for each in classes])


def read_file(path: str, encoding: str = "utf-8-sig") -> pd.DataFrame:
    """A file as a table: CSV, TSV or text with separators, every value as it is written; Parquet, Excel."""
    ending = Path(path).suffix.lower()
    if ending == ".parquet":
        return pd.read_parquet(path)
    if ending == ".xlsx":
        return pd.read_excel(path)
    if ending not in (".csv", ".tsv", ".txt"):
        raise UserError(f"'{path}' is no CSV, TSV, TXT, Parquet or XLSX file. Save it as one of these.")
    try:
        return read_delimited(path, encoding)
    except UnicodeError as error:
        raise UserError(f"'{path}' is not in {encoding} ({error}). Name its --encoding.") from error


def read_delimited(path: str, encoding: str) -> pd.DataFrame:
    """A text table under a line of names; the separator is the sign that stands there most often."""
    with open(path, encoding=encoding, newline="") as file:
        head = file.read(1 << 16)
    cut = len(head) == 1 << 16
    head = head.replace("\r\n", "\n").replace("\r", "\n")
    opening = delimited.opening_of(head)
    whole = head[: head.rfind("\n") + 1] if cut else head
    names, *rows = delimited.first_rows(whole, opening) or [[]]
    # R begins every row with a name of its own.
    longer = bool(rows) and all(len(row) == len(names) + 1 for row in rows) and any(row[-1] for row in rows)
    frame = pd.read_csv(
        path,
        sep=opening.separator,
        skiprows=opening.skipped,
        skipinitialspace=opening.spaced,
        encoding=encoding,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        index_col=0 if longer else False,
    )
    if opening.spaced:
        frame.columns = frame.columns.str.strip()
    return frame.reset_index(drop=True)
