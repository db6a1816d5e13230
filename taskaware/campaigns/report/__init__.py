"""A run as one page to look at: `report(folder)`."""

from taskaware.campaigns.report.page import report

__all__ = ["report"]
