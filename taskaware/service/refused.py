"""How a request is refused: an HTTP status, a code for programs, a message that says what to change."""

from taskaware.errors import CheckpointError, EngineError, StoreError, TaskawareError, UserError

CODES = {
    400: "bad_request",
    401: "no_token",
    403: "forbidden",
    404: "not_found",
    405: "wrong_method",
    408: "too_slow",
    409: "conflict",
    412: "wrong_version",
    413: "too_large",
    415: "unknown_format",
    422: "unusable",
    423: "busy",
    429: "limit",
    431: "too_large",
    500: "failed",
    503: "busy",
    507: "disk_full",
}
"""The code of each status."""


class Refused(TaskawareError):
    """A request that is not carried out.

    Args:
        status: of HTTP, one of CODES.
        message: says what is wrong and what to change.
        code: for programs; by default that of the status.
    """

    def __init__(self, status: int, message: str, code: str = ""):
        super().__init__(message)
        self.status, self.code = status, code or CODES[status]


def refused(error: TaskawareError) -> Refused:
    """An error of the library as the refusal of a request.

    >>> refused(UserError("Column 'price' is missing.")).status
    422
    """
    if isinstance(error, Refused):
        return error
    if isinstance(error, UserError):
        return Refused(422, str(error))
    if isinstance(error, CheckpointError | StoreError):
        # The message names a place of the server; it is for the log.
        return Refused(500, "What the service keeps of this cannot be read; its log says why.", "damaged")
    if isinstance(error, EngineError):
        return Refused(500, str(error), "training_failed")
    return Refused(500, str(error))
