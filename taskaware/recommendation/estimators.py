"""`recommend` and the training after it as scikit-learn estimators, for pipelines and cross-validation."""

import numbers

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from taskaware import plain
from taskaware.data import columns
from taskaware.data.given import names_of
from taskaware.data.loaded import feature_frame
from taskaware.errors import UserError
from taskaware.modalities.single import SingleReader, single_of
from taskaware.recommendation.of_arrays import named_targets, single_task, table_task
from taskaware.recommendation.preference import with_members
from taskaware.recommendation.recommend import recommend
from taskaware.tasks.target import MIN_ROWS
from taskaware.training.answers import label_array
from taskaware.training.deciding import decided

LARGEST_SEED = 2**31 - 1


class _TaskAware(BaseEstimator):
    """What the classifier and the regressor share."""

    def __init__(
        self,
        *,
        metric=None,
        evaluator=None,
        ascent=None,
        prefer=None,
        leave_out=False,
        members=None,
        validation=0.2,
        patience=None,
        seconds=None,
        progress=False,
        random_state=0,
        optimizer=None,
    ):
        self.metric = metric
        self.evaluator = evaluator
        self.ascent = ascent
        self.prefer = prefer
        self.leave_out = leave_out
        self.members = members
        self.validation = validation
        self.patience = patience
        self.seconds = seconds
        self.progress = progress
        self.random_state = random_state
        self.optimizer = optimizer

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        for accepted in ("allow_nan", "categorical", "sparse", "string"):
            setattr(tags.input_tags, accepted, True)
        return tags

    def fit(self, X, y, sample_weight=None, *, groups=None, time=None):
        """Recommend an architecture for these rows and train it on them.

        Args:
            X: (N, F) frame, array, sparse matrix or list of rows, N at least 10. The columns of a frame may
                hold numbers, strings, categories, booleans and dates; any value may be missing. Or N texts,
                images, sounds or series, in any form that `recommend` takes.
            y: N targets, or (N, K) numbers for a regressor and 0 and 1 for a classifier; none is missing.
            sample_weight: how much each row counts in training and validation, N numbers of at least 0, or
                the name of a column of X. The architecture does not depend on it.
            groups: N values, or the name of a column of X: rows of one group stay in one part of the split
                that chooses the best weights.
            time: N dates or numbers, or the name of a column of X: the latest rows are those that choose
                the best weights.

        A column that is named stays a feature; to drop it from X, give its values.

        Returns:
            The estimator itself.

        Raises:
            ValueError: X or y is not usable; the message says why.
        """
        kind = single_of(X)
        features = self._features(X, fitting=True) if kind is None else kind.values_of(X)
        target = self._target(y)
        check_consistent_length(features, target)
        named = named_targets(target, y)
        task = (
            table_task(features, named, self._kind)
            if kind is None
            else single_task(kind, X, named, self._kind)
        )
        if kind is not None:
            self.n_features_in_ = X.shape[1] if getattr(X, "ndim", 1) == 2 else 1
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        seed = self._seed()
        if sample_weight is not None and not isinstance(sample_weight, str):
            sample_weight = _check_sample_weight(sample_weight, features, dtype=np.float64)
        self.recommendation_ = recommend(
            task,
            metric=self.metric,
            evaluator=self.evaluator,
            ascent=self.ascent,
            prefer=with_members(self.prefer, self.members),
            leave_out=self.leave_out,
            seed=seed,
        )
        self.model_ = self.recommendation_.fit(
            task,
            members=self.members,
            validation=self.validation,
            patience=self.patience,
            seconds=self.seconds,
            progress=self.progress,
            groups=groups,
            time=time,
            class_weight=getattr(self, "class_weight", None),
            sample_weight=sample_weight,
            optimizer=self.optimizer,
        )
        self._after_training(target)
        return self

    def _after_training(self, target: np.ndarray) -> None:
        """What else is to be known of the targets, when the model is trained."""

    def predict(self, X) -> np.ndarray:
        """The prediction for each row, (N,), or (N, K) of several outputs.

        Args:
            X: (N, F) rows in any form that `fit` takes.

        Raises:
            NotFittedError: before `fit`.
            ValueError: other columns than in `fit`, or a value that cannot be read.
        """
        rows = self._rows(X)
        return self.model_.predict(rows)

    def _seed(self) -> int:
        if isinstance(self.random_state, numbers.Integral):
            return plain.seed(self.random_state)
        return int(check_random_state(self.random_state).randint(LARGEST_SEED))

    def _rows(self, X):
        """Rows for prediction, those of a table under the names that the model was trained with."""
        check_is_fitted(self)
        if isinstance(self.model_.reader, SingleReader):
            return X
        return self._features(X, fitting=False).set_axis(self.model_.reader.names, axis=1)

    def _features(self, X, *, fitting: bool) -> pd.DataFrame:
        """The rows as a frame; columns are recorded when fitting, and compared after."""
        if isinstance(X, pd.DataFrame):
            names_of(X)  # of which none may stand twice
            return validate_data(self, X, reset=fitting, skip_check_array=True)
        return feature_frame(
            validate_data(
                self,
                X,
                reset=fitting,
                dtype=None,
                accept_sparse=True,
                ensure_all_finite="allow-nan",
                ensure_min_samples=MIN_ROWS if fitting else 1,
            )
        )

    def _target(self, y) -> np.ndarray:
        """The targets, (N,) or (N, K), none of them missing."""
        if y is None:
            raise UserError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        if isinstance(y, pd.Series) and isinstance(y.dtype, pd.BooleanDtype) and not y.isna().any():
            y = y.to_numpy(bool)  # of which scikit-learn makes floats
        y = check_array(y, ensure_2d=False, dtype=None, ensure_min_samples=0, input_name="y", estimator=self)
        return y if y.ndim == 2 and y.shape[1] > 1 else column_or_1d(y, warn=True)


