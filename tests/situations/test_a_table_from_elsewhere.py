"""Files and tables of other tools: separators, encodings, packing, names, types, and a model's own schema."""

import bz2
import gzip
import http.server
import io
import lzma
import subprocess
import sys
import threading
import warnings
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from taskaware.data.load import load
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task

FRAME = pd.DataFrame({"a": range(40), "b": np.arange(40) % 7 / 2, "y": ["u", "v"] * 20})


def read(task, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return task.reader.read(rows, task.target_name)


def test_a_semicolon_file_with_decimal_commas(tmp_path):
    path = tmp_path / "messwerte.csv"
    rows = [f"{row},5;{row}.000;{row * 2},25" for row in range(1, 41)]
    path.write_text("\n".join(["laenge;menge;y", *rows]))
    task = make_task(path, "y")
    assert task.problem == "regression"
    np.testing.assert_allclose(task.data.numeric[0], [1.5, 1000])
    np.testing.assert_allclose(task.target[:2], [2.25, 4.25])
    path.write_text("laenge;menge;y\n7,5;1.234;1,0\n")
    np.testing.assert_allclose(read(task, path).numeric, [[7.5, 1234]])


def test_a_new_file_is_read_under_the_models_schema(tmp_path):
    codes = [f"{row % 20:03d}" if row % 3 else f"A{row % 9:02d}" for row in range(60)]
    pd.DataFrame({"code": codes, "y": ["01", "02"] * 30}).to_csv(tmp_path / "old.csv", index=False)
    task = make_task(tmp_path / "old.csv", "y")
    assert task.classes == ("01", "02")
    (tmp_path / "new.csv").write_text("code,y\n001,01\n002,02\n")
    known = task.reader.fields[0].categories
    assert [known[code] for code in read(task, tmp_path / "new.csv").codes[:, 0]] == ["001", "002"]


def test_categories_that_are_all_new_are_said():
    task = make_task(pd.DataFrame({"code": ["001", "A02"] * 20, "y": ["a", "b"] * 20}), "y")
    with pytest.warns(UserWarning, match="Column 'code': 12 of 12 values, such as '1', are no categories"):
        task.reader.read(pd.DataFrame({"code": [1] * 12}))


@pytest.mark.parametrize("make", [pa.table, lambda frame: pa.table(frame).to_batches()[0]])
def test_arrow_tables_are_read_by_name(make):
    task = make_task(make(FRAME), "y")
    swapped = make(FRAME[["y", "b", "a"]])
    assert read(task, swapped).digest == task.data.digest


def test_strings_of_arrow_in_views():
    table = pa.table({"a": pa.array(["u", "v"] * 20, pa.string_view()), "y": list(range(40))})
    assert make_task(table, "y").reader.fields[0].categories == ("u", "v")


def test_a_dict_of_columns_and_a_list_of_dicts():
    task = make_task(FRAME.to_dict("list"), "y")
    assert task.digest == make_task(FRAME, "y").digest == make_task(FRAME.to_dict("records"), "y").digest
    np.testing.assert_allclose(read(task, {"b": 1.5, "a": 3}).numeric, [[3, 1.5]])
    np.testing.assert_allclose(read(task, [{"b": 1.5, "a": 3}]).numeric, [[3, 1.5]])


def test_an_index_with_a_name_is_said_and_may_be_the_target():
    indexed = FRAME.rename(index=lambda row: row * 3).rename_axis("id")
    assert (
        "The index ('id') is no feature; frame.reset_index() makes it one." in make_task(indexed, "y").notes
    )
    task = make_task(indexed.drop(columns="y"), "id", problem="regression")
    assert task.target[:3].tolist() == [0, 3, 6]


def test_a_parquet_file_with_an_index(tmp_path):
    FRAME.rename_axis("id").to_parquet(tmp_path / "a.parquet")
    assert any("'id'" in note for note in make_task(tmp_path / "a.parquet", "y").notes)


def test_columns_called_by_numbers():
    frame = FRAME.set_axis([0, 1, 2], axis=1)
    task = make_task(frame, 2)
    assert read(task, frame).digest == task.data.digest


@pytest.mark.parametrize("last", ["", "extra"])
def test_rows_longer_than_the_line_of_names(tmp_path, last):
    rows = [f"{row},{row * 2},{'uv'[row % 2]}" for row in range(40)]
    longer = [f"{row}," if not last else f"row{number},{row}" for number, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,y", *longer]))
    task = make_task(tmp_path / "a.csv", "y")
    np.testing.assert_array_equal(task.data.numeric[:3], [[0, 0], [1, 2], [2, 4]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,y\n", "has a line of names, but no rows"),
        ("", "is empty"),
        ("a,y,y\n" + "1,2,3\n" * 20, "Target 'y' stands twice in the line of names"),
    ],
)
def test_degenerate_files_are_refused_by_name(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        make_task(tmp_path / "a.csv", "y")


def test_a_target_that_stands_twice_in_a_frame():
    frame = pd.DataFrame([[1, 2, 3]] * 20, columns=["a", "y", "y"])
    with pytest.raises(UserError, match="Target 'y' stands twice among the columns"):
        make_task(frame, "y")


def test_ragged_rows_are_refused():
    with pytest.raises(UserError, match="The rows of X differ in length"):
        make_task(([[1, 2], [3]] * 10, [0, 1] * 10))


def test_the_target_in_a_list():
    assert make_task(FRAME, ["y"]).digest == make_task(FRAME, "y").digest


PACKED = {
    "a.csv.gz": gzip.compress,
    "a.csv.bz2": bz2.compress,
    "a.csv.xz": lzma.compress,
    "a.zip": lambda content: zipped({"inner.csv": content, "__MACOSX/inner.csv": b""}),
    "a.csv.zip": lambda content: zipped({"inner.csv": content}),
}


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("name", PACKED)
def test_packed_files(tmp_path, name):
    (tmp_path / name).write_bytes(PACKED[name](FRAME.to_csv(index=False).encode()))
    assert make_task(tmp_path / name, "y").digest == make_task(FRAME, "y").digest


def test_a_zip_file_of_two_tables(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"one.csv": b"", "two.csv": b""}))
    with pytest.raises(UserError, match="holds 2 files .one.csv, two.csv.*Unpack it"):
        load(tmp_path / "a.zip")


def test_excel(tmp_path):
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    assert make_task(tmp_path / "a.xlsx", "y").digest == make_task(FRAME, "y").digest


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "cp1252"])
def test_encodings_are_found_out(tmp_path, encoding):
    text = "name,y\n" + "Jäger,u\nMüller,v\n" * 20
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert make_task(tmp_path / "a.csv", "y").reader.fields[0].categories == ("Jäger", "Müller")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("rows", [40, 20_000], ids=["short", "longer than what is looked at first"])
def test_ends_of_lines(tmp_path, end, rows):
    lines = ["a,b,y", *(f"{row},{row / 2},{'uv'[row % 2]}" for row in range(rows))]
    (tmp_path / "a.csv").write_bytes(end.join(lines).encode())
    task = make_task(tmp_path / "a.csv", "y")
    np.testing.assert_array_equal(task.data.numeric, np.arange(rows)[:, None] / [1, 2])


