"""Limits on sounds, against files that unpack to more than fits into memory."""

import os
from typing import NamedTuple

from taskaware.errors import UserError

SECONDS = "TASKAWARE_MOST_SECONDS"
SAMPLES = "TASKAWARE_MOST_SAMPLES"
MOST_SECONDS = 3600
"""Length of one clip; the environment's $TASKAWARE_MOST_SECONDS replaces it."""
MOST_SAMPLES = 1 << 29
"""Samples of all clips together, counted in each channel; $TASKAWARE_MOST_SAMPLES replaces it."""
MOST_CHANNELS = 32
RATES = (100, 1_000_000)
"""Lowest and highest sampling rate."""


class Limits(NamedTuple):
    """What a reading may take.

    Attributes:
        seconds: of one clip.
        samples: of all clips together.
    """

    seconds: int
    samples: int

    def check(self, frames: int, channels: int, rate: int) -> None:
        """Nothing, if a clip is within the limits.

        Args:
            frames: samples of each channel.
            channels: 1 or more.
            rate: samples a second.

        Raises:
            UserError: it is not; says why, without the row.
        """
        if not RATES[0] <= rate <= RATES[1]:
            raise UserError(
                f"its sampling rate is {rate} Hz; allowed are {RATES[0]} to {RATES[1]:,}. Check the rate"
            )
        if not 1 <= channels <= MOST_CHANNELS:
            raise UserError(f"it has {channels:,} channels; at most {MOST_CHANNELS} are allowed. Mix it down")
        if frames > self.seconds * rate:
            raise UserError(
                f"it lasts {frames / rate:,.0f} s; {self.seconds:,} s are allowed. Cut it, or set {SECONDS}"
            )
        if frames * channels > self.samples:
            raise UserError(
                f"with it there are more than {most_samples():,} samples. Give fewer or shorter clips, or "
                f"set {SAMPLES}"
            )


def limits() -> Limits:
    """What the environment allows."""
    return Limits(_setting(SECONDS, MOST_SECONDS), most_samples())


def most_samples() -> int:
    """Samples of all clips together that a reading may take."""
    return _setting(SAMPLES, MOST_SAMPLES)


def _setting(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else otherwise
