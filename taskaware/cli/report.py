"""`taskaware report`: the results of a study or a search as one page."""

import json
from pathlib import Path

from taskaware.cli.parser import Arguments, Command, Parser


def run(arguments: Arguments) -> None:
    """Write the page.

    Raises:
        UserError: the folder is no run folder, or the file exists.
    """
    from taskaware.reports import report

    path = report(arguments.run_folder, arguments.out, force=arguments.force)
    print(json.dumps({"written": str(path)}) if arguments.json else f"written    {path}")


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "run_folder",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="the run folder of a study, or the journals of one or more searches",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html",
        help="default: RUN/report.html, the journal's name with .html, or searches.html for several",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


COMMAND = Command(
    "report",
    "Write the results of a study or a search as one HTML page, which opens offline.",
    (
        "taskaware report runs/compare-1a2b3c4d",
        "taskaware report runs/search-compact-evolution-1a2b3c4d.jsonl",
        "taskaware report runs/seed-0.jsonl runs/seed-1.jsonl runs/seed-2.jsonl --out runs/seeds.html",
    ),
    _add_arguments,
    run,
)
