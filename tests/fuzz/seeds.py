"""Where fuzzing begins: inputs of our own for each target, and those of the conformance suites where they are.

Our own are written by hand (`handmade.txt`, one Python literal a line), or come from testdata, from the strategies of
the property tests, and from signatures made for the purpose. The committed corpus (`corpus.txt`) grew from these alone.
"""

from __future__ import annotations

import ast
import base64
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from support import marks, signing, strategies

from fuzz.damage import EDITS, bases
from fuzz.endtoend import BETWEEN
from fuzz.targets import SIGNATURE_FIELDS

HERE = Path(__file__).parent
SUITES = Path(os.environ.get("MAILAUTH_SUITES") or HERE.parents[2] / "shared" / "suites")
SENDER = b"192.0.2.3\tx.example.com\ta@example.com"
LONGEST = 6000  # octets of a message of the suites
INPUTS = HERE / "inputs"
REGRESSIONS = HERE / "regressions"
TESTDATA = signing.TESTDATA / "messages"

# Signatures by (key, c=, other tags)
SIGNATURES: list[tuple[str, str, dict[str, str]]] = [
    ("rsa1024-old", "relaxed/relaxed", {}),
    ("rsa1024-old", "simple/simple", {"i": "@a.example.com", "t": "1", "x": "1793611900"}),
    ("rsa1024-old", "relaxed", {"s": "ed"}),
    ("rsa2048-author", "relaxed", {"s": "s2", "i": "@b.example.com"}),
    ("ed25519-author", "relaxed/simple", {"s": "ed", "q": "dns/txt", "l": "5"}),
    ("ed25519-author", "simple", {"s": "ed", "x": "5", "t": "6"}),
    ("ed25519-author", "x/y", {"s": "ed"}),
    ("ed25519-author", "relaxed", {"s": "none"}),
    ("ed25519-author", "relaxed", {"s": "a" * 64}),
    ("ed25519-author", "relaxed", {"s": "\u00fc", "d": "b\u00fccher.example"}),
]
# Other tags of a signature of ed25519-author that is relaxed
OTHER: list[dict[str, str]] = [
    {"x": "5"}, {"t": "9793611900"}, {"bh": "AAAA"}, {"l": "9999"}, {"d": "com"}, {"i": "@b.c"}, {"q": "x"}, {"v": "2"},
    {"a": "rsa-sha1"}, {"a": "x"}, {"h": "to"}, {"h": "from::to"}, {"t": "x"},
]  # fmt: skip
SETS: list[dict[str, Any]] = [
    {}, {"cv": "fail"}, {"cv": "pass"}, {"c": "simple/simple"}, {"c": "relaxed/relaxed", "ams": {"c": None}},
    {"aar": "x; spf=pass"}, {"ams": {"l": "3"}}, {"seal": {"h": "from"}}, {"ams": {"i": "7"}}, {"ams": {"bh": "AAAA"}},
    {"seal": {"t": "5"}}, {"ams": {"s": "none"}}, {"h": "to"}, {"h": "from:arc-seal"}, {"seal": {"cv": None}},
    {"seal": {"b": "AAAA"}}, {"ams": {"i": None}},
]  # fmt: skip
KEYS: list[dict[str, str | None]] = [
    {"t": "y:s"}, {"h": "sha1"}, {"h": "sha256:x"}, {"s": "x"}, {"s": "email"}, {"k": "x"}, {"p": ""}, {"p": "AAAA"},
    {"p": "=A"}, {"v": "x"}, {"n": "x"}, {"p": None},
]  # fmt: skip


def literals(file: Path) -> list[bytes]:
    """Return the inputs in a file, one literal a line; none where there is no file."""
    return [ast.literal_eval(line) for line in file.read_text("ascii").splitlines()] if file.is_file() else []


def handmade(target: str) -> list[bytes]:
    """Return the inputs of a target that were written by hand."""
    return literals(INPUTS / target / "handmade.txt")


