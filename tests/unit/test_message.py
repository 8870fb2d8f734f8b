"""The message as octets: fields, body, canonical forms, author, and what makes a header section ambiguous."""

from __future__ import annotations

import email
import hashlib
import mmap
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from support.signing import NOW, key_zone, signed

from mailauth import Limits, Message, Reason, authenticate
from mailauth.dmarc import author_of
from mailauth.message import canonical
from mailauth.testing import Zone

GOOD = b"From: a@example.com\r\nSubject: x\r\n\r\nbody\r\n"


def author(raw: bytes, limits: Limits | None = None) -> Any:
    return author_of(Message.parse(raw, limits))


# --- fields and body


# RFC 6376 §3.4
def test_fields_are_slices_of_the_input() -> None:
    raw = b"Subject: =?utf-8?Q?x?=\r\n \xff folded\r\nFROM :a@example.com\r\n\r\n\x00body"
    message = Message.parse(raw)
    assert message.fields == [b"Subject: =?utf-8?Q?x?=\r\n \xff folded", b"FROM :a@example.com"]
    assert message.raw[message.body_start :] == b"\x00body"
    assert message.find(b"from") == [1]
    assert message.value(0) == b" =?utf-8?Q?x?=\r\n \xff folded"
    assert not message.normalised
    assert not message.problems


@pytest.mark.parametrize(
    ("raw", "fields", "body"),
    [
        (b"", [], b""),
        (b"\r\n", [], b""),
        (b"\r\nbody", [], b"body"),
        (b"A: 1", [b"A: 1"], b""),
        (b"A: 1\r\n", [b"A: 1"], b""),
        (b"A: 1\r\n\r\n", [b"A: 1"], b""),
        (b"A: 1\r\n\r\n\r\nx", [b"A: 1"], b"\r\nx"),
        (b"A: 1\r\n folded\r\n\r\nx", [b"A: 1\r\n folded"], b"x"),
    ],
)
def test_where_the_header_section_ends(raw: bytes, fields: list[bytes], body: bytes) -> None:
    message = Message.parse(raw)
    assert message.fields == fields
    assert message.raw[message.body_start :] == body


@pytest.mark.parametrize("kind", [bytearray, memoryview, lambda raw: memoryview(b"x" + raw)[1:]])
def test_other_octets(kind: Any) -> None:
    assert Message.parse(kind(GOOD)).fields == Message.parse(GOOD).fields


def test_a_file_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "message.eml"
    path.write_bytes(signed())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
        found = authenticate(octets, None, Zone(key_zone()), "mx.example.org", NOW)
        assert found.dkim[0].result == "pass"
        assert found.apply(octets).endswith(signed())
        assert "example.com" in found.explain(octets)
    assert found == authenticate(signed(), None, Zone(key_zone()), "mx.example.org", NOW)


@pytest.mark.parametrize("wrong", ["text", email.message_from_bytes(GOOD), None, 5])
def test_text_and_email_objects_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"must be bytes as received.*pass the bytes"):
        Message.parse(wrong)


# --- line ends


def test_bare_lf_becomes_crlf() -> None:
    message = Message.parse(GOOD.replace(b"\r\n", b"\n"))
    assert message.normalised
    assert message.raw == GOOD
    assert author_of(message).domain == "example.com"


def test_crlf_in_the_body_of_a_saved_message_is_one_line_end() -> None:
    assert Message.parse(b"From: a@example.com\n\nx\r\ny\n").raw == b"From: a@example.com\r\n\r\nx\r\ny\r\n"


def test_a_bare_lf_in_a_crlf_body_is_data() -> None:
    raw = b"From: a@example.com\r\n\r\nx\ny\r\n"
    message = Message.parse(raw)
    assert message.raw == raw
    assert author_of(message).domain == "example.com"


