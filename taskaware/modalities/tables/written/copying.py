"""Functions of taskaware, copied with all that they use into the text of one module.

What the text reads, it reads as taskaware does, because it is the same code. Nothing of the user's becomes
part of it: only definitions of this package are copied.
"""

import ast
import dataclasses
import functools
import importlib
import inspect
import itertools
import sys
from collections.abc import Iterable, Mapping

STANDS_FOR = {
    ("taskaware.errors", "UserError"): "ValueError",
    ("taskaware.errors", "warn"): "warnings.warn",
}
"""What is written in place of a definition of taskaware's."""

SHAPES = "jaxtyping"
"""Library of annotations with shapes, `Float[np.ndarray, "n D"]`; the text has `np.ndarray` alone."""

OTHERS = frozenset(("numpy", "pandas", "jax", "flax", "optax", "scipy"))
"""Libraries that the text may import, beside Python's own."""


@dataclasses.dataclass(frozen=True)
class Definition:
    """A function, class or constant at the top of a module.

    Attributes:
        module, name: where it stands.
    """

    module: str
    name: str


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """A module as text.

    Attributes:
        lines: of the text, as bytes, because places in it are counted in bytes.
        nodes: top-level definitions by name.
        together: names of constants that one line defines, which cannot be copied one by one.
        imports: imported names, each with its module and, where one is taken out of it, its name there.
    """

    lines: tuple[bytes, ...]
    nodes: Mapping[str, ast.stmt]
    together: frozenset[str]
    imports: Mapping[str, tuple[str, str | None]]


def copied(
    roots: Iterable[Definition], instead: Mapping[Definition, Definition] | None = None
) -> tuple[set[str], str]:
    """The text of definitions and of all that they use.

    Args:
        roots: the definitions.
        instead: definitions that are written in place of others.

    Returns:
        Lines of imports; and the definitions, in an order in which a module can run them.

    Raises:
        ValueError: a definition uses a library that the text may not import, or one of several constants
            of a line.
    """
    instead = instead or {}
    order: dict[Definition, None] = {}
    imports: set[str] = set()
    for root in roots:
        _collect(root, instead, order, imports)
    names = _distinct(order)
    names |= {old: names[new] for old, new in instead.items() if new in names}
    return imports, _spaced([(each, _rewritten(each, names)) for each in order])


def import_lines(lines: Iterable[str]) -> str:
    """Lines of imports as a formatter sorts them: Python's own first, names of one module in one line.

    >>> print(import_lines(["import numpy as np", "from typing import NamedTuple", "import csv"]))
    import csv
    from typing import NamedTuple
    <BLANKLINE>
    import numpy as np
    """
    plain, taken = set(), dict[str, set[str]]()
    for line in lines:
        if line.startswith("import "):
            plain.add(line)
        else:
            module, _, names = line.removeprefix("from ").partition(" import ")
            taken.setdefault(module, set()).update(names.split(", "))
    every = [*plain, *(f"from {module} import {', '.join(sorted(taken[module]))}" for module in taken)]
    own = sorted((line for line in every if _is_own(line)), key=_import_order)
    other = sorted((line for line in every if not _is_own(line)), key=_import_order)
    return "\n\n".join("\n".join(part) for part in (own, other) if part)


