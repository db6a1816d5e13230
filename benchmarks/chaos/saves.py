"""A process that saves a model into the same folder, again and again, is killed at random moments."""

import dataclasses
import multiprocessing
import random
import tempfile
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import jax
import numpy as np
import pandas as pd

from taskaware.exchange import is_unfinished
from taskaware.training.model import Model, load_model

OTHERS = {"notes.txt": "mine", "runs/first/log.txt": "a log"}
"""Files of the user's in the folder of the model."""

PROCESSES = multiprocessing.get_context("forkserver")
LONGEST = 2.5
"""A kill falls after so many times the time of a save, at most."""


@dataclasses.dataclass(frozen=True)
class Killed:
    """What a folder went through.

    Attributes:
        kills: of the process that saves.
        saves: that had ended before.
        news: kills after which the folder held the model that was being saved.
        leftovers: kills that left something beside the folder, until the next save.
    """

    kills: int
    saves: int
    news: int
    leftovers: int


def small_model() -> Model:
    """A network of a few kilobytes: the smaller, the more saves and loads meet."""
    from taskaware.modalities.tables.build import make_task
    from taskaware.spaces.presets import COMPACT
    from taskaware.training.fit import fit
    from taskaware.training.recipe import TrainingRecipe

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=60), "colour": rng.choice(["red", "green"], 60)})
    task = make_task(frame.assign(answer=np.where(frame["size"] > 0, "yes", "no")), "answer")
    space = dataclasses.replace(
        COMPACT, name="small", layers=2, sizes=(4, 8), width_odds=(0.5, 0.5), recipe=()
    )
    point = np.asarray(space.sample(jax.random.key(0), 1))[0]
    return fit(task, space, point, recipe=TrainingRecipe(steps=10), progress=False)


def plain(model: Model) -> Model:
    """The model with weights that can be sent to a process in which JAX has not started."""
    return dataclasses.replace(model, params=jax.tree.map(np.asarray, model.params))


def add_others(folder: Path) -> None:
    """Put the files of the user's into the folder."""
    for name, text in OTHERS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def check_others(folder: Path) -> None:
    """AssertionError unless they are all there."""
    for name, text in OTHERS.items():
        assert (folder / name).is_file(), f"'{name}', which is the user's, is gone"
        assert (folder / name).read_text() == text, f"'{name}', which is the user's, has changed"


def unfinished(folder: Path) -> int:
    """Number of leftovers beside the folder; AssertionError where anything else is there."""
    beside = [path for path in folder.parent.iterdir() if path != folder]
    strange = [path.name for path in beside if not is_unfinished(path)]
    assert not strange, f"beside the model there is {strange}"
    inside = {path.name for path in folder.iterdir()}
    expected = {"README.md", "model.json", "weights.npz", *(name.partition("/")[0] for name in OTHERS)}
    assert inside == expected, f"the folder holds {sorted(inside)}"
    return len(beside)


def torment(folder: Path, model: Model, *, kills: int, seed: int = 0) -> Killed:
    """Kill the process that saves at random moments, and look after each kill at what is there.

    Args:
        folder: an empty one; the model is saved in a folder in it.
        model: to be saved, under another name each time.
        kills: so many.
        seed: of the moments.

    Raises:
        AssertionError: the model does not load, or is neither the old nor the new one, or a file of the
            user's is gone.
    """
    rng = random.Random(seed)
    target, counter, model = folder / "place" / "model", folder / "counter", plain(model)
    dataclasses.replace(model, name="0").save(target)
    add_others(target)
    counter.touch()
    longest = LONGEST * _seconds_of_a_save(model, target, counter)
    news = leftovers = 0
    for _ in range(kills):
        saver = _start(model, target, counter)
        _kill(saver, counter, rng.uniform(0, longest))
        ended = counter.stat().st_size
        found = int(load_model(target).name)
        assert ended <= found <= ended + 1, f"save {ended} had ended, and the folder holds save {found}"
        check_others(target)
        left = unfinished(target)
        assert left <= 1, f"{left} leftovers, though there were saves since the last kill"
        news, leftovers = news + (found > ended), leftovers + left
        if found > ended or rng.random() < 0.5:
            _save(model, target, counter)
            assert not unfinished(target), "a save left what a killed one had left"
    return Killed(kills, counter.stat().st_size, news, leftovers)


def report(*, kills: int, seed: int = 0) -> str:
    """The line of this part.

    Args:
        kills: so many.
        seed: of the moments.

    Raises:
        AssertionError: see `torment`.
    """
    model, began = small_model(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = torment(Path(folder), model, kills=kills, seed=seed)
    return (
        f"saves: {found.kills} kills among {found.saves} saves; the folder held the old model "
        f"{found.kills - found.news} times and the new one {found.news} times, always whole, with all files "
        f"of the user's; {found.leftovers} kills left something behind, and the next save removed it; "
        f"{time.monotonic() - began:.0f} s"
    )


def _start(model: Model, target: Path, counter: Path) -> BaseProcess:
    PROCESSES.set_forkserver_preload(["taskaware.training.model", "benchmarks.chaos.saves"])
    process = PROCESSES.Process(target=_save_for_ever, args=(model, target, counter), daemon=True)
    process.start()
    return process


def _save_for_ever(model: Model, target: Path, counter: Path) -> None:
    while True:
        _save(model, target, counter)


def _save(model: Model, target: Path, counter: Path) -> None:
    """Save the model under the next number, and count it."""
    dataclasses.replace(model, name=str(counter.stat().st_size + 1)).save(target, force=True)
    with counter.open("ab") as file:
        file.write(b".")


def _seconds_of_a_save(model: Model, target: Path, counter: Path) -> float:
    began = time.monotonic()
    for _ in range(5):
        _save(model, target, counter)
    return (time.monotonic() - began) / 5


def _kill(saver: BaseProcess, counter: Path, seconds: float) -> None:
    """So long after its first save."""
    before, until = counter.stat().st_size, time.monotonic() + 60
    while counter.stat().st_size == before:
        assert saver.is_alive() and time.monotonic() < until, "the process that saves has ended by itself"
        time.sleep(0.001)
    time.sleep(seconds)
    assert saver.is_alive(), "the process that saves has ended by itself"
    saver.kill()
    saver.join()
