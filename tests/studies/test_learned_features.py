"""What learned meta-features are worth; that the whole study runs is shown by the experiments."""

import dataclasses

import numpy as np
import pytest

from taskaware.errors import UserError
from taskaware.modalities.suites import bundled_suite
from taskaware.modalities.tables.samples import SampleSize, draw_samples
from taskaware.runner.run_folder import RunFolder
from taskaware.studies.evaluate import prepared
from taskaware.studies.learned_features import (
    METHODS,
    Fold,
    LearnedFeaturesSettings,
    Read,
    joint_settings,
    pick,
    plan,
    run_learned_features,
)
from taskaware.surrogates import EvaluatorSettings
from taskaware.surrogates.joint_settings import JointSettings

HASTY = JointSettings(evaluator=EvaluatorSettings("bilinear", members=2, steps=3, tasks_per_step=2))


@pytest.fixture(scope="module")
def read():
    """The bundled tables of the shipped experience."""
    known, _ = prepared(LearnedFeaturesSettings().evaluation)
    samples = {task.digest: draw_samples(task, rows=32) for task in bundled_suite()}
    there = np.array([name in samples for name in known.training_data.digests])
    assert there.sum() == 5
    return Read(
        known._replace(training_data=known.training_data.take(there), pool=known.pool[there]), samples
    )


def test_each_method_is_made_as_its_name_says():
    ours = JointSettings(rows_per_step=7)
    assert joint_settings("learned", ours) == ours
    assert joint_settings("beside", ours) == dataclasses.replace(ours, beside=True)
    published = joint_settings("published", ours)
    assert (published.generator, published.evaluator.network) == ("published", "published_head")
    assert published.evaluator.optimizer == "sgd"
    halfway = joint_settings("published_generator", ours)
    assert (halfway.generator, halfway.evaluator) == ("published", ours.evaluator)


def test_only_what_is_held_out_is_picked_for_and_no_score_of_it_is_read(read):
    fold = Fold("learned", HASTY, 0, 2, 0)
    rows = pick(read, fold)
    held = {row["place"] for row in rows}
    assert 0 < len(held) < 5
    data = read.known.training_data
    other = np.where(np.isin(np.arange(5), list(held))[:, None], -data.target, data.target)
    blind = read.known._replace(training_data=dataclasses.replace(data, target=other))
    again = pick(Read(blind, read.samples), fold)
    assert [row["picked"] for row in again] == [row["picked"] for row in rows]


def test_every_method_picks_on_every_fold_and_other_samples_are_other_jobs(read):
    settings = LearnedFeaturesSettings(seeds=2, folds=2)
    jobs = plan(read.known, settings)
    assert len(jobs) == len({job.id for job in jobs}) == len(METHODS) * 2 * 2
    fewer = dataclasses.replace(settings, samples=SampleSize(rows=64))
    assert not {job.id for job in jobs} & {job.id for job in plan(read.known, fewer)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ("learnt",)}, "Did you mean 'learned'"),
        ({"methods": ()}, "No method is named"),
        ({"folds": 1}, "folds=1 is too small"),
        ({"samples": SampleSize(outputs=0)}, "outputs=0"),
        ({"joint": JointSettings(generator="dataset3vec")}, "Did you mean 'dataset2vec'"),
        ({"joint": JointSettings(columns_per_step=-1)}, "columns_per_step=-1 is negative"),
    ],
)
def test_settings_are_checked(changes, words):
    with pytest.raises(UserError, match=words):
        dataclasses.replace(LearnedFeaturesSettings(), **changes).check()


def test_tasks_without_rows_are_left_out_and_too_few_refused(tmp_path):
    index = tmp_path / "index.csv"
    index.write_text("name,modality,task,target,file\nnew,tabular,classification,y,new.csv\n")
    (tmp_path / "new.csv").write_text("x,y\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(40)))
    settings = LearnedFeaturesSettings(suite=(str(tmp_path),))
    folder = RunFolder.open(tmp_path / "run", "learned-features", settings)
    with pytest.raises(UserError, match="Only 0 groups of 'shipped' have rows in .*; 4 are needed"):
        run_learned_features(settings, folder, show=False)
