"""Authentication-Results out: outcomes and results made of hostile values, written, read back strictly, compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from support.outcomes import listed
from support.reported import told

from mailauth import Connection, Reason, Result, UsageError, authres, names, spf
from mailauth.arc.outcome import ArcOutcome
from mailauth.authres.parse import AuthenticationResults
from mailauth.authres.write import clean, write, write_outcomes
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.iprev import IprevOutcome
from mailauth.results import MethodResult, Property
from mailauth.spf.outcome import SpfOutcome

OURS = "mx.example.org"
METHODS = ("dkim", "spf", "dmarc", "arc", "iprev", "auth", "x-own")
WORDS = tuple(Result)
PROPERTIES = (("header", "d"), ("header", "i"), ("smtp", "mailfrom"), ("policy", "x-1"), ("header", "oldest-pass"))
REASONS = tuple(Reason)
MAX_VALUES = 8
DOT_ATOM = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
MAX_LINE = 998  # RFC 5322 §2.1.1
OUTPUT_TOKENS = (
    b"\0", b"@", b"@example.com", b'"', b"\\", b"(", b")", b";", b"=", b"\r\n", b"\r\n\t", b"\t", b" ", b"dkim=pass",
    b"header.d=example.com", "ü".encode(), "\u2028".encode(), "\u202e".encode(), b"\xff", b"\x7f", b"\xc2\x85",
    b"x" * 60,
)  # fmt: skip


def check_field(field: str, *, utf8: bool, max_bytes: int) -> None:
    """Hold one field to RFC 5322 §2.1.1 and §2.2: lines, octets, folds."""
    octets = field.encode("utf-8")
    assert utf8 or octets.isascii()
    assert len(octets) <= max_bytes
    lines = octets.split(b"\r\n")
    assert all(len(line) <= MAX_LINE for line in lines)
    assert all(line[:1] in (b" ", b"\t") and line.strip(b" \t") for line in lines[1:])
    assert not [c for line in lines for c in line.lstrip(b"\t") if c < 0x20 or c == 0x7F]


def shown(value: str, *, utf8: bool) -> str:
    """Return what a strict reader must find for a value."""
    local, at, raw_domain = value.rpartition("@")
    domain = names.to_ascii(raw_domain)
    # RFC 6376 §3.5: a domain-name has two labels or more, without underscores
    if not at or domain is None or "." not in domain or "_" in domain:
        return clean(value, utf8=utf8)
    left = clean(local, utf8=utf8)
    return (left if not local or DOT_ATOM.fullmatch(left) else f'"{left}"') + "@" + domain


def compare(read: AuthenticationResults, results: list[MethodResult], *, utf8: bool) -> None:
    """What was written reads back as what was meant, and as nothing else."""
    assert read.authserv_id == OURS
    assert read.problems == ()
    assert len(read.results) == len(results)
    for found, meant in zip(read.results, results, strict=True):
        assert (found.method, found.result, found.version) == (meant.method, meant.result, 1)
        assert found.reason == (None if meant.reason is None else clean(meant.reason, utf8=utf8))
        assert [(p.ptype, p.name) for p in found.properties] == [(p.ptype, p.name) for p in meant.properties]
        for p, q in zip(found.properties, meant.properties, strict=True):
            assert p.value == shown(q.value, utf8=utf8)
        assert len(found.comments) == len(meant.comments)


def authres_out(data: bytes) -> None:
    """Write results of random structure, or those of random outcomes; a NUL is between the values."""
    if len(data) < 3:
        return
    utf8, chosen = bool(data[0] & 1), data[1]
    values = [part.decode("utf-8", "surrogateescape") for part in data[2:].split(b"\0", MAX_VALUES)]
    if data[0] & 2:
        results, written, received = outcomes(values, chosen)
        check_field(received, utf8=False, max_bytes=4096)
    else:
        results = rows(values, chosen)
        written = partial(write, OURS, results)
    if chosen & 7:
        field = written(utf8=utf8)
        check_field(field, utf8=utf8, max_bytes=16 * 1024)
        compare(authres.parse(field), results, utf8=utf8)
        return
    # Too little room: what is left out is whole results
    field = written(utf8=utf8, max_bytes=200)
    check_field(field, utf8=utf8, max_bytes=200)
    read = authres.parse(field)
    assert (read.authserv_id, read.problems) == (OURS, ())
    meant = iter([(r.method, r.result) for r in results])
    assert all((r.method, r.result) in meant for r in read.results)


def rows(values: list[str], chosen: int) -> list[MethodResult]:
    """Return results whose reasons, properties and comments are the values."""
    found = []
    for n in range(0, len(values), 4):
        reason, *others = values[n : n + 4]
        pairs = zip(others, PROPERTIES[chosen % len(PROPERTIES) :] + PROPERTIES, strict=False)
        found.append(
            MethodResult(
                METHODS[(chosen + n) % len(METHODS)],
                str(WORDS[(chosen // 8 + n) % len(WORDS)]),
                reason if chosen & 128 else None,
                tuple(Property(ptype, name, value) for value, (ptype, name) in pairs),
                (reason,) if chosen & 64 else (),
            )
        )
    return found


def outcomes(values: list[str], chosen: int) -> tuple[list[MethodResult], Callable[..., str], str]:
    """Return what an evaluation of values like these says, what writes it, and its Received-SPF field."""
    values = values + [""] * (9 - len(values))
    mail_from, helo, domain, selector, identity, algorithm, b, author, name = values[:9]
    result, reason = WORDS[chosen % len(WORDS)], REASONS[chosen % len(REASONS)]
    try:
        connection = Connection(ip=("192.0.2.1", "2001:db8::1", None)[chosen % 3], helo=helo, mail_from=mail_from)
    except UsageError:  # pragma: no cover
        raise AssertionError from None
    spf_outcome = SpfOutcome(
        result=result, reason=reason, detail="", domain=domain or None, mechanism=selector or None,
        scope="helo" if chosen & 16 else "mfrom",
    )  # fmt: skip
    # d= and s= of an outcome are names in normal form
    signature = DkimOutcome(
        result=result, reason=reason, detail="", index=0, domain=names.to_ascii(domain), b=b or None,
        selector=names.to_ascii(selector), identity=identity or None, algorithm=algorithm or None,
        testing=bool(chosen & 32),
    )  # fmt: skip
    second = DkimOutcome(result=Result.PASS, reason=reason, detail="", index=1, b=(b + "A") or None)
    arc = ArcOutcome(result=result, reason=reason, detail="", instances=1, oldest_pass=chosen & 3)
    dmarc = DmarcOutcome(result=result, reason=reason, detail="", author_domain=names.to_ascii(author), policy="reject")
    iprev = IprevOutcome(result=result, reason=reason, detail="", name=name)
    dkim = (signature, second) if chosen & 64 else ()
    found: dict[str, Any] = {"spf": spf_outcome, "dkim": dkim, "arc": arc, "dmarc": dmarc, "iprev": iprev}
    received = spf.write_received_spf(spf_outcome, connection, OURS)
    return told(found, connection), partial(write_outcomes, OURS, listed(found), connection), received
