"""Checks of the store contract: spaces by type, points of any length, metrics, searches and artefacts."""

import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from taskaware.digests import architecture_digests
from taskaware.errors import StoreError
from taskaware.store import SpaceRecord, Store, TrainingKey, Trainings, pack, unpack
from taskaware.testing.store_examples import (
    SPACE,
    TASKS,
    OpenStore,
    assert_same,
    example,
    refused,
    register,
)

CHAINS = SpaceRecord("b" * 16, "chains", {"type": "chain", "layers": 9})
POINTS: tuple[list[float], ...] = ([0.0, 1.0, 2.0], [], [0.5], [0.5, -1.0], [3.0])


def _chains(recipe: str) -> Trainings:
    """Five trainings of points that differ in length."""
    u = [np.array(point, np.float32) for point in POINTS]
    scores = np.arange(5) / 10
    return Trainings(TASKS[0].digest, CHAINS.digest, recipe, u, seeds=0, scores=scores, strategy="evolution")


def _key(recipe: str, place: int = 0) -> TrainingKey:
    """The key of a training of `example(recipe)`."""
    batch = example(recipe)
    (name,) = architecture_digests(SPACE.digest, np.asarray(batch.u)[place : place + 1]).tolist()
    return TrainingKey(TASKS[0].digest, name, recipe, int(np.asarray(batch.seeds)[place]))


