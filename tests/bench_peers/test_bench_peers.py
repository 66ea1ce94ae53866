"""Peers that price the same requests, where they are installed: `make bench-peers` has an environment with all of them."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from meterbook.pipelines.bench_pricers import CALCULATORS, PEERS, cases, cost_of
from meterbook.pipelines.bench_requests import lake
from meterbook.sql.engine import Engine

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of requests, as `cases` keeps them."""
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="module")
def requests(folder: Path) -> Engine:
    return lake(folder, 3_000, 3)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_sums_every_request_to_the_same_picodollar(requests: Engine, name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed: make bench-peers")
    files = {table: requests.lake.table(table).files() for table in ("core.request", "core.price_in_force", "core.request_meter")}
    counted, pico = import_module(f"meterbook.pipelines.bench_{name}").price(files, 2)
    assert (counted, pico) == (3_000, int(cost_of(requests).scaleb(12)))


@pytest.mark.parametrize("name", CALCULATORS)
def test_a_calculator_is_timed_by_the_call_and_its_sum_is_said_beside_ours(requests: Engine, folder: Path, name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed: make bench-peers")
    [case] = [case for case in cases(folder, 3_000, 3) if case.name == name]
    done = subprocess.run([sys.executable, "-m", case.module, *case.arguments], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert 100 < found["rows"] < 1_000
    assert abs(float(found["more"]["usd"]) / float(found["more"]["meterbook_usd"]) - 1) < (0.001 if name == "litellm" else 0.1)
