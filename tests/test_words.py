"""The words of house.md: code uses the field's words, and public functions explain their arguments."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "taskaware"
MODULES = sorted(ROOT.rglob("*.py"))
EXPLAINED = 3
"""A public function with this many parameters needs an `Args` section."""

RIDDLES = {
    "Lessons": "TrainingData",
    "Belief": "Posterior",
    "believed": "predicted",
    "believes": "predicts",
    "Contest": "SearchSpec",
    "contest": "comparison",
    "furnish": "register",
    "furnished": "registered",
    "leash": "distance_penalty",
    "novelty": "untrained_penalty",
    "rivals": "baselines",
    "pickers": "selectors",
    "said": "recorded, reported or predicted",
    "judged": "scored",
    "strangers": "shipped experience",
    "whatever": "any, or the condition itself",
}
"""Words of the "not" column that have one meaning, and the words to use.

Left out, because they are also plain English or names of the field: thought, stated, known, kind, kept, lost,
once, whole, origin, bars, caution, seen.
"""

PHRASES = {
    r"data[ -]sets?": "dataset",
    r"training tasks?": "known task",
    r"known (?:datasets?|tables?) (?:of|in) the experience": "known task",
    r"recommended networks?": "recommended architecture",
    r"recommends? (?:a|the) (?:neural )?network": "recommend an architecture",
    r"networks? (?:searched|sampled|drawn from)": "architecture: the design; a network is what is trained",
    r"campaigns?": "study",
    r"resumes? (?:a|the) run": "study; a run is the command, or the run folder",
    r"folders? of (?:a|the|this) run": "run folder",
    r"results? of (?:a|the|this) run": "study",
}
"""Phrases for which there is another word, and the word; see the table "Words" in CONTRIBUTING.md.

A dataset is what a user gives; a known task is one of the experience; an architecture is the design, and a
network is what is trained; a study is what an experiment does, and its files are a run folder.
"""
PHRASE = re.compile("|".join(rf"\b{phrase}\b" for phrase in PHRASES), re.IGNORECASE)

REPOSITORY = ROOT.parent
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "Makefile",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "experiments").rglob("*.md")),
    *sorted((REPOSITORY / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "data").glob("*.toml")),
]


def named_functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """The public functions of a module and the public methods of its public classes; none that is nested."""
    for node in ast.iter_child_nodes(tree):
        name = getattr(node, "name", "_")
        if name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from named_functions(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_overload(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).rpartition(".")[2] == "overload" for each in function.decorator_list)


def parameters(function: ast.FunctionDef) -> list[str]:
    """The names of the parameters; neither self nor cls counts."""
    given = function.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each.arg for each in every if each is not None and each.arg not in ("self", "cls")]


def explained(docstring: str) -> set[str]:
    """The parameters that the section `Args` names; several may share one line: "low, high: the range"."""
    section = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", docstring, re.MULTILINE)
    lines = re.findall(r"^ {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*):", section[1] if section else "", re.MULTILINE)
    return {name.strip("* ") for line in lines for name in line.split(",")}


def unexplained(function: ast.FunctionDef) -> set[str]:
    """The parameters that a docstring of a function should explain and does not."""
    names = parameters(function)
    if len(names) < EXPLAINED or is_overload(function):
        return set()
    return set(names) - explained(ast.get_docstring(function) or "")


def words(source: str) -> Iterator[tuple[int, str]]:
    """Every word of a module with its line: of names, split at underscores, of strings and of comments."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text = (tokenize.NAME, tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1))
        if token.type in text:
            for nth, line in enumerate(token.string.splitlines()):
                yield from ((token.start[0] + nth, word) for word in re.findall(r"[A-Za-z]+", line))


