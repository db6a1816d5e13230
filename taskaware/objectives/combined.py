"""One objective of several: a point is scored on all, so that what is found transfers."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from taskaware.digests import digest
from taskaware.errors import UserError, quoted
from taskaware.strategies import Objective, Outcomes


@dataclasses.dataclass(frozen=True, eq=False)
class Several:
    """The objective as it is evaluated.

    Attributes:
        objectives: the parts.
        weights: of their scores; their sum is 1.
    """

    objectives: tuple[Objective, ...]
    weights: tuple[float, ...]

    def __call__(self, points: Float[np.ndarray, "n D"]) -> Outcomes:
        found = [each.evaluate(points) for each in self.objectives]
        # A score that is not finite stays so: who diverges on one task has diverged.
        scores = np.stack([np.asarray(each.score, float) for each in found])
        more = {f"score {place}": score for place, score in enumerate(scores, 1)}
        for place, each in enumerate(found, 1):
            more |= {f"steps {place}": (each.more or {})["steps"]} if "steps" in (each.more or {}) else {}
        tests = [np.asarray(each.test_score, float) for each in found if each.test_score is not None]
        test = self._mean(np.stack(tests)) if len(tests) == len(found) else None
        return Outcomes(self._mean(scores), test, more=more)

    def _mean(self, scores: Float[np.ndarray, "m n"]) -> Float[np.ndarray, " n"]:
        return np.array(self.weights) @ scores


def several(objectives: Sequence[Objective], weights: Sequence[float] | None = None) -> Objective:
    """The mean score of several objectives; a point that diverges on one has diverged.

    The columns "score 1", "score 2", ... of the history are the scores of each, and "steps 1", ... the steps
    of trainings that may end early.

    Args:
        objectives: of points of one space; they are evaluated one after the other.
        weights: of their scores, above 0; equal ones if None. Give some where scores are of other sizes.

    Raises:
        UserError: there are none, one needs more than points, or the weights do not fit.

    >>> from taskaware.objectives import function
    >>> both = several([function(lambda point: point.sum()), function(lambda point: 1.0)], weights=[3, 1])
    >>> both.evaluate(np.array([[2.0, 2.0]])).score.tolist()
    [3.25]
    """
    given = tuple(objectives)
    shares = (1.0,) * len(given) if weights is None else tuple(map(float, weights))
    for each in given:
        if not isinstance(each, Objective):
            raise UserError(
                f"{quoted(each)} is no objective. Give some of ta.objectives, such as `function`."
            )
        if each.traceable or each.more(0, ()):
            raise UserError(
                "An objective of several takes those of plain points, no traceable or numbered ones."
            )
    if not given or len(shares) != len(given) or min(shares) <= 0:
        raise UserError(
            f"There are {len(given)} objectives and the weights {shares}. Give one or more, and a weight "
            "above 0 for each."
        )
    total = sum(shares)
    about = digest([[each.about for each in given], shares])
    evaluate = Several(given, tuple(share / total for share in shares))
    together = max(each.together for each in given)
    return Objective(evaluate, together=together, unit=given[0].unit, about=f"several {about}")
