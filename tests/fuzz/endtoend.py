"""End to end: a whole verification of a message, a connection and a DNS that all come from the input.

The input is four parts with `BETWEEN` between them: octets that choose options, limits and the tricks of the
resolver; the connection; records of the zone; the message. Names that the input's zone lacks are answered from
`BASE`, where the keys of testdata are. Each input is verified twice, without and with coroutines.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Generator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from support.signing import NOW, key

from fuzz.output import check_field
from mailauth import (
    Answer,
    Authentication,
    Connection,
    Limits,
    Message,
    Options,
    Question,
    Status,
    UsageError,
    aio,
    authres,
)
from mailauth import authenticate as synchronously
from mailauth.dmarc import author_of
from mailauth.explain import tell
from mailauth.explain.html import as_html
from mailauth.names import is_under, may_share_organization, to_ascii
from mailauth.resolvers import Zone

BETWEEN = b"\n--\n"
OURS = "mx.example.org"
SUFFIXES = str(Path(__file__).with_name("suffixes.dat"))
# Few of everything, so that short inputs reach the limits
TIGHT = Limits(
    header_bytes=600, header_fields=8, field_bytes=300, from_bytes=60, from_mailboxes=2, comment_depth=2,
    signature_bytes=260, tags=10, signed_headers=5, signatures=1, arc_sets=2, key_records=1, record_bytes=100,
    spf_terms=3, spf_void=0, spf_mx=1, spf_ptr=1, spf_queries=6, iprev_names=1, questions=8, rounds=3,
    authres_bytes=400,
)  # fmt: skip
LIMITS = (Limits(), Limits(), Limits(), TIGHT)
BASE = Zone({
    "s1._domainkey.example.com": {"TXT": [key("rsa1024-old").record()]},
    "s2._domainkey.example.com": {"TXT": [key().record(t="s")]},
    "ed._domainkey.example.com": {"TXT": [key("ed25519-author").record(t="y")]},
    "arc._domainkey.lists.example.org": {"TXT": [key("ed25519-author").record()]},
    "s1._domainkey.example.net": {"TXT": [key("ed25519-other").record()]},
    "example.com": {
        "TXT": ["v=spf1 a mx ip4:192.0.2.0/28 -all exp=why.example.com"], "A": ["192.0.2.33"],
        "MX": [[10, "mx.example.com"]],
    },
    "mx.example.com": {"A": ["192.0.2.9"], "AAAA": ["2001:db8::9"]},
    "why.example.com": {"TXT": ["%{i} is not ours, see %{o}"]},
    "a.example.com": {"TXT": ["v=spf1 include:example.com ptr exists:%{ir}.%{l}.example.com redirect=example.net"]},
    "example.net": {"TXT": ["v=spf1 +all"], "A": ["192.0.2.44"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["out.example.com"]},
    "out.example.com": {"A": ["192.0.2.3"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@example.com"]},
    "_dmarc.example.net": {"TXT": ["v=DMARC1; p=none; psd=n; adkim=s; aspf=s"]},
})  # fmt: skip
FAULTS = {
    b"TIMEOUT": Answer(Status.TIMEOUT), b"SERVFAIL": Answer(Status.SERVFAIL, detail="\r\nX: y"),
    b"NXDOMAIN": Answer(Status.NXDOMAIN), b"NODATA": Answer(Status.NODATA),
}  # fmt: skip
DICTIONARY = (
    BETWEEN, b"\n--\n\n--\n", b"\t", b"\n", b"TXT ", b"A ", b"AAAA ", b"MX 10 ", b"PTR ", b"CNAME ", b"* TXT ",
    b"TIMEOUT", b"SERVFAIL", b"NXDOMAIN", b"NODATA", b"example.com", b"example.net", b"_dmarc.", b"._domainkey.",
    b"192.0.2.3", b"2001:db8::1", b"DKIM-Signature: ", b"ARC-Seal: ", b"ARC-Message-Signature: ",
    b"ARC-Authentication-Results: ", b"v=spf1 ", b"v=DMARC1; ", b"From: ",
)  # fmt: skip


class ResolverError(Exception):
    """What a plug-in may raise."""


class Hostile:
    """A resolver over the zone of an input that plays a trick with a batch when told to, octet by octet."""

    immediate = True

    def __init__(self, zone: bytes, tricks: bytes) -> None:
        self.tricks = list(reversed(tricks))
        self.honest = False
        self.records: dict[tuple[bytes, bytes], list[Any]] = {}
        self.answers: dict[tuple[bytes, bytes], Answer] = {}
        for line in zone.split(b"\n"):
            name, _, rest = line.partition(b" ")
            kind, _, data = rest.partition(b" ")
            if kind in FAULTS:
                self.answers[name, b"*"] = FAULTS[kind]
            elif kind == b"MX":
                preference, _, host = data.partition(b" ")
                number = int(preference[:5]) if preference[:5].isdigit() else -1
                self.records.setdefault((name, kind), []).append((number, host.decode("utf-8", "surrogateescape")))
            else:
                text = data if kind == b"TXT" else data.decode("utf-8", "surrogateescape")
                self.records.setdefault((name, kind), []).append(text)

    def answer(self, question: Question) -> Answer:
        """Answer one question honestly: from the input, its wildcard, or the base."""
        kind = question.rdtype.encode()
        for name in (question.name.encode("utf-8", "surrogateescape"), b"*"):
            if found := self.answers.get((name, b"*")) or self.answers.get((name, kind)):
                return found
            if records := self.records.get((name, kind)):
                answer = self.answers[name, kind] = Answer(Status.OK, tuple(records), 60)
                return answer
        return BASE.resolve((question,))[0]

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        """Answer a batch, or do what no resolver should."""
        trick = self.tricks.pop() if self.tricks else 0
        if trick in TRICKS:
            return TRICKS[trick](questions)
        self.honest = True
        return tuple(self.answer(q) for q in questions)


def _raise(_: object) -> Any:
    raise ResolverError("\r\nX: y")


def _same(answer: Any) -> Callable[[tuple[Question, ...]], Any]:
    return lambda questions: tuple(answer for _ in questions)


# Whatever it plays, no record is told
TRICKS: dict[int, Callable[[tuple[Question, ...]], Any]] = {
    1: _raise,
    2: lambda _: None,
    3: lambda questions: [FAULTS[b"NXDOMAIN"]] * (len(questions) - 1),
    4: lambda questions: [FAULTS[b"TIMEOUT"]] * len(questions),
    5: _same(FAULTS[b"SERVFAIL"]),
    6: _same(FAULTS[b"NXDOMAIN"]),
    7: _same(FAULTS[b"NODATA"]),
    8: _same(Answer(Status.OK, (1, None, object))),
    9: _same(Answer(Status.TIMEOUT, (b"v=spf1 +all",))),
    10: _same(Answer("ok", (b"v=spf1 +all",))),  # type: ignore[arg-type]
    11: _same(Answer(Status.OK, [b"v=spf1 +all"])),  # type: ignore[arg-type]
    12: _same("v=spf1 +all"),
    13: lambda questions: (q for q in questions),
    14: lambda questions: dict.fromkeys(questions, FAULTS[b"NXDOMAIN"]),
    15: _same(Answer(Status.OK, ())),
}


class Waiting(Hostile):
    """The same for coroutines: each batch waits once."""

    async def resolve(self, questions: tuple[Question, ...]) -> Any:
        await _Pause()
        return super().resolve(questions)


class _Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


@cache
def options_of(first: int, second: int) -> Options:
    """Return the options that two octets stand for."""
    return Options(
        strict=bool(first & 1),
        mode="rfc7489" if first & 2 else "rfc9989",
        allow_partial_body=bool(first & 4),
        allow_expired=bool(first & 8),
        received_spf=bool(first & 16),
        enforce_reject=bool(first & 32),
        trusted_sealers=frozenset({"lists.example.org"}) if first & 64 else frozenset(),
        count_testing_keys=not first & 128,
        allow_future=bool(second & 4),
        allow_public_suffix=bool(second & 8),
        checks=frozenset({"spf", "dkim", "arc", "dmarc", "iprev"} if not second & 16 else {"dkim", "dmarc", "iprev"}),
        public_suffix_list=SUFFIXES,
    )


def stepped(coroutine: Any) -> Any:
    """Drive a coroutine by hand."""
    try:
        while True:
            assert coroutine.send(None) is None
    except StopIteration as stop:
        return stop.value


def authenticate(data: bytes) -> None:
    """Verify once with the synchronous front and once with the asynchronous, and hold the result to the invariants."""
    head, _, rest = data.partition(BETWEEN)
    about, _, rest = rest.partition(BETWEEN)
    zone, _, raw = rest.partition(BETWEEN)
    first, second, tricks = (head[0] if head else 0), (head[1] if len(head) > 1 else 0), head[2:]
    options, limits = options_of(first, second & 28), LIMITS[second & 3]
    ip, helo, mail_from, *_ = [*about.decode("utf-8", "surrogateescape").split("\t"), "-", "-", "-"]
    try:
        connection = Connection(
            ip=None if ip in ("", "-") else ip,
            helo=None if helo == "-" else helo,
            mail_from=None if mail_from == "-" else mail_from,
        )
    except UsageError:
        # Documented: text that is no address is the caller's mistake
        return
    resolver = Hostile(zone, tricks)
    found = synchronously(raw, connection, resolver, OURS, NOW, limits, options)
    again = stepped(aio.authenticate(raw, connection, Waiting(zone, tricks), OURS, NOW, limits, options))
    assert found == again
    check_result(found, limits, options)
    if found.dmarc is not None:
        author = author_of(Message.parse(raw, limits)).domain
        assert found.dmarc.author_domain == author
        # A bounce may show nobody's domain
        bounce = connection is not None and connection.mail_from in ("", "<>")
        assert author is not None or found.dmarc.result == "permerror" or (bounce and found.dmarc.result == "none")
    if not resolver.honest:
        assert not passes(found)
    if second & 32:
        check_edges(found, raw)
        if second & 64:
            check_page(found, raw)


def passes(found: Authentication) -> list[str]:
    """Return the checks that passed."""
    outcomes: list[Any] = [found.spf, found.helo_spf, *found.dkim, found.arc, found.dmarc, found.iprev]
    return [type(o).__name__ for o in outcomes if o is not None and o.result == "pass"]


def check_result(found: Authentication, limits: Limits, options: Options) -> None:
    """The invariants of a result."""
    assert len(found.dns) <= limits.questions
    assert sum(found.rounds) == len(found.dns)
    # The transcript holds no question twice
    assert len({q for q, _ in found.dns}) == len(found.dns)
    assert sorted(set(found.forged)) == list(found.forged)
    outcomes: list[Any] = [found.spf, found.helo_spf, *found.dkim, found.arc, found.dmarc, found.iprev]
    present = [o for o in outcomes if o is not None]
    assert all(o.detail.isprintable() for o in present), [o.detail for o in present]
    for method, outcome in (("spf", found.spf), ("arc", found.arc), ("dmarc", found.dmarc)):
        assert (outcome is not None) == (method in options.checks)
    dmarc = found.dmarc
    if dmarc is not None:
        assert (dmarc.result == "pass") == bool(dmarc.aligned)
        assert dmarc.disposition != "reject" or options.enforce_reject
        if dmarc.result == "pass":
            check_pass(found, options)
    read = authres.parse(found.headers[0])
    assert (read.authserv_id, read.problems) == (OURS, ())
    utf8 = any(c > "\x7f" for c in found.headers[0])
    check_field(found.headers[0], utf8=utf8, max_bytes=limits.authres_bytes)
    if limits.authres_bytes > 4096:
        for method, one in (("dmarc", dmarc), ("arc", found.arc), ("iprev", found.iprev)):
            assert [r.result for r in read.results if r.method == method] == ([] if one is None else [one.result])
        words = [str(o.result) for o in found.dkim]
        assert [r.result for r in read.results if r.method == "dkim"] == (words or ["none"])
    for field in found.headers[1:]:
        check_field(field, utf8=False, max_bytes=4096)


def check_pass(found: Authentication, options: Options) -> None:
    """A pass of DMARC is the pass of something that could be aligned with the one author."""
    dmarc = found.dmarc
    assert dmarc is not None
    author = dmarc.author_domain
    assert author is not None
    assert to_ascii(author) == author
    if "dkim" in dmarc.aligned:
        assert any(o.result == "pass" and o.domain and near(o.domain, author) for o in found.dkim)
    if "spf" in dmarc.aligned:
        assert found.spf is not None
        assert found.spf.result == "pass"
        assert found.spf.domain
        assert near(found.spf.domain, author)


def near(domain: str, author: str) -> bool:
    """Whether one organization could own both names."""
    return may_share_organization(domain, author) or is_under(author, domain) or is_under(domain, author)


def check_edges(found: Authentication, raw: bytes) -> None:
    """What is made of a result: plain data, a pickle, a message with our fields, the story for a person."""
    json.dumps(found.to_dict())
    assert pickle.loads(pickle.dumps(found)) == found
    applied = found.apply(raw)
    line_end = b"\n" if found.normalised else b"\r\n"
    ours = b"".join(h.encode().replace(b"\r\n", line_end) + line_end for h in found.headers)
    assert applied.startswith(ours)
    assert len(applied) <= len(ours) + len(raw)
    assert found.forged or applied == ours + raw
    # Nothing that claims to be ours is left but our own field
    message = Message.parse(applied)
    read = [authres.parse(message.fields[p]).authserv_id for p in message.find(b"authentication-results")]
    assert [to_ascii(name) == OURS for name in read if name is not None].count(True) == 1
    assert len(found.trace) == len(found.dns)
    story = found.explain(raw)
    assert not [c for c in story if c < " " and c != "\n"], story


class Page(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}


def check_page(found: Authentication, raw: bytes) -> None:
    """Nothing of the message becomes an element of the page that could act."""
    page = Page()
    page.feed(as_html(tell(found, raw), found))
    page.close()
    assert not page.elements & {"script", "iframe", "img", "object", "a", "form", "input", "base", "link"}
    assert not [name for name in page.attributes if name.startswith("on") or name in {"src", "srcdoc", "action"}]
