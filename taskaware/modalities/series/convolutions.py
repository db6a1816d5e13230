"""MiniRocket (Dempster, Schmidt and Webb 2021): 84 fixed kernels, and how often each is exceeded.

A kernel has nine places: the weight -1 at six of them, and 2 at three. It is dilated to several widths. A
feature is the share of the time at which a convolution exceeds a bias, which is a quantile of the convolution
of one training row. Half of the pairs of kernel and dilation are padded with zeros, the others are not. With
several channels, each such pair adds up a few of them (the authors' variant for several channels).
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

PLACES = 9
KERNELS = np.array(list(itertools.combinations(range(PLACES), 3)))
"""The places of weight 2 of each kernel, (84, 3), in the order of the paper."""
FEATURES = 9996
"""119 of each kernel."""
MOST_DILATIONS = 32
MOST_CHANNELS = 9
"""Channels that one kernel adds up at most."""
SHORTEST, LONGEST = 16, 2048
"""Samples of the series that are convolved."""
AT_ONCE = 32768
"""Samples of the rows that are convolved together, so that their convolutions fit the processor's cache."""
LEAST_ROWS = 128
KERNELS_AT_ONCE = 7
GOLDEN = (np.sqrt(5) + 1) / 2


@dataclasses.dataclass(frozen=True, eq=False)
class Kernels:
    """The fitted kernels.

    Attributes:
        length: samples of the series that they are for.
        dilations: ascending, (D,).
        counts: features of each kernel at each dilation, (D,).
        chosen: channels that each pair of dilation and kernel adds up, (D, 84, C).
        biases: of the features: by dilation, kernel, quantile, (9996,).
    """

    length: int
    dilations: Int[np.ndarray, " D"]
    counts: Int[np.ndarray, " D"]
    chosen: Bool[np.ndarray, "D 84 C"]
    biases: Float32[np.ndarray, " F"]

    @classmethod
    def fit(cls, values: Float[np.ndarray, "n C T"], seed: int = 0) -> "Kernels":
        """Kernels whose biases are quantiles of these rows, of SHORTEST to LONGEST samples."""
        rng = np.random.default_rng(seed)
        dilations, counts = _dilations(values.shape[2])
        chosen = _channels(rng, len(dilations), values.shape[1])
        quantiles = np.arange(1, FEATURES + 1) * GOLDEN % 1
        biases, first = [], 0
        for d, (dilation, count) in enumerate(zip(dilations, counts, strict=True)):
            examples = values[rng.integers(len(values), size=len(KERNELS))].astype(np.float32)
            summed = _summed(examples.transpose(1, 2, 0), chosen[d])
            own = summed[np.arange(len(KERNELS)), :, np.arange(len(KERNELS))]
            found = _convolved(own[:, :, None], KERNELS, int(dilation))[:, :, 0]
            stop = first + len(KERNELS) * count
            biases.append(
                _quantiles(np.sort(found, axis=1), quantiles[first:stop].reshape(len(KERNELS), count))
            )
            first = stop
        every = np.concatenate([each.ravel() for each in biases])
        return cls(values.shape[2], dilations, counts, chosen, every.astype(np.float32))

    def transform(self, values: Float[np.ndarray, "n C T"]) -> Float32[np.ndarray, "n F"]:
        """The share of the time at which each bias is exceeded."""
        return kernel_features(values, self.to_arrays())

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The kernels by name; `from_arrays` reads them back."""
        return {
            "length": np.array(self.length),
            "chosen": self.chosen,
            "biases": self.biases,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Kernels":
        """The kernels that `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        missing = {"length", "chosen", "biases"} - set(arrays)
        if missing:
            raise ValueError(f"the kernels lack {', '.join(sorted(missing))}")
        length, chosen, biases = (arrays[name] for name in ("length", "chosen", "biases"))
        if length.shape != () or length.dtype.kind != "i" or not SHORTEST <= length <= LONGEST:
            raise ValueError("the length of the series that are convolved is none")
        dilations, counts = _dilations(int(length))
        wanted = (len(dilations), len(KERNELS))
        if chosen.ndim != 3 or chosen.shape[:2] != wanted or chosen.dtype != bool or not chosen.any(2).all():
            raise ValueError(f"the channels of the kernels have the shape {chosen.shape}")
        if biases.shape != (FEATURES,) or biases.dtype != np.float32 or not np.isfinite(biases).all():
            raise ValueError(f"there are biases of the shape {biases.shape} and the type {biases.dtype}")
        return cls(int(length), dilations, counts, chosen, biases)


def kernel_features(values: Float[np.ndarray, "n C T"], learned: Mapping) -> Float32[np.ndarray, "n F"]:
    """The share of the time at which each bias is exceeded.

    Args:
        values: n rows.
        learned: the arrays of `Kernels`, by name.
    """
    found = np.empty((len(values), FEATURES), np.float32)
    size = max(LEAST_ROWS, AT_ONCE // int(learned["length"]))
    for first in range(0, len(values), size):
        part = slice(first, first + size)
        found[part] = _features(values[part], learned)
    return found


def _features(values: np.ndarray, learned: Mapping) -> np.ndarray:
    length, chosen = int(learned["length"]), learned["chosen"]
    turned = np.ascontiguousarray(values.transpose(1, 2, 0), np.float32)
    dilations, counts = _dilations(length)
    found, first = [], 0
    for d, (dilation, count) in enumerate(zip(dilations.tolist(), counts.tolist(), strict=True)):
        stop = first + len(KERNELS) * count
        biases = learned["biases"][first:stop].reshape(len(KERNELS), count)
        shares = np.empty((len(KERNELS), count, len(values)), np.float32)
        for some, outputs in convolutions(turned, dilation, chosen[d]):
            for unpadded in (0, 1):
                # Kernels take turns, beginning with a padded one at every second dilation.
                half = slice((d + some.start + unpadded) % 2, None, 2)
                edge = unpadded * dilation * (PLACES // 2)
                shares[some][half] = _exceeded(outputs[half, edge : length - edge], biases[some][half])
        found.append(shares.reshape(-1, len(values)))
        first = stop
    return np.concatenate(found).T


def convolutions(
    values: Float32[np.ndarray, "C T n"], dilation: int, chosen: Bool[np.ndarray, "84 C"]
) -> Iterator[tuple[slice, Float32[np.ndarray, "k T n"]]]:
    """The convolutions with some kernels after others, padded with zeros.

    Every sum has one order, so that a row gives the same numbers in any company.

    Args:
        values: n rows, side by side in memory.
        dilation: samples between two places of a kernel.
        chosen: channels that each kernel adds up.
    """
    if len(values) == 1:
        yield from _convolutions_alone(values[0], dilation)
        return
    for first in range(0, len(KERNELS), KERNELS_AT_ONCE):
        some = slice(first, first + KERNELS_AT_ONCE)
        yield some, _convolved(_summed(values, chosen[some]), KERNELS[some], dilation)


def _convolutions_alone(
    values: np.ndarray, dilation: int
) -> Iterator[tuple[slice, Float32[np.ndarray, "k T n"]]]:
    """One channel: the sum of all places is computed once, and what kernels share beside it, too."""
    shifted = np.zeros((PLACES, *values.shape), np.float32)
    for place in range(PLACES):
        here, there = _overlap(len(values), place, dilation)
        shifted[place, here] = values[there]
    base = np.zeros_like(values)
    for each in shifted:
        base -= each
    shifted *= np.float32(3)
    first = 0
    for a in range(PLACES - 2):
        one = base + shifted[a]
        for b in range(a + 1, PLACES - 1):
            some = slice(first, first + PLACES - 1 - b)
            yield some, (one + shifted[b]) + shifted[b + 1 :]
            first = some.stop


def _summed(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The chosen channels of each kernel added up, (k, T, n)."""
    found = np.zeros((len(chosen), *values.shape[1:]), np.float32)
    for kernel, channel in np.argwhere(chosen):
        found[kernel] += values[channel]
    return found


def _convolved(summed: np.ndarray, kernels: np.ndarray, dilation: int) -> np.ndarray:
    """The convolution of each (T, n) of (k, T, n) with the kernel of its own."""
    found = np.zeros_like(summed)
    for place in range(PLACES):
        here, there = _overlap(summed.shape[1], place, dilation)
        found[:, here] -= summed[:, there]
    for place in range(PLACES):
        here, there = _overlap(summed.shape[1], place, dilation)
        for kernel in np.flatnonzero((kernels == place).any(1)):
            found[kernel, here] += np.float32(3) * summed[kernel, there]
    return found


def _overlap(length: int, place: int, dilation: int) -> tuple[slice, slice]:
    """The samples at which a kernel's place is inside the row, and those that it meets there."""
    shift = (place - PLACES // 2) * dilation
    low, high = max(0, -shift), length - max(0, shift)
    return slice(low, max(low, high)), slice(low + shift, max(low, high) + shift)


def _exceeded(outputs: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """The share of the outputs (k, T, n) above each bias (k, m): (k, m, n).

    Truth values are bytes; 255 of them are added up in a byte.
    """
    flags = np.empty(outputs.shape, bool)
    counts = np.zeros((*biases.shape, outputs.shape[2]), np.int32)
    for place in range(biases.shape[1]):
        np.greater(outputs, biases[:, place, None, None], out=flags)
        for first in range(0, outputs.shape[1], 255):
            part = flags[:, first : first + 255].view(np.uint8)
            counts[:, place] += np.add.reduce(part, 1, dtype=np.uint8)
    return counts / np.float32(outputs.shape[1])


def _quantiles(ranked: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles (n, m) of sorted rows (n, T), each row at shares of its own (n, m)."""
    places = shares * (ranked.shape[1] - 1)
    low = places.astype(np.int64)
    high = np.minimum(low + 1, ranked.shape[1] - 1)
    below = np.take_along_axis(ranked, low, 1)
    return below + (places - low) * (np.take_along_axis(ranked, high, 1) - below)


def _dilations(length: int) -> tuple[np.ndarray, np.ndarray]:
    """The dilations for a length, and the features of each kernel at each."""
    each = FEATURES // len(KERNELS)
    steps = np.logspace(0, np.log2((length - 1) / (PLACES - 1)), MOST_DILATIONS, base=2).astype(np.int64)
    dilations, times = np.unique(steps, return_counts=True)
    counts = (times * (each / MOST_DILATIONS)).astype(np.int64)
    counts[: each - counts.sum()] += 1
    left = each - counts.sum()
    counts += left // len(counts)
    counts[: left % len(counts)] += 1
    return dilations, counts


def _channels(rng: np.random.Generator, dilations: int, channels: int) -> np.ndarray:
    """The channels of each pair of dilation and kernel: a number of even logarithm, any of them."""
    top = np.log2(min(channels, MOST_CHANNELS) + 1)
    sizes = (2 ** rng.uniform(0, top, (dilations, len(KERNELS)))).astype(np.int64)
    ranks = rng.random((dilations, len(KERNELS), channels)).argsort(2).argsort(2)
    return ranks < sizes[..., None]
