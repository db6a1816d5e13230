"""The blocks of texts: against other implementations, fitted to training rows alone, saved, cached."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

import taskaware as ta
from taskaware.modalities.cache import forget
from taskaware.modalities.texts import blocks as text_blocks
from taskaware.modalities.texts.counts import counts_of
from taskaware.modalities.texts.modality import TEXTS
from taskaware.modalities.texts.ngrams import directions, idf_of, tf_idf
from taskaware.modalities.texts.words import WORD
from taskaware.tasks.data import Listed
from taskaware.testing.modality_contract import CHECKS

SUBJECTS = ["the cat", "a dog", "my neighbour", "the old film", "every actor", "this plot"]
VERBS = ["loves", "hates", "does not see", "admires", "never met", "paints"]
ENDS = ["in the rain!", "at 7 o'clock", "without a reason...", "for ÉMILE", "again and again", "today :)"]


def made(rows: int, seed: int = 0) -> list[str]:
    """Distinct texts of a few words each."""
    rng = np.random.default_rng(seed)
    return [f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(ENDS)} no {row}" for row in range(rows)]


TEXT = made(60)


def task():
    return ta.make_task(TEXT, ["never" in text or "hates" in text for text in TEXT])


def data_of(texts) -> Listed:
    return Listed("text", tuple(texts))


@pytest.fixture(autouse=True)
def nothing_optional(monkeypatch):
    """Only what needs no further package, and nothing from an earlier test."""
    monkeypatch.setattr(text_blocks, "optional_sources", dict)
    forget()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(task)


def one_and_two_words(text: str) -> list[str]:
    words = WORD.findall(text.lower())
    return words + [f"{a} {b}" for a, b in zip(words, words[1:], strict=False)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("words", {"analyzer": lambda text: WORD.findall(text.lower())}),
        ("grams", {"analyzer": one_and_two_words}),
        ("pieces", {"analyzer": "char_wb", "ngram_range": (3, 5)}),
    ],
)
def test_tf_idf_is_that_of_scikit_learn(name, options):
    """Columns stand in another order, so the products of the rows are compared."""
    texts = [*TEXT, "", "a", "Ab", "ÉMILE émile 日本語", "don't DON’T"]
    counts = counts_of(texts)[name]
    found = tf_idf(counts.matrix, idf_of(counts.texts_with(), len(texts)))
    wanted = TfidfVectorizer(sublinear_tf=True, **options).fit_transform(texts)
    assert found.shape == wanted.shape
    np.testing.assert_allclose((found @ found.T).toarray(), (wanted @ wanted.T).toarray(), atol=1e-5)


def test_directions_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    matrix = sparse.random(300, 200, 0.1, "csr", np.float32, rng=rng)
    matrix = (matrix @ sparse.diags(0.9 ** np.arange(200))).tocsr().astype(np.float32)
    found = directions(matrix, 8)
    exact = TruncatedSVD(8, algorithm="arpack").fit(matrix).components_
    np.testing.assert_allclose(found.T @ found, np.eye(8), atol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(found.T * exact, 1)), 1, atol=1e-3)


def test_columns_are_standardised_and_the_bag_has_rows_of_one_length():
    data = data_of(made(400))
    blocks = TEXTS.fit_blocks(data, np.arange(400))
    found = blocks.transform(data)
    for name in ("word_ngrams", "character_ngrams"):
        assert 8 <= blocks.widths[name] <= 192
        np.testing.assert_allclose(found[name].mean(0), 0, atol=0.05)
        np.testing.assert_allclose(found[name].std(0), 1, atol=0.1)
    lengths = (found["token_bag"] ** 2).sum(1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-4)
    assert blocks.active["token_bag"] == round(lengths[0]) < blocks.widths["token_bag"]


def test_order_and_repetition_change_nothing():
    data, turned = data_of(TEXT), data_of(TEXT[::-1])
    first, second = (TEXTS.fit_blocks(each, np.arange(60)).transform(each) for each in (data, turned))
    twice = TEXTS.fit_blocks(data, np.arange(60)).transform(data, np.array([7, 7, 0]))
    for name, matrix in first.items():
        np.testing.assert_array_equal(second[name][::-1], matrix)
        np.testing.assert_array_equal(twice[name], matrix[[7, 7, 0]])


def test_words_that_were_not_learned_and_empty_texts_are_read():
    blocks = TEXTS.fit_blocks(data_of(TEXT), np.arange(60))
    found = blocks.transform(data_of(["", "zzz qqq", "日本"]))
    assert all(np.isfinite(matrix).all() for matrix in found.values())
    assert not found["token_bag"].any()


@pytest.mark.parametrize("texts", [["one text alone"], ["", ""], ["same words"] * 5, ["a", ""]])
def test_small_and_empty_data_are_fitted(texts):
    data = data_of(texts)
    blocks = TEXTS.fit_blocks(data, np.arange(len(texts)))
    again = TEXTS.blocks_from(blocks.to_arrays())
    for name, matrix in blocks.transform(data).items():
        assert matrix.shape == (len(texts), blocks.widths[name]) and np.isfinite(matrix).all()
        np.testing.assert_array_equal(again.transform(data)[name], matrix)


def test_a_second_call_computes_nothing(monkeypatch):
    data = data_of(TEXT)
    first = TEXTS.fit_blocks(data, np.arange(40)).transform(data)
    monkeypatch.setattr(text_blocks, "_fitted", None)
    monkeypatch.setattr(text_blocks, "_transformed", None)
    second = TEXTS.fit_blocks(data_of(TEXT), np.arange(40)).transform(data_of(TEXT), np.arange(10, 20))
    for name, matrix in second.items():
        np.testing.assert_array_equal(matrix, first[name][10:20])
        matrix[:] = 0  # what was given away is the caller's
    third = TEXTS.fit_blocks(data, np.arange(40)).transform(data)
    assert all((third[name] == matrix).all() for name, matrix in first.items())


def test_many_rows_are_read_in_parts(monkeypatch):
    whole = TEXTS.fit_blocks(data_of(TEXT), np.arange(60)).transform(data_of(TEXT))
    forget()
    monkeypatch.setattr(text_blocks, "ROWS_AT_ONCE", 7)
    parts = TEXTS.fit_blocks(data_of(TEXT), np.arange(60)).transform(data_of(TEXT))
    for name, matrix in whole.items():
        np.testing.assert_array_equal(parts[name], matrix)


@pytest.fixture(scope="module")
def arrays():
    return text_blocks._fitted(
        text_blocks.Training(data_of(TEXT), np.argsort(data_of(TEXT).row_hashes)), {}
    ).to_arrays()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("word_ngrams.keys", lambda values: values[::-1]),
        ("word_ngrams.keys", lambda values: values.astype(float)),
        ("word_ngrams.idf", lambda values: values[1:]),
        ("word_ngrams.std", lambda values: values * 0),
        ("word_ngrams.mean", lambda values: values * np.nan),
        ("character_ngrams.components", lambda values: values[:, 1:]),
        ("character_ngrams.components", lambda values: values[None]),
        ("token_bag.words", lambda values: values * 0),
        ("token_bag.words", lambda values: values[None]),
        ("token_bag.weight", lambda values: values.astype(str)),
    ],
)
def test_damaged_arrays_are_refused(arrays, name, change):
    with pytest.raises(ValueError, match=r"(block|shape)"):
        TEXTS.blocks_from({**arrays, name: change(arrays[name])})


def test_missing_and_foreign_arrays_are_refused(arrays):
    with pytest.raises(ValueError, match="no blocks"):
        TEXTS.blocks_from({})
    with pytest.raises(ValueError, match="arrays of block 'token_bag'"):
        TEXTS.blocks_from({name: values for name, values in arrays.items() if name != "token_bag.keys"})
    with pytest.raises(ValueError, match="no block 'other'"):
        TEXTS.blocks_from({**arrays, "other.keys": np.zeros(3)})
