"""Children: how points of a space are trained, with one registry by the type of the space."""

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from taskaware.pytrees import pytree
from taskaware.registry import Registry
from taskaware.spaces import type_of
from taskaware.tasks.metrics import MASKED


@pytree(static=("classification",))
@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Some rows of a task, as a child reads them; a pytree.

    Attributes:
        x: n rows, a pytree of arrays of n rows each; of tables `x.numbers` (n, D) and `x.categories` (n, T).
        y: class indices as floats, or standardised values, (n,); of several (n, K), 0 and 1 or values.
        columns: meaning of the columns of x, a pytree; of tables `children.mixture.network.Columns`.
        allowed: which of the K outputs exist, (K,).
        classification: whether the outputs are logits, of classes or of labels; else standardised values.
    """

    x: Any
    y: Float[Array | np.ndarray, " n"] | Float[Array | np.ndarray, "n K"]
    columns: Any
    allowed: Bool[Array | np.ndarray, " K"]
    classification: bool

    @property
    def outputs(self) -> int:
        """K, number of outputs of a child for a row."""
        return len(self.allowed)

    @property
    def several(self) -> bool:
        """Whether a row has an answer for each output."""
        return self.y.ndim == 2

    def masked(self, outputs: Float[Array, "n K"]) -> Float[Array, "n K"]:
        """The outputs, MASKED where there is no such class."""
        return jnp.where(self.allowed, outputs, MASKED) if self.classification else outputs

    def losses(self, outputs: Float[Array, "n K"]) -> Float[Array, " n"]:
        """Cross-entropy, or the squared error, of each row; of several outputs, their mean."""
        if self.several:
            each = optax.sigmoid_binary_cross_entropy if self.classification else _squared_error
            return each(outputs, self.y).mean(-1)
        if self.classification:
            labels = self.y.astype(jnp.int32)
            return optax.softmax_cross_entropy_with_integer_labels(self.masked(outputs), labels)
        return jnp.square(outputs[:, 0] - self.y)

    def predictions(self, outputs: Float[Array, "n K"]) -> Float[Array, "n K"]:
        """Probabilities of classes (0 for a padded one) or of labels; values as they are."""
        if self.classification:
            return jax.nn.sigmoid(outputs) if self.several else jax.nn.softmax(self.masked(outputs))
        return outputs

    @property
    def link(self) -> str:
        """What the outputs are: "classes" and "labels" are logits of them, "values" are standardised."""
        return ("labels" if self.several else "classes") if self.classification else "values"

    def loss(self, outputs: Float[Array, "n K"], smoothing: Array | None = None) -> Float[Array, ""]:
        """The loss of training: the mean of `losses`.

        Args:
            outputs: of the rows.
            smoothing: share of each row's answer that is spread over all classes, or over both values of a
                label, (); nothing in regression.
        """
        losses = self.losses(outputs)
        if smoothing is not None and self.classification:
            losses += smoothing * (self._spread_losses(outputs) - losses)
        return losses.mean()

    def _spread_losses(self, outputs: Float[Array, "n K"]) -> Float[Array, " n"]:
        """The cross-entropy of each row to equal chances."""
        if self.several:
            return optax.sigmoid_binary_cross_entropy(outputs, jnp.full_like(outputs, 0.5)).mean(-1)
        logs = jnp.where(self.allowed, jax.nn.log_softmax(self.masked(outputs)), 0.0)
        return -logs.sum(-1) / self.allowed.sum()


def _squared_error(outputs: Float[Array, "n K"], y: Float[Array | np.ndarray, "n K"]) -> Float[Array, "n K"]:
    return jnp.square(outputs - y)


class Hyper(NamedTuple):
    """Hyperparameters of a recipe, for spaces without coordinates of these names."""

    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    dropout: float = 0.0


class Design(NamedTuple):
    """Everything that a compiled program depends on except a point's numbers; hashable.

    Attributes:
        space: of the points.
        key: of their group.
        hyper: of the recipe.
        optimizer: in place of the child's own, if given; see `Child.takes_optimizer`.
        augment: names of random changes of training rows, see `Child.augments`.
        eased: whether weights learn in a form that `Child.settled` ends.
        rounded: whether a child that can may round the products of training steps, see `products`.
    """

    space: Any
    key: Hashable
    hyper: Hyper = Hyper()
    optimizer: optax.GradientTransformation | None = None
    augment: tuple[str, ...] = ()
    eased: bool = False
    rounded: bool = False


class State(NamedTuple):
    """State of a training: `params`, which `outputs` reads, and `optimizer`, the state of the update rule."""

    params: Any
    optimizer: Any = ()


class Now(NamedTuple):
    """A step of a training.

    Attributes:
        key: of all random draws of the step; the same for every candidate.
        rate: factor of the learning rate by the trainer's schedule, in [0, 1].
        done: share of all steps that are done before it, in [0, 1).
        scale: factor of the learning rate for schedules of the child's own; below 1 after a loss of NaN.
    """

    key: Array
    rate: Float[Array, ""]
    done: Float[Array, ""]
    scale: Float[Array, ""] | float = 1.0


class Child(NamedTuple):
    """How points of one type of space are trained: pure functions, each for one candidate.

    The trainer maps them over many candidates and over the steps. The optimizer is part of `step`, so a point
    may also be an update rule. JAX traces all of them but `group`.

    Attributes:
        group: (space, points (n, D)) → [(key, rows of the points)]; one compiled program trains all points
            with the same key. `key` is hashable, and array shapes depend only on it. The group of a
            row does not depend on the other points.
        read: (design, point (D,)) → the candidate, a pytree of all that the other functions need.
        init: (key, candidate, batch) → its first State; the batch has one row.
        step: (state, candidate, batch, now) → the state after one step on the rows of the batch.
        outputs: (params, candidate, batch) → (n, K), logits or a standardised value, `batch.outputs` of them.
        scaled: (params, factor) → params whose outputs are multiplied by the factor, or None. `fit` uses it
            for the temperature of a classification.
        takes_optimizer: whether `step` uses the optimizer of the design if there is one.
        one_by_one: whether candidates run one after another on a CPU: then `lax.switch` runs only the
            branch that a candidate chooses. On accelerators all candidates and all branches run at once.
        augments: space → names of the random changes of training rows that `step` knows there, such as
            "flip"; None: there are none.
        inherited: (space, point (D,), its first weights, (point, trained weights) of its parent) → the
            weights that it starts from, by name, as NumPy arrays on the host. None: nothing is inherited. The
            optimizer's state is that of `init`.
        shifted: (params, values (K,)) → params whose outputs are larger by these, or None. With `scaled`,
            `fit` makes a constant of networks that are worse than one.
        settled: (design, params of it eased) → params of the same network not eased, or None: the child has
            no easier form to learn in.
    """

    group: Callable
    read: Callable
    init: Callable
    step: Callable
    outputs: Callable
    scaled: Callable | None = None
    takes_optimizer: bool = False
    one_by_one: bool = False
    augments: Callable[[Any], tuple[str, ...]] | None = None
    inherited: Callable | None = None
    shifted: Callable | None = None
    settled: Callable | None = None


def scaled_output(params: dict, factor: float) -> dict:
    """A `Child.scaled` for weights in a dictionary: the names of the last layer begin with "output"."""
    return {name: leaf * factor if name.startswith("output") else leaf for name, leaf in params.items()}


def shifted_output(params: dict, values: Array) -> dict:
    """A `Child.shifted` for the same weights: the last layer adds "output_bias"."""
    bias = params["output_bias"]
    return params | {"output_bias": bias + jnp.broadcast_to(values, bias.shape)}


CHILDREN: Registry[Child] = Registry(
    "type of space with a child",
    {
        "mixture": "taskaware.children.mixture.child:CHILD",
        "cells": "taskaware.children.cells.child:CHILD",
        "chain": "taskaware.children.chain.child:CHILD",
        "front": "taskaware.children.front.child:CHILD",
        "update-rules": "taskaware.children.rules.child:CHILD",
    },
)
"""Type of a space (its `type`) → how its points are trained."""


def child_of(space: Any) -> Child:
    """How the points of a space are trained.

    Raises:
        UserError: no child is registered for its type; `CHILDREN.add` does it.

    >>> from taskaware.spaces import preset
    >>> child_of(preset("compact")) is CHILDREN["mixture"]
    True
    """
    return CHILDREN.named(type_of(space))
