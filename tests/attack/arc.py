"""Attacks on ARC (RFC 8617): a chain proves who sealed, and nothing else.

Author is example.com, which asks for rejection, and the receiver may reject. The list lists.example.org is the one
that a receiver may trust; the attacker seals with his own good key, and claims what he likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from support.signing import MAIL, NOW, arc_fields, canonical_body, key, key_zone, sealed, signed, split

from attack import rsa
from attack.case import ATTACKER, VICTIM, Case
from attack.stage import BY_ATTACKER, attacker_key, case
from mailauth import Connection, Options

LIST = "lists.example.org"
LIST_KEY = f"arc._domainkey.{LIST}"
CLAIM = f"spf=pass smtp.mailfrom={VICTIM}; dkim=pass header.d={VICTIM}; dmarc=pass header.from={VICTIM}"
KEYS = {**key_zone(LIST, "arc", "rsa2048-list"), **attacker_key(ATTACKER, "arc")}
CAREFUL = Options(enforce_reject=True)
TRUSTING = Options(enforce_reject=True, trusted_sealers=frozenset({LIST}))
ALONE = Options(checks=frozenset({"arc"}))
BODY_LENGTH = len(canonical_body(split(MAIL)[1], "relaxed/relaxed"))


def arc(name: str, why: str, raw: bytes, word: str = "fail", disposition: str = "reject", **more: Any) -> Case:
    """A message that DMARC fails: what its chain is, and whether it is let in for the chain."""
    words = {"arc": word, "dmarc": "fail", "dmarc.disposition": disposition}
    zone = {**KEYS, **more.pop("zone", {})}
    others: dict[str, Any] = {"options": TRUSTING, "forged": ()} | more
    return case(name, why, raw, words, zone=zone, **others)


def by_list(message: bytes = MAIL, results: str = CLAIM, **more: Any) -> bytes:
    return sealed(message, results=results, **more)


def by_evil(message: bytes = MAIL, results: str = CLAIM, **more: Any) -> bytes:
    return sealed(message, results=results, **{"by": "rsa2048-other", "domain": ATTACKER} | more)


@cache
def chain(count: int) -> bytes:
    """A chain of so many sets of the list."""
    return by_list(chain(count - 1)) if count else MAIL


# --- E1, E2


def forged_chains() -> Iterator[Case]:
    why = "RFC 8617 §7.2, §9: the chain is good and says who sealed: the attacker, whom nobody trusts"
    yield arc("E1.own-seal", why, by_evil(), "pass")
    yield arc("E1.own-seal-without-trust", why, by_evil(), "pass", options=CAREFUL)
    yield arc("E1.own-seal-twice", why, by_evil(by_evil()), "pass")
    yield arc("E1.claims-to-be-the-receiver", why, by_evil(aar=f"i=1; mx.example.org; {CLAIM}"), "pass")
    yield arc("E1.claims-to-be-the-list", why, by_evil(aar=f"i=1; {LIST}; {CLAIM}"), "pass")
    yield arc(
        "E1.list-without-trust",
        "RFC 9989 §5.4: a chain nobody asked to believe changes nothing",
        by_list(),
        "pass",
        options=CAREFUL,
    )
    key_of = "RFC 8617 §5.2: a seal or signature in another's name does not verify with his key"
    yield arc("E1.seal-in-the-name-of-the-list", key_of, by_evil(seal={"d": LIST}))
    yield arc("E1.signature-in-the-name-of-the-list", key_of, by_evil(ams={"d": LIST}))
    yield arc("E1.all-in-the-name-of-the-list", key_of, by_evil(domain=LIST))
    yield arc("E1.in-the-name-of-the-victim", key_of, by_evil(domain=VICTIM, selector="s1"))
    twice = "RFC 6376 §3.2, RFC 8617 §4.1.3: a tag that stands twice spoils the list"
    yield arc("E1.two-domains-in-the-seal", twice, by_evil(seal={"d ": LIST}))
    yield arc("E1.two-domains-in-the-signature", twice, by_evil(ams={"d ": LIST}))
    named = "RFC 8617 §7.2: trust is in a domain, not in names that begin or end like it"
    for name, domain in {
        "prefix": f"x{LIST}", "below": f"evil.{LIST}", "suffix": f"{LIST}.{ATTACKER}", "parent": "example.org",
        "hyphen": f"{LIST}-evil.test", "homograph": "lists.ex\u0430mple.org", "other-list": "lists.example.net",
    }.items():  # fmt: skip
        zone = attacker_key(domain.encode("idna").decode(), "arc")
        yield arc(f"E1.sealer-{name}", named, by_evil(domain=domain), "pass", zone=zone)
    for name, domain in {
        "parenthesis": f"{LIST}(.{ATTACKER}",
        "nul": f"{LIST}\x00.{ATTACKER}",
        "blank": f"{LIST} .{ATTACKER}",
        "empty": "",
        "final-dot": f"{LIST}.",
        "escape": f"{LIST}\\046{ATTACKER}",
    }.items():
        zone = {f"*.{ATTACKER}": {"TXT": [key("rsa2048-other").record()]}}
        yield arc(f"E1.sealer-crafted-{name}", "RFC 6376 §3.5: no domain name", by_evil(domain=domain), zone=zone)
    each = "RFC 8617 §7.2, decisions: every sealer must be trusted, since any of them may have written anything"
    yield arc("E2.attacker-then-list", each, by_list(by_evil()), "pass")
    yield arc("E2.list-then-attacker", each, by_evil(by_list()), "pass")
    yield arc("E2.list-attacker-list", each, by_list(by_evil(by_list())), "pass")
    yield arc("E2.attacker-then-list-40-times", each, _forty(), "pass")
    yield arc(
        "E2.control-list", "decisions: the first sealer saw a pass, and all are trusted", by_list(), "pass", "accept"
    )
    yield arc("E2.control-list-twice", each, by_list(by_list(), "dmarc=fail header.from=example.com"), "pass", "accept")
    yield arc(
        "E2.control-upper-case", "RFC 6376 §3.5: names have no case", by_list(domain=LIST.upper()), "pass", "accept"
    )
    both = Options(enforce_reject=True, trusted_sealers=frozenset({LIST, ATTACKER}))
    yield arc("E2.control-both-trusted", each, by_list(by_evil()), "pass", "accept", options=both)
    covers = "Choice D28, RFC 6376 §6.1.1: a signature that names fields, and not From, is none"
    yield arc("E2.from-not-signed", covers, by_list(h="to:subject:date"))
    yield arc("E2.from-not-signed-by-the-newest", covers, by_list(by_list(), h="to:subject"))
    nothing = "Choice D28: an empty h= is a signature, as the public suite has it, and covers no author"
    yield arc("E2.no-field-signed", nothing, by_list(h=""), "pass")
    yield arc("E2.no-field-signed-by-the-newest", nothing, by_list(by_list(), h=":"), "pass")
    whole = "Choice D33: what is trusted is about this text; so the newest signature covers the whole body"
    partial = Options(enforce_reject=True, trusted_sealers=frozenset({LIST}), allow_partial_body=True)
    yield arc("E2.body-not-signed", whole, by_list(ams={"l": "0"}), "pass", options=partial)
    yield arc("E2.body-not-signed-by-the-newest", whole, by_list(by_list(), ams={"l": "9"}), "pass", options=partial)
    yield arc("E2.last-line-end-not-signed", whole, by_list(ams={"l": str(BODY_LENGTH - 2)}), "pass")
    time = "RFC 8617 §4.1.2, RFC 6376 §3.5: x= and t= are those of DKIM; a signature that is out of time is replayed"
    for name, times in {
        "expired": {"t": str(NOW - 9_000), "x": str(NOW - 301)}, "expired-alone": {"x": "1"},
        "future": {"t": str(NOW + 301)}, "far-future": {"t": "999999999999"},
    }.items():  # fmt: skip
        yield arc(f"E2.{name}", time, by_list(ams=times))
        yield arc(f"E2.{name}-in-the-newest", time, by_list(by_list(), ams=times))
        yield arc(f"E2.control-{name}-in-an-older-one", time, by_list(by_list(ams=times)), "pass", "accept")
    skew = {"t": str(NOW + 300), "x": str(NOW + 301)}
    yield arc("E2.control-clocks-differ", time, by_list(ams=skew), "pass", "accept")
    yield arc("E2.control-clocks-differ-late", time, by_list(ams={"x": str(NOW - 300)}), "pass", "accept")
    method = "RFC 8617 §4.1.2, RFC 6376 §3.5: no key can be asked for by another method"
    yield arc("E2.other-query-method", method, by_list(ams={"q": "dns/cname"}))
    foreign = "Choice D33: who holds the key of the newest signature could make it fit another author"
    evil = {f"arc._domainkey.sig.{ATTACKER}": {"TXT": [key("rsa2048-list").record()]}}
    yield arc("E2.signature-of-the-attacker", foreign, by_list(ams={"d": f"sig.{ATTACKER}"}), "pass", zone=evil)
    first_word = "decisions: the first sealer must have seen the pass; what later ones say, they have from him"
    yield arc(
        "E2.only-the-second-saw-a-pass",
        first_word,
        by_list(by_list(results="dmarc=fail header.from=example.com")),
        "pass",
    )
    claims = "RFC 8601 §2.2, §2.7: that is no dmarc=pass for the author, whatever letters it is made of"
    for name, results in {
        "fail": f"dmarc=fail header.from={VICTIM}", "none": "none",
        "other-domain": f"dmarc=pass header.from={ATTACKER}", "no-domain": "dmarc=pass",
        "sub-domain": f"dmarc=pass header.from=x.{VICTIM}",
        "domain-as-prefix": f"dmarc=pass header.from={VICTIM}.{ATTACKER}",
        "other-methods": f"spf=pass smtp.mailfrom={VICTIM}; dkim=pass header.d={VICTIM}",
        "in-a-comment": f"dmarc=fail (; dmarc=pass header.from={VICTIM})",
        "in-a-reason": f'dmarc=fail reason="x; dmarc=pass header.from={VICTIM}"',
        "in-a-value": f'spf=pass smtp.mailfrom="x; dmarc=pass header.from={VICTIM}"@{ATTACKER}',
        "method-version-2": f"dmarc/2=pass header.from={VICTIM}",
        "other-word": f"dmarc=bestguesspass header.from={VICTIM}", "other-method": f"x-dmarc=pass header.from={VICTIM}",
        "other-property": f"dmarc=pass smtp.from={VICTIM}", "property-of-policy": f"dmarc=pass policy.from={VICTIM}",
        "domain-in-comment": f"dmarc=pass header.from=({VICTIM}){ATTACKER}",
        "pass-in-comment": f"dmarc=(pass)fail header.from={VICTIM}",
        "nested-comment": f"dmarc=fail ((x) ; dmarc=pass header.from={VICTIM})",
        "quoted-method": f'"dmarc=pass header.from={VICTIM}"',
        "from-of-other-result": f"dmarc=pass; spf=pass header.from={VICTIM}",
        "open-comment": f"dmarc=fail (; dmarc=pass header.from={VICTIM}",
        "open-quote": f'dmarc=fail reason="; dmarc=pass header.from={VICTIM}',
        "escaped-quote": f'dmarc=fail reason="\\"; dmarc=pass header.from={VICTIM}"',
        "encoded": "dmarc==?utf-8?q?pass?= header.from=example.com",
    }.items():  # fmt: skip
        yield arc(f"E2.claim-{name}", claims, by_list(results=results), "pass")
    one = "Choice D33: a sealer that says more than one thing of an author is believed in none"
    passed = f"dmarc=pass header.from={VICTIM}"
    for name, results in {
        "fail-and-pass": f"dmarc=fail header.from={VICTIM}; {passed}",
        "pass-and-fail": f"{passed}; dmarc=fail header.from={VICTIM}",
        "pass-twice": f"{passed}; {passed}",
        "pass-and-none": f"{passed}; dmarc=none header.from={VICTIM}",
        "pass-and-unknown-word": f"{passed}; dmarc=bestguesspass header.from={VICTIM}",
        "pass-and-fail-of-version-2": f"{passed}; dmarc/2=fail header.from={VICTIM}",
        "pass-and-fail-in-capitals": f"{passed}; DMARC=FAIL HEADER.FROM={VICTIM.upper()}",
        "pass-and-fail-with-final-dot": f"{passed}; dmarc=fail header.from={VICTIM}.",
        "pass-and-fail-without-domain": f"{passed}; dmarc=fail",
        "pass-and-fail-of-no-domain": f"{passed}; dmarc=fail header.from=(x)",
        "pass-and-fail-of-an-address": f"{passed}; dmarc=fail header.from=anna@{VICTIM}",
        "pass-and-fail-of-other-property": f"{passed}; dmarc=fail smtp.from={VICTIM}",
        "pass-and-fail-among-others": f"spf=pass smtp.mailfrom=a@x.example; {passed}; arc=none; dmarc=fail",
        "two-domains": f"{passed} header.from={ATTACKER}", "two-domains-first": f"dmarc=pass header.from={ATTACKER} "
        f"header.from={VICTIM}", "domain-twice": f"{passed} header.from={VICTIM}",
        "word-and-address": f"dmarc=pass@{ATTACKER} header.from={VICTIM}",
        "word-and-more": f"dmarc=pass.fail header.from={VICTIM}",
        "domain-and-address": f"dmarc=pass header.from={VICTIM}@{ATTACKER}",
        "junk-after": f"{passed} @{ATTACKER}", "junk-before": f"x@{ATTACKER}; {passed}",
        "quoted-junk-after": f'{passed} "@{ATTACKER}"', "comment-after": f"{passed} (@{ATTACKER})",
        "reason-after": f'dmarc=pass reason="@{ATTACKER}" header.from={VICTIM}',
        "property-after": f"{passed} policy.x=y@{ATTACKER}",
        "unquoted-address": f"spf=pass smtp.mailfrom=x; {passed} (@{ATTACKER})",
        "unquoted-address-of-a-result": f"spf=pass smtp.mailfrom=x; {passed};y@{ATTACKER}; dmarc=fail header.from="
        f"{VICTIM}", "no-results-but-this": f"none; {passed}",
    }.items():  # fmt: skip
        yield arc(f"E2.contradiction-{name}", one, by_list(results=results), "pass")
    two_authors = f"{passed}; dmarc=fail header.from={ATTACKER}"
    yield arc("E2.control-fail-of-another-author", one, by_list(results=two_authors), "pass", "accept")
    large = "spf=pass (sender ip is 192.0.2.3) smtp.rcpttodomain=x.example; dmarc=pass (p=none sp=none pct=100) "
    large += f"action=none header.from={VICTIM}; dkim=pass (signature was verified) header.d={VICTIM}; arc=none"
    yield arc("E2.control-property-without-type", one, by_list(results=large), "pass", "accept")
    yield arc("E2.claim-without-authserv-id", claims, by_list(aar=f"i=1; {passed}"), "pass")
    versions = by_list(aar=f"i=1; {LIST} 2; {CLAIM}")
    yield arc("E2.claim-in-version-2", "RFC 8601 §2.6: a version that nobody here reads", versions, "pass")
    other = MAIL.replace(b"Two", b"Another")
    stolen = by_list(other)[: -len(other)]
    stale = "RFC 8617 §5.2: a chain belongs to its message"
    yield arc("E1.chain-of-another-message", stale, stolen + MAIL)
    yield arc(
        "E1.chain-of-another-author",
        stale,
        by_list(MAIL.replace(VICTIM.encode(), b"example.edu")).replace(b"@example.edu", b"@example.com"),
    )
    words = {"arc": "fail|none", "dmarc": "pass", "dmarc.disposition": "accept"}
    yield case(
        "E2.control-broken-chain-good-signature",
        "RFC 8617 §5.2: a failed chain is as none",
        stolen + signed(),
        words,
        zone=KEYS,
        options=TRUSTING,
    )
    yield case("E2.control-no-chain", "RFC 8617 §5.2", signed(), {"arc": "none", "dmarc": "pass"}, zone=KEYS)
    words = {"arc": "pass", "dmarc": "permerror", "dmarc.disposition": "reject"}
    two = by_list(b"From: Evil <evil@example.net>\r\n" + MAIL, h="from:from:to:subject:date")
    yield case(
        "E2.two-from-sealed",
        "RFC 9989 §11.5: no single author, whoever sealed it",
        two,
        words,
        zone=KEYS,
        options=TRUSTING,
    )
    words = {"arc": "pass", "dmarc": "temperror", "dmarc.disposition": "defer"}
    hidden = {**KEYS, f"_dmarc.{VICTIM}": "TIMEOUT"}
    yield case(
        "E2.policy-not-known",
        "RFC 9989 §5.3.6: ARC is no input to DMARC",
        by_list(),
        words,
        zone=hidden,
        options=TRUSTING,
    )


def _forty() -> bytes:
    raw = by_evil()
    for _ in range(39):
        raw = by_list(raw)
    return raw


# --- E3

KINDS = ("results", "signature", "seal")


def structure() -> Iterator[Case]:
    why = "RFC 8617 §5.2 step 3: each instance from 1 to the highest has exactly one of each field"
    three = chain(3)
    sets = arc_fields(three)
    for i, fields in enumerate(sets, 1):
        for kind, field in zip(KINDS, fields, strict=True):
            yield arc(f"E3.no-{kind}-{i}", why, three.replace(field, b""))
            yield arc(f"E3.two-{kind}-{i}", why, field + three)
        if i < 3:
            without = three
            for field in fields:
                without = without.replace(field, b"")
            yield arc(f"E3.no-set-{i}", why, without)
    kept = three
    for field in sets[2]:
        kept = kept.replace(field, b"")
    cut = "RFC 8617 §5.2, §9: newer sets can be taken off, if the message is as the older ones saw it"
    yield arc("E3.control-newest-set-taken-off", cut, kept, "pass", "accept")
    for kind, field in zip(KINDS, sets[0], strict=True):
        yield arc(f"E3.only-{kind}", why, field + MAIL)
    swapped = by_list(by_list(results="dmarc=none"))
    (none, *_), (saw, *_) = arc_fields(swapped)
    swapped = swapped.replace(none, saw.replace(b"i=2", b"i=1")).replace(saw, none.replace(b"i=1", b"i=2"), 1)
    yield arc("E3.results-swapped", "RFC 8617 §5.1.1: each seal covers the results of its own set", swapped)
    instance = "RFC 8617 §4.2.1: the instance is 1 to 50, in one or two digits"
    for name, number in {
        "0": "0", "00": "00", "2-alone": "2", "51-alone": "51", "99": "99", "100": "100", "negative": "-1",
        "plus": "+1", "fraction": "1.0", "empty": "", "letter": "x", "hexadecimal": "0x1", "blank": "1 1",
        "arabic": "١", "4000-digits": "1" * 4_000, "5000-digits": "0" * 4_999 + "1", "001": "001", "underscore": "1_0",
    }.items():  # fmt: skip
        aar, tag = f"i={number}; {LIST}; {CLAIM}", {"i": number}
        yield arc(f"E3.instance-{name}", instance, by_list(aar=aar, ams=tag, seal=tag))
        if name not in {"2-alone", "4000-digits"}:
            yield arc(f"E3.instance-{name}-in-seal-only", instance, by_list(seal=tag))
            yield arc(f"E3.instance-{name}-in-signature-only", instance, by_list(ams=tag))
            yield arc(f"E3.instance-{name}-in-results-only", instance, by_list(aar=aar))
    yield arc("E3.no-instance-in-seal", instance, by_list(seal={"i": None}))
    yield arc("E3.no-instance-in-signature", instance, by_list(ams={"i": None}))
    yield arc("E3.two-instances-in-seal", instance, by_list(seal={"i ": "1"}))
    payload = "RFC 8617 §4.1.1: the payload begins with i=, a number and a semicolon"
    for name, aar in {
        "no-instance": f"{LIST}; {CLAIM}", "instance-behind": f"{LIST}; i=1; {CLAIM}",
        "no-semicolon": f"i=1 {LIST}; {CLAIM}", "comma": f"i=1, {LIST}; {CLAIM}", "other-tag": f"j=1; {LIST}; {CLAIM}",
        "empty": "",
        "quoted": f'i="1"; {LIST}; {CLAIM}', "control-comment-before": f"(x) i=1; {LIST}; {CLAIM}",
        "control-comment-between": f"i=(x)1; {LIST}; {CLAIM}", "text-before": f"xi=1; {LIST}; {CLAIM}",
        "control-comments-everywhere": f"(a(b)\\)) i (; i=9;) = (=)\r\n\t1 (x) ; {LIST}; {CLAIM}",
        "open-after": f"i=1 (x; {LIST}; {CLAIM}", "closed-twice": f"(x)) i=1; {LIST}; {CLAIM}",
        "hidden": f"(i=1; {LIST}; {CLAIM})", "capital": f"I=1; {LIST}; {CLAIM}",
    }.items():  # fmt: skip
        yield arc(
            f"E3.results-{name}",
            payload,
            by_list(aar=aar),
            "pass" if "comment" in name else "fail",
            "accept" if "comment" in name else "reject",
        )
    status = "RFC 8617 §5.2 steps 2 and 3: cv=none in the first set, cv=pass in all others, cv=fail in none"
    for cv in ("pass", "fail", "", "none pass", "nonepass", "x", "neutral", "temperror"):
        yield arc(f"E3.first-cv-{cv.replace(' ', '-') or 'empty'}", status, by_list(seal={"cv": cv}))
    for cv in ("none", "fail", "", "pass none", "passfail", "x", "policy"):
        yield arc(
            f"E3.second-cv-{cv.replace(' ', '-') or 'empty'}",
            status,
            by_list(by_list(), cv=cv or None, seal={"cv": cv}),
        )
    yield arc("E3.first-no-cv", status, by_list(seal={"cv": None}))
    yield arc("E3.second-no-cv", status, by_list(by_list(), seal={"cv": None}))
    yield arc("E3.two-cv", status, by_list(by_list(), seal={"cv ": "pass"}))
    yield arc("E3.fail-in-the-middle", status, by_list(by_list(by_list(), cv="fail")))
    yield arc("E3.fail-and-restart", status, by_evil(by_list(cv="fail")))
    bare = by_list(by_list(), cv="fail")
    yield arc("E3.fail-over-nothing-else", status, bare.replace(arc_fields(bare)[0][1], b""))
    fifty = chain(50)
    most = "RFC 8617 §4.2.1: no more than 50 sets"
    yield arc("E3.control-50-sets", most, fifty, "pass", "accept", questions=30)
    yield arc("E3.51-sets", most, chain(51), questions=30)


# --- E4


def coverage() -> Iterator[Case]:
    two = by_list(by_list())
    (aar1, ams1, seal1), (aar2, ams2, seal2) = arc_fields(two)
    why = "RFC 8617 §5.1.1, §5.2: all of this is covered by a seal or by the newest signature"
    for name, old, new in (
        ("body", b"Robin,", b"Rupert,"),
        ("subject", b"Two", b"Three"),
        ("from", b"Anna <", b"Bank <"),
        ("from-domain", b"<anna@example.com>", b"<anna@mail.example.com>"),
        ("results-1", aar1, aar1.replace(b"spf=pass", b"spf=fail")),
        ("results-2", aar2, aar2.replace(b"spf=pass", b"spf=fail")),
        ("results-1-longer", aar1, aar1[:-2] + b"; iprev=pass\r\n"),
        ("results-1-comment", aar1, aar1[:-2] + b" (x)\r\n"),
        ("signature-1", ams1, ams1.replace(b"; h=", b"; x=9; h=")),
        ("signature-2", ams2, ams2.replace(b"; h=", b"; x=9; h=")),
        ("signature-2-h", ams2, ams2.replace(b":date", b"")),
        ("signature-1-b", ams1, ams1.replace(b"b=", b"b=AAAA", 2)),
        ("seal-1", seal1, seal1.replace(b"; b=", b"; t=1; b=")),
        ("seal-2", seal2, seal2.replace(b"; b=", b"; t=1; b=")),
        ("seal-1-domain", seal1, seal1.replace(b"d=lists.example.org", b"d=example.net")),
        ("seal-2-b-cut", seal2, seal2[:-12] + b"\r\n"),
        ("seal-1-b-emptied", seal1, seal1[: seal1.rindex(b"b=") + 2] + b"\r\n"),
        ("seal-2-of-1", seal2, seal1.replace(b"i=1", b"i=2").replace(b"cv=none", b"cv=pass")),
        ("signature-2-of-1", ams2, ams1.replace(b"i=1", b"i=2")),
    ):
        changed = two.replace(old, new, 1)
        assert changed != two
        if name == "from-domain":
            words = {"arc": "fail", "dmarc": "fail"}
            yield case(f"E4.changed-{name}", why, changed, words, zone=KEYS, options=TRUSTING)
        else:
            yield arc(f"E4.changed-{name}", why, changed)
    words = {"arc": "fail", "dmarc": "permerror"}
    yield case(
        "E4.from-added",
        "RFC 6376 §8.15, RFC 9989 §11.5",
        b"From: Evil <evil@example.net>\r\n" + two,
        words,
        zone=KEYS,
        options=TRUSTING,
    )
    fields = (
        "RFC 8617 §4.1.2, §4.1.3: h= in a seal makes the chain fail, and a signature must not sign ARC-Seal (choice D9)"
    )
    yield arc("E4.seal-with-h", fields, by_list(seal={"h": "from"}))
    yield arc("E4.seal-with-empty-h", fields, by_list(seal={"h": ""}))
    yield arc("E4.signature-signs-seals", fields, by_list(by_list(), h="from:to:arc-seal"))
    yield arc("E4.signature-signs-seals-in-capitals", fields, by_list(by_list(), h="from:to:ARC-Seal"))
    yield arc(
        "E4.control-signature-signs-results",
        "Choice D9: tolerated",
        by_list(by_list(), h="from:to:arc-authentication-results"),
        "pass",
        "accept",
    )
    length = "RFC 6376 §8.2, decisions: l= that leaves octets unsigned does not verify"
    yield arc("E4.length-0", length, by_list(ams={"l": "0"}))
    yield arc("E4.length-and-more", length, by_list(ams={"l": str(BODY_LENGTH)}) + b"Pay here\r\n")
    yield arc("E4.length-beyond", "RFC 6376 §3.5", by_list(ams={"l": "9999"}))
    yield arc("E4.length-5000-digits", "RFC 6376 §3.5", by_list(ams={"l ": "9" * 5_000}))
    yield arc("E4.control-length-of-all", length, by_list(ams={"l": str(BODY_LENGTH)}), "pass", "accept")
    tags = "RFC 8617 §4.1.2, §4.1.3, RFC 6376 §3.5: a required tag is missing, or has no value of its grammar"
    for tag in ("a", "d", "s"):
        yield arc(f"E4.seal-without-{tag}", tags, by_list(seal={tag: None}))
    for tag in ("a", "d", "s", "bh", "h"):
        yield arc(f"E4.signature-without-{tag}", tags, by_list(ams={tag: None}))
    for name, changes in {
        "a-sha1": {"a": "rsa-sha1"}, "a-unknown": {"a": "rsa-sha512"}, "a-other-kind": {"a": "ed25519-sha256"},
        "t-word": {"t": "now"}, "t-empty": {"t": ""}, "s-other": {"s": "other"},
    }.items():  # fmt: skip
        yield arc(f"E4.seal-{name}", tags, by_list(seal=changes))
        yield arc(f"E4.signature-{name}", tags, by_list(ams=changes))
    for name, changes in {
        "c-unknown": {"c": "relaxed/foo"},
        "c-empty": {"c": ""},
        "bh-wrong": {"bh": "AAAA"},
        "bh-junk": {"bh": "!"},
    }.items():
        yield arc(f"E4.signature-{name}", tags, by_list(ams=changes))
    text = "RFC 6376 §3.2: no tag list"
    for name, junk in {
        "words": b"hello",
        "empty": b"",
        "semicolons": b";;;;",
        "nul": b"i=1; cv=none\x00",
        "instance-alone": b"i=1",
    }.items():
        yield arc(f"E4.seal-of-{name}", text, b"ARC-Seal: " + junk + b"\r\n" + MAIL)
        yield arc(
            f"E4.signature-of-{name}",
            text,
            by_list().replace(arc_fields(by_list())[0][1], b"ARC-Message-Signature: " + junk + b"\r\n"),
        )
    keys = "RFC 8617 §5.2.1: every error is a fail, one of DNS too; what cannot be checked is never a pass"
    weak = rsa.record_of(rsa.with_private_exponent(rsa.primes("rsa2048-list"))[0])
    for name, node in {
        "other-text": {"TXT": ["hello"]}, "nxdomain": "NXDOMAIN", "servfail": "SERVFAIL", "timeout": "TIMEOUT",
        "refused": "REFUSED", "revoked": {"TXT": ["v=DKIM1; p="]}, "another": {"TXT": [key("rsa2048-other").record()]},
        "junk": {"TXT": ["v=DKIM1; p=!"]}, "sha1-only": {"TXT": [key("rsa2048-list").record(h="sha1")]},
        "other-service": {"TXT": [key("rsa2048-list").record(s="tlsrpt")]}, "huge-exponent": {"TXT": [weak]},
        "alias-loop": {"CNAME": [LIST_KEY]},
    }.items():  # fmt: skip
        yield arc(f"E4.key-{name}", keys, by_list(), zone={LIST_KEY: node})
    yield arc(
        "E4.key-of-512-bits", "RFC 8301 §3.2", by_list(by="rsa512-weak"), zone=key_zone(LIST, "arc", "rsa512-weak")
    )
    first_key = {f"old._domainkey.{LIST}": "TIMEOUT"}
    yield arc("E4.key-of-the-first-set-times-out", keys, by_list(by_list(selector="old")), zone=first_key)
    yield arc("E4.key-of-the-first-seal-missing", keys, by_list(by_list(seal={"s": "old"})))


# --- E5


def harmless() -> Iterator[Case]:
    why = "RFC 8617 §4.1, RFC 6376 §3.4.2, §3.5: another way to write the same"
    two = chain(2)
    fields = [field for one in arc_fields(two) for field in one]
    shuffled = two
    for field in fields:
        shuffled = shuffled.replace(field, b"")
    unspaced, capitals, folded = two, two, two
    for field in fields:
        unspaced = unspaced.replace(field, field.replace(b": ", b":", 1))
        capitals = capitals.replace(field, field.partition(b":")[0].upper() + b":" + field.partition(b":")[2])
        folded = folded.replace(field, field.replace(b"; ", b";\r\n\t "))
    for name, raw in {
        "no-blank-behind-colon": unspaced,
        "names-in-capitals": capitals,
        "folded-everywhere": folded,
        "order-of-fields": b"".join(reversed(fields)) + shuffled,
        "received-between": two.replace(fields[3], b"Received: from x by y; now\r\n" + fields[3]),
        "blanks-around-instance": by_list(
            aar=f" i = 1 ; {LIST}; {CLAIM}", ams={"i": None, "i ": " 1"}, seal={"i": None, "i ": " 1"}
        ),
        "instance-last": by_list(seal={"i": None, "z": ";i=1"}),
        "final-semicolon": by_list(seal={"z": ";"}),
        "unknown-tags": by_list(seal={"x1": "y"}, ams={"x1": "y"}),
        "version-in-signature": by_list(ams={"v": "1"}),
        "simple": by_list(c="simple/simple"),
        "ed25519": by_list(by="ed25519-other", selector="ed"),
        "two-selectors": by_list(seal={"s": "arc2"}),
        "times": by_list(seal={"t": "1793611800"}, ams={"t": "1793611800", "x": "1893611800"}),
        "no-results": by_list(aar=f"i=1; {LIST}; dmarc=pass header.from={VICTIM}"),
        "oversigned": by_list(h="from:from:to:to:subject:date:cc:reply-to"),
        "unsigned-field-above": b"X-Spam: no\r\n" + two,
        "trailing-blank-lines": two + b"\r\n\r\n",
    }.items():
        zone = {**key_zone(LIST, "ed", "ed25519-other"), **key_zone(LIST, "arc2", "rsa2048-list")}
        yield arc(f"E5.{name}", why, raw, "pass", "accept", zone=zone)
    changed = "RFC 8617 §5.2 step 5: a list that changes the message breaks the older signatures, not the chain"
    on_list = by_list(by_list().replace(b"Two", b"[list] Two"))
    yield arc("E5.changed-between", changed, on_list, "pass", "accept")
    parts = "RFC 8617 §4.1.2: the domains of a set need not be equal"
    mixed = {**key_zone(f"sig.{LIST}", "arc", "rsa2048-list")}
    yield arc("E5.signature-of-another-domain", parts, by_list(ams={"d": f"sig.{LIST}"}), "pass", "accept", zone=mixed)


# --- E6


def hostile_results() -> Iterator[Case]:
    why = "RFC 8617 §9, RFC 8601 §7.1: results are text of the sealer; nothing of it is a result of ours, or raises"
    digits = "9" * 5_000
    texts = {
        "nested-comments": "(" * 5_000 + ")" * 5_000, "open-comments": "(" * 10_000, "closing-comments": ")" * 10_000,
        "open-quote": '"' + "x" * 5_000, "quotes": '"' * 10_001, "backslashes": "\\" * 10_000,
        "dotted-keys": f"dmarc=pass header.from.x={VICTIM}", "dots": "dmarc=pass " + "a." * 5_000 + "b=c",
        "no-property-type": "dmarc=pass .from=example.com", "equals": "=" * 10_000,
        "two-equals": f"dmarc==pass header.from=={VICTIM}",
        "version-of-5000-digits": f"dmarc/{digits}=pass header.from={VICTIM}",
        "folded-field": "x\r\n\tAuthentication-Results: mx.example.org; dmarc=pass",
        "8-bit": "dmarc=pass header.from=\u00fc\u202e\u2028", "nul": "dmarc=\x00pass",
        "controls": "dmarc=\x1b[2Jpass", "60-kB": "spf=pass " * 6_000, "5000-results": "; ".join(["spf=pass"] * 5_000),
        "own-id": f"mx.example.org; dmarc=pass header.from={ATTACKER}", "html": "<script>alert(1)</script>",
        "encoded-word": "=?utf-8?q?dmarc=3Dpass?=", "semicolons": ";" * 10_000,
        "second-instance": f"i=2; {LIST}; dmarc=fail", "format": "%s%n{0}{self.__class__}",
        "surrogates": "dmarc=pass header.from=example\u3002com\ufeff",
        "reason-bomb": 'dmarc=fail reason="' + "\\" * 10_000 + '"',
        "comment-each-token": "(a)dmarc(b)=(c)fail(d) header(e).(f)from(g)=(h)x",
    }  # fmt: skip
    for name, text in texts.items():
        yield arc(f"E6.{name}-by-attacker", why, by_evil(aar=f"i=1; {text}"), "pass")
        yield arc(f"E6.{name}-behind-id-of-list", why, by_list(results=text), "pass")
    empty = "RFC 8617 §4.1.1: a payload without results claims nothing"
    for name, aar in {
        "nothing": "i=1;",
        "blanks": "i=1;   ",
        "id-alone": f"i=1; {LIST}",
        "no-id": "i=1; ; spf=pass",
        "none": f"i=1; {LIST}; none",
    }.items():
        yield arc(f"E6.{name}", empty, by_list(aar=aar), "pass")
    long = f"i=1; {LIST} {digits}; {CLAIM}"
    yield arc("E6.version-of-the-field-of-5000-digits", why, by_list(aar=long), "pass")


# --- E7


def work() -> Iterator[Case]:
    why = "decisions: a chain asks for at most half of the questions of a message, and each key once"

    def distinct(count: int) -> bytes:
        raw = MAIL
        for i in range(count):
            raw = by_list(raw, ams={"s": f"m{i}"}, seal={"s": f"k{i}"})
        return raw

    keys = {f"{kind}{i}._domainkey.{LIST}": KEYS[LIST_KEY] for i in range(26) for kind in "mk"}
    more, most = distinct(26), distinct(25)
    yield arc("E7.26-sets-of-52-keys", why, more, zone=keys, questions=100)
    yield case(
        "E7.control-25-sets-of-50-keys", why, most, {"arc": "pass"}, zone={**KEYS, **keys}, options=ALONE, questions=50
    )
    words = {"arc": "fail"}
    yield case(
        "E7.26-sets-ask-nothing",
        f"{why}; beyond that none",
        more,
        words,
        zone={**KEYS, **keys},
        options=ALONE,
        questions=0,
    )
    yield case("E7.50-sets-of-one-key", why, chain(50), {"arc": "pass"}, zone=KEYS, options=ALONE, questions=1)
    yield case("E7.51-sets-ask-nothing", why, chain(51), words, zone=KEYS, options=ALONE, questions=0)
    silent = {f"{kind}{i}._domainkey.{LIST}": "TIMEOUT" for i in range(26) for kind in "mk"}
    yield arc("E7.25-sets-of-silent-keys", "RFC 8617 §5.2.1", most, zone=silent, questions=100)
    good = {"arc": "fail", "dmarc": "pass"}
    crowd = "decisions: what no policy rests on pushes no verdict out"
    for name, raw in {"many-keys": most, "too-many-keys": more}.items():
        sets = raw[: -len(MAIL)]
        yield case(
            f"E7.{name}-before-a-good-signature",
            crowd,
            sets + signed(),
            good | {"arc": "fail|pass"},
            zone={**KEYS, **silent},
        )
    for name, field in {
        "seals": b"ARC-Seal: i=1; cv=none\r\n",
        "signatures": b"ARC-Message-Signature: i=1\r\n",
        "results": b"ARC-Authentication-Results: i=1; x\r\n",
        "empty-seals": b"ARC-Seal:\r\n",
    }.items():
        yield case(
            f"E7.4900-{name}", "RFC 8617 §4.2.1: more than 50", field * 4_900 + signed(), good, zone=KEYS, questions=30
        )
        yield case(
            f"E7.200-{name}-above-a-chain",
            "RFC 8617 §4.2.1",
            field * 200 + by_list(),
            words | {"dmarc": "fail"},
            zone=KEYS,
            questions=30,
        )
    large = b"ARC-Seal: i=1; cv=none; x=" + b"y" * 15_000 + b"\r\n"
    yield case("E7.30-seals-of-15-kB", "RFC 8617 §5.2", large * 30 + signed(), good, zone=KEYS)
    blanks = by_list().replace(b"ARC-Seal: ", b"ARC-Seal: " + b" " * 16_500)
    yield arc("E7.seal-of-16-kB-of-blanks", "decisions: a signature field of more than 16 kB is not read", blanks)
    folds = by_list().replace(b"ARC-Seal: ", b"ARC-Seal: " + b"\r\n " * 5_000)
    yield case("E7.seal-with-5000-blank-folds", "RFC 5322 §4.2", folds, {"dmarc": "fail|permerror"}, zone=KEYS)
    names = by_list(h="from" + ":x" * 600)
    yield arc("E7.signature-of-601-names", "decisions: more than 512 names are not evaluated", names)
    yield arc("E7.control-signature-of-512-names", "RFC 6376 §5.4", by_list(h="from" + ":x" * 511), "pass", "accept")
    helo = Connection(ip=BY_ATTACKER.ip, helo=f"mail.{ATTACKER}", mail_from=f"anna@{VICTIM}")
    yield arc("E7.with-spf-fail", "RFC 9989 §4.4", by_evil(), "pass", connection=helo)


CASES: list[Case] = [
    each
    for section in (forged_chains, structure, coverage, harmless, hostile_results, work)
    for each in section()
]  # fmt: skip