def short_signatures() -> Iterator[bytes]:
    """Yield header sections of signed and sealed messages in the form of the target: kind, value, NUL."""
    mail, variants = signing.MAIL, []
    for by, c, tags in SIGNATURES + [("ed25519-author", "relaxed", {"s": "ed", **other}) for other in OTHER]:
        variants.append(signing.signed(mail, by=by, c=c, h=tags.get("h", "from:to:subject:date:x-none"), tags=tags))
    variants.append(signing.signed(signing.signed(mail, by="rsa1024-old"), by="ed25519-author", tags={"s": "ed"}))
    for changes in SETS:
        one = signing.sealed(mail, by="ed25519-author", **changes)
        variants.append(one)
        if "aar" not in changes and "i" not in changes.get("ams", {}):
            variants.append(signing.sealed(one, by="ed25519-author"))
    two = signing.sealed(signing.sealed(mail, by="ed25519-author"), by="ed25519-author")
    variants += [two.replace(b"b=", b"b=AAAA", 1), signing.sealed(two, by="ed25519-author")]
    kinds = {name.lower(): kind for kind, name in zip(b"DABC", SIGNATURE_FIELDS, strict=True)}
    for variant in variants:
        parts = []
        for one in signing.split(variant)[0]:
            name, _, value = one.partition(b":")
            if name.lower() in kinds:
                parts.append(bytes([kinds[name.lower()]]) + value.removesuffix(b"\r\n"))
        yield b"\0".join(parts)


def keys() -> Iterator[bytes]:
    """Key records, good and spoiled, and bare keys."""
    for name in ("rsa1024-old", "rsa2048-list", "rsa512-weak", "ed25519-author"):
        public = signing.key(name).public
        octets = base64.b64decode(public)
        yield signing.key(name).record().encode()
        yield (b"\1" if name.startswith("ed") else b"\0") + octets
        # The bare RSAPublicKey stands at the end of a SubjectPublicKeyInfo
        yield b"\0" + octets[24:] if name != "rsa1024-old" else b"\0" + octets[22:]
    ed = signing.key("ed25519-author")
    for tags in KEYS:
        yield ed.record(**tags).encode()
    yield b"k=rsa; p=" + ed.public.encode()
    yield b"v=spf1 -all"


def framed() -> Iterator[bytes]:
    """Yield short messages with everything that files put around them."""
    mail = b"From: a@example.com\r\nTo: b\r\n\r\nHello\r\n"
    frames = [
        b"\xef\xbb\xbf", b"Microsoft Mail Internet Headers Version 2.0\r\n", b" \r\n\r\n", b"\n\n",
        b"From a@example.com Mon Nov  2 09:31:00 2026\n",
    ]  # fmt: skip
    for body in (
        mail,
        mail.replace(b"\r\n", b"\n"),
        mail.replace(b"\r\n", b"\r"),
        mail.replace(b"\r\n", b"\n", 1),
        b"",
    ):
        yield body
        for first in frames:
            yield first + body
            yield from (first + second + body for second in frames)


def scripts() -> Iterator[bytes]:
    """Yield each edit of each signed message, alone and twice, and messages as they are."""
    for base in range(1, len(bases()) + 1):
        yield bytes([base])
        for edit in range(len(EDITS)):
            yield bytes([base, edit])
            yield bytes([base, edit, (edit * 7 + base) % len(EDITS)])
        yield bytes([base]) + b"\xff\0\x90\0X: y\r\n\xff\2\0\1z"
    yield b"\0" + signing.signed(signing.MAIL, by="ed25519-author", tags={"s": "ed"}).replace(b"Two", b"two")


