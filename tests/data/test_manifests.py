import tomllib
from importlib import resources

import pytest

from taskaware.data import manifests as room
from taskaware.data import sources
from taskaware.data.loaded import Loaded
from taskaware.data.named import group_of, groups, listed
from taskaware.errors import UserError


@pytest.mark.parametrize("found", room.manifests(), ids=lambda found: found.name)
def test_every_manifest_is_whole(found):
    assert found.title
    assert found.licence
    assert found.problem in ("classification", "regression")
    for source in found.sources:
        if "sklearn" in source:
            assert source["sklearn"] in sources.BUNDLED
        if "openml" in source:
            assert type(source["openml"]) is int


def test_no_source_is_named_twice():
    ids = [source["openml"] for found in room.manifests() for source in found.sources if "openml" in source]
    assert len(ids) == len(set(ids)) >= 15


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("iris", (150, 5)),
        ("wine", (178, 14)),
        ("breast-cancer", (569, 31)),
        ("digits", (1797, 65)),
        ("diabetes", (442, 11)),
    ],
)
def test_bundled_sets_are_there_offline(name, shape):
    found = room.manifest(name)
    assert found.offline
    loaded = room.fetch(found)
    assert loaded.frame.shape == shape
    assert loaded.target in loaded.frame.columns


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text('title = "t"\ntarget = "y"\nkind = "regression"\nlicence = "x"\n' + text)
    return room.read_manifest(path)


def test_sources_are_tried_in_order(tmp_path, monkeypatch):
    import pandas as pd

    def off(key):
        raise UserError(f"{key} is off.")

    monkeypatch.setattr(sources, "from_openml", off)
    monkeypatch.setattr(sources, "from_hub", lambda key: Loaded(pd.DataFrame({"a": [1], "b": [2]}), key))
    found = written(tmp_path, '[[sources]]\nopenml = 5\n[[sources]]\nhub = "me/it"\ntarget = "b"\n')
    loaded = room.fetch(found)
    assert (loaded.name, loaded.target, loaded.frame.columns.tolist()) == ("mine", "y", ["a", "y"])
    only = written(tmp_path, '[[sources]]\nopenml = 5\n[[sources]]\nhub = "me/it"\ntarget = "c"\n')
    with pytest.raises(UserError, match="'mine' is not available now. 5 is off. .*no column 'c'"):
        room.fetch(only)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "colour = 3\n",
        "[[sources]]\nurl = 'https://example.org/a.csv'\n",
        "[[sources]]\nname = 'x'\n",
        "= =",
    ],
)
def test_wrong_manifests(tmp_path, text):
    with pytest.raises(UserError, match="'mine.toml'"):
        written(tmp_path, text)


def test_lists_of_names_are_of_data_sets_that_exist():
    offline = {manifest.name for manifest in room.manifests() if manifest.offline}
    assert set(listed("bundled")) == offline
    studies = ("collect", "compare", "models", "published", "ship", "ship_tables")
    assert all(set(listed(f"smoke.{study}")) <= offline for study in studies)


def test_every_data_set_has_one_group():
    plain = tomllib.loads((resources.files("taskaware.data") / "groups.toml").read_text(encoding="utf-8"))
    assert len(groups()) == sum(map(len, plain.values())) == 19
    assert group_of("heart.h") == group_of("cholesterol") == "heart"
    assert group_of("iris") == "iris"
