"""Notebooks: executed in a fresh kernel and written with their outputs (`make notebooks`).

python -m benchmarks.notebooks [--write] [NAME ...]
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS_A_CELL = 600


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a run from top to bottom; an error in a cell is raised.

    Args:
        path: of the notebook; it stays as it is.
    """
    return executed(nbformat.read(path, as_version=4), path.parent)


def executed(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook itself, run from top to bottom in a folder; an error in a cell is raised."""
    # The kernel starts what PATH calls "python"; it has to be this one.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    client = NotebookClient(notebook, timeout=SECONDS_A_CELL, resources={"metadata": {"path": str(folder)}})
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def main() -> None:
    """Execute the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", type=Path, default=sorted(Path("notebooks").glob("*.ipynb")))
    parser.add_argument("--write", action="store_true", help="write the outputs into the notebooks")
    arguments = parser.parse_args()
    for path in arguments.names:
        notebook = execute(path)
        if arguments.write:
            nbformat.write(notebook, path)
        print(f"{path}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells")


if __name__ == "__main__":
    main()
