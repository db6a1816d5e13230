"""What is built for others to install is whole, and names one version."""

import re
import shutil
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import taskaware
from benchmarks.dist import ROOT, build, locked

PACKED = (
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "SECURITY.md",
)


def hollow(source, target):
    """Copies a file without its content where that is only large."""
    if Path(source).suffix == ".npz":
        Path(target).touch()
    else:
        shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Names in the package, in the sdist and in the wheel; the metadata of the wheel; names of both files."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    hidden = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(ROOT / "taskaware", source / "taskaware", ignore=hidden, copy_function=hollow)
    (source / "tests").mkdir()
    for name in (*PACKED, "tests/test_dist.py"):
        shutil.copyfile(ROOT / name, source / name)
    package = (path for path in (source / "taskaware").rglob("*") if path.is_file())
    wanted = {path.relative_to(source).as_posix() for path in package}
    sdist, wheel = build(source, folder / "out")
    with tarfile.open(sdist) as packed:
        files = {member.name.partition("/")[2] for member in packed.getmembers() if member.isfile()}
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        (about,) = (name for name in names if name.endswith("/METADATA"))
        return wanted, files, names, packed.read(about).decode(), sdist.name, wheel.name


def test_both_hold_every_file_of_the_package_and_no_other(made):
    wanted, files, names, *_ = made
    assert {"taskaware/shipped/evaluator.npz", "taskaware/data/data_manifests/iris.toml"} <= wanted
    assert {name for name in names if ".dist-info/" not in name} == wanted
    beside = {name for name in files - wanted if ".egg-info/" not in name}
    assert beside == {*PACKED, "PKG-INFO", "setup.cfg"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_every_place_names_one_version(made):
    *_, about, sdist, wheel = made
    version = taskaware.__version__
    assert f"\nVersion: {version}\n" in about and "\nRequires-Python: >=3.11\n" in about
    assert (sdist, wheel) == (f"taskaware-{version}.tar.gz", f"taskaware-{version}-py3-none-any.whl")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert newest and newest[1] == version


def test_locked_versions_are_constraints_for_pip():
    lock = 'a==1.0 \\\n    --hash=sha256:00\nb-c==2 ; sys_platform == "win32" \\\n    --hash=sha256:01\n'
    assert locked(lock) == 'a==1.0\nb-c==2 ; sys_platform == "win32"\n'
