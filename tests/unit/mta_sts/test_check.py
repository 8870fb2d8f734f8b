"""Discovery of a policy, and how long it holds."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mailauth import Context, UsageError, aio
from mailauth.dns import Use
from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, run_fetching
from mailauth.mta_sts import CachedPolicy, MtaStsOutcome, Policy, PolicyStatus, RecordStatus, check, due, fresh, use
from mailauth.resolvers import Zone

URL = "https://mta-sts.example.com/.well-known/mta-sts.txt"
TEXT = "version: STSv1\nmode: enforce\nmx: *.example.com\nmx: old.example.net\nmax_age: 604800\n"
POLICY = Policy("enforce", 604_800, ("*.example.com", "old.example.net"))
PAGE = {"status": 200, "content_type": "text/plain", "body": TEXT}
RECORD = "v=STSv1; id=20261127"
NOW = 1_795_000_000
DAY = 86_400


def zone(page: Any = PAGE, **more: Any) -> Zone:
    """The domain example.com; more names, with "__" for a dot."""
    data = {
        "_mta-sts.example.com": {"TXT": [RECORD]},
        "example.com": {"MX": [[20, "mx2.example.com"], [10, "mx1.example.com"]]},
    }
    data |= {name.replace("__", "."): types for name, types in more.items()}
    return Zone({"zone": data, "https": {URL: page}})


def look(
    where: Zone, domain: str = "example.com", cached: CachedPolicy | None = None, now: int | None = NOW
) -> MtaStsOutcome:
    found = run_fetching(check(domain, Context(now=now), cached=cached), where, where)
    assert found.detail
    assert found.detail.isprintable()
    assert json.dumps(found.to_dict())
    return found


def test_a_domain_in_order() -> None:
    uses: list[Use] = []
    found = run_fetching(check("EXAMPLE.com.", Context(uses=uses)), zone(), zone())
    assert (found.domain, found.record_status, found.policy_status) == ("example.com", "found", "found")
    assert found.policy == POLICY
    assert found.record is not None
    assert found.record.id == "20261127"
    assert [each.host for each in found.hosts] == ["mx1.example.com", "mx2.example.com"]
    assert (found.unmatched, found.idle, found.hosts_known) == ((), ("old.example.net",), True)
    assert [use.question.name for use in uses] == ["_mta-sts.example.com", "example.com"]
    with pytest.raises(TypeError):
        bool(found)


@pytest.mark.parametrize(
    ("records", "status", "says"),
    [
        ([], "absent", "no record"),
        ("NXDOMAIN", "absent", "no record"),
        (["v=spf1 -all"], "absent", "no record"),
        # RFC 8461 §3.1: only what begins with "v=STSv1;"
        (["v=STSv1 ; id=1"], "absent", "'v=STSv1 ; id=1' does not begin with v=STSv1;"),
        (["V=stsv1; id=1"], "absent", "does not begin"),
        ([RECORD, "v=STSv2; id=1"], "found", ""),
        ([RECORD, RECORD], "several", "2 records"),
        (["v=STSv1; id=-"], "bad", "id"),
        ([["v=STSv1; i", "d=1"]], "found", ""),
        ("SERVFAIL", "unanswered", "SERVFAIL"),
        ("TIMEOUT", "unanswered", "no answer"),
    ],
)
def test_records(records: Any, status: str, says: str) -> None:
    found = look(zone(**{"_mta-sts.example.com": {"TXT": records}}))
    assert found.record_status == status
    assert says in found.detail
    # RFC 8461 §3.1: without a record, the policy is not asked for
    assert found.policy_status == ("found" if status == "found" else "not_asked")


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ({**PAGE, "status": 404, "body": ""}, "http"),
        ({**PAGE, "status": 500, "body": ""}, "http"),
        ({**PAGE, "status": 204, "body": ""}, "http"),
        ({**PAGE, "status": 301, "body": ""}, "redirect"),
        ({**PAGE, "status": 308, "body": ""}, "redirect"),
        ({**PAGE, "content_type": "text/html"}, "content_type"),
        ({**PAGE, "content_type": ""}, "content_type"),
        ({**PAGE, "body": "<html>"}, "syntax"),
        ({**PAGE, "body": ""}, "syntax"),
        ({**PAGE, "body": TEXT + "x" * 65_536}, "too_large"),
        *[(status.upper(), status) for status in FetchStatus if status not in {"ok", "http"}],
    ],
)
def test_pages(page: Any, status: str) -> None:
    found = look(zone(page))
    assert found.record_status is RecordStatus.FOUND
    assert found.policy_status == status
    assert found.policy is None
    assert found.hosts == ()


def test_no_fetcher() -> None:
    assert run_fetching(check("example.com"), zone()).policy_status is PolicyStatus.NOT_ASKED


def test_a_policy_is_asked_for_at_the_domain_alone() -> None:
    """RFC 8461 §3.4: a subdomain has its own policy, or none."""
    found = look(zone(**{"sub.example.com": {"MX": [[10, "mx1.example.com"]]}}), "sub.example.com")
    assert (found.record_status, found.policy) == (RecordStatus.ABSENT, None)


def test_how_the_policy_is_fetched() -> None:
    asked: list[Fetch] = []

    class Fetcher:
        def fetch(self, requests: tuple[Fetch, ...], timeout: float | None) -> list[Fetched]:
            asked.extend(requests)
            return [Fetched(FetchStatus.TLS, detail="certificate: expired")]

    found = run_fetching(check("example.com"), zone(), Fetcher())
    assert (found.policy_status, asked) == ("tls", [Fetch(URL, 65_536, redirects=0, accept="text/plain")])
    assert "certificate: expired" in found.detail


@pytest.mark.parametrize(
    ("types", "hosts", "unmatched"),
    [
        ({"MX": [[10, "mx.example.com"], [20, "a.b.example.com"], [30, "OLD.example.net."]]}, 3, ("a.b.example.com",)),
        # RFC 5321 §5.1: without MX records, the domain itself
        ({"A": ["192.0.2.1"]}, 1, ("example.com",)),
        ({"MX": [[0, "."]]}, 0, ()),
    ],
)
def test_mail_exchangers(types: Any, hosts: int, unmatched: tuple[str, ...]) -> None:
    found = look(zone(**{"example.com": types}))
    assert (len(found.hosts), found.unmatched, found.hosts_known) == (hosts, unmatched, True)


def test_mail_exchangers_that_are_not_known() -> None:
    found = look(zone(**{"example.com": {"MX": "SERVFAIL"}}))
    assert (found.policy_status, found.hosts, found.hosts_known) == ("found", (), False)


def test_event_loops() -> None:
    assert asyncio.run(aio.run_fetching(check("example.com"), zone(), zone())).policy == POLICY


@pytest.mark.parametrize("name", ["", "a b", "x" * 300])
def test_what_is_not_a_domain_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a domain name"):
        run_fetching(check(name), Zone({}))


def test_a_name_that_is_too_long() -> None:
    found = look(Zone({}), ".".join(["a" * 60] * 4) + ".ex")
    assert found.record_status is RecordStatus.ABSENT


# --- the cache


CACHED = CachedPolicy("example.com", POLICY, "20261127", NOW - 3600)
OLD = CACHED._replace(id="20260101", policy=POLICY._replace(mx=("old.example.net",)))


def test_a_cached_policy_is_not_fetched_again_while_it_holds() -> None:
    found = look(zone("TIMEOUT"), cached=CACHED)
    assert (found.policy_status, found.policy) == (PolicyStatus.UNCHANGED, None)
    assert use(CACHED, found, NOW) is CACHED
    # RFC 8461 §3.3: but once a day, so that its end does not come unawares
    assert look(zone(), cached=CACHED._replace(fetched=NOW - DAY)).policy_status is PolicyStatus.FOUND
    # another id, another domain, an end, or no time to tell
    assert look(zone(), cached=OLD).policy_status is PolicyStatus.FOUND
    assert look(zone(), cached=CACHED._replace(domain="example.org")).policy_status is PolicyStatus.FOUND
    short = CACHED._replace(policy=POLICY._replace(max_age=60))
    assert look(zone(), cached=short).policy_status is PolicyStatus.FOUND
    assert look(zone(), cached=CACHED, now=None).policy_status is PolicyStatus.FOUND


def test_a_new_policy_takes_the_place_of_the_cached_one() -> None:
    assert use(OLD, look(zone()), NOW) == CachedPolicy("example.com", POLICY, "20261127", NOW)
    assert use(None, look(zone()), NOW) == CachedPolicy("example.com", POLICY, "20261127", NOW)
    # RFC 8461 §8.3: so is MTA-STS ended
    none = look(zone({**PAGE, "body": "version: STSv1\nmode: none\nmax_age: 86400"}))
    found = use(OLD, none, NOW)
    assert found is not None
    assert found.policy.mode == "none"


@pytest.mark.parametrize(
    "where",
    [
        zone(**{"_mta-sts.example.com": "NXDOMAIN"}),
        zone(**{"_mta-sts.example.com": {"TXT": "SERVFAIL"}}),
        zone(**{"_mta-sts.example.com": {"TXT": [RECORD, RECORD]}}),
        zone(**{"_mta-sts.example.com": {"TXT": ["v=STSv1; id=-"]}}),
        zone("TLS"),
        zone("TIMEOUT"),
        zone({**PAGE, "body": "bad"}),
    ],
)
def test_nobody_ends_a_policy_by_being_in_the_way(where: Zone) -> None:
    """RFC 8461 §3.3: without a live policy, the cached one holds until its end."""
    found = look(where, cached=OLD)
    assert use(OLD, found, NOW) is OLD
    assert use(OLD, found, OLD.fetched + 604_800) is OLD
    assert use(OLD, found, OLD.fetched + 604_801) is None
    assert use(None, found, NOW) is None


def test_when_a_policy_ends() -> None:
    assert fresh(CACHED, CACHED.fetched)
    assert fresh(CACHED, CACHED.fetched + 604_800)
    assert not fresh(CACHED, CACHED.fetched + 604_801)
    assert not fresh(CACHED._replace(policy=POLICY._replace(max_age=0)), CACHED.fetched + 1)
    assert not due(CACHED, CACHED.fetched + DAY - 1)
    assert due(CACHED, CACHED.fetched + DAY)
    assert due(CACHED._replace(policy=POLICY._replace(max_age=60)), CACHED.fetched + 61)


def test_a_policy_of_another_domain_is_refused() -> None:
    with pytest.raises(UsageError, match=r"example\.org"):
        use(CACHED._replace(domain="example.org"), look(zone()), NOW)
