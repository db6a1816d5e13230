"""The site of `make docs`: every page and every public name has its place. Nothing is built here."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

import taskaware

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "site"
ROOMS = ("objectives", "optimizers", "spaces", "strategies")
ENTRY = re.compile(r"^   (?:[^<\n]+<)?([\w./*-]+)>?$", re.MULTILINE)
NAMED = re.compile(r"^\.\. (?:auto\w+|data):: ([\w.]+)$", re.MULTILINE)


def listed() -> set[str]:
    """The pages in the tables of contents, by their place in the repository, without an ending."""
    found = set()
    for page in SITE.rglob("*.rst"):
        for part in page.read_text(encoding="utf-8").split(".. toctree::")[1:]:
            for entry in ENTRY.findall(re.split(r"^\S", part, maxsplit=1, flags=re.MULTILINE)[0]):
                folder = ROOT if entry.startswith("/") else page.parent
                found |= {named(place) for place in folder.glob(f"{entry.lstrip('/')}.*")}
    return found


def named(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


def test_the_tables_of_contents_name_every_page():
    pages = [*(ROOT / "docs").rglob("*.md"), *SITE.rglob("*.rst"), *(ROOT / "notebooks").glob("*.ipynb")]
    pages += [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    pages += (ROOT / "experiments").rglob("README.md")
    assert listed() == {named(page) for page in pages} - {"docs/site/index"}


def reference(page: Path) -> set[str]:
    """The names that a page of the reference describes, with their modules."""
    found, module = set(), ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.removeprefix(".. currentmodule:: ")
        if match := NAMED.fullmatch(line):
            name = match[1]
            found.add(name if name.startswith("taskaware.") else f"{module}.{name}")
    return found


def test_the_reference_has_every_public_name():
    found = set().union(*(reference(page) for page in (SITE / "api").glob("*.rst")))
    assert found >= {f"taskaware.{name}" for name in taskaware.__all__ if name not in ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_the_page_of_a_room_has_its_names(room):
    page = SITE / "api" / f"{room}.rst"
    before = f"taskaware.{room}."
    own = {name.removeprefix(before) for name in reference(page) if name.startswith(before)}
    public = set(importlib.import_module(f"taskaware.{room}").__all__)
    elsewhere = set(re.findall(r"`(?:taskaware\.)?(\w+)`", page.read_text(encoding="utf-8")))
    assert own <= public <= own | elsewhere


def pins(name: str) -> set[tuple[str, str]]:
    """Name and version of everything in a lock file."""
    return set(
        re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_the_lock_of_the_site_changes_no_version_of_the_other():
    ours, more = pins("requirements.lock"), pins("requirements-docs.lock")
    names = {name for name, _ in ours}
    assert {pin for pin in more if pin[0] in names} <= ours


def test_the_lock_of_the_site_has_what_the_site_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w-]+", need)[0] for need in project["optional-dependencies"]["docs"]}
    assert wanted <= {name for name, _ in pins("requirements-docs.lock")}
