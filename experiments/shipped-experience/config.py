"""The experience and the evaluator that come with the package; see README.md."""

from pathlib import Path

from taskaware.objectives.collect import CollectSettings
from taskaware.runner import RunnerSettings
from taskaware.studies.shipped import ShipSettings

WORKERS = RunnerSettings(engine="processes")

SMALL = ("iris", "wine", "glass", "ecoli", "heart.c", "sonar", "zoo", "autoprice", "bodyfat", "pwlinear")
"""Tables for the published space, whose networks of 256 units compile for long."""

EXTENDED = tuple(Path(__file__).with_name("extended.txt").read_text(encoding="utf-8").split())
"""Tables for the space extended: drawn from those whose arrays share four compiled shapes."""


def config() -> ShipSettings:
    """256 architectures on every table; small tables are noisy and cheap, and are trained with more seeds."""
    return ShipSettings(
        collect=CollectSettings(
            suite=("bundled", "data"),
            architectures=256,
            seeds=3,
            seed_rows=(1100, 450),
            store="experience.sqlite",
            runner=WORKERS,
        ),
        variants=CollectSettings(
            suite=("bundled", "data"),
            architectures=80,
            variants=2,
            store="experience.sqlite",
            runner=WORKERS,
        ),
        tables=CollectSettings(
            suite=("tables",),
            architectures=96,
            batch=96,
            store="tables.sqlite",
            runner=WORKERS,
        ),
        tables_variants=CollectSettings(
            suite=("tables",),
            architectures=64,
            variants=2,
            store="tables.sqlite",
            runner=WORKERS,
        ),
        published=CollectSettings(
            suite=("bundled", "data"),
            tasks=SMALL,
            space="published",
            architectures=24,
            store="experience.sqlite",
            runner=WORKERS,
        ),
        kinds=CollectSettings(
            suite=("kinds",),
            space="universal",
            architectures=32,
            batch=32,
            store="kinds.sqlite",
            runner=WORKERS,
        ),
        extended=CollectSettings(
            suite=("bundled", "data", "tables"),
            tasks=EXTENDED,
            space="extended",
            architectures=96,
            turns=4,
            coarse=True,
            store="extended.sqlite",
        ),
        held_back=("breast-cancer",),  # `make demo` uses it
        price=(0.032, 4.0, 0.0),  # of the first round of experiments/designs
        price_of_kinds=(0.046, 4.0, 0.882),  # of its round for other kinds of data
        into="taskaware/shipped",
    )
