"""Exceptions: what excuses a message that its author domain, or a rule of ours, would hold back.

Forwarders and mailing lists break SPF and DKIM for mail that is what it claims to be (RFC 7960). Each exception needs
something that a stranger cannot forge: a trusted chain of seals, the client address, a reverse name that leads back to
it, a pass of the list's domain. Knows no policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from mailauth import names
from mailauth.arc.outcome import ArcOutcome
from mailauth.authentication import Authentication
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.message.fields import Message
from mailauth.policy.decision import Decision, Override
from mailauth.policy.rules import Clients, Rules, clients_of
from mailauth.results import Reason, Result
from mailauth.text import ascii_only

EXCUSES = frozenset({"sealer", "forwarder", "list"})
_MAX_SEALERS = 10
_LIST_ID = re.compile(rb"<([^<>]*)>[ \t\r\n]*\Z")
_LIST_POST = re.compile(rb"<mailto:[^<>@?]*@([^<>@?]*)(?:\?[^<>]*)?>[ \t\r\n]*\Z", re.IGNORECASE)


def excuses(
    auth: Authentication, dmarc: DmarcOutcome, author: str, rules: Rules, message: Message | None
) -> Iterator[Decision]:
    """Yield the exceptions that apply (RFC 7960 §4.1.2.2)."""
    if auth.arc is not None and auth.arc.vouches_for(author):
        detail = f"the trusted sealer {auth.arc.sealers[0]} saw DMARC pass for {author}"
        yield Decision(rule="sealer", detail=detail, override=Override("local_policy", _arc_comment(auth, auth.arc)))
    clients = clients_of(rules.forwarders)
    if (forwarder := _forwarder(auth, clients)) is not None and _looks_forwarded(auth, dmarc, clients):
        detail = f"the trusted forwarder {forwarder} explains the failure: {dmarc.detail}"
        yield Decision(rule="forwarder", detail=detail, override=Override("trusted_forwarder", forwarder))
    if message is not None and (found := _list(auth, rules, message)) is not None:
        known, domain = found
        detail = f"it came through the known mailing list {known}, by a pass of {domain}: {dmarc.detail}"
        yield Decision(rule="list", detail=detail, override=Override("mailing_list", known))


def _arc_comment(auth: Authentication, arc: ArcOutcome) -> str:
    """Return what a DMARC report says of the chain that changed a decision (RFC 8617 §7.2.2), the newest seal first."""
    selectors = {use.subject: use.question.name.partition("._domainkey.")[0] for use in auth.uses if use.check == "arc"}
    newest = range(len(arc.sealers), max(len(arc.sealers) - _MAX_SEALERS, 0), -1)
    seals = [f"as[{i}].d={arc.sealers[i - 1]} as[{i}].s={selectors.get(f'seal i={i}', '')}" for i in newest]
    return ascii_only(" ".join((f"arc={arc.result}", *seals, *_remote_ip(arc))))


def _remote_ip(arc: ArcOutcome) -> Iterator[str]:
    """Yield the client of the first sealer, if it says one (RFC 8617 §6)."""
    for result in arc.payloads[0].results:
        try:
            yield f"remote-ip[1]={ip_address(result.get('smtp.remote-ip') or '')}"
        except ValueError:
            continue
        return


def _forwarder(auth: Authentication, clients: Clients) -> str | None:
    """Return the network or domain of `Rules.forwarders` that the client is in."""
    connection = auth.connection
    if connection.address is None or connection.is_guess:
        return None
    if (network := clients.network_of(connection.address)) is not None:
        return network
    # A name counts only where it leads back to the address: HELO and PTR alone are the client's own words
    name = auth.iprev.name if auth.iprev is not None and auth.iprev.result is Result.PASS else None
    return next((domain for domain in clients.domains if name and names.is_under(name, domain)), None)


def _looks_forwarded(auth: Authentication, dmarc: DmarcOutcome, forwarders: Clients) -> bool:
    """Whether forwarding explains that the message has no aligned pass (RFC 7960 §2.2, §2.3)."""
    # What could be aligned with the author would have passed without the forwarder
    theirs = {(i.mechanism, i.domain) for i in dmarc.identifiers if i.aligned is not False}
    if signatures := [d for d in auth.dkim if ("dkim", d.domain) in theirs]:
        return any(d.reason is Reason.BODY_HASH_MISMATCH for d in signatures)
    spf = auth.spf
    if spf is None or spf.domain is None:
        return False
    if spf.result is Result.PASS:
        # The forwarder put its own name into the reverse-path
        return any(names.is_under(spf.domain, domain) for domain in forwarders.domains)
    return spf.result in (Result.FAIL, Result.SOFTFAIL) and ("spf", spf.domain) in theirs


def _list(auth: Authentication, rules: Rules, message: Message) -> tuple[str, str] | None:
    """Return the list of `Rules.lists` that a message came through, and the domain that passed for it."""
    named = [
        name for name in (_named(message, b"list-id", _LIST_ID), _named(message, b"list-post", _LIST_POST)) if name
    ]
    # RFC 6376 §3.6.1: a key in testing is as no signature
    passed = {d.domain for d in auth.dkim if d.result is Result.PASS and not d.testing and d.domain}
    if auth.spf is not None and auth.spf.result is Result.PASS and auth.spf.domain and not auth.connection.is_guess:
        passed.add(auth.spf.domain)
    for known, domain in rules.lists.items():
        if any(names.is_under(name, known) for name in named) and any(names.is_under(p, domain) for p in passed):
            return known, domain
    return None


def _named(message: Message, field: bytes, form: re.Pattern[bytes]) -> str | None:
    """Return the domain that a field of a list names (RFC 2919, RFC 2369 §3.4), None if it is not there just once."""
    positions = message.find(field)
    found = form.search(message.value(positions[0])) if len(positions) == 1 else None
    return None if found is None else names.to_ascii(found[1].decode("latin-1").strip())
