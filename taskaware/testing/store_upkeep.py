"""Checks of the store contract: counting, pruning, checking and exporting; see `store_contract`."""

import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from taskaware.digests import architecture_digests
from taskaware.store import SpaceRecord, Store
from taskaware.testing.store_examples import (
    CATALOGUE,
    SPACE,
    TASKS,
    OpenStore,
    assert_same,
    example,
    refused,
    register,
)


def _filled(store: Store) -> tuple[str, str]:
    """Add 13 trainings of two recipes on two tasks, some diverged and three failed; the recipes' digests."""
    recipe = register(store)
    slow = store.add_recipe({"steps": 3000})
    store.append(example(recipe))
    errors = ["out of memory", None, "out of memory", "killed", None]
    failing = dataclasses.replace(example(slow, start=10), errors=errors, code_version="0.2.0")
    store.append(failing)
    store.append(example(slow, task=1, count=3))
    return recipe, slow


def the_listing_counts_by_task_space_and_recipe(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe, slow = _filled(store)
        found = {(entry.name, entry.recipe): entry for entry in store.listing()}
        assert set(found) == {("adult", recipe), ("adult", slow), ("boston", slow)}
        assert list(found) == sorted(found)
        entry = found["adult", recipe]
        assert (entry.task, entry.group, entry.problem) == (TASKS[0].digest, "adult", "classification")
        assert (entry.space, entry.space_name, entry.metric) == (SPACE.digest, "mixture", "accuracy")
        assert (entry.trained, entry.diverged, entry.failed) == (4, 1, 0)
        assert (entry.seeds, entry.architectures, entry.seconds) == (2, 5, 1.25)
        assert np.float32(entry.best) == np.float32(0.503)
        entry = found["adult", slow]
        assert (entry.trained, entry.diverged, entry.failed) == (1, 1, 3)
        assert np.float32(entry.best) == np.float32(0.511)
        store.append(dataclasses.replace(example(recipe, task=1, count=1), scores=[np.nan], seconds=None))
        diverged = store.listing()[2 if recipe < slow else 3]
        assert (diverged.name, diverged.diverged, diverged.best, diverged.seconds) == ("boston", 1, None, 0.0)


def failures_are_grouped_by_their_error(open_store: OpenStore) -> None:
    with open_store() as store:
        assert store.failures() == []
        recipe, slow = _filled(store)
        memory, killed = store.failures()
        assert (memory.error, memory.count, killed.error, killed.count) == ("out of memory", 2, "killed", 1)
        batch = example(slow, start=10)
        names = architecture_digests(SPACE.digest, batch.u).tolist()
        (only,) = killed.trainings
        assert (only.task, only.name, only.recipe) == (TASKS[0].digest, "adult", slow)
        assert (only.architecture, only.seed) == (names[3], np.asarray(batch.seeds)[3])
        assert {one.architecture for one in memory.trainings} == {names[0], names[2]}
        (few,) = store.failures(limit=1)
        assert (few.count, few.trainings) == (2, memory.trainings[:1])
        assert store.failed(slow) == {TASKS[0].digest: 3}
        assert store.failed(recipe) == {}


def pruning_removes_trainings_and_what_only_they_used(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe, slow = _filled(store)
        for wrong, words in (
            ({}, "no condition"),
            ({"task": "adlut"}, "Did you mean 'adult'"),
            ({"recipe": "f" * 16}, "recipe"),
            ({"code_version": "9"}, "code version"),
        ):
            refused(functools.partial(store.prune, **cast(dict[str, Any], wrong)), words)
        before = store.summary()
        for wanted, counts in (
            ({"failed": True, "task": "boston"}, (0, 0, 0, 0, 0)),
            ({"failed": True}, (3, 3, 0, 0, 0)),
            ({"code_version": "0.2.0"}, (2, 2, 0, 0, 0)),
            ({"task": TASKS[1].digest}, (3, 1, 1, 1, 0)),
            ({"recipe": recipe}, (5, 5, 1, 1, 0)),
        ):
            expected = store.prune(**wanted, dry_run=True)
            assert store.summary() == before
            assert dataclasses.astuple(expected) == counts, wanted
            assert store.prune(**wanted) == expected
            assert store.check().ok
            before = store.summary()
        assert (before.tasks, before.recipes, before.architectures, before.trained) == (0, 0, 0, 0)
        assert store.described(CATALOGUE) == set()


def pruning_leaves_what_no_training_used_yet(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe, _ = _filled(store)
        idle = store.add_recipe({"steps": 1})
        assert store.prune(recipe=recipe).recipes == 1
        assert idle in {entry.digest for entry in store.recipes()}
        assert dataclasses.astuple(store.prune(unused=True, dry_run=True)) == (0, 0, 1, 0, 0)
        assert dataclasses.astuple(store.prune(unused=True)) == (0, 0, 1, 0, 0)
        assert idle not in {entry.digest for entry in store.recipes()}
        assert store.append(example(store.recipes()[0].digest, start=20)) == 5


def a_sound_store_passes_its_check(open_store: OpenStore) -> None:
    with open_store() as store:
        assert store.check().ok
        _filled(store)
        found = store.check()
        assert found.problems == ()
        assert (found.tasks, found.architectures, found.trainings) == (2, 11, 13)


def parquet_has_everything(open_store: OpenStore) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store() as store, open_store() as other:
        _filled(store)
        store.add_space(SpaceRecord("b" * 16, "cells", {"cells": [1.5, None]}))
        wide = dataclasses.replace(example(store.recipes()[0].digest), space="b" * 16, u=np.eye(5))
        store.append(wide)
        odd = [np.nan, np.inf, -0.0]
        store.add_metafeatures(TASKS[0].digest, catalogue="d" * 16, names=["a", "b", "ü"], values=odd)
        first, second = Path(folder, "first.parquet"), Path(folder, "second.parquet")
        assert store.export_parquet(first) == 18
        assert other.import_parquet(first) == 18
        assert other.import_parquet(first) == 0
        assert other.export_parquet(second) == 18
        assert second.read_bytes() == first.read_bytes()
        for space in (SPACE.digest, "b" * 16):
            chosen = {"space": space, "catalogue": "d" * 16}
            assert_same(other.triplets(**chosen), store.triplets(**chosen))
        assert other.failures() == store.failures()
        assert other.listing() == store.listing()
        assert (other.spaces(), other.recipes(), other.tasks()) == (
            store.spaces(),
            store.recipes(),
            store.tasks(),
        )


CHECKS = (
    the_listing_counts_by_task_space_and_recipe,
    failures_are_grouped_by_their_error,
    pruning_removes_trainings_and_what_only_they_used,
    pruning_leaves_what_no_training_used_yet,
    a_sound_store_passes_its_check,
    parquet_has_everything,
)
