"""Where commands print: figures and tables to standard output, what is said beside them to standard error."""

import sys

from rich.console import Console

WIDE = 160
"""Columns where standard output is no terminal: tables for a file or another program are not cut to the width of a screen."""
out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False)
