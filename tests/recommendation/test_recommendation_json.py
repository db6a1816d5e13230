"""Recommendations as JSON: the same after a round trip, and refused by the name of the file if damaged."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.recommendation.loading import load_recommendation
from taskaware.recommendation.recommend import recommend


@pytest.fixture(scope="module")
def found(evaluator, made):
    return recommend(made(), "y", evaluator=evaluator, candidates=4, name="Läden")


@pytest.fixture
def path(found, tmp_path):
    found.to_json(tmp_path / "answer.json")
    return tmp_path / "answer.json"


def test_round_trip(found, path):
    loaded = load_recommendation(path)
    # Of all that were scored, those are written that no other beats.
    for name in [field.name for field in dataclasses.fields(found) if field.name != "scored"]:
        assert getattr(loaded, name) == getattr(found, name), name
    assert loaded.scored == found.front
    assert loaded.to_json() == found.to_json() == path.read_text(encoding="utf-8")
    assert loaded.explain() == found.explain()
    assert loaded.source() == found.source()
    np.testing.assert_array_equal(loaded.point, found.point)
    pd.testing.assert_frame_equal(loaded.candidates, found.candidates)
    pd.testing.assert_frame_equal(loaded.neighbours, found.neighbours)


def test_a_loaded_one_trains_as_the_first(found, path, made, short):
    frame = made()
    ours, theirs = (one.fit(frame, progress=False) for one in (found, load_recommendation(path)))
    np.testing.assert_array_equal(ours.predict_proba(frame), theirs.predict_proba(frame))


def test_it_can_be_read_without_taskaware(path, found):
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain["architecture"] == found.architecture.description
    assert plain["meta_features"] == dict(zip(NAMES, found.meta_features, strict=True))
    assert plain["task"]["name"] == "Läden"


def test_a_file_is_not_replaced_unasked(found, path):
    path.write_text("mine")
    with pytest.raises(UserError, match="force=True"):
        found.to_json(path)
    assert path.read_text() == "mine"
    found.to_json(path, force=True)
    assert load_recommendation(path).task == found.task


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        ([True, False], (False, True)),
        ([2, 1], (1, 2)),
        ([0.5, 1.5], (0.5, 1.5)),
        (["b", "ä"], ("b", "ä")),
        ([1, "a"], (1, "a")),
        (list(pd.cut([1, 2, 3, 4], 2)), ("(0.997, 2.5]", "(2.5, 4.0]")),
    ],
)
def test_labels_keep_their_type_where_json_has_it(labels, kept, evaluator, made, tmp_path):
    frame = made(rows=40)
    frame["y"] = pd.Series((list(labels) * 40)[:40], dtype=object)
    answer = recommend(frame, "y", evaluator=evaluator, problem="classification")
    answer.to_json(tmp_path / "answer.json")
    loaded = load_recommendation(tmp_path / "answer.json").task.classes
    assert loaded == kept
    assert [type(label) for label in loaded] == [type(label) for label in kept]


def test_a_seed_of_numpy_stays_a_number(evaluator, made, tmp_path):
    answer = recommend(made(), "y", evaluator=evaluator, seed=np.int64(5))
    answer.to_json(tmp_path / "answer.json")
    assert load_recommendation(tmp_path / "answer.json").seed == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "recipe"}, "is no taskaware recommendation"),
        ({"version": 5}, "version 5; .*Update taskaware"),
        ({"version": "new"}, "version 'new'"),
        ({"version": None}, "version None"),
        ({"task": []}, "damaged"),
        ({"task": {"name": "x"}}, "damaged"),
        ({"space": {}}, "damaged"),
        ({"ranked": []}, "damaged"),
        ({"ranked": [{"point": [1.0], "predicted_score": 1, "uncertainty": 1, "found_by": ""}]}, "damaged"),
        ({"meta_features": []}, "damaged"),
        ({"nearest_tasks": [{"who": "?"}]}, "damaged"),
        ({"trace": 3}, "damaged"),
    ],
)
def test_foreign_and_damaged_files_are_refused(path, change, words):
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}))
    with pytest.raises(CheckpointError, match=words) as caught:
        load_recommendation(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"{", b"\xff\xfe", b"PK\x03\x04"])
def test_what_is_no_recommendation_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="answer.json"):
        load_recommendation(path)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="no recommendation file '.*gone.json'"):
        load_recommendation(tmp_path / "gone.json")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_files_of_before_are_read(found, path, version):
    """Version 1 named problems "kind"; both had other names for found_by and nearest_tasks."""
    text = path.read_text(encoding="utf-8")
    text = text.replace('"found_by"', '"came_from"').replace('"nearest_tasks"', '"known"')
    text = text.replace('"problem"', '"kind"') if version == 1 else text
    path.write_text(text.replace('"version": 4', f'"version": {version}'), encoding="utf-8")
    loaded = load_recommendation(path)
    for name in [field.name for field in dataclasses.fields(found) if field.name != "scored"]:
        assert getattr(loaded, name) == getattr(found, name), name


def test_old_names_are_read_with_a_warning(found):
    with pytest.warns(FutureWarning, match="Recommendation.known is now Recommendation.nearest_tasks"):
        assert found.known == found.nearest_tasks
    with pytest.warns(FutureWarning, match="found_by"):
        assert found.ranked[0].came_from == found.ranked[0].found_by


ATTACK = 'x")(x); __import__("os").system("touch owned") #'


def changed(fields, path, value):
    """The plain data with the value at a path of names and places."""
    *before, last = path
    place = fields
    for step in before:
        place = place[step]
    place[last] = value
    return fields


@pytest.mark.parametrize(
    "value",
    [ATTACK, float("nan"), float("inf"), 10**400, -1, None, [], {}, True],
    ids=lambda value: repr(value)[:9],
)
@pytest.mark.parametrize(
    "path",
    [
        ("space", "activations", 0),
        ("space", "embeddings", 0, 0),
        ("space", "sizes", 0),
        ("space", "recipe", 0, "name"),
        ("space", "recipe", 0, "low"),
        ("space", "layers"),
        ("task", "problem"),
        ("task", "metric"),
        ("task", "modality"),
        ("task", "categories"),
        ("task", "widths", 0, 0),
        ("task", "widths", 0, 1),
        ("ranked", 0, "point", 0),
        ("ranked", 0, "predicted_score"),
        ("ranked", 0, "found_by"),
        ("trace", 0, 0),
        ("seed",),
    ],
)
def test_what_may_not_stand_there_is_refused(path, value, found, tmp_path):
    if value == -1 and path[-1] in ("predicted_score", 0):
        pytest.skip("a number as good as any")
    fields = changed(json.loads(found.to_json()), path, value)
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(CheckpointError, match="damaged|no JSON") as caught:
        load_recommendation(file)
    assert len(str(caught.value)) < 1000


def test_a_bomb_of_columns_is_refused(found, tmp_path):
    fields = changed(json.loads(found.to_json()), ("task", "widths", 0, 1), 10**9)
    (tmp_path / "answer.json").write_text(json.dumps(fields))
    with pytest.raises(CheckpointError, match="10,000,000"):
        load_recommendation(tmp_path / "answer.json")


def test_deep_json_is_refused(tmp_path):
    (tmp_path / "answer.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match="no JSON"):
        load_recommendation(tmp_path / "answer.json")


def test_a_report_is_one_page_that_needs_nothing_beside_it(found, tmp_path):
    named = dataclasses.replace(found, task=dataclasses.replace(found.task, name="<script>alert(1)</script>"))
    path = named.report(tmp_path / "new" / "answer.html")
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "new" / "answer.html" and "<script" not in text
    assert text.count("<svg") == 1 and "src=" not in text and "<link" not in text
    for part in (
        f"{found.predicted_score:.3f}",
        found.neighbours["name"][0],
        "Candidates that no other beats",
    ):
        assert part in text
    with pytest.raises(UserError, match="exists"):
        named.report(path)
    assert named.report(path, force=True) == path
    with pytest.raises(UserError, match=r"'answer.txt' does not end in .html"):
        found.report("answer.txt")
