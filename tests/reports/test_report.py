"""The report of a study: one page that stands alone, whatever the run has left."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from taskaware.errors import UserError
from taskaware.objectives.collect import CollectSettings
from taskaware.reports import page, report
from taskaware.reports.folder import TABLES
from taskaware.runner import Job, Outcome
from taskaware.runner.run_folder import RunFolder

ODD = "<b>$x_1$</b> & 日本\x07"
VOID = {"meta", "path", "use", "br"}


def table(name, rows):
    words, numbers = TABLES[name]
    return pd.DataFrame(rows, columns=[*words, *numbers])


def progress(tasks=2, seeds=2, trainings=3):
    rng = np.random.default_rng(1)
    rows = []
    for strategy in ("random", "evolution"):
        for task in range(tasks):
            for seed in range(seeds):
                best = np.maximum.accumulate(rng.random(trainings))
                problem = "regression" if task % 2 else "classification"
                about = (strategy, f"t{task}", f"o{task // 2}", problem, seed)
                rows += [(*about, n + 1, best[n], best[n] - 0.1) for n in range(trainings)]
    return table("progress", rows)


def picks(tasks=4, seeds=2):
    rng = np.random.default_rng(2)
    rows = [
        (method, seed, f"t{task}", f"o{task}", "regression", *rng.random(4), 1)
        for method in ("random", "evaluator")
        for seed in range(seeds)
        for task in range(tasks)
    ]
    return table("picks", rows)


def calibration(count=30):
    rng = np.random.default_rng(3)
    predicted, deviation = rng.random(count), rng.uniform(0.05, 0.2, count)
    actual = predicted + deviation * rng.standard_normal(count)
    rows = zip(predicted, deviation, actual, strict=True)
    return table("calibration", [("evaluator", 0, "t", "o", "regression", *row) for row in rows])


def scores():
    rows = [
        (task, task, "regression", seed, model, 0.5 + 0.1 * place + 0.02 * seed, 1.0)
        for task in ("t0", ODD)
        for place, model in enumerate(("ours", "<theirs>", "last"))
        for seed in (0, 1)
    ]
    return table("scores", rows)


def cost():
    rows = [("t0", "regression", 100, 4, 8, 1, 0, 2.0), (ODD, "classification", 50, 3, 8, 0, 0, 4.0)]
    return table("cost", rows)


def made(path, *, jobs=4, failed=0, finished=True, **tables):
    """A run folder with so many jobs, the first of them failed, and these tables."""
    folder = RunFolder.open(path, "compare", CollectSettings(), command="taskaware <compare>")
    with folder.journal() as journal:
        for number in range(jobs):
            about = {"task": f"t{number % 2}", "seed": number % 3}
            job = Job(id=f"{number:016x}", spec=None, label=f"job <{number}>", size=4, about=about)
            error = f"ValueError: <script>{number}</script>" if number < failed else None
            journal.add(Outcome(job, None, error, 1, 0.5, str(number % 2)), diverged=0)
    for name, content in tables.items():
        folder.write_table(name, content)
    if finished:
        summary = {"tasks": 2, "strategies": {"random": {"rank": 1.5, "rank_se": 0.25}}}
        folder.finish(jobs=jobs, failed=failed, seconds=75.0, summary=summary)
    return path


def text_of(folder, **options):
    return report(folder, force=True, **options).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A run with everything, and its page."""
    odd = {"t1": ODD}
    folder = made(
        tmp_path_factory.mktemp("report") / "run",
        failed=1,
        progress=progress().replace({"task": odd}),
        picks=picks().replace({"task": odd}),
        calibration=calibration(),
        scores=scores(),
        cost=cost(),
    )
    return folder, text_of(folder)


