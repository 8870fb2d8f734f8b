"""What holds for the posture of a domain over any DNS, and how it agrees with the check of a message."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.page import FORBIDDEN, read
from support.strategies import DOMAINS, dmarc_records, key_records, spf_records, txt, zones

from mailauth import Connection, Context, Options, Question, Reason, dmarc, mta_sts, run, spf, tls_rpt
from mailauth.dns.fetch import run_fetching
from mailauth.posture import examine
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text
from mailauth.testing import Zone

MOST = 500  # questions
MORE = ["free.example", "x.free.example", "a.b.example.com"]


@st.composite
def worlds(draw: Any) -> dict[str, Any]:
    """DNS with everything that a posture looks at."""
    data: dict[str, Any] = draw(zones())
    for name in ("google", "s1", "*", "mail"):
        if draw(st.booleans()):
            data[f"{name}._domainkey.example.com"] = draw(
                st.one_of(
                    st.fixed_dictionaries({"TXT": txt(key_records)}),
                    st.sampled_from([*MORE, "example.net"]).map(lambda target: {"CNAME": target}),
                )
            )
    if draw(st.booleans()):
        uris = draw(
            st.lists(st.sampled_from(["mailto:a@free.example", "mailto:a@example.net", "https://x.example", "x", ""]))
        )
        data["_dmarc.example.com"] = {"TXT": [f"{draw(dmarc_records)}; rua={','.join(uris)}"]}
    for name, beginnings in OTHERS.items():
        if draw(st.booleans()):
            data[name] = {"TXT": draw(st.lists(st.sampled_from(beginnings), min_size=1, max_size=2))}
    return data


OTHERS = {
    "_mta-sts.example.com": ["v=STSv1; id=1", "v=STSv1;", "V=STSv1; id=1", "v=STSv1; id=\u00e9"],
    "_smtp._tls.example.com": ["v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=x:y", "v=TLSRPTv1"],
    "default._bimi.example.com": [
        "v=BIMI1; l=https://example.com/l; a=https://example.com/a",
        "v=BIMI1; l=",
        "v=BIMI1",
    ],
}
PAGES = st.sampled_from(
    [
        "TIMEOUT",
        "TLS",
        {"status": 404},
        {"status": 200, "content_type": "text/plain", "body": "version: STSv1\nmode: none\nmax_age: 1\n"},
        {"status": 200, "content_type": "text/plain", "body": "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 1\n"},
        {"status": 200, "content_type": "image/svg+xml", "body": "<svg/>\x1b\u202e"},
    ]
)
URLS = ["https://mta-sts.example.com/.well-known/mta-sts.txt", "https://example.com/l", "https://example.com/a"]


class Counting:
    """Counts what it is asked, and hears nothing twice."""

    def __init__(self, zone: Zone) -> None:
        self.zone, self.asked = zone, list[Question]()

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.asked += questions
        return self.zone.resolve(questions)


@given(
    world=worlds(),
    sends=st.sampled_from([None, True, False]),
    selectors=st.sampled_from([[], ["s1", "none"]]),
    pages=st.fixed_dictionaries(dict.fromkeys(URLS, PAGES)),
    fetch=st.booleans(),
)
def test_any_domain(world: dict[str, Any], sends: Any, selectors: list[str], pages: Any, *, fetch: bool) -> None:
    zone = Zone({"zone": world, "https": pages})
    resolver = Counting(zone)
    asking = examine("example.com", sends=sends, selectors=selectors, pages=fetch, context=Context(now=0))
    found = run_fetching(asking, resolver, zone if fetch else None)
    assert len(resolver.asked) == len(set(resolver.asked)) <= MOST
    assert 0 <= found.rating.points <= 100
    assert found.rating.points == max(0, 100 - sum(points for _, points in found.rating.deductions))
    pages_alone = [why for why in found.unchecked if "https://" in why]
    unanswered = len(found.unchecked) > len(pages_alone)
    assert (found.rating.letter == "?") is (unanswered or found.mx.exists is False)
    assert pickle.loads(pickle.dumps(found)) == found
    data = json.loads(json.dumps(found.to_dict()).encode())
    assert data["findings"] == [{**each, "fix": each["fix"]} for each in data["findings"]]
    text = as_text(found)
    assert FORBIDDEN.search(text) is None
    read(as_html([found]))
    for finding in found.findings:
        assert finding.detail.isprintable()
        for fix in finding.fix:
            # What is to be published is itself right
            assert fix.rdtype in {"TXT", "MX"}
            if fix.text.startswith("v=spf1"):
                spf.parse(fix.text.encode())
            if fix.text.startswith("v=DMARC1"):
                assert dmarc.parse(fix.text.encode()) is not None
            if fix.text.startswith("v=STSv1"):
                assert isinstance(mta_sts.parse_record(fix.text.encode()), mta_sts.Record)
            if fix.text.startswith("v=TLSRPTv1"):
                assert isinstance(tls_rpt.parse_record(fix.text.encode()), tls_rpt.Record)


# RFC 7208 §4.6.4
@given(record=spf_records, other=spf_records, a=st.booleans(), strict=st.booleans())
def test_a_client_that_nothing_matches_costs_what_is_counted(record: str, other: str, a: Any, strict: Any) -> None:
    hosts = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"], "MX": [[1, "example.com"]]} if a else {"MX": [[1, "."]]}
    world = {"example.com": {"TXT": [record], **hosts}, "example.net": {"TXT": [other], **hosts}}
    found = run(examine("example.com"), Zone(world)).spf
    context = Context(options=Options(strict=strict))
    outcome = run(
        spf.check(Connection(ip="240.0.0.1", mail_from="x@example.com", helo="x.example"), context), Zone(world)
    )
    exact = not any(term.state == "macro" or term.kind == "ptr" for each in found.records for term in each.terms)
    if found.own.problem or not exact:
        return
    if outcome.result != "permerror":
        # Nothing but `all` matches 240.0.0.1, and that ends a record
        assert outcome.lookups <= found.lookups
        assert outcome.void_lookups <= (found.strict_voids if strict else max(found.voids, found.strict_voids))
        if not any(term.result == "pass" and term.kind == "include" for term in found.own.terms):
            assert outcome.lookups == found.lookups
    if outcome.reason == Reason.LIMIT_SPF_TERMS:
        assert found.lookups > 10 or any(each.loops for each in found.records)
    if outcome.reason == Reason.LIMIT_SPF_VOID:
        assert found.strict_voids > 2 or any(each.loops for each in found.records)
    broken = any(
        each.problem and any(term.target == each.domain for other in found.records for term in other.terms)
        for each in found.records[1:]
    )
    if outcome.reason in {Reason.SPF_INCLUDE_NONE, Reason.SPF_REDIRECT_NONE, Reason.SPF_SYNTAX}:
        assert broken or found.lookups > 10


# RFC 9989 §4.10.1: what is told of a subdomain is what a message from one meets
@given(world=worlds(), child=st.sampled_from(["sub.example.com", "gone.example.com"]))
def test_a_message_meets_the_policy_that_is_told(world: dict[str, Any], child: str) -> None:
    world["sub.example.com"] = {"A": ["192.0.2.1"]}
    found = run(examine("example.com"), Zone(world))
    if found.dmarc.unchecked or world.get("example.com") in DOMAINS or isinstance(world["example.com"], str):
        return
    told = found.dmarc.now.subdomains if child.startswith("sub") else found.dmarc.now.missing
    policy = run(dmarc.find_policy(child), Zone(world))
    assert told == (policy.requested if policy.record is None or policy.record.usable else None)
