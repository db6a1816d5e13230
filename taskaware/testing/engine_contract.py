"""What every engine must do, as checks; a check takes a function from (time_limit, retries) to settings.

    @pytest.mark.parametrize("check", engine_contract.CHECKS)
    def test_contract(check, settings):
        check(settings)

`work` is what the jobs do; a worker imports it from here.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from taskaware.runner import Job, Outcome, RunnerSettings, run

Settings = Callable[..., RunnerSettings]


class Resource:
    """A number that notes in a folder how often it was unpacked."""

    def __init__(self, number: float, folder: str):
        self.number, self.folder = number, folder

    def __setstate__(self, state: Mapping) -> None:
        self.__dict__.update(state)
        Path(self.folder, f"{self.number:g}-{os.getpid()}-{time.monotonic_ns()}").touch()


class Unreadable:
    """Can be sent, and cannot be read."""

    def __reduce__(self) -> tuple:
        return sys.exit, ("on the other side",)


def work(resource: Resource | float | None, spec: tuple) -> object:
    """Do what the spec says: (verb, argument)."""
    verb, argument = spec
    if verb == "add":
        return argument + (resource.number if isinstance(resource, Resource) else resource or 0)
    if verb == "array":
        return np.arange(argument)
    if verb == "fail":
        raise ValueError(f"no {argument}")
    if verb == "fail once" and not os.path.exists(argument):
        Path(argument).touch()
        raise ValueError("the first time")
    if verb == "die" or (verb == "die once" and not os.path.exists(argument)):
        Path(argument).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "sleep":
        time.sleep(argument)
    if verb == "exit":
        raise SystemExit(argument)
    if verb == "swallow":
        with contextlib.suppress(Exception):
            time.sleep(argument)
        time.sleep(argument)
    if verb == "unreadable":
        return Unreadable()
    if verb == "memory" and len(argument) > 2:
        raise MemoryError(f"{len(argument)} are too many")
    if verb == "print":
        print(argument, flush=True)
    if verb == "no pickle":
        return threading.Lock()
    return argument


def job(verb: str, argument: object, needs: str = "") -> Job:
    """A job of the contract; verb and argument are its id.

    Args:
        verb, argument: what the job does.
        needs: name of the resource that it works on; "" for none.
    """
    return Job(id=f"{verb} {argument}", spec=(verb, argument), label=f"{verb} {argument}", needs=needs)


def halve(tried: Job) -> tuple[Job, ...]:
    """A job on a list as two jobs on its halves."""
    verb, items = tried.spec
    middle = len(items) // 2
    return (job(verb, items[:middle]), job(verb, items[middle:])) if len(items) > 1 else ()


def results_come_back(settings: Settings) -> None:
    ended = _ended([job("add", number) for number in range(20)], settings())
    assert {name: outcome.result for name, outcome in ended.items()} == {f"add {n}": n for n in range(20)}
    assert all(o.error is None and o.attempts == 1 and o.seconds >= 0 for o in ended.values())
    array = _ended([job("array", 100_000)], settings())["array 100000"].result
    np.testing.assert_array_equal(array, np.arange(100_000), strict=True)


def no_jobs_no_outcomes(settings: Settings) -> None:
    assert _ended([], settings()) == {}


def jobs_are_taken_as_places_become_free(settings: Settings) -> None:
    taken = []

    def jobs() -> Iterator[Job]:
        for number in range(50):
            taken.append(number)
            yield job("add", number)

    outcomes = run(jobs(), work, settings())
    next(outcomes)
    assert len(taken) <= 4
    outcomes.close()
    assert len(taken) <= 4


def a_failure_is_an_outcome(settings: Settings) -> None:
    ended = _ended([job("add", 1), job("fail", "luck"), job("add", 2)], settings(retries=2))
    failed = ended.pop("fail luck")
    assert (failed.result, failed.error, failed.attempts) == (None, "ValueError: no luck", 3)
    assert [outcome.result for outcome in ended.values()] == [1, 2]


def what_goes_well_the_second_time_is_well(settings: Settings, folder: Path) -> None:
    ended = _ended([job("fail once", str(folder / "mark"))], settings(retries=1))
    (outcome,) = ended.values()
    assert (outcome.error, outcome.attempts) == (None, 2)


def too_little_memory_halves(settings: Settings) -> None:
    outcomes = list(run([job("memory", [1, 2, 3, 4, 5])], work, settings(retries=0), halve=halve))
    assert sorted(number for outcome in outcomes for number in outcome.result) == [1, 2, 3, 4, 5]
    assert len(outcomes) == 3
    (failed,) = run([job("memory", [1, 2, 3])], work, settings(retries=0))
    assert "3 are too many" in str(failed.error)


def too_long_is_a_failure(settings: Settings) -> None:
    began = time.monotonic()
    ended = _ended([job("sleep", 60), job("add", 1)], settings(time_limit=2.0, retries=0))
    assert ended["sleep 60"].error == "Not done after 2 s."
    assert ended["add 1"].result == 1
    assert time.monotonic() - began < 50


def one_that_swallows_the_end_of_its_time_ends(settings: Settings) -> None:
    began = time.monotonic()
    ended = _ended([job("swallow", 60)], settings(time_limit=2.0, retries=0))
    assert ended["swallow 60"].error == "Not done after 2 s."
    assert time.monotonic() - began < 50


def a_job_that_exits_is_a_failure(settings: Settings) -> None:
    ended = _ended([job("exit", 3), job("add", 1)], settings(retries=0))
    assert "SystemExit" in str(ended["exit 3"].error) and ended["add 1"].result == 1


def resources_travel_once_to_each_worker(settings: Settings, folder: Path) -> None:
    resources = {"ten": Resource(10, str(folder)), "twenty": Resource(20, str(folder))}
    jobs = [job("add", n, needs=("ten", "twenty")[n % 2]) for n in range(30)]
    ended = {o.job.id: o.result for o in run(jobs, work, settings(), resources=resources)}
    assert ended == {f"add {n}": n + (10, 20)[n % 2] for n in range(30)}
    unpacked = [name.rpartition("-")[0] for name in os.listdir(folder)]
    assert len(unpacked) == len(set(unpacked))


def what_jobs_print_does_no_harm(settings: Settings) -> None:
    assert _ended([job("print", "x" * 10_000)], settings())[f"print {'x' * 10_000}"].error is None


def a_dead_worker_is_replaced(settings: Settings, folder: Path) -> None:
    """For engines that are `isolated`."""
    jobs = [job("die", str(folder / "always")), job("die once", str(folder / "once"))]
    ended = _ended([*jobs, *(job("add", n) for n in range(6))], settings(retries=1))
    always, once = ended[jobs[0].id], ended[jobs[1].id]
    assert "died" in str(always.error) and always.attempts == 2
    assert once.error is None and once.attempts == 2
    assert [ended[f"add {n}"].result for n in range(6)] == list(range(6))


def a_result_that_cannot_travel_is_a_failure(settings: Settings) -> None:
    """For engines that are `isolated`."""
    ended = _ended([job("no pickle", 1), job("add", 1)], settings(retries=0))
    assert ended["no pickle 1"].error and ended["add 1"].result == 1


def a_result_that_cannot_be_read_is_a_failure(settings: Settings) -> None:
    """For engines that are `isolated`."""
    ended = _ended([job("unreadable", 1), job("add", 1)], settings(retries=0))
    assert ended["unreadable 1"].error and ended["add 1"].result == 1


def _ended(jobs: list[Job], settings: RunnerSettings) -> dict[str, Outcome]:
    """The outcomes by job; AssertionError where one ended twice."""
    outcomes = list(run(jobs, work, settings))
    ended = {outcome.job.id: outcome for outcome in outcomes}
    assert len(outcomes) == len(ended) == len(jobs)
    return {each.id: ended[each.id] for each in jobs}


CHECKS = (
    results_come_back,
    no_jobs_no_outcomes,
    jobs_are_taken_as_places_become_free,
    a_failure_is_an_outcome,
    too_little_memory_halves,
    too_long_is_a_failure,
    one_that_swallows_the_end_of_its_time_ends,
    a_job_that_exits_is_a_failure,
    what_jobs_print_does_no_harm,
)

FOLDER_CHECKS = (what_goes_well_the_second_time_is_well, resources_travel_once_to_each_worker)
"""Checks that want an empty folder as well."""

ISOLATED_CHECKS = (a_result_that_cannot_travel_is_a_failure, a_result_that_cannot_be_read_is_a_failure)
ISOLATED_FOLDER_CHECKS = (a_dead_worker_is_replaced,)
"""Checks of engines whose jobs run in processes of their own."""
