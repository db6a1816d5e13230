"""The files of a model: whatever is changed in them is noticed, and nothing in them is unpacked unseen."""

import json
import tracemalloc
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import CheckpointError, TaskawareError
from taskaware.modalities.tables.build import make_task
from taskaware.training.fit import fit
from taskaware.training.model import load_model
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.saving import VERSION

RECIPE = TrainingRecipe(steps=60, batch_size=32)


def made(rows=120):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=rows),
            "colour": rng.choice(["red", "green"], rows),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9, rows), "D"),
            "id": [f"id{row:03d}" for row in range(rows)],
            "shop": [f"shop{number:03d}" for number in rng.zipf(1.5, rows).clip(max=999)],
            "answer": rng.choice(["no", "perhaps", "yes"], rows),
        }
    )


@pytest.fixture(scope="module")
def task():
    return make_task(made(), "answer")


@pytest.fixture(scope="module")
def model(task, small, plain):
    return fit(task, small, plain(small, [(8, "relu"), None]), recipe=RECIPE, members=2, progress=False)


@pytest.fixture
def folder(model, tmp_path):
    return model.save(tmp_path / "model")


def changed(folder, change, version=VERSION):
    """The folder after a change of its fields and arrays, under an older version without a digest."""
    file, weights = folder / "model.json", folder / "weights.npz"
    fields = json.loads(file.read_text())
    with np.load(weights) as opened:
        arrays = dict(opened)
    if version < VERSION:
        del fields["digest"]
        fields["version"] = version
    change(fields, arrays)
    file.write_text(json.dumps(fields))
    np.savez_compressed(weights, **arrays)
    return folder


def leaves(value, path=()):
    """The place of everything in plain data."""
    yield path
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[name], (*path, name))


def _at(fields, path):
    for name in path:
        fields = fields[name]
    return fields


def put(fields, path, value):
    for name in path[:-1]:
        fields = fields[name]
    if value is KeyError:
        del fields[path[-1]]
    else:
        fields[path[-1]] = value


def reverse_classes(fields, arrays):
    fields["classes"].reverse()


def spoil(name, place, value):
    def change(fields, arrays):
        arrays[name] = arrays[name].copy()
        arrays[name].flat[place] = value

    return change


