"""The progress bar that suits the place: a terminal or a notebook, with widgets or without."""

import warnings

with warnings.catch_warnings():
    # A notebook without ipywidgets gets the plain bar; that is no reason to warn.
    warnings.simplefilter("ignore")
    from tqdm.auto import tqdm

__all__ = ["tqdm"]
