"""`taskaware run`: an experiment from its config."""

from pathlib import Path

from taskaware.cli.parser import Arguments, Command, Parser
from taskaware.cli.study import add_run_options, run_config


def run(arguments: Arguments) -> None:
    """Run an experiment, or resume it.

    Raises:
        UserError: there is no such experiment, or a setting is not valid.
        EngineError: jobs failed.
    """
    from taskaware.studies.experiment import load_experiment

    path = Path(arguments.experiment)
    config = load_experiment(path)
    run_config(config, (path.parent if path.suffix == ".py" else path).resolve().name, arguments)


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "experiment",
        metavar="EXPERIMENT",
        help="folder with a config.py, which is executed: name only folders that you trust",
    )
    add_run_options(parser)


COMMAND = Command(
    "run",
    "Run the study of an experiment, a folder with a config.py; the same command resumes it.",
    (
        "taskaware run experiments/compare-strategies --smoke",
        "taskaware run experiments/compare-strategies --set trainer.steps=200 --engine processes --report",
    ),
    _add_arguments,
    run,
)
