"""Real texts: a linear model of the blocks is about as good as one of TF-IDF."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier

import taskaware as ta
from taskaware.modalities.texts import blocks as text_blocks
from taskaware.modalities.texts.features import own_features
from taskaware.modalities.texts.modality import TEXTS

ROWS = 1000


@pytest.mark.parametrize("name", ["airline", "customer-reviews", "languages"])
def test_as_good_as_tf_idf(name, real_data, monkeypatch):
    monkeypatch.setattr(text_blocks, "optional_sources", dict)
    frame = pd.read_parquet(real_data(name)).sample(frac=1, random_state=0)[:ROWS]
    texts, labels = frame["text"].tolist(), pd.factorize(frame["label"])[0]
    train, test = np.split(np.arange(len(texts)), [len(texts) * 2 // 3])
    data = TEXTS.parse(texts, column="text").data
    blocks = TEXTS.fit_blocks(data, train)
    x = np.concatenate(list(blocks.transform(data).values()), 1)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    plain = vectorizer.fit_transform([texts[row] for row in train])
    later = vectorizer.transform([texts[row] for row in test])
    wanted = RidgeClassifier(1.0).fit(plain, labels[train]).score(later, labels[test])
    found = RidgeClassifier(300.0).fit(x[train], labels[train]).score(x[test], labels[test])
    assert found > wanted - 0.03, (found, wanted)


@pytest.mark.parametrize("name", ["emoji", "mpqa", "sst5", "banking77", "stance-atheism", "languages"])
def test_real_texts_are_free_text(name, real_data):
    frame = pd.read_parquet(real_data(name)).sample(700, random_state=0)
    task = ta.make_task((frame["text"], frame["label"].astype(str)))
    assert task.modality == "text"
    assert not TEXTS.holds(frame["label"].astype(str).tolist())
    assert all(np.isfinite(value) for value in own_features(task.data).values())
