"""Messages of all shapes that SMTP can carry, from a seed: odd white space, folds, names, octets, lines and bodies."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

Shape = Callable[[random.Random], bytes]

_WORDS = b"the quick brown fox jumps over a lazy dog and sleeps until noon".split()
_VISIBLE = bytes(c for c in range(0x21, 0x7F) if c != ord(":"))
# Neither NUL nor white space nor an end of a line
_CONTROLS = bytes(c for c in range(1, 32) if c not in b"\t\n\r") + b"\x7f"
_FOLDS = (b"\r\n ", b"\r\n\t", b"\r\n    ", b"\r\n \t ", b" \r\n ", b"\t\r\n\t")


class Odd(NamedTuple):
    """A message, and the names of the shapes it is made of."""

    raw: bytes
    shapes: frozenset[str]


def _words(chance: random.Random, most: int = 8) -> bytes:
    return b" ".join(chance.choices(_WORDS, k=chance.randint(1, most)))


def _name(chance: random.Random) -> bytes:
    # Few, so that many occur more than once
    return b"X-" + chance.choice([b"A", b"b", b"Odd", b"oDD", b"List", b"One-Two-Three"])


def _from(octets: bytes, chance: random.Random, most: int) -> bytes:
    return bytes(chance.choices(octets, k=chance.randint(1, most)))


def _among(octets: bytes, chance: random.Random) -> bytes:
    """Return words with some of these octets between and within them."""
    return b"".join(_words(chance, 2) + _from(octets, chance, 2) for _ in range(chance.randint(1, 4))) + b"end"


def _field(value: Shape, before: bytes = b": ", after: bytes = b"") -> Shape:
    return lambda chance: _name(chance) + before + value(chance) + after + b"\r\n"


def _folded(chance: random.Random) -> bytes:
    return b"".join(_words(chance) + chance.choice(_FOLDS) for _ in range(chance.randint(1, 5))) + _words(chance)


def _named(name: Shape) -> Shape:
    return lambda chance: name(chance) + b": " + _words(chance) + b"\r\n"


def _constant(*fields: bytes) -> Shape:
    return lambda chance: chance.choice(fields) + b"\r\n"


# What the service takes away from a message
REMOVED = (
    b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\r\n",
    b"authentication-RESULTS:\tMX.example.org (a)\r\n ;spf=pass\r\n",
    b"X-Spam: No\r\n",
    b"x-spam:\r\n",
)
FIELDS: dict[str, Shape] = {
    "removed": lambda chance: b"".join(chance.choices(REMOVED, k=chance.randint(1, 3))),
    "plain": _field(_words),
    "no space": _field(_words, b":"),
    "several spaces": _field(_words, b":   "),
    "tab": _field(_words, b":\t"),
    "mixed white space": _field(_words, b": \t "),
    "no value": _field(lambda _: b"", b":"),
    "blank value": _field(lambda chance: _from(b" \t", chance, 4), b":"),
    "trailing white space": _field(_words, after=b" \t "),
    "folded": _field(_folded),
    "folded at once": _field(_words, b":\r\n "),
    "space, folded at once": _field(_words, b": \r\n\t"),
    "many folds": _field(lambda chance: b"\r\n\t".join([_words(chance)] * 150)),
    "blank line in a fold": _field(lambda chance: _words(chance) + b"\r\n \t\r\n " + _words(chance)),
    "blank line at the end of a fold": _field(lambda chance: _words(chance) + b"\r\n "),
    "UTF-8": _field(lambda chance: _words(chance) + " é 文字 \U0001f600".encode()),
    "octets above 127": _field(lambda chance: _among(bytes(range(128, 256)), chance)),
    "control octets": _field(lambda chance: _among(_CONTROLS, chance)),
    "NUL in a field": _field(lambda chance: _among(b"\0", chance)),
    "CR in a field": _field(lambda chance: _words(chance) + b"\r" + _words(chance)),
    "fold after LF": _field(lambda chance: _words(chance) + b"\n " + _words(chance)),
    "fold after CR CR LF": _field(lambda chance: _words(chance) + b"\r\r\n " + _words(chance)),
    "signs": _field(lambda chance: b"%s%n%% \\ \\\" ' ( < > [ ; : : " + _from(_VISIBLE, chance, 40)),
    "colon first": _field(_words, b"::"),
    "space before the colon": _field(_words, b" : "),
    "tab before the colon": _field(_words, b"\t:"),
    "line of 998": _field(lambda chance: b"x" * 990),
    "line of 1,500": _field(lambda chance: b"x" * 1500),
    "line of 5,000": _field(lambda chance: b"x" * 5000),
    "line of 70,000": _field(lambda chance: b"x" * 70_000),
    "long words in folds": _field(lambda chance: b"\r\n ".join([b"y" * 900] * 8)),
    "name of a letter": _named(lambda chance: chance.choice([b"a", b"Z", b"7", b"-"])),
    "name of signs": _named(lambda chance: b"X" + _from(_VISIBLE, chance, 12)),
    "name of 200": _named(lambda chance: b"X-" + b"n" * 198),
    "name of 2,000": _named(lambda chance: b"X-" + b"n" * 1998),
    "name that begins with a dot": _named(lambda chance: b".X"),
    "300 fields": lambda chance: b"".join(b"X-%d:%d\r\n" % (n % 40, n) for n in range(300)),
    "same again": lambda chance: _field(_words)(chance) * 2,
    "known name in another case": _constant(
        b"sENDER: anna@example.com", b"REPLY-TO: anna@example.com", b"mime-version: 1.0", b"list-ID: <l.example.com>",
        b"KEYWORDS: a, b", b"comments: none",
    ),
    "trace": _constant(
        b"Received: from a.example by b.example; Mon, 2 Nov 2026 09:30:00 +0000",
        b"Received: (odd)", b"Delivered-To: anna@example.com", b"X-Original-To: bo@example.org",
    ),
    "return path": _constant(b"Return-Path: <anna@example.com>", b"return-path:<>"),
    "full name or apparent recipient": _constant(b"Full-Name: Anna", b"Apparently-To: bo@example.org"),
    "blind copy": _constant(b"Bcc: cy@example.org", b"bcc:", b"Resent-Bcc: cy@example.org"),
    "length": _constant(b"Content-Length: 12"),
    "resent": _constant(
        b"Resent-From: cy@example.net\r\nResent-To: bo@example.org\r\nResent-Date: Mon, 2 Nov 2026 09:30:00 +0000\r\n"
        b"Resent-Message-ID: <2@example.net>"
    ),
    "plain type": _constant(b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8"),
    "multipart": _constant(
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary="b"\r\nContent-Transfer-Encoding: 8bit'
    ),
    "precedence": _constant(b"Precedence: bulk", b"Priority: urgent", b"Importance: high"),
    "others' results": _constant(b"Authentication-Results: other.example; spf=pass smtp.mailfrom=example.com"),
    "lists of addresses": _constant(
        b"Cc:  Cy   <cy@example.org>,\r\n\tDi <di@example.org>  ,e@example.org", b"Cc:cy@example.org",
        b'Reply-To:   "A. B"  <a@example.com>', b"Errors-To: anna@example.com (x)",
    ),
}  # fmt: skip
BODIES: dict[str, Shape] = {
    "no blank line": lambda _: b"",
    "no body": lambda _: b"\r\n",
    "lines": lambda chance: b"\r\n" + b"".join(_words(chance) + b"\r\n" for _ in range(9)),
    "blank lines at the end": lambda chance: b"\r\nx\r\n" + b"\r\n" * chance.randint(1, 60),
    "only blank lines": lambda chance: b"\r\n" + b"\r\n" * chance.randint(1, 60),
    "blank lines at the start": lambda chance: b"\r\n" + b"\r\n" * chance.randint(1, 9) + b"x\r\n",
    "dots": lambda _: b"\r\n.\r\n..\r\n...\r\n.x\r\n..x\r\nx.\r\n. \r\n.\r\n",
    "white space": lambda _: b"\r\n \r\nx \r\n\tx\t\r\n  x  y \t z \r\n \t \r\n",
    "lines of 998": lambda _: b"\r\n" + (b"x" * 998 + b"\r\n") * 3,
    "lines of 2,048": lambda _: b"\r\n" + b"".join(b"x" * n + b"\r\n" for n in range(2040, 2056)),
    "lines of 70,000": lambda _: b"\r\n" + (b"x" * 70_000 + b"\r\n") * 2,
    "300 kB": lambda chance: b"\r\n" + b"".join(_words(chance) + b"\r\n" for _ in range(10_000)),
    "UTF-8 in the body": lambda _: b"\r\n" + "é 文字 \U0001f600\r\n".encode() * 5,
    "octets above 127 in the body": lambda chance: b"\r\n" + bytes(range(128, 256)) + b"\r\n",
    "control octets in the body": lambda chance: b"\r\n" + _among(_CONTROLS, chance) + b"\r\n",
    "NUL in the body": lambda chance: b"\r\n" + _among(b"\0", chance) + b"\r\n",
    "CR in the body": lambda chance: b"\r\nx\r" + _words(chance) + b"\r\nx\r\ry\r\n",
    "CR CR LF in the body": lambda chance: b"\r\nx\r\r\n" + _words(chance) + b"\r\n",
    "LF in the body": lambda chance: b"\r\nx\n" + _words(chance) + b"\ny\r\n",
    "like a header": lambda _: b"\r\nFrom: boss@victim.example\r\nX-A: x\r\n y\r\n\r\nx\r\n",
    "like an mbox": lambda _: b"\r\nFrom anna@example.com Mon Nov  2 09:30:00 2026\r\n>From x\r\nFrom\r\n",
    "parts": lambda chance: (
        b"\r\nfirst\r\n--b\r\nContent-Type: text/plain\r\nX-Part:  odd \r\n\ty\r\n\r\n"
        + _words(chance) + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom : x\r\nno colon\r\n\r\nx\r\n"
        b"--b--\r\nlast\r\n"
    ),
}  # fmt: skip
_USUAL = (
    b"To: bo@example.org\r\n", b"Subject: odd\r\n", b"Date: Mon, 2 Nov 2026 09:30:00 +0000\r\n",
    b"Message-ID: <1@example.com>\r\n",
)  # fmt: skip


def odd(number: int, seed: int = 1) -> Odd:
    """Return a message by its number: each shape of a field and of a body comes first by itself, then several mixed."""
    chance = random.Random(f"{seed} {number}")
    if number < len(FIELDS):
        fields, body = [list(FIELDS)[number]], "lines"
    elif number < len(FIELDS) + len(BODIES):
        fields, body = ["plain"], list(BODIES)[number - len(FIELDS)]
    else:
        fields = chance.choices(list(FIELDS), k=chance.choice((1, 2, 3, 5, 8)))
        body = chance.choice(list(BODIES))
    pieces = [b"From: Anna <anna@example.com>\r\n", *(each for each in _USUAL if number < 100 or chance.random() < 0.9)]
    for each in fields:
        pieces.insert(chance.randint(0, len(pieces)), FIELDS[each](chance))
    return Odd(b"".join([*pieces, BODIES[body](chance)]), frozenset({*fields, body}))
