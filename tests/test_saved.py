"""Files that may be damaged or hostile: refused with a ValueError, before they are unpacked."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.saved import SETTING, content_digest, open_npz, parse_json, read_json, read_npz


def packed(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def archive(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries:
            opened.writestr(name, content)
    return file.getvalue()


def npy(array, **kwargs):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **kwargs)
    return file.getvalue()


def test_what_was_written_is_read(tmp_path):
    arrays = {"a/b": np.arange(6.0).reshape(2, 3), "one": np.array(3), "none": np.zeros(0, np.int32)}
    arrays |= {"turned": np.asfortranarray(arrays["a/b"]), "text": np.array(["é", "b"])}
    path = tmp_path / "file.npz"
    path.write_bytes(packed(**arrays))
    found = read_npz(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    with open_npz(io.BytesIO(packed(**arrays))) as opened:
        assert opened.headers["a/b"] == ((2, 3), np.float64)
        assert list(opened.read(["one"])) == ["one"]


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as opened, opened.open("a.npy", "w") as file:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            head, {"descr": "<f4", "fortran_order": False, "shape": (16 << 20,)}
        )
        file.write(head.getvalue())
        for _ in range(64):
            file.write(bytes(1 << 20))
    monkeypatch.setenv(SETTING, str(1 << 20))
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"unpack to 67,.* bytes; 1,048,576 are allowed.*{SETTING}"):
        read_npz(bomb)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    monkeypatch.setenv(SETTING, str(1 << 30))
    assert read_npz(bomb)["a"].shape == (16 << 20,)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a zip file"),
        (b"PK\x03\x04", "not a zip file"),
        (archive([("a.txt", b"x")]), "something else"),
        (archive([("a.npy", b"x")]), "."),
        (archive([("a.npy", npy(np.array([{}]), allow_pickle=True))]), "type object"),
        (archive([("a.npy", npy(np.zeros(2, "i4,i4")))]), "type"),
        (archive([("a.npy", npy(np.zeros(9))[:-8])]), r"shape \(9,\) has 192 bytes"),
        (archive([("a.npy", npy(np.zeros(9)) + b"more")]), "204 bytes"),
        (archive([("a.npy", npy(np.zeros(9)).replace(b"(9,)", b"(-9)"))]), "."),
        (archive([("a.npy", npy(np.zeros(9)).replace(b"(9,)", b"[9 ]"))]), "."),
        (archive([(f"{i}.npy", b"") for i in range(10_001)]), "10,001 arrays"),
    ],
)
def test_foreign_archives_are_refused(content, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_npz(io.BytesIO(content))
    assert not isinstance(caught.value, UserError)


def test_changed_bytes_are_a_value_error_or_harmless():
    arrays = {"a": np.arange(50.0), "b": np.arange(7)}
    whole, rng = packed(**arrays), np.random.default_rng(0)
    for _ in range(500):
        bent = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            bent[place] ^= int(rng.integers(1, 256))
        try:
            found = read_npz(io.BytesIO(bytes(bent)))
        except ValueError:
            continue
        for name in set(found) & set(arrays):
            np.testing.assert_array_equal(found[name], arrays[name])


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "gone.npz")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested more than 64 levels"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested more than 64 levels"),
        ("[" * 65 + "]" * 65, "nested more than 64 levels"),
        ("NaN", "NaN is not finite"),
        ("[-Infinity]", "not finite"),
        ("1e400", "1e400 is not finite"),
        ("1" * 400, "400 digits"),
        ("1" * 10_000, "digits"),
        ('"\\ud800"', "surrogates"),
        (b"\xff\xfe", "utf-8"),
        ("{", "Expecting"),
        ("", "Expecting"),
    ],
)
def test_json_that_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        parse_json(text)


def test_json_that_is_read(tmp_path):
    for value in ([], {}, 3, None, "x", {"a": [{"b": [1.5, "é", "😀", True]}]}):
        assert parse_json(json.dumps(value)) == value
    assert parse_json("[" * 64 + "]" * 64)
    assert parse_json("[NaN]", finite=False) != [0]
    (tmp_path / "file.json").write_text('\ufeff{"a": 1}', encoding="utf-8")
    assert read_json(tmp_path / "file.json") == {"a": 1}


def test_a_digest_names_everything():
    arrays = {"a": np.arange(4, dtype=np.int32), "b": np.zeros(2)}
    others = [
        ("{}", {"a": arrays["a"]}),
        ("{ }", arrays),
        ("{}", {**arrays, "a": arrays["a"].astype(np.int64)}),
        ("{}", {**arrays, "a": arrays["a"].reshape(2, 2)}),
        ("{}", {**arrays, "a": arrays["a"][::-1]}),
        ("{}", {"b": arrays["a"], "a": arrays["b"]}),
    ]
    digests = [content_digest(text, each) for text, each in [("{}", arrays), *others]]
    assert len(set(digests)) == len(digests)
    assert content_digest("{}", dict(reversed(arrays.items()))) == digests[0]
