"""Code that is written out reads and encodes a table as taskaware does, and holds nothing of the user's."""

import ast
import warnings

import numpy as np
import pandas as pd
import pytest

from taskaware.data import columns
from taskaware.data.schema import Schema
from taskaware.modalities.tables.encode import EMBEDDINGS, Encoder
from taskaware.modalities.tables.written.copying import Definition, copied, import_lines
from taskaware.modalities.tables.written.learned import NUMBERS, READING, learned

ROWS = 60
HOSTILE = '"""); __import__("os").system("touch owned") #\n\\'


def draws():
    return np.random.default_rng(0)


def days(rng):
    return pd.Timestamp("2024-02-27") + pd.to_timedelta(rng.integers(0, 99, ROWS), "D")


def written(form, rng, mean=5.0):
    return [form(number) for number in rng.normal(mean, mean / 3, ROWS)]


COLUMNS = {
    "plain": lambda rng: np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS)),
    "one value": lambda rng: rng.integers(0, 2, ROWS) * 1e200,
    "thousands": lambda rng: written("{:,.1f}".format, rng, 4e4),
    "comma": lambda rng: written(lambda number: f"{number:.2f}".replace(".", ","), rng),
    "points": lambda rng: written(lambda number: f"{int(number):,}".replace(",", ".") + ",5", rng, 4e4),
    "money": lambda rng: written(lambda number: f"(${number:.0f})" if number < 4 else f"$ {number}", rng),
    "percent": lambda rng: written("{:.1f} %".format, rng),
    "large": lambda rng: written(lambda number: f"{number:.1f}{'k' if number < 5 else 'M'}", rng),
    "clock": lambda rng: [f"{hour}:{30 + hour}" for hour in rng.integers(1, 24, ROWS)],
    "unknown": lambda rng: written(lambda number: f"{number:.1f}" if number > 3 else "n/k", rng),
    "truth": lambda rng: rng.choice(["true", "false", ""], ROWS),
    "day": lambda rng: [f"{day}.{month}.2024" for day, month in rng.integers(1, 13, (ROWS, 2)).tolist()],
    "iso": lambda rng: days(rng).strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    "moment": days,
    "span": lambda rng: pd.to_timedelta(rng.integers(0, 99, ROWS), "h"),
    "colour": lambda rng: rng.choice(["red", " green", None, "?"], ROWS),
    "code": lambda rng: pd.Categorical(rng.integers(0, 3, ROWS)),
    "shop": lambda rng: [f"shop {number}" for number in rng.permutation(40)] + ["shop 1"] * 20,
    "note": lambda rng: [" ".join(rng.choice(["good", "BAD", "fine"], 3)) + f" {row}" for row in range(ROWS)],
    HOSTILE: lambda rng: rng.choice([HOSTILE, "red"], ROWS),
}


def table(*names):
    rng = draws()
    return pd.DataFrame({name: pd.Series(COLUMNS[name](rng)) for name in names})


def run(found, more=()):
    imports, text = found.code(more)
    scope = {"__name__": "written"}
    exec(compile(f"{import_lines(imports)}\n{text}", "written.py", "exec"), scope)
    return scope, text


def encoded(found, scope, frame):
    """What the code makes of a table: the numeric columns and the one-hot ones."""
    given = scope["named_columns"](frame, [column["name"] for column in found.columns])
    numbers, places = [], []
    for column in found.columns:
        series = given[column["name"]]
        if column["kind"] == "category":
            places.append(scope["read_categories"](series, column))
        else:
            numbers += scope[found.readers[column["kind"]]](series, column)
    arrays = found.arrays
    numbers += [arrays[f"shares/{at}"][each] for at, each in enumerate(places) if f"shares/{at}" in arrays]
    embeddings = [scope[name] for name in found.embedders]
    stacked = np.stack(numbers, 1).astype(float) if numbers else np.zeros((len(frame), 0))
    parts = [scope["encoded_numbers"](stacked, arrays, embeddings)] if embeddings else []
    if found.categories:
        each = [arrays[f"places/{at}"] for at in range(len(places))]
        parts.append(scope["one_hot_columns"](np.stack(places, 1), each))
    return np.concatenate(parts, 1)


