"""Experience of a smaller space, read as points of a larger one."""

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import opened
from taskaware.spaces import preset
from taskaware.spaces.mixture_lifting import lifted_points
from taskaware.store import Store, pack

COMPACT, EXTENDED = preset("compact"), preset("extended")


@pytest.fixture(scope="module")
def some():
    """Trainings on two of the shipped tasks."""
    shipped = open_experience("shipped", COMPACT)
    return shipped.take(np.flatnonzero((shipped.task < 2) & (shipped.seed == shipped.seed[0])))


@pytest.mark.parametrize("kind", ["store", "file"])
def test_trainings_are_found_in_the_larger_space(some, kind, tmp_path):
    path = str(tmp_path / ("mine.npz" if kind == "file" else "mine.sqlite"))
    if kind == "file":
        pack(some, path)
    else:
        with Store.open(path) as store:
            store.add_experience(some)
    found = open_experience(path, EXTENDED)
    assert found.space.digest == EXTENDED.digest and len(found) == len(some)
    wanted = lifted_points(some.architectures, COMPACT, EXTENDED)

    def trainings(experience, points):
        digests = [experience.tasks[place].digest for place in experience.task]
        vectors = [points[place].tobytes() for place in experience.architecture]
        return set(zip(digests, vectors, experience.score.tolist(), strict=True))

    assert trainings(found, found.architectures) == trainings(some, wanted)


def test_experience_of_a_larger_space_is_refused(some, tmp_path):
    with Store.open(path := str(tmp_path / "mine.sqlite")) as store:
        store.add_experience(some)
    with pytest.raises(UserError, match="space"):
        open_experience(path, preset("published"))


def test_what_is_shipped_in_the_larger_space_is_of_known_tables_that_took_turns():
    own = open_experience("shipped-tables-extended", EXTENDED)
    known = {
        task.digest for part in ("shipped", "shipped-tables") for task in open_experience(part, COMPACT).tasks
    }
    assert {task.digest for task in own.tasks} <= known
    assert len(own.names) > 50 and set(np.bincount(own.task)) == {len(own.architectures) // 4}
    everything = opened("shipped", EXTENDED)
    assert len(everything.names) == len(known) + len(open_experience("shipped-kinds", EXTENDED).names)
    points = {point.tobytes() for point in everything.architectures}
    assert {point.tobytes() for point in own.architectures} <= points
