"""The messages and the DNS of the benchmarks: made from a seed, the same octets in each run.

    python tests/benchmarks/corpus.py [NAME …]

A name says it all: `2k-prose-rsa`, `200k-html-ed25519`, `5m-base64-rsa-simple`, `20k-html-dual`, `2k-prose-arc10`.
Text is prose, html (indented, with trailing white space) or base64; signatures are relaxed/relaxed unless the name ends
in `-simple`. Files are kept in a folder of the system's temporary directory; keys are the test keys of `testdata`.

A mix is what a server receives: messages of several kinds in a seeded order, and the connection of each. `mix-seen` is
from one sender; in `mix-new` every sender and forwarder has names and records of its own, for the same keys.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from support import signing  # noqa: E402

IP_OFFSET = 10
IP = f"192.0.2.{IP_OFFSET}"
HELO = "out.example.com"
MAIL_FROM = "bounce@mail.example.com"
AUTHSERV_ID = "mx.example.org"
NOW = signing.NOW

SIZES = {"2k": 2_000, "20k": 20_000, "200k": 200_000, "5m": 5_000_000, "25m": 25_000_000}
SIGNED = "from:to:subject:date:message-id:mime-version:content-type:reply-to:list-unsubscribe:feedback-id"
ARC_SETS = 50
HOP_KEYS = ("rsa2048-list", "rsa2048-other")
DOMAIN, FORWARDERS = "example.com", "example.net"

# Size, text, ARC sets, and how many of a hundred messages
MIX = (
    ("2k", "prose", 0, 25),
    ("20k", "html", 0, 35),
    ("20k", "prose", 1, 15),
    ("200k", "html", 0, 10),
    ("200k", "base64", 1, 10),
    ("2k", "prose", 3, 5),
)
MIXED = sum(number for *_, number in MIX)
MIXES = ("mix-seen", "mix-new")
NAME = re.compile(
    r"(?P<size>\w+)-(?P<text>prose|html|base64)-(?P<how>none|rsa|ed25519|dual|arc\d+)(?P<simple>-simple)?"
)

# Ten terms that cost DNS are as many as a record may have
SPF = {f"depth{n}": f"bounce@depth{n}.example.com" for n in range(11)} | {
    "typical": MAIL_FROM,
    "ten": "bounce@ten.example.com",
    "macro": "bounce@macro.example.com",
}

_TEXT = (
    "the letter which you sent us last week has been read with great care and all of its questions will find an answer "
    "before the end of this month unless rain or snow keeps our people from their desks as it did in the winter"
)
_WORDS = _TEXT.split()


# --- text ------------------------------------------------------------------------------------------------------------


def prose(size: int, chance: random.Random) -> Iterator[str]:
    """Yield paragraphs of lines of about 72 characters."""
    while size > 0:
        line = " ".join(chance.choice(_WORDS) for _ in range(14))[:76].rstrip()
        yield line
        size -= len(line) + 2
        if chance.random() < 0.1:
            yield ""
            size -= 2


def html(size: int, chance: random.Random) -> Iterator[str]:
    """Yield indented lines, some with runs of spaces in them or white space at their end."""
    while size > 0:
        indent = "  " * chance.randrange(2, 9)
        end = chance.choice(("", "", "", " ", "\t"))
        words = " ".join(chance.choice(_WORDS) for _ in range(6))
        line = f'{indent}<td class="c{chance.randrange(9)}"  style="padding:0 10px; color:#333">{words}</td>{end}'
        yield line
        size -= len(line) + 2


def base64_lines(size: int, chance: random.Random) -> Iterator[str]:
    """Yield lines of 76 characters without white space."""
    while size > 0:
        octets = min(size, 1_000_000) * 57 // 78 // 57 * 57 or 57
        yield from base64.encodebytes(chance.randbytes(octets)).decode().splitlines()
        size -= octets * 78 // 57


TEXTS = {"prose": prose, "html": html, "base64": base64_lines}
TYPES = {
    "prose": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "base64": 'application/pdf;\r\n name="report.pdf"\r\nContent-Transfer-Encoding: base64',
}


def header(text: str, domain: str = DOMAIN) -> str:
    """Return the header section of a newsletter of a domain that came over four hops."""
    hops = "".join(
        f"Received: from relay{n}.mail.example.com (relay{n}.mail.example.com [192.0.2.{10 + n}])\r\n"
        f"\tby mx{n}.example.org with ESMTPS id 4ABCD{n}FGHIJ\r\n"
        f"\tfor <robin@example.org>; Mon, 02 Nov 2026 09:2{9 - n}:00 +0000\r\n"
        for n in range(4)
    )
    found = (
        f"Return-Path: <{MAIL_FROM}>\r\n{hops}"
        'From: "Anna Example" <anna@mail.example.com>\r\n'
        "To: Robin <robin@example.org>\r\n"
        "Subject: =?utf-8?Q?Your_statement_of_November_is_ready_=E2=80=93?=\r\n =?utf-8?Q?_please_read_it?=\r\n"
        "Date: Mon, 02 Nov 2026 09:20:00 +0000\r\n"
        "Message-ID: <20261102092000.12345@mail.example.com>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: {TYPES[text]}\r\n"
        "Reply-To: support@mail.example.com\r\n"
        "List-Unsubscribe: <https://mail.example.com/u/0123456789abcdef>,\r\n <mailto:u@mail.example.com>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        "Feedback-ID: 123:456:789:news\r\nX-Mailer: Newsletter  1.0\r\nX-Campaign: 0123456789abcdef\r\n"
        "Precedence: bulk\r\n\r\n"
    )
    return found.replace(DOMAIN, domain)


def plain(size: int, text: str, domain: str = DOMAIN, seed: str = "") -> bytes:
    """Return an unsigned message of about that size."""
    head = header(text, domain)
    lines = TEXTS[text](max(size - len(head), 600), random.Random(f"{size} {text}{seed}"))
    return (head + "".join(f"{line}\r\n" for line in lines)).encode()


# --- signatures ------------------------------------------------------------------------------------------------------


def signed(message: bytes, key: str, c: str, domain: str = DOMAIN) -> bytes:
    """Return the message with a signature on top."""
    return signing.signed(
        message, by=key, c=c, h=SIGNED, separator=";\r\n\t", tags={"d": domain, "s": key.partition("-")[0]}
    )


def sealed(message: bytes, sets: int, domain: str = DOMAIN, forwarders: str = FORWARDERS) -> bytes:
    """Return the message with ARC sets of as many forwarders, each with i= in front, as some verifiers want it."""
    h, c = f"{SIGNED}:dkim-signature", "relaxed/relaxed"
    body = signing.canonical_body(signing.split(message)[1], c)
    bh = base64.b64encode(hashlib.sha256(body).digest()).decode()
    top, chain = message, b""
    for n in range(1, sets + 1):
        signer = signing.key(HOP_KEYS[n % 2])
        own = {"i": str(n), "a": "rsa-sha256", "d": f"hop{n}.{forwarders}", "s": "arc"}
        payload = (
            f"ARC-Authentication-Results: i={n}; hop{n}.{forwarders};\r\n\tspf=pass smtp.mailfrom=mail.{domain};\r\n"
            f"\tdkim=pass header.d={domain} header.s=rsa2048;\r\n\tdmarc=pass header.from=mail.{domain}\r\n"
        ).encode()
        tags: dict[str, str | None] = {**own, "c": c, "h": h, "bh": bh, "b": ""}
        name = "ARC-Message-Signature"
        data = signing._signed_data(top, signing._joined(name, tags, ";\r\n\t"), h, c)
        message_signature = signing._with_b(name, tags, ";\r\n\t", signer.sign(data))
        chain += signing.relaxed_header(payload) + signing.relaxed_header(message_signature)
        tags = {**own, "cv": "pass" if n > 1 else "none", "b": ""}
        empty = signing.relaxed_header(signing._joined("ARC-Seal", tags, ";\r\n\t") + b"\r\n").removesuffix(b"\r\n")
        seal = signing._with_b("ARC-Seal", tags, ";\r\n\t", signer.sign(chain + empty))
        chain += signing.relaxed_header(seal)
        top = seal + message_signature + payload + top
    return top


def message(name: str) -> bytes:
    """Return the message of a name."""
    wanted = NAME.fullmatch(name)
    if wanted is None or wanted["size"] not in SIZES:
        raise SystemExit(f"{name}: no message is called so")
    how, c = wanted["how"], "simple/simple" if wanted["simple"] else "relaxed/relaxed"
    found = plain(SIZES[wanted["size"]], wanted["text"])
    if how in {"ed25519", "dual"}:
        found = signed(found, "ed25519-author", c)
    if how not in {"ed25519", "none"}:
        found = signed(found, "rsa2048-author", c)
    return sealed(found, int(how[3:])) if how.startswith("arc") else found


# --- the mix ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sender:
    """Who sends: the domain, the address of the client, the domain of the forwarders, and a mark in all records."""

    domain: str = DOMAIN
    ip: str = IP
    forwarders: str = FORWARDERS
    mark: int = 0

    @property
    def helo(self) -> str:
        return HELO.replace(DOMAIN, self.domain)

    @property
    def mail_from(self) -> str:
        return MAIL_FROM.replace(DOMAIN, self.domain)


SEEN = Sender()


def new_sender(n: int) -> Sender:
    return Sender(f"sender{n}.example", f"192.0.2.{IP_OFFSET + n}", f"forwarder{n}.example", n)


def mixed(name: str) -> Iterator[tuple[Sender, bytes]]:
    """Yield the messages of a mix, and who sent each."""
    kinds = [(size, text, sets) for size, text, sets, number in MIX for _ in range(number)]
    random.Random("mix").shuffle(kinds)
    for n, (size, text, sets) in enumerate(kinds, 1):
        sender, c = SEEN if name == "mix-seen" else new_sender(n), "relaxed/relaxed"
        found = plain(SIZES[size], text, sender.domain, f" {n}")
        found = signed(found, "rsa2048-other", c, f"mail.{sender.domain}")
        found = signed(found, "rsa2048-author", c, sender.domain)
        yield sender, sealed(found, sets, sender.domain, sender.forwarders)


# --- DNS -------------------------------------------------------------------------------------------------------------


def _key(name: str, mark: int = 0) -> dict[str, list[str]]:
    return {"TXT": [signing.key(name).record(n=str(mark) if mark else None)]}


def _spf(terms: str) -> dict[str, Any]:
    return {"TXT": [f"v=spf1 {terms}"]}


def sent_by(sender: Sender, sets: int) -> dict[str, Any]:
    """Return the records of a sender and of the forwarders."""
    domain, mark = sender.domain, sender.mark
    own = f" ip4:203.0.113.{mark}" if mark else ""
    policy = f"v=DMARC1; p=reject; sp=quarantine; adkim=r; aspf=r; rua=mailto:d@{domain}"
    reverse = ".".join(reversed(sender.ip.split(".")))
    return {
        f"rsa2048._domainkey.{domain}": _key("rsa2048-author", mark),
        f"rsa2048._domainkey.mail.{domain}": _key("rsa2048-other", mark),
        domain: {"A": ["192.0.2.1"]},
        f"_dmarc.{domain}": {"TXT": [policy]},
        sender.helo: {"A": [sender.ip]} | _spf("a -all"),
        f"{reverse}.in-addr.arpa": {"PTR": [sender.helo]},
        f"mail.{domain}": _spf(f"include:_spf.{domain} ~all"),
        f"_spf.{domain}": _spf(f"include:_nets1.{domain} include:_nets2.{domain} ~all"),
        f"_nets1.{domain}": _spf(" ".join(f"ip4:198.51.{n}.0/24" for n in range(1, 13)) + f"{own} ~all"),
        f"_nets2.{domain}": _spf(
            " ".join(f"ip6:2001:db8:{n:x}::/48" for n in range(1, 9)) + f" ip4:192.0.2.0/24{own} ~all"
        ),
    } | {f"arc._domainkey.hop{n}.{sender.forwarders}": _key(HOP_KEYS[n % 2], mark) for n in range(1, sets + 1)}


@functools.cache
def zone() -> dict[str, Any]:
    """Return all records, in the form that `mailauth.resolvers.Zone` reads."""
    found: dict[str, Any] = {
        **sent_by(SEEN, ARC_SETS),
        "ed25519._domainkey.example.com": _key("ed25519-author"),
        "depth0.example.com": _spf("ip4:203.0.113.0/24 ip4:192.0.2.0/25 -all"),
        "ten.example.com": {"A": ["198.51.100.1"], "MX": [[10, "mx1.example.com"], [20, "mx2.example.com"]]}
        | _spf(
            "a mx a:mx1.example.com mx:ten.example.com exists:_none.example.com "
            + "".join(f"include:_net{n}.example.com " for n in range(1, 5))
            + "include:depth0.example.com -all"
        ),
        "mx1.example.com": {"A": ["198.51.100.2"]},
        "mx2.example.com": {"A": ["198.51.100.3"]},
        "_none.example.com": {"TXT": ["no address"]},
        "macro.example.com": _spf("exists:%{l1r-}.%{o}._who.example.com exists:%{ir}.%{v}._spf.%{d2} -all"),
        "10.2.0.192.in-addr._spf.example.com": {"A": ["127.0.0.2"]},
    }
    for n in range(1, 11):
        found[f"depth{n}.example.com"] = _spf(f"ip4:198.51.{n}.0/24 include:depth{n - 1}.example.com -all")
    for n in range(1, 5):
        found[f"_net{n}.example.com"] = _spf(f"ip4:198.51.100.{n}/32 ip4:198.51.{n}.0/24 ~all")
    for n in range(1, MIXED + 1):
        found |= sent_by(new_sender(n), max(sets for _, _, sets, _ in MIX))
    return found


def records(rdtype: str, name: str) -> Any:
    """Return the records of a name, None for none: the resolver of every Python peer."""
    return zone().get(name.lower().rstrip("."), {}).get(rdtype)


# --- files -----------------------------------------------------------------------------------------------------------


@functools.cache
def folder() -> Path:
    """Return the folder of the files, with the zone in it: `zone.json`, and its keys in `keys.tsv`."""
    sources = [Path(__file__), TESTS / "support" / "signing.py", *sorted((signing.TESTDATA / "keys").glob("*.pem"))]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"mailauth-benchmarks-{os.getuid()}-{state}"
    made.mkdir(mode=0o700, exist_ok=True)
    _write(made / "zone.json", json.dumps(zone(), indent=1).encode())
    keys = (f"{name}\t{data['TXT'][0]}\n" for name, data in zone().items() if "._domainkey." in name)
    _write(made / "keys.tsv", "".join(keys).encode())
    return made


def path(name: str) -> Path:
    """Return the file of a message, made when it is not there; of a mix, the list of its messages."""
    if name in MIXES:
        return _mix(name)
    file = folder() / f"{name}.eml"
    if not file.exists():
        _write(file, message(name))
    return file


def _mix(name: str) -> Path:
    """Return the list of a mix: a line has the path of a message, and IP, HELO and MAIL FROM of its connection."""
    made = folder() / f"{name}.tsv"
    if not made.exists():
        lines = []
        for n, (sender, raw) in enumerate(mixed(name), 1):
            file = folder() / f"{name}-{n:03}.eml"
            _write(file, raw)
            lines.append(f"{file}\t{sender.ip}\t{sender.helo}\t{sender.mail_from}\n")
        _write(made, "".join(lines).encode())
    return made


def _write(file: Path, data: bytes) -> None:
    """Write a file that is either whole or not there."""
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(file)


def main(names: list[str]) -> None:
    """Write messages, and print their sizes and digests."""
    texts = [f"{size}-{text}-rsa" for size, text in itertools.product(("2k", "20k", "200k"), TEXTS)]
    for name in names or [*texts, "5m-base64-rsa", "25m-base64-rsa", *(f"2k-prose-arc{n}" for n in (1, 3, 10, 50))]:
        data = path(name).read_bytes()
        sys.stdout.write(f"{hashlib.sha256(data).hexdigest()[:16]} {len(data):>9} {path(name)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
