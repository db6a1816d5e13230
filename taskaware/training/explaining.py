"""What a trained model listens to: how much worse it gets when the values of a column are shuffled."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from taskaware import plain
from taskaware.data.frames import is_table, table_frame
from taskaware.data.load import load
from taskaware.errors import UserError
from taskaware.progress import tqdm

if TYPE_CHECKING:
    from taskaware.training.model import Model

MOST_ROWS = 2000
"""Rows that are looked at; more are thinned out at random."""


def importance(
    model: "Model",
    rows: Any,
    target: Any = None,
    *,
    repeats: int = 5,
    seed: int = 0,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Permutation importance of each column; see `Model.explain`.

    Source: Breiman, "Random Forests", Machine Learning 45, 2001.

    Args:
        model: a trained one.
        rows, target: with known answers, as for `Model.score`.
        repeats: shuffles of each column.
        seed: of the shuffles.
        progress: whether to show a bar; by default where there is a terminal or a notebook.
    """
    repeats, seed = plain.whole("repeats", repeats, low=1), plain.seed(seed)
    frame = _frame_of(model, rows)
    answers = None if target is None else np.asarray(target)
    rng = np.random.default_rng(seed)
    if len(frame) > MOST_ROWS:
        kept = np.sort(rng.choice(len(frame), MOST_ROWS, replace=False))
        frame, answers = frame.iloc[kept], None if answers is None else answers[kept]
    whole = model.score(frame, answers)  # refuses a frame that lacks a column
    names = _columns(model)
    lost = np.zeros((len(names), repeats))
    hidden = None if progress is None else not progress
    for place, name in enumerate(tqdm(names, desc="columns", disable=hidden)):
        for turn in range(repeats):
            order = rng.permutation(len(frame))
            shuffled = frame.assign(**{name: frame[name].iloc[order].set_axis(frame.index)})
            lost[place, turn] = whole - model.score(shuffled, answers)
    found = pd.DataFrame(
        {"importance": lost.mean(1), "deviation": lost.std(1)}, index=pd.Index(names, name="column")
    )
    found.attrs |= {"metric": model.metric, "score": whole}
    return found.sort_values("importance", ascending=False, kind="stable")


def _columns(model: "Model") -> list[str]:
    return list(getattr(model.reader, "names", ()))


def _frame_of(model: "Model", rows: Any) -> pd.DataFrame:
    if isinstance(rows, str) or hasattr(rows, "__fspath__"):
        rows = load(rows, as_text=getattr(model.reader, "written", ())).frame
    if not is_table(rows) or not _columns(model):
        raise UserError("explain needs named columns: give a frame, or a file of a table.")
    return table_frame(rows).rename(columns=str)  # as the reader names them
