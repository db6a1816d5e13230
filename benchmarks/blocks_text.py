"""Blocks of texts: seconds and width of each, and with --quality how well a linear model reads them.

python benchmarks/blocks_text.py [--quality] [--rows 4000] [--sets sst2,airline]; run by hand.
"""

import argparse
import dataclasses
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from taskaware.modalities.cache import forget
from taskaware.modalities.texts.blocks import TextBlocks
from taskaware.modalities.texts.modality import TEXTS

SEED = 0
COSTS = (0.003, 0.03, 0.3)
BASELINE_COSTS = (1.0, 10.0)
FOLDER = Path(os.environ.get("TASKAWARE_DATA", "../shared/data"))


def random_texts(count: int, words: int) -> list[str]:
    """Texts of words whose frequencies fall as in a language."""
    rng = np.random.default_rng(SEED)
    letters = rng.choice(list("etaoinshrdlu"), (20_000, 10))
    names = np.array(["".join(word[: 2 + rng.poisson(3)]) for word in letters])
    odds = 1 / np.arange(1, len(names) + 1)
    drawn = rng.choice(names, (count, words), p=odds / odds.sum())
    return [" ".join(text) for text in drawn]


def print_times() -> None:
    """Fit and transform of 10,000 texts of 20 words, then each block alone, then a second call."""
    data = TEXTS.parse(random_texts(10_000, 20), column="text").data
    rows = np.arange(data.rows)
    TEXTS.fit_blocks(data.take(rows[:100]), rows[:100]).transform(data.take(rows[:100]))
    for call in ("first call", "second call"):
        start, busy = time.perf_counter(), time.process_time()
        blocks = TEXTS.fit_blocks(data, rows)
        blocks.transform(data)
        print(f"{call}: {time.perf_counter() - start:.2f} s, {time.process_time() - busy:.2f} s of processor")
    for name, part in blocks.parts.items():
        alone = TextBlocks({name: part})
        start = time.perf_counter()
        alone.transform(data)
        print(f"{name}: transform {time.perf_counter() - start:.2f} s, width {part.width}")
    forget()


@dataclasses.dataclass(frozen=True)
class Split:
    """Texts and labels of a set in three parts."""

    texts: list[str]
    labels: np.ndarray
    parts: tuple[np.ndarray, np.ndarray, np.ndarray]


def read(name: str, most: int) -> Split:
    """A set with its own test part, or 30 % of it; 20 % of the rest choose the regularisation."""
    frame = pd.read_parquet(FOLDER / "text" / f"{name}.parquet")
    every = np.arange(len(frame))
    test = every[frame["split"] == "test"]
    rest = every[frame["split"] != "test"]
    if not len(test):
        rest, test = train_test_split(every, test_size=0.3, random_state=SEED)
    rng = np.random.default_rng(SEED)
    rest, test = (rng.permutation(part)[:most] for part in (rest, test))
    train, val = train_test_split(rest, test_size=0.2, random_state=SEED)
    return Split(frame["text"].tolist(), pd.factorize(frame["label"])[0], (train, val, test))


def linear(x: tuple, y: tuple, costs: tuple) -> float:
    """Test accuracy of a logistic regression whose cost the validation part has chosen."""
    models = [LogisticRegression(C=cost, max_iter=200).fit(x[0], y[0]) for cost in costs]
    return max(models, key=lambda model: model.score(x[1], y[1])).score(x[2], y[2])


def baseline(split: Split, **options) -> float:
    """TF-IDF with logistic regression."""
    y = tuple(split.labels[part] for part in split.parts)
    texts = tuple([split.texts[row] for row in part] for part in split.parts)
    made = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2, **options)).fit(texts[0])
    return linear(tuple(map(made.transform, texts)), y, BASELINE_COSTS)


def quality(split: Split) -> dict[str, float]:
    """Test accuracy of the baselines, of each block, and of all of them side by side."""
    used = np.concatenate(split.parts)
    data = TEXTS.parse([split.texts[row] for row in used], column="text").data
    bounds = np.cumsum([len(part) for part in split.parts])
    places = np.split(np.arange(len(used)), bounds[:-1])
    y = tuple(split.labels[part] for part in split.parts)
    blocks = TEXTS.fit_blocks(data, places[0])
    x = [blocks.transform(data, part) for part in places]
    found = {
        "words": baseline(split, ngram_range=(1, 2)),
        "characters": baseline(split, analyzer="char_wb", ngram_range=(3, 5)),
    }
    found |= {name: linear(tuple(part[name] for part in x), y, COSTS) for name in blocks.widths}
    # The bag is not standardised, and has room for a weight as large as its columns are rare.
    joined = tuple(np.concatenate(list(part.values()), axis=1) for part in x)
    return found | {"all": linear(joined, y, COSTS)}


def print_quality(sets: list[str], most: int) -> None:
    """A table of test accuracies: a line for each set, and the mean."""
    found = {}
    for name in sets:
        found[name] = quality(read(name, most))
        print(name, {key: round(value, 3) for key, value in found[name].items()}, flush=True)
        forget()
    table = pd.DataFrame(found).T
    print(pd.concat([table, table.mean().to_frame("mean").T]).round(3).to_string())


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--rows", type=int, default=4000, help="training and test rows of a set at most")
    parser.add_argument("--sets", help="names, with commas; all by default")
    given = parser.parse_args()
    if not given.quality:
        return print_times()
    every = sorted(path.stem for path in (FOLDER / "text").glob("*.parquet"))
    with threadpool_limits(1):
        return print_quality(given.sets.split(",") if given.sets else every, given.rows)


if __name__ == "__main__":
    main()
