"""Made-up outcomes written into header fields, read back by a strict reader, and compared with what was put in.

    python tests/property/header_round_trips.py [--count 100000] [--seed 1]

What is read must be exactly what the documentation of the writer says stands there: nothing lost, nothing added. Used
by `test_writer.py` too. Nothing here asks the library what a value becomes: `cleaned` and `domain_of` are made from the
words of `docs/decisions.md` and of `mailauth.authres.write`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS.parent), str(TESTS)]

import authres as peer  # noqa: E402
import authres.arc  # noqa: E402
import authres.dmarc  # noqa: E402
import idna  # noqa: E402
from support.outcomes import listed  # noqa: E402
from support.reported import BOUND, told  # noqa: E402

from mailauth import Connection, Reason, Result  # noqa: E402
from mailauth.arc.outcome import ArcOutcome  # noqa: E402
from mailauth.authres import HeaderField, MethodResult, Property, parse, write, write_outcomes  # noqa: E402
from mailauth.dkim.outcome import DkimOutcome  # noqa: E402
from mailauth.dmarc.outcome import DmarcOutcome  # noqa: E402
from mailauth.iprev import IprevOutcome  # noqa: E402
from mailauth.spf import write_received_spf  # noqa: E402
from mailauth.spf.outcome import SpfOutcome  # noqa: E402
from property import grammar8601  # noqa: E402
from property.grammar8601 import Address  # noqa: E402

MAX_BYTES = 16 * 1024
PEER = peer.FeatureContext(authres.dmarc, authres.arc)
REORDER = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
MARKS = frozenset("\u061c\u200e\u200f")
KEYWORD = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]")
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


class DifferenceError(AssertionError):
    """What was read is not what was put in."""


def _visible(char: str) -> bool:
    """Controls, surrogates, line and paragraph separators, and what reorders text are never written."""
    return (
        unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
        and unicodedata.bidirectional(char) not in REORDER
        and char not in MARKS
    )


def cleaned(text: str, *, utf8: bool) -> str:
    """Bounded to 255 characters, without what is never written; UTF-8 in UTF-8 mail (255 octets), else "?"."""
    text = "".join(filter(_visible, text[:BOUND]))
    if not utf8:
        return "".join(c if c < "\x80" else "?" for c in text)
    kept = ""
    room = BOUND
    for char in text:
        room -= len(char.encode())
        if room < 0:
            break
        kept += char
    return kept


def domain_of(text: str) -> str | None:
    """Return a domain in its normal form: A-labels, lower case, one final dot gone; None for what is none."""
    labels = []
    for raw in text.removesuffix(".").split("."):
        label = raw
        if not label.isascii():
            try:
                label = idna.alabel("".join(c.lower() if c < "\x80" else c for c in label)).decode()
            except (idna.IDNAError, UnicodeError):
                return None
        labels.append(label.lower())
    name = ".".join(labels)
    return name if len(name) <= 253 and all(map(LABEL.fullmatch, labels)) else None


def value_of(text: str, *, utf8: bool) -> str | Address:
    """Return what a reader finds for a value: an address where it is one, else the text."""
    local, at, right = text.rpartition("@")
    domain = domain_of(right) if at else None
    # RFC 6376 §3.5: a domain-name has two labels, and no underscore
    if domain is None or "." not in domain or "_" in domain:
        return cleaned(text, utf8=utf8)
    return Address(cleaned(local, utf8=utf8) if local else None, domain)


# --- what the header must say ----------------------------------------------------------------------------------------

Expected = tuple[str, str, str | None, list[tuple[str, str, str | Address]], list[str]]


def expected(result: MethodResult, *, utf8: bool) -> Expected:
    """Return what a reader finds of a result."""
    return (
        result.method,
        result.result,
        None if result.reason is None else cleaned(result.reason, utf8=utf8),
        [(p.ptype, p.name, value_of(p.value, utf8=utf8)) for p in result.properties],
        [cleaned(c, utf8=utf8) for c in result.comments],
    )


# --- the comparison --------------------------------------------------------------------------------------------------


def check(
    authserv_id: str,
    results: Sequence[MethodResult],
    *,
    utf8: bool,
    with_peer: bool = False,
    written: HeaderField | None = None,
) -> str:
    """Write results, or take the field that was written for them, read it back, and compare; returns the field."""
    field = str(write(authserv_id, results, utf8=utf8) if written is None else written)
    read = grammar8601.read_authres(field, utf8=utf8)
    if read.version != 1 or read.authserv_id != (domain_of(authserv_id) or authserv_id):
        raise DifferenceError(f"the authserv-id is {read.authserv_id!a}: {field!a}")
    wanted = [expected(r, utf8=utf8) for r in results]
    found = [(r.method, r.result, r.reason, r.properties, r.comments) for r in read.results]
    size = len(field.encode())
    if size > MAX_BYTES:
        raise DifferenceError(f"a field of {size} octets")
    if found != wanted:
        _check_shortened(field, found, wanted)
    if any(r.version != 1 for r in read.results):
        raise DifferenceError(f"a version: {field!a}")
    _check_own_reader(field, found)
    if with_peer:
        _check_peer(field, found)
    return field


def _check_shortened(field: str, found: list[Expected], wanted: list[Expected]) -> None:
    """A field that would be too long leaves out failing signatures first, and changes nothing else."""
    rest = iter(wanted)
    if not all(any(f == w for w in rest) for f in found):
        raise DifferenceError(f"{found} is no part of {wanted}")
    if [f for f in found if f[0] != "dkim"] != [w for w in wanted if w[0] != "dkim"]:
        raise DifferenceError("another method than dkim was left out")
    # One row has less than 5,000 octets: as long as there is room for one, none is left out
    if len(field.encode()) < MAX_BYTES - 5000:
        raise DifferenceError(f"{found} instead of {wanted}")


def _check_own_reader(field: str, found: list[Expected]) -> None:
    """The library's own reader agrees with the strict one on what there is."""
    ours = parse(field)
    read = [(r.method, r.result, r.reason, [(p.ptype, p.name, p.value) for p in r.properties]) for r in ours.results]
    # A comment is given as it is written, with its quoted-pairs
    comments = [[re.sub(r"\\(.)", r"\1", comment) for comment in r.comments] for r in ours.results]
    wanted = [
        (m.lower(), w.lower(), reason, [(ptype.lower(), name.lower(), _as_read(v)) for ptype, name, v in properties])
        for m, w, reason, properties, _ in found
    ]
    if ours.problems or read != wanted or comments != [each[4] for each in found]:
        raise DifferenceError(f"our own reader sees {ours}")


