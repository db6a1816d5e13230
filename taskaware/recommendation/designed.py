"""What ascents found, beside what was predicted of it and what the best known architecture reached."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from taskaware.recommendation.designs import Designs
from taskaware.surrogates.price import FEWEST, USUAL, Price
from taskaware.surrogates.training_data import TrainingData, shared
from taskaware.surrogates.warping import warped

COLUMNS = (
    "round",
    "task",
    "rows",
    "place",
    "predicted",
    "deviation",
    "distance",
    "measured",
    "score",
    "test_score",
    "known_predicted",
    "known_measured",
    "known_score",
    "known_test_score",
    "search_test_score",
)


def scored(
    data: TrainingData, rounds: Sequence[Mapping[str, Designs]], rows: Mapping[str, int]
) -> pd.DataFrame:
    """A row for each design that was trained.

    `predicted`, `deviation` and `measured` are warped scores; `measured`, `score` and `test_score` are of the
    training. Those with `known_` are of the best known architecture, as the same evaluator saw it.
    `search_test_score` is of the architecture with the best validation score among those that many tasks
    share, or that were trained on the task and not designed if it has none of them: what training all of
    them on the task leads to.

    Args:
        data: with the trainings of all rounds.
        rounds: the designs by the digest of their task.
        rows: of each task by its digest.
    """
    place_of = {_name(point): place for place, point in enumerate(data.u)}
    row_of = {digest: row for row, digest in enumerate(data.digests)}
    usual = shared(data.often())
    designed_ones = {_name(point) for each in rounds for one in each.values() for point in one.points[:-1]}
    others = [place for name, place in place_of.items() if name not in designed_ones]
    found = []
    for number, designed in enumerate(rounds):
        for digest, one in designed.items():
            row = row_of.get(digest)
            places = [place_of.get(_name(point)) for point in one.points]
            if row is None:
                continue
            known = _trained(data, row, places[-1])
            # Few tasks share the architectures of a mixed frame.
            among = usual if np.isfinite(data.score[row, usual]).any() else others
            best = among[np.nan_to_num(data.score[row, among], nan=-np.inf).argmax()]
            for place, where in enumerate(places[:-1]):
                own = _trained(data, row, where)
                about = (number + 1, data.names[row], rows[digest], place)
                seen = (one.mean[place], one.deviation[place], one.distance[place])
                found.append(
                    (
                        *about,
                        *map(float, seen),
                        *own,
                        float(one.mean[-1]),
                        *known,
                        float(data.test_score[row, best]),
                    )
                )
    table = pd.DataFrame(found, columns=list(COLUMNS))
    return table[table["score"].notna()].reset_index(drop=True)


def _name(point: np.ndarray) -> bytes:
    """Equal for equal points: a rounded 0 may be -0, and a store holds 0."""
    return (np.asarray(point, np.float32) + 0.0).tobytes()


def _trained(data: TrainingData, row: int, place: int | None) -> tuple[float, float, float]:
    """Warped score, score and test score of an architecture on a task; NaN where it was not trained."""
    if place is None:
        return np.nan, np.nan, np.nan
    target = float(warped(np.asarray(data.target[row, place])))
    return target, float(data.score[row, place]), float(data.test_score[row, place])


def price_of(table: pd.DataFrame) -> Price:
    """The price by the last round: what its designs fell short of, beside the best known architecture.

    Args:
        table: of `scored`.
    """
    last = table[(table["round"] == table["round"].max()) & table["known_measured"].notna()]
    if len(last) < FEWEST:
        return USUAL
    promised = last["predicted"] - last["known_predicted"]
    kept = last["measured"] - last["known_measured"]
    return Price.fit((promised - kept).to_numpy(), last["distance"].to_numpy(), last["rows"].to_numpy(float))
