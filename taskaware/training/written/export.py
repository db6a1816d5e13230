"""A model as a folder for programs without taskaware: data, and `predict.py` where NumPy reads the rows."""

import hashlib
import io
import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskaware.children.mixture.with_onnx import graph
from taskaware.compilation import keep_compiled
from taskaware.data.schema import Schema
from taskaware.errors import UserError, quoted, unknown
from taskaware.files import atomic_folder, expanded, refuse_existing
from taskaware.modalities.tables.modality import TableBlocks
from taskaware.modalities.tables.written.copying import Definition, import_lines
from taskaware.modalities.tables.written.learned import Learned
from taskaware.saved import read_json
from taskaware.spaces import MixtureSpace
from taskaware.tasks.outputs import LINKS
from taskaware.training import card, saving
from taskaware.training.stablehlo import program
from taskaware.training.tensors import absence
from taskaware.training.written.design import Design, design_of
from taskaware.training.written.values import ALONE, LearnedMixed, LearnedValues, reason_against_values

if TYPE_CHECKING:
    from taskaware.training.model import Model

FORMAT = "taskaware export"
VERSION = 1
JSON, CODE, ARRAYS = "export.json", "predict.py", "arrays.npz"
NEEDS = {"numpy": None, "onnx": "onnx", "safetensors": None, "stablehlo": None}
"""Form → the package that writes it, where that is an extra."""

RUN_BY = {
    "numpy": "NumPy alone",
    "onnx": "NumPy and onnxruntime",
    "safetensors": "taskaware",
    "stablehlo": "NumPy and JAX",
}
"""Form → what a program needs that uses it."""

HEAD = '''\
"""Predictions of a trained neural network, made by taskaware. It needs {needs}.
{commands}
    from predict import predict{more}

{takes}

Beside this file stands, as data: export.json (what is read, and what is predicted), and {files}.
"""

'''

COMMANDS = """
    python predict.py {file:<24} # prints a prediction for each row
    python predict.py {file} --out answers.csv
"""


def export(model: "Model", folder: str | os.PathLike, *, to: str, force: bool = False) -> Path:
    """Write a model to a folder in one of the forms of NEEDS.

    Args:
        model: that is trained.
        folder, to, force: see `Model.export`, errors too.
    """
    if reason := reason_against(model, to):
        raise UserError(reason)
    path = check_folder(folder, to, force=force)
    if to == "safetensors":
        return _saved(model, path, force=force)
    keep_compiled()
    files = _of_network(model) if to == "stablehlo" else _of_rows(design_of(model), to)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(path, replace=force) as fresh:
        for name, content in files.items():
            (fresh / name).write_bytes(content)
    return path


def reason_against(model: "Model", to: str) -> str:
    """Why a form of this model cannot be written on this machine, and what to do; empty where it can.

    Args:
        model: that is trained.
        to: the form.

    Raises:
        UserError: there is no such form.
    """
    reason = _not_installed(to)
    if not reason and to in ("numpy", "onnx") and (reason := _no_code(model)):
        reason += " Export the network alone: to='stablehlo'."
    return reason


def check_installed_for(to: str) -> None:
    """Nothing, if there is such a form, and what writes it is installed.

    Raises:
        UserError: otherwise.
    """
    if reason := _not_installed(to):
        raise UserError(reason)


def _not_installed(to: str) -> str:
    if to not in NEEDS:
        raise unknown("form of an export", to, NEEDS)
    return absence(NEEDS[to])


def check_folder(folder: str | os.PathLike, to: str, *, force: bool = False) -> Path:
    """The path of a folder that may be written.

    Args:
        folder, to, force: see `Model.export`.

    Raises:
        UserError: it exists, and `force` is not given or it is no export of the same form.
    """
    path = expanded(folder)
    if not force:
        refuse_existing(path)
    elif path.exists() and form_of(path) != to:
        raise UserError(f"'{path}' is no export to '{to}', so it stays. Choose another name.")
    return path


def form_of(folder: Path) -> str | None:
    """The form in which a model was exported to a folder; None for any other folder."""
    try:
        if (folder / saving.JSON).exists():
            return "safetensors" if saving.check_is_model(folder).get("tensors") else None
        plain = read_json(folder / JSON, finite=False)
    except (OSError, ValueError, UserError):
        return None
    return plain.get("to") if isinstance(plain, dict) and plain.get("format") == FORMAT else None


def _saved(model: "Model", path: Path, *, force: bool) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(path, replace=force) as fresh:
        saving.write(model, fresh, with_tensors=True)
        card.write(model, fresh, path)
    return path


