"""``python -m intarsia`` is the ``intarsia`` command."""

from intarsia.apps.cli import main

main()
