"""Numbers against SciPy and scikit-learn, and signals on tasks whose nature is known."""

import numpy as np
import pytest
import scipy.stats
import sklearn.feature_selection
import sklearn.kernel_ridge
import sklearn.metrics
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.tree

from taskaware.modalities.tables.metafeatures import View, landmarks, meta_features
from taskaware.modalities.tables.metafeatures.distribution import Numbers, normal_distance
from taskaware.modalities.tables.metafeatures.information import (
    bin_codes,
    bin_edges,
    entropy,
    mutual_information,
)
from taskaware.modalities.tables.metafeatures.landmarks import Landmarks
from taskaware.modalities.tables.metafeatures.sampling import sample_rows


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(7)


def test_label_entropy(rng, build):
    labels = rng.integers(0, 5, 300) ** 2
    task = build({"x": rng.normal(size=300)}, labels)
    counts = np.bincount(labels)
    assert meta_features(task)["label_entropy"] == pytest.approx(scipy.stats.entropy(counts, base=2))


def test_moments(rng):
    values = rng.gamma(2.0, size=(3, 500)) * np.array([[1.0], [1e200], [1e-200]]) - 1.0
    numbers = Numbers(values)
    # SciPy itself overflows on the second column.
    unscaled = values / np.array([[1.0], [1e200], [1.0]])
    np.testing.assert_allclose(numbers.skewness[:2], scipy.stats.skew(unscaled[:2], axis=1), rtol=1e-8)
    np.testing.assert_allclose(numbers.kurtosis[:2], scipy.stats.kurtosis(unscaled[:2], axis=1), rtol=1e-8)
    assert numbers.varies.tolist() == [True, True, False]


def test_missing_values_are_left_out_of_moments(rng):
    values = rng.gamma(2.0, size=400)
    values[::3] = np.nan
    numbers = Numbers(values[None, :])
    assert numbers.skewness[0] == pytest.approx(scipy.stats.skew(values, nan_policy="omit"))
    assert numbers.mean[0] == pytest.approx(np.nanmean(values))
    assert numbers.distinct_share[0] == 1.0


def test_outliers_beyond_tukeys_fences():
    numbers = Numbers(np.array([[*range(1, 100), 1000.0], [0.0] * 90 + [1.0] * 10]))
    np.testing.assert_allclose(numbers.outlier_share, [0.01, 0.1])


def test_normal_distance(rng):
    values = rng.exponential(size=200)
    values = (values - values.mean()) / values.std()
    assert normal_distance(values) == pytest.approx(scipy.stats.kstest(values, "norm").statistic)


def test_mutual_information(rng):
    first = rng.integers(0, 6, 400)
    second = (first + rng.integers(0, 4, 400)) % 6
    table = sklearn.metrics.cluster.contingency_matrix(first, second)
    plain, corrected = mutual_information(table)
    assert plain * np.log(2) == pytest.approx(sklearn.metrics.mutual_info_score(first, second))
    assert entropy(table) == pytest.approx(scipy.stats.entropy(table.ravel(), base=2))
    assert 0 < corrected < plain


def test_bias_correction_makes_independent_variables_nearly_so(rng):
    tables = [np.histogram2d(*rng.random((2, 500)), bins=8)[0] for _ in range(50)]
    plain, corrected = np.mean([mutual_information(table) for table in tables], axis=0)
    assert plain > 0.06 and corrected < 0.02


def test_bins_hold_equally_many_and_keep_levels_apart(rng):
    few = np.r_[np.zeros(960), np.ones(30), np.full(10, 2.0)]
    spike = np.r_[np.zeros(950), rng.random(50)]
    values = np.stack([rng.normal(size=1000), few, spike])
    values[0, :100] = np.nan
    codes = bin_codes(values, bin_edges(Numbers(values), 10))
    assert np.bincount(codes[0]).tolist() == [90] * 10 + [100]
    assert np.bincount(codes[1]).tolist() == [960, 30, 10]
    assert codes[2, :950].max() < codes[2, 950:].min()


def test_correlations_with_a_target(rng, build):
    columns = {"a": rng.normal(size=300), "b": rng.integers(0, 5, 300).astype(float)}
    target = np.exp(columns["a"] + columns["b"] / 2)
    view = View(build(columns, target))
    pearson = [abs(scipy.stats.pearsonr(c, target).statistic) for c in columns.values()]
    spearman = [abs(scipy.stats.spearmanr(c, target).statistic) for c in columns.values()]
    np.testing.assert_allclose(view.pearson, pearson)
    np.testing.assert_allclose(view.spearman, spearman)
    np.testing.assert_allclose(view.correlation.pairs, [abs(np.corrcoef(*columns.values())[0, 1])])


def test_variance_between_classes(rng, build):
    labels = rng.integers(0, 3, 200)
    columns = {"a": labels + rng.normal(size=200), "b": labels * 2 + rng.normal(size=200)}
    found = View(build(columns, labels)).class_variance
    f = sklearn.feature_selection.f_classif(np.stack(list(columns.values()), axis=1), labels)[0]
    np.testing.assert_allclose(found, 2 * (f - 1) / (2 * f + 197))


def test_spectrum(rng, build):
    shared = rng.normal(size=500)
    same = {f"n{i}": shared * (i + 1) for i in range(5)}
    apart = {f"n{i}": rng.normal(size=500) for i in range(5)}
    one, many = (meta_features(build(c, rng.integers(0, 2, 500))) for c in (same, apart))
    assert one["effective_rank"] == pytest.approx(0.2) and many["effective_rank"] > 0.9
    assert one["components_95"] == pytest.approx(0.2) and many["components_95"] == 1.0
    assert one["first_component_share"] == pytest.approx(1.0)
    assert one["correlation_high_share"] == 1.0 and many["correlation_high_share"] == 0.0


