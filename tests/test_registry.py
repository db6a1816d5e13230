"""Registries: explicit, refused by the nearest name, lazy."""

import sys

import pytest

from taskaware.errors import UserError
from taskaware.registry import Registry


def test_names_are_refused_with_the_nearest():
    shapes = Registry("shape", {"circle": 1, "square": 2})
    with pytest.raises(UserError, match="Unknown shape 'cirlce'. Did you mean 'circle'\\?"):
        shapes.named("cirlce")
    assert "cirlce" not in shapes and shapes.get("cirlce") is None


@pytest.mark.parametrize("name", ["", "two words", "a/b", 3])
def test_a_name_is_a_word(unchecked, name):
    with pytest.raises(UserError, match="no name for a shape"):
        Registry("shape", {}).add(name, 1)


def test_a_taken_name_is_kept():
    shapes = Registry("shape", {"circle": 1})
    with pytest.raises(UserError, match="a shape 'circle' already"):
        shapes.add("circle", 2)
    assert shapes.add("circle", 1) == 1 and shapes.named("circle") == 1
    shapes.remove("circle")
    shapes.remove("circle")
    assert shapes.add("circle", 2) == 2 and list(shapes) == ["circle"]


def test_an_entry_by_address_is_imported_when_asked_for():
    sys.modules.pop("colorsys", None)
    lazy = Registry("function", {"hsv": "colorsys:rgb_to_hsv"})
    assert list(lazy) == ["hsv"] and "colorsys" not in sys.modules
    assert lazy["hsv"] is sys.modules["colorsys"].rgb_to_hsv
