"""How the code of an exported model reads texts and computes their blocks, with NumPy alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskaware.modalities.columns import of_part
from taskaware.modalities.plain_values import PLAIN, Written, values_of
from taskaware.modalities.tables.written.copying import Definition
from taskaware.modalities.texts.counts import grams_of, pieces_of
from taskaware.modalities.texts.ngrams import standardised
from taskaware.modalities.texts.reading import texts_of
from taskaware.modalities.texts.words import Tokens, chunks_of, hashes_of, mixed, words_of

_OWN = "taskaware.modalities.texts.written"
_PACKAGE = "its vectors stand in a package or a model that the export has not"

KEY = np.frombuffer(b"0123456789123456", "<u8")
"""The key by which pandas hashes."""
START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
ROUND = ((0, 1, 13, 32), (2, 3, 16, 0), (0, 3, 21, 0), (2, 1, 17, 32))
"""Of SipHash: two words that are added and mixed, and by how many bits each of them is turned."""


def read_texts(rows: Any, about: Mapping) -> tuple[str, ...]:
    """The texts of some rows."""
    return texts_of(values_of(rows, about), about["column"])[0]


def text_blocks(texts: Sequence[str], arrays: Mapping, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The blocks of these names.

    Args:
        texts: N of them.
        arrays: what the blocks learned.
        names: of the blocks.
    """
    words, found = words_of(texts), {}
    for name in names:
        learned = of_part(arrays, name)
        if name == "word_ngrams":
            found[name] = ngram_columns(*grams_of(words), len(texts), learned)
        elif name == "character_ngrams":
            found[name] = ngram_columns(*pieces_in(chunks_of(texts)), len(texts), learned)
        else:
            found[name] = bag_columns(words.rows, hashes_of(words.names)[words.codes], len(texts), learned)
    return found


def pieces_in(chunks: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """The text and the hash of every sequence of characters."""
    owner, keys = pieces_of([chunks.names[code] for code in chunks.codes.tolist()])
    return chunks.rows[owner], keys


def ngram_columns(rows: np.ndarray, keys: np.ndarray, texts: int, learned: Mapping) -> np.ndarray:
    """The columns of `ngrams.Ngrams`.

    Args:
        rows, keys: the text and the hash of each occurrence, (T,).
        texts: N.
        learned: the arrays of the block.
    """
    counts = counts_under(rows, keys, texts, learned["keys"])
    weighted = np.where(counts > 0, (1 + np.log(np.maximum(counts, 1))) * learned["idf"], 0)
    projected = rows_of_length(weighted, 1.0) @ learned["components"].astype(np.float32)
    return standardised(projected, learned["mean"], learned["std"])


def bag_columns(rows: np.ndarray, keys: np.ndarray, texts: int, learned: Mapping) -> np.ndarray:
    """The columns of `bag.Bag`.

    Args:
        rows, keys, texts, learned: as for `ngram_columns`.
    """
    weighted = np.log1p(counts_under(rows, keys, texts, learned["keys"])) * learned["weight"]
    return rows_of_length(weighted, float(np.sqrt(learned["words"])))


def rows_of_length(rows: np.ndarray, length: float) -> np.ndarray:
    """Rows stretched to one length, float32; a row of zeros stays."""
    lengths = np.sqrt((rows * rows).sum(1, keepdims=True))
    return (rows * (length / np.where(lengths > 0, lengths, 1))).astype(np.float32)


def counts_under(rows: np.ndarray, keys: np.ndarray, texts: int, known: np.ndarray) -> np.ndarray:
    """How often each known key occurs in each text, (N, V) float32.

    Args:
        rows, keys: the text and the hash of each occurrence.
        texts: N.
        known: hashes, ascending, (V,).
    """
    width = len(known)
    if not width:
        return np.zeros((texts, 0), np.float32)
    place = np.minimum(np.searchsorted(known, keys), width - 1)
    kept = known[place] == keys
    found = np.bincount(rows[kept] * width + place[kept], minlength=texts * width)
    return found.reshape(texts, width).astype(np.float32)


def factorized(parts: list[list[str]]) -> Tokens:
    """`words._tokens` without pandas."""
    places: dict[str, int] = {}
    codes = [places.setdefault(word, len(places)) for part in parts for word in part]
    rows = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Tokens(list(places), np.array(codes, np.int64), rows, len(parts))


def plain_hashes(names: Sequence[str]) -> np.ndarray:
    """`words.hashes_of` without pandas: SipHash-2-4 (Aumasson and Bernstein 2012), and mixed."""
    found, texts = np.zeros(len(names), np.uint64), [name.encode() for name in names]
    lengths = np.array([len(text) for text in texts], np.uint64)
    blocks = (lengths // np.uint64(8)).astype(np.int64) + 1
    for count in np.unique(blocks).tolist():
        rows = np.flatnonzero(blocks == count)
        padded = b"".join(texts[row].ljust(8 * count, b"\0") for row in rows)
        words = np.frombuffer(padded, "<u8").reshape(len(rows), count).T.copy()
        words[-1] |= lengths[rows] << np.uint64(56)
        found[rows] = siphash(words)
    return mixed(found)


def siphash(words: np.ndarray) -> np.ndarray:
    """The hash of each column of 64-bit words, (blocks, n) → (n,) uint64."""
    state = [np.full(words.shape[1], KEY[place % 2] ^ np.uint64(start)) for place, start in enumerate(START)]
    for block in words:
        state[3] ^= block
        turned(state, 2)
        state[0] ^= block
    state[2] ^= np.uint64(0xFF)
    turned(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def turned(state: list[np.ndarray], rounds: int) -> None:
    """Rounds of SipHash, on its four words."""
    for first, second, bits, own in ROUND * rounds:
        state[first] += state[second]
        state[second] = rotated(state[second], bits) ^ state[first]
        state[first] = rotated(state[first], own)


def rotated(words: np.ndarray, bits: int) -> np.ndarray:
    """Words with their bits turned to the left."""
    return words << np.uint64(bits) | words >> np.uint64(64 - bits) if bits else words


WRITTEN = Written(
    Definition(_OWN, "read_texts"),
    Definition(_OWN, "text_blocks"),
    takes="a list of texts, or a table with their column",
    file="new.csv",
    refused=dict.fromkeys(("word_vectors", "static_vectors", "sentence_vectors", "language_model"), _PACKAGE),
    instead={
        Definition("taskaware.modalities.texts.words", "_tokens"): Definition(_OWN, "factorized"),
        Definition("taskaware.modalities.texts.words", "hashes_of"): Definition(_OWN, "plain_hashes"),
        Definition("taskaware.modalities.texts.reading", "is_missing"): Definition(PLAIN, "is_missing"),
    },
)
