"""The mutation network proposes children, learns from what came of them, and so finds more with as much."""

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.objectives import function
from taskaware.spaces import choices, preset
from taskaware.strategies import aging_evolution, search
from taskaware.strategies.mutation_network import MutationNetwork

SPACE = choices({f"d{number}": range(8) for number in range(12)})
WORTH = np.random.default_rng(5).random((12, 8))


def worth(point):
    return float(WORTH[np.arange(12), point.astype(int)].mean())


def best(network, seed, **more):
    strategy = aging_evolution(16, 4, network=network)
    settings = {"space": SPACE, "budget": 150, "seed": seed, "progress": False} | more
    return search(strategy, function(worth), **settings)


def test_it_prefers_what_was_good_and_changes_one_decision():
    rng = np.random.default_rng(0)
    network = MutationNetwork([3, 1, 4], rng)
    for _ in range(300):
        parent = np.array([rng.integers(3), 0, rng.integers(4)], np.float32)
        child = network.propose(rng, parent)
        assert (child != parent).sum() == 1 and child[1] == 0 and (child < [3, 1, 4]).all()
        # Only the second option of the third decision is worth something; one option diverges.
        gain = -np.inf if child[0] == 2 else float(child[2] == 1) - float(parent[2] == 1)
        network.learn(parent, child, gain)
    proposed = np.stack([network.propose(rng, np.zeros(3, np.float32)) for _ in range(200)])
    assert (proposed[:, 2] == 1).mean() > 0.6 > 0.1 > (proposed[:, 0] == 2).mean()


def test_evolution_with_it_finds_more_at_equal_budget():
    found = {share: [best(share, seed).best.score for seed in range(4)] for share in (0.0, 0.8)}
    assert np.mean(found[0.8]) > np.mean(found[0.0]) + 0.01


def test_a_search_with_it_goes_on_row_for_row(tmp_path):
    journal = tmp_path / "a.jsonl"
    best(0.5, 3, budget=70, journal=journal)
    again = best(0.5, 3, budget=100, journal=journal, resume=True)
    np.testing.assert_array_equal(again.points, best(0.5, 3, budget=100).points)


@pytest.mark.parametrize(
    ("space", "network", "words"),
    [
        (SPACE, 1.5, "network=1.5 is out of range"),
        (preset("compact"), 0.5, "'compact' is none"),
        (choices(a=[0, 1, 2], b=[0, 1], allowed=np.array([[0, 0], [1, 1], [2, 0]])), 0.5, "without holes"),
    ],
)
def test_where_it_cannot_work_it_is_refused(space, network, words):
    with pytest.raises(UserError, match=words):
        aging_evolution(4, 2, network=network)(space, 1)
