"""Candidates spread over eight devices have the scores that they have on one."""

import os
import subprocess
import sys

import numpy as np

CODE = """
import dataclasses, sys
import jax, numpy as np
from taskaware.compilation import keep_compiled
from taskaware.spaces import preset
from taskaware.modalities.tables.build import make_task
from taskaware.children.child import Design, child_of
from taskaware.training import chunks, programs, trainer
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe
keep_compiled()
space = dataclasses.replace(preset("compact"), layers=1, sizes=(8,), width_odds=(1.0,))
recipe = TrainingRecipe(steps=10, batch_size=32)
points = space.sample(jax.random.key(0), 21)
prepared = prepare(make_task("iris"), 0, recipe)
each = 4 * jax.local_device_count()
found = trainer.train(space, points, prepared, recipe, seed=0, chunk_for=each)
program = programs.Program(child_of(space), programs.scored_by("classification"), True)
spread = jax.device_put(np.asarray(points)[np.resize(np.arange(21), each)], chunks.placed("candidates"))
chosen = programs.candidates(program.child, Design(space, 8), spread)
state = programs.start(program, prepared.arrays, chosen, jax.random.key(0))
used = len(jax.tree.leaves(state.params)[0].sharding.device_set)
np.savez(sys.argv[1], score=found.score, test=found.test_score, loss=found.loss, used=used)
"""


def test_eight_devices_equal_one(tmp_path, monkeypatch):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    paths = [str(tmp_path / name) for name in ("one.npz", "eight.npz")]
    subprocess.run([sys.executable, "-c", CODE, paths[1]], env=environment, check=True, timeout=500)
    # This process has one device.
    monkeypatch.setattr(sys, "argv", ["", paths[0]])
    exec(CODE, {})
    results = []
    for path in paths:
        with np.load(path) as file:
            results.append(dict(file))
    one, eight = results
    assert (one["used"], eight["used"]) == (1, 8)
    for name in ("score", "test", "loss"):
        np.testing.assert_allclose(one[name], eight[name], rtol=1e-5, err_msg=name)
    assert len(set(one["score"].tolist())) > 3
