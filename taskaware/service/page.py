"""The page: a file each of HTML, CSS and script, from the package; no build step, nothing from elsewhere."""

from importlib import resources

from litestar import Response, get


def asset(name: str) -> bytes:
    """A file of the page."""
    return (resources.files("taskaware.service") / "assets" / name).read_bytes()


@get("/", include_in_schema=False)
async def index() -> Response[bytes]:
    """The page."""
    return Response(asset("page.html"), media_type="text/html; charset=utf-8")


@get("/page.css", include_in_schema=False)
async def style() -> Response[bytes]:
    """Its style."""
    return Response(asset("page.css"), media_type="text/css; charset=utf-8")


@get("/page.js", include_in_schema=False)
async def script() -> Response[bytes]:
    """Its script."""
    return Response(asset("page.js"), media_type="text/javascript; charset=utf-8")


@get("/icon.svg", include_in_schema=False)
async def icon() -> Response[bytes]:
    """Its icon."""
    return Response(asset("icon.svg"), media_type="image/svg+xml")


ROUTES = (index, style, script, icon)
