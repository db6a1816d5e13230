"""`ta.Client`: what it gives is what the library gives, and its errors are the library's."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import taskaware as ta
from taskaware.errors import EngineError
from taskaware.service.wire import Wire

URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def client(http):
    return ta.Client(URL, http=http)


@pytest.fixture(scope="module")
def trained(client, model):
    return next(each for each in client.models() if each.id == model["id"])


def test_a_frame_comes_as_it_is(client, flowers):
    data = client.upload(flowers, target="species", kinds={"colour": "category"}, name="mine")
    assert data.about["name"] == "mine.parquet" and "60 rows" in repr(data)
    assert data.preview()["task"]["classes"] == ["iris", "rose", "tulip"]
    assert data.correct(drop=["width"]).about["choices"]["drop"] == ["width"]
    rec, own = (
        client.recommend(data, seed=3),
        ta.recommend(flowers, target="species", kinds={"colour": "category"}, drop=["width"], seed=3),
    )
    assert rec.architecture == own.architecture.text
    assert rec.load().architecture.text == own.architecture.text
    assert (rec.predicted_score, rec.uncertainty) == pytest.approx((own.predicted_score, own.uncertainty))
    rec.delete()
    data.delete()
    assert data.id not in [each.id for each in client.datasets()]


def test_files_are_uploaded(client, flowers, tmp_path):
    flowers.to_csv(tmp_path / "flowers.csv.gz", index=False)
    data = client.upload(str(tmp_path / "flowers.csv.gz"))
    assert (data.about["name"], data.about["rows"]) == ("flowers.csv.gz", 60)
    data.delete()


def test_a_folder_is_packed(client, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for place in range(4):
        folder = tmp_path / "pets" / ("cat", "dog")[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image.fromarray(np.full((8, 8), 60 * place, np.uint8)).save(folder / f"{place}.png")
    data = client.upload(tmp_path / "pets")
    assert (data.about["name"], data.about["rows"]) == ("pets.zip", 4)
    data.delete()


def test_a_training_is_waited_for_and_predicts(client, job, trained, flowers, tmp_path):
    found = next(each for each in client.jobs() if each.id == job["id"])
    assert found.wait(progress=False).id == trained.id
    loaded = ta.load_model(trained.save(tmp_path / "model"))
    rows = flowers.drop(columns="species").iloc[::-3]
    assert trained.predict(rows).tolist() == loaded.predict(rows).tolist()
    np.testing.assert_allclose(trained.predict_proba(rows), loaded.predict_proba(rows), rtol=1e-5, atol=1e-7)
    pd.testing.assert_frame_equal(
        trained.predict_frame(rows, proba=True), loaded.predict_frame(rows, proba=True)
    )
    rows.to_csv(tmp_path / "new.csv", index=False)
    assert trained.predict(tmp_path / "new.csv").tolist() == loaded.predict(rows).tolist()
    assert trained.load().best_score == loaded.best_score
    with pytest.raises(ta.UserError, match="exists"):
        trained.save(tmp_path / "model")
    assert trained.exports()["numpy"] == ""
    folder = trained.export(tmp_path / "deep" / "plain")
    assert sorted(path.name for path in folder.iterdir()) == ["arrays.npz", "export.json", "predict.py"]
    done = subprocess.run(
        [sys.executable, folder / "predict.py", tmp_path / "new.csv"], capture_output=True, text=True
    )
    assert done.stdout.split()[1:] == loaded.predict(rows).tolist()
    with pytest.raises(ta.UserError, match="exists"):
        trained.export(folder)
    with pytest.raises(ta.UserError, match="Unknown form of an export"):
        trained.export(tmp_path / "other", to="nympy")
    assert not (tmp_path / "other").exists()


def test_a_refusal_is_a_user_error(client, trained, flowers):
    with pytest.raises(ta.UserError, match="height"):
        client.upload(flowers, target="height")
    before = [each.id for each in client.datasets()]
    with pytest.raises(ta.UserError, match="width"):
        trained.predict(flowers[["length"]])
    with pytest.raises(ta.UserError, match="neither a table nor a path"):
        client.upload(3)
    with pytest.raises(ta.UserError, match="cannot be read"):
        client.upload("missing.csv")
    assert [each.id for each in client.datasets()] == before


def test_a_cancelled_job_is_an_engine_error(service, flowers):
    client = ta.Client(URL, http=service())
    job = client.train(client.recommend(client.upload(flowers, target="species")), seconds=1)
    assert job.status == "waiting"
    job.cancel()
    with pytest.raises(EngineError, match="cancelled"):
        job.wait(progress=False)


def test_a_token_goes_into_a_header_and_into_no_message(service):
    token = "a-token-of-the-client"
    http = service(tokens=[token])
    client = ta.Client(URL, token, http=http)
    assert list(client.datasets()) == [] and token not in repr(client) + repr(vars(client)["_wire"])
    with pytest.raises(ta.UserError, match="token"):
        list(ta.Client(URL, "another-token-of-16", http=http).datasets())


def test_silence_is_an_engine_error():
    with pytest.raises(EngineError, match="does not answer"):
        list(ta.Client("http://127.0.0.1:9", timeout=5).datasets())
    with pytest.raises(ta.UserError, match="no address"):
        ta.Client("127.0.0.1:8000")


def test_an_answer_of_something_else_is_told(http):
    wire = Wire(URL, None, 5, http)
    with pytest.raises(ta.UserError, match="nothing at this address"):
        wire.request("GET", "/nothing")


def test_neither_the_package_nor_the_client_imports_the_server():
    code = (
        "import sys, taskaware; assert not [m for m in sys.modules if m.startswith('taskaware.service')]; "
        "taskaware.Client; assert not {'litestar', 'uvicorn', 'httpx'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
