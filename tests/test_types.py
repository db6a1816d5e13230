"""The type checker: what it checks, what editors see of lazy names, and that CONTRIBUTING counts right.

The check itself is `mypy`, a step of `make test`.
"""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import taskaware
from taskaware import store, strategies

PACKAGE = Path(taskaware.__file__).parent
ROOT = PACKAGE.parent
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]


def for_checkers(path: Path) -> dict[str, str]:
    """The names that a module imports under `if TYPE_CHECKING:`, and the modules that they come from."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for line in node.body:
                assert isinstance(line, ast.ImportFrom)
                found |= {alias.asname or alias.name: line.module for alias in line.names}
    return found


def programs() -> set[Path]:
    """What has to be checked: the package, and all that runs beside it except the tests."""
    folders = ("taskaware", "benchmarks", "experiments")
    return {ROOT / "conftest.py"}.union(*((ROOT / folder).rglob("*.py") for folder in folders))


def checked() -> set[Path]:
    """The files that `mypy` checks by the settings in pyproject.toml."""
    from mypy.main import process_options

    sources, options = process_options(["--config-file", str(ROOT / "pyproject.toml")])
    paths = {Path(source.path) for source in sources if source.path}
    modules = [f"{source.module}.py" for source in sources if not source.path]
    folders = [ROOT, *(ROOT / folder for folder in options.mypy_path)]
    paths |= {folder / module for module in modules for folder in folders}
    return {path for path in paths if path.is_file()}


def imported(path: Path) -> set[str]:
    """Names of the modules that a file imports; of packages, the first part."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def suppressions(text: str) -> int:
    return len(re.findall(r"#\s*type:\s*ignore|#\s*mypy:|@(typing\.)?no_type_check", text))


def test_type_checkers_see_the_lazy_names_of_the_package():
    rooms = dict.fromkeys(taskaware._ROOMS, "taskaware")
    assert for_checkers(PACKAGE / "__init__.py") == taskaware._HOMES | rooms


@pytest.mark.parametrize(
    ("room", "homes"),
    [(store, dict.fromkeys(store.LATER, "taskaware.store.sql")), (strategies, strategies.LATER)],
)
def test_type_checkers_see_the_lazy_names_of_a_room(room, homes):
    assert for_checkers(Path(room.__file__)) == homes


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "py.typed" in whole["tool"]["setuptools"]["package-data"]["taskaware"]


def test_a_user_script_gets_types(tmp_path):
    pytest.importorskip("mypy")
    names = [f"ta.{name}" for name in sorted(taskaware._HOMES)]
    names += [f"ta_store.{name}" for name in store.LATER]
    lines = ["import taskaware as ta", "import taskaware.store as ta_store"]
    lines += [
        f"reveal_type({name})" for name in (*names, 'ta.recommend("iris")', "ta.strategies.evolution()")
    ]
    script = tmp_path / "user_script.py"
    script.write_text("\n".join(lines), encoding="utf-8")
    # From the root, so that it reads the settings and the cache of the check before the tests.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert len(seen) == len(lines) - 2, done.stdout
    revealed = dict(zip(lines[2:], seen, strict=True))
    blind = {line: kind for line, kind in revealed.items() if kind in ("Any", "object", "builtins.object")}
    assert not blind
    assert "Recommendation" in revealed['reveal_type(ta.recommend("iris"))']


def test_benchmarks_and_experiments_are_checked_like_the_package(monkeypatch):
    pytest.importorskip("mypy")
    monkeypatch.chdir(ROOT)
    assert checked() == programs()


def test_the_check_finds_the_files_that_programs_import_by_their_bare_names():
    # A module that is not found counts as one of a package that is not installed: all of it is Any.
    for path in programs() - set(PACKAGE.rglob("*.py")):
        beside = {each.stem for folder in (path.parent, path.parent.parent) for each in folder.glob("*.py")}
        lost = imported(path) & beside - set(CONFIG["modules"])
        assert not lost, (path, lost)


def test_make_checks_what_the_settings_name():
    calls = re.findall(r"\$\(BIN\)/mypy([^>\n]*)>", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert [call.strip() for call in calls] == [""]


def test_no_error_is_turned_off():
    overrides = CONFIG["overrides"]
    off = {"ignore_errors", "disable_error_code", "follow_imports"}
    assert not off & {key for table in (CONFIG, *overrides) for key in table}
    assert CONFIG["check_untyped_defs"] and CONFIG["warn_unused_ignores"]


def test_contributing_counts_the_suppressions():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (stated,) = re.findall(r"(\d+) suppressions", text)
    assert int(stated) == sum(suppressions(path.read_text("utf-8")) for path in programs())


def test_contributing_names_the_strict_modules():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Types")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_./]+)`", section))
    (strict,) = [table for table in CONFIG["overrides"] if table.get("disallow_untyped_defs")]
    modules = {
        name.removeprefix("taskaware.").replace(".*", "/").replace(".", "/") for name in strict["module"]
    }
    assert modules <= named, modules - named


def test_counts_what_suppresses():
    assert suppressions("x = 1  # type: ignore[arg-type]\n# mypy: ignore-errors\n") == 2
    assert suppressions("kind: type = int  # the type to ignore\n") == 0
