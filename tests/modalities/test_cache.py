"""Rows that were computed before are found by their hashes, whatever kind of values they have."""

import threading

import numpy as np

from taskaware.modalities.audio.analysis import Described
from taskaware.modalities.audio.ragged import Ragged
from taskaware.modalities.cache import MOST_SMALL, SMALL, Recent, RowCache
from taskaware.modalities.texts.counts import Counts, counts_of


class Asked:
    """Computes a column from hashes, and counts the rows."""

    def __init__(self, cache: RowCache, width: int = 1):
        self.cache, self.width, self.rows = cache, width, []

    def __call__(self, what, hashes) -> np.ndarray:
        hashes = np.asarray(hashes, np.uint64)

        def compute(places):
            self.rows.append(len(places))
            return np.repeat(hashes[places, None].astype(float), self.width, 1)

        found = self.cache.rows(what, hashes, compute)
        np.testing.assert_array_equal(found[:, 0], hashes)
        return found


def test_a_row_is_computed_once_and_given_in_the_order_asked_for():
    asked = Asked(RowCache())
    for hashes in ([9, 3, 9, 7, 1], [1, 9], [2, 9, 4, 2, 7], [4, 3, 2, 5, 5, 1], [], [5, 4, 3]):
        asked("what", hashes)
    assert asked.rows == [4, 2, 1, 0]
    asked("other", [9])
    assert asked.rows[-1] == 1


def test_what_was_given_away_is_the_callers():
    asked = Asked(RowCache())
    for _ in range(3):
        asked("what", [1, 2])[:] = 0
    assert asked.rows == [2]


def test_the_cache_is_bounded_and_forgets_what_was_used_least_recently():
    cache = RowCache(most_bytes=3 * 2 * SMALL * 8)
    asked, hashes = Asked(cache), np.arange(SMALL)
    for what in "abcad":
        asked(what, hashes)
        assert 0 < cache.nbytes <= cache.most_bytes
    assert asked.rows == [SMALL] * 4
    asked("a", hashes), asked("b", hashes)
    assert asked.rows == [SMALL] * 5
    kept = cache.nbytes
    Asked(cache, width=100)("large", hashes)
    assert cache.nbytes == kept
    cache.clear()
    assert cache.nbytes == 0


def test_rows_that_come_alone_put_no_others_out():
    asked = Asked(RowCache())
    asked("what", np.arange(SMALL))
    for row in range(SMALL, SMALL + MOST_SMALL + 1):
        asked("what", [row])
    asked.rows.clear()
    asked("what", np.arange(SMALL + MOST_SMALL + 1))
    assert asked.rows == [1]


def described(first: int, counts: list[int]) -> Described:
    rows = np.arange(first, first + len(counts), dtype=float)
    frames = Ragged(np.repeat(rows, counts)[:, None] + np.zeros(2), np.array(counts))
    return Described(rows[:, None], rows[:, None] + 1, rows[:, None] + 2, frames)


def test_pieces_of_several_kinds_are_joined():
    texts, sounds = ["a b", "b c", "c d e", "b"], described(0, [3, 1, 2, 4])
    cache, hashes = RowCache(), np.array([5, 2, 8, 4], np.uint64)

    def compute(rows):
        return lambda places: {
            "counts": counts_of([texts[row] for row in rows[places]])["words"],
            "sounds": sounds.take(rows[places]),
        }

    for rows in (np.array([0, 3]), np.array([2, 0, 1, 3])):
        found = cache.rows("what", hashes[rows], compute(rows))
    counts, taken = found["counts"], found["sounds"]
    whole = counts_of(texts)["words"].take(rows)
    assert isinstance(counts, Counts)
    np.testing.assert_array_equal(counts.keys, whole.keys)
    np.testing.assert_array_equal(counts.matrix.toarray(), whole.matrix.toarray())
    wanted = sounds.take(rows)
    for name in ("mel", "cepstrum", "clip"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(wanted, name))
    np.testing.assert_array_equal(taken.frames.values, wanted.frames.values)
    np.testing.assert_array_equal(taken.frames.counts, wanted.frames.counts)
    assert cache.nbytes > 0


def test_what_was_joined_once_is_kept_together(monkeypatch):
    joins, join = [], Described.joined
    monkeypatch.setattr(Described, "joined", lambda self, others: joins.append(0) or join(self, others))
    cache, sounds, hashes = RowCache(), described(0, [3, 1, 2, 4]), np.array([5, 2, 8, 4], np.uint64)
    for rows in ([0, 3], [1, 2], [3, 2, 1, 0], [0, 2], [3, 1, 2, 0]):
        found = cache.rows(
            "what", hashes[rows], lambda places, rows=rows: sounds.take(np.array(rows)[places])
        )
        np.testing.assert_array_equal(found.mel[:, 0], rows)
    kept = cache.nbytes
    assert len(joins) == 1
    again = RowCache()
    again.rows("what", hashes, sounds.take)
    assert kept == again.nbytes


def test_threads_share_it():
    cache, wrong = RowCache(most_bytes=20_000), []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(100):
            try:
                Asked(cache)(int(rng.integers(3)), rng.integers(0, 500, 100))
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and 0 < cache.nbytes <= 20_000


def test_the_last_fits_are_kept():
    fits, fitted = Recent(3), []

    def fit(key):
        return fits.get(key, lambda: fitted.append(key) or [key])

    first = fit(0)
    assert fit(0) is first
    for key in range(1, 3):
        fit(key)
    assert fit(0) is first and fit(3) == [3]
    fit(0), fit(1)
    assert fitted == [*range(4), 1]
    fits.clear()
    assert fit(0) is not first
