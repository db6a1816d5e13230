"""The client of a service: `taskaware.Client`. It gives and raises what the library does."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from taskaware.errors import UserError
from taskaware.service.remote import RemoteDataset, RemoteJob, RemoteModel, RemoteRecommendation
from taskaware.service.sending import opened
from taskaware.service.wire import Wire

if TYPE_CHECKING:
    import httpx


class Client:
    """A service, as `taskaware serve` starts it.

    Args:
        url: of the service.
        token: that it asks for, if it does.
        timeout: seconds of one request, a recommendation included.
        http: a client of httpx in place of an own one, for certificates or a proxy of yours.

    Raises:
        UserError: the URL is none, or httpx is not installed.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        token: str | None = None,
        *,
        timeout: float = 300.0,
        http: "httpx.Client | None" = None,
    ):
        self._wire = Wire(url, token, timeout, http)

    def __repr__(self) -> str:
        return f"<taskaware client of {self._wire.url}>"

    def upload(
        self, data: Any, target: str | list[str] | None = None, *, name: str | None = None, **corrections: Any
    ) -> "RemoteDataset":
        """Upload a dataset.

        Args:
            data: a frame of pandas or another library, a dict of columns, the path of a file, or that of a
                folder of images or sounds with a sub-folder for each class.
            target: name of the target column, or of several.
            name: for people; by default that of the file.
            corrections: problem, metric, kinds, modalities and drop, as in `recommend`.

        Raises:
            UserError: the data is of no such form, or the service refuses it; the message names the mend.
            EngineError: the service does not answer, or has failed.
        """
        with opened(data, name) as (file, shown):
            found = self._wire.request("POST", "/datasets", params={"name": shown}, content=file).json()
        dataset = RemoteDataset(self._wire, found)
        given = corrections | ({} if target is None else {"target": target})
        if given:
            try:
                return dataset.correct(**given)
            except UserError:
                # Nobody knows its id, so nobody else could delete it.
                dataset.delete()
                raise
        return dataset

    def recommend(
        self,
        dataset: "RemoteDataset",
        *,
        seed: int = 0,
        candidates: int = 10,
        prefer: Mapping[str, str | int] | None = None,
    ) -> "RemoteRecommendation":
        """The architecture that suits a dataset; see `taskaware.recommend`.

        Args:
            dataset: that was uploaded.
            seed: of all draws.
            candidates: that the answer holds.
            prefer: limits that every candidate keeps to.
        """
        asked = {"dataset": dataset.id, "seed": seed, "candidates": candidates, "prefer": dict(prefer or {})}
        return RemoteRecommendation(
            self._wire, self._wire.request("POST", "/recommendations", json=asked).json()
        )

    def train(self, recommendation: "RemoteRecommendation", **options: Any) -> "RemoteJob":
        """Train a recommended architecture; returns at once.

        Args:
            recommendation: of this service.
            options: members, seconds, seed, validation and patience of `Recommendation.fit`; trainings of
                `refine`.
        """
        asked = {"recommendation": recommendation.id, **options}
        return RemoteJob(self._wire, self._wire.request("POST", "/jobs", json=asked).json())

    def datasets(self) -> Iterator["RemoteDataset"]:
        """Those that this token uploaded, the newest first."""
        yield from (RemoteDataset(self._wire, found) for found in self._wire.all("/datasets"))

    def jobs(self) -> Iterator["RemoteJob"]:
        """Those that this token ordered, the newest first."""
        yield from (RemoteJob(self._wire, found) for found in self._wire.all("/jobs"))

    def models(self) -> Iterator["RemoteModel"]:
        """Those that this token trained, the newest first."""
        yield from (RemoteModel(self._wire, found) for found in self._wire.all("/models"))
