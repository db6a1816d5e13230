"""HTTP for uploads in parts: tus 1.0 with its extensions creation and termination."""

from litestar import Response, Router, delete, head, patch, post, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from taskaware.service import tus
from taskaware.service.front import owner_of, receive, shown_name
from taskaware.service.refused import Refused
from taskaware.service.shared import At, Call
from taskaware.service.uploads import name_in


@route("/uploads", http_method=[HttpMethod.OPTIONS], status_code=204, summary="What is understood of tus")
async def _options(front: At) -> Response[None]:
    """Version, extensions and largest length, in headers."""
    limits = {"tus-max-size": str(front.service.limits.dataset_bytes)}
    told = {"tus-version": tus.VERSION, "tus-extension": "creation,termination"} | limits
    return Response(None, status_code=204, headers=tus.HEADERS | told)


@post("/uploads", summary="Begin an upload that can be resumed")
async def _begin(request: Call, front: At) -> Response[None]:
    """Headers: Upload-Length, and Upload-Metadata with the filename in Base64. Send the bytes by PATCH to the
    address in Location, then make a dataset of them: POST /datasets?upload=ID.
    """
    _check_version(request)
    length = _whole(request, "upload-length")
    name = shown_name(name_in(request.headers.get("upload-metadata", "")))
    upload = await front.light(front.service.begin_upload, owner_of(request), name, length)
    return Response(None, status_code=201, headers=tus.HEADERS | {"location": f"/uploads/{upload.id}"})


@head("/uploads/{id:str}", summary="How much of an upload is there")
async def _offset(request: Call, front: At, id: FromPath[str]) -> Response[None]:
    """In the header Upload-Offset; go on from there."""
    upload = await front.light(front.service.uploads.found, id, owner_of(request))
    told = {"upload-offset": str(upload.offset), "upload-length": str(upload.length)}
    return Response(None, status_code=200, headers=tus.HEADERS | told)


@patch("/uploads/{id:str}", status_code=204, request_max_body_size=None, summary="Send bytes of an upload")
async def _part(request: Call, front: At, id: FromPath[str]) -> Response[None]:
    """The body is the bytes from Upload-Offset on, all or some of them. If it breaks off, what came stays."""
    _check_version(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != tus.PART:
        raise Refused(
            415, f"The type of a part of an upload is {tus.PART}. Send it as the header Content-Type."
        )
    uploads, offset = front.service.uploads, _whole(request, "upload-offset")
    upload = await front.light(uploads.found, id, owner_of(request))
    with uploads.held(id):
        if offset != upload.offset:
            raise Refused(
                409, f"{upload.offset:,} bytes are there, not {offset:,}. Go on from there.", "offset"
            )
        await receive(request, upload.path, upload.length - offset, begun=True)
    return Response(None, status_code=204, headers=tus.HEADERS | {"upload-offset": str(upload.offset)})


@delete("/uploads/{id:str}", summary="End an upload")
async def _end(request: Call, front: At, id: FromPath[str]) -> Response[None]:
    """What is there of it is removed."""
    upload = await front.light(front.service.uploads.found, id, owner_of(request))
    with front.service.uploads.held(upload.id):
        await front.light(front.service.uploads.remove, upload.id, upload.owner)
    return Response(None, status_code=204, headers=tus.HEADERS)


def _check_version(request: Call) -> None:
    given = request.headers.get("tus-resumable", tus.VERSION)
    if given != tus.VERSION:
        raise Refused(
            412, f"This service speaks tus {tus.VERSION}. Send the header Tus-Resumable: {tus.VERSION}."
        )


def _whole(request: Call, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Refused(400, f"The header {name.title()} is no whole number of bytes. Send it.")
    return int(text)


ROUTES = Router("/", route_handlers=[_options, _begin, _offset, _part, _end])
