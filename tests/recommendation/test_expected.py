"""The expected score: bounded, led by cheap models, with errors that differ from task to task."""

import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.reading import make_task, vector
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.recommendation.expected import (
    Measured,
    apply,
    coefficients,
    constant_score,
    corrected,
    expected,
    signs,
)
from taskaware.recommendation.recommend import recommend
from taskaware.surrogates import TaskQuery
from taskaware.surrogates.level import TaskScale


def noise(rows: int, share: float, columns: int = 6) -> pd.DataFrame:
    """Columns that tell nothing of y; a share of the rows is of one class."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, columns))).add_prefix("x")
    return frame.assign(y=np.where(rng.permutation(rows) < share * rows, "usual", "rare"))


def of(frame: pd.DataFrame, mean=(0.0,), deviation=(0.5,)):
    task = make_task(frame, "y")
    query = TaskQuery(vector(task), task.problem, task.digest)
    return expected(shipped_evaluator(), query, np.array(mean), np.array(deviation))


@pytest.mark.parametrize("share", [0.5, 0.8, 0.947, 0.99])
def test_noise_is_expected_at_the_constant_and_not_below(share):
    score, error = of(noise(1000, share))
    assert share - 1e-6 <= score[0] <= share + 0.25 * (1 - share)
    assert 1.2816 * error[0] < 0.07


def test_a_rarer_class_leaves_less_doubt():
    errors = [of(noise(1000, share))[1][0] for share in (0.5, 0.8, 0.95, 0.99)]
    assert errors == sorted(errors, reverse=True) and errors[0] > 3 * errors[-1]


def test_an_easy_task_is_expected_near_one_and_more_rows_leave_less_doubt():
    rng = np.random.default_rng(1)

    def easy(rows):
        x = rng.normal(size=(rows, 4))
        return pd.DataFrame(x).add_prefix("x").assign(y=np.where(x[:, 0] + x[:, 1] > 0, "a", "b"))

    few, many = of(easy(60)), of(easy(4000))
    assert many[0][0] > 0.95 and many[1][0] < few[1][0]
    assert few[0][0] < 1 and many[0][0] < 1


def test_better_predictions_give_better_scores_and_never_one():
    score, _ = of(noise(300, 0.6), mean=np.linspace(-3, 0.5, 9), deviation=np.full(9, 0.5))
    assert (np.diff(score) > 0).all() and score[-1] < 1


def test_no_score_of_numbers_is_below_zero():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(200, 5))).add_prefix("x").assign(y=rng.normal(size=200))
    score, error = of(frame, mean=(-4.0, 0.0), deviation=(1.0, 0.2))
    assert (score >= 0).all() and score[1] < 0.3 and (error > 0).all()


def test_candidates_of_an_answer_differ():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 5))
    frame = pd.DataFrame(x).add_prefix("x").assign(y=np.where(x[:, 0] > 0, "a", "b"))
    found = recommend(frame, "y", candidates=5).candidates["predicted_score"]
    assert found.nunique() == 5 and found.max() < 1


def test_measured_scores_are_said_where_the_dataset_is_known():
    known = shipped_evaluator().training_data
    found = recommend("digits")
    place = known.digests.index(make_task("digits").digest)
    architecture = np.abs(known.u - found.point).max(1).argmin()
    assert found.ranked[0].measured
    assert found.predicted_score == pytest.approx(known.score[place, architecture])
    assert found.predicted_score > 0.95 and 0 < found.uncertainty < 0.03
    assert "measured   accuracy" in found.explain() and "constant   accuracy 0.102" in found.explain()
    assert any("are the measured ones" in note for note in found.notes)


def test_the_others_move_by_what_the_expected_ones_were_wrong():
    measured = Measured(np.array([0.9, 0.8, np.nan]), np.full(3, 0.01), np.eye(3, dtype=np.float32))
    places = measured.places(np.vstack([np.eye(3), 0.5 * np.eye(3)[:1]]))
    assert places.tolist() == [0, 1, -1, -1]
    score, error = corrected(measured, places, np.array([0.7, 0.6, 0.65, 0.5]), np.full(4, 0.1), constant=0.4)
    assert score[:2].tolist() == [0.9, 0.8] and error[:2].tolist() == [0.01, 0.01]
    assert 0.65 < score[3] < score[2] < 1 and (error[2:] <= 0.1).all()
    low, _ = corrected(measured, places, np.array([0.99, 0.98, 0.95, 0.5]), np.full(4, 0.1), constant=0.4)
    assert 0.4 <= low[3] < 0.5


def test_terms_and_coefficients_have_the_same_names():
    z = np.zeros(len(NAMES), np.float32)
    found = signs(z, TaskScale(0.5, 0.1, 0.1, 0.1, -1.0, 1.0), np.zeros(2), np.ones(2))
    for weights in coefficients().values():
        assert set(weights["score"]) == set(found.score)
        assert set(weights["error"]) == {*found.error, "log_open"}
        assert all(
            np.isfinite(value) and abs(value) < 10 for part in weights.values() for value in part.values()
        )
        score, error = apply(weights, found)
        assert ((score > 0) & (score < 1) & (error > 0)).all()
    assert constant_score(z) == 0


def test_other_kinds_of_data_are_on_the_scale_of_the_evaluator():
    evaluator = shipped_evaluator("universal")
    data, mean, error = evaluator.training_data, np.array([0.0, -1.0, -9.0]), np.array([0.5, 0.5, 0.5])
    place = data.names.index("airline")
    text = TaskQuery(data.z[place], "classification", present=("word_ngrams", "token_bag"))
    scores, errors = expected(evaluator, text, mean, error)
    plain, plain_errors = evaluator.posterior(text).in_metric_units(mean, error)
    np.testing.assert_allclose(scores[:2], plain[:2])
    np.testing.assert_allclose(errors, plain_errors)
    assert plain[2] < scores[2] == pytest.approx(constant_score(data.z[place]))
    table = text._replace(present=("one_hot", "learned"))
    assert expected(evaluator, table, mean, error)[0][0] != pytest.approx(scores[0])
