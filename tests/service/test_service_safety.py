"""What hostile requests and files meet: each is refused, with its reason, before it does harm."""

import asyncio
import io
import json
import stat
import struct
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from litestar import Request
from litestar.exceptions import InternalServerException

from taskaware.errors import UserError
from taskaware.service import cells
from taskaware.service.front import answered, receive, shown_name
from taskaware.service.guard import Guard
from taskaware.service.limits import Limits, limits_of
from taskaware.service.metrics import Metrics
from taskaware.service.refused import Refused
from taskaware.service.tokens import FILE, Tokens, digest_of, is_loopback, tokens_for
from taskaware.service.unpacking import unpack

ANN, BOB = "the token of Ann, 1", "the token of Bob, 2"
SCRIPT = "<script>alert(1)</script>"


def refusal(answer, status):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["code"], answer.json()["error"]["message"]


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def packed(files, **options):
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content, **options)
    return found.getvalue()


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name)


# Tokens


def test_a_service_with_tokens_answers_nobody_else(service, flowers):
    client = service(tokens=[ANN])
    for headers in ({}, bearer(BOB), {"authorization": f"Basic {ANN}"}, bearer("")):
        for method, place in (("GET", "/datasets"), ("POST", "/datasets?name=a.csv"), ("GET", "/metrics")):
            answer = client.request(method, place, headers=headers)
            assert refusal(answer, 401)[0] == "no_token"
            assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/datasets", headers=bearer(ANN)).status_code == 200
    assert client.get("/health").status_code == 200


def test_one_token_sees_nothing_of_another_s(service, flowers):
    client = service(tokens=[ANN, BOB])
    client.headers.update(bearer(ANN))
    place = {"name": "a.csv", "target": "species"}
    id = client.post("/datasets", params=place, content=flowers.to_csv(index=False)).json()["id"]
    rec = client.post("/recommendations", json={"dataset": id}).json()["id"]
    job = client.post("/jobs", json={"recommendation": rec}).json()["id"]
    client.headers.update(bearer(BOB))
    for kind in ("datasets", "recommendations", "jobs", "models"):
        assert client.get(f"/{kind}").json() == {"items": [], "next": None}
    for method, place, body in (
        ("GET", f"/datasets/{id}", None),
        ("GET", f"/datasets/{id}/preview", None),
        ("PATCH", f"/datasets/{id}", {"drop": []}),
        ("DELETE", f"/datasets/{id}", None),
        ("POST", "/recommendations", {"dataset": id}),
        ("GET", f"/recommendations/{rec}/file", None),
        ("GET", f"/recommendations/{rec}/drawing", None),
        ("POST", "/jobs", {"recommendation": rec}),
        ("GET", f"/jobs/{job}", None),
        ("GET", f"/jobs/{job}/events", None),
        ("POST", f"/jobs/{job}/cancel", None),
        ("DELETE", f"/jobs/{job}", None),
    ):
        mine = client.request(method, place, json=body)
        assert refusal(mine, 404)[0] == "not_found", (method, place)
        # As for an id that nobody has.
        nobody = client.request(method, place.replace(id, "0" * 32).replace(rec, "0" * 32), json=body)
        assert nobody.json() == mine.json()
    client.headers.update(bearer(ANN))
    assert client.get(f"/jobs/{job}").json()["status"] == "waiting"


def test_another_host_than_this_machine_s_asks_for_a_token(tmp_path):
    assert tokens_for(tmp_path, "127.0.0.1")[0].required is False
    tokens, made = tokens_for(tmp_path, "0.0.0.0")
    assert tokens.required and len(made) > 40
    assert tokens.owner(f"Bearer {made}") and tokens.owner(f"Bearer {made}x") is None
    # It is told once, and only its digest is kept.
    again, nothing = tokens_for(tmp_path, "0.0.0.0")
    assert nothing == "" and again.owner(f"Bearer {made}") == tokens.owner(f"Bearer {made}")
    assert made not in (tmp_path / FILE).read_text()
    both, second = tokens_for(tmp_path, "0.0.0.0", fresh=True)
    assert len({both.owner(f"Bearer {made}"), both.owner(f"Bearer {second}")}) == 2
    own, nothing = tokens_for(tmp_path / "..", "0.0.0.0", [ANN.replace(" ", "-")])
    assert nothing == "" and own.required
    for weak in ("short", "x" * 15, "with a blank in it", "ümläute-sind-nicht-erlaubt"):
        with pytest.raises(UserError, match="token"):
            tokens_for(tmp_path, "0.0.0.0", [weak])


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.evil.org", "127.0.0.1.evil.org"]
)
def test_no_loopback(host):
    assert not is_loopback(host)


