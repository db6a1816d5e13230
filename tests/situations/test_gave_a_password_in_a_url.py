"""A user gives the URL of a database with its password: it connects, and is written nowhere."""

import json
import logging

import pytest

from taskaware.cli.entry import main
from taskaware.digests import digest
from taskaware.errors import StoreError
from taskaware.objectives.collect import CollectSettings
from taskaware.reports import report
from taskaware.runner import RunnerSettings
from taskaware.runner.attempt import attempt
from taskaware.runner.run_folder import CONFIG, RunFolder, config_digest
from taskaware.secrets import masked, masked_value, without_secrets
from taskaware.store import Store

SECRET = "s3cr/e:t@of ann"
WORD = "s3cr"
URLS = (
    f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/name",
    "postgresql+psycopg://ann:s3cret%2Fof@127.0.0.1:1/name",
    "postgresql+psycopg://127.0.0.1:1/name?user=ann&password=s3cret",
)


@pytest.mark.parametrize("url", URLS)
def test_no_file_and_no_message_of_a_run_has_it(url, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["collect", "bundled", "--tasks", "iris", "--architectures", "1", "--store", url]
    words += ["--set", f"store={url}", "--log", "lines.log"]
    monkeypatch.setattr("sys.argv", ["taskaware", *words])
    assert main([*words, "--keys"]) == 0
    assert main(words) == 3
    (run,) = (tmp_path / "runs").iterdir()
    assert main(["report", str(run)]) == 0
    output = "".join(capsys.readouterr())
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"config.json", "report.html", "lines.log"} <= {path.name for path in written}
    for text in (output, *(path.read_text(encoding="utf-8") for path in written)):
        assert WORD not in text
    assert "***" in output and "***" in (run / CONFIG).read_text(encoding="utf-8")


def test_a_run_of_an_older_version_is_resumed_and_reported_without_it(tmp_path):
    config = CollectSettings(store=URLS[1])
    folder = RunFolder.open(tmp_path / "run", "collect", config)
    # What was written before passwords were left out.
    about = json.loads((folder.path / CONFIG).read_text())
    about["config"]["store"] = about["command"] = URLS[1]
    plain = {name: value for name, value in about["config"].items() if name != "runner"}
    about["digest"] = digest({"campaign": "collect", "config": plain})
    (folder.path / CONFIG).write_text(json.dumps(about))
    assert RunFolder.open(folder.path, "collect", config).digest == config_digest("collect", config)
    assert WORD not in report(folder.path).read_text(encoding="utf-8")


@pytest.mark.parametrize("other", ["postgresql://ann@host/name", "postgresql://ann:another@host/name"])
def test_the_same_run_goes_on_with_the_password_from_elsewhere(other, tmp_path):
    first = CollectSettings(store="postgresql://ann:s3cret@host/name")
    RunFolder.open(tmp_path / "run", "collect", first)
    again = CollectSettings(store=other)
    assert RunFolder.open(tmp_path / "run", "collect", again).digest == config_digest("collect", first)


@pytest.mark.parametrize("url", URLS)
def test_no_repr_and_no_error_has_it(url):
    assert WORD not in repr(CollectSettings(store=url))
    assert WORD not in repr(RunnerSettings("ray", address="ray://ann:s3cret@host:10001"))
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    told, error = [], caught.value
    while error is not None:
        told.append(f"{error} {error!r}")
        error = error.__cause__
    assert WORD not in " ".join(told)


def test_an_address_that_is_none_is_not_repeated_with_it():
    with pytest.raises(StoreError, match=r"\*\*\*") as caught:
        Store.open("postgres ql://ann:s3cret@host/name")
    assert WORD not in str(caught.value) and caught.value.__cause__ is None


def test_the_error_of_a_job_and_a_line_of_the_log_are_masked(caplog):
    def work(resource, spec):
        raise OSError(f"no way to {spec}")

    _, why, _ = attempt(work, None, "mysql://ann:s3cret@host/name")
    assert why == "OSError: no way to mysql://ann:***@host/name"
    from taskaware.cli.study import Discreet

    record = logging.LogRecord("taskaware", 20, "", 0, "at %s\x1b[2J", ("mysql://ann:s3cret@host",), None)
    assert Discreet("%(message)s").format(record) == "at mysql://ann:***@host\\x1b[2J"


@pytest.mark.parametrize(
    "text",
    ["tokens=3 are few", "http://host:80/path", "a@b and c:d", "authentication failed for user 'ann'", ""],
)
def test_other_text_stays(text):
    assert masked(text) == masked_value(text) == without_secrets(text) == text