# RFC 6376 §3.8
@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@example.com\r\nX: 1\nFrom: b@example.net\r\n\r\n",
        b"From: a@example.com\r\nX: 1\rFrom: b@example.net\r\n\r\n",
        b"From: a@example.com\r\nX: 1\rFrom: b@example.net\nY: 2\r\n\r\n",
        b"X: 1\nFrom: a@example.com\r\nSubject: x\n\nbody",
        b"X: 1\nFrom: a@example.com\r\n\nbody",
        b"From: a@example.com\r\nno field\r\n\r\n",
        b"From: a@example.com\r\n: nameless\r\n\r\n",
        b" From: b@example.net\r\nFrom: a@example.com\r\n\r\n",
        b"From nobody Mon Nov  2 09:30:00 2026\r\nFrom: a@example.com\r\n\r\n",
        b"\xef\xbb\xbfFrom: a@example.com\r\n\r\n",
        b"From: a@example.com\r\nS\xfcbject: x\r\n\r\n",
        b"From\r\n : a@example.com\r\n\r\n",
    ],
)
def test_a_header_section_two_readers_see_differently_has_no_author(raw: bytes) -> None:
    found = author(raw)
    assert found.domain is None
    assert found.problem.reason is Reason.HEADER_AMBIGUOUS


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(header_bytes=20), Reason.LIMIT_HEADER_BYTES),
        (Limits(header_fields=1), Reason.LIMIT_HEADER_FIELDS),
        (Limits(field_bytes=18), Reason.LIMIT_FIELD_BYTES),
        (Limits(from_bytes=5), Reason.LIMIT_FROM_BYTES),
    ],
)
def test_sizes_beyond_a_limit_leave_no_author(limits: Limits, reason: Reason) -> None:
    assert author(GOOD, limits).problem.reason is reason
    assert author(GOOD).domain == "example.com"


# --- author


# RFC 9989 §5.3.1
@pytest.mark.parametrize(
    ("field", "domain"),
    [
        (b"From: a@example.com", "example.com"),
        (b"From : a@example.com", "example.com"),
        (b"fROM:\r\n a@Example.COM", "example.com"),
        (b"From: a@example.com.", "example.com"),
        (b"From: a@my-bank.example", "my-bank.example"),
        (b"From: a@example.com, b@EXAMPLE.com", "example.com"),
        (b'From: "a@example.net" <b@example.com>', "example.com"),
        (b'From: "a@example.net"@example.com', "example.com"),
        (b"From: Team: a@example.com, b@example.com;", "example.com"),
        ("From: ä@bücher.example".encode(), "xn--bcher-kva.example"),
        ("From: x@faß.example".encode(), "xn--fa-hia.example"),
    ],
)
def test_the_author_domain(field: bytes, domain: str) -> None:
    found = author(field + b"\r\n\r\n")
    assert (found.domain, found.problem) == (domain, None)


# RFC 9989 §4.4, §5.3.1
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"Subject: x", Reason.AUTHOR_MISSING),
        (b"Sender: a@example.com", Reason.AUTHOR_MISSING),
        (b"From:", Reason.AUTHOR_MISSING),
        (b"From: Nobody:;", Reason.AUTHOR_MISSING),
        (b"From: a@example.com\r\nFrom: a@example.com", Reason.AUTHOR_REPEATED),
        (b"From: a@example.com\r\nFrom : b@example.net", Reason.AUTHOR_REPEATED),
        (b"From: a@example.com, b@example.net", Reason.AUTHOR_DOMAINS),
        (b"From: a@example.com\x00.evil.example", Reason.AUTHOR_SYNTAX),
        (b"From: a@example.com\xff", Reason.AUTHOR_DOMAIN_INVALID),
        (b"From: a@=?utf-8?Q?example?=.com", Reason.AUTHOR_DOMAIN_INVALID),
        (b"From: a@[192.0.2.1]", Reason.AUTHOR_DOMAIN_INVALID),
        (b"From: a@localhost", Reason.AUTHOR_DOMAIN_INVALID),
        (b"From: a@" + b"x" * 64 + b".example", Reason.AUTHOR_DOMAIN_INVALID),
        (b"From: a@" + b"x." * 150 + b"example", Reason.AUTHOR_DOMAIN_INVALID),
        ("From: a@ｅｘａｍｐｌｅ.com".encode(), Reason.AUTHOR_DOMAIN_INVALID),
        ("From: a@example。com".encode(), Reason.AUTHOR_DOMAIN_INVALID),
        ("From: a@exam\u200bple.com".encode(), Reason.AUTHOR_DOMAIN_INVALID),
        (b"From: " + b"(" * 200 + b")" * 200 + b"a@example.com", Reason.LIMIT_COMMENT_DEPTH),
        (b"From: " + b"a@example.com," * 65, Reason.LIMIT_FROM_MAILBOXES),
    ],
)
def test_no_single_author(header: bytes, reason: Reason) -> None:
    found = author(header + b"\r\n\r\n")
    assert found.domain is None
    assert found.problem.reason is reason
    assert found.problem.detail


def test_the_mailboxes_are_kept_for_the_reader() -> None:
    (mailbox,) = author(b'From: "Anna \\"B\\"" <anna@example.com>\r\n\r\n').mailboxes
    assert mailbox == ('Anna "B"', "anna", "example.com")