# Browsers


def test_pages_of_others_change_nothing(service, flowers):
    client = service()
    content = flowers.to_csv(index=False)
    for headers in (
        {"origin": "http://evil.org"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"},
    ):
        answer = client.post("/datasets?name=a.csv", content=content, headers=headers)
        assert refusal(answer, 403)[0] == "forbidden", headers
    own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/datasets?name=a.csv", content=content, headers=own).status_code == 201
    answer = client.options("/datasets", headers={"origin": "http://evil.org"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_names_that_lead_here_by_another_s_dns_are_refused(service):
    client = service()
    for host in ("evil.org", "evil.org:8000", "127.0.0.1.evil.org", ""):
        assert refusal(client.get("/datasets", headers={"host": host}), 403)
    for host in ("localhost:1", "127.0.0.1", "[::1]:8000"):
        assert client.get("/datasets", headers={"host": host}).status_code == 200
    # With a token the name does not matter: a page of another name does not have it.
    client = service(tokens=[ANN], headers=bearer(ANN))
    assert client.get("/datasets", headers={"host": "models.example.org"}).status_code == 200


def test_every_answer_is_strict_with_browsers(service):
    client = service()
    for answer in (client.get("/"), client.get("/docs"), client.get("/datasets"), client.get("/nothing")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert refusal(client.get("/nothing"), 404)[0] == "not_found"


# Sizes


class Call:
    """A request that is read only as far as its parts are taken."""

    def __init__(self, parts, announced=None):
        self.headers = {} if announced is None else {"content-length": str(announced)}
        self.parts, self.taken = parts, 0

    async def stream(self):
        for part in self.parts:
            self.taken += 1
            yield part


@pytest.mark.parametrize(("announced", "taken"), [(10_000, 0), (None, 3), (5, 3)])
def test_bodies_are_refused_before_they_are_read_whole(tmp_path, announced, taken):
    call = Call([b"x" * 100] * 100, announced)
    with pytest.raises(Refused, match="250 bytes"):
        asyncio.run(receive(call, tmp_path / "body", 250))
    assert call.taken == taken


def test_announced_bodies_are_refused_over_http(service):
    client = service(dataset_bytes=1_000)
    assert refusal(client.post("/datasets?name=a.csv", content=b"x" * 1_001), 413)[0] == "too_large"
    assert refusal(client.post("/datasets?name=a.csv", content=(b"x" * 600 for _ in "ab")), 413)


def test_nothing_stays_of_what_is_refused(service, tmp_path, flowers):
    client = service(dataset_bytes=1_000, rows=20)
    content = flowers.to_csv(index=False)
    for body, status in ((content * 10, 413), (content[:900], 413), ("", 400)):
        refusal(client.post("/datasets?name=a.csv", content=body), status)
    assert refusal(client.post("/datasets?name=a.exe", content=content), 415)[0] == "unknown_format"
    assert files_of(tmp_path / "service") == []


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"rows": 50}, "60 rows"), ({"columns": 3}, "4 columns"), ({"cells": 200}, "cells")],
)
@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl", "xlsx"])
def test_large_tables_are_refused(service, flowers, tmp_path, limits, words, form):
    path = tmp_path / f"a.{form}"
    if form == "parquet":
        flowers.to_parquet(path)
    elif form == "jsonl":
        flowers.to_json(path, orient="records", lines=True)
    else:
        getattr(flowers, {"csv": "to_csv", "xlsx": "to_excel"}[form])(path, index=False)
    answer = service(**limits).post(f"/datasets?name={path.name}", content=path.read_bytes())
    assert words.split()[-1] in refusal(answer, 413)[1]


def test_a_table_is_refused_by_its_lines_and_never_read(service, monkeypatch, flowers):
    monkeypatch.setattr("taskaware.service.datasets.load", lambda *_: pytest.fail("it was read"))
    client = service(rows=50)
    assert refusal(client.post("/datasets?name=a.csv", content=flowers.to_csv(index=False)), 413)


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.csv.bz2", "bomb.csv.xz", "bomb.zip", "bomb.xlsx"])
def test_bombs_are_refused(service, name, tmp_path):
    import bz2
    import gzip
    import lzma

    content = b"a,b\n" + b"1,2\n" * 400_000
    forms = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    ending = name[name.rindex(".") :]
    member = "xl/workbook.xml" if ending == ".xlsx" else "a.csv"
    small = forms[ending](content) if ending in forms else packed({member: content})
    client = service(unpacked_bytes=1_000_000)
    assert len(small) < 20_000
    assert refusal(client.post(f"/datasets?name={name}", content=small), 413)[0] == "too_large"
    assert files_of(tmp_path / "service") == []


