"""The report of an evaluation: one HTML file, complete without a network, a script or a neighbor file."""

from intarsia.evaluate.report.page import render

__all__ = ["render"]
