"""`taskaware compare`: search strategies at equal budget."""

from typing import Any

from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.study import add_run_options, run_config


def run(arguments: Arguments) -> None:
    """Compare, or resume an interrupted comparison.

    Raises:
        UserError: a setting is not valid.
        EngineError: jobs failed.
    """
    from taskaware.studies.compare import CompareSettings

    chosen: dict[str, Any] = {"strategies": tuple(arguments.strategies)} if arguments.strategies else {}
    settings = CompareSettings(
        suite=tuple(arguments.suite),
        tasks=tuple(arguments.tasks or ()),
        budget=arguments.budget,
        seeds=arguments.seeds,
        store=arguments.store,
        **chosen,
    )
    run_config(settings, "compare", arguments)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "suite", metavar="SUITE", nargs="+", help="'bundled', or a folder of tables with an index.csv"
    )
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="only these tasks of the suite")
    parser.add_argument(
        "--strategies", nargs="+", metavar="NAME", help="only these strategies (default: all)"
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
    "Compare search strategies on many tasks, each with the same number of trainings.",
    (
        "taskaware compare bundled --tasks iris wine --budget 16 --report",
        "taskaware compare my-tables --strategies random evolution --seeds 5 --engine processes",
    ),
    _add_arguments,
    run,
)
