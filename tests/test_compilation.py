"""Where compiled programs are kept, and when they are not."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from taskaware import compilation
from taskaware.compilation import _turn_on, cache_folder, keep_compiled

OPTIONS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A folder for the cache, JAX's own setting cleared; put back afterwards."""
    before = {name: getattr(jax.config, name) for name in OPTIONS}
    monkeypatch.setenv("TASKAWARE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TASKAWARE_COMPILED", raising=False)
    jax.config.update("jax_compilation_cache_dir", None)
    yield tmp_path / "cache"
    for name, value in before.items():
        jax.config.update(name, value)


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TASKAWARE_CACHE", "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"
    monkeypatch.delenv("TASKAWARE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if sys.platform.startswith("linux"):
        assert cache_folder() == Path.home() / ".cache" / "taskaware"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cache_folder() == tmp_path / "xdg" / "taskaware"
        assert not (tmp_path / "xdg").exists()


@pytest.mark.parametrize("own", ["~/elsewhere", None])
def test_without_a_home_folder_nothing_is_kept(monkeypatch, tmp_path, own):
    # As for a user without an entry in the system's list and without $HOME.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("TASKAWARE_CACHE", raising=False)
    if own:
        monkeypatch.setenv("TASKAWARE_CACHE", own)
    monkeypatch.chdir(tmp_path)
    folder = cache_folder()
    assert folder.is_dir() and folder.name.startswith("taskaware-")
    assert cache_folder() == folder
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("TASKAWARE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cache_folder().name.startswith("taskaware-")


def test_the_temporary_folder_goes_with_the_process(tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    code = "from taskaware.compilation import cache_folder; print(cache_folder().is_dir(), cache_folder())"
    environment = os.environ | {"TASKAWARE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True, check=True
    )
    was_there, path = done.stdout.split()
    assert was_there == "True" and not Path(path).exists()


def test_programs_are_kept(cache):
    _turn_on.__wrapped__()
    assert jax.config.jax_compilation_cache_dir == str(cache / "programs")
    assert (cache / "programs").is_dir()


def test_the_users_own_cache_is_left_alone(cache, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    _turn_on.__wrapped__()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path)
    assert not cache.exists()


def test_it_can_be_turned_off(cache, monkeypatch):
    monkeypatch.setenv("TASKAWARE_COMPILED", "0")
    _turn_on.__wrapped__()
    assert not jax.config.jax_compilation_cache_dir
    assert not cache.exists()


def test_a_folder_that_cannot_be_made_is_no_error(cache):
    cache.write_text("a file is in the way")
    _turn_on.__wrapped__()
    assert not jax.config.jax_compilation_cache_dir


COMPILING = """
import sys
from taskaware.compilation import keep_compiled
keep_compiled()
import jax, jax.numpy as jnp
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
one = jax.jit(lambda x: jnp.sin(x) + 1)(jnp.zeros(3))
two = jax.jit(lambda x, y: jnp.cos(x @ y))(jnp.zeros((2, 2)), jnp.zeros((2, 2)))
print(one.tolist(), two.tolist())
"""


def test_entries_that_are_swapped_or_damaged_are_compiled_anew(tmp_path):
    environment = os.environ | {"TASKAWARE_CACHE": str(tmp_path), "PYTHONWARNINGS": "error::UserWarning"}

    def compiled():
        done = subprocess.run(
            [sys.executable, "-c", COMPILING], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, {path: path.read_bytes() for path in (tmp_path / "programs").glob("*-cache")}

    first, entries = compiled()
    assert len(entries) >= 2
    (one, *_), (two, *_) = entries, reversed(entries)
    one.write_bytes(entries[two])
    two.write_bytes(entries[one][:-3])
    again, mended = compiled()
    assert again == first
    assert mended.keys() == entries.keys() and mended[one] != entries[two]
    unchanged = one.stat().st_mtime_ns
    assert compiled()[0] == first and one.stat().st_mtime_ns == unchanged


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux limits and lists memory maps")
def test_a_process_with_too_many_memory_maps_lets_go_of_its_programs(monkeypatch):
    cleared = []
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append(1))
    monkeypatch.setattr(compilation, "_counted", -1e9)
    keep_compiled()
    assert not cleared
    monkeypatch.setattr(compilation, "MOST_MAPS", 10)
    keep_compiled()
    assert not cleared  # counted a moment ago
    monkeypatch.setattr(compilation, "_counted", -1e9)
    keep_compiled()
    assert cleared == [1]
