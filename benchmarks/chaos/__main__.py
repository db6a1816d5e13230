"""What goes wrong on real machines, again and again: `make chaos`.

    python -m benchmarks.chaos --only saves --saves 400

Parts:
    studies  studies are killed at random, resumed, and compared with undisturbed ones
    searches searches are killed at random, go on by their journal, and are compared with undisturbed ones
    saves    a process that saves a model into the same folder again and again is killed
    readers  two processes save into one folder while two load from it
    jobs     jobs raise, never end, start processes, kill their worker, send what cannot be read
    twice    the same command is started twice at once

Each part prints a line. The exit code is 1 if anything was lost, damaged, done twice or left behind.
"""

import argparse
import importlib
import sys
from collections.abc import Callable

PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "studies": lambda found: _part("studies").report(
        kills=found.kills, jobs=found.jobs, engine=found.engine, real=found.real, seed=found.seed
    ),
    "searches": lambda found: _part("searches").report(kills=found.kills, seed=found.seed),
    "saves": lambda found: _part("saves").report(kills=found.saves, seed=found.seed),
    "readers": lambda found: _part("readers").report(seconds=found.seconds),
    "jobs": lambda found: _part("jobs").report(each=found.each),
    "twice": lambda found: _part("twice").report(rounds=found.rounds),
}


def _part(name: str):
    return importlib.import_module(f"benchmarks.chaos.{name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts; all by default")
    parser.add_argument("--kills", type=int, default=20, help="studies, searches: kills for each engine")
    parser.add_argument("--jobs", type=int, default=200, help="studies: jobs of each")
    parser.add_argument("--engine", default="", help="studies: one engine; serial and processes by default")
    parser.add_argument("--real", action="store_true", help="studies: really train")
    parser.add_argument("--saves", type=int, default=400, help="saves: kills")
    parser.add_argument("--seconds", type=float, default=20.0, help="readers: so long")
    parser.add_argument("--each", type=int, default=5, help="jobs: bad jobs of each kind")
    parser.add_argument("--rounds", type=int, default=40, help="twice: pairs of starts")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    arguments = parser.parse_args()
    status = 0
    for name in arguments.only:
        try:
            print(PARTS[name](arguments), flush=True)
        except AssertionError as violation:
            print(f"{name}: FAILED: {violation}", file=sys.stderr, flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