def _no_code(model: "Model") -> str:
    """Why no `predict.py` can be written for a model; empty where one can."""
    if model.several:
        return f"predict.py answers with one output, and this model has {len(model.several.names)}."
    if not isinstance(model.space, MixtureSpace):
        return f"predict.py computes mixtures, and {quoted(model.space.name)} is another kind of space."
    if model.modality != "tables":
        return reason_against_values(model.modality, model.reader, model.blocks)
    if not isinstance(model.reader, Schema) or not isinstance(model.blocks, TableBlocks):
        return "This model's task was made by hand, without a reader, so predict.py could read no rows."
    return ""


def _of_rows(design: Design, to: str) -> dict[str, bytes]:
    """The files of a model whose rows `predict.py` reads; NumPy or ONNX computes the network."""
    found, weights = design.learned, design.weights()
    arrays = {f"encoder/{name}": np.asarray(array) for name, array in found.arrays.items()}
    target = design.target
    about: dict[str, Any] = {"target": target.name} | _answers(target.classes, target.offsets)
    if not target.classes:
        about |= {"mean": target.mean, "std": target.std}
    about |= found.about
    if to == "onnx":
        sizes = design.sizes
        widths = {"numbers": len(sizes["block"]), "categories": sizes["categories"]}
        more = {"model.onnx": graph(design.data(), weights, widths=widths, classes=bool(target.classes))}
        about["inputs"] = widths
    else:
        arrays |= {f"weights/{name}": array for name, array in weights.items()}
        about["network"], more = design.data(), {}
    return _files(about, to, found, {ARRAYS: _npz(arrays)} | more)


def _of_network(model: "Model") -> dict[str, bytes]:
    """The files of any model as a function of StableHLO; with `predict.py` where that can read the rows."""
    networks = model._networks
    numbers, categories = networks.input_widths
    about: dict[str, Any] = {
        "target": model.target_name,
        "problem": model.problem,
        "outputs": {"classes": "probabilities", "labels": "probabilities", "values": "values"}[
            LINKS[model.problem]
        ],
        "inputs": {"numbers": numbers, "categories": categories},
        "blocks": {name: width for name, width in model.blocks.widths.items() if width},
        **_answers(model.classes, model.offsets),
    }
    if not model.classes and model.problem != "multilabel":
        about |= {"mean": model.target_mean, "std": model.target_std}
    if model.several:
        about["names"] = list(model.several.names)
    found, files = None, {"model.stablehlo": program(networks, (numbers, categories))}
    if not _no_code(model):
        found = design_of(model).learned_of(about["blocks"])
        about |= found.about
        arrays = {f"encoder/{name}": np.asarray(array) for name, array in found.arrays.items()}
        files[ARRAYS] = _npz(arrays)
    return _files(about, "stablehlo", found, files)


def _answers(classes: tuple, offsets: tuple[float, ...]) -> dict[str, Any]:
    return {"classes": list(classes), "offsets": list(offsets)} if classes else {}


def _files(
    about: Mapping[str, Any],
    to: str,
    found: Learned | LearnedValues | LearnedMixed | None,
    data: Mapping[str, bytes],
) -> dict[str, bytes]:
    """All files of a folder by name: the data, its description with digests, and code to read rows."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in data.items()}
    plain = {"format": FORMAT, "version": VERSION, "to": to, **about, "files": digests}
    # Labels other than strings, numbers and booleans are written as text, as in a saved model.
    text = json.dumps(plain, indent=1, ensure_ascii=True, default=str) + "\n"
    code = {} if found is None else {CODE: _code(found, to, list(data), bool(about.get("classes"))).encode()}
    return {JSON: text.encode(), **code, **data}


def _npz(arrays: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _code(found: Learned | LearnedValues | LearnedMixed, to: str, files: list[str], classes: bool) -> str:
    """The text of `predict.py`; names, labels and numbers of the user's are no part of it."""
    roots = [Definition(ALONE, name) for name in ("encode", "predict", "predict_proba", "main")]
    imports, copied = found.code_alone(roots, Definition(ALONE, f"with_{to}"))
    more = ", predict_proba" * classes
    head = HEAD.format(
        needs=RUN_BY[to],
        commands=COMMANDS.format(file=found.file) if found.file else "",
        files=" and ".join(files),
        more=more,
        takes=textwrap.fill(f"`predict` takes {found.takes}.", 100),
    )
    end = f'\n\n{found.constants}\nif __name__ == "__main__":\n    main()\n'
    return f"{head}{import_lines(imports)}\n{copied}{end}"
