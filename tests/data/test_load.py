import gzip
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from taskaware.data import sources
from taskaware.data.load import Loaded, load
from taskaware.errors import UserError

FRAME = pd.DataFrame({"size": [1.5, 2.5, None], "colour": ["red", "blue", "red"], "y": [0, 1, 0]})


def same(found: pd.DataFrame, expected: pd.DataFrame = FRAME):
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_column_type=False)


def write(path, frame=FRAME):
    name = path.name
    if ".csv" in name:
        frame.to_csv(path, index=False)
    elif ".tsv" in name:
        frame.to_csv(path, index=False, sep="\t")
    elif ".jsonl" in name:
        frame.to_json(path, orient="records", lines=True)
    elif name.endswith(".json"):
        frame.to_json(path, orient="records")
    else:
        frame.to_parquet(path)


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.CSV", "a.csv.gz", "a.tsv", "a.tsv.gz", "a.parquet", "a.jsonl", "a.jsonl.gz", "a.json"],
)
@pytest.mark.parametrize("form", [str, lambda path: path])
def test_files(tmp_path, name, form):
    write(tmp_path / name.lower())
    (tmp_path / name.lower()).rename(tmp_path / name)
    loaded = load(form(tmp_path / name), "y")
    same(loaded.frame)
    assert (loaded.name, loaded.target) == ("a", "y")


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_csv_of_any_separator(tmp_path, separator):
    FRAME.to_csv(tmp_path / "a.csv", index=False, sep=separator, encoding="utf-8-sig")
    same(load(tmp_path / "a.csv").frame)


def test_json_strings_stay_strings(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"code": "007", "day": "2024-01-01"}\n\n{"code": "08", "day": null}\n')
    frame = load(tmp_path / "a.jsonl").frame
    assert frame["code"].tolist() == ["007", "08"]
    assert frame["day"].iloc[0] == "2024-01-01"


def test_a_string_of_a_line_of_json_holds_other_ends_of_lines(tmp_path):
    lines = ['{"a": "one\u2028two"}', '{"a": "three"}', ""]
    (tmp_path / "a.jsonl").write_text("\r\n".join(lines), encoding="utf-8", newline="")
    assert load(tmp_path / "a.jsonl").frame["a"].tolist() == ["one\u2028two", "three"]


def test_a_json_table_larger_than_allowed_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text(json.dumps([{"a": "x" * 100}] * 20))
    assert len(load(tmp_path / "a.json").frame) == 20
    monkeypatch.setenv("TASKAWARE_MOST_BYTES", "1000")
    with pytest.raises(UserError, match=r"has 2,\d+ characters; 1,000 are allowed"):
        load(tmp_path / "a.json")


@pytest.mark.parametrize("sign", [",", "."])
def test_names_longer_than_the_first_block_are_read(tmp_path, sign):
    """So long a line of names, and rows after it that tell the decimal sign."""
    names = [f"a long name of column {place}" for place in range(4000)]
    rows = [";".join([f"{row}{sign}5"] * 4000) for row in range(3)]
    (tmp_path / "a.csv").write_text("\n".join([";".join(names), *rows]))
    assert len(";".join(names)) > 1 << 16
    loaded = load(tmp_path / "a.csv")
    assert loaded.frame.columns.tolist() == names and loaded.decimal == sign


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"\x00\x01\x02,\n", "zero bytes"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "line 3"),
        ("a.csv.gz", b"not gzip", "cannot be read as .csv.gz"),
        ("a.parquet", b"PAR1 broken", "cannot be read as .parquet"),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', "cannot be read as .jsonl"),
        ("a.json", b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested more than 64 levels"),
        ("a.json", b'[{"a": ' + b"[" * 900 + b"]" * 900 + b"}]", "nested more than 64 levels"),
        ("a.jsonl", b'{"a": ' + b'{"b": ' * 500 + b"1" + b"}" * 501, "nested more than 64 levels"),
        ("a.json", b'[{"a": ' + b"1" * 5000 + b"}]", "a number has 5,000 digits"),
        ("a.json", b"[1, 2]", "every row must be an object"),
        ("a.doc", b"x", "'a.doc' has no known format. Allowed: .csv, .tsv"),
    ],
)
def test_unreadable_files(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words):
        load(str(tmp_path / name))


