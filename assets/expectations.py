"""The expectations of the publication gate, judged by Great Expectations: the one place that loads it, which takes seconds.

It works in memory on a frame of one row per day and period; it keeps no context, writes no files and asks no network.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from typing import Any

from meterbook.assets.gate_measures import Expectation

NAME = "publication_gate"
"""Of the suite, in the evidence."""
FINE, COARSE, LARGE = Decimal("1e-12"), Decimal("1e-6"), 1000
"""Values are rounded to steps away from what they are held against, coarser ones from 1000 on: bounds lie on both, so no verdict changes,
and floats, which tell 15 digits apart, keep the order."""
MOST = 10**10
"""Far beyond any bound."""
TYPE = "expect_column_values_to_be_between"
COMPLETE: Mapping[str, Any] = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
KEPT = ("element_count", "missing_count", "unexpected_count", "unexpected_list", "unexpected_index_list")

Values = Mapping[str, Mapping[str, Decimal | None]]
"""Values by measure, then by the day or period they are of."""


def judged(values: Values, suite: Sequence[Expectation]) -> dict[str, Any]:
    """What Great Expectations finds.

    Args:
        values: by measure and span; measures without any value are not judged.
        suite: the expectations.

    Returns:
        Its result as JSON, the same for the same values: without times, machine or memory addresses. An expectation whose values are all
        None is not in it.
    """
    suite = [one for one in suite if any(value is not None for value in values[one.measure.name].values())]
    if not suite:
        return {"suite_name": NAME, "success": True, "results": []}
    spans = list(dict.fromkeys(span for one in suite for span in values[one.measure.name]))
    columns = {one.measure.name: [_number(values[one.measure.name].get(span), up=one.measure.most) for span in spans] for one in suite}
    configs = [
        {
            "type": TYPE,
            "kwargs": {"column": one.measure.name, "max_value" if one.measure.most else "min_value": float(one.bound)},
            "meta": {"name": one.name, "of": one.measure.of},
            "severity": one.severity,
        }
        for one in suite
    ]
    with warnings.catch_warnings():
        # Some of what it is made of is deprecated elsewhere; that is no concern of a run.
        warnings.simplefilter("ignore")
        found = _great().validate(columns, spans, configs)
    return {
        "suite_name": NAME,
        "success": found["success"],
        "results": [_kept(one) for one in found["results"]],
        "statistics": found["statistics"],
        "meta": {"great_expectations_version": found["meta"]["great_expectations_version"]},
    }


def _number(value: Decimal | None, *, up: bool) -> float | None:
    if value is None:
        return None
    if abs(value) >= MOST:
        return float(value)
    return float(value.quantize(FINE if abs(value) < LARGE else COARSE, ROUND_CEILING if up else ROUND_FLOOR))


def _kept(one: Mapping[str, Any]) -> dict[str, Any]:
    config = one["expectation_config"]
    raised = _raised(one["exception_info"])
    return {
        "success": one["success"] and not raised,
        "expectation_config": {
            "type": config["type"],
            "kwargs": {name: value for name, value in config["kwargs"].items() if name != "batch_id"},
            "meta": config["meta"],
            "severity": config["severity"],
        },
        "result": {name: one["result"][name] for name in KEPT if name in one["result"]},
        **({"exception_message": raised} if raised else {}),
    }


def _raised(info: Mapping[str, Any]) -> str:
    """Why an expectation could not be judged; nothing where it could. It is told by itself, or for each metric."""
    told = [info, *(one for one in info.values() if isinstance(one, Mapping))]
    return next((str(one.get("exception_message")) for one in told if one.get("raised_exception")), "")


class _Great:
    """Great Expectations, loaded."""

    def __init__(self) -> None:
        # It has no telemetry in this version; were there to be some again, it stays off.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations as gx  # noqa: PLC0415 -- takes seconds
        import pandas as pd  # noqa: PLC0415
        from great_expectations.data_context.types.base import (  # noqa: PLC0415
            DataContextConfig,
            InMemoryStoreBackendDefaults,
        )
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: PLC0415

        self._frame, self._suite, self._config = pd.DataFrame, gx.ExpectationSuite, ExpectationConfiguration
        # Without a folder for its own pages, which it would make at once.
        config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False))
        context = gx.get_context(mode="ephemeral", project_config=config)
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        self._batch = context.data_sources.add_pandas("lake").add_dataframe_asset("day_profile").add_batch_definition_whole_dataframe("all")

    def validate(
        self, columns: Mapping[str, Sequence[float | None]], spans: Sequence[str], configs: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        frame = self._frame(columns, index=spans, dtype="float64")
        suite = self._suite(name=NAME, expectations=[self._config(**config).to_domain_obj() for config in configs])
        found: dict[str, Any] = self._batch.get_batch({"dataframe": frame}).validate(suite, result_format=dict(COMPLETE)).to_json_dict()
        return found


@cache
def _great() -> _Great:
    return _Great()
