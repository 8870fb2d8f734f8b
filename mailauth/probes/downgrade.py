"""Whether somebody on the way took TLS away: what the evidence of a look at a server supports, and no more.

A man in the middle who rewrites an answer well cannot be told from a server that never offered STARTTLS, by looking at
that answer. What can tell are traces of the rewriting, and promises that came by another way: TLSA records, a policy of
MTA-STS, an earlier session. Pure: knows values only.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from mailauth.probes.values import ProbeStatus, SmtpProbe
from mailauth.text import one_line, safe

# What a firewall of Cisco makes of a keyword that it does not let through: XXXXXXXA; and what others do to STARTTLS
_MASKED = re.compile(r"X{4,}[A-Z]?|[X*#.]{8}|STARTTLS[X*#.]+|[X*#.]+STARTTLS", re.IGNORECASE)
_MASKED_GREETING = re.compile(r"[*02 ]*\*{8,}[*02 ]*")


class Downgrade(StrEnum):
    """The verdict."""

    NONE = "none"  # there is TLS, and the server offered it
    NOT_OFFERED = "not_offered"  # no TLS, and nothing says that there should be
    PROMISED = "promised"  # no TLS, though promised: the server is broken, or somebody is on the way; unknown which
    LIKELY = "likely"  # a guess: the answer looks rewritten
    STRIPPED = "stripped"  # the answer was rewritten on the way
    UNKNOWN = "unknown"  # the session did not come far enough to say


class Verdict(NamedTuple):
    """A verdict, and the evidence it rests on, a sentence each; empty where nothing was noticed.

    `is_guess` says that the evidence has another, less likely explanation.
    """

    downgrade: Downgrade
    evidence: tuple[str, ...] = ()
    is_guess: bool = False


def downgrade(probe: SmtpProbe, promises: Collection[str] = ()) -> Verdict:
    """Say whether TLS was taken away.

    Args:
        probe: the look at the server.
        promises: why there must be TLS, in words, such as "TLSA records of mx.example.com": what is known by a way that
            whoever is between us and the server does not control. Empty: nothing promises it.
    """
    evidence = []
    masked = next((line for line in probe.ehlo.lines[1:] if _MASKED.fullmatch(line.partition(" ")[0])), None)
    if masked is not None:
        evidence.append(f"the answer to EHLO has the masked keyword {masked}, which no server announces")
    if probe.injected:
        evidence.append(f"{probe.injected} octets came in the clear between the answer to STARTTLS and TLS")
    if probe.greeting.lines and _MASKED_GREETING.fullmatch(probe.greeting.lines[0]):
        evidence.append("the greeting is masked with asterisks, as some firewalls do")
    if not probe.offered and probe.starttls.code == 220:
        evidence.append("the server accepts STARTTLS, though the answer to EHLO does not offer it")
    found = tuple([one_line(safe(each)) for each in evidence])
    broken = tuple([one_line(safe(f"promised by {each}")) for each in promises])
    if probe.offered:
        if probe.status is ProbeStatus.TLS:
            return Verdict(Downgrade.LIKELY if probe.injected else Downgrade.NONE, found, is_guess=bool(probe.injected))
        failed = probe.status in (ProbeStatus.NOT_READY, ProbeStatus.HANDSHAKE)
        if failed and promises:
            return Verdict(Downgrade.PROMISED, (*found, *broken))
        return Verdict(Downgrade.UNKNOWN, found)
    if masked is not None:
        return Verdict(Downgrade.STRIPPED, (*found, *broken))
    if found:
        return Verdict(Downgrade.LIKELY, (*found, *broken), is_guess=True)
    if probe.status is not ProbeStatus.NOT_OFFERED:
        return Verdict(Downgrade.UNKNOWN)
    return Verdict(Downgrade.PROMISED if promises else Downgrade.NOT_OFFERED, broken)