def expected(schema, encoder, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numbers, one_hot = encoder.transform(schema.apply(frame))
    return np.concatenate([numbers, one_hot], 1)


def fitted(frame):
    schema = Schema.infer(frame)
    return schema, Encoder.fit(schema.apply(frame), np.arange(len(frame)))


def later(frame):
    """Other rows: in another order, and every third cell is missing."""
    rows = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    return rows.mask(np.add.outer(np.arange(ROWS), np.arange(rows.shape[1])) % 3 == 0)


@pytest.mark.filterwarnings("ignore:Column")
def test_a_table_of_all_kinds_of_columns_is_read_and_encoded_the_same():
    frame = table(*COLUMNS)
    schema, encoder = fitted(frame)
    found = learned(schema, encoder, EMBEDDINGS)
    scope, _ = run(found)
    for rows in (frame, later(frame), frame.iloc[:0]):
        np.testing.assert_array_equal(encoded(found, scope, rows), expected(schema, encoder, rows))


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.filterwarnings("ignore:Column")
def test_every_column_is_read_by_the_code_for_it_alone(name):
    frame = table(name)
    schema, encoder = fitted(frame)
    found = learned(schema, encoder, EMBEDDINGS)
    scope, _ = run(found)
    np.testing.assert_array_equal(
        encoded(found, scope, later(frame)), expected(schema, encoder, later(frame))
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_an_embedding_alone_needs_what_was_learned_for_it_alone(name):
    frame = table("plain", "thousands", "shop")
    schema, encoder = fitted(frame)
    found = learned(schema, encoder, [name])
    scope, _ = run(found)
    whole = expected(schema, encoder, frame)[:, : len(encoder.block)]
    np.testing.assert_array_equal(
        encoded(found, scope, frame), whole[:, encoder.block == EMBEDDINGS.index(name)]
    )
    assert len(found.arrays) < len(learned(schema, encoder, EMBEDDINGS).arrays)


def test_columns_that_the_network_does_not_read_are_left_out():
    schema, encoder = fitted(table("plain", "colour", "shop"))
    names = [
        [each["name"] for each in learned(schema, encoder, [one]).columns] for one in ("robust", "one_hot")
    ]
    assert names == [["plain", "shop"], ["colour", "shop"]]


def test_the_code_holds_what_the_columns_need_and_no_more():
    plain, forms = (run(learned(*fitted(table(*names)), ["robust"]))[1] for names in (["plain"], ["money"]))
    assert "CODES" in forms and "CODES" not in plain
    for word in ("read_dates", "read_texts", "read_categories", "moments", "quantile"):
        assert word not in plain


def test_nothing_of_the_user_is_in_the_code():
    frame = table(HOSTILE, "plain")
    _, text = run(learned(*fitted(frame), EMBEDDINGS))
    _, other = run(learned(*fitted(frame.rename(columns={HOSTILE: "a"}).replace(HOSTILE, "b")), EMBEDDINGS))
    assert text == other and "owned" not in text


def test_names_are_told_apart_and_only_known_libraries_are_imported():
    _, encoder = fitted(table("plain"))
    more = [Definition("taskaware.tasks.scale", "restored"), Definition(READING, "target_classes")]
    imports, text = learned(*fitted(table(*COLUMNS)), EMBEDDINGS).code(more)
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert len(names) == len(set(names))
    assert "taskaware" not in import_lines(imports) and "taskaware" not in text
    with pytest.raises(ValueError, match="'pyarrow' may not be imported"):
        copied([Definition("taskaware.data.delimited", "read_delimited")])


def test_messages_are_those_of_taskaware():
    frame = table("plain", "day")
    found = learned(*fitted(frame), EMBEDDINGS)
    scope, _ = run(found)
    with pytest.raises(ValueError, match="Column 'plain' is missing. Add it"):
        encoded(found, scope, frame[["day"]])
    with pytest.raises(ValueError, match="stands twice"):
        encoded(found, scope, pd.concat([frame, frame], axis=1))
    with pytest.raises(ValueError, match="Column 'plain' is numeric, but row 0 holds 'much'"):
        encoded(found, scope, frame.assign(plain="much"))
    with pytest.raises(ValueError, match="Column 'day' holds dates, but row 0 holds 'soon'"):
        encoded(found, scope, frame.assign(day="soon"))


FILES = {
    "commas": "a,b\n1,x\n,NA\n",
    "semicolons": "a;b\n1,5;x\n2,5;y\n",
    "tabs": "a\tb\n1\tx\n",
    "row names": "a,b\nr1,1,x\nr2,2,y\n",
    "separator at the end": "a,b\n1,x,\n2,y,\n",
    "quotes": 'a,"b;;;c"\n"1,234","x ""y"""\n',
    "mark": "\ufeffa,b\n1,007\n",
    "no rows": "a,b\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_taskaware_reads_it(name, tmp_path):
    from taskaware.data.load import load
    from taskaware.modalities.tables.written.reading import read_file

    path = tmp_path / "rows.csv"
    path.write_text(FILES[name], encoding="utf-8")
    own = read_file(str(path))
    wanted = load(path, as_text=list(own.columns)).frame
    pd.testing.assert_frame_equal(own.astype(object), wanted.astype(object), check_dtype=False)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    from taskaware.modalities.tables.written.reading import read_file

    (tmp_path / "rows.csv").write_bytes("a,b\nä,1\n".encode("cp1252"))
    with pytest.raises(ValueError, match="not in utf-8-sig .* Name its --encoding"):
        read_file(str(tmp_path / "rows.csv"))
    assert read_file(str(tmp_path / "rows.csv"), "cp1252")["a"].tolist() == ["ä"]
    with pytest.raises(ValueError, match="is no CSV, TSV"):
        read_file("rows.json")


def test_numbers_of_a_form_are_read_in_it_also_from_a_file_that_does_not_show_it(tmp_path):
    schema = Schema.infer(pd.DataFrame({"size": ["1.234,5", "2.345,0", "0,5"]}), decimal=",")
    (tmp_path / "rows.csv").write_text("size\n1.234\n2.345\n")
    assert schema.read(tmp_path / "rows.csv").numeric.ravel().tolist() == [1234, 2345]
    assert columns.numbers(pd.Series(["1.234"]), schema.fields[0].form).tolist() == [1234]
