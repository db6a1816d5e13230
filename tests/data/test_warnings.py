"""Warnings name the line of the user's that led to them."""

import inspect

import pandas as pd
import pytest

from taskaware.data.schema import Field, Schema
from taskaware.errors import PACKAGE, warn


def test_a_warning_is_at_the_line_of_the_caller():
    inside = {"warn": inspect.unwrap(warn)}
    source = "def lower():\n    warn('odd')\n\ndef upper():\n    lower()\n"
    exec(compile(source, f"{PACKAGE}anywhere.py", "exec"), inside)
    with pytest.warns(UserWarning, match="odd") as caught:
        inside["upper"]()
    assert caught[0].filename == __file__


def test_it_also_comes_where_all_callers_are_of_the_library(monkeypatch):
    monkeypatch.setattr("taskaware.errors.PACKAGE", "")
    with pytest.warns(FutureWarning, match="soon"):
        warn("soon", FutureWarning)


def test_columns_that_are_ignored_are_named():
    schema = Schema((Field("a", "numeric"),))
    with pytest.warns(UserWarning, match="'more' is not among the columns"):
        schema.read(pd.DataFrame({"a": [1.0], "more": [1]}))
