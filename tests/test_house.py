"""The layout of the package: no circles, also not through imports inside functions; names; sizes."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskaware

ROOT = Path(taskaware.__file__).parent
VAGUE = {"utils", "util", "core", "common", "base", "helpers", "helper", "misc"}
LONGEST = 350

STILL_CIRCLES = {
    # The owner of recommendation/ takes drawing, training and writing out of Recommendation.
    ("taskaware.recommendation.recommendation", "taskaware.recommendation.as_json"),
    ("taskaware.recommendation.recommendation", "taskaware.recommendation.refine"),
}
"""Imports that close a circle, and who mends them."""

STILL_LONG = {
    # The owner of training/ moves the update rules out.
    "taskaware.training.trainer": 351,
    # Grown by the `Args` of their functions; each is to be split.
    "taskaware.children.mixture.describe": 381,
    "taskaware.store.sql": 354,
    "taskaware.studies.quality": 384,
}
"""Modules that are longer than `LONGEST`, and how long they may be until they are mended."""


def modules() -> dict[str, Path]:
    """Every module of the package by its name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """What is imported anywhere below a node: for each name the modules that it may mean, in order.

    What stands under `if TYPE_CHECKING:` is never imported.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name,) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports name the whole module"
            yield from ((f"{child.module}.{alias.name}", child.module) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from imported(ast.Module(child.orelse, []))
        else:
            yield from imported(child)


def graph(paths: dict[str, Path]) -> dict[str, set[str]]:
    """Which modules of the package each one imports, at load time or inside its functions."""
    found = {}
    for name, path in paths.items():
        meant = imported(ast.parse(path.read_text(encoding="utf-8")))
        known = (next((module for module in each if module in paths), None) for each in meant)
        found[name] = {module for module in known if module is not None and module != name}
    return found


def circle(edges: dict[str, set[str]]) -> list[str]:
    """The modules of a circle; none where there is none."""
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_no_circles_also_not_inside_functions():
    edges = graph(modules())
    left = {
        name: {other for other in its if (name, other) not in STILL_CIRCLES} for name, its in edges.items()
    }
    assert circle(left) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import a.b", [("a.b",)]),
        ("from a import b, c", [("a.b", "a"), ("a.c", "a")]),
        ("def f():\n    with x:\n        from a import b", [("a.b", "a")]),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", [("b",)]),
        ("try:\n    import a\nexcept ImportError:\n    a = None", [("a",)]),
    ],
)
def test_imports_are_found_wherever_they_stand(source, found):
    assert list(imported(ast.parse(source))) == found


def test_a_circle_through_a_function_is_found(tmp_path):
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("def late():\n    from a import x\n")
    found = circle(graph({name: tmp_path / f"{name}.py" for name in ("a", "b")}))
    assert set(found) == {"a", "b"}


def test_rooms_and_modules_have_names_that_say_something():
    assert [name for name in modules() if VAGUE & set(name.split("."))] == []


def test_modules_are_short():
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    long = {name: count for name, count in lines.items() if count > STILL_LONG.get(name, LONGEST)}
    assert long == {}
