"""What a team's figures rest on, and the pages beside this one."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.numbers import NONE, share
from meterbook.reports.section import Section
from meterbook.reports.team_frame import TeamFrame


def _build(frame: TeamFrame) -> Mapping[str, Any]:
    return {"links": [{"name": name, "address": address} for name, address in frame.links], "facts": list(_facts(frame))}


def _facts(frame: TeamFrame) -> Iterator[tuple[str, str]]:
    yield "Cost basis", "computed at the rate of each request's instant; shared cost by the key that is named for it"
    yield "Rate cards", ", ".join(f"{name} {version[:7]}" for name, version in frame.facts.rate_cards) or NONE
    query = """
        select team, cast(sum(requests) as bigint) as requests, cast(sum(unpriced_requests) as bigint) as unpriced
        from marts.spend where day >= ? and day < ? group by team
    """
    for row in frame.own("team", query, *frame.span):
        yield "Priced", f"{share(row['requests'] - row['unpriced'], row['requests'])} of its {row['requests']:,} requests"
    yield "Owners", "as owners.csv names them on each day; a unit of value is of the team that has most of its feature's cost"
    yield "Mode", frame.facts.mode


SECTION = Section("team_closing", _build)
