"""Variants: tasks of the same group, valid, repeatable, and each its own."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.modalities.suites import bundled_suite
from taskaware.modalities.tables import variants as making
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.frame import frame_of
from taskaware.modalities.tables.metafeatures import vector
from taskaware.modalities.tables.variants import Question, variants, with_variants
from taskaware.tasks.split import split
from taskaware.tasks.task import PROBLEMS

SMALL = ("iris", "wine", "diabetes")


@pytest.fixture(scope="module")
def mixed():
    """Numbers with gaps, labels, truths and classes of unequal size."""
    rng = np.random.default_rng(0)
    x, colour = rng.normal(size=240), rng.choice(["red", "green", "blue"], 240)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(240) < 0.1, np.nan, x),
            "weight": x + 0.3 * rng.normal(size=240),
            "colour": np.where(rng.random(240) < 0.1, None, colour),
            "new": (x > 0.5) ^ (rng.random(240) < 0.1),
            "place": rng.integers(0, 4, 240),
            "grade": np.select([x > 1, colour == "red"], [3, 2], 1),
        }
    )
    return dataclasses.replace(make_task(frame, "grade", name="mixed"), group="elsewhere")


@pytest.fixture(scope="module")
def made(mixed):
    """Task → its variants."""
    return {task: variants(task, 6) for task in (mixed, *bundled_suite().only(*SMALL))}


def test_variants_share_the_origin_and_nothing_else(made):
    for task, found in made.items():
        assert len(found) == 6 and {each.group for each in found} == {task.group}
        assert len({each.digest for each in (task, *found)}) == 7
        assert [each.name.rsplit("#", 1) for each in found] == [
            [each.name.rsplit("#", 1)[0], str(place)] for place, each in enumerate(found)
        ]
        assert all(each.name.startswith(f"{task.name}~") for each in found)


def test_variants_are_tasks_that_can_be_learned(made):
    for found in made.values():
        for each in found:
            assert each.problem in PROBLEMS and each.rows == len(each.target) >= making.FEWEST_ROWS
            assert each.target_name not in each.data.names
            parts = split(each, 0)
            assert min(len(parts.train), len(parts.validation), len(parts.test)) > 0
            assert np.isfinite(vector(each)).all()
            # What it is made of can be made into it again, so it is a task like any other.
            assert make_task(frame_of(each), each.target_name, problem=each.problem).digest == each.digest


def test_the_seed_decides_and_a_larger_count_begins_alike(mixed, made):
    names, digests = zip(*((each.name, each.digest) for each in made[mixed]), strict=True)
    again = variants(mixed, 3)
    assert tuple(each.name for each in again) == names[:3]
    assert tuple(each.digest for each in again) == digests[:3]
    assert len(set(digests) | {each.digest for each in variants(mixed, 3, seed=1)}) > 7


def test_there_are_changes_of_many_kinds(made):
    words = {word.split(":")[0] for found in made.values() for each in found for word in _changes(each.name)}
    assert len(words) >= 6 and words <= {"target", "cut", "merged", "one", "noise", "blur", "columns", "rows"}


def _changes(name: str) -> list[str]:
    return name.rsplit("#", 1)[0].split("~")[1:]


@pytest.fixture
def question(mixed):
    return Question(frame_of(mixed), "grade", "classification")


@pytest.fixture
def numbers():
    task = bundled_suite().task("diabetes")
    return Question(frame_of(task), task.target_name, task.problem)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_another_column_is_asked_for_and_the_old_target_is_given(question, rng):
    found = {}
    for _ in range(40):
        words, other = making.other_target(question, rng)
        found[other.target] = other.problem
        assert words == f"target:{other.target}" and "grade" in other.features
        assert str(other.frame["grade"].dtype) == "category" and other.answers.notna().all()
        assert other.problem == "regression" or other.answers.value_counts().min() >= making.FEWEST_IN_CLASS
    problems = {"size": "regression", "weight": "regression"}
    assert found == problems | dict.fromkeys(("colour", "new", "place"), "classification")


def test_a_number_is_cut_at_its_quantiles(numbers, rng):
    words, cut = making.cut_target(numbers, rng)
    counts = cut.answers.value_counts()
    assert words == f"cut:{len(counts)}" and counts.max() - counts.min() < 20
    means = numbers.answers.groupby(cut.answers).agg(["min", "max"])
    assert (means["max"].iloc[:-1].to_numpy() < means["min"].iloc[1:].to_numpy()).all()
    tied = numbers.answered(np.repeat([0.0, 1.0], [400, 42]), "regression")
    assert making.cut_target(tied, rng)[1].answers.groupby(tied.answers).nunique().max() == 1


def test_classes_are_merged_or_one_is_told_from_the_rest(question, rng):
    _, merged = making.merged_classes(question, rng)
    assert merged.answers.nunique() == 2
    assert merged.answers.groupby(question.answers).nunique().max() == 1
    words, one = making.one_class(question, rng)
    assert ((one.answers == "this") == (question.answers.astype(str) == words.removeprefix("one:"))).all()


@pytest.mark.parametrize("change", [making.noisy_target, making.noisy_features])
def test_noise_comes_from_other_rows_of_the_same_column(numbers, rng, change):
    words, noisy = change(numbers, rng)
    share = float(words.split(":")[1])
    for name in numbers.frame:
        touched = (noisy.frame[name] != numbers.frame[name]).mean()
        hit = (name == numbers.target) == (change is making.noisy_target)
        assert touched < 1.5 * share and (touched > 0) == hit
        assert set(noisy.frame[name]) <= set(numbers.frame[name])


def test_rows_and_columns_get_fewer_and_stay_as_they_are(numbers, rng):
    words, fewer = making.fewer_rows(numbers, rng)
    pd.testing.assert_frame_equal(fewer.frame, numbers.frame.loc[fewer.frame.index])
    assert words == f"rows:{len(fewer.frame) / 442:.2g}" and 100 <= len(fewer.frame) < 442
    words, narrow = making.fewer_columns(numbers, rng)
    pd.testing.assert_frame_equal(narrow.frame, numbers.frame[narrow.frame.columns])
    assert (words, narrow.target, narrow.frame.shape) == ("columns:5", numbers.target, (442, 6))


def test_what_teaches_nothing_is_no_variant():
    rng = np.random.default_rng(0)
    nothing = pd.DataFrame(rng.normal(size=(900, 4)), columns=list("abcd")).assign(y=rng.normal(size=900))
    assert variants(make_task(nothing, "y"), 1) == []
    few = bundled_suite().task("iris")
    assert variants(make_task(frame_of(few).iloc[::4], few.target_name), 1) == []


def test_tables_of_many_rows_are_cut():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(making.MOST_ROWS + 1000, 3))
    task = make_task(pd.DataFrame(x, columns=list("abc")).assign(y=x.sum(1) + rng.normal(size=len(x))), "y")
    found = variants(task, 3)
    assert len(found) == 3 and max(each.rows for each in found) <= making.MOST_ROWS


def test_each_content_comes_once_behind_its_task():
    tasks = list(bundled_suite().only("iris", "wine"))
    found = with_variants([*tasks, tasks[0]], 2)
    assert [each.name.split("~")[0] for each in found] == ["iris"] * 3 + ["wine"] * 3
    assert with_variants(tasks, 0) == tasks


def test_a_column_may_have_any_name(mixed):
    names = {"size": "self", "weight": "frame", "colour": "name", "grade": "self.target"}
    task = make_task(frame_of(mixed).rename(columns=names), "self.target", name="words")
    assert len(variants(task, 3)) == 3


def test_fewer_than_none_are_refused():
    with pytest.raises(UserError, match="-1 of them cannot be made"):
        variants(bundled_suite().task("iris"), -1)
