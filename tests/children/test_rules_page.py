"""The examples of docs/optimizers.md run, and say what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from taskaware import optimizers
from taskaware.errors import UserError
from taskaware.spaces.rules.language import OPERANDS
from taskaware.spaces.rules.rounds import SLOTS

PAGE = (Path(__file__).parents[2] / "docs" / "optimizers.md").read_text(encoding="utf-8")
TRAINING, OWN, STATE, SEARCH = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_training_learns():
    names = {}
    exec(TRAINING, names)
    np.testing.assert_allclose(names["weights"], [1.0, -2.0, 0.5], atol=0.05)


def test_the_rule_that_is_found_trains_the_model():
    names = {}
    exec(OWN, names)
    found, objective = names["found"], names["objective"]
    assert names["chosen"].score == found.best.score > np.median(found.scores)
    assert optimizers.score(objective, lambda rate: names["optimizer"]).score > np.median(found.scores)


def test_a_model_with_batch_normalisation_is_trained(capsys):
    names = {}
    exec(STATE, names)
    assert "score=" in capsys.readouterr().out
    assert np.isfinite(
        names["metric"](names["first"]["params"], names["batches"][0], names["first"]["batch_stats"])
    )


def test_the_search_finds_a_short_rule():
    names = {}
    exec(SEARCH, names)
    assert len(str(names["space"].decode(names["found"].best.point))) <= 4


def test_the_error_is_the_one_that_is_shown():
    with pytest.raises(UserError) as error:
        optimizers.parse("g * exq(m)")
    assert f"```\n{error.value}\n```" in PAGE


def test_every_operand_and_known_rule_is_described():
    assert not [name for name in {*OPERANDS, *SLOTS} if f"`{name}`" not in PAGE]
    plain = [name for name in optimizers.NAMED if "-" not in name]
    assert not [name for name in plain if f"| `{name}` | `{optimizers.NAMED[name]}` |" not in PAGE]
    decays = {name.partition("-")[2] for name in optimizers.NAMED} - {""}
    assert all(f"-{decay}`" in PAGE for decay in decays)
