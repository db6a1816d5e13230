"""Numbers of a text table that lose nothing: many columns at once say what each says alone."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaware.data import written
from taskaware.data.files import read_file
from taskaware.data.written import lost_by_numbers, typed

CELLS = st.one_of(st.none(), st.text(st.sampled_from("+-0019. \tä"), max_size=4))


@given(cells=st.lists(CELLS, max_size=12))
def test_signs_and_zeros_are_found_as_the_expression_says(cells):
    texts = pa.array(cells, pa.large_string())
    wanted = [bool(cell) and re.match(written._NOT_A_NUMBER, cell) is not None for cell in cells]
    assert lost_by_numbers(texts).tolist() == wanted
    assert lost_by_numbers(texts[1:]).tolist() == wanted[1:]


COLUMNS = {
    "whole": (["1", "2", "3"], True),
    "code": (["1", "02", "3"], False),
    "twice": (["250.0", "250.00", "1.0"], False),
    "missing": (["1.5", None, "2.5"], True),
    "signed": (["+1", "2", "3"], False),
    "large": (["9007199254740993", "9007199254740992", "5"], True),
}


@pytest.mark.parametrize("cells", [1, 1 << 20], ids=["each alone", "all together"])
def test_columns_are_numbers_where_nothing_is_lost(monkeypatch, cells):
    monkeypatch.setattr(written, "_CELLS_AT_ONCE", cells)
    texts = {name: column for name, (column, _) in COLUMNS.items()}
    values = pd.DataFrame({name: pd.to_numeric(pd.Series(column)) for name, column in texts.items()})
    strings = pa.table({name: pa.array(column, pa.large_string()) for name, column in texts.items()})
    found = typed(values, strings, decimal=".", as_text=())
    assert {name: found[name].dtype.kind in "if" for name in found} == {
        name: plain for name, (_, plain) in COLUMNS.items()
    }
    assert found["code"].tolist() == ["1", "02", "3"]
    assert typed(values, strings, decimal=".", as_text=["whole"])["whole"].tolist() == ["1", "2", "3"]


def test_a_row_longer_than_a_block_is_read_at_once(tmp_path, monkeypatch):
    """Its columns are as fast as others: the reader of whole rows takes them."""
    values = np.arange(18_000.0).reshape(2, 9_000) / 7
    frame = pd.DataFrame(values).add_prefix("a name of many letters " * 5).assign(label=["007", "8"])
    frame.to_csv(tmp_path / "wide.csv", index=False)
    assert (tmp_path / "wide.csv").stat().st_size > 1 << 20
    from taskaware.data import delimited

    asked = []
    pandas = delimited._pandas
    monkeypatch.setattr(delimited, "_pandas", lambda *a, **k: asked.append(k) or pandas(*a, **k))
    found = read_file(tmp_path / "wide.csv")
    assert len(asked) == 1 and found["label"].tolist() == ["007", "8"]
    np.testing.assert_allclose(found.iloc[:, :-1].to_numpy(), values, rtol=1e-15)
