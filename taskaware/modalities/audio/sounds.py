"""Sounds in memory: one clip for each row."""

import dataclasses
import functools
import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt64

from taskaware.tasks.data import content_digest


@dataclasses.dataclass(frozen=True, eq=False)
class Sounds:
    """N clips of one sampling rate; the data of a task of the modality "audio".

    Attributes:
        clips: N arrays of samples, float32, one channel each; an empty one is missing.
        rate: samples a second.
        stereo: whether a clip had several channels, (N,).
        row_hashes: of each clip, (N,).
    """

    clips: tuple[np.ndarray, ...]
    rate: int
    stereo: Bool[np.ndarray, " N"]
    row_hashes: UInt64[np.ndarray, " N"]

    @classmethod
    def of(cls, clips: Sequence[np.ndarray], rate: int, stereo: Sequence[bool]) -> "Sounds":
        """The data of these clips, which are not to be changed afterwards.

        Args:
            clips: float32, one channel each.
            rate: samples a second, of all.
            stereo: whether a clip had several channels.
        """
        for clip in clips:
            clip.setflags(write=False)
        words = [_hash(clip, rate, many) for clip, many in zip(clips, stereo, strict=True)]
        hashes = np.frombuffer(b"".join(words), np.uint64)
        return cls(tuple(clips), rate, np.array(stereo, bool), hashes)

    @property
    def rows(self) -> int:
        return len(self.clips)

    @functools.cached_property
    def samples(self) -> np.ndarray:
        """Length of each clip in samples, (N,)."""
        return np.array([len(clip) for clip in self.clips], int)

    @functools.cached_property
    def digest(self) -> str:
        return content_digest(f"audio|{self.rate}", self.row_hashes)

    def take(self, rows: np.ndarray) -> "Sounds":
        chosen = np.arange(self.rows)[rows]
        clips = tuple(self.clips[row] for row in chosen)
        return Sounds(clips, self.rate, self.stereo[chosen], self.row_hashes[chosen])

    def of_rate(self, rate: int, rows: np.ndarray | None = None) -> "Sounds":
        """These rows, all by default, for blocks that learned from one rate.

        Args:
            rate: that the blocks read.
            rows: of the sounds.

        Raises:
            ValueError: the sounds have another sampling rate.
        """
        if self.rate != rate:
            raise ValueError(f"these sounds have {self.rate} Hz; the blocks read {rate} Hz")
        return self if rows is None else self.take(rows)


def _hash(clip: np.ndarray, rate: int, stereo: bool) -> bytes:
    hasher = hashlib.sha256(f"{rate}|{len(clip)}|{bool(stereo)}|".encode())
    hasher.update(np.ascontiguousarray(clip).data)
    return hasher.digest()[:8]
