"""Searches for recurrent cells, and the best cells beside an LSTM, trained for longer; see README.md.

python experiments/recurrent-cells/cells.py ptb-small.parquet

The same command goes on where it was stopped.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.objectives.result import SearchResult
from taskaware.spaces import RecurrentCellSpace

sys.path.append(str(Path(__file__).parents[1]))
from gains import control_of, figure, mean_error, paired, show


def control_space(base: int) -> RecurrentCellSpace:
    """The published control experiment: max and sin among the functions.

    Args:
        base: leaves of the tree.
    """
    return ta.spaces.recurrent_cells(
        base,
        combinations=("add", "elem_mult", "max"),
        activations=("identity", "tanh", "sigmoid", "relu", "sin"),
    )


SEARCHED = ta.objectives.LanguageSettings(
    vocabulary=500, units=32, streams=16, window=20, epochs=3, learning_rate=0.02
)
LONGER = ta.objectives.LanguageSettings(
    vocabulary=2000, units=32, streams=16, window=25, epochs=10, learning_rate=0.01
)

Texts = dict[str, list[str]]


class Size(NamedTuple):
    """How much is trained: cells and lines of a search, lines by words and by characters afterwards.

    There are half as many lines for the validation as for the training.
    """

    budget: int = 32
    lines: int = 250
    words: int = 1600
    characters: int = 500
    searched: ta.objectives.LanguageSettings = SEARCHED
    longer: ta.objectives.LanguageSettings = LONGER
    space: RecurrentCellSpace = ta.spaces.recurrent_cells()


SMALL = ta.objectives.LanguageSettings(units=4, streams=2, window=5, epochs=1)
SMOKE = Size(3, 40, 40, 40, SMALL, SMALL, ta.spaces.recurrent_cells(2))


def texts(path: Path | None) -> Texts:
    """The validation text of Penn Treebank to learn from, and the halves of its test text to score."""
    if path is None:
        return {name: ["the cat sat on the mat"] * 40 for name in ("train", "valid", "test")}
    frame = pd.read_parquet(path)
    train, rest = (frame.loc[frame["split"] == part, "text"].tolist() for part in ("val", "test"))
    return {"train": train, "valid": rest[: len(rest) // 2], "test": rest[len(rest) // 2 :]}


def searches(
    space: RecurrentCellSpace, given: Texts, size: Size, chosen: argparse.Namespace
) -> Iterator[SearchResult]:
    """A search by REINFORCE for each seed, with a random search of the same budget beside it.

    Args:
        space: of the cells.
        given: the whole texts.
        size: of the searches.
        chosen: arguments of the command.
    """
    part = {"train": given["train"][: size.lines], "valid": given["valid"][: size.lines // 2]}
    settings = dataclasses.replace(size.searched, by=chosen.by)
    # One cell at a time is quickest on a CPU.
    objective = ta.objectives.language_model(space, part, settings, together=1)
    controller = ta.strategies.reinforce(
        4,
        learning_rate=0.01,
        reward="inverse_square",
        scale=80.0 if chosen.by == "word" else 1.0,
        entropy=1e-5,
    )
    for seed in range(chosen.seeds):
        began = time.process_time()
        found = ta.search(
            space,
            controller,
            objective=objective,
            budget=size.budget,
            seed=seed,
            journal=chosen.out / f"{_name(chosen)}-{seed}.jsonl",
            resume=True,
            control=True,
            progress=False,
        )
        if found.stopped or found.control is None or found.control.stopped:
            raise KeyboardInterrupt
        took = time.process_time() - began
        ends = f"reinforce {-found.best.score:.2f}, random {-found.control.best.score:.2f}"
        print(f"seed {seed}: {ends}, {took:.0f} s", flush=True)
        yield found


def longer(
    space: RecurrentCellSpace, cells: dict[str, np.ndarray], given: Texts, chosen: argparse.Namespace, **how
) -> None:
    """Train the cells for longer with several seeds, and print validation and test metric.

    What is trained is kept in a file, and not trained again.

    Args:
        space: of the cells.
        cells: points by name.
        given: texts.
        chosen: arguments of the command.
        how: the settings, and the seeds.
    """
    kept = chosen.out / f"{_name(chosen)}-longer.json"
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    settings = how["settings"]
    rows: dict[str, list[list[float]]] = {}
    for seed in range(how["seeds"]):
        objective = ta.objectives.language_model(
            space, given, dataclasses.replace(settings, seed=seed), together=1
        )
        for name, point in cells.items():
            key = f"{objective.about} {point.astype(int).tolist()}"
            if key not in known:
                began = time.process_time()
                found = objective.evaluate(point[None])
                assert found.test_score is not None  # the texts have a part to test
                scores = -float(found.score[0]), -float(found.test_score[0])
                numbers = [*scores, time.process_time() - began]
                known[key] = numbers
                kept.write_text(json.dumps(known), encoding="utf-8")
                print(settings.by, seed, name, *(f"{number:.2f}" for number in numbers), flush=True)
            rows.setdefault(name, []).append(known[key])
    metric = "perplexity" if settings.by == "word" else "bits per character"
    print(f"\n| by {settings.by}, {how['seeds']} seeds | validation {metric} | test | CPU seconds |")
    print("|---|---|---|---|")
    for name, lines in rows.items():
        means, errors = mean_error(np.array(lines))
        cells_of_row = " | ".join(f"{m:.2f} ± {e:.2f}" for m, e in zip(means[:2], errors[:2], strict=True))
        print(f"| {name} | {cells_of_row} | {means[2]:.0f} |", flush=True)


def _name(chosen: argparse.Namespace) -> str:
    return "control" if chosen.control else chosen.by


def _best(found: list[SearchResult], space: RecurrentCellSpace, chosen: argparse.Namespace) -> dict:
    """The best cell of all searches of each strategy, drawn and as code, beside the known ones."""
    best = max(found, key=lambda each: each.best.score)
    best.draw().savefig(chosen.out / f"{_name(chosen)}-best.png", dpi=90, bbox_inches="tight")
    (chosen.out / f"{_name(chosen)}_best.py").write_text(best.source(), encoding="utf-8")
    drawn = max((control_of(each).best for each in found), key=lambda each: each.score)
    return {"best of reinforce": best.best.point, "best of random": drawn.point}


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "data", nargs="?", type=Path, help="a Parquet file with the columns text and split (val, test)"
    )
    parser.add_argument("--by", choices=("word", "character"), default="word", help="of the searches")
    parser.add_argument("--control", action="store_true", help="with max and sin among the functions")
    parser.add_argument("--seeds", type=int, default=3, help="of the searches; 0 for known cells alone")
    parser.add_argument("--budget", type=int, help="cells of each search; a larger one goes on")
    parser.add_argument("--longer", type=int, default=3, help="seeds of the longer trainings; 0 for none")
    parser.add_argument("--rate", type=float, help="learning rate of the longer trainings (0.01)")
    parser.add_argument("--transfer", action="store_true", help="train the best cells by characters, too")
    parser.add_argument("--out", type=Path, default=Path("runs") / "recurrent-cells")
    parser.add_argument("--smoke", action="store_true", help="a tiny version, without data")
    chosen = parser.parse_args(given)
    if chosen.data is None and not chosen.smoke:
        parser.error("give the Parquet file, or --smoke")
    chosen.out.mkdir(parents=True, exist_ok=True)
    size = SMOKE if chosen.smoke else Size()
    size = size._replace(budget=chosen.budget or size.budget)
    space = size.space if not chosen.control else control_space(size.space.base)
    given_texts = texts(chosen.data)
    found = list(searches(space, given_texts, size, chosen))
    cells = {}
    if found:
        pair = paired(found)
        show(pair, 2)
        figure({_name(chosen): pair}, chosen.out / f"{_name(chosen)}.png", "perplexity")
        cells = _best(found, space, chosen)
    if not chosen.smoke:
        cells |= {"LSTM": space.named("lstm"), "published": space.named("published")}
    for by, lines in [("word", size.words), ("character", size.characters)][: 1 + chosen.transfer]:
        if chosen.longer:
            part = {name: rows[:lines] for name, rows in given_texts.items()}
            rate = chosen.rate or size.longer.learning_rate
            settings = dataclasses.replace(size.longer, by=by, learning_rate=rate)
            longer(space, cells, part, chosen, settings=settings, seeds=chosen.longer)


if __name__ == "__main__":
    main()
