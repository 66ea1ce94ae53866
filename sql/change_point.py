"""The day from which on a series has another level: one split by least squares, told only where it is clear."""

from collections.abc import Sequence
from itertools import accumulate

CLEAR = 0.6
"""Share of the squares that one split has to explain."""
LEAST_DAYS = 3
"""On either side of a split."""
LEAST_CHANGE = 0.03
"""Of the level before."""


def change_point(values: Sequence[float]) -> int | None:
    """Index of the first value of the new level; None where no split is clear.

    Args:
        values: one a day, in their order.
    """
    count = len(values)
    if count < 2 * LEAST_DAYS:
        return None
    sums, squares = list(accumulate(values, initial=0.0)), sum(value * value for value in values)
    spread = squares - sums[-1] ** 2 / count
    # What a split explains of the squares is n1 * n2 / n * (difference of the means)^2.
    gains = {
        place: (sums[place] * count - sums[-1] * place) ** 2 / (count * place * (count - place))
        for place in range(LEAST_DAYS, count - LEAST_DAYS + 1)
    }
    best = max(gains, key=lambda place: gains[place])
    before, after = sums[best] / best, (sums[-1] - sums[best]) / (count - best)
    if spread <= 0 or gains[best] < CLEAR * spread or abs(after - before) < LEAST_CHANGE * abs(before):
        return None
    return best
