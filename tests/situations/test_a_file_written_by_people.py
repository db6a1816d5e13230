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
        ("{:.1f} m", 1.5),
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
        (["1.2M", "900"], [1_200_000, 900]),
        (["5 thousand", "1.5 million"], [5000, 1_500_000]),
        (["1,5 Mrd. €", "2 Mio. €"], [1.5e9, 2e6]),
        (["1.5 M€", "2 M€"], [1.5e6, 2e6]),
        (["1\u2007234", "5\u3000678"], [1234, 5678]),
        (["1.234,50-", "7,25"], [-1234.5, 7.25]),
        (["5-", "3"], [-5, 3]),
        (["–5", "3"], [-5, 3]),
        (["%31", "%7"], [31, 7]),
        (["5.000,- €", "6,- €"], [5000, 6]),
        (["½", "1½"], [0.5, 1.5]),
        (["1 1/2 in", "2 in"], [1.5, 2]),
        (["1.5×10^3", "2 x 10⁻²"], [1500, 0.02]),
        (["٣٫١٤", "٢"], [3.14, 2]),
        (["１２．５", "３"], [12.5, 3]),
        (["17h30", "9 h 05"], [17.5 / 24, (9 + 5 / 60) / 24]),
        (["5 p.m.", "11:30 A.M."], [17 / 24, 11.5 / 24]),
        (["17.30 Uhr", "9 Uhr"], [17.5 / 24, 9 / 24]),
        (["-01:30", "02:00"], [-1.5 / 24, 2 / 24]),
        (["1/2", "3/4"], [0.5, 0.75]),
        (["~5", "ca. 7"], [5, 7]),
        (["≈ 1_000 kg", "about 12_500 kg"], [1000, 12_500]),
        (["1_000", "7"], [1000, 7]),
        (["5'10\"", "6'"], [5 + 10 / 12, 6]),
        (["5 ft 6 in", "5ft11"], [5.5, 5 + 11 / 12]),
        (["5 lb 3 oz", "12 oz"], [5.1875, 0.75]),
        (["11 st 4 lb", "9 st"], [158, 126]),
        (["40°26'46\"N", "33.9° S"], [40 + 26 / 60 + 46 / 3600, -33.9]),
        (["73.5 W", "12.25 E"], [-73.5, 12.25]),
        (["-73.5°", "4°"], [-73.5, 4]),
    ],
)
def test_forms_of_numbers(values, expected):
    task = task_with(values * 20)
    np.testing.assert_allclose(task.data.numeric[:2, 0], expected)


def test_a_measure_is_named_with_its_unit():
    assert "Measures of 'x' are read as feet." in task_with(["5'10\"", "6'1\""] * 20).notes


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["1h 30m", "45m"], [5400, 2700]),
        (["1h 30min", "2h 15min"], [5400, 8100]),
        (["2 days 03:00:00", "0 days 00:10:00"], [183_600, 600]),
        (["1 day, 0:10:00", "3:00:00"], [87_000, 10_800]),
        (["-1 days +23:00:00", "1 days 00:00:00"], [-3600, 86_400]),
        (["PT1H30M", "P1DT2H"], [5400, 93_600]),
        (["1 Std. 30 Min.", "2,5 Std."], [5400, 9000]),
        (["1 hour and 5 minutes", "2 hours"], [3900, 7200]),
        (["2 years", "3 weeks"], [2 * 365.25 * 86_400, 3 * 7 * 86_400]),
    ],
)
def test_durations_are_seconds(values, seconds):
    task = task_with(values * 20)
    np.testing.assert_allclose(task.data.numeric[:2, 0], seconds)
    assert "Durations of 'x' are read as seconds." in task.notes
    target = make_task(pd.DataFrame({"x": range(40), "y": values * 20}), "y", problem="regression")
    np.testing.assert_allclose(target.target[:2], seconds)
    assert "Durations of 'y' are read as seconds." in target.notes


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["3. März 2023", "28. Jan. 2022"], ["2023-03-03", "2022-01-28"]),
        (["lundi 12 févr. 2021", "1er août 2022"], ["2021-02-12", "2022-08-01"]),
        (["12-DÉC-21", "3-mai-22"], ["2021-12-12", "2022-05-03"]),
        (["12 de mayo de 2021", "3 ago. 2022"], ["2021-05-12", "2022-08-03"]),
        (["mar. 4 maggio 2021", "3 dicembre 2022"], ["2021-05-04", "2022-12-03"]),
        (["12 de março de 2021", "3 dez 2022"], ["2021-03-12", "2022-12-03"]),
        (["12 mrt 2021", "3 oktober 2022"], ["2021-03-12", "2022-10-03"]),
        (["Sept. 28, 2023", "Oct. 1, 2022"], ["2023-09-28", "2022-10-01"]),
        (["2023-W05-1", "2022-W40"], ["2023-01-30", "2022-10-03"]),
        (["2000Q1", "Q4 2022"], ["2000-01-01", "2022-10-01"]),
        (["1Q23", "4Q22"], ["2023-01-01", "2022-10-01"]),
        (["2023年1月28日", "2022年12月1日"], ["2023-01-28", "2022-12-01"]),
        (["28.01.2023 um 17h30", "01.02.2022 9:05 Uhr"], ["2023-01-28T17:30", "2022-02-01T09:05"]),
        (["28/01/2023 5 p.m.", "01/02/2022 11 a.m."], ["2023-01-28T17:00", "2022-02-01T11:00"]),
        (["2023-01-28 10:00 CET", "2023-07-28 10:00 CEST"], ["2023-01-28T09:00", "2023-07-28T08:00"]),
        (["01/28/2023 10:00 EST", "02/13/2022 11:00 UTC"], ["2023-01-28T15:00", "2022-02-13T11:00"]),
        (["Sat Jan 28 10:15:00 2023", "Sun Jan 29 11:15:00 2023"], ["2023-01-28T10:15", "2023-01-29T11:15"]),
        (["28/Jan/2023:10:15:00 +0000"] * 2, ["2023-01-28T10:15"] * 2),
    ],
)
def test_dates_of_other_languages_and_calendars(values, expected):
    task = make_task(pd.DataFrame({"x": values * 20, "z": range(40), "y": ["a", "b"] * 20}), "y")
    found = [column for column in task.data.columns if column.name == "x.days"]
    days = (pd.DatetimeIndex(expected) - pd.Timestamp(0)) / pd.Timedelta("1D")
    if len(set(values)) > 1:
        np.testing.assert_allclose(found[0].values[:2], days, atol=1e-9)
    assert field(task, "x").kind == "date"


@pytest.mark.parametrize(
    "values",
    [
        ["A1", "B2"],
        ["1-", "2+"],
        ["10-year", "30-year"],
        ["2x4", "2x6"],
        ["Mai", "Juni"],
        ["mar 1", "mar 2"],
        ["1A", "2B"],
        ["10-20", "20-30"],
        ["192.168.1.1", "10.0.0.1"],
        ["5 kg", "300 g"],
        ["€5", "$6"],
        ["+49 170 123", "+49 30 99"],
        ["1.2.3", "1.2.4"],
        ["5/10", "6/10"],
        ["120/80", "95/60"],
        ["3/28", "12/25"],
        ["12E", "14W"],
        ["CA 9", "NY 1"],
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
