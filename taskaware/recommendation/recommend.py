"""`recommend`: a dataset in, an architecture out, nothing trained on it."""

import dataclasses
import functools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from taskaware import plain
from taskaware.deprecation import renamed_arguments
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.recommendation.ascent import AscentSettings, Proposal, propose
from taskaware.recommendation.building import remember, with_metric
from taskaware.recommendation.evaluators import for_task, query_of, recognise
from taskaware.recommendation.expected import Measured, constant_score, corrected, expected
from taskaware.recommendation.narrowing import Limits
from taskaware.recommendation.notes import (
    about_baselines,
    about_distance,
    about_kind,
    about_limits,
    about_metric,
    about_several,
)
from taskaware.recommendation.parts import Candidate, Neighbour, TaskCard
from taskaware.recommendation.preference import Preference
from taskaware.recommendation.recommendation import Recommendation
from taskaware.recommendation.safety import averages, chance, default, is_unfamiliar
from taskaware.spaces import MixtureSpace
from taskaware.surrogates import Evaluator, Posterior, TaskQuery
from taskaware.surrogates.patterns import points_for
from taskaware.surrogates.training_data import FLOOR
from taskaware.tasks.outputs import single_problem
from taskaware.tasks.task import Task

NEIGHBOURS = 5


@renamed_arguments(kind="problem")
def recommend(
    dataset,
    target=None,
    *,
    problem: str | None = None,
    metric: str | None = None,
    name: str | None = None,
    kinds: Mapping[str, str] | None = None,
    drop: str | Sequence[str] = (),
    modalities: Mapping[str, str] | None = None,
    evaluator: Evaluator | str | os.PathLike | None = None,
    ascent: AscentSettings | None = None,
    prefer: Preference | Mapping[str, Any] | None = None,
    candidates: int = 10,
    leave_out: bool = False,
    seed: int = 0,
) -> Recommendation:
    """Recommend the architecture that suits a dataset, before anything is trained on it.

    Args:
        dataset: a Task, or what one of `MODALITIES` accepts: DataFrame, (X, y), Hugging Face Dataset or
            DatasetDict, path to a CSV, TSV, Excel, Parquet, ARFF or JSON file, name of a manifest, "hf:<id>",
            "openml:<id>"; or texts, images, sounds, series or vectors and their targets.
        target: name of the target column, or its values if the dataset is an X. For several outputs, their
            names or (N, K) values: numbers are a regression, 0 and 1 are labels. A column of lists also
            holds labels.
        problem: "classification" or "regression"; by default inferred from the target, and `notes` says
            which. With several outputs they are "multilabel" and "multioutput".
        metric: name in METRICS of the score by which `fit` chooses the best weights; by default "accuracy"
            or "r2". The architecture is always chosen by the default, because the experience is scored by
            it; a note says so.
        name: name of the dataset in the answer; by default the source's.
        kinds, drop, modalities: kinds of a table's columns, columns to leave out, and the kind of data of
            other columns; as in `make_task`.
        evaluator: predicts the scores: any of SURROGATES, the path of a saved one, or "learned", which also
            reads meta-features that a network computes from raw rows; the shipped one by default.
        ascent: how candidates are searched for and scored.
        prefer: limits that every candidate keeps to: {"size": "<100k", "macs": "<1M", "latency": "<1ms"}
            are learned parameters, multiply-adds for one row, and estimated time for 1,000 encoded rows, of
            all networks that `fit` averages; "members" sets their number.
        candidates: how many architectures the answer holds.
        leave_out: whether to hide this dataset and its relatives from the evaluator, if the experience
            holds it; fitting an evaluator without them takes a few seconds.
        seed: seed of all random draws, 0 to 2**32 - 1; the same seed gives the same answer.

    Raises:
        UserError: the dataset is not usable, or a value is out of range; the message names the value and
            says what to change.

    >>> recommend("wine").architecture.recipe["learning_rate"] > 0
    True
    """
    began = time.perf_counter()
    plain.refuse_no_whole("candidates", candidates)
    if candidates < 1:
        raise UserError(f"candidates={candidates}, but the answer needs at least 1.")
    seed, wanted = plain.seed(seed), Preference.of(prefer)
    if isinstance(dataset, Task):
        if kinds or drop or modalities:
            raise UserError(
                "kinds=, drop= and modalities= are for data; a Task is read already. Give them to make_task."
            )
        task = with_metric(dataset, metric)
    else:
        given: Any = {"kinds": kinds, "drop": drop, "modalities": modalities}
        task = make_task(dataset, target, problem=problem, name=name, metric=metric, **given)
    evaluator, notes = recognise(task, for_task(task, evaluator), leave_out)
    query = query_of(task, evaluator)
    posterior = evaluator.posterior(query)
    limits = Limits.of(evaluator, query, TaskCard.of(task), wanted) if wanted.limited else None
    settings = ascent or AscentSettings()
    proposal = propose(evaluator, query, settings, seed=seed, posterior=posterior, limits=limits)
    found = Found(task, evaluator, query, posterior, proposal, limits.prefer if limits else wanted, limits)
    answer = _answer(
        found,
        candidates,
        (*task.notes, *notes, *about_kind(evaluator, task, query), *about_metric(task), *about_several(task)),
    )
    dropped = (drop,) if isinstance(drop, str) else tuple(drop)
    card = dataclasses.replace(
        answer.task,
        kinds=tuple((kinds or {}).items()),
        drop=dropped,
        modalities=tuple((modalities or {}).items()),
    )
    answer = dataclasses.replace(answer, task=card, seed=int(seed), seconds=time.perf_counter() - began)
    remember(answer, task)
    return answer


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """The parts of an answer.

    Attributes:
        task: the dataset.
        evaluator: predicts the scores.
        query: the task as the evaluator reads it.
        posterior: predictions for the task.
        proposal: candidates with their scores.
        prefer: what the user prefers.
        limits: that follow from it; None without any.
    """

    task: Task
    evaluator: Evaluator
    query: TaskQuery
    posterior: Posterior
    proposal: Proposal
    prefer: Preference = Preference()
    limits: Limits | None = None

    def candidates(self) -> list[Candidate]:
        """All candidates, best first, those inside the limits before the others.

        Scores that were measured on this dataset stand for expected ones.
        """
        proposal, count = self.proposal, len(self.proposal.points)
        scores, errors, measured = (part[:count].tolist() for part in self._scored)
        rows = zip(proposal.points.tolist(), scores, errors, proposal.came_from, measured, strict=True)
        return [Candidate(tuple(point), *others) for point, *others in rows]

    def safest(self) -> int | None:
        """Position of the default among the candidates; None if no known architecture keeps to the limits."""
        # What known tasks are: of one output.
        evaluator, problem = self.evaluator, single_problem(self.task.problem)
        known = np.asarray(evaluator.training_data.u, np.float32)
        place = default(evaluator, problem, self.query.present)
        # Candidates are of this form, too; so the nearest one is the same architecture.
        known = points_for(evaluator.space, known, self.query.present)
        if self.limits is not None:
            inside = self.limits.inside(known)
            if not inside.any():
                return None
            mean = averages(evaluator, problem, self.query.present)
            place = int(np.where(inside, mean, -np.inf).argmax())
        return int(np.abs(self.proposal.points - known[place]).max(1).argmin())

    def lower_estimates(self) -> np.ndarray:
        """The bound that the search climbs in each round of every start, as a score, (rounds, starts)."""
        return self._scored[0][len(self.proposal.points) :].reshape(self.proposal.trace.shape)

    @functools.cached_property
    def _scored(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores of the candidates and of the steps of the search, their errors, and which were measured."""
        proposal, query = self.proposal, self.query
        bound, zeros = proposal.trace.ravel(), np.zeros(proposal.trace.size, np.float32)
        lower = np.maximum(np.asarray(self.posterior.unwarp(cast(Any, bound), cast(Any, zeros))[0]), FLOOR)
        mean, deviation = np.append(proposal.mean, lower), np.append(proposal.deviation, zeros)
        scores, errors = expected(self.evaluator, query, mean, deviation)
        places = np.full(len(scores), -1)
        if measured := Measured.of(self.evaluator, query.digest):
            places[: len(proposal.points)] = measured.places(proposal.points)
            # `query_of` always reads the meta-features.
            least = constant_score(cast(np.ndarray, query.z))
            scores, errors = corrected(measured, places, scores, errors, constant=least)
        return scores, errors, places >= 0


def _answer(found: Found, count: int, notes: tuple[str, ...]) -> Recommendation:
    evaluator, card = found.evaluator, TaskCard.of(found.task)
    # `query_of` always reads it.
    z = cast(np.ndarray, found.query.z)
    candidates, place = found.candidates(), found.safest()
    safest = None if place is None else dataclasses.replace(candidates[place], found_by="default")
    distances = evaluator.distances(z)
    unfamiliar = is_unfamiliar(evaluator, z) and safest is not None
    # Before the default may come first: what that costs is no cost of the limits.
    of_limits = about_limits(found.prefer, candidates, found.proposal, card)
    if safest is not None and unfamiliar:
        candidates = [safest, *(other for other in candidates if other.point != safest.point)]
    ranked = candidates[: min(count, found.proposal.inside)]
    # What an answer tells of an architecture, it tells of a mixture.
    space = cast(MixtureSpace, evaluator.space)
    return Recommendation(
        task=card,
        space=space,
        ranked=tuple(ranked),
        default=safest,
        chance=_chance(found, ranked[0], safest),
        nearest_tasks=tuple(_nearest(evaluator, distances)),
        meta_features=tuple(float(number) for number in z),
        trace=tuple(tuple(row) for row in found.lower_estimates().tolist()),
        notes=(
            *notes,
            *of_limits,
            *about_distance(evaluator, distances, unfamiliar),
            *about_baselines(evaluator, found.task),
        ),
        seed=0,
        seconds=0.0,
        prefer=found.prefer,
        scored=tuple(candidates),
    )


def _chance(found: Found, answer: Candidate, safest: Candidate | None) -> float | None:
    if safest is None:
        return None
    points = (np.array(one.point, np.float32) for one in (answer, safest))
    return chance(found.evaluator, found.posterior, *points)


def _nearest(evaluator: Evaluator, distances: np.ndarray):
    data = evaluator.training_data
    order = np.argsort(distances, kind="stable")
    for place in order[data.real[order]][:NEIGHBOURS]:
        yield Neighbour(
            data.names[place], data.problems[place], float(distances[place]), float(data.top[place])
        )
