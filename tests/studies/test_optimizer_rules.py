"""The experiment with update rules runs, small: a search, and its rules on another model."""

import json
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments" / "optimizer-rules"


@pytest.fixture
def main(monkeypatch):
    """The command of the experiment."""
    monkeypatch.syspath_prepend(FOLDER)
    return runpy.run_path(str(FOLDER / "rules.py"))["main"]


def test_the_smoke_searches_trains_and_goes_on(main, tmp_path, capsys):
    main(["--smoke", "--runs", str(tmp_path)])
    first = capsys.readouterr().out
    rows = [line for line in first.splitlines() if line.startswith("| ")]
    assert any(row.startswith("| evolution | 0.") for row in rows)
    names = [row.split(" | ")[0] for row in rows]
    assert names[-6:] == ["| PowerSign", "| AddSign", "| Adam", "| AdamW", "| Lion", "| momentum"]
    scores = [float(row.split(" | ")[1].partition(" ")[0]) for row in rows[-6:]]
    assert max(scores) > 0.6 and len(set(scores)) > 3
    assert len((tmp_path / "evolution-0.jsonl").read_text().splitlines()) > 2
    # What is measured is read back.
    kept = tmp_path / "transfer.jsonl"
    [line] = map(json.loads, kept.read_text().splitlines())
    kept.write_text(json.dumps({**line, "scores": [None, *line["scores"][1:]]}) + "\n")
    main(["--smoke", "--runs", str(tmp_path)])
    again = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert again[-6:] == rows[-6:] and any(line.startswith("| found 1 | nan ") for line in again)


def test_only_the_named_networks_are_trained(main, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--runs", str(tmp_path), "--rules", "g", "--only", "wines"])
    assert "wines is none of digits, larger ConvNet, wine" in capsys.readouterr().err


def test_the_readme_has_question_command_and_figures():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for words in (
        "**Question.**",
        "experiments/optimizer-rules/rules.py --data",
        "**Measured.**",
        "CPU minutes",
    ):
        assert words in text, words
