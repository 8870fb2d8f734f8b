"""Attacks on SPF (RFC 7208): limits, bombs, confused identities, errors that must not end in a pass.

The client is the attacker's. Most records belong to example.com, which is both author and MAIL FROM: where a limit or
an error is overlooked, SPF and with it DMARC would pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attack.case import ATTACKER, VICTIM, Case
from attack.stage import ATTACKER_IP, BY_ATTACKER, BY_VICTIM, VICTIM_IP, case, first, mail
from mailauth import Connection, Options

SENT_AS_VICTIM = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=f"anna@{VICTIM}")
# Neither HELO nor DMARC ask: the questions are those of one check
MFROM = Options(checks=frozenset({"spf"}))
AS_VICTIM_ALONE = Connection(ip=ATTACKER_IP, mail_from=f"anna@{VICTIM}")
STRICT = Options(strict=True)
_NO_PASS = frozenset({"permerror", "none", "fail", "neutral", "softfail", "temperror"})
HERE = f"ip4:{ATTACKER_IP}"


def record(text: str | list[Any], **more: Any) -> dict[str, Any]:
    """The victim's SPF record or records."""
    return {VICTIM: {"TXT": [text] if isinstance(text, str) else text, **more}}


def refused(name: str, why: str, zone: Mapping[str, Any], word: str, *, dmarc: str = "fail", **more: Any) -> Case:
    """SPF for MAIL FROM at the victim's name, which must not pass."""
    words = {"spf": first(word, _NO_PASS), "dmarc": dmarc}
    return case(name, why, words=words, zone=zone, **{"connection": SENT_AS_VICTIM} | more)


def control(name: str, why: str, zone: Mapping[str, Any], **more: Any) -> Case:
    """What must pass, and be aligned: without it, a check that refuses everything would look safe."""
    words = {"spf": "pass", "dmarc": "pass"}
    return case(name, why, words=words, zone=zone, **{"connection": SENT_AS_VICTIM} | more)


def hosts(count: int, prefix: str = "h", address: str = "198.51.100.1") -> dict[str, Any]:
    return {f"{prefix}{n}.example.org": {"A": [address]} for n in range(count)}


# --- C1


def chain(length: int, link: str, end: str) -> dict[str, Any]:
    """Records that lead from one to the next by include or redirect, and the last one ends."""
    names = [VICTIM, *(f"c{n}.example.org" for n in range(1, length + 1))]
    zone = {
        name: {"TXT": [f"v=spf1 {link}{names[n + 1]}" + ("" if link == "redirect=" else " -all")]}
        for n, name in enumerate(names[:-1])
    }
    return {**zone, names[-1]: {"TXT": [f"v=spf1 {end}"]}}


def terms() -> Iterator[Case]:
    why = "RFC 7208 §4.6.4: at most 10 terms that cost DNS, in the whole tree; the 11th is a permerror"
    reverse = "66.113.0.203.in-addr.arpa"
    others = {
        "a": ({"A": ["198.51.100.1"]}, {}),
        "mx": ({"MX": [[10, "mx.example.org"]]}, {"mx.example.org": {"A": ["198.51.100.1"]}}),
        "exists": ({"TXT": ["no address"], "A": []}, {}),
        "ptr": ({}, {reverse: {"PTR": ["p.example.net"]}, "p.example.net": {"A": [ATTACKER_IP]}}),
        "include": ({"TXT": ["v=spf1 -all"]}, {}),
    }
    for kind, (node, more) in others.items():
        for count in (10, 11, 60):
            targets = {f"t{n}.example.org": node for n in range(count)}
            text = " ".join(f"{kind}:{name}" for name in targets)
            zone = {**record(f"v=spf1 {text} {HERE} -all"), **targets, **more}
            # An exists that finds nothing is void as well: there the 3rd ends it
            if count == 10 and kind != "exists":
                yield control(f"C1.control-10-{kind}", why, zone)
            elif kind != "exists" or count > 10:
                yield refused(f"C1.{count}-{kind}", why, zone, "permerror")
    for link in ("include:", "redirect="):
        name = link[:-1]
        yield control(f"C1.control-10-nested-{name}", why, chain(10, link, f"{HERE} -all"))
        yield refused(f"C1.11-nested-{name}", why, chain(11, link, f"{HERE} -all"), "permerror")
        yield refused(f"C1.50-nested-{name}", why, chain(50, link, "+all"), "permerror")
    mixed = {
        **hosts(12),
        "i.example.org": {"TXT": ["v=spf1 a:h0.example.org a:h1.example.org a:h2.example.org a:h3.example.org -all"]},
    }
    ten = "include:i.example.org a:h4.example.org a:h5.example.org a:h6.example.org a:h7.example.org a:h8.example.org"
    yield control("C1.control-10-mixed", why, {**record(f"v=spf1 {ten} {HERE} -all"), **mixed})
    text = f"v=spf1 {ten} a:h9.example.org {HERE} -all"
    yield refused("C1.11-mixed", why, {**record(text), **mixed}, "permerror")
    inside = {**hosts(12), "i.example.org": {"TXT": [f"v=spf1 a:h10.example.org {HERE} -all"]}}
    every_ten = " ".join(f"a:h{n}.example.org" for n in range(10))
    yield refused(
        "C1.11th-is-the-include",
        why,
        {**record(f"v=spf1 {every_ten} include:i.example.org -all"), **inside},
        "permerror",
    )
    only_nine = " ".join(f"a:h{n}.example.org" for n in range(9))
    yield refused(
        "C1.11th-inside-the-include",
        why,
        {**record(f"v=spf1 {only_nine} include:i.example.org -all"), **inside},
        "permerror",
    )
    yield refused(
        "C1.11th-would-match", why, {**record(f"v=spf1 {every_ten} a -all", A=[ATTACKER_IP]), **hosts(12)}, "permerror"
    )
    yield refused(
        "C1.11th-is-redirect", why, {**record(f"v=spf1 {every_ten} redirect=i.example.org"), **inside}, "permerror"
    )
    yield refused(
        "C1.plus-all-behind-the-11th",
        why,
        {**record(f"v=spf1 {every_ten} a:h10.example.org +all"), **hosts(12)},
        "permerror",
    )
    match = f"v=spf1 {HERE} {every_ten} a:h10.example.org a:h11.example.org -all"
    yield control(
        "C1.control-match-before-the-limit",
        "RFC 7208 §4.6.4: terms that are not reached do not count",
        {**record(match), **hosts(12)},
    )
    free = " ".join(["ip4:198.51.100.1", "ip6:2001:db8::1"] * 30)
    yield control(
        "C1.control-ip4-is-free", "RFC 7208 §4.6.4: ip4 and ip6 cost nothing", record(f"v=spf1 {free} {HERE} -all")
    )
    yield refused(
        "C1.p-macro-is-the-11th",
        "RFC 7208 §4.6.4: %{p} costs what ptr costs (Choice: one term, the first time)",
        {**record(f"v=spf1 {every_ten} exists:%{{p}}.example.org {HERE} -all"), **hosts(12), **others["ptr"][1]},
        "permerror",
    )
    yield refused(
        "C1.p-macro-and-nine-others",
        "RFC 7208 §4.6.4: exists is the 10th term, its %{p} the 11th",
        {**record(f"v=spf1 {only_nine} exists:%{{p}} {HERE} -all"), **hosts(12), **others["ptr"][1]},
        "permerror",
    )


