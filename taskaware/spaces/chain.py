"""The space of convolution chains: filters of each layer, and which earlier layers it reads.

Layers are numbered from 1, and 0 is the image. A layer reads the concatenation of the layers that it chooses
(the anchor points of the source), or the image if it chooses none. The layers that no other reads are
concatenated at the end. Where sizes differ, the smaller ones are padded with zeros, below and on the right.

Source: Zoph & Le 2017, sections 3.1 and 3.3.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from taskaware import plain
from taskaware.arrays import EitherArray
from taskaware.digests import digest
from taskaware.errors import UserError, unknown
from taskaware.spaces.choices import ChoiceSpace
from taskaware.spaces.choices_checks import Option
from taskaware.spaces.stepwise import Connection

LIMITS = {"layers": (1, 40), "kernels": (1, 15), "filters": (1, 512), "strides": (1, 4), "side": (8, 64)}
DEPTH = "layers"
"""Name of the decision on the number of layers."""
NAMED = ("plain", "all-skips")


class Settings(NamedTuple):
    """What all chains of a space have in common.

    Attributes:
        layers: L, convolutions of the deepest chains.
        kernels: heights and widths of filters that can be chosen, odd.
        filters: numbers of filters that can be chosen.
        strides: that can be chosen for each direction; a single one is fixed.
        pooling: whether each layer can choose that its output is halved by max pooling.
        skips: whether each layer chooses the earlier layers that it reads; else it reads the one before.
        side: height and width that images are brought to.
        channels: 3, or 1 for grey.
        depths: numbers of layers that can be chosen, ascending; empty where all chains have L.
    """

    layers: int = 6
    kernels: tuple[int, ...] = (1, 3, 5, 7)
    filters: tuple[int, ...] = (24, 36, 48, 64)
    strides: tuple[int, ...] = (1,)
    pooling: bool = False
    skips: bool = True
    side: int = 16
    channels: int = 3
    depths: tuple[int, ...] = ()


class Layer(NamedTuple):
    """A convolution, a batch normalisation, relu, and max pooling of 2x2 where it is pooled.

    Attributes:
        height, width: of its filters.
        filters: how many.
        reads: numbers of the layers that it reads, ascending; (0,) is the image.
        strides: down and to the right.
        pooled: whether max pooling halves its output.
    """

    height: int
    width: int
    filters: int
    reads: tuple[int, ...]
    strides: tuple[int, int] = (1, 1)
    pooled: bool = False


def ends(layers: Sequence[Layer]) -> tuple[int, ...]:
    """Numbers of the layers that no other reads; they are concatenated at the end."""
    read = {number for layer in layers for number in layer.reads}
    return tuple(number for number in range(1, len(layers) + 1) if number not in read)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ChainSpace(ChoiceSpace):
    """Chains of one number of layers, or of several, see `chain`; every choice is a point.

    What a point holds of layers that its chain lacks does not count.

    Attributes:
        settings: what the chains have in common.
    """

    settings: Settings = Settings()

    type = "chain"

    @functools.cached_property
    def digest(self) -> str:
        # Without depths as it was before there were any, so that older journals go on.
        settings = self.settings if self.settings.depths else self.settings[:-1]
        return digest({"type": self.type, "settings": settings})

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """What the networks read: the pixels of an image, see `modalities.images.pixels`."""
        return (f"pixels_{self.settings.side}_{self.settings.channels}",)

    @functools.cached_property
    def places(self) -> dict[str, int]:
        """Name of a decision → its entry in a point."""
        return {name: place for place, (name, _) in enumerate(self.options)}

    @functools.cached_property
    def connections(self) -> tuple[Connection, ...]:
        """The layer of each decision, and the layer that it may read, see `ConnectedSpace`."""
        of_layers = tuple(
            Connection(number, earlier)
            for number in range(1, self.settings.layers + 1)
            for *_, earlier in _of_layer(number, self.settings)
        )
        return (Connection(1),) + of_layers if self.settings.depths else of_layers

    @functools.cached_property
    def _layer_of(self) -> np.ndarray:
        """Number of the layer of each decision, (D,); 0 of the one on their number."""
        own = np.array([connection.part for connection in self.connections], np.int32)
        own[: bool(self.settings.depths)] = 0
        return own

    def depth(self, point: Float[EitherArray, " D"]) -> EitherArray:
        """How many layers the chain of a point has, ()."""
        if not self.settings.depths:
            return jnp.int32(self.settings.layers)
        return jnp.array(self.settings.depths)[jnp.asarray(point)[0].astype(jnp.int32)]

    def open_choices(self, point: Float[Array, " D"], place: Int[Array, ""]) -> Bool[Array, " C"]:
        there = super().open_choices(point, place)
        lacking = jnp.array(self._layer_of)[place] > self.depth(point)
        return there & (~lacking | (jnp.arange(len(there)) == 0))

    def to_dict(self) -> dict[str, Any]:
        settings = self.settings._asdict()
        settings["layers"] = settings.pop("depths") or self.settings.layers
        lists = {name: list(value) for name, value in settings.items() if isinstance(value, tuple)}
        return {"type": self.type, "name": self.name, **settings, **lists}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ChainSpace":
        return chain(**_read(data), name=plain.name("name of the space", data.get("name", "chain")))

    def decode(self, point: Float[EitherArray, " D"]) -> tuple[Layer, ...]:
        """The layers of a point.

        Raises:
            UserError: it is no point of the space.

        >>> space = chain(3)
        >>> space.decode(space.named("all-skips"))[2]
        Layer(height=3, width=3, filters=24, reads=(1, 2), strides=(1, 1), pooled=False)
        """
        if not self.contains_on_host(np.asarray(point)[None])[0]:
            raise UserError(f"The vector {np.asarray(point)} is no point of the space '{self.name}'.")
        chosen: Mapping[str, Any] = self.chosen(point)
        depth = chosen.get(DEPTH, self.settings.layers)
        return tuple(self._layer(number, chosen) for number in range(1, depth + 1))

    def encode(self, layers: Sequence[Layer]) -> Float[np.ndarray, " D"]:
        """The point of some layers.

        Raises:
            UserError: their number is another one, or a layer is none of the space.
        """
        depths = self.settings.depths or (self.settings.layers,)
        if len(layers) not in depths:
            raise UserError(
                f"The chain has {len(layers)} layers, and those of '{self.name}' have "
                f"{' or '.join(map(str, depths))}. Make a space with chain({len(layers)})."
            )
        decided: dict[str, Option] = {name: options[0] for name, options in self.options}
        decided |= {DEPTH: len(layers)}
        for number, layer in enumerate(layers, 1):
            start = f"layer {number}"
            decided |= {
                f"{start} filter height": layer.height,
                f"{start} filter width": layer.width,
                f"{start} stride height": layer.strides[0],
                f"{start} stride width": layer.strides[1],
                f"{start} filters": layer.filters,
                f"{start} pooling": layer.pooled,
            }
            decided |= {f"{start} reads layer {n}": n in layer.reads for n in range(1, number)}
        point = self.point(**{name: value for name, value in decided.items() if name in self.places})
        for number, (found, given) in enumerate(zip(self.decode(point), layers, strict=True), 1):
            if found != given:
                raise UserError(f"Layer {number}, {given}, is none of '{self.name}'. The nearest is {found}.")
        return point

    def named(self, name: str) -> Float[np.ndarray, " D"]:
        """The point of a known chain: "plain" or "all-skips".

        It has the most layers that the space has. Each layer of "plain" reads the one before, each of
        "all-skips" reads all earlier ones. Filters are 3x3 and the first number of them, the strides the
        smallest, without pooling; where the space has no 3x3, its smallest filter.

        Raises:
            UserError: there is no such chain, or the space cannot have it.
        """
        if name not in NAMED:
            raise unknown("design", name, NAMED)
        kernels, stride = self.settings.kernels, min(self.settings.strides)
        kernel = 3 if 3 in kernels else min(kernels)
        reads = [
            tuple(range(1, number)) if name == "all-skips" else (number - 1,)
            for number in range(1, self.settings.layers + 1)
        ]
        filters = self.settings.filters[0]
        return self.encode([Layer(kernel, kernel, filters, each or (0,), (stride, stride)) for each in reads])

    def _layer(self, number: int, chosen: Mapping[str, Any]) -> Layer:
        start, only = f"layer {number}", self.settings.strides[0]
        reads = (
            tuple(n for n in range(1, number) if chosen[f"{start} reads layer {n}"]) or (0,)
            if self.settings.skips
            else (number - 1,)
        )
        return Layer(
            chosen[f"{start} filter height"],
            chosen[f"{start} filter width"],
            chosen[f"{start} filters"],
            reads,
            (chosen.get(f"{start} stride height", only), chosen.get(f"{start} stride width", only)),
            chosen.get(f"{start} pooling", False),
        )


def chain(
    layers: int | tuple[int, ...] = 6,
    *,
    kernels: tuple[int, ...] = (1, 3, 5, 7),
    filters: tuple[int, ...] = (24, 36, 48, 64),
    strides: tuple[int, ...] = (1,),
    pooling: bool = False,
    skips: bool = True,
    side: int = 16,
    channels: int = 3,
    name: str = "chain",
) -> ChainSpace:
    """The space of convolution chains, with the published choices by default.

    Args:
        layers: L, convolutions (published: 6, later more). Several numbers are one decision more, "layers",
            which comes first; `reinforce(grow="layers")` goes through them, as published.
        kernels: heights and widths of filters that can be chosen, odd numbers.
        filters: numbers of filters that can be chosen.
        strides: that each layer can choose, down and to the right; a single one is fixed. Published: (1,) and
            (1, 2, 3).
        pooling: whether each layer can choose max pooling of 2x2 after it.
        skips: whether each layer chooses the earlier layers that it reads; else it reads the one before.
        side: height and width that images are brought to.
        channels: 3, or 1 for grey.
        name: of the space, for people.

    Raises:
        UserError: a number is out of range, or is given twice.

    >>> space = chain()
    >>> space.dimension, f"{space.size:.1e}"
    (33, '2.3e+15')
    """
    numbers = (tuple(kernels), tuple(filters), tuple(strides))
    depths = () if isinstance(layers, int) else tuple(layers)
    deepest = layers if isinstance(layers, int) else max(layers, default=0)
    settings = Settings(deepest, *numbers, pooling, skips, side, channels, depths)
    _check(settings)
    decisions = list(_decisions(settings))
    options = tuple((label, values) for label, values, _ in decisions)
    if all(len(values) < 2 for _, values in options):
        raise UserError("There is nothing to decide. Give more kernels, filters or layers.")
    return ChainSpace(options, None, tuple(mutation for *_, mutation in decisions), name, settings)


def _check(settings: Settings) -> None:
    for field, (low, high) in LIMITS.items():
        given = (settings.depths or settings.layers) if field == DEPTH else getattr(settings, field)
        for number in given if isinstance(given, tuple) else (given,):
            if not low <= number <= high:
                raise UserError(f"{field}={given} is out of range. Give {low} to {high}.")
        if isinstance(given, tuple) and (not given or len(set(given)) < len(given)):
            raise UserError(f"{field}={given}. Give one number or more, each once.")
    if any(kernel % 2 == 0 for kernel in settings.kernels):
        raise UserError(f"kernels={settings.kernels} has an even number. Give odd ones.")
    if settings.depths and (len(settings.depths) < 2 or list(settings.depths) != sorted(settings.depths)):
        raise UserError(f"layers={settings.depths}. Give one number, or several that ascend.")
    if settings.channels not in (1, 3):
        raise UserError(f"channels={settings.channels} is out of range. Give 3, or 1 for grey.")


def _decisions(settings: Settings) -> Iterator[tuple[str, tuple[Option, ...], str]]:
    """Name, options and mutation of each decision, in the published order."""
    if settings.depths:
        yield DEPTH, settings.depths, DEPTH
    for number in range(1, settings.layers + 1):
        for name, options, mutation, _ in _of_layer(number, settings):
            yield f"layer {number} {name}", options, mutation


def _of_layer(number: int, settings: Settings) -> Iterator[tuple[str, tuple[Option, ...], str, int]]:
    """Name, options and mutation of each decision of a layer, and the earlier layer it is about, or 0."""
    for what in ("height", "width"):
        yield f"filter {what}", settings.kernels, "filter size", 0
    if len(settings.strides) > 1:
        for what in ("height", "width"):
            yield f"stride {what}", settings.strides, "stride", 0
    yield "filters", settings.filters, "filters", 0
    if settings.pooling:
        yield "pooling", (False, True), "pooling", 0
    for earlier in range(1, number if settings.skips else 1):
        yield f"reads layer {earlier}", (False, True), "skip", earlier


def _read(data: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a file."""
    found: dict[str, Any] = {}
    for name, default in Settings()._asdict().items():
        if name == "depths":
            continue
        if name == "layers" and isinstance(data.get(name), list | tuple):
            default = ()
        what, value = f"{name} of the space", data.get(name, default)
        if isinstance(default, tuple):
            found[name] = tuple(plain.whole(what, each) for each in plain.row(what, value))
        elif isinstance(default, bool):
            if not isinstance(value, bool):
                raise UserError(f"The {what} is {value!r}. Give true or false.")
            found[name] = value
        else:
            found[name] = plain.whole(what, value)
    return found
