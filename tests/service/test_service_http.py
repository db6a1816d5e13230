"""The service over HTTP, from an upload to predictions; it answers what the library answers."""

import io
import json
import re
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import taskaware


def refusal(answer, status):
    """Code and message of an error."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"} and "Traceback" not in answer.text
    return answer.json()["error"]["code"], answer.json()["error"]["message"]


def upload(client, content, name="data.csv", **query):
    answer = client.post("/datasets", params={"name": name, **query}, content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_a_preview_says_what_was_assumed(http, uploaded):
    found = http.get(f"/datasets/{uploaded}/preview").json()
    columns = {each["name"]: each for each in found["columns"]}
    assert [each["kind"] for each in columns.values()] == ["numeric", "numeric", "category", "category"]
    assert columns["colour"]["distinct"] == 3 and set(columns["colour"]["examples"]) <= {
        "red",
        "white",
        "blue",
    }
    assert found["task"]["problem"] == "classification"
    assert found["task"]["classes"] == ["iris", "rose", "tulip"]
    assert (found["column_count"], found["error"]) == (4, None)
    second = http.get(f"/datasets/{uploaded}/preview", params={"offset": 1, "limit": 1}).json()
    assert [each["name"] for each in second["columns"]] == ["width"]


def test_what_was_assumed_can_be_corrected(service, flowers):
    client = service()
    id = upload(client, flowers.assign(number=range(60)).to_csv(index=False))
    found = client.get(f"/datasets/{id}/preview").json()
    assert (found["task"], found["likely_target"]) == (None, "number")
    changes = {"target": "species", "kinds": {"length": "category"}, "drop": ["number"]}
    assert client.patch(f"/datasets/{id}", json=changes).json()["choices"]["target"] == ["species"]
    found = client.get(f"/datasets/{id}/preview").json()
    columns = {each["name"]: each for each in found["columns"]}
    assert (columns["length"]["kind"], columns["number"]["dropped"]) == ("category", True)
    # What is left out stays.
    assert client.patch(f"/datasets/{id}", json={"metric": "f1_macro"}).json()["choices"]["drop"] == [
        "number"
    ]
    assert client.get(f"/datasets/{id}/preview").json()["task"]["metric"] == "f1_macro"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "height"}, "height"),
        ({"kinds": {"colour": "numeric"}}, "colour"),
        ({"kinds": {"colour": "colour"}}, "colour"),
        ({"modalities": {"colour": "smell"}}, "smell"),
    ],
)
def test_a_correction_that_does_not_fit_is_refused(http, uploaded, changes, words):
    before = http.get(f"/datasets/{uploaded}").json()
    code, message = refusal(http.patch(f"/datasets/{uploaded}", json=changes), 422)
    assert code in ("unusable", "no_column") and words in message
    assert http.get(f"/datasets/{uploaded}").json() == before


def test_without_a_target_nothing_is_recommended(service, flowers):
    client = service()
    id = upload(client, flowers.to_csv(index=False))
    code, message = refusal(client.post("/recommendations", json={"dataset": id}), 422)
    assert code == "no_target" and "'species'" in message


def test_a_recommendation_is_the_library_s(recommended, flowers):
    own = taskaware.recommend(flowers, target="species")
    answer = recommended["answer"]
    assert answer["architecture"] == own.architecture.text
    assert answer["predicted_score"] == pytest.approx(own.predicted_score, abs=1e-6)
    low, high = answer["interval"]
    assert 0 <= low < answer["predicted_score"] < high <= 1
    assert [each["name"] for each in answer["neighbours"]] == own.neighbours["name"].tolist()
    assert [each["predicted_score"] for each in answer["candidates"]] == pytest.approx(
        own.candidates["predicted_score"].tolist(), abs=1e-6
    )
    assert answer["candidates"][0]["size"] == own.size


def test_a_recommendation_is_drawn_written_and_downloaded(http, recommended, tmp_path):
    place = f"/recommendations/{recommended['id']}"
    picture = http.get(f"{place}/drawing")
    assert picture.headers["content-type"].startswith("image/svg+xml") and picture.text.startswith("<svg ")
    assert "class " in http.get(f"{place}/source").text
    (tmp_path / "rec.json").write_bytes(http.get(f"{place}/file").content)
    loaded = taskaware.load_recommendation(tmp_path / "rec.json")
    assert loaded.architecture.text == recommended["answer"]["architecture"]


def test_a_job_is_accepted_with_a_place_to_look(service, flowers):
    client = service()
    id = upload(client, flowers.to_csv(index=False), target="species")
    rec = client.post("/recommendations", json={"dataset": id}).json()["id"]
    answer = client.post("/jobs", json={"recommendation": rec})
    assert answer.status_code == 202
    found = client.get(answer.headers["location"]).json()
    assert (found["status"], found["model"], found["progress"]) == ("waiting", None, None)
    for place in (f"/datasets/{id}", f"/recommendations/{rec}", answer.headers["location"]):
        assert refusal(client.delete(place), 409)[0] == "conflict"
    assert client.post(f"{answer.headers['location']}/cancel").json()["status"] == "cancelled"
    assert client.delete(answer.headers["location"]).status_code == 204
    assert client.delete(f"/datasets/{id}").status_code == 204
    assert refusal(client.post("/jobs", json={"recommendation": rec}), 404)


def test_events_tell_a_training_from_its_start_to_its_end(http, events, job):
    told = [json.loads(line) for line in re.findall(r"^data: (.*)\r?$", events, re.MULTILINE)]
    statuses = [each["status"] for each in told if each["event"] == "status"]
    assert statuses == ["running", "done"]
    curve = [each for each in told if each["event"] == "progress"]
    assert len(curve) > 1 and [each["step"] for each in curve] == sorted({each["step"] for each in curve})
    assert job["status"] == "done" and job["progress"] == curve[-1]
    assert told[-1]["model"] == job["model"]
    # After a reload: all again, or only what is new. Comments, sent while nothing happens, are no events.
    again = http.get(f"/jobs/{job['id']}/events").text
    fields = re.compile(r"^(?:id|event|data): .*$", re.MULTILINE)
    assert fields.findall(again) == fields.findall(events)
    numbers = re.findall(r"^id: (\d+)\r?$", events, re.MULTILINE)
    rest = http.get(f"/jobs/{job['id']}/events", headers={"last-event-id": numbers[-2]}).text
    assert re.findall(r"^id: (\d+)\r?$", rest, re.MULTILINE) == numbers[-1:]


def test_a_model_is_the_library_s(http, model, recommended, flowers, tmp_path):
    with zipfile.ZipFile(io.BytesIO(http.get(f"/models/{model['id']}/file").content)) as packed:
        packed.extractall(tmp_path / "model")
    loaded = taskaware.load_model(tmp_path / "model")
    assert loaded.best_score == model["about"]["score"]
    rows = json.loads(flowers.drop(columns="species").to_json(orient="records"))
    found = http.post(f"/models/{model['id']}/predict", params={"proba": True}, json={"rows": rows}).json()
    assert found["columns"]["species"] == loaded.predict(flowers).tolist()
    probabilities = np.column_stack([found["columns"][f"P({label})"] for label in loaded.classes])
    np.testing.assert_allclose(probabilities, loaded.predict_proba(flowers), rtol=1e-5, atol=1e-7)
    assert (loaded.predict(flowers) == flowers["species"]).mean() > 0.8


def test_predictions_come_in_the_form_of_the_rows(http, model, flowers):
    place, rows = f"/models/{model['id']}/predict", flowers.drop(columns="species").head(7)
    wanted = http.post(place, json={"rows": json.loads(rows.to_json(orient="records"))}).json()
    wanted = wanted["columns"]["species"]
    text = {"content-type": "text/csv"}
    answer = http.post(place, content=rows.to_csv(index=False), headers=text)
    assert answer.headers["content-type"].startswith("text/csv")
    assert pd.read_csv(io.StringIO(answer.text))["species"].tolist() == wanted
    parquet = http.post(place, content=rows.to_parquet(), params={"name": "new.parquet", "format": "json"})
    assert parquet.json()["columns"]["species"] == wanted
    sink = io.BytesIO()
    table = pa.Table.from_pandas(rows)
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    arrow = {"content-type": "application/vnd.apache.arrow.stream"}
    answer = http.post(place, content=sink.getvalue(), headers=arrow)
    assert pa.ipc.open_stream(answer.content).read_pandas()["species"].tolist() == wanted


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"content": b"{"}, 400, "no JSON"),
        ({"json": {"rows": [{"length": 1.0}]}}, 422, "width"),
        ({"json": [1, 2]}, 422, "rows"),
        ({"content": b"x", "headers": {"content-type": "image/bmp"}}, 415, "image/bmp"),
        ({"json": {"rows": [{}]}, "params": {"format": "xml"}}, 400, "xml"),
        ({"content": b""}, 400, "empty"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_with_the_mend(http, model, given, status, words):
    assert words in refusal(http.post(f"/models/{model['id']}/predict", **given), status)[1]


def test_a_model_is_written_as_code(http, model):
    answer = http.get(f"/models/{model['id']}/source")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert {"network.py", "encoder.json", "weights.npz"} <= set(packed.namelist())


def test_a_model_is_exported_and_what_it_has_not_is_refused_by_name(http, model, monkeypatch):
    place = f"/models/{model['id']}/exports"
    assert {each["form"]: each["reason"] for each in http.get(place).json()}["numpy"] == ""
    answer = http.get(f"{place}/numpy")
    assert 'filename="model-numpy.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert set(packed.namelist()) == {"predict.py", "export.json", "arrays.npz"}
    code, message = refusal(http.get(f"{place}/nympy"), 422)
    assert code == "unusable" and "Did you mean 'numpy'" in message
    assert refusal(http.get(f"/models/{'0' * 32}/exports/numpy"), 404)[0] == "not_found"
    monkeypatch.setattr("taskaware.training.tensors.importlib.util.find_spec", lambda name: None)
    code, message = refusal(http.get(f"{place}/onnx"), 422)
    assert code == "no_export" and "needs the package onnx" in message
    found = {each["form"]: each["reason"] for each in http.get(place).json()}
    assert message.endswith(found["onnx"]) and found["safetensors"] == found["stablehlo"] == ""


def test_lists_come_in_parts_and_deleted_things_are_gone(service, flowers):
    client = service()
    ids = [upload(client, flowers.to_csv(index=False), f"{place}.csv") for place in range(3)]
    first = client.get("/datasets", params={"limit": 2}).json()
    second = client.get("/datasets", params={"limit": 2, "before": first["next"]}).json()
    assert [each["id"] for each in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert client.delete(f"/datasets/{ids[1]}").status_code == 204
    assert refusal(client.get(f"/datasets/{ids[1]}"), 404)[0] == "not_found"
    assert [each["id"] for each in client.get("/datasets").json()["items"]] == [ids[2], ids[0]]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.tsv", lambda frame, path: frame.to_csv(path, sep="\t", index=False)),
        ("a.parquet", lambda frame, path: frame.to_parquet(path)),
        ("a.jsonl", lambda frame, path: frame.to_json(path, orient="records", lines=True)),
        ("a.csv.gz", lambda frame, path: frame.to_csv(path, index=False)),
        ("a.zip", lambda frame, path: frame.to_csv(path, index=False)),
        ("a.xlsx", lambda frame, path: frame.to_excel(path, index=False)),
        (
            "a.arff",
            lambda frame, path: path.write_text(
                "@relation a\n@attribute length numeric\n@attribute width numeric\n"
                "@attribute colour {red,white,blue}\n@attribute species {iris,rose,tulip}\n@data\n"
                + frame.to_csv(index=False, header=False)
            ),
        ),
    ],
)
def test_formats_of_tables(service, flowers, tmp_path, name, write):
    path = tmp_path / (name if name != "a.zip" else "flowers.csv.zip")
    write(flowers, path)
    client = service()
    id = upload(client, path.read_bytes(), name, target="species")
    found = client.get(f"/datasets/{id}/preview").json()
    assert found["dataset"]["rows"] == 60 and found["task"]["classes"] == ["iris", "rose", "tulip"]


def test_a_zip_of_folders_is_a_dataset_of_images(service):
    image = pytest.importorskip("PIL.Image")
    packed, rng = io.BytesIO(), np.random.default_rng(0)
    with zipfile.ZipFile(packed, "w") as archive:
        for place in range(24):
            file = io.BytesIO()
            image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(file, "PNG")
            archive.writestr(f"pets/{('cat', 'dog')[place % 2]}/same.{place}.png", file.getvalue())
        archive.writestr("pets/.DS_Store", b"junk")
    client = service()
    id = upload(client, packed.getvalue(), "pets.zip")
    found = client.get(f"/datasets/{id}/preview").json()
    assert (found["task"]["modality"], found["task"]["classes"]) == ("image", ["cat", "dog"])
    assert found["dataset"]["rows"] == 24
    rec = client.post("/recommendations", json={"dataset": id})
    assert rec.status_code == 201 and rec.json()["answer"]["modality"] == "image"


def test_health_counts_and_description(http, recommended):
    assert http.get("/health").json() == {"status": "ok", "version": taskaware.__version__}
    counts = http.get("/metrics").text
    assert 'taskaware_requests_total{method="POST",route="/recommendations",status="201"}' in counts
    assert recommended["id"] not in counts
    schema = http.get("/docs/openapi.json").json()
    assert {"/datasets", "/recommendations", "/jobs", "/models/{id}/predict"} <= set(schema["paths"])
    page = http.get("/docs").text
    assert "POST /jobs" in page and "trainings" in page and "<script" not in page


def test_an_error_of_the_service_itself_has_no_traceback(service, monkeypatch, caplog):
    client = service()
    monkeypatch.setattr("taskaware.service.records.Records.page", lambda *_, **__: 1 / 0)
    code, message = refusal(client.get("/datasets"), 500)
    assert code == "failed" and "ZeroDivision" not in message
    assert "ZeroDivisionError" in caplog.text
