"""The ConvNet that rules train on images, beside the same layers of Flax, and as a child."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taskaware as ta
from taskaware.children.child import Batch, Design, Now, child_of
from taskaware.children.mixture.network import Inputs
from taskaware.children.rules import networks
from taskaware.errors import UserError
from taskaware.modalities.reading import make_task
from taskaware.objectives.readable import suited
from taskaware.spaces import space_from
from taskaware.spaces.rules import RuleSpace

PIXELS, CLASSES = (8, 3), 4


class Published(nn.Module):
    """Two layers of 3 × 3 with 32 filters, batch normalisation and ReLU; then means of 2 × 2 pixels."""

    @nn.compact
    def __call__(self, x, training):
        for _ in range(2):
            x = nn.Conv(32, (3, 3), use_bias=False)(x)
            x = nn.BatchNorm(use_running_average=not training, momentum=networks.MOMENTUM)(x)
            x = nn.avg_pool(nn.relu(x), (2, 2), (2, 2))
        return nn.Dense(CLASSES)(x.reshape(len(x), -1))


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 8 * 8 * 3)).astype(np.float32)
    padded = Inputs(jnp.asarray(np.pad(x, ((0, 0), (0, 64)))), jnp.zeros((16, 0)))
    labels = jnp.asarray(rng.integers(0, CLASSES, 16), jnp.float32)
    return Batch(padded, labels, (), jnp.ones(CLASSES, bool), True)


def test_it_is_the_network_of_flax(batch):
    params = jax.jit(networks.first_params, static_argnums=1)(jax.random.key(0), PIXELS, batch)
    images, module = batch.x.numbers[:, :192].reshape(16, 8, 8, 3), Published()
    own = {"Dense_0": {"kernel": params["kernel2"], "bias": params["bias2"]}}
    for layer in range(2):
        own[f"Conv_{layer}"] = {"kernel": params[f"kernel{layer}"]}
        own[f"BatchNorm_{layer}"] = {"scale": params[f"scale{layer}"], "bias": params[f"bias{layer}"]}
    stats = {f"BatchNorm_{layer}": {"mean": jnp.zeros(32), "var": jnp.ones(32)} for layer in range(2)}
    apply = jax.jit(functools.partial(module.apply, mutable=["batch_stats"]), static_argnums=2)
    answered = jax.jit(networks.answered, static_argnames=("pixels", "training"))
    theirs, told = apply({"params": own, "batch_stats": stats}, images, True)
    ours, moved = answered(params, PIXELS, batch, training=True)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    new = told["batch_stats"]["BatchNorm_1"]
    np.testing.assert_allclose(moved["moving_mean1"], new["mean"], atol=1e-5)
    np.testing.assert_allclose(moved["moving_variance1"], new["var"], atol=1e-5)
    later = answered(params | moved, PIXELS, batch)[0]
    want, _ = apply({"params": own, **told}, images, False)
    np.testing.assert_allclose(later, want, atol=1e-4)


def test_rules_train_its_weights_and_batches_its_moving_averages(batch):
    space = RuleSpace(pixels=PIXELS)
    child, point = child_of(space), jnp.asarray(space.encode("adam"))
    candidate = child.read(Design(space, 32), point)
    state = jax.jit(child.init)(jax.random.key(0), candidate, batch)
    step, losses = jax.jit(child.step), []
    loss = jax.jit(lambda params: batch.loss(child.outputs(params, candidate, batch)))
    for number in range(12):
        losses.append(float(loss(state.params)))
        now = Now(jax.random.key(number), jnp.float32(0.0), jnp.float32(number / 12))
        state = step(state, candidate, batch, now)
    assert losses[-1] < 0.5 * losses[0]
    assert state.optimizer.weights.shape[1] == sum(
        leaf.size for leaf in networks.weights_of(state.params).values()
    )
    assert float(jnp.abs(state.params["moving_mean0"]).max()) > 0


def test_the_network_follows_the_kind_of_data():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (20, 10, 12, 3), np.uint8)
    task = make_task((images, np.arange(20) % 2))
    space = suited(ta.preset("update-rules"), task)
    assert space.pixels == (12, 3) and space.embedding_names == ("pixels_12_3",)
    assert suited(RuleSpace(pixels=(32, 3)), task).pixels == (32, 3)
    assert suited(RuleSpace(), make_task("iris")) == RuleSpace() != space
    assert space_from(space.to_dict()) == space and space.digest != RuleSpace().digest
    assert "pixels" not in RuleSpace().to_dict()


@pytest.mark.parametrize("pixels", [[16], [2, 3], [16, 2], [True, 3], "16", [99, 1]])
def test_what_are_no_images_is_refused(pixels):
    with pytest.raises(UserError, match="pixels="):
        space_from({**RuleSpace().to_dict(), "pixels": pixels})
