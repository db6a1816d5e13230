"""One page of several searches: a band over the seeds of each strategy, and the best cells of all."""

import re

import numpy as np
import pytest

import taskaware as ta
from taskaware.errors import UserError
from taskaware.reports.searches import read_search
from taskaware.reports.together import bands
from taskaware.spaces import cells

SPACE = cells(2, side=8)


def separable(point):
    """Combinations of separable 3×3 convolutions; none at the first identity."""
    return float("nan") if point[1] == 0 else float((point == 1).mean())


@pytest.fixture(scope="module")
def journals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journals")
    for seed, budget in ((0, 60), (1, 60), (2, 40)):
        for name in ("local_search", "random"):
            path = folder / f"{name}-{seed}.jsonl"
            about = {"objective": separable, "budget": budget, "seed": seed, "progress": False}
            ta.search(SPACE, name, journal=path, **about)
    return sorted(folder.glob("*.jsonl"))


def test_the_page_has_bands_and_the_best_cells(journals):
    page = ta.report(journals)
    assert page == journals[0].parent / "searches.html"
    text = page.read_text(encoding="utf-8")
    # The bands, the cells and the family of the winner.
    assert text.count("<svg") == 3 and "normal cell" in text and "lower quartile" in text
    assert re.search(r"6 searches of cells", text) and "40 to 60" in text and "ancestor" in text
    with pytest.raises(UserError, match="exists already"):
        ta.report(journals)


def test_a_band_is_the_quartiles_of_the_best_so_far(journals):
    told = [read_search(path) for path in journals[:3]]
    low, middle, high = bands(told)
    assert len(middle) == 40
    best = np.stack([np.maximum.accumulate(each.scores)[:40] for each in told])
    np.testing.assert_allclose(middle[-1], np.median(best[:, -1]))
    assert (low[-1], high[-1]) == tuple(np.percentile(best[:, -1], (25, 75)))
    begun = np.isfinite(best).all(0)
    assert np.isfinite(middle).tolist() == begun.tolist() and (low[begun] <= high[begun]).all()


def test_what_does_not_compare_is_refused(journals, tmp_path):
    other = tmp_path / "other.jsonl"
    ta.search(cells(1, side=8), "random", objective=separable, budget=2, journal=other, progress=False)
    for paths, words in (
        ([journals[0], other], "are of different spaces"),
        ([journals[0], journals[0]], "is named twice"),
        ([journals[0], tmp_path], "is no journal of a search"),
        ([], "Name a run folder"),
    ):
        with pytest.raises(UserError, match=words):
            ta.report(paths, tmp_path / "page.html")