def test_a_short_parquet_file_with_a_long_text_in_every_row_is_refused(service):
    table = pa.table(
        {"text": pa.DictionaryArray.from_arrays([0] * 5_000, ["x" * 100_000]), "y": range(5_000)}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert len(sink.getvalue()) < 200_000
    answer = service(unpacked_bytes=100_000_000).post("/datasets?name=a.parquet", content=sink.getvalue())
    assert refusal(answer, 413)[0] == "too_large"


def test_an_archive_that_lies_of_its_sizes_is_stopped(tmp_path):
    content = bytearray(packed({"a/1.png": b"x" * 1_000_000, "b/2.png": b"y"}))
    # The size that the directory names for the first file.
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 10)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Refused):
        unpack(tmp_path / "a.zip", tmp_path / "out", Limits(unpacked_bytes=1_000))
    assert not (tmp_path / "out").exists()


def test_tokens_have_limits_of_their_own(service, flowers):
    content = flowers.to_csv(index=False)
    client = service(token_datasets=1, token_jobs=1, tokens=[ANN, BOB], headers=bearer(ANN))
    place = {"name": "a.csv", "target": "species"}
    id = client.post("/datasets", params=place, content=content).json()["id"]
    assert refusal(client.post("/datasets", params=place, content=content), 429)[0] == "limit"
    rec = client.post("/recommendations", json={"dataset": id}).json()["id"]
    assert client.post("/jobs", json={"recommendation": rec}).status_code == 202
    assert refusal(client.post("/jobs", json={"recommendation": rec}), 429)[0] == "limit"
    answer = client.post("/datasets", params=place, content=content, headers=bearer(BOB))
    assert answer.status_code == 201


def test_bytes_have_a_limit(service, flowers):
    content = flowers.to_csv(index=False)
    client = service(token_bytes=len(content) + 100)
    id = client.post("/datasets?name=a.csv", content=content).json()["id"]
    assert "Delete" in refusal(client.post("/datasets?name=a.csv", content=content), 429)[1]
    client.delete(f"/datasets/{id}")
    assert client.post("/datasets?name=a.csv", content=content).status_code == 201


def test_huge_headers_are_refused(service):
    client = service(header_bytes=4_000)
    assert refusal(client.get("/datasets", headers={"x-much": "x" * 5_000}), 431)
    assert client.get("/datasets", headers={"x-much": "x" * 2_000}).status_code == 200


def test_other_bodies_are_small_and_strict(service):
    client = service(request_bytes=1_000)
    assert refusal(client.post("/recommendations", content=b'{"dataset": "' + b"x" * 2_000 + b'"}'), 413)
    for body in ({"dataset": 3}, {"dataset": "x", "seed": -1}, {"dataset": "x", "evil": 1}, [], "x"):
        assert refusal(client.post("/recommendations", json=body), 400)[0] == "bad_request"
    assert refusal(client.post("/recommendations", content=b"{"), 400)[0] == "bad_request"


def test_a_client_that_goes_away_is_no_error_of_the_service(tmp_path, caplog):
    ended = iter([{"type": "http.request", "body": b"a,b", "more_body": True}, {"type": "http.disconnect"}])

    async def next_part():
        return next(ended)

    scope = {"type": "http", "method": "POST", "path": "/datasets", "query_string": b"", "headers": []}
    route = SimpleNamespace(resolve_request_max_body_size=lambda: 100)
    request = Request(scope | {"server": ("127.0.0.1", 80), "route_handler": route}, receive=next_part)
    with pytest.raises(InternalServerException) as caught:
        asyncio.run(receive(request, tmp_path / "a.csv", 100))
    answer = answered(request, caught.value)
    assert answer.status_code == 400 and "Send it again" in answer.content["error"]["message"]
    assert not caplog.records


def test_a_body_that_stops_coming_is_given_up():
    sent = []

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def receive():
        if sent:
            await asyncio.sleep(60)
        sent.append("body")
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        sent.append(message)

    guard = Guard(app, Tokens(), Limits(silent_seconds=1), Metrics())
    scope = {"type": "http", "method": "POST", "path": "/datasets", "headers": [(b"host", b"localhost")]}
    asyncio.run(guard(scope, receive, send))
    assert sent[1]["status"] == 408
    assert json.loads(sent[2]["body"])["error"]["code"] == "too_slow"


