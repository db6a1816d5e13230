"""The command line: `taskaware recommend|predict|features|tasks`; thin, what it does is done elsewhere."""

from taskaware.cli.entry import main

__all__ = ["main"]
