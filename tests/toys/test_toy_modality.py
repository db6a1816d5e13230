"""Bags of numbers go the whole way, from `recommend` to a saved model; nothing in taskaware knows them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import taskaware as ta
from taskaware.modalities.reading import vector
from taskaware.modalities.tables.metafeatures import NAMES
from taskaware.objectives.record import describe
from taskaware.store import Store
from taskaware.testing.modality_contract import CHECKS
from taskaware.training.prepare import prepare
from taskaware.training.recipe import TrainingRecipe

SPEC = importlib.util.spec_from_file_location("toy_modality", Path(__file__).with_name("toy_modality.py"))
toy = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(toy)


@pytest.fixture(scope="module", autouse=True)
def bags_modality():
    ta.MODALITIES.add("bags", toy.BAGS)
    yield
    ta.MODALITIES.remove("bags")


def bags_of(rows=120, seed=0):
    """Bags and a binary target that the spread of a bag decides."""
    rng = np.random.default_rng(seed)
    wide = rng.integers(0, 2, rows)
    bags = [rng.normal(0, 3.0 if w else 1.0, rng.integers(5, 30)).tolist() for w in wide]
    return bags, np.where(wide == 1, "wide", "narrow")


@pytest.fixture(scope="module")
def answer():
    return ta.recommend(*bags_of(), name="spreads")


def test_the_whole_way(answer, tmp_path, short):
    assert (answer.task.modality, answer.task.rows, answer.task.features) == ("bags", 120, 6)
    assert answer.task.inputs == ("standardised", "periodic")
    named = {each["name"] for each in answer.architecture.description["embeddings"]}
    assert named and named <= {"standardised", "periodic"}
    bags, answers = bags_of(seed=1)
    model = answer.fit(*bags_of(), members=2, progress=False)
    proba = model.predict_proba(bags)
    assert np.mean(model.predict(bags) == answers) == model.score(bags, answers) > 0.85
    loaded = ta.load_model(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict_proba(bags), proba)
    assert loaded.modality == "bags"
    with pytest.raises(ta.UserError, match="Bag 1 is empty"):
        loaded.predict([[1.0, 2.0], []])


def test_the_answer_is_kept_and_drawn(answer, tmp_path):
    answer.to_json(tmp_path / "answer.json")
    again = ta.load_recommendation(tmp_path / "answer.json")
    assert again.task == answer.task and again.source() == answer.source()
    assert "numbers[:, " in answer.source() and "one-hot" not in answer.source()
    assert "standardised" in answer._repr_html_() and "quantile" not in answer._repr_html_()


def test_module_and_source_are_one_network(answer):
    import jax

    bags, _ = bags_of(20)
    task = ta.make_task(*bags_of())
    blocks = toy.BAGS.fit_blocks(task.data, np.arange(task.rows))
    x = np.concatenate(list(blocks.transform(toy.BagReader().read(bags)).values()), axis=1)
    module = answer.module()
    params = module.init(jax.random.key(0), x, np.zeros((20, 0), np.float32))
    outputs = module.apply(params, x, np.zeros((20, 0), np.float32))
    scope = {}
    exec(answer.source(), scope)  # the text is our own
    from taskaware.children.mixture.source_weights import source_params

    about = {"block": answer.task.block(answer.space), "categories": 0, "outputs": 2}
    own = source_params(answer.space, answer.point, params["params"]["network"], **about)
    np.testing.assert_allclose(scope["Network"]().apply({"params": own}, x), outputs, rtol=2e-4, atol=1e-5)


def test_meta_features_and_experience():
    found = ta.meta_features(*bags_of())
    assert tuple(found.index) == NAMES and np.isfinite(found).all()
    assert found["log_rows"] == pytest.approx(np.log10(120))
    assert found["log_columns"] == pytest.approx(np.log10(7))
    task = ta.make_task(*bags_of())
    with Store.open(":memory:") as store:
        describe(store, task)
        assert [(each.digest, each.features) for each in store.tasks()] == [(task.digest, 6)]


def test_the_last_that_accepts_reads_it():
    bags, answers = bags_of()
    assert ta.make_task((bags, answers)).digest == ta.make_task(bags, answers).digest
    assert ta.make_task((bags, answers), "width").target_name == "width"
    assert ta.make_task(([[1.0, 2.0], [3.0, 4.0]] * 10, [0, 1] * 10), modality="tables").modality == "tables"
    assert ta.make_task("iris").modality == "tables"
    with pytest.raises(ta.UserError, match="Unknown modality 'bag'. Did you mean 'bags'"):
        ta.make_task(bags, answers, modality="bag")
    with pytest.raises(ta.UserError, match="no target values but the name 'y'"):
        ta.make_task(bags, "y")
    with pytest.raises(ta.UserError, match="120 rows and 119 targets"):
        ta.make_task(bags, answers[1:])


def test_rows_without_a_target_are_left_out():
    bags, answers = bags_of()
    answers = answers.astype(object)
    answers[3] = None
    task = ta.make_task(bags, answers)
    assert task.rows == 119 and "1 rows without a target" in task.notes[0]
    assert task.data.digest == ta.make_task(bags[:3] + bags[4:], np.delete(answers, 3)).data.digest


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(lambda: ta.make_task(*bags_of()))


class Named(toy.BagBlocks):
    """Blocks under other names."""

    names = ("spectrum",)

    @property
    def widths(self):
        return dict.fromkeys(self.names, 3)


class HalfCategories(Named):
    names = ("one_hot",)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (Named, "'spectrum' are none of the space's embeddings: standardised, robust"),
        (HalfCategories, "only 'one_hot'"),
    ],
)
def test_blocks_of_no_embedding_are_refused(blocks, words, monkeypatch):
    task, given = ta.make_task(*bags_of()), blocks(np.zeros(3), np.ones(3))
    monkeypatch.setattr(toy.BagsOfNumbers, "fit_blocks", lambda self, data, rows: given)
    with pytest.raises(ta.UserError, match=words):
        prepare(task, 0, TrainingRecipe())


@pytest.mark.parametrize(
    ("found", "words"),
    [({"count": 3.0}, "gives 1 meta-features for"), (dict.fromkeys(NAMES, np.nan), "no finite number for")],
)
def test_meta_features_of_a_modality_are_checked(found, words, monkeypatch):
    task = ta.make_task(*bags_of())
    monkeypatch.setattr(toy.BagsOfNumbers, "meta_features", lambda *_: found, raising=False)
    with pytest.raises(ta.UserError, match=words):
        vector(task)
