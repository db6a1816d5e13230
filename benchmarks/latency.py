"""How well the time of prediction is estimated from multiply-adds: for 1,000 encoded rows, by architecture.

    python benchmarks/latency.py [--fit]

`--fit` prints the constants of `taskaware/children/mixture/cost.py` that suit this machine, fitted to half
of the cases; the errors are those of the other half.
"""

import argparse
import itertools

import jax.numpy as jnp
import numpy as np

from taskaware.children.mixture import cost
from taskaware.children.mixture.cost import Reads, exactly
from taskaware.spaces import MixtureSpace, Point
from taskaware.spaces.presets import COMPACT, EXTENDED
from taskaware.training.timing import Shape, measured_seconds

NUMBERS = (10, 100, 1_000)
CATEGORIES = (0, 60)
MEMBERS = (1, 5)
REPEATS = 100
NAMES = ("PER_CALL", "PER_MULTIPLY_ADD", "PER_UNIT")


def plain(space: MixtureSpace, width: int) -> np.ndarray:
    """A network without mixtures, every layer of this width."""
    blank = space.decode(jnp.zeros(space.dimension))
    alpha, beta = np.zeros(blank.alpha.shape), np.zeros(blank.beta.shape)
    alpha[:, space.baselines.index((width, space.activations[0]))] = 9.0
    beta[:, 0] = 9.0
    recipe = [0.0 if coordinate.gate else 0.5 for coordinate in space.recipe]
    return np.asarray(
        space.encode(Point(jnp.asarray(alpha), jnp.asarray(beta), blank.gamma, jnp.array(recipe)))
    )


def case(
    space: MixtureSpace, width: int, numbers: int, categories: int, members: int
) -> tuple[float, list[float]]:
    """Measured seconds, and what each constant is multiplied with in the estimate."""
    point, outputs = plain(space, width), 3
    of_categories = (("one_hot", categories), ("learned", categories)) if categories else ()
    columns = (("standardised", numbers), ("quantile", numbers), *of_categories)
    per = [dict(columns).get(name, 0) for name in space.embedding_names]
    reads = Reads.of(space, np.array(per), categories, outputs, members)
    terms = []
    for name in NAMES:
        for other in NAMES:
            setattr(cost, other, float(other == name))
        terms.append(float(exactly(space, point[None], reads).seconds[0]))
    shape = Shape(columns, "classification", outputs, False, members)
    return measured_seconds(space, point, shape, repeats=REPEATS), terms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="fit the constants to this machine")
    given = parser.parse_args()
    constants = np.array([getattr(cost, name) for name in NAMES])
    found = []
    for space, widths in ((COMPACT, (16, 64, 128)), (EXTENDED, (256,))):
        for which in itertools.product(widths, NUMBERS, CATEGORIES, MEMBERS):
            found.append(case(space, *which))
    seconds, terms = np.array([each[0] for each in found]), np.array([each[1] for each in found])
    tested = np.ones(len(seconds), bool)
    if given.fit:
        tested[np.random.default_rng(0).permutation(len(seconds))[::2]] = False
        constants = fitted(terms[~tested], seconds[~tested])
        print(", ".join(f"{name} = {value:.2g}" for name, value in zip(NAMES, constants, strict=True)))
    ratio = (terms @ constants)[tested] / seconds[tested]
    off = np.exp(np.abs(np.log(ratio)))
    print(f"{tested.sum()} cases, {1e3 * seconds.min():.2f} to {1e3 * seconds.max():.1f} ms")
    half, most, worst = np.quantile(off, (0.5, 0.9, 1.0))
    print(f"estimate / measured: median {np.median(ratio):.2f}")
    print(f"off by a factor of at most {half:.2f} in half, {most:.2f} in nine of ten, {worst:.2f} in all")


def fitted(terms: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """The constants with the least squared logarithm of the error; they stay above 0."""
    from scipy.optimize import least_squares

    def error(logarithms):
        return np.log(terms @ np.exp(logarithms)) - np.log(seconds)

    least, first = np.log([2e-5, 1e-13, 1e-11]), np.log([1e-4, 1e-11, 1e-9])
    return np.exp(least_squares(error, first, bounds=(least, np.inf)).x)


if __name__ == "__main__":
    main()
