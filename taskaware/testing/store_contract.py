"""The contract of an experience store, as checks that run on any database.

    from taskaware.testing.store_contract import check_store

    check_store(lambda: Store.open(new_empty_place(), artefacts=new_folder()))

Each check opens as many new, empty stores as it needs, and raises AssertionError where the store breaks the
contract. `CHECKS` has them all, for a parametrized test:

    @pytest.mark.parametrize("check", store_contract.CHECKS)
    def test_contract(check, open_store):
        check(open_store)
"""

import dataclasses
import functools

import numpy as np

from taskaware.digests import architecture_digests
from taskaware.store import SpaceRecord
from taskaware.testing import store_schema, store_upkeep
from taskaware.testing.store_examples import (
    CATALOGUE,
    FEATURES,
    RECIPE,
    SPACE,
    TASKS,
    OpenStore,
    assert_same,
    example,
    refused,
    register,
)


def check_store(open_store: OpenStore) -> None:
    """Run every check of the contract.

    Args:
        open_store: gives a new, empty store at each call, at best one with a folder for artefacts.

    Raises:
        AssertionError: a check failed; its note names the check. Other errors of the store come through, with
            the same note.
    """
    for check in CHECKS:
        try:
            check(open_store)
        except Exception as error:
            error.add_note(f"in the check '{check.__name__}' of the store contract")
            raise


