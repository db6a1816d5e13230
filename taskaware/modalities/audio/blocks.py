"""The blocks of sounds: mel, cepstrum, sound_patches, and audio_model where one is named."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from taskaware.modalities.audio import pretrained
from taskaware.modalities.audio.analysis import CLIP, Described, described
from taskaware.modalities.audio.patches import Patches
from taskaware.modalities.audio.pretrained import MODELS, embedded
from taskaware.modalities.audio.scaling import Scaling, checked, scaled
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.blocks import Blocks
from taskaware.modalities.cache import FITS

WIDTHS = {"mel": 240 + len(CLIP) + 1, "cepstrum": 224}
"""Columns of the blocks that always have as many; the last one of mel says that a sound is missing."""
WIDEST = 256


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A pretrained model's output, turned onto its main directions where it is wide.

    Attributes:
        name: of the model.
        directions: (H, D); D is H or WIDEST.
    """

    name: str
    directions: np.ndarray

    @classmethod
    def fit(cls, name: str, found: np.ndarray) -> "Model":
        """The directions of these rows' outputs, (n, H)."""
        if found.shape[1] <= WIDEST:
            return cls(name, np.eye(found.shape[1]))
        centred = found - found.mean(0)
        directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :WIDEST]
        signs = np.sign(directions[np.abs(directions).argmax(0), np.arange(WIDEST)])
        return cls(name, directions * signs)

    def __call__(self, data: Sounds) -> np.ndarray:
        return embedded(self.name, data) @ self.directions


@dataclasses.dataclass(frozen=True, eq=False)
class SoundBlocks(Blocks):
    """Learned from training rows; missing sounds are 0 in every block, but for one column of mel.

    Attributes:
        rate: samples a second of the sounds that it reads.
        scalings: of each block, by name.
        patches: the learned part of sound_patches.
        model: that of audio_model, or None.
    """

    rate: int
    scalings: Mapping[str, Scaling]
    patches: Patches
    model: Model | None = None

    @classmethod
    def fit(cls, data: Sounds, rows: np.ndarray) -> "SoundBlocks":
        """The blocks of these rows; their order has no effect."""
        name = MODELS.chosen()
        rows = rows[np.argsort(data.row_hashes[rows], kind="stable")]
        key = "audio", data.row_hashes[rows].tobytes(), data.rate, name
        return FITS.get(key, lambda: cls._fitted(data, rows, name))

    @classmethod
    def _fitted(cls, data: Sounds, rows: np.ndarray, name: str | None) -> "SoundBlocks":
        analysed, missing = described(data), data.samples == 0
        heard = rows[~missing[rows]]
        patches = Patches.fit(analysed.take(heard if len(heard) else rows).frames)
        model = None if name is None else Model.fit(name, embedded(name, data)[heard if len(heard) else rows])
        parts = cls(data.rate, {}, patches, model)._parts(data, analysed)
        scalings = {block: Scaling.fit(values[heard]) for block, values in parts.items()}
        absent = Scaling.fit(missing[rows, None].astype(float))
        mel = scalings["mel"]
        joined = [np.append(getattr(mel, part), getattr(absent, part)) for part in ("mean", "scale")]
        return cls(data.rate, {**scalings, "mel": Scaling(*joined)}, patches, model)

    @property
    def widths(self) -> Mapping[str, int]:
        return {name: len(scaling.mean) for name, scaling in self.scalings.items()}

    def transform(
        self, data: Sounds, rows: np.ndarray | None = None
    ) -> Mapping[str, Float[np.ndarray, "n width"]]:
        """The blocks of these rows; see `Blocks.transform`.

        Raises:
            ValueError: the sounds have another sampling rate.
        """
        data = data.of_rate(self.rate, rows)
        missing = data.samples == 0
        if not data.rows:
            return {name: np.zeros((0, width), np.float32) for name, width in self.widths.items()}
        parts = self._parts(data, described(data))
        return {name: scaled(values, missing, vars(self.scalings[name])) for name, values in parts.items()}

    def _parts(self, data: Sounds, analysed: Described) -> dict[str, np.ndarray]:
        """Each block before it is scaled; that of mel without its last column."""
        parts = {
            "mel": mel_columns(analysed),
            "cepstrum": analysed.cepstrum,
            "sound_patches": self.patches.transform(data, analysed),
        }
        return parts if self.model is None else {**parts, "audio_model": self.model(data)}

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays = {"rate": np.array(self.rate), **self.patches.to_arrays()}
        for name, scaling in self.scalings.items():
            arrays.update(scaling.to_arrays(name))
        if self.model is not None:
            arrays |= {"model.name": np.array(self.model.name), "model.directions": self.model.directions}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "SoundBlocks":
        """The blocks that `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        patches = Patches.from_arrays(arrays)
        widths = {**WIDTHS, "sound_patches": patches.width}
        model = _model_from(arrays) if "model.name" in arrays else None
        if model is not None:
            widths["audio_model"] = model.directions.shape[1]
        scalings = {name: Scaling.from_arrays(arrays, name, width) for name, width in widths.items()}
        return cls(_rate_from(arrays), scalings, patches, model)


def mel_columns(analysed: Described) -> np.ndarray:
    """The block mel before it is scaled, without its last column; the length counts as a logarithm."""
    return np.hstack([analysed.mel, np.log1p(analysed.clip[:, :1]), analysed.clip[:, 1:]])


def _rate_from(arrays: Mapping[str, np.ndarray]) -> int:
    rate = arrays.get("rate", np.zeros(()))
    if rate.shape != () or rate.dtype.kind != "i" or rate < 1:
        raise ValueError("the blocks of sounds have no sampling rate")
    return int(rate)


def _model_from(arrays: Mapping[str, np.ndarray]) -> Model:
    name = arrays["model.name"]
    if name.shape != () or name.dtype.kind != "U" or not pretrained.may_load(str(name)):
        raise ValueError("the blocks of sounds name no audio model")
    directions = checked(arrays, "model.directions", (None, None))
    if not 1 <= directions.shape[1] <= min(WIDEST, directions.shape[0]):
        raise ValueError(f"model.directions has the shape {directions.shape}")
    return Model(str(name), directions)
