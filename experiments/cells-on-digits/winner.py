"""The best cells of one search, drawn, trained to their end on more images, and tested; see README.md.

.venv/bin/python experiments/cells-on-digits/winner.py
"""

import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import taskaware as ta
from taskaware.spaces.presets import space_named
from taskaware.studies.experiment import load_experiment

HERE = Path(__file__).parent
SEARCHED = 1400
"""Images that the search and the final training see; the others are the test."""


def main() -> None:
    """Search with inherited weights, go on where an earlier start ended, then train the winner."""
    settings = load_experiment(HERE)
    digits, order = load_digits(), np.random.default_rng(0).permutation(1797)
    seen, held = order[:SEARCHED], order[SEARCHED:]
    Path("runs").mkdir(exist_ok=True)
    began = time.process_time()
    found = ta.search(
        space_named(settings.space),
        ta.strategies.aging_evolution(settings.population, settings.tournament, identity=0.0),
        task=(digits.images[seen], digits.target[seen]),
        recipe=settings.trainer,
        budget=settings.budget,
        inherit=settings.keep,
        journal=Path("runs") / "cells-on-digits.jsonl",
        resume=True,
    )
    print(f"search: {time.process_time() - began:.0f} s of CPU time")
    print(found)
    found.draw().savefig(HERE / "cells.png")
    model = found.fit((digits.images[seen], digits.target[seen]), augment=["crop"])
    print(model)
    model.save(Path("runs") / "cells-on-digits", force=True)
    again = ta.load_model(Path("runs") / "cells-on-digits")
    print(f"test accuracy on {len(held)} images: {again.score(digits.images[held], digits.target[held]):.3f}")
    print(f"in all: {time.process_time() - began:.0f} s of CPU time")


if __name__ == "__main__":
    main()
