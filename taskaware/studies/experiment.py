"""Experiments: folders whose `config.py` returns the settings of a study."""

import dataclasses
import sys
import traceback
import types
from pathlib import Path

from taskaware.errors import UserError, unknown
from taskaware.studies.registry import study_of


def load_experiment(path: str | Path):
    """The settings that an experiment's `config.py` returns; the file is executed.

    Args:
        path: of the experiment's folder, or of the file.

    Raises:
        UserError: there is no such experiment (the nearest is named), or it returns no study's settings.
    """
    file = Path(path)
    file = file / "config.py" if file.is_dir() else file
    if not file.is_file():
        raise _no_experiment(Path(path))
    config = _called(file)
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise UserError(f"'{file}': config() returned {config!r}. Return the settings of a study.")
    try:
        study_of(config)
    except UserError as error:
        raise UserError(f"'{file}': {error}") from error
    return config


def _called(file: Path) -> object:
    """The value of the file's `config`."""
    source = file.read_bytes()
    module = types.ModuleType(f"_taskaware_experiment_{abs(hash(file.resolve()))}")
    module.__file__ = str(file)
    # Where dataclasses, type hints and `inspect` look for the module of a class.
    sys.modules[module.__name__] = module
    try:
        # Compiled here: an import would leave a __pycache__ in the experiment's folder.
        exec(compile(source, str(file), "exec"), module.__dict__)
        make = getattr(module, "config", None)
        config = make() if callable(make) else None
    except (Exception, SystemExit) as error:
        raise _no_config(file, error) from error
    if not callable(make):
        raise UserError(f"'{file}' has no function config(). Write one that returns a study's settings.")
    return config


def _no_config(file: Path, error: BaseException) -> UserError:
    lines = [step.lineno for step in traceback.extract_tb(error.__traceback__) if step.filename == str(file)]
    where = f", line {lines[-1]}," if lines else ""
    return UserError(f"'{file}'{where} returns no config ({type(error).__name__}: {error}). Fix the file.")


def _no_experiment(path: Path) -> UserError:
    if path.is_dir():
        return UserError(f"'{path}' has no config.py. Name the folder of an experiment.")
    there = sorted(str(file.parent) for file in Path("experiments").glob("*/config.py"))
    if there:
        return unknown("experiment", path, there)
    return UserError(f"There is no experiment '{path}'. An experiment is a folder with a config.py.")
