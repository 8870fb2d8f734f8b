"""The second opinion: agreement, explained differences, bounds, and nothing changed in the engines."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dkim
import dns.resolver
import pytest
import spf
from support.signing import MAIL, NOW, TESTDATA, key_zone, sealed, signature, signed

from mailauth import Authentication, Connection, Options, authenticate
from mailauth.opinions import Opinion, second_opinion
from mailauth.resolvers import Zone

FOLDER = TESTDATA / "messages"
CASES = {case["name"]: case for case in json.loads((FOLDER / "cases.json").read_text())}
CLIENT = Connection(ip="192.0.2.1", helo="out.example.com", mail_from="anna@example.com")


@pytest.fixture(autouse=True)
def _at_the_time_of_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dkimpy compares t= and x= with the clock."""
    monkeypatch.setattr(dkim.time, "time", lambda: NOW)


def asked(name: str, raw: bytes | None = None) -> tuple[bytes, Authentication]:
    """Return a message of testdata, or another in its place, and its result."""
    case = CASES[name]
    raw = raw or (FOLDER / case["message"]).read_bytes()
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mail_from"])
    return raw, authenticate(raw, connection, Zone.load(FOLDER / case["zone"]), "mx.example.org", case["now"])


def opinions(raw: bytes, zone: Any, connection: Connection | None = None, **more: Any) -> dict[str, Opinion]:
    """Return the opinions by check; with `resolver` the engines may ask more than we did."""
    found = authenticate(raw, connection, Zone(zone), "mx.example.org", NOW, options=more.pop("options", None))
    return {opinion.check: opinion for opinion in second_opinion(raw, found, **more)}


# --- agreement -------------------------------------------------------------------------------------------------------


def test_the_engines_agree_on_an_ordinary_message() -> None:
    found = second_opinion(*asked("sample"))
    assert all(o.agrees and o.explanation is None for o in found)
    assert [(o.check, o.engine) for o in found] == [
        ("spf", "pyspf"),
        ("spf helo", "pyspf"),
        ("dkim example.com", "dkimpy"),
        ("dkim example.com", "dkimpy"),
        ("organizational domain", "publicsuffix2"),
        ("header", "authres"),
    ]


def test_the_engines_agree_on_a_chain() -> None:
    (opinion,) = [o for o in second_opinion(*asked("arc-two")) if o.check == "arc"]
    assert (opinion.ours, opinion.theirs, opinion.agrees) == ("pass", "pass", True)


@pytest.mark.parametrize("name", CASES)
def test_every_difference_over_testdata_is_explained(name: str) -> None:
    for opinion in second_opinion(*asked(name)):
        assert opinion.agrees or opinion.explanation, opinion


def test_lf_line_ends() -> None:
    found = opinions(signed().replace(b"\r\n", b"\n"), key_zone())
    assert found["dkim example.com"].agrees


# --- where they are wrong --------------------------------------------------------------------------------------------


def test_dkimpy_does_not_demand_from() -> None:
    # We refuse the signature unseen, so the key is not in the transcript
    zone = Zone.load(FOLDER / CASES["no-from-signed"]["zone"])
    found = [o for o in second_opinion(*asked("no-from-signed"), zone) if o.engine == "dkimpy"]
    assert [(o.ours, o.theirs, o.agrees) for o in found] == [("permerror", "pass", False)]
    assert "From in h=" in (found[0].explanation or "")


@pytest.mark.parametrize("identity", ["anna@\r\n example.com", "anna@exa=6Dple.com"])
def test_dkimpy_reads_no_folded_identity(identity: str) -> None:
    opinion = opinions(signed(tags={"i": identity}), key_zone())["dkim example.com"]
    assert (opinion.ours, opinion.agrees) == ("pass", False)
    assert "RFC 6376 §2.11" in (opinion.explanation or "")


def test_dkimpy_reads_no_comments_in_arc() -> None:
    zone = key_zone("lists.example.org", "arc", "rsa2048-list")
    opinion = opinions(sealed(MAIL, head="(x) i=1;"), zone)["arc"]
    assert (opinion.ours, opinion.agrees) == ("pass", False)
    assert "RFC 8617 §4.2.1" in (opinion.explanation or "")


VOID = {
    "example.com": {"TXT": ["v=spf1 mx ip6:2001:db8::1 -all"], "MX": [[10, f"mx{n}.example.com"] for n in range(4)]},
    **{f"mx{n}.example.com": {"A": ["192.0.2.9"]} for n in range(4)},
}


