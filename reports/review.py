"""What pages of a month and of a quarter are made of alike: experiments, the savings ledger, and which closed months they tell of."""

from datetime import date
from functools import cached_property

from meterbook.reports.experiments import Experiment, experiments
from meterbook.reports.figures import Figures, Row
from meterbook.reports.saving_ledger import Ledger


class Review(Figures):
    """The figures of a period that is looked back on, with what is decided for the next."""

    @property
    def told_as(self) -> str:
        """The period within a sentence: October, Q4 2026."""
        raise NotImplementedError

    @property
    def closed_before(self) -> str:
        """A month, `2026-10`: of closed months before it the page tells what was restated."""
        raise NotImplementedError

    @property
    def tried_since(self) -> date:
        """From when on experiments are read, so that one that ran in the period is told whole."""
        raise NotImplementedError

    @property
    def experiments(self) -> list[Experiment]:
        """Experiments that ran in the period, each told whole."""
        return self._tried[0]

    @property
    def experiment_rows(self) -> list[Row]:
        """The rows of marts.experiment that these are from."""
        return self._tried[1]

    @cached_property
    def _tried(self) -> tuple[list[Experiment], list[Row]]:
        read: list[Row] = []

        def ask(query: str, *values: object) -> list[Row]:
            read.extend(self.rows(query, *values))
            return read

        return [one for one in experiments(ask, self.tried_since, self.span[1]) if one.last >= self.span[0]], read

    @cached_property
    def ledger(self) -> Ledger:
        """The savings ledger as the period left it; what is identified is told by the month."""
        return Ledger(self.rows, f"{self.last:%Y-%m}", self.span)
