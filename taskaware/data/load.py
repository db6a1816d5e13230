"""A data source → a frame with a name and, if known, a target."""

import dataclasses
from pathlib import Path

import pandas as pd

from taskaware.data import sources
from taskaware.data.files import FORMATS, format_of, read_file
from taskaware.data.loaded import Loaded, of_arrays, of_frame, tidy
from taskaware.data.manifests import fetch, manifest, manifests
from taskaware.errors import UserError

__all__ = ["Loaded", "load"]


def load(source, target=None) -> Loaded:
    """Read a data set.

    Args:
        source: one of
            a pandas DataFrame, or a tuple (X, y) of arrays or frames;
            a Hugging Face Dataset, or DatasetDict (train split; its test split is kept apart);
            a path (str or Path) to a file in one of `files.FORMATS`;
            the name of a manifest, such as "iris" (see `manifests.manifests`);
            "hf:owner/name", "hf:owner/name/config", "hf:name:config";
            "openml:31" or "openml:credit-g".
        target: name of the target column, or its values (as in (X, y)); by default the source's own.

    Raises:
        UserError: the source cannot be read; the message lists valid forms. The form is checked before any
            download.

    >>> load("iris").frame.shape, load("iris").target
    ((150, 5), 'target')
    """
    if _is_values(target):
        source, target = (source, target), None
    loaded = _load(source, target)
    if target is not None and loaded.target != str(target):
        loaded = dataclasses.replace(loaded, target=str(target), problem=None)
    return loaded


def _is_values(target) -> bool:
    return target is not None and not isinstance(target, str | int) and hasattr(target, "__len__")


def _load(source, target) -> Loaded:
    if isinstance(source, Loaded):
        return source
    if isinstance(source, pd.DataFrame):
        return of_frame(source)
    if isinstance(source, tuple) and len(source) == 2:
        return of_arrays(*source, name=target)
    if sources.is_datasets(source):
        return sources.from_datasets(source)
    if isinstance(source, Path):
        return _from_path(source)
    if isinstance(source, str):
        return _from_string(source)
    raise UserError(
        f"A {type(source).__name__} is no data set. Allowed: a DataFrame, a tuple (X, y), a Hugging Face "
        f"Dataset, a path ({', '.join(FORMATS)}), the name of a manifest, 'hf:owner/name', 'openml:31'."
    )


def _from_string(source: str) -> Loaded:
    place, _, key = source.partition(":")
    if place == "hf" and key:
        return sources.from_hub(key)
    if place == "openml" and key:
        return sources.from_openml(key)
    if source in (known.name for known in manifests()):
        return fetch(manifest(source))
    path = Path(source)
    if format_of(path) or path.suffix or path.exists() or len(path.parts) > 1:
        return _from_path(path)
    return fetch(manifest(source))


def _from_path(path: Path) -> Loaded:
    name = path.name[: len(path.name) - len(format_of(path) or "")]
    frame = read_file(path.expanduser())
    encoding = frame.attrs.get("encoding")
    notes = (f"'{path.name}' is not UTF-8; it is read as {encoding}.",) if encoding else ()
    return Loaded(tidy(frame), name or path.name, notes=notes)
