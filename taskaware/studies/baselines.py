"""The recommended model and its baselines, in one form.

Each is a function (task, its split, seed) → predictions for the test rows, and has read every other row: a
model that wants rows of its own to stop early takes them from these.
"""

import dataclasses
import hashlib
import importlib.metadata
import logging
import warnings
from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from taskaware.compilation import keep_compiled
from taskaware.data.schema import Field, Schema
from taskaware.data.table import Column, Table
from taskaware.modalities.tables.frame import library_frame
from taskaware.modalities.tables.table import table_of
from taskaware.recommendation.recommend import recommend
from taskaware.spaces import named_point, named_space
from taskaware.tasks.split import Split
from taskaware.tasks.target import class_indices
from taskaware.tasks.task import PROBLEMS, Task
from taskaware.training import fit, trainer
from taskaware.training.model import Model

TUNED: dict[str, object] = {
    "n_hyperopt_steps": 20,
    "hpo_space_name": "tabarena",
    "use_caruana_ensembling": True,
}
"""Configurations drawn at random from the space of TabArena, trained on four fifths of the rows. The other
fifth weights them in an ensemble (Caruana and others 2004), in which most have the weight 0."""

VERSION = 1
"""Raise it when the libraries' models get other inputs: their scores are then computed again."""

NUMBERS = make_column_selector(dtype_include="number")
CATEGORIES = make_column_selector(dtype_include="category")


class Baseline(NamedTuple):
    """A model of the comparison.

    Attributes:
        predict: (task, split, seed) → class indices or numbers for the test rows, (n,).
        packages: distributions that it needs, beyond those of taskaware.
        imported: distributions that these import; its scores do not depend on them.
    """

    predict: Callable[[Task, Split, int], np.ndarray]
    packages: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()


def recommended(task: Task, parts: Split, seed: int, *, members: int | None = None) -> np.ndarray:
    """Predictions of the network that `recommend` chooses, trained by `Recommendation.fit`, (n,).

    The task and its relatives are left out of the experience. The meta-features are those of all rows: the
    task is recognised by its content.

    Args:
        task: to predict.
        parts: its rows of training, validation and test.
        seed: of recommendation and training.
        members: how many networks are averaged, see `Recommendation.fit`.
    """
    keep_compiled()
    recommendation = recommend(task, leave_out=True, seed=seed)
    model = recommendation.fit(_given(task, parts), seed=seed, members=members, progress=False)
    return _predicted(model, task, parts)


def designed(task: Task, parts: Split, seed: int, *, design: str) -> np.ndarray:
    """Predictions of one network of a known design, trained by `fit`, (n,).

    Args:
        task: to predict.
        parts: its rows of training, validation and test.
        seed: of training.
        design: see `spaces.named_point`.
    """
    keep_compiled()
    space = named_space(design, problem=task.problem)
    point = named_point(design, space, problem=task.problem)
    model = fit.fit(_given(task, parts), space, point, seed=seed, members=1, progress=False)
    return _predicted(model, task, parts)


def _given(task: Task, parts: Split) -> Task:
    """The task without its test rows."""
    rows, table = _known(parts), table_of(task)
    columns = enumerate(table.columns)
    schema = Schema(tuple(Field(f"x{place}", *_read_as(column)) for place, column in columns))
    return dataclasses.replace(
        task, data=task.data.take(rows), target=task.target[rows], reader=schema, test=None
    )


def _predicted(model: Model, task: Task, parts: Split) -> np.ndarray:
    found = model.predict(_words(table_of(task).take(parts.test)))
    return found if task.problem == "regression" else class_indices(pd.Series(found), task.classes)


def mlp(problem: str, seed: int) -> BaseEstimator:
    """scikit-learn's network at its defaults; inputs, and the target of a regression, are standardised."""
    inputs = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
            NUMBERS,
        ),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
    )
    if problem == "classification":
        return make_pipeline(inputs, MLPClassifier(random_state=seed))
    network = TransformedTargetRegressor(MLPRegressor(random_state=seed), transformer=StandardScaler())
    return make_pipeline(inputs, network)


def trees(problem: str, seed: int) -> BaseEstimator:
    """scikit-learn's histogram-based gradient boosting at its defaults.

    Beyond 10,000 rows it refuses a class of one row, and classes of one or two lead all others astray: on
    `hypothyroid` 83 % of the test rows are right in place of 99 %.
    """
    make = HistGradientBoostingClassifier if problem == "classification" else HistGradientBoostingRegressor
    return make(random_state=seed)


def flaml(problem: str, seed: int) -> BaseEstimator:
    """LightGBM with the hyperparameters that FLAML suggests for the data without a trial.

    Source: Wang, Wu, Weimer, Zhu 2021.
    """
    from flaml.default import LGBMClassifier, LGBMRegressor

    make = LGBMClassifier if problem == "classification" else LGBMRegressor
    return make(random_state=seed, verbose=-1)


