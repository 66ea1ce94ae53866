"""Why what is billed, reported and computed differs, in words: each cause, what it means, and what to do about it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

BILLED, REPORTED = "billed - computed", "reported - computed"
"""The two comparisons of marts.reconciliation_cause."""
UNEXPLAINED = "unexplained"
ACTIONS: Mapping[str, str] = {
    "credits and taxes": "Book credits, taxes, fees and adjustments on their own accounts; no use stands behind them.",
    "late": "Post what another month's invoice corrects or adds to the open period, with a reference to the month it is for.",
    "FX": "Bring the dated rate in fx_rates.csv that your treasury uses, or take the difference as one of exchange.",
    "rounding": "Nothing: it is below half of the smallest unit that the bill or the gateway states.",
    "price drift": "Compare the unit price with your contract: end the old rate and add the new one to the card, or dispute the line.",
    "time zone": "Nothing where the days sum to the same: the other side counts these hours on another day.",
    "duplicates": "Ask for the second charge back, or mend what sends or logs the same call twice.",
    "failed calls": "Agree with the provider which failed calls it bills, and say so in policies.yaml.",
    "cache convention": "Find out on which side cached tokens are counted as fresh ones, and have that side mended.",
    "batch": "Have the batch tier logged, so that these calls are computed at the price they are billed at.",
    "tier": "Find out which tier served: have it logged as served, or ask for the price of the tier you paid for.",
    "not logged": "Find who calls the provider past the gateway, by the project or key it is billed to, and bring its log.",
    "logged, not billed": "Wait for it on a later bill; ask the provider, or the gateway's owner, where it does not come.",
    UNEXPLAINED: "Look at the lines behind it: a price that no card has, or amounts without tokens, cannot be explained.",
}
"""What to do about each cause, in the order in which differences are explained; what no cause explains is last."""


def ranked(sums: Mapping[str, Decimal]) -> list[tuple[str, Decimal]]:
    """Causes with what they come to, the largest first whatever its sign; what is unexplained is last, and always there."""
    order = list(ACTIONS)
    found = {UNEXPLAINED: Decimal(0), **sums}
    return sorted(found.items(), key=lambda item: (item[0] == UNEXPLAINED, -abs(item[1]), order.index(item[0])))


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them: a, b and c."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
