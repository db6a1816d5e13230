"""The page about metrics does what it says."""

import re
from pathlib import Path

import pytest

import taskaware as ta
from taskaware.errors import UserError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending" / "metric.md"


def test_the_page_about_metrics_runs(capsys):
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    try:
        exec(compile(code, str(PAGE), "exec"), names)
        model, frame = names["model"], names["frame"]
        assert model.metric == "cost"
        assert -1 <= model.score(frame) <= 0 and -5 <= model.best_score <= 0
        shown = f"cost {-model.score(frame):.3f}\n"
        assert capsys.readouterr().out == shown
        assert f"cost {-model.best_score:.3f} on its validation rows" in repr(model)
        everything_sick = names["on_host"](names["task"].target, names["task"].target * 0 + 1)
        assert model.score(frame) > everything_sick
    finally:
        ta.METRICS.remove("cost")
    assert "cost" in repr(model) and len(model.predict(frame)) == 200
    with pytest.raises(UserError, match="Unknown metric 'cost'"):
        model.score(frame)