def tabkit(problem: str, seed: int, *, model: str) -> BaseEstimator:
    """A model of pytabkit. Missing numbers are filled with the median: its networks read none.

    Args:
        problem: of the task.
        seed: of the model, and of the fifth of the rows that its networks stop by.
        model: name of its classes without Classifier and Regressor, such as RealMLP_TD.
    """
    import pytabkit

    make = getattr(pytabkit, f"{model}_{'Classifier' if problem == 'classification' else 'Regressor'}")
    settings = TUNED if model.endswith("_HPO") else {}
    # It prints the devices before every training.
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    filled = make_column_transformer(
        (SimpleImputer(strategy="median", keep_empty_features=True), NUMBERS), remainder="passthrough"
    )
    return make_pipeline(
        filled.set_output(transform="pandas"), make(random_state=seed, n_threads=1, **settings)
    )


def library(
    make: Callable[[str, int], BaseEstimator], task: Task, parts: Split, seed: int, *, fewest: int = 1
) -> np.ndarray:
    """Predictions of a library's estimator on the test rows, (n,); it is fitted to all other rows.

    Args:
        make: (problem, seed) → the estimator.
        task: to predict.
        parts: its rows of training, validation and test.
        seed: of the estimator.
        fewest: classes with fewer rows than this are not learned.
    """
    frame, rows = library_frame(table_of(task)), _frequent(task, _known(parts), fewest)
    model = make(task.problem, seed)
    # One thread: workers fill the cores already, and competing threads are far slower.
    with threadpool_limits(1), warnings.catch_warnings():
        # The defaults are compared, even if they stop before convergence.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(frame.iloc[rows], task.target[rows])
        return np.ravel(model.predict(frame.iloc[parts.test]))


def _of_tabkit(model: str, *packages: str) -> Baseline:
    return Baseline(partial(library, partial(tabkit, model=model)), ("pytabkit", *packages))


BASELINES: dict[str, Baseline] = {
    "recommended": Baseline(recommended),
    "recommended_once": Baseline(partial(recommended, members=1)),
    "trees": Baseline(partial(library, trees, fewest=3)),
    "mlp": Baseline(partial(library, mlp)),
    "flaml": Baseline(partial(library, flaml), ("flaml", "lightgbm"), ("xgboost",)),
    # At their tuned defaults: Holzmüller, Grinsztajn, Steinwart 2024; Gorishniy, Kotelnikov, Babenko 2025.
    "realmlp": _of_tabkit("RealMLP_TD"),
    "tabm": _of_tabkit("TabM_D"),
    "realmlp_tuned": _of_tabkit("RealMLP_HPO"),
    "tabm_tuned": _of_tabkit("TabM_HPO"),
    # At its defaults: Prokhorenkova and others 2018.
    "catboost": _of_tabkit("CatBoost_D", "catboost"),
    "design_realmlp": Baseline(partial(designed, design="realmlp")),
    "design_tabm": Baseline(partial(designed, design="tabm")),
}

USUAL = ("recommended", "recommended_once", "trees", "mlp", "flaml", "realmlp")
"""The models that are compared where none are named."""


def missing(name: str) -> tuple[str, ...]:
    """Packages of a model that are not installed."""
    rival = BASELINES[name]
    return tuple(package for package in (*rival.packages, *rival.imported) if _version(package) is None)


def version(name: str) -> list[str]:
    """Everything beside task and seed that the scores of a model depend on."""
    if name.startswith("design_"):
        design = name.removeprefix("design_")
        hasher = hashlib.sha256()
        for problem in PROBLEMS:
            space = named_space(design, problem=problem)
            hasher.update(space.digest.encode() + named_point(design, space, problem=problem).tobytes())
        return [f"trainer {trainer.VERSION}", f"fit {fit.VERSION}", hasher.hexdigest()[:16]]
    if name.startswith("recommended"):
        return [f"trainer {trainer.VERSION}", f"fit {fit.VERSION}", _learned()]
    return [
        f"given as {VERSION}",
        *(f"{package} {_version(package)}" for package in ("scikit-learn", *BASELINES[name].packages)),
    ]


def _learned() -> str:
    """Digest of the evaluator and the experience that are shipped."""
    hasher = hashlib.sha256()
    for file in sorted(resources.files("taskaware.shipped").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".npz"):
            hasher.update(file.read_bytes())
    return hasher.hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _known(parts: Split) -> np.ndarray:
    """All rows but the test rows, ascending."""
    return np.sort(np.concatenate([parts.train, parts.validation]))


def _frequent(task: Task, rows: np.ndarray, fewest: int) -> np.ndarray:
    """The rows whose class has at least `fewest` of them."""
    if task.problem == "regression":
        return rows
    return rows[np.bincount(task.target[rows])[task.target[rows]] >= fewest]


def _read_as(column: Column) -> tuple[str, tuple[str, ...]]:
    """Kind and categories that a column of a table is read with."""
    if column.is_numeric:
        return "numeric", ()
    return column.kind, column.categories if column.kind == "category" else ()


def _words(table: Table) -> pd.DataFrame:
    """A table as its schema reads it: numbers, and words instead of codes."""
    words = {
        f"x{place}": column.values if column.is_numeric else _named(column)
        for place, column in enumerate(table.columns)
    }
    return pd.DataFrame(words)


def _named(column: Column) -> np.ndarray:
    return np.array([*column.categories, None], object)[column.values]
