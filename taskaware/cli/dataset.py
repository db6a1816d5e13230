"""The arguments that name the dataset and its target."""

import argparse

from taskaware.cli.parser import Parser, one_of

PROBLEMS = ("classification", "regression")
KINDS = ("numeric", "boolean", "date", "category", "text")
_DATA = (
    "CSV, TSV, Excel, Parquet, ARFF or JSON file, compressed or not; a web address; - for standard input; "
    "a name that 'taskaware tasks --manifests' lists; hf:<id>; openml:<id>"
)


def task_of(arguments: argparse.Namespace):
    """The task that the arguments of `add_dataset` name."""
    import taskaware

    # Before columns had kinds, --kind was the problem.
    older = next((kind for name, kind in arguments.kinds if not name), None)
    return taskaware.make_task(
        arguments.data,
        arguments.target[0] if len(arguments.target) == 1 else arguments.target or None,
        problem=arguments.problem or older,
        kinds={name: kind for name, kind in arguments.kinds if name},
        drop=arguments.drop,
        encoding=arguments.encoding,
        modalities=dict(arguments.modalities),
    )


def _kind(text: str) -> tuple[str, str]:
    if text in PROBLEMS:
        return "", text
    name, _, kind = text.rpartition("=")
    if not name or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"'{text}' is not COLUMN=KIND; kinds are {', '.join(KINDS)}")
    return name, kind


def _modality(text: str) -> tuple[str, str]:
    name, _, modality = text.rpartition("=")
    if not name or not modality:
        raise argparse.ArgumentTypeError(f"'{text}' is not COLUMN=MODALITY, such as notes=text")
    return name, modality


def add_dataset(parser: Parser) -> None:
    """Put `data`, `target` and `problem` on a command's parser."""
    parser.add_argument("data", metavar="DATA", help=_DATA)
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME",
        help="column to predict (a file needs it; other datasets may define one); "
        "repeat it for several numbers, or several labels of 0 and 1",
    )
    parser.add_argument(
        "--problem",
        type=one_of("problem", PROBLEMS),
        metavar="|".join(PROBLEMS),
        help="kind of target (default: inferred from its values)",
    )
    parser.add_argument(
        "--kind",
        dest="kinds",
        action="append",
        default=[],
        type=_kind,
        metavar="COLUMN=KIND",
        help=f"kind of a column, one of {', '.join(KINDS)} (default: detected); may be repeated",
    )
    parser.add_argument(
        "--modality",
        dest="modalities",
        action="append",
        default=[],
        type=_modality,
        metavar="COLUMN=MODALITY",
        help="kind of data of a column: text, image, audio, series, embedding, or tables for a plain column "
        "(default: detected); may be repeated",
    )
    parser.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="leave a column out; may be repeated"
    )
    parser.add_argument("--encoding", metavar="NAME", help="encoding of a text file (default: detected)")
