"""Files: refused before any work where they could not be written after it, and whole or not there at all."""

import os

import pytest

from taskaware.cli import output

FILES = [("--out", "rec.json"), ("--plot", "net.png"), ("--source", "net.py")]


@pytest.mark.parametrize(("option", "name"), FILES)
def test_files_are_not_overwritten(refused, no_work, table, tmp_path, option, name):
    path = tmp_path / name
    path.write_text("precious")
    line = refused("recommend", table, "--target", "species", option, path)
    assert line == f"{option}: '{path}' exists already. Choose another name, or give --force to replace it."
    assert path.read_text() == "precious"


@pytest.mark.parametrize(("option", "name"), FILES)
def test_folders_of_files_must_be_there(refused, no_work, table, tmp_path, option, name):
    path = tmp_path / "missing" / name
    assert f"there is no folder '{path.parent}'" in refused("recommend", table, option, path)
    (tmp_path / name).mkdir()
    assert "is a folder. Name a file in it." in refused("recommend", table, option, tmp_path / name)


@pytest.mark.parametrize("words", [["--out", "rec.json"], ["--fit", "--save", "deep/model"]])
def test_folders_must_be_writable(refused, no_work, table, tmp_path, monkeypatch, words):
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path and allowed(path, mode))
    words = [tmp_path / word if "." in word or "/" in word else word for word in words]
    assert f"the folder '{tmp_path}' is not writable" in refused("recommend", table, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_protected_file_is_not_replaced(refused, no_work, table, tmp_path, monkeypatch):
    path = tmp_path / "rec.json"
    path.write_text("precious")
    monkeypatch.setattr(os, "access", lambda where, mode: where != path)
    assert "is write-protected" in refused("recommend", table, "--out", path, "--force")


def test_what_is_read_is_never_replaced(refused, no_work, table, tmp_path):
    assert "is the input" in refused("recommend", table, "--out", table, "--force")
    assert "is the input" in refused("predict", tmp_path, table, "--out", table, "--force")


def test_two_outputs_have_two_names(refused, no_work, table, tmp_path):
    path = tmp_path / "x.json"
    assert "is also the file of --out" in refused("recommend", table, "--out", path, "--source", path)
    inside = ["--fit", "--save", tmp_path / "model", "--out", tmp_path / "model" / "rec.json"]
    assert "is in the model's folder" in refused("recommend", table, *inside)


def test_a_drawing_has_a_known_ending(refused, no_work, table, tmp_path):
    assert "one of .png, .svg, .pdf" in refused("recommend", table, "--plot", tmp_path / "net.jpeg")


def test_what_is_of_the_training_needs_fit(refused, no_work, table, tmp_path):
    assert refused("recommend", table, "--save", tmp_path / "model").startswith("--save requires --fit")
    assert refused("recommend", table, "--members", "2") == "--members requires --fit."
    assert "whole number from 1 to 100" in refused("recommend", table, "--fit", "--members", "0")


def test_a_folder_that_is_no_model_is_not_replaced(refused, no_work, table, tmp_path):
    folder = tmp_path / "thesis"
    folder.mkdir()
    words = ["recommend", table, "--fit", "--save", folder]
    assert "exists already" in refused(*words)
    assert "is not a taskaware model" in refused(*words, "--force")


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "rec.json"
    output.write_file(path, b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        output.write_file(path, b"new and longer")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("rec.json", b"old")]


def test_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "rec.json", tmp_path / "latest.json"
    path.write_text("old")
    link.symlink_to(path)
    output.write_file(link, b"new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_folder_of_code_is_checked_before_any_work(refused, no_work, table, tmp_path):
    folder = tmp_path / "network"
    folder.mkdir()
    words = ["recommend", table, "--source", folder]
    assert refused(*words).startswith(f"--source: '{folder}' exists already")
    assert "is not a taskaware network, and --force replaces only networks" in refused(*words, "--force")
    (folder / "encoder.json").write_text("{}")
    inside = "is in the network's folder"
    assert inside in refused(*words, "--force", "--out", folder / "rec.json")
    assert inside in refused(*words, "--force", "--fit", "--save", folder / "model")
    above = ["recommend", table, "--fit", "--save", tmp_path / "m", "--source", tmp_path / "m" / "network"]
    assert "is in the model's folder" in refused(*above)
