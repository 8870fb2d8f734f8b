"""What is handed on is text that can be written: no lone surrogate, whatever SMTP, the message and DNS sent.

A lone surrogate is what an octet that is not UTF-8 becomes under `surrogateescape` (PEP 383), as in MAIL FROM of an
SMTP server in Python; as UTF-8 it raises in whatever log or socket the text goes to (RFC 3629 §3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import MAIL, NOW, key_zone, signed
from support.strategies import SEALED, SIGNED, octets

from mailauth import Answer, Authentication, Connection, Options, Question, Status, authenticate, authres, run, spf
from mailauth.testing import Zone

ODD = ["\udcfc", "\udcff", "\udcc3\udcbc", "\ud800", "\udfff", "\ud83d\ude00", "\ufffe", "\x00", "ü", "😀", "\\udcfc"]
odd = st.lists(st.sampled_from([*ODD, "a", ".", "@", '"', "\\", "example.com"]), max_size=6).map("".join)


def around(text: str) -> Any:
    """Return a strategy for a text with odd characters before, inside or after it."""
    return st.builds(lambda o, i: text[:i] + o + text[i:], odd, st.integers(0, len(text)))


names = st.one_of(st.none(), odd, around("mx.example.com"))
paths = st.one_of(st.none(), odd, around("anna@example.com"), around('"a b"@example.com'))
connections = st.builds(Connection, ip=st.sampled_from([None, "192.0.2.3", "2001:db8::1"]), helo=names, mail_from=paths)
options = st.builds(Options, mode=st.sampled_from(["rfc9989", "rfc7489"]), received_spf=st.booleans())


@st.composite
def raws(draw: Any) -> bytes:
    raw = draw(st.sampled_from([MAIL, SIGNED, SEALED, b""]))
    at = draw(st.integers(0, min(len(raw), 300)))
    return bytes(raw[:at] + draw(st.one_of(octets, st.sampled_from([b"\xff", b"\xed\xa0\x80", b"\x00"]))) + raw[at:])


records = st.one_of(
    around("v=spf1 exists:%{l}.%{h}.example.com exp=why.example.com -all"),
    around("v=spf1 a:mx.example.com -all"),
    around("v=DMARC1; p=reject; rua=mailto:x@example.com"),
    around(key_zone()["s1._domainkey.example.com"]["TXT"][0]),
    odd,
)


@st.composite
def resolvers(draw: Any) -> Any:
    """Return a resolver of a stranger, whose texts are as odd as they may be."""

    def answer(name: str, rdtype: str) -> Answer:
        status = draw(st.sampled_from([Status.OK, Status.OK, Status.OK, *Status]))
        found: tuple[Any, ...] = ()
        if status is Status.OK:
            host = draw(around("mx.example.com"))
            found = {
                "TXT": (draw(records).encode("utf-8", "surrogatepass"), draw(st.binary(max_size=5))),
                "MX": ((10, host),),
                "PTR": (host,),
            }.get(rdtype, ("192.0.2.3", host))
        return Answer(status, found, cnames=(draw(around("alias.example")),), detail=draw(odd))

    return answer


def texts(data: Any) -> Iterator[str]:
    """Yield every text of plain data, the keys too."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(data, (list, tuple)):
        for each in data:
            yield from texts(each)
    else:
        assert data is None or isinstance(data, (bool, int))


def check(found: Authentication, raw: bytes) -> None:
    data = found.to_dict()
    for text in texts(data):
        text.encode("utf-8")
    # As a log in UTF-8 has it, and nothing is lost on the way
    assert json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8")) == data
    # Each outcome alone, as `mailauth.spf.check` and its sisters return it
    for outcome in (found.spf, found.helo_spf, *found.dkim, found.arc, found.dmarc, found.iprev):
        if outcome is not None:
            json.dumps(outcome.to_dict(), ensure_ascii=False).encode("utf-8")
    for header in found.headers:
        str(header).encode("utf-8")
    assert authres.parse(found.headers[0]).problems == ()
    found.explain().encode("utf-8")
    found.explain(raw).encode("utf-8")
    repr(found).encode("utf-8")
    found.apply(raw)


@given(raw=raws(), connection=connections, resolver=resolvers(), chosen=options)
def test_everything_can_be_written_as_utf_8(raw: bytes, connection: Connection, resolver: Any, chosen: Options) -> None:
    check(authenticate(raw, connection, resolver, "mx.example.org", NOW, options=chosen), raw)


@pytest.mark.parametrize("mode", ["rfc9989", "rfc7489"])
def test_octets_of_every_source(mode: Any) -> None:
    """The same without chance: one octet that is not UTF-8 in each place that a stranger fills."""
    zone = {
        "example.com": {"TXT": ["v=spf1 exp=why.example.com -all", "\udcff"]},
        "why.example.com": {"TXT": ["no \udcff"]},
        "3.2.0.192.in-addr.arpa": {"PTR": ["h.example"]},
        "h.example": {"A": ["192.0.2.3"]},
        "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; x\udcff=\udcff"]},
        **key_zone(),
    }
    raw = signed(MAIL.replace(b"Subject: ", b"Subject: \xff"), tags={"i": "j=FCrgen@example.com"})
    for helo, path in (("mx\udcff.example.com", "j\udcfcrgen@example.com"), ("\ud800", "\udfff"), (None, None)):
        connection = Connection(ip="192.0.2.3", helo=helo, mail_from=path)
        chosen = Options(mode=mode, received_spf=True)
        check(authenticate(raw, connection, Zone(zone), "mx.example.org", NOW, options=chosen), raw)


def test_different_octets_stay_different() -> None:
    def told(path: str) -> Any:
        raw = b"From: a@example.com\r\n\r\n"
        found = authenticate(raw, Connection(mail_from=path), Zone({}), "mx.example.org", NOW)
        assert found.connection.mail_from == path
        return found.to_dict()["connection"]["mail_from"]

    assert told("j\udcfcrgen@example.com") == "j\\udcfcrgen@example.com"
    assert told("j\udce4rgen@example.com") == "j\\udce4rgen@example.com"
    assert told("jürgen😀@example.com") == "jürgen😀@example.com"


def test_a_record_keeps_its_octets_where_it_is_an_answer() -> None:
    """A recording is made of answers, and must give the same octets again: only the report is made printable."""
    zone = Zone({"example.com": {"TXT": ["v=spf1 \udcff"]}})
    raw = b"From: a@example.com\r\n\r\n"
    found = authenticate(raw, Connection(ip="192.0.2.3", mail_from="a@example.com"), zone, "mx.example.org", NOW)
    (answer,) = (a for q, a in found.dns if q == Question("example.com", "TXT"))
    assert answer.records == (b"v=spf1 \xff",)
    assert answer.to_dict()["records"] == ["v=spf1 \udcff"]
    told = [each["answer"]["records"] for each in found.to_dict()["dns"] if each["question"]["name"] == "example.com"]
    assert told == [["v=spf1 \\udcff"]]


def test_one_check_alone() -> None:
    connection = Connection(ip="192.0.2.3", helo="\udcff", mail_from="\udcff@example.com")
    zone = Zone({"example.com": {"TXT": ["v=spf1 exists:%{l}.%{h} -all exp=why.example.com"]}})
    outcome = run(spf.check(connection), zone)
    json.dumps(outcome.to_dict(), ensure_ascii=False).encode("utf-8")
