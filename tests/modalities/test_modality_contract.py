"""The contract on tables, and that it finds what it is there for."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.modalities.tables.modality import TABLES, TableBlocks, Tables
from taskaware.testing import modality_contract
from taskaware.testing.modality_contract import CHECKS, check_modality


def mixed(rows=60):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "when": pd.date_range("2024-01-01", periods=rows),
            "text": [f"word{i} and {i % 7} more words" for i in range(rows)],
        }
    )
    return ta.make_task(frame.assign(y=frame["size"].fillna(0) > 0), "y")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_tables(check):
    check(mixed)


def test_numbers_alone_and_categories_alone():
    rng = np.random.default_rng(0)
    target = rng.permutation([0, 1] * 30)
    for values in (rng.normal(size=(60, 2)), rng.choice(list("abcdefgh"), (60, 3))):
        check_modality(lambda values=values: ta.make_task((values, target)))


class Broken(Tables):
    """Tables under another name, wrong in one thing."""

    name = "broken"

    def read(self, source, target=None, **about):
        return dataclasses.replace(super().read(source, target, **about), modality="broken")

    def accepts(self, source):
        return False


class LearnsFromAll(Broken):
    def fit_blocks(self, data, rows):
        return super().fit_blocks(data, np.arange(data.rows))


class OrderCounts(Broken):
    def meta_features(self, task, extra=()):
        return {
            **super().meta_features(task, extra),
            "log_rows": float(task.target[:5] @ 2.0 ** np.arange(5)),
        }


class Forgets(Broken):
    def blocks_from(self, arrays):
        return super().blocks_from({**arrays, "mean": arrays["mean"] + 1})


class Wider(TableBlocks):
    @property
    def widths(self):
        return {**super().widths, "robust": 99}


class SaysWider(Broken):
    def fit_blocks(self, data, rows):
        return Wider(super().fit_blocks(data, rows).encoder)


class CountsWrong(Broken):
    def card(self, task):
        return dataclasses.replace(super().card(task), rows=1)


@pytest.mark.parametrize(
    ("modality", "check"),
    [
        (LearnsFromAll, "blocks_learn_from_training_rows_alone"),
        (OrderCounts, "row_order_changes_nothing"),
        (Forgets, "what_is_saved_is_the_same"),
        (SaysWider, "blocks_are_finite_and_as_wide_as_they_say"),
        (CountsWrong, "the_card_fits"),
    ],
)
def test_the_contract_finds(modality, check):
    rng = np.random.default_rng(1)
    numbers, target = rng.normal(size=(60, 2)), rng.permutation([0, 1] * 30)
    ta.MODALITIES.add("broken", modality())
    try:
        with pytest.raises(AssertionError):
            getattr(modality_contract, check)(lambda: ta.make_task((numbers, target), modality="broken"))
    finally:
        ta.MODALITIES.remove("broken")
    check_ = getattr(modality_contract, check)
    check_(lambda: ta.make_task((numbers, target)))


def test_a_modality_that_is_not_registered_is_found():
    task = dataclasses.replace(mixed(), modality="gone")
    with pytest.raises(AssertionError, match="not in MODALITIES"):
        modality_contract.it_is_registered(lambda: task)
    assert ta.MODALITIES["tables"] is TABLES
