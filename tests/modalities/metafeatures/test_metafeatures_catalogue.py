"""The catalogue as a list, the vector, a user's own meta-features, and the errors."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.modalities.tables.metafeatures import (
    CATALOGUE,
    NAMES,
    MetaFeature,
    View,
    catalogue,
    catalogue_digest,
    describe,
    meta_features,
    vector,
)

OWN = MetaFeature("own", "rows", 0, 1e9, "me", lambda view: view.task.rows, "my rows")


@pytest.mark.parametrize("feature", CATALOGUE, ids=NAMES)
def test_every_entry_says_what_it_is(feature):
    assert feature.name.isidentifier() and feature.name == feature.name.lower()
    assert feature.unit and feature.source and feature.what
    assert np.isfinite([feature.low, feature.high]).all() and feature.low < feature.high
    assert feature.low <= 0 <= feature.high, "0 stands for 'does not apply'"


def test_names_are_unique():
    assert len(set(NAMES)) == len(NAMES) == len(CATALOGUE)


def test_describe_has_a_row_for_each():
    table = describe()
    assert tuple(table["name"]) == NAMES
    assert table.set_index("name").loc["label_entropy", "source"] == "Shannon 1948"
    assert not table.isna().any().any()


def test_digest_follows_the_catalogue(monkeypatch):
    before = catalogue_digest()
    changed = (dataclasses.replace(CATALOGUE[0], high=2), *CATALOGUE[1:])
    monkeypatch.setattr(catalogue, "CATALOGUE", changed)
    assert catalogue_digest() != before
    monkeypatch.setattr(catalogue, "CATALOGUE", CATALOGUE)
    assert catalogue_digest() == before


def test_vector_is_the_mapping_in_order(mixed):
    task = mixed(0, 120)
    found = meta_features(task)
    assert tuple(found) == NAMES
    z = vector(task)
    assert z.dtype == np.float32 and z.shape == (len(NAMES),)
    np.testing.assert_allclose(z, list(found.values()), rtol=1e-6)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_two_tasks_differ(mixed, problem):
    first, second = vector(mixed(0, 200, problem)), vector(mixed(1, 200, problem))
    assert np.count_nonzero(first != second) > 30


def test_every_entry_tells_some_tasks_apart(mixed, build):
    copied = np.round(np.random.default_rng(0).normal(size=90), 1)
    columns = {"a": copied, "b": -copied, "c": np.ones(90), "d": (copied > 1) * 1.0, "e": copied**2}
    tasks = [mixed(0, 150), mixed(1, 160, classes=4), mixed(2, 170, "regression")]
    found = np.array([vector(task) for task in (*tasks, build(columns, np.arange(90) // 60))])
    assert {name for name, column in zip(NAMES, found.T, strict=True) if np.ptp(column) == 0} == set()


def test_own_meta_feature_comes_last(mixed):
    found = meta_features(mixed(0, 60), extra=[OWN])
    assert tuple(found) == (*NAMES, "own")
    assert found["own"] == 60.0


@pytest.mark.parametrize("wrong", [np.nan, np.inf, None, "3", np.zeros(2), 1 + 2j])
def test_own_meta_feature_must_return_a_finite_number(mixed, wrong):
    with pytest.raises(UserError, match="'own' returned"):
        meta_features(mixed(0, 60), extra=[dataclasses.replace(OWN, compute=lambda view: wrong)])


def test_own_meta_feature_must_keep_its_range(mixed):
    with pytest.raises(UserError, match=r"outside its range \[0, 10\]"):
        meta_features(mixed(0, 60), extra=[dataclasses.replace(OWN, high=10)])


@pytest.mark.parametrize("extra", [[dataclasses.replace(OWN, name="log_rows")], [OWN, OWN]])
def test_own_meta_feature_needs_a_free_name(mixed, extra):
    with pytest.raises(UserError, match="exists already"):
        meta_features(mixed(0, 60), extra=extra)


def test_own_meta_feature_must_be_wrapped(mixed):
    with pytest.raises(UserError, match="Wrap the function"):
        meta_features(mixed(0, 60), extra=[len])


def test_range_is_kept_and_gaps_are_filled(mixed, monkeypatch):
    from taskaware.modalities.tables.metafeatures import compute

    odd = [
        MetaFeature(f"f{i}", "u", -1, 1, "me", lambda view, v=v: v)
        for i, v in enumerate([np.nan, np.inf, 7, -7])
    ]
    monkeypatch.setattr(compute, "CATALOGUE", tuple(odd))
    assert list(meta_features(mixed(0, 60)).values()) == [0, 0, 1, -1]


def test_threads_of_the_linear_algebra_are_given_back(mixed):
    import threadpoolctl

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        meta_features(mixed(0, 60))
        assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before


def test_view_is_lazy(mixed):
    view = View(mixed(0, 60))
    assert not {"numbers", "information", "landmarks"} & set(vars(view))


def test_import_is_light():
    heavy = "('jax', 'sklearn', 'scipy')"
    room = "taskaware.modalities.tables.metafeatures"
    code = f"import sys, {room}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
