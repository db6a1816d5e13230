"""A user collects experience in a checkout of taskaware: git does not offer the stores for a commit."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("name", ["experience.sqlite", "experience.sqlite-wal", "runs/a/config.json"])
def test_stores_are_ignored(name):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    done = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT)
    assert done.returncode == 0
