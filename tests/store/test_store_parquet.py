"""Experience as a Parquet file: what others see, and files that are not as they should be."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as arrow

from taskaware.errors import StoreError, UserError
from taskaware.store import Store, parquet, reading
from taskaware.testing import store_examples as examples


@pytest.fixture
def store(tmp_path):
    """Forty trainings of the first task, one of which failed, and thirty of the second."""
    with Store.open(tmp_path / "a.db") as store:
        recipe = examples.register(store)
        errors = ["out of memory", *[None] * 39]
        store.append(dataclasses.replace(examples.example(recipe, count=40), errors=errors))
        store.append(examples.example(recipe, task=1, count=30))
        yield store


@pytest.fixture
def exported(store, tmp_path):
    store.export_parquet(tmp_path / "a.parquet")
    return tmp_path / "a.parquet"


@pytest.fixture
def other(tmp_path):
    with Store.open(tmp_path / "b.db") as other:
        yield other


def rewrite(path, change=lambda table: table, **header):
    """The file with a changed table, and some entries of its header replaced."""
    words = json.loads(arrow.read_metadata(path).metadata[parquet.KEY]) | header
    table = change(arrow.read_table(path))
    with arrow.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.add_key_value_metadata({parquet.KEY: json.dumps(words)})
        writer.write_table(table)


def replaced(name, row, value):
    """A change that puts a value into a cell."""

    def change(table):
        values = table[name].to_pylist()
        values[row] = value
        place = table.schema.get_field_index(name)
        return table.set_column(
            place, table.schema.field(place), pa.array(values, table.schema.field(place).type)
        )

    return change


def test_pandas_reads_it(store, exported):
    frame = pd.read_parquet(exported)
    assert len(frame) == 70
    assert frame["task"].value_counts().to_dict() == {"adult": 40, "boston": 30}
    assert frame["group"].equals(frame["task"])
    assert set(zip(frame["task"], frame["problem"], frame["metric"], strict=True)) == {
        ("adult", "classification", "accuracy"),
        ("boston", "regression", "r2"),
    }
    failed = frame[frame["status"] == "failed"]
    assert failed["error"].tolist() == ["out of memory"]
    ended = frame[frame["status"] != "failed"]
    found = store.triplets()
    np.testing.assert_array_equal(
        np.sort(ended["score"].to_numpy(np.float32)), np.sort(found.score), strict=True
    )
    u = np.stack(ended["architecture"])
    assert (u.dtype, u.shape) == (np.float32, (69, 3))
    np.testing.assert_array_equal(np.unique(u, axis=0), np.unique(found.u, axis=0), strict=True)
    assert set(frame["seed"]) == {0, 1}
    assert set(frame["strategy"]) == {"random_search"}
    assert (set(frame["space_type"]), frame["parent"].count(), frame["birth"].count()) == ({"mixture"}, 0, 0)


def test_blocks_join_without_a_seam(store, other, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK", 7)
    monkeypatch.setattr(parquet, "BLOCK", 11)
    assert store.export_parquet(tmp_path / "a.parquet") == 70
    assert arrow.read_metadata(tmp_path / "a.parquet").num_row_groups == 10
    assert other.import_parquet(tmp_path / "a.parquet") == 70
    examples.assert_same(other.triplets(), store.triplets())


def test_an_empty_store(other, tmp_path):
    assert other.export_parquet(tmp_path / "a.parquet") == 0
    assert pd.read_parquet(tmp_path / "a.parquet").shape == (0, 23)
    assert other.import_parquet(tmp_path / "a.parquet") == 0


def test_a_failure_in_the_store_gives_way_to_a_result_in_the_file(store, exported, other):
    recipe = examples.register(other)
    errors = ["killed"] * 2
    other.append(dataclasses.replace(examples.example(recipe, count=2), errors=errors))
    assert other.import_parquet(exported) == 69
    assert [(group.error, group.count) for group in other.failures()] == [("killed", 1)]


def test_an_existing_file_is_left_alone(store, exported):
    before = exported.read_bytes()
    with pytest.raises(StoreError, match="exists"):
        store.export_parquet(exported)
    assert exported.read_bytes() == before


def test_a_folder_that_is_not_there(store, tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        store.export_parquet(tmp_path / "none" / "a.parquet")
    with pytest.raises(StoreError, match="no file"):
        store.import_parquet(tmp_path / "none.parquet")


def test_an_export_that_breaks_off_leaves_nothing(store, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "_encoded", full)
    with pytest.raises(StoreError, match="No space left"):
        store.export_parquet(tmp_path / "c.parquet")
    assert not list(tmp_path.glob("c.parquet*"))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.99])
def test_a_truncated_file_is_damaged(exported, other, share):
    content = exported.read_bytes()
    exported.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(StoreError, match="damaged.*Nothing of it was imported"):
        other.import_parquet(exported)
    assert other.summary().tasks == 0


def test_no_flipped_byte_goes_unseen_or_raises_another_error(store, exported, tmp_path):
    content, whole = exported.read_bytes(), store.triplets()
    for position in range(0, len(content), 97):
        exported.write_bytes(content[:position] + bytes([content[position] ^ 0x15]) + content[position + 1 :])
        with Store.open(":memory:") as other:
            try:
                other.import_parquet(exported)
            except StoreError:
                assert other.summary().architectures == 0
                continue
            found = other.triplets()
        for name in ("u", "score", "seed", "task", "loss"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), strict=True)


@pytest.mark.parametrize("content", [b"", b"hello", b"PAR1", b"PAR1" * 5])
def test_what_is_no_parquet(other, tmp_path, content):
    (tmp_path / "c.parquet").write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        other.import_parquet(tmp_path / "c.parquet")


def test_what_another_program_wrote_is_foreign(exported, other, tmp_path):
    pd.read_parquet(exported).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(StoreError, match="no experience of taskaware.*that the export wrote"):
        other.import_parquet(tmp_path / "c.parquet")


def test_a_newer_format_is_refused_in_both_versions_words(exported, other):
    rewrite(exported, version=3)
    with pytest.raises(StoreError, match=r"version 3; this taskaware reads up to 2.*pip install --upgrade"):
        other.import_parquet(exported)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replaced("status", 3, "odd"), "a training is 'odd'"),
        (replaced("score", 3, None), "with the score None"),
        (replaced("architecture", 3, [0.0, 0.0, 7.0]), "does not match its digest"),
        (replaced("architecture", 3, [0.0, 0.0]), "does not match its digest"),
        (replaced("task_digest", 3, "f" * 16), "lacks the task 'ffff"),
        (replaced("recipe_digest", 3, "f" * 16), "lacks the recipe 'ffff"),
        (replaced("space_digest", 3, "f" * 16), "lacks the space 'ffff"),
        (lambda table: table.drop_columns(["loss"]), "columns are others"),
    ],
)
def test_columns_that_do_not_agree(exported, other, change, words):
    rewrite(exported, change)
    with pytest.raises(StoreError, match=words):
        other.import_parquet(exported)
    assert (other.summary().tasks, other.summary().trained) == (0, 0)


def test_an_artefact_whose_row_leads_elsewhere_is_refused(exported, other):
    key = {"task": "0" * 16, "architecture": "0" * 16, "recipe": "0" * 16, "seed": 0, "metric": "accuracy"}
    entry = {"key": key, "name": "log", "size": 1, "sha256": "../../etc/passwd", "created": ""}
    rewrite(exported, artefacts=[entry])
    with pytest.raises(StoreError, match="damaged.*SHA-256"):
        other.import_parquet(exported)
    rewrite(exported, artefacts=[entry | {"sha256": "0" * 64}])
    with pytest.raises(StoreError, match="lacks"):
        other.import_parquet(exported)
    assert other.summary().tasks == 0


@pytest.mark.parametrize(
    "header", [{"tasks": [{"digest": "x"}]}, {"tasks": 3}, {"version": "one"}, {"catalogues": {}}], ids=str
)
def test_headers_that_are_none(exported, other, header):
    rewrite(exported, **header)
    with pytest.raises(StoreError, match="damaged"):
        other.import_parquet(exported)


def test_a_catalogue_with_other_names_is_the_store_s_matter(exported, other):
    other.add_task(examples.TASKS[0])
    task, catalogue = examples.TASKS[0].digest, examples.CATALOGUE
    other.add_metafeatures(task, catalogue=catalogue, names=["others"], values=[1])
    with pytest.raises(UserError, match="other names"):
        other.import_parquet(exported)
    assert other.summary().trained == 0
