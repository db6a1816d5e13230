"""The three engines under one contract."""

import dataclasses

import pytest

from taskaware.runner import RunnerSettings
from taskaware.testing import engine_contract as contract

ENGINES = {
    "serial": RunnerSettings(),
    "processes": RunnerSettings(engine="processes", workers=2),
    "ray": RunnerSettings(engine="ray", workers=2),
}
EVERYWHERE = [
    *((name, check) for name in ENGINES for check in (*contract.CHECKS, *contract.FOLDER_CHECKS)),
    *(
        (name, check)
        for name in ("processes", "ray")
        for check in (*contract.ISOLATED_CHECKS, *contract.ISOLATED_FOLDER_CHECKS)
    ),
]


@pytest.fixture(scope="module")
def cluster():
    """One Ray on this machine for all tests of the module: beginning one takes seconds."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, address="local", log_to_driver=False, logging_level=40)
    yield
    ray.shutdown()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "check"), EVERYWHERE, ids=[f"{name}-{check.__name__}" for name, check in EVERYWHERE]
)
def test_contract(name, check, request, tmp_path):
    if name == "ray":
        request.getfixturevalue("cluster")

    def settings(**changes):
        return dataclasses.replace(ENGINES[name], **changes)

    wants_folder = check in (*contract.FOLDER_CHECKS, *contract.ISOLATED_FOLDER_CHECKS)
    check(settings, tmp_path) if wants_folder else check(settings)
