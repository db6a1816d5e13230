"""Compiled programs stay on disk between processes, because compiling costs more than running."""

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

from taskaware.programs_on_disk import keep_sealed

SETTING = "jax_compilation_cache_dir"
"""JAX's own name of the folder; its settings become attributes when it is imported."""


def cache_folder() -> Path:
    """Where taskaware puts what it can make again; it may not exist yet.

    $TASKAWARE_CACHE, else the system's place for caches (~/.cache/taskaware on Linux). Where there is no home
    folder, or nothing can be written there, a folder that goes with this process.
    """
    chosen = _chosen()
    return chosen if chosen is not None and _usable(chosen) else _temporary()


@functools.cache
def keep_compiled() -> None:
    """Turn on JAX's persistent compilation cache.

    Not where the user has set one, where $TASKAWARE_COMPILED is 0, or where no folder lasts.
    """
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
