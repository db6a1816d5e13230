"""A part of a known table is recognised by its rows and columns; other tables are not."""

import time

import numpy as np
import pandas as pd
import pytest

from taskaware.modalities.reading import make_task
from taskaware.recommendation.evaluators import groups_of, shipped_evaluator
from taskaware.recommendation.recommend import recommend
from taskaware.recommendation.relatives import relatives
from taskaware.recommendation.sketches import packed, shipped_sketches, sketch, unpacked


def bundled(name: str) -> tuple[pd.DataFrame, str]:
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return found, "target"


def drawn(
    frame: pd.DataFrame, target: str, rows: float, columns: float, renamed: bool, seed=0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    features = [name for name in frame if name != target]
    kept = rng.permutation(features)[: round(columns * len(features))]
    part = frame[[*kept, target]].sample(frac=rows, random_state=seed)
    if renamed:
        part = part.rename(columns={name: f"v{place}" for place, name in enumerate(kept)})
    return part


@pytest.mark.parametrize("name, group", [("wine", "wine"), ("iris", "iris"), ("diabetes", "diabetes")])
@pytest.mark.parametrize("rows, columns", [(0.75, 1.0), (1.0, 0.5), (0.75, 0.5), (0.5, 1.0)])
@pytest.mark.parametrize("renamed", [False, True])
def test_a_part_is_recognised(name, group, rows, columns, renamed):
    frame, target = bundled(name)
    task = make_task(drawn(frame, target, rows, columns, renamed), target)
    assert groups_of(task, shipped_evaluator().training_data) == (group,)


def test_a_part_in_other_types_is_recognised(tmp_path):
    """Written as text and read back; class numbers as words."""
    frame, target = bundled("wine")
    part = drawn(frame, target, 0.75, 1.0, True).assign(target=lambda f: "kind " + f["target"].astype(str))
    part.to_csv(tmp_path / "part.csv", index=False)
    assert [one.group for one in relatives(make_task(tmp_path / "part.csv", target))] == ["wine"]


def test_other_tables_are_not():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(0, 12, (800, 9))).add_prefix("n")
    frame = frame.assign(a=rng.normal(size=800).round(1), b=rng.choice(list("yn"), 800))
    assert relatives(make_task(frame.assign(y=rng.choice(["yes", "no"], 800)), "y")) == []
    shuffled, target = bundled("wine")
    shuffled = shuffled.apply(lambda column: rng.permutation(column.to_numpy()))
    assert relatives(make_task(shuffled, target)) == []


def test_a_part_is_left_out_and_a_note_names_the_table(evaluator):
    frame, target = bundled("wine")
    part = drawn(frame, target, 0.75, 1.0, False)
    asked, left = (
        recommend(part, target, evaluator=evaluator, leave_out=leave_out) for leave_out in (False, True)
    )
    assert any("seems to share rows and columns with 'wine'" in note for note in asked.notes)
    assert asked.neighbours["name"][0] == "wine"
    assert "wine" not in set(left.neighbours["name"])
    assert any("'wine' of the experience. That was left out" in note for note in left.notes)


def test_sketches_survive_their_file_and_do_not_depend_on_the_order_of_rows():
    frame, target = bundled("iris")
    one, other = (sketch(make_task(given, target)) for given in (frame, frame.sample(frac=1, random_state=1)))
    for made in (other, *unpacked(packed([one]))):
        np.testing.assert_array_equal(made.cells, one.cells)
        np.testing.assert_array_equal(made.names, one.names)
        assert [set(table) for table in made.shares] == [set(table) for table in one.shares]


def test_the_shipped_sketches_are_those_of_training_tasks():
    data = shipped_evaluator().training_data
    groups = dict(zip(data.digests, data.groups, strict=True))
    sketches = shipped_sketches()
    assert all(groups[one.digest] == one.group for one in sketches)
    assert len({one.digest for one in sketches}) == len(sketches) > 350


def test_a_sketch_holds_hashes_of_few_rows_and_no_value():
    """32 rows at most, each cell as 32 bits of a hash."""
    for one in shipped_sketches():
        assert len(one.cells) <= 32 and one.cells.dtype == one.names.dtype == np.uint32


def test_a_table_is_compared_with_all_sketches_in_no_time():
    frame, target = bundled("digits")
    task = make_task(frame, target)
    relatives(task)  # indexes the sketches
    began = time.process_time()
    assert "digits" in [one.name for one in relatives(task)]
    assert time.process_time() - began < 2  # a quarter of a second on a quiet machine
