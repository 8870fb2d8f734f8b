"""Set-ups that are right, or usual on the way there: what their administrator reads, and what is safe to publish."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from support.signing import key
from support.silence import blamed

from mailauth import run
from mailauth.posture import Code, examine
from mailauth.testing import Zone

D = "example.com"
KEY, KEY_2 = key("rsa2048-author").record(), key("rsa2048-other").record()
REJECT, NONE = "v=DMARC1; p=reject; rua=mailto:d@example.com", "v=DMARC1; p=none; rua=mailto:d@example.com"
# Names of providers as their guides give them; the addresses are examples
GOOGLE: dict[str, Any] = {
    "_spf.google.com": {"TXT": ["v=spf1 ip4:198.18.0.0/16 ip4:203.0.113.0/24 ip6:2001:db8:4000::/36 ~all"]},
    "smtp.google.com": {"A": ["203.0.113.25"], "AAAA": ["2001:db8:4000::25"]},
}
SENDGRID = {"sendgrid.net": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ~all"]}}
WORKSPACE = {
    D: {
        # Other services prove by TXT records who owns a domain
        "TXT": ["v=spf1 include:_spf.google.com ~all", *(f"service-{n}-verification={'x' * 50}" for n in range(8))],
        "MX": [[1, "smtp.google.com"]],
        "A": ["192.0.2.1"],
    },
    **GOOGLE,
    "google._domainkey.example.com": {"TXT": [KEY]},
    "_dmarc.example.com": {"TXT": [REJECT]},
}
MICROSOFT = {
    D: {
        "TXT": ["v=spf1 include:spf.protection.outlook.com -all"],
        "MX": [[0, "example-com.mail.protection.outlook.com"]],
    },
    "spf.protection.outlook.com": {"TXT": ["v=spf1 ip4:198.18.0.0/15 ip6:2001:db8:f400::/48 -all"]},
    "example-com.mail.protection.outlook.com": {"A": ["198.18.0.25"]},
    "selector1._domainkey.example.com": {"CNAME": "selector1-example-com._domainkey.ex.onmicrosoft.com"},
    "selector1-example-com._domainkey.ex.onmicrosoft.com": {"TXT": [KEY]},
    # The key to come
    "selector2._domainkey.example.com": {"CNAME": "selector2-example-com._domainkey.ex.onmicrosoft.com"},
    "onmicrosoft.com": {"A": ["192.0.2.9"]},
    "_dmarc.example.com": {"TXT": [REJECT]},
}
OWN = {
    D: {"TXT": ["v=spf1 mx a:out.example.com -all"], "MX": [[10, "mx1.example.com"], [20, "mx2.example.com"]]},
    "mx1.example.com": {"AAAA": ["2001:db8::1"]},
    "mx2.example.com": {"A": ["192.0.2.2"]},
    "out.example.com": {"A": ["192.0.2.3"], "AAAA": ["2001:db8::3"]},
    "2026._domainkey.example.com": {"TXT": [KEY]},
    "_dmarc.example.com": {"TXT": [REJECT]},
}
SEVERAL = {
    **WORKSPACE,
    D: {"TXT": ["v=spf1 include:_spf.google.com include:sendgrid.net ~all"], "MX": [[1, "smtp.google.com"]]},
    **SENDGRID,
    "s1._domainkey.example.com": {"CNAME": "s1.domainkey.u1.wl.sendgrid.net"},
    "s1.domainkey.u1.wl.sendgrid.net": {"TXT": [KEY_2.replace("k=rsa", "t=y; k=rsa")]},
    # A vendor of reports has the record
    "_dmarc.example.com": {"CNAME": "example.com._dmarc.vendor.example"},
    "example.com._dmarc.vendor.example": {"TXT": ["v=DMARC1; p=none; rua=mailto:example.com@vendor.example"]},
    "example.com._report._dmarc.vendor.example": {"TXT": ["v=DMARC1"]},
    "vendor.example": {"MX": [[1, "smtp.google.com"]]},
}
PARKED = {
    D: {"TXT": ["v=spf1 redirect=_parked.host.example"], "MX": [[0, "."]], "A": ["192.0.2.1"]},
    "_parked.host.example": {"TXT": ["v=spf1 -all"]},
    "_dmarc.example.com": {"CNAME": "_parked-dmarc.host.example"},
    "_parked-dmarc.host.example": {"TXT": ["v=DMARC1; p=reject"]},
    "*._domainkey.example.com": {"TXT": ["v=DKIM1; p="]},
}
NEWS = {
    "news.example.com": {"TXT": ["v=spf1 include:sendgrid.net -all"], "MX": [[1, "smtp.google.com"]]},
    "s1._domainkey.news.example.com": {"TXT": [KEY_2]},
    **SENDGRID,
}
C = Code


class SetUp(NamedTuple):
    """A zone, and the findings; all records to publish."""

    zone: dict[str, Any]
    codes: set[Code]
    fixes: tuple[str, ...] = ()
    domain: str = D


SETUPS = {
    "Google Workspace": SetUp(WORKSPACE, {C.SPF_SHARED, C.SPF_SIZE}),
    # RFC 9989 §4.7: a roll-out begins with p=none
    "a roll-out": SetUp(
        {**WORKSPACE, "_dmarc.example.com": {"TXT": [NONE]}},
        {C.SPF_SHARED, C.SPF_SIZE, C.DMARC_NONE, C.SPF_SOFTFAIL_ALL},
        ('_dmarc.example.com. IN TXT "v=DMARC1; p=quarantine; rua=mailto:d@example.com"',),
    ),
    "Microsoft 365": SetUp(MICROSOFT, {C.SPF_SHARED, C.DKIM_TARGET_MISSING}),
    "own hosts of one IP version": SetUp(OWN, set()),
    # RFC 1034 §3.6.2: no record can be beside an alias; keys of a provider are not ours to change
    "several providers": SetUp(
        SEVERAL,
        {C.SPF_SHARED, C.DMARC_NONE, C.SPF_SOFTFAIL_ALL, C.DKIM_TESTING},
        ('_dmarc.example.com. IN TXT "v=DMARC1; p=quarantine; rua=mailto:example.com@vendor.example"',),
    ),
    "parked by the records of a host": SetUp(PARKED, set()),
    "a subdomain that inherits": SetUp({**WORKSPACE, **NEWS}, {C.SPF_SHARED}, (), "news.example.com"),
    # A stricter policy for one subdomain is not for all others to have
    "a subdomain that inherits p=none": SetUp(
        {**WORKSPACE, **NEWS, "_dmarc.example.com": {"TXT": [f"{NONE}; sp=none; np=reject"]}},
        {C.SPF_SHARED, C.DMARC_NONE},
        ('_dmarc.news.example.com. IN TXT "v=DMARC1; p=quarantine; rua=mailto:d@example.com"',),
        "news.example.com",
    ),
    # The envelope sender is the provider's: it sends, and v=spf1 -all is not for it
    "a subdomain with a key alone": SetUp(
        {**WORKSPACE, "news.example.com": {"A": ["192.0.2.4"]}, "s1._domainkey.news.example.com": {"TXT": [KEY_2]}},
        {C.SPF_MISSING},
        ('news.example.com. IN TXT "v=spf1 ~all"',),
        "news.example.com",
    ),
    # RFC 9989 §4.10.1: the record of a public suffix applies; only its registry can change it
    "below a public suffix with a policy": SetUp(
        {
            "example.bank": {"TXT": ["v=spf1 mx -all"], "MX": [[1, "smtp.google.com"]]},
            **GOOGLE,
            "_dmarc.bank": {"TXT": ["v=DMARC1; p=none; np=reject; pct=50; adkim=x; psd=y; rua=mailto:d@free.example"]},
        },
        {C.DMARC_NONE},
        ('_dmarc.example.bank. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.bank"',),
        "example.bank",
    ),
}


@pytest.mark.parametrize("name", SETUPS)
def test_what_an_administrator_reads(name: str) -> None:
    setup = SETUPS[name]
    found = run(examine(setup.domain), Zone(setup.zone))
    codes, fixes = setup.codes, setup.fixes
    # None of them has a policy of MTA-STS, which is a note where there are mail exchangers
    if found.mx.hosts:
        codes, fixes = codes | {C.MTA_STS_MISSING}, (*fixes, f'_mta-sts.{setup.domain}. IN TXT "v=STSv1; id=1"')
    assert {finding.code for finding in found.findings} == codes
    assert [fix.line for finding in found.findings for fix in finding.fix] == [*fixes]
    assert C.MTA_STS_MISSING not in [code for code, _ in found.rating.deductions]
    aliased = {name for name, node in setup.zone.items() if "CNAME" in node}
    for finding in found.findings:
        for fix in finding.fix:
            assert (f"{fix.name} is an alias of" in finding.remedy) is (fix.name in aliased)


@pytest.mark.parametrize("name", SETUPS)
def test_no_answer_makes_a_finding_that_an_answer_does_not(name: str) -> None:
    assert blamed(SETUPS[name].zone, SETUPS[name].domain) == []


def test_nor_does_one_for_a_policy_of_its_own() -> None:
    zone = {**WORKSPACE, **NEWS, "_dmarc.news.example.com": {"TXT": [REJECT]}}
    assert blamed(zone, "news.example.com") == []
