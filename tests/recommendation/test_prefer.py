"""Limits on size, multiply-adds and time of prediction, and the table of what no other beats."""

import dataclasses
import json
import math

import jax
import numpy as np
import pytest

from taskaware.children.mixture.cost import Counts
from taskaware.errors import CheckpointError, UserError
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.cost import cost_of
from taskaware.recommendation.estimators import TaskAwareClassifier
from taskaware.recommendation.front import unbeaten
from taskaware.recommendation.loading import load_recommendation
from taskaware.recommendation.preference import Preference
from taskaware.recommendation.recommend import recommend


@pytest.fixture(scope="module")
def free(evaluator, made):
    """An answer without limits."""
    return recommend(made(), "y", evaluator=evaluator)


@pytest.fixture(scope="module")
def least(evaluator, made):
    """The smallest size that can be asked for."""
    with pytest.raises(UserError, match="size at most 1 parameters is not possible") as caught:
        recommend(made(), "y", evaluator=evaluator, prefer={"size": 1, "members": 5})
    return int(str(caught.value).partition("dataset is ")[2].partition(" parameters")[0].replace(",", ""))


@pytest.fixture(scope="module")
def small(evaluator, made, least, free):
    """An answer of half the size, where the limits of the others allow as much as they can."""
    limits = {"size": (least + free.size) // 2, "macs": "<1G", "latency": "<10 s"}
    return recommend(made(), "y", evaluator=evaluator, prefer=limits)


def costs(record):
    return [
        cost_of(record.space, np.array(one.point, np.float32), record.task, record.prefer)
        for one in record.ranked
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, Preference()),
        ({"size": "<100k"}, Preference(size=1e5)),
        ({"size": "<= 1.5 M", "macs": "2e6"}, Preference(size=1.5e6, macs=2e6)),
        ({"size": 5_000, "members": "3"}, Preference(size=5e3, members=3)),
        ({"latency": "<1ms", "macs": np.int64(7)}, Preference(macs=7.0, latency=1e-3)),
        ({"latency": 0.5}, Preference(latency=0.5)),
        ({"latency": "250us"}, Preference(latency=2.5e-4)),
    ],
)
def test_limits_are_read(given, expected):
    found = Preference.of(given)
    assert found.members == expected.members
    np.testing.assert_allclose(found.limits, expected.limits)
    assert found.limited == any(math.isfinite(limit) for limit in expected.limits)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sise": 3}, "Unknown preference 'sise'. Did you mean 'size'"),
        ({"size": "many"}, "size is 'many'.*'<100k'"),
        ({"size": ">100k"}, "above 0"),
        ({"size": "<100ms"}, "above 0"),
        ({"latency": "<1k"}, "'<1ms'"),
        ({"macs": 0}, "above 0"),
        ({"macs": float("nan")}, "above 0"),
        ({"size": True}, "above 0"),
        ({"members": 0}, "from 1 to 100"),
        ("size", "Give a dict"),
    ],
)
def test_what_is_no_limit_is_refused(given, words, evaluator, iris):
    with pytest.raises(UserError, match=words):
        recommend(iris(), "species", evaluator=evaluator, prefer=given)


def test_size_is_that_of_the_code_times_the_networks(free, made):
    data = np.zeros((2, len(free.task.block(free.space)))), np.zeros((2, free.task.categories))
    names = {"__name__": "written"}
    exec(free.source(), names)
    module = names["Network"]()
    shapes = jax.eval_shape(module.init, jax.random.key(0), *data)
    own = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    assert free.cost.members == 5
    assert free.size == 5 * own
    assert f"{free.size:,} parameters (5 networks of {own:,})" in free.explain()


def test_every_candidate_keeps_to_the_limits(small, free):
    assert free.size > small.prefer.size
    assert all(cost.size <= small.prefer.size for cost in costs(small))
    assert small.size == costs(small)[0].size
    assert small.prefer.text in small.explain() and "limits" not in free.explain()
    beyond = next(note for note in small.notes if "beyond the limits" in note)
    lost = free.predicted_score - small.predicted_score
    assert f"the limits cost {lost:.3f}" in beyond