def voids() -> Iterator[Case]:
    why = "RFC 7208 §4.6.4: at most two lookups find nothing; the third is a permerror"
    gone = [f"gone{n}.example.org" for n in range(4)]
    absent = dict.fromkeys(gone, "NXDOMAIN")
    # Empty of everything, but there
    bare = {f"bare{n}.example.org": {"TXT": ["nothing"]} for n in range(4)}
    lists = {
        "a": " ".join(f"a:{name}" for name in gone),
        "mx": " ".join(f"mx:{name}" for name in gone),
        "exists": " ".join(f"exists:{name}" for name in gone),
        "mx-without-records": " ".join(f"mx:{name}" for name in bare),
        "exists-without-records": " ".join(f"exists:{name}" for name in bare),
        "mixed": f"a:{gone[0]} mx:{gone[1]} exists:{gone[2]} a:{gone[3]}",
    }
    for name, text in lists.items():
        two, three = " ".join(text.split()[:2]), " ".join(text.split()[:3])
        yield control(f"C1.control-2-void-{name}", why, {**record(f"v=spf1 {two} {HERE} -all"), **absent, **bare})
        yield refused(
            f"C1.3-void-{name}", why, {**record(f"v=spf1 {three} {HERE} -all"), **absent, **bare}, "permerror"
        )
        yield refused(
            f"C1.3-void-{name}-strict",
            why,
            {**record(f"v=spf1 {three} {HERE} -all"), **absent, **bare},
            "permerror",
            options=STRICT,
        )
    yield refused(
        "C1.3rd-void-in-last-term",
        f"{why}, also where nothing follows that could match",
        {**record("v=spf1 a:gone0.example.org a:gone1.example.org a:gone2.example.org"), **absent},
        "permerror",
    )
    inner = {"i.example.org": {"TXT": ["v=spf1 a:gone0.example.org a:gone1.example.org -all"]}, **absent}
    yield refused(
        "C1.3rd-void-behind-include",
        why,
        {**record(f"v=spf1 include:i.example.org a:gone2.example.org {HERE} -all"), **inner},
        "permerror",
    )
    yield refused(
        "C1.3rd-void-inside-include",
        why,
        {**record(f"v=spf1 a:gone2.example.org include:i.example.org {HERE} -all"), **inner},
        "permerror",
    )
    deep = {
        "i.example.org": {"TXT": [f"v=spf1 a:gone0.example.org a:gone1.example.org a:gone2.example.org {HERE} -all"]},
        **absent,
    }
    yield refused(
        "C1.3-void-inside-include", why, {**record(f"v=spf1 include:i.example.org {HERE} -all"), **deep}, "permerror"
    )
    yield refused("C1.3-void-behind-redirect", why, {**record("v=spf1 redirect=i.example.org"), **deep}, "permerror")
    exchanges = {"MX": [[n, f"gone{n}.example.org"] for n in range(3)]}
    three_hosts = {**record(f"v=spf1 mx {HERE} -all", **exchanges), **absent}
    yield control("C1.control-one-mx-with-3-void-hosts", "Choice D25: a term is void once at most", three_hosts)
    yield refused(
        "C1.one-mx-with-3-void-hosts-strict",
        "RFC 7208 §4.6.4, strict: each query counts",
        three_hosts,
        "permerror",
        options=STRICT,
    )
    family = {f"v6-{n}.example.org": {"AAAA": ["2001:db8::1"]} for n in range(3)}
    other = {**record(f"v=spf1 a:v6-0.example.org a:v6-1.example.org a:v6-2.example.org {HERE} -all"), **family}
    yield control("C1.control-other-family-is-not-void", "Choice D25: the names exist", other)
    yield refused("C1.other-family-is-void-strict", "RFC 7208 §4.6.4, strict", other, "permerror", options=STRICT)
    macros = {
        **record(
            f"v=spf1 exists:%{{i}}.a.example.org exists:%{{s}}.b.example.org exists:%{{h}}.c.example.org {HERE} -all"
        )
    }
    yield refused("C1.3-void-with-macros", why, macros, "permerror")


def exchanges() -> Iterator[Case]:
    why = "RFC 7208 §4.6.4: more than 10 MX names is a permerror, also when an early one would match"
    for count in (10, 11, 200):
        for place in (0, count - 1):
            node = {"MX": [[n, f"h{n}.example.org"] for n in range(count)]}
            zone = {**record("v=spf1 mx -all", **node), **hosts(count), f"h{place}.example.org": {"A": [ATTACKER_IP]}}
            at = "first" if place == 0 else "last"
            if count == 10:
                yield control(f"C1.control-10-exchanges-{at}-matches", why, zone)
            else:
                yield refused(f"C1.{count}-exchanges-{at}-matches", why, zone, "permerror")
    reverse = "66.113.0.203.in-addr.arpa"
    only = "RFC 7208 §4.6.4: only the first 10 names of the client are used; the 11th is as if it were not there"
    for place in (9, 10, 199):
        names = [f"p{n}.example.org" for n in range(max(place + 1, 11))]
        names[place] = f"p.{VICTIM}"
        zone = {
            **record("v=spf1 ptr -all"),
            reverse: {"PTR": names},
            **{name: {"A": [ATTACKER_IP]} for name in names},
        }
        if place == 9:
            yield control("C1.control-10th-name-of-client", only, zone)
        else:
            yield refused(f"C1.name-{place + 1}-of-client", only, zone, "fail")
    forged = {**record("v=spf1 ptr -all"), reverse: {"PTR": [f"mail.{VICTIM}"]}, f"mail.{VICTIM}": {"A": [VICTIM_IP]}}
    yield refused(
        "C1.forged-name-of-client", "RFC 7208 §5.5: a name that does not lead back is not validated", forged, "fail"
    )
    suffix = {**record("v=spf1 ptr -all"), reverse: {"PTR": [f"not{VICTIM}"]}, f"not{VICTIM}": {"A": [ATTACKER_IP]}}
    yield refused("C1.name-of-client-with-victims-end", "RFC 7208 §5.5: the target or below it", suffix, "fail")


