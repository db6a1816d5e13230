"""Convolution chains: the shared program beside a Flax program for each chain, in CPU seconds.

Both make the same steps of AdamW on the same images: the shared program computes masked filters and channels,
and saves a compilation for each chain.

    python benchmarks/chains.py --chains 4 --steps 20
"""

import argparse
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from taskaware.children.chain import child
from taskaware.children.chain.network import chain_network
from taskaware.children.chain.weights import module_variables
from taskaware.children.child import Batch, Design, Now
from taskaware.children.mixture.network import Inputs
from taskaware.spaces import chain

SPACE = chain(4, kernels=(1, 3, 5), filters=(8, 16), side=8, channels=1)
ROWS, OUTPUTS = 128, 10


def seconds(run: Callable, state: object, steps: int) -> tuple[float, float]:
    """CPU seconds of the first call, and of the mean of the others.

    Args:
        run: state → state.
        state: the first one.
        steps: calls after the first.
    """
    start = time.process_time()
    state = jax.block_until_ready(run(state))
    first = time.process_time() - start
    start = time.process_time()
    for _ in range(steps):
        state = jax.block_until_ready(run(state))
    return first, (time.process_time() - start) / steps


def by_flax(point: np.ndarray, params: dict, images: jax.Array, batch: Batch) -> tuple[Callable, object]:
    """A step of the module of a chain, and its first state.

    Args:
        point: the chain.
        params: of the shared program.
        images, batch: of each step.
    """
    module, rule = chain_network(SPACE, point, OUTPUTS), optax.adamw(3e-3)
    variables = module_variables(SPACE, point, params)

    def loss(params, moving):
        given = {"params": params, "batch_stats": moving}
        outputs, moved = module.apply(given, images, training=True, mutable="batch_stats")
        return batch.loss(outputs), moved["batch_stats"]

    @jax.jit
    def step(state):
        params, moving, carried = state
        gradient, moving = jax.grad(loss, has_aux=True)(params, moving)
        updates, carried = rule.update(gradient, carried, params)
        return optax.apply_updates(params, updates), moving, carried

    return step, (variables["params"], variables["batch_stats"], rule.init(variables["params"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    chosen = parser.parse_args()
    images = jax.random.normal(jax.random.key(0), (ROWS, 8, 8, 1))
    x = Inputs(images.reshape(ROWS, -1), jnp.zeros((ROWS, 0)))
    batch = Batch(x, jnp.arange(ROWS) % OUTPUTS, None, jnp.ones(OUTPUTS, bool), True)
    now = Now(jax.random.key(1), jnp.float32(1), jnp.float32(0))
    init, step = jax.jit(child.init), jax.jit(child.step)
    print("chain  shared: compile, step  Flax: compile, step (CPU seconds)")
    for number, point in enumerate(SPACE.sample_on_host(np.random.default_rng(0), chosen.chains)):
        candidate = child.read(Design(SPACE, 16), jnp.asarray(point))
        state = init(jax.random.key(2), candidate, batch)
        own, first = by_flax(point, state.params, images, batch)
        shared = seconds(lambda state, one=candidate: step(state, one, batch, now), state, chosen.steps)
        alone = seconds(own, first, chosen.steps)
        print(f"{number:5}  {shared[0]:.2f} {shared[1]:.4f}  {alone[0]:.2f} {alone[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
