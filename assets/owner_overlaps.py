"""Owner rules that contradict each other: two that could both win a row, and two accounts of one cost centre on one day."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations_with_replacement

from meterbook.assets.dated import OPEN
from meterbook.assets.owners import OwnerError, Rule

NO_CENTRE = "(none)"
"""The cost centre of a rule that gives none, as core.allocation calls it."""
_LAST = "\U0010ffff"
"""Sorts behind every other character."""
Form = tuple[tuple[str, bool], ...]
"""Fields of a rule, and whether each is given in full rather than by a pattern with `*`."""


@dataclass(frozen=True)
class Centre:
    """The account of a team's cost centre over some days; None where no rule names one.

    It is a home of the team where a rule of the team's own gives it, rather than one it shares with others.
    """

    team: str
    cost_centre: str
    gl_account: str | None
    is_home: bool
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class _State:
    is_held: bool
    gl_account: str | None = None
    is_home: bool = False


def refuse_overlaps(rules: Sequence[Rule]) -> None:
    """Refuse two rules of equal priority and equal fields that a row of one day can match both, unless they give the same.

    Rules with equal values are found by these values; only patterns with `*` are held against each other.

    Raises:
        OwnerError: there are such rules; it names both and what to do.
    """
    for before, after in sorted(_overlaps(rules), key=lambda pair: (pair[1].rule_id, pair[0].rule_id))[:1]:
        first, end = max(before.owner.starts_on, after.owner.starts_on), min(before.owner.ends_on, after.owner.ends_on)
        until = "" if end == OPEN else f" until {end}"
        raise OwnerError(
            f"{after.place}: {after.words} overlaps {before.place} ({before.words}) from {first}{until} and gives another owner; "
            f"end one of them (ends_on), or give one a higher priority"
        )


def _overlaps(rules: Iterable[Rule]) -> Iterator[tuple[Rule, Rule]]:
    groups: dict[tuple[int, tuple[str, ...]], dict[Form, list[Rule]]] = defaultdict(lambda: defaultdict(list))
    for rule in rules:
        form = tuple(sorted((field, "*" not in pattern) for field, pattern in rule.owner.match.items()))
        groups[rule.owner.priority, rule.owner.classes][form].append(rule)
    for forms in groups.values():
        for one, other in combinations_with_replacement(forms, 2):
            for rule, met in _meetings((one, forms[one]), (other, forms[other])):
                for before in met:
                    if (one != other or before.rule_id < rule.rule_id) and _contradict(before, rule):
                        yield (before, rule) if before.rule_id < rule.rule_id else (rule, before)
                        break


def _meetings(ones: tuple[Form, Sequence[Rule]], others: tuple[Form, Sequence[Rule]]) -> Iterator[tuple[Rule, Sequence[Rule]]]:
    """Each rule of one form with those of another that it may overlap: by what both give in full, by the text before a `*`, else all."""
    (form, rules), (shape, asked) = (dict(ones[0]), ones[1]), (dict(others[0]), others[1])
    exact = [field for field, is_exact in form.items() if is_exact and shape.get(field)]
    half = next((field for field, is_exact in form.items() if field in shape and is_exact != shape[field]), None)
    if exact:
        known: dict[tuple[str, ...], list[Rule]] = defaultdict(list)
        for rule in rules:
            known[tuple(rule.owner.match[field] for field in exact)].append(rule)
        yield from ((rule, known.get(tuple(rule.owner.match[field] for field in exact), ())) for rule in asked)
    elif half:
        full, open_ones = (rules, asked) if form[half] else (asked, rules)
        ordered = sorted(full, key=lambda rule: rule.owner.match[half])
        values = [rule.owner.match[half] for rule in ordered]
        for rule in open_ones:
            start = rule.owner.match[half].partition("*")[0]
            yield rule, ordered[bisect_left(values, start) : bisect_right(values, start + _LAST)]
    else:
        yield from ((rule, rules) for rule in asked)


def _contradict(one: Rule, other: Rule) -> bool:
    a, b = one.owner, other.owner
    return (
        a.starts_on < b.ends_on
        and b.starts_on < a.ends_on
        and all(intersect(pattern, b.match[field]) for field, pattern in a.match.items() if field in b.match)
        and a.given != b.given
    )


def intersect(one: str, other: str) -> bool:
    """Whether a text can match both patterns, in which `*` is any text."""
    if "*" not in one:
        return one == other if "*" not in other else _compiled(other).fullmatch(one) is not None
    if "*" not in other:
        return _compiled(one).fullmatch(other) is not None
    return _both_open(one, other)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)


def _both_open(one: str, other: str) -> bool:
    # Between their first and last `*` both can hold anything that the other asks for: only what is fixed at the ends can part them.
    start, end = one.split("*", 1)[0], one.rsplit("*", 1)[1]
    begin, last = other.split("*", 1)[0], other.rsplit("*", 1)[1]
    return (start.startswith(begin) or begin.startswith(start)) and (end.endswith(last) or last.endswith(end))


def centres(rules: Sequence[Rule]) -> tuple[Centre, ...]:
    """The accounts of every team's cost centres, one stretch of days after the other.

    Raises:
        OwnerError: two rules give one cost centre of a team different accounts on one day; it names both.
    """
    found: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in rules:
        for team in rule.owner.centre_teams:
            found[team, rule.owner.cost_centre or NO_CENTRE].append(rule)
    return tuple(one for (team, centre), held in sorted(found.items()) for one in _stretches(team, centre, held))


def _stretches(team: str, centre: str, rules: Sequence[Rule]) -> Iterator[Centre]:
    changes: dict[date, list[tuple[Rule, bool]]] = defaultdict(list)
    for rule in rules:
        changes[rule.owner.starts_on].append((rule, True))
        changes[rule.owner.ends_on].append((rule, False))
    held: dict[str | None, dict[str, Rule]] = defaultdict(dict)
    open_since, known = date.min, _State(is_held=False)
    for day in sorted(changes):
        for rule, begins in changes[day]:
            of_account = held[rule.owner.gl_account]
            if begins:
                of_account[rule.rule_id] = rule
            else:
                of_account.pop(rule.rule_id)
        accounts = sorted(account for account, rules in held.items() if account and rules)
        _refuse_two(team, centre, day, [held[account] for account in accounts])
        in_force = [rule for rules in held.values() for rule in rules.values()]
        is_home = any(rule.owner.team_name in {None, team} for rule in in_force)
        now = _State(bool(in_force), accounts[0] if accounts else None, is_home)
        if now == known:
            continue
        if known.is_held:
            yield Centre(team, centre, known.gl_account, known.is_home, open_since, day)
        open_since, known = day, now


def _refuse_two(team: str, centre: str, day: date, held: Sequence[dict[str, Rule]]) -> None:
    if len(held) > 1:
        one, other = sorted((min(rules.items())[1] for rules in held[:2]), key=lambda rule: rule.rule_id)
        raise OwnerError(
            f"{other.place}: gives {team}, cost centre {centre}, GL account {other.owner.gl_account} on {day}, "
            f"and {one.place} gives it {one.owner.gl_account}; a cost centre has one account a day: end one of them"
        )
