"""Where compiled programs are kept, and when they are not."""

from pathlib import Path

import jax
import pytest

from taskaware.compilation import cache_folder, keep_compiled

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


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("TASKAWARE_CACHE", "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"
    monkeypatch.delenv("TASKAWARE_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "taskaware"


def test_programs_are_kept(cache):
    keep_compiled.__wrapped__()
    assert jax.config.jax_compilation_cache_dir == str(cache / "compiled")
    assert (cache / "compiled").is_dir()


def test_the_users_own_cache_is_left_alone(cache, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    keep_compiled.__wrapped__()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path)
    assert not cache.exists()


def test_it_can_be_turned_off(cache, monkeypatch):
    monkeypatch.setenv("TASKAWARE_COMPILED", "0")
    keep_compiled.__wrapped__()
    assert not jax.config.jax_compilation_cache_dir
    assert not cache.exists()


def test_a_folder_that_cannot_be_made_is_no_error(cache):
    cache.write_text("a file is in the way")
    keep_compiled.__wrapped__()
    assert not jax.config.jax_compilation_cache_dir
