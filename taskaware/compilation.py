"""Compiled programs are kept on disk between processes, for compiling costs more than running."""

import functools
import os
from pathlib import Path


def cache_folder() -> Path:
    """Where taskaware keeps what it can make again: $TASKAWARE_CACHE, else ~/.cache/taskaware."""
    return Path(os.environ.get("TASKAWARE_CACHE") or Path.home() / ".cache" / "taskaware").expanduser()


@functools.cache
def keep_compiled() -> None:
    """Turn on JAX's persistent compilation cache, unless the user has set one or $TASKAWARE_COMPILED is 0."""
    import jax

    if jax.config.jax_compilation_cache_dir or os.environ.get("TASKAWARE_COMPILED") == "0":
        return
    folder = cache_folder() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