# --- C2


def amplification() -> Iterator[Case]:
    why = "RFC 7208 §11.1, choice: one check makes at most 60 queries, whatever the terms allow"
    wide = {
        f"m{n}.example.org": {"MX": [[m, f"h{n}-{m}.example.org"] for m in range(10)]} for n in range(10)
    }  # fmt: skip
    leaves = {f"h{n}-{m}.example.org": {"A": ["198.51.100.1"]} for n in range(10) for m in range(10)}
    text = " ".join(f"mx:m{n}.example.org" for n in range(10))
    tree = {**record(f"v=spf1 {text} {HERE} -all"), **wide, **leaves}
    alone: dict[str, Any] = {"connection": AS_VICTIM_ALONE, "options": MFROM}
    words = {"spf": "permerror"}
    yield case("C2.10-mx-with-10-hosts", why, words=words, zone=tree, questions=61, **alone)
    yield refused(
        "C2.10-mx-with-10-hosts-and-everything", f"{why}; all checks together 100", tree, "permerror", questions=100
    )
    twice = Connection(ip=ATTACKER_IP, helo=VICTIM, mail_from=f"anna@{VICTIM}")
    yield refused(
        "C2.helo-and-mail-from",
        "decisions: 100 questions a message, each asked once",
        tree,
        "permerror",
        connection=twice,
    )
    four = " ".join(f"mx:m{n}.example.org" for n in range(4))
    few = {**record(f"v=spf1 {four} {HERE} -all"), **wide, **leaves}
    yield case("C2.control-4-mx-with-10-hosts", why, words={"spf": "pass"}, zone=few, questions=60, **alone)
    reverse = "66.113.0.203.in-addr.arpa"
    many = [f"p{n}.example.org" for n in range(200)]
    names = {reverse: {"PTR": many}, **{name: {"A": [ATTACKER_IP]} for name in many}}
    yield case(
        "C2.200-names-of-the-client",
        "RFC 7208 §4.6.4: ten names are looked up, of two hundred",
        words={"spf": "fail"},
        zone={**record("v=spf1 ptr -all"), **names},
        questions=12,
        **alone,
    )
    yield case(
        "C2.ptr-ten-times",
        "RFC 7208 §5.5: the client's names are looked up once",
        words={"spf": "fail"},
        zone={**record("v=spf1 " + " ".join(f"ptr:x{n}.example.com" for n in range(10)) + " -all"), **names},
        questions=12,
        **alone,
    )
    yield case(
        "C2.reverse-name-of-200",
        "decisions: ten names of the client are looked up for iprev",
        words={"spf": "fail"},
        zone=names,
        connection=AS_VICTIM_ALONE,
        options=Options(checks=frozenset({"spf", "iprev"})),
        questions=15,
    )
    long = " ".join(f"a:t{n}.example.org" for n in range(400))
    yield case(
        "C2.400-terms",
        "RFC 7208 §4.6.4: the 11th term ends it; questions ahead of need are bounded too",
        words={"spf": "permerror"},
        zone={**record(f"v=spf1 {long} -all"), **{f"t{n}.example.org": {"A": ["198.51.100.1"]} for n in range(400)}},
        questions=21,
        **alone,
    )
    fan = {f"i{n}.example.org": {"TXT": [f"v=spf1 {long}"]} for n in range(10)}
    text = " ".join(f"include:{name}" for name in fan)
    yield case(
        "C2.includes-with-400-terms-each",
        "RFC 7208 §4.6.4: the count is of the whole tree",
        words={"spf": "permerror"},
        zone={**record(f"v=spf1 {text} -all"), **fan, **hosts(1)},
        questions=40,
        **alone,
    )
    explained = {
        f"e{n}.example.org": {"TXT": [f"v=spf1 exp=why{n}.example.org -all"]} for n in range(9)
    }  # fmt: skip
    text = " ".join(f"include:{name}" for name in explained)
    yield case(
        "C2.explanations-of-includes",
        "RFC 7208 §6.2: the exp= of an included record is never used, so never asked for",
        words={"spf": "fail"},
        zone={**record(f"v=spf1 {text} -all"), **explained},
        questions=10,
        **alone,
    )
    yield case(
        "C2.explanation-of-a-pass",
        "RFC 7208 §6.2: an explanation is of a fail",
        words={"spf": "pass"},
        zone=record(f"v=spf1 {HERE} exp=why.example.org -all"),
        questions=1,
        **alone,
    )
    yield case(
        "C2.redirect-behind-a-match",
        "RFC 7208 §6.1: redirect is used when nothing matches; here all is certain at once",
        words={"spf": "pass"},
        zone=record(f"v=spf1 {HERE} redirect=r.example.org"),
        questions=1,
        **alone,
    )


# --- C3, C8


