"""Comparing strategies on tables of known scores, in any space, with and without inherited weights."""

import dataclasses
import itertools

import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.runner.run_folder import RunFolder
from taskaware.studies.compare import CompareSettings, compare

NAMES = ("depth", "width", "heads")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A table of 512 points whose score rises with each decision."""
    path = tmp_path_factory.mktemp("known") / "known.csv"
    frame = pd.DataFrame(list(itertools.product(range(8), repeat=3)), columns=NAMES)
    frame.assign(loss=1 - frame.mean(axis=1) / 7, test=frame["depth"] / 7).to_csv(path, index=False)
    return str(path)


def settings(known, **more):
    shown = {"suite": (known,), "decisions": NAMES, "score": "loss", "test": "test", "losses": True}
    return CompareSettings(**shown | {"strategies": ("random", "local_search"), "round": 1} | more)


def test_strategies_search_a_table(known, tmp_path):
    chosen = settings(known, strategies=("random", "local_search", "aging_evolution"), budget=60, seeds=3)
    folder = RunFolder.open(tmp_path / "run", "compare", chosen)
    summary = compare(chosen, folder, show=False)
    assert (summary["tasks"], summary["jobs"], summary["failed"], summary["compared"]) == (1, 9, 0, 3)
    found = summary["strategies"]
    assert found["local_search"]["rank"] < found["random"]["rank"]
    progress = pd.read_csv(folder.path / "progress.csv")
    ends = progress[progress["trainings"] == 60].groupby("strategy")["best_score"]
    assert ends.min()["local_search"] == 0 and ends.max()["random"] < 0
    assert progress[progress["trainings"] == 1].groupby("seed")["best_score"].first().nunique() > 1
    assert compare(chosen, folder, show=False)["strategies"] == found


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"strategies": ("random", "recommend")}, "'recommend' is for tasks"),
        ({"strategies": ("evolution_inheriting",)}, "'evolution_inheriting' is for tasks"),
        ({"strategies": ("gradient_ascent",)}, "has no `project`"),
        ({"strategies": ("locl_search",)}, "Did you mean 'local_search'"),
        ({"store": "a.sqlite"}, "no store takes them"),
        ({"decisions": ("depth", "wdth")}, "Did you mean 'width'"),
        ({"tasks": ("other",)}, "None of the tables is named other"),
        ({"score": "", "suite": ("bundled",)}, "Give score, too"),
    ],
)
def test_what_does_not_go_together_is_refused(known, more, words):
    with pytest.raises(UserError, match=words):
        settings(known, **more).check()


def test_a_space_is_named_or_written_out_and_fits_its_tasks():
    images = CompareSettings(suite=("bundled-images",), space="cells", strategies=("evolution_inheriting",))
    assert images.check() is images and images.found_tasks()["digits-images"].modality == "image"
    with pytest.raises(UserError, match="'compact' do not inherit weights"):
        dataclasses.replace(images, space="compact").check()
    for text, words in (("{", "cannot be read"), ('{"type": "odd"}', "odd"), ("no.json", "cannot be read")):
        with pytest.raises(UserError, match=words):
            dataclasses.replace(images, space=text).check()
