"""The controller against exact probabilities and gradients, and its search against random search."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import cells, chain, choices, preset
from taskaware.spaces.rules import RuleSpace
from taskaware.strategies import Feedback, Objective, Outcomes, UnderWay, ppo, random, reinforce, search
from taskaware.strategies.controller_terms import REWARDS, Terms
from taskaware.strategies.policy_gradient import Minibatch, Queue, loss, programs

ARMS = choices(arm=[0, 1, 2])
PAYS = jnp.array([0.2, 1.0, 0.5])
HOLES = choices(
    {name: range(4) for name in "abc"}, allowed=lambda point: point["a"] <= point["b"] != point["c"]
)
RULES = RuleSpace("few", 3, ("g", "m"))
CHAINS = chain(3, kernels=(1, 3), filters=(2, 4, 8), side=8, channels=1)


PLAIN = Terms(3, 0.01, "raw", 1.0, 0.9, 0.0, "weigh", 0, 1.0, units=6, layers=2, temperature=1.0, tanh=None)
ATTENDING = PLAIN._replace(controller="transformer", entropy=0.01)


def params_of(space, given, spread=1.0, seed=0):
    """Weights far enough from their small beginning for choices to have unlike chances."""
    made = programs(space, given)
    return made, jax.tree.map(lambda leaf: spread * leaf, made.init(jax.random.key(seed)).params)


def scored(made, params, points):
    return score(made.controller, params, jnp.asarray(points, jnp.float32))


@functools.partial(jax.jit, static_argnums=0)
def score(controller, params, points):
    return jax.vmap(lambda point: controller.apply(params, point, method="scored"))(points)


def every_arm(drawn_as) -> Minibatch:
    return Minibatch(jnp.arange(3.0)[:, None], PAYS, drawn_as, jnp.zeros(3, jnp.int32))


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


@pytest.mark.parametrize("clip", [None, 0.2], ids=["reinforce", "ppo at ratio 1"])
def test_the_gradient_is_the_exact_one_on_three_arms(clip):
    """Each arm once, drawn by equal chances: the mean of the weighted terms is the expectation itself."""
    given = PLAIN._replace(clip=clip)
    made, params = params_of(ARMS, given, spread=10.0)
    empty = Queue(jnp.zeros((0, 1)), jnp.zeros(0))

    @jax.jit
    def chances(params):
        points = jnp.arange(3.0)[:, None]
        return score(made.controller, params, points).log_probability

    probability = np.exp(chances(params))
    assert probability.sum() == pytest.approx(1, abs=1e-5) and np.ptp(probability) > 0.02

    def expected(params):
        return -jnp.sum(jnp.exp(chances(params)) * PAYS)

    gains = PAYS - 0.37
    if clip is None:
        batch = every_arm(jnp.full(3, jnp.log(1 / 3)))
    else:
        # At ratio 1 each term has the gradient of one drawn point; their expectation is taken here.
        batch, gains = every_arm(chances(params)), 3 * probability * gains

    def told(params):
        return loss(made.controller, given, params, batch, gains, empty)[0]

    exact, found = jax.jit(lambda params: (jax.grad(expected)(params), jax.grad(told)(params)))(params)
    np.testing.assert_allclose(flat(found), flat(exact), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("space", "given"),
    [(HOLES, PLAIN), (cells(1), PLAIN), (RULES, PLAIN), (CHAINS, PLAIN), (CHAINS, ATTENDING)],
    ids=lambda one: one.controller if isinstance(one, Terms) else one.name,
)
def test_every_sample_is_in_the_space_and_has_the_probability_it_was_drawn_by(space, given):
    made, _ = params_of(space, given)
    draw = jax.jit(made.draw, static_argnums=2)
    for seed, spread in ((0, 1.0), (1, 30.0)):
        _, params = params_of(space, given, spread, seed)
        walks = draw(jax.random.key(seed), made.init(jax.random.key(seed))._replace(params=params), 64)
        assert np.asarray(space.contains(walks.point)).all()
        again = scored(made, params, walks.point)
        np.testing.assert_allclose(again.log_probability, walks.log_probability, rtol=1e-3, atol=1e-3)
        assert (walks.log_probability <= 0).all() and len(np.unique(walks.point, axis=0)) > 1


def test_a_transformer_reads_all_earlier_choices_and_no_later_ones():
    """By hand: all places at once, with a mask, instead of one after the other."""
    made, params = params_of(HOLES, ATTENDING, spread=1.5)
    weights = {name: np.asarray(leaf, np.float64) for name, leaf in params["params"].items()}
    point = HOLES.allowed[7].astype(int)
    hidden = weights["embedding"][np.arange(3), [0, *point[:2]]]
    for layer in range(ATTENDING.layers):
        parts = np.split(normal(hidden) * weights["scale"][2 * layer] @ weights["attend"][layer], 3, axis=1)
        query, keys, values = (part.reshape(3, 3, 2) for part in parts)
        logits = np.einsum("qhu,phu->hqp", query, keys) / 2**0.5 + np.triu(np.full((3, 3), -np.inf), 1)
        shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        hidden += np.einsum("hqp,phu->qhu", shares, values).reshape(3, 6) @ weights["mix"][layer]
        inside = normal(hidden) * weights["scale"][2 * layer + 1] @ weights["widen"][layer]
        hidden += np.asarray(jax.nn.gelu(inside)) @ weights["narrow"][layer]
    hidden = normal(hidden) * weights["scale"][-1]
    expected = 0.0
    for place, choice in enumerate(point):
        logits = hidden[place] @ weights["head"][place] + weights["bias"][place]
        there = np.unique(HOLES.allowed[(HOLES.allowed[:, :place] == point[:place]).all(1), place])
        expected += logits[choice] - np.log(np.exp(logits[there.astype(int)]).sum())
    assert scored(made, params, point[None]).log_probability[0] == pytest.approx(expected, rel=1e-3)


def normal(x):
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)


def test_chains_grow_on_a_schedule_and_the_controller_keeps_what_it_learned():
    space = chain((1, 2, 3), kernels=(1, 3), filters=(2, 4, 8), side=8, channels=1)
    given = PLAIN._replace(grow="layers", grow_every=6)
    made = programs(space, given)
    learner = made.init(jax.random.key(0))
    # Three points of an update, so each depth has two of them; the last one stays.
    for updates, depth in ((0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (50, 3)):
        held = learner._replace(updates=jnp.int32(updates))
        _, points, likely = made.drawn(jax.random.key(updates), held, 5)
        assert [len(space.decode(point)) for point in np.asarray(points)] == [depth] * 5
        # The depth is given, and layers that are not there are not drawn: neither has a probability.
        again = scored(made, learner.params, points).log_probability
        np.testing.assert_allclose(again, likely, rtol=1e-4, atol=1e-5)
        decided = sum(np.log(d.choices) for d in space.decisions[1:] if _layer(d.name) <= depth)
        np.testing.assert_allclose(likely, -decided, rtol=0.1)

    objective = Objective(lambda points: Outcomes(points[:, 1]))
    grown = reinforce(3, grow="layers", grow_every=6, learning_rate=0.01)
    history = search(grown, objective, space=space, budget=18, seed=0, progress=False)
    assert [len(space.decode(each)) for each in history.points] == [1] * 6 + [2] * 6 + [3] * 6
    with pytest.raises(UserError, match="Unknown decision 'layer'. Did you mean 'layers'"):
        reinforce(grow="layer")(space, 1)


def test_a_transformer_grows_and_resumes(tmp_path):
    space = chain((1, 2), kernels=(1, 3), filters=(2, 4), side=8, channels=1)
    objective = Objective(lambda points: Outcomes(points[:, 1]))
    growing = reinforce(3, grow="layers", grow_every=6, units=6, layers=1, controller="transformer")
    once = functools.partial(search, growing, objective, space=space, seed=0, progress=False)
    whole = once(budget=12)
    assert [len(space.decode(each)) for each in whole.points] == [1] * 6 + [2] * 6
    once(budget=7, journal=tmp_path / "a.jsonl")
    np.testing.assert_array_equal(
        once(budget=12, journal=tmp_path / "a.jsonl", resume=True).points, whole.points
    )
    assert "controller=transformer" in growing(space, 1).label and "controller" not in PLAIN.label


def _layer(name):
    return int(name.split()[1])


def test_probabilities_of_all_points_sum_to_one_and_the_entropy_is_theirs():
    made, params = params_of(HOLES, PLAIN, spread=20.0)
    walks = scored(made, params, HOLES.allowed)
    probability = np.exp(walks.log_probability)
    assert probability.sum() == pytest.approx(1, abs=1e-4) and probability.max() > 2 / len(HOLES)
    expected = -(probability * np.log(probability)).sum()
    assert (probability * walks.entropy).sum() == pytest.approx(expected, rel=1e-3)


def test_connections_are_drawn_by_anchor_points():
    """By hand: the states of the LSTM, the sigmoid of both anchor points, and a softmax for all else."""
    made, params = params_of(CHAINS, PLAIN, spread=20.0)
    weights = {name: np.asarray(leaf, np.float64) for name, leaf in params["params"].items()}
    point = np.asarray(CHAINS.sample(jax.random.key(3), 1)[0], int)
    states, before = [np.zeros((2, PLAIN.units)) for _ in range(PLAIN.layers)], 0
    anchors, expected = {}, 0.0
    for place, (connection, choice) in enumerate(zip(CHAINS.connections, point, strict=True)):
        hidden = weights["embedding"][place, before]
        for layer, (cell, output) in enumerate(states):
            gates = np.concatenate([hidden, output]) @ weights["kernel"][layer] + weights["shift"][layer]
            enter, forget, new, leave = np.split(gates, 4)
            cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
            states[layer] = np.stack([cell, hidden := sigmoid(leave) * np.tanh(cell)])
        if connection.part > 1 and 1 not in anchors:
            anchors[1] = hidden
        if connection.reads:
            mine = anchors.setdefault(connection.part, hidden)
            both = anchors[connection.reads] @ weights["anchor_earlier"] + mine @ weights["anchor_part"]
            yes = sigmoid(np.tanh(both) @ weights["anchor"])
            expected += np.log(yes if choice else 1 - yes)
        else:
            options = slice(CHAINS.decisions[place].choices)
            logits = (hidden @ weights["head"][place] + weights["bias"][place])[options]
            expected += logits[choice] - np.log(np.exp(logits).sum())
        before = choice
    assert scored(made, params, point[None]).log_probability[0] == pytest.approx(expected, rel=1e-3)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_without_anchor_points_connections_have_a_softmax():
    made, params = params_of(CHAINS, PLAIN._replace(anchors=False))
    assert "anchor" not in params["params"] and "anchors=False" in PLAIN._replace(anchors=False).label
    assert "anchor" in params_of(CHAINS, PLAIN)[1]["params"] and "anchors" not in PLAIN.label
    assert "anchor" not in params_of(ARMS, PLAIN)[1]["params"]


def test_a_connection_that_pays_becomes_likely():
    """The weights of anchor points learn, and every point is in the space."""
    place = CHAINS.places["layer 3 reads layer 1"]
    controller = reinforce(16, learning_rate=0.03, units=6)(CHAINS, 16)
    key, state = jax.random.key(0), controller.init(jax.random.key(1))
    ask, tell = jax.jit(controller.ask), jax.jit(controller.tell)
    shares = []
    for number in range(60):
        state, points = ask(jax.random.fold_in(key, number), state)
        assert np.asarray(CHAINS.contains(points)).all()
        shares.append(float(points[:, place].mean()))
        state, _ = tell(state, points, Feedback(points[:, place], None, number * 16 + jnp.arange(16)))
    assert np.mean(shares[:5]) < 0.75 < 0.9 < np.mean(shares[-10:])


def test_what_decides_nothing_has_no_weight():
    made, params = params_of(RULES, PLAIN, spread=20.0)
    point = np.array(RULES.encode("m"))
    other = point.copy()
    other[-5:] = [1, 1, 3, 4, 2]
    one, two = scored(made, params, np.stack([point, other])).log_probability
    assert point[0] == 0 and one == two


def test_temperature_and_tanh_bound_the_choices():
    def spread(**more):
        made, params = params_of(ARMS, PLAIN._replace(**more), spread=60.0)
        return np.ptp(scored(made, params, np.arange(3.0)[:, None]).log_probability)

    plain = spread()
    assert spread(temperature=4.0) == pytest.approx(plain / 4, rel=1e-3)
    assert spread(tanh=0.2) <= 0.4 < plain


def test_late_answers_are_weighed_or_dropped_and_those_of_others_left_out():
    made, params = params_of(ARMS, PLAIN)
    learner = made.init(jax.random.key(0))._replace(updates=jnp.int32(2))
    likely = scored(made, learner.params, np.arange(3.0)[:, None]).log_probability
    now = every_arm(likely)._replace(drawn_at=jnp.full(3, 2, jnp.int32))
    norm = float(made.updated(learner, now)[1]["gradient_norm"])
    for shift, factor in ((-np.log(3.0), 3.0), (-np.log(99.0), 10.0), (np.log(2.0), 0.5)):
        late = every_arm(likely + shift)
        assert float(made.updated(learner, late)[1]["gradient_norm"]) == pytest.approx(
            factor * norm, rel=1e-3
        )
    dropping = programs(ARMS, PLAIN._replace(off_policy="drop"))
    same, _ = dropping.updated(learner, every_arm(likely))
    np.testing.assert_array_equal(flat(same.params), flat(learner.params))
    moved, _ = dropping.updated(learner, now)
    assert (flat(moved.params) != flat(learner.params)).any()
    foreign, _ = made.updated(learner, now._replace(drawn_at=jnp.full(3, -1, jnp.int32)))
    np.testing.assert_array_equal(flat(foreign.params), flat(learner.params))
    assert foreign.baseline == learner.baseline


def test_the_queue_holds_the_best_points_once_and_makes_them_likely():
    made = programs(ARMS, PLAIN._replace(minibatch=4, queue=2, learning_rate=0.05))
    learner = made.init(jax.random.key(0))
    batch = Minibatch(
        jnp.array([[0.0], [2.0], [2.0], [1.0]]),
        jnp.array([0.1, 0.4, 0.5, -jnp.inf]),
        jnp.zeros(4),
        jnp.full(4, -1, jnp.int32),
    )
    for _ in range(30):
        learner, _ = made.updated(learner, batch)
    assert learner.queue.points.ravel().tolist() == [2.0, 0.0]
    np.testing.assert_allclose(learner.queue.values, [0.5, 0.1])
    likely = np.exp(scored(made, learner.params, np.arange(3.0)[:, None]).log_probability)
    assert likely[1] < 0.1 < likely[0]


def test_rewards_baseline_and_what_a_diverged_point_gets():
    score, scale = jnp.array([-8.0, 2.0]), 80.0
    assert REWARDS["inverse_square"](score, scale).tolist() == [1.25, 20.0]
    assert REWARDS["cubed"](score, 1.0).tolist() == [-512.0, 8.0]
    made = programs(ARMS, PLAIN._replace(reward="cubed"))
    learner = made.init(jax.random.key(0))
    drawn = every_arm(scored(made, learner.params, np.arange(3.0)[:, None]).log_probability)
    learner, _ = made.updated(learner, drawn._replace(values=jnp.array([1.0, 2.0, 3.0])))
    assert (float(learner.baseline), float(learner.worst)) == (pytest.approx(12.0), 1.0)
    drawn = drawn._replace(values=jnp.array([-jnp.inf, 2.0, 2.0]), drawn_at=jnp.ones(3, jnp.int32))
    learner, measured = made.updated(learner, drawn)
    assert float(learner.baseline) == pytest.approx(0.9 * 12 + 0.1 * (1 + 8 + 8) / 3, rel=1e-5)
    assert float(measured["baseline"]) == float(learner.baseline) and np.isfinite(flat(learner.params)).all()


def test_answers_in_any_order_are_known_again():
    strategy = reinforce(2, units=6, layers=2)(HOLES, 1)
    running = strategy.on_host(np.random.default_rng(0))
    asked = [running.ask().points for _ in range(3)]
    assert len(np.unique(np.concatenate(asked), axis=0)) > 1
    seen = []
    running._made = running._made._replace(
        updated=lambda learner, batch: (seen.append(batch), (learner, {}))[1]
    )
    for number in (2, 0, 1):
        running.tell(UnderWay(number, asked[number]), Outcomes(np.array([float(number)])))
    foreign = HOLES.allowed[[0]].astype(np.float32)
    running.tell(UnderWay(7, foreign), Outcomes(np.array([-np.inf])))
    assert [batch.values.tolist() for batch in seen] == [[2.0, 0.0], [1.0, -np.inf]]
    # Drawn before the first update, and by somebody else.
    assert [batch.drawn_at.tolist() for batch in seen] == [[0, 0], [0, -1]]
    likely = scored(running._made, running.learner.params, np.concatenate(asked))
    np.testing.assert_allclose(seen[0].drawn_as, likely.log_probability[np.array([2, 0])], rtol=1e-4)


NAMED = choices({f"d{n}": range(6) for n in range(8)})
PAYS_OF_EACH = np.random.default_rng(3).random((8, 6))


def run(strategy, seed):
    """A search where each decision pays alone, as the arms of a bandit do."""

    def evaluate(points):
        return Outcomes(np.array([PAYS_OF_EACH[np.arange(8), row.astype(int)].mean() for row in points]))

    found = search(strategy, Objective(evaluate), space=NAMED, budget=600, seed=seed, progress=False)
    return found.best.score, found.scores[-100:].mean(), found


@pytest.fixture(scope="module")
def drawn():
    return [run(random(), seed) for seed in range(2)]


@pytest.mark.parametrize(
    "made",
    [
        reinforce(8, learning_rate=0.02, units=8, layers=1),
        ppo(8, learning_rate=0.01, units=8, layers=1),
        reinforce(8, learning_rate=0.01, units=8, layers=1, controller="transformer"),
    ],
)
def test_it_beats_random_search_at_equal_budget(made, drawn):
    learned = [run(made, seed) for seed in range(2)]
    assert min(each[0] for each in learned) > max(each[0] for each in drawn)
    assert min(each[1] for each in learned) > max(each[1] for each in drawn) + 0.2
    info = learned[0][2].info
    told = np.flatnonzero(np.isfinite(info["loss"]))
    assert told.tolist() == list(range(7, 600, 8))
    assert info["entropy"][told[-1]] < 0.5 * info["entropy"][told[0]]
    assert (info["gradient_norm"][told] > 0).all() and info["baseline"][told[-1]] > info["baseline"][7] + 0.2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"minibatch": 0}, "minibatch=0 is too small"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 is too small. Give more than 0"),
        ({"baseline": 1.0}, "baseline=1.0 is out of range"),
        ({"reward": "cube"}, "Unknown reward 'cube'. Did you mean 'cubed'"),
        ({"off_policy": "wait"}, "Unknown way to use late answers 'wait'"),
        ({"queue": -1}, "queue=-1 is too small"),
        ({"controller": "trasformer"}, "Unknown controller 'trasformer'. Did you mean 'transformer'"),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(UserError, match=words):
        reinforce(**settings)
    with pytest.raises(UserError, match=words):
        ppo(**settings)


def test_continuous_spaces_are_refused():
    with pytest.raises(
        UserError, match="needs decisions with choices, and '.*' of the space 'compact' has none"
    ):
        reinforce()(preset("compact"), 1)
