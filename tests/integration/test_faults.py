"""Each way DNS can fail, at each question of each check: the verdicts are those the RFCs ask for, and nothing hangs.

One zone holds a domain for each place where a check asks. A fault strikes all these places at once, and every check is
judged alone all the same, as no name is shared. The rows of `PLACES` are RFC 7208 §4.4, §5 and §6, RFC 6376 §6.1.2,
RFC 8617 §5.2, RFC 9989 §4.10 and §5.3.6, and RFC 8601 §3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dns.rcode
import pytest
from support import hostile
from support.hostile import Fault, Hostile
from support.resolving import WAYS, each_way, evaluate, resolver, verify
from support.signing import MAIL, NOW, key, sealed, signed

from mailauth import Connection, Context, Limits, Message, arc, dkim, dmarc, iprev, spf
from mailauth.dns import Evaluation, Question, gather
from mailauth.resolvers import Zone

SHORT = 0.15  # seconds a resolver waits where nothing will come
LONG = 60.0  # and where something will
SPARE = 20.0  # seconds by which a call may be later than its resolver, on a machine that has other work

# --- places: one question of one check -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a fault strikes, the check that asks there, and the words it must say.

    Attributes:
        question: name and type.
        zone: what else stands in DNS for this check.
        records: what stands at the question.
        check: makes the evaluation.
        word: reads the verdict.
        fine: the verdict when DNS works.
        absent: when the name or its records do not exist.
        failed: when there is no answer.
    """

    question: tuple[str, str]
    records: list[Any]
    zone: dict[str, Any]
    check: Callable[[], Evaluation[Any]]
    word: Callable[[Any], str]
    fine: str
    absent: str
    failed: str


def spf_place(
    number: int,
    question: tuple[str, str],
    records: list[Any],
    words: tuple[str, str, str],
    zone: dict[str, Any] | None = None,
) -> Place:
    """SPF for the domain at the end of the question's name, from 192.0.2.<number>."""
    domain = ".".join(question[0].split(".")[-2:])
    connection = Connection(ip=f"192.0.2.{number}", helo="mx.test", mail_from=f"anna@{domain}")
    return Place(question, records, zone or {}, lambda: spf.check(connection, Context(now=NOW)), spf_word, *words)


def spf_word(outcome: Any) -> str:
    return f"{outcome.result} explained" if outcome.explanation else str(outcome.result)


def result(outcome: Any) -> str:
    return str(outcome.result)


def txt(record: str) -> dict[str, Any]:
    return {"TXT": [record]}


