"""Datasets from elsewhere: OpenML, the Hugging Face hub, a web address, and scikit-learn's own.

Every library is imported only when one of its datasets is asked for.
"""

import csv
import dataclasses
import hashlib
import importlib.util
import urllib.error
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from taskaware.compilation import cache_folder
from taskaware.data.content import fetched
from taskaware.data.files import format_of, read_file
from taskaware.data.loaded import Loaded, of_frame, tidy
from taskaware.errors import UserError, unknown
from taskaware.files import atomic_write

BUNDLED = ("load_iris", "load_wine", "load_breast_cancer", "load_digits", "load_diabetes")

_CELLS = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
    "symmetry", "fractal dimension",
)  # fmt: skip

FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "load_iris": (
        "iris.csv",
        tuple(f"{part} {side} (cm)" for part in ("sepal", "petal") for side in ("length", "width")),
    ),
    "load_wine": (
        "wine_data.csv",
        (
            "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
            "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue",
            "od280/od315_of_diluted_wines", "proline",
        ),
    ),
    "load_breast_cancer": (
        "breast_cancer.csv",
        tuple(words.format(cell) for words in ("mean {}", "{} error", "worst {}") for cell in _CELLS),
    ),
}  # fmt: skip
"""The datasets that scikit-learn keeps as plain text: the file, and the names of its columns."""


def from_sklearn(loader: str) -> Loaded:
    """One of the datasets in scikit-learn's package, by the name of its loader in BUNDLED.

    Class names stand for the class numbers, unless they are digits.

    >>> from_sklearn("load_iris").frame["target"].iloc[0]
    'setosa'
    """
    if loader not in BUNDLED:
        raise unknown("dataset of scikit-learn", loader, BUNDLED)
    frame = _read_packaged(loader) if loader in FILES else None
    return Loaded(_imported(loader) if frame is None else frame, loader.removeprefix("load_"), "target")


def _read_packaged(loader: str) -> pd.DataFrame | None:
    """What `_imported` gives, without the second that importing scikit-learn takes; None without its file."""
    name, columns = FILES[loader]
    package = importlib.util.find_spec("sklearn")
    path = Path((package and package.origin) or "").parent / "datasets" / "data" / name
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        (_, _, *classes), *rows = csv.reader(file)
    frame = pd.DataFrame(np.array([row[:-1] for row in rows], float), columns=list(columns))
    frame["target"] = pd.Categorical.from_codes([int(row[-1]) for row in rows], classes)
    return frame


def _imported(loader: str) -> pd.DataFrame:
    """The frame that scikit-learn's own reader gives."""
    from sklearn import datasets

    bunch = getattr(datasets, loader)(as_frame=True)
    frame = tidy(bunch.frame)
    names = [str(name) for name in getattr(bunch, "target_names", ())]
    if names and not all(name.isdigit() for name in names):
        frame["target"] = pd.Categorical.from_codes(frame["target"], names)
    return frame


def from_openml(key: str) -> Loaded:
    """A dataset of OpenML, by number or name; kept in the cache folder.

    Raises:
        UserError: it is not there, or OpenML cannot be reached.
    """
    from sklearn.datasets import fetch_openml

    chosen = {"data_id": int(key)} if key.isdigit() else {"name": key}
    folder = str(cache_folder() / "openml")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # it warns before it retries; the failure itself is reported below
            bunch = fetch_openml(
                **chosen, as_frame=True, parser="pandas", data_home=folder, n_retries=1, delay=0.1
            )
    except (urllib.error.HTTPError, ValueError) as error:
        raise UserError(f"OpenML has no usable dataset '{key}' ({error}). See openml.org.") from error
    except OSError as error:
        raise UserError(
            f"OpenML cannot be reached for '{key}' ({error}). Go online, or name a file."
        ) from error
    target = bunch.target_names[0] if len(bunch.target_names) == 1 else None
    return Loaded(tidy(bunch.frame), bunch.details.get("name", key), target)


