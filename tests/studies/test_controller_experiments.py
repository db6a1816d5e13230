"""The experiments with controllers run, small: searches, longer trainings, and the plot of the gain."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def _main(name):
    return runpy.run_path(str(EXPERIMENTS / name))["main"]


def _rows(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]


def test_chains_are_searched_trained_for_longer_and_go_on(tmp_path, capsys):
    main = _main("chains/chains.py")
    given = ["--smoke", "--tasks", "digits", "--seeds", "1", "--out", str(tmp_path)]
    main(given)
    first = _rows(capsys)
    assert [row.split(" | ")[0] for row in first[-3:]] == [
        "| best of reinforce",
        "| best of random",
        "| plain",
    ]
    for name in ("digits.png", "digits-best.png", "digits_best.py", "digits-reinforce-0.control.jsonl"):
        assert (tmp_path / name).stat().st_size > 100
    # What is measured is read back.
    kept = tmp_path / "digits-longer.json"
    known = json.loads(kept.read_text())
    kept.write_text(json.dumps(dict.fromkeys(known, [0.5, 0.25])))
    main(given)
    again = _rows(capsys)
    assert again[:5] == first[:5] and all("| 0.500 ± 0.000 | 0.250 ± 0.000 |" in row for row in again[-3:])


def test_recurrent_cells_are_searched_trained_for_longer_and_go_on(tmp_path, capsys):
    main = _main("recurrent-cells/cells.py")
    given = ["--smoke", "--seeds", "1", "--longer", "1", "--out", str(tmp_path)]
    main(given)
    first = _rows(capsys)
    assert [row.split(" | ")[0] for row in first if "best of" in row and "mean" not in row] == [
        "| best of reinforce",
        "| best of random",
    ]
    assert (tmp_path / "word_best.py").read_text().count("def ") and (tmp_path / "word.png").exists()
    kept = tmp_path / "word-longer.json"
    known = json.loads(kept.read_text())
    kept.write_text(json.dumps(dict.fromkeys(known, [7.0, 8.0, 9.0])))
    main(given)
    assert [row for row in _rows(capsys) if "| 7.00 ± 0.00 | 8.00 ± 0.00 | 9 |" in row][1:]


def test_the_gain_is_of_the_best_and_of_the_latest():
    found = runpy.run_path(str(EXPERIMENTS / "gains.py"))
    scores = np.array([[0.1, -np.inf, 0.5, 0.3, 0.4, 0.6]])
    assert found["top"](scores, 1)[0] == pytest.approx([0.1, 0.1, 0.5, 0.5, 0.5, 0.6])
    assert found["top"](scores, 5)[0] == pytest.approx([np.nan] * 5 + [0.38], nan_ok=True)
    rows = np.arange(20.0)[None]
    assert np.isnan(found["latest"](rows)[0, :15]).all()
    assert found["latest"](rows)[0, 15:] == pytest.approx([7.5, 8.5, 9.5, 10.5, 11.5])
    assert found["mean_error"](np.array([[1.0], [3.0]])) == (pytest.approx([2.0]), pytest.approx([1.0]))


@pytest.mark.parametrize("name", ["chains", "recurrent-cells"])
def test_the_readme_has_question_command_and_figures(name):
    text = (EXPERIMENTS / name / "README.md").read_text(encoding="utf-8")
    for words in ("**Question.**", f"experiments/{name}/", "minutes", "**Measured.**", "±"):
        assert words in text, words
