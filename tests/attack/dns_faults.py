"""H: DNS that fails, lies or floods, at each question a verdict rests on.

Each genuine message below rests on one mechanism alone, so a fault at its question must show. Absence is an answer
(RFC 7208 §4.3, RFC 6376 §6.1.2, RFC 9989 §4.10); a failure is none, and DMARC is then neither pass nor fail (RFC 9989
§5.3.6). A fault in the attacker's own DNS changes nothing for the victim's policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from support.signing import MAIL, key, key_zone, sealed, signed

from attack.case import ATTACKER, VICTIM, Case
from attack.stage import (
    ATTACKER_IP,
    BY_ATTACKER,
    BY_VICTIM,
    CLOSED,
    HELD,
    NOT_PASS,
    PASSES,
    SPOOFED,
    VICTIM_IP,
    ZONE,
    case,
    first,
    spoof,
)
from mailauth import Connection

# --- faults ----------------------------------------------------------------------------------------------------------

JUNK = [f"some-verification={n}" for n in range(200)]
NOT_ASCII = "\udcff\udcfe"
CHAIN = {f"c{n}.chain.test": {"CNAME": f"c{n + 1}.chain.test"} for n in range(25)}
LOOP = {"one.loop.test": {"CNAME": "two.loop.test"}, "two.loop.test": {"CNAME": "one.loop.test"}}
# No answer: a response code, silence, or aliases without end
FAILED: Mapping[str, Any] = {
    "servfail": "SERVFAIL",
    "refused": "REFUSED",
    "timeout": "TIMEOUT",
    "alias-of-itself": {"CNAME": "self.loop.test"},
    "alias-loop": {"CNAME": "one.loop.test"},
    "25-aliases": {"CNAME": "c0.chain.test"},
    "alias-to-servfail": {"CNAME": "servfail.test"},
    "alias-to-timeout": {"CNAME": "timeout.test"},
}
ABSENT: Mapping[str, Any] = {
    "nxdomain": "NXDOMAIN",
    "nodata": {},
    "other-type": {"HINFO": ["x y"]},
    "alias-to-nxdomain": {"CNAME": "gone.test"},
    "alias-to-nodata": {"CNAME": "empty.test"},
}
# TXT records none of which is what the check looks for
UNRELATED: Mapping[str, Any] = {
    "empty": {"TXT": [""]},
    "63-kb": {"TXT": ["x" * 63_000]},
    "200-records": {"TXT": JUNK},
    "eight-bit": {"TXT": [NOT_ASCII + "\0\r\n"]},
}
ELSEWHERE: Mapping[str, Any] = {
    **CHAIN,
    **LOOP,
    "c25.chain.test": {"TXT": ["end"]},
    "self.loop.test": {"CNAME": "self.loop.test"},
    "servfail.test": "SERVFAIL",
    "timeout.test": "TIMEOUT",
    "empty.test": {},
}


# What is asked for again (RFC 9989 §5.3.6)
DEFERRED: Mapping[str, str] = {"dmarc": first("temperror", CLOSED), "dmarc.disposition": first("defer", HELD)}


# --- the questions a verdict rests on --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Place:
    """One question, the message whose verdict rests on it, and the words of its check.

    Attributes:
        name, rdtype, records: the question, and what stands there.
        zone: more of DNS.
        check: the place of the word.
        absent, failed: the word of the check, and of DMARC.
        why: the rules.
    """

    name: str
    rdtype: str
    records: list[Any]
    check: str
    absent: tuple[str, str]
    failed: tuple[str, str]
    why: str
    zone: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = MAIL
    connection: Connection = BY_VICTIM

    def faulty(self, variant: str, node: Any, words: tuple[str, str], *, more: str = "") -> Case:
        """Return the case of a fault here."""
        zone = {**self.zone, **ELSEWHERE, self.name: node}
        check, dmarc = words
        safe: dict[str, str] = {self.check: first(check, NOT_PASS - {"none"})}
        if self.check != "dmarc":
            # none would mean that no policy is there, and it is; only iprev and ARC change nothing
            safe["dmarc"] = first(dmarc, CLOSED)
        if dmarc in ("temperror", "fail"):
            safe["dmarc.disposition"] = first("defer" if dmarc == "temperror" else "quarantine", HELD)
        identity = f"H.{self.slug}-{variant}"
        return case(identity, self.why + more, self.raw, safe, zone=zone, connection=self.connection)

    @property
    def slug(self) -> str:
        """The name of the place in identities."""
        return next(slug for slug, place in PLACES.items() if place is self)

    def fine(self, variant: str, node: Any, *, more: str = "") -> Case:
        """Return the case of an oddity that changes nothing: the message passes."""
        zone = {**self.zone, **ELSEWHERE, "real.test": {self.rdtype: self.records}, self.name: node}
        words: dict[str, str] = {**PASSES, self.check: first("pass", NOT_PASS), "dmarc": first("pass", CLOSED)}
        return case(f"H.{self.slug}-{variant}", self.why + more, self.raw, words, zone=zone, connection=self.connection)


def spf_zone(record: str, **more: Any) -> Mapping[str, Any]:
    return {VICTIM: {"TXT": [record]}, **more}


DKIM_ONLY = Connection(ip="203.0.113.9", helo="out.example.org", mail_from="")
VOID = "RFC 7208 §5: no address, no match, and -all follows"
SPF_FAILS = "RFC 7208 §4.4, §5: no answer is a temperror; RFC 9989 §5.3.6"
PLACES: dict[str, Place] = {
    "spf": Place(
        name=VICTIM,
        rdtype="TXT",
        records=[f"v=spf1 ip4:{VICTIM_IP} -all"],
        check="spf",
        absent=("none", "fail"),
        failed=("temperror", "temperror"),
        why="RFC 7208 §4.3, §4.4: absence is none, no answer a temperror; RFC 9989 §5.3.6",
    ),
    "dkim": Place(
        name=f"s1._domainkey.{VICTIM}",
        rdtype="TXT",
        records=[key().record()],
        check="dkim.0",
        absent=("permerror", "fail"),
        failed=("temperror", "temperror"),
        why="RFC 6376 §6.1.2: no key is permanent, no answer is not; RFC 9989 §5.3.6",
        raw=signed(),
        connection=DKIM_ONLY,
    ),
    "dmarc": Place(
        name=f"_dmarc.{VICTIM}",
        rdtype="TXT",
        records=["v=DMARC1; p=reject"],
        check="dmarc",
        absent=("none", "none"),
        failed=("temperror", "temperror"),
        why="RFC 9989 §4.10, §5.3.6: absence is no policy; no answer hides one, and is not an absence",
        raw=signed(),
    ),
    "arc": Place(
        name="arc._domainkey.lists.example.org",
        rdtype="TXT",
        records=[key("rsa2048-list").record()],
        zone=key_zone("lists.example.org", "arc", "rsa2048-list"),
        check="arc",
        absent=("fail", "pass"),
        failed=("fail", "pass"),
        why="RFC 8617 §5.2.1: every error is permanent; DMARC does not rest on it",
        raw=sealed(signed()),
    ),
    "spf-a": Place(
        name="out.example.com",
        rdtype="A",
        records=[VICTIM_IP],
        zone=spf_zone("v=spf1 a:out.example.com -all"),
        check="spf",
        absent=("fail", "fail"),
        failed=("temperror", "temperror"),
        why=f"{VOID}; {SPF_FAILS}",
    ),
    "spf-mx": Place(
        name="in.example.com",
        rdtype="MX",
        records=[[10, "mail.example.com"]],
        zone=spf_zone("v=spf1 mx:in.example.com -all"),
        check="spf",
        absent=("fail", "fail"),
        failed=("temperror", "temperror"),
        why=f"{VOID}; {SPF_FAILS}",
    ),
    "spf-mx-address": Place(
        name="host.example.com",
        rdtype="A",
        records=[VICTIM_IP],
        zone=spf_zone("v=spf1 mx:in.example.com -all", **{"in.example.com": {"MX": [[10, "host.example.com"]]}}),
        check="spf",
        absent=("fail", "fail"),
        failed=("temperror", "temperror"),
        why=f"{VOID}; {SPF_FAILS}",
    ),
    "spf-include": Place(
        name="spf.example.com",
        rdtype="TXT",
        records=[f"v=spf1 ip4:{VICTIM_IP} -all"],
        # what a reader who takes a failed include for no match would reach
        zone=spf_zone("v=spf1 include:spf.example.com +all"),
        check="spf",
        absent=("permerror", "fail"),
        failed=("temperror", "temperror"),
        why="RFC 7208 §5.2: none of an include is a permerror, its temperror is the result; never the next term",
    ),
    "spf-redirect": Place(
        name="spf.example.com",
        rdtype="TXT",
        records=[f"v=spf1 ip4:{VICTIM_IP} -all"],
        zone=spf_zone("v=spf1 redirect=spf.example.com"),
        check="spf",
        absent=("permerror", "fail"),
        failed=("temperror", "temperror"),
        why="RFC 7208 §6.1: none of a redirect is a permerror; its temperror is the result",
    ),
    "spf-exists": Place(
        name="3.allow.example.com",
        rdtype="A",
        records=["127.0.0.2"],
        zone=spf_zone("v=spf1 exists:3.allow.example.com -all"),
        check="spf",
        absent=("fail", "fail"),
        failed=("temperror", "temperror"),
        why=f"{VOID}; {SPF_FAILS}",
    ),
    "spf-ptr": Place(
        name="10.2.0.192.in-addr.arpa",
        rdtype="PTR",
        records=["mail.example.com"],
        zone=spf_zone("v=spf1 ptr -all"),
        check="spf",
        absent=("fail", "fail"),
        failed=("fail", "fail"),
        why="RFC 7208 §5.5: an error of the PTR lookup is no match, and -all follows",
    ),
    "spf-ptr-address": Place(
        name="mail.example.com",
        rdtype="A",
        records=[VICTIM_IP],
        zone=spf_zone("v=spf1 ptr -all"),
        check="spf",
        absent=("fail", "fail"),
        failed=("fail", "fail"),
        why="RFC 7208 §5.5: an error of an address lookup skips the name, and -all follows",
    ),
    "iprev": Place(
        name="10.2.0.192.in-addr.arpa",
        rdtype="PTR",
        records=["mail.example.com"],
        check="iprev",
        absent=("permerror", "pass"),
        failed=("temperror", "pass"),
        why="RFC 8601 §2.7.3, §3: no name is permanent, no answer is not; DMARC does not rest on it",
    ),
    "iprev-address": Place(
        name="mail.example.com",
        rdtype="A",
        records=[VICTIM_IP],
        check="iprev",
        absent=("fail", "pass"),
        failed=("temperror", "pass"),
        why="RFC 8601 §2.7.3, §3: a name without address is a fail, no answer a temperror",
    ),
}
TEXT = [place for place in PLACES.values() if place.rdtype == "TXT"]
LONG = "x" * 63_000
OTHERS = "; RFC 6376 §3.6.2.2, RFC 7208 §4.5: other records at the name are none of ours"


def places() -> Iterator[Case]:
    for place in PLACES.values():
        for variant, node in FAILED.items():
            yield place.faulty(variant, node, place.failed)
        for variant, node in ABSENT.items():
            yield place.faulty(variant, node, place.absent)
        yield place.fine("control", {place.rdtype: place.records})
        yield place.fine("control-alias", {"CNAME": "real.test"})
        word: Mapping[str, Any] = {"*": "SERVFAIL", place.rdtype: place.records}
        if place.rdtype == "TXT":
            yield place.fine("control-other-types-fail", word, more="; other types are not asked")
    for place in TEXT:
        for variant, node in UNRELATED.items():
            yield place.faulty(f"unrelated-{variant}", node, place.absent)
        record = place.records[0]
        yield place.fine("control-among-90", {"TXT": [*JUNK[:90], record]}, more=OTHERS)
        strings = [record[n : n + 1] for n in range(len(record))]
        yield place.fine("control-an-octet-a-string", {"TXT": [strings]}, more="; strings of a record are joined")


def unusable_records() -> Iterator[Case]:
    """The record that is looked for, beyond use: its owner's mistake, or somebody's flood."""
    for place in TEXT:
        record = place.records[0]
        words = {"dmarc": ("permerror", "permerror"), "arc": ("fail", "pass")}.get(place.check, ("permerror", "fail"))
        why = "; Limits.record_bytes is 16 kB"
        yield place.faulty("63-kb-record", {"TXT": [record + " " + LONG]}, words, more=why)
        why = "; RFC 7208 §4.5, RFC 6376 §3.2, RFC 9989 §4.7, §4.10.1: octets outside the grammar"
        yield place.faulty("eight-bit-record", {"TXT": [record + NOT_ASCII]}, words, more=why)
        yield place.faulty("nul-in-record", {"TXT": [record + "\0"]}, words, more=why)
        yield place.faulty("crlf-in-record", {"TXT": [record + "\r\nx\x7f"]}, words, more=why)


def addresses() -> Iterator[Case]:
    """Floods and lies in records that are not text."""
    place = PLACES["spf-a"]
    many = [f"10.{n // 250}.{n % 250}.1" for n in range(5000)]
    yield place.faulty("5000-others", {"A": many}, place.absent)
    yield place.fine("control-among-5000", {"A": [*many, VICTIM_IP]}, more="; RFC 7208 §5.3: no limit on addresses")
    place = PLACES["spf-mx"]
    hosts = [[10, f"mx{n}.example.com"] for n in range(200)]
    why = "; RFC 7208 §4.6.4: more than ten MX names are a permerror"
    yield place.faulty("200-hosts", {"MX": hosts}, ("permerror", "fail"), more=why)
    yield place.faulty("11-hosts", {"MX": [[1, "mail.example.com"], *hosts[:10]]}, ("permerror", "fail"), more=why)
    yield place.faulty("null-mx", {"MX": [[0, "."]]}, place.absent, more="; RFC 7505 §3: no host")
    yield place.faulty("empty-labels", {"MX": [[0, "mx..example.com"]]}, place.absent, more="; no name to ask for")
    yield place.faulty(
        "long-host", {"MX": [[0, "a" * 300 + ".example.com"]]}, place.absent, more="; no name to ask for"
    )
    yield place.faulty(
        "host-with-nul", {"MX": [[0, "mx\0.example.com"]]}, place.absent, more="; a name without address"
    )
    for slug, absent in ("spf-ptr", ("fail", "fail")), ("iprev", ("fail", "pass")):
        place = PLACES[slug]
        names = [f"h{n}.example.com" for n in range(200)]
        yield place.faulty("200-names", {"PTR": names}, absent, more="; ten names are looked at, none maps back")
        yield place.faulty(
            "name-11-is-right", {"PTR": [*names[:10], "mail.example.com"]}, absent, more="; ten are looked at"
        )
        yield place.faulty("address-as-name", {"PTR": [VICTIM_IP]}, absent, more="; a name is no address")
        yield place.faulty("name-with-crlf", {"PTR": ["mail.example.com\r\nx"]}, absent, more="; another name")
        yield place.faulty("name-with-escape", {"PTR": ["mx\\046example.com"]}, absent, more="; another name")
        none = ("permerror", "pass") if slug == "iprev" else absent
        yield place.faulty("empty-name", {"PTR": [""]}, none, more="; no name at all")
        yield place.faulty("root", {"PTR": ["."]}, none, more="; no name at all")
        yield place.faulty("name-of-300", {"PTR": ["a." * 150 + "com"]}, none, more="; nothing DNS can hold")


# --- the attacker's own DNS ------------------------------------------------------------------------------------------


def own_faults() -> Iterator[Case]:
    """RFC 9989 §4.4, docs/decisions.md: what could not align anyway leaves no question open."""
    why = "an attacker who breaks his own DNS stays a stranger: the victim's policy applies"
    for slug, name in ("spf", ATTACKER), ("dkim", f"s1._domainkey.{ATTACKER}"):
        for variant, node in {**FAILED, **UNRELATED}.items():
            zone = {**ELSEWHERE, name: node}
            yield case(f"H.attacker-{slug}-{variant}", why, spoof(b"anna@example.com"), SPOOFED, zone=zone)
    for word in "SERVFAIL", "TIMEOUT", "REFUSED":
        zone = {n: node for n, node in ZONE.items() if VICTIM in n} | {"*": word}
        yield replace(case(f"H.attacker-all-{word.lower()}", why, spoof(b"anna@example.com"), SPOOFED), zone=zone)
    why = "RFC 9989 §5.3.6: who hides the victim's policy from us does not get past it: deferred, never none"
    for variant, node in FAILED.items():
        zone = {**ELSEWHERE, f"_dmarc.{VICTIM}": node}
        yield case(f"H.spoof-dmarc-{variant}", why, spoof(b"anna@example.com"), DEFERRED, zone=zone)
    why = (
        "RFC 9989 §4.4, §5.3.6: another identifier of the victim's organization that gets no answer could have aligned"
    )
    sub = Connection(ip=ATTACKER_IP, helo="mail.example.net", mail_from=f"x@no-such.{VICTIM}")
    for word in "SERVFAIL", "TIMEOUT":
        zone = {f"no-such.{VICTIM}": word}
        words = {**DEFERRED, "spf": first("temperror", NOT_PASS)}
        yield case(f"H.subdomain-spf-{word.lower()}", why, MAIL, words, zone=zone, connection=sub)


# --- everything at once ----------------------------------------------------------------------------------------------


def everything() -> Iterator[Case]:
    raw = sealed(signed())
    silent = dict.fromkeys(("spf", "helo_spf", "dkim.0", "iprev"), first("temperror", NOT_PASS))
    silent |= {**DEFERRED, "arc": first("fail", CLOSED)}
    why = "RFC 7208 §4.4, RFC 6376 §6.1.2, RFC 8601 §2.7.3, RFC 9989 §5.3.6: no answer at all; RFC 8617 §5.2.1 for ARC"
    for word in "SERVFAIL", "REFUSED", "TIMEOUT":
        for sender, connection in ("genuine", BY_VICTIM), ("attacker", BY_ATTACKER):
            identity = f"H.all-{word.lower()}-{sender}"
            yield replace(case(identity, why, raw, silent, connection=connection, questions=12), zone={"*": word})
    why = "RFC 1034 §3.6.2: aliases without end are no answer"
    yield replace(case("H.all-aliases", why, raw, silent, questions=12), zone={"*": {"CNAME": "loop.test"}})
    why = "nothing exists: no record, no key, no policy to apply"
    words = {
        "spf": first("none", NOT_PASS),
        "dkim.0": first("permerror", NOT_PASS),
        "dmarc": first("none", NOT_PASS),
        "arc": first("fail", CLOSED),
        "iprev": first("permerror", CLOSED),
    }
    yield replace(case("H.all-nxdomain", why, raw, words, questions=12), zone={})
    yield replace(case("H.all-nodata", why, raw, words, questions=14), zone={"*": {}})


CASES = [*places(), *unusable_records(), *addresses(), *own_faults(), *everything()]
