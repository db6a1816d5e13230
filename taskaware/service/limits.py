"""What a service takes: bytes, rows, columns, files, jobs. Each limit holds before a thing is read whole."""

import dataclasses
from collections.abc import Sequence

from taskaware.errors import UserError, quoted, unknown
from taskaware.service.refused import Refused


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of a service; every number is 1 or more."""

    # Bytes of an uploaded dataset, as it comes.
    dataset_bytes: int = 256 << 20
    # Bytes that it may unpack to.
    unpacked_bytes: int = 1 << 30
    # Unpacked bytes for each packed one; small files are exempt.
    ratio: int = 200
    # Files of an archive of images or sounds.
    files: int = 50_000
    # Rows, columns and cells of a table.
    rows: int = 2_000_000
    columns: int = 10_000
    cells: int = 50_000_000
    # Bytes of a request for predictions, and its rows.
    predict_bytes: int = 64 << 20
    predict_rows: int = 1_000_000
    # Bytes of any other request.
    request_bytes: int = 1 << 20
    # Bytes of headers.
    header_bytes: int = 32 << 10
    # For each token: bytes kept, datasets kept, recommendations kept, and jobs that wait or run.
    token_bytes: int = 8 << 30
    token_datasets: int = 1_000
    token_recommendations: int = 10_000
    token_jobs: int = 20
    # Uploads in parts that are not complete, for each token; and seconds without a byte that one is kept.
    token_uploads: int = 20
    upload_seconds: int = 24 * 3600
    # Requests that wait for a core at one time.
    waiting: int = 2_000
    # Seconds of one training.
    job_seconds: int = 4 * 3600
    # Seconds without a byte after which the body of a request is given up.
    silent_seconds: int = 30

    def check_shape(self, rows: int, columns: int) -> None:
        """Nothing, if a table may have this shape.

        Raises:
            Refused: it may not.
        """
        for what, count, most in (
            ("rows", rows, self.rows),
            ("columns", columns, self.columns),
            ("cells", rows * columns, self.cells),
        ):
            if count > most:
                raise Refused(
                    413,
                    f"The table has {count:,} {what}; {most:,} are allowed here. Give a part of it, or start "
                    f"the service with --limit {what}={count}.",
                )


def limits_of(settings: Sequence[str]) -> Limits:
    """The limits with some of them set: "rows=1000".

    Raises:
        UserError: there is no such limit, or the value is no whole number from 1 on.

    >>> limits_of(["rows=1000"]).rows
    1000
    """
    names = [field.name for field in dataclasses.fields(Limits)]
    found: dict[str, int] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in names:
            raise unknown("limit", name, names)
        if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
            raise UserError(f"--limit {name}={quoted(text)} is no whole number from 1 on.")
        found[name] = int(text)
    return Limits(**found)
