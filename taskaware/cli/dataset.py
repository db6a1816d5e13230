"""The arguments that name the data set and its target."""

import argparse

from taskaware.cli.parser import Parser, one_of

PROBLEMS = ("classification", "regression")
_DATA = "CSV, TSV, Parquet, ARFF or JSON-lines file; a name of 'tasks --manifests'; hf:<id>; openml:<id>"


def add_dataset(parser: Parser) -> None:
    """Put `data`, `target` and `problem` on a command's parser."""
    parser.add_argument("data", metavar="DATA", help=_DATA)
    parser.add_argument("--target", metavar="NAME", help="column to predict (default: the data set's own)")
    parser.add_argument(
        "--problem",
        type=one_of("problem", PROBLEMS),
        metavar="|".join(PROBLEMS),
        help="kind of target (default: inferred from its values)",
    )
    # the old name, for one version
    parser.add_argument("--kind", dest="problem", type=one_of("problem", PROBLEMS), help=argparse.SUPPRESS)
