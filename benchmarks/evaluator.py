"""How long an evaluator takes to learn from 10^5 and 10^6 triplets: made-up scores, random architectures."""

import argparse
import time

import jax
import numpy as np

from taskaware.spaces import MixtureSpace
from taskaware.spaces.presets import COMPACT
from taskaware.surrogates import EvaluatorSettings, TrainingData, fit_evaluator

SIZES = ((316, 316), (1000, 1000))
FEATURES = 80


def made_up(space: MixtureSpace, tasks: int, architectures: int) -> TrainingData:
    """TrainingData of T tasks and A architectures, all trained on all."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(tasks, FEATURES))
    u = np.asarray(space.sample(jax.random.key(0), architectures))
    score = 0.7 + 0.05 * np.tanh(z[:, :4] @ rng.normal(size=(4, u.shape[1])) @ u.T / 20)
    score += 0.01 * rng.normal(size=score.shape)
    top = np.sort(score, axis=1)[:, -5:].mean(1)
    spread = top - np.median(score, axis=1)
    names = tuple(f"task {number}" for number in range(tasks))
    problems = tuple(("classification", "regression")[number % 2] for number in range(tasks))
    noise, target = np.full(tasks, np.nan), (score - top[:, None]) / spread[:, None]
    return TrainingData(
        names, names, problems, names, z, u, score, score, noise, np.maximum(target, -4), top, spread
    )


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    for tasks, architectures in SIZES:
        known = made_up(COMPACT, tasks, architectures)
        for network in ("gp", "bilinear"):
            began = time.perf_counter()
            evaluator = fit_evaluator(COMPACT, known, EvaluatorSettings(network=network))
            learned = time.perf_counter() - began
            evaluator.predict(known.z[0], known.u[:8], "classification")
            ready = time.perf_counter() - began
            print(
                f"{tasks * architectures:>9,} triplets, {network:<8}  learned {learned:6.1f} s, "
                f"first prediction after {ready:6.1f} s"
            )


if __name__ == "__main__":
    main()
