"""The blocks of sounds: seconds and columns of each; with --quality, how well a linear model does with them.

Time: made-up clips of half a second, warm. Quality: real tasks from a folder with an index.csv
($TASKAWARE_DATA), their own test part, or a part drawn by a seed where there is none. Beside the blocks
stands the usual baseline: means and spreads of 20 cepstral coefficients and their slopes, with boosted trees.
"""

import argparse
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io.wavfile
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from taskaware.modalities.audio.analysis import described
from taskaware.modalities.audio.modality import AUDIO
from taskaware.modalities.audio.patches import Patches
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.audio.spectra import Grid, cepstra, frames_of
from taskaware.modalities.cache import forget

STRENGTHS = (0.003, 0.03, 0.3)
"""Of logistic regression's C, chosen by the validation part."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=3000, help="made-up clips")
    parser.add_argument("--rate", type=int, default=16_000, help="samples a second of the made-up clips")
    parser.add_argument("--quality", action="store_true", help="accuracy on the real tasks instead")
    given = parser.parse_args()
    quality() if given.quality else speed(given.clips, given.rate)


def speed(clips: int, rate: int) -> None:
    """Print the seconds of each step for made-up clips."""
    warm(made_up(50, rate))
    files = made_up(clips, rate)
    data = timed("reading", lambda: AUDIO.parse(files, column="audio").data)
    rows = np.arange(int(0.8 * clips))
    analysed = timed("analysis (mel, cepstrum)", lambda: described(data))
    patches = timed("sound_patches, learned", lambda: Patches.fit(analysed.take(rows).frames))
    timed("sound_patches, computed", lambda: patches.transform(data, analysed))
    forget()
    found = timed("all blocks", lambda: AUDIO.fit_blocks(data, rows).transform(data))
    again = timed("reading, second call", lambda: AUDIO.parse(files, column="audio").data)
    timed("all blocks, second call", lambda: AUDIO.fit_blocks(again, rows).transform(again))
    print("columns:", ", ".join(f"{name} {matrix.shape[1]}" for name, matrix in found.items()))


def warm(files: list[bytes]) -> None:
    """Import what the blocks need."""
    data = AUDIO.parse(files, column="audio").data
    AUDIO.fit_blocks(data, np.arange(data.rows)).transform(data)


def timed(what: str, work: Callable):
    """The result of the work; its wall and processor seconds are printed."""
    began, used = time.perf_counter(), time.process_time()
    found = work()
    print(f"{what:<28} {time.perf_counter() - began:6.2f} s  (processor {time.process_time() - used:.2f} s)")
    return found


def made_up(clips: int, rate: int) -> list[bytes]:
    """WAV files of half a second: a tone of random pitch that fades, in noise."""
    rng, files = np.random.default_rng(0), []
    moments = np.arange(rate // 2) / rate
    for _ in range(clips):
        tone = np.sin(2 * np.pi * rng.uniform(100, rate / 3) * moments) * np.exp(
            -moments * rng.uniform(1, 20)
        )
        sound = 0.3 * tone + 0.03 * rng.normal(size=len(moments))
        file = io.BytesIO()
        scipy.io.wavfile.write(file, rate, (32767 * np.clip(sound, -1, 1)).astype(np.int16))
        files.append(file.getvalue())
    return files


def quality() -> None:
    """Print a table of test accuracies: real tasks by blocks."""
    rows = [{"task": name, **scores(*parts)} for name, *parts in tasks()]
    table = pd.DataFrame(rows).set_index("task")
    table.loc["mean"] = table.mean()
    print(table.round(3).to_string())


def tasks():
    """(name, data, labels, part of each row) of the real tasks, and sub-tasks of the spoken digits."""
    folder = Path(os.environ["TASKAWARE_DATA"]) / "audio"
    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)
        data = AUDIO.parse(frame["audio"].tolist(), column="audio").data
        label = frame["label"].astype(str).to_numpy()
        yield path.stem, data, label, parts_of(frame)
        if "speaker" in frame:
            speaker = frame["speaker"].astype(str).to_numpy()
            yield "speakers", data, speaker, parts_of(frame)
            names = np.unique(speaker)
            parts = np.where(speaker == names[0], "test", np.where(speaker == names[1], "val", "train"))
            yield "digits of a new speaker", data, label, parts


def parts_of(frame: pd.DataFrame) -> np.ndarray:
    """The frame's own parts, or 70, 15 and 15 % by a seed."""
    if "split" in frame:
        return frame["split"].to_numpy()
    place = np.random.default_rng(0).permutation(len(frame)) / len(frame)
    return np.select([place < 0.7, place < 0.85], ["train", "val"], "test")


def scores(data: Sounds, label: np.ndarray, part: np.ndarray) -> dict[str, float]:
    """Test accuracy of each block, of all, and of the baseline."""
    train = np.flatnonzero(part == "train")
    blocks = AUDIO.fit_blocks(data, train).transform(data)
    found = {name: linear(matrix, label, part) for name, matrix in blocks.items()}
    found["all"] = linear(np.hstack(list(blocks.values())), label, part)
    learned = np.flatnonzero(part != "test")
    boosted = HistGradientBoostingClassifier(random_state=0, max_iter=100)
    matrix = baseline(data)
    boosted.fit(matrix[learned], label[learned])
    return {**found, "baseline": boosted.score(matrix[part == "test"], label[part == "test"])}


def linear(matrix: np.ndarray, label: np.ndarray, part: np.ndarray) -> float:
    """Test accuracy of logistic regression whose strength the validation part chooses."""
    train, val, test = (np.flatnonzero(part == name) for name in ("train", "val", "test"))

    def model(strength: float, rows: np.ndarray) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=500).fit(matrix[rows], label[rows])

    best = max(STRENGTHS, key=lambda strength: model(strength, train).score(matrix[val], label[val]))
    both = np.concatenate([train, val])
    return float(model(best, both).score(matrix[test], label[test]))


def baseline(data: Sounds) -> np.ndarray:
    """Means and spreads of cepstral coefficients and of their slopes, (N, 80)."""
    found = cepstra(frames_of(data.clips, Grid(data.rate)).log_mel)
    return np.hstack([found.mean, found.std, found.delta.mean, found.delta.std])


if __name__ == "__main__":
    main()
