"""The meta-features of texts, by hand and on odd texts."""

import numpy as np
import pytest

from taskaware.modalities.texts.features import FEATURES, own_features
from taskaware.tasks.data import Listed


def features(*texts):
    return own_features(Listed("text", texts))


def test_by_hand():
    found = features("Red red", "RED 42!", "кот", "")
    assert found["text_words"] == pytest.approx(np.log10(1 + 6 / 4))
    assert found["text_characters"] == pytest.approx(np.log10(1 + 17 / 4))
    assert found["text_words_spread"] == pytest.approx(np.std([2, 3, 1, 0]) / 1.5)
    assert found["text_vocabulary"] == pytest.approx(np.log10(1 + 4))
    assert found["text_type_token_ratio"] == pytest.approx(4 / 6)
    assert found["text_token_entropy"] == pytest.approx(0.5 * np.log2(2) + 3 / 6 * np.log2(6))
    assert found["text_empty"] == 0.25 and found["text_repeated"] == 0
    assert found["text_digits"] == pytest.approx(2 / 15)
    assert found["text_punctuation"] == pytest.approx(1 / 15)
    assert found["text_upper_case"] == pytest.approx(4 / 12)
    assert found["text_other_scripts"] == pytest.approx(3 / 12)
    assert found["text_script_entropy"] == pytest.approx(-(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)))


def test_words_that_one_half_lacks():
    assert features("a b", "c d")["text_unseen_words"] == 1
    assert features("a b", "b a")["text_unseen_words"] == 0


@pytest.mark.parametrize(
    "texts", [("",), ("", ""), (" \n ",), ("a",), ("!!!",), ("日本語",), ("\ufffd\u200d🙂",), ("x" * 10_000,)]
)
def test_finite_and_within_range_on_every_dataset(texts):
    found = features(*texts)
    assert list(found) == [feature.name for feature in FEATURES]
    for feature in FEATURES:
        assert feature.low <= found[feature.name] <= feature.high, feature.name
        assert feature.unit and feature.source and feature.what


def test_order_changes_nothing():
    texts = [f"text {row} of {row % 7} words" for row in range(40)]
    assert features(*texts) == features(*texts[::-1])
