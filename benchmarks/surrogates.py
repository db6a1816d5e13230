"""Surrogates beside each other, at random architectures and at the ends of ascents, on tasks held out.

    python benchmarks/surrogates.py designs [--folds 5] [--seed 0] [--rows bundled data tables]

`designs` is a run folder of experiments/designs. Each surrogate learns from the shipped experience without
the fold of a task, and predicts the scores of the task's random architectures and of its designs. All see the
same designs, which ascents on the shipped surrogate found. --rows names suites of known tables; surrogates
that read raw rows learn from these.
"""

import argparse
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from tqdm.auto import tqdm

from taskaware.arrays import EitherArray
from taskaware.children.mixture.network import ACTIVATIONS, unit_gains
from taskaware.modalities.reading import modality_of
from taskaware.modalities.suites import suite_named
from taskaware.modalities.tables.samples import Samples
from taskaware.recommendation.designs import Designs, of_a_score
from taskaware.recommendation.expected import INTERVAL_80
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import with_more
from taskaware.spaces import MixtureSpace
from taskaware.spaces.presets import COMPACT
from taskaware.studies.answers import mean_error
from taskaware.studies.improve import read_round
from taskaware.studies.quality import spearman
from taskaware.studies.selectors import NewTasks, boosted_trees
from taskaware.surrogates import (
    PUBLISHED,
    EvaluatorSettings,
    TaskQuery,
    TrainingData,
    fit_evaluator,
)
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.folds import held_out
from taskaware.surrogates.joint_settings import JointSettings
from taskaware.surrogates.training_data import architecture_features
from taskaware.surrogates.warping import warped

SHIPPED, NETWORKS, TREES = "Gaussian process (shipped)", "ensemble of bilinear networks", "boosted trees"
TOGETHER = ((SHIPPED, NETWORKS), (SHIPPED, TREES))
"""Surrogates whose sum is compared as well."""

WIDTH = 128
DRAWS = 6
ANGLES = np.linspace(0, np.pi / 2, 7)[1:]
"""Between pairs of random inputs whose outputs are compared."""


class Predicted(NamedTuple):
    """Scores of n architectures on a task, in the surrogate's own unit.

    Attributes:
        mean: (n,).
        deviation: of single scores, (n,); None without an uncertainty.
        warped: whether the unit is that of warped scores; else that of normalised ones.
    """

    mean: np.ndarray
    deviation: np.ndarray | None
    warped: bool


Predict = Callable[[TaskQuery, np.ndarray], Predicted]
"""(task, architectures (n, D)) → their scores."""

RowsOf = Mapping[str, Samples]
"""Digest of a task → raw rows of it."""

Fit = Callable[[TrainingData, int], Predict]
"""(training data, seed) → a surrogate that has learned from it."""


