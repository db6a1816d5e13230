"""The progress bar that suits the place: a terminal or a notebook, with widgets or without."""

import sys
import warnings

with warnings.catch_warnings():
    # A notebook without ipywidgets gets the plain bar; that is no reason to warn.
    warnings.simplefilter("ignore")
    from tqdm.auto import tqdm

__all__ = ["tell_time_left", "tqdm"]

LONG = 60.0
"""Seconds; work that takes more says so where there is no bar to tell it."""


def tell_time_left(seconds: float) -> None:
    """Say on stderr how long a training will take at most, if that is long.

    >>> tell_time_left(2.5)
    """
    if seconds > LONG:
        minutes = f"{seconds / 60:.0f} minute{'s' * (seconds >= 90)}"
        words = f"Training takes up to {minutes} more. It ends earlier if the score stops rising."
        print(words, file=sys.stderr)