def spaces_have_a_type(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        store.add_space(CHAINS)
        store.append(_chains(recipe))
        assert [(space.name, space.type) for space in store.spaces()] == [
            ("chains", "chain"),
            ("mixture", "mixture"),
        ]
        assert store.spaces("chain") == (CHAINS,)
        assert store.spaces("cell") == ()
        (listed,) = store.listing()
        assert (listed.space_name, listed.space_type, listed.architectures) == ("chains", "chain", 5)


def points_of_one_space_may_differ_in_length(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other, tempfile.TemporaryDirectory() as folder:
        recipe = register(store)
        store.add_space(CHAINS)
        batch = _chains(recipe)
        assert store.append(batch) == 5
        assert store.append(batch) == 0
        names = architecture_digests(CHAINS.digest, batch.u)
        assert store.done(TASKS[0].digest, recipe, 0, names).all()
        found = store.triplets(CHAINS.digest)
        assert found.ragged
        assert found.architectures.shape == (5, 3)
        scores = {
            tuple(found.points[row]): score
            for row, score in zip(found.architecture, found.score, strict=True)
        }
        assert scores == {tuple(np.array(p, np.float32)): np.float32(i / 10) for i, p in enumerate(POINTS)}
        assert store.check().problems == ()
        refused(lambda: store.append(dataclasses.replace(batch, u=np.eye(5))), "list of points")
        refused(
            lambda: store.append(dataclasses.replace(batch, u=[[1.0], [np.nan], [], [], []])), "not finite"
        )
        assert other.add_experience(found) == 5
        assert_same(other.triplets(), found)
        pack(found, Path(folder, "a.npz"))
        assert_same(unpack(Path(folder, "a.npz")), found)
        few = store.triplets(CHAINS.digest, recipe=store.add_recipe({"steps": 1}))
        assert (len(few), few.ragged) == (0, False)


def one_metric_at_a_time(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other:
        recipe = register(store)
        batch = example(recipe)
        areas = dataclasses.replace(batch, metric="roc_auc", scores=np.asarray(batch.scores) / 2)
        assert store.append(batch) == 5
        assert store.append(dataclasses.replace(batch, metric="accuracy")) == 0
        assert store.append(areas) == 5
        own, found = store.triplets(), store.triplets(metric="roc_auc")
        assert (len(own), own.metric, own.metrics) == (5, "", ("accuracy",))
        assert (len(found), found.metric, found.metrics) == (5, "roc_auc", ("roc_auc",))
        np.testing.assert_allclose(found.score, own.score / 2, rtol=1e-6)
        assert_same(store.triplets(metric="accuracy"), dataclasses.replace(own, metric="accuracy"))
        refused(lambda: store.triplets(metric="roc_acu"), "Did you mean 'roc_auc'")
        names = architecture_digests(SPACE.digest, batch.u)
        new = example(recipe, start=5)
        store.append(dataclasses.replace(new, metric="roc_auc"))
        fresh = architecture_digests(SPACE.digest, new.u)
        assert store.done(TASKS[0].digest, recipe, batch.seeds, names).all()
        assert not store.done(TASKS[0].digest, recipe, new.seeds, fresh).any()
        assert store.done(TASKS[0].digest, recipe, new.seeds, fresh, metric="roc_auc").all()
        assert [(entry.metric, entry.trained) for entry in store.listing()] == [
            ("accuracy", 4),
            ("roc_auc", 8),
        ]
        assert other.add_experience(found) == 5
        assert len(other.triplets()) == 0
        assert_same(other.triplets(metric="roc_auc"), found)
        store.append(dataclasses.replace(example(recipe, task=1), metric="mae"))
        assert store.triplets().names == ("adult",)
        assert store.triplets(metric="mae").metrics == ("mae",)


def searches_have_parents_and_births(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other, tempfile.TemporaryDirectory() as folder:
        recipe = register(store)
        batch = example(recipe)
        names = architecture_digests(SPACE.digest, batch.u).tolist()
        parents = [None, names[0], names[0], names[1], names[3]]
        born = dataclasses.replace(batch, births=np.arange(5), parents=parents, strategy="evolution")
        store.append(born)
        store.append(example(recipe, start=5))
        found = store.births(TASKS[0].digest)
        assert [each.birth for each in found] == [0, 1, 2, 3, 4]
        assert [each.parent for each in found] == parents
        assert [each.key.architecture for each in found] == names
        assert {each.strategy for each in found} == {"evolution"}
        assert [each.status for each in found] == ["ok"] * 4 + ["diverged"]
        assert found[4].score is None
        assert store.births(TASKS[1].digest) == ()
        other.merge(store)
        assert other.births(TASKS[0].digest) == found
        with open_store() as third:
            store.export_parquet(Path(folder, "a.parquet"))
            third.import_parquet(Path(folder, "a.parquet"))
            assert third.births(TASKS[0].digest) == found
        for wrong, words in (
            ({"births": [-1] * 5}, "order number"),
            ({"births": np.zeros(5)}, "integers"),
            ({"parents": ["adam"] * 5}, "not a digest"),
            ({"parents": names[:2]}, "2 entries"),
        ):
            changed = dataclasses.replace(born, **cast(dict[str, Any], wrong))
            refused(functools.partial(store.append, changed), words)


def artefacts_are_read_back(open_store: OpenStore) -> None:
    with open_store() as store:
        recipe = register(store)
        store.append(example(recipe))
        key = _key(recipe)
        if not _has_area(store, key):
            return
        content = bytes(range(256))
        put = store.put_artefact(key, "../weights é", content)
        assert (put.size, put.key.metric, put.dropped) == (256, "accuracy", "")
        assert store.get_artefact(key, "../weights é") == content
        assert store.artefacts(key) == (put,)
        store.put_artefact(key, "../weights é", b"other")
        assert store.get_artefact(key, "../weights é") == b"other"
        store.put_artefact(_key(recipe, 1), "log", b"other")
        assert (store.summary().artefacts, store.summary().artefact_bytes) == (2, 5)
        assert store.check().problems == ()
        assert store.check().artefacts == 2
        refused(lambda: store.put_artefact(key, "", b""), "name")
        refused(
            lambda: store.put_artefact(dataclasses.replace(key, seed=99), "log", b""), "Append the training"
        )
        try:
            store.get_artefact(key, "log")
        except StoreError as error:
            assert "'../weights é'" in str(error)
        else:
            raise AssertionError("An artefact that is not there was read.")


def artefacts_go_with_their_trainings(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other:
        recipe = register(store)
        store.append(example(recipe))
        if not _has_area(store, _key(recipe)):
            return
        store.put_artefact(_key(recipe), "log", b"one")
        store.put_artefact(_key(recipe, 1), "log", b"two")
        other.merge(store)
        other.merge(store)
        assert other.get_artefact(_key(recipe, 1), "log") == b"two"
        assert {each.sha256 for each in other.artefacts()} == {each.sha256 for each in store.artefacts()}
        expected = store.prune(recipe=recipe, dry_run=True)
        assert expected.artefacts == 2
        assert store.prune(recipe=recipe) == expected
        assert (store.artefacts(), store.summary().artefact_bytes) == ((), 0)
        assert store.check().problems == ()
        assert other.get_artefact(_key(recipe), "log") == b"one"


def parquet_names_artefacts(open_store: OpenStore) -> None:
    with open_store() as store, open_store() as other, tempfile.TemporaryDirectory() as folder:
        recipe = register(store)
        store.append(example(recipe))
        key = _key(recipe)
        if not _has_area(store, key):
            return
        put = store.put_artefact(key, "log", b"one")
        store.export_parquet(Path(folder, "a.parquet"))
        assert other.import_parquet(Path(folder, "a.parquet")) == 5
        (found,) = other.artefacts()
        assert found.dropped
        assert dataclasses.replace(found, dropped="") == put
        assert other.check().problems == ()
        other.merge(store)
        assert other.get_artefact(key, "log") == b"one"


def _has_area(store: Store, key: TrainingKey) -> bool:
    """Whether the store takes artefacts; one without a folder has to refuse them."""
    if store.artefact_folder is not None:
        return True
    refused(lambda: store.put_artefact(key, "log", b""), "Store.open(..., artefacts=")
    return False


CHECKS = (
    spaces_have_a_type,
    points_of_one_space_may_differ_in_length,
    one_metric_at_a_time,
    searches_have_parents_and_births,
    artefacts_are_read_back,
    artefacts_go_with_their_trainings,
    parquet_names_artefacts,
)
