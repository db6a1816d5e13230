"""The report of a study: one HTML file that needs nothing else, not even a network."""

from taskaware.reports.write import report

__all__ = ["report"]
