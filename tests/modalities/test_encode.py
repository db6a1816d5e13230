"""What a network reads: each embedding against its definition, and nothing learned from later rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskaware.data.table import Column, Table
from taskaware.modalities.tables import embedded
from taskaware.modalities.tables.encode import (
    BINS,
    EMBEDDINGS,
    FREQUENCIES,
    MAX_CATEGORIES,
    MAX_ONE_HOT,
    QUANTILES,
    WORD_BUCKETS,
    Encoder,
    layout,
)


def table(*columns):
    """Floats are numbers, integers are category codes, strings are texts."""
    return Table("made", tuple(_column(f"c{i}", values) for i, values in enumerate(columns)), len(columns[0]))


def _column(name, values):
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return Column(name, "numeric", values)
    if values.dtype.kind == "U":
        words, codes = np.unique(values, return_inverse=True)
        return Column(name, "text", codes.astype(np.int32), tuple(words))
    labels = tuple(f"{i:06d}" for i in range(values.max(initial=0) + 1))
    return Column(name, "category", values.astype(np.int32), labels)


def encoded(made, rows=None):
    return Encoder.fit(made, np.arange(made.rows) if rows is None else rows).transform(made)


def of(embedding, numbers, columns=1):
    """The columns of one embedding, for a table of so many numeric columns without missing values."""
    widths = [columns, columns, columns, columns * BINS, columns * 2 * len(FREQUENCIES)]
    return np.split(numbers, np.cumsum(widths), axis=1)[EMBEDDINGS.index(embedding)]


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    return np.stack([rng.normal(3, 2, 500), rng.lognormal(0, 1, 500), rng.integers(0, 4, 500)], axis=1)


def mixed(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    numeric = np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows))
    return table(numeric, rng.lognormal(size=rows), rng.integers(-1, 4, rows), rng.integers(0, 50, rows))


def test_standardised_equals_scikit_learn(numbers):
    from sklearn.preprocessing import StandardScaler

    found = of("standardised", encoded(table(*numbers.T))[0], 3)
    expected = StandardScaler().fit_transform(numbers)
    assert np.abs(expected).max() < 10
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_standardised_is_cut_at_ten():
    values = np.append(np.zeros(999), 1.0)
    found = of("standardised", encoded(table(values))[0])
    assert found.max() == 10


def test_robust_is_a_smooth_clip_of_scikit_learns(numbers):
    from sklearn.preprocessing import RobustScaler

    found = of("robust", encoded(table(*numbers.T))[0], 3)
    scaled = RobustScaler().fit_transform(numbers)
    np.testing.assert_allclose(found, scaled / np.sqrt(1 + (scaled / 3) ** 2), rtol=1e-4, atol=1e-5)
    assert np.abs(scaled).max() > 3 > np.abs(found).max()


def test_robust_of_a_nearly_constant_column_takes_half_the_range():
    values = np.append(np.zeros(99), 4.0)
    found = of("robust", encoded(table(values))[0])[-1, 0]
    assert found == pytest.approx(2 / np.sqrt(1 + (2 / 3) ** 2), rel=1e-5)


def test_quantile_equals_scikit_learn_away_from_the_tails(numbers):
    from sklearn.preprocessing import QuantileTransformer

    transformer = QuantileTransformer(n_quantiles=QUANTILES, output_distribution="normal", subsample=None)
    expected = transformer.fit_transform(numbers)
    found = of("quantile", encoded(table(*numbers.T))[0], 3)
    near = np.abs(expected) < 2.3
    assert near.mean() > 0.6
    np.testing.assert_allclose(found[near], expected[near], atol=1e-5)
    assert np.abs(found).max() < 2.6


def test_quantile_ignores_the_scale(numbers):
    plain = of("quantile", encoded(table(numbers[:, 0]))[0])
    cubed = of("quantile", encoded(table(numbers[:, 0] ** 3))[0])
    assert np.abs(plain - cubed)[np.abs(plain) < 1.5].max() < 0.1


def test_piecewise_equals_its_formula(numbers):
    """Gorishniy, Rubachev, Babenko 2022, equation 1, every share within [0, 1]."""
    values = numbers[:, :2]
    made = table(*values.T)
    encoder = Encoder.fit(made, np.arange(300))
    found = of("piecewise", encoder.transform(made)[0], 2).reshape(500, BINS, 2)
    grid = np.round(np.linspace(0, QUANTILES - 1, BINS + 1) - 0.5 + 1e-9) / (QUANTILES - 1)
    for f in range(2):
        edges = np.quantile(values[:300, f], grid)
        for t, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            expected = np.clip((values[:, f] - low) / (high - low), 0, 1)
            np.testing.assert_allclose(found[:, t, f], expected, atol=1e-5)


def test_piecewise_of_a_column_with_few_values():
    values = np.repeat([0.0, 1.0], 30)
    found = of("piecewise", encoded(table(values))[0])
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert (found[30:].sum(1) > found[:30].sum(1)).all()


def test_periodic_equals_its_formula(numbers):
    made = table(*numbers.T)
    columns = encoded(made)[0]
    standardised = of("standardised", columns, 3).astype(np.float64)
    found = of("periodic", columns, 3).reshape(500, 2, len(FREQUENCIES), 3)
    for k, frequency in enumerate(FREQUENCIES):
        angle = 2 * np.pi * frequency * standardised
        np.testing.assert_allclose(found[:, 0, k], np.sin(angle), atol=1e-5)
        np.testing.assert_allclose(found[:, 1, k], np.cos(angle), atol=1e-5)


def test_missing_numbers_become_the_median_and_are_told():
    values = np.array([1.0, 2.0, np.nan, 7.0, np.nan])
    made = table(values, np.arange(5.0))
    encoder = Encoder.fit(made, np.arange(5))
    assert encoder.indicated.tolist() == [True, False]
    found, _ = encoder.transform(made)
    filled, _ = encoded(table(np.where(np.isnan(values), 2.0, values), np.arange(5.0)))
    for embedding, name in enumerate(EMBEDDINGS[:5]):
        columns = found[:, encoder.block == embedding]
        numeric = of(name, filled, 2).shape[1]
        np.testing.assert_allclose(columns[:, :numeric], of(name, filled, 2))
        flags = columns[:, numeric:]
        assert flags.shape[1] == numeric / 2
        np.testing.assert_array_equal(flags, np.repeat(np.isnan(values)[:, None], flags.shape[1], 1))


def test_later_rows_may_be_missing_where_no_training_row_was():
    made = table(np.array([1.0, 2.0, 9.0, np.nan]))
    encoder = Encoder.fit(made, np.arange(3))
    found, _ = encoder.transform(made)
    assert not encoder.indicated.any()
    np.testing.assert_array_equal(found[3], found[1])


def test_unseen_missing_and_rare_categories_have_place_0():
    codes = np.concatenate([np.repeat(np.arange(MAX_CATEGORIES), 3), [40, 41, -1]])
    made = table(codes)
    _, one_hot = Encoder.fit(made, np.arange(len(codes) - 2)).transform(made)
    assert one_hot.shape[1] == MAX_CATEGORIES + 1
    np.testing.assert_array_equal(one_hot.argmax(1)[:-3], np.repeat(np.arange(1, MAX_CATEGORIES + 1), 3))
    np.testing.assert_array_equal(one_hot.argmax(1)[-3:], 0)


def test_frequent_categories_come_first():
    codes = np.array([2, 2, 2, 0, 0, 1, 3])
    assert encoded(table(codes))[1].argmax(1).tolist() == [1, 1, 1, 2, 2, 3, 4]


def test_many_values_get_their_frequency_as_a_number():
    rng = np.random.default_rng(0)
    codes = rng.zipf(1.3, 4000).clip(max=3000) - 1
    made = table(codes)
    encoder = Encoder.fit(made, np.arange(4000))
    numeric, one_hot = encoder.transform(made)
    assert one_hot.shape == (4000, MAX_CATEGORIES + 1)
    assert len(encoder.median) == 1
    shares = np.log((np.bincount(codes)[codes] + 1) / 4001)
    expected = (shares - shares.mean()) / shares.std()
    np.testing.assert_allclose(of("standardised", numeric)[:, 0], expected, rtol=1e-3, atol=1e-4)


def test_a_missing_value_among_many_counts_as_the_rarest():
    codes = np.append(np.repeat(np.arange(40), np.arange(40, 0, -1)), -1)
    encoder = Encoder.fit(table(codes), np.arange(len(codes)))
    assert encoder.frequencies[0][-1] == encoder.frequencies[0][:-1].min()


def test_texts_become_counts_of_words_and_a_length():
    made = table(np.array(["red red car", "blue car", "", "red"]))
    encoder = Encoder.fit(made, np.arange(4))
    assert len(encoder.median) == WORD_BUCKETS + 1
    assert encoder.mean[-1] == np.mean([11, 8, 0, 3])
    assert encoder.mean[:-1].sum() == np.mean([3, 2, 0, 1])
    assert encoder.categories == 0


def changed_outside(made, rows, seed):
    """Other values, none missing where one was not, in every row but these."""
    rng = np.random.default_rng(seed)
    later = np.setdiff1d(np.arange(made.rows), rows)
    columns = []
    for column in made.columns:
        values = column.values.copy()
        spread = 1e9 * rng.normal(size=len(later)) if column.is_numeric else rng.permutation(values[later])
        values[later] = spread
        columns.append(dataclasses.replace(column, values=values))
    return dataclasses.replace(made, columns=tuple(columns))


def test_the_texts_of_a_part_are_read_alone(monkeypatch):
    """A long table of texts, encoded in parts, costs each text once."""
    made, counted = table(np.array([f"word{i} and more" for i in range(60)])), []
    encoder, crc32 = Encoder.fit(made, np.arange(60)), embedded.zlib.crc32
    monkeypatch.setattr(embedded.zlib, "crc32", lambda word: counted.append(word) or crc32(word))
    parts = [encoder.transform(made, np.arange(first, first + 10))[0] for first in range(0, 60, 10)]
    assert len(counted) == 60 * 3
    np.testing.assert_array_equal(np.concatenate(parts), encoder.transform(made)[0])


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31 - 1))
def test_nothing_is_learned_from_later_rows(seed):
    made = mixed(seed=seed)
    rows = np.sort(np.random.default_rng(seed).choice(60, 30, replace=False))
    first, second = (Encoder.fit(t, rows).to_arrays() for t in (made, changed_outside(made, rows, seed)))
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_a_row_is_encoded_alone_as_among_others():
    made = mixed()
    encoder = Encoder.fit(made, np.arange(40))
    everything = encoder.transform(made)
    chosen = np.array([7, 50, 3])
    for parts in (encoder.transform(made, chosen), encoder.transform(made.take(chosen))):
        for whole, part in zip(everything, parts, strict=True):
            np.testing.assert_array_equal(part, whole[chosen])


def test_order_of_the_training_rows_does_not_matter():
    made = mixed()
    first, second = (encoded(made, rows) for rows in (np.arange(60), np.arange(60)[::-1]))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


cells = st.floats(allow_infinity=False, width=64)


@settings(max_examples=40)
@given(
    values=st.lists(st.tuples(cells, cells, st.integers(-1, 60)), min_size=1, max_size=30),
    learned=st.integers(1, 30),
)
@example(
    values=[*[(0.0, 0.0, 0)] * 7, (0.0, 8.98846567431158e307, 0), (0.0, -0.0625, 0), (0.0, -0.00390625, 0)],
    learned=9,
)
def test_always_finite(values, learned):
    first, second, codes = (np.array(column) for column in zip(*values, strict=True))
    made = table(first.astype(float), second.astype(float), codes)
    with np.errstate(invalid="raise", divide="raise", over="ignore"):
        encoder = Encoder.fit(made, np.arange(min(learned, made.rows)))
        numeric, one_hot = encoder.transform(made)
    assert np.isfinite(numeric).all()
    assert np.abs(numeric).max(initial=0) <= 10
    assert numeric.shape == (made.rows, len(encoder.block))
    np.testing.assert_array_equal(one_hot.sum(1), 1)


@pytest.mark.parametrize(
    "made",
    [
        table([1e300, -1e300, 0.0]),
        table([1.7e308, -1.7e308, 1.7e308]),
        table([5e-324, 0.0, 0.0]),
        table([np.nan] * 3),
        table([4.0] * 3),
        table([4.0]),
        table([np.nan], [-1]),
        table([-1, -1, -1]),
        table(np.arange(5000)),
        table(*np.zeros((40, 3), int)),
        table(np.arange(40.0), *(np.arange(40) + np.zeros((100, 1), int))),
    ],
    ids=["huge", "largest", "smallest", "missing", "constant", "row", "nothing", "unknown", "values"]
    + ["same", "wide"],
)
def test_degenerate_tables(made):
    encoder = Encoder.fit(made, np.arange(made.rows))
    numeric, one_hot = encoder.transform(made)
    assert numeric.dtype == one_hot.dtype == np.float32
    assert np.isfinite(numeric).all()
    assert numeric.shape == (made.rows, len(encoder.block))
    assert one_hot.shape == (made.rows, encoder.categories)
    np.testing.assert_array_equal(one_hot.sum(1), made.codes.shape[1])
    none = encoder.transform(made, np.arange(0))
    assert [part.shape for part in none] == [(0, len(encoder.block)), (0, encoder.categories)]


def test_block_active_and_layout_tell_the_columns():
    made = mixed()
    encoder = Encoder.fit(made, np.arange(60))
    numeric, one_hot = encoder.transform(made)
    columns = 2 + 1 + 1  # numbers, one frequency, one indicator
    assert layout(made) == (columns, one_hot.shape[1])
    counts = [columns, columns, columns, BINS * columns, 2 * len(FREQUENCIES) * columns]
    np.testing.assert_array_equal(np.bincount(encoder.block), counts)
    assert encoder.active.tolist() == [*counts, 2, 2]
    assert numeric.shape[1] == len(encoder.block) == sum(counts)
    assert (np.count_nonzero(one_hot, axis=1) == 2).all()


def test_many_category_columns_share_the_room():
    wide = table(*(np.arange(200) + np.zeros((64, 1), int)))
    encoder = Encoder.fit(wide, np.arange(200))
    assert encoder.categories == MAX_ONE_HOT


@pytest.mark.parametrize("made", [mixed(), table([1.0, 2.0]), table([0, 1, 1])], ids=["both", "1", "2"])
def test_arrays_and_back(made):
    encoder = Encoder.fit(made, np.arange(made.rows))
    again = Encoder.from_arrays(encoder.to_arrays())
    for first, second in zip(encoder.transform(made), again.transform(made), strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(again.active, encoder.active)
