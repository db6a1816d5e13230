"""The text of `network.py`: the network, functions copied from taskaware, and what joins them.

Names, labels and numbers of the user's stand in `encoder.json`, never in the text.
"""

import ast
from collections.abc import Mapping

from taskaware.modalities.tables.written.copying import Definition, import_lines
from taskaware.modalities.tables.written.learned import READING
from taskaware.training.forward import ROWS_AT_ONCE
from taskaware.training.written import parts
from taskaware.training.written.design import Design, Schedule
from taskaware.training.written.values import ALONE

SCALE = "taskaware.tasks.scale"


def network_text(design: Design, *, large: bool) -> str:
    """The code of a folder.

    Args:
        design: of the network.
        large: whether arrays stand in `encoder.npz`, not in `encoder.json`.
    """
    network = design.network()
    module = ast.parse(network)
    imports, copied = _copied(design)
    lines = network.split("\n")
    first = next(node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    body = "\n".join(lines[first.lineno - 1 :]).rstrip("\n")
    text = [
        _head(design, ast.get_docstring(module, clean=False) or "", large),
        import_lines({*_imports(design), *_network_imports(module), *imports}),
        f"\n\n\n{body}\n",
        copied,
        _encoding(design, large),
        _weights(design),
        _training(design, design.schedule) if design.schedule is not None else "",
        _main(design),
    ]
    return "".join(text)


def _head(design: Design, story: str, large: bool) -> str:
    is_new = design.schedule is not None
    names = "predict, predict_proba" if design.target.classes else "predict"
    usage = parts.USAGE_TRAIN * is_new + parts.USAGE_PREDICT.format(names=names)
    data = " (with encoder.npz)" * large
    data += ";\nand weights.npz" + " once it is trained" * is_new
    told = story.split("\n\n", 1)[1].strip("\n").replace("\\", "\\\\")
    what = ", ready to be trained." if is_new else ", trained."
    return parts.HEAD.format(what=what, story=told, usage=usage, data=data) + "\n"


def _imports(design: Design) -> set[str]:
    names = ["argparse", "functools", "json", "sys", "jax"] + ["os"] * (design.schedule is not None)
    lines = {f"import {name}" for name in names}
    lines |= {"import numpy as np", "import pandas as pd", "from pathlib import Path"}
    if design.schedule is not None:
        lines |= {"import optax", "import jax.numpy as jnp"}
    return lines


def _network_imports(module: ast.Module) -> set[str]:
    return {ast.unparse(node) for node in module.body if isinstance(node, ast.Import)}


def _copied(design: Design) -> tuple[set[str], str]:
    more = [Definition(ALONE, "printed")]
    if not design.target.classes:
        more.append(Definition(SCALE, "restored"))
    if design.schedule is not None:
        more.append(Definition(READING, "target_classes" if design.target.classes else "target_numbers"))
        more += [] if design.target.classes else [Definition(SCALE, "standardised")]
    return design.of_table.code(more, plain=not design.target.form)


def _encoding(design: Design, large: bool) -> str:
    found = design.of_table
    labelled = any(column["kind"] == "category" for column in found.columns)
    read = {(True, True): parts.READ_BOTH, (True, False): parts.READ_NUMBERS}
    inputs = [parts.ENCODED_NUMBERS] * bool(found.numbers) + [parts.ENCODED_CATEGORIES] * found.categories
    return parts.ENCODING.format(
        constants=_constants(found.readers, found.embedders),
        rows=ROWS_AT_ONCE,
        load=parts.LOAD_NPZ if large else parts.LOAD_JSON,
        reading=read.get((bool(found.readers), labelled), parts.READ_CATEGORIES),
        sharing=parts.SHARES * any(name.startswith("shares/") for name in found.arrays),
        inputs="".join(f"        {each},\n" for each in inputs),
    )


def _constants(readers: Mapping[str, str], embeddings: tuple[str, ...]) -> str:
    """Functions by the kind of column, and those of the embeddings; all names are of closed lists."""
    pairs = ", ".join(f'"{kind}": {name}' for kind, name in readers.items())
    text = f"READERS = {{{pairs}}}\n" if pairs else ""
    return text + (f"EMBEDDINGS = [{', '.join(embeddings)}]\n" if embeddings else "")


def _weights(design: Design) -> str:
    outputs, classes = max(len(design.target.classes), 1), bool(design.target.classes)
    again = parts.WRITE_AGAIN if design.schedule is None else parts.TRAIN_FIRST
    text = parts.WEIGHTS.format(
        none=parts.NO_WEIGHTS + again,
        again=again,
        outputs=outputs,
        meaning="a probability for each class" if classes else "the standardised value",
        one=parts.PROBABILITIES if classes else parts.VALUE,
    )
    return text + (parts.CLASSES if classes else parts.NUMBERS).format(outputs=outputs)


def _training(design: Design, schedule: Schedule) -> str:
    classes, dropped = bool(design.target.classes), "nn.Dropout" in design.network()
    return parts.TRAIN.format(
        missing="-1" if classes else "NaN",
        target=parts.TARGET_CLASSES if classes else parts.TARGET_NUMBERS,
        known="y >= 0" if classes else "np.isfinite(y)",
        loss=parts.CLASS_LOSS if classes else parts.VALUE_LOSS,
        key_argument=", key=None" * dropped,
        key_given=", key" * dropped,
        applied=parts.APPLIED_DROPPING if dropped else parts.APPLIED,
        batch=schedule.batch,
        every=schedule.every,
        steps=schedule.steps,
        per=schedule.rows,
        most=schedule.most,
        rate=f"{float(schedule.learning_rate):.6g}",
        decay=f"{float(schedule.weight_decay):.6g}",
    )


def _main(design: Design) -> str:
    classes, is_new = bool(design.target.classes), design.schedule is not None
    return parts.MAIN.format(
        description='"Train on a file, or predict its rows."' if is_new else '"Predict the rows of a file."',
        options=parts.OPTION_PROBA * classes + parts.OPTION_TRAIN * is_new,
        train=parts.RUN_TRAIN * is_new,
        arguments="frame, given.proba" if classes else "frame",
    )
