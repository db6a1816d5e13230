"""`taskaware search` and the report of a search: the same command goes on, the page shows what it found."""

import functools
import itertools
import json
from pathlib import Path

import pandas as pd
import pytest

import taskaware as ta
from taskaware.cli import search as room

NAMES = ["depth", "width", "heads", "blocks"]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A table of 4,096 points; the score rises with each decision."""
    path = tmp_path_factory.mktemp("known") / "known.csv"
    frame = pd.DataFrame(list(itertools.product(range(8), repeat=4)), columns=NAMES)
    frame.assign(valid=frame.mean(axis=1) / 7, test=frame["depth"] / 7).to_csv(path, index=False)
    return path


def words(known, *more):
    return ["search", known, "--decisions", *NAMES, "--score", "valid", "--test", "test", *more]


def test_the_same_command_goes_on_and_its_report_is_one_page(command, known, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = command(*words(known, "--budget", "150", "--json"))
    first = json.loads(out)
    assert code == 0 and first["ended"] == "budget" and first["evaluations"] == 150
    journal = tmp_path / first["journal"]
    before = journal.read_bytes()
    code, out, _ = command(*words(known, "--budget", "900"))
    assert code == 0 and journal.read_bytes().startswith(before)
    lines = out.splitlines()
    assert lines[0] == f"journal    {first['journal']}" and lines[-1] == "ended by   budget"
    assert lines[1].startswith("best       1 (test 1), evaluation") and lines[1].endswith("of 900")
    code, out, _ = command("report", journal)
    page = journal.with_suffix(".html")
    assert (code, out) == (0, f"written    {page}\n")
    text = page.read_text(encoding="utf-8")
    assert (
        text.count("<svg") == 2 and "best so far" in text and "ancestor" in text and "aging_evolution" in text
    )
    assert "exists already" in command("report", journal)[2]
    assert "no journal of a search" in command("report", known)[2]


def test_a_threshold_and_other_ends(command, known, tmp_path):
    more = [
        "--strategy",
        "local_search",
        "--budget",
        "5000",
        "--threshold",
        "1",
        "--journal",
        tmp_path / "a.jsonl",
    ]
    code, out, _ = command(*words(known, *more, "--json"))
    assert (code, json.loads(out)["ended"], json.loads(out)["decisions"]) == (
        0,
        "threshold",
        dict.fromkeys(NAMES, 7),
    )


def test_a_controller_searches_and_its_page_shows_what_it_learned(command, known, tmp_path):
    journal = tmp_path / "a.jsonl"
    typed = words(known, "--strategy", "reinforce", "--budget", "48", "--journal", journal, "--control")
    code, out, _ = command(*typed)
    assert code == 0 and out.splitlines()[-1] == "ended by   budget"
    beside = tmp_path / "a.control.jsonl"
    assert out.splitlines()[-2].startswith("random     0.") and beside.read_bytes().count(b'"tell"') == 48
    code, again, _ = command(*typed, "--json")
    assert code == 0 and f"random     {json.loads(again)['control']:.4g} is" in out
    assert command("report", journal)[0] == 0
    text = journal.with_suffix(".html").read_text(encoding="utf-8")
    assert text.count("<svg") == 3 and "reinforce(minibatch=8" in text and "Gain over random search" in text
    assert all(name in text for name in ("loss", "entropy", "baseline", "gradient norm"))


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["search", "compact", "--budget", "5"], "Give either --task DATA"),
        (["search", "compact", "--budget", "5", "--task", "iris", "--test", "t"], "--test requires --score"),
        (["search", "a.csv", "--budget", "5", "--score", "x"], "--score requires --decisions"),
        (["search", "compct", "--budget", "5", "--task", "iris"], "Did you mean 'compact'"),
        (["search", "compact", "--budget", "5", "--task", "iris", "--strategy", "evolutoin"], "'evolution'?"),
        (["search", "none.json", "--budget", "5", "--task", "iris"], "'none.json' cannot be read"),
        (["search", "compact", "--budget", "0", "--task", "iris"], "'0' is not a whole number from 1"),
        (["search", "compact", "--budget", "5", "--task", "iris", "--seconds", "-1"], "not a number above 0"),
    ],
)
def test_what_does_not_fit_is_refused(refused, typed, answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert answer in refused(*typed)
    assert not (tmp_path / "runs").exists()


def test_the_journal_s_name_follows_from_the_search(known):
    from taskaware.cli.entry import read

    typed = [str(word) for word in words(known, "--budget", "9")]
    space, given = room._table(read(typed))
    one, same, other = (
        room._default_journal(read([*typed, *more]), space, given)
        for more in ([], ["--workers", "3"], ["--seed", "1"])
    )
    assert one == same != other and one.name.startswith("search-known-evolution-")


def test_compare_searches_a_table_with_the_strategies_that_suit_it(command, known, tmp_path):
    about = ["compare", known, "--decisions", *NAMES, "--score", "valid", "--seeds", "1", "--budget", "20"]
    code, out, _ = command(*about, "--set", "round=2", "--json", "--out", tmp_path / "run")
    assert code == 0
    summary = json.loads(out)["summary"]
    assert list(summary["strategies"]) == ["random", "local_search", "aging_evolution"]
    assert summary["strategies"]["random"]["test_score_raw"] is None
    code, _, words = command(*about, "--strategies", "recommend")
    assert code != 0 and "'recommend' is for tasks" in words


def test_a_search_begins_with_a_saved_controller_and_other_settings(
    command, refused, known, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    space, objective = ta.objectives.table(pd.read_csv(known), NAMES, "valid", name="known")
    teach = functools.partial(ta.strategies.teach, space, units=6, layers=1, updates=1, progress=False)
    taught = teach({"a": objective}, z={"a": [1.0, 2.0]})
    taught.save("taught.safetensors")
    Path("z.json").write_text(json.dumps({"features": [{"value": 1.0}, {"value": 2.0}]}))
    typed = [*words(known, "--strategy", "reinforce", "--budget", "9"), "--set", "start=taught.safetensors"]
    for z in ("z.json", "[1, 2]"):
        code, out, _ = command(*typed, "--set", f"z={z}", "--set", "minibatch=4", "--json")
        assert code == 0
        first = Path(json.loads(out)["journal"]).read_text(encoding="utf-8").splitlines()[0]
        assert f"start={taught.digest}" in first and "minibatch=4" in first
    assert len(list(Path("runs").iterdir())) == 2
    assert "reads 2 meta-features" in command(*typed)[2]
    assert "z='taught.safetensors' holds no meta-features" in refused(*typed, "--set", "z=taught.safetensors")
    assert "Did you mean 'minibatch'" in refused(*typed, "--set", "mini=4")
    assert "minibatch='x' is not a whole number" in refused(*typed, "--set", "minibatch=x")
    assert '"minibatch": "8"' in command(*typed, "--keys", "--json")[1]
    assert "'start' sets nothing" in refused(*typed, "--set", "start")
    assert "z='none' holds no meta-features" in refused(*typed, "--set", "z=none")
    assert "There is no file 'none'" in refused(*typed, "--set", "start=none")
