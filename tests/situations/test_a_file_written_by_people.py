"""Columns that a person reads at a glance: units, separators, odd cells, dates; and what is said of them."""

import numpy as np
import pandas as pd
import pytest

from taskaware.data.description import describe
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task

ROWS = 300
NUMBERS = np.round(np.random.default_rng(0).normal(50, 20, ROWS), 2)


def field(task, name):
    return next(field for field in task.reader.fields if field.name == name)


def task_with(values, **options):
    return make_task(pd.DataFrame({"x": values, "y": ["a", "b"] * (len(values) // 2)}), "y", **options)


@pytest.mark.parametrize("odd", ["-", "unknown", "#DIV/0!", "n/k", "Not available", "foo", "--", "see note"])
def test_one_odd_cell_does_not_lose_the_column(odd):
    values = [f"{number:.2f}" for number in NUMBERS]
    values[7] = odd
    task = task_with(values)
    expected = NUMBERS.copy()
    expected[7] = np.nan
    np.testing.assert_allclose(task.data.numeric[:, 0], expected)
    if odd != "#DIV/0!":
        assert f"299 of 300 values of 'x' are numbers; '{odd}' is read as missing." in task.notes


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{:,.2f}", 12_345.5),
        ("{:.1f}%", 31.4),
        ("{:.1f} %", 31.4),
        ("${:,.2f}", 1_234.5),
        ("{:.2f} EUR", 3.25),
        ("€ {:.2f}", 3.25),
        ("{:.1f} kg", 7.5),
        ("{:.0f} years", 12),
        ("{:.1f}°C", 36.6),
        ("{:.0f}+", 500),
        ("{:.1f}M", 1.5),
        ("{:.2f} km/h", 88.25),
    ],
)
def test_numbers_with_separators_units_and_currencies(written, value):
    values = [written.format(value * (1 + row % 9)) for row in range(ROWS)]
    task = task_with(values)
    assert field(task, "x").kind == "numeric"
    np.testing.assert_allclose(task.data.numeric[:9, 0], value * np.arange(1, 10), rtol=1e-9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.234,5", "7,25"], [1234.5, 7.25]),
        (["1 234,5", "7,25"], [1234.5, 7.25]),
        (["1'234.5", "7.25"], [1234.5, 7.25]),
        (["1,23,456.5", "99,999"], [123456.5, 99999]),
        (["0,512", "0,007"], [0.512, 0.007]),
        (["(7.50)", "8.25"], [-7.5, 8.25]),
        (["−5", "5"], [-5, 5]),
        (["14k", "1.5M"], [14_000, 1_500_000]),
        (["1st", "12th"], [1, 12]),
        (["06:00", "18:30"], [0.25, 18.5 / 24]),
        (["6:00 am", "6:30 PM"], [0.25, 18.5 / 24]),
    ],
)
def test_forms_of_numbers(values, expected):
    task = task_with(values * 20)
    np.testing.assert_allclose(task.data.numeric[:2, 0], expected)


@pytest.mark.parametrize(
    "values",
    [
        ["A1", "B2"],
        ["1A", "2B"],
        ["10-20", "20-30"],
        ["192.168.1.1", "10.0.0.1"],
        ["5 kg", "300 g"],
        ["€5", "$6"],
        ["+49 170 123", "+49 30 99"],
        ["1.2.3", "1.2.4"],
        ["5/10", "6/10"],
    ],
)
def test_labels_that_hold_digits_stay_labels(values):
    assert describe(pd.Series(values * 20)).kind in ("category", "text")


def test_codes_with_a_letter_among_them_stay_codes():
    codes = [f"{row % 20:03d}" for row in range(ROWS)]
    codes[5] = "A01"
    assert describe(pd.Series(codes)).kind == "category"


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("%d/%m/%Y", 1),
        ("%m/%d/%Y", 1),
        ("%d.%m.%Y", 1),
        ("%Y/%m/%d", 1),
        ("%d %b %Y", 1),
        ("%B %d, %Y", 1),
        ("%d-%b-%y", 1),
        ("%d/%m/%Y %H:%M", 1),
        ("%m/%d/%Y %I:%M:%S %p", 1),
        ("%m/%d/%y %I%p", 1),
        ("%d.%m.%Y, %I %p", 1),
        ("%a, %d %b %Y %H:%M:%S +0000", 1),
        ("%Y-%m-%dT%H:%M:%S", 1),
    ],
)
def test_dates_as_people_write_them(form, parts):
    when = pd.date_range("2023-01-28 10:15", periods=ROWS, freq="31h")
    task = task_with(when.strftime(form))
    assert field(task, "x").kind == "date"
    days = task.data.columns[0].values
    exact = (when - pd.Timestamp(0)) / pd.Timedelta("1D")
    exact = exact if "H" in form or "I" in form else np.floor(exact)
    np.testing.assert_allclose(days, exact, atol=1e-2 if "M" in form else 1 / 24)


