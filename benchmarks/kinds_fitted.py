"""Recommended and trained, beside what a user would otherwise take, on data of other kinds than tables.

Each set is left out of the evaluator with its relatives. The rows of the source's test part are scored; 30 %
of the rows where it has none. Beside it: TF-IDF with logistic regression (texts), a small convolutional
network trained for as long (images), cepstral statistics with boosted trees (sounds), MiniRocket with ridge
regression (series).

    python -m benchmarks.kinds_fitted FOLDER [--sets coffee,drums] [--rows 4000]

FOLDER has an index.csv of Parquet files with a column `label`, and `split` where the source has parts.
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import taskaware as ta
from benchmarks.blocks_audio import baseline as cepstral_statistics
from benchmarks.blocks_series import _rocket as minirocket
from taskaware.modalities.audio.modality import AUDIO
from taskaware.modalities.series.modality import SERIES
from taskaware.recommendation.evaluators import shipped_evaluator

VALUES = ("text", "image", "audio", "series")
SIDE = 32
BATCH = 64


def parts(frame: pd.DataFrame, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and to score, at most so many of each."""
    if "split" in frame and (frame["split"] == "test").any():
        learned, scored = frame[frame["split"] != "test"], frame[frame["split"] == "test"]
    else:
        learned, scored = train_test_split(frame, test_size=0.3, random_state=0, stratify=frame["label"])
    value = next(name for name in VALUES if name in frame)
    kept = (each[[value, "label"]].sample(min(len(each), most), random_state=0) for each in (learned, scored))
    learned, scored = (each.reset_index(drop=True) for each in kept)
    return learned, scored


def texts(learned: pd.DataFrame, scored: pd.DataFrame, seconds: float) -> float:
    """TF-IDF of words and pairs, logistic regression whose strength a fifth of the rows chooses."""
    del seconds
    train, val = train_test_split(learned, test_size=0.2, random_state=0)

    def model(strength: float, rows: pd.DataFrame):
        made = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2)),
            LogisticRegression(C=strength, max_iter=500),
        )
        return made.fit(rows["text"], rows["label"])

    best = max((1.0, 10.0), key=lambda strength: model(strength, train).score(val["text"], val["label"]))
    return model(best, learned).score(scored["text"], scored["label"])


class Convolutions(nn.Module):
    """Two convolutions with pooling, a layer of 128, and the classes."""

    classes: int

    @nn.compact
    def __call__(self, x):
        for features in (32, 64):
            x = nn.max_pool(nn.relu(nn.Conv(features, (3, 3))(x)), (2, 2), (2, 2))
        return nn.Dense(self.classes)(nn.relu(nn.Dense(128)(x.reshape(len(x), -1))))


def images(learned: pd.DataFrame, scored: pd.DataFrame, seconds: float) -> float:
    """A small convolutional network, trained by Adam for so long; a fifth of the rows chooses its weights."""
    classes, y = np.unique(learned["label"].astype(str), return_inverse=True)
    x, tested = pixels(learned), pixels(scored)
    train, val = train_test_split(np.arange(len(x)), test_size=0.2, random_state=0)
    net, optimizer = Convolutions(len(classes)), optax.adam(1e-3)
    params = net.init(jax.random.key(0), x[:1])
    state = optimizer.init(params)

    @jax.jit
    def step(params, state, rows, labels):
        def loss(params):
            return optax.softmax_cross_entropy_with_integer_labels(net.apply(params, rows), labels).mean()

        change, state = optimizer.update(jax.grad(loss)(params), state)
        return optax.apply_updates(params, change), state

    predict = jax.jit(lambda params, rows: jnp.asarray(net.apply(params, rows)).argmax(-1))

    def answers(params, rows):
        return np.concatenate([predict(params, rows[at : at + 512]) for at in range(0, len(rows), 512)])

    rng, began = np.random.default_rng(0), time.perf_counter()
    best, chosen = -1.0, params
    while time.perf_counter() - began < seconds:
        order = rng.permutation(train)
        for at in range(0, max(len(order) - BATCH + 1, 1), BATCH):
            rows = order[at : at + BATCH]
            params, state = step(params, state, x[rows], y[rows])
        if (score := float((answers(params, x[val]) == y[val]).mean())) > best:
            best, chosen = score, params
    return float((classes[answers(chosen, tested)] == scored["label"].astype(str).to_numpy()).mean())


