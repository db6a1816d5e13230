"""Texts → words and chunks, as numbers: what every block of texts starts from."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

# Languages that put no spaces between words: each of their signs counts as a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
UNSPACED_SIGN = re.compile(f"[{UNSPACED}]")
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+(?:['’][^\W{UNSPACED}]+)*|[^\w\s]+")

_STEP = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Tokens(NamedTuple):
    """The words of N texts, one after the other.

    Attributes:
        names: U distinct words.
        codes: index into `names` of every word, (T,).
        rows: index of the text that it stands in, (T,), ascending.
        texts: N.
    """

    names: list[str]
    codes: np.ndarray
    rows: np.ndarray
    texts: int


def words_of(texts: Sequence[str]) -> Tokens:
    """Words, numbers and runs of other signs, in lower case.

    >>> words_of(["Well done!!", "don't well"]).names
    ['well', 'done', '!!', "don't"]
    """
    return _tokens([WORD.findall(text.lower()) for text in texts])


def chunks_of(texts: Sequence[str]) -> Tokens:
    """What stands between white space, in lower case.

    >>> chunks_of(["Well done!!", "well"]).names
    ['well', 'done!!']
    """
    return _tokens([text.lower().split() for text in texts])


def _tokens(parts: list[list[str]]) -> Tokens:
    lengths = [len(part) for part in parts]
    every = np.array([word for part in parts for word in part], object)
    codes, names = pd.factorize(every)
    return Tokens(list(names), codes, np.repeat(np.arange(len(parts)), lengths), len(parts))


def hashes_of(names: Sequence[str]) -> np.ndarray:
    """A 64-bit hash of each word, (U,) uint64: the same in every process."""
    return pd.util.hash_array(np.array(names, object), categorize=False)


def mixed(hashes: np.ndarray) -> np.ndarray:
    """Hashes whose every bit depends on every bit of the given ones (splitmix64)."""
    for shift, factor in _SHIFTS:
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    return hashes ^ (hashes >> np.uint64(31))


def joined(hashes: Sequence[np.ndarray]) -> np.ndarray:
    """A hash for each sequence of hashes, (T,); the order counts.

    Args:
        hashes: of the first, second, ... members, (T,) each.
    """
    total = np.full(len(hashes[0]), len(hashes), np.uint64)
    for each in hashes:
        total = total * _STEP + each
    return mixed(total)
