"""What ships is found out once, whoever asks first."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

import pytest

from meterbook.assets import shipped
from meterbook.sql.models import Project


def test_two_who_ask_at_once_on_a_new_machine_get_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two would meet here: DuckDB refuses a connection that is busy with another's call.
    met, asked = Barrier(2), list[Project]()

    def find(*_: object) -> tuple[Project, dict[str, dict[str, str]]]:
        asked.append(Project({}, {}, {}))
        try:
            met.wait(0.2)
        except BrokenBarrierError:
            return asked[-1], {}
        raise AssertionError("two at once")

    monkeypatch.setattr(shipped, "shipped", find)
    shipped._found.cache_clear()
    try:
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _: shipped.project(), range(2))
    finally:
        shipped._found.cache_clear()
    assert first is second is asked[0]
    assert len(asked) == 1
