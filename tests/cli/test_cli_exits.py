"""How commands end: codes, one line, no traceback."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import taskaware
from taskaware.errors import CheckpointError, EngineError, StoreError, TaskawareError, UserError

CHECKOUT = Path(__file__).resolve().parents[2]

ENDINGS = [
    (UserError("No\n  such thing."), 2, "error: No such thing.\n"),
    (UserError("Give target=..., or pass force=True."), 2, "error: Give --target NAME, or give --force.\n"),
    (CheckpointError("It is damaged."), 3, "error: It is damaged.\n"),
    (StoreError("It is locked."), 3, "error: It is locked.\n"),
    (EngineError("It turned NaN."), 4, "error: It turned NaN.\n"),
    (TaskawareError("Else."), 4, "error: Else.\n"),
    (KeyboardInterrupt(), 130, "error: Stopped by Ctrl-C.\n"),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
    (PermissionError(errno.EACCES, "Permission denied", "a.csv"), 5, "'a.csv': Permission denied.\n"),
    (OSError(errno.ENOSPC, "No space left on device", "a.csv"), 5, "error: The disk is full; "),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), 5, "error: The disk is full; "),
    (shutil.Error([("a", "b", f"[Errno 28] {os.strerror(errno.ENOSPC)}")]), 5, "error: The disk is full; "),
]


@pytest.mark.parametrize(("error", "code", "line"), ENDINGS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_every_error_has_its_code_and_line(command, monkeypatch, error, code, line, as_json):
    def fail(*args, **settings):
        raise error

    monkeypatch.setattr(taskaware, "make_task", fail)
    found, out, err = command("recommend", "wine", *["--json"] * as_json)
    assert (found, out) == (code, "")
    if as_json and err:
        told = json.loads(err)
        assert told["code"] == code
        err = f"error: {told['error']}\n"
    assert line in err if line else err == ""
    assert err.count("\n") <= 1


def test_ctrl_c_during_the_search(command, monkeypatch):
    def stop(*args, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(taskaware, "recommend", stop)
    assert command("recommend", "wine") == (130, "", "error: Stopped by Ctrl-C.\n")


def test_an_error_of_our_own_keeps_its_traceback(command, monkeypatch):
    monkeypatch.setattr(taskaware, "make_task", lambda *args, **settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command("recommend", "wine")


def run_process(*words, script: str | None = None, **settings) -> subprocess.CompletedProcess:
    start = ["-c", script] if script else ["-m", "taskaware"]
    return subprocess.run(
        [sys.executable, *start, *words], cwd=CHECKOUT, text=True, timeout=120, check=False, **settings
    )


def test_help_and_refusals_import_nothing_heavy():
    script = (
        "import sys; from taskaware.cli import main; "
        "codes = main(['--help']), main(['recommend', 'iris', '--taget', 'y']); "
        "heavy = {'jax', 'pandas', 'numpy', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'{codes} {heavy}')"
    )
    done = run_process(script=script, capture_output=True)
    assert done.stderr.splitlines()[-1] == "(0, 2) set()"


def test_features_and_manifests_do_without_jax(table):
    script = (
        "import sys; from taskaware.cli import main; "
        f"codes = main(['features', {str(table)!r}, '--target', 'species']), main(['tasks', '--manifests']); "
        "sys.exit(f'{codes} {\"jax\" in sys.modules}')"
    )
    assert run_process(script=script, capture_output=True).stderr.splitlines()[-1] == "(0, 0) False"


def test_a_closed_pipe_is_silent():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_process("tasks", "--manifests", stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_said_in_one_line():
    with open("/dev/full", "w") as full:
        done = run_process("tasks", "--manifests", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 5
    assert done.stderr.startswith("error: The disk is full; ")
    assert done.stderr.count("\n") == 1


def test_labels_leave_in_utf8_whatever_the_locale(tmp_path):
    script = (
        "import sys, taskaware.cli.tasks as tasks; from taskaware.cli import main; "
        "tasks._print_manifests = lambda as_json: print('größe →'); sys.exit(main(['tasks', '--manifests']))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = run_process(script=script, capture_output=True, env=environment, encoding="utf-8")
    assert (done.returncode, done.stdout) == (0, "größe →\n")
