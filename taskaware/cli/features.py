"""`taskaware features`: the named meta-features of a dataset."""

import json

from taskaware.cli.dataset import add_dataset, task_of
from taskaware.cli.output import aligned
from taskaware.cli.parser import Arguments, Command, Parser


def run(arguments: Arguments) -> None:
    """Print them in the order of the catalogue.

    Raises:
        UserError: the data is not usable.
    """
    from taskaware.modalities.reading import meta_features
    from taskaware.modalities.tables.metafeatures import CATALOGUE

    task = task_of(arguments)
    values = meta_features(task)
    rows = [(feature.name, values[feature.name], feature.unit) for feature in CATALOGUE]
    if arguments.json:
        named = [dict(zip(("name", "value", "unit"), row, strict=True)) for row in rows]
        print(json.dumps({"task": task.name, "problem": task.problem, "features": named}, indent=1))
    else:
        print(aligned(["name", "value", "unit"], rows, right=["value"]))


def _add_arguments(parser: Parser) -> None:
    add_dataset(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")


COMMAND = Command(
    "features",
    "Print the meta-features of a dataset, which a recommendation is based on.",
    ("taskaware features sales.csv --target price", "taskaware features wine --json"),
    _add_arguments,
    run,
)