def test_no_such_thing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for source, words in {
        "none.csv": "There is no file 'none.csv'",
        "folder": "'folder' is a directory",
        "iriss": "Unknown dataset 'iriss'. Did you mean 'iris'",
        "some/where": "There is no file",
    }.items():
        with pytest.raises(UserError, match=words):
            load(source)
    for source in (None, 3, [1, 2], FRAME["y"], np.zeros((3, 2)), (1, 2, 3)):
        with pytest.raises(UserError, match="is no dataset. Allowed: a DataFrame"):
            load(source)


def test_frame_with_odd_names_and_index():
    frame = pd.DataFrame({0: [1, 2], 1: [3, 4]}, index=["a", "a"])
    loaded = load(frame, 1)
    assert (loaded.frame.columns.tolist(), loaded.target) == (["0", "1"], "1")
    assert loaded.frame.index.tolist() == [0, 1]
    assert frame.columns.tolist() == [0, 1]


def test_features_and_target_apart():
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), ["a", "b"]
    expected = pd.DataFrame({"x0": [1.0, 3.0], "x1": [2.0, 4.0], "target": y})
    for loaded in (
        load((x, y)),
        load((x.tolist(), np.array(y)[:, None])),
        load((scipy.sparse.csr_matrix(x), y)),
        load(x, y),
    ):
        same(loaded.frame, expected)
        assert loaded.target == "target"
    named = load((pd.DataFrame(x, index=[5, 6]), pd.Series(y, name="label", index=[8, 9])))
    assert named.frame.columns.tolist() == ["0", "1", "label"]
    assert not named.frame.isna().any().any()


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros(3), np.zeros(3), r"X.reshape\(-1, 1\)"),
        (np.zeros((3, 2, 2)), np.zeros(3), r"shape \(3, 2, 2\)"),
        (np.zeros((3, 2)), np.zeros(4), "X has 3 rows and y has 4"),
        (np.zeros((3, 2)), np.zeros((3, 2, 2)), r"y has shape \(3, 2, 2\)"),
        (pd.DataFrame({"target": [1, 2]}), [0, 1], "'target'"),
        (
            scipy.sparse.csr_matrix((20_000, 20_000)),
            np.zeros(20_000),
            "sparse with 20000 x 20000.*TruncatedSVD",
        ),
    ],
)
def test_arrays_that_do_not_fit(x, y, words):
    with pytest.raises(UserError, match=words):
        load((x, y))


def test_target_of_the_source_and_of_the_user():
    assert load("iris").problem == "classification"
    assert load("iris", "target").problem == "classification"
    other = load("iris", "sepal length (cm)")
    assert (other.target, other.problem) == ("sepal length (cm)", None)