def test_the_order_of_day_and_month_is_said_where_it_is_open():
    task = task_with(["01/02/2023", "03/04/2023", "05/06/2022"] * 20)
    assert task.data.columns[1].values[0] == 1
    assert "Dates of 'x' are read with the month first, as in '01/02/2023'." in task.notes
    assert task_with(["01.02.2023", "03.04.2023"] * 20).data.columns[1].values[0] == 2


def test_dates_with_and_without_a_time():
    task = task_with(["28.01.2023", "13.02.2023 14:00"] * 20)
    assert set(field(task, "x").form) == {"%d.%m.%Y", "%d.%m.%Y %H:%M"}
    assert np.diff(task.data.columns[0].values[:2]).round(3) == 16.583


@pytest.mark.parametrize("odd", ["<1.6", "n/k", "-"])
def test_a_target_with_odd_values_is_refused_by_name(odd):
    target = [f"{number:.1f}" for number in NUMBERS]
    target[3] = target[9] = odd
    with pytest.raises(UserError, match=rf"Target 'y' holds numbers, but '{odd}' in 2 rows .first in row 3"):
        make_task(pd.DataFrame({"x": range(ROWS), "y": target}), "y")


def test_a_target_of_many_numbers_and_bounds_is_not_made_of_classes():
    target = [f"{number:.1f}" for number in NUMBERS]
    target[::8] = [f"<{row / 10}" for row in range(len(target[::8]))]
    with pytest.raises(UserError, match="different numbers, and other values: '<0.0'"):
        make_task(pd.DataFrame({"x": range(ROWS), "y": target}), "y")


def test_a_class_called_none_is_a_class(tmp_path):
    frame = pd.DataFrame({"x": range(60), "y": ["None", "Insomnia", "Apnea"] * 20})
    assert make_task(frame, "y").classes == ("Apnea", "Insomnia", "None")
    frame.to_csv(tmp_path / "sleep.csv", index=False)
    assert make_task(tmp_path / "sleep.csv", "y").classes == ("Apnea", "Insomnia", "None")


def test_labels_keep_what_is_written():
    labels = np.array(["7", "007", "250.0", "250.00"] * 10)
    task = make_task((np.random.default_rng(0).normal(size=(40, 2)), labels))
    assert sorted(task.classes) == ["007", "250.0", "250.00", "7"]
    assert [task.classes[place] for place in task.target] == labels.tolist()


def test_kinds_and_columns_are_for_the_user_to_say():
    frame = pd.DataFrame({"code": range(40), "id": range(40), "x": range(40), "y": ["a", "b"] * 20})
    task = make_task(frame, "y", kinds={"code": "category"}, drop=["id"])
    assert [(field.name, field.kind) for field in task.reader.fields] == [
        ("code", "category"),
        ("x", "numeric"),
    ]
    with pytest.raises(UserError, match="There is no feature 'idd' to drop. Did you mean 'id'"):
        make_task(frame, "y", drop=["idd"])
    with pytest.raises(UserError, match="Unknown kind of a column 'categori'. Did you mean 'category'"):
        make_task(frame, "y", kinds={"code": "categori"})
    with pytest.raises(UserError, match="Column 'y2' is not among the features, but kinds= names it"):
        make_task(frame, "y", kinds={"y2": "text"})
    with pytest.raises(
        UserError, match="Column 'y' cannot be of kind 'numeric': its values look like 'category'"
    ):
        make_task(frame.rename(columns={"x": "z"}), "z", kinds={"y": "numeric"})


def test_the_message_shows_the_value_of_the_row_that_it_names():
    task = task_with([1.5, 2.5] * 20)
    with pytest.raises(UserError, match="row 1 holds 'salt and pepper' .2 such rows"):
        task.reader.read(pd.DataFrame({"x": ["1", "salt and pepper", "apples", "3"]}))


@pytest.mark.parametrize("mark", ["-nan", "1.#QNAN", "#NA", "-1.#IND"])
def test_what_other_programs_write_for_no_number(tmp_path, mark):
    rows = [f"{mark if row % 3 == 0 else row},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *rows]))
    task = make_task(tmp_path / "a.csv", "y")
    assert field(task, "x").kind == "numeric"
    assert np.isnan(task.data.numeric[:, 0]).sum() == 20


def test_a_task_takes_no_kinds_any_more():
    import taskaware

    with pytest.raises(UserError, match="a Task is read already. Give them to make_task"):
        taskaware.recommend(task_with([1.5, 2.5] * 20), drop=["x"])