def _as_read(value: str | Address) -> str:
    """Return a value as our reader gives it: any local part but a dot-atom in quotes, without its quoted-pairs."""
    if isinstance(value, str):
        return value
    plain = value.local is None or re.fullmatch(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*", value.local)
    return f"{value.local or ''}@{value.domain}" if plain else f'"{value.local}"@{value.domain}'


def _check_peer(field: str, found: list[Expected]) -> None:
    """authres reads the same results where it can read the field."""
    try:
        header: Any = PEER.parse(field)
    except Exception as error:  # noqa: BLE001  it lets many types out
        # It knows no quoted-string but at the end, no quoted authserv-id, no UTF-8
        if '"' not in field and "(" not in field and field.isascii():
            raise DifferenceError(f"authres cannot read {field!a}: {error!r}") from None
        return
    theirs = [(r.method, r.result) for r in header.results]
    if theirs != [(m, w) for m, w, _, _, _ in found]:
        raise DifferenceError(f"authres reads {theirs} in {field!a}")
    if '"' in field:
        return
    for theirs_one, one in zip(header.results, found, strict=True):
        # It leaves out properties of other types, such as "dns" (RFC 8601 §2.3: "ptype" is open)
        known = [(p, n, v) for p, n, v in one[3] if p in {"smtp", "header", "body", "policy"}]
        wanted = [(p, n, v if isinstance(v, str) else f"{v.local or ''}@{v.domain}") for p, n, v in known]
        if [(p.type, p.name, str(p.value)) for p in theirs_one.properties] != wanted:
            raise DifferenceError(f"authres reads other properties in {field!a}")


def check_received_spf(outcome: SpfOutcome, connection: Connection, receiver: str) -> str:
    """Write a Received-SPF field, read it back, and compare; returns the field."""
    field = write_received_spf(outcome, connection, receiver)
    result, pairs = grammar8601.read_received_spf(field)
    given: list[tuple[str, Any]] = [("client-ip", connection.ip)]
    if outcome.scope == "mfrom":
        given.append(("envelope-from", connection.mail_from))
    given += [("helo", connection.helo), ("receiver", receiver)]
    if outcome.reason not in {"spf_match", "spf_no_match"}:
        given.append(("problem", str(outcome.reason)))
    given.append(("mechanism", outcome.mechanism or "default"))
    given.append(("identity", "mailfrom" if outcome.scope == "mfrom" else "helo"))
    # An address has at most 64 + 1 + 255 octets (RFC 5321 §4.5.3.1); what is not printable ASCII becomes "?"
    wanted = [(k, "".join(c if " " <= c <= "~" else "?" for c in v[:320])) for k, v in given if v is not None]
    if (result, pairs) != (str(outcome.result), wanted):
        raise DifferenceError(f"{(result, pairs)} instead of {wanted}")
    return field


# --- making things up ------------------------------------------------------------------------------------------------

NASTY = [
    "", " ", "\t", "\r\n", "\r\n ", "\r", "\n", "\0", ";", "; dkim=pass header.d=bank.example", "=", '"', "\\", '\\"',
    '"(', "(", ")", "()", "((", "\\)", "@", "@@", ".", "..", ",", ":", "/", "a", "Z", "0", "-", "_", "+", "%",
    "none", "pass",
    "reason=x", "header.d=x", "example.com", "mx.example.org", "xn--bcher-kva.example", "bücher.example", "joe", "é",
    "ß", "\x7f", "\x80", "\x85", "\x9f", "\u00ad", "\u061c", "\u200b", "\u200e", "\u2028", "\u2029", "\u202e", "\u2066",
    "\u2069", "\ufeff", "\ufffd", "\uffff", "\U0001f600", "\U000e0001", "\ud800", "\udcff", "\udfff", "=?utf-8?q?x?=",
]  # fmt: skip
DOMAINS = [
    "example.com",
    "a.example.net",
    "xn--bcher-kva.example",
    "bücher.example",
    "EXAMPLE.com.",
    "com",
    "_x.y.test",
]
METHODS = ["spf", "dkim", "dmarc", "arc", "iprev", "auth", "x-tls", "dkim-adsp"]
PROPERTIES = [
    ("header", "d"), ("header", "i"), ("header", "b"), ("header", "oldest-pass"), ("smtp", "mailfrom"),
    ("smtp", "helo"),    ("policy", "iprev"), ("policy", "x-y"), ("body", "x"), ("dns", "sec"),
]  # fmt: skip
AUTHSERV_IDS = [
    "mx.example.org",
    "MX.Example.org.",
    "mx.exämple.org",
    "our mail",
    'a"b\\c',
    "x;y=z(",
    "localhost",
    "a/1",
]


class Maker:
    """Makes values up from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str:
        r, kind = self.random, self.random.random()
        if kind < 0.3:
            return r.choice(DOMAINS)
        if kind < 0.55:
            return f"{self.word()}@{r.choice(DOMAINS)}"
        if kind < 0.57:
            return self.word() * r.randint(1, 3000)
        if kind < 0.65:
            return bytes(r.choices(range(256), k=r.randint(0, 40))).decode("latin-1")
        if kind < 0.7:
            return bytes(r.choices(range(256), k=r.randint(0, 40))).decode("utf-8", "surrogateescape")
        return self.word()

    def word(self) -> str:
        return "".join(self.random.choices(NASTY, k=self.random.randint(0, 6)))

    def maybe(self) -> str | None:
        return self.text() if self.random.random() < 0.85 else None

    def signature(self) -> str | None:
        r = self.random
        if r.random() < 0.2:
            return self.maybe()
        return "".join(r.choices("AB+/=", k=r.choice((1, 7, 8, 9, 40, 344))))

    def results(self) -> list[MethodResult]:
        r = self.random
        return [
            MethodResult(
                r.choice(METHODS),
                r.choice(list(Result)),
                self.maybe() if r.random() < 0.4 else None,
                tuple(Property(*r.choice(PROPERTIES), self.maybe() or "") for _ in range(r.choice((0, 1, 1, 2, 5)))),
                tuple(self.maybe() or "" for _ in range(r.choice((0, 0, 0, 1, 2)))),
            )
            for _ in range(r.choice((0, 1, 1, 1, 2, 3)))
        ]

    def said(self) -> dict[str, Any]:
        return {
            "result": self.random.choice(list(Result)),
            "reason": self.random.choice(list(Reason)),
            "detail": self.word(),
        }

    def dkim(self) -> DkimOutcome:
        return DkimOutcome(
            **self.said(),
            index=0,
            domain=self.maybe(),
            selector=self.maybe(),
            identity=self.maybe(),
            algorithm=self.maybe(),
            b=self.signature(),
            testing=self.random.random() < 0.2,
        )

    def outcomes(self) -> dict[str, Any]:
        r = self.random
        made: dict[str, Any] = {
            "spf": SpfOutcome(
                **self.said(), domain=self.maybe(), scope=r.choice(("mfrom", "helo")), mechanism=self.maybe()
            ),
            "dkim": tuple(
                self.dkim() for _ in range(r.choice((0, 1, 1, 2, 3, 60) if r.random() < 0.02 else (0, 1, 1, 2)))
            ),
            "arc": ArcOutcome(**self.said(), oldest_pass=r.choice((None, 0, 1, 50))),
            "dmarc": DmarcOutcome(**self.said(), author_domain=self.maybe(), policy=r.choice((None, "none", "reject"))),
            "iprev": IprevOutcome(**self.said(), name=self.maybe()),
        }
        return {name: outcome if r.random() < 0.6 else None for name, outcome in made.items()}

    def connection(self) -> Connection:
        ip = self.random.choice((None, "192.0.2.3", "2001:db8::1"))
        return Connection(ip=ip, helo=self.maybe(), mail_from=self.maybe())

    def authserv_id(self) -> str:
        return self.random.choice(AUTHSERV_IDS)


def trip(seed: int) -> None:
    """Make one round trip through each writer."""
    make = Maker(seed)
    utf8, with_peer = make.random.random() < 0.5, seed % 16 == 0
    connection, outcomes = make.connection(), make.outcomes()
    if seed % 2:
        check(make.authserv_id(), make.results(), utf8=utf8, with_peer=with_peer)
    else:
        authserv_id = make.authserv_id()
        field = write_outcomes(authserv_id, listed(outcomes), connection, utf8=utf8)
        check(authserv_id, told(outcomes, connection), utf8=utf8, with_peer=with_peer, written=field)
    if outcomes["spf"] is not None and outcomes["spf"].result in grammar8601.SPF_RESULTS:
        check_received_spf(outcomes["spf"], connection, make.authserv_id())


def main() -> int:
    """Print the figure; the exit code is 1 where there is a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="round trips (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first (default: %(default)s)")
    arguments = parser.parse_args()
    differences, start = 0, time.monotonic()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        try:
            trip(seed)
        except Exception as error:  # noqa: BLE001  each is a finding
            differences += 1
            if differences <= 10:
                sys.stdout.write(f"seed {seed}: {type(error).__name__}: {str(error)[:1000]!a}\n")
    seconds = time.monotonic() - start
    sys.stdout.write(f"{arguments.count} round trips, {differences} differences, {seconds:.0f} s\n")
    return int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
