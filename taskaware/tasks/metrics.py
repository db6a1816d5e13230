"""The registry of metrics; larger is better in every one of them."""

import functools
from collections.abc import Callable
from typing import NamedTuple

from taskaware.errors import UserError, quoted, unknown
from taskaware.registry import Registry
from taskaware.tasks.outputs import SEVERAL, single_problem

MASKED = -1e9
"""Output of a class that does not exist: networks of one bucket of classes share a compiled program."""

SMALLEST = 1.1920929e-07
"""Smallest probability in a logarithm; smaller ones are clipped, as in scikit-learn with float32."""

LARGER, SMALLER = "larger is better", "smaller is better"

DEFAULTS = {"classification": "accuracy", "regression": "r2"}
"""The default metric by problem; the shipped experience is scored by it."""


def unchanged(score: float) -> float:
    """The score itself."""
    return score


def negated(score: float) -> float:
    """The score as people know it where the known number is an error.

    >>> negated(-0.25)
    0.25
    """
    return -score


class Metric(NamedTuple):
    """A score of predictions; better predictions have a larger score.

    Attributes:
        name: name in METRICS.
        problems: problems that it scores, of `tasks.task.ALL_PROBLEMS`. A metric of one output may score
            several by the mean over them; see `of_problem`.
        reads: what `on_host` takes as predictions: "classes" (indices, (N,)), "probabilities" (N, K) or
            "values" (N,), in the target's own units.
        on_host: (truth (N,), predictions) → score, a float. A class index of -1 in the truth is a class
            that the model does not know.
        on_device: (outputs (n, K), y (n,), weight (n,), scale) → score, a scalar; traceable by JAX.
            Classification: logits, MASKED for classes that do not exist, and class indices as floats.
            Regression: standardised values in column 0 and in y; their differences times `scale` are in
            the target's own units. Rows of weight 0 are padding.
        low, high: range of the score; trainings are recorded with no less than `low`.
        shown: score → the usual number: for an error, whose negative is the score, the error itself.
        direction: which values of `shown` are better, in a few words.
        of_outputs: `on_host` and `on_device` for several outputs, (N, K), if the score is not that mean.
    """

    name: str
    problems: tuple[str, ...]
    reads: str
    on_host: Callable
    on_device: Callable
    low: float = float("-inf")
    high: float = float("inf")
    shown: Callable[[float], float] = unchanged
    direction: str = LARGER
    of_outputs: tuple[Callable, Callable] | None = None

    def text(self, score: float, digits: int = 3) -> str:
        """The score as people read it.

        >>> METRICS["rmse"].text(-2.5), METRICS["accuracy"].text(0.75)
        ('rmse 2.500', 'accuracy 0.750')
        """
        return f"{self.name} {self.shown(score):.{digits}f}"


METRICS: Registry[Metric] = Registry(
    "metric",
    {
        "accuracy": "taskaware.tasks.classification:ACCURACY",
        "balanced_accuracy": "taskaware.tasks.classification:BALANCED_ACCURACY",
        "roc_auc": "taskaware.tasks.classification:ROC_AUC",
        "log_loss": "taskaware.tasks.classification:LOG_LOSS",
        "f1_macro": "taskaware.tasks.classification:F1_MACRO",
        "f1_micro": "taskaware.tasks.labels:F1_MICRO",
        "subset_accuracy": "taskaware.tasks.labels:SUBSET_ACCURACY",
        "perplexity": "taskaware.tasks.classification:PERPLEXITY",
        "bits_per_character": "taskaware.tasks.classification:BITS_PER_CHARACTER",
        "r2": "taskaware.tasks.regression:R2",
        "rmse": "taskaware.tasks.regression:RMSE",
        "mae": "taskaware.tasks.regression:MAE",
    },
)
"""Name → metric."""


def default_metric(problem: str) -> str:
    """Name of the metric of a task that names none.

    Raises:
        UserError: there is no such problem.

    >>> default_metric("regression")
    'r2'
    """
    if single_problem(problem) not in DEFAULTS:
        raise unknown("problem", problem, (*DEFAULTS, *SEVERAL))
    return DEFAULTS[single_problem(problem)]


def metrics_of(problem: str) -> tuple[str, ...]:
    """Names of the metrics that score a problem, its default first.

    >>> metrics_of("regression")
    ('r2', 'rmse', 'mae')
    """
    first = default_metric(problem)
    return (first, *(name for name, m in METRICS.items() if problem in m.problems and name != first))


def metric_name(problem: str, name: str | None = None) -> str:
    """The name itself, checked by `metric_of`; the default metric of the problem, where none is given.

    >>> metric_name("regression")
    'r2'
    """
    return default_metric(problem) if name is None else metric_of(problem, name).name


def metric_of(problem: str, name: str | None = None) -> Metric:
    """The metric of that name, if it scores the problem; the problem's default where no name is given.

    Args:
        problem: one of `tasks.task.ALL_PROBLEMS`; of several outputs, the metric reads (N, K) of each.
        name: in METRICS.

    Raises:
        UserError: the name is unknown (the nearest is suggested), or it scores another problem.

    >>> metric_of("classification", "log_loss").direction
    'smaller is better'
    """
    name = name or default_metric(problem)
    if not isinstance(name, str):
        raise UserError(f"metric={quoted(name)} is no name. Give one: {', '.join(metrics_of(problem))}.")
    if name in METRICS and problem in METRICS[name].problems:
        return of_problem(METRICS[name], problem)
    if name in METRICS:
        others = ", ".join(METRICS[name].problems)
        allowed = ", ".join(metrics_of(problem))
        raise UserError(f"Unknown metric of a {problem} '{name}': it scores {others}. Allowed: {allowed}.")
    raise unknown(f"metric of a {problem}", name, metrics_of(problem))


def of_problem(metric: Metric, problem: str) -> Metric:
    """The metric itself, or its form for several outputs: of the same name, it reads (N, K) of each.

    Args:
        metric: that scores the problem.
        problem: one of `tasks.task.ALL_PROBLEMS`.

    >>> import numpy as np
    >>> truth = np.array([[1.0, 5.0], [2.0, 6.0]])
    >>> of_problem(METRICS["mae"], "multioutput").on_host(truth, truth + [0.0, 2.0])
    -1.0
    """
    return _over_outputs(metric) if problem in SEVERAL else metric


@functools.cache
def _over_outputs(metric: Metric) -> Metric:
    """One object for each metric: compiled programs are kept by it."""
    from taskaware.tasks.averaging import mean_on_device, mean_on_host

    host = mean_on_host(metric.on_host, metric.reads)
    device = mean_on_device(metric.on_device, metric.reads, metric.low)
    host, device = metric.of_outputs or (host, device)
    return metric._replace(on_host=host, on_device=device)
