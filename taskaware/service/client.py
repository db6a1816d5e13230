"""The client of a service: `taskaware.Client`. It gives and raises what the library does."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from taskaware.errors import UserError
from taskaware.service.remote import RemoteDataset, RemoteJob, RemoteModel, RemoteRecommendation
from taskaware.service.resuming import LARGE, sent_in_parts, size_of
from taskaware.service.sending import opened
from taskaware.service.wire import Wire

if TYPE_CHECKING:
    import httpx


class Client:
    """A client of a service that `taskaware serve` started.

    Args:
        url: address of the service.
        token: token of the service, if it requires one.
        timeout: longest time of one request in seconds, recommendations included.
        http: an httpx client to use instead of a new one, for your own certificates or proxy.

    Raises:
        UserError: the URL is not valid, or httpx is not installed.
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
        """Upload a dataset. A large file goes on where the connection broke off.

        Args:
            data: a frame of pandas or another library, a dict of columns, the path of a file, or that of a
                folder of images or sounds with a sub-folder for each class.
            target: name of the target column, or of several.
            name: name of the dataset; by default that of the file.
            corrections: problem, metric, kinds, modalities and drop, as in `recommend`.

        Raises:
            UserError: the data has none of these forms, or the service refuses it; the message says what to
                change.
            EngineError: the service does not answer, or has failed.
        """
        with opened(data, name) as (file, shown):
            if file.seekable() and size_of(file) > LARGE:
                found = sent_in_parts(self._wire, file, shown)
            else:
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
        """Recommend the architecture that suits a dataset; see `taskaware.recommend`.

        Args:
            dataset: a dataset that `upload` returned.
            seed: seed of all random draws.
            candidates: number of architectures in the answer.
            prefer: limits that every candidate keeps to.
        """
        asked = {"dataset": dataset.id, "seed": seed, "candidates": candidates, "prefer": dict(prefer or {})}
        return RemoteRecommendation(
            self._wire, self._wire.request("POST", "/recommendations", json=asked).json()
        )

    def train(self, recommendation: "RemoteRecommendation", **options: Any) -> "RemoteJob":
        """Train a recommended architecture; returns at once.

        Args:
            recommendation: a recommendation that `recommend` returned.
            options: members, seconds, seed, validation and patience of `Recommendation.fit`; trainings of
                `refine`.
        """
        asked = {"recommendation": recommendation.id, **options}
        return RemoteJob(self._wire, self._wire.request("POST", "/jobs", json=asked).json())

    def datasets(self) -> Iterator["RemoteDataset"]:
        """The datasets that this token uploaded, the newest first."""
        yield from (RemoteDataset(self._wire, found) for found in self._wire.all("/datasets"))

    def jobs(self) -> Iterator["RemoteJob"]:
        """The jobs that this token started, the newest first."""
        yield from (RemoteJob(self._wire, found) for found in self._wire.all("/jobs"))

    def models(self) -> Iterator["RemoteModel"]:
        """The models that this token trained, the newest first."""
        yield from (RemoteModel(self._wire, found) for found in self._wire.all("/models"))
