"""Certificates against TLSA records: our verdict, and that of OpenSSL for the same chain."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path

import pytest
from support.chains import NOON, Issued, issue, key, write
from support.https_server import serving

from mailauth import UsageError
from mailauth.dane import MatchStatus, Tlsa, match

NAMES = ("mx.example.com", "example.com")
HASHES: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda d: sha256(d).digest(),
    2: lambda d: sha512(d).digest(),
}


def record(usage: int, selector: int, matching: int, of: Issued) -> Tlsa:
    return Tlsa(usage, selector, matching, HASHES[matching](of.spki if selector else of.der))


@dataclass(frozen=True)
class Case:
    """A chain as a server sends it, the records of its host, and the verdict."""

    status: MatchStatus
    chain: tuple[Issued, ...]
    records: tuple[Tlsa, ...]
    # What OpenSSL says where it looks at more or less than RFC 7672 asks for; None: the same
    openssl: bool | None = None
    why: str = field(default="", compare=False)


def cases(now: datetime) -> dict[str, Case]:
    """Return the cases, valid at a time."""

    def make(name: str, number: int, issuer: Issued | None = None, **more: object) -> Issued:
        return issue(name, number, issuer, now=now, **more)  # type: ignore[arg-type]

    root = make("root", 1, ca=True, key_usage=True)
    middle = make("middle", 2, root, ca=True, path_length=0, key_usage=True)
    leaf = make("leaf", 3, middle, dns=("mx.example.com",), server=True)
    other = make("other", 4, middle, dns=("mx.example.org",))
    own = make("own", 5, days=(-9, -8))
    ok, no, name, path = MatchStatus.MATCHED, MatchStatus.NO_MATCH, MatchStatus.NAME, MatchStatus.PATH
    full = (leaf, middle, root)
    found = {
        f"ee {selector} {matching}": Case(ok, full, (record(3, selector, matching, leaf),))
        for selector in (0, 1)
        for matching in (0, 1, 2)
    }
    found |= {
        f"ta {selector} {matching}": Case(ok, full, (record(2, selector, matching, root),))
        for selector in (0, 1)
        for matching in (0, 1, 2)
    }
    wild = make("wild", 6, middle, dns=("*.example.com",))
    odd = make("odd", 7, middle, dns=("m*.example.com",))
    deep = make("deep", 8, middle, dns=("*.com",))
    domain = make("domain", 9, middle, dns=("example.com",))
    common = make("mx.example.com", 10, middle)
    hidden = make("mx.example.com", 11, middle, dns=("mx.example.org",))
    late = make("late", 12, middle, dns=("mx.example.com",), days=(-9, -8))
    early = make("early", 13, middle, dns=("mx.example.com",), days=(8, 9))
    stale = make("stale", 14, root, ca=True, days=(-9, -8))
    below_stale = make("leaf", 15, stale, dns=("mx.example.com",))
    no_ca = make("no ca", 16, root, key_usage=True)
    below_no_ca = make("leaf", 17, no_ca, dns=("mx.example.com",))
    no_sign = make("no sign", 18, root, ca=True, key_usage=False)
    below_no_sign = make("leaf", 19, no_sign, dns=("mx.example.com",))
    lower = make("lower", 20, middle, ca=True)
    below_lower = make("leaf", 21, lower, dns=("mx.example.com",))
    client = make("client", 22, middle, dns=("mx.example.com",), server=False)
    # the same name as the authority, and another key: who signed is told by the signature alone
    fake = issue("middle", 23, None, ca=True, now=now)
    forged = make("leaf", 24, fake, dns=("mx.example.com",))
    ta = (record(2, 0, 1, root),)
    return found | {
        # RFC 7672 §3.1.1: neither names nor dates matter
        "ee other name": Case(ok, (other, middle), (record(3, 1, 1, other),)),
        "ee expired": Case(ok, (own,), (record(3, 1, 1, own),)),
        "ee of another": Case(no, full, (record(3, 1, 1, other),)),
        # the leaf alone is meant, not what issued it
        "ee of the issuer": Case(no, full, (record(3, 1, 1, middle),)),
        "ta of the leaf": Case(no, full, (record(2, 1, 1, leaf),)),
        "two records": Case(ok, full, (record(3, 1, 1, other), record(3, 1, 1, leaf))),
        "ee or ta": Case(ok, full, (record(3, 1, 1, other), *ta)),
        "ta middle": Case(ok, (leaf, middle), (record(2, 0, 1, middle),)),
        # RFC 7672 §3.1.2: it must be in the chain
        "ta not sent": Case(no, (leaf, middle), ta),
        "ta not sent, whole in DNS": Case(
            no, (leaf, middle), (record(2, 0, 0, root),), openssl=True, why="OpenSSL adds what is whole in DNS"
        ),
        "ta out of order": Case(ok, (leaf, root, middle), ta),
        "ta wildcard": Case(ok, (wild, middle, root), ta),
        "ta part of a label": Case(name, (odd, middle, root), ta, openssl=True, why="RFC 7672 §3.2.3 forbids it"),
        "ta wildcard too high": Case(ok, (deep, middle, root), ta, openssl=False, why="OpenSSL wants two labels"),
        "ta next-hop domain": Case(ok, (domain, middle, root), ta),
        "ta common name": Case(ok, (common, middle, root), ta),
        "ta common name, but DNS names": Case(name, (hidden, middle, root), ta),
        "ta other name": Case(name, (other, middle, root), ta),
        "ta expired": Case(path, (late, middle, root), ta),
        "ta not yet valid": Case(path, (early, middle, root), ta),
        "ta over expired": Case(path, (below_stale, stale, root), ta),
        "ta over no authority": Case(path, (below_no_ca, no_ca, root), ta),
        "ta over no issuer": Case(path, (below_no_sign, no_sign, root), ta),
        "ta too deep": Case(path, (below_lower, lower, middle, root), ta),
        "ta not for servers": Case(path, (client, middle, root), ta),
        "ta with a gap": Case(path, (leaf, root), ta),
        "ta of a forger": Case(path, (forged, middle, root), ta),
        # RFC 7671 §9
        "weak digest matches": Case(no, full, (record(3, 1, 1, leaf), record(3, 1, 2, other))),
        "weak digest of another selector": Case(ok, full, (record(3, 0, 1, leaf), record(3, 1, 2, other))),
        "whole key beside a digest": Case(ok, full, (record(3, 1, 0, leaf), record(3, 1, 2, other))),
        "strong digest malformed": Case(ok, full, (record(3, 1, 1, leaf), Tlsa(3, 1, 2, b"\0" * 32))),
    }  # fmt: skip


CASES = cases(NOON)


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str) -> None:
    case = CASES[name]
    found = match(case.records, [each.der for each in case.chain], NAMES, NOON)
    assert found.status is case.status, found.detail
    assert found.detail.isprintable()
    if found.status is MatchStatus.MATCHED:
        assert found.record in case.records
        assert found.depth is not None


NOW = datetime.now(UTC).replace(microsecond=0)
LIVE = {name: case for name, case in cases(NOW).items() if case.records}


@pytest.mark.parametrize("name", LIVE)
def test_openssl_agrees(name: str, tmp_path: Path) -> None:
    """Postfix judges by the same functions of OpenSSL."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl is not installed; on Debian: apt-get install openssl")
    case = LIVE[name]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write(tmp_path / "server.pem", *case.chain))
    # s_client has one reference identifier
    base = NAMES[name == "ta next-hop domain"]
    command = [openssl, "s_client", "-dane_tlsa_domain", base, "-dane_ee_no_namechecks", "-verify_return_error"]
    for each in case.records:
        command += ["-dane_tlsa_rrdata", str(each)]
    with serving(lambda _, __: None, context) as server:
        done = subprocess.run(
            [*command, "-connect", f"127.0.0.1:{server.port}"], input="Q\r\n\r\n", capture_output=True, text=True,
            check=False, timeout=30,
        )  # fmt: skip
    matched = re.search(r"DANE TLSA .* matched", done.stdout) is not None and "Verification: OK" in done.stdout
    expected = case.status is MatchStatus.MATCHED if case.openssl is None else case.openssl
    assert matched is expected, done.stdout + done.stderr