def errors() -> Iterator[Case]:
    temporary = "RFC 7208 §4.4, §5: no answer from DNS ends the check in temperror, whatever stands behind"
    texts = {
        "include": "include:x.example.org", "a": "a:x.example.org", "mx": "mx:x.example.org",
        "exists": "exists:x.example.org", "redirect": "redirect=x.example.org",
    }  # fmt: skip
    for fault in ("SERVFAIL", "TIMEOUT", "REFUSED"):
        for name, text in texts.items():
            rest = "" if name == "redirect" else f" {HERE} +all"
            zone = {**record(f"v=spf1 {text}{rest}"), "x.example.org": fault}
            words = {"spf": first("temperror", frozenset({"permerror"})), "dmarc": "temperror|fail"}
            yield case(f"C8.{name}-{fault.lower()}", temporary, words=words, zone=zone, connection=SENT_AS_VICTIM)
        zone = {VICTIM: fault}
        words = {"spf": "temperror", "dmarc": "temperror|fail"}
        yield case(f"C3.record-{fault.lower()}", temporary, words=words, zone=zone, connection=SENT_AS_VICTIM)
    yield case(
        "C3.record-times-out-by-fault",
        temporary,
        words={"spf": "temperror", "dmarc": "temperror|fail"},
        connection=SENT_AS_VICTIM,
        faults={(VICTIM, "TXT"): "TIMEOUT"},
    )
    words = {"spf": "temperror", "dmarc": "fail"}
    foreign = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=f"evil@{ATTACKER}")
    for fault in ("SERVFAIL", "TIMEOUT", "REFUSED"):
        why = "Choice D22: trouble with a MAIL FROM domain that cannot align leaves a fail a fail"
        yield case(f"C3.own-record-{fault.lower()}", why, words=words, zone={ATTACKER: fault}, connection=foreign)
    host = {**record(f"v=spf1 mx {HERE} -all", MX=[[10, "x.example.org"]]), "x.example.org": "SERVFAIL"}
    words = {"spf": first("temperror", frozenset({"permerror"})), "dmarc": "temperror|fail"}
    yield case("C8.mx-host-servfail", temporary, words=words, zone=host, connection=SENT_AS_VICTIM)
    inside = {
        **record(f"v=spf1 include:i.example.org {HERE} +all"),
        "i.example.org": {"TXT": ["v=spf1 a:x.example.org -all"]},
        "x.example.org": "TIMEOUT",
    }
    yield case("C8.host-inside-include-times-out", temporary, words=words, zone=inside, connection=SENT_AS_VICTIM)
    nested = {
        **record("v=spf1 include:i.example.org +all"),
        "i.example.org": {"TXT": ["v=spf1 redirect=x.example.org"]},
        "x.example.org": "SERVFAIL",
    }
    yield case("C8.redirect-inside-include-servfail", temporary, words=words, zone=nested, connection=SENT_AS_VICTIM)
    reverse = {**record("v=spf1 ptr -all"), "66.113.0.203.in-addr.arpa": "SERVFAIL"}
    yield refused("C8.ptr-servfail", "RFC 7208 §5.5: trouble with the client's name is no match", reverse, "fail")
    loop = {"x.example.org": {"CNAME": ["y.example.org"]}, "y.example.org": {"CNAME": ["x.example.org"]}}
    yield case(
        "C8.include-of-an-alias-loop",
        "RFC 7208 §4.4: a loop of aliases is no answer",
        words=words,
        zone={**record("v=spf1 include:x.example.org +all"), **loop},
        connection=SENT_AS_VICTIM,
    )
    include = "RFC 7208 §5.2: an include whose domain has no record, or a wrong one, is a permerror"
    targets = {
        "nxdomain": "NXDOMAIN",
        "without-record": {"TXT": ["hello"]},
        "without-txt": {"A": ["198.51.100.1"]},
        "two-records": {"TXT": ["v=spf1 +all", "v=spf1 -all"]},
        "two-equal-records": {"TXT": ["v=spf1 +all", "v=spf1 +all"]},
        "syntax-error": {"TXT": ["v=spf1 +all foo:bar"]},
        "8-bit": {"TXT": ["v=spf1 +all x=\udcff"]},
        "other-version": {"TXT": ["v=spf10 +all"]},
        "itself": {"TXT": ["v=spf1 include:x.example.org +all"]},
        "the-first": {"TXT": [f"v=spf1 include:{VICTIM} +all"]},
        "redirect-to-itself": {"TXT": ["v=spf1 redirect=x.example.org"]},
        "redirect-to-the-first": {"TXT": [f"v=spf1 redirect={VICTIM}"]},
        "redirect-to-nothing": {"TXT": ["v=spf1 redirect=gone.example.org"]},
    }
    for name, node in targets.items():
        yield refused(
            f"C8.include-{name}",
            include,
            {**record(f"v=spf1 include:x.example.org {HERE} +all"), "x.example.org": node},
            "permerror",
        )
        redirect = "RFC 7208 §6.1: a redirect to no record, or to a wrong one, is a permerror"
        yield refused(
            f"C8.redirect-{name}",
            redirect,
            {**record("v=spf1 redirect=x.example.org"), "x.example.org": node},
            "permerror",
        )
    loops = "RFC 7208 §4.6.4: a loop ends at the limit of terms"
    yield refused("C8.includes-itself", loops, record(f"v=spf1 include:{VICTIM} {HERE} -all"), "permerror")
    yield refused("C8.redirects-to-itself", loops, record(f"v=spf1 redirect={VICTIM}"), "permerror")
    yield refused("C8.includes-itself-by-macro", loops, record(f"v=spf1 include:%{{d}} {HERE} -all"), "permerror")
    grows = {"*.example.com": {"TXT": ["v=spf1 include:x.%{d} +all"]}, **record("v=spf1 include:x.%{d} +all")}
    yield refused("C8.includes-ever-longer-names", loops, grows, "permerror", questions=100)
    deny = {**record("v=spf1 include:x.example.org -all"), "x.example.org": {"TXT": ["v=spf1 -all"]}}
    yield refused("C8.include-that-fails", "RFC 7208 §5.2: a fail inside is no match", deny, "fail")
    for result, qualifier in (("softfail", "~"), ("neutral", "?")):
        zone = {**record("v=spf1 include:x.example.org -all"), "x.example.org": {"TXT": [f"v=spf1 {qualifier}all"]}}
        yield refused(f"C8.include-of-{result}", "RFC 7208 §5.2: only a pass inside matches", zone, "fail")
        zone = {**record(f"v=spf1 {qualifier}include:x.example.org -all"), "x.example.org": {"TXT": ["v=spf1 +all"]}}
        yield refused(
            f"C8.include-with-{result}", "RFC 7208 §4.6.2: the qualifier of the include is the result", zone, result
        )
    empty = {**record("v=spf1 include:x.example.org -all"), "x.example.org": {"TXT": ["v=spf1"]}}
    yield refused("C8.include-of-empty-record", "RFC 7208 §4.7, §5.2: neutral is no match", empty, "fail")
    unused = {**record("v=spf1 -all redirect=x.example.org"), "x.example.org": {"TXT": ["v=spf1 +all"]}}
    yield refused("C8.redirect-beside-all", "RFC 7208 §6.1: with all, redirect is ignored", unused, "fail")
    first_redirect = {**record("v=spf1 redirect=x.example.org -all"), "x.example.org": {"TXT": ["v=spf1 +all"]}}
    yield refused("C8.redirect-before-all", "RFC 7208 §6.1: wherever it stands", first_redirect, "fail")
    good = {**record("v=spf1 include:x.example.org -all"), "x.example.org": {"TXT": [f"v=spf1 {HERE} -all"]}}
    yield control("C8.control-include", "RFC 7208 §5.2", good)


# --- C4


