"""An exported model answers as the model does, where there is no taskaware; loading executes nothing."""

import dataclasses
import importlib.util
import json
import subprocess
import sys

import jax
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from taskaware.cli import main
from taskaware.cli.export import FORMS
from taskaware.errors import CheckpointError, UserError
from taskaware.modalities.reading import make_task as make_any_task
from taskaware.modalities.tables.build import make_task
from taskaware.spaces import preset
from taskaware.training import tensors
from taskaware.training.fit import fit
from taskaware.training.model import load_model
from taskaware.training.recipe import TrainingRecipe
from taskaware.training.written import export as room
from tests.training.made import HOSTILE, model_of, odd

RECIPE = TrainingRecipe(steps=40, batch_size=32, learning_rate=0.02)
ONLY_NUMPY = """
import runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        own = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")  # one for each platform
        if not own and top != "numpy":
            raise ImportError(f"{top} is not here")

sys.meta_path.insert(0, Refuse())
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def new_rows():
    """Rows as they come later: labels that training did not see, missing cells, other types."""
    rows = odd().drop(columns="answer").iloc[:40].astype(object)
    rows.loc[:5, "colour"] = "violet"
    rows.loc[3:9, ["size", "seen", "shop", "plain"]] = None
    rows.loc[10, "seen"] = "2024-03-05T10:30:00+02:00"
    rows.loc[11, "size"] = 5000
    return rows


@pytest.fixture(scope="module")
def point(small):
    """A mixture of everything."""
    return jax.numpy.asarray(np.linspace(-0.5, 0.5, small.dimension), jax.numpy.float32)


@pytest.fixture(scope="module")
def model(small, point):
    """Of classes; it reads numbers of several forms, dates, and categories with and without many labels."""
    return fit(make_task(odd(), "answer"), small, point, recipe=RECIPE, progress=False)


@pytest.fixture(scope="module")
def members():
    """A regression by an ensemble of members, with all gates open."""
    space = preset("extended")
    space = dataclasses.replace(space, layers=2, sizes=(4, 8), width_odds=(0.5, 0.5))
    found = np.linspace(-0.5, 0.5, space.dimension)
    found[-len(space.recipe) :] = 0.9
    return model_of(make_task(odd(), "price", drop=["answer"]), space, space.project(found))


@pytest.fixture(scope="module")
def numpy_folder(model, tmp_path_factory):
    return model.export(tmp_path_factory.mktemp("deep") / "made" / "plain")


def imported(folder):
    spec = importlib.util.spec_from_file_location(f"predict_of_{folder.name}", folder / "predict.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_process_with_numpy_alone_predicts_as_the_model_does(model, numpy_folder, tmp_path):
    assert sorted(path.name for path in numpy_folder.iterdir()) == ["arrays.npz", "export.json", "predict.py"]
    new_rows().to_csv(tmp_path / "new.csv", index=False)
    words = [numpy_folder / "predict.py", tmp_path / "new.csv", "--proba", "--out", tmp_path / "answers.csv"]
    done = subprocess.run(
        [sys.executable, "-c", ONLY_NUMPY, *map(str, words)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "answers.csv")
    wanted = model.predict_frame(str(tmp_path / "new.csv"), proba=True)
    assert list(found) == list(wanted) and found["answer"].tolist() == wanted["answer"].tolist()
    np.testing.assert_allclose(found.iloc[:, 1:], wanted.iloc[:, 1:], atol=1e-5)
    assert wanted.iloc[:, 1:].std().min() > 1e-3
    again = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True)
    assert again.returncode == 1 and again.stderr.startswith("error:") and "answers.csv" in again.stderr


def test_rows_in_any_form_are_predicted_the_same(model, numpy_folder):
    plain, rows = imported(numpy_folder), new_rows()
    wanted = model.predict_proba(rows)
    columns = rows.to_dict(orient="list")
    for given in (rows, columns, rows.to_dict(orient="records")):
        np.testing.assert_allclose(plain.predict_proba(given), wanted, atol=1e-5)
        np.testing.assert_array_equal(plain.predict(given), model.predict(rows))
    np.testing.assert_allclose(
        plain.predict_proba(columns | {"plain": np.array(columns["plain"], float)}), wanted, atol=1e-5
    )
    one = {name: values[20] for name, values in columns.items()}
    np.testing.assert_allclose(plain.predict_proba(one), wanted[20:21], atol=1e-5)
    assert plain.predict_proba(rows.iloc[:0]).shape == (0, 3) and plain.predict([]).shape == (0,)
    dated = rows.assign(seen=pd.to_datetime(odd()["seen"].iloc[:40], format="%d/%m/%Y"))
    np.testing.assert_allclose(plain.predict_proba(dated), model.predict_proba(dated), atol=1e-5)


def test_what_cannot_be_read_is_refused_by_name(numpy_folder):
    plain, rows = imported(numpy_folder), new_rows()
    with pytest.raises(ValueError, match="Column 'shop' is missing"):
        plain.predict(rows.drop(columns="shop"))
    with pytest.raises(ValueError, match="Column 'plain' has 1 infinite value"):
        plain.predict(rows.assign(plain=[np.inf] + [0.0] * 39))
    with pytest.raises(ValueError, match="Column 'plain' is numeric, but row 0 holds 'red'"):
        plain.predict(rows.assign(plain="red"))
    with pytest.raises(ValueError, match="Column 'seen' holds dates"):
        plain.predict(rows.assign(seen="red"))
    with pytest.raises(ValueError, match="no named columns"):
        plain.predict(rows.to_numpy())
    with pytest.raises(ValueError, match="differ in length"):
        plain.predict(rows.to_dict(orient="list") | {"shop": ["a"]})
    with pytest.warns(UserWarning, match="'red' in 1 of 40 rows is read as missing"):
        plain.predict(rows.assign(plain=["red"] + [0.5] * 39))


def test_the_code_holds_nothing_of_the_user(model, numpy_folder):
    text = (numpy_folder / "predict.py").read_text(encoding="utf-8")
    assert "owned" not in text and "shop" not in text and "import taskaware" not in text
    other = dataclasses.replace(model, name=HOSTILE, target_name=HOSTILE)
    assert "owned" not in (other.export(numpy_folder.parent / "hostile") / "predict.py").read_text("utf-8")


def test_changed_data_is_refused(model, tmp_path):
    folder = model.export(tmp_path / "plain")
    arrays = (folder / "arrays.npz").read_bytes()
    (folder / "arrays.npz").write_bytes(arrays[:-1] + bytes([arrays[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"arrays\.npz is of another model, or was changed"):
        imported(folder).predict(new_rows())


@pytest.mark.parametrize("to", ["numpy", "onnx", "stablehlo"])
def test_members_and_numbers_are_the_same_in_every_form(to, members, tmp_path):
    if to == "onnx":
        pytest.importorskip("onnx", reason="needs onnx: pip install 'taskaware[export]'")
        pytest.importorskip("onnxruntime", reason="needs onnxruntime, which runs what was exported")
    assert members.width < 0
    rows = new_rows()
    wanted, plain = members.predict(rows), imported(members.export(tmp_path / to, to=to))
    np.testing.assert_allclose(plain.predict(rows), wanted, rtol=1e-5)
    assert np.std(wanted) > 1e-3 * abs(np.mean(wanted))
    with pytest.raises(ValueError, match="predict_proba is for classification"):
        plain.predict_proba(rows)


def test_written_source_of_an_ensemble_of_numbers_is_the_same_too(members, tmp_path):
    members.source(tmp_path / "network")
    spec = importlib.util.spec_from_file_location("network_of_members", tmp_path / "network" / "network.py")
    network = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(network)
    np.testing.assert_allclose(network.predict(new_rows()), members.predict(new_rows()), rtol=1e-5)


def test_classes_by_onnx(separate, tmp_path):
    pytest.importorskip("onnx", reason="needs onnx: pip install 'taskaware[export]'")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime, which runs what was exported")
    point = jax.numpy.asarray(np.linspace(-0.5, 0.5, separate.dimension), jax.numpy.float32)
    model = model_of(make_task(odd(), "answer", drop=["price"]), separate, point)
    found, rows = imported(model.export(tmp_path / "onnx", to="onnx")), new_rows()
    np.testing.assert_allclose(found.predict_proba(rows), model.predict_proba(rows), atol=1e-5)
    np.testing.assert_array_equal(found.predict(rows), model.predict(rows))


def test_stablehlo_is_called_back_for_any_number_of_rows(model, tmp_path):
    folder = model.export(tmp_path / "compiled", to="stablehlo")
    function = jax.export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))
    assert {"cpu", "cuda", "tpu"} <= set(function.platforms)
    rows, plain = new_rows(), imported(folder)
    for part in (rows, rows.iloc[:3]):
        numbers, categories = model.encode(part)
        np.testing.assert_allclose(function.call(numbers, categories), model.predict_proba(part), atol=1e-6)
        alone = plain.encode(part)
        np.testing.assert_allclose(alone["numbers"], numbers, atol=1e-5)
        np.testing.assert_array_equal(alone["categories"], categories)
    np.testing.assert_array_equal(plain.predict(rows), model.predict(rows))


def test_stablehlo_of_several_outputs(small, point, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    frame = pd.DataFrame(x, columns=list("abc")).assign(wide=x[:, 0] > 0, high=x[:, 1] > 0)
    several = model_of(make_task(frame, ["wide", "high"]), small, point)
    folder = several.export(tmp_path / "several", to="stablehlo")
    assert sorted(path.name for path in folder.iterdir()) == ["export.json", "model.stablehlo"]
    about = json.loads((folder / "export.json").read_text())
    assert about["names"] == ["wide", "high"] and about["outputs"] == "probabilities"
    function = jax.export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))
    found = np.asarray(function.call(*several.encode(frame)))
    np.testing.assert_array_equal(found > 0.5, several.predict(frame))
    np.testing.assert_allclose(found, several.predict_proba(frame), atol=1e-6)
    with pytest.raises(UserError, match="one output, and this model has 2. Export the network alone"):
        several.export(tmp_path / "plain")


def test_stablehlo_of_other_data_than_tables(tmp_path):
    space = preset("universal")
    space = dataclasses.replace(space, layers=2, sizes=(4, 8), width_odds=(0.5, 0.5), recipe=())
    words = np.random.default_rng(0).choice(["good", "bad", "day", "night"], (40, 5))
    rows = [" ".join(each) for each in words]
    task = make_any_task(rows, words[:, 0] == "good")
    model = model_of(task, space, jax.numpy.linspace(-0.5, 0.5, space.dimension))
    folder = model.export(tmp_path / "texts", to="stablehlo")
    function = jax.export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))
    np.testing.assert_allclose(function.call(*model.encode(rows)), model.predict_proba(rows), atol=1e-6)
    np.testing.assert_allclose(imported(folder).predict_proba(rows), model.predict_proba(rows), atol=1e-5)
    unread = dataclasses.replace(model, modality="smells").export(tmp_path / "unread", to="stablehlo")
    assert sorted(path.name for path in unread.iterdir()) == ["export.json", "model.stablehlo"]


def test_what_numpy_cannot_compute_is_refused_with_the_mend(model, small, tmp_path):
    for changed, why in (
        (dataclasses.replace(model, modality="bags"), "of the kind 'bags'"),
        (dataclasses.replace(model, reader=None), "made by hand, without a reader"),
        (dataclasses.replace(model, space=preset("cells")), "is another kind of space"),
    ):
        with pytest.raises(UserError, match=f"{why}.*to='stablehlo'"):
            changed.export(tmp_path / "plain")
    with pytest.raises(UserError, match="Unknown form of an export 'nympy'. Did you mean 'numpy'"):
        model.export(tmp_path / "plain", to="nympy")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_by_the_same_form_alone_and_other_files_stay(model, tmp_path):
    folder = model.export(tmp_path / "plain")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        model.export(folder)
    with pytest.raises(UserError, match="is no export to 'stablehlo'"):
        model.export(folder, to="stablehlo", force=True)
    model.export(folder, force=True)
    assert (folder / "notes.txt").read_text() == "mine"
    model.save(tmp_path / "model")
    for to in FORMS[:1] + FORMS[3:]:
        with pytest.raises(UserError, match="so it stays"):
            model.export(tmp_path / "model", to=to, force=True)


def test_a_folder_is_whole_or_not_there(model, tmp_path, monkeypatch):
    monkeypatch.setattr(
        room.Path,
        "write_bytes",
        lambda path, content: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(OSError, match="No space"):
        model.export(tmp_path / "plain")
    assert list(tmp_path.iterdir()) == []


def test_weights_as_safetensors_are_the_saved_model(model, tmp_path):
    folder = model.export(tmp_path / "tensors", to="safetensors")
    found = load_file(folder / "weights.safetensors")
    assert found.keys() == model.params.keys()
    np.testing.assert_array_equal(found["output_bias"], model.params["output_bias"])
    assert (folder / "README.md").is_file()
    again = load_model(folder)
    np.testing.assert_array_equal(again.predict_proba(new_rows()), model.predict_proba(new_rows()))
    model.export(folder, to="safetensors", force=True)
    changed = {name: array + np.float32(name == "output_bias") for name, array in found.items()}
    for wrong in (changed, {**found, "output_bias": found["output_bias"].astype(np.float64)}, {}):
        save_file(wrong, folder / "weights.safetensors")
        with pytest.raises(CheckpointError, match="is damaged"):
            load_model(folder)
    (folder / "weights.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_model(folder)
    model.save(folder, force=True)
    np.testing.assert_array_equal(
        load_model(folder).predict_proba(new_rows()), again.predict_proba(new_rows())
    )


def test_a_missing_extra_is_named_with_the_line_that_installs_it(model, tmp_path, monkeypatch):
    monkeypatch.setattr(tensors.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"needs the package onnx. Install it: pip install 'taskaware\[export\]'"
    ):
        model.export(tmp_path / "onnx", to="onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_exports_what_it_loads(model, tmp_path, capsys):
    assert tuple(room.NEEDS) == FORMS
    saved, out = str(model.save(tmp_path / "model")), str(tmp_path / "plain")
    assert main(["export", saved, "--out", out]) == 0
    assert "'answer' exported to" in capsys.readouterr().out
    rows = new_rows()
    np.testing.assert_array_equal(imported(tmp_path / "plain").predict(rows), model.predict(rows))
    assert main(["export", saved, "--out", out]) == 2
    assert "give --force" in capsys.readouterr().err
    (tmp_path / "plain" / "__pycache__").mkdir(exist_ok=True)  # of the import above
    assert main(["export", saved, "--out", out, "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["arrays.npz", "export.json", "predict.py"]
    assert main(["export", saved, "--to", "onyx", "--out", out]) == 2
    assert "Did you mean 'onnx'" in capsys.readouterr().err
