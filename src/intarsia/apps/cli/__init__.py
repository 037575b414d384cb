"""The command line."""

from intarsia.apps.cli.app import main

__all__ = ["main"]