def test_an_encoding_may_be_said(tmp_path):
    (tmp_path / "a.csv").write_bytes(("name,y\n" + "Łódź,u\nGdańsk,v\n" * 20).encode("cp1250"))
    task = make_task(tmp_path / "a.csv", "y", encoding="cp1250")
    assert task.reader.fields[0].categories == ("Gdańsk", "Łódź")
    with pytest.raises(UserError, match="There is no encoding 'cp999x'. Give utf-8"):
        make_task(tmp_path / "a.csv", "y", encoding="cp999x")


def test_a_small_file_that_unpacks_to_very_much(tmp_path):
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,y\n" + b"1,2\n" * 20_000_000))
    with pytest.raises(UserError, match="'bomb.csv.gz' unpacks to more than 64 MB.*TASKAWARE_MOST_BYTES"):
        load(tmp_path / "bomb.csv.gz")


def test_a_web_address(tmp_path):
    FRAME.to_csv(tmp_path / "a.csv", index=False)

    def handler(*words):
        return http.server.SimpleHTTPRequestHandler(*words, directory=tmp_path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert make_task(f"{address}/a.csv", "y").digest == make_task(FRAME, "y").digest
        with pytest.raises(UserError, match="cannot be fetched .HTTP Error 404"):
            load(f"{address}/b.csv")
        server.shutdown()


def test_standard_input():
    code = "from taskaware.data.load import load; print(load('-').frame.shape)"
    found = subprocess.run(
        [sys.executable, "-c", code], input=FRAME.to_csv(index=False), text=True, capture_output=True
    )
    assert found.stdout.strip() == "(40, 3)", found.stderr


def test_the_home_of_nobody():
    with pytest.raises(UserError, match="home folder of a user that there is not"):
        load("~nobody-of-this-name/a.csv")


def test_an_arff_line_of_very_many_blanks(tmp_path):
    blanks = " " * 60_000
    rows = "".join(f"{row},{blanks}'u v'\n{row},{blanks}w\n" for row in range(5))
    (tmp_path / "a.arff").write_text("@relation r\n@attribute a numeric\n@attribute b string\n@data\n" + rows)
    assert set(load(tmp_path / "a.arff").frame["b"]) == {"u v", "w"}


def test_halves_of_characters():
    frame = pd.DataFrame({"a": pd.Series(["x\ud800", "y"] * 20, dtype=object), "y": ["u", "v"] * 20})
    frame.columns = pd.Index(["\ud800", "y"], dtype=object)
    task = make_task(frame, "y")
    assert (task.data.names, task.data.columns[0].categories) == (("\ufffd",), ("x\ufffd", "y"))
    assert read(task, frame).digest == task.data.digest
    assert make_task((np.ones((40, 1)) * np.arange(40)[:, None], ["\ud800", "v"] * 20)).classes == (
        "v",
        "\ufffd",
    )
