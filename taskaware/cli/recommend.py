"""`taskaware recommend`: the architecture for a dataset and, with --fit, the trained model."""

import argparse
import io
import json
from pathlib import Path

from taskaware.cli.dataset import add_dataset, task_of
from taskaware.cli.exits import as_typed
from taskaware.cli.output import Folder, check_outputs, write_file
from taskaware.cli.parser import Arguments, Command, Parser, one_of, whole
from taskaware.errors import UserError
from taskaware.files import is_device

OPTIMIZERS = ("gradient_ascent", "annealed_ascent", "random_search")
ABOUT_ROWS = ("groups", "time", "class_weight", "sample_weight")
DRAWINGS = (".png", ".svg", ".pdf")


def run(arguments: Arguments) -> None:
    """Recommend, refine, write and train, in this order.

    Raises:
        UserError: an output cannot be written (before anything is computed), or the data is not usable.
    """
    _check(arguments)
    import taskaware
    from taskaware.recommendation.evaluators import evaluator_named

    evaluator = None if arguments.evaluator is None else evaluator_named(arguments.evaluator)
    task = task_of(arguments)
    if about := _given(arguments, *ABOUT_ROWS):
        from taskaware.training.options import FitOptions

        FitOptions(**about).about(task)  # refuses a wrong column before the work
    recommendation = taskaware.recommend(
        task,
        **_given(arguments, "metric"),
        ascent=taskaware.AscentSettings(optimizer=arguments.optimizer),
        **_prefer(arguments),
        candidates=arguments.candidates,
        leave_out=arguments.leave_out,
        evaluator=evaluator,
        seed=arguments.seed,
    )
    if arguments.refine:
        how = {"trainings": arguments.refine, "evaluator": evaluator, "store": arguments.store}
        recommendation = recommendation.refine(task, **how)
    show = _silent if arguments.json else print
    show(as_typed(recommendation.explain()), flush=True)
    written = _write(arguments, recommendation, show)
    answer: dict[str, object] = {"written": written}
    if arguments.fit:
        answer |= {"fit": _fit(recommendation, task, arguments, show)}
    elif _is_folder(arguments.source):
        recommendation.source(arguments.source, task, force=arguments.force)
        show(f"  written    {arguments.source}", flush=True)
    if _is_folder(arguments.source):
        written["source"] = str(arguments.source)
    if arguments.json:
        print(json.dumps(json.loads(recommendation.to_json()) | answer, indent=1))


def _check(arguments: Arguments) -> None:
    if arguments.store and not arguments.refine:
        raise UserError("--store requires --refine: without it there are no trainings to record.")
    for name in ("members", "seconds"):
        if getattr(arguments, name) and not arguments.fit:
            raise UserError(f"--{name} requires --fit.")
    for name in _given(arguments, *ABOUT_ROWS) if not arguments.fit else ():
        raise UserError(f"--{name.replace('_', '-')} requires --fit: nothing is trained without it.")
    if arguments.save and not arguments.fit:
        raise UserError("--save requires --fit: without it there is no trained model to save.")
    if arguments.plot and arguments.plot.suffix.lower() not in DRAWINGS:
        allowed = ", ".join(DRAWINGS)
        raise UserError(
            f"--plot: '{arguments.plot}' is not a drawing. Give a name that ends with one of {allowed}."
        )
    files = {"--out": arguments.out, "--plot": arguments.plot}
    folders = {} if arguments.save is None else {"--save": Folder(arguments.save, "model", "model.json")}
    if _is_folder(arguments.source):
        folders["--source"] = Folder(arguments.source, "network", "encoder.json")
    else:
        files["--source"] = arguments.source
    check_outputs(files, folders, force=arguments.force, source=arguments.data)


def _is_folder(path: Path | None) -> bool:
    """Whether --source names a folder: a name without an ending, which is no file and no device."""
    return path is not None and not path.suffix and not path.is_file() and not is_device(path)


def _prefer(arguments: Arguments) -> dict:
    """The limits that were typed, and with them the number of networks."""
    if not arguments.prefer:
        return {}
    members = {"members": arguments.members} if arguments.members else {}
    return {"prefer": dict(arguments.prefer) | members}


def _preference(text: str) -> tuple[str, str]:
    name, _, limit = text.partition("=")
    if not name or not limit:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=LIMIT, such as 'size=<100k'")
    return name, limit


def _given(arguments: Arguments, *names: str) -> dict:
    """The options of these names that were typed."""
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def _silent(*words, **settings) -> None:
    """Replaces `print` when the output is JSON."""


def _write(arguments: Arguments, recommendation, show) -> dict[str, str]:
    """Write the requested files; returns their paths by option."""
    contents = {
        "out": lambda path: recommendation.to_json().encode(),
        "plot": lambda path: _drawing(recommendation, path.suffix.lower().removeprefix(".")),
        "source": lambda path: recommendation.source().encode(),
    }
    written = {}
    for name, content in contents.items():
        path = getattr(arguments, name)
        if path is not None and not (name == "source" and _is_folder(path)):
            write_file(path, content(path))
            show(f"  written    {path}", flush=True)
            written[name] = str(path)
    return written


def _drawing(recommendation, ending: str) -> bytes:
    page = io.BytesIO()
    recommendation.plot().savefig(page, format=ending, dpi=150)
    return page.getvalue()