PLACES = {
    "spf record": spf_place(1, ("record.test", "TXT"), ["v=spf1 ip4:192.0.2.1 -all"], ("pass", "none", "temperror")),
    # a record that is not there makes include and redirect a permerror: RFC 7208 §5.2, §6.1
    "spf include": spf_place(
        2,
        ("in.include.test", "TXT"),
        ["v=spf1 ip4:192.0.2.2 -all"],
        ("pass", "permerror", "temperror"),
        {"include.test": txt("v=spf1 include:in.include.test -all")},
    ),
    "spf redirect": spf_place(
        3,
        ("in.redirect.test", "TXT"),
        ["v=spf1 ip4:192.0.2.3 -all"],
        ("pass", "permerror", "temperror"),
        {"redirect.test": txt("v=spf1 redirect=in.redirect.test")},
    ),
    "spf a": spf_place(
        4, ("in.a.test", "A"), ["192.0.2.4"], ("pass", "fail", "temperror"), {"a.test": txt("v=spf1 a:in.a.test -all")}
    ),
    "spf mx": spf_place(
        5,
        ("in.mx.test", "MX"),
        [[10, "host.mx.test"]],
        ("pass", "fail", "temperror"),
        {"mx.test": txt("v=spf1 mx:in.mx.test -all"), "host.mx.test": {"A": ["192.0.2.5"]}},
    ),
    "spf mx address": spf_place(
        6,
        ("host.mxa.test", "A"),
        ["192.0.2.6"],
        ("pass", "fail", "temperror"),
        {"mxa.test": {"TXT": ["v=spf1 mx -all"], "MX": [[10, "host.mxa.test"]]}},
    ),
    "spf exists": spf_place(
        7,
        ("in.exists.test", "A"),
        ["127.0.0.2"],
        ("pass", "fail", "temperror"),
        {"exists.test": txt("v=spf1 exists:in.exists.test -all")},
    ),
    "spf ptr address": spf_place(
        8,
        ("host.ptr.test", "A"),
        ["192.0.2.8"],
        ("pass", "fail", "fail"),
        {"ptr.test": txt("v=spf1 ptr -all"), "8.2.0.192.in-addr.arpa": {"PTR": ["host.ptr.test"]}},
    ),
    "spf exp": spf_place(
        9,
        ("why.exp.test", "TXT"),
        ["not from here"],
        ("fail explained", "fail", "fail"),
        {"exp.test": txt("v=spf1 -all exp=why.exp.test")},
    ),
    "spf ptr": Place(
        ("10.2.0.192.in-addr.arpa", "PTR"),
        ["host.reverse.test"],
        {"reverse.test": txt("v=spf1 ptr -all"), "host.reverse.test": {"A": ["192.0.2.10"]}},
        lambda: spf.check(Connection(ip="192.0.2.10", helo="mx.test", mail_from="anna@reverse.test")),
        spf_word,
        fine="pass",
        absent="fail",
        failed="fail",
    ),
    # %{p} becomes "unknown", which alone passes
    "spf p macro": Place(
        ("11.2.0.192.in-addr.arpa", "PTR"),
        ["host.macro.test"],
        {
            "macro.test": txt("v=spf1 exists:%{p}.list.macro.test -all"),
            "host.macro.test": {"A": ["192.0.2.11"]},
            "unknown.list.macro.test": {"A": ["127.0.0.2"]},
        },
        lambda: spf.check(Connection(ip="192.0.2.11", helo="mx.test", mail_from="anna@macro.test")),
        spf_word,
        fine="fail",
        absent="pass",
        failed="pass",
    ),
    "dkim key": Place(
        ("s1._domainkey.dkim.test", "TXT"),
        [key().record()],
        {},
        lambda: dkim.verify(Message.parse(signed(tags={"d": "dkim.test"})), Context(now=NOW)),
        lambda outcomes: "+".join(outcome.result for outcome in outcomes),
        fine="pass",
        absent="permerror",
        failed="temperror",
    ),
    "arc key": Place(
        ("arc._domainkey.arc.test", "TXT"),
        [key("rsa2048-list").record()],
        {},
        lambda: arc.verify(Message.parse(sealed(MAIL, domain="arc.test"))),
        result,
        fine="pass",
        absent="fail",
        failed="fail",
    ),
    # nothing at this name: the walk goes on, to quarantine
    "dmarc record": Place(
        ("_dmarc.sub.walk.test", "TXT"),
        ["v=DMARC1; p=reject"],
        {"_dmarc.walk.test": txt("v=DMARC1; p=quarantine"), "sub.walk.test": {"A": ["192.0.2.12"]}},
        lambda: dmarc.check("sub.walk.test"),
        lambda outcome: f"{outcome.result} {outcome.policy}",
        fine="fail reject",
        absent="fail quarantine",
        failed="temperror None",
    ),
    "dmarc record above": Place(
        ("_dmarc.above.test", "TXT"),
        ["v=DMARC1; p=reject"],
        {"sub.above.test": {"A": ["192.0.2.13"]}},
        lambda: dmarc.check("sub.above.test"),
        lambda outcome: f"{outcome.result} {outcome.policy}",
        fine="fail reject",
        absent="none None",
        failed="temperror None",
    ),
    "iprev name": Place(
        ("14.2.0.192.in-addr.arpa", "PTR"),
        ["host.iprev.test"],
        {"host.iprev.test": {"A": ["192.0.2.14"]}},
        lambda: iprev.check(Connection(ip="192.0.2.14").address),  # type: ignore[arg-type]
        result,
        fine="pass",
        absent="permerror",
        failed="temperror",
    ),
    "iprev address": Place(
        ("host.forward.test", "A"),
        ["192.0.2.15"],
        {"15.2.0.192.in-addr.arpa": {"PTR": ["host.forward.test"]}},
        lambda: iprev.check(Connection(ip="192.0.2.15").address),  # type: ignore[arg-type]
        result,
        fine="pass",
        absent="fail",
        failed="temperror",
    ),
}
TEXT_PLACES = [name for name, place in PLACES.items() if place.question[1] == "TXT"]
DMARC_PLACES = [name for name in PLACES if name.startswith("dmarc")]


def whole_zone() -> dict[str, dict[str, Any]]:
    zone: dict[str, dict[str, Any]] = {}
    for place in PLACES.values():
        for name, types in {place.question[0]: {place.question[1]: place.records}, **place.zone}.items():
            zone.setdefault(name, {}).update(types)
    return zone


REST = Zone(whole_zone())


# --- faults ----------------------------------------------------------------------------------------------------------

