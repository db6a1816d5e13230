"""Blocks of series and of vectors: seconds and widths, and how good they are.

    python -m benchmarks.blocks_series              # seconds, on made-up rows
    python -m benchmarks.blocks_series --quality    # accuracy, on the series of TASKAWARE_DATA

`--quality` fits a logistic regression on each block and on all side by side, each divided by the square root
of its width as the network does, on the archive's training part, and scores its test part. The baseline is
MiniRocket with ridge regression: all 9,996 features of the same kernels.
"""

import argparse
import functools
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from taskaware.modalities.cache import forget
from taskaware.modalities.series import blocks as parts
from taskaware.modalities.series.modality import SERIES
from taskaware.modalities.vectors.modality import VECTORS


def seconds() -> None:
    """Time of each block from rows to columns, then of all together, and of a second call."""
    rng = np.random.default_rng(0)
    for rows, channels, length in ((1000, 1, 150), (3000, 1, 500), (10_000, 1, 60), (1000, 6, 100)):
        values = rng.normal(size=(rows, channels, length)).cumsum(2)
        made = f"{rows} x {channels} x {length}"
        data = _timed(
            f"{made} read", functools.partial(SERIES.parse, SERIES.values_of(values), column="x")
        ).data
        every = np.arange(rows)
        for name in parts.RAW:
            _timed(f"  {name}", functools.partial(parts.raw_features, data, name, every))
        blocks = _timed("  fit, convolutions", functools.partial(SERIES.fit_blocks, data, every))
        _timed("  transform", functools.partial(blocks.transform, data))
        _timed("  transform again", functools.partial(blocks.transform, data))
        print("  widths", dict(blocks.widths))
    matrix = rng.normal(size=(10_000, 768)).astype(np.float32)
    data = _timed(
        "10000 x 768 vectors read", lambda: VECTORS.parse(VECTORS.values_of(matrix), column="x").data
    )
    blocks = _timed("  fit", lambda: VECTORS.fit_blocks(data, np.arange(10_000)))
    _timed("  transform", lambda: blocks.transform(data))
    print("  widths", dict(blocks.widths))


def quality() -> None:
    """Test accuracy on each task, and the means."""
    found = {}
    for path in sorted((Path(os.environ["TASKAWARE_DATA"]) / "series").glob("*.parquet")):
        found[path.stem] = _scores(pd.read_parquet(path))
        print(path.stem, {name: round(score, 3) for name, score in found[path.stem].items()}, flush=True)
    print(pd.DataFrame(found).T.mean().round(4).to_string())


def _scores(frame: pd.DataFrame) -> dict[str, float]:
    data = SERIES.parse(frame["series"].tolist(), column="series").data
    labels, split = frame["label"].to_numpy(), frame["split"].to_numpy()
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    blocks = SERIES.fit_blocks(data, train)
    matrices = dict(blocks.transform(data))
    matrices["all"] = np.hstack([8 * each / np.sqrt(each.shape[1]) for each in matrices.values()])

    def score(matrix, model):
        return float(model.fit(matrix[train], labels[train]).score(matrix[test], labels[test]))

    found = {name: score(matrix, LogisticRegression(max_iter=500)) for name, matrix in matrices.items()}
    ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
    return found | {"minirocket + ridge": score(_rocket(blocks.convolutions, data), ridge)}


def _rocket(fitted: parts.Convolutions, data) -> np.ndarray:
    values = parts.at_length(data, np.arange(data.rows), fitted.kernels.length)
    scaled = (values - fitted.mean[:, None]) / fitted.std[:, None]
    return fitted.kernels.transform(np.nan_to_num(scaled))


def _timed(name: str, compute):
    start, used = time.perf_counter(), time.process_time()
    found = compute()
    passed, worked = time.perf_counter() - start, time.process_time() - used
    print(f"{name}: {passed:.2f} s, {worked:.2f} s of CPU", flush=True)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quality", action="store_true", help="accuracy instead of seconds")
    chosen = parser.parse_args()
    forget()
    (quality if chosen.quality else seconds)()
