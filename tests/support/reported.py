"""What Authentication-Results must report of outcomes, made from the words of the RFCs and of `docs/decisions.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mailauth import Connection
from mailauth.authres import MethodResult, Property

BOUND = 255  # the most characters of a value


def told(outcomes: dict[str, Any], connection: Connection) -> list[MethodResult]:
    """Return what is to be reported, from RFC 8601 §2.7, RFC 8617 §10.2, RFC 9989 §9.1 and docs/decisions.md."""
    results = []
    # RFC 8601 §2.7.2: HELO is reported where there is no reverse-path
    scope = "helo" if connection.mail_from is None and connection.helo else "mfrom"
    if (spf := outcomes["spf"]) is not None and spf.scope == scope:
        null = spf.scope == "mfrom" and (connection.mail_from or "").strip() == "" and spf.domain
        identity = "mailfrom" if spf.scope == "mfrom" else "helo"
        results.append(_one("spf", spf, [("smtp", identity, spf.domain)], ("null sender",) if null else ()))
    if (dkim := outcomes["dkim"]) is not None:
        length = _b_length([o.b for o in dkim if o.b])
        for o in dkim:
            tags = [("d", o.domain), ("i", o.identity if o.domain else None), ("s", o.selector), ("a", o.algorithm)]
            pairs = [("header", n, v) for n, v in [*tags, ("b", o.b and o.b[:length])]]
            results.append(_one("dkim", o, pairs, ("testing",) if o.testing else ()))
        if not dkim:
            results.append(MethodResult("dkim", "none"))
    if (arc := outcomes["arc"]) is not None:
        oldest = None if arc.oldest_pass is None else str(arc.oldest_pass)
        ip = None if arc.result == "none" else connection.ip
        results.append(_one("arc", arc, [("header", "oldest-pass", oldest), ("smtp", "remote-ip", ip)]))
    if (dmarc := outcomes["dmarc"]) is not None:
        results.append(
            _one("dmarc", dmarc, [("header", "from", dmarc.author_domain), ("policy", "dmarc", dmarc.policy)])
        )
    if (iprev := outcomes["iprev"]) is not None:
        results.append(_one("iprev", iprev, [("policy", "iprev", connection.ip)]))
    return results


def _b_length(signatures: list[str]) -> int:
    """Eight characters, or as many as tell the signatures apart (RFC 6008 §4); in eights, within the bound."""
    length = 8
    while length < BOUND and len({b[:length] for b in signatures}) < len(set(signatures)):
        length += 8
    return length


def _one(
    method: str, outcome: Any, pairs: Sequence[tuple[str, str, Any]], comments: tuple[str, ...] = ()
) -> MethodResult:
    silent = outcome.result in {"pass", "none"} or (method == "spf" and outcome.reason == "spf_match")
    written = tuple(Property(ptype, name, value) for ptype, name, value in pairs if value)
    return MethodResult(method, str(outcome.result), None if silent else str(outcome.reason), written, comments)
