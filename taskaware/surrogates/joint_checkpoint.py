"""Saving a feature generator with its evaluator as one `.npz`; loading runs no code."""

import dataclasses
import os
from pathlib import Path

import flax.traverse_util as traverse
import jax
import numpy as np

from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.tables.samples import SampleSize
from taskaware.spaces import space_from
from taskaware.surrogates.checkpoint import check_format, read_npz, write_npz
from taskaware.surrogates.evaluator import Scaler
from taskaware.surrogates.fit import EvaluatorSettings
from taskaware.surrogates.joint import JointEvaluator, JointSettings, first_params
from taskaware.surrogates.training_data import architecture_features

FORMAT = "taskaware joint evaluator"
VERSION = 1


def save_joint(evaluator: JointEvaluator, path: str | os.PathLike, *, force: bool = False) -> Path:
    """Write it; the file appears whole or not at all.

    Raises:
        UserError: the file exists and `force` is not given.
    """
    header = {
        "format": FORMAT,
        "version": VERSION,
        "space": evaluator.space.to_dict(),
        "settings": dataclasses.asdict(evaluator.settings),
        "size": dataclasses.asdict(evaluator.size),
        "catalogue": evaluator.catalogue,
        "card": dict(evaluator.card),
    }
    flat = traverse.flatten_dict(evaluator.params, sep="/")
    arrays = {f"param/{name}": value for name, value in flat.items()}
    arrays |= {f"scaler/{name}": value for name, value in evaluator.scaler._asdict().items()}
    return write_npz(path, header, arrays, force=force)


def load_joint(path: str | os.PathLike, *, catalogue: str | None = None) -> JointEvaluator:
    """Read what `save_joint` wrote.

    Args:
        path: of the file.
        catalogue: digest of the meta-features that it will be asked with; None asks nothing, and it does not
            matter where none stand beside the learned ones.

    Raises:
        UserError: there is no such file.
        CheckpointError: the file is damaged, foreign, newer than this taskaware, or learned from other
            meta-features.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no evaluator file '{path}'.")
    header, arrays = read_npz(path)
    check_format(path, header, FORMAT, VERSION, "taskaware evaluator with a feature generator")
    try:
        evaluator = _made(header, arrays)
        wanted = _shapes(evaluator)
    except (KeyError, TypeError, ValueError, UserError) as error:
        raise CheckpointError(f"The evaluator in '{path}' is damaged ({error}).") from error
    if jax.tree.map(lambda leaf: leaf.shape[1:], evaluator.params) != wanted:
        raise CheckpointError(
            f"The weights in '{path}' do not fit the networks that they are of. Train it again from the "
            "experience."
        )
    if catalogue is not None and evaluator.settings.beside and evaluator.catalogue != catalogue:
        raise CheckpointError(
            f"The evaluator in '{path}' learned from other meta-features (catalogue {evaluator.catalogue}, "
            f"here {catalogue}). Train it again from the experience."
        )
    return evaluator


def _made(header: dict, arrays: dict) -> JointEvaluator:
    made = dict(header["settings"])
    settings = JointSettings(**made | {"evaluator": EvaluatorSettings(**made["evaluator"])})
    flat = {tuple(name.split("/")[1:]): leaf for name, leaf in arrays.items() if name.startswith("param/")}
    return JointEvaluator(
        space=space_from(header["space"]),
        settings=settings,
        params=traverse.unflatten_dict(flat),
        scaler=Scaler(arrays["scaler/centre"], arrays["scaler/spread"]),
        size=SampleSize(**header["size"]).check(),
        catalogue=header["catalogue"],
        card=header["card"],
    )


def _shapes(evaluator: JointEvaluator) -> dict:
    """Of the weights of a member, as the networks of those names are now."""
    space, settings = evaluator.space, evaluator.settings
    features = architecture_features(space, np.zeros((1, space.dimension), np.float32)).shape[1]
    statistics = len(evaluator.scaler.centre) if settings.beside else 0
    fresh = first_params(settings, np.random.default_rng(0), evaluator.size, (statistics, features))
    return jax.tree.map(np.shape, fresh)
