"""What a weekly page shows of tables that are not cut by day, week by week: a page is stale where its own rows changed, and only then."""

from collections.abc import Mapping
from datetime import date

from meterbook.sql.catalog import Catalog, digest

WHOLE = {"marts.queue_loss": "day", "marts.queue_shift": "week_start", "marts.queue_wait": "day"}
"""Tables a weekly page is read from that are one file, and the column whose week is the page's."""


def week_digests(catalog: Catalog) -> Mapping[date, str]:
    """A hash of the rows of each week, by its Monday; a week without any has none."""
    found: dict[date, list[tuple[str, str]]] = {}
    with catalog.reading(list(WHOLE)) as con:
        for name, column in WHOLE.items():
            rows_of = "md5(string_agg(cast(one as varchar), ';' order by cast(one as varchar)))"
            query = f"select cast(date_trunc('week', one.{column}) as date), {rows_of} from {name} as one group by 1"
            for monday, rows in con.execute(query).fetchall():
                found.setdefault(monday, []).append((name, rows))
    return {monday: digest(parts) for monday, parts in found.items()}