def syntax() -> Iterator[Case]:
    why = "RFC 7208 §4.6: the whole record is judged before anything matches; an error anywhere is a permerror"
    for name, term in {
        "unknown-mechanism": "foo", "unknown-with-value": "foo:bar", "ipv4": f"ipv4:{ATTACKER_IP}",
        "redirect-with-colon": "redirect:example.org", "exp-with-colon": "exp:x.example.org",
        "all-with-value": "all:", "all-with-dot": "all.", "all-with-cidr": "all/8", "two-qualifiers": "+-all",
        "qualifier-alone": "+", "include-alone": "include",
        "include-empty": "include:", "include-with-cidr": "include:example.org/24", "a-empty": "a:",
        "a-top-level": "a:museum", "a-numeric": "a:192.0.2.1", "mx-empty": "mx:", "exists-alone": "exists",
        "exists-with-cidr": "exists:example.org/24", "ptr-with-cidr": "ptr/24", "ptr-empty": "ptr:", "a-v4-33": "a/33",
        "a-v6-129": "a//129", "a-leading-zero": "a/024", "a-cidr-empty": "a/",
        "a-three-slashes": "a/24//64//64", "redirect-twice": "redirect=a.example.org redirect=b.example.org",
        "exp-twice": "exp=a.example.org exp=b.example.org", "exp-empty": "exp=",
        "redirect-empty": "redirect=", "equals-first": "=x", "modifier-bad-macro": "x=%",
        "modifier-bad-letter": "x=%{z}", "macro-open": "a:%{d", "macro-no-letter": "a:%{}.example.org",
        "macro-zero-parts": "a:%{d0}.example.org", "macro-bad-delimiter": "a:%{d2;}.example.org",
        "macro-c-outside-exp": "a:%{c}.example.org", "percent": "a:%example.org",
        "macro-reverse-first": "a:%{dr2}.example.org",
        "comma": f"{HERE},-all", "semicolon": f"{HERE}; -all", "quote": '"', "zone-style": "\\",
        "name-with-underscore-first": "_x:y", "digit-first": "4ip:x",
    }.items():  # fmt: skip
        yield refused(f"C4.{name}", why, record(f"v=spf1 {HERE} {term} +all"), "permerror")
    for name, text in {
        "tab": f"v=spf1 {HERE}\t+all", "newline": f"v=spf1 {HERE}\n+all", "crlf": f"v=spf1 {HERE}\r\n +all",
        "nul": f"v=spf1 {HERE} \x00+all", "8-bit": f"v=spf1 {HERE} +all\udcff",
        "utf-8": f"v=spf1 {HERE} exp=ü.example.org +all", "8-bit-in-unknown": f"v=spf1 {HERE} x=\udce4",
        "no-break-space": f"v=spf1\u00a0{HERE} +all", "delete": f"v=spf1 {HERE} x=\x7f",
    }.items():  # fmt: skip
        word = "none" if name == "no-break-space" else "permerror"
        yield refused(f"C4.{name}", "RFC 7208 §4.5, §4.6.1: US-ASCII, and spaces between terms", record(text), word)
    several = "RFC 7208 §4.5: more than one record is a permerror, equal ones too"
    good = f"v=spf1 {HERE} -all"
    yield refused("C4.two-records", several, record([good, "v=spf1 -all"]), "permerror")
    yield refused("C4.two-equal-records", several, record([good, good]), "permerror")
    yield refused("C4.record-and-bare-version", several, record([good, "v=spf1"]), "permerror")
    yield refused("C4.record-in-two-cases", several, record([good, good.upper()]), "permerror")
    yield refused("C4.100-records", several, record([good] * 100), "permerror")
    no_record = "RFC 7208 §4.5: only a text that begins with v=spf1 and a space, or ends there, is a record"
    for name, text in {
        "version-10": f"v=spf10 {HERE}", "version-1.0": f"v=spf1.0 {HERE}", "version-2": f"v=spf2 {HERE}",
        "sender-id": f"spf2.0/mfrom {HERE}", "no-space": f"v=spf1{HERE}",
        "space-first": f" v=spf1 {HERE}", "quoted": f'"v=spf1 {HERE}"', "tab-behind-version": f"v=spf1\t{HERE}",
        "no-version": f"{HERE} +all", "bom": f"\ufeffv=spf1 {HERE}", "empty": "",
        "spaces-inside": f"v = spf1 {HERE}", "in-the-middle": f"see v=spf1 {HERE}", "nul-first": f"\x00v=spf1 {HERE}",
    }.items():  # fmt: skip
        yield refused(f"C4.no-record-{name}", no_record, record(text), "none")
    yield control(
        "C4.control-other-8-bit-text",
        "RFC 7208 §4.5: other texts do not matter",
        record(["\udcff\udcfe", "v=spf10 x", good]),
    )
    yield control("C4.control-upper-case", "RFC 7208 §4.5, §12: no case", record(f"V=SPF1 IP4:{ATTACKER_IP} -ALL"))
    yield control(
        "C4.control-split-strings",
        "RFC 7208 §3.3: strings are joined with nothing between",
        record([["v=sp", "f1 ip4:203.0.", "113.66 -all"]]),
    )
    yield control(
        "C4.control-many-spaces", "RFC 7208 §4.6.1: one or more spaces", record(f"v=spf1    {HERE}   -all   ")
    )
    yield control("C4.control-unknown-modifier", "RFC 7208 §6: ignored", record(f"v=spf1 x=y.%{{d}} {HERE} -all"))
    yield refused(
        "C4.split-strings-with-space-lost",
        "RFC 7208 §3.3: nothing is added between",
        record([[f"v=spf1 {HERE}", "-all"]]),
        "permerror",
    )


# --- C5


