"""The space of convolution chains: what a point means, known chains, and what a space can be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import Layer, chain, preset, space_from
from taskaware.spaces.chain import ends

FULL = chain(4, strides=(1, 2, 3), pooling=True)
DEEPER = chain((2, 3, 5), kernels=(1, 3), filters=(2, 4))


def test_a_point_is_a_chain_and_back():
    for point in FULL.sample_on_host(np.random.default_rng(0), 50):
        layers = FULL.decode(point)
        np.testing.assert_array_equal(FULL.encode(layers), point)
        for number, layer in enumerate(layers, 1):
            # Only earlier layers are read: a chain has no loop, and the image only where there is none.
            assert layer.reads == (0,) or all(1 <= each < number for each in layer.reads)
        assert ends(layers)[-1] == 4
    names = [decision.name for decision in chain(2, strides=(1, 2), pooling=True).decisions]
    assert names[6:] == [
        *(f"layer 2 filter {what}" for what in ("height", "width")),
        *(f"layer 2 stride {what}" for what in ("height", "width")),
        *("layer 2 filters", "layer 2 pooling", "layer 2 reads layer 1"),
    ]
    assert len(names[:6]) == 6 and names[0] == "layer 1 filter height"


def test_chains_of_several_depths():
    depths = set()
    for point in DEEPER.sample_on_host(np.random.default_rng(0), 50):
        layers = DEEPER.decode(point)
        depths.add(len(layers))
        again = DEEPER.encode(layers)
        assert DEEPER.decode(again) == layers
        assert not again[DEEPER.places[f"layer {len(layers)} filters"] + len(layers) :].any()
    assert depths == {2, 3, 5} and DEEPER.decisions[0].name == "layers"
    assert len(DEEPER.decode(DEEPER.named("plain"))) == 5 and space_from(DEEPER.to_dict()) == DEEPER
    with pytest.raises(UserError, match="4 layers, and those of 'chain' have 2 or 3 or 5"):
        DEEPER.encode(DEEPER.decode(DEEPER.named("plain"))[:4])
    # Nothing is decided about layers that are not there.
    shallow = jnp.zeros(DEEPER.dimension)
    there = jax.jit(jax.vmap(DEEPER.open_choices, (None, 0)))(shallow, jnp.arange(DEEPER.dimension)).sum(1)
    expected = [len(d.labels) if number <= 2 else 1 for d, (number, _) in _with_layers(DEEPER)]
    assert there.tolist() == expected


def _with_layers(space):
    return zip(space.decisions, [(0, 0), *space.connections[1:]], strict=True)


def test_known_chains():
    space = preset("chain")
    plain, dense = (space.decode(space.named(name)) for name in ("plain", "all-skips"))
    assert [layer.reads for layer in plain] == [(n,) for n in range(6)] and ends(plain) == (6,)
    assert [layer.reads for layer in dense[1:]] == [tuple(range(1, n)) for n in range(2, 7)]
    without = chain(3, skips=False)
    assert without.dimension == 9 and without.decode(without.named("plain"))[2].reads == (2,)
    with pytest.raises(UserError, match="Layer 3, .*reads=\\(1, 2\\).* is none of 'chain'. The nearest is"):
        without.named("all-skips")
    with pytest.raises(UserError, match="Unknown design 'plane'. Did you mean 'plain'"):
        space.named("plane")


def test_what_is_set_on_the_space_names_it():
    assert space_from(FULL.to_dict()) == FULL
    settings: list[dict] = [
        *({}, {"layers": 3}, {"kernels": (1, 3)}, {"filters": (2,)}, {"strides": (1, 2)}, {"strides": (2,)}),
        *({"pooling": True}, {"skips": False}, {"side": 8}, {"channels": 1}, {"layers": (6, 8)}),
    ]
    assert len({chain(**each).digest for each in settings}) == len(settings)
    for wrong, message in (
        ({"layers": 0}, "layers=0 is out of range"),
        ({"layers": (6, 4)}, "several that ascend"),
        ({"layers": ()}, "layers=0 is out of range"),
        ({"layers": (2, 99)}, "out of range. Give 1 to 40"),
        ({"kernels": (1, 2)}, "even number"),
        ({"filters": (8, 8)}, "each once"),
        ({"channels": 2}, "Give 3, or 1"),
        ({"layers": 1, "kernels": (3,), "filters": (8,)}, "nothing to decide"),
    ):
        with pytest.raises(UserError, match=message):
            chain(**wrong)
    with pytest.raises(UserError, match="The pooling of the space is 1. Give true or false"):
        space_from(FULL.to_dict() | {"pooling": 1})


def test_what_is_no_chain_of_the_space_is_refused():
    layer = Layer(3, 3, 24, (0,))
    with pytest.raises(UserError, match="The chain has 1 layers, and those of 'chain' have 4"):
        FULL.encode([layer])
    with pytest.raises(UserError, match="Layer 1, .* is none of 'chain'"):
        chain(1).encode([layer._replace(strides=(2, 2))])
    with pytest.raises(UserError, match="Unknown option of 'layer 1 filters' '7'"):
        chain(1).encode([layer._replace(filters=7)])