def test_pyspf_counts_hosts_without_ipv6_address() -> None:
    client = Connection(ip="2001:db8::1", helo="mx0.example.com", mail_from="anna@example.com")
    opinion = opinions(MAIL, VOID, client)["spf"]
    assert (opinion.ours, opinion.agrees) == ("pass", False)
    assert (opinion.theirs or "").startswith("permerror")
    assert "RFC 7208 §4.6.4" in (opinion.explanation or "")
    strict = opinions(MAIL, VOID, client, options=Options(strict=True))["spf"]
    assert (strict.ours, strict.theirs, strict.agrees) == ("permerror", "permerror", True)


@pytest.mark.parametrize(
    ("sender", "record", "words"),
    [
        ('"a@b"@example.com', "v=spf1 +all", "first @"),
        ("a@bücher.example", "v=spf1 +all", "U-labels"),
        ("jürgen@example.com", "v=spf1 include:%{l}.utf8.example -all", "not ASCII"),
        ("a@example.com", "v=spf1 +all include:example.com", "before it is reached"),
        ("a@example.com", "v=spf1 +all x=1 x=2", "appears twice"),
        ("a@example.com", "v=spf1 a:%{d0} +all", "outside the grammar"),
        ("a@example.com", "v=spf1 +all a:x%%", "ends in %%"),
        ("a@a-b.example", "v=spf1 a:%{o-} -all", "own delimiters"),
        ("a@example.com", "v=spf1 Redirect=other.example", "lower case"),
        ("a@example.com", "v=spf1 ptr +all", "PTR"),
    ],
)
def test_what_pyspf_reads_otherwise(sender: str, record: str, words: str) -> None:
    policy = {"TXT": [record]}
    zone = {
        "example.com": policy,
        "a-b.example": {**policy, "A": ["192.0.2.1"]},
        "xn--bcher-kva.example": policy,
        "*.utf8.example": {"TXT": ["v=spf1 +all"]},
        "other.example": {"TXT": ["v=spf1 +all"]},
        "1.2.0.192.in-addr.arpa": "SERVFAIL",
    }
    client = Connection(ip="192.0.2.1", helo="out.example.com", mail_from=sender)
    opinion = opinions(MAIL, zone, client, resolver=Zone(zone))["spf"]
    assert opinion.agrees is False
    assert words in (opinion.explanation or "")


def test_bare_lf() -> None:
    raw = signed().replace(b"Hello  Robin,\t\r\n", b"Hello  Robin,\t\n")
    opinion = opinions(raw, key_zone())["dkim example.com"]
    assert (opinion.ours, opinion.theirs, opinion.agrees) == ("fail", "pass", False)
    assert "bare LF" in (opinion.explanation or "")


def test_a_sealer_with_ed25519() -> None:
    raw = sealed(MAIL, by="ed25519-author")
    opinion = opinions(raw, key_zone("lists.example.org", "arc", "ed25519-author"))["arc"]
    assert (opinion.ours, opinion.agrees) == ("pass", False)
    assert "ed25519" in (opinion.explanation or "")


def test_fields_of_a_chain_in_another_order() -> None:
    raw, _ = asked("arc-two")
    fields, body = raw.partition(b"\r\n\r\n")[::2]
    lines = re.split(rb"\r\n(?![ \t])", fields)
    lines.sort(key=lambda line: line.startswith(b"ARC-") and b" i=2;" in line)
    (opinion,) = [
        o for o in second_opinion(*asked("arc-two", b"\r\n".join(lines) + b"\r\n\r\n" + body)) if o.check == "arc"
    ]
    assert (opinion.ours, opinion.agrees) == ("pass", False)
    assert "by instance" in (opinion.explanation or "")


def test_a_tree_walk_knows_more_than_the_list_of_2019() -> None:
    raw = MAIL.replace(b"example.com", b"mail.example.com", 1)
    zone = {"_dmarc.mail.example.com": {"TXT": ["v=DMARC1; p=none; psd=n"]}}
    opinion = opinions(raw, zone)["organizational domain"]
    assert (opinion.ours, opinion.theirs, opinion.agrees) == ("mail.example.com", "example.com", False)
    assert opinion.explanation
    listed = opinions(raw, zone, options=Options(mode="rfc7489"))["organizational domain"]
    assert listed.agrees


def test_authres_refuses_utf8() -> None:
    raw = signed(MAIL, tags={"i": "jürgen@example.com"}).replace(b"To: robin", "To: rübin".encode())
    opinion = opinions(raw, key_zone())["header"]
    assert opinion.agrees or "UTF-8" in (opinion.explanation or "")


# --- what they cannot be asked ---------------------------------------------------------------------------------------