def bombs() -> Iterator[Case]:
    why = "RFC 7208 §12: no such number in the grammar; the record is a permerror, and nothing raises"
    nines = "9" * 5_000
    for name, term in {
        "ip4-prefix": f"{HERE}/{nines}", "ip4-prefix-33": f"{HERE}/33", "ip4-prefix-zeros": f"{HERE}/{'0' * 5000}",
        "ip4-prefix-032": f"{HERE}/032", "ip4-octet": f"ip4:203.0.113.{nines}", "ip4-octet-256": "ip4:203.0.113.256",
        "ip4-octet-066": "ip4:203.0.113.066", "ip4-three-octets": "ip4:203.0.113",
        "ip4-hexadecimal": "ip4:0xcb.0.113.66", "ip4-one-number": "ip4:3405803842", "ip4-negative": f"{HERE}/-1",
        "ip4-arabic": "ip4:٢٠٣.0.113.66",
        "ip6-prefix": f"ip6:::/{nines}", "ip6-prefix-129": "ip6:::/129", "ip6-zone": "ip6:fe80::1%25eth0",
        "ip6-long": "ip6:" + ":" * 5_000, "ip6-groups": "ip6:" + "0:" * 5_000 + "0", "ip6-brackets": "ip6:[::]/0",
        "a-prefix": f"a/{nines}", "mx-prefix-6": f"mx//{nines}", "a-prefix-plus": "a/+8",
        "macro-zeros": f"a:%{{d{'0' * 5000}}}.example.org",
    }.items():  # fmt: skip
        yield refused(f"C5.{name}", why, record(f"v=spf1 {term} +all"), "permerror")
    large = "RFC 7208 §7.1: a number of parts may be large; more than there are means all"
    yield refused(
        "C5.macro-5000-digits", large, record(f"v=spf1 exists:%{{d{nines}}}.example.org -all"), "fail", dmarc="fail"
    )
    yield control(
        "C5.control-macro-128-parts",
        large,
        {**record("v=spf1 exists:%{d128}.x.example.org -all"), "example.com.x.example.org": {"A": ["127.0.0.2"]}},
    )
    names = "RFC 7208 §4.8, choice D1: a name that DNS cannot hold, or holds as other characters, matches nothing"
    for name, term in {
        "escape": "a:\\300.example.org", "escaped-dot": "a:a\\.b.example.org", "quotes": 'a:"x".example.org',
        "64-octet-label": "a:" + "a" * 64 + ".example.org", "empty-label": "a:a..example.org",
        "leading-dot": "a:.example.org", "300-octets": "a:" + "a." * 150 + "org",
        "label-of-macro": "a:%{s}%{s}%{s}%{s}.example.org", "spaces-of-macro": "a:%_%_.example.org",
        "percent-of-macro": "a:%%.example.org",
        "long-macro": "exists:" + "%{s}" * 40 + ".example.org",
        "16-kB-of-macros": "exists:" + "%{o}." * 2_000 + "example.org", "at-sign": "a:a@b.example.org",
        "angle": "a:<x>.example.org",
    }.items():  # fmt: skip
        yield refused(f"C5.name-{name}", names, record(f"v=spf1 {term} -all"), "fail")
    null = {**record("v=spf1 mx -all", MX=[[0, "."]])}
    yield refused("C5.null-mx", "RFC 7505 §3, RFC 7208 §5.4: the null MX names no host", null, "fail")
    no_host = {**record("v=spf1 mx -all", MX=[[10, ""], [20, "a..b"], [30, "x" * 64 + ".example.org"]])}
    yield refused("C5.mx-of-no-names", "RFC 7208 §5.4: what DNS cannot hold has no address", no_host, "fail")
    implicit = record("v=spf1 mx -all", A=[ATTACKER_IP])
    yield refused("C5.no-implicit-mx", "RFC 7208 §5.4: without MX records the A record is not used", implicit, "fail")
    zero = record("v=spf1 a:none.example.org/0 -all")
    yield refused("C5.a-without-address-under-0", "RFC 7208 §5.3: no address, no match, under any prefix", zero, "fail")
    size = "An SPF record of more than 16 kB is none that a mail domain needs (choice); one within is read to the end"
    yield refused("C5.record-60-kB", size, record("v=spf1 " + "ip4:198.51.100.1 " * 3_500 + "+all"), "permerror")
    yield control("C5.control-record-15-kB", size, record("v=spf1 " + "ip4:198.51.100.1 " * 880 + f"{HERE} -all"))
    identity = "RFC 7208 §4.3: an identity that is no domain name has no result, and is not asked for"
    for name, domain in {
        "256-octets": "a." * 126 + "test", "5000-octets": "a." * 2_500 + "test", "64-octet-label": "a" * 64 + ".test",
        "surrogate": "exam\udcffple.com", "empty-label": "example..com", "leading-dot": ".example.com",
        "single-label": "com", "literal-6": "[IPv6:2001:db8::1]", "numbers": "[203.0.113.66]",
        "escape": "example\\300.com", "nul": "example\x00.com", "full-width": "ｅxample.com",
    }.items():  # fmt: skip
        sender = Connection(ip=ATTACKER_IP, helo=domain, mail_from=f"anna@{domain}")
        words = {
            "spf": first("none", frozenset({"permerror"})),
            "helo_spf": first("none", frozenset({"permerror"})),
            "dmarc": "fail",
        }
        yield case(f"C5.identity-{name}", identity, words=words, connection=sender)
    local = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from="x" * 50_000 + f"@{VICTIM}")
    yield refused(
        "C5.local-part-50-kB",
        "RFC 7208 §7.3",
        record("v=spf1 exists:%{l}.example.org exists:%{L}.example.org -all"),
        "fail",
        connection=local,
    )
    dots = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from="x" + ".x" * 20_000 + f"@{VICTIM}")
    yield refused(
        "C5.local-part-of-dots",
        "RFC 7208 §7.3",
        record("v=spf1 exists:%{lr}.example.org -all"),
        "fail",
        connection=dots,
    )
    utf8 = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=f"änna@{VICTIM}")
    zone = {**record("v=spf1 exists:%{l}.example.org -all"), "*.example.org": {"A": ["127.0.0.2"]}}
    yield refused(
        "C5.local-part-not-ascii", "RFC 8616 §4: a term with %{l} does not match then", zone, "fail", connection=utf8
    )


# --- C6

