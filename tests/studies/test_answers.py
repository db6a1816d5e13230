"""Which answers are designs: shares, errors over groups, and coverage."""

import numpy as np
import pandas as pd
import pytest

from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.shipped import open_experience
from taskaware.spaces import preset
from taskaware.studies.answers import KNOWN, answers, by_class, ends, first_designs, mean_error
from taskaware.surrogates import training_data
from taskaware.surrogates.price import Price


@pytest.fixture(scope="module")
def data():
    """Twelve tables of the shipped experience with forty architectures each."""
    found = training_data(open_experience("shipped", preset("compact")))
    return found.take(np.arange(12)).thinned(0, 40, seed=0)


def answered(data, always):
    asked = np.arange(len(data.names)) < 6
    quick = AscentSettings(rounds=5)
    price = Price(always, 4.0, 0.0)
    rows = answers(preset("compact"), data, asked, price=price, ascent=quick, folds=2)
    return pd.DataFrame(rows).sort_values("task").reset_index(drop=True)


def test_a_price_decides_which_answers_are_designs(data):
    dear, cheap = answered(data, 100.0), answered(data, 0.0)
    assert sorted(dear["task"]) == sorted(data.names[:6])
    assert dear["found_by"].isin(KNOWN).all()
    # A task that resembles no other is answered by the default at any price.
    free = cheap["found_by"] != "default"
    assert free.any() and (cheap["found_by"][free] != "known").mean() > 0.5
    same = ["task", "group", "kind", "rows", "spearman", "within", "validation, test"]
    pd.testing.assert_frame_equal(dear[same], cheap[same])
    assert set(dear["kind"]) == {"tables"} and dear["within"].between(0.3, 1).all()
    scores = [column[data.names.index(dear["task"][0])] for column in (data.score, data.test_score)]
    ranks = pd.DataFrame(scores).T.corr("spearman").iloc[0, 1]
    assert dear["validation, test"][0] == pytest.approx(ranks)


def test_errors_are_over_groups():
    values, groups = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0]), np.array(["a", "a", "b", "b", "c", "d"])
    mean, error = mean_error(values, groups)
    assert mean == 0.5
    rng = np.random.default_rng(0)
    sums = {name: values[groups == name].sum() - 0.5 * (groups == name).sum() for name in "abcd"}
    drawn = [sum(sums[name] for name in rng.choice(list("abcd"), 4)) / 6 for _ in range(20_000)]
    assert error == pytest.approx(np.std(drawn) * (4 / 3) ** 0.5, rel=0.03)
    assert np.isnan(mean_error(values, ["a"] * 6)[1])


def table():
    """Answers for four tasks, and three designs for two of them."""
    known = pd.DataFrame(
        {
            "task": ["a", "b", "c", "d"],
            "group": ["a", "b", "b", "d"],
            "kind": ["text", "text", "image", "image"],
            "rows": [100, 3_000, 700, 700],
            "found_by": ["ascent", "known", "default", "discretised"],
            "spearman": [0.5, 0.7, 0.1, 0.3],
            "within": [0.8, 0.6, 1.0, 0.5],
            "validation, test": [0.4, 0.6, 0.9, 0.7],
        }
    )
    rows = [
        {"task": task, "rows": 100, "place": place, "predicted": -0.1 * place, "deviation": 0.1}
        | {"measured": -0.3 * place, "score": 0.9 - place, "test_score": [0.9, 0.5, 0.6][place]}
        | {"known_test_score": 0.8, "search_test_score": 0.95}
        for task in "ax"
        for place in range(3)
    ]
    return known, pd.DataFrame(rows)


def test_shares_by_kind_and_rows():
    known, _ = table()
    found = by_class(known).set_index(["kind", "rows"])
    assert found.loc[("all", "all"), "tasks"] == 4 and found.loc[("all", "all"), "groups"] == 3
    assert found.loc[("text", "all"), "validation, test"] == pytest.approx(0.5)
    assert found.loc[("text", "all"), "designs"] == 0.5 and found.loc[("image", "all"), "designs"] == 0.5
    assert found.loc[("text", "below 500"), "designs"] == 1.0
    assert found.loc[("text", "2,000 or more"), "spearman"] == 0.7
    assert found.loc[("image", "500 to 1,999"), "default"] == 0.5
    assert ("image", "below 500") not in found.index


def test_ends_are_those_of_the_tasks_that_were_answered():
    known, designs = table()
    found = ends(designs, known).set_index(["kind", "rows"]).loc[("text", "all")]
    assert found["tasks"] == 1 and found["designs"] == 3 and found["spearman"] == pytest.approx(1.0)
    # Off by 0, 0.2 and 0.4, where 0.128 is allowed.
    assert found["within 80 %"] == pytest.approx(1 / 3) and found["bias"] == pytest.approx(-0.2)
    assert found["validation, test"] == pytest.approx(0.5)
    assert np.isnan(ends(designs.assign(score=1.0), known)["validation, test"]).all()
    first = first_designs(designs, known).iloc[1]
    assert first["tasks"] == 1 and first["less best known"] == pytest.approx(0.1)
    assert first["less by validation"] == pytest.approx(-0.05)
