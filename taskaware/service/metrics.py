"""Counts of a service, in the text format of Prometheus."""

from collections import Counter
from collections.abc import Mapping

SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)
"""Upper ends of the buckets of durations."""
METHODS = ("GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT")


class Metrics:
    """Requests by method, route and status, and how long they took; counted by the thread of the server."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._within: Counter[float] = Counter()
        self._seconds, self._count = 0.0, 0

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method, route, status: of it; the route without ids.
            seconds: that it took.
        """
        self._requests[(method if method in METHODS else "other", route, status)] += 1
        self._seconds += seconds
        self._count += 1
        self._within.update(end for end in SECONDS if seconds <= end)

    def text(self, jobs: Mapping[str, int]) -> str:
        """All counts.

        Args:
            jobs: number of jobs by status.
        """
        lines = ["# TYPE taskaware_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            lines.append(f"taskaware_requests_total{{{labels}}} {count}")
        lines.append("# TYPE taskaware_request_seconds histogram")
        for end in SECONDS:
            lines.append(f'taskaware_request_seconds_bucket{{le="{end:g}"}} {self._within[end]}')
        lines += [
            f'taskaware_request_seconds_bucket{{le="+Inf"}} {self._count}',
            f"taskaware_request_seconds_sum {self._seconds:.6f}",
            f"taskaware_request_seconds_count {self._count}",
            "# TYPE taskaware_jobs gauge",
            *(f'taskaware_jobs{{status="{status}"}} {count}' for status, count in jobs.items()),
        ]
        return "\n".join([*lines, ""])
