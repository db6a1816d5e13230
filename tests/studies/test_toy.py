"""The toy: aging gains where scores are noisy, and what is written follows from the searches."""

import dataclasses

import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.runner.run_folder import RunFolder
from taskaware.studies.toy import ToySettings, ToySpec, run_toy, search_toy

SETTINGS = ToySettings(bits=60, budget=1200, population=50, sample=12, seeds=2)


def test_aging_gains_and_the_same_start_repeats_nothing(tmp_path):
    folder = RunFolder.open(tmp_path / "run", "toy", SETTINGS)
    found = run_toy(SETTINGS, folder, show=False)
    ones = {name: row["ones"] for name, row in found["strategies"].items()}
    assert ones["aging"] > ones["without aging"] > ones["random"]
    again = run_toy(SETTINGS, folder, show=False)
    assert again["jobs"] == 0 and again["strategies"] == found["strategies"]
    progress = pd.read_csv(tmp_path / "run" / "progress.csv")
    last = progress.groupby(["strategy", "seed"]).tail(1)
    assert len(last) == 6 and (last["trainings"] == 1200).all()
    assert progress.groupby(["strategy", "seed"])["best_score"].is_monotonic_increasing.all()


def test_without_noise_the_best_score_is_the_share_of_ones():
    quiet = dataclasses.replace(SETTINGS, noise=0.0, budget=300)
    for strategy in ("local search", "aging"):
        found = search_toy(None, ToySpec(quiet, strategy, 0))
        assert found["scores"] == found["test_scores"] and found["scores"][-1] > 0.7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategies": ("ageing",)}, "Did you mean 'aging'"),
        ({"noise": -1.0}, "noise=-1"),
        ({"bits": 1}, "bits=1"),
    ],
)
def test_settings_out_of_range_are_named(change, words):
    with pytest.raises(UserError, match=words):
        dataclasses.replace(SETTINGS, **change).check()
