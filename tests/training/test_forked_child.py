"""A model in a child that was forked after JAX had started: refused at once, where it would wait for ever."""

import multiprocessing
import os
import warnings

import numpy as np
import pandas as pd
import pytest

import taskaware
from taskaware.modalities.tables.build import make_task
from taskaware.training.fit import fit
from taskaware.training.model import load_model
from taskaware.training.recipe import TrainingRecipe

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

SECONDS = 60


def frame():
    x = np.random.default_rng(0).normal(size=(60, 2))
    return pd.DataFrame(x, columns=["a", "b"]).assign(y=np.where(x[:, 0] > 0, "yes", "no"))


@pytest.fixture(scope="module")
def model(small, plain):
    point = plain(small, [(8, "relu"), None])
    recipe = TrainingRecipe(steps=60, batch_size=32)
    return fit(make_task(frame(), "y"), small, point, recipe=recipe, members=1, progress=False)


def in_a_child(work):
    """What the work in a forked child returns, or the text of its error; it has SECONDS for it."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run():
        try:
            sender.send(work())
        except BaseException as error:
            sender.send(f"{type(error).__name__}: {error}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX and Python warn of forks
        child = context.Process(target=run)
        child.start()
    try:
        assert receiver.poll(SECONDS), "the child waits for ever"
        return receiver.recv()
    finally:
        child.kill()
        child.join()


def test_use_in_a_forked_child_is_refused_with_the_mend(model, small, plain, tmp_path):
    folder = model.save(tmp_path / "model")
    task, point = make_task(frame(), "y"), plain(small, [(8, "relu"), None])
    for work in (
        lambda: model.predict(frame()),
        lambda: model.predict_proba(frame()),
        lambda: model.score(frame()),
        lambda: load_model(folder),
        lambda: fit(task, small, point, progress=False),
        lambda: taskaware.recommend(frame(), "y"),
        lambda: taskaware.load_model(folder).predict(frame()),
    ):
        answer = in_a_child(work)
        assert isinstance(answer, str), "the child answered"
        assert answer.startswith("EngineError: This process was forked after JAX had started")
        assert "load the model in the worker" in answer and "spawn" in answer
    assert len(model.predict(frame())) == 60


def test_a_child_that_was_forked_before_may_use_jax():
    """As of a server that loads its model in the worker: nothing has run in the parent."""
    import subprocess
    import sys

    code = """
import os, taskaware, jax
from taskaware.compilation import keep_compiled
child = os.fork()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
keep_compiled()
os._exit(0 if int(jax.numpy.ones(3).sum()) == 3 else 1)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=SECONDS, check=False).returncode == 0


def test_jax_that_others_started_counts():
    import subprocess
    import sys

    code = """
import os, jax
from taskaware.compilation import keep_compiled
from taskaware.errors import EngineError
jax.numpy.ones(3).sum().block_until_ready()
child = os.fork()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    keep_compiled()
except EngineError:
    os._exit(7)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], timeout=SECONDS, check=False, capture_output=True
    )
    assert done.returncode == 7, done.stderr
