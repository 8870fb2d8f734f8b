"""A look at the mail exchangers of a domain: what was promised against what is there."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.https_server import PUBLIC_4, Authority, serving
from support.smtp_server import Answer, speaking

from mailauth import Context
from mailauth.dns.fetch import run_fetching
from mailauth.posture import Code, Posture, examine
from mailauth.probes import SmtpProber, survey
from mailauth.probes.survey import MAX_HOSTS
from mailauth.resolvers import Zone

HOST = "mx.example.com"
POLICY = "https://mta-sts.example.com/.well-known/mta-sts.txt"
# Within the days of the certificates of `Authority`, which are made anew
NOW = 1_795_000_000


class Signed(Zone):
    """A zone whose answers are secure."""

    def resolve(self, questions: Any) -> Any:
        return tuple(replace(answer, secure=True) for answer in super().resolve(questions))


def domain(kind: type[Zone] = Zone, tlsa: str | None = None, mode: str = "enforce", hosts: int = 1) -> Posture:
    names = [HOST, *(f"mx{n}.example.com" for n in range(1, hosts))]
    data: dict[str, Any] = {
        "example.com": {"TXT": ["v=spf1 -all"], "MX": [[n, name] for n, name in enumerate(names)]},
        **{name: {"A": [PUBLIC_4]} for name in names},
        "_mta-sts.example.com": {"TXT": ["v=STSv1; id=1"]},
        f"_25._tcp.{HOST}": {"TLSA": [tlsa]} if tlsa else {"TXT": ["-"]},
    }
    text = f"version: STSv1\nmode: {mode}\nmx: *.example.com\nmax_age: 2419200\n"
    zone = kind({"zone": data, "https": {POLICY: {"status": 200, "content_type": "text/plain", "body": text}}})
    return run_fetching(examine("example.com", pages=True, context=Context(now=NOW)), zone, zone)


def looked(posture: Posture, answer: Answer, roots: Path | None = None) -> Posture:
    with serving(answer, None) as server:
        prober = SmtpProber("client.example.org", timeout=20, roots=roots, connect=server.connect)
        return posture.with_smtp(survey(posture, prober, NOW))


def smtp(posture: Posture) -> set[str]:
    return {str(finding.code) for finding in posture.findings if finding.section == "smtp"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_server_in_order(authority: Authority) -> None:
    found = looked(domain(), speaking(authority.context(HOST)), authority.roots)
    assert found.smtp is not None
    (facts,) = found.smtp
    assert (facts.host, facts.address, facts.tls, facts.certificate) == (HOST, PUBLIC_4, True, "valid")
    assert facts.promised == ("the MTA-STS policy of example.com",)
    assert smtp(found) == set()


def test_a_certificate_for_another_name(authority: Authority) -> None:
    assert smtp(looked(domain(), speaking(authority.context("www.example.com")), authority.roots)) == {
        Code.SMTP_CERTIFICATE
    }


@pytest.mark.parametrize(("mode", "code"), [("enforce", Code.SMTP_PROMISED), ("testing", Code.SMTP_NO_TLS)])
def test_no_tls(mode: str, code: Code) -> None:
    found = looked(domain(mode=mode), speaking(None, ehlo=(HOST.encode(), b"SIZE 1000")))
    assert smtp(found) == {code}


def test_a_masked_keyword_is_told() -> None:
    found = looked(domain(), speaking(None, ehlo=(HOST.encode(), b"XXXXXXXA")))
    assert smtp(found) == {Code.SMTP_PROMISED, Code.SMTP_DOWNGRADE}


@pytest.mark.parametrize("right", [True, False])
def test_tlsa_records(authority: Authority, *, right: bool) -> None:
    server = speaking(authority.context(HOST))
    first = looked(domain(), server, authority.roots)
    assert first.smtp is not None
    with serving(server, None) as serves:
        chain = SmtpProber("c.example.org", roots=authority.roots, connect=serves.connect).probe(HOST, PUBLIC_4).tls
    assert chain is not None
    digest = hashlib.sha256(chain.chain[0]).hexdigest() if right else "ab" * 32
    found = looked(domain(Signed, f"3 0 1 {digest}"), server, authority.roots)
    assert found.smtp is not None
    assert found.smtp[0].dane == ("matched" if right else "no_match")
    assert len(found.smtp[0].promised) == 2
    assert smtp(found) == (set() if right else {Code.SMTP_DANE})


def test_a_server_that_cannot_be_asked_is_not_blamed() -> None:
    def connect(address: str, port: int, seconds: float) -> Any:
        raise ConnectionRefusedError

    posture = domain(hosts=MAX_HOSTS + 3)
    found = posture.with_smtp(survey(posture, SmtpProber("c.example.org", connect=connect), NOW))
    assert found.smtp is not None
    assert [each.tls for each in found.smtp] == [None] * MAX_HOSTS
    assert smtp(found) == set()
    assert found.rating == posture.rating


def test_a_domain_without_hosts() -> None:
    zone = Zone({"example.com": {"MX": [[0, "."]]}})
    posture = run_fetching(examine("example.com", pages=True), zone, zone)
    assert survey(posture, SmtpProber("c.example.org"), NOW) == ()
