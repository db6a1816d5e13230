"""Recurrent cells as models of language: a search, and its best cells beside an LSTM; see README.md.

python experiments/recurrent-cells/cells.py ptb-small.parquet --budget 16
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

import taskaware as ta


def texts(path: Path) -> dict[str, list[str]]:
    """The validation text of Penn Treebank to learn from, and the halves of its test text to score."""
    frame = pd.read_parquet(path)
    train, rest = (frame.loc[frame["split"] == part, "text"].tolist() for part in ("val", "test"))
    return {"train": train, "valid": rest[: len(rest) // 2], "test": rest[len(rest) // 2 :]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a Parquet file with the columns text and split (val, test)")
    parser.add_argument("--by", choices=("word", "character"), default="word")
    parser.add_argument("--control", action="store_true", help="with max and sin among the functions")
    parser.add_argument("--budget", type=int, default=0, help="cells of each search; 0 for none")
    parser.add_argument("--lines", type=int, default=800, help="of each text, in the searches")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--out", type=Path, help="folder for a drawing and the code of each best cell")
    arguments = parser.parse_args()
    more = (
        {
            "combinations": ("add", "elem_mult", "max"),
            "activations": ("identity", "tanh", "sigmoid", "relu", "sin"),
        }
        if arguments.control
        else {}
    )
    space = ta.spaces.recurrent_cells(**more)
    given = texts(arguments.data)
    cells = {name: space.named(name) for name in ("lstm", "published")}
    if arguments.budget:
        small = ta.objectives.LanguageSettings(by=arguments.by, units=32, epochs=3)
        part = {name: lines[: arguments.lines] for name, lines in given.items()}
        objective = ta.objectives.language_model(space, part, small)
        scale = 80.0 if arguments.by == "word" else 1.0
        strategies = {
            "reinforce": ta.strategies.reinforce(
                4, learning_rate=5e-3, reward="inverse_square", scale=scale, entropy=1e-5
            ),
            "random": ta.strategies.random(),
        }
        for name, strategy in strategies.items():
            found = ta.search(space, strategy, objective=objective, budget=arguments.budget, progress=False)
            cells[f"best of {name}"] = found.best.point
            if arguments.out:
                arguments.out.mkdir(parents=True, exist_ok=True)
                found.draw().savefig(arguments.out / f"{name}.png")
                (arguments.out / f"{name}.py").write_text(found.source(), encoding="utf-8")
            top = np.sort(found.scores[np.isfinite(found.scores)])[-5:].mean()
            print(f"{name}: best {-found.best.score:.2f}, mean of the best five {-top:.2f}", flush=True)
    settings = ta.objectives.LanguageSettings(by=arguments.by, units=arguments.units, epochs=arguments.epochs)
    objective = ta.objectives.language_model(space, given, settings, together=1)
    print(f"{'':<20}{'validation':>12}{'test':>10}{'CPU seconds':>14}")
    for name, point in cells.items():
        began = time.process_time()
        found = objective.evaluate(point[None])
        took = time.process_time() - began
        print(f"{name:<20}{-found.score[0]:>12.2f}{-found.test_score[0]:>10.2f}{took:>14.0f}", flush=True)


if __name__ == "__main__":
    main()
