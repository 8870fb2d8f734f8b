"""The suites of MTA-STS and TLS-RPT: records, policies, hosts, look-ups and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.https_server import PUBLIC_4, Authority, page, serving
from support.suites import FOLDER, each, is_absent, zone_of

from mailauth import mta_sts, run, tls_rpt
from mailauth.dns.fetch import run_fetching
from mailauth.fetchers import HttpsFetcher
from mailauth.resolvers import Zone
from mailauth.versioned import Unreadable

WORDS = {
    "ok": "found",
    "none": "absent",
    "none (multiple records)": "several",
    "permerror": "bad",
    "temperror": "unanswered",
}


@pytest.mark.parametrize("case", each("mta-sts-records"))
def test_mta_sts_record(case: Any) -> None:
    found, expected = mta_sts.parse_record(case["record"].encode()), case["expect"]
    assert isinstance(found, Unreadable) != expected["valid"]
    if not isinstance(found, Unreadable):
        assert (found.id, [*map(list, found.extensions)]) == (expected["id"], expected["extensions"])


@pytest.mark.parametrize("case", each("mta-sts-policies"))
def test_mta_sts_policy(case: Any) -> None:
    found, expected = mta_sts.parse_policy(case["policy"].encode()), case["expect"]
    assert isinstance(found, Unreadable) != expected["valid"]
    if not isinstance(found, Unreadable):
        given = {**found._asdict(), "mx": [*found.mx], "extensions": [*map(list, found.extensions)]}
        assert given == {key: value for key, value in expected.items() if key != "valid"}


def test_mta_sts_hosts() -> None:
    if words := is_absent("mta-sts-mox"):
        pytest.skip(words)
    case = json.loads((FOLDER / "mta-sts-mox" / "cases.json").read_text(encoding="utf-8"))["mx_match"]
    policy = mta_sts.parse_policy(case["policy"].encode())
    assert isinstance(policy, mta_sts.Policy)

    def allowed(host: str) -> bool:
        return any(mta_sts.matches(pattern, host) for pattern in policy.mx)

    assert len(case["match"] + case["no_match"]) == 5
    assert all(map(allowed, case["match"]))
    assert not any(map(allowed, case["no_match"]))


@pytest.mark.parametrize("case", each("mta-sts-lookups"))
def test_mta_sts_lookup(case: Any) -> None:
    assert run_fetching(mta_sts.check(case["domain"]), zone_of(case)).record_status == WORDS[case["expect"]]


STATUSES = {
    "policy syntax error": {"syntax"},
    "no policy": {"http"},
    "fetch error (redirects must not be followed)": {"redirect"},
    "syntax error / too large": {"too_large"},
    "ok": {"found"},
    "fetch error": {"http", "tls"},
}


@pytest.mark.parametrize("case", each("mta-sts-pages"))
def test_mta_sts_page(case: Any, tmp_path: Path) -> None:
    """Each page over real HTTPS."""
    host, authority = "mta-sts.a.example", Authority(tmp_path)
    certificate = case.get("certificate", "")
    name = "other.example" if certificate == "other name" else host
    context = authority.context(name, days=(-2, -1) if certificate == "expired" else (-1, 1))
    body = case["body"].encode() if not case["body"].startswith("<64 KiB") else bytes(64 * 1024 + 2)
    fields = ["Content-Type: text/plain"] + ["Location: /other"] * (case["https_status"] == 301)
    reply = page(body, *fields, status=f"{case['https_status']} x")
    names = Zone({host: {"A": [PUBLIC_4]}, "_mta-sts.a.example": {"TXT": ["v=STSv1; id=1"]}})
    with serving(lambda connection, _: connection.sendall(reply), context) as server:
        fetcher = HttpsFetcher(names, roots=authority.roots, connect=server.connect)
        found = run_fetching(mta_sts.check("a.example"), names, fetcher)
    assert found.policy_status in STATUSES[case["expect"]]
    assert len(server.requests) <= 1


@pytest.mark.parametrize("case", each("tls-rpt-records"))
def test_tls_rpt_record(case: Any) -> None:
    found, expected = tls_rpt.parse_record(case["record"].encode()), case["expect"]
    assert isinstance(found, Unreadable) != expected["valid"]
    if not isinstance(found, Unreadable):
        assert list(found.rua) == [uri for uris in expected["rua"] for uri in uris]
        assert found.usable == found.rua


@pytest.mark.parametrize("case", each("tls-rpt-lookups"))
def test_tls_rpt_lookup(case: Any) -> None:
    assert run(tls_rpt.check(case["domain"]), zone_of(case)).status == WORDS[case["expect"]]
