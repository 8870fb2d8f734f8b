"""What domains and servers say about TLS: records, policies, certificates, and the octets of a mail server.

The first octet chooses what the rest is: a record of MTA-STS, a policy with a host in its last line, a record of
TLS-RPT, a TLSA record, or a certificate. For `greeting` it chooses how the octets are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.chains import NOON, issue

from mailauth import names
from mailauth.dane import Tlsa, match, parse_record, why_unusable
from mailauth.dane.chain import is_for, load, presented
from mailauth.dane.record import strongest
from mailauth.mta_sts import Policy, matches, parse_policy
from mailauth.mta_sts import Record as StsRecord
from mailauth.mta_sts import parse_record as parse_sts
from mailauth.probes import ProbeStatus, Reply, SmtpProbe, downgrade
from mailauth.probes.session import MAX_LINE, MAX_LINES, Countdown, ProbeFailedError, Session
from mailauth.tls_rpt import Record as RptRecord
from mailauth.tls_rpt import parse_record as parse_rpt
from mailauth.versioned import Unreadable

ROOT = issue("root", 1, ca=True, key_usage=True)
LEAF = issue("leaf", 3, ROOT, dns=("mx.example.com",))
ANY = [Tlsa(usage, selector, 0, data) for usage in (2, 3) for selector, data in ((0, ROOT.der), (1, ROOT.spki))]
TOKENS = (
    b"\0", b"\1", b"\2", b"\3", b"\4", b"v=STSv1;", b"id=", b"v=TLSRPTv1;", b"rua=", b"mailto:a@example.com",
    b"https://",
    b",", b";", b"=", b" ", b"\t", b"version: STSv1\n", b"mode: enforce\n", b"mode: none\n", b"mx: ", b"*.",
    b"example.com",
    b"max_age: 86400\n", b"\n", b"\r\n", b":", b"3 1 1 ", b"2 0 0 ", b"%21", b"\xc3\xbc", b"\xff", LEAF.der[:40],
)  # fmt: skip
GREETING_TOKENS = (
    b"220 ", b"220-", b"250-", b"250 ", b"\r\n", b"\n", b"\r", b"STARTTLS", b"XXXXXXXA", b"EHLO", b"454 ", b"*" * 9,
    b"\xff",
    b"\0", b"\x1b[31m", "ü".encode(), b"2", b"99", b"x" * 600,
)  # fmt: skip


def stated(found: object) -> None:
    """Hold a refusal to its form."""
    assert isinstance(found, Unreadable)
    assert found.detail
    assert found.detail.isprintable()
    assert len(found.detail) < 300


def sts_record(data: bytes) -> None:
    found = parse_sts(data)
    if not isinstance(found, StsRecord):
        stated(found)
        return
    assert found.id.isascii()
    assert found.id.isalnum()
    assert 1 <= len(found.id) <= 32
    text = "; ".join(["v=STSv1", f"id={found.id}", *[f"{name}={value}" for name, value in found.extensions]])
    assert parse_sts(text.encode()) == found


def policy(data: bytes) -> None:
    found = parse_policy(data)
    host = data.rpartition(b"\n")[2].decode("latin-1")
    if not isinstance(found, Policy):
        stated(found)
        return
    assert found.mx or found.mode == "none"
    lines = [f"version: STSv1\nmode: {found.mode}\nmax_age: {found.max_age}", *[f"mx: {each}" for each in found.mx]]
    text = "\n".join([*lines, *[f"{name}: {value}" for name, value in found.extensions]])
    assert parse_policy(text.encode()) == found
    for pattern in found.mx:
        assert matches(pattern, pattern.replace("*", "a"))
        assert not matches(pattern, f"a.{pattern.replace('*', 'a')}")
        assert matches(pattern, host) == modelled(pattern, host)


def modelled(pattern: str, host: str) -> bool:
    """RFC 8461 §4.1, label by label."""
    left, right = pattern.lower().split("."), names.host_name(host).split(".")
    return (
        len(left) == len(right) and left[1:] == right[1:] and (left[0] == right[0] or left[0] == "*" != right[0] != "")
    )


def rpt_record(data: bytes) -> None:
    found = parse_rpt(data)
    if not isinstance(found, RptRecord):
        stated(found)
        return
    assert found.rua
    assert not set("".join(found.rua)) & set(" \t,;!")
    assert set(found.usable) <= set(found.rua)
    text = "; ".join(["v=TLSRPTv1", f"rua={','.join(found.rua)}", *[f"{n}={v}" for n, v in found.extensions]])
    assert parse_rpt(text.encode()) == found


def tlsa(data: bytes) -> None:
    found = parse_record(data.decode("utf-8", "surrogateescape"))
    if not isinstance(found, Tlsa):
        stated(found)
        return
    assert parse_record(str(found)) == found
    assert why_unusable(found).isprintable()
    assert set(strongest([found])) == (set() if why_unusable(found) else {found})


def certificate(data: bytes) -> None:
    for chain in ([data], [data, ROOT.der], [LEAF.der, data, ROOT.der]):
        found = match(ANY, chain, ["mx.example.com"], NOON)
        assert found.detail.isprintable()
    for each in load((data,)):
        if each is not None:
            assert not is_for(each, ())
            assert is_for(each, tuple([name.replace("*", "a", 1) for name in presented(each)])) in {True, False}


KINDS: tuple[Callable[[bytes], None], ...] = (sts_record, policy, rpt_record, tlsa, certificate)


def promises(data: bytes) -> None:
    """Run one input of the first target."""
    if data:
        KINDS[data[0] % len(KINDS)](data[1:])


class Cut:
    """A socket that gives octets in pieces, and then nothing."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def sendall(self, data: bytes) -> None:
        assert data.endswith(b"\r\n")

    def recv(self, size: int) -> bytes:
        piece, self.data = self.data[: min(size, self.size)], self.data[min(size, self.size) :]
        return piece


def replies(data: bytes, size: int) -> tuple[list[Reply], str]:
    """Return the replies in a stream, and why there are no more."""
    connection: Any = Cut(data, size)
    session, found = Session(connection, Countdown(60)), list[Reply]()
    try:
        while True:
            found.append(session.command("NOOP"))
    except ProbeFailedError as error:
        end = error
    assert end.status in {ProbeStatus.MALFORMED, ProbeStatus.UNREACHABLE}
    assert end.detail.isprintable()
    return found, end.detail


def greeting(data: bytes) -> None:
    """Run one input of the second target: where the octets are cut changes nothing, and all that is held is bounded."""
    if not data:
        return
    found, why = replies(data[1:], 4096)
    assert (found, why) == replies(data[1:], 1 + data[0])
    for each in found:
        assert 200 <= each.code <= 599
        assert 1 <= len(each.lines) <= MAX_LINES
        assert all(line.isprintable() and len(line) <= MAX_LINE for line in each.lines)
    first, ehlo, starttls = (*found, *[Reply(0, ())] * 3)[:3]
    for status in (ProbeStatus.NOT_OFFERED, ProbeStatus.TLS):
        seen = SmtpProbe(host="mx.example.com", address="", status=status, greeting=first, ehlo=ehlo, starttls=starttls)
        assert seen.offered == ("STARTTLS" in seen.keywords)
        verdict = downgrade(seen, ["a policy"])
        assert all(line.isprintable() for line in verdict.evidence)
        assert not (verdict.is_guess and not verdict.evidence)
