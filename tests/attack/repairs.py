"""Tampered messages with every known damage on top: none passes, and none is called "as signed but for" the damage.

    python tests/attack/repairs.py --number 100000

Each message is made from its number alone, so a finding is repeated with `--first NUMBER --number 1`.
"""

from __future__ import annotations

import argparse
import quopri
import random
import re
import sys
from base64 import b64decode, b64encode, encodebytes
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parents[n]) for n in (2, 1)]

from support import signing  # noqa: E402  the path comes first

from mailauth.saved import Saved, verify  # noqa: E402
from mailauth.testing import Zone  # noqa: E402

NOW = datetime.fromtimestamp(signing.NOW, UTC)
ZONE = Zone(
    {
        **signing.key_zone(),
        **signing.key_zone(selector="s2", name="ed25519-author"),
        "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    }
)
CLAIM = "as signed but for"
TEXT = (
    "Hello Robin,\r\n\r\nFrom here on we meet on Mondays.\r\n>From an older mail\r\n.. two dots\r\n. one dot\r\n"
    "  indented\t text \r\nGrüße aus Köln = 100 % €-frei\r\n-- \r\nAnna\r\n\r\n"
)
FOOTER = b"_" * 47 + b"\r\nRobots mailing list\r\nhttps://lists.example.org/robots\r\n"
GROUPS = b'-- \r\nYou received this message because you are subscribed to the Google Groups "Robots" group.\r\n'
Change = Callable[[bytes, random.Random], bytes]


class Form(NamedTuple):
    """How a message is written and signed."""

    charset: str
    encoding: str
    kind: str
    c: str
    h: str
    two: bool
    length: bool


CHARSETS = ("us-ascii", "utf-8", "iso-8859-15", "windows-1252")
ENCODINGS = ("8bit", "quoted-printable", "base64")
KINDS = ("text/plain", "multipart/mixed; boundary=b")
CANONICAL = ("simple/simple", "relaxed/relaxed", "relaxed/simple", "simple/relaxed")
SIGNED = ("from:to:subject:date", "from:from:to:to:subject:subject:date:content-type:content-transfer-encoding")


@cache
def made(form: Form) -> bytes:
    """Return a signed message."""
    text = TEXT.replace("€", "EUR") if form.charset == "us-ascii" else TEXT
    octets = text.encode(form.charset, "replace")
    if form.encoding == "quoted-printable":
        octets = quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    elif form.encoding == "base64":
        octets = encodebytes(octets).replace(b"\n", b"\r\n")
    if form.kind.startswith("multipart"):
        octets = b"--b\r\n\r\n" + octets + b"--b--\r\n"
    kind = f"{form.kind}; charset={form.charset}" if form.kind.startswith("text") else form.kind
    header = signing.MAIL.partition(b"\r\n\r\n")[0]
    typed = f"\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {form.encoding}\r\n\r\n"
    raw = header + typed.encode() + octets
    tags = {"l": str(len(signing.canonical_body(octets, form.c)))} if form.length else {}
    if form.two:
        second = signing.signature(raw, by="ed25519-author", c="relaxed/relaxed", tags={"s": "s2"})
        return signing.signature(raw, c=form.c, h=form.h, tags=tags) + second + raw
    return signing.signed(raw, c=form.c, h=form.h, tags=tags)


# --- tampering: what a reader could see


def _parts(raw: bytes) -> tuple[list[bytes], bytes]:
    return signing.split(raw)


def _joined(fields: list[bytes], body: bytes) -> bytes:
    return b"".join(fields) + b"\r\n" + body


def _letter(octets: bytes, rng: random.Random, start: int = 0) -> bytes:
    """Change one letter or digit into another, which no line end, quoting or encoding is made of."""
    places = [m.start() for m in re.finditer(rb"[A-Za-z0-9]", octets) if m.start() >= start]
    place = rng.choice(places)
    other = rng.choice(
        bytes(c for c in b"abcdefghijkmnopqrstuvwxyz23456789" if c not in octets[place : place + 1].lower())
    )
    return octets[:place] + bytes([other]) + octets[place + 1 :]


def body_letter(raw: bytes, rng: random.Random) -> bytes:
    fields, body = _parts(raw)
    return _joined(fields, _letter(body, rng))


def body_line(raw: bytes, rng: random.Random) -> bytes:
    """Put in a line, or take one away."""
    fields, body = _parts(raw)
    lines = body.splitlines(keepends=True)
    place = rng.choice([n for n, line in enumerate(lines) if line.strip()])
    if rng.random() < 0.5:
        del lines[place]
    else:
        lines.insert(place, rng.choice([b"Pay to account 1\r\n", b"UGF5IHRvIGFjY291bnQgMQ==\r\n", b"=50ay=\r\n"]))
    return _joined(fields, b"".join(lines))


def field_letter(raw: bytes, rng: random.Random) -> bytes:
    fields, body = _parts(raw)
    place = _position(fields, rng)
    fields[place] = _letter(fields[place], rng, fields[place].index(b":"))
    return _joined(fields, body)


def field_removed(raw: bytes, rng: random.Random) -> bytes:
    fields, body = _parts(raw)
    del fields[_position(fields, rng)]
    return _joined(fields, body)


def field_doubled(raw: bytes, rng: random.Random) -> bytes:
    """Add another field of a name that was signed, above or below it."""
    fields, body = _parts(raw)
    place = _position(fields, rng)
    name = fields[place].partition(b":")[0]
    value = b"mallory@example.net" if name in {b"From", b"To"} else b"Mon, 02 Nov 2026 10:28:00 +0000"
    fields.insert(place + rng.randrange(2), name + b": " + value + b"\r\n")
    return _joined(fields, body)


def _position(fields: list[bytes], rng: random.Random) -> int:
    names = (b"From", b"To", b"Subject", b"Date")
    return rng.choice([n for n, field in enumerate(fields) if field.partition(b":")[0] in names])


TAMPERING: tuple[Change, ...] = (body_letter, body_line, field_letter, field_removed, field_doubled)


# --- what changes nothing that is signed


def field_added(raw: bytes, rng: random.Random) -> bytes:
    fields, body = _parts(raw)
    fields.insert(rng.randrange(len(fields) + 1), b"X-Label: archive\r\n")
    return _joined(fields, body)


def field_moved(raw: bytes, rng: random.Random) -> bytes:
    fields, body = _parts(raw)
    fields.insert(rng.randrange(len(fields)), fields.pop(rng.randrange(len(fields))))
    return _joined(fields, body)


# --- damage


def _body(change: Callable[[bytes], bytes]) -> Change:
    def changed(raw: bytes, _: random.Random) -> bytes:
        header, end, body = raw.partition(b"\r\n\r\n")
        return header + end + change(body)

    return changed


def _encoding(name: bytes, change: Callable[[bytes], bytes]) -> Change:
    def changed(raw: bytes, _: random.Random) -> bytes:
        header, end, body = raw.partition(b"\r\n\r\n")
        return re.sub(rb"(?m)^(Content-Transfer-Encoding: ).*?(?=\r|$)", rb"\1" + name, header) + end + change(body)

    return changed


def _decoded_base64(body: bytes) -> bytes:
    try:
        return b64decode(body)
    except ValueError:
        return body


def _to_utf8(raw: bytes, _: random.Random) -> bytes:
    header, end, body = raw.partition(b"\r\n\r\n")
    charset = re.search(rb"charset=([\w-]+)", header)
    return header + end + body.decode(charset[1].decode() if charset else "latin-1", "replace").encode()


def _some_line_ends(raw: bytes, rng: random.Random) -> bytes:
    return b"".join(
        line.replace(b"\r\n", b"\n") if rng.random() < 0.5 else line for line in raw.splitlines(keepends=True)
    )


DAMAGE: dict[str, Change] = {
    "dot-stuffing": _body(lambda body: re.sub(rb"(?m)^\.", b"..", body)),
    "mboxo": _body(lambda body: re.sub(rb"(?m)^From ", b">From ", body)),
    "mboxrd": _body(lambda body: re.sub(rb"(?m)^(>*From )", rb">\1", body)),
    "bare LF in the body": _body(lambda body: body.replace(b"\r\n", b"\n")),
    "footer of Mailman": _body(lambda body: body + FOOTER),
    "footer of Google": _body(lambda body: body + GROUPS),
    "footer as it likes": _body(lambda body: body + FOOTER + b"Pay to account 1\r\n"),
    "to quoted-printable": _encoding(
        b"quoted-printable", lambda b: quopri.encodestring(b.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    ),
    "to base64": _encoding(b"base64", lambda b: encodebytes(b).replace(b"\n", b"\r\n")),
    "to base64, and more": _encoding(b"base64", lambda b: b64encode(b) + b"\r\n" + b64encode(b"Pay!\r\n") + b"\r\n"),
    "decoded": _body(_decoded_base64),
    "to UTF-8": _to_utf8,
    "all LF": lambda raw, _: raw.replace(b"\r\n", b"\n"),
    "all CR": lambda raw, _: raw.replace(b"\r\n", b"\r"),
    "mixed line ends": _some_line_ends,
    "mbox line": lambda raw, _: b"From anna@example.com Mon Nov  2 09:31:00 2026\r\n" + raw,
    "banner": lambda raw, _: b"Microsoft Mail Internet Headers Version 2.0\r\n" + raw,
    "blank lines": lambda raw, rng: b" \r\n" * rng.randint(1, 3) + raw,
    "BOM": lambda raw, _: b"\xef\xbb\xbf" + raw,
    "no final line end": lambda raw, _: raw.rstrip(b"\r\n"),
    "cut short": lambda raw, rng: raw[: len(raw) - rng.randrange(1, 40)],
}


class Made(NamedTuple):
    """A message, and what was done to it."""

    raw: bytes
    form: Form
    tampered: tuple[str, ...]
    damage: tuple[str, ...]


def message(number: int) -> Made:
    """Return the message of a number: half of them tampered with, most of them damaged."""
    rng = random.Random(f"repairs {number}")
    form = Form(
        charset=rng.choice(CHARSETS),
        encoding=rng.choice(ENCODINGS),
        kind=rng.choice(KINDS),
        c=rng.choice(CANONICAL),
        h=rng.choice(SIGNED),
        two=rng.random() < 0.3,
        length=rng.random() < 0.1,
    )
    raw = made(form)
    tampering = rng.sample(TAMPERING, rng.choice((0, 0, 0, 1, 1, 2)))
    if field_doubled in tampering and field_removed in tampering:
        # One could undo the other
        tampering.remove(field_removed)
    for change in (*tampering, *rng.sample((field_added, field_moved), rng.choice((0, 0, 1, 2)))):
        raw = change(raw, rng)
    damage = sorted(rng.sample(list(DAMAGE), rng.choice((0, 1, 1, 1, 2, 3))), key=list(DAMAGE).index)
    for name in damage:
        raw = DAMAGE[name](raw, rng)
    return Made(raw, form, tuple(change.__name__ for change in tampering), tuple(damage))


def problem(case: Made, found: Saved) -> str | None:
    """Return what is wrong with a verdict, or None."""
    claims = [each.detail for each in found.authentication.dkim if CLAIM in each.detail]
    # Choice D23: a second field that is not signed is named beside the pass; a second From is no pass
    named = {"to", "subject", "date"} if "field_doubled" in case.tampered else set()
    passes = [
        each
        for each in found.authentication.dkim
        if each.result == "pass" and not (case.tampered and named.intersection(each.unsigned_duplicates))
    ]
    dmarc = found.authentication.dmarc
    if dmarc is None:
        return "no DMARC"
    if any(each.result == "pass" for each in found.authentication.dkim if CLAIM in each.detail):
        return "a pass that is damaged"
    if dmarc.result == "pass" and not any(each.result == "pass" for each in found.authentication.dkim):
        return "dmarc passes without a signature"
    if not case.tampered:
        return None
    if passes:
        return "tampered, and passes"
    return f"tampered, and {claims[0]}" if claims else None


def run(first: int, number: int) -> tuple[Counter[str], list[str]]:
    """Return how the messages were judged, and what is wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for each in range(first, first + number):
        case = message(each)
        found = verify(case.raw, ZONE, authserv_id="mx.example.org", now=NOW)
        outcomes = found.authentication.dkim
        claim = any(CLAIM in outcome.detail for outcome in outcomes)
        word = "pass" if any(o.result == "pass" for o in outcomes) else "named" if claim else "not pass"
        counts[f"{'tampered' if case.tampered else 'genuine'}, {word}"] += 1
        if said := problem(case, found):
            wrong.append(f"{each}: {said}; {case.form}, {case.tampered}, {case.damage}")
    return counts, wrong


def main() -> int:
    """Print the figures; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    counts, wrong = run(arguments.first, arguments.number)
    sys.stdout.write("".join(f"{line}\n" for line in wrong[:20]))
    figures = ", ".join(f"{word}: {count}" for word, count in sorted(counts.items()))
    sys.stdout.write(f"{arguments.number} messages, {len(wrong)} wrong; {figures}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
