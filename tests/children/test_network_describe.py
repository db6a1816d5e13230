import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.children.mixture.architecture import architecture
from taskaware.children.mixture.describe import describe, summary, table
from taskaware.errors import UserError
from taskaware.spaces import preset

SPACE = preset("compact")


def point(space=SPACE, **parts):
    """Zero logits, with some parts of the point replaced."""
    blank = space.decode(jnp.zeros(space.dimension))
    return space.encode(blank._replace(**{name: jnp.asarray(part) for name, part in parts.items()}))


def mixed_point():
    """64 relu + 32 tanh at 70 : 30, then nothing, then 16 tanh of which 20 % passes by."""
    alpha, beta = np.full((3, 8), -9.0), np.array([[9.0, -9.0], [-9.0, 9.0], [np.log(0.8), np.log(0.2)]])
    alpha[0, 4], alpha[0, 3], alpha[2, 1] = np.log(0.7), np.log(0.3), 0
    gamma = np.array([-9, -9, 0, -9, -9, 0, -9.0])
    return point(alpha=alpha, beta=beta, gamma=gamma, recipe=np.array([0.5, 0.5, 0.2]))


def test_layers_connections_and_operations():
    data = describe(SPACE, mixed_point())
    assert data == json.loads(json.dumps(data))
    assert data["space"] == {"name": "compact", "digest": SPACE.digest}
    assert not data["plain"] and data["width"] == 64
    assert [(e["name"], e["reads"], e["share"]) for e in data["embeddings"]] == [
        ("quantile", "numbers", 1),
        ("one_hot", "categories", 1),
    ]
    first, second = data["layers"]
    assert (first["input"], second["input"], data["output"]["input"]) == ("embedding", "layer1", "layer2")
    assert [(b["size"], b["activation"]) for b in first["baselines"]] == [(32, "tanh"), (64, "relu")]
    np.testing.assert_allclose([b["share"] for b in first["baselines"]], [0.3, 0.7], rtol=1e-3)
    assert (first["slot"], second["slot"]) == (0, 2)
    assert (first["bypass"], first["width"]) == (0, 64)
    # What passes by the narrow layer is as wide as the layer before.
    np.testing.assert_allclose([second["presence"], second["bypass"]], [0.8, 0.2], rtol=1e-4)
    assert second["width"] == 64
    recipe = data["recipe"]
    np.testing.assert_allclose(
        [recipe["learning_rate"], recipe["weight_decay"], recipe["dropout"]], [3e-3, 1e-2, 0.1], rtol=1e-4
    )


def test_one_line_and_one_table():
    assert summary(SPACE, mixed_point()) == (
        "quantile + one-hot → (70 % 64 relu + 30 % 32 tanh) → (80 % 16 tanh + 20 % bypass) → output; "
        "learning rate 0.003, weight decay 0.01, dropout 0.1"
    )
    rows = table(SPACE, mixed_point())
    assert list(rows.index) == ["embedding", "layer1", "layer2"]
    assert list(rows["input"]) == ["rows", "embedding", "layer1"]
    assert list(rows["width"]) == [64, 64, 64]
    assert rows.loc["layer1", "mixes"] == "(70 % 64 relu + 30 % 32 tanh)"


def test_a_long_mixture_is_cut_in_the_line_and_whole_in_the_table():
    even = point()
    assert "+ 62 % in 5 others" in summary(SPACE, even)
    assert table(SPACE, even).loc["layer1", "mixes"].count("12 %") == 8


def test_an_input_the_table_does_not_have_is_left_out():
    gamma = np.array([9.0, -9, -9, -9, -9, 0, 0])
    corner = SPACE.decode(SPACE.discretise(point()))._replace(gamma=jnp.asarray(gamma))
    vector = SPACE.encode(corner)
    assert not describe(SPACE, vector)["plain"]
    assert describe(SPACE, vector, inputs=["numbers"])["plain"]
    assert summary(SPACE, vector, inputs=["categories"]).startswith("(50 % one-hot + 50 % learned) →")


@pytest.mark.parametrize("name", ["compact", "published"])
def test_agrees_with_the_space(name):
    space, rng = preset(name), np.random.default_rng(0)
    drawn = space.project(jnp.asarray(rng.normal(0, 4, (6, space.dimension)), jnp.float32))
    vectors = np.concatenate([drawn, space.discretise(drawn)])
    weights, plain, widths = jax.device_get(
        jax.jit(lambda these: (space.weights(these), space.is_plain(these), space.width(these)))(vectors)
    )
    assert plain.any() and not plain.all()
    for row, vector in enumerate(vectors):
        net = architecture(space, vector)
        assert net.plain == plain[row] and net.width == widths[row]
        assert [layer.slot for layer in net.layers] == list(np.flatnonzero(weights.beta[row]))
        for layer in net.layers:
            shares = {(b.size, b.activation): b.share for b in layer.baselines}
            expected = weights.alpha[row, layer.slot]
            np.testing.assert_allclose([shares.get(b, 0) for b in space.baselines], expected, rtol=1e-5)
            np.testing.assert_allclose(layer.presence, weights.beta[row, layer.slot], rtol=1e-5)


def test_what_is_no_point_of_the_space_is_refused():
    with pytest.raises(UserError, match=r"shape \(40,\), and this one has \(7,\)"):
        describe(SPACE, np.zeros(7))
    for bad in (np.full(SPACE.dimension, 11.0), np.full(SPACE.dimension, np.nan)):
        with pytest.raises(UserError, match="space.project"):
            describe(SPACE, bad)
    with pytest.raises(UserError, match="Did you mean 'numbers'"):
        describe(SPACE, point(), inputs=["number"])
    deaf = dataclasses.replace(SPACE, embeddings=(("standardised", "robust"),))
    with pytest.raises(UserError, match="reads categories"):
        describe(deaf, np.zeros(deaf.dimension), inputs=["categories"])
