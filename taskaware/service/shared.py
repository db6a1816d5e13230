"""What all routes share: types of their arguments, lists in parts, files that a browser saves."""

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from taskaware.service.front import Front, owner_of

Call = Request[Any, Any, Any]
At = NamedDependency[Front]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="items of the answer")]
Before = Annotated[int | None, QueryParameter(description="`next` of the part before")]


async def paged(
    front: Front, request: Call, table: str, limit: int, before: int | None
) -> tuple[list[Any], int | None]:
    """Rows of the owner, and where the next part begins.

    Args:
        front: of the service.
        request: whose owner asks.
        table: of the rows.
        limit, before: of the query.
    """
    rows = await front.light(front.service.records.page, table, owner_of(request), limit=limit, before=before)
    return rows, rows[-1]["number"] if len(rows) == limit else None


def attached(name: str) -> dict[str, str]:
    """Headers that make a browser save an answer under a name of ours."""
    return {"content-disposition": f'attachment; filename="{name}"'}
