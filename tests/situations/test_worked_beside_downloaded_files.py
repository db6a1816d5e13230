"""A user works in a folder with files of others; some have names of modules. None of them is executed."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import taskaware

PLANTED = ("numpy", "pandas", "jax", "difflib", "json", "argparse", "taskaware")
CODE = "import os; open({marker!r}, 'a').write(__name__ + ' ')\n"

JOBS = """
import sys
from taskaware.runner import Job, RunnerSettings, run
from taskaware.testing.engine_contract import work

if __name__ == "__main__":
    settings = RunnerSettings(engine=sys.argv[1], workers=1)
    jobs = [Job(f"{number:016x}", ("square", number)) for number in range(2)]
    print([outcome.error or "ok" for outcome in run(jobs, work, settings)])
"""


@pytest.fixture
def downloads(tmp_path):
    """The folder, and the file that a planted module would write."""
    folder, marker = tmp_path / "downloads", tmp_path / "marker"
    folder.mkdir()
    for name in PLANTED:
        (folder / f"{name}.py").write_text(CODE.format(marker=str(marker)))
    (folder / "table.csv").write_text("a,b\n1,2\n")
    return folder, marker


def started(words, folder):
    """The process, in the folder, with this taskaware."""
    environment = os.environ | {"PYTHONPATH": str(Path(taskaware.__file__).parent.parent)}
    environment.pop("PYTHONSAFEPATH", None)
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("words", [["--version"], ["features", "iris"], ["nonsense"]])
@pytest.mark.parametrize("way", ["module", "script"])
def test_the_command_line_runs_none_of_them(way, words, downloads):
    folder, marker = downloads
    if way == "module":
        # The planted taskaware would shadow the one that is meant, before a line of ours runs.
        (folder / "taskaware.py").unlink()
        done = started([sys.executable, "-m", "taskaware", *words], folder)
    else:
        script = Path(sysconfig.get_path("scripts")) / "taskaware"
        if not script.exists():
            pytest.skip("taskaware is not installed as a command here")
        done = started([sys.executable, script, *words], folder)
    assert done.returncode in (0, 2), done.stderr
    assert not marker.exists(), marker.read_text()


@pytest.mark.parametrize("engine", ["serial", "processes", "ray"])
def test_workers_run_none_of_them(engine, downloads, tmp_path):
    if engine == "ray" and importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    folder, marker = downloads
    script = tmp_path / "study.py"
    script.write_text(JOBS)
    done = started([sys.executable, script, engine], folder)
    assert done.stdout.splitlines()[-1:] == ["['ok', 'ok']"], done.stderr
    assert not marker.exists(), marker.read_text()
