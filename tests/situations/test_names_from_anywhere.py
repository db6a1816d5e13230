"""Names of files, columns and labels that hold dollar signs, control characters, or bytes of no encoding."""

import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import taskaware
from taskaware.cli import main
from taskaware.cli.output import Terminal, aligned, for_people
from taskaware.errors import StoreError, UserError, quoted, unknown
from taskaware.files import expanded
from taskaware.recommendation.loading import load_recommendation
from taskaware.recommendation.recommend import recommend
from taskaware.store import Store

NAMES = [
    "a $x_{$ and $y$",
    "red\x1b[31m\x07",
    "line\nbreak\rover",
    os.fsdecode(b"caf\xe9\xff"),
    "\u202eevil",
    "x" * 20_000,
]


@pytest.fixture(scope="module")
def found():
    return recommend("iris")


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_drawn_and_explained(name, found, tmp_path):
    named = dataclasses.replace(found, task=dataclasses.replace(found.task, name=name, target_name=name))
    figure = named.plot()
    for ending in ("png", "svg"):
        figure.savefig(io.BytesIO(), format=ending, dpi=40)
    text = named.explain()
    assert len(text.splitlines()) == len(found.explain().splitlines())
    assert all(mark.isprintable() or mark == "\n" for mark in text)
    text.encode()
    named.to_json(tmp_path / "rec.json")
    assert load_recommendation(tmp_path / "rec.json").task.name == name.encode("utf-8", "replace").decode()
    compile(named.source(), "network.py", "exec")


def test_a_file_with_bytes_of_no_encoding_in_its_name_is_read_and_drawn(tmp_path, monkeypatch):
    frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9 $a$ $.csv")
    with open(path, "wb") as file:
        file.write(frame.to_csv(index=False).encode())
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        # As Python reads the words of a command.
        code = main(["recommend", os.fsdecode(path), "--target", "y", "--plot", str(tmp_path / "net.png")])
    out.flush()
    assert code == 0 and "architecture" in out.buffer.getvalue().decode("utf-8")
    assert (tmp_path / "net.png").stat().st_size > 1000


def test_a_terminal_is_not_steered_and_a_pipe_gets_what_is_there():
    class Screen(io.StringIO):
        def isatty(self):
            return True

    screen, pipe = Screen(), io.StringIO()
    for stream in (screen, pipe):
        print("a\x1b[2J\tb", file=for_people(stream))
    assert screen.getvalue() == "a\\x1b[2J\tb\n" and pipe.getvalue() == "a\x1b[2J\tb\n"
    assert Terminal(screen).isatty()
    assert aligned(["name"], [["a\nb"]]).count("\n") == 1


@pytest.mark.parametrize("close", ["stdout", "stderr", "both"])
def test_a_closed_output_ends_quietly(close):
    code = "import os, sys\nfor number in map(int, sys.argv[1:]): os.close(number)\n"
    code += "os.execv(sys.executable, [sys.executable, '-m', 'taskaware', 'tasks', '--manifests'])"
    numbers = {"stdout": ["1"], "stderr": ["2"], "both": ["1", "2"]}[close]
    environment = os.environ | {"PYTHONPATH": str(Path(taskaware.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code, *numbers], env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_message_does_not_print_a_long_value():
    cell = "1" * 200_000
    assert len(str(unknown("option", cell, ["seed"]))) < 300
    assert len(quoted([cell] * 1000)) < 300 and len(quoted({"a": cell})) < 300
    assert quoted(10**5000).startswith("a int of")


@pytest.mark.parametrize("path", ["~nobody-of-this-name/a.db", "~\0/a.db"])
def test_a_home_that_is_not_known_is_refused(path):
    with pytest.raises((UserError, ValueError), match="home folder|null"):
        expanded(path)
    if "\0" not in path:
        with pytest.raises(UserError, match="Write the path in full"):
            Store.open(path)


@pytest.mark.parametrize("seed", [-1, 2**32, 10**400, 1.5, "one", None, True])
def test_a_seed_out_of_range_is_refused_by_name(seed, found, unchecked):
    from taskaware import TaskAwareClassifier
    from taskaware.surrogates import fit_evaluator

    frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    calls = [lambda: recommend("iris", seed=seed), lambda: fit_evaluator(found.space, None, seed=seed)]
    if seed is not None:
        calls.append(lambda: found.fit("iris", seed=seed))
    if isinstance(seed, int) and not isinstance(seed, bool):
        calls.append(lambda: TaskAwareClassifier(random_state=seed).fit(frame[["x"]], frame["y"]))
    for call in calls:
        with pytest.raises(UserError, match="is no seed. Give a whole number from 0 to 4294967295"):
            call()


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".csv", "a\0b", "a\0b.csv", "{\n}" * 2000])
@pytest.mark.parametrize(
    "read",
    [load_recommendation, taskaware.load_model, taskaware.load_evaluator, taskaware.make_task, Store.open],
)
def test_a_name_that_no_file_can_have(read, name):
    """The text of a file was given where its path belongs, for instance."""
    with pytest.raises((UserError, StoreError)) as caught:
        read(name)
    message = str(caught.value)
    assert len(message) < 700 and "\0" not in message and "\n" not in message