# Paths


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.csv",
        "/etc/evil.csv",
        "..\\..\\evil.csv",
        "a\0b.csv",
        "%2e%2e%2fevil.csv",
        "x" * 900 + ".csv",
    ],
)
def test_names_of_uploads_lead_nowhere(service, flowers, tmp_path, name):
    client = service()
    answer = client.post("/datasets", params={"name": name}, content=flowers.to_csv(index=False))
    assert answer.status_code == 201
    id, shown = answer.json()["id"], answer.json()["name"]
    assert "/" not in shown and "\\.." not in shown and "\0" not in shown and len(shown) <= 200
    assert files_of(tmp_path / "service") == [tmp_path / "service" / "datasets" / id / "data.csv"]


@pytest.mark.parametrize("id", ["%2e%2e", "../../etc", "0" * 31, "0" * 33, "0" * 31 + "g", "a' OR '1'='1"])
def test_only_ids_are_looked_up(service, id):
    client = service()
    for place in ("datasets", "recommendations", "jobs", "models"):
        assert client.get(f"/{place}/{id}").status_code == 404
        assert client.delete(f"/{place}/{id}").status_code in (404, 405)


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "a/../../evil.png", "/evil.png", "a\\..\\evil.png", "C:/evil.png", "a//b.png",
     "./a/b.png", "a/b\x01.png", "x" * 150 + "/a.png", "a/" * 20 + "b.png"],
)  # fmt: skip
def test_names_in_archives_lead_nowhere(service, tmp_path, name):
    client = service()
    body = packed({name: b"\x89PNG\r\n\x1a\n", "b/2.png": b"\x89PNG\r\n\x1a\n"})
    if "\\" in name:
        # zipfile itself writes a slash.
        body = body.replace(b"a/../evil.png", b"a\\..\\evil.png")
    answer = client.post("/datasets?name=pets.zip", content=body)
    assert refusal(answer, 422)[0] == "unusable"
    assert files_of(tmp_path) == []


