"""The temperature of made logits is found again."""

import numpy as np
import pytest

from taskaware.training.tempering import chosen_temperature, tempered


@pytest.mark.parametrize("factor", [0.7, 1.0, 3.0])
def test_logits_that_are_too_large_are_found_out(factor):
    rng = np.random.default_rng(0)
    honest = rng.normal(scale=2.0, size=(20_000, 3))
    drawn = rng.random(len(honest))[:, None] > tempered(honest, 1.0).cumsum(1)
    parts = [(drawn.sum(1), factor * honest)]
    assert chosen_temperature(parts) == pytest.approx(factor, rel=0.06)


def test_rows_count_by_their_weight():
    """Two sorts of rows, one honest and one far too sure."""
    rng = np.random.default_rng(1)
    honest = rng.normal(size=(4000, 2))
    drawn = (rng.random(4000) > tempered(honest, 1.0)[:, 0]).astype(int)
    logits = np.concatenate([honest, 4 * honest])
    parts, first = [(np.tile(drawn, 2), logits)], np.repeat([1.0, 0.0], 4000)
    assert chosen_temperature(parts, [first]) == pytest.approx(1.0, rel=0.1)
    assert chosen_temperature(parts, [1 - first]) == pytest.approx(4.0, rel=0.1)


def test_few_rows_that_are_all_right_do_not_make_it_sure_of_everything():
    assert chosen_temperature([(np.zeros(5, int), np.tile([2.0, 0.0], (5, 1)))]) == pytest.approx(0.5)
