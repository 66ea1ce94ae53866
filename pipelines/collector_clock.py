"""When the collector samples: at multiples of the interval, by the wall clock for stamps and the monotonic clock for pace."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

Say = Callable[[str], None]
JUMP = 0.5
"""Seconds by which the wall clock may part from the monotonic clock between ticks; more is no drift, it was set."""
DRIFT = 0.001
"""Of the interval: what a clock that is slewed (NTP: 500 ppm) may gain or lose."""


class Clock(Protocol):
    """Time, and waiting for it; a test gives its own."""

    def wall(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""

    def wait(self, seconds: float) -> bool:
        """Wait; True where the collector is to stop."""


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def wall(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait on the monotonic clock; True where the collector is to stop."""
        return self._stop.wait(seconds)

    def stop(self) -> None:
        """End the wait, now and from now on; a signal handler may call it."""
        self._stop.set()


def ticks(clock: Clock, interval: int, say: Say) -> Iterator[int]:
    """Instants to sample at, as they come: unix seconds, multiples of the interval.

    A tick that is missed by more than half an interval is skipped, for its sample would be of another time. Where the wall clock is
    set, that is said, and ticks go on at its multiples.

    Args:
        clock: tells the time and waits.
        interval: whole seconds.
        say: takes a line for people.
    """
    last = None
    apart = clock.wall() - clock.monotonic()
    target = _next(clock.wall(), interval)
    while not clock.wait(max(0.0, target - clock.wall())):
        now = clock.wall()
        moved, apart = now - clock.monotonic() - apart, now - clock.monotonic()
        if abs(moved) > JUMP + DRIFT * interval:
            say(f"the wall clock moved by {moved:+.1f} seconds against the monotonic clock; ticks are aligned anew")
        if 0 <= now - target <= interval / 2:
            last = target
            yield target
        target = _next(clock.wall(), interval)
        # A clock set back by an instant would bring the same tick again.
        target += interval * (target == last)


def _next(now: float, interval: int) -> int:
    return (int(now) // interval + 1) * interval