def _is_own(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line.split()[1]


@functools.cache
def _source(module: str) -> Source:
    text = inspect.getsource(importlib.import_module(module))
    nodes: dict[str, ast.stmt] = {}
    together: set[str] = set()
    imports: dict[str, tuple[str, str | None]] = {}
    for node in ast.parse(text).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                nodes[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                nodes[name] = node
            case ast.Assign(targets=[ast.Tuple(elts=names)]):
                together |= {name.id for name in names if isinstance(name, ast.Name)}
            case ast.Import(names=aliases):
                imports |= {alias.asname or alias.name: (alias.name, None) for alias in aliases}
            case ast.ImportFrom(module=str(origin), names=aliases):
                imports |= {alias.asname or alias.name: (origin, alias.name) for alias in aliases}
    return Source(tuple(text.encode().split(b"\n")), nodes, frozenset(together), imports)


def _collect(
    wanted: Definition,
    instead: Mapping[Definition, Definition],
    order: dict[Definition, None],
    imports: set[str],
) -> None:
    """Add a definition after all that it uses; two functions that use each other end the search, too."""
    pending: set[Definition] = set()

    def visit(one: Definition) -> None:
        one = instead.get(one, one)
        if there := STANDS_FOR.get((one.module, one.name)):
            module = there.rpartition(".")[0]
            imports.update({f"import {module}"} if module else ())
            return
        if one in order or one in pending:
            return
        pending.add(one)
        source = _source(one.module)
        for place in _uses(source.nodes[one.name], one.module):
            if isinstance(place.means, Definition):
                visit(place.means)
            else:
                imports.add(place.means)
        order[one] = None

    visit(wanted)


@dataclasses.dataclass(frozen=True)
class _Use:
    """A place where a definition uses another, or an import.

    Attributes:
        means: the definition, or the line that imports it.
        node: the name, or the dotted name, in the text.
    """

    means: Definition | str
    node: ast.expr


def _uses(node: ast.AST, module: str) -> list[_Use]:
    source, found = _source(module), []
    inner: set[ast.AST] = {shaped.value for shaped in _shaped(node, module)}
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            if own := _own_module(source.imports.get(child.value.id)):
                inner.add(child.value)
                found.append(_Use(Definition(own, child.attr), child))
        elif isinstance(child, ast.Name) and child not in inner:
            if child.id in source.nodes:
                found.append(_Use(Definition(module, child.id), child))
            elif child.id in source.together:
                raise ValueError(f"give '{child.id}' of {module} a line of its own, so that it can be copied")
            elif child.id in source.imports:
                found.append(_Use(_imported(child.id, *source.imports[child.id]), child))
    return found


def _shaped(node: ast.AST, module: str) -> list[ast.Subscript]:
    """Annotations with shapes."""
    imports = _source(module).imports
    return [
        child
        for child in ast.walk(node)
        if isinstance(child, ast.Subscript)
        and isinstance(child.value, ast.Name)
        and imports.get(child.value.id, ("",))[0] == SHAPES
    ]


def _own_module(imported: tuple[str, str | None] | None) -> str | None:
    """The module of taskaware that a name stands for; None where it stands for anything else."""
    if imported is None or imported[1] is None or not imported[0].startswith("taskaware"):
        return None
    module = f"{imported[0]}.{imported[1]}"
    return module if module in sys.modules else None


def _imported(alias: str, module: str, name: str | None) -> Definition | str:
    if module.startswith("taskaware") and name is not None:
        return Definition(module, name)
    top = module.partition(".")[0]
    if top not in OTHERS and top not in sys.stdlib_module_names:
        raise ValueError(f"'{module}' may not be imported by code that is written out")
    if name is not None:
        return f"from {module} import {name}" + f" as {alias}" * (alias != name)
    return f"import {module}" + f" as {alias}" * (alias != module)


def _distinct(order: Iterable[Definition]) -> dict[Definition, str]:
    """The name of each definition in the text; a second one of a name has its module's before it."""
    names: dict[Definition, str] = {}
    taken: set[str] = set()
    for each in order:
        longer = f"{each.module.rpartition('.')[2]}_{each.name.strip('_')}"
        every = itertools.chain([each.name, longer], (f"{longer}_{number}" for number in itertools.count(2)))
        names[each] = next(name for name in every if name not in taken)
        taken.add(names[each])
    return names


def _rewritten(one: Definition, names: Mapping[Definition, str]) -> str:
    """The text of a definition, with the names that the others have in the text, and short docstrings."""
    source = _source(one.module)
    node = source.nodes[one.name]
    edits: list[tuple[ast.expr, str]] = [
        (place.node, text) for place in _uses(node, one.module) if (text := _new_name(place, names))
    ]
    edits += [(each, _plain_type(each)) for each in _shaped(node, one.module)]
    edits += [(doc, _first_paragraph(doc.value)) for doc in _docstrings(node)]
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    lines = list(source.lines[first - 1 : node.end_lineno])
    for place, text in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        start, end = place.lineno - first, (place.end_lineno or 0) - first
        before, after = lines[start][: place.col_offset], lines[end][place.end_col_offset :]
        lines[start : end + 1] = [before + text.encode() + after]
    text = b"\n".join(lines).decode()
    own = names[one]
    word = "class" if isinstance(node, ast.ClassDef) else "def"
    return text.replace(f"{word} {one.name}", f"{word} {own}", 1) if own != one.name else text


def _new_name(use: _Use, names: Mapping[Definition, str]) -> str | None:
    if isinstance(use.means, str):
        return None
    return STANDS_FOR.get((use.means.module, use.means.name)) or names[use.means]


def _plain_type(annotation: ast.Subscript) -> str:
    pair = annotation.slice
    return ast.unparse(pair.elts[0] if isinstance(pair, ast.Tuple) else pair)


def _docstrings(node: ast.AST) -> list[ast.Constant]:
    found = []
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            match child.body[0]:
                case ast.Expr(value=ast.Constant(value=str()) as text):
                    found.append(text)
    return found


def _first_paragraph(text: object) -> str:
    words = " ".join(str(text).split("\n\n")[0].split())
    return '"""' + words.replace("\\", "\\\\") + '"""'


def _spaced(parts: Iterable[tuple[Definition, str]]) -> str:
    """The parts with two empty lines around functions and classes, and none between constants."""
    text, after_code = "", True
    for one, part in parts:
        is_code = not isinstance(_source(one.module).nodes[one.name], ast.Assign | ast.AnnAssign)
        text += "\n\n" * (is_code or after_code) + part + "\n"
        after_code = is_code
    return text
