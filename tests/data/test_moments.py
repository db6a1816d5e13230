"""Times with and without zones: what a column was trained in decides how later ones are read."""

import warnings

import numpy as np
import pandas as pd
import pytest

from taskaware.data.moments import offset_of, zone_of
from taskaware.data.schema import Schema
from taskaware.errors import CheckpointError
from taskaware.modalities.tables.written import plain
from taskaware.modalities.tables.written.learned import _entry

# Through both changes of the clocks.
BERLIN = pd.Series(pd.date_range("2023-03-25", "2023-11-01", freq="9h13min", tz="Europe/Berlin"))
CLOCK = BERLIN.dt.tz_localize(None)
FORMS = {
    "a zone": BERLIN,
    "no zone": CLOCK,
    "UTC": BERLIN.dt.tz_convert("UTC"),
    "another zone": BERLIN.dt.tz_convert("America/New_York"),
    "objects": BERLIN.astype(object),
    "offsets": BERLIN.astype(str),
    "short offsets": BERLIN.dt.strftime("%Y-%m-%d %H:%M:%S.%f%z"),
    "a clock": CLOCK.astype(str),
}
SAME_MOMENT = ("a zone", "UTC", "another zone", "objects", "offsets", "short offsets")
SAME_CLOCK = ("a zone", "no zone", "objects", "offsets", "short offsets", "a clock")


def frame_of(form: str) -> pd.DataFrame:
    return pd.DataFrame({"when": FORMS[form]})


def read(schema: Schema, form: str) -> np.ndarray:
    return schema.apply(frame_of(form)).numeric


@pytest.mark.parametrize(
    ("trained", "zone", "alike"),
    [
        ("a zone", "Europe/Berlin", tuple(FORMS)),
        ("objects", "Europe/Berlin", tuple(FORMS)),
        ("UTC", "UTC", SAME_MOMENT),
        ("offsets", "UTC", SAME_MOMENT),
        ("no zone", "", SAME_CLOCK),
        ("a clock", "", SAME_CLOCK),
    ],
)
@pytest.mark.filterwarnings("ignore:Column 'when'")
def test_later_times_are_read_as_those_of_the_training_data(trained, zone, alike):
    schema = Schema.infer(frame_of(trained))
    assert schema.fields[0].zone == zone
    assert all(zone in note for note in schema.notes) and bool(schema.notes) == bool(zone)
    schema = Schema.from_dict(schema.to_dict())
    wanted = read(schema, trained)
    for form in alike:
        np.testing.assert_array_equal(read(schema, form), wanted, err_msg=form)


def test_hours_are_those_of_the_clocks_and_days_are_in_utc():
    table = Schema.infer(frame_of("a zone")).apply(frame_of("a zone"))
    found = dict(zip(table.names, table.numeric.T, strict=True))
    np.testing.assert_array_equal(found["when.hour"], CLOCK.dt.hour)
    np.testing.assert_array_equal(found["when.weekday"], CLOCK.dt.day_of_week)
    gaps = np.diff(found["when.days"]) * 24 * 60
    np.testing.assert_allclose(gaps, 9 * 60 + 13, atol=1e-3)


@pytest.mark.parametrize("trained", ["a zone", "no zone", "offsets"])
@pytest.mark.filterwarnings("ignore:Column 'when'")
def test_numpy_alone_reads_the_same(trained):
    schema = Schema.infer(frame_of(trained))
    for form, series in FORMS.items():
        values = [value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in series]
        found = np.stack(plain.read_dates(values, _entry(schema.fields[0])), axis=1)
        np.testing.assert_allclose(found, read(schema, form), rtol=0, atol=1e-9, err_msg=form)


@pytest.mark.parametrize(
    ("trained", "later", "word"),
    [("no zone", "UTC", "clock"), ("a zone", "a clock", "Europe/Berlin")],
)
def test_a_zone_that_came_or_went_is_told(trained, later, word):
    schema = Schema.infer(frame_of(trained))
    with pytest.warns(UserWarning, match=f"Column 'when'.*{word}"):
        schema.apply(frame_of(later))


@pytest.mark.parametrize("trained", ["no zone", "a zone"])
def test_missing_times_and_those_of_the_same_zone_are_told_nothing(trained):
    schema = Schema.infer(frame_of(trained))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema.apply(frame_of(trained))
        schema.apply(pd.DataFrame({"when": [None, None]}))


@pytest.mark.parametrize("shift", ["+01:00", "-03:30"])
def test_a_fixed_offset_is_a_zone(shift):
    series = CLOCK.dt.tz_localize(shift)
    assert zone_of(series) == f"UTC{shift}"
    frame = pd.DataFrame({"when": series})
    table = Schema.infer(frame).apply(frame)
    np.testing.assert_array_equal(table.numeric[:, -1], CLOCK.dt.hour)


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("2023-01-28 10:00:00+00", "+00"),
        ("2023-01-28T10:00Z", "Z"),
        ("28/01/2023 5:30 PM -0800", " -0800"),
        ("28.01.2023 10:00 CET", " +0100"),
        ("2023-01-28", None),
        ("28-01-2023", None),
        ("01-2023", None),
    ],
)
def test_an_offset_is_told_from_a_date(name, offset):
    assert offset_of(name) == offset


def test_a_schema_without_zones_reads_in_utc_and_one_with_an_unknown_zone_is_refused():
    [entry] = Schema.infer(frame_of("UTC")).to_dict()["fields"]
    old = {key: value for key, value in entry.items() if key != "zone"}
    assert Schema.from_dict({"fields": [old]}).fields[0].zone == "UTC"
    for wrong in ("Mars/Olympus", "../../etc/passwd", "UTC+99:00"):
        with pytest.raises(CheckpointError, match="time zone"):
            Schema.from_dict({"fields": [entry | {"zone": wrong}]})
