"""`taskaware recommend`: what is asked is what is done, and what is printed is what was found."""

import ast
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import taskaware
from taskaware.cli import main
from taskaware.objectives import trainings
from taskaware.training.recipe import TrainingRecipe


def strict(text: str):
    """JSON without NaN and infinities, which other languages cannot read."""

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_everything_at_once(trained):
    folder, printed = trained
    recommendation = taskaware.load_recommendation(folder / "rec.json")
    model = taskaware.load_model(folder / "model")
    assert recommendation.explain().splitlines()[0] in printed
    assert recommendation.architecture.text in printed
    assert f"trained    accuracy {model.best_score:.3f} on validation rows" in printed
    for name in ("rec.json", "net.svg", "net.py", "model"):
        assert f"  written    {folder / name}\n" in printed
    assert (folder / "net.svg").read_text().lstrip().startswith("<?xml")
    assert ast.parse((folder / "net.py").read_text()).body
    assert model.best_score > 0.8
    strict((folder / "rec.json").read_text())


def test_json_is_the_recommendation(command, trained, table, tmp_path):
    path = tmp_path / "rec.json"
    code, out, err = command("recommend", table, "--target", "species", "--json", "--out", path)
    assert (code, err) == (0, "")
    told, kept = strict(out), strict(path.read_text())
    assert told.pop("written") == {"out": str(path)}
    assert told == kept
    first = strict((trained[0] / "rec.json").read_text())
    assert told["ranked"] == first["ranked"]


def test_json_of_a_training(command, monkeypatch, table, trained, tmp_path):
    model = taskaware.load_model(trained[0] / "model")
    asked = {}
    monkeypatch.setattr(taskaware.Recommendation, "fit", lambda self, task, **how: asked.update(how) or model)
    asks = ["--fit", "--members", "3", "--seconds", "60"]
    words = ["recommend", table, "--target", "species", "--json", *asks]
    told = strict(command(*words, "--save", tmp_path / "model")[1])["fit"]
    assert asked == {"seed": 0, "members": 3, "seconds": 60}
    assert told["members"] == model.members
    assert (told["score"], told["saved"]) == (model.best_score, str(tmp_path / "model"))
    assert told["steps"] == model.history["step"].iloc[-1]
    assert taskaware.load_model(told["saved"]).best_score == model.best_score


def test_a_recommendation_is_refined_and_its_trainings_are_kept(command, table, tmp_path, monkeypatch):
    monkeypatch.setattr(trainings, "TrainingRecipe", lambda: TrainingRecipe(steps=20, batch_size=32))
    words = ["recommend", table, "--target", "species", "--seed", "3", "--refine", "2", "--json"]
    store = tmp_path / "own.sqlite"
    code, out, err = command(*words, "--store", store, "--out", tmp_path / "rec.json")
    assert (code, err) == (0, "")
    told = strict(out)
    assert told["ranked"][0]["found_by"] == "trained" and "2 candidates were trained" in told["notes"][-1]
    written = taskaware.load_recommendation(tmp_path / "rec.json")
    assert written.ranked[0].found_by == "trained" and written.seed == 3
    with taskaware.Store.open(str(store)) as kept:
        assert kept.triplets().strategies == ("refine",) and len(kept.triplets()) == 2


def test_what_is_refined_is_shown_written_and_trained(command, monkeypatch, table, trained, tmp_path):
    model, done = taskaware.load_model(trained[0] / "model"), []

    def refine(self, task, **how):
        done.append(how)
        return dataclasses.replace(self, notes=(*self.notes, "refined"))

    def fit(self, task, **how):
        done.append(self.notes[-1])
        return model

    monkeypatch.setattr(taskaware.Recommendation, "refine", refine)
    monkeypatch.setattr(taskaware.Recommendation, "fit", fit)
    out = tmp_path / "rec.json"
    code, printed, _ = command(
        "recommend", table, "--target", "species", "--refine", "8", "--fit", "--out", out
    )
    assert code == 0 and done == [{"trainings": 8, "evaluator": None, "store": None}, "refined"]
    assert "  note       refined\n" in printed
    assert taskaware.load_recommendation(out).notes[-1] == "refined"


def test_a_store_needs_trainings_to_record(refused, no_work, table, tmp_path):
    line = refused("recommend", table, "--target", "species", "--store", tmp_path / "own.sqlite")
    assert line == "--store requires --refine: without it there are no trainings to record."


