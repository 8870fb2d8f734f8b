"""Attacks on DMARC (RFC 9989): records, the tree walk, alignment, and temporary errors that must not open the door.

Author is example.com, which asks for rejection, and the receiver says that it may reject. The attacker's mail passes
SPF and DKIM for his own domain: what is aligned wrongly shows as a pass, what is overlooked as none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from support.signing import MAIL, key_zone, signed

from attack.case import ATTACKER, VICTIM, Case
from attack.stage import (
    ATTACKER_IP,
    BY_ATTACKER,
    BY_VICTIM,
    VICTIM_IP,
    attacker_key,
    by_attacker,
    case,
    first,
    mail,
)
from mailauth import Connection, Options

POLICY = f"_dmarc.{VICTIM}"
REJECTS = Options(enforce_reject=True)
OLD = Options(enforce_reject=True, mode="rfc7489")
ALONE = Options(enforce_reject=True, checks=frozenset({"dmarc"}))
TRUE, ATTACK = signed(), by_attacker()
FAULTS = ("SERVFAIL", "TIMEOUT", "REFUSED")


def forged(name: str, why: str, raw: bytes = ATTACK, disposition: str = "reject", **more: Any) -> Case:
    """A message of the attacker that DMARC must fail, under the policy that is published."""
    words = {"dmarc": "fail", "dmarc.disposition": disposition}
    return case(name, why, raw, words, **{"options": REJECTS} | more)


def passes(name: str, why: str, raw: bytes = TRUE, **more: Any) -> Case:
    """What must pass: without it, a check that refuses everything would look safe."""
    return case(name, why, raw, {"dmarc": "pass", "dmarc.disposition": "accept"}, **{"options": REJECTS} | more)


def policy(*records: Any, at: str = VICTIM) -> dict[str, Any]:
    return {f"_dmarc.{at}": {"TXT": list(records)}}


# --- D1


def records() -> Iterator[Case]:
    good = "v=DMARC1; p=reject"
    counts = "RFC 9989 §4.5, §4.7, §4.8: this is a record, and its policy holds"
    for name, text in {
        "plain": good,
        "no-blanks": "v=DMARC1;p=reject",
        "many-blanks": "v \t=  DMARC1 ;\t p = reject  ; ",
        "upper-case-tags": "V=DMARC1; P=REJECT",
        "mixed-case-value": "v=DMARC1; p=ReJeCt",
        "final-semicolon": "v=DMARC1; p=reject;",
        "empty-tag": "v=DMARC1;; p=reject",
        "p-last": "v=DMARC1; rua=mailto:d@example.com; sp=none; p=reject",
        "unknown-tags": "v=DMARC1; x=y; foo=none; p=reject",
        "historic-tags": "v=DMARC1; p=reject; pct=0; rf=afrf; ri=86400",
        "pct-junk": "v=DMARC1; pct=-1; p=reject",
        "bad-alignment-tags": "v=DMARC1; p=reject; adkim=x; aspf=relaxed",
        "bad-t": "v=DMARC1; p=reject; t=maybe",
        "t-n": "v=DMARC1; p=reject; t=n",
        "t-twice": "v=DMARC1; p=reject; t=y; t=y",
        "bad-psd": "v=DMARC1; p=reject; psd=q",
        "bad-fo": "v=DMARC1; p=reject; fo=zz",
        "bad-rua": "v=DMARC1; p=reject; rua=nowhere",
        "tag-without-equals": "v=DMARC1; p=reject; foo",
        "text-behind": "v=DMARC1; p=reject; please",
        "8-bit-in-unknown-tag": "v=DMARC1; p=reject; x=\udcff",
        "16-kB": "v=DMARC1; p=reject; x=" + "y" * (16 * 1024 - 22),
        "rua-with-old-size": "v=DMARC1; p=reject; rua=mailto:d@example.com!10m",
    }.items():
        yield forged(f"D1.{name}", counts, zone=policy(text))
    too_long = "Limits.record_bytes: no policy is read out of such a record, and only its owner can make one"
    for name, text in {
        "60-kB": "v=DMARC1; p=reject; x=" + "y" * 60_000,
        "20000-tags": "v=DMARC1; p=reject" + "; x=y" * 20_000,
        "20000-semicolons": "v=DMARC1; p=reject" + ";" * 20_000,
        "60-kB-of-blanks": "v=DMARC1;" + " " * 60_000 + "p=reject",
        "rua-of-5000": "v=DMARC1; p=reject; rua=" + ",".join(["mailto:d@example.com"] * 2_500),
    }.items():
        yield replace(
            forged(f"D1.{name}", too_long, zone=policy(text)),
            safe={"dmarc": frozenset({"permerror", "temperror", "fail"})},
            recommended={"dmarc": "permerror"},
        )
    strings = "RFC 9989 §4.5: the strings of one record are joined with nothing between"
    yield forged("D1.split-strings", strings, zone=policy(["v=DMA", "RC1; p=rej", "ect"]))
    yield forged("D1.split-in-300", strings, zone=policy(list("v=DMARC1; p=reject; x=" + "y" * 278)))
    others = "RFC 9989 §4.10: texts that are no DMARC records do not matter"
    yield forged("D1.among-others", others, zone=policy("v=spf1 -all", "hello", "v=DKIM1; p=", good))
    yield forged("D1.among-8-bit", others, zone=policy("\udcff\udcfe", "", good, "v=dmarc1; p=none"))
    yield forged("D1.among-100", others, zone=policy(*[f"junk {n}" for n in range(100)], good))
    alias = {POLICY: {"CNAME": ["policy.example.org"]}, "policy.example.org": {"TXT": [good]}}
    yield forged("D1.behind-an-alias", "RFC 1034 §3.6.2: an alias is followed", zone=alias)
    weaker = "RFC 9989 §4.7: what is published holds, and nothing stronger"
    for name, text, disposition in (
        ("quarantine", "v=DMARC1; p=quarantine; pct=0", "quarantine"),
        ("none", "v=DMARC1; p=none", "accept"),
        ("testing-reject", "v=DMARC1; p=reject; t=y", "quarantine"),
        ("testing-quarantine", "v=DMARC1; p=quarantine; t=Y", "accept"),
        ("sp-alone", "v=DMARC1; sp=reject", "accept"),
        ("version-alone", "v=DMARC1", "accept"),
        ("np-alone", "v=DMARC1; np=reject; rua=mailto:d@example.com", "accept"),
        ("p-invalid-with-rua", "v=DMARC1; p=rejected; rua=mailto:d@example.com", "accept"),
        ("sp-invalid-with-rua", "v=DMARC1; p=reject; sp=all; rua=mailto:d@example.com", "accept"),
        ("np-invalid-with-rua", "v=DMARC1; p=reject; np=; rua=mailto:d@example.com", "accept"),
        ("p-twice-with-rua", "v=DMARC1; p=reject; p=none; rua=mailto:d@example.com", "accept"),
        ("p-equal-twice-with-rua", "v=DMARC1; p=reject; p=reject; rua=mailto:d@example.com", "accept"),
    ):
        yield forged(f"D1.{name}", weaker, disposition=disposition, zone=policy(text))
    unusable = "RFC 9989 §4.10.1, choices D11, D12: p, sp or np is invalid, and nowhere to tell: no processing"
    for name, text in {
        "p-invalid": "v=DMARC1; p=rejected",
        "p-empty": "v=DMARC1; p=",
        "p-with-comment": "v=DMARC1; p=reject (all)",
        "p-with-result": "v=DMARC1; p=none dmarc=pass header.from=example.com",
        "p-list": "v=DMARC1; p=reject,none",
        "p-quoted": 'v=DMARC1; p="reject"',
        "p-nul": "v=DMARC1; p=reject\x00",
        "p-newline": "v=DMARC1; p=reject\r\nX: y",
        "p-8-bit": "v=DMARC1; p=reject\udcff",
        "p-full-width": "v=DMARC1; p=ｒeject",
        "p-twice": "v=DMARC1; p=reject; p=none",
        "p-equal-twice": "v=DMARC1; p=reject; P=reject",
        "sp-invalid": "v=DMARC1; p=reject; sp=junk",
        "np-invalid": "v=DMARC1; p=reject; np=junk",
        "p-invalid-rua-invalid": "v=DMARC1; p=rejected; rua=d@example.com",
        "p-invalid-rua-twice": "v=DMARC1; p=x; rua=mailto:d@example.com; rua=mailto:d@example.com",
    }.items():
        words = {"dmarc": "permerror|fail", "dmarc.disposition": "accept|quarantine|reject"}
        yield case(f"D1.{name}", unusable, ATTACK, words, zone=policy(text), options=REJECTS)
        words = {"dmarc": first("permerror", frozenset({"pass", "fail"}))}
        yield case(f"D1.{name}-and-true", unusable, TRUE, words, zone=policy(text), options=REJECTS)
    no_record = "RFC 9989 §4.5, §4.8: v=DMARC1 comes first and exactly so, or the text is no DMARC record"
    for name, text in {
        "lower-case-version": "v=dmarc1; p=reject",
        "version-10": "v=DMARC10; p=reject",
        "version-2": "v=DMARC2; p=reject",
        "no-semicolon": "v=DMARC1 p=reject",
        "comma": "v=DMARC1, p=reject",
        "version-last": "p=reject; v=DMARC1",
        "blank-first": " v=DMARC1; p=reject",
        "quoted": '"v=DMARC1; p=reject"',
        "escaped": "v=DMARC1\\; p=reject",
        "bom": "\ufeffv=DMARC1; p=reject",
        "nul": "v=DMARC1\x00; p=reject",
        "no-break-space": "v=DMARC1\u00a0; p=reject",
        "version-in-text": "see v=DMARC1; p=reject",
        "empty": "",
        "html": "<html>v=DMARC1; p=reject</html>",
    }.items():
        words = {
            "dmarc": first("none", frozenset({"fail", "permerror"})),
            "dmarc.disposition": "accept|quarantine|reject",
        }
        yield case(f"D1.{name}", no_record, ATTACK, words, zone=policy(text), options=REJECTS)
        words = {"dmarc": first("none", frozenset({"permerror"}))}
        yield case(
            f"D1.{name}-and-true", f"{no_record}; so nothing passes", TRUE, words, zone=policy(text), options=REJECTS
        )
    several = "RFC 9989 §4.10: several records at a name are all discarded, and the walk goes on"
    two = policy(good, "v=DMARC1; p=none")
    yield case("D1.two-records", several, ATTACK, {"dmarc": "none|permerror|fail"}, zone=two, options=REJECTS)
    yield case("D1.two-records-and-true", several, TRUE, {"dmarc": "none|permerror|pass"}, zone=two, options=REJECTS)
    below = mail("Anna <anna@sub.example.com>")
    zone = policy("v=DMARC1; p=none", "v=DMARC1; p=none", at=f"sub.{VICTIM}")
    yield forged("D1.two-records-below", f"{several}: the organization's policy holds", by_attacker(below), zone=zone)
    wild = {f"*.{VICTIM}": {"TXT": ["v=spf1 -all"]}}
    yield forged(
        "D1.wildcard-of-other-text",
        "RFC 9989 §4.10: no record there, so the walk goes on",
        by_attacker(below),
        zone=wild,
    )


# --- D2


def walks() -> Iterator[Case]:
    eight = "RFC 9989 §4.10: at most 8 queries, and the organization's policy is found all the same"
    for labels in (2, 5, 6, 7, 8, 9, 12, 60, 110):
        author = "a." * labels + VICTIM
        yield forged(f"D2.{labels}-labels-below", eight, mail(f"<anna@{author}>"), options=ALONE, questions=8)
    yield forged("D2.name-too-long-to-ask", eight, mail(f"<anna@{'a.' * 120}{VICTIM}>"), options=ALONE, questions=8)
    hidden = f"b.c.d.e.f.g.h.{VICTIM}"
    jumped = "RFC 9989 §4.10 step 5: the walk jumps from more than 8 labels to 7; what stands between is not asked"
    zone = policy("v=DMARC1; p=none; psd=n", at=hidden)
    yield forged("D2.record-jumped-over", jumped, mail(f"<anna@a.x.{hidden}>"), options=ALONE, zone=zone)
    siblings = "RFC 9989 §4.10.2: a public suffix, psd=y, makes each name right below it an organization of its own"
    suffix = policy("v=DMARC1; p=reject; psd=y")
    from_one = mail("Anna <anna@one.example.com>")
    keys = attacker_key(f"two.{VICTIM}")
    yield forged(
        "D2.neighbour-under-a-suffix", siblings, by_attacker(from_one, f"two.{VICTIM}"), zone={**suffix, **keys}
    )
    deep = attacker_key(f"x.two.{VICTIM}")
    yield forged("D2.below-a-neighbour", siblings, by_attacker(from_one, f"x.two.{VICTIM}"), zone={**suffix, **deep})
    yield forged("D2.the-suffix-itself", siblings, signed(from_one), zone=suffix)
    yield forged(
        "D2.neighbour-signs-for-the-suffix", siblings, by_attacker(MAIL, f"two.{VICTIM}"), zone={**suffix, **keys}
    )
    spf = {f"two.{VICTIM}": {"TXT": ["v=spf1 +all"]}}
    by_neighbour = Connection(ip=ATTACKER_IP, helo="x.example.net", mail_from=f"x@two.{VICTIM}")
    yield forged("D2.neighbour-by-spf", siblings, from_one, zone={**suffix, **spf}, connection=by_neighbour)
    own = key_zone(f"mail.one.{VICTIM}")
    yield passes(
        "D2.control-below-the-same",
        siblings,
        signed(from_one, tags={"d": f"mail.one.{VICTIM}"}),
        zone={**suffix, **own},
    )
    at_com = policy("v=DMARC1; p=none; psd=y", at="com")
    evil = attacker_key("evil.com")
    yield forged("D2.neighbour-under-com", siblings, by_attacker(domain="evil.com"), zone={**at_com, **evil})
    yield forged("D2.com-itself", siblings, by_attacker(domain="com"), zone={**at_com, **attacker_key("com")})
    found = "RFC 9989 §4.10.1: without a record of its own, the record of the public suffix applies, by sp"
    gone = {POLICY: "NXDOMAIN", **policy("v=DMARC1; p=none; sp=reject; psd=y", at="com")}
    yield forged("D2.policy-of-the-suffix", found, by_attacker(domain="evil.com"), zone={**gone, **evil})
    hazard = policy("v=DMARC1; p=reject", at="com")
    yield case(
        "D2.com-without-psd",
        "RFC 9989 §4.10.2, §11.8: a record there without psd makes com everybody's organization. The RFC warns of it; "
        "the walk is followed (choice D14)",
        by_attacker(domain="evil.com"),
        {"dmarc": "pass|fail"},
        zone={**hazard, **evil},
        options=REJECTS,
    )
    shield = {**hazard, **policy("v=DMARC1; p=reject; psd=n")}
    yield forged(
        "D2.psd-n-shields",
        "RFC 9989 §4.10.2: psd=n ends the walk at the domain",
        by_attacker(domain="evil.com"),
        zone={**shield, **evil},
    )
    apart = "RFC 9989 §4.10.2: psd=n makes this name an organization of its own"
    tenant = {**policy("v=DMARC1; p=none; psd=n", at=f"tenant.{VICTIM}"), **attacker_key(f"tenant.{VICTIM}")}
    yield forged("D2.tenant-with-psd-n", apart, by_attacker(domain=f"tenant.{VICTIM}"), zone=tenant)
    below_tenant = {**tenant, **attacker_key(f"x.tenant.{VICTIM}")}
    yield forged("D2.below-tenant-with-psd-n", apart, by_attacker(domain=f"x.tenant.{VICTIM}"), zone=below_tenant)
    spoofed = mail(f"Tenant <x@tenant.{VICTIM}>")
    strict_tenant = {**tenant, **policy("v=DMARC1; p=reject; psd=n", at=f"tenant.{VICTIM}")}
    yield forged("D2.organization-for-tenant-with-psd-n", apart, signed(spoofed), zone=strict_tenant)
    claims = "RFC 9989 §4.10.2: psd=y at the name itself makes it no suffix of itself; the walk ends there"
    own_suffix = {**policy("v=DMARC1; p=none; psd=y", at=f"x.{VICTIM}"), **attacker_key(f"x.{VICTIM}")}
    yield forged("D2.tenant-claims-to-be-a-suffix", claims, by_attacker(domain=f"x.{VICTIM}"), zone=own_suffix)
    foreign = "RFC 9989 §4.10.2: a record of the attacker's makes nothing of the victim's his"
    for name, text in {
        "psd-y": "v=DMARC1; p=none; psd=y",
        "psd-n": "v=DMARC1; p=none; psd=n",
        "sp-none": "v=DMARC1; p=none; sp=none; adkim=r",
    }.items():
        zone = policy(text, at=ATTACKER)
        yield forged(f"D2.attackers-record-{name}", foreign, zone=zone)
        at = f"{VICTIM}.{ATTACKER}"
        yield forged(
            f"D2.victim-below-attacker-{name}", foreign, by_attacker(domain=at), zone={**zone, **attacker_key(at)}
        )
    absent = "RFC 9989 §3.2.13, §4.10.1: np for a name that DNS says does not exist, sp for one that does"
    three = policy("v=DMARC1; p=none; sp=quarantine; np=reject")
    ghost = by_attacker(mail("Anna <anna@ghost.example.com>"))
    exists = {f"ghost.{VICTIM}": {"TXT": ["hello"]}}
    inner = {f"x.ghost.{VICTIM}": {"A": [VICTIM_IP]}}
    dangling = {f"ghost.{VICTIM}": {"CNAME": ["gone.example.org"]}}
    yield forged("D2.np-of-nothing", absent, ghost, zone=three)
    yield forged("D2.sp-of-a-name", absent, ghost, "quarantine", zone={**three, **exists})
    yield forged("D2.sp-of-an-empty-non-terminal", absent, ghost, "quarantine", zone={**three, **inner})
    yield forged("D2.sp-of-a-dangling-alias", absent, ghost, "quarantine", zone={**three, **dangling})
    yield forged(
        "D2.p-of-the-domain-itself", "RFC 9989 §4.10.1: sp and np are for what is below", ATTACK, "accept", zone=three
    )
    yield forged("D2.np-without-sp", absent, ghost, zone=policy("v=DMARC1; p=none; np=reject"))
    yield forged("D2.sp-without-np", absent, ghost, zone=policy("v=DMARC1; p=none; sp=reject"))
    yield forged("D2.p-for-below", absent, ghost, zone=policy("v=DMARC1; p=reject"))
    middle = {**policy("v=DMARC1; p=none; sp=none", at=f"b.{VICTIM}")}
    yield forged(
        "D2.sp-between-is-not-used",
        "RFC 9989 §4.10.1: of the names above the author, only the organization's record gives a policy",
        by_attacker(mail("Anna <anna@a.b.example.com>")),
        zone=middle,
    )
    own_policy = policy("v=DMARC1; p=none", at=f"sub.{VICTIM}")
    yield forged(
        "D2.own-record-of-a-sub-domain",
        "RFC 9989 §4.10.1: its own record comes first",
        by_attacker(mail("<anna@sub.example.com>")),
        "accept",
        zone=own_policy,
    )
    suffixes = "RFC 9989 §4.10: a public suffix as author is a domain like any other; who registers below it is not it"
    registry = {**policy("v=DMARC1; p=reject; psd=y", at="co.uk"), **attacker_key("evil.co.uk")}
    yield forged(
        "D2.author-is-a-suffix", suffixes, by_attacker(mail("Registry <x@co.uk>"), "evil.co.uk"), zone=registry
    )
    words = {"dmarc": first("none", frozenset({"permerror", "fail"}))}
    single = attacker_key("evil.co.uk")
    yield case(
        "D2.author-is-a-suffix-without-record",
        suffixes,
        by_attacker(mail("<x@co.uk>"), "evil.co.uk"),
        words,
        zone=single,
        options=REJECTS,
    )
    private = "RFC 7489 §3.2: the private section of the list counts: github.io is no organization"
    pages = {**policy("v=DMARC1; p=reject", at="victim.github.io"), **attacker_key("evil.github.io")}
    at_pages = by_attacker(mail("<x@victim.github.io>"), "evil.github.io")
    for mode, chosen in {"by-list": OLD, "by-walk": REJECTS}.items():
        yield forged(f"D2.private-suffix-{mode}", private, at_pages, zone=pages, options=chosen)
        unlisted = {
            **policy("v=DMARC1; p=reject", at="victim.kids"),
            **attacker_key("evil.kids"),
            **attacker_key("kids"),
        }
        why = "The default rule of the list is *: of an unlisted top-level domain each name is its own organization"
        yield forged(
            f"D2.unlisted-tld-{mode}",
            why,
            by_attacker(mail("<x@victim.kids>"), "evil.kids"),
            zone=unlisted,
            options=chosen,
        )
        yield forged(
            f"D2.unlisted-tld-itself-{mode}",
            why,
            by_attacker(mail("<x@victim.kids>"), "kids"),
            zone=unlisted,
            options=chosen,
        )
    two = policy("v=DMARC1; p=reject", "v=DMARC1; p=reject", at=f"sub.{VICTIM}")
    words = {"dmarc": first("none", frozenset({"permerror", "fail"}))}
    why = "RFC 7489 §6.6.3 step 5: several records end the discovery"
    yield case("D2.two-records-by-list", why, by_attacker(mail("<x@sub.example.com>")), words, zone=two, options=OLD)


# --- D3


def strictness() -> Iterator[Case]:
    sub = f"sub.{VICTIM}"
    keys = {**key_zone(sub), sub: {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}}
    by_sub = Connection(ip=VICTIM_IP, helo=f"mail.{VICTIM}", mail_from=f"anna@{sub}")
    strict = "RFC 9989 §4.4.1, §4.4.2: under strict alignment the domains are equal, or it is none"
    for name, tag in {
        "s": "adkim=s",
        "upper-case": "ADKIM=S",
        "with-blanks": "adkim = s ",
        "both": "aspf=s; adkim=s",
    }.items():
        zone = {**policy(f"v=DMARC1; p=reject; {tag}"), **keys}
        yield forged(f"D3.dkim-below-{name}", strict, signed(tags={"d": sub}), zone=zone)
        identity = signed(tags={"d": sub, "i": f"@{sub}"})
        yield forged(f"D3.dkim-identity-{name}", strict, identity, zone=zone)
        yield passes(f"D3.control-dkim-equal-{name}", strict, zone=zone)
    for name, tag in {"s": "aspf=s", "upper-case": "ASPF=S", "both": "adkim=s; aspf=s"}.items():
        zone = {**policy(f"v=DMARC1; p=reject; {tag}"), **keys}
        yield forged(f"D3.spf-below-{name}", strict, MAIL, zone=zone, connection=by_sub)
        yield passes(f"D3.control-spf-equal-{name}", strict, MAIL, zone=zone, connection=BY_VICTIM)
    below = mail(f"Anna <anna@{sub}>")
    above = {**policy("v=DMARC1; p=reject; adkim=s; aspf=s"), **keys}
    yield forged("D3.dkim-above", strict, signed(below), zone=above)
    yield forged("D3.spf-above", strict, below, zone=above, connection=BY_VICTIM)
    yield passes("D3.control-at-the-sub-domain", strict, signed(below, tags={"d": sub}), zone=above)
    own = {**policy("v=DMARC1; p=reject; adkim=s", at=sub), **policy("v=DMARC1; p=reject; adkim=r"), **keys}
    yield forged(
        "D3.strictness-of-the-record-that-applies",
        "RFC 9989 §4.4: adkim is that of the policy record",
        signed(below),
        zone=own,
    )
    relaxed = {**policy("v=DMARC1; p=reject; adkim=s; aspf=r"), **keys}
    yield passes("D3.control-each-mechanism-has-its-own", strict, MAIL, zone=relaxed, connection=by_sub)
    yield forged("D3.each-mechanism-has-its-own", strict, signed(tags={"d": sub}), zone=relaxed)
    yield passes("D3.control-relaxed-below", "RFC 9989 §4.4.1", signed(tags={"d": sub}), zone=keys)
    yield passes("D3.control-relaxed-above", "RFC 9989 §4.4.1", signed(below), zone=keys)
    yield passes(
        "D3.control-upper-case-author",
        "RFC 9989 §4.4: names have no case",
        signed(mail("Anna <anna@EXAMPLE.COM>")),
        zone=above,
    )
    twice = "RFC 9989 §4.7, choice D12: a tag that stands twice is as if it were not there"
    yield passes(
        "D3.control-strict-twice-is-relaxed",
        twice,
        signed(tags={"d": sub}),
        zone={**policy("v=DMARC1; p=reject; adkim=s; adkim=s"), **keys},
    )
    for fault in FAULTS:
        hidden = {**policy("v=DMARC1; p=reject; adkim=s; aspf=s"), f"s1._domainkey.{sub}": fault, sub: fault}
        why = "Choice D22: under strict alignment only an equal identifier could align, so nothing is left open"
        yield forged(f"D3.dkim-below-{fault.lower()}", why, signed(tags={"d": sub}), zone=hidden)
        yield forged(f"D3.spf-below-{fault.lower()}", why, MAIL, zone=hidden, connection=by_sub)


# --- D4 and rule 2


def trouble() -> Iterator[Case]:
    sub = f"sub.{VICTIM}"
    by_sub = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=f"x@{sub}")
    open_question = "RFC 9989 §5.3.6: what was not answered could have decided; neither pass nor fail, and asked again"
    escape = "Choice D22: what cannot align decides nothing; a sender must not escape a policy by breaking his own DNS"
    defer = {"dmarc": first("temperror", frozenset({"fail"})), "dmarc.disposition": "defer|quarantine|reject"}
    for fault in FAULTS:
        word = fault.lower()
        yield case(
            f"D4.policy-{word}", f"{open_question}; never none", ATTACK, defer, zone={POLICY: fault}, options=REJECTS
        )
        unknown = {"dmarc": "temperror", "dmarc.disposition": "defer"}
        yield case(f"D4.policy-{word}-and-true", open_question, TRUE, unknown, zone={POLICY: fault}, options=REJECTS)
        com = {POLICY: "NXDOMAIN", "_dmarc.com": fault}
        yield case(
            f"D4.walk-{word}", f"{open_question}: a record could stand there", ATTACK, defer, zone=com, options=REJECTS
        )
        seen = "RFC 9989 §5.3.6: the policy is known, and nothing of the organization's is in doubt"
        yield forged(f"D4.walk-{word}-above-the-record", seen, zone={"_dmarc.com": fault})
        yield passes(
            f"D4.control-walk-{word}-above-the-record",
            "RFC 9989 §4.4: equal domains need no walk",
            zone={"_dmarc.com": fault},
        )
        related = {"_dmarc.com": fault, **key_zone(sub)}
        # Decision D34: whatever is there, both are one organization
        words = {"dmarc": "pass"}
        yield case(
            f"D4.walk-{word}-for-a-sub-domain",
            open_question,
            signed(tags={"d": sub}),
            words,
            zone=related,
            options=REJECTS,
        )
        own_key = {f"s1._domainkey.{VICTIM}": fault}
        yield case(f"D4.victims-key-{word}", open_question, TRUE, unknown, zone=own_key, options=REJECTS)
        sub_key = {f"s1._domainkey.{sub}": fault}
        yield case(
            f"D4.sub-domains-key-{word}", open_question, signed(tags={"d": sub}), unknown, zone=sub_key, options=REJECTS
        )
        other_key = {f"s1._domainkey.{ATTACKER}": fault}
        yield forged(f"D4.attackers-key-{word}", escape, zone=other_key)
        yield passes(
            f"D4.attackers-key-{word}-beside-the-victims",
            "RFC 9989 §4.4: one pass is enough",
            by_attacker(TRUE),
            zone=other_key,
        )
        yield passes(
            f"D4.victims-spf-{word}-beside-his-signature",
            "RFC 9989 §4.4: one pass is enough",
            zone={VICTIM: fault},
            connection=BY_VICTIM,
        )
        yield passes(
            f"D4.victims-key-{word}-beside-his-spf",
            "RFC 9989 §4.4: one pass is enough",
            zone=own_key,
            connection=BY_VICTIM,
        )
        yield forged(f"D4.attackers-spf-{word}", escape, MAIL, zone={ATTACKER: fault})
        included = {ATTACKER: {"TXT": ["v=spf1 include:x.example.org -all"]}, "x.example.org": fault}
        yield forged(f"D4.attackers-include-{word}", escape, MAIL, zone=included)
        yield case(
            f"D4.sub-domains-spf-{word}",
            open_question,
            MAIL,
            unknown,
            zone={sub: fault},
            connection=by_sub,
            options=REJECTS,
        )
        yield forged(f"D4.attackers-walk-{word}", escape, zone={f"_dmarc.{ATTACKER}": fault, "_dmarc.net": fault})
        yield forged(
            f"D4.attackers-everything-{word}",
            escape,
            zone={
                ATTACKER: fault,
                f"*.{ATTACKER}": fault,
                f"s1._domainkey.{ATTACKER}": fault,
                f"_dmarc.{ATTACKER}": fault,
            },
        )
        helo = Connection(ip=ATTACKER_IP, helo=sub, mail_from=f"evil@{ATTACKER}")
        yield forged(
            f"D4.helo-of-victim-{word}",
            "RFC 9989 §4.4.2: HELO is no identifier here",
            ATTACK,
            zone={sub: fault},
            connection=helo,
        )
        null = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from="")
        yield forged(
            f"D4.null-path-of-attacker-{word}", escape, MAIL, zone={f"mail.{ATTACKER}": fault}, connection=null
        )
        com_key = {"s1._domainkey.com": fault}
        yield forged(
            f"D4.key-of-com-{word}", f"{escape}: com is above the organization", by_attacker(domain="com"), zone=com_key
        )
        lookalike = {f"s1._domainkey.not{VICTIM}": fault}
        yield forged(f"D4.key-of-look-alike-{word}", escape, by_attacker(domain=f"not{VICTIM}"), zone=lookalike)
        cousin = {"s1._domainkey.evil.com": fault}
        yield forged(
            f"D4.key-of-cousin-{word}", f"{escape}: only com is common", by_attacker(domain="evil.com"), zone=cousin
        )
        broken = signed(tags={"h ": "to"}).replace(b"bh=", b"bh=!")
        yield forged(
            f"D4.unreadable-signature-{word}",
            "RFC 6376 §6.1.1: a signature that cannot be read asks for no key",
            broken,
            zone=own_key,
        )
        suffix = {**policy("v=DMARC1; p=reject; psd=y"), f"s1._domainkey.two.{VICTIM}": fault}
        author = mail("Anna <anna@one.example.com>")
        yield forged(
            f"D4.key-of-neighbour-under-suffix-{word}",
            f"{escape}: psd=y parts them",
            by_attacker(author, f"two.{VICTIM}"),
            zone=suffix,
        )
        np = {**policy("v=DMARC1; p=none; np=reject"), f"ghost.{VICTIM}": {"A": fault}}
        ghost = by_attacker(mail("Anna <anna@ghost.example.com>"))
        yield case(f"D4.existence-{word}", open_question, ghost, defer, zone=np, options=REJECTS)
    for method in ("dns-of-attacker-silent", "everything-silent"):
        names = [ATTACKER, f"mail.{ATTACKER}", f"s1._domainkey.{ATTACKER}", f"_dmarc.{ATTACKER}"]
        faults = dict.fromkeys([*names, *([POLICY] if method.startswith("every") else [])], "TIMEOUT")
        words = defer if method.startswith("every") else {"dmarc": "fail", "dmarc.disposition": "reject"}
        yield case(f"D4.{method}", escape, ATTACK, words, faults=faults, options=REJECTS)


# --- D5

LOOK_ALIKES = {
    "prefix": "notexample.com", "prefix-with-hyphen": "www-example.com", "suffix": "example.com.example.net",
    "suffix-with-hyphen": "example.com-evil.test", "one-more-letter": "example.comm",
    "one-less-letter": "example.co", "doubled": "example.com.com", "reversed": "com.example",
    "label-swapped": "com.example.com.net", "parent": "com", "cousin": "evil.com", "hyphen-for-dot": "example-com.net",
    "missing-dot": "subexample.com", "victim-as-label": "example.com.evil.com", "homograph": "xn--exmple-4nf.com",
    "digit": "examp1e.com", "underscore": "_example.com.net", "www-of-other": "www.example.net",
    "same-second-level": "example.org", "co-uk": "example.com.co.uk",
}  # fmt: skip


def tricks() -> Iterator[Case]:
    why = "RFC 9989 §4.4, §4.10.2: alignment is of whole labels from the right, not of characters"
    for name, domain in LOOK_ALIKES.items():
        zone = {**attacker_key(domain), domain: {"TXT": ["v=spf1 +all"]}, **policy("v=DMARC1; p=none", at=domain)}
        sender = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=f"anna@{domain}")
        yield forged(f"D5.{name}", why, by_attacker(domain=domain), zone=zone, connection=sender)
        # The other way round: what the victim signs is not aligned with the look-alike either
        if domain.count(".") and not domain.startswith("_"):
            author = signed(mail(f"Anna <anna@{domain}>"))
            yield forged(
                f"D5.{name}-as-author", why, author, zone=policy("v=DMARC1; p=reject", at=domain), connection=BY_VICTIM
            )
        yield forged(
            f"D5.{name}-by-list",
            f"{why}; by RFC 7489 §3.2 too",
            by_attacker(domain=domain),
            zone=zone,
            connection=sender,
            options=OLD,
        )
    yield passes("D5.control-sub-domain", why, signed(tags={"d": f"mail.{VICTIM}"}), zone=key_zone(f"mail.{VICTIM}"))
    yield passes(
        "D5.control-by-list", why, signed(tags={"d": f"mail.{VICTIM}"}), zone=key_zone(f"mail.{VICTIM}"), options=OLD
    )
    unicode = mail("Anna <anna@bücher.example>")
    books = {**policy("v=DMARC1; p=reject", at="xn--bcher-kva.example"), **key_zone("xn--bcher-kva.example")}
    same = "RFC 9989 §5.3.1, RFC 8616: U-labels and A-labels are one domain"
    yield passes("D5.control-u-label-author", same, signed(unicode, tags={"d": "xn--bcher-kva.example"}), zone=books)
    yield passes(
        "D5.control-u-label-signer",
        same,
        signed(mail("<anna@xn--bcher-kva.example>"), tags={"d": "bücher.example"}),
        zone=books,
    )
    yield forged("D5.u-label-author-forged", same, by_attacker(unicode), zone=books)
    yield forged(
        "D5.u-label-without-its-dots",
        same,
        by_attacker(unicode, "bucher.example"),
        zone={**books, **attacker_key("bucher.example")},
    )


# --- rules 1 and 3 of the decision table


def rules() -> Iterator[Case]:
    one = (
        "RFC 9989 §11.5: a header section or a From that readers see differently has no author; never none, never pass"
    )
    unclear = {"dmarc": "permerror|fail", "dmarc.disposition": "reject|quarantine"}
    for name, raw in {
        "bare-lf": b"X: a\nFrom: Evil <evil@example.net>\r\n" + TRUE,
        "bare-lf-in-second-line": b"X: a\r\nY: b\nFrom: Evil <evil@example.net>\r\n" + TRUE,
        "bare-cr": b"X: a\rFrom: Evil <evil@example.net>\r\n" + TRUE,
        "line-without-colon": b"X\r\n" + TRUE,
        "blank-line-in-from": TRUE.replace(b"<anna@", b"evil@example.net,\r\n \t\r\n <anna@"),
        "continuation-first": b" From: Evil <evil@example.net>\r\n" + TRUE,
        "mbox-line": b"From evil@example.net Mon Nov  2\r\n" + TRUE,
        "bom": b"\xef\xbb\xbfFrom: Evil <evil@example.net>\r\n" + TRUE,
        "nul-in-name": b"From\x00: Evil <evil@example.net>\r\n" + TRUE,
        "two-from": b"From: Evil <evil@example.net>\r\n" + TRUE,
        "from-blank-colon": b"From : Evil <evil@example.net>\r\n" + TRUE,
        "no-from": TRUE.replace(b"From: Anna <anna@example.com>\r\n", b""),
        "two-domains": signed(mail("<anna@example.com>, <evil@example.net>")),
        "empty-group": signed(mail("nobody:;")),
        "literal": signed(mail("<anna@[192.0.2.1]>")),
        "single-label": signed(mail("<anna@com>")),
        "undecodable-domain": signed(mail("<anna@ex＠mple.com>")),
        "8-bit-domain": signed(MAIL.replace(b"anna@example", b"anna@ex\xffmple")),
        "encoded-word": signed(mail("=?utf-8?q?anna=40example.com?=")),
        "from-empty": signed(mail("")),
    }.items():
        yield case(f"D6.{name}", one, raw, unclear, options=REJECTS)
    unclear_by_attacker = b"X: a\nY: b\r\n" + ATTACK
    yield case("D6.bare-lf-by-attacker", one, unclear_by_attacker, unclear, options=REJECTS)
    yield case(
        "D6.no-single-author-by-default",
        "decisions: without knowledge of one's own, such a message is held back, not refused (RFC 9989 §7.4)",
        b"From: Evil <evil@example.net>\r\n" + TRUE,
        {"dmarc": "permerror", "dmarc.disposition": "quarantine", "dmarc.author_domain": "none"},
    )
    yield case(
        "D6.reject-by-default",
        "RFC 9989 §7.4: p=reject alone is no ground for rejecting; it is held back",
        ATTACK,
        {"dmarc": "fail", "dmarc.disposition": "quarantine", "dmarc.author_domain": VICTIM},
    )
    three = "Rule 3: what a stranger writes is data; the verdict is of the domain that stands in From"
    for name, author in {
        "result-in-name": '"x; dmarc=pass header.from=example.com" <anna@example.com>',
        "result-in-local-part": '"x; dmarc=pass (@example.net"@example.com',
        "result-in-comment": "anna@example.com (; dmarc=pass header.from=example.com)",
    }.items():
        words = {"dmarc": "fail", "dmarc.disposition": "reject", "dmarc.author_domain": VICTIM}
        yield case(f"D6.{name}", three, by_attacker(mail(author)), words, options=REJECTS)
    hostile = Connection(
        ip=ATTACKER_IP, helo="x; dmarc=pass header.from=example.com", mail_from='"; dmarc=pass ("@example.net'
    )
    yield forged("D6.result-in-envelope", three, connection=hostile)
    claim = b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\r\n"
    yield forged(
        "D6.result-in-a-field-of-ours", "RFC 8601 §5: inbound claims are no input", claim + ATTACK, forged=(0,)
    )
    received = b"Received-SPF: pass (mx.example.org: ok) client-ip=192.0.2.10; envelope-from=anna@example.com\r\n"
    yield forged("D6.result-in-received-spf", "RFC 7208 §9.1: inbound claims are no input", received + ATTACK)
    both = "RFC 9989 §4.4: the evidence must be of this message's author"
    yield passes("D6.control-spf-and-dkim", both, connection=BY_VICTIM)
    yield passes("D6.control-spf", both, MAIL, connection=BY_VICTIM)
    yield passes("D6.control-dkim", both, connection=BY_ATTACKER)
    yield forged("D6.nothing", both, MAIL)
    yield forged("D6.nothing-known-of-smtp", both, MAIL, connection=Connection(source="none"))


CASES: list[Case] = [
    each for section in (records, walks, strictness, trouble, tricks, rules) for each in section()
]  # fmt: skip
