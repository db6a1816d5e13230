"""How texts are told from categories and identifiers, and read."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.modalities.texts.modality import TEXTS

FREE = [f"{text} {row}" for row in "abcde" for text in ("a lovely film", "I would not see it", "not bad")]
LABELS = ([0, 1] * 8)[:15]
OPINIONS = ["very much in favour of it, I have to say so here"] * 20 + ["against it in every way, I must say"]
CHINESE = ["这部电影非常好看", "我再也不会看了", "情节很单薄但是演员不错", "一般般没有惊喜"]


@pytest.mark.parametrize(
    ("values", "free"),
    [
        (FREE, True),
        (FREE[:1], True),
        (CHINESE, True),
        ([None, float("nan"), *FREE], True),
        (["New York", "Los Angeles", "San Francisco"] * 30, False),
        ([f"id-{row}" for row in range(50)], False),
        ([f"user{row}@example.com" for row in range(50)], False),
        (["red", "green"] * 20, False),
        (
            ["very much in favour of it, I have to say so here"] * 20
            + ["against it in every way, I must say"],
            True,
        ),
        ([None, None], False),
        ([], False),
        ([1, 2, 3], False),
        ([b"raw bytes of something", b"other bytes of it"], False),
        ([*FREE, 3], False),
        (["2024-01-01 10:00", "2024-01-02 11:30", "2024-02-01 12:00"], False),
        (["Mon Jan 01 10:00:00 2024", "Tue Jan 02 11:00:00 2024"], False),
        (["12 30 45 60", "1 2 3 4 5 6 7 8 9 10"], False),
        (["Ada Lovelace", "Alan Turing", "Grace Hopper"], False),
    ],
)
def test_free_text_is_told_apart(values, free):
    assert TEXTS.holds(values) is free
    assert TEXTS.accepts(values) is free


@pytest.mark.parametrize(
    "source",
    [tuple(FREE), np.array(FREE), np.array(FREE, object), pd.Series(FREE), pd.Series(FREE, dtype="string")],
)
def test_every_form_is_accepted_and_gives_the_same_data(source):
    assert TEXTS.accepts(source)
    task = ta.make_task((source, LABELS))
    assert task.modality == "text"
    assert task.digest == ta.make_task(FREE, LABELS).digest


@pytest.mark.parametrize(
    "source", [np.array([FREE]), pd.Series([1.0, 2.0]), pd.DataFrame({"a": FREE}), {"a": FREE}, "a text", 3]
)
def test_other_sources_are_left_to_other_modalities(source):
    assert not TEXTS.accepts(source)


def test_a_series_gives_its_name_and_later_rows_are_read_from_a_frame():
    task = ta.make_task(pd.Series(FREE, name="review"), LABELS)
    assert task.reader.names == ("review",)
    frame = pd.DataFrame({"other": [1, 2], "review": FREE[:2]})
    assert task.reader.read(frame).values == tuple(FREE[:2])


def test_bytes_are_decoded_and_missing_and_empty_ones_counted():
    values = [b"\xef\xbb\xbfwell d\xc3\xb6ne", None, float("nan"), pd.NA, "  ", "half \ud800"]
    parsed = TEXTS.parse(values, column="note")
    assert parsed.data.values == ("well döne", "", "", "", "  ", "half \ufffd")
    assert parsed.notes == (
        "3 of 6 texts of 'note' are missing and read as empty.",
        "1 of 6 texts of 'note' are empty.",
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.5, ["Row 1 of 'note' is 3.5, a float", "Give texts"]),
        (["a", "b"], ["Row 1 of 'note'", "a list"]),
        (b"\xff\xfe\xfa", ["Row 1 of 'note'", "3 bytes", "not UTF-8", "Decode"]),
    ],
)
def test_what_is_no_text_is_named(value, words):
    with pytest.raises(ta.UserError) as error:
        TEXTS.parse(["fine", value], column="note")
    assert all(word in str(error.value) for word in words), error.value


def test_the_limit_of_characters_can_be_set(monkeypatch):
    TEXTS.parse(["x" * 1000], column="note")
    monkeypatch.setenv("TASKAWARE_MOST_CHARACTERS", "999")
    with pytest.raises(ta.UserError, match=r"Row 0 of 'note' has 1,000 characters.*MOST_CHARACTERS"):
        TEXTS.parse(["x" * 1000], column="note")
    monkeypatch.setenv("TASKAWARE_MOST_CHARACTERS", "many")
    with pytest.raises(ta.UserError, match=r"'many'. Give a whole number"):
        TEXTS.parse(["x"], column="note")


def test_a_stated_kind_is_believed_of_few_texts_that_repeat():
    texts, labels = ["good film", "bad film"] * 20, [1, 0] * 20
    for given in (texts, np.array(texts), pd.Series(texts)):
        task = ta.make_task((given, labels), modality="text")
        assert (task.modality, task.rows) == ("text", 40)
    with pytest.raises(UserError, match=r"modality='text'"):
        ta.make_task((texts, labels))
