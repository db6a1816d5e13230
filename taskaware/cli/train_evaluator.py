"""`taskaware train-evaluator`: an evaluator from your own experience."""

import json
from pathlib import Path

from taskaware.cli.output import check_outputs
from taskaware.cli.parser import Arguments, Command, Parser, whole
from taskaware.cli.tasks import card_text


def run(arguments: Arguments) -> None:
    """Fit an evaluator, and write the file.

    Raises:
        UserError: the file exists, or the experience is not valid.
    """
    check_outputs({"--out": arguments.out}, force=arguments.force, source=arguments.experience)
    from taskaware.recommendation.teach import train_evaluator
    from taskaware.surrogates import save_evaluator

    evaluator = train_evaluator(
        arguments.experience,
        space=arguments.space,
        recipe=arguments.recipe,
        with_shipped=arguments.with_shipped,
        seed=arguments.seed,
    )
    save_evaluator(evaluator, arguments.out, force=arguments.force)
    if arguments.json:
        print(json.dumps({"written": str(arguments.out), "card": dict(evaluator.card)}, indent=1))
        return
    print(card_text(evaluator.card))
    print(f"written    {arguments.out}")


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("experience", metavar="STORE", help="path or database URL of the experience")
    parser.add_argument("--out", type=Path, metavar="FILE.npz", required=True, help="file to write")
    parser.add_argument(
        "--space", default="compact", metavar="NAME", help="name of a space (default: compact)"
    )
    parser.add_argument(
        "--recipe",
        default="",
        metavar="DIGEST",
        help="use only trainings with this recipe (see 'experience list')",
    )
    parser.add_argument("--with-shipped", action="store_true", help="also learn from the shipped experience")
    parser.add_argument(
        "--seed",
        type=whole(0, 2**31 - 1),
        default=0,
        metavar="N",
        help="the same seed gives the same evaluator (default: 0)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


COMMAND = Command(
    "train-evaluator",
    "Train an evaluator on your own experience, for 'recommend --evaluator'.",
    ("taskaware train-evaluator experience.sqlite --with-shipped --out mine.npz",),
    _add_arguments,
    run,
)
