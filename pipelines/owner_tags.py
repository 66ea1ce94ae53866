"""Which tag tells the calls that nobody owns apart: the one whose largest values cover most of what they cost."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb

from meterbook.reports.frame import rows_of

Row = dict[str, Any]
_BY_TAG = r"""
    with call as (
        select request.book_day as day, staged.tags, count(*) as events, sum(cost.cost_usd) as cost_usd
        from core.request as request
        inner join core.request_cost as cost on cost.day = request.day and cost.request_id = request.request_id
        inner join staging.request as staged
            on staged.day = request.day and staged.request_id = request.request_id and staged.source = request.source
        where request.team is null and cost.cost_usd > 0 and staged.tags is not null and request.book_day >= ? and request.book_day < ?
        group by all
    ),
    tagged as (select call.*, unnest(case when json_valid(tags) then json_keys(tags) end) as name from call)
    select 'tags.' || name as field, tag_of(tags, name) as value, '' as known_as, 'requests' as basis,
        cast(sum(events) as bigint) as events, sum(cost_usd) as cost_usd, min(day) as first_day, max(day) as last_day
    from tagged
    where regexp_full_match(name, '[^"\\*\x00-\x1f]+') and tag_of(tags, name) <> ''
    group by all order by field, cost_usd desc, value
"""


def by_tag(con: duckdb.DuckDBPyConnection, first: date, end: date, top: int) -> Sequence[Row]:
    """What unowned calls cost by the values of one tag, the largest first, money in exact USD.

    Args:
        con: views over the lake.
        first: first day of the book.
        end: the day after the last.
        top: how many values. Of several tags the one counts whose values, as many as that, cover the most; then the one with fewer values.

    Returns:
        Rows in the columns of unowned cost; none where no such call has a tag.
    """
    tags = [list(rows) for _, rows in groupby(rows_of(con, _BY_TAG, first, end), itemgetter("field"))]
    best = max(tags, key=lambda rows: (sum((row["cost_usd"] for row in rows[:top]), Decimal(0)), -len(rows)), default=[])
    return best[:top]
