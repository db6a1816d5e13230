"""JAX in this process: compiled programs stay on disk, and a fork of a process that ran them is refused.

Compiling costs more than running. After `os.fork`, JAX's threads are missing in the child, where any program
would wait for them for ever.
"""

import atexit
import contextlib
import functools
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from taskaware.errors import EngineError
from taskaware.programs_on_disk import keep_sealed

SETTING = "jax_compilation_cache_dir"
"""JAX's own name of the folder; its settings become attributes when it is imported."""


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Number of threads that may compute at once: the cores, or fewer by $OMP_NUM_THREADS.

    Ray sets it to what a worker may use.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores(), max(1, int(asked))) if asked.isdecimal() else cores()


def cache_folder() -> Path:
    """Where taskaware puts what it can make again; it may not exist yet.

    $TASKAWARE_CACHE, else the system's place for caches (~/.cache/taskaware on Linux). Where there is no home
    folder, or nothing can be written there, a folder that goes with this process.
    """
    chosen = _chosen()
    return chosen if chosen is not None and _usable(chosen) else _temporary()


_ran = False
"""Whether a program of this package may have run in this process, or in the one that it was forked from."""

MOST_MAPS = 30_000
"""Memory maps that a process may hold before it lets go of its programs; Linux allows 65,530."""
SECONDS_BETWEEN_COUNTS = 10.0

_counted = 0.0
"""When the memory maps were last counted, by the monotonic clock."""

_forked = False
"""Whether this process was forked from one in which JAX had started."""


def keep_compiled() -> None:
    """Turn on JAX's persistent compilation cache; to be called before the first program of every task.

    Not where the user has set one, where $TASKAWARE_COMPILED is 0, or where no folder lasts. A process that
    has compiled very much lets go of its programs here; those on disk stay.

    Raises:
        EngineError: this process was forked from one in which JAX had started.
    """
    global _ran
    if _forked:
        raise EngineError(
            "This process was forked after JAX had started in its parent, and JAX would wait here for ever. "
            'Start it with "spawn": multiprocessing.get_context("spawn"). With gunicorn drop --preload, with '
            "Celery use --pool=solo or threads; load the model in the worker, and use none before in the "
            "parent."
        )
    _ran = True
    _turn_on()
    _let_go()


def _let_go() -> None:
    """Drop the compiled programs of this process when they hold too many memory maps."""
    global _counted
    if time.monotonic() < _counted + SECONDS_BETWEEN_COUNTS:
        return
    _counted = time.monotonic()
    with contextlib.suppress(OSError):  # only Linux has the file
        if Path("/proc/self/maps").read_bytes().count(b"\n") > MOST_MAPS:
            import jax

            jax.clear_caches()


def _after_fork() -> None:
    global _forked
    _forked = _forked or _jax_started()


def _jax_started() -> bool:
    """Whether JAX has started its threads, for this package or for others."""
    # JAX has no public name for it; where this one is gone, what this package has done must do.
    return bool(getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", _ran))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@functools.cache
def _turn_on() -> None:
    import jax

    if getattr(jax.config, SETTING) or os.environ.get("TASKAWARE_COMPILED") == "0":
        return
    chosen = _chosen()
    if chosen is None or not _usable(chosen):
        return
    folder = chosen / "programs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    keep_sealed(folder)
    jax.config.update(SETTING, str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _chosen() -> Path | None:
    """The folder by the environment and the system; None where there is no home folder."""
    own = os.environ.get("TASKAWARE_CACHE")
    try:
        if own:
            return Path(own).expanduser()
        import platformdirs

        found = platformdirs.user_cache_path("taskaware", appauthor=False)
    except RuntimeError:
        return None
    # Older releases of platformdirs leave the "~" where there is no home folder.
    return found if found.is_absolute() else None


def _usable(folder: Path) -> bool:
    """Whether the folder can be written to, or be made."""
    first = next((place for place in (folder, *folder.absolute().parents) if place.exists()), None)
    return first is not None and first.is_dir() and os.access(first, os.W_OK | os.X_OK)


@functools.cache
def _temporary() -> Path:
    folder = tempfile.mkdtemp(prefix="taskaware-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
