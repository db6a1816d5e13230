"""The documents are true: links, pictures, commands, options, settings, targets, code and words."""

import ast
import contextlib
import functools
import importlib
import inspect
import io
import json
import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskaware
from taskaware.cli import main
from taskaware.cli.entry import COMMANDS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("experiments/*/README.md")),
]
MEASURED = [README, ROOT / "docs" / "measurements.md"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FIGURE = re.compile(r"(?<![\w.-])\d*\.\d+|±|\d %|\d ?×|\d{2},\d{3}")
COMMAND = re.compile(r"(\.venv/bin/)?(taskaware [a-z]|make [a-z]|python )")
PATH = re.compile(r"(taskaware|benchmarks|experiments|notebooks|tests)/[\w./-]*")
OLD_WORDS = re.compile(
    r"\b(lessons?|beliefs?|believed|leash|novelty|furnish\w*|rivals?|pickers?)\b", re.IGNORECASE
)
PLACES = re.compile(
    r"(?<![\w.~}/-])/(home|root|work|tmp|usr|opt|var|mnt|srv|Users)/|[A-Z]:\\|file://|localhost|\.local\b"
    r"|\b\d{1,3}(\.\d{1,3}){3}\b"
)
MOST_LINES = 110


def name_of(page: Path) -> str:
    """A page by its place in the repository."""
    return page.relative_to(ROOT).as_posix()


pages = pytest.mark.parametrize("page", PAGES, ids=name_of)


def text_of(page: Path) -> str:
    """What a page says; of a notebook, its markdown."""
    if page.suffix != ".ipynb":
        return page.read_text(encoding="utf-8")
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in a language."""
    return [code for found, code in FENCE.findall(text_of(page)) if found == language]


def spans(text: str) -> list[str]:
    """The code spans of a text."""
    return SPAN.findall(FENCE.sub("", text))


def lines(page: Path) -> Iterator[list[str]]:
    """Every command of a page as words, from spans and shell blocks, without the environment's folder."""
    code = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    shell = [line.partition(" #")[0] for line in code.splitlines()]
    for line in [*shell, *spans(text_of(page))]:
        if COMMAND.match(line.strip()):
            yield shlex.split(line.strip().removeprefix(".venv/bin/"))


def commands(page: Path) -> Iterator[list[str]]:
    """The words behind `taskaware` of every line that calls it."""
    yield from (words[1:] for words in lines(page) if words[0] == "taskaware")


@functools.cache
def answer(*words: str) -> str:
    """What the command line prints; it has to end well."""
    out = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            code = main(list(words))
        except SystemExit as ended:
            code = ended.code or 0
    assert code == 0, f"taskaware {shlex.join(words)}: {out.getvalue()}"
    return out.getvalue()


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """Title and text of every section of the second level."""
    for part in re.split(r"^## ", text_of(page), flags=re.MULTILINE):
        title, _, text = part.partition("\n")
        yield title, text


@pages
def test_links_and_pictures_lead_to_files(page):
    targets = [target.partition("#")[0] for target in LINK.findall(text_of(page)) if "://" not in target]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert not missing


@pages
def test_files_and_modules_that_are_named_exist(page):
    named = [span for span in spans(text_of(page)) if PATH.fullmatch(span)]
    assert not [path for path in named if not (ROOT / path).exists() and not (page.parent / path).exists()]
    for span in spans(text_of(page)):
        if re.fullmatch(r"taskaware(\.\w+)+|(\w+\.)+VERSION", span):
            _resolve(span if span.startswith("taskaware.") else f"taskaware.{span}")


def _resolve(name: str) -> object:
    """A module, or what it has by this name."""
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.import_module(name)
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


@pages
def test_commands_and_their_options_exist(page):
    for command, *words in commands(page):
        text = answer(command, "--help")
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        known = set(re.findall(r"--[a-z][\w-]*", text))
        assert options <= known | {"--help"}, f"taskaware {command}: {options - known}"


@pages
def test_settings_exist(page):
    for words in (*commands(page), *settings(page)):
        pairs = zip(words, words[1:], strict=False)
        wanted = {after.partition("=")[0] for word, after in pairs if word == "--set" and "=" in after}
        if wanted:
            rows = answer(*words, "--keys").splitlines()
            assert wanted <= {re.sub(r"^\W+", "", row).partition(" ")[0] for row in rows}


def settings(page: Path) -> Iterator[list[str]]:
    """What an experiment's README says to add to its command, as the words of that command."""
    if page.parent.parent.name == "experiments":
        for span in spans(text_of(page)):
            if span.startswith("--set "):
                yield ["run", f"experiments/{page.parent.name}", *shlex.split(span)]


def makefile_targets() -> list[str]:
    """The targets of the Makefile."""
    return re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_ci_runs_the_tests_and_builds_the_site_and_the_packages():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"^ +- run: (.+)$", workflow, re.MULTILINE) == [".ci/run"]
    run = re.findall(r"^make (\S+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert run == ["test", "docs", "dist"] and set(run) <= set(makefile_targets())


@pages
def test_experiments_scripts_and_targets_exist(page):
    for program, first, *rest in lines(page):
        if program == "make":
            assert first in makefile_targets()
        if program == "python" and first.endswith(".py"):
            assert (ROOT / first).is_file(), first
        if program == "taskaware" and first == "run" and rest:
            assert (ROOT / rest[0] / "config.py").is_file(), rest[0]


@pages
def test_python_compiles_and_its_names_resolve(page):
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                assert [importlib.import_module(alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert [_resolve(f"{node.module}.{alias.name}") for alias in node.names]
            elif (
                isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ta"
            ):
                assert node.attr in taskaware.__all__


@pytest.mark.parametrize("page", MEASURED, ids=name_of)
def test_a_figure_stands_beside_its_command(page):
    for title, text in sections(page):
        here = [*spans(text), *(line for code in FENCE.findall(text) for line in code[1].splitlines())]
        if FIGURE.search(SPAN.sub("", FENCE.sub("", text))):
            assert any(COMMAND.match(line) for line in here), f"'{title}' has figures, and no command"


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=name_of)
def test_words(page):
    text = text_of(page)
    assert not OLD_WORDS.findall(text)
    assert not [found.group() for found in PLACES.finditer(text)]
    host = socket.gethostname()
    assert len(host) < 4 or host not in text


def test_the_readme_is_one_page():
    assert len(text_of(README).splitlines()) <= MOST_LINES


def test_the_table_of_contents_names_every_page():
    index = text_of(ROOT / "docs" / "index.md")
    found = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert not [name for name in found if name != "index.md" and name not in index]


def test_every_command_is_described():
    described = [title for title, _ in sections(ROOT / "docs" / "command-line.md")]
    for command in COMMANDS:
        assert command.name in described
        assert f"`taskaware {command.name}`" in text_of(README)


def arguments(page: Path, function: str) -> list[tuple[str, str]]:
    """Name and default of the arguments that the table of a function lists; "" where there is none."""
    table = text_of(page).partition(f"| argument of `{function}` | default | meaning |\n|---|---|---|\n")[2]
    rows = re.findall(r"\| `(\w+)` \| (?:`([^`]*)`)? ?\| \S.* \|", table.partition("\n\n")[0])
    assert len(rows) == len(table.partition("\n\n")[0].splitlines())
    return rows


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("ta.recommend", taskaware.recommend),
        ("rec.fit", taskaware.Recommendation.fit),
        ("rec.refine", taskaware.Recommendation.refine),
    ],
)
def test_every_argument_is_described(name, function):
    taken = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    defaults = ["" if each.default is each.empty else repr(each.default) for each in taken]
    assert arguments(ROOT / "docs" / "python.md", name) == [
        (each.name, default) for each, default in zip(taken, defaults, strict=True)
    ]


def test_the_rooms_are_those_of_the_contract():
    contract = (
        (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("layers = [")[2].partition("]")[0]
    )
    layers = re.findall(r'"([^"]+)"', contract)
    drawn = "\n".join(layer.replace("taskaware.", "") for layer in layers)
    assert drawn in text_of(ROOT / "CONTRIBUTING.md")
