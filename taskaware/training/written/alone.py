"""What `predict.py` of an exported model does, as code that is copied into it.

`READERS` and `EMBEDDINGS` are written into the copy: the functions that the columns of the model need.
"""

import argparse
import csv
import functools
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskaware.children.mixture.with_numpy import network_outputs, softmax
from taskaware.errors import UserError
from taskaware.modalities.tables.embedded import one_hot_columns
from taskaware.modalities.tables.written.encoding import encoded_numbers
from taskaware.modalities.tables.written.plain import named_columns, read_categories, read_file
from taskaware.tasks.scale import restored
from taskaware.training.answers import label_array
from taskaware.training.forward import ROWS_AT_ONCE

HERE = Path(__file__).resolve().parent
READERS: Mapping[str, Callable]
EMBEDDINGS: Sequence[Callable]
FILE = "CSV, TSV or text file with a line of names"
PIPE = 141
"""Exit code where the reader of the answers has closed the pipe, as shells have it."""


@functools.cache
def about() -> dict:
    """What is known of the model: export.json."""
    return json.loads((HERE / "export.json").read_text(encoding="utf-8"))


def content(name: str) -> bytes:
    """The bytes of a file beside this one, after a check that it belongs to export.json."""
    found = (HERE / name).read_bytes()
    if hashlib.sha256(found).hexdigest() != about()["files"].get(name):
        raise UserError(f"{name} is of another model, or was changed. Export the model again.")
    return found


@functools.cache
def arrays() -> dict:
    """What was learned: "encoder/..." of the columns, and "weights/..." of M networks, (M, ...) each."""
    with np.load(io.BytesIO(content("arrays.npz")), allow_pickle=False) as found:
        return dict(found)


def named(group: str) -> dict:
    """The arrays of a group, "encoder" or "weights", by their names in it."""
    return {
        name.removeprefix(f"{group}/"): array
        for name, array in arrays().items()
        if name.startswith(f"{group}/")
    }


