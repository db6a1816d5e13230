"""`taskaware improve`: train and learn from the architectures that gradient ascent designs."""

from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.study import add_run_options, run_config


def run(arguments: Arguments) -> None:
    """Do rounds of designs, or resume them.

    Raises:
        UserError: a setting is not valid.
        EngineError: jobs failed.
    """
    from taskaware.studies.improve import ImproveSettings

    settings = ImproveSettings(
        suite=tuple(arguments.suite),
        tasks=tuple(arguments.tasks or ()),
        space=arguments.space,
        designs=arguments.designs,
        rounds=arguments.rounds,
        trainings=arguments.trainings,
        store=arguments.store,
    )
    run_config(settings, "improve", arguments)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "suite", metavar="SUITE", nargs="+", help="'bundled', or a folder of datasets with an index.csv"
    )
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="only these tasks of the suite")
    parser.add_argument(
        "--designs",
        type=whole(1, 1_000),
        default=8,
        metavar="N",
        help="architectures designed and trained for each task in a round (default: 8)",
    )
    parser.add_argument(
        "--rounds",
        type=whole(1, 100),
        default=2,
        metavar="N",
        help="rounds, at most; they end earlier when the designs get no better (default: 2)",
    )
    parser.add_argument(
        "--trainings",
        type=whole(0, 10_000_000),
        default=0,
        metavar="N",
        help="trainings of all rounds, at most; 0 for no limit (default: 0)",
    )
    parser.add_argument(
        "--space",
        default="compact",
        metavar="NAME",
        help="name of a space, such as 'universal' for other kinds of data than tables (default: compact)",
    )
    parser.add_argument(
        "--store",
        default="experience.sqlite",
        metavar="STORE",
        help="path or URL of your experience (default: experience.sqlite)",
    )
    add_run_options(parser)


COMMAND = Command(
    "improve",
    "Design architectures for held-out tasks, train them and learn from them, in rounds.",
    (
        "taskaware improve bundled my-tables",
        "taskaware improve my-tables --designs 4 --rounds 3 --engine processes",
        "taskaware improve my-texts --space universal",
    ),
    _add_arguments,
    run,
)