@dataclasses.dataclass(frozen=True)
class ByFunction(MixtureSpace):
    """A space whose surrogates also read what a network does with random inputs before it is trained.

    These are the correlations of its units for inputs ANGLES apart, the size of the units, and the share
    of them that is in use; means over DRAWS draws of weights, which all networks share.
    """

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        """See `MixtureSpace.feature_names`."""
        return (*super().feature_names, *["correlation"] * len(ANGLES), "size of units", "units in use")

    def features(self, vector: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        """See `MixtureSpace.features`."""
        return jnp.concatenate([super().features(vector), self._function(vector)])

    def _function(self, vector: Float[EitherArray, " D"]) -> Array:
        weights, (inputs, kernels) = self.soften(vector), _draws(self.layers)
        units = jnp.asarray(inputs)
        for layer, kernel in enumerate(kernels):
            gains = unit_gains(self, weights.alpha[layer], WIDTH)
            before = units @ kernel * (2 / WIDTH) ** 0.5
            pairs = zip(self.activations, gains, strict=True)
            mixed = sum((ACTIVATIONS[name](before) * gain for name, gain in pairs), jnp.zeros(()))
            units = weights.beta[layer] * mixed + (1 - weights.beta[layer]) * units
        products, sizes = (units[:, :1] * units).mean((0, 2)), (units**2).mean((0, 2))
        correlations = products[1:] / jnp.sqrt(sizes[0] * sizes[1:] + 1e-12)
        each = (units**2).mean((0, 1))
        used = each.sum() ** 2 / (WIDTH * (each**2).sum())
        # Factors that bring all of them to spreads like those of the other features.
        return jnp.concatenate([4 * correlations, jnp.log(sizes[:1] + 1e-6) / 3, used[None]])


@dataclasses.dataclass(frozen=True)
class Warped(MixtureSpace):
    """A space whose surrogates read a power of each share: input warping (Snoek et al. 2014) by hand."""

    power: float = 1.0

    def features(self, vector: Float[EitherArray, " D"]) -> Float[Array, " F"]:
        """See `MixtureSpace.features`."""
        plain = super().features(vector)
        recipe = self.feature_names.index(self.coordinates[0])
        # The shares come first.
        return jnp.concatenate([plain[:recipe] ** self.power, plain[recipe:]])


@functools.cache
def _draws(layers: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Random inputs at ANGLES from the first, (DRAWS, 7, WIDTH), and the weights of each layer."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, DRAWS, 1, WIDTH))
    inputs = np.concatenate([one, *(np.cos(angle) * one + np.sin(angle) * other for angle in ANGLES)], axis=1)
    kernels = tuple(rng.normal(size=(DRAWS, WIDTH, WIDTH)).astype(np.float32) for _ in range(layers))
    return inputs.astype(np.float32), kernels


def learned(
    space: MixtureSpace, settings: EvaluatorSettings | JointSettings, samples: RowsOf | None = None
) -> Fit:
    """A surrogate of the library with some settings; one that reads rows learns from tasks that have some."""

    def fit(data: TrainingData, seed: int) -> Predict:
        if samples is not None:
            data = data.take(np.array([digest in samples for digest in data.digests]))
        evaluator = fit_evaluator(space, data, settings, seed=seed, samples=samples)

        def predict(query: TaskQuery, points: np.ndarray) -> Predicted:
            posterior = evaluator.posterior(query)
            mean, deviation = map(
                np.asarray, posterior.mean_std(architecture_features(space, points.astype(np.float32)))
            )
            if not evaluator.has_uncertainty:
                return Predicted(mean, None, False)
            return Predicted(mean, of_a_score(posterior, deviation), hasattr(posterior, "noise"))

        return predict

    return fit


def boosted(space: MixtureSpace) -> Fit:
    """scikit-learn's boosted trees on the same triplets."""

    def fit(data: TrainingData, seed: int) -> Predict:
        trees = boosted_trees(space, data, seed)

        def predict(query: TaskQuery, points: np.ndarray) -> Predicted:
            if query.z is None:
                raise ValueError("The trees read meta-features.")
            return Predicted(trees(query.z[None], points.astype(np.float32))[0], None, False)

        return predict

    return fit


def together(*surrogates: Predict) -> Predict:
    """The sum of surrogates, each in units of its own spread over the architectures."""

    def predict(query: TaskQuery, points: np.ndarray) -> Predicted:
        means = (each(query, points).mean for each in surrogates)
        return Predicted(sum((mean / max(mean.std(), 1e-6) for mean in means), np.zeros(())), None, False)

    return predict


def surrogates(space: MixtureSpace, samples: RowsOf) -> dict[str, Fit]:
    """What is compared, by name, beside the pairs TOGETHER; what reads rows only where there are some."""
    fields = {field.name: getattr(space, field.name) for field in dataclasses.fields(space)}
    ours, networks = EvaluatorSettings(), EvaluatorSettings(network="bilinear")
    reading = {
        "learned meta-features beside z": learned(space, JointSettings(beside=True), samples),
        "learned meta-features alone": learned(space, JointSettings(), samples),
    }
    return {
        SHIPPED: learned(space, ours),
        "Gaussian process, the network's function too": learned(ByFunction(**fields), ours),
        "Gaussian process, square roots of shares": learned(Warped(**fields, power=0.5), ours),
        "Gaussian process, squares of shares": learned(Warped(**fields, power=2.0), ours),
        NETWORKS: learned(space, networks),
        "ensemble of bilinear networks, pairwise linear loss": learned(
            space, dataclasses.replace(networks, loss="pairwise_linear")
        ),
        "published network": learned(space, PUBLISHED),
        TREES: boosted(space),
        **(reading if samples else {}),
    }


def compared(
    space: MixtureSpace, data: TrainingData, designs: pd.DataFrame, points: Mapping[str, Designs],
    samples: RowsOf, folds: int, seed: int,
) -> Iterator[dict]:  # fmt: skip
    """What each surrogate is right about, for each task with designs.

    Args:
        space: of the architectures.
        data: that the surrogates learn from, without the designs.
        designs: a round of `designed.scored`.
        points: the designs of that round by the digest of their task.
        samples: raw rows of known tasks; none leaves out the surrogates that read them.
        folds: parts that the groups are held out in.
        seed: of folds and surrogates.
    """
    wanted = [row for row, name in enumerate(data.names) if name in set(designs["task"])]
    mask = np.isin(np.arange(len(data.names)), wanted)
    for out in held_out(data, folds, seed):
        mine = np.flatnonzero(out & mask)
        queries = NewTasks.of(data.take(mine)).queries(space, data.u, samples)
        fitted = {name: fit(data.take(~out), seed) for name, fit in surrogates(space, samples).items()}
        fitted |= {" and ".join(names): together(*(fitted[name] for name in names)) for names in TOGETHER}
        for name, predict in fitted.items():
            for row, query in zip(mine.tolist(), queries, strict=True):
                its = designs[designs["task"] == data.names[row]]
                places = np.flatnonzero(~np.isnan(data.target[row]))
                at_random = predict(query, data.u[places])
                at_ends = predict(query, points[data.digests[row]].points[its["place"].to_numpy()])
                target = data.target[row, places]
                yield {
                    "surrogate": name,
                    "task": data.names[row],
                    "group": data.groups[row],
                    "random": spearman(at_random.mean, target),
                    "random within": _within(at_random, warped(target), target),
                    "ends": spearman(at_ends.mean, its["measured"].to_numpy()) if len(its) > 2 else np.nan,
                    "ends within": _within(at_ends, its["measured"].to_numpy(), None),
                    "test": its["test_score"].to_numpy()[at_ends.mean.argmax()],
                }


def _within(found: Predicted, measured: np.ndarray, plain: np.ndarray | None) -> float:
    """Share of the scores within intervals of 80 %; NaN without intervals, or without scores in the unit."""
    scores = measured if found.warped else plain
    if found.deviation is None or scores is None:
        return float("nan")
    return float((np.abs(scores - found.mean) <= INTERVAL_80 * found.deviation).mean())


def lines(table: pd.DataFrame) -> Iterator[dict]:
    """A line for each surrogate: means over tasks, with standard errors over groups."""
    for name, its in table.groupby("surrogate", sort=False):
        line: dict[str, object] = {"surrogate": name}
        for column in ("random", "ends", "test"):
            known = its[its[column].notna()]
            line[column], line[f"{column} ±"] = mean_error(
                known[column].to_numpy(), known["group"].to_numpy()
            )
        yield line | {column: its[column].mean() for column in ("random within", "ends within")}


def main() -> None:
    """Print a line for each surrogate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder of experiments/designs, in the space `compact`")
    parser.add_argument(
        "--rows", nargs="*", default=[], metavar="SUITE", help="of known tables, to read rows"
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    space = COMPACT
    data = training_data(with_more(open_experience("shipped", space)))
    designs = pd.read_csv(given.run / "designs.csv")
    first = designs[designs["round"] == 1]
    points = read_round(given.run / "round-1.json")
    entries = suite_named(*given.rows).entries if given.rows else ()
    known = [entry for entry in entries if entry.name in data.names]
    tasks = (entry.task() for entry in tqdm(known, desc="rows", unit="table"))
    samples = {task.digest: modality_of(task).samples(task) for task in tasks}
    found = compared(space, data, first, points, samples, given.folds, given.seed)
    total = first["task"].nunique() * (len(surrogates(space, samples)) + len(TOGETHER))
    table = pd.DataFrame(tqdm(found, total=total, unit="task"))
    print(pd.DataFrame(lines(table)).to_string(index=False, float_format=lambda number: f"{number:.3f}"))
    first_ones = first[first["place"] == 0]
    print(f"test score of what ascent preferred: {first_ones['test_score'].mean():.3f}")


if __name__ == "__main__":
    main()
