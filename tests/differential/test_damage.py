"""Forgers against the names of damage: whatever a message is called "as signed but for", it reads as it was signed.

Signed messages are changed at random, by rewriters of encoded-words and by forgers, and Python's own reader of header
fields says what a person sees. `MAILAUTH_DIFFERENTIAL=50` tries 100,000 of them.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from email.header import decode_header
from email.utils import getaddresses
from functools import cache
from random import Random

from support import signing

from differential.generate import seeds
from mailauth import Options, authenticate
from mailauth.saved.undo import explained
from mailauth.testing import Zone

ZONE = Zone(signing.key_zone(name="ed25519-author"))
OPTIONS = Options(checks=frozenset({"dkim"}))
TEXTS = ["Grüße", "Pay 100 €", "<boss@example.net>", "a, b", "Robin", "日本語", '"x"', "=?", "?=", "a_b", " ", "é"]
CHARSETS = [
    "UTF-8",
    "utf-8",
    "iso-8859-1",
    "ISO-8859-15",
    "us-ascii",
    "unknown-8bit",
    "windows-1252",
    "koi8-r",
    "utf-7",
]
JUNK = [
    *(b"?=", b"=?", b"?", b"=", b"_", b" ", b"\r\n ", b"\t", b"==", b"=C3", b"=00", b"A", b"\xc3\xbc", b"<", b">"),
    *(b"?q?", b"?B?", b"(", b")", b'"', b",", b"utf-8", b"=?utf-8?q?x?=", b"=?UTF-8?B?eA==?=", b"pay"),
]  # fmt: skip
PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
WORD = re.compile(rb"=\?([^?]*)\?([QqBb])\?([^?]*)\?=")
FIELD = re.compile(rb"(?m)^(From|Subject):((?:.*\r\n)(?:[ \t].*\r\n)*)")


def word(random: Random, text: str) -> bytes:
    charset = random.choice(CHARSETS[:2] if random.random() < 0.8 else CHARSETS)
    octets = text.encode("utf-8" if charset == "unknown-8bit" else charset, "replace")
    return written(random, charset.encode(), random.choice([b"Q", b"q", b"B", b"b"]), octets)


def written(random: Random, charset: bytes, letter: bytes, octets: bytes) -> bytes:
    if letter in b"Bb":
        return b"=?%b?%b?%b?=" % (charset, letter, b64encode(octets))
    plain = PLAIN + (b"@<>,.:" if random.random() < 0.2 else b"")
    return b"=?%b?%b?%b?=" % (charset, letter, b"".join(bytes([c]) if c in plain else b"=%02X" % c for c in octets))


def text(random: Random) -> bytes:
    """Return a text of words, encoded-words and raw octets."""
    parts = []
    for _ in range(random.randrange(1, 4)):
        chosen = random.choice(TEXTS)
        parts.append(word(random, chosen) if random.random() < 0.8 else chosen.encode())
    return random.choice([b" ", b"\r\n ", b" "]).join(parts)


@cache
def signed(number: int) -> bytes:
    random = Random(f"damage {number}")
    header = b"From: " + text(random) + b" <anna@example.com>\r\nSubject: " + text(random) + b"\r\n"
    c = random.choice(["relaxed/relaxed", "simple/simple"])
    return signing.signed(header + b"\r\nHello\r\n", by="ed25519-author", h="from:subject", c=c)


def octets_of(match: re.Match[bytes]) -> bytes:
    if match[2] in b"Bb":
        try:
            return b64decode(match[3] + b"==")
        except binascii.Error:
            return match[3]
    return re.sub(rb"=([0-9A-F]{2})", lambda h: bytes([int(h[1], 16)]), match[3].replace(b"_", b" "))


# What programs do to a word, and what forgers would like to
def other_case(random: Random, match: re.Match[bytes]) -> bytes:
    return match[0].replace(match[1], match[1].swapcase(), 1)


def other_letter(random: Random, match: re.Match[bytes]) -> bytes:
    return b"=?%b?%b?%b?=" % (match[1], match[2].swapcase(), match[3])


def other_encoding(random: Random, match: re.Match[bytes]) -> bytes:
    return written(random, match[1], {b"Q": b"B", b"B": b"Q", b"q": b"b", b"b": b"q"}[match[2]], octets_of(match))


def split(random: Random, match: re.Match[bytes]) -> bytes:
    octets = octets_of(match)
    at = random.randrange(len(octets) + 1)
    return (
        b" ".join(written(random, match[1], match[2], part) for part in (octets[:at], octets[at:]) if part) or match[0]
    )


def raw(random: Random, match: re.Match[bytes]) -> bytes:
    return octets_of(match)


def renamed(random: Random, match: re.Match[bytes]) -> bytes:
    return match[0].replace(match[1], random.choice(CHARSETS).encode(), 1)


def mistaken(random: Random, match: re.Match[bytes]) -> bytes:
    """Call one encoding the other, or change what is in the word."""
    letter = random.choice([match[2], random.choice([b"Q", b"B"])])
    return b"=?%b?%b?%b?=" % (match[1], letter, spliced(random, match[3]))


def encoded(random: Random, value: bytes) -> bytes:
    """Encode a part of a field, the address perhaps; mostly between white space."""
    ends = [m.end() for m in re.finditer(rb"\A|[ \n](?=[^ \r\n])", value)]
    start = random.choice(ends if random.random() < 0.8 else range(len(value)))
    stops = [m.start() for m in re.finditer(rb"\Z|(?<=[^ \n])[ \r]", value) if m.start() > start]
    end = random.choice(stops if random.random() < 0.8 else range(start, len(value) + 1))
    return value[:start] + written(random, b"utf-8", random.choice([b"q", b"b"]), value[start:end]) + value[end:]


def spliced(random: Random, value: bytes) -> bytes:
    start = random.randrange(len(value) + 1)
    end = min(start + random.choice([0, 0, 1, 5]), len(value))
    return value[:start] + random.choice(JUNK) + value[end:]


CHANGES: list[Callable[[Random, re.Match[bytes]], bytes]] = [
    *(other_case, other_letter, other_encoding, split, raw, renamed, mistaken),
]  # fmt: skip


def rewritten(random: Random, value: bytes, change: Callable[[Random, re.Match[bytes]], bytes]) -> bytes:
    share = random.choice([1.0, 1.0, 0.5])
    return WORD.sub(lambda word: change(random, word) if random.random() < share else word[0], value)


def changed(random: Random, message: bytes) -> bytes:
    """Return a message with some of its fields changed."""

    def field(match: re.Match[bytes]) -> bytes:
        value = match[2]
        if random.random() < 0.1:
            return match[0]
        for _ in range(random.choice([1, 1, 1, 2])):
            if random.random() < 0.15:
                value = random.choice([encoded, spliced])(random, value[:-2]) + b"\r\n"
            else:
                value = rewritten(random, value, random.choice(CHANGES))
        return match[1] + b":" + value

    head, blank, body = message.partition(b"\r\n\r\n")
    signature, _, fields = (head + b"\r\n").partition(b"\r\nFrom:")
    return signature + b"\r\n" + FIELD.sub(field, b"From:" + fields) + blank[2:] + body


def reading(message: bytes) -> list[str]:
    """Return what a reader of RFC 2047 shows of each field, and the authors; white space means nothing here."""
    shown = []
    for name, value in FIELD.findall(message.replace(b"\r\nDKIM", b"\r\nX", 1)):
        one_line = re.sub(rb"[ \t\r\n]+", b" ", value).decode("utf-8", "surrogateescape").strip()
        parts = []
        for part, charset in decode_header(one_line):
            if isinstance(part, bytes):
                # Between words it has the characters in this form
                known = "raw-unicode-escape" if charset is None else "utf-8" if charset == "unknown-8bit" else charset
                part = part.decode(known, "surrogateescape" if known == "utf-8" else "backslashreplace")
            parts.append(part)
        if name == b"From":
            # RFC 2047 §5: addresses are found first, words are decoded then
            shown += [address for _, address in getaddresses([one_line]) if "@" in address]
        shown.append(name.decode() + ":" + re.sub(r"\s+", "", "".join(parts)))
    return shown


def test_what_is_called_damage_reads_as_it_was_signed() -> None:
    named: Counter[str] = Counter()
    for seed in seeds(2000):
        random = Random(f"forged {seed}")
        original = signed(seed % 200)
        message = changed(random, original)
        found = explained(authenticate(message, None, ZONE, "mx.example.org", signing.NOW, options=OPTIONS), message)
        _, is_named, what = found.dkim[0].detail.partition("; the message is as signed but for ")
        if is_named:
            named[what.partition(",")[0]] += 1
            assert found.dkim[0].result == "fail"
            assert reading(message) == reading(original), (original, message)
        elif found.dkim[0].result == "pass":
            named["pass"] += 1
    # The rewriters among them were found out
    assert len(named) >= 6, named
    assert sum(named.values()) > len(seeds(2000)) / 20, named