def deprecations(source: str) -> set[int]:
    """The lines that give old names to arguments and fields; the old names stay there for one version."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    renaming = [call for call in calls if ast.unparse(call.func).rpartition(".")[2].startswith("renamed_")]
    return {line for call in renaming for line in range(call.lineno, call.end_lineno + 1)}


def riddles(source: str) -> list[str]:
    """Each use of a word of the "not" column, with its line and the words to use."""
    if RIDDLES.keys().isdisjoint(re.findall(r"[A-Za-z]+", source)):
        return []  # without the cost of reading it as Python
    allowed = deprecations(source)
    return [
        f"line {line}: {word!r}; write {RIDDLES[word]}"
        for line, word in words(source)
        if word in RIDDLES and line not in allowed
    ]


def sentences(source: str) -> str:
    """The strings and comments of a module as one text.

    Names in files, such as "campaign", are left out: they are strings or keys of one word.
    """
    text = (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    parts = [re.sub(r"^[rbf]+(?=[\"'])|^#", "", each.string) for each in tokens if each.type in text]
    return " ".join(re.sub(r"(?:^|\[)[\"']\w+[\"'](?:$|\])", "", part) for part in parts)


def misnamed(text: str) -> list[str]:
    """Each use of a phrase of PHRASES, wherever the line breaks are, and the word to use."""
    flat = re.sub(r"[\"'\s#]+", " ", text)
    return [f"{found.group()!r}; write {_word_for(found.group())}" for found in PHRASE.finditer(flat)]


def _word_for(phrase: str) -> str:
    return next(word for each, word in PHRASES.items() if re.fullmatch(each, phrase, re.IGNORECASE))


def is_public(path: Path) -> bool:
    return not any(part.startswith("_") and part != "__init__.py" for part in path.relative_to(ROOT).parts)


def wrong_in(paths: list[Path], check: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """What the check finds, by file. One test reads all files: as a test for each, they take far longer."""
    found = {
        path.relative_to(REPOSITORY).as_posix(): check(path.read_text(encoding="utf-8")) for path in paths
    }
    assert len(found) > 10
    return {name: wrong for name, wrong in found.items() if wrong}


def test_public_functions_explain_three_parameters_or_more():
    def missing(source: str) -> list[str]:
        return [
            f"{each.name} (line {each.lineno}): {', '.join(sorted(unexplained(each)))}"
            for each in named_functions(ast.parse(source))
            if unexplained(each)
        ]

    assert wrong_in([path for path in MODULES if is_public(path)], missing) == {}


def test_no_riddles():
    assert wrong_in(MODULES, riddles) == {}


def test_a_page_has_one_word_for_one_thing():
    assert wrong_in(PAGES, misnamed) == {}


def test_a_module_has_one_word_for_one_thing():
    assert wrong_in(MODULES, lambda source: misnamed(sentences(source))) == {}


@pytest.mark.parametrize(
    "text",
    [
        "the Data\n  sets of a user",
        "more training\ntasks",
        "It recommends a neural network.",
        "The same command resumes the run.",
        "the folder of a run",
    ],
)
def test_a_phrase_with_another_word_is_found(text: str):
    assert len(misnamed(text)) == 1
    assert len(misnamed(sentences(f'"""{text}"""'))) == 1


def test_a_phrase_in_a_broken_message_is_found_and_a_name_in_a_file_is_not():
    code = 'raise UserError("A data " f"set {name!r} is no training " "task.")  # resume\nabout["campaign"]'
    assert [each.partition(";")[0] for each in misnamed(sentences(code))] == ["'data set'", "'training task'"]


def test_the_checks_can_fail():
    bad = '''
def fit(points, labels, *, epochs, **rest):
    """Fit.

    Args:
        points, labels: of training.
        rest: passed on.
    """
    believed = f"{points} said"  # whatever
'''
    (function,) = named_functions(ast.parse(bad))
    assert unexplained(function) == {"epochs"}
    assert [each.split(";")[0] for each in riddles(bad)] == [
        "line 9: 'believed'",
        "line 9: 'said'",
        "line 9: 'whatever'",
    ]
