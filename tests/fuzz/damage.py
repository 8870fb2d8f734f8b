"""Saved messages that files and forgers changed: what is put right, and what is named.

`explained` takes one of a few signed messages and a script of edits, so that a signature is often one known damage
away from verifying; or, after a NUL, a message as it is.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from support import signing
from support.signing import NOW

from fuzz.endtoend import BASE
from mailauth import Message, Options
from mailauth import authenticate as synchronously
from mailauth.message.edit import MBOX_LINE
from mailauth.results import Reason
from mailauth.saved import restored, undo

OURS = "mx.example.org"
OPTIONS = Options(checks=frozenset({"dkim"}))
MAX_DETAIL = 2500  # characters that are added
MOST_TRIED = 20  # messages that are verified again
FRAMES = {"bom", "banner", "mbox_line", "blank_lines"}
CODES = FRAMES | {"bare_cr", "mixed_line_ends"}
HEADER = (
    b"From: =?UTF-8?Q?J=C3=BCrgen?= <anna@example.com>\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?= =?UTF-8?Q?a?=\r\n"
    b"Date: Mon, 02 Nov 2026 09:28:00 +0000\r\n"
)
LATIN = b'Content-Type: text/plain; charset="iso-8859-1"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nK\xf6ln\r\n'
CODED = b"Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZSBhdXM=\r\n"
PLAIN = b"\r\nHello\r\n..\r\n>From x\r\nFrom y\r\n.\r\n"
FOOTER = b"_" * 47 + b"\r\nlist\r\n"


@cache
def bases() -> tuple[bytes, ...]:
    """Return the signed messages."""
    found = []
    for rest in (PLAIN, LATIN, CODED):
        for c in ("simple/simple", "relaxed/relaxed"):
            arguments = {"by": "ed25519-author", "c": c, "h": "from:subject:content-transfer-encoding"}
            found.append(signing.signed(HEADER + rest, tags={"s": "ed"}, **arguments))
    found.append(signing.signed(found[0], by="rsa1024-old", h="from:subject", tags={"s": "s1"}))
    return tuple(found)


# Edits of a whole message; each octet of a script below 16 is one
EDITS = (
    lambda raw: raw.replace(b"\r\n", b"\n"),
    lambda raw: raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + raw.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n"),
    lambda raw: raw.replace(b"\n.", b"\n.."),
    lambda raw: raw.replace(b"\nFrom ", b"\n>From ").replace(b"\n>From", b"\n>>From"),
    lambda raw: raw + FOOTER,
    lambda raw: raw.replace(b" =?", b"\r\n =?"),
    lambda raw: raw.replace(b"UTF-8", b"utf-8"),
    lambda raw: raw.replace(b"?Q?", b"?q?").replace(b"?B?", b"?b?"),
    lambda raw: raw.replace(b"?Q?J=C3=BCrgen?=", b"?B?SsO8cmdlbg==?="),
    lambda raw: raw.replace(b"?B?R3LDvMOfZQ==?=", b"?Q?Gr=C3=BC=C3=9Fe?="),
    lambda raw: raw.replace(b"=?UTF-8?Q?J=C3=BCrgen?=", b"J\xc3\xbcrgen"),
    lambda raw: raw.replace(b": 8bit", b": quoted-printable").replace(b"K\xf6ln", b"K=F6ln"),
    lambda raw: raw.replace(b"K\xf6ln", b"K\xc3\xb6ln"),
    lambda raw: raw.replace(b"R3LDvMOfZSBhdXM=\r\n", b"Gr\xc3\xbc\xc3\x9fe aus"),
    lambda raw: b"Received: from a by ex (8.17.1/8.17.1) with Microsoft SMTP Server id 1\r\nList-Id: <a.ex>\r\n" + raw,
    lambda raw: b"Subject: again\r\n" + raw,
)


def edited(data: bytes) -> bytes:
    """Return the message that a script makes: the number of a base, then edits, and texts put at a place of it."""
    if data[:1] in (b"", b"\0"):
        return data[1:]
    raw = bases()[data[0] % len(bases())]
    script, _, texts = data[1:].partition(b"\xff")
    for octet in script[:8]:
        raw = EDITS[octet % len(EDITS)](raw)
    for text in texts.split(b"\xff")[:4]:
        place = int.from_bytes(text[:2], "big") % (len(raw) + 1)
        raw = raw[:place] + text[3:] + raw[place + (text[2] & 31 if len(text) > 2 else 0) :]
    return raw


def damage(data: bytes) -> None:
    """Framing: what was put right is what is named, and nothing else has changed."""
    octets, found = restored(data)
    codes = [each.code for each in found]
    assert set(codes) <= CODES
    assert len(set(codes)) == len(codes)
    assert all(each.detail.isprintable() for each in found)
    rest = data
    for code in codes:
        if code in FRAMES:
            before = rest
            rest = unframed(rest, code)
            assert len(rest) < len(before)
    if "bare_cr" in codes:
        assert b"\n" not in rest
        rest = rest.replace(b"\r", b"\r\n")
    if "mixed_line_ends" not in codes:
        assert octets == rest
        return
    # RFC 5322 §2.2: the header section ends at the first empty line, of whatever line ends
    ends = [rest.find(mark) + len(mark) for mark in (b"\n\n", b"\n\r\n") if mark in rest]
    header = rest[: min(ends, default=len(rest))]
    body = rest[len(header) :]
    *lines, last = header.split(b"\n")
    assert octets == b"".join(line.removesuffix(b"\r") + b"\r\n" for line in lines) + last + body
    assert octets != rest


def unframed(data: bytes, code: str) -> bytes:
    """Return what follows one frame, read line by line."""
    if code == "bom":
        return data.removeprefix(b"\xef\xbb\xbf")
    line, end, rest = data.partition(b"\n")
    assert end
    if code == "banner":
        assert line.startswith(b"Microsoft Mail Internet Headers Version ")
        return rest
    if code == "mbox_line":
        assert MBOX_LINE.match(data)
        return rest
    while not line.strip(b" \t\r"):
        data = rest
        line, end, rest = data.partition(b"\n")
    assert b":" in line
    return data


def explained(data: bytes) -> None:
    """Damage is named in words alone, never of what verifies, and after a bounded number of trials."""
    raw = edited(data)
    found = synchronously(raw, None, BASE, OURS, NOW, options=OPTIONS)
    told = undo.explained(found, raw)
    assert replace(told, outcomes=found.outcomes) == found
    assert len(told.outcomes) == len(found.outcomes)
    for before, after in zip(found.dkim, told.dkim, strict=True):
        assert replace(after, detail=before.detail) == before
        if before.reason not in {Reason.BODY_HASH_MISMATCH, Reason.SIGNATURE_MISMATCH}:
            assert after == before
        added = after.detail.removeprefix(before.detail)
        assert before.detail + added == after.detail
        assert after.detail.isprintable()
        assert len(added) < MAX_DETAIL
        assert not added or added.startswith("; ")
    message = Message.parse(raw)
    tried = [octets for _, octets in undo._each(message, {Reason.BODY_HASH_MISMATCH, Reason.SIGNATURE_MISMATCH})]
    assert len(tried) <= MOST_TRIED
    assert all(len(octets) <= 3 * len(message.raw) + 100 for octets in tried)