def whole() -> Iterator[bytes]:
    """Yield whole verifications: the messages of testdata over their own DNS, and shorter ones over the base."""
    for case in json.loads((TESTDATA / "cases.json").read_text()):
        zone = json.loads((TESTDATA / case["zone"]).read_text())
        about = "\t".join("-" if case[n] is None else case[n] for n in ("ip", "helo", "mail_from")).encode()
        raw = (TESTDATA / case["message"]).read_bytes()
        yield BETWEEN.join((b"\0\x20", about, zone_lines(zone.get("zone", zone)), raw))
    mail, sender = signing.MAIL, b"192.0.2.3\ta.example.com\tanna@example.com"
    ed = signing.signed(mail, by="ed25519-author", tags={"s": "ed"})
    sealed = signing.sealed(ed, by="ed25519-author")
    variants = [
        mail, signing.signed(mail, by="rsa1024-old"), ed, ed + b"more", ed.replace(b"Two", b"Too"), sealed,
        ed.replace(b"\r\n", b"\n"), signing.signed(ed, by="ed25519-author", tags={"s": "ed", "l": "3"}),
        b"From: <b@example.net>\r\n" + ed, b"Subject: x\r\n" + ed, b" x\r\n" + mail,
        b"Authentication-Results: mx.example.org; dmarc=pass\r\n" + ed,
        signing.sealed(sealed, by="ed25519-author", results="dmarc=pass header.from=example.com"),
    ]  # fmt: skip
    for first, raw in enumerate(variants):
        for second in range(0, 64, 9):
            yield BETWEEN.join((bytes([first * 37 & 255, second | (second & 32) << 1]), sender, b"", raw))
    for trick in range(16):
        yield BETWEEN.join((bytes([16, 32, *([0] * (trick % 3)), trick]), sender, b"", ed))
        yield BETWEEN.join((bytes([16, 32, *([trick] * 8)]), sender, b"", ed))
    paths = handmade("path")
    records = [b"_dmarc.example.com TXT " + r for r in handmade("dmarc-record")]
    records += [b"example.com TXT v=spf1 " + r for r in handmade("spf-record")]
    macros = [m.partition(b"\n")[2] for m in handmade("macro")]
    records += [b"example.com TXT v=spf1 exists:" + m + b" -all exp=why.example.com" for m in macros]
    extra = b"\n* A 192.0.2.3\n* PTR a.example.com\n* MX 5 mx.example.com\n* TXT v=spf1 -all\n* AAAA 2001:db8::1"
    for n, record in enumerate(records):
        about = (b"2001:db8::1", b"192.0.2.3")[n & 1] + b"\tx.example.com\t" + paths[n % len(paths)].replace(b"\t", b"")
        yield BETWEEN.join((bytes([n, n & 3]), about, record + (extra if n & 2 else b""), ed if n & 4 else mail))


def attachments() -> Iterator[bytes]:
    """Yield the samples of testdata that are short: a file, or a message."""
    for path in sorted((TESTDATA.parent / "attachments").iterdir()):
        if path.suffix not in {".py", ".md", ".json"} and path.stat().st_size < LONGEST:
            yield (b"\1" if path.suffix == ".eml" else b"\0") + path.read_bytes()


def mark_certificates() -> Iterator[bytes]:
    """Yield mark certificates as files, as DER, and their logotype extensions; good ones, and some that are not."""
    image, digests = marks.logo_image, [("2a03", b"x"), (marks.SHA1, bytes(20))]
    images = [(), (image([b"http://a/"]),), (image(media=b"image/png"),), (image(digests=digests),), (image(),) * 2]
    for each in images:
        yield b"\2" + marks.logotype(*each)
    yield b"\2" + marks.der(0x30, marks.der(0xA2, marks.der(0xA1, b"\x30\0")))
    made = [marks.mark(), marks.mark(names=["a.example"], crl=None), marks.mark(logo=None, sct=None, purposes=None)]
    made += [marks.mark(valid=(-9, -1)), marks.mark(valid=(1, 9)), marks.mark(marks.root()), marks.issuing()]
    made += [marks.mark(names=None, mark_type=None), marks.mark(signed_by=marks.key(5)), marks.mark(logo_critical=True)]
    for one in made:
        yield b"\1" + one.certificate.public_bytes(Encoding.DER)
    ca = marks.authority("Example Mark CA", 2, marks.root(), signs=False)
    small = [marks.mark(logo=None, private=marks.rsa_key(1024)), marks.mark(more=[(marks.UNKNOWN, True)])]
    other = [[marks.mark(ca, logo=None), ca], [marks.mark(logo=None), marks.issuing(), marks.issuing()], small[:1]]
    files = (made[:1], made[-4:], [made[6]], [made[6], *made[:1]], *other, [marks.mark(logo=None), marks.issuing()])
    yield from (b"\0" + marks.pem(*each) for each in files)
    yield b"\1" + small[1].certificate.public_bytes(Encoding.DER)