FAILED: dict[str, Fault] = {
    "SERVFAIL": hostile.code(dns.rcode.SERVFAIL),
    "REFUSED": hostile.code(dns.rcode.REFUSED),
    "FORMERR": hostile.code(dns.rcode.FORMERR),
    "FORMERR, header only": hostile.header_only,
    "NOTIMP": hostile.code(dns.rcode.NOTIMP),
    "NOTAUTH": hostile.code(dns.rcode.NOTAUTH),
    "YXDOMAIN": hostile.code(dns.rcode.YXDOMAIN),
    "SERVFAIL with records": hostile.code(dns.rcode.SERVFAIL, with_records=True),
    "silent": hostile.silent,
    "late": hostile.late(SHORT * 1.5),
    "garbage": hostile.garbage,
    "cut off": hostile.cut_off,
    "bad record": hostile.bad_record,
    "wrong id": hostile.wrong_id,
    "wrong question": hostile.wrong_question,
    "truncated, TCP hangs up": hostile.truncated(hostile.hang_up),
    "truncated, TCP hangs up half-way": hostile.truncated(hostile.half_of_it),
    "truncated, TCP silent": hostile.truncated(hostile.silent),
    "truncated, TCP garbage": hostile.truncated(hostile.garbage),
    "truncated, TCP wrong id": hostile.truncated(hostile.wrong_id),
    "truncated, TCP truncated": hostile.truncated(hostile._truncated),
    "alias of itself": hostile.self_alias,
    "loop of aliases": hostile.aliases("one.loop.test", "two.loop.test", "one.loop.test"),
    "25 aliases": hostile.aliases(*(f"{n}.chain.test" for n in range(25)), last="end.chain.test"),
}
ABSENT: dict[str, Fault] = {
    "NXDOMAIN": hostile.absent(dns.rcode.NXDOMAIN),
    "NXDOMAIN without SOA": hostile.absent(dns.rcode.NXDOMAIN, soa=False),
    "NODATA": hostile.absent(dns.rcode.NOERROR),
    "NODATA without SOA": hostile.absent(dns.rcode.NOERROR, soa=False),
    "alias to NXDOMAIN": hostile.absent(dns.rcode.NXDOMAIN, alias="gone.test"),
    "alias to NODATA": hostile.absent(dns.rcode.NOERROR, alias="end.test"),
}
FINE: dict[str, Fault] = {
    "honest": hostile.honest,
    "20 ms late": hostile.late(0.02),
    "other case": hostile.other_case,
    "truncated, then TCP": hostile.truncated(hostile.honest),
    "truncated, then slow TCP": hostile.truncated(hostile.late(0.02)),
    "answered twice": hostile.twice,
    "after a wrong id": hostile.after(hostile.wrong_id),
    "after a wrong question": hostile.after(hostile.wrong_question),
    "after garbage": hostile.after(hostile.garbage),
    "an alias": hostile.aliases(last="end.test"),
    "9 aliases": hostile.aliases(*(f"{n}.chain.test" for n in range(8)), last="end.chain.test"),
}
JUNK = b"some-verification=0123456789abcdef"
# TXT records among which there is none that the check looks for
UNRELATED: dict[str, Fault] = {
    "63 kB": hostile.text(lambda _: [hostile.strings(b"x" * 63_000)]),
    "200 records": hostile.text(lambda _: [[JUNK + b"%d" % n] for n in range(200)]),
    "empty": hostile.text(lambda _: [[b""]]),
    "20 empty strings": hostile.text(lambda _: [[b""] * 20]),
    "8 bit": hostile.text(lambda _: [[b"\xff\xfe\0\r\n\x80"]]),
}
# the record that it looks for, and yet not usable
UNUSABLE: dict[str, Fault] = {
    "63 kB": hostile.text(lambda found: [hostile.strings(found[0] + b" " + b"x" * 63_000)]),
    "8 bit": hostile.text(lambda found: [hostile.strings(found[0] + b"\xff\0")]),
}
# the record that it looks for, in another form
USABLE: dict[str, Fault] = {
    "a string for each octet": hostile.text(lambda found: [[found[0][n : n + 1] for n in range(len(found[0]))]]),
    "among 20 others": hostile.text(
        lambda found: [*([JUNK + b"%d" % n] for n in range(20)), hostile.strings(found[0])]
    ),
}
# c-ares does not say that an answer over TCP was truncated
UNTOLD = ("truncated, TCP truncated",)


# --- running them ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with Hostile(whole_zone()) as server:
        yield server


def strike(
    server: Hostile, way: str, fault: Fault, places: Iterable[str], seconds: float
) -> tuple[dict[str, str], float]:
    """Run every check with a fault at some places: the words by place, and the seconds of the slowest round.

    Only what is asked there goes to the server, so nothing else can be late.
    """
    struck = [Question(*PLACES[name].question) for name in places]
    server.faults = dict.fromkeys(struck, fault)
    server.asked.clear()
    checks = gather(*(place.check() for place in PLACES.values()))
    outcomes, slowest = evaluate(way, resolver(way, server.port, seconds), checks, struck, REST)
    assert set(struck) <= set(server.asked)
    return {n: p.word(o) for (n, p), o in zip(PLACES.items(), outcomes, strict=True)}, slowest


