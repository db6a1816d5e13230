"""HTTP for datasets and recommendations."""

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from taskaware.service import datasets
from taskaware.service.datasets import Choices
from taskaware.service.forms import (
    Asked,
    Corrections,
    Dataset,
    Page,
    Preview,
    Recommended,
    dataset_of,
    recommended_of,
)
from taskaware.service.front import announced, owner_of, receive, shown_name
from taskaware.service.places import new_id
from taskaware.service.records import Row
from taskaware.service.refused import Refused
from taskaware.service.shared import At, Before, Call, Limit, attached, paged
from taskaware.service.sizing import ending_of
from taskaware.service.summaries import plain


@post("/datasets", request_max_body_size=None, summary="Upload a dataset")
async def _upload(
    request: Call,
    front: At,
    name: Annotated[
        str | None, QueryParameter(min_length=1, max_length=1000, description="of the file, with its ending")
    ] = None,
    upload: Annotated[
        str | None, QueryParameter(description="id of a complete upload, which takes the place of the body")
    ] = None,
    target: Annotated[list[str] | None, QueryParameter(description="target column; may be repeated")] = None,
) -> Response[Dataset]:
    """The body is the file as it is: CSV, TSV, Excel, Parquet, ARFF, JSON, JSON lines, packed or not; or a
    zip of folders of images or sounds, one folder for each class.
    """
    service, owner = front.service, owner_of(request)
    choices = Choices(target=tuple(target or ()))
    if upload is not None:
        return _made(await front.heavy(service.add_upload, owner, upload, choices))
    if name is None:
        raise Refused(400, "The name is missing. Give name=FILE, or the id of a complete upload: upload=ID.")
    ending, limits = ending_of(name), service.limits
    await front.light(service.check_room, owner, announced(request))
    folder = service.places.incoming(new_id())
    folder.mkdir(mode=0o700)
    try:
        await receive(request, folder / f"data{ending}", limits.dataset_bytes)
    except BaseException:
        datasets.remove(folder)
        raise
    path = folder / f"data{ending}"
    return _made(await front.heavy(service.add_dataset, owner, shown_name(name), path, choices))


def _made(row: Row) -> Response[Dataset]:
    return Response(dataset_of(row), status_code=201, headers={"location": f"/datasets/{row['id']}"})


@get("/datasets", summary="List datasets")
async def _list_datasets(request: Call, front: At, limit: Limit = 50, before: Before = None) -> Page:
    """The newest first."""
    rows, following = await paged(front, request, "datasets", limit, before)
    return Page([dataset_of(row) for row in rows], following)


@get("/datasets/{id:str}", summary="A dataset")
async def _one_dataset(request: Call, front: At, id: FromPath[str]) -> Dataset:
    """Its name, size and corrections."""
    return dataset_of(await front.light(front.service.found, "datasets", id, owner_of(request)))


@get("/datasets/{id:str}/preview", summary="What was assumed of a dataset")
async def _preview(
    request: Call,
    front: At,
    id: FromPath[str],
    offset: Annotated[int, QueryParameter(ge=0, description="first column")] = 0,
    limit: Limit = 200,
) -> Preview:
    """Its columns with kinds, missing and distinct values, examples; with a target, the task."""
    row = await front.light(front.service.found, "datasets", id, owner_of(request))
    found = plain(await front.heavy(front.service.described, row, offset, limit))
    return Preview(dataset=dataset_of(row), **found)


@patch("/datasets/{id:str}", summary="Correct what was assumed")
async def _correct(request: Call, front: At, id: FromPath[str], data: JSONBody[Corrections]) -> Dataset:
    """What is left out stays as it is."""
    row = await front.heavy(front.service.choose, owner_of(request), id, data.changes())
    return dataset_of(row)


@delete("/datasets/{id:str}", summary="Delete a dataset")
async def _delete_dataset(request: Call, front: At, id: FromPath[str]) -> None:
    """Recommendations and models that were made of it stay."""
    await front.light(front.service.remove, "datasets", id, owner_of(request))


@post("/recommendations", summary="Recommend an architecture")
async def _ask(request: Call, front: At, data: JSONBody[Asked]) -> Response[Recommended]:
    """Nothing is trained; it takes a moment."""
    row = await front.heavy(front.service.recommend, owner_of(request), data.dataset, data.options())
    return Response(
        recommended_of(row), status_code=201, headers={"location": f"/recommendations/{row['id']}"}
    )


@get("/recommendations", summary="List recommendations")
async def _list_recommendations(request: Call, front: At, limit: Limit = 50, before: Before = None) -> Page:
    """The newest first."""
    rows, following = await paged(front, request, "recommendations", limit, before)
    return Page([recommended_of(row) for row in rows], following)


@get("/recommendations/{id:str}", summary="A recommendation")
async def _one_recommendation(request: Call, front: At, id: FromPath[str]) -> Recommended:
    """Architecture, expected score with its 80 % interval, neighbours, candidates with sizes, notes."""
    return recommended_of(await front.light(front.service.found, "recommendations", id, owner_of(request)))


@get("/recommendations/{id:str}/drawing", media_type="image/svg+xml", summary="The network as a drawing")
async def _drawing(request: Call, front: At, id: FromPath[str]) -> Response[bytes]:
    """SVG."""
    row = await front.light(front.service.found, "recommendations", id, owner_of(request))
    picture = await front.heavy(front.service.drawing, row)
    return Response(picture.encode(), media_type="image/svg+xml")


@get("/recommendations/{id:str}/source", media_type="text/plain", summary="The network as Flax code")
async def _source(request: Call, front: At, id: FromPath[str]) -> Response[str]:
    """One module, which is not trained."""
    row = await front.light(front.service.found, "recommendations", id, owner_of(request))
    text = await front.heavy(front.service.source, row)
    return Response(text, media_type="text/plain", headers=attached("network.py"))


@get("/recommendations/{id:str}/file", summary="The recommendation as a file")
async def _recommendation_file(request: Call, front: At, id: FromPath[str]) -> Response[bytes]:
    """JSON, as `ta.load_recommendation` reads it."""
    row = await front.light(front.service.found, "recommendations", id, owner_of(request))
    content = await front.light(front.service.places.recommendation(row["id"]).read_bytes)
    return Response(content, media_type="application/json", headers=attached("recommendation.json"))


@delete("/recommendations/{id:str}", summary="Delete a recommendation")
async def _delete_recommendation(request: Call, front: At, id: FromPath[str]) -> None:
    """Models that were trained by it stay."""
    await front.light(front.service.remove, "recommendations", id, owner_of(request))


ROUTES = Router(
    "/",
    route_handlers=[
        _upload, _list_datasets, _one_dataset, _preview, _correct, _delete_dataset, _ask,
        _list_recommendations, _one_recommendation, _drawing, _source, _recommendation_file,
        _delete_recommendation,
    ],
)  # fmt: skip
