"""A user id without a home folder, as in many containers: every command works, without the cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import taskaware

AS_NOBODY = "setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps +dac_read_search"
AS_NOBODY += " --ambient-caps +dac_read_search"


def prefixes():
    """As an id that the system does not know, where that may be done here; and with a home that is none."""
    found = [("home that is none", [], {"HOME": "/proc/none"})]
    trial = [*AS_NOBODY.split(), "true"]
    if shutil.which("setpriv") and subprocess.run(trial, capture_output=True).returncode == 0:
        found.append(("unknown id", AS_NOBODY.split(), {}))
    return found


COMMANDS = """
import sys
from taskaware.cli import main
sys.exit(main(["tasks"]) or main(["recommend", "iris", "--out", "rec.json", "--plot", "net.png"]))
"""


@pytest.mark.parametrize(("prefix", "home"), [pytest.param(*rest, id=name) for name, *rest in prefixes()])
def test_commands_work(prefix, home, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    tmp_path.chmod(0o777)
    # Nothing is kept, so every program is compiled anew: in haste, as in all tests.
    hasty = {name: value for name, value in os.environ.items() if name.startswith(("JAX_", "XLA_"))}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(taskaware.__file__).parent.parent)}
    command = [*prefix, sys.executable, "-c", COMMANDS]
    environment |= hasty | home
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "iris" in done.stdout and (tmp_path / "rec.json").exists() and (tmp_path / "net.png").exists()