@pytest.fixture(name="marks")
def _marks(rng):
    labels = np.sort(rng.integers(0, 4, 240))[::-1]
    design = rng.normal(size=(240, 6)) + rng.normal(size=(4, 6))[labels]
    return Landmarks(design - design.mean(axis=0), np.eye(4)[labels], labels, True)


def halves(marks):
    """Each half with the labels of the rows it has to predict."""
    return zip(marks.halves, (marks.groups[rows] for rows in reversed(marks.split)), strict=True)


def test_halves_share_no_row_and_have_like_classes(marks):
    one, two = marks.split
    assert sorted([*one, *two]) == list(range(240))
    assert np.abs(np.bincount(marks.groups[one]) - np.bincount(marks.groups[two])).max() <= 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (landmarks.nearest_neighbour, sklearn.neighbors.KNeighborsClassifier(1)),
        (landmarks.nearest_centroid, sklearn.neighbors.NearestCentroid()),
    ],
)
def test_landmarks_equal_scikit_learn(marks, ours, theirs):
    for half, _ in halves(marks):
        np.testing.assert_array_equal(
            ours(half).argmax(axis=1), theirs.fit(half.rows, half.groups).predict(half.queries)
        )


def test_score_is_accuracy_over_the_majority(marks):
    predicted = [
        np.mean(sklearn.neighbors.KNeighborsClassifier(1).fit(h.rows, h.groups).predict(h.queries) == truth)
        for h, truth in halves(marks)
    ]
    base = np.bincount(marks.groups).max() / 240
    assert marks.neighbour == pytest.approx((np.mean(predicted) - base) / (1 - base))


def test_naive_bayes_nearly_equals_scikit_learn(marks):
    for half, _ in halves(marks):
        theirs = sklearn.naive_bayes.GaussianNB().fit(half.rows, half.groups).predict(half.queries)
        assert np.mean(landmarks.naive_bayes(half).argmax(axis=1) == theirs) > 0.97


def test_ridge_equals_scikit_learn(marks):
    half = marks.halves[0]
    alpha = landmarks.PENALTY * np.trace(half.inner)
    model = sklearn.kernel_ridge.KernelRidge(alpha=alpha, kernel="linear")
    centre = half.outcome.mean(axis=0)
    expected = centre + model.fit(half.rows, half.outcome - centre).predict(half.queries)
    np.testing.assert_allclose(landmarks.linear_ridge(half), expected, atol=1e-9)


def test_stump_equals_scikit_learn(rng):
    design = rng.integers(0, 4, (200, 3)).astype(float)
    target = (design[:, 1] > 1) * 2.0 + rng.normal(size=200) / 2
    groups = (target > np.median(target)).astype(int)
    half = Landmarks(design, target[:, None], groups, False).halves[0]
    tree = sklearn.tree.DecisionTreeRegressor(max_depth=1).fit(half.rows, half.outcome)
    np.testing.assert_allclose(landmarks.stump(half)[:, 0], tree.predict(half.queries))


def test_interaction_shows_in_the_gains(rng, build):
    x = rng.normal(size=(2, 600))
    product = meta_features(build({"a": x[0], "b": x[1]}, (x[0] * x[1] > 0).astype(int)))
    plane = meta_features(build({"a": x[0], "b": x[1]}, (x[0] + x[1] > 0).astype(int)))
    assert product["landmark_linear"] < 0.2 and product["interaction_gain"] > 0.5
    assert plane["landmark_linear"] > 0.9 and abs(plane["interaction_gain"]) < 0.1


def test_information_on_copies_and_noise(rng, build):
    labels = rng.integers(0, 4, 1000)
    noise = {"a": rng.normal(size=1000), "b": rng.integers(0, 5, 1000), "id": np.arange(1000)}
    blind = meta_features(build(noise, labels))
    seeing = meta_features(build({**noise, "copy": labels.astype(float)}, labels))
    assert blind["information_share_max"] < 0.02 and blind["informative_share"] == 0
    assert seeing["information_share_max"] > 0.99 and seeing["informative_share"] == 0.25
    assert seeing["landmark_stump"] > 0.3 > blind["landmark_neighbour"]


def test_few_distinct_rows_are_sampled_in_proportion(rng):
    distinct = rng.integers(0, 2**63, 2).astype(np.uint64)
    problem = np.r_[np.zeros(30_000, int), np.ones(10_000, int)]
    chosen = sample_rows(distinct[problem], np.zeros(40_000), 800)
    assert np.bincount(problem[chosen]).tolist() == pytest.approx([600, 200], abs=4)
    assert len(set(chosen)) == 800


def test_sizes_classes_and_missing_cells(build):
    columns = {
        "n": np.array([1.0, np.nan, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
        "c": np.array([0, 1, -1, -1, 1, 0, 1, 2]),
        "same": np.ones(8),
    }
    found = meta_features(build(columns, np.array([0, 0, 0, 0, 0, 0, 1, 1])))
    expected = {
        "is_classification": 1,
        "log_rows": np.log10(8),
        "log_columns": np.log10(4),
        "log_encoded_width": np.log10(6),
        "missing_share": 3 / 24,
        "missing_share_max": 2 / 8,
        "missing_columns_share": 2 / 3,
        "constant_share": 1 / 3,
        "cardinality_max": np.log10(4),
        "class_share_min": 0.25,
        "class_share_max": 0.75,
        "class_share_median": 0.5,
        "class_imbalance": np.log10(3),
        "value_max": np.log10(9),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
