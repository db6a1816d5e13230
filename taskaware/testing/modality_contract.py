"""What every modality must do, as checks that run on any of them.

A check takes a function that makes a task, and raises AssertionError where the modality breaks the contract:

    def test_contract():
        check_modality(lambda: ta.make_task(my_rows, my_target))
"""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.reading import modality_of, vector
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.tasks.task import Task

MakeTask = Callable[[], Task]


def check_modality(make_task: MakeTask) -> None:
    """Run every check on the modality of a task.

    Args:
        make_task: makes the same task at every call; of 40 rows or more, no two of them alike.

    Raises:
        AssertionError: the modality breaks the contract; says how.
    """
    for check in CHECKS:
        check(make_task)


def it_is_registered(make_task: MakeTask) -> None:
    """A task names a modality of the list."""
    task = make_task()
    assert task.modality in MODALITIES, f"'{task.modality}' is not in MODALITIES: {list(MODALITIES)}"
    assert modality_of(task).name == task.modality, f"its name is '{modality_of(task).name}'"


def same_content_same_digest(make_task: MakeTask) -> None:
    """Two readings of one dataset are one task; one row less is another."""
    first, second = make_task(), make_task()
    assert first.digest == second.digest, "two readings of one dataset have two digests"
    less = _taken(first, np.arange(1, first.rows))
    assert less.digest != first.digest, "without its first row the task has the same digest"
    assert len(np.unique(first.data.row_hashes)) > first.rows / 2, "most rows have the hash of another row"


def row_order_changes_nothing(make_task: MakeTask) -> None:
    """Digest and meta-features are those of the content."""
    task = make_task()
    turned = _taken(task, _shuffled(task))
    assert turned.digest == task.digest, "another order of the rows has another digest"
    assert turned.data.digest == task.data.digest, "another order of the rows has data of another digest"
    np.testing.assert_array_equal(vector(turned), vector(task), err_msg="z depends on the order of the rows")


def z_has_the_catalogues_length(make_task: MakeTask) -> None:
    """Every modality has the same finite meta-features."""
    z = vector(make_task())
    assert z.shape == (len(NAMES),), f"z has shape {z.shape}, not ({len(NAMES)},)"
    assert np.isfinite(z).all(), "z is not finite"


def samples_are_finite(make_task: MakeTask) -> None:
    """The learned generator reads any kind."""
    task = make_task()
    samples = modality_of(task).samples(task, rows=16, columns=4, outputs=2)
    assert samples.x.shape == (16, 4) and np.isfinite(samples.x).all(), "x is not finite, or of another shape"
    assert samples.rows.sum() == min(16, task.rows), "rows are missing from the samples"


def blocks_learn_from_training_rows_alone(make_task: MakeTask) -> None:
    """Other rows change nothing that was learned."""
    task = make_task()
    modality, rows = modality_of(task), np.arange(task.rows // 2)
    alone = modality.fit_blocks(task.data.take(rows), rows).to_arrays()
    among = modality.fit_blocks(task.data, rows).to_arrays()
    others = np.concatenate([rows, np.full(task.rows - len(rows), task.rows - 1)])
    changed = modality.fit_blocks(task.data.take(others), rows).to_arrays()
    for name, values in alone.items():
        for found in (among, changed):
            np.testing.assert_array_equal(found[name], values, err_msg=f"'{name}' depends on other rows")


def blocks_are_finite_and_as_wide_as_they_say(make_task: MakeTask) -> None:
    """Rows that were not learned from are read, one by one as together."""
    task = make_task()
    blocks = modality_of(task).fit_blocks(task.data, np.arange(task.rows // 2))
    rows = np.arange(task.rows // 2, task.rows)
    matrices = blocks.transform(task.data, rows)
    found = {name: matrix.shape for name, matrix in matrices.items()}
    wanted = {name: (len(rows), width) for name, width in blocks.widths.items()}
    assert found == wanted and any(blocks.widths.values()), f"blocks have shapes {found}, not {wanted}"
    assert set(blocks.active) == set(blocks.widths), "active and widths name different blocks"
    single = blocks.transform(task.data.take(rows[-1:]))
    for name, matrix in matrices.items():
        assert matrix.dtype == np.float32, f"block '{name}' is {matrix.dtype}, not float32"
        assert np.isfinite(matrix).all(), f"block '{name}' is not finite"
        np.testing.assert_allclose(
            single[name][0], matrix[-1], rtol=1e-5, atol=1e-6, err_msg=f"'{name}' sees other rows"
        )


def what_is_saved_is_the_same(make_task: MakeTask) -> None:
    """Blocks and reader come back from plain numbers and text."""
    task = make_task()
    modality = modality_of(task)
    blocks = modality.fit_blocks(task.data, np.arange(task.rows))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blocks.npz"
        np.savez(path, **cast(dict[str, Any], blocks.to_arrays()))
        with np.load(path, allow_pickle=False) as file:
            again = modality.blocks_from({name: file[name] for name in file.files})
    assert dict(again.widths) == dict(blocks.widths), "blocks that were saved have other widths"
    assert dict(again.active) == dict(blocks.active), "blocks that were saved have other active columns"
    for name, matrix in blocks.transform(task.data).items():
        np.testing.assert_array_equal(again.transform(task.data)[name], matrix, err_msg=name)
    assert task.reader is not None, "a task that was read has no reader"
    plain = json.loads(json.dumps(task.reader.to_dict()))
    assert modality.reader_from(plain).to_dict() == task.reader.to_dict(), "a saved reader is another one"
    assert isinstance(task.reader.names, tuple), "names of a reader are a tuple"


def the_card_fits(make_task: MakeTask) -> None:
    """The card counts rows, and the columns that blocks of all rows have."""
    task = make_task()
    card = modality_of(task).card(task)
    widths = modality_of(task).fit_blocks(task.data, np.arange(task.rows)).widths
    assert card.rows == task.rows and card.features > 0, f"the card says {card}"
    assert dict(card.widths) == dict(widths), f"the card has widths {card.widths}, the blocks {dict(widths)}"


CHECKS: tuple[Callable[[MakeTask], None], ...] = (
    it_is_registered,
    same_content_same_digest,
    row_order_changes_nothing,
    z_has_the_catalogues_length,
    samples_are_finite,
    blocks_learn_from_training_rows_alone,
    blocks_are_finite_and_as_wide_as_they_say,
    what_is_saved_is_the_same,
    the_card_fits,
)


def _shuffled(task: Task) -> np.ndarray:
    return np.random.default_rng(0).permutation(task.rows)


def _taken(task: Task, rows: np.ndarray) -> Task:
    return dataclasses.replace(task, data=task.data.take(rows), target=task.target[rows])
