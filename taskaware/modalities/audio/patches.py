"""Patches of the log-mel spectrogram: whitened, compared with k-means centres, pooled over the time.

Coates, Lee and Ng 2011 (triangle activation), on spectrograms as Stowell and Plumbley 2014 do for birds.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from taskaware.modalities.audio.analysis import PATCH_BANDS, Described
from taskaware.modalities.audio.ragged import Ragged
from taskaware.modalities.audio.scaling import checked
from taskaware.modalities.audio.sounds import Sounds
from taskaware.modalities.cache import CACHE
from taskaware.saved import content_digest

LENGTH = 8
"""Frames of a patch."""
STRIDE = 2
"""Frames from a patch to the next."""
CENTRES = 64
TIMES = 2
"""Parts of the time that activations are averaged over; their largest values stand beside."""
LEARNED_FROM = 8000
"""Patches that centres are learned from."""
DIMENSIONS = 32
RIDGE = 0.05
"""Share of the mean variance that is added to each direction's before whitening."""
ROUNDS = 15
AT_ONCE = 8192


@dataclasses.dataclass(frozen=True, eq=False)
class Patches:
    """Learned from training rows.

    Attributes:
        mean: of patches, (LENGTH * PATCH_BANDS,).
        projection: whitening directions, (LENGTH * PATCH_BANDS, d).
        centres: of whitened patches, (K, d).
    """

    mean: np.ndarray
    projection: np.ndarray
    centres: np.ndarray

    @classmethod
    def fit(cls, frames: Ragged) -> "Patches":
        """Centres of the patches of these clips; the seed is fixed.

        Args:
            frames: spectrograms, clips in an order that their content gives.
        """
        places = _places(frames)
        rng = np.random.default_rng(0)
        if len(places) > LEARNED_FROM:
            places = np.sort(rng.choice(places, LEARNED_FROM, replace=False))
        patches = np.unique(_cut(frames, places), axis=0)
        with threadpool_limits(1):  # sums of several threads differ in their rounding
            mean, projection = _whitening(patches)
            return cls(mean, projection, _centres((patches - mean) @ projection))

    @functools.cached_property
    def digest(self) -> str:
        """64 hex digits that name what was learned."""
        return content_digest("patches", self.to_arrays())

    @property
    def width(self) -> int:
        return (TIMES + 1) * len(self.centres)

    def transform(self, data: Sounds, analysed: Described) -> np.ndarray:
        """Activations of each centre, pooled over parts of the time, (N, width) float64; cached.

        Args:
            data: N clips.
            analysed: of them.
        """
        what = "audio", "patches", data.rate, self.digest
        return CACHE.rows(what, data.row_hashes, lambda places: self._pooled(analysed.take(places).frames))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The state by name."""
        return {f"patches.{field.name}": getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Patches":
        """What `to_arrays` wrote.

        Raises:
            ValueError: an array is missing, of another shape, or not finite.
        """
        size = LENGTH * PATCH_BANDS
        mean = checked(arrays, "patches.mean", (size,))
        projection = checked(arrays, "patches.projection", (size, None))
        centres = checked(arrays, "patches.centres", (None, projection.shape[1]))
        if not 1 <= len(centres) <= CENTRES or not 1 <= projection.shape[1] <= DIMENSIONS:
            raise ValueError(f"the patches have {len(centres)} centres of {projection.shape[1]} numbers")
        return cls(mean, projection, centres)

    def _pooled(self, frames: Ragged) -> np.ndarray:
        with threadpool_limits(1, user_api="blas"):
            return pooled(frames, vars(self))


def pooled(frames: Ragged, learned: Mapping) -> np.ndarray:
    """What `Patches.transform` gives.

    Args:
        frames: spectrograms of N clips.
        learned: the arrays of the patches, by name.
    """
    places = _places(frames)
    counts = -(-frames.counts // STRIDE)
    found = np.empty((len(places), len(learned["centres"])))
    for at in range(0, len(places), AT_ONCE):
        found[at : at + AT_ONCE] = _activations(_cut(frames, places[at : at + AT_ONCE]), learned)
    activations = Ragged(found, counts)
    return np.hstack([activations.parts(TIMES).reshape(len(counts), -1), activations.largest])


def _activations(patches: np.ndarray, learned: Mapping) -> np.ndarray:
    """How much nearer a centre is than the mean one, 0 at least, (n, K)."""
    white, centres = (patches - learned["mean"]) @ learned["projection"], learned["centres"]
    square = (white**2).sum(1)[:, None] - 2 * white @ centres.T + (centres**2).sum(1)
    distance = np.sqrt(np.maximum(square, 0))
    return np.maximum(0, distance.mean(1, keepdims=True) - distance)


def _places(frames: Ragged) -> np.ndarray:
    """Frames that a patch lies around."""
    return np.flatnonzero(frames.places % STRIDE == 0)


def _cut(frames: Ragged, places: np.ndarray) -> np.ndarray:
    """The patches around these frames, (n, LENGTH * PATCH_BANDS); a clip's ends are repeated."""
    around = [frames.neighbours(step - LENGTH // 2, places) for step in range(LENGTH)]
    return frames.values[np.stack(around, axis=1)].reshape(len(places), -1).astype(np.float64)


def _whitening(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = patches.mean(0)
    variance, directions = np.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    variance, directions = np.maximum(variance[::-1], 0)[:DIMENSIONS], directions[:, ::-1][:, :DIMENSIONS]
    ridge = max(RIDGE * variance.mean(), 1e-6)
    return mean, directions / np.sqrt(variance + ridge)


def _centres(white: np.ndarray) -> np.ndarray:
    from sklearn.cluster import KMeans

    if len(white) <= CENTRES:
        return white
    return KMeans(CENTRES, n_init=1, max_iter=ROUNDS, random_state=0).fit(white).cluster_centers_