def test_links_in_archives_are_refused(tmp_path):
    entry = zipfile.ZipInfo("a/1.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
        archive.writestr("b/2.png", b"x")
    with pytest.raises(Refused, match="link"):
        unpack(tmp_path / "a.zip", tmp_path / "out", Limits())


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_no_cell_opens_a_file_of_the_server(service, tmp_path, form, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for place in range(4):
        image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(tmp_path / f"{place}.png")
    paths = [str(tmp_path / f"{place % 4}.png") for place in range(24)]
    frame = pd.DataFrame({"photo": paths, "number": range(24), "label": ["a", "b"] * 12})
    body = frame.to_csv(index=False).encode() if form == "csv" else frame.to_parquet()
    monkeypatch.setattr("taskaware.modalities.images.decode._of_path", lambda *_: pytest.fail("opened"))
    client = service()
    id = client.post("/datasets", params={"name": f"a.{form}", "target": "label"}, content=body).json()["id"]
    found = client.get(f"/datasets/{id}/preview").json()
    assert found["columns"][0]["modality"] == "tables" and "not opened" in found["columns"][0]["notes"][0]
    assert found["task"]["modality"] == "tables"
    answer = client.patch(f"/datasets/{id}", json={"modalities": {"photo": "image"}})
    assert "opens none" in refusal(answer, 422)[1]


def test_records_of_paths_are_refused(service, tmp_path):
    cell = {"bytes": None, "path": "/etc/passwd.png"}
    frame = pd.DataFrame({"photo": [cell] * 20, "label": ["a", "b"] * 10})
    client = service()
    place = {"name": "a.parquet", "target": "label"}
    id = client.post("/datasets", params=place, content=frame.to_parquet()).json()["id"]
    answer = client.post("/recommendations", json={"dataset": id})
    assert "path" in refusal(answer, 422)[1] and "passwd" not in answer.text


def test_rows_for_a_model_of_images_name_no_files():
    from taskaware.modalities.modality import MODALITIES
    from taskaware.modalities.single import SingleReader

    reader = SingleReader(MODALITIES["image"], "image")
    with pytest.raises(Refused, match="missing"):
        # Its columns would be taken for the values.
        cells.check_rows(pd.DataFrame({"/etc/passwd.png": [1]}), reader)
    with pytest.raises(Refused, match="names a file in row 1"):
        cells.check_rows(pd.DataFrame({"image": [b"\x89PNG", "/etc/passwd.png"]}), reader)
    with pytest.raises(Refused, match="path in row 0"):
        cells.check_rows(pd.DataFrame({"image": [{"path": "/etc/passwd.png"}]}), reader)
    frame = cells.decoded(pd.DataFrame({"image": [{"base64": "iVBORw=="}]}))
    assert frame["image"].tolist() == [b"\x89PNG"]
    cells.check_rows(frame, reader)
    with pytest.raises(Refused, match="base64"):
        cells.decoded(pd.DataFrame({"image": [{"base64": "%"}]}))


def test_messages_hold_no_path_of_the_server(service, tmp_path):
    client = service()
    for name, body in (
        ("a.parquet", b"PAR1 junk"),
        ("a.csv", b"\0\xff\xfe"),
        ("a.xlsx", packed({"a": b"b"})),
    ):
        answer = client.post("/datasets", params={"name": name}, content=body)
        assert answer.status_code >= 400 and str(tmp_path) not in answer.text, answer.text


def test_messages_of_images_hold_no_path_of_the_server(service, tmp_path):
    start = b"\x89PNG\r\n\x1a\n"
    names = [f"{kind}/my photo {place}.png" for kind in ("cat", "dog") for place in range(8)]
    client = service()
    id = client.post("/datasets?name=pets.zip", content=packed(dict.fromkeys(names, start))).json()["id"]
    code, message = refusal(client.post("/recommendations", json={"dataset": id}), 422)
    assert "cat/000000-my_photo_0.png" in message and "datasets/" not in message and id not in message


def test_files_for_a_model_of_images_come_as_a_zip(tmp_path):
    from types import SimpleNamespace

    from taskaware.modalities.modality import MODALITIES
    from taskaware.modalities.single import SingleReader
    from taskaware.service.predicting import rows_of

    model = SimpleNamespace(reader=SingleReader(MODALITIES["image"], "photo"), classes=())
    (tmp_path / "body").write_bytes(packed({"b.png": b"2", "a.png": b"1", ".hidden": b"3"}))
    rows = rows_of(tmp_path / "body", ".zip", model, Limits())
    assert rows.to_dict("list") == {"photo": [b"1", b"2"]}
    (tmp_path / "body").write_bytes(packed({"../b.png": b"2"}))
    with pytest.raises(Refused, match="leads out"):
        rows_of(tmp_path / "body", ".zip", model, Limits())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["body"]


# Script and formulas


def test_script_in_names_stays_text(service, flowers):
    frame = flowers.rename(columns={"colour": SCRIPT}).replace({"species": {"iris": SCRIPT}})
    client = service()
    place = {"name": f"{SCRIPT}.csv", "target": "species"}
    id = client.post("/datasets", params=place, content=frame.to_csv(index=False)).json()["id"]
    rec = client.post("/recommendations", json={"dataset": id}).json()["id"]
    for at in (f"/datasets/{id}/preview", f"/recommendations/{rec}", f"/recommendations/{rec}/file"):
        answer = client.get(at)
        # Data, which no browser takes for a page.
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert SCRIPT in client.get(f"/datasets/{id}/preview").text
    assert "<script" not in client.get(f"/recommendations/{rec}/drawing").text


def test_cells_of_csv_answers_run_nowhere():
    frame = pd.DataFrame(
        {
            "=kind": ["=1+1", "+cmd", "-2", "-2.5e3", "@x", "\tx", " =1", "plain", "-a"],
            "number": [-1.5] * 9,
        }
    )
    found = cells.without_formulas(frame)
    assert found.columns.tolist() == ["'=kind", "number"]
    assert found["'=kind"].tolist() == [
        "'=1+1", "'+cmd", "-2", "-2.5e3", "'@x", "'\tx", "' =1", "plain", "'-a",
    ]  # fmt: skip
    assert found["number"].tolist() == [-1.5] * 9


def test_names_for_people():
    assert shown_name("a\x1b[31m/b\x1b.csv") == "b\\x1b.csv"
    assert shown_name("a/") == "data"


def test_limits_are_checked():
    assert limits_of(["rows=5", "token_jobs=2"]) == Limits(rows=5, token_jobs=2)
    for wrong in ("rows=0", "rows=-1", "rows=x", "rows", "row=5", "rows=" + "9" * 30, "rows=٣"):
        with pytest.raises(UserError):
            limits_of([wrong])


def test_digests_differ():
    assert digest_of(ANN) != digest_of(BOB)