PATHS = {
    # what stands in MAIL FROM: the domain that SPF may pass for is the attacker's, or there is none
    "open-comment": "(any@example.com",
    "comment-behind": "any@example.com(a.example.net",
    "comment-closed": "any@example.com(a).example.net",
    "quote-and-at": "any@example.com'@a.example.net",
    "quote-behind": "any@example.com'.example.net",
    "double-quote-behind": 'any@example.com".example.net',
    "list": "any@example.com,any@example.net",
    "angle-inside": "<any@example.com>any@example.net",
    "two-angles": "<any@example.com><any@example.net>",
    "nested-angles": "<<any@example.com>>",
    "nul": "any@example.com\x00@example.net",
    "nul-and-dot": "any@example.com\x00.example.net",
    "quoted-local-part": '"any@example.com"@example.net',
    "quoted-open": '"any@example.com@example.net',
    "escaped-quote": '"any\\"@example.com"@example.net',
    "source-route": "@example.com:any@example.net",
    "source-route-of-two": "@example.net,@example.com:any@example.net",
    "two-ats": "any@example.net@example.com",
    "two-ats-other-way": "any@example.com@example.net",
    "percent": "any%example.com@example.net",
    "bang": "example.com!any@example.net",
    "slash": "any@example.com/@example.net",
    "hash": "any@example.com#.example.net",
    "blank": "any@example.com .example.net",
    "blank-and-address": "any@example.com any@example.net",
    "tab": "any@example.com\t.example.net",
    "newline": "any@example.com\r\nX: any@example.net",
    "escape": "any@example.com\\046example.net",
    "at-first": "@example.com",
    "literal": "any@[203.0.113.66]",
    "no-at": "example.com",
    "no-domain": "any@",
    "ideographic-dot": "any@example\u3002com",
    "one-dot-leader": "any@example\u2024com",
    "full-width-at": "any\uff20example.com",
    "zero-width": "any@exam\u200bple.com",
    "soft-hyphen": "any@exam\u00adple.com",
    "prefix": "any@example.com.example.net",
    "suffix": "any@notexample.com",
    "hyphen": "any@www-example.com",
    "sub-domain-that-is-not": "any@nothing.example.com",
    "underscore": "any@_spf.example.com",
    "sub-domain-of-attacker": "any@example.com.a.example.net",
    "bidi": "any@\u202emoc.elpmaxe",
    "semicolon": "any@example.com;.example.net",
    "result-in-local-part": '"x; dkim=pass header.d=example.com"@example.net',
    "8-bit": "any@example.com\udcff.example.net",
}


def identities() -> Iterator[Case]:
    zone = {
        f"*.{ATTACKER}": {"TXT": ["v=spf1 +all"]},
        f"not{VICTIM}": {"TXT": ["v=spf1 +all"]},
        f"www-{VICTIM}": {"TXT": ["v=spf1 +all"]},
        "com": {"TXT": ["v=spf1 +all"]},
    }
    why = "RFC 5321 §4.1.2, RFC 7208 §2.4, RFC 9989 §4.4.2: whatever SPF says of this path, it is not of example.com"
    for name, path in PATHS.items():
        sender = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=path)
        yield case(f"C6.path-{name}", why, words={"dmarc": "fail"}, zone=zone, connection=sender)
        null = Connection(ip=ATTACKER_IP, helo=path.rpartition("@")[2], mail_from="")
        yield case(f"C6.helo-{name}", f"{why}; nor of HELO", words={"dmarc": "fail"}, zone=zone, connection=null)
    fails = "RFC 7208 §4.6.2: this is the victim's domain, and the client is not his"
    for name, path in {
        "plain": "any@example.com", "angles": "<any@example.com>", "upper-case": "any@EXAMPLE.COM",
        "final-dot": "any@example.com.", "quoted": '"any"@example.com', "quoted-blank": '" "@example.com',
        "quoted-attacker": '"any@example.net"@example.com', "route-of-attacker": "@example.net:any@example.com",
        "percent": "any%example.net@example.com", "plus": "any+x@example.com",
    }.items():  # fmt: skip
        sender = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=path)
        yield refused(f"C6.of-victim-{name}", fails, {}, "fail", connection=sender)
    helo = (
        "CVE-2019-20790, RFC 9989 §4.4.2: HELO passes for the victim, but MAIL FROM is the attacker's and counts alone"
    )
    victims = {f"mail.{VICTIM}": {"TXT": ["v=spf1 +all"]}}
    borrowed = Connection(ip=ATTACKER_IP, helo=f"mail.{VICTIM}", mail_from=f"evil@{ATTACKER}")
    yield case(
        "C6.helo-pass-for-victim",
        helo,
        words={"helo_spf": "pass", "spf": "pass", "dmarc": "fail"},
        zone=victims,
        connection=borrowed,
    )
    yield case(
        "C6.helo-pass-mail-from-fail",
        "RFC 7208 §2.3, §2.4: the two identities have a result each",
        words={"helo_spf": "pass", "spf": "fail", "dmarc": "fail"},
        connection=SENT_AS_VICTIM,
    )
    none = Connection(ip=ATTACKER_IP, helo=f"mail.{VICTIM}", mail_from="any@nothing.example.org")
    yield case(
        "C6.helo-pass-mail-from-none",
        helo,
        words={"helo_spf": "pass", "spf": "none", "dmarc": "fail"},
        zone=victims,
        connection=none,
    )
    unknown = Connection(ip=ATTACKER_IP, helo=f"mail.{VICTIM}")
    yield case(
        "C6.helo-pass-mail-from-unknown",
        helo,
        words={"helo_spf": "pass", "spf": "none", "dmarc": "fail"},
        zone=victims,
        connection=unknown,
    )
    junk_path = Connection(ip=ATTACKER_IP, helo=f"mail.{VICTIM}", mail_from="(((")
    yield case(
        "C6.helo-pass-mail-from-junk",
        helo,
        words={"helo_spf": "pass", "spf": "none|permerror", "dmarc": "fail"},
        zone=victims,
        connection=junk_path,
    )
    empty = "RFC 7208 §2.4, RFC 9989 §4.4.2: with a null path, MAIL FROM is postmaster at the HELO name"
    for name, path in {"empty": "", "angles": "<>", "blank": " "}.items():
        sender = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=path)
        yield case(f"C6.null-path-{name}-of-attacker", empty, words={"spf": "pass", "dmarc": "fail"}, connection=sender)
        own = Connection(ip=VICTIM_IP, helo=VICTIM, mail_from=path)
        yield control(f"C6.control-null-path-{name}-of-victim", empty, {}, connection=own)
    for name, word in {"literal": "[203.0.113.66]", "word": "localhost", "empty": "", "none": None}.items():
        sender = Connection(ip=ATTACKER_IP, helo=word, mail_from="")
        yield case(f"C6.null-path-helo-{name}", empty, words={"spf": "none", "dmarc": "fail"}, connection=sender)
    postmaster = {
        **record("v=spf1 exists:%{l}.%{o}.example.org -all"),
        f"postmaster.{VICTIM}.example.org": {"A": ["127.0.0.2"]},
    }
    at_first = Connection(ip=ATTACKER_IP, helo=VICTIM, mail_from="")
    yield control("C6.control-postmaster", empty, postmaster, connection=at_first)
    yield control("C6.control-victim", "RFC 7208 §2.6.3", {}, connection=BY_VICTIM)
    yield case(
        "C6.control-attacker",
        "RFC 7208 §2.6.3, RFC 9989 §4.4: his own pass is of his own domain",
        mail("Evil <evil@example.net>"),
        {"spf": "pass", "dmarc": "pass"},
        connection=BY_ATTACKER,
    )