def appended_trainings_are_read_back(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        batch = example(recipe)
        assert store.append(batch) == 5
        found = store.triplets()
        rows = np.lexsort((found.seed, found.u[:, 1]))
        for ours, theirs in (
            (found.u, batch.u),
            (found.score, batch.scores),
            (found.test_score, batch.test_scores),
            (found.loss, batch.losses),
        ):
            np.testing.assert_array_equal(ours[rows], np.asarray(theirs, np.float32), strict=True)
        np.testing.assert_array_equal(found.seed[rows], batch.seeds, strict=True)
        np.testing.assert_array_equal(found.seconds, np.full(5, 0.25, np.float32), strict=True)
        assert found.diverged.sum() == 1
        assert (found.names, found.problems, found.groups) == (("adult",), ("classification",), ("adult",))
        assert dataclasses.replace(found.tasks[0], added="") == TASKS[0]
        assert (found.space, found.strategies) == (SPACE, ("random_search",))
        assert found.recipes[0].definition == RECIPE
        assert (found.catalogue, found.features) == (CATALOGUE, FEATURES)
        np.testing.assert_array_equal(found.z, np.array([[0, 0.5]], np.float32), strict=True)


def appending_twice_changes_nothing(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        assert store.append(example(recipe)) == 5
        before = store.triplets()
        other_scores = dataclasses.replace(example(recipe), scores=np.zeros(5))
        assert store.append(example(recipe)) == 0
        assert store.append(other_scores) == 0
        assert register(store) == recipe
        assert_same(store.triplets(), before)
        assert store.append(example(recipe, start=3)) == 3


def a_batch_may_repeat_itself(open_store: OpenStore) -> None:
    with open_store() as store:
        batch = example(register(store), count=1)
        doubled = dataclasses.replace(
            batch, u=np.repeat(np.asarray(batch.u), 2, axis=0), seeds=[7, 7], scores=[0.7, 0.1]
        )
        doubled = dataclasses.replace(doubled, test_scores=None, losses=None)
        assert store.append(doubled) == 1
        assert store.triplets().score.tolist() == [np.float32(0.7)]


def an_empty_batch_writes_nothing(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        assert store.append(example(recipe, count=0)) == 0
        found = store.triplets()
        assert (len(found), found.tasks, found.z.shape) == (0, (), (0, 2))
        assert store.done(TASKS[0].digest, recipe, 0, []).shape == (0,)


def order_of_arrival_does_not_show(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other:
        recipe = register(store)
        register(other)
        batches = [example(recipe, task=task, start=start) for task in (0, 1) for start in (0, 5)]
        for batch in batches:
            store.append(batch)
        for batch in reversed(batches):
            other.append(batch)
        found = store.triplets()
        keys = list(zip(found.task, found.architecture, found.recipe, found.seed, strict=True))
        assert len(keys) == 20
        assert keys == sorted(keys)
        assert found.names == ("adult", "boston")
        forget = [
            dataclasses.replace(
                found, tasks=tuple(dataclasses.replace(task, added="") for task in found.tasks)
            )
            for found in (store.triplets(), other.triplets())
        ]
        assert_same(*forget)


def ended_trainings_are_done(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        store.append(example(recipe))
        more = example(recipe, count=8)
        names = architecture_digests(SPACE.digest, more.u)
        mask = store.done(TASKS[0].digest, recipe, more.seeds, names)
        assert mask.tolist() == [True] * 5 + [False] * 3
        assert not store.done(TASKS[0].digest, recipe, np.asarray(more.seeds) + 1, names).any()
        assert not store.done(TASKS[1].digest, recipe, more.seeds, names).any()
        assert not store.done(TASKS[0].digest, "f" * 16, more.seeds, names).any()


def a_result_replaces_a_failure(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        batch = example(recipe, count=2)
        failed = dataclasses.replace(batch, errors=("out of\0 memory", None))
        names = architecture_digests(SPACE.digest, batch.u)
        assert store.append(failed) == 2
        assert store.append(failed) == 0
        assert store.done(TASKS[0].digest, recipe, batch.seeds, names).tolist() == [False, True]
        assert (len(store.triplets()), store.summary().failed) == (1, 1)
        assert store.append(batch) == 1
        assert store.append(failed) == 0
        assert (len(store.triplets()), store.summary().failed) == (2, 0)


def triplets_are_filtered(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        slow = store.add_recipe({"steps": 3000})
        store.append(example(recipe))
        store.append(example(slow, task=1, count=3))
        assert len(store.triplets()) == 8
        assert store.triplets().names == ("adult", "boston")
        assert len(store.triplets(problem="regression")) == len(store.triplets(recipe=slow)) == 3
        assert store.triplets(problem="regression").names == ("boston",)
        assert len(store.triplets(problem="regression", recipe=recipe)) == 0
        store.add_metafeatures(TASKS[1].digest, catalogue="d" * 16, names=["rows"], values=[506])
        undescribed = store.triplets(catalogue="d" * 16).z
        np.testing.assert_array_equal(undescribed, np.array([[np.nan], [506]], np.float32), strict=True)
        refused(lambda: store.triplets(), "2 catalogues")
        refused(lambda: store.triplets(problem="regresion", catalogue=CATALOGUE), "Did you mean 'regression'")
        store.add_space(SpaceRecord("b" * 16, "cells"))
        refused(lambda: store.triplets(catalogue=CATALOGUE), "2 spaces")
        assert len(store.triplets("b" * 16, catalogue=CATALOGUE)) == 0


def a_wrong_batch_is_refused_as_a_whole(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        store.append(example(recipe, count=2))
        batch = example(recipe, start=2)
        for change, words in (
            ({"task": "e" * 16}, "add_task"),
            ({"space": "e" * 16}, "add_space"),
            ({"recipe": "e" * 16}, "add_recipe"),
            ({"task": "adult"}, "not a digest"),
            ({"u": np.asarray(batch.u)[:, :2]}, "2 numbers"),
            ({"u": np.asarray(batch.u) * np.nan}, "not finite"),
            ({"scores": [1.0]}, "scores"),
            ({"seeds": np.asarray(batch.seeds) / 2}, "integers"),
            ({"errors": ["late"]}, "errors"),
        ):
            wrong = dataclasses.replace(batch, **change)
            refused(functools.partial(store.append, wrong), words)
        assert store.summary().architectures == store.summary().trained == 2


def merging_adds_what_is_missing(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other, open_store() as everything:
        recipe = register(store)
        register(everything)
        everything.append(example(recipe))
        everything.append(example(recipe, task=1))
        store.append(example(recipe, count=3))
        other.merge(everything)
        assert store.merge(other) == 2 + 5
        assert store.merge(other) == 0
        assert [dataclasses.replace(task, added="") for task in store.tasks()] == list(TASKS)
        np.testing.assert_array_equal(store.triplets().score, everything.triplets().score, strict=True)
        assert_same(other.triplets(), everything.triplets())


def experience_goes_from_store_to_store(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other:
        recipe = register(store)
        store.append(example(recipe))
        store.append(dataclasses.replace(example(recipe, task=1), strategy="evolution"))
        experience = store.triplets()
        assert other.add_experience(experience) == 10
        assert other.add_experience(experience) == 0
        assert_same(other.triplets(), experience)
        assert_same(other.triplets().take(experience.task == 1), experience.take(experience.task == 1))


def the_summary_counts(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        store.append(example(recipe))
        found = store.summary()
        assert (found.tasks, found.spaces, found.recipes, found.architectures) == (2, 1, 1, 5)
        assert (found.trained, found.diverged, found.failed, found.seconds) == (4, 1, 0, 1.25)
        assert found.version == 2
        assert found.created.endswith("+00:00")
        assert "5 architectures" in repr(store)
        assert store.spaces() == (SPACE,)
        assert [entry.digest for entry in store.recipes()] == [recipe]


def extremes_survive(open_store: OpenStore) -> None:
    """Seeds of 64 bits, names of any script, numbers at the edge of float32."""
    with open_store() as store:
        recipe = register(store)
        ends = np.finfo(np.float32)
        edge = np.array([[ends.max, ends.smallest_subnormal, -1 / 3]], np.float32)
        batch = dataclasses.replace(example(recipe, count=1), u=edge, seeds=[-(2**63)], scores=[-1e30])
        store.append(dataclasses.replace(batch, strategy="Zufällig \N{GAME DIE} \0'); --", losses=[1e300]))
        found = store.triplets()
        np.testing.assert_array_equal(found.u, edge, strict=True)
        assert (found.seed[0], found.score[0]) == (-(2**63), np.float32(-1e30))
        assert np.isnan(found.loss[0])
        assert found.strategies == ("Zufällig \N{GAME DIE} '); --",)


CHECKS = (
    appended_trainings_are_read_back,
    appending_twice_changes_nothing,
    a_batch_may_repeat_itself,
    an_empty_batch_writes_nothing,
    order_of_arrival_does_not_show,
    ended_trainings_are_done,
    a_result_replaces_a_failure,
    triplets_are_filtered,
    a_wrong_batch_is_refused_as_a_whole,
    merging_adds_what_is_missing,
    experience_goes_from_store_to_store,
    the_summary_counts,
    extremes_survive,
    *store_schema.CHECKS,
    *store_upkeep.CHECKS,
)