def test_utf8_header_sections() -> None:
    assert not Message.parse(GOOD).utf8
    assert not Message.parse(GOOD + "ü".encode()).utf8  # the body does not count
    assert Message.parse("Subject: ü\r\n\r\n".encode()).utf8
    assert not Message.parse(b"Subject: \xfc\r\n\r\n").utf8


# --- canonical forms


# RFC 6376 §3.4.2
@pytest.mark.parametrize(
    ("field", "relaxed"),
    [
        # RFC 6376 §3.4.5, example 1
        (b"A: X", b"a:X"),
        (b"B : Y\t\r\n\tZ  ", b"b:Y Z"),
        (b"Subject:\r\n  x", b"subject:x"),
        (b"Subject: a\x0b b\x0c ", b"subject:a\x0b b\x0c"),
        (b"Subject: a\r b", b"subject:a\r b"),
        (b"Subject: \t ", b"subject:"),
        (b"Subject: a:b : c", b"subject:a:b : c"),
    ],
)
def test_relaxed_header(field: bytes, relaxed: bytes) -> None:
    assert canonical.relaxed_field(field) == relaxed
    assert Message.parse(field + b"\r\n\r\n").relaxed([0]) == [relaxed]


# RFC 6376 §3.4.3, §3.4.4
@pytest.mark.parametrize(
    ("body", "simple", "relaxed"),
    [
        # RFC 6376 §3.4.5, example 1
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),
        (b"", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (b" \t\r\n\r\n", b" \t\r\n", b""),
        (b"x", b"x\r\n", b"x\r\n"),
        (b"x ", b"x \r\n", b"x\r\n"),
        (b"x\r\n ", b"x\r\n \r\n", b"x\r\n"),
        (b"x\r", b"x\r\r\n", b"x\r\r\n"),
        (b"x\n\r\n", b"x\n\r\n", b"x\n\r\n"),
        (b"a\x0b\r\nb", b"a\x0b\r\nb\r\n", b"a\x0b\r\nb\r\n"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 1 << 18])
def test_canonical_body(
    body: bytes, simple: bytes, relaxed: bytes, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canonical, "CHUNK", chunk)
    raw = b"A: 1\r\n\r\n" + body
    assert b"".join(canonical.canonical_body(raw, 8, relaxed=False)) == simple
    assert b"".join(canonical.canonical_body(raw, 8, relaxed=True)) == relaxed


def test_hashes_of_the_empty_body() -> None:
    message = Message.parse(b"A: 1\r\n\r\n")
    # RFC 6376 §3.4.3 and §3.4.4 give both
    assert b64encode(message.body_hash(relaxed=False)[0]) == b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
    assert b64encode(message.body_hash(relaxed=True)[0]) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


# RFC 6376 §3.7
@pytest.mark.parametrize("chunk", [1, 4, 1 << 18])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 100, 10**70])
def test_hash_of_a_cut_body(length: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "CHUNK", chunk)
    digest, total = Message.parse(b"A: 1\r\n\r\nab \r\nc\td\r\n\r\n").body_hash(relaxed=True, length=length)
    assert digest == hashlib.sha256(b"ab\r\nc d\r\n"[:length]).digest()
    assert total == 9


# RFC 6376 §3.4.4
def test_many_blank_lines_before_the_end_survive() -> None:
    body = b"a\r\n" + b"\r\n" * 3000 + b"b"
    got = b"".join(canonical.canonical_body(b"\r\n" + body + b"\r\n" * 3000, 2, relaxed=True))
    assert got == body + b"\r\n"


# --- limits of the header section


@pytest.mark.parametrize("limits", [Limits(header_bytes=0), Limits(header_fields=0), Limits(header_bytes=1)])
def test_no_room_at_all(limits: Limits) -> None:
    message = Message.parse(GOOD, limits)
    assert message.fields == []
    assert message.overflow is not None
    assert author_of(message).problem == message.overflow
    assert [*message.all_fields()] == Message.parse(GOOD).fields


@pytest.mark.parametrize("octets", range(60))
def test_no_field_is_cut_at_a_fold(octets: int) -> None:
    raw = b"From: a@example.com\r\nSubject: x\r\n y\r\n\tz\r\nTo: b@example.com\r\n\r\nbody\r\n"
    fields = Message.parse(raw).fields
    found = Message.parse(raw, Limits(header_bytes=octets))
    assert found.fields == fields[: len(found.fields)]
    assert [*found.all_fields()] == fields