class TaskAwareClassifier(ClassifierMixin, _TaskAware):
    """Recommends an architecture for the classes of y, before anything is trained, and trains it.

    Args:
        metric: metric that chooses the best weights, a name in `tasks.metrics.METRICS`; accuracy if None. For
            "balanced_accuracy" and "f1_macro", `predict` adds class offsets chosen on validation rows.
        class_weight: None, "balanced", or weights by label, as in scikit-learn.
        evaluator: predicts the scores of architectures, as `recommend` takes it; the shipped one if None.
        ascent: `AscentSettings`, how candidates are searched for; the default ones if None.
        prefer: limits of the networks, such as {"size": "<100k", "latency": "<1ms"}; as in `recommend`.
        leave_out: whether to hide this dataset and its relatives from the evaluator, as in `recommend`.
        members: number of networks that are trained and averaged; None as in `Recommendation.fit`.
        validation: share of the rows on which a network's best weights are chosen, in (0, 1).
        patience: evaluations without a better score of any network after which training ends; None as in
            `Recommendation.fit`.
        seconds: longest time of the training; the result then depends on the machine. None for no limit.
        progress: whether to show a progress bar.
        random_state: seed of search, split and training; the same int gives the same estimator.
        optimizer: an optax transformation in place of AdamW; None as in `Recommendation.fit`.

    Attributes:
        classes_: labels in the order of `predict_proba`; for an (N, K) y the indices of its columns.
        recommendation_: the `Recommendation`, with its notes and its uncertainty.
        model_: the trained `Model`, which can be saved.
        n_features_in_, feature_names_in_: of X; names only where all are strings.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> TaskAwareClassifier(members=1, patience=2).fit(X, y).predict(X[:2])
    array([0, 0])
    """

    _kind = "classification"

    def __init__(
        self,
        *,
        metric=None,
        class_weight=None,
        evaluator=None,
        ascent=None,
        prefer=None,
        leave_out=False,
        members=None,
        validation=0.2,
        patience=None,
        seconds=None,
        progress=False,
        random_state=0,
        optimizer=None,
    ):
        super().__init__(
            metric=metric,
            evaluator=evaluator,
            ascent=ascent,
            prefer=prefer,
            leave_out=leave_out,
            members=members,
            validation=validation,
            patience=patience,
            seconds=seconds,
            progress=progress,
            random_state=random_state,
            optimizer=optimizer,
        )
        self.class_weight = class_weight

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _after_training(self, target: np.ndarray) -> None:
        self._several = target.dtype if target.ndim == 2 else None
        if self._several is not None:
            self.classes_ = np.arange(target.shape[1])
            return
        self.classes_, self._place = _in_order(self.model_.classes, target)

    def predict(self, X) -> np.ndarray:
        rows = self._rows(X)
        if self._several is not None:
            return self.model_.predict(rows).astype(self._several)
        found = decided(self.model_.predict_proba(rows), self.model_.offsets)
        return self.classes_[self._place[found]]

    predict.__doc__ = _TaskAware.predict.__doc__

    def predict_proba(self, X) -> np.ndarray:
        """Probability of each class, (N, classes), in the order of `classes_`; errors as in `predict`.

        Of labels, the probability of each, (N, K).
        """
        rows = self._rows(X)
        found = self.model_.predict_proba(rows)
        return found if self._several is not None else found[:, np.argsort(self._place)]

    def _target(self, y) -> np.ndarray:
        y = super()._target(y)
        check_classification_targets(y)
        if y.ndim == 1 and len(y) and (y == y[0]).all():
            raise UserError(f"y holds one class, '{y[0]}', in all {len(y)} rows. Give at least two classes.")
        return y


class TaskAwareRegressor(RegressorMixin, _TaskAware):
    """Recommends an architecture for the numbers of y, before anything is trained, and trains it.

    Args:
        metric: metric that chooses the best weights: "r2" (None), "rmse" or "mae".
        evaluator, ascent, prefer, leave_out, members, validation, patience, seconds, progress,
            random_state, optimizer: as in `TaskAwareClassifier`.

    Attributes:
        recommendation_, model_, n_features_in_, feature_names_in_: as in `TaskAwareClassifier`.
    """

    _kind = "regression"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _target(self, y) -> np.ndarray:
        y = super()._target(y)
        if y.dtype.kind in "mM":
            what = "dates" if y.dtype.kind == "M" else "durations"
            raise UserError(
                f"y holds {what}, for instance {y.flat[0]}. Give numbers, of a unit that you choose: "
                "y / pandas.Timedelta('1h')."
            )
        return y.astype(np.float64)


def _in_order(labels: tuple, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes of y as scikit-learn sorts them, in y's type, and the place of each label among them."""
    classes = np.unique(y)
    places = {columns.label(each): place for place, each in enumerate(classes.tolist())}
    found = [places.get(columns.label(label), -1) for label in labels]
    if sorted(found) != list(range(len(classes))):
        return label_array(labels), np.arange(len(labels))
    return classes, np.array(found)
