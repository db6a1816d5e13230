"""Meta-features of texts of their own: lengths, vocabulary, scripts and signs."""

import collections
import functools
import unicodedata
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from taskaware.modalities.tables.metafeatures.feature import SHANNON, MetaFeature
from taskaware.modalities.texts.words import Tokens, words_of
from taskaware.tasks.data import Listed

TEMPLIN = "Templin 1957"
LATIN = "LATIN"


class TextView:
    """Texts, and what several meta-features are computed from.

    Attributes:
        texts: N of them, in the order of their hashes.
    """

    def __init__(self, data: Listed):
        """See the texts of a dataset, at least one."""
        self.texts = [data.values[row] for row in np.argsort(data.row_hashes, kind="stable")]

    @functools.cached_property
    def words(self) -> Tokens:
        return words_of(self.texts)

    @functools.cached_property
    def word_counts(self) -> np.ndarray:
        """How often each distinct word occurs, (U,)."""
        return np.bincount(self.words.codes, minlength=len(self.words.names))

    @functools.cached_property
    def words_per_text(self) -> np.ndarray:
        return np.bincount(self.words.rows, minlength=len(self.texts)).astype(float)

    @functools.cached_property
    def characters_per_text(self) -> np.ndarray:
        return np.array([len(text) for text in self.texts], float)

    @functools.cached_property
    def categories(self) -> collections.Counter:
        """How often characters of each Unicode category occur, such as "Lu"; white space is left out."""
        found: collections.Counter = collections.Counter()
        for sign, count in self._signs.items():
            found[unicodedata.category(sign)] += count
        return found

    @functools.cached_property
    def scripts(self) -> collections.Counter:
        """How often letters of each script occur, by the first word of their Unicode names."""
        found: collections.Counter = collections.Counter()
        for sign, count in self._signs.items():
            if unicodedata.category(sign).startswith("L"):
                found[unicodedata.name(sign, "OTHER").partition(" ")[0]] += count
        return found

    @functools.cached_property
    def _signs(self) -> collections.Counter:
        counted: collections.Counter = collections.Counter()
        for text in self.texts:
            counted.update(text)
        return collections.Counter({sign: count for sign, count in counted.items() if not sign.isspace()})


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum())


def _spread(values: np.ndarray) -> float:
    return _share(float(values.std()), float(values.mean()))


def _unseen(view: TextView) -> float:
    """Words of every second text that are in none of the others."""
    second = view.words.rows % 2 == 1
    known = np.zeros(len(view.words.names), bool)
    known[view.words.codes[~second]] = True
    return _share(float((~known[view.words.codes[second]]).sum()), float(second.sum()))


def _of_category(view: TextView, *starts: str) -> float:
    """Share of the characters in Unicode categories that start like this."""
    part = sum(count for name, count in view.categories.items() if name.startswith(starts))
    return _share(part, view.categories.total())


def _upper(view: TextView) -> float:
    return _share(view.categories["Lu"], view.categories["Lu"] + view.categories["Ll"])


def _other_scripts(view: TextView) -> float:
    return _share(view.scripts.total() - view.scripts[LATIN], view.scripts.total())


def _feature(
    name: str,
    unit: str,
    high: float,
    compute: Callable[[TextView], float],
    what: str,
    source: str = "taskaware",
) -> MetaFeature:
    return MetaFeature(f"text_{name}", unit, 0, high, source, cast(Any, compute), what)


FEATURES = (
    _feature(
        "words", "log10 (1 + words)", 7, lambda v: np.log10(1 + v.words_per_text.mean()),
        "words of a text, on average",
    ),
    _feature(
        "words_spread", "ratio", 1000, lambda v: _spread(v.words_per_text),
        "standard deviation of the number of words over its mean",
    ),
    _feature(
        "characters", "log10 (1 + characters)", 8, lambda v: np.log10(1 + v.characters_per_text.mean()),
        "characters of a text, on average",
    ),
    _feature(
        "characters_spread", "ratio", 1000, lambda v: _spread(v.characters_per_text),
        "standard deviation of the number of characters over its mean",
    ),
    _feature(
        "vocabulary", "log10 (1 + words)", 9, lambda v: np.log10(1 + len(v.words.names)),
        "distinct words",
    ),
    _feature(
        "type_token_ratio", "share", 1, lambda v: _share(len(v.words.names), len(v.words.codes)),
        "distinct words over words", TEMPLIN,
    ),
    _feature(
        "token_entropy", "bits", 30, lambda v: _entropy(v.word_counts),
        "entropy of the distribution of words", SHANNON,
    ),
    _feature(
        "unseen_words", "share", 1, _unseen,
        "words of one half of the texts that the other half lacks",
    ),
    _feature(
        "empty", "share", 1, lambda v: _share(float((v.words_per_text == 0).sum()), len(v.texts)),
        "texts without a word",
    ),
    _feature(
        "repeated", "share", 1, lambda v: 1 - len(set(v.texts)) / len(v.texts),
        "texts that repeat another one",
    ),
    _feature("digits", "share", 1, lambda v: _of_category(v, "N"), "characters that are digits"),
    _feature(
        "punctuation", "share", 1, lambda v: _of_category(v, "P", "S"),
        "characters that are punctuation or symbols",
    ),
    _feature("upper_case", "share", 1, _upper, "letters that are upper case, of those that have a case"),
    _feature(
        "other_scripts", "share", 1, _other_scripts,
        "letters that are not Latin",
    ),
    _feature(
        "script_entropy", "bits", 8, lambda v: _entropy(np.array(list(v.scripts.values()), float)),
        "entropy of the distribution of scripts over letters", SHANNON,
    ),
)  # fmt: skip
"""The meta-features of texts, in their order."""


def own_features(data: Listed) -> dict[str, float]:
    """Every meta-feature of texts by name; finite, within its range, the same in any order of the rows.

    >>> own_features(Listed("text", ("so good", "so bad")))["text_type_token_ratio"]
    0.75
    """
    view = TextView(data)
    return {feature.name: _bounded(feature, view) for feature in FEATURES}


def _bounded(feature: MetaFeature, view: TextView) -> float:
    value = float(feature.compute(cast(Any, view)))
    return min(max(value if np.isfinite(value) else 0.0, feature.low), feature.high)
