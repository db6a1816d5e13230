"""Evolution with and without aging, and random search, on bits with noise; see README.md."""

from taskaware.studies.toy import ToySettings


def config() -> ToySettings:
    """A hundred bits, noise of 0.05, 3,000 evaluations, five seeds."""
    return ToySettings(strategies=("aging", "without aging", "random"))
