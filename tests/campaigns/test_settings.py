"""Settings: typed by their fields, refused by name."""

import dataclasses

import pytest

from taskaware.campaigns.collect import CollectSettings
from taskaware.campaigns.registry import CAMPAIGNS, campaign_of
from taskaware.campaigns.settings import keys, load_experiment, overridden
from taskaware.errors import UserError


@dataclasses.dataclass(frozen=True)
class Inner:
    # How fast.
    rate: float = 0.5
    wide: bool = False

    def check(self):
        if self.rate < 0:
            raise UserError(f"rate={self.rate} is negative.")
        return self


@dataclasses.dataclass(frozen=True)
class Outer:
    # How often,
    # in all.
    times: int = 3
    name: str = "x"
    words: tuple[str, ...] = ("a",)
    sizes: tuple[int, ...] = ()
    limit: float | None = None
    inner: Inner = Inner()

    def check(self):
        self.inner.check()
        return self


def test_values_have_the_types_of_their_fields():
    found = overridden(
        Outer(),
        ["times=7", "name=a=b", "words=x, y", "sizes=1,2", "limit=1e3", "inner.rate=2", "inner.wide=Yes"],
    )
    assert found == Outer(7, "a=b", ("x", "y"), (1, 2), 1000.0, Inner(2.0, True))
    assert type(found.inner.rate) is float
    assert overridden(found, ["limit=none", "sizes="]) == dataclasses.replace(found, limit=None, sizes=())


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("tmes=3", "Unknown setting 'tmes'. Did you mean 'times'"),
        ("inner.rte=3", "Did you mean 'inner.rate'"),
        ("times.rate=3", "Unknown setting 'times.rate'"),
        ("inner=3", "is a group. Set one of inner.rate, inner.wide"),
        ("times=many", "times='many' is not a whole number"),
        ("times=1.5", "times='1.5' is not a whole number"),
        ("inner.rate=fast", "inner.rate='fast' is not a number"),
        ("inner.wide=perhaps", "is not true or false"),
        ("sizes=1,x", "sizes='x' is not a whole number"),
        ("times", "Write key=value"),
        ("inner.rate=-1", "rate=-1.0 is negative"),
    ],
)
def test_what_does_not_fit_is_refused(assignment, words):
    with pytest.raises(UserError) as raised:
        overridden(Outer(), [assignment])
    assert words in str(raised.value)


def test_keys_are_listed_with_their_comments():
    listed = {name: (value, comment) for name, value, comment in keys(Outer())}
    assert listed["times"] == ("3", "How often, in all.")
    assert listed["inner.rate"] == ("0.5", "How fast.")
    assert listed["inner.wide"] == ("false", "How fast.")
    assert listed["limit"][0] == "none"


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.name)
def test_what_is_listed_can_be_assigned_back(campaign):
    config = campaign.settings()
    assert campaign_of(config) is campaign
    assert overridden(config, [f"{name}={value}" for name, value, _ in keys(config)]) == config
    assert all(comment for *_, comment in keys(config))


def test_a_value_that_is_no_config_belongs_to_no_campaign():
    with pytest.raises(UserError, match="No campaign reads a Outer"):
        campaign_of(Outer())


def test_an_experiment_is_a_python_file(tmp_path, monkeypatch):
    folder = tmp_path / "experiments" / "mine"
    folder.mkdir(parents=True)
    source = "from taskaware.campaigns.collect import CollectSettings\ndef config():\n    return {}\n"
    (folder / "config.py").write_text(source.format("CollectSettings(seeds=4)"))
    assert load_experiment(folder) == load_experiment(folder / "config.py") == CollectSettings(seeds=4)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="Did you mean 'experiments/mine'"):
        load_experiment("experiments/mien")
    for content, words in (
        (source.format("3"), "returned 3"),
        (source.format("nothing"), "NameError"),
        ("x = 1", "no attribute 'config'"),
        ("(", "SyntaxError"),
    ):
        (folder / "config.py").write_text(content)
        with pytest.raises(UserError, match=words):
            load_experiment(folder)
