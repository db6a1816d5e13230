"""Rounds of designs: held out, trained, learned from; resumed without a second training."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from taskaware.errors import StoreError, UserError
from taskaware.objectives.collect import CollectSettings, collect
from taskaware.recommendation.designed import COLUMNS, price_of, scored
from taskaware.recommendation.designs import Designs
from taskaware.recommendation.shipped import open_experience
from taskaware.reports import report
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import preset
from taskaware.spaces.presets import PRESETS
from taskaware.store import Store
from taskaware.studies.improve import ImproveSettings, _goes_on, improve, standing
from taskaware.surrogates import load_evaluator, training_data
from taskaware.surrogates.price import USUAL
from taskaware.training import padding
from taskaware.training.recipe import TrainingRecipe

TASKS = ("iris", "wine", "breast-cancer")
RECIPE = TrainingRecipe(steps=10, batch_size=16)


@pytest.fixture(scope="module", autouse=True)
def small_arrays():
    """A small space, and arrays of one size for all tasks, no larger than they need."""
    changes = {"layers": 1, "sizes": (8,), "activations": ("relu", "tanh"), "width_odds": (1.0,)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", dataclasses.replace(preset("compact"), name="tiny", **changes))
        for name, size in {"ROWS": 1024, "NUMBERS": 1024, "CATEGORIES": 1, "OUTPUTS": 4, "PART": 128}.items():
            patch.setattr(padding, name, size)
        yield


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Of one round on four tasks, with a store of a few random trainings."""
    store = str(tmp_path_factory.mktemp("store") / "experience.sqlite")
    known = CollectSettings(
        tasks=TASKS, space="tiny", architectures=8, trainer=RECIPE, store=store, coarse=True
    )
    with Store.open(store) as opened:
        collect(known.chosen(), opened, known, show=False)
    return ImproveSettings(
        tasks=TASKS,
        space="tiny",
        with_shipped=False,
        designs=2,
        rounds=1,
        folds=3,
        trainer=RECIPE,
        store=store,
        coarse=True,
    )


@pytest.fixture(scope="module")
def done(settings, tmp_path_factory):
    """The folder and the summary of the round."""
    folder = RunFolder.open(tmp_path_factory.mktemp("run") / "run", "improve", settings)
    return folder, improve(settings, folder, show=False)


def test_designs_are_trained_and_learned_from(settings, done):
    folder, summary = done
    table = pd.read_csv(folder.path / "designs.csv")
    assert tuple(table.columns) == COLUMNS and set(table["task"]) == set(TASKS)
    assert table[["predicted", "measured", "score", "test_score", "known_score"]].notna().all().all()
    assert summary["failed"] == 0 and summary["rounds"]["round 1"]["tasks"] == len(TASKS)
    with Store.open(settings.store) as store:
        found = store.triplets()
    designed = np.array(found.strategies)[found.strategy] == "ascent"
    assert designed.sum() >= len(table)
    learned = load_evaluator(folder.path / "evaluator.npz").training_data
    assert len(learned.u) == len(found.architectures)
    for _, row in table.iterrows():
        mine = found.score[designed & (found.task == found.names.index(row["task"]))]
        assert np.isclose(mine, row["score"], atol=1e-6).any()


def test_it_is_reported(done):
    folder, _ = done
    text = report(folder.path, force=True).read_text(encoding="utf-8")
    assert "Calibration" in text and "round 1" in text


def test_the_same_command_trains_nothing_again(settings, done):
    folder, summary = done
    again = improve(settings, folder, show=False)
    one, other = (found["rounds"]["round 1"] for found in (again, summary))
    assert again["jobs"] == 0 and one == pytest.approx(other, nan_ok=True)


def test_a_damaged_round_is_named(settings, done, tmp_path):
    folder = RunFolder.open(tmp_path / "run", "improve", settings)
    (tmp_path / "run" / "round-1.json").write_text('{"a": {"points": 3}}')
    with pytest.raises(StoreError, match=r"round-1.json' is damaged"):
        improve(settings, folder, show=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"designs": 0}, "designs=0"),
        ({"rounds": 0}, "rounds=0"),
        ({"folds": 1}, "folds=1"),
        ({"designs": 2, "trainings": 2}, "a round of one task takes 3"),
    ],
)
def test_bad_settings_are_refused(changes, words):
    with pytest.raises(UserError, match=words):
        ImproveSettings(**changes).check()


def made(rounds, gain):
    """A table of designs of ten tasks, each round better by `gain`, with some noise."""
    rng, rows = np.random.default_rng(0), []
    for number in range(rounds):
        for task in range(10):
            for place in range(4):
                measured = gain * number + 0.01 * rng.normal() - 0.1 * place
                row = dict.fromkeys(COLUMNS, 0.0) | {"round": number + 1, "task": f"t{task}", "place": place}
                row |= {"rows": 100, "predicted": 0.5, "deviation": 0.2, "distance": float(place)}
                rows.append(row | {"measured": measured, "test_score": 0.9, "known_test_score": 0.8})
    return pd.DataFrame(rows)


def test_rounds_end_when_the_designs_get_no_better():
    assert _goes_on(made(1, 0.0), 0)
    assert _goes_on(made(2, 0.5), 1)
    assert not _goes_on(made(2, -0.5), 1)


def test_the_price_is_what_the_last_round_fell_short_by():
    price = price_of(made(2, 0.3))
    assert price.by_distance == pytest.approx(0.1, abs=0.02)
    assert price.on(100) == pytest.approx(0.2, abs=0.03)
    assert price_of(made(1, 0.0).head(3)) == USUAL


def test_the_standing_of_a_round():
    found = standing(made(1, 0.0), 0)
    assert found["tasks"] == 10 and found["better"] == 1.0
    assert found["test_score"] - found["known_test_score"] == pytest.approx(0.1)
    assert found["coverage"] == 0.0


def test_a_design_is_found_again_where_a_zero_lost_its_sign():
    """A point is rounded to -0; the experience holds 0."""
    data = training_data(open_experience("shipped", preset("compact"))).take(np.arange(4))
    data = dataclasses.replace(data, u=data.u + np.float32(0))
    points = np.where(data.u[:2] == 0, np.float32(-0.0), data.u[:2])
    assert np.signbit(points[points == 0]).any()
    one = Designs(points, np.zeros(2), np.ones(2), np.zeros(2))
    table = scored(data, [{data.digests[0]: one}], {data.digests[0]: 100})
    assert table["score"].tolist() == [data.score[0, 0]]
    assert table["known_score"].tolist() == [data.score[0, 1]]


def test_the_best_by_validation_is_no_design_where_few_tasks_share_architectures():
    """As of a mixed frame: its own architectures count, without what was designed for it."""
    data = training_data(open_experience("shipped", preset("compact"))).take(np.arange(71))
    row, mine = 3, np.arange(3)
    score = np.where(np.arange(len(data.u)) < 3, np.nan, data.score)
    score[row] = np.nan
    score[row, mine] = [0.5, 0.7, 0.9]
    test = np.where(np.isnan(score), np.nan, 0.1)
    test[row, mine] = [0.4, 0.6, 0.8]
    data = dataclasses.replace(
        data, score=score, test_score=test, target=np.where(np.isnan(score), np.nan, 0.0)
    )
    one = Designs(data.u[[2, 0]], np.zeros(2), np.ones(2), np.zeros(2))
    table = scored(data, [{data.digests[row]: one}], {data.digests[row]: 100})
    assert table["search_test_score"].tolist() == [0.6]
