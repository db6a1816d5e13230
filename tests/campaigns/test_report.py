"""The report of a run: whatever is there is shown, and nothing is fetched."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from taskaware.campaigns.collect import CollectSettings
from taskaware.campaigns.report import figures, report
from taskaware.campaigns.run_folder import RunFolder
from taskaware.cli import main
from taskaware.errors import UserError
from taskaware.runner import Job, Outcome

RNG = np.random.default_rng(0)


def made(path, *, jobs=6, failed=0, finished=True, **tables):
    """A run folder with so many jobs and these tables."""
    folder = RunFolder.open(path, "compare", CollectSettings(), command="taskaware <compare>")
    with folder.journal() as journal:
        for number in range(jobs):
            about = {"task": f"t{number % 2}", "seed": number % 3}
            job = Job(id=f"{number:016x}", spec=None, label=f"job <{number}>", size=4, about=about)
            error = "ValueError: <script>alert(1)</script>" if number < failed else None
            journal.add(Outcome(job, None, error, 1 + number % 2, 0.5, str(number % 2)))
    for name, table in tables.items():
        folder.write_table(name, table)
    if finished:
        folder.finish(
            jobs=jobs, failed=failed, seconds=3.0, summary={"strategies": {"random": {"rank": 1.5}}}
        )
    return path


def progress(tasks=2, seeds=3):
    rows = [
        (strategy, f"t{task}", f"o{task}", "classification", seed, n, 0.5 + n / 10 + task, 0.4 + n / 20)
        for strategy in ("random", "evolution")
        for task in range(tasks)
        for seed in range(seeds)
        for n in range(1, 5)
    ]
    columns = ["strategy", "task", "origin", "kind", "seed", "trainings", "best_score", "test_score"]
    return pd.DataFrame(rows, columns=columns)


def picks(tasks=5):
    rows = [
        (method, seed, f"t{task}", f"o{task}", "regression", *RNG.random(4), 0)
        for method in ("random", "evaluator")
        for seed in range(2)
        for task in range(tasks)
    ]
    columns = [
        "method",
        "seed",
        "task",
        "origin",
        "kind",
        "spearman",
        "score",
        "test_score",
        "regret",
        "top1",
    ]
    return pd.DataFrame(rows, columns=columns)


def calibration(count=200):
    predicted, deviation = RNG.random(count), RNG.uniform(0.05, 0.2, count)
    return pd.DataFrame(
        {"method": "evaluator", "seed": 0, "task": "t", "origin": "o", "kind": "regression"}
        | {"predicted": predicted, "deviation": deviation}
        | {"actual": predicted + deviation * RNG.standard_normal(count)}
    )


def cost():
    return pd.DataFrame(
        [("a&b", "regression", 100, 4, 8, 1, 0, 2.0), ("c", "classification", 50, 3, 8, 0, 0, 4.0)],
        columns=["task", "kind", "rows", "columns", "trainings", "lost", "failed", "seconds"],
    )


def everything(path, **more):
    tables = {"progress": progress(), "picks": picks(), "calibration": calibration(), "cost": cost()}
    return made(path, **tables, **more)


def test_all_parts_are_there_and_nothing_is_fetched(tmp_path):
    path = report(everything(tmp_path / "run"))
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "run" / "report.html"
    for title in ("Progress over the budget", "Ranks by best", "What was picked", "Calibration", "Cost"):
        assert title in text
    assert text.count("<svg") == 8
    assert "spans 3 seeds" in text
    assert "a&amp;b" in text
    assert "4 trainings" not in text and "16 trainings on 2 tasks" in text
    names = set(re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", text))
    assert all(name.startswith(("#", "data:")) for name in names)
    assert "<script" not in text and "@import" not in text


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    folder = everything(tmp_path / "run")
    first = report(folder, tmp_path / "a.html").read_bytes()
    assert report(folder, tmp_path / "b.html").read_bytes() == first


def test_failures_and_an_early_end_are_said_at_the_top_and_escaped(tmp_path):
    folder = made(tmp_path / "run", failed=2, finished=False)
    text = report(folder).read_text(encoding="utf-8")
    top = text[: text.index("Settings")]
    assert "has not come to its end" in top and "2 jobs failed" in top
    assert "&lt;script&gt;" in text and "<script" not in text
    assert "job &lt;0&gt;; job &lt;1&gt;" in text


def test_a_job_that_went_well_the_second_time_is_no_failure(tmp_path):
    folder = made(tmp_path / "run", jobs=1, failed=1)
    with RunFolder.open(folder, "compare", CollectSettings()).journal() as journal:
        job = Job(id=f"{0:016x}", spec=None, label="again", size=4, about={"task": "t0", "seed": 0})
        journal.add(Outcome(job, None, None, 1, 0.5, "0"))
    assert "failed and are missing" not in report(folder).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"progress": progress(tasks=1, seeds=1)},
        {"progress": progress(tasks=40, seeds=2)},
        {"progress": progress().assign(best_score=np.nan, test_score=np.nan)},
        {"picks": picks(tasks=1).assign(spearman=np.nan)},
        {"calibration": calibration(2)},
        {"cost": cost().assign(seconds=0.0)},
        {"cost": cost()[:0]},
    ],
    ids=["none", "one", "many", "lost", "nan", "two", "free", "empty"],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_odd_runs(tmp_path, tables):
    text = report(made(tmp_path / "run", jobs=0, **tables)).read_text(encoding="utf-8")
    assert text.endswith("</html>\n")
    assert ("no tables" in text) == (not tables or len(next(iter(tables.values()))) == 0)


def test_one_seed_has_no_band_and_says_so(tmp_path):
    folder = made(tmp_path / "run", progress=progress(seeds=1))
    assert "one seed, so there is no band" in report(folder).read_text(encoding="utf-8")


def test_coverage_of_normal_errors_is_nominal():
    levels, held = figures.coverage(calibration(20_000))
    np.testing.assert_allclose(held, levels, atol=0.02)


def test_a_torn_journal_is_read(tmp_path):
    folder = made(tmp_path / "run")
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-01-01T00:00:00+00:00", "jo')
    assert "Throughput" in report(folder).read_text(encoding="utf-8")


def test_refusals(tmp_path):
    with pytest.raises(UserError, match="is no run"):
        report(tmp_path)
    folder = made(tmp_path / "run")
    report(folder)
    with pytest.raises(UserError, match="exists already"):
        report(folder)
    with pytest.raises(UserError, match="no folder"):
        report(folder, tmp_path / "none" / "a.html")
    (folder / "config.json").write_text("[")
    with pytest.raises(UserError, match="cannot be read"):
        report(folder, force=True)


def test_the_command(tmp_path, capsys):
    folder = made(tmp_path / "run", cost=cost())
    assert main(["report", str(folder), "--out", str(tmp_path / "a.html")]) == 0
    assert str(tmp_path / "a.html") in capsys.readouterr().out
    assert main(["report", str(folder), "--out", str(tmp_path / "a.html")]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["report", str(folder), "--out", str(tmp_path / "a.html"), "--force"]) == 0
    assert json.loads((folder / "config.json").read_text())["campaign"] == "compare"
