"""Networks of `MixtureSpace` as an ONNX graph, from the data and weights that `with_numpy` reads."""

from collections.abc import Mapping
from typing import Any

import numpy as np

OPSET, IR = 18, 10
"""Versions of ONNX that its runtimes have read since 2024."""


class Graph:
    """Nodes and constants of a graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}

    def add(self, kind: str, *inputs: str, **settings: Any) -> str:
        """Add a node; the name of its output.

        Args:
            kind: of the operation.
            *inputs: their names.
            **settings: attributes of the node.
        """
        from onnx import helper

        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **settings))
        return name

    def keep(self, values: Any, dtype: type = np.float32) -> str:
        """Add a constant; its name."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.asarray(values, dtype)
        return name

    def times(self, share: float, name: str) -> str:
        """The values times a number."""
        return name if share == 1 else self.add("Mul", name, self.keep(share))

    def columns(self, name: str, start: int, stop: int) -> str:
        """Some columns of values.

        Args:
            name: of the values.
            start, stop: the first column, and the one behind the last.
        """
        places = [self.keep([each], np.int64) for each in (start, stop, -1)]
        return self.add("Slice", name, *places)

    def widened(self, name: str, more: int, rank: int) -> str:
        """The values with so many more columns of zeros.

        Args:
            name: of the values.
            more: columns.
            rank: number of their axes.
        """
        pads = [0] * (2 * rank - 1) + [more]
        return self.add("Pad", name, self.keep(pads, np.int64)) if more else name

    def sum(self, *names: str) -> str:
        """The sum of values."""
        return names[0] if len(names) == 1 else self.add("Sum", *names)


def graph(
    network: Mapping, weights: Mapping[str, np.ndarray], *, widths: Mapping[str, int], classes: bool
) -> bytes:
    """A model of ONNX whose output is the mean of what M networks give, (n, K).

    Args:
        network: of `with_numpy.network_data`.
        weights: by name, (M, ...) each.
        widths: columns of the inputs "numbers" and "categories"; one of no columns is left out.
        classes: whether the outputs are logits of classes, which become probabilities.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made, members = Graph(), []
    count = len(weights["output/bias"])
    for place in range(count):
        one = {name: array[place] for name, array in weights.items()}
        members.append(_network(made, network, one, classes))
    total = made.times(1 / count, made.sum(*members))
    made.nodes.append(helper.make_node("Identity", [total], ["outputs"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in widths.items()
        if width
    ]
    outputs = weights["output/bias"].shape[-1]
    given = helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["rows", outputs])
    constants = [numpy_helper.from_array(array, name) for name, array in made.constants.items()]
    whole = helper.make_graph(made.nodes, "network", inputs, [given], constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _network(made: Graph, network: Mapping, weights: Mapping[str, np.ndarray], classes: bool) -> str:
    """The steps of `with_numpy.network_outputs`, and the mean of members."""
    rank = 3 if network["members"] > 1 else 2
    x = _dense(made, _inputs(made, network, weights), weights, "embedding")
    width, share = weights["embedding/bias"].shape[-1], network["ensemble"]
    if rank == 3:
        x = made.add("Unsqueeze", x, made.keep([0], np.int64))
        x = made.add("Mul", x, made.keep(1 + share * weights["members/signs"]))
    for layer in network["layers"]:
        given = _layer(made, layer, weights, _normalised(made, x, network["normalisation"]), share, rank)
        before, x = x, made.widened(given, layer["width"] - layer["size"], rank)
        if layer["bypass"]:
            before = made.widened(before, layer["width"] - width, rank)
            x = made.sum(made.times(layer["presence"], x), made.times(layer["bypass"], before))
        width = layer["width"]
    x = _normalised(made, x, network["normalisation"])
    outputs = _dense(made, x, weights, "output")
    if rank == 3:
        own = made.add("MatMul", x, made.keep(share * weights["output/member_kernel"]))
        outputs = made.sum(outputs, own, made.keep(share * weights["output/member_bias"]))
    outputs = made.add("Softmax", outputs, axis=-1) if classes else outputs
    return made.add("ReduceMean", outputs, made.keep([0], np.int64), keepdims=0) if rank == 3 else outputs


def _inputs(made: Graph, network: Mapping, weights: Mapping[str, np.ndarray]) -> str:
    parts = []
    for each in network["inputs"]:
        if each["from"] == "numbers":
            part = made.columns("numbers", each["start"], each["stop"])
        elif each["from"] == "vectors":
            part = made.add("MatMul", "categories", made.keep(weights["vectors/kernel"]))
        else:
            part = "categories"
        parts.append(made.times(each["share"], part))
    return parts[0] if len(parts) == 1 else made.add("Concat", *parts, axis=-1)


def _dense(made: Graph, x: str, weights: Mapping[str, np.ndarray], name: str) -> str:
    product = made.add("MatMul", x, made.keep(weights[f"{name}/kernel"]))
    return made.add("Add", product, made.keep(weights[f"{name}/bias"]))


def _layer(
    made: Graph, layer: Mapping, weights: Mapping[str, np.ndarray], x: str, share: float, rank: int
) -> str:
    given: dict[str, str] = {}
    parts = []
    for part in layer["parts"]:
        name, size = part["dense"], part["size"]
        if name not in given:
            given[name] = (
                _of_members(made, weights, name, x, share) if rank == 3 else _dense(made, x, weights, name)
            )
        columns = weights[f"{name}/bias"].shape[-1]
        before = given[name] if size == columns else made.columns(given[name], 0, size)
        after = made.times(part["share"], _activated(made, part["activation"], before))
        parts.append(made.widened(after, layer["size"] - size, rank))
    return made.sum(*parts)


def _of_members(made: Graph, weights: Mapping[str, np.ndarray], name: str, x: str, share: float) -> str:
    """A dense layer of members, see `with_numpy.dense`."""
    own = {part: share * weights[f"{name}/member_{part}"] for part in ("in", "out", "bias")}
    given = _dense(made, made.add("Mul", x, made.keep(1 + own["in"])), weights, name)
    return made.sum(made.add("Mul", given, made.keep(1 + own["out"])), made.keep(own["bias"]))


def _activated(made: Graph, name: str, x: str) -> str:
    if name == "silu":
        return made.add("Mul", x, made.add("Sigmoid", x))
    return made.add({"relu": "Relu", "tanh": "Tanh", "selu": "Selu", "mish": "Mish"}[name], x)


def _normalised(made: Graph, x: str, share: float) -> str:
    """By this share, each row of x at mean 0 and variance 1."""
    if not share:
        return x
    last = made.keep([-1], np.int64)
    centred = made.add("Sub", x, made.add("ReduceMean", x, last))
    variance = made.add("ReduceMean", made.add("Mul", centred, centred), last)
    deviation = made.add("Sqrt", made.add("Add", variance, made.keep(1e-5)))
    scaled = made.add("Div", centred, deviation)
    return made.sum(made.times(share, scaled), made.times(1 - share, x))
