"""`taskaware tasks`: the known tasks of the evaluator, and the datasets that can be read by name."""

import json
from collections.abc import Mapping

from taskaware.cli.output import aligned
from taskaware.cli.parser import Arguments, Command, Parser

EVALUATORS = {"compact": "tables", "universal": "other kinds of data"}
"""Space of each shipped evaluator, and what it is asked about."""

CARD = {
    "made": "made",
    "trainings": "trainings",
    "architectures": "architectures",
    "tasks": "tasks",
    "run_hours": "run hours",
    "space": "space",
    "recipe": "recipe",
    "machine": "machine",
}


def run(arguments: Arguments) -> None:
    """Print the known tasks and the card of the evaluator, or the manifests."""
    if arguments.manifests:
        _print_manifests(arguments.json)
        return
    from taskaware.recommendation.evaluators import shipped_evaluator
    from taskaware.recommendation.products import known_tasks

    cards = {words: shipped_evaluator(space).card for space, words in EVALUATORS.items()}
    known = known_tasks().to_dict(orient="records")
    if arguments.json:
        card, other = map(dict, cards.values())
        print(json.dumps({"tasks": known, "card": card, "card_of_other_kinds": other}, indent=1))
        return
    if not arguments.card:
        names = list(known[0])
        print(aligned(names, [list(row.values()) for row in known], right=names[4:]), end="\n\n")
    print("\n\n".join(f"Evaluator of {words}\n{card_text(card)}" for words, card in cards.items()))


def card_text(card: Mapping) -> str:
    """The card of an evaluator, one line for each entry.

    >>> print(card_text({"run_hours": 2.5, "made": "2026-01-31T12:00:00Z", "recipe": {"steps": 600}}))
    made       2026-01-31T12:00:00Z
    run hours  2.5
    recipe     steps 600
    """
    if not card:
        return "This evaluator has no record of its date and run time."
    names = [*(name for name in CARD if name in card), *(name for name in card if name not in CARD)]
    width = max(len(CARD.get(name, name)) for name in names)
    return "\n".join(f"{CARD.get(name, name):<{width}}  {_in_words(card[name])}" for name in names)


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print_manifests(as_json: bool) -> None:
    from taskaware.data.manifests import manifests

    names = ["name", "problem", "target", "licence", "where", "title"]
    rows = [(m.name, m.problem, m.target, m.licence, _where(m), m.title) for m in manifests()]
    if as_json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=1))
    else:
        print(aligned(names, rows))


def _where(manifest) -> str:
    return "here" if manifest.offline else "download"


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--card", action="store_true", help="print only how the evaluators were made: date, size, recipe"
    )
    parser.add_argument(
        "--manifests", action="store_true", help="list the datasets that commands accept by name"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, errors too")


COMMAND = Command(
    "tasks",
    "List the known tasks, which the evaluator learned from; --manifests lists named datasets.",
    ("taskaware tasks", "taskaware tasks --manifests"),
    _add_arguments,
    run,
)
