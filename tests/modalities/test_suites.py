import numpy as np
import pytest

from taskaware.data.named import group_of
from taskaware.errors import UserError
from taskaware.modalities.modality import MODALITIES
from taskaware.modalities.suites import bundled_suite, folder_suite
from taskaware.modalities.tables.build import make_task
from taskaware.modalities.tables.modality import Tables
from taskaware.tasks.split import split


def test_bundled_tasks():
    problems = {task.name: (task.problem, task.rows, task.outputs) for task in bundled_suite()}
    assert problems == {
        "iris": ("classification", 150, 3),
        "wine": ("classification", 178, 3),
        "breast-cancer": ("classification", 569, 2),
        "digits": ("classification", 1797, 10),
        "diabetes": ("regression", 442, 1),
    }
    assert bundled_suite().task("digits").group == "optdigits"
    with pytest.raises(UserError, match="Unknown task of suite 'bundled' 'irsi'. Did you mean 'iris'"):
        bundled_suite().task("irsi")


def test_folder(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(30)))
    rows = [
        "name,modality,task,target,rows,file,group",
        "a,tabular,regression,y,30,a.csv,",
        "b,text,classification,y,1,b,",
        "c,tabular,regression,x,30,a.csv,a",
    ]
    rows += ["heart.c,tabular,classification,y,30,gone.csv"]
    (tmp_path / "index.csv").write_text("\n".join(rows))
    suite = folder_suite(tmp_path)
    assert suite.names == ("a", "c", "heart.c")
    assert [entry.group for entry in suite.entries] == ["a", "a", "heart"]
    assert suite.task("c").group == "a"
    task = suite.task("a")
    assert (task.problem, task.group, task.name) == ("regression", "a", "a")
    with pytest.raises(UserError, match="There is no file"):
        suite.task("heart.c")


def test_a_folder_of_another_modality(tmp_path):
    """What an index calls by the name of a modality is read by it."""
    read = {}

    class Smells(Tables):
        name = "smells"

        def accepts(self, source):
            return False

        def read(self, source, target=None, **about):
            read[about["name"]] = source
            return super().read(source, target, **about)

    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(30)))
    (tmp_path / "index.csv").write_text("name,modality,task,target,file\na,smells,regression,y,a.csv\n")
    with pytest.raises(UserError, match="of its 1 rows 0 are of tables"):
        folder_suite(tmp_path)
    MODALITIES.add("smells", Smells())
    try:
        assert folder_suite(tmp_path).task("a").rows == 30 and read == {"a": tmp_path / "a.csv"}
    finally:
        MODALITIES.remove("smells")


@pytest.mark.parametrize("text", ["", "name,file\na,b\n", "name,modality,task,target,file\na,text,b,c,d\n"])
def test_folder_without_tables(tmp_path, text):
    (tmp_path / "index.csv").write_text(text)
    with pytest.raises(UserError, match="lists no task"):
        folder_suite(tmp_path)


def test_folder_without_index(tmp_path):
    with pytest.raises(UserError, match="There is no"):
        folder_suite(tmp_path / "nowhere")


def test_relatives_share_rows(real_data):
    """Spot checks of groups.toml: these tasks hold the same rows with another target."""
    for first, second in (("column2C", "column3C"), ("hypothyroid", "sick")):
        tables = [make_task(real_data(name), target).data for name, target in _targets(first, second)]
        hashes = [np.sort(table.row_hashes) for table in tables]
        np.testing.assert_array_equal(*hashes)
        assert group_of(first) == group_of(second) != first


def _targets(*names):
    targets = {"column2C": "class", "column3C": "class", "hypothyroid": "Class", "sick": "Class"}
    return [(name, targets[name]) for name in names]


def test_every_real_table_becomes_a_task(real_data, index):
    folder = real_data("iris" if "iris" in index else next(iter(index))).parent.parent
    tables = [row for row in index.values() if row["modality"] == "tabular"]
    suite = folder_suite(folder)
    assert suite.names == tuple(row["name"] for row in tables)
    for row, task in zip(tables, suite, strict=True):
        assert task.problem == row["task"], task.name
        assert task.rows == int(row["rows"]), task.name
        assert task.outputs == int(row["classes"] or 1), task.name
        left_out = sum(not field.used for field in task.reader.fields)
        assert len(task.data.columns) + left_out == int(row["columns"]), task.name
        parts = split(task, 0)
        if task.problem == "classification":
            assert len(np.unique(task.target[parts.train])) == task.outputs, task.name


@pytest.mark.parametrize("file", ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "link.csv", ""])
def test_an_index_lists_no_file_outside_its_folder(file, tmp_path):
    folder = tmp_path / "suite"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("x,y\n1,0\n2,1\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "index.csv").write_text(f"name,modality,task,target,file\na,tabular,classification,y,{file}\n")
    with pytest.raises(UserError, match="not in its folder"):
        folder_suite(folder)
