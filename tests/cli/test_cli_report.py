"""`taskaware report`: where the page goes, and what is said where it cannot."""

import json

import pytest


@pytest.fixture
def finished(tmp_path):
    """The run folder with nothing in it."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"campaign": "compare", "config": {"seeds": 3}}', encoding="utf-8")
    return folder


def test_the_page_goes_into_the_folder_or_where_it_is_asked_for(command, finished, tmp_path):
    assert command("report", finished) == (0, f"written    {finished / 'report.html'}\n", "")
    code, out, _ = command("report", finished, "--out", tmp_path / "a.html", "--json")
    assert (code, json.loads(out)) == (0, {"written": str(tmp_path / "a.html")})
    assert (tmp_path / "a.html").read_bytes() == (finished / "report.html").read_bytes()


def test_a_page_is_replaced_with_force_only(command, refused, finished):
    page = finished / "report.html"
    page.write_text("mine", encoding="utf-8")
    assert refused("report", finished).endswith("Choose another name, or give --force to replace it.")
    assert "exists already" in refused("report", finished, "--out", page)
    assert page.read_text(encoding="utf-8") == "mine"
    assert command("report", finished, "--force")[0] == 0
    assert "Comparing strategies" in page.read_text(encoding="utf-8")


def test_a_folder_that_is_no_run_is_refused(refused, finished):
    assert refused("report", finished.parent).endswith("has some in it. Name one: mine.")
    assert "there is no such folder" in refused("report", finished / "none")
