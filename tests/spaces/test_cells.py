"""The space of cells: what a point means, known cells, and that mutations make no loops."""

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.spaces import cells, space_from
from taskaware.spaces.cells import HIDDEN_STATE, KNOWN, OPERATION, Cell, Combination
from taskaware.strategies import Objective, Outcomes, aging_evolution, search

SPACE = cells()


def test_a_point_is_two_cells_and_back():
    points = SPACE.sample_on_host(np.random.default_rng(0), 50)
    for point in points:
        found = SPACE.decode(point)
        np.testing.assert_array_equal(SPACE.encode(found["normal"], found["reduction"]), point)
        for cell in found.values():
            assert len(cell.combinations) == 5 and 6 in cell.outputs
            for place, each in enumerate(cell.combinations):
                assert max(each.left, each.right) < place + 2
    assert space_from(SPACE.to_dict()) == SPACE != cells(3)
    assert [cells(n).dimension for n in (3, 10)] == [24, 80]


def test_known_cells_concatenate_the_published_states():
    """As published: the states that each cell of NASNet-A and AmoebaNet-A concatenates."""
    outputs = {name: [cell.outputs for cell in KNOWN[name]] for name in KNOWN}
    assert outputs == {"nasnet-a": [(2, 3, 4, 5, 6), (4, 5, 6)], "amoebanet-a": [(4, 5, 6), (3, 4, 6)]}
    for name in (*KNOWN, "resnet", "all-convolution"):
        point = SPACE.named(name)
        assert SPACE.contains_on_host(point[None])[0]
    chain = cells(3).decode(cells(3).named("resnet"))["normal"]
    assert chain.outputs == (4,)
    assert {each.right_operation for each in chain.combinations} == {"identity"}


def test_mutations_have_names_and_make_no_loops():
    def hidden_states(points):
        return Outcomes(points[:, ::2].sum(1))

    strategy = aging_evolution(20, 5, identity=0.0, mutations={HIDDEN_STATE: 1})
    found = search(strategy, Objective(hidden_states), space=SPACE, budget=300, progress=False)
    assert SPACE.contains_on_host(found.points).all()
    born = np.flatnonzero(found.info["parent"] >= 0)
    changed = found.points[born] != found.points[found.info["parent"][born]]
    assert changed[:, ::2].sum() == len(born) and not changed[:, 1::2].any()
    assert {decision.mutation for decision in SPACE.decisions} == {HIDDEN_STATE, OPERATION}


def test_what_is_no_cell_is_refused():
    loop = Cell((Combination(0, "identity", 2, "identity"),))
    with pytest.raises(UserError, match="uses hidden state 2. Allowed: 0 to 1, so that there are no loops"):
        cells(1).encode(loop, loop)
    with pytest.raises(UserError, match=r"has 1 combinations, and those of 'cells' have 5"):
        SPACE.encode(loop, loop)
    with pytest.raises(UserError, match="Unknown operation 'separable 4x4'. Did you mean"):
        cells(operations=("identity", "separable 4x4"))
    with pytest.raises(UserError, match="combinations=0"):
        cells(0)
    with pytest.raises(UserError, match="Unknown design 'amoebanet'. Did you mean 'amoebanet-a'"):
        SPACE.named("amoebanet")
    with pytest.raises(UserError, match="has 5 combinations, and those of 'cells' have 3"):
        cells(3).named("nasnet-a")
