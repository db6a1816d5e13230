"""`taskaware predict`: a saved model answers as it does in Python."""

import io
import json

import numpy as np
import pandas as pd
import pytest

import taskaware


@pytest.fixture(scope="module")
def model(trained):
    return taskaware.load_model(trained[0] / "model")


@pytest.fixture(scope="module")
def folder(trained):
    return trained[0] / "model"


def test_predictions_are_the_model_s(command, model, folder, table, flowers):
    code, out, err = command("predict", folder, table)
    assert (code, err) == (0, "")
    found = pd.read_csv(io.StringIO(out))
    assert found.columns.tolist() == ["species"]
    assert found["species"].tolist() == model.predict(flowers).tolist()
    assert (found["species"] == flowers["species"]).mean() > 0.8


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_rows_need_no_target_and_may_be_in_any_format(command, folder, flowers, tmp_path, ending):
    rows, path = flowers.drop(columns="species").iloc[::7], tmp_path / f"new.{ending}"
    if ending == "parquet":
        rows.to_parquet(path)
    else:
        rows.to_json(path, orient="records", lines=True)
    out = command("predict", folder, path)[1]
    assert len(out.splitlines()) == 1 + len(rows)


def test_probabilities(command, model, folder, table, flowers):
    found = pd.read_csv(io.StringIO(command("predict", folder, table, "--proba")[1]))
    assert found.columns.tolist() == ["species", "P(iris)", "P(rose)", "P(tulip)"]
    np.testing.assert_allclose(found.iloc[:, 1:], model.predict_proba(flowers), rtol=1e-5, atol=1e-7)


def test_out_is_written_once(command, refused, folder, table, tmp_path):
    path = tmp_path / "predictions.csv"
    assert command("predict", folder, table, "--out", path) == (
        0,
        f"48 predictions of 'species' written to {path}\n",
        "",
    )
    assert path.read_text() == command("predict", folder, table)[1]
    assert "exists already" in refused("predict", folder, table, "--out", path)
    code, _, _ = command("predict", folder, table, "--out", path, "--proba", "--force")
    assert code == 0
    assert path.read_text().startswith("species,P(iris)")


def test_json(command, model, folder, table, flowers):
    told = json.loads(command("predict", folder, table, "--json", "--proba")[1])
    assert told["species"] == model.predict(flowers).tolist()
    assert list(told) == ["species", "P(iris)", "P(rose)", "P(tulip)"]


def test_score_goes_to_stderr(command, model, folder, table, flowers):
    code, out, err = command("predict", folder, table, "--score")
    assert code == 0
    assert len(out.splitlines()) == 49
    assert err == f"accuracy {model.score(flowers):.4f} on 48 rows\n"


def test_score_leaves_out_rows_without_an_answer(command, model, folder, flowers, tmp_path):
    rows = flowers.copy()
    rows.loc[:9, "species"] = None
    rows.loc[10, "species"] = "never seen"
    rows.to_csv(tmp_path / "some.csv", index=False)
    err = command("predict", folder, tmp_path / "some.csv", "--score")[2]
    right = (model.predict(flowers[11:]) == flowers["species"][11:]).sum()
    assert err == f"accuracy {right / 38:.4f} on 38 rows, 10 without a target left out\n"


def test_score_needs_answers(refused, folder, flowers, tmp_path):
    flowers.drop(columns="species").to_csv(tmp_path / "bare.csv", index=False)
    flowers.assign(species=None).to_csv(tmp_path / "empty.csv", index=False)
    assert "no column 'species'" in refused("predict", folder, tmp_path / "bare.csv", "--score")
    assert "column 'species' is empty" in refused("predict", folder, tmp_path / "empty.csv", "--score")


def test_unusable_rows(refused, folder, flowers, tmp_path):
    flowers.rename(columns={"petal": "petals"}).to_csv(tmp_path / "new.csv", index=False)
    assert "'petals' is nearest to 'petal'" in refused("predict", folder, tmp_path / "new.csv")


def test_no_model_and_a_damaged_one(refused, folder, table, tmp_path):
    assert "There is no model folder" in refused("predict", tmp_path / "none", table)
    assert "is not a taskaware model" in refused("predict", tmp_path, table, code=3)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.json").write_bytes((folder / "model.json").read_bytes())
    (broken / "weights.npz").write_bytes((folder / "weights.npz").read_bytes()[:500])
    assert "is damaged" in refused("predict", broken, table, code=3)


def test_several_targets(command, refused, flowers, tmp_path):
    frame = flowers.drop(columns="species").assign(tall=flowers["stem"] > 20, late=flowers["petal"] > 4)
    frame.to_csv(tmp_path / "flowers.csv", index=False)
    words = ("--target", "tall", "--target", "late", "--fit", "--members", 1, "--save", tmp_path / "model")
    code, out, _ = command("recommend", tmp_path / "flowers.csv", *words)
    assert code == 0 and "(2 labels)" in out
    code, out, err = command("predict", tmp_path / "model", tmp_path / "flowers.csv", "--proba", "--score")
    found = pd.read_csv(io.StringIO(out))
    assert code == 0 and found.columns.tolist() == ["tall", "late", "P(tall)", "P(late)"]
    right = np.mean(found[["tall", "late"]].to_numpy() == frame[["tall", "late"]].to_numpy())
    assert err == f"accuracy {right:.4f} on 48 rows\n"
    frame.drop(columns="late").to_csv(tmp_path / "less.csv", index=False)
    message = refused("predict", tmp_path / "model", tmp_path / "less.csv", "--score")
    assert "NEW has no column 'late'" in message


def test_a_file_of_names_alone_gives_names_alone(command, folder, table, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(table.read_text().splitlines()[0] + "\n")
    assert command("predict", folder, path) == (0, "species\n", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [("-", "'-' is no name of a file"), ("p.parquet", "ends in .parquet"), ("p.csv.gz", ".csv.gz")],
)
def test_a_name_that_misleads_is_refused(refused, folder, table, tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    assert words in refused("predict", folder, table, "--out", name)
    assert not (tmp_path / name).exists()
