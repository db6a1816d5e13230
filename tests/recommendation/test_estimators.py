"""The scikit-learn estimators keep scikit-learn's own promises, and read frames as `recommend` does."""

import pickle
from unittest import SkipTest

import numpy as np
import optax
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from taskaware.arrays import bucket
from taskaware.errors import UserError
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.estimators import TaskAwareClassifier, TaskAwareRegressor
from taskaware.training import fit, prepare
from taskaware.training.recipe import TrainingRecipe

pytestmark = pytest.mark.usefixtures("short", "one_shape")

BOTH = pytest.mark.parametrize("problem", [TaskAwareClassifier, TaskAwareRegressor])


@pytest.fixture(scope="module")
def one_shape():
    """Tables of all widths are padded to one, so that they share compiled programs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "column_room", lambda columns: bucket(columns, 512) if columns else 0)
        yield


@pytest.fixture
def classifier(evaluator):
    return TaskAwareClassifier(evaluator=evaluator, members=1)


@pytest.fixture
def regressor(evaluator):
    return TaskAwareRegressor(evaluator=evaluator, members=1)


@pytest.fixture(scope="module")
def fitted(evaluator, made, short, one_shape):
    frame = made()
    return TaskAwareClassifier(evaluator=evaluator).fit(frame.drop(columns="y"), frame["y"])


@pytest.mark.parametrize(
    ("problem", "words"), [(TaskAwareClassifier, ("",)), (TaskAwareRegressor, ("regressor", "_y"))]
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(problem, words, evaluator, monkeypatch):
    """All of them on the classifier; on the regressor those that are not about what both share."""
    monkeypatch.setattr(fit, "RECIPE", TrainingRecipe(steps=90, batch_size=32))
    quick = problem(evaluator=evaluator, members=1, patience=1, ascent=AscentSettings(rounds=1))
    passed, skipped, wrong = set(), set(), {}
    for estimator, check in estimator_checks_generator(quick):
        name = check.func.__name__
        # Rows are drawn by weight, so weights and copies of rows give like networks, not equal ones.
        if name.startswith("check_sample_weight_equivalence") or not any(word in name for word in words):
            continue
        try:
            check(estimator)
            passed.add(name)
        except SkipTest:
            skipped.add(name)
        except Exception as error:  # all are shown together
            wrong[name] = error
    assert wrong == {}
    # Of the forms of answers for labels, there is no decision_function.
    decision = "check_classifiers_multilabel_output_format_decision_function"
    assert skipped <= {
        "check_array_api_input",
        "check_array_api_mixed_inputs",
        "check_array_api_same_namespace",
        decision,
    }
    assert len(passed) > (50 if words == ("",) else 5)


def test_its_evaluator_is_shown_without_its_arrays(classifier, evaluator):
    shown = repr(evaluator)
    assert "network='bilinear'" in shown and "array" not in shown
    assert repr(classifier).startswith("TaskAwareClassifier(evaluator=EnsembleEvaluator(")


def test_a_frame_of_everything(fitted, made):
    frame, fresh = made(), made(seed=1)
    features = frame.drop(columns="y")
    assert list(fitted.classes_) == ["kept", "sold"]
    assert fitted.n_features_in_ == 6
    assert list(fitted.feature_names_in_) == list(features.columns)
    assert fitted.recommendation_.task.target_name == "y"
    assert fitted.score(fresh.drop(columns="y"), fresh["y"]) > 0.7
    proba = fitted.predict_proba(features)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(fitted.classes_[proba.argmax(1)], fitted.predict(features))
    np.testing.assert_array_equal(fitted.model_.predict(frame), fitted.predict(features))


def test_the_optimizer_of_the_user_trains(evaluator, made):
    """One that makes no steps leaves the loss as it is."""
    frame = made()
    still = TaskAwareClassifier(evaluator=evaluator, members=1, patience=2, optimizer=optax.set_to_zero())
    model = clone(still).fit(frame.drop(columns="y"), frame["y"]).model_
    assert len(model.history) == 3 and model.history["loss"].nunique() == 1


def test_numbers_of_a_frame(regressor, made):
    frame, fresh = made(problem="regression"), made(problem="regression", seed=1)
    regressor.fit(frame.drop(columns="y"), frame["y"])
    assert regressor.score(fresh.drop(columns="y"), fresh["y"]) > 0.3
    assert regressor.recommendation_.task.metric == "r2"


def test_whole_numbers_stay_numbers_for_a_regressor(regressor):
    X = np.random.default_rng(0).normal(size=(40, 2))
    predicted = regressor.fit(X, (X[:, 0] > 0).astype(int)).predict(X)
    assert predicted.dtype.kind == "f"
    assert len(np.unique(predicted)) > 2


@pytest.mark.parametrize("labels", [[False, True], [3, 7], ["no", "yes"], [-1.0, 1.0]])
def test_labels_keep_their_type(classifier, labels):
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.array(labels)[(X[:, 0] > 0).astype(int)]
    predicted = classifier.fit(X, y).predict(X)
    np.testing.assert_array_equal(classifier.classes_, np.unique(y))
    assert (predicted == y).mean() > 0.8
    assert predicted.dtype.kind == y.dtype.kind


def test_a_sparse_matrix_is_read_as_a_dense_one(classifier):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2)) * (rng.random((40, 2)) < 0.7)
    y = np.where(X[:, 0] > 0, "a", "b")
    dense, thin = (clone(classifier).fit(each, y) for each in (X, sparse.csr_array(X)))
    np.testing.assert_array_equal(dense.predict_proba(X), thin.predict_proba(sparse.coo_array(X)))


def test_the_seed_decides(classifier, made):
    frame = made()
    X, y = frame.drop(columns="y"), frame["y"]
    again, other, drawn = (
        clone(classifier).set_params(random_state=state).fit(X, y)
        for state in (0, 1, np.random.RandomState(0))
    )
    first = clone(classifier).fit(X, y)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert (first.predict_proba(X) != other.predict_proba(X)).any()
    assert (first.recommendation_.seed, other.recommendation_.seed) == (0, 1)
    assert drawn.recommendation_.seed not in (0, 1)


def test_in_pipelines_and_searches(classifier, regressor, made):
    frame = made()
    X, y = frame.drop(columns="y"), frame["y"]
    scores = cross_val_score(classifier, X, y, cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.6
    search = GridSearchCV(classifier, {"validation": [0.2, 0.3], "patience": [1]}, cv=2).fit(X, y)
    assert search.best_estimator_.model_.history["step"].max() < 400
    assert set(search.cv_results_["param_validation"]) == {0.2, 0.3}
    numeric = ["size", "weight"]
    scaled = ColumnTransformer([("scale", make_pipeline(SimpleImputer(), StandardScaler()), numeric)])
    pipeline = make_pipeline(scaled, regressor).fit(X, X["weight"] * 2)
    assert pipeline.score(X, X["weight"] * 2) > 0.7


def test_how_to_train_reaches_the_training(evaluator, made):
    frame = made()
    with pytest.raises(UserError, match="patience=0"):
        TaskAwareClassifier(evaluator=evaluator, patience=0).fit(frame.drop(columns="y"), frame["y"])
    with pytest.raises(UserError, match="members=0"):
        TaskAwareClassifier(evaluator=evaluator, members=0).fit(frame.drop(columns="y"), frame["y"])
    with pytest.raises(UserError, match="validation=1.5"):
        TaskAwareClassifier(evaluator=evaluator, validation=1.5).fit(frame.drop(columns="y"), frame["y"])


def test_pickled_it_predicts_the_same(fitted, made):
    X = made(seed=1).drop(columns="y")
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))


def test_a_column_may_have_the_name_of_the_target(classifier, made):
    frame = made().rename(columns={"weight": "target"})
    classifier.fit(frame.drop(columns="y"), frame["y"].to_numpy())
    assert classifier.recommendation_.task.target_name == "target_"
    assert classifier.predict(frame.drop(columns="y")).shape == (240,)


@pytest.mark.parametrize("problem", [list, np.asarray, pd.Series, pd.Categorical])
def test_targets_of_any_form(classifier, made, problem):
    frame = made(rows=40)
    classifier.fit(frame.drop(columns="y"), problem(frame["y"].tolist()))
    assert list(classifier.classes_) == ["kept", "sold"]


def test_unusable_targets_are_refused(classifier, regressor, made):
    frame = made(rows=20)
    X, y = frame.drop(columns="y"), frame["y"]
    with pytest.raises(UserError, match="y holds one class, 'sold', in all 20 rows"):
        classifier.fit(X, ["sold"] * 20)
    with pytest.raises(UserError, match="1 of 20 values of y are missing or a mark for it, such as"):
        classifier.fit(X, y.where(np.arange(20) > 0, "NA"))
    with pytest.raises(ValueError, match="contains NaN"):
        classifier.fit(X, y.where(np.arange(20) > 0, None))
    with pytest.raises(ValueError, match="contains NaN"):
        regressor.fit(X, np.r_[np.nan, np.arange(19)])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classifier.fit(X, np.linspace(0, 1, 20))
    with pytest.raises(ValueError, match="sold|kept"):
        regressor.fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(X, y[:-1])


def test_unusable_rows_are_refused(fitted, classifier, made):
    X = made(rows=20).drop(columns="y")
    with pytest.raises(ValueError, match="same order"):
        fitted.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="missing"):
        fitted.predict(X.drop(columns="size"))
    with pytest.warns(UserWarning, match="'huge' in 1 of 20 rows is read as missing"):
        fitted.predict(X.astype({"size": object}).assign(size=["1"] * 3 + ["huge"] + ["1"] * 16))
    with pytest.raises(NotFittedError):
        classifier.predict(X)
    with pytest.raises(UserError, match="Only 9 of 9 rows have a target 'y'; at least 10"):
        classifier.fit(X[:9], pd.Series(["a", "b"] * 4 + ["a"], name="y"))


def test_new_categories_and_missing_values_are_read(fitted, made):
    X = made(rows=20).drop(columns="y").astype(object)
    X.iloc[0] = None
    X.loc[1, ["colour", "grade"]] = "purple"
    assert np.isfinite(fitted.predict_proba(X)).all()


@pytest.mark.parametrize("labels", [("-1", "+1"), ("10", "9"), ("b", "a"), (True, False), (3, -2)])
def test_classes_are_those_of_numpy_and_predictions_are_of_their_type(evaluator, labels):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    y = np.array(labels)[(x[:, 0] > 0).astype(int)]
    fitted = TaskAwareClassifier(evaluator=evaluator, members=1).fit(x, y)
    np.testing.assert_array_equal(fitted.classes_, np.unique(y))
    assert fitted.classes_.dtype.kind == y.dtype.kind == fitted.predict(x).dtype.kind
    assert (fitted.predict(x) == y).mean() > 0.8
    best = fitted.classes_[fitted.predict_proba(x).argmax(1)]
    np.testing.assert_array_equal(best, fitted.predict(x))


def test_roc_auc_of_labels_that_are_numbers_as_text(evaluator):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(90, 3))
    y = np.where(x[:, 0] > 0, "+1", "-1")
    scores = cross_val_score(
        TaskAwareClassifier(evaluator=evaluator, members=1), x, y, scoring="roc_auc", cv=2
    )
    assert scores.min() > 0.8


def test_metric_weights_and_groups_reach_the_training(evaluator):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(120, 3))).add_prefix("x").assign(who=np.arange(120) // 4)
    y = np.where(frame["x0"] > 1.2, "rare", "usual")
    estimator = TaskAwareClassifier(
        evaluator=evaluator, members=1, metric="balanced_accuracy", class_weight={"rare": 4}
    )
    fitted = estimator.fit(frame, y, sample_weight=np.ones(120), groups="who")
    assert fitted.model_.metric == "balanced_accuracy"
    assert (fitted.predict(frame) == "rare").sum() >= (y == "rare").sum()
    with pytest.raises(ValueError, match="Did you mean 'who'"):
        estimator.fit(frame, y, groups="whom")
    with pytest.raises(ValueError, match="both given"):
        estimator.fit(frame, y, groups="who", time="who")