def test_what_we_did_not_ask() -> None:
    record = "v=spf1 ip4:192.0.2.1 exp=why.example.com mx:%{p}.example.com -all"
    only_spf = Options(checks=frozenset({"spf"}))
    opinion = opinions(MAIL, {"example.com": {"TXT": [record]}}, CLIENT, options=only_spf)["spf"]
    assert (opinion.theirs, opinion.agrees) == (None, None)
    assert "it asked for" in (opinion.explanation or "")
    old = opinions(signed(tags={"a": "rsa-sha1"}), key_zone())["dkim example.com"]
    assert (old.ours, old.theirs, old.agrees) == ("permerror", None, None)
    assert "did not need" in (old.explanation or "")
    asked = opinions(signed(tags={"a": "rsa-sha1"}), key_zone(), resolver=Zone(key_zone()))["dkim example.com"]
    assert asked.theirs


def test_a_signature_without_domain() -> None:
    found = opinions(signed(tags={"d": "no domain"}), key_zone(), resolver=lambda *_: pytest.fail("asked"))
    assert found["dkim without domain"].explanation == "the field names no key"


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def _at_once() -> Iterator[None]:
    # Time of this thread's work: others may have the processor meanwhile
    start = time.thread_time()
    yield
    assert time.thread_time() - start < 5


FAST = pytest.mark.usefixtures("_at_once")
SEALERS = ["fwd._domainkey.forwarder.example", "arc2026._domainkey.lists.example.org"]  # of arc-two
HUGE = {"TXT": ["v=DKIM1; p=" + "A" * 5000]}
EVIL: dict[str, tuple[bytes, Any, str]] = {
    "huge key": (signed(), {"s1._domainkey.example.com": HUGE}, "dkim example.com"),
    "huge key of a sealer": ((FOLDER / "arc-two.eml").read_bytes(), dict.fromkeys(SEALERS, HUGE), "arc"),
    "blanks in the body": (signed() + b" " * 100_000 + b"x", key_zone(), "dkim example.com"),
    "many blanks": (signed() + (b" " * 4000 + b"x") * 1000, key_zone(), "dkim example.com"),
    "blanks in a field": (b"X: " + b" " * 60_000 + b"x\r\n" + signed(), key_zone(), "dkim example.com"),
    "folds": (b"X: a" + b"\r\n b" * 5000 + b"\r\n" + signed(), key_zone(), "dkim example.com"),
    "folds in a signature": (signed(separator=";" + "\r\n " * 300), key_zone(), "dkim example.com"),
    "long field": (b"X: " + b"x" * 100_000 + b"\r\n" + signed(), key_zone(), "dkim example.com"),
    "fields": (b"X: x\r\n" * 4000 + signed(), key_zone(), "dkim example.com"),
    "names": (b"X: x\r\n" * 1900 + signed(h="from" + ":x" * 400), key_zone(), "dkim example.com"),
    "sets": (
        b"ARC-Seal: i=1; a=x\r\n" * 49 + sealed(MAIL),
        key_zone("lists.example.org", "arc", "rsa2048-list"),
        "arc",
    ),
}


@FAST
@pytest.mark.parametrize("name", EVIL)
def test_an_engine_that_would_run_away_is_not_asked(name: str) -> None:
    raw, zone, check = EVIL[name]
    opinion = opinions(raw, zone)[check]
    assert (opinion.theirs, opinion.agrees) == (None, None)
    assert opinion.explanation


@FAST
def test_no_more_signatures_than_the_bound() -> None:
    one = signature(MAIL)
    found = authenticate(one * 30 + MAIL, None, Zone(key_zone()), "mx.example.org", NOW)
    asked = [o for o in second_opinion(one * 30 + MAIL, found) if o.engine == "dkimpy"]
    assert [o.agrees for o in asked] == [True] * 10 + [None] * 20
    assert asked[-1].explanation == "more than 10 signatures"


@FAST
def test_a_large_message_with_many_signatures() -> None:
    raw = b"DKIM-Signature: x\r\n" * 9 + signed(MAIL + b"words and words\r\n" * 500_000)
    found = opinions(raw, key_zone())["dkim example.com"]
    assert found.theirs is None
    assert "canonicalise" in (found.explanation or "")


@FAST
@pytest.mark.parametrize(
    "connection",
    [
        Connection(ip="192.0.2.1", helo="x" * 5000, mail_from="anna@example.com"),
        Connection(ip="192.0.2.1", helo="out.example.com", mail_from="a" * 5000 + "@example.com"),
    ],
)
def test_an_identity_of_absurd_length(connection: Connection) -> None:
    opinion = opinions(MAIL, {"example.com": {"TXT": ["v=spf1 a:%{l}.example.com -all"]}}, connection)["spf"]
    assert opinion.agrees is None


@FAST
def test_a_huge_policy() -> None:
    record = "v=spf1 " + "x=" + "%{d}." * 1500 + " -all"
    opinion = opinions(MAIL, {"example.com": {"TXT": [record]}}, CLIENT)["spf"]
    assert opinion.agrees is None
    assert "so large" in (opinion.explanation or "")


