"""Every notebook runs from top to bottom, and is kept with its outputs."""

from pathlib import Path

import nbformat
import pytest

from benchmarks.notebooks import executed

NOTEBOOKS = sorted((Path(__file__).parent.parent.parent / "notebooks").glob("*.ipynb"))


def test_the_list():
    names = ["find_an_optimizer", "first_recommendation", "growing_experience", "map_of_tasks"]
    assert [path.stem for path in NOTEBOOKS] == names


@pytest.mark.filterwarnings("ignore")
def test_they_run():
    """In one kernel, which imports the packages once; each notebook begins without any names."""
    notebooks = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]
    whole, begins = nbformat.v4.new_notebook(metadata=notebooks[0].metadata), []
    for notebook in notebooks:
        whole.cells.append(nbformat.v4.new_code_cell("%reset -f"))
        begins.append(len(whole.cells))
        whole.cells += notebook.cells
    executed(whole, NOTEBOOKS[0].parent)
    for path, begin, notebook in zip(NOTEBOOKS, begins, notebooks, strict=True):
        cells = whole.cells[begin : begin + len(notebook.cells)]
        kinds = {output.output_type for cell in cells for output in cell.get("outputs", [])}
        assert "error" not in kinds and "execute_result" in kinds, path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_outputs_are_kept_and_tell_nothing_of_a_machine(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert sum(bool(cell.outputs) for cell in code) >= len(code) - 1
    text = path.read_text(encoding="utf-8")
    assert "site-packages" not in text and "/home/" not in text and "Traceback" not in text
