"""`taskaware predict`: predictions of a saved model for new rows."""

import json
import sys
from pathlib import Path

from taskaware.cli.output import check_outputs, write_file
from taskaware.cli.parser import Arguments, Command, Parser
from taskaware.errors import UserError


def run(arguments: Arguments) -> None:
    """Predict, one line for each row, in order.

    Raises:
        UserError: the output cannot be written, or the model or the rows are not usable.
    """
    check_outputs({"--out": arguments.out}, force=arguments.force, source=arguments.new)
    _check_ending(arguments.out)
    import taskaware
    from taskaware.compilation import keep_compiled
    from taskaware.data.load import load
    from taskaware.training.answers import listed

    keep_compiled()
    model = taskaware.load_model(arguments.model)
    written = {*getattr(model.reader, "written", ())}
    if any(isinstance(label, str) for label in model.classes):
        written.add(model.target_name)
    rows = listed(model, arguments.new)
    named = rows is not arguments.new  # by the files of a folder
    if not named:
        rows = load(arguments.new, as_text=written).frame
    if arguments.score:
        _check_answers(model, rows)
    answers = model.predict_frame(rows, proba=arguments.proba)
    if named:
        answers = answers.reset_index()
    text = _json(answers) if arguments.json else answers.to_csv(index=False)
    if arguments.score:
        print(_score(model, rows), file=sys.stderr)
    if arguments.out is None:
        print(text, end="")
        return
    write_file(arguments.out, text.encode())
    print(f"{len(rows)} predictions of '{model.target_name}' written to {arguments.out}")


def _check_ending(path: Path | None) -> None:
    """Refuse a name by which another program would read the predictions as what they are not."""
    if path is None:
        return
    from taskaware.data.files import format_of

    ending = format_of(path)
    if ending and ending not in (".csv", ".txt", ".json"):
        raise UserError(f"--out: predictions are CSV, or JSON with --json, and '{path}' ends in {ending}.")


def _json(answers) -> str:
    """One object, with a list for each column."""
    return json.dumps({name: column.tolist() for name, column in answers.items()}) + "\n"


def _check_answers(model, rows) -> None:
    for name in model.target_columns:
        if name not in rows:
            raise UserError(f"--score needs the target: NEW has no column '{name}'. Add it or drop --score.")


def _score(model, rows) -> str:
    """The score on the rows with an answer; a label that is new to the model counts as wrong."""
    import numpy as np

    from taskaware.data import columns
    from taskaware.tasks.metrics import METRICS
    from taskaware.tasks.outputs import matrix_of

    names = list(model.target_columns)
    if model.several:
        values = matrix_of(model.several, model.problem, rows[names])
        known = ~np.isnan(values).any(1)
    else:
        answers, numeric = rows[model.target_name], model.problem == "regression"
        values = columns.numbers(answers) if numeric else answers
        known = ~np.isnan(values) if numeric else columns.distinct(answers)[0] >= 0
    if not known.any():
        raise UserError(
            f"--score needs the target: column '{model.target_name}' is empty. Fill it or drop --score."
        )
    score = model.score(rows[known].drop(columns=names), values[known])
    without = f", {(~known).sum()} without a target left out" if not known.all() else ""
    return f"{METRICS[model.metric].text(score, 4)} on {known.sum()} rows{without}"


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="folder that 'recommend --fit --save' wrote")
    parser.add_argument(
        "new",
        metavar="NEW",
        help="rows in any form that 'recommend' reads, with or without the target; or an image, a sound, "
        "or a folder of them",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to a file (default: standard output)")
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
    parser.add_argument(
        "--score", action="store_true", help="print the score on the rows of NEW that have the target"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of CSV, errors too")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


COMMAND = Command(
    "predict",
    "Predict new rows with a model that 'recommend --fit --save' wrote; prints CSV.",
    (
        "taskaware predict model new.csv --out predictions.csv",
        "taskaware predict model new.parquet --proba --score",
    ),
    _add_arguments,
    run,
)
