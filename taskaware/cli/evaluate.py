"""`taskaware evaluate`: how good the evaluator is on tasks left out of its fit."""

from typing import Any

from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.study import add_run_options, run_config


def run(arguments: Arguments) -> None:
    """Evaluate, or resume an interrupted evaluation.

    Raises:
        UserError: a setting or the experience is not valid.
        EngineError: jobs failed.
    """
    from taskaware.studies.evaluate import EvaluateSettings

    chosen: dict[str, Any] = {"methods": tuple(arguments.methods)} if arguments.methods else {}
    settings = EvaluateSettings(
        experience=arguments.experience,
        space=arguments.space,
        folds=arguments.folds,
        seeds=arguments.seeds,
        **chosen,
    )
    run_config(settings, "evaluate", arguments)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "experience",
        metavar="STORE",
        nargs="?",
        default="shipped",
        help="path or URL of a store, or 'shipped' (default)",
    )
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="only these methods (default: all)")
    parser.add_argument(
        "--folds",
        type=whole(2, 10_000),
        default=5,
        metavar="N",
        help="folds of tasks; one at a time is left out (default: 5)",
    )
    parser.add_argument(
        "--seeds", type=whole(1, 10_000), default=5, metavar="N", help="repetitions (default: 5)"
    )
    parser.add_argument(
        "--space",
        default="compact",
        metavar="compact|published|universal",
        help="space of the architectures (default: compact)",
    )
    add_run_options(parser)


COMMAND = Command(
    "evaluate",
    "Measure recommendations on held-out tasks, and compare them with simpler methods.",
    ("taskaware evaluate --report", "taskaware evaluate experience.sqlite --seeds 3 --engine processes"),
    _add_arguments,
    run,
)
