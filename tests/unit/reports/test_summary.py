"""What many reports say together: counted right, bounded, and told by senders that the owner of a domain knows."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections import Counter
from datetime import date

import pytest

from mailauth import counts
from mailauth.reports.summary import Key, Sender, Source, Span, Summary, day_of
from mailauth.reports.values import Counted, Metadata, Override, Period, Policy
from unit.reports.made import DAY, metadata, row, sent, signed


def summed(*rows: Counted, about: Metadata | None = None, latest: date | None = None) -> Summary:
    found, about = Summary(latest), about or metadata()
    for each in rows:
        found.add(about, each)
    return found


def senders(found: Summary) -> dict[Sender, int]:
    return {sender: each.total() for sender, each in found.senders.by_key.items()}


@pytest.mark.parametrize(
    ("dkim", "spf", "word"),
    [("pass", "pass", "both"), ("pass", "fail", "dkim"), ("fail", "pass", "spf"), ("fail", "fail", "neither"),
     ("", "", "neither")],
)  # fmt: skip
def test_what_is_aligned(dkim: str, spf: str, word: str) -> None:
    found = summed(row(dkim=dkim, spf=spf, messages=7))
    assert found.outcomes == {word: 7}
    assert found.days.by_key == {date(2026, 10, 28): {word: 7}}
    assert found.reporters.by_key == {"Big Mail": {word: 7}}
    assert found.domains.by_key == {"example.com": {word: 7}}
    assert found.dispositions.by_key == {"none": {word: 7}}
    assert found.failing.by_key == ({Source("192.0.2.25", "example.com"): {word: 7}} if word == "neither" else {})


def test_reports_and_rows_are_counted() -> None:
    found = Summary()
    for about in (metadata(), metadata(DAY + 86_400), metadata(org="Telco")):
        for _ in range(3):
            found.add(about, row())
    assert (found.reports, found.rows, found.outcomes.total()) == (3, 9, 9)
    assert {name: each.total() for name, each in found.reports_by.by_key.items()} == {"Big Mail": 2, "Telco": 1}


# --- who sends


def test_a_service_is_known_by_its_own_signature() -> None:
    both = signed("example.com") + signed("mailer.example", "k")
    found = summed(row(dkim_results=both, spf_results=sent("bounce.mailer.example"), spf="fail"))
    assert senders(found) == {Sender("dkim", "mailer.example"): 1}


def test_a_forwarder_is_known_by_spf() -> None:
    found = summed(row(dkim_results=signed("example.com"), spf_results=sent("Alumni.Example."), spf="fail"))
    assert senders(found) == {Sender("spf", "alumni.example"): 1}


@pytest.mark.parametrize("own", ["example.com", "mail.example.com", "a.sub.example.com"])
def test_the_own_domain_is_no_name_for_a_sender(own: str) -> None:
    found = summed(row(dkim_results=signed(own), spf_results=sent(own), header_from="sub.example.com"))
    assert senders(found) == {Sender("network", "192.0.2.0/24"): 1}


def test_the_domain_above_a_policy_of_a_subdomain_is_the_own_one() -> None:
    # Relaxed alignment of a.sub.example.com, whose record is at sub.example.com
    about = metadata(domain="sub.example.com")
    found = summed(row(header_from="a.sub.example.com", dkim_results=signed("example.com")), about=about)
    assert senders(found) == {Sender("network", "192.0.2.0/24"): 1}


def test_a_name_that_only_ends_alike_is_another_domain() -> None:
    found = summed(row(dkim_results=signed("badexample.com"), dkim="fail", spf="fail"))
    assert senders(found) == {Sender("dkim", "badexample.com"): 1}


def test_what_did_not_pass_names_nobody() -> None:
    found = summed(row(dkim_results=signed("mailer.example", result="fail"), spf_results=sent("b.example", "softfail")))
    assert senders(found) == {Sender("network", "192.0.2.0/24"): 1}


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.25", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("::ffff:192.0.2.1", "192.0.2.0/24"),
     ("", ""), ("192.0.2.0/24", "192.0.2.0/24"), ("fe80::1%eth0", "fe80::/48"), ("<script>", "<script>")],
)  # fmt: skip
def test_networks(address: str, network: str) -> None:
    assert senders(summed(row(address))) == {Sender("network", network): 1}


def test_own_keys() -> None:
    found = summed(
        row(dkim_results=signed("Example.com", "s1") + signed("other.example", "k"), messages=5),
        row(dkim_results=signed("example.com", "s1", "fail"), messages=2),
    )
    assert found.keys.by_key == {Key("example.com", "s1"): {"pass": 5, "fail": 2}}


# --- policies, and when


def test_policies_over_time() -> None:
    found = Summary()
    for n, p in ((0, "none"), (1, "none"), (5, "reject"), (3, "none")):
        found.add(metadata(DAY + n * 86_400, p=p), row())
    first, second = Policy("example.com", "none"), Policy("example.com", "reject")
    assert found.spans == {
        first: Span(date(2026, 10, 28), date(2026, 10, 31)),
        second: Span(date(2026, 11, 2), date(2026, 11, 2)),
    }
    assert {policy: each.total() for policy, each in found.policies.by_key.items()} == {first: 3, second: 1}


def test_overrides() -> None:
    why = Override("mailing_list", "known")
    found = summed(row(dkim="fail", spf="fail", overrides=(why, Override("other")), messages=3))
    assert found.overrides.by_key == {why: {"neither": 3}, Override("other"): {"neither": 3}}


@pytest.mark.parametrize(
    ("begin", "end", "day"),
    [(DAY, DAY + 86_399, date(2026, 10, 28)), (DAY - 3600, DAY + 82_800, date(2026, 10, 28)),
     (DAY - 6 * 3600, DAY + 18 * 3600, date(2026, 10, 28)), (DAY, DAY, date(2026, 10, 28)), (0, 0, date(1970, 1, 1)),
     (2**62, 2**63, None), (-(2**63), 0, None), (10**30, 10**30, None)],
)  # fmt: skip
def test_the_day_of_a_report(begin: int, end: int, day: date | None) -> None:
    assert day_of(Period(begin, end)) == day


@pytest.mark.parametrize("begin", [0, 1_300_000_000, DAY + 10**8, 2**62, -(2**62)])
def test_a_period_that_cannot_be_is_not_counted_by_day(begin: int) -> None:
    found = summed(row(messages=3), about=metadata(begin), latest=date(2026, 11, 28))
    assert (found.undated, found.outcomes.total(), found.days.by_key, found.spans) == (3, 3, {}, {})


# --- as plain data


def test_plain_data() -> None:
    found = summed(row(messages=2), row(dkim="fail", spf="fail", overrides=(Override("other", "x"),)))
    plain = json.loads(json.dumps(found.to_dict()))
    assert (plain["reports"], plain["rows"], plain["messages"]) == (1, 2, 3)
    assert plain["aligned_by"] == {"both": 2, "dkim": 0, "spf": 0, "neither": 1}
    assert plain["days"] == [{"day": "2026-10-28", "both": 2, "dkim": 0, "spf": 0, "neither": 1}]
    assert plain["reporters"]["top"][0]["reports"] == 1
    (policy,) = plain["policies"]["top"]
    assert (policy["domain"], policy["p"], policy["first"], policy["last"]) == (
        "example.com", "none", "2026-10-28", "2026-10-28"
    )  # fmt: skip
    assert plain["failing"]["top"] == [
        {"ip": "192.0.2.25", "header_from": "example.com", "both": 0, "dkim": 0, "spf": 0, "neither": 1}
    ]


# --- bounds


def test_strangers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_MAX_KEYS", 100)
    rng = random.Random(1)
    found = Summary()

    def feed(reports: int, rows: int) -> None:
        for _ in range(reports):
            about = metadata(DAY - rng.randrange(10**9), org=rng.randbytes(200).hex(), domain=rng.randbytes(60).hex())
            for _row in range(rows):
                name = rng.randbytes(2000).hex()
                found.add(about, row(name, "fail", "fail", header_from=name, disposition=name,
                                     overrides=(Override(name, name),), dkim_results=signed(name)))  # fmt: skip

    feed(500, 2)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    feed(1000, 2)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert found.outcomes == Counter({"neither": 3000})
    for each in (found.reporters, found.senders, found.failing, found.domains, found.policies, found.dispositions):
        assert each.total() == Counter({"neither": 3000})
        assert len(each.by_key) <= 200
    assert len(found.spans) <= 500
    # What is pruned makes room for what comes: a few hundred keys of at most 255 octets
    assert after - before < 2**21


def test_keys_are_short_whatever_a_reporter_writes() -> None:
    long = "\N{GRINNING FACE}" * 4096
    about = metadata(org=long, domain=long, p=long, sp=long, fo=long, pct=long)
    over = (Override(long, long),)
    found = summed(
        row(long, "fail", "fail", disposition=long, header_from=long, overrides=over, dkim_results=signed(long, long)),
        about=about,
    )
    for kept in (found.reporters, found.senders, found.failing, found.domains, found.keys, found.policies,
                 found.dispositions, found.overrides):  # fmt: skip
        ((key, _),) = kept.by_key.items()
        texts = [key] if isinstance(key, str) else list(key)
        assert sum(len(text.encode()) for text in texts) <= 255 + 9 * 64
        assert all(set(text) <= {long[0]} for text in texts if not text.isascii())
