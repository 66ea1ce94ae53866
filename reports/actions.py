"""What needs a decision: one list for every page, each action with an amount, an owner, the effort, what it rests on, and where it stands.

Where an action stands is what savings.yaml says of it, by its dates: decided is what has a `committed_on`, done what has a `live_since`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from meterbook.reports.figures import Row, Span
from meterbook.reports.numbers import head
from meterbook.reports.saving_states import STATES

Ask = Callable[..., list[Row]]
"""Rows of a query with its values."""
YEAR, YEAR_DAYS = " a year", Decimal(365)
Effort = Literal["", "low", "medium", "high"]
LEVERS: Mapping[str, tuple[str, Effort]] = {
    "duplicates": ("Answer repeats of {} from a response cache", "medium"),
    "retries": ("Hold retries of {} to a limit", "low"),
    "caps": ("Cap the answers of {}", "low"),
    "routing": ("Ask a smaller model first for {}", "medium"),
    "prompt cache": ("Have the provider cache the instructions of {}", "low"),
    "batch": ("Send {} by batch", "medium"),
}
"""What each lever of marts.lever asks for, and how much work it is: a setting is low, a change of what serves the calls medium."""
OF_LEVER: Mapping[str, str] = {"response cache": "duplicates"}
"""A lever of the ledger by its name in marts.lever, where that is another."""
UNKNOWN = "not in the ledger: add it to savings.yaml, or turn it down"
_NEXT: Mapping[str, str] = {
    "idea": "an idea in the ledger: commit to it, or turn it down",
    "committed": "committed: carry it out",
    "retired": "retired from the ledger: take it up again, or leave it",
}
_LIVE = "live already: this is what is left"


@dataclass(frozen=True)
class Action:
    """One thing to decide.

    Args:
        text: what to do, without a period at its end.
        owner: who answers for it.
        usd: what it saves or costs in USD, low, point and high; None where that is not known.
        per: of what time the amount is.
        effort: how much work it is, where that is known.
        topic: what it is about; a page links it to its section of it.
        evidence: what it rests on, in words.
        status: where it stands in the ledger.
        saving: its entry of the ledger, where it has one.
    """

    text: str
    owner: str
    usd: tuple[Decimal, Decimal, Decimal] | None = None
    per: str = YEAR
    effort: Effort | str = ""
    topic: str = ""
    evidence: str = ""
    status: str = ""
    saving: str = ""


def exactly(amount: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """An amount that is no estimate: low and high are the same."""
    return amount, amount, amount


def per_year(amount: Decimal, days: int) -> Decimal:
    """What an amount of some days is in a year of days like them."""
    return amount * YEAR_DAYS / days


def listed(actions: Iterable[Action], anchors: Mapping[str, str]) -> list[Mapping[str, str]]:
    """Actions as the template shows them, the largest first; what has no amount is last.

    Args:
        actions: what to decide.
        anchors: where the page has its evidence, by topic; topics that it has none for are not linked.
    """
    ranked = sorted(actions, key=lambda one: (one.usd is None, -abs(one.usd[1]) if one.usd else Decimal(0), one.text))
    return [shown(one, anchors) for one in ranked]


def shown(one: Action, anchors: Mapping[str, str]) -> Mapping[str, str]:
    """One action as the template shows it."""
    return {
        "amount": f"{head(one.usd[1])}{one.per}" if one.usd else "unknown",
        "action": f"{one.text}.",
        "more": "; ".join(filter(None, (_spread(one), f"{one.effort} effort" if one.effort else "", one.evidence, one.status))),
        "href": anchors.get(one.topic, ""),
        "owner": one.owner,
    }


def _spread(one: Action) -> str:
    """Low to high; levers before it may leave it most where it is least likely, so that the ends are those of all three."""
    if one.usd is None or min(one.usd) == max(one.usd):
        return ""
    return f"{head(min(one.usd))} to {head(max(one.usd))}"


class Standing:
    """What the ledger knew at the end of a period.

    Args:
        ask: a connection that has book.saving.
        end: the day after the last.
    """

    def __init__(self, ask: Ask, end: date) -> None:
        self._end = end
        self.ideas: Sequence[Row] = ask("select * from book.saving where idea_on < ? order by place", end)

    def state(self, idea: Row) -> str:
        """Its last state before the end, by its dates."""
        return [state for state, column in STATES.items() if idea[column] and idea[column] < self._end][-1]

    def of_lever(self, lever: str, feature: str, team: str) -> Row | None:
        """The first idea of a lever that is about a feature and its team."""
        return next((idea for idea in self.ideas if _is_about(idea, lever, feature, team)), None)

    def of_pools(self, pools: Sequence[str]) -> Row | None:
        """The first idea that is about one of some GPU pools."""
        return next((idea for idea in self.ideas if idea["pool"] in pools), None)

    def told(self, idea: Row | None) -> str:
        """Where an idea stands, in words."""
        return UNKNOWN if idea is None else _NEXT.get(self.state(idea), _LIVE)

    def decided(self, span: Span) -> list[Row]:
        """What was committed to in a span of days."""
        return [idea for idea in self.ideas if idea["committed_on"] and span[0] <= idea["committed_on"] < span[1]]

    def open(self) -> list[Row]:
        """What is committed to and not live."""
        return [idea for idea in self.ideas if self.state(idea) == "committed"]

    def is_done(self, idea: Row) -> bool:
        """Whether it is live, or was."""
        return self.state(idea) in {"live", "verified", "promoted"} or bool(idea["live_since"] and idea["live_since"] < self._end)

    def review(self, span: Span, when: str) -> str:
        """Say what became of what was decided in the last review: "Decided last week: 2 of 3 done; still to do: NAME (OWNER)".

        Args:
            span: days of the last review.
            when: how a sentence calls them: last week, in September.
        """
        decided = self.decided(span)
        earlier = [idea for idea in self.open() if idea["committed_on"] < span[0]]
        said = []
        if decided:
            left = [idea for idea in decided if not self.is_done(idea) and self.state(idea) != "retired"]
            still = f"; still to do: {_names(left)}" if left else ""
            said.append(f"Decided {when}: {sum(map(self.is_done, decided))} of {len(decided)} done{still}.")
        if earlier:
            said.append(f"Decided before that and not done: {_names(earlier)}.")
        return " ".join(said)


def _is_about(idea: Row, lever: str, feature: str, team: str) -> bool:
    same = OF_LEVER.get(idea["lever"], idea["lever"]) == lever
    return same and idea["feature"] in {None, feature} and idea["team"] in {None, team}


def _names(ideas: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{idea['saving']} ({idea['owner']})" for idea in ideas)