class Reader(HTMLParser):
    """Checks that every element is ended, and keeps what is referred to."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.words = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.open += [tag] if tag not in VOID else []
        self._keep(attrs)

    def handle_startendtag(self, tag, attrs):
        self._keep(attrs)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def _keep(self, attrs):
        for name, value in attrs:
            self.ids += [value] if name == "id" else []
            self.links += [value] if name in ("href", "xlink:href", "src") else []
            self.links += re.findall(r"url\(([^)]*)\)", value or "")


def test_the_page_is_well_formed_and_loads_nothing(full):
    reader = Reader()
    reader.feed(full[1])
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids)) > 20
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert all(link.startswith("#") for link in reader.links)
    assert not re.search(r"https?:|<script|@import|<img|<link|\bnan\b", full[1])


def test_every_part_is_there_and_every_plot_has_a_caption(full):
    text = full[1]
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles == ["Summary", "Progress", "Ranks", "Picks", "Calibration", "Models", "Cost", "Failures"]
    captions = re.findall(r"<figure>.*?<figcaption>(.*?)</figcaption></figure>", text, flags=re.DOTALL)
    assert len(captions) == text.count("<svg") == 17
    assert [caption for caption in captions if len(caption.split()) < 9] == []
    assert len({caption.split(",")[0] for caption in captions}) >= 12
    assert "1.500 ± 0.250" in text and "1 min 15 s" in text and "taskaware &lt;compare&gt;" in text


def test_names_of_users_are_text_and_nothing_else(full):
    reader = Reader()
    reader.feed(full[1])
    shown = ODD.replace("\x07", "?")
    assert reader.words.count(shown) >= 5
    assert "<b>" not in full[1] and "\x07" not in full[1]


def test_text_is_escaped_wherever_it_stands():
    hostile = '<img src=x onerror="alert(1)">\u202e\x07'
    section = page.Section(hostile, [hostile, page.details(hostile, page.table([hostile], [[hostile]]))])
    drawing = page.drawing(72, 36, hostile, "<g></g>")
    pieces = [
        page.title_block(hostile, hostile, hostile, hostile),
        page.tiles([(hostile, hostile, True)]),
        page.notice(hostile),
        page.error(hostile),
        page.heading(hostile),
        page.pair(page.figure(drawing, hostile)),
        hostile,
    ]
    text = page.document(hostile, pieces, [section], hostile)
    Reader().feed(text)
    assert "<img" not in text and 'x onerror="' not in text
    assert "\u202e" not in text and "\x07" not in text
    assert text.count("&lt;img") >= 17


def test_tags_are_written_in_templates_alone():
    room = Path(page.__file__).parent
    tag = re.compile(r"</?(?!svg|g )[a-z]+\d?[ >]")
    for path in room.glob("*.py"):
        assert tag.findall(path.read_text(encoding="utf-8")) == [], path.name
    assert {path.name for path in (room / "templates").iterdir()} == {"page.html", "parts.html", "style.css"}


def test_the_same_folder_gives_the_same_bytes_whatever_the_reader_s_settings(full, tmp_path):
    folder, text = full
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 20, "svg.hashsalt": "other"}):
        again = report(folder, tmp_path / "again.html")
        assert matplotlib.rcParams["font.size"] == 20
    assert again.read_text(encoding="utf-8") == text


def test_other_results_give_another_page(full, tmp_path):
    folder = made(tmp_path / "run", progress=progress().assign(best_score=0.25))
    text = text_of(folder)
    (folder / "progress.csv").unlink()
    assert text_of(folder) != text != full[1]


def test_colours_follow_the_page(full):
    drawings = "".join(re.findall(r"<svg.*?</svg>", full[1], flags=re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawings)) == set()
    assert "var(--series0)" in drawings and "var(--ink)" in drawings


def test_failures_and_an_early_end_are_said_first(tmp_path):
    text = text_of(made(tmp_path / "run", failed=2, finished=False))
    top = text[: text.index("<dl")]
    assert "This study is not finished: 4 jobs ended so far." in top
    assert "2 of 4 jobs failed" in top
    assert "ValueError: &lt;script&gt;0&lt;/script&gt;" in text
    assert "2 wordings that differ in numbers" in text and "job &lt;0&gt;; job &lt;1&gt;" in text


def test_a_job_that_went_well_at_last_is_no_failure(tmp_path):
    folder = made(tmp_path / "run", jobs=1, failed=1, finished=False)
    with RunFolder.open(folder, "compare", CollectSettings()).journal() as journal:
        job = Job(id=f"{0:016x}", spec=None, label="again", size=4, about={"task": "t0", "seed": 0})
        journal.add(Outcome(job, None, None, 1, 0.5, "0"))
    text = text_of(folder)
    assert "job failed" not in text and "jobs failed" not in text
    assert "1 job succeeded only after another attempt." in text


def test_a_torn_line_of_the_journal_is_passed_over(tmp_path):
    folder = made(tmp_path / "run")
    before = text_of(folder)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-01-01T00:00:00+00:00", "job": "ff')
    assert text_of(folder) == before


ODD_RUNS = {
    "nothing": ({}, None),
    "headers": ({name: table(name, []) for name in TABLES}, None),
    "one": ({"progress": progress(1, 1, 1), "picks": picks(1, 1)}, "With a single seed there is no band"),
    "diverged": ({"progress": progress().assign(best_score=np.nan, test_score=np.nan)}, "Progress"),
    "nan picks": ({"picks": picks().assign(spearman=np.nan, regret=np.nan)}, "Picks in numbers"),
    "level": ({"progress": progress().assign(best_score=0.5, test_score=-3.0)}, "Ranks"),
    "sure": ({"calibration": calibration(3).assign(deviation=[0.0, np.nan, 0.1])}, "2 predictions without"),
    "far": ({"calibration": calibration(3).assign(actual=[-50.0, 0.5, 0.5])}, "1 point below -1 lie"),
    "free": ({"cost": cost().assign(seconds=0.0)}, "16 trainings in 0.0 s of training time"),
}


@pytest.mark.parametrize(("tables", "words"), ODD_RUNS.values(), ids=list(ODD_RUNS))
@pytest.mark.filterwarnings("error")
def test_odd_runs(tmp_path, tables, words):
    text = text_of(made(tmp_path / "run", jobs=0, finished=False, **tables))
    Reader().feed(text)
    assert "no job has ended" in text and text.endswith("</html>\n")
    assert ("nothing to plot" in text) == (words is None)
    assert words is None or words in text


def test_two_hundred_tasks(tmp_path, monkeypatch):
    monkeypatch.setattr("taskaware.reports.progress.PANELS", 6)
    folder = made(tmp_path / "run", jobs=0, progress=progress(200, 1, 2))
    text = text_of(folder)
    assert text.count("the 6 of 200 tasks on which the strategies end furthest apart") == 2
    ends = text[text.index("Scores at the end") :]
    assert all(f"<td>t{task}</td>" in ends for task in range(200))
    assert len(text) < 2_000_000


def test_a_task_may_be_called_na(tmp_path):
    named = cost().assign(task=["NA", "None"])
    text = text_of(made(tmp_path / "run", jobs=0, cost=named))
    assert "<td>NA</td>" in text and "<td>None</td>" in text


def test_without_a_table_of_costs_the_journal_says_them(tmp_path):
    text = text_of(made(tmp_path / "run", jobs=6, failed=1))
    assert "20 trainings in 3.0 s of worker time, 6.67 a second (by the journal" in text


def test_parts_of_a_run_are_named(tmp_path):
    folder = made(tmp_path / "run")
    made(folder / "collect")
    assert "reports, of their own: collect." in text_of(folder)


def test_folders_that_are_no_run_are_refused_with_the_mend(tmp_path):
    with pytest.raises(UserError, match="is no run folder: there is no such folder"):
        report(tmp_path / "none")
    with pytest.raises(UserError, match="is no run folder: it has no config.json. Name the folder"):
        report(tmp_path)
    made(tmp_path / "b-run")
    made(tmp_path / "a-run")
    with pytest.raises(UserError, match="has some in it. Name one: a-run, b-run"):
        report(tmp_path)
    with pytest.raises(UserError, match="is no journal of a search"):
        report(tmp_path / "a-run" / "config.json")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("config.json", b"[", "damaged"),
        ("config.json", b"{}", "names no study"),
        ("result.json", b"[1]", "holds no object"),
        ("picks.csv", b"method,seed\nrandom,0\n", "has no column task, group"),
        ("picks.csv", b"\xff\xfe\x00", "damaged"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, why):
    folder = made(tmp_path / "run")
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=why) as refusal:
        report(folder)
    assert str(folder / name) in str(refusal.value)
    assert not (folder / "report.html").exists()


def test_nothing_is_replaced_unasked_and_no_file_of_the_run_ever(tmp_path):
    folder = made(tmp_path / "run")
    path = report(folder)
    assert path == folder / "report.html"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="exists already.*pass force=True"):
        report(folder)
    assert path.read_text(encoding="utf-8") == "mine"
    assert report(folder, force=True).read_text(encoding="utf-8") != "mine"
    before = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with pytest.raises(UserError, match="file of the run folder itself"):
        report(folder, folder / "config.json", force=True)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8")) == before
    with pytest.raises(UserError, match="no folder"):
        report(folder, tmp_path / "none" / "a.html")
    with pytest.raises(UserError, match="is a folder"):
        report(folder, tmp_path)


def growing(path):
    """A run of the study `growing`, whose picks.csv has columns of its own."""
    rows = [
        {"family": "wages", "own": own, "about": "like", "normalised": value, "normalised_se": 0.01}
        for own, value in ((0, 0.2), (10, 0.6))
    ]
    folder = RunFolder.open(path, "growing", CollectSettings())
    folder.write_table("picks", pd.DataFrame(rows))
    folder.finish(jobs=2, failed=0, seconds=1.0, summary={"jobs": 2, "failed": 0, "grown": rows})
    return path


def test_a_study_with_a_table_of_its_own_is_reported(tmp_path):
    text = text_of(growing(tmp_path / "run"))
    assert "[{" not in text and "&#39;family&#39;" not in text
    assert "Best of 2 grown: wages, like, own 10 (normalised test score 0.600 ± 0.010), before" in text


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"a": {"rank": 1.5, "rank_se": 0.1}, "b": {"rank": 3.0, "rank_se": 0.1}}, "Best of 2 strategies: a"),
        ({"a": {"rank": 1.5, "rank_se": 1.0}, "b": {"rank": 1.6, "rank_se": 1.0}}, "no winner is clear"),
        ({"a": {"rank": 1.5}, "b": {"rank": 3}}, "First of 2 strategies: a (mean rank 1.500), before b (3)."),
        ({"a": {"regret": 0.5, "score": 0.9}, "b": {"regret": 0.1, "score": 0.1}}, "strategies: b"),
        ({"a": {"score": 0.5}, "b": {"score": 0.9}, "c": {"score": None}}, "strategies: b"),
    ],
)
def test_what_was_found_stands_on_top(rows, sentence, tmp_path):
    folder = RunFolder.open(tmp_path / "run", "compare", CollectSettings())
    folder.finish(jobs=1, failed=0, seconds=1.0, summary={"strategies": rows})
    text = text_of(folder.path)
    assert text.index(sentence) < text.index("This study is finished")


@pytest.mark.parametrize("value", [10**400, "1" * 5000, [], {}, None, True])
def test_a_journal_with_any_numbers_is_reported(value, tmp_path):
    folder = made(tmp_path / "run", jobs=2)
    with (folder / "journal.jsonl").open("a", encoding="utf-8") as file:
        entry = {"job": "f" * 16, "status": "ok", "at": value, "label": value, "task": value}
        file.write(json.dumps(entry | dict.fromkeys(["size", "seconds", "attempts", "diverged"], value)))
        file.write("\n" + "[" * 100_000 + '\n{"job": 3}\n')
    assert "3" in text_of(folder)


def test_json_nested_deep_is_damage(tmp_path):
    folder = made(tmp_path / "run", jobs=1)
    (folder / "result.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="damaged"):
        report(folder)