def test_the_smallest_size_can_be_asked_for(evaluator, made, least):
    frame = made()
    answer = recommend(frame, "y", evaluator=evaluator, prefer={"size": least, "members": 5})
    assert answer.size == least and {cost.size for cost in costs(answer)} == {least}
    assert answer.ranked[0].found_by in ("ascent", "discretised", "narrowed")
    with pytest.raises(UserError, match="fewer networks"):
        recommend(frame, "y", evaluator=evaluator, prefer={"size": least - 1, "members": 5})
    fewer = recommend(frame, "y", evaluator=evaluator, prefer={"size": least - 1})
    assert 1 <= fewer.cost.members < 5 and least // 5 <= fewer.size < least
    assert any(
        f"averages {fewer.cost.members} network" in note and "instead of 5" in note for note in fewer.notes
    )
    one = recommend(frame, "y", evaluator=evaluator, prefer={"size": least // 5})
    assert one.cost.members == 1 and one.size == least // 5
    with pytest.raises(UserError, match=r"latency at most 0\.001 ms is not possible"):
        recommend(frame, "y", evaluator=evaluator, prefer={"latency": 1e-6})


def test_the_ascent_searches_inside(evaluator, made, small):
    settings = AscentSettings(untrained_penalty=0.0)
    limit = dataclasses.replace(small.prefer, latency=None)
    answer = recommend(made(), "y", evaluator=evaluator, ascent=settings, prefer=limit)
    found = {one.found_by for one in answer.ranked}
    assert "ascent" in found and all(cost.size <= limit.size for cost in costs(answer))
    assert answer.predicted_score >= small.predicted_score - 1e-6


def test_limits_and_front_come_back_from_a_file(small, tmp_path):
    path = tmp_path / "rec.json"
    fields = json.loads(small.to_json(path))
    loaded = load_recommendation(path)
    assert (loaded.prefer, loaded.front, loaded.cost) == (small.prefer, small.front, small.cost)
    assert fields["cost"] == dataclasses.asdict(small.cost)
    for value in (-1, "<1k", None, [], float("nan")):
        path.write_text(json.dumps({**fields, "prefer": {"size": value}}))
        with pytest.raises(CheckpointError, match="damaged|no JSON"):
            load_recommendation(path)
    older = {name: value for name, value in fields.items() if name not in ("prefer", "front", "cost")}
    path.write_text(json.dumps(older))
    assert load_recommendation(path).front == () and load_recommendation(path).pareto().empty


def test_none_is_beaten_and_what_is_left_out_is():
    rng = np.random.default_rng(0)
    scores, costs = rng.integers(0, 6, 60).astype(float), rng.integers(0, 6, (3, 60)).astype(float)
    front = unbeaten(scores, Counts(*costs))
    losses = np.column_stack([-scores, *costs, np.arange(60)])
    beaten = [((losses <= own).all(1) & (losses < own).any(1)).any() for own in losses]
    assert front.tolist() == np.flatnonzero(~np.array(beaten)).tolist()
    assert 1 < len(front) < 60


def test_the_table_has_the_answer_and_what_lies_beyond(small, free):
    table = small.pareto()
    assert table["recommended"].sum() == 1 and table["size"].is_monotonic_increasing
    answer = table[table["recommended"]].iloc[0]
    assert (answer["size"], answer["macs"], answer["latency"]) == (small.size, small.macs, small.latency)
    wider = dataclasses.replace(free, prefer=small.prefer)
    table = wider.pareto()
    np.testing.assert_array_equal(table["within"], table["size"] <= small.prefer.size)
    assert not table.loc[table["recommended"], "within"].item()
    figure = wider.plot_pareto()
    assert small.task.metric in figure.axes[0].get_ylabel()
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert {"recommended", "beyond them"} <= set(labels)


def test_times_are_measured(small):
    measured = small.pareto(measure=True)["measured"]
    # Generous, because the machine of a test may be busy.
    assert ((measured > 1e-6) & (measured < 1)).all()
    assert 1e-6 < small.measure_latency() < 1


def test_an_estimator_trains_within_the_limits(evaluator, made, least, short):
    frame = made()
    limit = {"size": least // 2}
    fitted = TaskAwareClassifier(evaluator=evaluator, prefer=limit, members=1, patience=1)
    fitted.fit(frame.drop(columns="y"), frame["y"])
    assert fitted.get_params()["prefer"] is limit
    assert fitted.recommendation_.size <= least // 2
    assert fitted.model_.members == fitted.recommendation_.cost.members == 1
