"""Numbers of any magnitude, standardised and scored without overflow, underflow or loss of digits.

Values are divided by a power of two near their largest one first. This is exact, so numbers of common
size give the same results to the last bit.
"""

import numpy as np

LARGEST = float(np.finfo(np.float64).max)


def unit_of(*values: np.ndarray | float) -> float:
    """The power of two just below the largest magnitude; 1 where all numbers are 0, or there are none.

    >>> unit_of(np.array([-5.0, 3.0])), unit_of(0.0)
    (4.0, 1.0)
    """
    most = max(float(np.max(np.abs(part), initial=0.0)) for part in values)
    return float(np.ldexp(1.0, int(np.frexp(most)[1]) - 1)) if most > 0 else 1.0


def mean_and_std(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, both finite; the latter is 1 where all values are equal.

    Args:
        values: finite, (N,), N at least 1.

    >>> mean_and_std(np.array([1e300, 3e300]))
    (2e+300, 1e+300)
    """
    unit = unit_of(values)
    scaled = values / unit
    mean = float(scaled.mean()) * unit
    std = float(scaled.std()) * unit
    return mean, std if std > 0 and scaled.min() < scaled.max() else 1.0


def standardised(values: np.ndarray, mean: float, std: float) -> np.ndarray:
    """(values - mean) / std, (N,) float64.

    Args:
        values: finite, (N,).
        mean, std: of `mean_and_std`.
    """
    unit = unit_of(mean, std)
    with np.errstate(over="ignore"):
        return (values / unit - mean / unit) / (std / unit)


def restored(values: np.ndarray, mean: float, std: float) -> np.ndarray:
    """The inverse of `standardised`, (N,) float64; what float64 cannot hold becomes its largest number.

    Args:
        values: standardised, (N,), of any float type.
        mean, std: of `mean_and_std`.

    >>> restored(np.array([0.5], np.float32), 1e308, 1e308).tolist()
    [1.5e+308]
    """
    unit = unit_of(mean, std)
    with np.errstate(over="ignore"):
        found = np.asarray(values, np.float64) * (std / unit) + mean / unit
        return np.clip(found * unit, -LARGEST, LARGEST)
