"""The command line: `taskaware recommend`, `collect`, `run`, ...; thin, what it does is done elsewhere."""

from taskaware.cli.entry import main

__all__ = ["main"]
