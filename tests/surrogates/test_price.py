"""The price of an architecture that was never trained."""

import dataclasses
import json

import numpy as np
import pytest

from taskaware import saved
from taskaware.errors import CheckpointError
from taskaware.surrogates import load_evaluator, save_evaluator
from taskaware.surrogates.price import USUAL, Price


def test_it_is_learned_from_what_fell_short():
    rng = np.random.default_rng(0)
    distance, rows = rng.random(500), rng.integers(50, 5000, 500).astype(float)
    gap = 0.3 + 2 * distance + 4 / np.sqrt(rows) + 0.05 * rng.normal(size=500)
    np.testing.assert_allclose(Price.fit(gap, distance, rows), (0.3, 2, 4), atol=0.3)


def test_where_nothing_is_far_the_distance_has_its_usual_price():
    gap = np.full(100, 0.2)
    found = Price.fit(gap, np.where(np.arange(100) < 5, 0.1, 0.0), np.full(100, 1e6))
    assert found.by_distance == USUAL.by_distance and found.on(1e6) == pytest.approx(0.2, abs=0.01)


def test_it_is_never_below_zero():
    """Designs that are better than predicted cost nothing; they earn nothing either."""
    assert Price.fit(np.full(30, -1.0), np.ones(30), np.full(30, 100.0)) == (0, 0, 0)


def test_small_tasks_pay_more():
    price = Price(0.1, 0.0, 5.0)
    assert price.on(25) == pytest.approx(1.1) and price.on(10_000) == pytest.approx(0.15)
    assert USUAL.on(25) == USUAL.on(10_000)


def test_it_travels_with_the_evaluator(evaluator, tmp_path):
    priced = dataclasses.replace(evaluator, price=Price(0.1, 2.0, 3.0))
    path = save_evaluator(priced, tmp_path / "priced.npz")
    assert load_evaluator(path).price == pytest.approx(Price(0.1, 2.0, 3.0))
    assert load_evaluator(save_evaluator(evaluator, tmp_path / "plain.npz")).price is None


@pytest.mark.parametrize("price", [[1.0, 2.0], [-1.0, 0.0, 0.0], ["a", 0, 0], [float("nan"), 0.0, 0.0]])
def test_a_damaged_price_is_refused(evaluator, tmp_path, price):
    arrays = saved.read_npz(save_evaluator(evaluator, tmp_path / "priced.npz"))
    header = saved.unsealed(arrays.pop("header"), arrays) | {"price": price}
    text = json.loads(json.dumps(header))
    np.savez(tmp_path / "bad.npz", header=saved.sealed(text, arrays), **arrays)
    with pytest.raises(CheckpointError):
        load_evaluator(tmp_path / "bad.npz")
