"""Functions of this room as text, for source code that runs alone."""

import ast
import inspect
from collections.abc import Callable


def without_annotations(function: Callable) -> str:
    """The text of a function as it is written, but for its annotations.

    >>> print(without_annotations(without_annotations).partition(":")[0])
    def without_annotations(function)
    """
    lines = [line.encode() for line in inspect.getsource(function).splitlines()]
    tree = ast.parse(b"\n".join(lines))
    # From the end to the beginning, so that places before a cut stay what they are.
    for node in sorted(_annotated(tree), key=lambda each: (each.lineno, each.col_offset), reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before = lines[first][: node.col_offset].rstrip().removesuffix(b"->").removesuffix(b":").rstrip()
        lines[first : last + 1] = [before + lines[last][node.end_col_offset :]]
    return b"\n".join(lines).decode() + "\n"


def _annotated(tree: ast.AST) -> list[ast.expr]:
    arguments = [node.annotation for node in ast.walk(tree) if isinstance(node, ast.arg)]
    results = [node.returns for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [each for each in (*arguments, *results) if each is not None]
