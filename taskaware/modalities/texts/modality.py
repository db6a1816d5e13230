"""Texts as a modality."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from taskaware.data.files import format_of
from taskaware.embeddings import TEXT_EMBEDDINGS
from taskaware.files import is_file
from taskaware.modalities.single import Parsed, Single
from taskaware.modalities.texts import reading
from taskaware.modalities.texts.blocks import TextBlocks, fit
from taskaware.tasks.data import Data, Listed


class Texts(Single):
    """Free text: tweets, reviews, questions, paragraphs.

    Reads a list, tuple, array or Series of strings, bytes in UTF-8 and missing values, or (texts, y).
    """

    name = "text"
    embeddings = TEXT_EMBEDDINGS

    def accepts(self, source: object) -> bool:
        """Whether a source is a list, tuple, one-dimensional array or Series of which some are free text."""
        if isinstance(source, np.ndarray | pd.Series):
            strings = source.dtype.kind in "OU" or isinstance(source.dtype, pd.StringDtype)
            return source.ndim == 1 and strings and self.holds(cast(Sequence, source.tolist()))
        return isinstance(source, list | tuple) and self.holds(source)

    def holds(self, values: Sequence) -> bool:
        """Whether values are free text; see `reading.is_free_text`."""
        return reading.is_free_text(values)

    def is_one(self, source: object, **options) -> bool:
        """Whether a source is a text, and no file, address or name of a dataset; a blank or two tell."""
        if not isinstance(source, str) or len(source.split()) < 2:
            return False
        return format_of(Path(source)) is None and not is_file(Path(source))

    def parse(self, values: Sequence, *, column: str, **options) -> Parsed[Listed]:
        """The values as texts; see `Single.parse`.

        Args:
            values: strings, bytes in UTF-8, or missing.
            column: its name, for messages.
            options: none.
        """
        texts, notes = reading.texts_of(values, column)
        return Parsed(Listed(self.name, texts), notes)

    def fit_blocks(self, data: Data, rows: np.ndarray) -> TextBlocks:
        return fit(data, rows)

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> TextBlocks:
        return TextBlocks.from_arrays(arrays)


TEXTS = Texts()
