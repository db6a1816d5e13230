"""The application: routes, the errors' form, the description at /docs, behind the guard."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from litestar import Litestar, Response, get
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

import taskaware
from taskaware.recommendation.evaluators import evaluator_named
from taskaware.service import data_routes, model_routes, page, upload_routes
from taskaware.service.described import Description
from taskaware.service.front import Front, answered
from taskaware.service.guard import Guard
from taskaware.service.jobs import Trainers
from taskaware.service.limits import Limits
from taskaware.service.metrics import Metrics
from taskaware.service.service import Service
from taskaware.service.tokens import Tokens
from taskaware.service.work import Refining


@get("/health", summary="Whether the service answers")
async def health(front: NamedDependency[Front]) -> dict[str, str]:
    """It has read its records a moment ago."""
    await front.light(front.service.records.by_status)
    return {"status": "ok", "version": taskaware.__version__}


@get("/metrics", media_type="text/plain", summary="Counts for Prometheus")
async def metrics(front: NamedDependency[Front]) -> Response[str]:
    """Requests, durations, and jobs by status."""
    text = front.metrics.text(await front.light(front.service.records.by_status))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def make_app(
    folder: Path,
    *,
    tokens: Tokens | None = None,
    limits: Limits | None = None,
    workers: int = 1,
    evaluator: str | None = None,
    store: str | None = None,
) -> Guard:
    """The application of a service, for any server that speaks ASGI.

    Args:
        folder: of the service; one process at a time works on it.
        tokens: that are valid; none are asked for by default.
        limits: that hold.
        workers: jobs that run at once.
        evaluator: name or file of the one that recommends, see `recommend`; the shipped one by default.
        store: path or URL of the experience that records the short trainings of jobs; by default none does.

    Raises:
        UserError: there is no such evaluator.
        StoreError: the records of the folder cannot be read.
    """
    limits, counts = limits or Limits(), Metrics()
    # Read once here; the workers, in other processes, read it again.
    service = Service(folder, limits, None if evaluator is None else evaluator_named(evaluator))
    refining = Refining(evaluator, store)
    trainers = Trainers(service.records, service.places, limits, workers=workers, refining=refining)
    front = Front(service, trainers, counts)

    @contextlib.asynccontextmanager
    async def working(app: Litestar) -> AsyncIterator[None]:
        trainers.start()
        try:
            yield
        finally:
            await front.light(trainers.stop)

    app = Litestar(
        route_handlers=[
            health,
            metrics,
            data_routes.ROUTES,
            upload_routes.ROUTES,
            model_routes.ROUTES,
            *page.ROUTES,
        ],
        dependencies={"front": Provide(lambda: front, sync_to_thread=False)},
        exception_handlers={Exception: answered},
        request_max_body_size=limits.request_bytes,
        lifespan=[working],
        openapi_config=OpenAPIConfig(
            title="taskaware",
            version=taskaware.__version__,
            description="Upload a dataset, get the architecture that suits it, train it, predict.",
            path="/docs",
            use_handler_docstrings=True,
            render_plugins=[Description(path="/"), JsonRenderPlugin(path="/openapi.json")],
        ),
        # What goes wrong is logged by `answered`, once.
        logging_config=None,
        debug=False,
    )
    return Guard(app, tokens or Tokens(), limits, counts)
