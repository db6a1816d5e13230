"""`taskaware features`, `tasks` and `experience`: tables for people, JSON for machines."""

import json
import shutil
from pathlib import Path

import pytest

import taskaware
from taskaware.cli.tasks import card_text
from taskaware.data.manifests import manifests
from taskaware.modalities.tables.metafeatures import CATALOGUE

OLD_STORE = Path(__file__).parents[1] / "store" / "schema1.sqlite"


def test_features_are_the_library_s(command, table):
    expected = taskaware.meta_features(table, "species")
    code, out, _ = command("features", table, "--target", "species", "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["task"], answer["problem"]) == ("flowers", "classification")
    assert {each["name"]: each["value"] for each in answer["features"]} == pytest.approx(expected.to_dict())
    assert [each["unit"] for each in answer["features"]] == [feature.unit for feature in CATALOGUE]


def test_features_are_aligned(command, table):
    head, *lines = command("features", table, "--target", "species")[1].splitlines()
    assert head.split() == ["name", "value", "unit"]
    assert len(lines) == len(CATALOGUE)
    start, end = head.index("unit"), head.index("value") + len("value")
    for line, feature in zip(lines, CATALOGUE, strict=True):
        assert line.startswith(feature.name + " ")
        assert line[start:] == feature.unit
        float(line[len(feature.name) : end])
    assert lines[[feature.name for feature in CATALOGUE].index("label_entropy")].split()[1] == "1.58496"


def test_kind_reaches_the_features(command, table):
    answer = json.loads(
        command("features", table, "--target", "petal", "--problem", "regression", "--json")[1]
    )
    assert answer["problem"] == "regression"


def test_known_tasks(command):
    known = taskaware.known_tasks()
    code, out, err = command("tasks")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == list(known.columns)
    assert [line.split()[0] for line in lines[1 : 1 + len(known)]] == known["task"].tolist()
    assert lines[1 + len(known)] == ""
    assert [line for line in lines if line.startswith("Evaluator of")] == [
        "Evaluator of tables",
        "Evaluator of other kinds of data",
    ]
    assert command("tasks", "--card")[1].splitlines() == lines[2 + len(known) :]


def test_known_tasks_as_json(command):
    answer = json.loads(command("tasks", "--json")[1])
    assert [task["task"] for task in answer["tasks"]] == taskaware.known_tasks()["task"].tolist()
    assert {"text", "image", "audio", "series", "mixed", "tables"} == {
        task["modality"] for task in answer["tasks"]
    }
    assert answer["card"]["space"] == "compact" and answer["card_of_other_kinds"]["space"] == "universal"


def test_manifests(command):
    code, out, _ = command("tasks", "--manifests")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["name", *(each.name for each in manifests())]
    answer = json.loads(command("tasks", "--manifests", "--json")[1])
    where = {each["name"]: each["where"] for each in answer}
    assert (where["iris"], where["adult"]) == ("here", "download")


def test_a_card_is_printed_in_its_order_and_in_full():
    text = card_text(
        {"seeds": [1, 2], "trainings": 12345, "made": "2026-01-31T12:00:00Z", "run_hours": 3.14159}
    )
    assert text.splitlines() == [
        "made       2026-01-31T12:00:00Z",
        "trainings  12,345",
        "run hours  3.142",
        "seeds      1, 2",
    ]
    assert "no record of its date" in card_text({})


def test_an_old_store_is_migrated_by_its_command(command, tmp_path):
    place = str(shutil.copy(OLD_STORE, tmp_path / "old.sqlite"))
    code, _, err = command("experience", "list", place)
    assert code != 0
    assert f"taskaware experience migrate {place}" in err
    code, out, _ = command("experience", "migrate", place)
    assert (code, out) == (0, f"{place} has schema version 2.\n")
    head, *lines = command("experience", "list", place)[1].splitlines()
    assert head.split()[:5] == ["name", "problem", "metric", "space_name", "recipe"]
    assert [line.split()[:4] for line in lines] == [
        ["iris", "classification", "accuracy", "compact"],
        ["wine", "classification", "accuracy", "compact"],
    ]
    code, out, _ = command("experience", "check", place)
    assert (code, out) == (0, f"{place} has no fault: 11 trainings, 4 architectures, 2 tasks, 0 artefacts.\n")