# --- no harm ---------------------------------------------------------------------------------------------------------


def state() -> tuple[Any, ...]:
    logger = logging.getLogger("dkimpy")
    return (
        spf.DNSLookup, spf.MAX_VOID_LOOKUPS, spf.MAX_LOOKUP, spf.query.dns, dns.resolver.default_resolver,
        dkim.DKIM.verify, dkim.ARC.verify, dkim.get_txt, dict(dkim.HASH_ALGORITHMS),
        logger.level, logger.disabled, list(logger.handlers), list(logging.getLogger().handlers),
    )  # fmt: skip


def test_the_engines_stay_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    before = state()
    with caplog.at_level(logging.DEBUG):
        for name in CASES:
            second_opinion(*asked(name))
    assert state() == before
    assert not caplog.records


def test_from_many_threads() -> None:
    before = state()
    pairs = [asked(name) for name in CASES] * 4
    alone = [second_opinion(*pair) for pair in pairs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pair: second_opinion(*pair), pairs))
    assert together == alone
    assert state() == before


HOSTILE = [
    b"", b"\r\n", b"\r\n\r\n", b" x", b":\r\n", b"\xff\xfe", b"From:\r\n\r\n", b"DKIM-Signature:\r\n\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=YQ==; b=YQ==; i=nobody; l=\r\n\r\n",
    b" DKIM-Signature: v=1\r\nDKIM-Signature: \xc3\x28\r\n\r\n", b"ARC-Seal:i=1;\r\n\r\n",
    b"ARC-Seal: i=99999999999\r\n\r\n",
    b"ARC-Seal: i=1; cv=none\r\nARC-Message-Signature:i=1;\r\nARC-Authentication-Results: i=1\r\n\r\n",
    b"ARC-Seal: i=" + b"9" * 6000 + b"\r\n\r\n", b"From: <a@\x1b[31m.example>\r\n\r\n",
    b"Authentication-Results: " + b"(" * 9999,
    signed().replace(b"b=", b"b=="), signed().replace(b"d=example.com", b"d=" + b"a." * 200),
    signed().replace(b"h=from", b"h=\x00"),
]  # fmt: skip
ZONES: list[Any] = [
    key_zone(), {}, {"s1._domainkey.example.com": {"TXT": ["v=DKIM1; k=ed25519; p=AAAA"]}},
    {"s1._domainkey.example.com": {"TXT": ["\udcff\x1b[31m", "p=="]}, "example.com": {"TXT": ["v=spf1 \x1b[31m"]}},
    {"s1._domainkey.example.com": "TIMEOUT", "example.com": "SERVFAIL"},
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_never_raises(zone: Any) -> None:
    connections = [
        CLIENT, None, Connection(ip="::1", helo="", mail_from=""), Connection(helo="x"), Connection(ip="192.0.2.1"),
        Connection(ip="2001:db8::1", helo="\x00", mail_from="\x00@\x00"),
        Connection(ip="192.0.2.1", mail_from="@@@", helo="a..b"),
        Connection(ip="192.0.2.1", mail_from="a@" + "b." * 130 + "example", helo="[::]"),
    ]  # fmt: skip
    for raw in HOSTILE:
        for connection in connections:
            found = authenticate(raw, connection, Zone(zone), "mx.example.org", NOW)
            for resolver in (None, Zone(zone)):
                for opinion in second_opinion(raw, found, resolver):
                    text = json.dumps(opinion.to_dict())
                    assert "\\u001b" not in text
                    assert opinion.theirs is not None or opinion.explanation


def test_words_of_strangers_cannot_reach_a_terminal() -> None:
    opinion = opinions(MAIL, {"example.com": {"TXT": ["v=spf1 \x1b[31mmoo"]}}, CLIENT)["spf"]
    assert opinion.theirs is not None
    assert opinion.theirs.isprintable()


# --- the value -------------------------------------------------------------------------------------------------------


def test_an_opinion_is_a_value() -> None:
    opinion = Opinion("spf", "pyspf", "pass", "pass", agrees=True)
    assert opinion.to_dict() == {
        "check": "spf",
        "engine": "pyspf",
        "ours": "pass",
        "theirs": "pass",
        "agrees": True,
        "explanation": None,
    }
    assert json.loads(json.dumps(opinion.to_dict())) == opinion.to_dict()
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(opinion)


def test_results_are_plain_words() -> None:
    assert {type(o.ours) for o in second_opinion(*asked("sample"))} == {str}


def test_nothing_checked_nothing_asked() -> None:
    found = authenticate(MAIL, None, Zone({}), "mx.example.org", NOW, options=Options(checks=frozenset()))
    assert [o.check for o in second_opinion(MAIL, found)] == ["header"]
