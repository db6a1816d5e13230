"""How busy one driver keeps many workers: a simulation, no training.

A driver hands out jobs one at a time and needs `--driver` seconds for each, there and back; workers take the
next one when they are free. Printed is the share of the time that workers spend at work.
"""

import argparse
import heapq

import numpy as np


def busy(workers: int, driver: float, mean: float, jobs: int, *, spread: float = 0.5, seed: int = 0) -> float:
    """Share of the workers' time that is work, from the first job to the last end.

    Args:
        workers: that there are.
        driver: seconds that the driver needs for a job.
        mean: seconds that a job takes, log-normal with the standard deviation `spread` of its logarithm.
        jobs: in all.
    """
    lengths = np.random.default_rng(seed).lognormal(np.log(mean) - spread**2 / 2, spread, jobs)
    free, clock, last = [0.0] * workers, 0.0, 0.0
    for length in lengths:
        clock = max(clock, heapq.heappop(free)) + driver
        heapq.heappush(free, clock + length)
        last = max(last, clock + length)
    return float(lengths.sum() / (workers * last))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", type=float, default=0.004, help="seconds of the driver for a job")
    parser.add_argument("--mean", type=float, default=12.8, help="seconds of a job")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[100, 400, 1600, 3200, 6400])
    arguments = parser.parse_args()
    print("| workers | busy |\n|---|---|")
    for workers in arguments.workers:
        print(f"| {workers:,} | {busy(workers, arguments.driver, arguments.mean, arguments.jobs):.0%} |")


if __name__ == "__main__":
    main()