def test_force_replaces(command, table, tmp_path):
    path = tmp_path / "rec.json"
    path.write_text("old")
    assert command("recommend", table, "--target", "species", "--out", path, "--force")[0] == 0
    assert taskaware.load_recommendation(path).task.target_name == "species"
    assert [each.name for each in tmp_path.iterdir()] == ["rec.json"]


def test_options_reach_the_library(monkeypatch, table):
    class Reached(Exception):
        pass

    def remember(task, **settings):
        raise Reached(task, settings)

    monkeypatch.setattr(taskaware, "recommend", remember)
    options = (
        "--target petal --problem regression --candidates 3 --seed 7 --leave-out --optimizer random_search "
        "--metric mae"
    )
    with pytest.raises(Reached) as caught:
        main(["recommend", str(table), *options.split()])
    task, settings = caught.value.args
    assert (task.target_name, task.problem) == ("petal", "regression")
    assert settings == {
        "ascent": taskaware.AscentSettings(optimizer="random_search"),
        "evaluator": None,
        "candidates": 3,
        "leave_out": True,
        "metric": "mae",
        "seed": 7,
    }


def test_data_errors_speak_of_options(refused, table):
    line = refused("recommend", table)
    assert line == "The target is not named. Give --target NAME, one of 'petal', 'stem', 'colour', 'species'."
    assert "Did you mean 'species'?" in refused("recommend", table, "--target", "specis")
    assert "Did you mean 'iris'?" in refused("recommend", "irsi")
    assert "There is no file" in refused("recommend", table.with_name("none.csv"), "--target", "y")


def test_a_metric_groups_and_weights_are_given_on_the_command_line(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3))).add_prefix("x").assign(who=np.arange(120) // 4)
    frame.assign(y=np.where(frame["x0"] > 1, "rare", "usual")).to_csv(tmp_path / "t.csv", index=False)
    data = [str(tmp_path / "t.csv"), "--target", "y"]
    assert main(["recommend", *data, "--groups", "who"]) == 2
    assert "--groups requires --fit" in capsys.readouterr().err
    assert main(["recommend", *data, "--fit", "--groups", "nope"]) == 2
    told = capsys.readouterr()
    assert "'nope'" in told.err and not told.out  # before the recommendation
    assert main(["recommend", *data, "--metric", "roc_au"]) == 2
    assert "Did you mean 'roc_auc'" in capsys.readouterr().err
    words = ["--metric", "f1_macro", "--groups", "who", "--class-weight", "balanced", "--members", "1"]
    assert main(["recommend", *data, *words, "--fit", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["fit"]["metric"] == "f1_macro" and answer["task"]["own_metric"] == "f1_macro"


def test_source_is_a_folder_with_weights_after_a_training(command, monkeypatch, table, trained, tmp_path):
    words = ["recommend", table, "--target", "species", "--source", tmp_path / "network"]
    code, out, err = command(*words)
    assert (code, err) == (0, "") and f"  written    {tmp_path / 'network'}\n" in out
    assert sorted(path.name for path in (tmp_path / "network").iterdir()) == ["encoder.json", "network.py"]
    model = taskaware.load_model(trained[0] / "model")
    monkeypatch.setattr(taskaware.Recommendation, "fit", lambda self, task, **how: model)
    told = strict(command(*words, "--fit", "--force", "--json")[1])
    assert told["written"] == {"source": str(tmp_path / "network")}
    assert (tmp_path / "network" / "weights.npz").is_file()
    assert "def train(" not in (tmp_path / "network" / "network.py").read_text(encoding="utf-8")


def test_source_with_an_ending_of_text_is_the_network_alone(trained):
    text = (trained[0] / "net.py").read_text(encoding="utf-8")
    assert "class Network" in text and "def predict" not in text


def test_limits_from_the_command_line(command, table):
    words = ["recommend", table, "--target", "species", "--json"]
    code, out, err = command(*words, "--prefer", "size=<9k", "--prefer", "latency=<1s")
    assert (code, err) == (0, "")
    told = strict(out)
    assert told["prefer"] == {"size": 9000, "latency": 1} and told["cost"]["size"] <= 9000
    assert told["cost"]["members"] == 5


@pytest.mark.parametrize(
    ("limit", "words"),
    [("size", "not NAME=LIMIT"), ("sise=3", "Did you mean 'size'"), ("size=<1", "not possible")],
)
def test_wrong_limits(refused, table, limit, words):
    assert words in refused("recommend", table, "--target", "species", "--prefer", limit)
