"""Raw features → columns of a block of series or vectors: standardised on training rows, at most 256."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Float16

MOST_COLUMNS = 256
MOST_ROWS = 512
"""Training rows that principal components are learned from."""
LARGEST = 5.0
"""Standard deviations beyond which a raw feature is cut."""
SMALLEST = 1e-9
"""Spread, relative to the largest value, below which a feature counts as constant."""


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """What one block has learned of its W raw features.

    Attributes:
        unit: largest absolute value of each, a power of two, so that no square overflows, (W,).
        mean, std: of the feature in its unit, (W,); std is infinite for a constant one.
        components: principal components, (W, K); (W, 0) where the features are the columns.
        spread: that the projections are divided by, (K,).
    """

    unit: Float[np.ndarray, " W"]
    mean: Float[np.ndarray, " W"]
    std: Float[np.ndarray, " W"]
    components: Float16[np.ndarray, "W K"]
    spread: Float[np.ndarray, " K"]

    @classmethod
    def fit(
        cls,
        raw: Float[np.ndarray, "n W"],
        *,
        most: int = MOST_COLUMNS,
        reduced: bool = False,
        power: float = 0.0,
    ) -> "Columns":
        """Learn from the raw features of training rows, sorted by content.

        Args:
            raw: NaN where a feature is missing; it then counts as the mean.
            most: columns; where features are more, their principal components take their place.
            reduced: whether components are taken in any case.
            power: share of whitening: 0 keeps the components' own spreads, 1 gives all the same.
        """
        top = np.fmax.reduce(np.abs(raw), axis=0, initial=0.0)
        unit = 2.0 ** np.ceil(np.log2(np.where(top > 0, top, 1.0)))
        there = ~np.isnan(raw)
        scaled, count = np.where(there, raw, 0.0) / unit, np.maximum(there.sum(0), 1)
        mean = scaled.sum(0) / count
        std = np.sqrt((np.where(there, scaled - mean, 0.0) ** 2).sum(0) / count)
        std = np.where(std > SMALLEST, std, np.inf)
        plain = cls(unit, mean, std, np.zeros((raw.shape[1], 0), np.float16), np.zeros(0))
        if not reduced and raw.shape[1] <= most:
            return plain
        return plain._reduced(raw, most, power)

    @property
    def width(self) -> int:
        """Columns that the block has."""
        return self.components.shape[1] or len(self.unit)

    def transform(self, raw: Float[np.ndarray, "n W"]) -> Float[np.ndarray, "n K"]:
        """The columns of any rows; a missing or constant feature gives 0."""
        return block_columns(raw, vars(self))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The learned arrays by name; `from_arrays` reads them back."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Columns":
        """What `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or holds what no fit gives.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        missing = sorted(set(names) - set(arrays))
        if missing:
            raise ValueError(f"the block lacks {', '.join(missing)}")
        found = cls(**{name: arrays[name] for name in names})
        found._check()
        return found

    def _reduced(self, raw: np.ndarray, most: int, power: float) -> "Columns":
        scaled = standardised_features(raw[:MOST_ROWS], vars(self))
        components, spread = principal(scaled, most)
        if not len(spread):
            # One column of zeros says that rows do not differ.
            components, spread = np.zeros((raw.shape[1], 1)), np.ones(1)
        soft = spread**power
        soft = soft * np.sqrt(((spread / soft) ** 2).mean())
        return dataclasses.replace(self, components=components.astype(np.float16), spread=soft)

    def _check(self) -> None:
        width = self.unit.shape
        for name in ("unit", "mean", "std"):
            values = getattr(self, name)
            if values.shape != width or values.ndim != 1 or values.dtype != np.float64:
                raise ValueError(f"{name} has the shape {values.shape} and the type {values.dtype}")
        if not np.isfinite(self.mean).all() or not np.isfinite(self.unit).all():
            raise ValueError("a mean or a unit is no finite number")
        if not (self.unit > 0).all() or not (self.std > 0).all():
            raise ValueError("a unit or a standard deviation is not positive")
        components, spread = self.components, self.spread
        if components.ndim != 2 or components.dtype != np.float16 or len(components) != width[0]:
            raise ValueError(f"components have the shape {components.shape} and the type {components.dtype}")
        if spread.shape != components.shape[1:] or spread.dtype != np.float64:
            raise ValueError(f"there are spreads of the shape {spread.shape}, not {components.shape[1:]}")
        if not np.isfinite(components).all() or not np.isfinite(spread).all() or not (spread > 0).all():
            raise ValueError("a component is no finite number, or a spread is not positive")


def block_columns(raw: Float[np.ndarray, "n W"], learned: Mapping) -> Float[np.ndarray, "n K"]:
    """The columns of a block for any rows; a missing or constant feature gives 0.

    Args:
        raw: features of the rows.
        learned: the arrays of `Columns`, by name.
    """
    scaled = standardised_features(raw, learned)
    if not learned["components"].shape[1]:
        return scaled.astype(np.float32)
    return (scaled @ learned["components"].astype(np.float64) / learned["spread"]).astype(np.float32)


def standardised_features(raw: Float[np.ndarray, "n W"], learned: Mapping) -> Float[np.ndarray, "n W"]:
    """Raw features as distances from their mean, in standard deviations; see `block_columns`."""
    scaled = raw / learned["unit"]
    scaled -= learned["mean"]
    scaled /= learned["std"]
    np.clip(scaled, -LARGEST, LARGEST, out=scaled)
    return np.nan_to_num(scaled, copy=False)


def in_one(parts: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of several blocks under "block.array".

    >>> sorted(in_one({"spectrum": {"mean": np.zeros(2), "std": np.ones(2)}}))
    ['spectrum.mean', 'spectrum.std']
    """
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def of_part(arrays: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays of one block, as `in_one` was given them."""
    start = f"{part}."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def principal(
    centred: Float[np.ndarray, "n W"], most: int
) -> tuple[Float[np.ndarray, "W K"], Float[np.ndarray, " K"]]:
    """Principal components of rows whose mean is taken as 0, and the standard deviation of each.

    At most `most`, and none whose variance is lost in rounding. The largest entry of each is positive.
    """
    rows, width = centred.shape
    wide = width > rows
    values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values, vectors = values[::-1][:most], vectors[:, ::-1][:, :most]
    kept = values > 1e-7 * max(values[0], 1e-12) if len(values) else np.zeros(0, bool)
    values, vectors = values[kept], vectors[:, kept]
    if wide:
        vectors = centred.T @ vectors / np.sqrt(values)
    largest = np.abs(vectors).argmax(0)
    signs = np.sign(vectors[largest, np.arange(len(values))])
    return vectors * signs, np.sqrt(values / rows)
