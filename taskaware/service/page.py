"""The page: a file each of HTML, CSS and script, from the package; no build step, nothing from elsewhere."""

from importlib import resources

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler


def asset(name: str) -> bytes:
    """A file of the page."""
    return (resources.files("taskaware.service") / "assets" / name).read_bytes()


def _route(path: str, name: str, kind: str) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, name=name)
    async def answer() -> Response[bytes]:
        return Response(asset(name), media_type=kind)

    return answer


ROUTES = (
    _route("/", "page.html", "text/html; charset=utf-8"),
    _route("/page.css", "page.css", "text/css; charset=utf-8"),
    _route("/page.js", "page.js", "text/javascript; charset=utf-8"),
    _route("/icon.svg", "icon.svg", "image/svg+xml"),
)
