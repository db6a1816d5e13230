"""The union of experiences is what a store holds after taking one after another."""

import dataclasses

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.modalities.tables.metafeatures import catalogue_digest
from taskaware.recommendation.shipped import open_experience
from taskaware.spaces import preset
from taskaware.store import SpaceRecord, Store, TaskRecord
from taskaware.store.joining import joined
from taskaware.testing import store_examples as examples

CATALOGUE = examples.CATALOGUE


def in_store(*parts, catalogue=CATALOGUE):
    with Store.open(":memory:") as store:
        for part in parts:
            store.add_experience(part)
        return store.triplets(parts[0].space.digest, catalogue=catalogue)


@pytest.fixture(scope="module")
def known():
    with Store.open(":memory:") as store:
        recipe = examples.register(store)
        store.append(examples.example(recipe, count=40))
        store.append(dataclasses.replace(examples.example(recipe, task=1, count=30), strategy="evolution"))
        store.append(examples.example(store.add_recipe({"steps": 10}), start=20, count=20))
        return store.triplets()


def renamed(known, place=0, **changes):
    tasks = list(known.tasks)
    tasks[place] = dataclasses.replace(tasks[place], **changes)
    return dataclasses.replace(known, tasks=tuple(tasks))


def with_gaps(known):
    """Other scores, a score that is lost, one task without meta-features, and the rows in another order."""
    rows = np.random.default_rng(0).permutation(len(known))[:60]
    z = known.z.copy()
    z[0] = np.nan
    part = dataclasses.replace(known.take(rows), z=z, strategies=("z", "a"))
    score = part.score / 2
    score[::7] = np.nan
    return dataclasses.replace(part, score=score)


def ragged(known):
    """Points of two lengths, one with -0, and architectures that no training has."""
    points = known.architectures.copy()
    points[::3, 2] = np.nan
    points[0, 0] = -0.0
    return dataclasses.replace(known.take(known.architecture % 2 == 0), architectures=points)


def twice(known):
    """The same trainings twice in one experience, with other scores from another strategy."""
    rows = np.concatenate([np.arange(len(known)), np.arange(20)])
    part = known.take(rows)
    strategy = part.strategy.copy()
    strategy[-20:] = 1 - strategy[-20:]
    return dataclasses.replace(part, strategy=strategy, score=np.arange(len(part), dtype=np.float32))


def halves(known):
    return known.take(np.arange(len(known)) % 2 == 0), known.take(np.arange(len(known)) % 3 == 0)


def another_space(known):
    """Trainings in another space on the same tasks and one more, whose description there comes first."""
    other = TaskRecord("0" * 16, "other", "other", "regression", "r2", 5, 1, 1, added="2026-01-01")
    parts = (SpaceRecord("b" * 16, "else"), (*known.tasks, other), np.append(known.z, [[8, 9]], axis=0))
    space, tasks, z = parts
    return dataclasses.replace(known, space=space, tasks=tasks, z=np.float32(z))


CASES = {
    "one": lambda known: (known,),
    "twice the same": lambda known: (known, known),
    "halves": halves,
    "the first counts": lambda known: (with_gaps(known), known),
    "the other way": lambda known: (known, with_gaps(known)),
    "of two lengths": lambda known: (known, ragged(known)),
    "of two lengths first": lambda known: (ragged(known), known),
    "a key twice": lambda known: (twice(known), with_gaps(known)),
    "another metric": lambda known: (dataclasses.replace(known, metric="r2"), halves(known)[0]),
    "another metric last": lambda known: (halves(known)[1], dataclasses.replace(known, metric="accuracy")),
    "records differ": lambda known: (
        renamed(with_gaps(known), name="zoo\0", info={"b": (1, 2), "a": None}),
        renamed(known, 1, metric="mae"),
    ),
    "another space": lambda known: (known, another_space(known)),
    "another space first": lambda known: (another_space(known), known),
    "another catalogue": lambda known: (
        dataclasses.replace(known, catalogue="d" * 16, features=("a", "b")),
        with_gaps(known),
    ),
    "nothing": lambda known: (known.take(np.arange(0)),),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_what_a_store_gives(known, case):
    parts = CASES[case](known)
    examples.assert_same(joined(*parts, catalogue=CATALOGUE), in_store(*parts))


def test_it_is_what_a_store_gives_of_what_is_shipped():
    space = preset("compact")
    shipped, more = (open_experience(name, space) for name in ("shipped", "shipped-variants"))
    # Real parts, thinned: rows of many tasks, some of them in both parts.
    some = shipped.take(np.arange(0, len(shipped), 7))
    parts = (more.take(np.arange(0, len(more), 3)), some, shipped.take(np.arange(0, len(shipped), 9)))
    examples.assert_same(
        joined(*parts, catalogue=catalogue_digest()), in_store(*parts, catalogue=catalogue_digest())
    )


@pytest.mark.parametrize(
    ("make", "catalogue", "words"),
    [
        (lambda known: (known,), "e" * 16, "catalogue"),
        (lambda known: (known, dataclasses.replace(known, features=("x", "y"))), CATALOGUE, "other names"),
        (
            lambda known: (known, dataclasses.replace(known, architectures=known.architectures[:, :2])),
            CATALOGUE,
            "numbers, but",
        ),
        (
            lambda known: (known, dataclasses.replace(known, seed=known.seed[1:])),
            CATALOGUE,
            "for 90 trainings",
        ),
        (lambda known: (renamed(known, digest="x"),), CATALOGUE, "is not a digest"),
        (lambda known: (renamed(known, info={"a": object()}),), CATALOGUE, "not plain data"),
    ],
)
def test_what_a_store_refuses_is_refused(known, make, catalogue, words):
    for join in (joined, in_store):
        with pytest.raises(UserError, match=words):
            join(*make(known), catalogue=catalogue)
