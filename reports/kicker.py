"""The line above a page's headline: whose, which period, open or closed, how many checks pass, how far data goes."""

from meterbook.reports.figures import Figures


def kicker(frame: Figures, period: str) -> dict[str, str]:
    """What a template shows in that line.

    Args:
        frame: the figures of the page.
        period: the page's period in words.
    """
    facts, through = frame.facts, min(frame.last, frame.facts.data_through)
    return {
        "company": facts.company,
        "period": period,
        "state": "closed" if facts.is_closed else "open",
        "checks": f"{facts.checks_passed} of {facts.checks_total} checks pass",
        "through": f"data through {through.day} {through:%B}",
    }
