"""The tables SQL sees of a book's owner rules, in the columns of sql/inputs.yaml."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from meterbook.assets.owner_overlaps import centres
from meterbook.assets.owners import FIELDS, Holder, Rule
from meterbook.rate_cards.patterns import like

Row = dict[str, object]
_TEXT, _DAY = pl.String(), pl.Date()
OWNER: Mapping[str, pl.DataType] = {
    "rule_id": _TEXT,
    **dict.fromkeys(("starts_on", "ends_on"), _DAY),
    **dict.fromkeys(("conditions", "rank", "priority"), pl.Int32()),
    **dict.fromkeys(("team", "cost_centre", "gl_account", "feature", "tenant", "environment"), _TEXT),
}
CONDITION: Mapping[str, pl.DataType] = {
    "rule_id": _TEXT,
    "field": _TEXT,
    "pattern": _TEXT,
    **dict.fromkeys(("is_exact", "is_first"), pl.Boolean()),
}
SHARE: Mapping[str, pl.DataType] = {"owner": _TEXT, "team": _TEXT, "weight": pl.Int64()}
CENTRE: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("team", "cost_centre", "gl_account"), _TEXT),
    "is_home": pl.Boolean(),
    **dict.fromkeys(("starts_on", "ends_on"), _DAY),
}


def owner_tables(rules: Sequence[Rule]) -> dict[str, pl.DataFrame]:
    """Every table that owner rules give, by name."""
    return {
        "book.owner": _table(OWNER, (_owner(rule) for rule in rules)),
        "book.owner_condition": _table(CONDITION, (row for rule in rules for row in _conditions(rule))),
        "book.owner_share": _table(SHARE, _shares(rules)),
        "book.centre": _table(CENTRE, (vars(centre) for centre in centres(rules))),
    }


def _table(shape: Mapping[str, pl.DataType], rows: Iterable[Row]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(shape))


def _owner(rule: Rule) -> Row:
    owner = rule.owner
    given = owner.model_dump(include=set(OWNER) - {"team"})
    return {**given, "rule_id": rule.rule_id, "conditions": len(owner.match), "rank": owner.rank, "team": owner.team_name}


def _conditions(rule: Rule) -> Iterator[Row]:
    match = rule.owner.match
    first = min(match, key=lambda field: ("*" in match[field], FIELDS.index(field.partition(".")[0]), field))
    for field, pattern in match.items():
        is_exact = "*" not in pattern
        shown = pattern if is_exact else like(pattern)
        yield {"rule_id": rule.rule_id, "field": field, "pattern": shown, "is_exact": is_exact, "is_first": field == first}


def _shares(rules: Sequence[Rule]) -> Iterator[Row]:
    joint = {rule.owner.team.name: rule.owner.team for rule in rules if rule.owner.team and len(rule.owner.team.shares) > 1}
    for name, holder in sorted(joint.items()):
        for team, weight in weights(holder):
            yield {"owner": name, "team": team, "weight": weight}


def weights(holder: Holder) -> list[tuple[str, int]]:
    """Shares as whole numbers of one denominator, the smallest power of ten that all are whole in."""
    digits = max(0, *(-int(share.as_tuple().exponent) for _, share in holder.shares))
    return [(team, int(share.scaleb(digits))) for team, share in holder.shares]