def from_hub(key: str) -> Loaded:
    """A dataset of the Hugging Face hub: "owner/name", "name", "owner/name/config" or "name:config".

    Raises:
        UserError: it is not there, needs a config, or the hub cannot be reached.
    """
    import datasets

    name, config = hub_parts(key)
    try:
        found = datasets.load_dataset(name, config)
    except ConnectionError as error:
        raise UserError(
            f"The Hugging Face hub cannot be reached for '{key}' ({error}). Go online, or name a file."
        ) from error
    except Exception as error:  # the hub's client, its readers and its builders have many kinds of errors
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"The Hugging Face hub has no usable dataset '{key}': {reason}") from error
    return dataclasses.replace(from_datasets(found), name=key)


def hub_parts(key: str) -> tuple[str, str | None]:
    """Name and config in a hub key.

    >>> hub_parts("nyu-mll/glue/sst2"), hub_parts("glue:sst2"), hub_parts("imdb")
    (('nyu-mll/glue', 'sst2'), ('glue', 'sst2'), ('imdb', None))
    """
    name, _, config = key.partition(":")
    if not config and name.count("/") == 2:
        name, _, config = name.rpartition("/")
    return name, config or None


def is_datasets(source: object) -> bool:
    """Whether this is an object of the `datasets` library, told without importing it."""
    return type(source).__module__.partition(".")[0] == "datasets"


def from_datasets(source) -> Loaded:
    """A Hugging Face Dataset, or a DatasetDict: its train split, with its test split kept apart.

    Class labels stand for the class numbers; a test split whose labels are hidden is left out. The only
    column of class labels is the target, unless another one is named.

    Raises:
        UserError: a streamed dataset, or several splits and none of them called "train".
    """
    if not isinstance(source, dict):
        return _with_target(Loaded(_hub_frame(source), "frame"), source)
    name = next(iter(source)) if len(source) == 1 else "train"
    if name not in source:
        raise UserError(f"This DatasetDict has no split 'train', but {list(source)}. Give one of them.")
    left_out = [split for split in source if split not in (name, "test")]
    notes = [f"Splits {left_out} of the dataset were not used."] if left_out else []
    test = _hub_frame(source["test"]) if "test" in source and name != "test" else None
    loaded = Loaded(_hub_frame(source[name]), "frame", test=test, notes=tuple(notes))
    return _with_target(loaded, source[name])


def _with_target(loaded: Loaded, dataset) -> Loaded:
    labels = [name for name, feature in dataset.features.items() if _class_names(feature) is not None]
    return dataclasses.replace(loaded, target=labels[0]) if len(labels) == 1 else loaded


def _hub_frame(dataset) -> pd.DataFrame:
    if not hasattr(dataset, "to_pandas") or not hasattr(dataset, "num_rows"):
        raise UserError(f"A {type(dataset).__name__} is read row by row. Load it with streaming=False.")
    frame = tidy(dataset.to_pandas())
    for name, feature in dataset.features.items():
        names = _class_names(feature)
        if type(feature).__name__ == "ClassLabel":
            frame[name] = pd.Categorical.from_codes(frame[name].fillna(-1).astype(int), names)
        elif names is not None:
            frame[name] = [None if each is None else [names[code] for code in each] for each in frame[name]]
    return frame


def _class_names(feature) -> list[str] | None:
    """Names of the classes of a column of class labels, or of lists of them; None for another column."""
    first = feature[0] if isinstance(feature, list) and len(feature) == 1 else feature
    inner: Any = getattr(first, "feature", first)
    return list(inner.names) if type(inner).__name__ == "ClassLabel" else None


def from_url(url: str, sha256: str) -> Loaded:
    """A file behind a web address, kept in the cache folder under its sha256.

    Args:
        url: http, https or file; it ends in one of `files.FORMATS`.
        sha256: 64 hex digits that the content must have.

    Raises:
        UserError: it cannot be fetched, or its content has changed.
    """
    ending = format_of(Path(url)) or ""
    kept = cache_folder() / "files" / f"{sha256}{ending}"
    if not kept.exists():
        content = _checked(url, sha256, fetched(url))
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(kept, content)
    return of_frame(read_file(kept))


def _checked(url: str, sha256: str, content: bytes) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(f"'{url}' has sha256 {found}, but {sha256} was expected: its content has changed.")
    return content
