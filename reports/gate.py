"""What the publication gate found, as pages and runs say it."""

from collections.abc import Sequence
from dataclasses import dataclass

from meterbook.reports.numbers import plural


@dataclass(frozen=True)
class Verdict:
    """What became of one expectation over everything in the lake.

    Args:
        measure: what is judged.
        title: what it is, for people.
        of: whether days are judged, or periods.
        said: it in words, with its value in place of `{}`.
        severity: critical makes drafts and holds finance files back, warning is only told.
        expected: the bound in words.
        place: the bound with the setting that holds it.
        worst: the day or period that is farthest out of bounds, or nearest to that; empty where nothing could be judged.
        observed: its value in words.
        judged: days or periods with a value.
        failed: those out of bounds, in order.
        todo: what to do about it.
        error: why it could not be judged.
    """

    measure: str
    title: str
    of: str
    said: str
    severity: str
    expected: str
    place: str
    worst: str
    observed: str
    judged: int
    failed: Sequence[str] = ()
    todo: str = ""
    error: str = ""

    @property
    def preposition(self) -> str:
        """Before the name of a day, or of a period."""
        return "on" if self.of == "day" else "in"

    @property
    def line(self) -> str:
        """Where it fails, in a line for a run."""
        if self.error:
            return f"{self.measure} could not be judged: {self.error}"
        others = f" and {plural(len(self.failed) - 1, 'other')}" if self.failed[1:] else ""
        return f"{self.said.format(self.observed)} {self.preposition} {self.worst}{others}; expected: {self.expected}; {self.todo}"
