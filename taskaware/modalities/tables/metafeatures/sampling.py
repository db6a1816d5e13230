"""Which rows are looked at: chosen by their content, so the order of the rows cannot matter."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def canonical_labels(target: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class indices that depend on the rows of a class alone, not on its name or place.

    Classes are numbered by size, the largest first; equal sizes by the hashes of their rows.

    Args:
        target: (N,) class indices as the task has them, each at least 0.
        hashes: (N,) uint64, hash of each row's features.

    Returns:
        (N,) new indices, and (C,) rows of every class that occurs, descending.

    >>> labels, counts = canonical_labels(np.array([0, 2, 2]), np.arange(3, dtype=np.uint64))
    >>> labels.tolist(), counts.tolist()
    ([1, 0, 0], [2, 1])
    """
    counts = np.bincount(target)
    # 24 bits of each hash: the sum stays below 2**53, hence exact in any order of the rows.
    content = np.bincount(target, weights=(hashes >> np.uint64(40)).astype(np.float64))
    order = np.lexsort((content, -counts))
    place = np.empty(len(counts), np.int64)
    place[order] = np.arange(len(counts))
    return place[target], counts[order][counts[order] > 0]


def sample_rows(hashes: np.ndarray, target: np.ndarray, limit: int) -> np.ndarray:
    """At most `limit` rows, in an order that depends on their content alone.

    Rows are taken by the smallest key. Copies of one row get keys that are spread evenly (a Weyl
    sequence), so a table of few distinct rows is sampled in proportion.

    Args:
        hashes: (N,) uint64, hash of each row's features.
        target: (N,) canonical class indices, or values.
        limit: rows wanted.

    Returns:
        (min(N, limit),) row indices; a smaller limit gives the beginning of the same list.

    >>> hashes, target = np.array([7, 5, 6], np.uint64), np.zeros(3)
    >>> sample_rows(hashes, target, 2).tolist()
    [1, 2]
    """
    words = hashes ^ ((target + 0.0).astype(np.float64).view(np.uint64) * GOLDEN)
    order = np.argsort(words)
    ordered = words[order]
    fresh = np.r_[True, ordered[1:] != ordered[:-1]]
    position = np.arange(len(words))
    copy = position - np.maximum.accumulate(np.where(fresh, position, 0))
    keys = ordered + copy.astype(np.uint64) * GOLDEN
    return order[np.argsort(keys)[:limit]]
