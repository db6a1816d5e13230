"""The card of a saved model: a README in the format of Hugging Face's model cards."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from taskaware.digests import digest
from taskaware.errors import some, visible
from taskaware.tasks.metrics import METRICS
from taskaware.tasks.outputs import single_problem

if TYPE_CHECKING:
    from taskaware.training.model import Model

FILE = "README.md"
LONGEST = 80
"""Characters of a name that are shown."""
PIPELINES = (
    *("tabular-classification", "tabular-regression"),
    *("text-classification", "image-classification", "audio-classification"),
)
"""Kinds of tasks that Hugging Face has a name for."""

_KINDS = {
    "tables": "tabular",
    "texts": "text",
    "images": "image",
    "audio": "audio",
    "series": "series",
    "vectors": "tabular",
    "mixed": "tabular",
}


def write(model: "Model", fresh: Path, folder: Path) -> None:
    """Write the card, unless a person has written or changed the one that is there.

    Args:
        model: that is saved.
        fresh: folder that the model is written to.
        folder: that it takes the place of.
    """
    there = folder / FILE
    if not there.exists() or _is_own(there):
        text = card(model)
        (fresh / FILE).write_text(text + _mark(text), encoding="utf-8")


def _mark(text: str) -> str:
    """A last line that tells a card from one that a person has changed."""
    return f"<!-- taskaware card {digest(text)} -->\n"


def _is_own(path: Path) -> bool:
    try:
        text, last = path.read_text(encoding="utf-8").rsplit("<!--", 1)
    except (OSError, ValueError):
        return False
    return "<!--" + last == _mark(text)


def card(model: "Model") -> str:
    """What the model is, was measured at, and is not for, as Markdown under a header of YAML.

    Args:
        model: that is saved.
    """
    problem = single_problem(model.problem)
    pipeline = f"{_KINDS.get(model.modality, 'tabular')}-{problem}"
    known = {"pipeline_tag": pipeline} if pipeline in PIPELINES else {}
    header = {"library_name": "taskaware", **known, "tags": ["taskaware", model.modality, problem]}
    header |= {"metrics": [model.metric]}
    # JSON is YAML, so no name can end a line or begin one of its own.
    lines = [f"{name}: {json.dumps(value)}" for name, value in header.items()]
    return "\n".join(["---", *lines, "---", "", *_body(model), ""])


def _body(model: "Model") -> list[str]:
    score = (
        METRICS[model.metric].text(model.best_score) if model.metric in METRICS else f"{model.best_score:.4g}"
    )
    target = _named(model.target_name)
    networks = "one network" if model.members == 1 else f"{model.members} networks that are averaged"
    answers = f"one of {len(model.classes)} classes" if model.classes else "a number"
    if model.several:
        answers = f"{len(model.several.names)} answers for each row"
    names = model.reader.names if model.reader is not None else ()
    return [
        f"# Model for {target}",
        "",
        f"It predicts {target}: {answers}. taskaware trained it on {_named(model.name)}: {networks}.",
        "",
        "## Data",
        "",
        f"- kind of data: {model.modality}",
        f"- features: {len(names)}{_listed(names)}",
        *([f"- classes: {len(model.classes)}{_listed(model.classes)}"] if model.classes else []),
        "",
        "## Score",
        "",
        f"{score} on validation rows, mean over the networks. These rows chose the weights, so new rows may "
        "score lower: measure on rows that the training did not see, with `model.score(rows)`.",
        "",
        "## Use",
        "",
        "```python",
        "import taskaware as ta",
        "",
        'model = ta.load_model("this folder")',
        "model.predict(rows)",
        "```",
        "",
        "Loading reads numbers and text; it executes nothing.",
        "",
        "## Limits",
        "",
        "- It knows what its rows showed. For rows of another source or time, measure first.",
        *(["- A class that the training did not have is never predicted."] if model.classes else []),
        "- What the data may be used for is up to its licence, which is not recorded here.",
    ]


def _named(name: str) -> str:
    return f"`{visible(str(name)[:LONGEST]).replace('`', '')}`"


def _listed(names: tuple) -> str:
    return f" ({visible(some(names, 10)).replace('`', '')})" if names else ""
