"""How much of a cost hangs on few names: the share of each, the largest, and the Herfindahl-Hirschman index.

The index is the sum of the squared shares in percent: 10,000 is one name alone, 10,000 / n are n of the same size. 10,000 over it is
therefore called the effective number. The Merger Guidelines of the US Department of Justice and the Federal Trade Commission (2023,
guideline 1) call a market above 1,800 highly concentrated, the agencies one from 1,000 on moderately; they speak of markets, and are
orientation here.

A share is of what has a cost above zero: a name whose credits outweigh its cost would else have a negative share and give others more than
all. It has no share, and is named beside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from meterbook.reports.figures import ZERO
from meterbook.reports.numbers import ratio

WHOLE = Decimal(10_000)
"""The index of one name alone."""
MODERATE, HIGH = Decimal(1_000), Decimal(1_800)


@dataclass(frozen=True)
class Concentration:
    """What a cost is made of.

    Args:
        costs: USD by name, credits taken off.
    """

    costs: Mapping[str, Decimal]

    @cached_property
    def positive(self) -> dict[str, Decimal]:
        """The names that have a share, the largest first."""
        return dict(sorted(((name, usd) for name, usd in self.costs.items() if usd > 0), key=lambda pair: (-pair[1], pair[0])))

    @property
    def credited(self) -> dict[str, Decimal]:
        """The names whose credits outweigh their cost."""
        return {name: usd for name, usd in sorted(self.costs.items()) if usd < 0}

    @cached_property
    def whole(self) -> Decimal:
        """What the shares are of, USD."""
        return sum(self.positive.values(), ZERO)

    @property
    def top(self) -> str | None:
        """The largest name; None where nothing cost anything."""
        return next(iter(self.positive), None)

    def share(self, name: str | None) -> Decimal | None:
        """The share of a name, nothing for one that has none; None where nothing cost anything."""
        return ratio(self.positive.get(name or "", ZERO), self.whole)

    @cached_property
    def index(self) -> Decimal | None:
        """The Herfindahl-Hirschman index, above 0 and up to 10,000; None where nothing cost anything."""
        return ratio(sum((usd * usd for usd in self.positive.values()), ZERO) * WHOLE, self.whole * self.whole)

    @property
    def effective_number(self) -> Decimal | None:
        """Of how many names of the same size the cost would be as concentrated."""
        return ratio(WHOLE, self.index)

    @property
    def level(self) -> str:
        """The index in words."""
        if self.index is None:
            return "unknown"
        return "highly concentrated" if self.index > HIGH else "moderately concentrated" if self.index >= MODERATE else "not concentrated"
