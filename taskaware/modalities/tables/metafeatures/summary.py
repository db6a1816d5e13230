"""Statistics over columns that give 0 where there is no column to speak of."""

import numpy as np


def mean(values: np.ndarray) -> float:
    """Arithmetic mean, 0 for no values.

    >>> mean(np.array([1.0, 2.0])), mean(np.array([]))
    (1.5, 0.0)
    """
    return float(np.mean(values)) if np.size(values) else 0.0


def median(values: np.ndarray) -> float:
    """Median, 0 for no values.

    >>> median(np.array([1.0, 2.0, 9.0])), median(np.array([]))
    (2.0, 0.0)
    """
    return float(np.median(values)) if np.size(values) else 0.0


def smallest(values: np.ndarray) -> float:
    """Minimum, 0 for no values.

    >>> smallest(np.array([3, 2])), smallest(np.array([]))
    (2.0, 0.0)
    """
    return float(np.min(values)) if np.size(values) else 0.0


def largest(values: np.ndarray) -> float:
    """Maximum, 0 for no values.

    >>> largest(np.array([3, 2])), largest(np.array([]))
    (3.0, 0.0)
    """
    return float(np.max(values)) if np.size(values) else 0.0


def spread(values: np.ndarray) -> float:
    """Standard deviation (of the population), 0 for no values.

    >>> spread(np.array([1.0, 3.0])), spread(np.array([]))
    (1.0, 0.0)
    """
    return float(np.std(values)) if np.size(values) else 0.0


def signed_log10(values: np.ndarray | float) -> np.ndarray:
    """sign(x) log10(1 + |x|): order of magnitude that keeps the sign and is 0 at 0.

    >>> signed_log10(np.array([-9.0, 0.0, 99.0])).tolist()
    [-1.0, 0.0, 2.0]
    """
    return np.sign(values) * np.log10(1 + np.abs(values))
