"""Intarsia: image segmentation from raw pictures to masks you can trust."""

__version__ = "0.1.0"
