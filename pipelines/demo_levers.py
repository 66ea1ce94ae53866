"""What the sample company takes its levers to do, and a scenario that it can be asked about."""

from pathlib import Path

from meterbook.pipelines import demo_plants as plants

FILE, SCENARIO = "levers.yaml", "what-if.yaml"
CAPPED, CAP_TOKENS = "contract-review", 16_000
ROUTED, ROUTED_FROM, ROUTED_TO = "support-assistant", "gpt-5", "gpt-5-mini"


def write_levers(folder: Path) -> None:
    """Write the book's levers.yaml, and what-if.yaml beside it."""
    (folder / FILE).write_text(_LEVERS, "utf-8")
    (folder / SCENARIO).write_text(_SCENARIO, "utf-8")


_LEVERS = f"""\
# What levers may assume here; of what is left out they believe the traffic.
response_cache:
  - {{feature: {plants.REPEATING}, ttl_seconds: {plants.WITHIN_MS // 1000}, opted_in: true}}
prompt_cache: {{ttl_seconds: 300}}
batch:
  - {{feature: {plants.DEFERRABLE}, tolerance_hours: 24, feasible_percent: 90}}
routes:
  - {{feature: {plants.TRIED}, from: {plants.REPLACED}, to: {plants.CANDIDATE}, accept: [0.85, 0.92, 0.97]}}
"""
_SCENARIO = f"""\
# What would a month like the last one have cost otherwise? meterbook --book . whatif what-if.yaml
# Three numbers are least, likely and most. docs/whatif.md has every change there is.
changes:
  - route: {{feature: {ROUTED}, from: {ROUTED_FROM}, to: {ROUTED_TO}, share: 0.5, accept: [0.7, 0.8, 0.9], guard_usd: 0.0002}}
  - cap_output: {{feature: {CAPPED}, tokens: {CAP_TOKENS}, retry: [0, 0.1, 0.3]}}
  - response_cache: {{feature: {plants.REPEATING}, ttl_seconds: {plants.WITHIN_MS // 1000}, opted_in: true}}
  - prompt_cache: {{feature: {plants.INSTRUCTED}, share: [0.5, 0.8, 1]}}
  - batch: {{feature: {plants.DEFERRABLE}, share: [0.5, 0.8, 0.95]}}
"""
