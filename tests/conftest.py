"""Fixtures shared by all tests."""

import csv
import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine fails no example for its time.
settings.register_profile("taskaware", deadline=None)
settings.load_profile("taskaware")

CHECKOUT = Path(__file__).resolve().parent.parent
STRICT_ROOMS = ("children", "spaces", "strategies", "training")

LONG_TRAININGS = (
    "test_evaluator_fit",
    "test_joint",
    "test_models",
    "test_notebooks",
)
"""Modules that train models to their end."""


def _real_folder() -> Path:
    folder = Path(os.environ.get("TASKAWARE_DATA") or CHECKOUT.parent / "shared" / "data")
    if not (folder / "index.csv").is_file():
        pytest.skip("needs the real datasets: set TASKAWARE_DATA to a folder with an index.csv")
    return folder


@pytest.fixture(scope="session")
def index() -> dict[str, dict[str, str]]:
    """The real tasks: name → its row of index.csv."""
    with (_real_folder() / "index.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def real_data(index):
    """Name of a real task → path of its Parquet file."""

    def path(name: str) -> Path:
        return _real_folder() / index[name]["file"]

    return path


@pytest.fixture(autouse=True, scope="session")
def few_collections():
    """Garbage is looked for less often: compiling makes millions of objects that stay."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Ctrl-C works, also where a shell started the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def shared_programs():
    """Compiled programs are kept on disk, so that the processes of a run share them."""
    from taskaware.compilation import keep_compiled

    keep_compiled()


@pytest.fixture(autouse=True, scope="module")
def compiled_in_haste(request):
    """Programs that run for a moment only are compiled without optimizations, in half the time."""
    import jax

    hasty = request.path.stem not in LONG_TRAININGS
    jax.config.update("jax_disable_most_optimizations", hasty)
    # For the processes that tests start: the same programs give the same bits.
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(int(hasty))


@pytest.fixture(autouse=True, scope="module")
def strict_jax(request):
    """In the rooms of arrays, shapes that only fit by silently added axes are errors."""
    if request.path.parent.name not in STRICT_ROOMS:
        yield
        return
    import jax

    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(autouse=True, scope="module")
def few_programs():
    """Compiled programs are let go of when they hold many memory maps: a process may have 65,530 of them."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 15_000:
        import jax

        jax.clear_caches()


@pytest.fixture(scope="module")
def short():
    """Trainings have few steps of few rows."""
    from tests.trainings import shortened

    with shortened():
        yield


@pytest.fixture
def unchecked():
    """Annotations are not checked: for tests of what a function answers to a value that it does not take."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
