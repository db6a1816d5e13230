"""Every experiment of the repository runs, small; and its README says what it is."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taskaware.cli import main
from taskaware.errors import UserError
from taskaware.recommendation.evaluators import shipped_evaluator
from taskaware.spaces import PRESETS, cells, preset
from taskaware.studies.experiment import load_experiment
from taskaware.studies.shipped import ShipSettings
from taskaware.surrogates import kernel_learning
from taskaware.surrogates.price import Price
from taskaware.training import fit as training
from taskaware.training import length
from taskaware.training.recipe import TrainingRecipe

EXPERIMENTS = sorted(
    path.parent for path in (Path(__file__).parent.parent.parent / "experiments").glob("*/config.py")
)

RUNNERS = (
    "runner",
    "collect.runner",
    "evaluate.runner",
    "published.runner",
    "kinds.runner",
    "variants.runner",
    "tables.runner",
    "tables_variants.runner",
)

SHIPPED_PARTS = {
    "collect": "north,east",
    "variants": "north",
    "published": "north",
    "kinds": "north",
    "extended": "north",
    "tables": "south",
    "tables_variants": "south",
}

FEW_LAYERS = dataclasses.replace(preset("published"), layers=2, sizes=(8, 16), width_odds=(0.5, 0.5))
FEW_CELLS = cells(1, filters=2, side=8, channels=1, operations=("identity", "separable 3x3"))

OTHER_TABLES = {
    "compare-models": ("suite=tiny", "tasks=north"),
    "compare-strategies": ("suite=tiny", "tasks=north,east", "strategies=random"),
    "published-setting": (
        "collect.suite=tiny",
        "collect.tasks=",
        "evaluate.methods=random,published",
    ),
    "shipped-experience": (
        *(f"{part}.suite=tiny" for part in SHIPPED_PARTS),
        *(f"{part}.tasks={names}" for part, names in SHIPPED_PARTS.items()),
        "published.space=compact",
        "kinds.space=compact",
    ),
    "cells-on-digits": (f"space={json.dumps(FEW_CELLS.to_dict())}", "strategies=evolution_inheriting"),
}
"""Settings of experiments whose networks compile for long, once for each space and shape of table.

Networks of few published layers are trained by published-setting, those of the universal space in
`test_collect`."""


def tiny_suite(folder):
    """Four tables of one shape, in a folder."""
    rng = np.random.default_rng(0)
    lines = ["name,modality,task,target,file"]
    folder.mkdir()
    for name in ("north", "east", "south", "west"):
        frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=["a", "b", "c"])
        side = frame["a"] > 0.5 * rng.normal(size=90)  # noisy, so that variants are worth learning
        frame.assign(side=side).to_csv(folder / f"{name}.csv", index=False)
        lines.append(f"{name},tabular,classification,side,{name}.csv")
    (folder / "index.csv").write_text("\n".join(lines), encoding="utf-8")


def test_the_list():
    names = {path.name for path in EXPERIMENTS}
    assert {
        "shipped-experience",
        "leave-tasks-out",
        "published-setting",
        "compare-strategies",
        "compare-models",
        "ablation",
        "quality-curves",
        "growing",
        "aging-toy",
        "cells-on-digits",
    } <= names


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_smoke(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "RECIPE", TrainingRecipe(steps=50, batch_size=16))
    monkeypatch.setattr(length, "PASSES", 0)
    monkeypatch.setattr(length, "PASSES_OF_CLASSES", 0)
    monkeypatch.setattr(kernel_learning, "LEARNING_STEPS", 2)
    monkeypatch.setitem(PRESETS, "published", FEW_LAYERS)
    tiny_suite(tmp_path / "tiny")
    config = load_experiment(path).smoke()
    chosen = [f"{name}.engine=serial" for name in RUNNERS if _has(config, name)]
    chosen += OTHER_TABLES.get(path.name, ())
    changes = [word for each in chosen for word in ("--set", each)]
    assert main(["run", str(path), "--smoke", "--out", "run", *changes]) == 0
    assert (tmp_path / "run" / "result.json").exists()
    told = capsys.readouterr().out
    assert "failed     0" in told


def _has(config, name):
    for part in name.split("."):
        if not hasattr(config, part):
            return False
        config = getattr(config, part)
    return True


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_the_readme_names_question_command_minutes_and_number(path):
    text = (path / "README.md").read_text(encoding="utf-8")
    for words in ("**Question.**", f"taskaware run experiments/{path.name}", "minutes", "**Expected.**"):
        assert words in text, words


def test_the_shipped_evaluators_have_the_prices_that_their_experiment_names():
    config = load_experiment(next(path for path in EXPERIMENTS if path.name == "shipped-experience"))
    for space, numbers in {"compact": config.price, "universal": config.price_of_kinds}.items():
        assert shipped_evaluator(space).price == pytest.approx(Price(*numbers), abs=1e-3)


@pytest.mark.parametrize("name", ["price", "price_of_kinds"])
def test_a_price_of_two_numbers_is_refused(name):
    with pytest.raises(UserError, match=rf"{name}=\(0.1, 4.0\) has 2 numbers"):
        dataclasses.replace(ShipSettings(), **{name: (0.1, 4.0)}).check()
