"""A small table, and one model trained on it from the command line, for all tests of this room."""

import contextlib
import io

import numpy as np
import pandas as pd
import pytest

from taskaware.cli import main
from tests.trainings import shortened


@pytest.fixture(scope="module", autouse=True)
def all_short(short):
    """All trainings of this room are short."""


@pytest.fixture(scope="session")
def flowers() -> pd.DataFrame:
    """48 rows of two numbers and a colour; the species follows from the first number."""
    rng = np.random.default_rng(0)
    species = np.repeat(["iris", "rose", "tulip"], 16)
    petal = np.repeat([1.0, 4.0, 7.0], 16) + rng.normal(0, 0.3, 48)
    colours = rng.choice(["red", "blue"], 48)
    return pd.DataFrame(
        {"petal": petal, "stem": rng.normal(20, 3, 48), "colour": colours, "species": species}
    )


@pytest.fixture(scope="session")
def table(flowers, tmp_path_factory):
    """The flowers as a CSV file."""
    path = tmp_path_factory.mktemp("cli") / "flowers.csv"
    flowers.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def trained(table, tmp_path_factory):
    """The folder that a `recommend` with every output has filled, and what it printed."""
    folder = tmp_path_factory.mktemp("trained")
    outputs = ["--out", folder / "rec.json", "--plot", folder / "net.svg", "--source", folder / "net.py"]
    words = [
        "recommend",
        table,
        "--target",
        "species",
        "--fit",
        "--members",
        2,
        "--save",
        folder / "model",
        *outputs,
    ]
    page = io.StringIO()
    with contextlib.redirect_stdout(page), shortened():
        code = main([str(word) for word in words])
    assert code == 0
    return folder, page.getvalue()


@pytest.fixture
def command(capsys):
    """Words → exit code, stdout, stderr."""

    def run(*words):
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(command):
    """Words that must be refused → the one line of the error, without its prefix."""

    def run(*words, code: int = 2):
        found, out, err = command(*words)
        assert (found, out) == (code, "")
        assert err.startswith("error: ") and err.count("\n") == 1 and err.endswith("\n")
        return err.removeprefix("error: ").rstrip("\n")

    return run


@pytest.fixture
def no_work(monkeypatch):
    """Fails the test where a dataset is read or a model is loaded."""
    import taskaware

    def work(*args, **settings):
        raise AssertionError("work was begun")

    for name in ("make_task", "recommend", "load_model"):
        monkeypatch.setattr(taskaware, name, work)
