"""Files of other programs and countries: how they begin, which decimal sign they have, how they write é."""

import numpy as np
import pandas as pd
import pytest

from taskaware.data.files import read_file
from taskaware.data.load import load
from taskaware.modalities.reading import make_task
from taskaware.modalities.tables.written import reading

VALUES = np.round(np.random.default_rng(0).normal(50, 200, 60), 3)
VALUES[:3] = 1.25, 1234.5, 7.125


def written(folder, separator, decimal, name):
    """A file of plain numbers, numbers with a unit, and labels."""
    numbers = [f"{value:.3f}".replace(".", decimal) for value in VALUES]
    rows = [
        separator.join(["x", "w", "y"]),
        *(separator.join([n, f"{n} kg", "ab"[p % 2]]) for p, n in enumerate(numbers)),
    ]
    (folder / name).write_text("\n".join(rows) + "\n")
    return folder / name


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        (["sep=;", "x;z;y", *(f"{row};{row / 8};{'ab'[row % 2]}" for row in range(40))], "utf-8"),
        (['"sep=|"', "x|z|y", *(f"{row}|{row / 8}|{'ab'[row % 2]}" for row in range(40))], "utf-16"),
        (["SEP=^;;", "x^z^y", *(f"{row}^{row / 8}^{'ab'[row % 2]}" for row in range(40))], "utf-8-sig"),
        (['"x", "z", "y"', *(f'{row}, {row / 8}, "{"ab"[row % 2]}"' for row in range(40))], "utf-8"),
        (["Sales 2023", "", "x,z,y", *(f"{row},{row / 8},{'ab'[row % 2]}" for row in range(40))], "utf-8"),
        (["Sales,,", ",,", "x,z,y", *(f"{row},{row / 8},{'ab'[row % 2]}" for row in range(40))], "utf-8-sig"),
        (["# by me, now", "x;z;y", *(f"{row};{row / 8};{'ab'[row % 2]}" for row in range(40))], "utf-16"),
        (["Sales", "x, z, y", *(f'{row}, {row / 8}, "{"ab"[row % 2]}"' for row in range(40))], "utf-8"),
        (["x , z , y", *(f"{row} , {row / 8} , {'ab'[row % 2]}" for row in range(40))], "utf-8"),
    ],
)
def test_how_a_file_begins(tmp_path, lines, encoding):
    (tmp_path / "a.csv").write_bytes("\r\n".join(lines).encode(encoding))
    task = make_task(tmp_path / "a.csv", "y")
    assert task.reader.names == ("x", "z") and task.classes == ("a", "b")
    np.testing.assert_array_equal(task.data.numeric, np.arange(40.0)[:, None] / [1, 8])
    alone = reading.read_file(str(tmp_path / "a.csv"), "utf-8-sig" if encoding == "utf-8" else encoding)
    assert alone.columns.tolist() == ["x", "z", "y"]
    assert alone["z"].astype(float).tolist() == task.data.numeric[:, 1].tolist()


def test_lines_above_the_names_are_mentioned(tmp_path):
    rows = [f"{row},{'ab'[row % 2]}" for row in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["Sales of 2023", "", "x,y", *rows]))
    task = make_task(tmp_path / "a.csv", "y")
    assert task.reader.names == ("x",)
    assert "The lines above the names are left out, from 'Sales of 2023' on." in task.notes


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (['"x"', '"a","red"', '"b","blue"'], ["x"]),  # R, with names of rows
        ([",x", "a,red", "b,blue"], ["Unnamed: 0", "x"]),
        (["#id,x,y", "1,2,3", "4,5,6"], ["#id", "x", "y"]),
        (["some name", "1", "2"], ["some name"]),
    ],
)
def test_names_are_not_taken_for_a_title(tmp_path, lines, names):
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert list(read_file(tmp_path / "a.csv").columns) == names


def test_a_line_of_names_longer_than_the_first_look(tmp_path):
    names = [f"column {place:05}" for place in range(6000)]
    (tmp_path / "a.csv").write_text("\n".join([";".join(names), *[";".join("1" * 6000)] * 2]))
    assert reading.read_file(str(tmp_path / "a.csv"), "utf-8").shape == (2, 6000)


def test_a_comma_between_quotes_behind_a_blank_is_of_the_value(tmp_path):
    rows = [f'{row}, "{"ab"[row % 2]}, c"' for row in range(20)]
    (tmp_path / "a.csv").write_text("\n".join(['"x", "y, z"', *rows]))
    found = read_file(tmp_path / "a.csv")
    assert found.columns.tolist() == ["x", "y, z"] and found["y, z"].tolist() == ["a, c", "b, c"] * 10


@pytest.mark.parametrize("first", [(",", "."), (";", ",")], ids=["points first", "commas first"])
@pytest.mark.parametrize("later", [(",", "."), (";", ","), ("\t", ",")], ids=["points", "commas", "tabs"])
def test_new_rows_are_read_by_the_decimal_sign_of_their_file(tmp_path, first, later):
    task = make_task(written(tmp_path, *first, "first.csv"), "y")
    path = written(tmp_path, *later, "later.csv")
    np.testing.assert_array_equal(task.reader.read(path, "y").numeric, np.stack([VALUES, VALUES], 1))
    frame = load(path, as_text=task.reader.written).frame.drop(columns="y")
    np.testing.assert_array_equal(task.reader.read(frame.iloc[2:4]).numeric[:, 1], VALUES[2:4])


@pytest.mark.parametrize("mark", ["NA", "null", "N/A"])
def test_a_class_that_counts_as_missing_is_named(tmp_path, mark):
    pd.DataFrame({"x": range(60), "y": ["a", "b", mark] * 20}).to_csv(tmp_path / "a.csv", index=False)
    notes = make_task(tmp_path / "a.csv", "y").notes
    assert notes[0] == (
        f"20 rows without a target 'y' were left out. In 20 of them stands '{mark}', which counts as "
        "missing. If it is a class, give it another name."
    )


def test_one_text_in_two_normal_forms_is_one_category_and_one_class():
    composed, apart = "caf\u00e9", "cafe\u0301"
    frame = pd.DataFrame({"x": [composed, apart, "tea"] * 20, "y": [apart, composed, "no"] * 20})
    task = make_task(frame.assign(z=range(60)), "y")
    assert len(task.reader.fields[0].categories) == 2 and task.classes == (apart, "no")
    assert task.target.tolist() == [0, 0, 1] * 20
    codes = task.reader.read(pd.DataFrame({"x": [apart, composed], "z": [1, 2]})).codes
    assert codes.tolist() == [[0], [0]]
