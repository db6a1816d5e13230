"""Candidates per second beside scikit-learn's MLP one after the other, and beside a plain PyTorch loop.

All three train the same candidates: plain relu networks of three hidden layers of one width, on the same
input columns, with the same batch size and number of steps. PyTorch is measured where it is installed
(`pip install torch`; on a GPU it uses the GPU). The trainers take turns, so that a busy machine slows all.
"""

import argparse
import importlib.util
import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from taskaware.modalities.suites import bundled_suite
from taskaware.spaces.mixture_draws import CORNER
from taskaware.spaces.mixture_parts import Point
from taskaware.spaces.presets import COMPACT
from taskaware.training.prepare import batches, prepare
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

SPACE = COMPACT
RECIPE = TrainingRecipe()


def plain_networks(width: int, count: int) -> np.ndarray:
    """`count` networks of three relu layers of a width, with different learning rates."""
    alpha = np.zeros((count, *SPACE.shapes.alpha), np.float32)
    alpha[..., SPACE.baselines.index((width, "relu"))] = CORNER
    beta = np.tile(np.array([CORNER, 0], np.float32), (count, SPACE.layers, 1))
    gamma = np.zeros((count, *SPACE.shapes.gamma), np.float32)
    recipe = np.tile(np.linspace(0.2, 0.8, count, dtype=np.float32)[:, None], (1, len(SPACE.recipe)))
    recipe[:, 2] = 0.0
    return np.asarray(SPACE.encode(Point(*map(jnp.asarray, (alpha, beta, gamma, recipe)))))


def ours(prepared, width: int, count: int) -> float:
    train(SPACE, plain_networks(width, count), prepared, RECIPE, seed=0)
    return time.perf_counter()


def scikit_learn(prepared, width: int, count: int) -> float:
    x, y = (
        np.asarray(prepared.arrays.x.numbers)[prepared.train],
        np.asarray(prepared.arrays.y)[prepared.train],
    )
    epochs = max(1, round(RECIPE.steps * RECIPE.batch_size / len(x)))
    for _ in range(count):
        model = MLPClassifier((width,) * 3, batch_size=min(RECIPE.batch_size, len(x)), max_iter=epochs, tol=0)
        model.n_iter_no_change = epochs + 1
        model.fit(x, y)
    return time.perf_counter()


def pytorch(prepared, width: int, count: int) -> float:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    x = torch.tensor(np.asarray(prepared.arrays.x.numbers), device=device)
    y = torch.tensor(np.asarray(prepared.arrays.y), device=device).long()
    rows = torch.tensor(batches(prepared.train, 0, RECIPE.steps, RECIPE.batch_size), device=device).long()
    outputs = len(prepared.arrays.allowed)
    for _ in range(count):
        sizes = [x.shape[1], width, width, width]
        layers = [
            m
            for a, b in zip(sizes, sizes[1:], strict=False)
            for m in (torch.nn.Linear(a, b), torch.nn.ReLU())
        ]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(width, outputs)).to(device)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
        for picked in rows:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[picked]), y[picked]).backward()
            optimizer.step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def trainers() -> dict:
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed and is left out: pip install torch")
        return {"taskaware": (ours, 1), "scikit-learn": (scikit_learn, 8)}
    return {"taskaware": (ours, 1), "scikit-learn": (scikit_learn, 8), "pytorch": (pytorch, 8)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--candidates", type=int, default=32, help="trained by taskaware; the others train an eighth"
    )
    parser.add_argument("--rounds", type=int, default=3, help="the median is reported")
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--tasks", nargs="+", default=["breast-cancer", "digits"])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    measured = trainers()
    print(f"{jax.default_backend()}, {RECIPE.steps} steps of {RECIPE.batch_size} rows; candidates per second")
    for name in arguments.tasks:
        prepared = prepare(bundled_suite().task(name), 0, RECIPE)
        for width in arguments.widths:
            began = time.perf_counter()
            first = ours(prepared, width, arguments.candidates) - began
            rates: dict[str, list[float]] = {trainer: [] for trainer in measured}
            for _ in range(arguments.rounds):
                for trainer, (run, share) in measured.items():
                    count = max(1, arguments.candidates // share)
                    began = time.perf_counter()
                    rates[trainer].append(count / (run(prepared, width, count) - began))
            middle = {trainer: float(np.median(values)) for trainer, values in rates.items()}
            others = ", ".join(
                f"{t} {r:.1f} ({middle['taskaware'] / r:.1f} x)"
                for t, r in middle.items()
                if t != "taskaware"
            )
            compiling = first - arguments.candidates / middle["taskaware"]
            columns = prepared.arrays.x.numbers.shape[1]
            what = f"{name:<14} {columns:>5} columns, width {width:>3}"
            own = f"taskaware {middle['taskaware']:.1f}, {others}; compiling {max(compiling, 0):.1f} s"
            print(f"  {what}: {own}", flush=True)


if __name__ == "__main__":
    main()
