"""Blocks of images: seconds and width of each; with --quality how well plain models do with them.

    python benchmarks/blocks_images.py
    python benchmarks/blocks_images.py --quality --data /folder/with/index.csv mnist fruit

Quality: a ridge classifier on each block and on all side by side, beside the baseline of the field: HOG of
scikit-image (cells of 8 pixels, blocks of 2 x 2) with a linear support vector machine. The penalty is chosen
on the validation part (a fifth of the training part where there is none). Figures are test accuracies.
"""

import argparse
import csv
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from taskaware.modalities.cache import forget
from taskaware.modalities.images.modality import IMAGES
from taskaware.modalities.images.pictures import Pictures
from taskaware.modalities.images.raw import working_of
from taskaware.modalities.images.resize import grey, squares

PENALTIES = 10.0 ** np.arange(-2, 5)
MOST_TRAINED, MOST_TESTED = 3000, 2000


def made(rows: int, side: int) -> np.ndarray:
    """Images of noise over coarse squares, (rows, side, side, 3) uint8."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (rows, side // 4, side // 4, 3)).repeat(4, 1).repeat(4, 2)
    return np.clip(coarse + rng.normal(0, 30, coarse.shape), 0, 255).astype(np.uint8)


def speed(rows: int, side: int) -> None:
    """Print seconds of a first and a second call, wall and processor time."""
    data, every = IMAGES.parse(IMAGES.values_of(made(rows, side)), column="image").data, np.arange(rows)
    few = data.take(every[:200])
    IMAGES.fit_blocks(few, every[:200]).transform(few)  # imports, and the first use of threads
    forget()
    for call in ("first call", "second call"):
        began, busy = time.perf_counter(), time.process_time()
        blocks = IMAGES.fit_blocks(data, every)
        fitted = time.perf_counter()
        blocks.transform(data)
        now = time.perf_counter()
        print(
            f"{call}: fit {fitted - began:.2f} s, transform {now - fitted:.2f} s, "
            f"processor {time.process_time() - busy:.2f} s"
        )
    for name, width in blocks.widths.items():
        print(f"{name:14} {width:4} columns")


def parts(path: Path) -> tuple[list, np.ndarray, np.ndarray]:
    """Images, class indices and split of a set; at most 3,000 rows to train and validate, 2,000 to test."""
    frame = pd.read_parquet(path)
    training = frame["split"] != "test"
    frame = pd.concat(
        [
            each.sample(min(len(each), most), random_state=0)
            for each, most in ((frame[training], MOST_TRAINED), (frame[~training], MOST_TESTED))
        ]
    )
    split = frame["split"].to_numpy(copy=True)
    if "val" not in split:
        rows = np.random.default_rng(0).permutation(np.flatnonzero(split == "train"))
        split[rows[: len(rows) // 5]] = "val"
    return frame["image"].tolist(), np.unique(frame["label"], return_inverse=True)[1], split


def ridge(features: np.ndarray, target: np.ndarray, split: np.ndarray) -> tuple[float, float]:
    """Validation and test accuracy of the best penalty."""
    from sklearn.linear_model import RidgeClassifier

    train, val, test = (split == part for part in ("train", "val", "test"))
    scores = []
    for penalty in PENALTIES:
        model = RidgeClassifier(alpha=penalty).fit(features[train], target[train])
        scores.append((model.score(features[val], target[val]), model.score(features[test], target[test])))
    return max(scores, key=lambda pair: pair[0])


def baseline(data: Pictures, target: np.ndarray, split: np.ndarray) -> tuple[float, float]:
    """HOG and a linear support vector machine."""
    from skimage.feature import hog
    from sklearn.svm import LinearSVC

    side = working_of(data).side
    images = grey(squares(data.pixels, side, 3))
    features = np.stack([hog(each, pixels_per_cell=(8, 8), cells_per_block=(2, 2)) for each in images])
    train, val, test = (split == part for part in ("train", "val", "test"))
    scores = []
    for strength in (0.01, 0.1, 1.0, 10.0):
        model = LinearSVC(C=strength, max_iter=2000).fit(features[train], target[train])
        scores.append((model.score(features[val], target[val]), model.score(features[test], target[test])))
    return max(scores, key=lambda pair: pair[0])


def quality(folder: Path, wanted: list[str]) -> None:
    """Print one line for each set and the mean."""
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["modality"] == "image"]
    table = {}
    for row in rows:
        if wanted and row["name"] not in wanted:
            continue
        values, target, split = parts(folder / row["file"])
        data = IMAGES.parse(values, column="image").data
        blocks = IMAGES.fit_blocks(data, np.flatnonzero(split == "train")).transform(data)
        found = {name: ridge(matrix, target, split)[1] for name, matrix in blocks.items()}
        found["all"] = ridge(np.concatenate(list(blocks.values()), axis=1), target, split)[1]
        found["HOG + SVM"] = baseline(data, target, split)[1]
        table[row["name"]] = found
        print(pd.DataFrame({row["name"]: found}).T.round(3).to_string(header=len(table) == 1), flush=True)
    print(pd.DataFrame(table).T.mean().round(4).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", help="names of sets for --quality; all by default")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--data", type=Path, default=os.environ.get("TASKAWARE_DATA"))
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--side", type=int, default=32)
    asked = parser.parse_args()
    if not asked.quality:
        speed(asked.rows, asked.side)
    elif asked.data is None:
        parser.error("--quality requires --data, or TASKAWARE_DATA in the environment")
    else:
        quality(asked.data, asked.sets)


if __name__ == "__main__":
    main()
