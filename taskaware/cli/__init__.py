"""The command line: `taskaware recommend`, `collect`, `run`, ...; a thin layer over the library."""

from taskaware.cli.entry import main

__all__ = ["main"]