DAMAGES = {
    "classes": reverse_classes,
    "categories": lambda fields, arrays: fields["reader"]["fields"][1]["categories"].reverse(),
    "category twice": lambda f, a: put(f, ("reader", "fields", 1, "categories"), ["red", "red"]),
    "category lost": lambda f, a: f["reader"]["fields"][1]["categories"].pop(),
    "NaN": spoil("block/mean", 0, np.nan),
    "infinite": spoil("block/grid", 3, np.inf),
    "quantiles": spoil("block/grid", 0, 1e9),
    "deviation": spoil("block/std", 0, 0.0),
    "spread": spoil("block/spread", 0, -1.0),
    "place": spoil("block/positions", 0, 99),
    "place below": spoil("block/positions", 0, -1),
    "share": spoil("block/frequencies", 0, np.nan),
    "lengths": spoil("block/lengths", 0, 7),
    "weight": spoil("param/output_kernel", 0, np.nan),
    "point": spoil("point", 0, np.inf),
    "mean": lambda fields, arrays: put(fields, ("target_mean",), float("nan")),
    "median": lambda fields, arrays: arrays.update({"block/median": arrays["block/median"][:-1]}),
    "type": lambda fields, arrays: arrays.update({"block/median": arrays["block/median"] > 0}),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("version", [4, 5])
def test_damage_is_noticed(folder, version, name):
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(changed(folder, DAMAGES[name], version))


def test_every_value_counts(folder, model):
    """A digest stands over whatever the files hold; another number is another model."""
    for change in (
        spoil("block/mean", 0, 0.5),
        spoil("param/output_bias", 0, 0.5),
        spoil("point", 0, 0.5),
        lambda fields, arrays: put(fields, ("target_mean",), 0.5),
        lambda fields, arrays: put(fields, ("best_score",), 0.123),
        lambda fields, arrays: put(fields, ("classes",), ["no", "oui", "yes"]),
        lambda fields, arrays: put(fields, ("version",), 4),
        lambda fields, arrays: put(fields, ("digest",), KeyError),
        lambda fields, arrays: put(fields, ("digest",), "0" * 64),
    ):
        model.save(folder, force=True)
        with pytest.raises(CheckpointError, match="digests differ"):
            load_model(changed(folder, change))


def test_older_files_are_read_without_a_digest(folder, model):
    frame = made()
    loaded = load_model(changed(folder, lambda fields, arrays: None, 4))
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    again = load_model(loaded.save(folder.with_name("again")))
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


@pytest.mark.parametrize("version", [4, 5])
def test_any_value_elsewhere_ends_in_an_error_of_ours(folder, model, version):
    """Whatever stands in a place of `model.json`: refused at load, or no error of a foreign type in use."""
    text, frame, refused = (folder / "model.json").read_text(), made()[:5], 0
    rng = np.random.default_rng(version)
    places = [path for path in leaves(json.loads(text)) if path and "history" not in path]
    values = [None, -1, 10**400, 1e308, "", "\x00", [], {}, True, [[]], KeyError]
    for number in rng.choice(len(places), 60, replace=False):
        path, value = places[number], values[rng.integers(len(values))]
        if value == _at(json.loads(text), path):
            continue
        (folder / "model.json").write_text(text)
        changed(folder, lambda fields, _, path=path, value=value: put(fields, path, value), version)
        try:
            load_model(folder).predict_proba(frame)
        except TaskawareError:
            refused += 1
        else:
            assert version < VERSION, (path, value)
    assert refused > 20


def test_a_bomb_is_refused_before_it_is_unpacked(folder):
    with np.load(folder / "weights.npz") as opened:
        arrays = dict(opened)
    for name, shape in (
        ("param/output_kernel", (2, 8, 1 << 20)),
        ("block/grid", (65, 1 << 18)),
        ("point", (1 << 24,)),
        ("more", (1 << 24,)),
    ):
        zeros = np.zeros((), np.float32)
        np.savez_compressed(folder / "weights.npz", **arrays)
        _replace(folder / "weights.npz", name, shape, zeros.dtype)
        tracemalloc.start()
        with pytest.raises(CheckpointError, match="damaged"):
            load_model(folder)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20, name
        tracemalloc.stop()


def _replace(path, name, shape, dtype):
    """The archive with zeros of a shape under a name, written bit by bit."""
    with zipfile.ZipFile(path) as opened:
        kept = {each: opened.read(each) for each in opened.namelist() if each != f"{name}.npy"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for each, content in kept.items():
            opened.writestr(each, content)
        with opened.open(f"{name}.npy", "w") as file:
            header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            left = int(np.prod(shape)) * dtype.itemsize
            while left:
                left -= file.write(bytes(min(left, 1 << 20)))


def test_a_description_of_absurd_size_or_depth_is_refused(folder):
    file = folder / "model.json"
    text = file.read_text()
    for content in ("[" * 100_000, text.replace('"history": {', '"history": {"x": ' + "[" * 99_999, 1)):
        file.write_text(content)
        with pytest.raises(CheckpointError, match="not a taskaware model .*(levels deep|Expecting)"):
            load_model(folder)
    file.write_text(json.dumps({**json.loads(text), "outputs": 10**12, "width": 10**12}))
    with pytest.raises(CheckpointError, match="damaged"):
        load_model(folder)


def test_only_categories_that_make_a_difference_are_kept(model, task, folder):
    kept = {field.name: field.categories for field in model.reader.fields}
    assert len(kept["id"]) == 32
    assert kept["colour"] == ("green", "red")
    counts = made()["shop"].value_counts()
    assert set(counts.index[counts > 1]) <= set(kept["shop"])
    assert (folder / "model.json").read_text().count("id0") < 40
    whole = {field.name: field.categories for field in task.reader.fields}
    assert len(whole["id"]) == 120 and len(whole["shop"]) >= len(kept["shop"])


def test_rows_of_the_training_data_are_no_reason_to_warn(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(made())


def test_predictions_are_those_with_all_categories(model, task):
    encoder = model.blocks.encoder
    full = type(encoder).fit(task.data, np.arange(task.rows))
    other = made().assign(shop=made()["shop"].where(made().index > 5, "never seen"))
    for rows in (made().drop(columns="answer"), other.drop(columns="answer")):
        found = encoder.transform(model.reader.read(rows))
        for part, wanted in zip(found, full.transform(task.reader.read(rows)), strict=True):
            np.testing.assert_array_equal(part, wanted)