def test_without_a_usable_record_any_certificate_will_do() -> None:
    leaf = CASES["ee 1 1"].chain[0]
    for records in ((), (record(1, 1, 1, leaf),), (Tlsa(3, 1, 1, b"short"),), (Tlsa(9, 9, 9, b""),)):
        assert match(records, [leaf.der], NAMES, NOON).status is MatchStatus.UNUSABLE


@pytest.mark.parametrize("chain", [[], [b""], [b"no certificate"], [b"\x30\x80"]])
def test_no_certificate(chain: list[bytes]) -> None:
    records = [record(3, 1, 1, CASES["ee 1 1"].chain[0])]
    assert match(records, chain, NAMES, NOON).status is MatchStatus.NO_CERTIFICATE


def test_octets_that_are_no_certificate_match_a_record_of_these_octets() -> None:
    data = b"certificate of a kind that is not known here"
    assert match([Tlsa(3, 0, 1, HASHES[1](data))], [data], (), NOON).status is MatchStatus.MATCHED


def test_only_so_many_certificates_count() -> None:
    leaf, middle, root = CASES["ta 0 1"].chain
    records = [record(2, 0, 1, root)]
    fillers = [issue(f"filler {n}", 100 + n, ca=True).der for n in range(8)]
    assert match(records, [leaf.der, *fillers[:7], middle.der, root.der], NAMES, NOON).status is MatchStatus.MATCHED
    assert match(records, [leaf.der, *fillers, middle.der, root.der], NAMES, NOON).status is MatchStatus.NO_MATCH


def test_a_time_needs_its_offset() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        match([], [], (), datetime(2026, 11, 21))  # noqa: DTZ001
    leaf = CASES["ta 0 1"]
    late = (NOON + timedelta(days=3)).timestamp()
    assert match(leaf.records, [each.der for each in leaf.chain], NAMES, late).status is MatchStatus.PATH
    assert key(1) is key(1)
