"""`taskaware compare`: search strategies at equal budget."""

from typing import Any

from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.study import add_run_options, run_config

OF_TABLES = ("random", "local_search", "aging_evolution")
"""Strategies that are compared on tables of known scores, unless others are named."""


def run(arguments: Arguments) -> None:
    """Compare, or resume an interrupted comparison.

    Raises:
        UserError: a setting is not valid.
        EngineError: jobs failed.
    """
    from taskaware.studies.compare import CompareSettings

    chosen: dict[str, Any] = {"strategies": tuple(arguments.strategies)} if arguments.strategies else {}
    if arguments.score and not arguments.strategies:
        chosen["strategies"] = OF_TABLES
    settings = CompareSettings(
        suite=tuple(arguments.suite),
        tasks=tuple(arguments.tasks or ()),
        budget=arguments.budget,
        seeds=arguments.seeds,
        store=arguments.store,
        space=arguments.space,
        decisions=tuple(arguments.decisions or ()),
        score=arguments.score,
        test=arguments.test,
        losses=arguments.losses,
        **chosen,
    )
    run_config(settings, "compare", arguments)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "suite",
        metavar="SUITE",
        nargs="+",
        help="'bundled', 'bundled-images', a folder with an index.csv, or (with --score) tables of scores",
    )
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="only these tasks of the suite")
    parser.add_argument(
        "--strategies", nargs="+", metavar="NAME", help="only these strategies (default: three common ones)"
    )
    parser.add_argument(
        "--space", default="compact", metavar="SPACE", help="'compact' or another preset, or a space.json"
    )
    parser.add_argument("--decisions", nargs="+", metavar="COLUMN", help="columns of the decisions")
    parser.add_argument("--score", default="", metavar="COLUMN", help="column to maximise")
    parser.add_argument("--test", default="", metavar="COLUMN", help="column of the test score")
    parser.add_argument(
        "--losses", action="store_true", help="--score and --test are losses: smaller is better"
    )
    parser.add_argument(
        "--budget",
        type=whole(1, 1_000_000),
        default=48,
        metavar="N",
        help="trainings of each search (default: 48)",
    )
    parser.add_argument(
        "--seeds", type=whole(1, 10_000), default=3, metavar="N", help="searches on each task (default: 3)"
    )
    parser.add_argument(
        "--store", default="", metavar="STORE", help="path or URL of a store that records every training"
    )
    add_run_options(parser)


COMMAND = Command(
    "compare",
    "Compare search strategies at equal budget, with trainings or on tables of known scores.",
    (
        "taskaware compare bundled --tasks iris wine --budget 16 --report",
        "taskaware compare my-tables --strategies random evolution --seeds 5 --engine processes",
        "taskaware compare known.csv --decisions op0 op1 --score valid --budget 500 --seeds 20",
    ),
    _add_arguments,
    run,
)