def read(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """The columns as numbers, (N, F), NaN where missing, and as places of categories, (N, G), -1 likewise."""
    columns, numbers, places = about()["columns"], [], []
    given = named_columns(rows, [column["name"] for column in columns])
    for column in columns:
        if column["kind"] == "category":
            places.append(read_categories(given[column["name"]], column))
        else:
            numbers += READERS[column["kind"]](given[column["name"]], column)
    # A category of many labels counts by its frequency as well.
    for name, shares in named("encoder").items():
        if name.startswith("shares/"):
            numbers.append(shares[places[int(name.removeprefix("shares/"))]])
    count = len(next(iter(given.values())))
    return beside(numbers, count).astype(float), beside(places, count).astype(int)


def beside(parts: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Columns of equal length as one array, (rows, columns)."""
    return np.stack(parts, axis=1) if parts else np.zeros((rows, 0))


def encode(rows: Any) -> dict[str, np.ndarray]:
    """What the network is called with: "numbers" (N, D) and "categories" (N, T), float32."""
    return encoded(*read(rows))


def encoded_chunks(rows: Any) -> Iterator[dict[str, np.ndarray]]:
    """The same, some rows at a time."""
    numbers, places = read(rows)
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        chunk = slice(start, start + ROWS_AT_ONCE)
        yield encoded(numbers[chunk], places[chunk])


def encoded(numbers: np.ndarray, places: np.ndarray) -> dict[str, np.ndarray]:
    """The same of columns that `read` gave."""
    learned, none = named("encoder"), np.zeros((len(numbers), 0), np.float32)
    positions = [learned[f"places/{place}"] for place in range(places.shape[1])]
    return {
        "numbers": encoded_numbers(numbers, learned, EMBEDDINGS) if EMBEDDINGS else none,
        "categories": one_hot_columns(places, positions) if about()["one_hot"] else none,
    }


def with_numpy(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean of what the networks give: probabilities, or standardised values, (N, K)."""
    weights, network = named("weights"), about()["network"]
    found = []
    for place in range(len(weights["output/bias"])):
        outputs = network_outputs(network, {name: array[place] for name, array in weights.items()}, inputs)
        outputs = softmax(outputs) if "classes" in about() else outputs
        found.append(outputs.mean(0) if outputs.ndim > 2 else outputs)
    return np.mean(found, axis=0)


def with_stablehlo(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean of what the networks give: probabilities, or standardised values, (N, K)."""
    return np.asarray(program().call(inputs["numbers"], inputs["categories"]))


@functools.cache
def program() -> Any:
    """The function in model.stablehlo."""
    from jax import export

    return export.deserialize(bytearray(content("model.stablehlo")))


def with_onnx(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean of what the networks give: probabilities, or standardised values, (N, K)."""
    named_inputs = {each.name: inputs[each.name] for each in session().get_inputs()}
    return session().run(None, named_inputs)[0]


@functools.cache
def session() -> Any:
    """The network in model.onnx, ready to run on the processor."""
    import onnxruntime

    return onnxruntime.InferenceSession(content("model.onnx"), providers=["CPUExecutionProvider"])


def outputs_of(rows: Any) -> np.ndarray:
    """The mean of what the networks give for each row, (N, K)."""
    none = np.zeros((0, max(1, len(about().get("classes", ())))), np.float32)
    return np.concatenate([none, *map(with_numpy, encoded_chunks(rows))])


def predict_proba(rows: Any) -> np.ndarray:
    """The probability of each class, (N, K), in the order of `classes()`; rows as for `predict`."""
    if "classes" not in about():
        raise UserError("predict_proba is for classification; this model predicts numbers. Use predict.")
    return outputs_of(rows)


def classes() -> np.ndarray:
    """The labels, as they were written."""
    return label_array(tuple(about()["classes"]))


def decided(probabilities: np.ndarray) -> np.ndarray:
    """The class of each row: of the largest logarithm of its probability plus the offset of the class."""
    offsets = about()["offsets"]
    if not offsets:
        return classes()[probabilities.argmax(1)]
    logarithms = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return classes()[(logarithms + np.asarray(offsets)).argmax(1)]


def predict(rows: Any) -> np.ndarray:
    """The class of each row, or its value in the target's own units, (N,).

    `rows` has one of the forms that the head of this file names.
    """
    return answered(outputs_of(rows))


def answered(outputs: np.ndarray) -> np.ndarray:
    """The answers that outputs of the networks mean, (N,)."""
    if "classes" in about():
        return decided(outputs)
    return restored(outputs[:, 0], about()["mean"], about()["std"])


def rows_in_file(path: str, encoding: str) -> Any:
    """The rows of a file."""
    return read_file(path, encoding)


def table_of(outputs: np.ndarray, proba: bool) -> list[list]:
    """The names of the columns and a row for each answer; with the probability of each class where asked."""
    names, answers = [about()["target"]], answered(outputs).tolist()
    if not proba:
        return [names, *([answer] for answer in answers)]
    names += [f"P({label})" for label in classes()]
    return [names, *([answer, *row] for answer, row in zip(answers, outputs.tolist(), strict=True))]


def table_of_file(path: str, encoding: str, proba: bool) -> list[list]:
    """The answers for the rows of a file, as `table_of` has them.

    Args:
        path, encoding: of the file.
        proba: whether the probability of each class follows.
    """
    return table_of_rows(rows_in_file(path, encoding), proba)


def table_of_rows(rows: Any, proba: bool) -> list[list]:
    """The answers for some rows, as `table_of` has them."""
    return table_of(predict_proba(rows) if proba else outputs_of(rows), proba)


def printed(text: str) -> None:
    """Print a text; where its reader, such as `head`, has enough, end without a word."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        # Python flushes once more at its end, then into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE)


def main() -> None:
    """Predict for the rows of a file, and print or write the answers as CSV."""
    parser = argparse.ArgumentParser(description="Predict the rows of a file.")
    parser.add_argument("file", help=FILE)
    parser.add_argument("--out", metavar="FILE", help="write the predictions to a new file")
    parser.add_argument("--encoding", default="utf-8-sig", help="of the file")
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
    given = parser.parse_args()
    try:
        text = io.StringIO()
        table = table_of_file(given.file, given.encoding, given.proba)
        csv.writer(text, lineterminator="\n").writerows(table)
        if given.out is None:
            printed(text.getvalue())
        else:
            with open(given.out, "x", encoding="utf-8", newline="") as file:
                file.write(text.getvalue())
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
