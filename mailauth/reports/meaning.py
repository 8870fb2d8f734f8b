"""What the counts of a summary mean for the owner of a domain, in plain words: for a sender, a domain, a whole.

Judges from the shares of messages alone, and says so where more than one thing can be behind them. Its words are our
own but for the names of senders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mailauth.page import counted
from mailauth.reports.summary import Sender, Summary

LABELS = {
    "both": "aligned by DKIM and SPF",
    "dkim": "aligned by DKIM alone",
    "spf": "aligned by SPF alone",
    "neither": "aligned by neither",
}
_MOST = 0.95  # of the messages of a sender


def aligned(counts: Counter[str]) -> int:
    """Return how many messages are aligned."""
    return counts.total() - counts["neither"]


def share(part: int, whole: int) -> str:
    """Return a share as text, which says "0.0%" and "100.0%" only of nothing and of all."""
    if not whole:
        return "-"
    tenths = round(1000 * part / whole)
    if part:
        tenths = max(tenths, 1)
    if part < whole:
        tenths = min(tenths, 999)
    return f"{tenths / 10:.1f}%"


def sender_name(sender: Sender) -> str:
    """Return a sender with how it is known."""
    return sender.name if sender.by == "network" else f"{sender.name} (by {sender.by.upper()})"


def of_sender(sender: Sender, counts: Counter[str], days: int) -> str:
    """Return what the counts of a sender mean, in one or two sentences."""
    return f"{_rate(counts.total(), days)}: {''.join(_verdict(sender, counts))}"


def _rate(messages: int, days: int) -> str:
    per_day = messages / max(days, 1)
    if per_day < 1:
        return counted(messages, "message") + " in all"
    return counted(round(per_day), "message") + " a day"


def _verdict(sender: Sender, counts: Counter[str]) -> Iterator[str]:
    total, good = counts.total(), aligned(counts)
    few = (1 - _MOST) * good
    if not total:
        yield "reported without a message."
        return
    if counts["neither"] > _MOST * total or not good:
        if sender.by == "network":
            yield "fails both: either a server of yours without SPF and DKIM, or an impostor."
        else:
            yield f"passes {sender.by.upper()} as itself, not as you: either a service that you have not set up, "
            yield "a forwarder or mailing list that changes messages, or an impostor."
        return
    if counts["neither"]:
        yield f"{share(counts['neither'], total)} of it fails: not set up for your domain, changed on the way, "
        yield "or not yours. Of the rest: "
    if counts["dkim"] + counts["both"] <= few:
        yield "only SPF covers it, nothing has your DKIM signature: it fails when it is forwarded. Set up DKIM for it."
    elif counts["spf"] + counts["both"] <= few:
        yield "your DKIM key signs it, SPF does not cover it: right for forwarded mail, "
        yield "and enough for a service that sends for you."
    elif counts["spf"]:
        yield "your DKIM key and SPF cover it, "
        yield f"but {share(counts['spf'], good)} of it has no valid DKIM signature of yours."
    else:
        yield "your DKIM key and SPF cover it."


def of_all(summary: Summary) -> str:
    """Return what the whole means for the policy, in one or two sentences."""
    failing = summary.outcomes["neither"]
    if not summary.outcomes.total():
        return "No message is reported."
    if not failing:
        return "All of the mail that is reported is aligned."
    stopped = sum(
        counts["neither"]
        for word, counts in summary.dispositions.by_key.items()
        if word.lower() in {"quarantine", "reject"}
    )
    return (
        f"{share(failing, summary.outcomes.total())} of the mail that is reported is aligned by neither DKIM nor SPF; "
        f"receivers rejected or quarantined {share(stopped, failing)} of that. "
        "Before you ask for a stricter policy, look for senders of your own among those that fail."
    )
