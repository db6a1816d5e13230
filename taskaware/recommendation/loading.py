"""Recommendations from files."""

import os

from taskaware.recommendation.as_json import read_fields
from taskaware.recommendation.recommendation import Recommendation


def load_recommendation(path: str | os.PathLike) -> Recommendation:
    """Read what `Recommendation.to_json` wrote, now or in an earlier version.

    Raises:
        UserError: there is no such file.
        CheckpointError: it is not a recommendation, is damaged, or comes from a newer taskaware.
    """
    return Recommendation(**read_fields(path))
