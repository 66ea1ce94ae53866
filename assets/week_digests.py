"""What a weekly page shows of tables that are not cut by day, week by week: a page is stale where its own rows changed, and only then."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from meterbook.assets.savings import Saving
from meterbook.sql.catalog import Catalog
from meterbook.sql.digests import digest

_CARDS = """
    select episode.day, concat_ws('|', card.card_id, card.owner, card.event, card.status, card.verdict, card.note) as text
    from marts.anomaly_episode as episode inner join marts.anomaly_card as card on card.card_id = episode.card_id
"""
"""What is said of a card after its days; what it sums up is no part, for later days add to it."""
_DAYS = {"marts.queue_loss": "day", "marts.queue_shift": "week_start", "marts.queue_wait": "day", "marts.anomaly_episode": "day"}
WHOLE = {
    **{name: f"select one.{column} as day, cast(one as varchar) as text from {name} as one" for name, column in _DAYS.items()},
    "marts.anomaly_card": _CARDS,
}
"""Tables a weekly page is read from that are one file, and their rows as text, each with a day of the week whose page shows it."""


def promised(savings: Sequence[Saving], first: date, end: date) -> list[str]:
    """What a weekly page tells of the ledger: what was decided in the week before, what is committed and not live, what is about GPUs.

    Args:
        savings: the ledger.
        first: the week's Monday.
        end: the day after its last.
    """
    found = []
    for one in savings:
        since, live = one.committed_on or date.max, one.live_since or date.max
        is_told = first - timedelta(days=7) <= since < first or (since < end <= live) or one.lever == "gpu"
        if is_told and one.idea_on < end:
            found.append(one.model_dump_json())
    return found


def week_digests(catalog: Catalog) -> Mapping[date, str]:
    """A hash of the rows of each week, by its Monday; a week without any has none."""
    found: dict[date, list[tuple[str, str]]] = {}
    with catalog.reading(list(WHOLE)) as con:
        for name, rows in WHOLE.items():
            hashed = "md5(string_agg(text, ';' order by text))"
            query = f"select cast(date_trunc('week', day) as date), {hashed} from ({rows}) as told group by 1"
            for monday, text in con.execute(query).fetchall():
                found.setdefault(monday, []).append((name, text))
    return {monday: digest(parts) for monday, parts in found.items()}
