"""`taskaware collect`: fill a store with experience."""

from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.study import add_run_options, run_config


def run(arguments: Arguments) -> None:
    """Collect, or resume an interrupted collection.

    Raises:
        UserError: a setting is not valid.
        EngineError: jobs failed.
    """
    from taskaware.objectives.collect import CollectSettings

    settings = CollectSettings(
        suite=tuple(arguments.suite),
        tasks=tuple(arguments.tasks or ()),
        variants=arguments.variants,
        space=arguments.space,
        architectures=arguments.architectures,
        seeds=arguments.seeds,
        store=arguments.store,
    )
    run_config(settings, "collect", arguments)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "suite", metavar="SUITE", nargs="+", help="'bundled', or a folder of tables with an index.csv"
    )
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="only these tasks of the suite")
    parser.add_argument(
        "--variants",
        type=whole(0, 10_000),
        default=0,
        metavar="N",
        help="altered copies of each task to add as tasks (default: 0)",
    )
    parser.add_argument(
        "--architectures",
        type=whole(1, 10_000_000),
        default=256,
        metavar="N",
        help="architectures trained on each task (default: 256)",
    )
    parser.add_argument(
        "--seeds",
        type=whole(1, 10_000),
        default=1,
        metavar="N",
        help="trainings of each architecture on each task (default: 1)",
    )
    parser.add_argument(
        "--space",
        default="compact",
        metavar="SPACE",
        help="space from which architectures are drawn: 'compact' or another preset, or a space.json; "
        "'universal' has embeddings for every kind of data, 'front' reads pixels (default: compact)",
    )
    parser.add_argument(
        "--store",
        default="experience.sqlite",
        metavar="STORE",
        help="path or URL of the store (default: experience.sqlite)",
    )
    add_run_options(parser)


COMMAND = Command(
    "collect",
    "Train random architectures on every task of a suite, and record the scores in a store.",
    (
        "taskaware collect bundled --tasks iris wine --architectures 32",
        "taskaware collect bundled --variants 4 --architectures 64",
        "taskaware collect my-tables --architectures 500 --seeds 3 --engine processes",
    ),
    _add_arguments,
    run,
)
