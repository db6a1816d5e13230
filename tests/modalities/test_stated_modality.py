"""A kind of data that the user states is the one that is read, or a refusal says why not."""

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.series.modality import SERIES

LABELS = ["up", "down"] * 15
X = np.random.default_rng(0).normal(size=(30, 12))
FRAME = pd.DataFrame(X, columns=[f"t{place}" for place in range(12)])


@pytest.mark.parametrize("kind", ["series", "embedding"])
def test_rows_of_numbers_are_what_the_user_says(kind, tmp_path):
    labelled, path = FRAME.assign(label=LABELS), tmp_path / "rows.csv"
    labelled.to_csv(path, index=False)
    sources = [(X, LABELS), (X.tolist(), LABELS), (FRAME, LABELS), (FRAME.to_dict("records"), LABELS)]
    tasks = [ta.make_task(source, modality=kind) for source in sources]
    tasks += [ta.make_task(source, "label", modality=kind) for source in (labelled, path)]
    for task in tasks:
        assert task.modality == kind and task.rows == 30 and task.classes == ("down", "up")
        assert task.data.digest == tasks[0].data.digest
    assert ta.make_task(labelled, "label").modality == "tables"


def test_later_rows_are_read_by_the_columns_of_the_training():
    reader = ta.make_task(FRAME.assign(label=LABELS), "label", modality="series").reader
    again = SERIES.reader_from(reader.to_dict())
    assert again == reader and reader.names == tuple(FRAME.columns)
    expected = reader.read(FRAME).digest
    shuffled = FRAME.assign(more=1.0, label=LABELS)[["more", *reversed(FRAME.columns), "label"]]
    assert again.read(shuffled).digest == again.read(X).digest == expected
    with pytest.raises(UserError, match="'t3'"):
        reader.read(FRAME.drop(columns="t3"))
    numbered = FRAME.set_axis(range(12), axis=1)
    assert ta.make_task((numbered, LABELS), modality="series").reader.read(numbered).digest == expected
    with pytest.raises(CheckpointError):
        SERIES.reader_from(reader.to_dict() | {"columns": [3]})


@pytest.mark.parametrize("kind", ["image", "text", "audio"])
def test_a_stated_kind_that_nothing_holds_is_refused(kind):
    with pytest.raises(UserError, match=f"modality='{kind}' is given, and no column"):
        ta.make_task(FRAME.assign(label=LABELS), "label", modality=kind)
    with pytest.raises(UserError, match="Row 0"):
        ta.make_task((X, LABELS), modality=kind)


def test_a_column_of_labels_in_the_way_is_named():
    with pytest.raises(UserError, match="'colour'"):
        ta.make_task(FRAME.assign(label=LABELS, colour="red"), "label", modality="series")
