"""Sounds as a modality."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from taskaware.embeddings import AUDIO_EMBEDDINGS, raw_form
from taskaware.errors import CheckpointError
from taskaware.modalities.audio.blocks import SoundBlocks
from taskaware.modalities.audio.decode import ENDINGS, is_sound
from taskaware.modalities.audio.features import own_features
from taskaware.modalities.audio.forms import are_sounds, looks_like_sound
from taskaware.modalities.audio.limits import RATES
from taskaware.modalities.audio.reading import read_sounds
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.audio.spectrograms import SpectrogramBlocks, fit_spectrograms, spectrograms_from
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.single import Parsed, Single, SingleReader
from taskaware.tasks.data import Data, Reader


class Audio(Single):
    """Sounds of any length, sampling rate and number of channels; one in each row."""

    name = "audio"
    embeddings = AUDIO_EMBEDDINGS
    endings = ENDINGS

    def begins(self, start: bytes) -> bool:
        return is_sound(start)

    def accepts(self, source: object) -> bool:
        """Whether a source is a list of sounds; paths are told by their endings. Arrays alone are series."""
        if isinstance(source, np.ndarray) and source.dtype != object:
            return False
        if not isinstance(source, list | tuple | np.ndarray | pd.Series) or len(source) == 0:
            return False
        return are_sounds(self.values_of(source), on_disk=False)

    def holds(self, values: Sequence) -> bool:
        """Whether a column holds sounds: by magic numbers, keys of dicts, endings of files that are there."""
        return are_sounds(values, on_disk=True)

    def is_one(self, source: object, **options) -> bool:
        return looks_like_sound(source, on_disk=False)

    def parse(self, values: Sequence, *, column: str, **options) -> Parsed[Sounds]:
        """The sounds of a column.

        Read are: bytes and paths of WAV, FLAC, Ogg, MP3 and AIFF files; dicts with "bytes" and "path", or
        with "array" and "sampling_rate", as Hugging Face's Audio feature has them; its decoders; and
        (array, rate) with an array of the shape (samples,) or (channels, samples).

        Args:
            values: N of them; None and NaN are missing.
            column: its name, for messages.
            options: "sampling_rate" to read with; by default the commonest one.

        Raises:
            UserError: a value cannot be read; names the row and says what to change.
        """
        return read_sounds(values, column, **options)

    def options(self, data: Data) -> Mapping[str, object]:
        return {"sampling_rate": cast(Sounds, data).rate}

    def fit_blocks(self, data: Sounds, rows: np.ndarray) -> SoundBlocks:
        return SoundBlocks.fit(data, rows)

    def raw_blocks(self, data: Sounds, rows: np.ndarray, name: str) -> Blocks | None:
        """Spectrograms, as square grey images.

        Args:
            data: sounds.
            rows: of the training part.
            name: of the block, such as "pixels_16_1".
        """
        side, channels = raw_form("pixels", name) or (0, 0)
        return fit_spectrograms(data, rows, side) if channels == 1 else None

    def blocks_from(self, arrays: Mapping[str, np.ndarray]) -> SoundBlocks | SpectrogramBlocks:
        return spectrograms_from(arrays) if "spread" in arrays else SoundBlocks.from_arrays(arrays)

    def reader_from(self, plain: dict) -> SingleReader:
        """The reader that was saved, with its sampling rate; see `Modality.reader_from`."""
        reader = super().reader_from(plain)
        options = dict(reader.options)
        rate = options.get("sampling_rate")
        if set(options) != {"sampling_rate"} or type(rate) is not int or not RATES[0] <= rate <= RATES[1]:
            raise CheckpointError("The reader of sounds has no sampling rate. Save the model again.")
        return reader

    def check_saved(self, reader: Reader, blocks: Blocks) -> None:
        """Nothing, if both have one sampling rate; see `Modality.check_saved`."""
        rate = dict(cast(SingleReader, reader).options).get("sampling_rate")
        if rate != cast(SoundBlocks | SpectrogramBlocks, blocks).rate:
            raise ValueError("reader and blocks are of sounds of two sampling rates")

    def own_features(self, data: Sounds) -> dict[str, float]:
        """The meta-features of sounds alone; see `features.FEATURES`."""
        return own_features(data)


AUDIO = Audio()