def each(faults: dict[str, Fault]) -> pytest.MarkDecorator:
    """Run a test in each way under each of some faults, but where the way cannot tell."""
    pairs = [(w, f) for w in WAYS for f in faults if w != "c-ares" or f not in UNTOLD]
    return pytest.mark.parametrize(("way", "fault"), pairs, ids=[f"{w}-{f}" for w, f in pairs])


@each(FAILED)
def test_no_answer(server: Hostile, way: str, fault: str) -> None:
    words, slowest = strike(server, way, FAILED[fault], PLACES, SHORT)
    assert words == {name: place.failed for name, place in PLACES.items()}
    assert slowest < SHORT + SPARE


@each(ABSENT)
def test_nothing_there(server: Hostile, way: str, fault: str) -> None:
    words, slowest = strike(server, way, ABSENT[fault], PLACES, LONG)
    assert words == {name: place.absent for name, place in PLACES.items()}
    assert slowest < SPARE


@each(FINE)
def test_oddities_that_change_nothing(server: Hostile, way: str, fault: str) -> None:
    words, slowest = strike(server, way, FINE[fault], PLACES, LONG)
    assert words == {name: place.fine for name, place in PLACES.items()}
    assert slowest < SPARE


@each(UNRELATED)
def test_text_without_what_a_check_looks_for(server: Hostile, way: str, fault: str) -> None:
    words, slowest = strike(server, way, UNRELATED[fault], TEXT_PLACES, LONG)
    assert {name: words[name] for name in TEXT_PLACES} == {name: PLACES[name].absent for name in TEXT_PLACES}
    assert slowest < SPARE


@each(USABLE)
def test_text_in_another_form(server: Hostile, way: str, fault: str) -> None:
    words, slowest = strike(server, way, USABLE[fault], TEXT_PLACES, LONG)
    expected = {name: place.fine for name, place in PLACES.items()}
    if fault == "among 20 others":
        # RFC 7208 §6.2: an explanation is one record alone
        expected["spf exp"] = PLACES["spf exp"].absent
    assert words == expected
    assert slowest < SPARE


@each(UNUSABLE)
def test_text_that_is_not_usable(server: Hostile, way: str, fault: str) -> None:
    words, slowest = strike(server, way, UNUSABLE[fault], TEXT_PLACES, LONG)
    expected = dict.fromkeys(TEXT_PLACES, "permerror")
    # what an unusable record asks for is nobody's guess: RFC 9989 §4.10.1
    expected |= {"spf exp": "fail", "arc key": "fail", **dict.fromkeys(DMARC_PLACES, "permerror None")}
    assert {name: words[name] for name in TEXT_PLACES} == expected
    assert slowest < SPARE


WHOLE = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "mx.example.com": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.3"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    "s1._domainkey.example.com": {"TXT": [key().record()]},
    "arc._domainkey.lists.example.org": {"TXT": [key("rsa2048-list").record()]},
}


class Everything(dict[tuple[str, str], Fault]):
    """The same fault for every question."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def get(self, key: Any, default: Any = None) -> Fault:
        return self._fault

    def __bool__(self) -> bool:
        return True


@each_way
@pytest.mark.parametrize("fault", ["SERVFAIL", "silent", "garbage", "truncated, TCP silent"])
def test_a_server_that_answers_nothing(way: str, fault: str) -> None:
    connection = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
    raw = sealed(signed())
    with Hostile(WHOLE) as server:
        server.faults = Everything(FAILED[fault])
        asked = resolver(way, server.port, SHORT)
        start = time.monotonic()
        found = verify(way, asked, raw, connection, NOW)
        seconds = time.monotonic() - start
    # every check asks its first question at once, and none has a second
    assert len(found.rounds) == 1
    assert seconds < SHORT + SPARE
    assert found.spf is not None
    assert found.helo_spf is not None
    assert found.arc is not None
    assert found.dmarc is not None
    assert found.iprev is not None
    words = (found.spf.result, found.helo_spf.result, found.dkim[0].result, found.dmarc.result, found.iprev.result)
    assert words == ("temperror",) * 5
    assert found.arc.result == "fail"
    assert found.dmarc.disposition == "defer"


@each_way
def test_the_seconds_of_a_message_bound_every_wait(way: str) -> None:
    """The resolver would wait for long; the limit of the message ends it."""
    connection = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
    with Hostile(WHOLE) as server:
        server.faults = Everything(hostile.silent)
        asked = resolver(way, server.port, LONG)
        start = time.monotonic()
        found = verify(way, asked, signed(), connection, NOW, limits=Limits(seconds=1))
        seconds = time.monotonic() - start
    assert 0.9 < seconds < 1 + SPARE
    assert found.dmarc is not None
    assert found.dmarc.result == "temperror"
    assert [outcome.result for outcome in found.dkim] == ["temperror"]