# --- C7


def explanations() -> Iterator[Case]:
    why = "RFC 7208 §6.2: an explanation never changes the result; it is a stranger's text, and trouble with it is none"
    texts: dict[str, Any] = {
        "result": {"TXT": ["see user@host ; dkim=pass header.d=example.com"]},
        "newlines": {"TXT": ["no\r\nAuthentication-Results: mx.example.org; dmarc=pass header.from=example.com"]},
        "8-bit": {"TXT": ["\udcff\udcfe"]},
        "bidi": {"TXT": ["\u202e\u2028no"]},
        "60-kB": {"TXT": ["x" * 60_000]},
        "macro-bomb": {"TXT": ["%{s}" * 4_000]},
        "escaped-macro-bomb": {"TXT": ["%{S}" * 4_000]},
        "bad-macro": {"TXT": ["100% sure"]},
        "two": {"TXT": ["one", "two"]},
        "empty": {"TXT": [""]},
        "absent": "NXDOMAIN",
        "servfail": "SERVFAIL",
        "timeout": "TIMEOUT",
        "loop": {"CNAME": ["why.example.org"]},
    }
    for name, node in texts.items():
        zone = {**record("v=spf1 exp=why.example.org -all"), "why.example.org": node}
        yield refused(f"C7.{name}", why, zone, "fail")
    for name, target in {"of-macros": "%{p}.%{s}.%{h}", "bad-name": "%{s}..%{l}", "itself": VICTIM}.items():
        yield refused(f"C7.target-{name}", why, record(f"v=spf1 exp={target} -all"), "fail")


# --- C9


def addresses() -> Iterator[Case]:
    def sent(ip: str | None) -> Connection:
        return Connection(ip=ip, helo=f"mail.{ATTACKER}", mail_from=f"anna@{VICTIM}")

    mapped = "RFC 7208 §5: an IPv4-mapped address is the IPv4 address, and matches no ip6"
    for name, ip in {"mapped": f"::ffff:{ATTACKER_IP}", "mapped-hexadecimal": "::ffff:cb00:7142"}.items():
        for text in ("ip6:::/0", "ip6:::ffff:0:0/96", "ip6:::ffff:203.0.113.66", "ip4:192.0.2.0/24"):
            where = text.replace(":", "-").replace("/", "-")
            yield refused(f"C9.{name}-{where}", mapped, record(f"v=spf1 {text} -all"), "fail", connection=sent(ip))
        yield control(f"C9.control-{name}", mapped, record(f"v=spf1 {HERE} -all"), connection=sent(ip))
    other = "RFC 7208 §5.6: ip4 matches IPv4, ip6 IPv6; what embeds an IPv4 address in another way is IPv6"
    for name, ip in {
        "compatible": f"::{ATTACKER_IP}", "nat64": f"64:ff9b::{ATTACKER_IP}", "6to4": "2002:cb00:7142::1",
        "plain": "2001:db8::66", "loopback": "::1", "zone-id": "fe80::1%eth0", "zone-id-injected": "fe80::1%;dkim=pass",
    }.items():  # fmt: skip
        for text in ("ip4:0.0.0.0/0", HERE):
            where = "everything" if "/0" in text else "the-address"
            yield refused(f"C9.{name}-{where}", other, record(f"v=spf1 {text} -all"), "fail", connection=sent(ip))
    yield refused("C9.v4-under-ip6-0", other, record("v=spf1 ip6:::/0 -all"), "fail", connection=sent(ATTACKER_IP))
    yield control("C9.control-ip6", other, record("v=spf1 ip6:2001:db8::/32 -all"), connection=sent("2001:db8::66"))
    yield control(
        "C9.control-zone-id",
        "RFC 4007 §11: the zone is no part of the address",
        record("v=spf1 ip6:fe80::1 -all"),
        connection=sent("fe80::1%eth0"),
    )
    boundary = "RFC 7208 §5.6: the prefix is compared bit by bit"
    for text, ip in (
        ("ip4:203.0.113.64/31", ATTACKER_IP),
        ("ip4:203.0.113.67/32", ATTACKER_IP),
        ("ip6:2001:db8::64/127", "2001:db8::66"),
    ):
        name = text.replace(":", "-").replace("/", "-")
        yield refused(f"C9.beside-{name}", boundary, record(f"v=spf1 {text} -all"), "fail", connection=sent(ip))
    yield control(
        "C9.control-within", boundary, record("v=spf1 ip4:203.0.113.67/31 -all"), connection=sent(ATTACKER_IP)
    )
    yield refused(
        "C9.unknown",
        "RFC 7208 §4.1: without an address there is nothing to check",
        record("v=spf1 +all"),
        "none",
        connection=sent(None),
    )
    exists = {**record("v=spf1 exists:x.example.org -all"), "x.example.org": {"AAAA": ["2001:db8::66"]}}
    yield refused(
        "C9.exists-asks-for-a",
        "RFC 7208 §5.7: an A query, for IPv6 clients too",
        exists,
        "fail",
        connection=sent("2001:db8::66"),
    )


# --- C10


def permissive() -> Iterator[Case]:
    why = "RFC 7208 §2.6.3: what the owner publishes passes; nobody can tell. The outcome names the term that matched"
    for name, text in {
        "all": "+all",
        "question": "ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all",
        "large-block": "ip4:202.0.0.0/7 -all",
    }.items():
        yield control(f"C10.{name}", why, record(f"v=spf1 {text}"))
    dangling = {**record("v=spf1 include:sold.example.org -all"), "sold.example.org": {"TXT": ["v=spf1 +all"]}}
    yield control("C10.include-of-a-domain-that-was-sold", why, dangling)
    alias = {VICTIM: {"CNAME": ["sold.example.org"]}, "sold.example.org": {"TXT": ["v=spf1 +all"]}}
    yield control("C10.alias-of-a-domain-that-was-sold", why, alias)
    for qualifier, word in {"?": "neutral", "~": "softfail", "-": "fail"}.items():
        yield refused(
            f"C10.{word}-all", "RFC 7208 §8, RFC 9989 §4.4: only a pass counts", record(f"v=spf1 {qualifier}all"), word
        )


CASES: list[Case] = [
    each
    for section in (
        terms, voids, exchanges, amplification, errors, syntax, bombs, identities, explanations, addresses, permissive,
    )
    for each in section()
]  # fmt: skip