def _fit(recommendation, task, arguments: Arguments, show) -> dict[str, object]:
    """Train, and save with --save; returns the results."""
    from taskaware.tasks.metrics import METRICS

    model = recommendation.fit(
        task,
        seed=arguments.seed,
        members=arguments.members,
        seconds=arguments.seconds,
        **_given(arguments, *ABOUT_ROWS),
    )
    last = model.history.iloc[-1]
    steps, seconds = int(last["step"]), float(last["seconds"])
    show(
        f"  trained    {METRICS[model.metric].text(model.best_score)} on validation rows, in {seconds:.1f} s",
        flush=True,
    )
    answer = {"metric": model.metric, "score": model.best_score, "members": model.members}
    answer |= {"steps": steps, "seconds": seconds}
    if arguments.save is not None:
        folder = model.save(arguments.save, force=arguments.force)
        show(f"  written    {folder}", flush=True)
        answer |= {"saved": str(folder)}
    if _is_folder(arguments.source):
        model.source(arguments.source, force=arguments.force)
        show(f"  written    {arguments.source}", flush=True)
    return answer


def _add_arguments(parser: Parser) -> None:
    add_dataset(parser)
    parser.add_argument("--out", type=Path, metavar="REC.json", help="write the recommendation")
    parser.add_argument("--plot", type=Path, metavar="NET.png", help="draw the network and the search")
    parser.add_argument(
        "--source",
        type=Path,
        metavar="FOLDER|NET.py",
        help="write code that reads, trains and predicts without taskaware, with --fit also the weights; "
        "to NET.py, write only the Flax network",
    )
    parser.add_argument(
        "--refine",
        type=whole(1, 10_000),
        metavar="N",
        help="correct the answer by N short trainings on the dataset, for example 8",
    )
    parser.add_argument(
        "--store", metavar="STORE", help="with --refine: path or URL of a store that records the trainings"
    )
    parser.add_argument("--fit", action="store_true", help="also train the architecture")
    parser.add_argument(
        "--members",
        type=whole(1, 100),
        metavar="N",
        help="with --fit: number of networks to average (default: 5; 3 above 10,000 rows, 1 above 50,000)",
    )
    parser.add_argument(
        "--seconds",
        type=whole(1, 10_000_000),
        metavar="N",
        help="with --fit: longest time of the training; it makes fewer steps if all would take longer",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="score that chooses the best weights: roc_auc, log_loss, balanced_accuracy, f1_macro, mae, ... "
        "(default: accuracy or r2)",
    )
    parser.add_argument(
        "--groups", metavar="COLUMN", help="with --fit: rows of one group stay in one part of the split"
    )
    parser.add_argument(
        "--time", metavar="COLUMN", help="with --fit: the latest rows are the validation rows"
    )
    parser.add_argument(
        "--class-weight",
        choices=("balanced",),
        help="with --fit: give every class the same total weight",
    )
    parser.add_argument(
        "--sample-weight", metavar="COLUMN", help="with --fit: how much each row counts, at least 0"
    )
    parser.add_argument(
        "--save", type=Path, metavar="FOLDER", help="with --fit: write the trained model, for 'predict'"
    )
    parser.add_argument(
        "--leave-out",
        action="store_true",
        help="hide this dataset and its relatives from the evaluator, to test a recommendation honestly",
    )
    parser.add_argument(
        "--evaluator",
        metavar="FILE.npz",
        help="evaluator that 'train-evaluator' wrote, or 'learned': the shipped one that reads raw rows, too "
        "(default: the shipped one)",
    )
    parser.add_argument(
        "--prefer",
        action="append",
        default=[],
        type=_preference,
        metavar="NAME=LIMIT",
        help="limit for all networks together, such as 'size=<100k' (parameters), 'macs=<1M' (multiply-adds "
        "for one row) or 'latency=<1ms' (for 1,000 encoded rows); quote it; may be repeated",
    )
    parser.add_argument(
        "--candidates",
        type=whole(1, 10_000),
        default=10,
        metavar="K",
        help="architectures in the answer, best first (default: 10)",
    )
    parser.add_argument(
        "--optimizer",
        type=one_of("optimizer", OPTIMIZERS),
        default=OPTIMIZERS[0],
        metavar="|".join(OPTIMIZERS),
        help="how to search for the best predicted score (default: gradient_ascent)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**31 - 1),
        default=0,
        metavar="N",
        help="the same seed gives the same answer (default: 0)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")
    parser.add_argument("--force", action="store_true", help="replace files and models that exist")


COMMAND = Command(
    "recommend",
    "Recommend an architecture for a dataset and predict its score; --fit also trains it.",
    (
        "taskaware recommend iris",
        "taskaware recommend sales.csv --target price --out rec.json --plot net.png --source net.py",
        "taskaware recommend sales.csv --target price --fit --save model",
        "taskaware recommend sales.csv --target price --fit --source network",
        "taskaware recommend sales.csv --target price --refine 8 --fit --save model",
        "taskaware recommend sales.csv --target price --evaluator mine.npz",
        "taskaware recommend patients.csv --target died --metric balanced_accuracy --groups ward --fit",
        "taskaware recommend sales.csv --target price --prefer 'size=<100k' --prefer 'latency=<1ms'",
        "taskaware recommend openml:31 --seed 1 --json",
    ),
    _add_arguments,
    run,
)
