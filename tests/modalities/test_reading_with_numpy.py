"""Code that reads with NumPy alone reads what pandas reads."""

import datetime

import numpy as np
import pandas as pd
import pytest

from taskaware.data import columns, dates, numerals
from taskaware.errors import UserError
from taskaware.modalities.tables import embedded
from taskaware.modalities.tables.written import plain, reading

NUMBERS = [
    "1",
    "-1.5",
    "+.5",
    "5.",
    "1e3",
    "1E-3",
    " 7 ",
    "1_000",
    "1,5",
    "",
    "nan",
    "12a",
    "0x10",
    "--1",
    "1e",
    ".",
]
DATES = {
    (): [
        *("2024-02-29", "2024-02-30", "2024-01-01T10:00", "2024-01-01 10:00:05.123456789", "2024-01-01T10"),
        *("2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02:00", "2024-01-01 23:30-0130", "2024-13-01", "red"),
        *("0001-01-01", "9999-12-31", "2024-1-1", "20240101", "2024-01-01x", "2024-W05-1", "Q2 2023"),
    ],
    ("%d/%m/%Y",): ["28/01/2023", "1/2/2023", "31/02/2023", "2024-05-06", "28/01/23"],
    ("%d %b %Y", "%b %d, %Y"): ["3. März 2023", "12 feb 2021", "Mar 5, 2020", "mayo 5, 2020", "5"],
    ("%m/%d/%y %I:%M %p",): ["01/28/23 5:30 PM", "12/31/68 12:00 AM", "12/31/69 12:00 am"],
    ("%Y-%m-%dT%H:%M:%S.%f%z",): ["2024-01-01T10:00:00.5+01:00", "2024-01-01T10:00:00.25Z"],
}


def test_plain_numbers():
    np.testing.assert_array_equal(plain.plain_numbers(NUMBERS), numerals.plain_numbers(NUMBERS))
    assert np.isinf(plain.plain_numbers(["inf", "-Infinity"])).all()


@pytest.mark.parametrize("formats", DATES)
def test_dates(formats):
    for name in DATES[formats]:
        wanted = dates.parsed([name], formats)
        wanted = wanted.where(wanted.notna(), dates.parsed([name])) if formats else wanted
        found = plain.moment_of(name, formats, "UTC")
        assert (found is None) == wanted.isna()[0], name
        assert found is None or pd.Timestamp(found, tz="UTC") == wanted[0].floor("us"), name


def test_parts_of_dates():
    when = pd.date_range("1969-06-01", "2031-01-01", freq="37h", tz="UTC").append(
        pd.DatetimeIndex([pd.NaT], tz="UTC")
    )
    own = when.tz_convert(None).to_numpy().astype("datetime64[us]")
    for part in dates.PARTS:
        np.testing.assert_allclose(plain.part_of(own, part), dates.part_of(when, part), rtol=1e-15)


def test_dates_that_are_none_yet():
    column = {"name": "when", "form": [], "parts": ["days", "hour"], "zone": "UTC"}
    zoned = datetime.datetime(2024, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    days, hours = plain.read_dates([datetime.date(2024, 1, 1), zoned, None, "2024-01-02"], column)
    np.testing.assert_array_equal(hours, [0, 23, np.nan, 0])
    assert days[3] - days[0] == 1 and np.isnan(days[2]) and 0 < days[0] - days[1] < 1
    with pytest.raises(UserError, match="Column 'when' holds dates, and 'red' are none"):
        plain.read_dates(["red", "2024-01-02"], column)


def test_durations_booleans_and_labels():
    column = {"name": "x", "form": [], "categories": ["1", "True", "e\u0301"]}
    (found,) = plain.read_numbers([datetime.timedelta(hours=36), None], column)
    np.testing.assert_array_equal(found, [1.5, np.nan])
    np.testing.assert_array_equal(
        plain.read_booleans(["true", "FALSE", "?", True], column)[0], [1, 0, np.nan, 1]
    )
    with pytest.raises(UserError, match="row 1 is neither true nor false"):
        plain.read_booleans([1, 2], column)
    values = [1.0, " 1 ", "True", "\u00e9", "new", None]
    assert plain.read_categories(values, column).tolist() == [0, 0, 1, 2, -1, -1]
    series = pd.Series(values, dtype=object)
    assert columns.codes_in(series, column["categories"]).tolist() == [0, 0, 1, 2, -1, -1]


@pytest.mark.parametrize("way", ["numpy", "pandas", "arrow", "list"])
def test_columns_of_other_libraries(way):
    given = [1.5, None, 3.0]
    made = {
        "numpy": lambda: np.array([1.5, np.nan, 3.0]),
        "pandas": lambda: pd.Series(given, dtype="Float64"),
        "arrow": lambda: pytest.importorskip("pyarrow").chunked_array([given]),
        "list": lambda: given,
    }
    assert plain.own_values(made[way]()) == given
    assert plain.own_values(np.array(["2024-01-01", "NaT"], "datetime64[ns]")) == [
        datetime.datetime(2024, 1, 1),
        None,
    ]


def test_quantiles():
    rng = np.random.default_rng(0)
    grid, filled = (
        np.sort(rng.integers(0, 9, (embedded.QUANTILES, 3)), 0).astype(float),
        rng.normal(4, 5, (3, 50)),
    )
    np.testing.assert_allclose(
        plain.quantile_columns(filled, grid), embedded.quantile_columns(filled, grid), atol=1e-12
    )


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x\n\n,y\n3\n",
        "a;b\n1,5;x\n2,5;y",
        'sep=|\na|b\n1|"x|y"\n2|"line\nend"\n',
        '"a", "b"\n1, "x"\n2, "y, z"\n',
        '"a" "b"\n'.replace(" ", "\t") + '"r1"\t1\tx\n"r2"\t2\ty\n',
        "a,b,a\r\n1,2,3\r\n",
        "A title of a table,\na,b\n1,2\n3,4\n",
        "a,b\n",
        "a,b\n1," + "x" * 200_000 + "\n",
    ],
)
def test_files(text, tmp_path):
    (tmp_path / "rows.csv").write_text(text, newline="", encoding="utf-8")
    wanted = reading.read_file(str(tmp_path / "rows.csv"))
    found = plain.read_file(str(tmp_path / "rows.csv"))
    assert list(found) == list(wanted)
    assert found == {
        name: [value if isinstance(value, str) else None for value in wanted[name]] for name in wanted
    }


def test_files_that_are_refused(tmp_path):
    (tmp_path / "rows.csv").write_bytes("a,b\n1,é\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"not in utf-8-sig .* Name its --encoding"):
        plain.read_file(str(tmp_path / "rows.csv"))
    assert plain.read_file(str(tmp_path / "rows.csv"), "latin-1") == {"a": ["1"], "b": ["é"]}
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(UserError, match="A row has 3 values, and there are 2 names"):
        plain.read_file(str(tmp_path / "rows.csv"))
    with pytest.raises(UserError, match="is no CSV, TSV or TXT file"):
        plain.read_file("rows.parquet")
