"""Medians over days of many series, of what is known of them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Series x days, NaN where not known."""
_LEAST = 3
"""Days that have to be known for a median of days before."""


def windows(rows: Floats, length: int, count: int) -> Floats:
    """Last windows of the rows: series x count x length, without a copy."""
    return np.lib.stride_tricks.sliding_window_view(rows[:, -(count + length - 1) :], length, axis=1)


def median_before(rows: Floats, length: int, count: int) -> Floats:
    """Median of the days before each of the last days."""
    found, known = middle(windows(rows[:, :-1], length, count))
    return np.where(known >= _LEAST, found, np.nan)


def middle(blocks: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Median over the last axis of what is known, and how many are; NaN where none is."""
    ordered = np.sort(blocks, axis=-1)
    # NaN is sorted last, so the middle of what is known is where their number says.
    known = np.count_nonzero(~np.isnan(ordered), axis=-1)
    ends = (np.maximum(known - 1, 0) // 2, known // 2)
    low, high = (np.take_along_axis(ordered, end[..., None], axis=-1)[..., 0] for end in ends)
    return (low + high) / 2, known


def mean(parts: list[Floats]) -> Floats:
    """Mean of what is known: a measure of weekends alone has no level of a week."""
    stacked = np.stack(parts)
    known = np.count_nonzero(~np.isnan(stacked), axis=0)
    return np.where(known > 0, np.nan_to_num(stacked).sum(axis=0) / np.maximum(known, 1), np.nan)
