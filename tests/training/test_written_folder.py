"""A folder of code and data: it predicts as the model does, without taskaware; it is written whole or not."""

import ast
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys

import jax
import numpy as np
import pandas as pd
import pytest

from taskaware.data.load import load
from taskaware.errors import UserError
from taskaware.modalities.tables.build import make_task
from taskaware.spaces import preset
from taskaware.training.written import folder as written
from taskaware.training.written.untrained import untrained
from tests.training.made import HOSTILE, model_of, odd

ALONE = """
import runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "taskaware":
            raise ImportError("taskaware is not here")

sys.meta_path.insert(0, Refuse())
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / "data.csv"
    odd().to_csv(path, index=False)
    return path


def imported(folder, name):
    spec = importlib.util.spec_from_file_location(name, folder / "network.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def alone(folder, *words):
    """`python network.py ...` in a process that cannot import taskaware."""
    command = [sys.executable, "-c", ALONE, str(folder / "network.py"), *map(str, words)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, env=environment)


@pytest.fixture(scope="module")
def mixed(separate):
    """A mixture of everything: all embeddings, a bypass, several baselines."""
    return separate, jax.numpy.asarray(np.linspace(-0.5, 0.5, separate.dimension), jax.numpy.float32)


@pytest.fixture(scope="module")
def classes(data, mixed):
    return model_of(make_task(data, "answer", drop=["price"]), *mixed)


@pytest.fixture(scope="module")
def folder(classes, tmp_path_factory):
    path = tmp_path_factory.mktemp("deep") / "made" / "network"
    text = classes.source(path)
    assert text == (path / "network.py").read_text(encoding="utf-8")
    return path


def test_a_process_without_taskaware_predicts_as_the_model_does(classes, folder, data):
    assert sorted(path.name for path in folder.iterdir()) == ["encoder.json", "network.py", "weights.npz"]
    done = alone(folder, data, "--proba", "--out", folder.parent / "answers.csv")
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(folder.parent / "answers.csv")
    wanted = classes.predict_frame(data, proba=True)
    assert list(found) == list(wanted)
    assert found["answer"].tolist() == wanted["answer"].tolist() and found["answer"].nunique() > 1
    np.testing.assert_allclose(found.iloc[:, 1:], wanted.iloc[:, 1:], atol=1e-5)
    assert not (folder.parent / "owned").exists()


def test_a_frame_is_predicted_the_same(classes, folder):
    network = imported(folder, "odd_network")
    features = odd().drop(columns="price")
    for rows in (features, features.drop(columns="answer").iloc[::-1].iloc[:7], features.iloc[:0]):
        np.testing.assert_allclose(network.predict_proba(rows), classes.predict_proba(rows), atol=1e-5)
        np.testing.assert_array_equal(network.predict(rows), classes.predict(rows))
    assert network.classes().dtype.kind == "U"


def test_a_bundled_table_and_a_regression(small, plain, data, tmp_path):
    point = plain(small, [(8, "relu"), (4, "tanh")], "quantile")
    for name, source, target in (("iris", "iris", None), ("price", data, "price")):
        task = make_task(source, target)
        model = model_of(task, small, point)
        text = model.source(tmp_path / name)
        assert ("read_dates" in text) == (name == "price")
        network, frame = imported(tmp_path / name, name), load(source).frame
        if task.classes:
            np.testing.assert_array_equal(network.predict(frame), model.predict(frame))
            np.testing.assert_allclose(network.predict_proba(frame), model.predict_proba(frame), atol=1e-5)
        else:
            np.testing.assert_allclose(network.predict(frame), model.predict(frame), rtol=1e-5)


def test_the_code_holds_nothing_of_the_user_and_imports_no_taskaware(classes, folder, mixed):
    text = (folder / "network.py").read_text(encoding="utf-8")
    assert "owned" not in text and "shop" not in text and "import taskaware" not in text
    tree = ast.parse(text)
    tops = {
        alias.name.partition(".")[0] if isinstance(node, ast.Import) else node.module.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert tops - sys.stdlib_module_names <= {"flax", "jax", "numpy", "pandas", "scipy"}
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names += [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]
    assert len(names) == len(set(names))
    space = dataclasses.replace(mixed[0], name=HOSTILE)
    other = dataclasses.replace(classes, space=space, name=HOSTILE, target_name=HOSTILE)
    assert "owned" not in other.source(folder.parent / "hostile")


def test_a_name_in_the_space_is_quoted_in_the_code(mixed, small, data, tmp_path):
    recipe = preset("compact").recipe
    space = dataclasses.replace(small, recipe=(dataclasses.replace(recipe[0], name=HOSTILE), *recipe[1:]))
    point = space.discretise(jax.numpy.zeros(space.dimension))
    text = written.write(untrained(make_task(data, "price"), space, point), tmp_path / "network")
    assert "owned" in text
    called = {node.func.id for node in ast.walk(ast.parse(text)) if _calls_name(node)}
    assert "__import__" not in called
    (_, *others), categories = mixed[0].embeddings
    renamed = dataclasses.replace(mixed[0], embeddings=((HOSTILE, *others), categories))
    with pytest.raises(UserError, match="Unknown input 'standardised'"):
        model = model_of(make_task(data, "price"), mixed[0], mixed[1])
        dataclasses.replace(model, space=renamed).source(tmp_path / "other")


def _calls_name(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_the_model_without_a_folder_gives_the_network_alone(classes):
    assert "class Network" in classes.source() and "def predict" not in classes.source()


def test_a_folder_is_replaced_when_asked_and_other_files_stay(classes, tmp_path):
    path = tmp_path / "network"
    classes.source(path)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        classes.source(path)
    classes.source(path, force=True)
    assert (path / "notes.txt").read_text() == "mine"
    (tmp_path / "thesis").mkdir()
    with pytest.raises(UserError, match="is no folder of source"):
        classes.source(tmp_path / "thesis", force=True)
    with pytest.raises(UserError, match="names a file"):
        classes.source(tmp_path / "net.py")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["network", "thesis"]


def test_a_folder_is_whole_or_not_there(classes, tmp_path, monkeypatch):
    def full(path, arrays):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(written, "_save", full)
    with pytest.raises(OSError, match="No space"):
        classes.source(tmp_path / "network")
    assert list(tmp_path.iterdir()) == []


def test_much_that_was_learned_stands_in_an_archive(classes, tmp_path, monkeypatch):
    monkeypatch.setattr(written, "MOST_IN_JSON", 10)
    classes.source(tmp_path / "network")
    assert json.loads((tmp_path / "network" / "encoder.json").read_text())["arrays"] == {}
    network = imported(tmp_path / "network", "archive_network")
    rows = odd().drop(columns="price")
    np.testing.assert_allclose(network.predict_proba(rows), classes.predict_proba(rows), atol=1e-5)


def test_weights_of_another_network_are_refused(classes, folder, tmp_path):
    (tmp_path / "network").mkdir()
    for name in ("network.py", "encoder.json", "weights.npz"):
        (tmp_path / "network" / name).write_bytes((folder / name).read_bytes())
    about = json.loads((folder / "encoder.json").read_text())
    (tmp_path / "network" / "encoder.json").write_text(json.dumps(about | {"made_for": "0" * 16}))
    with pytest.raises(ValueError, match="of another network. Write the folder again"):
        imported(tmp_path / "network", "other_network").predict(odd())


def test_what_is_no_table_is_refused(classes, tmp_path):
    with pytest.raises(UserError, match="made by hand, without a reader"):
        dataclasses.replace(classes, reader=None).source(tmp_path / "network")
    with pytest.raises(UserError, match="data of the kind 'bags'"):
        dataclasses.replace(classes, modality="bags").source(tmp_path / "network")
    assert dataclasses.replace(classes, modality="bags", reader=None).source() == classes.source()
    assert not (tmp_path / "network").exists()


@pytest.mark.parametrize(("target", "drop"), [("answer", ["price"]), ("price", ["answer"])])
def test_an_untrained_network_trains_and_then_predicts(target, drop, data, small, plain, tmp_path):
    rows = odd()
    rows["answer"] = np.where(rows["plain"] > 0, "high", "low")
    rows["price"] = [f"{50 + 9 * (value > 0) + row / 100} EUR" for row, value in enumerate(rows["plain"])]
    point = plain(small, [(8, "relu"), None], "standardised")
    design = untrained(make_task(rows, target, drop=drop), small, point)
    written.write(design, tmp_path / "network")
    network = imported(tmp_path / "network", f"new_{target}")
    with pytest.raises(ValueError, match="There is no weights.npz. Train first"):
        network.predict(rows)
    network.train(rows, steps=300)
    assert sorted(path.name for path in (tmp_path / "network").iterdir())[-1] == "weights.npz"
    found = network.predict(rows.drop(columns=target))
    high = (rows["plain"] > 0).to_numpy()
    known = rows["plain"].notna().to_numpy()
    if target == "answer":
        assert (found == rows["answer"])[known].mean() > 0.85
    else:
        assert found[high].mean() > found[~high & known].mean() + 2
    network.train(rows, steps=30, seed=1)
    assert not np.array_equal(network.predict(rows), found) or target == "answer"
