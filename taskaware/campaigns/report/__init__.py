"""The report of a run: one HTML file that needs nothing else, not even a network."""

from taskaware.campaigns.report.write import report

__all__ = ["report"]