def test_hugging_face_data_sets():
    import datasets

    features = datasets.Features(
        {"size": datasets.Value("float32"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    train = datasets.Dataset.from_dict({"size": [1.0, 2.0, None], "label": [1, 0, 1]}, features=features)
    test = datasets.Dataset.from_dict({"size": [3.0], "label": [-1]}, features=features)
    alone = load(train, "label")
    assert alone.frame["label"].tolist() == ["yes", "no", "yes"]
    assert alone.test is None
    both = load(datasets.DatasetDict(train=train, validation=test, test=test), "label")
    assert len(both.frame) == 3
    assert both.test["label"].isna().tolist() == [True]
    assert both.notes == ("Splits ['validation'] of the dataset were not used.",)
    assert len(load(datasets.DatasetDict(all=train)).frame) == 3
    assert load(train).target == load(datasets.DatasetDict(all=train)).target == "label"
    assert load(train, "size").target == "size"
    two = train.add_column("second", [0, 1, 0]).cast_column("second", datasets.ClassLabel(names=["a", "b"]))
    assert load(two).target is None and load(two.remove_columns(["label", "second"])).target is None
    with pytest.raises(UserError, match="no split 'train', but .'a', 'b'."):
        load(datasets.DatasetDict(a=train, b=test))
    with pytest.raises(UserError, match="streaming=False"):
        load(train.to_iterable_dataset())


def test_hub_and_its_failures(monkeypatch):
    import datasets

    asked = []

    def answer(name, config):
        asked.append((name, config))
        if name == "off":
            raise ConnectionError("no route")
        if name == "none":
            raise FileNotFoundError("no such thing")
        return datasets.DatasetDict(train=datasets.Dataset.from_dict({"a": [1]}))

    monkeypatch.setattr(datasets, "load_dataset", answer)
    assert load("hf:owner/name").name == "owner/name"
    assert len(load("hf:owner/name/config").frame) == 1
    assert asked == [("owner/name", None), ("owner/name", "config")]
    with pytest.raises(UserError, match="cannot be reached for 'off'"):
        load("hf:off")
    with pytest.raises(UserError, match="no usable dataset 'none'"):
        load("hf:none")


def test_openml_and_its_failures(monkeypatch, tmp_path):
    import urllib.error

    import sklearn.datasets
    from sklearn.utils import Bunch

    asked = []

    def answer(**options):
        asked.append(options)
        if options.get("name") == "off":
            raise urllib.error.URLError("no route")
        if options.get("name") == "none":
            raise ValueError("No active dataset none found.")
        return Bunch(frame=FRAME, target_names=["y"], details={"name": "paints"})

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", answer)
    monkeypatch.setenv("TASKAWARE_CACHE", str(tmp_path))
    loaded = load("openml:31")
    assert (loaded.name, loaded.target) == ("paints", "y")
    assert asked[0]["data_id"] == 31
    assert asked[0]["data_home"] == str(tmp_path / "openml")
    assert load("openml:paints").target == "y"
    assert asked[1]["name"] == "paints"
    with pytest.raises(UserError, match="OpenML cannot be reached for 'off'"):
        load("openml:off")
    with pytest.raises(UserError, match="OpenML has no usable dataset 'none'"):
        load("openml:none")


def test_download_is_checked_and_kept(tmp_path, monkeypatch):
    import hashlib

    monkeypatch.setenv("TASKAWARE_CACHE", str(tmp_path / "cache"))
    served = tmp_path / "served.csv.gz"
    served.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode(), mtime=0))
    sha256 = hashlib.sha256(served.read_bytes()).hexdigest()
    with pytest.raises(UserError, match="its content has changed"):
        sources.from_url(served.as_uri(), "0" * 64)
    assert not list((tmp_path / "cache").rglob("*.*"))
    same(sources.from_url(served.as_uri(), sha256).frame)
    served.unlink()
    same(sources.from_url(served.as_uri(), sha256).frame)
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [f"{sha256}.csv.gz"]
    with pytest.raises(UserError, match="cannot be fetched"):
        sources.from_url((tmp_path / "gone.csv").as_uri(), "1" * 64)


@pytest.mark.parametrize("loader", sources.FILES)
def test_packaged_files_are_read_as_scikit_learn_reads_them(loader, monkeypatch):
    expected = sources._imported(loader)
    found = sources._read_packaged(loader)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert list(found["target"].cat.categories) == list(expected["target"].cat.categories)
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    assert sources._read_packaged(loader) is None
    pd.testing.assert_frame_equal(sources.from_sklearn(loader).frame, expected)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, pandas as pd; from taskaware.data.load import load; "
        "load(pd.DataFrame({'a': [1]}), 'a'); load('iris'); "
        "print([m for m in ('datasets', 'sklearn', 'jax', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loaded_passes_through():
    loaded = Loaded(FRAME, "mine", "y")
    assert load(loaded) is loaded


@pytest.mark.parametrize(
    ("encoding", "city"),
    [("cp1252", "Würzburg"), ("cp1251", "Москва"), ("utf-16", "Würzburg"), ("cp932", "東京都港区")],
)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_files_in_other_encodings(tmp_path, encoding, city, ending):
    frame = pd.DataFrame({"Größe" if encoding == "cp1252" else "size": range(12), "city": [city, "Rom"] * 6})
    frame.to_csv(tmp_path / f"towns{ending}", index=False, encoding=encoding)
    found = load(tmp_path / f"towns{ending}")
    pd.testing.assert_frame_equal(found.frame, frame)
    assert "is not UTF-8; it is read as " in found.notes[0]


def test_one_odd_letter_far_down_is_found(tmp_path):
    rows = ["name;x", *["Anna;1"] * 300_000, "J\u00e4ger;2"]
    (tmp_path / "long.csv").write_bytes("\n".join(rows).encode("cp1252"))
    assert load(tmp_path / "long.csv").frame["name"].iloc[-1] == "J\u00e4ger"


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "image.csv").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(UserError, match="'.*image.csv'"):
        load(tmp_path / "image.csv")
