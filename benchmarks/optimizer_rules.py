"""Update rules on small networks: known rules beside optax's optimizers and random rules, and their speed.

Each rule and each optimizer trains the same network (two hidden layers of 32 units) from the same weights on
the same rows, with the same sweep of learning rates in the first fifth of the steps. `--speed` measures the
CPU seconds of many different rules in one program beside a loop over optax, which compiles each. Set
TASKAWARE_COMPILED=0 for it, so that no compiled program is taken from disk. `--halvings` measures rounds of
which the worse half ends early beside the same rounds to their end.
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax

from taskaware import optimizers
from taskaware.children.child import CHILDREN, Batch, Design
from taskaware.children.rules.child import RATES, SWEEP
from taskaware.children.rules.networks import HIDDEN
from taskaware.modalities.suites import bundled_suite
from taskaware.objectives.trainings import trained
from taskaware.spaces.rules import NAMED, RuleSpace
from taskaware.strategies import Objective
from taskaware.training.prepare import Prepared, batches, prepare
from taskaware.training.programs import scored_by
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.trainer import train

SPACE, CHILD = RuleSpace(), CHILDREN["update-rules"]
RECIPE = TrainingRecipe(steps=300, batch_size=32)
OPTAX = {
    "optax.adam": optax.adam,
    "optax.sgd, momentum 0.9": lambda rate: optax.sgd(rate, momentum=0.9),
    "optax.adamw": optax.adamw,
    "optax.lion": optax.lion,
}


def batch_of(prepared: Prepared, rows: np.ndarray | jax.Array) -> Batch:
    """Rows of a classification as the network reads them."""
    arrays = prepared.arrays
    x = jax.tree.map(lambda leaf: leaf[rows], arrays.x)
    return Batch(x, arrays.y[rows], arrays.columns, arrays.allowed, True)


def by_optax(make: Callable, prepared: Prepared, seed: int) -> float:
    """Test score of the network when an optax transformation trains it, with the sweep of the rules' child.

    Args:
        make: learning rate → transformation.
        prepared: the task.
        seed: of weights and rows.
    """
    candidate = CHILD.read(Design(SPACE, 0), jnp.asarray(SPACE.encode("g")))
    rates, first = jnp.array(RATES), int(np.ceil(SWEEP * RECIPE.steps))
    rows = jnp.asarray(batches(prepared.train, seed, RECIPE.steps, RECIPE.batch_size))
    init_key, _ = jax.random.split(jax.random.key(seed))
    params = CHILD.init(init_key, candidate, batch_of(prepared, np.arange(1))).params

    def loss(params, rows):
        batch = batch_of(prepared, rows)
        return batch.loss(CHILD.outputs(params, candidate, batch))

    def path(rate, params, state, rows):
        def step(carry, rows):
            params, state, average = carry
            value, gradient = jax.value_and_grad(loss)(params, rows)
            updates, state = make(rate).update(gradient, state, params)
            average = jnp.where(average < 0, value, 0.8 * average + 0.2 * value)
            return (optax.apply_updates(params, updates), state, average), None

        return jax.lax.scan(step, (params, state, jnp.float32(-1)), rows)[0]

    @jax.jit
    def trained(params):
        starts = (params, make(0.1).init(params), rows[:first])
        tried, states, losses = jax.vmap(path, (0, None, None, None))(rates, *starts)
        best = jnp.argmin(jnp.where(jnp.isfinite(losses), losses, jnp.inf))
        params, state = jax.tree.map(lambda leaf: leaf[best], (tried, states))
        params, _, _ = path(rates[best], params, state, rows[first:])
        part, metric = prepared.arrays.test, scored_by("classification")[0]
        batch = batch_of(prepared, part.rows)
        outputs = batch.masked(CHILD.outputs(params, candidate, batch))
        return metric.on_device(outputs, batch.y, part.weight, prepared.arrays.scale)

    return float(trained(params))


def scores(tables: list[str], seeds: int, count: int) -> dict[str, np.ndarray]:
    """Test scores, (tables x seeds,), of known rules, of optax's optimizers, and of random rules.

    Args:
        tables: names of bundled tasks, classifications.
        seeds: of splits, weights and rows.
        count: number of random rules.
    """
    random = np.asarray(SPACE.sample(jax.random.key(0), count))
    points = np.concatenate([[SPACE.encode(text) for text in NAMED.values()], random])
    found: dict[str, list[float]] = {}
    for task in bundled_suite().only(*tables):
        for seed in range(seeds):
            prepared = prepare(task, seed, RECIPE)
            results = train(SPACE, points, prepared, RECIPE, seed=seed)
            known, drawn = results.test_score[: len(NAMED)], results.test_score[len(NAMED) :]
            chosen = int(np.argmax(results.score[len(NAMED) :]))
            row = dict(zip(NAMED, known, strict=True))
            row |= {f"best of {count} random rules, by validation": drawn[chosen]}
            row |= {f"median of {count} random rules": np.median(drawn)}
            row |= {name: by_optax(make, prepared, seed) for name, make in OPTAX.items()}
            for name, score in row.items():
                found.setdefault(name, []).append(float(score))
    return {name: np.array(each) for name, each in found.items()}


def own_objective(table: str, steps: int) -> Objective:
    """The same network on the standardised columns of a table, as a user would write it.

    Args:
        table: name of a bundled task, a classification.
        steps: of a training.
    """
    [task] = bundled_suite().only(table)
    prepared = prepare(task, 0, RECIPE)
    arrays = jax.tree.map(np.asarray, prepared.arrays)
    columns = np.flatnonzero(arrays.columns.block == prepared.embeddings.index("standardised"))
    drawn, rng = batches(prepared.train, 0, steps, RECIPE.batch_size), np.random.default_rng(0)
    given = [(arrays.x.numbers[rows][:, columns], arrays.y[rows].astype(np.int32)) for rows in drawn]
    sizes = (len(columns), *HIDDEN, int(arrays.allowed.sum()))
    params = [
        (rng.normal(0, np.sqrt(2 / before), (before, after)).astype(np.float32), np.zeros(after, np.float32))
        for before, after in zip(sizes, sizes[1:], strict=False)
    ]

    def loss(params, batch):
        found, labels = batch
        for kernel, bias in params[:-1]:
            found = jax.nn.relu(found @ kernel + bias)
        logits = found @ params[-1][0] + params[-1][1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    return optimizers.objective(loss, params, given, steps=steps)


def speed(table: str, steps: int, many: int, few: int) -> Iterator[str]:
    """CPU seconds of a rule, compilation included: many in one program, and a few by optax one by one.

    Args:
        table: name of a bundled task, a classification.
        steps: of a training.
        many: rules of the program.
        few: rules of the loop.
    """
    objective = own_objective(table, steps)
    points = np.asarray(SPACE.sample(jax.random.key(1), many))
    began = time.process_time()
    found = objective.evaluate(points)
    together = (time.process_time() - began) / many
    yield f"{many} rules in one program: {together:.3f} CPU seconds each"
    began = time.process_time()
    for row, point in enumerate(points[:few]):
        text = SPACE.decode(point)
        alone = optimizers.score(objective, functools.partial(optimizers.rule, text, total_steps=steps))
        yield f"  {found.score[row]:.4g} in the program, {alone.score:.4g} by optax: {text}"
    loop = (time.process_time() - began) / few
    yield f"{few} rules by optax one by one: {loop:.3f} CPU seconds each, {loop / together:.1f} × as many"


def halved(tables: list[str], count: int, halvings: int, together: int) -> Iterator[str]:
    """Rounds of random rules, whole and with early ends, in turn; compilation is not counted.

    Args:
        tables: names of bundled tasks.
        count: number of rules.
        halvings: how often a half of a round ends.
        together: rules of a round.
    """
    points = np.asarray(SPACE.sample(jax.random.key(2), count))
    for task in bundled_suite().only(*tables):
        ways = [trained(task, SPACE, RECIPE, together=together, halvings=each) for each in (0, halvings)]
        for way in ways:
            way.evaluate(points[:together])
        seconds, scores = np.zeros(2), np.zeros((2, count))
        for first in range(0, count, together):
            part = slice(first, first + together)
            for row, way in enumerate(ways):
                began = time.process_time()
                scores[row, part] = way.evaluate(points[part]).score
                seconds[row] += time.process_time() - began
        whole, early = seconds / count
        chosen = scores[0, scores[1].argmax()]
        best = scores[0].max()
        yield (
            f"{task.name}: {whole:.3f} and {early:.3f} CPU seconds a rule ({1 - early / whole:.0%} less); "
            f"the best rule has {best:.3f}, the best with early ends {chosen:.3f} when trained to its end"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=["iris", "wine", "breast-cancer"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--random", type=int, default=48, help="number of random rules")
    parser.add_argument("--speed", action="store_true", help="measure rules per second in place of scores")
    parser.add_argument("--steps", type=int, default=300, help="of a training, with --speed")
    parser.add_argument("--halvings", type=int, default=0, help="measure early ends in place of scores")
    parser.add_argument("--together", type=int, default=16, help="rules of a round, with --halvings")
    parser.add_argument("--few", type=int, default=8, help="rules of the loop over optax, with --speed")
    given = parser.parse_args()
    began = time.process_time()
    if given.halvings:
        for line in halved(given.tables, given.random, given.halvings, given.together):
            print(line, flush=True)
    elif given.speed:
        for line in speed(given.tables[0], given.steps, given.random, given.few):
            print(line, flush=True)
    else:
        for name, each in scores(given.tables, given.seeds, given.random).items():
            tables = each.reshape(len(given.tables), given.seeds).mean(0)
            error = tables.std(ddof=1) / np.sqrt(given.seeds) if given.seeds > 1 else 0.0
            print(f"{name:48} {each.mean():.3f} ± {error:.3f}")
    print(f"{(time.process_time() - began) / 60:.1f} CPU minutes")


if __name__ == "__main__":
    main()
