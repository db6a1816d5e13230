"""What ascents design for tasks held out, and the price of it; see README.md."""

from taskaware.studies.improve import ImproveSettings


def config() -> ImproveSettings:
    """Six designs in each of two rounds, on the tables that 256 random architectures were trained on."""
    suite = ("bundled", "data")
    return ImproveSettings(suite=suite, modalities=("tables",), designs=6, rounds=2, coarse=True)
