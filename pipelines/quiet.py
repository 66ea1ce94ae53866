"""A Dagster logger for runs of the command line, where a bar and a summary speak."""

import logging

import dagster as dg


@dg.logger
def quiet(_init: dg.InitLoggerContext) -> logging.Logger:
    """A logger that says nothing: the bar and the summary speak."""
    silent = logging.Logger("meterbook.quiet")  # noqa: LOG001 -- not to be found by anyone
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    return silent
