"""Certificates against TLSA records: our verdict, and that of OpenSSL for the same chain."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from support.chains import NOON, issue, key, write
from support.dane_cases import HASHES, NAMES, cases, record
from support.https_server import serving

from mailauth import UsageError
from mailauth.dane import MatchStatus, Tlsa, match

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


SAN, BASIC = ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.BASIC_CONSTRAINTS


@pytest.mark.parametrize("broken", [SAN, BASIC, ExtensionOID.EXTENDED_KEY_USAGE])
def test_extensions_that_cannot_be_read_allow_nothing(broken: x509.ObjectIdentifier) -> None:
    root = issue("root", 1, ca=True)
    leaf = issue(NAMES[0], 2, root, broken=broken)
    assert match([record(2, 0, 1, root)], [leaf.der, root.der], NAMES, NOON).status is MatchStatus.PATH
    assert match([record(3, 1, 1, leaf)], [leaf.der, root.der], NAMES, NOON).status is MatchStatus.MATCHED
    root = issue("root", 1, broken=broken)
    leaf = issue(NAMES[0], 2, root)
    assert match([record(2, 0, 1, root)], [leaf.der, root.der], NAMES, NOON).status is MatchStatus.PATH


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
