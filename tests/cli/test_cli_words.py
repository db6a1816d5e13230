"""Words: which are understood, and how the others are answered."""

import json
import shlex

import pytest

import taskaware
from taskaware.cli import dataset, entry, exits, parser, recommend


@pytest.mark.parametrize("command", entry.COMMANDS, ids=lambda command: command.name)
def test_every_example_can_be_typed(command):
    for line in command.examples:
        program, *words = shlex.split(line)
        assert program == "taskaware"
        assert entry.read(words).run is command.run


def test_the_first_steps_can_be_typed():
    for lines in entry.GUIDE.values():
        for line in lines:
            program, *words = shlex.split(line)
            assert program == "taskaware"
            assert entry.read(words).run


def test_names_are_the_library_s():
    from taskaware.recommendation.ascent import OPTIMIZERS
    from taskaware.tasks.task import PROBLEMS

    assert tuple(dataset.PROBLEMS) == tuple(PROBLEMS)
    assert tuple(recommend.OPTIMIZERS) == tuple(OPTIMIZERS)


def test_help_names_commands_examples_and_exit_codes(command):
    code, out, err = command("--help")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    for each in entry.COMMANDS:
        assert f"  {each.name:<16} {each.summary}" in lines
        assert len(each.summary) <= 90
    for title, typed in entry.GUIDE.items():
        place = lines.index(f"{title}:")
        assert lines[place + 1 : place + 1 + len(typed)] == [f"  {line}" for line in typed]
    for number, meaning in exits.MEANINGS.items():
        assert f"{number}  {meaning}" in out


@pytest.mark.parametrize("name", [command.name for command in entry.COMMANDS])
def test_help_of_a_command_has_its_options_and_examples(command, name):
    code, out, _ = command(name, "--help")
    chosen = next(each for each in entry.COMMANDS if each.name == name)
    assert code == 0
    assert "--json" in out
    assert all(line in out for line in chosen.examples)


def test_version(command):
    assert command("--version") == (0, f"taskaware {taskaware.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["recomend", "iris"], "Unknown command 'recomend'. Did you mean 'recommend'?"),
        (["task"], "Unknown command 'task'. Did you mean 'tasks'?"),
        (["recommend", "iris", "--taget", "y"], "Unknown option '--taget'. Did you mean '--target'?"),
        (["recommend", "--taget=y"], "Unknown option '--taget'. Did you mean '--target'?"),
        (["recommend", "iris", "--targ", "y"], "Unknown option '--targ'. Did you mean '--target'?"),
        (["predict", "--probe", "m", "n"], "Unknown option '--probe'. Did you mean '--proba'?"),
        (["features", "iris", "-k"], "Unknown option '-k'."),
        (["--verson"], "Unknown option '--verson'. Did you mean '--version'?"),
        (["--target", "y", "recommend"], "Option '--target' belongs after a command: taskaware COMMAND ..."),
        (
            ["recommend", "iris", "--problem", "regresion"],
            "--problem: Unknown problem 'regresion'. Did you mean",
        ),
        (["recommend", "iris", "--optimizer", "random"], "--optimizer: Unknown optimizer 'random'."),
        (["recommend", "iris", "--seed", "-1"], "--seed: '-1' is not a whole number from 0 to"),
        (["recommend", "iris", "--seed", "1.5"], "--seed: '1.5' is not a whole number from 0 to"),
        (["recommend", "iris", "--candidates", "0"], "--candidates: '0' is not a whole number from 1 to"),
        (["recommend", "iris", "--refine", "0"], "--refine: '0' is not a whole number from 1 to"),
        (["recommend", "iris", "--refine", "--fit"], "--refine: expected one argument"),
        (["recommend"], "The following arguments are required: DATA. See 'taskaware recommend --help'."),
        (["recommend", "iris", "--out"], "--out: expected one argument"),
        (["features", "iris", "wine"], "Unrecognized arguments: wine"),
        ([], "The following arguments are required: COMMAND"),
    ],
)
def test_refused_words(refused, no_work, words, line):
    assert refused(*words).startswith(line)


def test_words_after_two_dashes_are_no_options():
    assert entry.read(["features", "--", "--odd.csv"]).data == "--odd.csv"
    assert entry.read(["features", "x.csv", "--target", "-my column"]).target == ["-my column"]


def test_errors_as_json(command):
    code, out, err = command("recommend", "iris", "--taget", "y", "--json")
    assert (code, out) == (2, "")
    told = json.loads(err)
    assert told["code"] == 2
    assert told["error"].startswith("Unknown option '--taget'. Did you mean '--target'?")


def test_whole_numbers_keep_to_their_range():
    read = parser.whole(1, 3)
    assert [read(text) for text in ("1", "+2", "3")] == [1, 2, 3]
    for text in ("0", "4", "1e0", " 1", ""):
        with pytest.raises(parser.argparse.ArgumentTypeError, match="from 1 to 3"):
            read(text)
