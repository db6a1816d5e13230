"""HTTP for jobs and models."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import anyio
from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from taskaware.errors import quoted
from taskaware.service import datasets
from taskaware.service.exporting import exported, forms, source_of, zipped
from taskaware.service.forms import Export, Job, Ordered, Page, Trained, job_of, trained_of
from taskaware.service.front import Front, owner_of, receive
from taskaware.service.places import new_id
from taskaware.service.predicting import ARROW, CSV, JSON, TYPES, answer, rows_of
from taskaware.service.records import ENDED, Row
from taskaware.service.refused import Refused
from taskaware.service.shared import At, Before, Call, Limit, attached, paged
from taskaware.service.sizing import ending_of

GLANCE = 0.3
"""Seconds between two looks for events."""
BEAT = 15.0
"""Seconds after which a comment shows that the connection lives."""
FORMS = {"json": JSON, "csv": CSV, "arrow": ARROW}


@post("/jobs", status_code=202, summary="Train a recommended architecture")
async def _order(request: Call, front: At, data: JSONBody[Ordered]) -> Response[Job]:
    """The job waits for a worker; look at the address in the header Location."""
    row = await front.light(front.service.add_job, owner_of(request), data.recommendation, data.options())
    front.trainers.wake()
    return Response(job_of(row), status_code=202, headers={"location": f"/jobs/{row['id']}"})


@get("/jobs", summary="List jobs")
async def _list_jobs(request: Call, front: At, limit: Limit = 50, before: Before = None) -> Page:
    """The newest first."""
    rows, following = await paged(front, request, "jobs", limit, before)
    return Page([job_of(row) for row in rows], following)


@get("/jobs/{id:str}", summary="A job")
async def _one_job(request: Call, front: At, id: FromPath[str]) -> Job:
    """Its status (waiting, running, done, failed, cancelled), its last evaluation, its model when done."""
    row = await front.light(front.service.found, "jobs", id, owner_of(request))
    return job_of(row, await front.light(front.service.records.progress, id))


@get("/jobs/{id:str}/events", summary="Watch a job")
async def _events(
    request: Call,
    front: At,
    id: FromPath[str],
    after: Annotated[int, QueryParameter(ge=0, description="only events with a larger id")] = 0,
) -> ServerSentEvent:
    """Server-sent events: status, phase, and progress with step, steps, seconds, score and loss. All come
    again after a reload; the header Last-Event-ID or `after` leaves out those that are known.
    """
    row = await front.light(front.service.found, "jobs", id, owner_of(request))
    last = request.headers.get("last-event-id", "")
    first = int(last) if last.isdecimal() and len(last) < 19 else after
    return ServerSentEvent(_stream(front, row["id"], first))


async def _stream(front: Front, id: str, number: int) -> AsyncIterator[ServerSentEventMessage]:
    records, silent = front.service.records, 0.0
    while True:
        # The state before the events: what came between is told in the next round.
        job = await front.light(records.get, "jobs", id)
        found = await front.light(records.events, id, number)
        for number, event in found:
            yield ServerSentEventMessage(data=json.dumps(event), event=event["event"], id=number)
        if not found and (job is None or job["status"] in ENDED):
            return
        silent = 0.0 if found else silent + GLANCE
        if silent >= BEAT:
            silent = 0.0
            yield ServerSentEventMessage(data=None, comment="still there")
        await anyio.sleep(GLANCE)


@post("/jobs/{id:str}/cancel", status_code=200, summary="Cancel a job")
async def _cancel(request: Call, front: At, id: FromPath[str]) -> Job:
    """Its worker is stopped; a job that has ended stays as it is."""
    row = await front.light(front.service.found, "jobs", id, owner_of(request))
    await front.light(front.trainers.cancel, row["id"])
    return job_of(await front.light(front.service.found, "jobs", id, owner_of(request)))


@delete("/jobs/{id:str}", summary="Delete a job that has ended")
async def _delete_job(request: Call, front: At, id: FromPath[str]) -> None:
    """Its model stays."""
    await front.light(front.service.remove, "jobs", id, owner_of(request))


@get("/models", summary="List models")
async def _list_models(request: Call, front: At, limit: Limit = 50, before: Before = None) -> Page:
    """The newest first."""
    rows, following = await paged(front, request, "models", limit, before)
    return Page([trained_of(row) for row in rows], following)


@get("/models/{id:str}", summary="A model")
async def _one_model(request: Call, front: At, id: FromPath[str]) -> Trained:
    """Its score, the columns that it reads, its classes, and the curve of its training."""
    return trained_of(await front.light(front.service.found, "models", id, owner_of(request)))


@post("/models/{id:str}/predict", status_code=200, request_max_body_size=None, summary="Predict")
async def _predict(
    request: Call,
    front: At,
    id: FromPath[str],
    name: Annotated[
        str | None, QueryParameter(max_length=1000, description="of a file; its ending says the format")
    ] = None,
    proba: Annotated[bool, QueryParameter(description="whether the probabilities follow")] = False,
    form: Annotated[
        str | None, QueryParameter(name="format", description="of the answer: json, csv or arrow")
    ] = None,
) -> Response[bytes]:
    """The body is JSON, {"rows": [{"column": value}]}, or a file: CSV, TSV, Parquet, JSON lines, a stream of
    Arrow, or for a model of images or sounds a zip. The answer has the form of the body, or that of `format`.
    """
    service = front.service
    row = await front.light(service.found, "models", id, owner_of(request))
    ending, wanted = _forms(request.headers.get("content-type", JSON), name, form)
    folder = service.places.incoming(new_id())
    folder.mkdir(mode=0o700)
    try:
        await receive(request, folder / "body", service.limits.predict_bytes)
        content, kind = await front.heavy(_predicted, front, row, folder / "body", ending, wanted, proba)
    finally:
        datasets.remove(folder)
    return Response(content, media_type=kind)


def _predicted(front: Front, row: Row, body: Path, ending: str, form: str, proba: bool) -> tuple[bytes, str]:
    model = front.service.model(row)
    rows = rows_of(body, ending, model, front.service.limits)
    return answer(model, rows, proba=proba, form=form)


def _forms(content_type: str, name: str | None, form: str | None) -> tuple[str, str]:
    """The ending that says how a body is read, and the type of the answer."""
    if form is not None and form not in FORMS:
        raise Refused(400, f"format={quoted(form)} is unknown. Allowed: {', '.join(FORMS)}.")
    kind = content_type.partition(";")[0].strip().lower()
    if name is not None:
        ending = ".arrow" if name.lower().endswith(".arrow") else ending_of(name)
    elif kind in TYPES:
        ending = TYPES[kind]
    else:
        raise Refused(
            415, f"{quoted(kind)} is no known type. Allowed: {', '.join(TYPES)}; or give name=FILE."
        )
    usual = (
        JSON if ending in ("", ".zip", ".json", ".jsonl", ".ndjson") else ARROW if ending == ".arrow" else CSV
    )
    return ending, FORMS[form] if form else usual


@get("/models/{id:str}/file", summary="The model as a zip file")
async def _model_file(request: Call, front: At, id: FromPath[str]) -> Response[bytes]:
    """Unpacked it is a folder that `ta.load_model` and `taskaware predict` read."""
    row = await front.light(front.service.found, "models", id, owner_of(request))
    content = await front.light(zipped, front.service.places.model(row["id"]))
    return Response(content, media_type="application/zip", headers=attached("model.zip"))


@get("/models/{id:str}/source", summary="The model as code")
async def _model_source(request: Call, front: At, id: FromPath[str]) -> Response[bytes]:
    """A zip file with network.py, which predicts without taskaware, and its weights; for tables."""
    row = await front.light(front.service.found, "models", id, owner_of(request))
    content = await front.heavy(lambda: source_of(front.service.model(row)))
    return Response(content, media_type="application/zip", headers=attached("network.zip"))


@get("/models/{id:str}/exports", summary="Forms for programs without taskaware")
async def _exports(request: Call, front: At, id: FromPath[str]) -> list[Export]:
    """NumPy, ONNX, safetensors and StableHLO: what runs each, and the reason where this model has it not."""
    row = await front.light(front.service.found, "models", id, owner_of(request))
    return [Export(**each) for each in await front.heavy(lambda: forms(front.service.model(row)))]


@get("/models/{id:str}/exports/{form:str}", summary="An export as a zip file")
async def _export(request: Call, front: At, id: FromPath[str], form: FromPath[str]) -> Response[bytes]:
    """The folder that `model.export(folder, to=form)` writes."""
    row = await front.light(front.service.found, "models", id, owner_of(request))
    content = await front.heavy(lambda: exported(front.service.model(row), form))
    return Response(content, media_type="application/zip", headers=attached(f"model-{form}.zip"))


@delete("/models/{id:str}", summary="Delete a model")
async def _delete_model(request: Call, front: At, id: FromPath[str]) -> None:
    """For good."""
    await front.light(front.service.remove, "models", id, owner_of(request))


ROUTES = Router(
    "/",
    route_handlers=[
        _order, _list_jobs, _one_job, _events, _cancel, _delete_job, _list_models, _one_model, _predict,
        _model_file, _model_source, _exports, _export, _delete_model,
    ],
)  # fmt: skip
