"""Two processes save models into one folder, while two others load from it."""

import dataclasses
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.chaos.saves import PROCESSES, add_others, check_others, plain, small_model, unfinished
from taskaware.training.model import Model, load_model

SAVERS = READERS = 2


def together(folder: Path, model: Model, *, seconds: float) -> Counter:
    """Save and load at once; returns the number of saves, loads and changes that the readers saw.

    Args:
        folder: an empty one; the model is saved in a folder in it.
        model: to be saved, under other names.
        seconds: so long.

    Raises:
        AssertionError: a save or a load failed, or something is left behind.
    """
    target, model = folder / "model", plain(model)
    model.save(target)
    add_others(target)
    PROCESSES.set_forkserver_preload(["taskaware.training.model", "benchmarks.chaos.saves"])
    ready, end, results = PROCESSES.Barrier(SAVERS + READERS + 1), PROCESSES.Event(), PROCESSES.SimpleQueue()
    shared = (target, ready, end, results)
    processes = [PROCESSES.Process(target=save, args=(model, str(n), *shared)) for n in range(SAVERS)]
    processes += [PROCESSES.Process(target=load, args=shared) for _ in range(READERS)]
    for process in processes:
        process.start()
    ready.wait(120)
    time.sleep(seconds)
    end.set()
    found: Counter[str] = sum((results.get() for _ in processes), Counter())
    for process in processes:
        process.join()
    faults = [name for name in found if name.startswith("fault")]
    assert not faults, f"{sum(found[name] for name in faults)} failures, such as: {faults[0]}"
    assert not unfinished(target), "something is left beside the folder"
    check_others(target)
    return found


def save(model: Model, name: str, target: Path, ready: Any, end: Any, results: Any) -> None:
    """Save the model again and again.

    Args:
        model, name, target: what is saved, under which name and a number, and where.
        ready, end, results: a barrier, an event and a queue.
    """

    def once(found: Counter) -> None:
        dataclasses.replace(model, name=f"{name} {found['saves']}").save(target, force=True)
        found["saves"] += 1

    _until(end, ready, results, once)


def load(target: Path, ready: Any, end: Any, results: Any) -> None:
    """Load the model again and again, and look at the files of the user's.

    Args:
        target: the folder.
        ready, end, results: a barrier, an event and a queue.
    """
    names = [""]

    def once(found: Counter) -> None:
        names.append(load_model(target).name)
        found["loads"] += 1
        found["changes"] += names[-1] != names.pop(0)
        check_others(target)

    _until(end, ready, results, once)


def report(*, seconds: float) -> str:
    """The line of this part.

    Args:
        seconds: so long.

    Raises:
        AssertionError: see `together`.
    """
    model = small_model()
    with tempfile.TemporaryDirectory() as folder:
        found = together(Path(folder), model, seconds=seconds)
    return (
        f"savers and readers: {found['saves']} saves by {SAVERS} processes beside {found['loads']} loads by "
        f"{READERS}, which saw {found['changes']} changes; 0 failures; {seconds:.0f} s"
    )


def _until(end: Any, ready: Any, results: Any, once: Callable[[Counter], None]) -> None:
    """Once for the start, and then again and again, with all others."""
    found: Counter = Counter()
    _counted(once, found)
    ready.wait(120)
    while not end.is_set():
        _counted(once, found)
    results.put(found)


def _counted(once: Callable[[Counter], None], found: Counter) -> None:
    try:
        once(found)
    # Any error is a fault, and counted.
    except Exception as error:
        found[f"fault: {type(error).__name__}: {error}"] += 1
