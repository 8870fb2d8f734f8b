"""What was found out about a domain, as short lines for a person: the same in the text and on the page.

Judges nothing, and makes nothing harmless: the text and the page do.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailauth.posture.asking import many
from mailauth.posture.dkim import DkimKey
from mailauth.posture.domain import Posture
from mailauth.posture.lines_more import ways
from mailauth.posture.spf_facts import SpfRecord

_MANY_TERMS = 40  # of the tree
_FEW_NETWORKS = 8
_WORDS = {
    "missing": "does not exist",
    "empty": "has no record of that type",
    "unknown": "could not be checked",
    "macro": "depends on the message",
}


def headline(posture: Posture) -> str:
    """Return the rating in one line."""
    rating = posture.rating
    points = f"{rating.points} of 100 points" if rating.letter != "?" else f"at most {rating.points} of 100 points"
    said = "as you said" if posture.sends_stated else "by its records"
    sends = "sends mail" if posture.sends else "sends no mail"
    return f"{rating.letter}, {points}; it {sends}, {said}"


def facts(posture: Posture) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections with their lines."""
    yield "MX", [*_mx(posture)]
    yield "SPF", [*_spf(posture)]
    yield "DKIM", [*_dkim(posture)]
    yield "DMARC", [*_dmarc(posture)]
    secure = {True: "the answers are secure", False: "not every answer is secure", None: "not known"}[posture.secure]
    yield "DNSSEC", [secure if posture.secure is not None else "not known: no validating resolver was asked"]
    yield from ways(posture)


def _mx(posture: Posture) -> Iterator[str]:
    mx = posture.mx
    if mx.null_mx:
        yield "the null MX: it takes no mail"
    for each in mx.hosts:
        count = "addresses could not be checked" if each.addresses is None else f"addresses: {each.addresses}"
        yield f"{each.preference} {each.host} ({count})"
    if mx.implicit:
        yield "no MX record; senders use its addresses"
    elif not mx.hosts and not mx.null_mx:
        yield "no MX record"


def _spf(posture: Posture) -> Iterator[str]:
    spf = posture.spf
    if spf.own.problem:
        yield spf.own.problem
        return
    voids = f"{many(spf.voids)} of 2 void lookups ({many(spf.strict_voids)} as strict receivers count)"
    yield f"{many(spf.lookups)} of 10 lookups; {voids}"
    senders = spf.senders
    yield f"{senders.ip4:,} IPv4 and {many(senders.ip6)} IPv6 addresses may send"
    if senders.networks:
        more = ", …" if len(senders.networks) > _FEW_NETWORKS else ""
        yield ", ".join(senders.networks[:_FEW_NETWORKS]) + more


def spf_tree(posture: Posture) -> Iterator[tuple[int, str]]:
    """Yield the tree of SPF records: depth and line. A record that appears again is not repeated."""
    records = {record.domain: record for record in posture.spf.records}
    seen: set[str] = set()
    shown = 0
    stack: list[tuple[int, str, SpfRecord | None]] = [(0, "", posture.spf.own)]
    while stack:
        depth, line, record = stack.pop()
        if line:
            shown += 1
            if shown > _MANY_TERMS:
                yield 1, "…"
                return
            yield depth, line
        if record is None or record.domain in seen:
            continue
        seen.add(record.domain)
        yield depth + 1, f"{record.domain}: {record.text if not record.problem else record.problem}"
        below = []
        for term in record.terms:
            child = records.get(term.target or "") if term.kind in ("include", "redirect") else None
            state = "" if term.state == "ok" else f", {_WORDS[term.state]}"
            again = ", as above" if child is not None and child.domain in seen else ""
            below.append((depth + 2, f"{term.text} ({many(term.lookups)}{state}{again})", child))
        stack += reversed(below)


def _dkim(posture: Posture) -> Iterator[str]:
    dkim = posture.dkim
    for each in dkim.selectors:
        keys = ", ".join(map(_key, each.keys)) or ("no key" if each.known else "could not be checked")
        alias = f" (alias of {each.alias})" if each.alias else ""
        yield f"{each.name}: {keys}{alias}"
    if dkim.wildcard:
        yield f"every other selector: {', '.join(map(_key, dkim.wildcard))}"
    found = sum(not each.given for each in dkim.selectors)
    yield f"{dkim.guessed} selectors were guessed, {found} of them found"


def _key(key: DkimKey) -> str:
    if key.kind is None:
        return "revoked" if key.reason == "key_revoked" else "not usable"
    flags = [flag for flag, is_set in (("t=y", key.testing), ("t=s", key.strict)) if is_set]
    return " ".join([key.kind, f"{key.bits} bits", *flags])


def _dmarc(posture: Posture) -> Iterator[str]:
    dmarc = posture.dmarc
    if dmarc.text is None:
        yield "no record"
        return
    yield f"_dmarc.{dmarc.now.domain}: {dmarc.text}"
    for name, policies in (("RFC 9989", dmarc.now), ("RFC 7489", dmarc.old)):
        yield (
            f"{name}: {policies.policy or 'no policy'}; subdomains {policies.subdomains or 'no policy'}, "
            f"those that do not exist {policies.missing or 'no policy'}"
        )
    for each in dmarc.reports:
        state = "consents" if each.consents else "has not agreed" if each.consents is False else ""
        state = "does not exist" if each.missing else state
        yield f"{each.tag} {each.uri}" + (f" ({each.host} {state})" if state else "")
