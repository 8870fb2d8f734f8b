"""apply(): forged fields gone, ours on top, every other octet as it was."""

from __future__ import annotations

import mailbox
import re
from contextlib import closing
from pathlib import Path

import pytest

from mailauth import Authentication, Connection, Options, UsageError, authenticate
from mailauth.testing import Zone

FIELDS = [
    b"Received: from x ([192.0.2.1])\n\tby mx.example.org; date\n",
    b"Authentication-Results: mx.example.org;\n\tspf=pass\n dkim=pass\n",
    b"X-Odd:\xff \t\n \n folded \n",
    b"AUTHENTICATION-RESULTS : MX.example.org; dmarc=pass\n",
    b"Authentication-Results: other.example; spf=pass\n",
    b"From: a@example.com\n",
    b"Authentication-Results: mx.example.org; none\n",
]
FORGED = (1, 3, 6)
BODY = b"\nbody\n\nAuthentication-Results: mx.example.org; spf=pass\n"


def check(raw: bytes, options: Options | None = None) -> Authentication:
    return authenticate(raw, None, Zone({}), "mx.example.org", 0, options=options)


def ours(found: Authentication, line_end: bytes) -> bytes:
    return b"".join(h.encode().replace(b"\r\n", line_end) + line_end for h in found.headers)


# RFC 6376 §6.2; RFC 8601 §4, §4.1
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("body", [BODY, b"\n", b""])
def test_forged_fields_go_and_ours_come(line_end: bytes, body: bytes) -> None:
    raw = b"".join([*FIELDS, body]).replace(b"\n", line_end)
    found = check(raw)
    assert found.forged == FORGED
    kept = b"".join([*(f for i, f in enumerate(FIELDS) if i not in FORGED), body]).replace(b"\n", line_end)
    assert found.apply(raw) == ours(found, line_end) + kept
    assert found.headers[0].startswith("Authentication-Results: mx.example.org;")


# RFC 8601 §5
def test_applying_it_leaves_nothing_forged_but_ours() -> None:
    raw = b"".join([*FIELDS, BODY]).replace(b"\n", b"\r\n")
    again = check(check(raw).apply(raw))
    assert again.forged == (0,)


def test_mixed_line_ends_are_kept() -> None:
    raw = (
        b"A: 1\nAuthentication-Results: mx.example.org;\r\n spf=pass\r\nFrom: a@example.com\r\nB: 2\n"
        b"Authentication-Results: mx.example.org; none\n\nbody\r\n"
    )
    found = check(raw)
    assert found.forged == (1, 4)
    assert found.apply(raw) == ours(found, b"\n") + b"A: 1\nFrom: a@example.com\r\nB: 2\n\nbody\r\n"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_forged_field_at_the_end(end: bytes) -> None:
    first = b"From: a@example.com" + (end or b"\r\n")
    raw = first + b"Authentication-Results: mx.example.org; none" + end
    found = check(raw)
    assert found.forged == (1,)
    assert found.apply(raw) == ours(found, end or b"\r\n") + first


# RFC 6376 §3.4; RFC 8601 §4.1
def test_nothing_forged_nothing_touched() -> None:
    raw = b"From: a@example.com\r\n\r\n\x00\xff\r\r\n\n"
    found = check(raw)
    assert found.forged == ()
    assert found.apply(raw).endswith(b"\r\n" + raw)


MBOX_LINES = [
    b"From anna@example.com Mon Nov  2 09:30:00 2026",
    b"From MAILER-DAEMON Mon Nov  2 09:30:00 2026",
    b"From - Mon Nov 02 09:30:00 2026",
    b"From 1234567890@xxx Mon Nov 02 09:30:00 +0000 2026",
    b"From anna@example.com  Mon Nov  2 9:30 2026 remote from host",
    b'From "anna b"@[IPv6:2001:db8::1] Mon Nov  2 09:30:00 CET 2026',
]


@pytest.mark.parametrize("line", MBOX_LINES)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_first_line_of_an_mbox_stays_first(line: bytes, line_end: bytes) -> None:
    # RFC 4155 §A: a message of an mbox begins with that line; above it a field would be the end of another message
    raw = line + line_end + b"".join([*FIELDS, BODY]).replace(b"\n", line_end)
    found = check(raw, Options(received_spf=True))
    assert found.forged == tuple(position + 1 for position in FORGED)
    kept = b"".join([*(f for i, f in enumerate(FIELDS) if i not in FORGED), BODY]).replace(b"\n", line_end)
    assert found.apply(raw) == line + line_end + ours(found, line_end) + kept
    # Nothing forged, nothing but the line, and no line end at all after a field
    for rest in (b"From: a@example.com" + line_end * 2 + b"x", line_end + b"x", b"", b"From: a@example.com"):
        found = check(line + line_end + rest)
        assert found.apply(line + line_end + rest) == line + line_end + ours(found, line_end) + rest