def zone_lines(zone: dict[str, Any]) -> bytes:
    """Return a zone in the lines of the target."""
    lines = []
    for name, node in zone.items():
        for kind, records in {"*": node}.items() if isinstance(node, str) else node.items():
            if isinstance(records, str):
                lines.append(f"{name} {records.replace('REFUSED', 'SERVFAIL')}")
                continue
            for record in records:
                strings = [record] if isinstance(record, str) else map(str, record)
                text = (" " if kind == "MX" else "").join(strings).replace("\n", " ")
                lines.append(f"{name} {kind} {text}")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def own(target: str) -> list[bytes]:
    """Return inputs of our own for a target."""
    made: dict[str, Callable[[], Iterable[bytes]]] = {
        "fields": lambda: [strategies.SIGNED[:160], *strategies.FRAGMENTS],
        "path": lambda: handmade("author"),
        "tags": lambda: [s[1:] for s in itertools.islice(short_signatures(), 4)],
        "signatures": short_signatures,
        "key": keys,
        "damage": framed,
        "explained": scripts,
        "attachments": attachments,
        "mark": mark_certificates,
        "authenticate": whole,
    }
    return handmade(target) + (list(made[target]()) if target in made else [])


def corpus(target: str) -> list[bytes]:
    """Return the committed corpus of a target."""
    return literals(INPUTS / target / "corpus.txt")


def files(target: str) -> list[Path]:
    """Return the files of a target that hold one input each: regressions, then other inputs."""
    found = [p for folder in (REGRESSIONS, INPUTS) for p in sorted((folder / target).glob("*"))]
    return [p for p in found if p.suffix != ".txt"]


def suites(target: str) -> list[bytes]:
    """Return what the conformance suites hold for a target; nothing where they are absent."""
    files = [*SUITES.glob("*/cases.json"), *SUITES.glob("*/records.json")]
    data = [json.loads(f.read_text(encoding="utf-8")) for f in sorted(files)]
    messages = [f.read_bytes() for f in sorted(SUITES.glob("*/messages/*.eml"))]
    texts = [t for one in data for t in _texts(one)]
    records = [t.encode("utf-8", "surrogateescape") for key, t in texts if key in {"TXT", "record"}]
    headers = [f for m in messages for f in signing.split(m.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))[0]]
    values = {
        name: [f.partition(b":")[2].removesuffix(b"\r\n") for f in headers if f.partition(b":")[0].lower() == name]
        for name in (b"from", *(n.lower() for n in SIGNATURE_FIELDS))
    }
    kinds = [bytes([k]) + v for k, n in zip(b"DABC", SIGNATURE_FIELDS, strict=True) for v in values[n.lower()]]
    names = [t.encode("utf-8", "surrogateescape") for key, t in texts if key in {"mailfrom", "mail_from"}]
    spf = [r for r in records if r[:6] == b"v=spf1"]
    found: dict[str, list[bytes]] = {
        "fields": [m[:400] for m in messages],
        "author": values[b"from"],
        "path": names,
        "tags": [v for n in (b"dkim-signature", b"arc-seal") for v in values[n]],
        "signatures": kinds,
        "key": [r for r in records if b"p=" in r and b"MARC" not in r],
        "spf-record": [r[7:] for r in spf],
        "macro": [b"a.b\n" + t.partition(b":")[2] for r in spf for t in r.split() if b"%" in t],
        "dmarc-record": [r for r in records if b"DMARC" in r],
        "authres-in": [t.encode() for key, t in texts if key == "header"] + values[b"arc-authentication-results"],
        "authenticate": [BETWEEN.join((b"\0\0", SENDER, b"", m)) for m in messages if len(m) < LONGEST],
    }
    return list(dict.fromkeys(found.get(target, [])))


def _texts(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a suite with the name it stands under; the strings of a TXT record are joined."""
    if isinstance(data, str):
        yield key, data
    elif isinstance(data, dict):
        for name, value in data.items():
            yield from _texts(value, name)
    elif isinstance(data, list):
        joined = key == "TXT" and data and all(isinstance(s, str) for s in data)
        for value in ["".join(data)] if joined else data:
            yield from _texts(value, key)