def pixels(frame: pd.DataFrame) -> jnp.ndarray:
    """The images at 32 x 32, in [-1, 1], (N, 32, 32, 3)."""
    opened = [Image.open(io.BytesIO(each["bytes"])).convert("RGB") for each in frame["image"]]
    return jnp.asarray(np.stack([np.asarray(each.resize((SIDE, SIDE))) for each in opened]) / 127.5 - 1)


def sounds(learned: pd.DataFrame, scored: pd.DataFrame, seconds: float) -> float:
    """Statistics of cepstral coefficients, boosted trees."""
    del seconds
    both = pd.concat([learned, scored])
    matrix = cepstral_statistics(AUDIO.parse(both["audio"].tolist(), column="audio").data)
    model = HistGradientBoostingClassifier(random_state=0, max_iter=100)
    model.fit(matrix[: len(learned)], learned["label"])
    return model.score(matrix[len(learned) :], scored["label"])


def series(learned: pd.DataFrame, scored: pd.DataFrame, seconds: float) -> float:
    """MiniRocket, ridge regression."""
    del seconds
    both = pd.concat([learned, scored])
    data = SERIES.parse(both["series"].tolist(), column="series").data
    matrix = minirocket(SERIES.fit_blocks(data, np.arange(len(learned))).convolutions, data)
    model = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
    return model.fit(matrix[: len(learned)], learned["label"]).score(matrix[len(learned) :], scored["label"])


BASELINES: dict[str, Callable[[pd.DataFrame, pd.DataFrame, float], float]] = {
    "text": texts,
    "image": images,
    "audio": sounds,
    "series": series,
}


def compared(name: str, kind: str, frame: pd.DataFrame, most: int) -> dict:
    """Scores of one set."""
    learned, scored = parts(frame, most)
    evaluator = shipped_evaluator("universal")
    known = evaluator.training_data
    groups = {group for task, group in zip(known.names, known.groups, strict=True) if task == name}
    evaluator = evaluator.without(*groups)
    began = time.perf_counter()
    model = ta.recommend(learned, target="label", evaluator=evaluator).fit(learned, progress=False)
    ours, took = model.score(scored), time.perf_counter() - began
    began = time.perf_counter()
    other = BASELINES[kind](learned, scored, took)
    return {
        "set": name,
        "kind": kind,
        "rows": len(learned),
        "taskaware": ours,
        "baseline": other,
        "seconds": took,
        "baseline's": time.perf_counter() - began,
    }


def main() -> None:
    """A line for each set as it ends, then means and wins by kind of data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", help="names, with commas; all by default")
    parser.add_argument("--rows", type=int, default=4000, help="rows to learn from and to score, at most")
    given = parser.parse_args()
    index = pd.read_csv(given.folder / "index.csv")
    index = index[index["modality"].isin(BASELINES)]
    if given.sets:
        index = index.set_index("name", drop=False).loc[given.sets.split(",")]
    rows = []
    for entry in index.itertuples():
        frame = pd.read_parquet(given.folder / entry.file)
        rows.append(compared(entry.name, entry.modality, frame, given.rows))
        print(
            {key: round(value, 3) if isinstance(value, float) else value for key, value in rows[-1].items()},
            flush=True,
        )
    table = pd.DataFrame(rows)
    table["ahead"] = (
        np.sign(table["taskaware"] - table["baseline"])
        .clip(0)
        .where(table["taskaware"] != table["baseline"], 0.5)
    )
    print(
        table.groupby("kind")[["taskaware", "baseline", "ahead", "seconds", "baseline's"]]
        .mean()
        .round(3)
        .to_string()
    )


if __name__ == "__main__":
    main()