def test_the_messages_of_an_mbox_stay_apart(tmp_path: Path) -> None:
    messages = [b"Subject: %d\nFrom: a@example.com\n\nHello\n\n" % number for number in range(3)]
    applied = [check(MBOX_LINES[0] + b"\n" + each).apply(MBOX_LINES[0] + b"\n" + each) for each in messages]
    (tmp_path / "box").write_bytes(b"".join(applied))
    with closing(mailbox.mbox(tmp_path / "box")) as box:
        read = list(box)
    assert [each["Subject"] for each in read] == ["0", "1", "2"]
    assert [each.keys() for each in read] == [["Authentication-Results", "Subject", "From"]] * 3


@pytest.mark.parametrize(
    "first",
    [
        b"From: anna@example.com 09:30",
        b"From : anna@example.com 09:30",
        b"From  \t: anna@example.com 09:30",
        b">From anna@example.com Mon Nov  2 09:30:00 2026",
        b"from anna@example.com Mon Nov  2 09:30:00 2026",
        b"From anna@example.com",
        b"From anna@example.com\rMon Nov  2 09:30:00 2026",
        b"From\tanna@example.com Mon Nov  2 09:30:00 2026",
        # What follows continues it: a field below would swallow that
        b"From anna@example.com Mon Nov  2 09:30:00 2026\r\n Authentication-Results: mx.example.org; dmarc=pass",
        b"From anna@example.com Mon Nov  2 09:30:00 2026\r\n\t",
        b" From anna@example.com Mon Nov  2 09:30:00 2026",
    ],
)
def test_any_other_first_line_comes_below(first: bytes) -> None:
    raw = first + b"\r\nFrom: a@example.com\r\n\r\n"
    found = check(raw)
    assert found.forged == ((0,) if first.startswith(b" ") else ())
    assert found.apply(raw) == ours(found, b"\r\n") + (raw if not found.forged else raw[len(first) + 2 :])


def test_an_mbox_line_with_its_own_line_end() -> None:
    raw = MBOX_LINES[0] + b"\nFrom: a@example.com\r\n\r\nx\r\n"
    found = check(raw)
    assert found.normalised
    assert found.apply(raw) == MBOX_LINES[0] + b"\n" + ours(found, b"\n") + raw[len(MBOX_LINES[0]) + 1 :]


def test_an_empty_message() -> None:
    found = check(b"")
    assert found.apply(b"") == ours(found, b"\r\n")


def test_more_names_of_ours() -> None:
    raw = b"Authentication-Results: old.example; none\r\nFrom: a@example.com\r\n\r\n"
    assert check(raw).forged == ()
    assert check(raw, Options(authserv_ids=frozenset({"OLD.example"}))).forged == (0,)


def test_the_wrong_message_is_refused() -> None:
    raw = b"".join([*FIELDS, BODY])
    with pytest.raises(UsageError, match="give the message that was authenticated"):
        check(raw).apply(b"From: a@example.com\r\n\r\n")
    with pytest.raises(TypeError, match="must be bytes"):
        check(raw).apply("text")  # type: ignore[arg-type]


# RFC 8601 §4
def test_received_spf_comes_second() -> None:
    raw = b"From: a@example.com\r\n\r\n"
    lines = check(raw, Options(received_spf=True)).apply(raw).split(b"\r\n")
    names = [line.partition(b":")[0] for line in lines if line and line[:1] not in b" \t"]
    assert names == [b"Authentication-Results", b"Received-SPF", b"From"]


def test_comments_can_be_left_out() -> None:
    null_sender = Connection(ip="192.0.2.1", helo="mx.example.com", mail_from="")

    def field(options: Options) -> str:
        raw = b"From: a@example.com\r\n\r\n"
        return authenticate(raw, null_sender, Zone({}), "mx.example.org", 0, options=options).headers[0]

    with_comments, without = field(Options()), field(Options(comments=False))
    assert "(" in with_comments
    assert "(" not in without
    assert without.split() == re.sub(r"\([^()]*\)", "", with_comments).split()
