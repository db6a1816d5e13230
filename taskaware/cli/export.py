"""`taskaware export`: a saved model for programs without taskaware."""

import json
from pathlib import Path

from taskaware.cli.parser import Arguments, Command, Parser, one_of

FORMS = ("numpy", "onnx", "safetensors", "stablehlo")


def run(arguments: Arguments) -> None:
    """Export a model to a folder.

    Raises:
        UserError: the folder exists, an extra is not installed, or the model has no such form.
    """
    import taskaware
    from taskaware.training.written.export import check_installed_for

    check_installed_for(arguments.to)
    model = taskaware.load_model(arguments.model)
    folder = model.export(arguments.out, to=arguments.to, force=arguments.force)
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if arguments.json:
        print(json.dumps({"folder": str(folder), "files": names}))
    else:
        print(f"'{model.target_name}' exported to {folder}: {', '.join(names)}")


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="folder that 'recommend --fit --save' wrote")
    parser.add_argument(
        "--to",
        default=FORMS[0],
        type=one_of("form of an export", FORMS),
        metavar="FORM",
        help=f"{', '.join(FORMS)} (default: {FORMS[0]}, a predict.py that needs only NumPy)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to write")
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace an export of the same form; other files in the folder stay",
    )


COMMAND = Command(
    "export",
    "Write a saved model for programs without taskaware: NumPy, ONNX, StableHLO, safetensors.",
    (
        "taskaware export model --out plain",
        "taskaware export model --to stablehlo --out compiled",
    ),
    _add_arguments,
    run,
)
