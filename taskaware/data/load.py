"""A data source → a frame with a name and, if known, a target."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from taskaware.data import content, sources
from taskaware.data.files import FORMATS, format_of, read_content, read_file
from taskaware.data.frames import is_table, table_frame
from taskaware.data.loaded import Loaded, of_arrays, of_frame
from taskaware.data.manifests import fetch, manifest, manifests
from taskaware.errors import UserError, quoted

__all__ = ["Loaded", "load", "rows_with_names"]


def load(source, target=None, *, encoding: str | None = None, as_text: Collection[str] = ()) -> Loaded:
    """Read a dataset.

    Args:
        source: one of
            a table (pandas, polars, Arrow, a dict of columns, a list of dicts), or a tuple (X, y) of arrays
            or tables;
            a Hugging Face Dataset, or DatasetDict (train split; its test split is kept apart);
            a path (str or Path) to a file in one of `files.FORMATS`, its address on the web, or "-" for
            standard input;
            the name of a manifest, such as "iris" (see `manifests.manifests`);
            "hf:owner/name", "hf:owner/name/config", "hf:name:config";
            "openml:31" or "openml:credit-g".
        target: name of the target column, or a list of the names of several, or values (as in (X, y)); by
            default the source's own.
        encoding: of a text file; by default found out.
        as_text: names of columns of a text file that stay as they are written.

    Raises:
        UserError: the source cannot be read; the message lists valid forms. The form is checked before any
            download.

    >>> load("iris").frame.shape, load("iris").target
    ((150, 5), 'target')
    """
    if isinstance(target, list | tuple) and len(target) == 1 and isinstance(target[0], str):
        target = target[0]
    text = Text(encoding, frozenset(as_text))
    if _are_names(target):
        return _of_names(source, tuple(map(str, target)), text)
    if _is_values(target):
        source, target = (source, target), None
    loaded = _load(source, target, text)
    if target is not None and loaded.target != str(target):
        loaded = dataclasses.replace(loaded, target=str(target), problem=None)
    return loaded


@dataclasses.dataclass(frozen=True)
class Text:
    """How text files are read; see `load`."""

    encoding: str | None
    as_text: frozenset[str]


def rows_with_names(rows: object, *, as_text: Collection[str] = ()) -> pd.DataFrame | None:
    """New rows as a frame, where their columns have names; None for arrays, lists of values, and the like.

    Args:
        rows: a table of `is_table`, a Hugging Face Dataset, or what else names a file for `load`.
        as_text: as for `load`.

    Raises:
        UserError: they cannot be read, or have several splits.
    """
    if isinstance(rows, str | Path):
        return load(rows, as_text=as_text).frame
    if isinstance(rows, dict) and sources.is_datasets(rows) and len(rows) != 1:
        raise UserError(f"This DatasetDict has the splits {list(rows)}. Give one of them.")
    if sources.is_datasets(rows) and (isinstance(rows, dict) or hasattr(rows, "column_names")):
        return load(rows).frame
    return table_frame(rows) if is_table(rows) else None


def check_order(source: object, target: object, name: str = "y") -> None:
    """Refuse values whose row labels are those of the features in another order: which one counts is open.

    Args:
        source: features, or (features, target).
        target: values for each row, a name, or None.
        name: of the values, for the error.

    Raises:
        UserError: the order differs; names the first row.
    """
    features, values = source if isinstance(source, tuple) and len(source) == 2 else (source, target)
    pandas = pd.DataFrame | pd.Series
    if not (isinstance(features, pandas) and isinstance(values, pandas)):
        return
    one, other = features.index, values.index
    if len(one) != len(other) or one.equals(other) or not (one.is_unique and other.is_unique):
        return
    if one.isin(other).all():
        row = next(row for row, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
        first = f"row {row} is {quoted(str(one[row]))} in X and {quoted(str(other[row]))} in {name}"
        raise UserError(
            f"X and {name} have the same row labels in another order: {first}. Give {name}.loc[X.index], or "
            f"{name}.to_numpy() if the order is right."
        )


def _are_names(target) -> bool:
    """Whether a target can be the names of several columns: different strings."""
    if not isinstance(target, list | tuple | pd.Index) or len(target) < 2:
        return False
    return all(isinstance(name, str) for name in target) and len(set(target)) == len(target)


def _of_names(source, names: tuple[str, ...], text: Text) -> Loaded:
    """The dataset with several targets, or with strings that are the values of one."""
    if isinstance(source, tuple) and len(source) == 2:
        return of_arrays(*source, name=names)
    if (
        not isinstance(source, str | Path | Loaded)
        and not is_table(source)
        and not sources.is_datasets(source)
    ):
        return of_arrays(source, list(names))
    loaded = _load(source, None, text)
    if len(names) == len(loaded.frame) and not set(names) & set(loaded.frame.columns):
        return of_arrays(loaded.frame, list(names))
    return dataclasses.replace(loaded, target=names, problem=None)


def _is_values(target) -> bool:
    return target is not None and not isinstance(target, str | int) and hasattr(target, "__len__")


def _load(source, target, text: Text) -> Loaded:
    if isinstance(source, Loaded):
        return source
    if isinstance(source, tuple) and len(source) == 2:
        features, values = source
        features = features if isinstance(features, str | Path) else rows_with_names(features)
        return of_arrays(source[0] if features is None else features, values, name=target)
    if sources.is_datasets(source):
        return sources.from_datasets(source)
    if is_table(source):
        return of_frame(table_frame(source), target)
    if isinstance(source, Path):
        return _from_path(source, target, text)
    if isinstance(source, str):
        return _from_string(source, target, text)
    raise UserError(
        f"A {type(source).__name__} is no dataset. Allowed: a DataFrame, a tuple (X, y), a Hugging Face "
        f"Dataset, a path ({', '.join(FORMATS)}), the name of a manifest, 'hf:owner/name', 'openml:31'; or a "
        "list of texts, images, sounds or series with their targets. Where a list is not recognised, say "
        'modality="text", for instance.'
    )


def _from_string(source: str, target, text: Text) -> Loaded:
    place, _, key = source.partition(":")
    if place == "hf" and key:
        return sources.from_hub(key)
    if place == "openml" and key:
        return sources.from_openml(key)
    if source == "-":
        return _from_content(content.standard_input(), target, text)
    if content.is_address(source):
        return _from_content(content.from_web(source), target, text)
    if source in (known.name for known in manifests()):
        return fetch(manifest(source))
    path = Path(source)
    if format_of(path) or path.suffix or _exists(path) or len(path.parts) > 1:
        return _from_path(path, target, text)
    return fetch(manifest(source))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from_path(path: Path, target, text: Text) -> Loaded:
    name = path.name[: len(path.name) - len(format_of(path) or "")]
    frame = read_file(_home(path), text.encoding, text.as_text)
    return _described(frame, name or path.name, path.name, target)


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UserError(
            f"'{path}' names the home folder of a user that there is not. Write the path out."
        ) from error


def _from_content(found: content.Content, target, text: Text) -> Loaded:
    frame = read_content(found, text.encoding, text.as_text)
    return _described(frame, Path(found.name).stem, found.name, target)


def _described(frame: pd.DataFrame, name: str, file: str, target) -> Loaded:
    """The frame with what its reader noted in `attrs`."""
    attrs, notes = frame.attrs, list(frame.attrs.get("notes", ()))
    if "encoding" in attrs:
        notes.append(f"'{file}' is not UTF-8; it is read as {attrs['encoding']}.")
    if target is not None and str(target) in attrs.get("twice", ()):
        raise UserError(
            f"Target '{target}' stands twice in the line of names of '{file}'. Rename one of them."
        )
    frame.attrs = {}
    loaded = of_frame(frame, target)
    if attrs.get("shown"):
        # New rows are read by the decimal sign of their own file, see `columns.numbers`.
        loaded.frame.attrs["decimal"] = attrs["shown"]
    notes += loaded.notes
    return dataclasses.replace(loaded, name=name, notes=tuple(notes), decimal=attrs.get("decimal", "."))
