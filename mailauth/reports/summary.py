"""What many aggregate reports say together: how much mail, who sends it, what is aligned, under which policies.

Rows come one at a time, and memory is bounded however many there are: see `counts`. What a reporter writes is a claim,
counted as it is written; a period that cannot be is counted, but not over time. Reads no clock, and knows nothing of
how it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Literal, NamedTuple

from mailauth.counts import Counts, Ranking
from mailauth.reports.values import Counted, Metadata, Override, Period, Policy, Row
from mailauth.text import encodable

# What gave an aligned pass
OUTCOMES = ("both", "dkim", "spf", "neither")
_FIRST = date(2012, 1, 30)  # DMARC was published
_LENGTH = 255  # octets of a text that is counted by: a domain name is not longer
_WORD = 64  # octets of an address, or of a tag of a policy
_PREFIX = {4: 24, 6: 48}  # of the networks that addresses are counted in
_LISTED = 1000  # of each ranking as plain data


class Sender(NamedTuple):
    """Who sends: the other domain for which DKIM or SPF passed, or else the network of the source."""

    by: Literal["dkim", "spf", "network"]
    name: str


class Source(NamedTuple):
    """An address that mail came from, and the domain of the From field."""

    ip: str
    header_from: str


class Key(NamedTuple):
    """A DKIM key of the domain."""

    domain: str
    selector: str


class Span(NamedTuple):
    """The first and the last day on which something was seen."""

    first: date
    last: date


class Summary:
    """Counts of messages, in the words of OUTCOMES unless said otherwise.

    Args:
        latest: the last day that a period can be of: tomorrow. None: any.

    Attributes:
        reports: number of reports with at least one row.
        rows: number of rows.
        outcomes: of all messages.
        days: by day, in UTC: that of the middle of the report's period.
        undated: number of messages in reports whose period cannot be.
        reporters: by the name of the organisation.
        reports_by: number of reports, "reports", by the name of the organisation.
        senders: by sender.
        failing: what is not aligned, by source.
        domains: by the domain of the From field.
        keys: by DKIM key of the domain: "pass" or "fail", for each signature.
        policies: by policy that was published.
        spans: when each policy was seen, for those that are in `policies`.
        dispositions: by what was done.
        overrides: by the reason for which the policy was not applied.
    """

    def __init__(self, latest: date | None = None) -> None:
        self._latest = date.max if latest is None else latest
        self._last: Metadata | None = None
        self._day: date | None = None
        self.reports = self.rows = self.undated = 0
        self.outcomes: Counter[str] = Counter()
        self.days: Counts[date] = Counts()
        self.reporters: Counts[str] = Counts()
        self.reports_by: Counts[str] = Counts()
        self.senders: Counts[Sender] = Counts()
        self.failing: Counts[Source] = Counts()
        self.domains: Counts[str] = Counts()
        self.keys: Counts[Key] = Counts()
        self.policies: Counts[Policy] = Counts()
        self.spans: dict[Policy, Span] = {}
        self.dispositions: Counts[str] = Counts()
        self.overrides: Counts[Override] = Counts()

    def add(self, metadata: Metadata, counted: Counted) -> None:
        """Count a row; those of one report come one after the other, with the same metadata. Never raises."""
        if metadata is not self._last:
            self._begin(metadata)
        row, number = counted
        word = OUTCOMES[2 * (row.dkim != "pass") + (row.spf != "pass")]
        domain, policy_domain = _domain(row.header_from), _domain(metadata.policy.domain)
        self.rows += 1
        self.outcomes[word] += number
        if self._day is None:
            self.undated += number
        else:
            self.days.add(self._day, word, number)
        self.reporters.add(_cut(metadata.reporter.org_name), word, number)
        self.senders.add(_sender(row, domain, policy_domain), word, number)
        self.domains.add(domain, word, number)
        self.policies.add(self._policy, word, number)
        self.dispositions.add(_cut(row.disposition, _WORD), word, number)
        if word == "neither":
            self.failing.add(Source(_cut(row.source_ip, _WORD), domain), word, number)
        for override in row.overrides:
            self.overrides.add(Override(_cut(override.type, _WORD), _cut(override.comment)), word, number)
        for signature in row.dkim_results:
            name = _domain(signature.domain)
            if _own(name, domain, policy_domain):
                result = "pass" if signature.result == "pass" else "fail"
                self.keys.add(Key(name, _cut(signature.selector)), result, number)

    def _begin(self, metadata: Metadata) -> None:
        self._last = metadata
        self.reports += 1
        self.reports_by.add(_cut(metadata.reporter.org_name), "reports")
        day = self._day = day_of(metadata.period)
        if day is not None and not _FIRST <= day <= self._latest:
            day = self._day = None
        policy = self._policy = Policy(_cut(metadata.policy.domain), *(_cut(tag, _WORD) for tag in metadata.policy[1:]))
        if day is not None:
            seen = self.spans.get(policy, Span(day, day))
            self.spans[policy] = Span(min(seen.first, day), max(seen.last, day))
        if len(self.spans) > 2 * len(self.policies.by_key) + 1:
            self.spans = {each: span for each, span in self.spans.items() if each in self.policies.by_key}

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data; of each ranking the first 1000, and what the others come to."""
        days = sorted(self.days.by_key.items())
        policies = _plain(self.policies, lambda key: _policy(key, self.spans.get(key)))
        by_reporter = {name: counts.total() for name, counts in self.reports_by.by_key.items()}
        return {
            "reports": self.reports,
            "rows": self.rows,
            "messages": self.outcomes.total(),
            "aligned_by": _words(self.outcomes),
            "undated": self.undated,
            "days": [{"day": day.isoformat(), **_words(counts)} for day, counts in days[-_LISTED:]],
            "reporters": _plain(self.reporters, lambda key: {"org_name": key, "reports": by_reporter.get(key, 0)}),
            "senders": _plain(self.senders, Sender._asdict),
            "failing": _plain(self.failing, Source._asdict),
            "domains": _plain(self.domains, lambda key: {"header_from": key}),
            "dkim_keys": _plain(self.keys, Key._asdict, ("pass", "fail")),
            "policies": policies,
            "dispositions": _plain(self.dispositions, lambda key: {"disposition": key}),
            "overrides": _plain(self.overrides, Override._asdict),
        }


def _policy(policy: Policy, span: Span | None) -> dict[str, Any]:
    first, last = (None, None) if span is None else (each.isoformat() for each in span)
    return {**policy._asdict(), "first": first, "last": last}


def _plain(counts: Counts[Any], form: Any, words: tuple[str, ...] = OUTCOMES) -> dict[str, Any]:
    found: Ranking[Any] = counts.ranked(_LISTED)
    top = [{**form(key), **_words(each, words)} for key, each in found.top]
    return {"top": top, "others": _words(found.rest, words)}


def _words(counts: Counter[str], words: tuple[str, ...] = OUTCOMES) -> dict[str, int]:
    return {word: counts[word] for word in words}


def day_of(period: Period) -> date | None:
    """Return the day of a report, in UTC: that of the middle of its period; None if no calendar has it."""
    middle = moment((period.begin + period.end) // 2)
    return None if middle is None else middle.date()


def moment(seconds: int) -> datetime | None:
    """Return POSIX seconds as a time in UTC; None if no calendar has it."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None


def within(domain: str, name: str) -> bool:
    """Whether a name is that of a domain, or below it; both in lower case."""
    return name == domain or name.endswith(f".{domain}")


def _own(name: str, header_from: str, policy_domain: str) -> bool:
    """Whether a name may be aligned with the From field, as far as a report tells: either may be below the other."""
    return within(policy_domain, name) or within(header_from, name) or within(name, header_from)


def _sender(row: Row, header_from: str, policy_domain: str) -> Sender:
    for each in _passing(row):
        if not _own(each.name, header_from, policy_domain):
            return each
    return Sender("network", _network(_cut(row.source_ip, _WORD)))


def _passing(row: Row) -> Iterator[Sender]:
    # DKIM first: SPF names whoever passed the message on, often below a name of its own for each customer
    for signature in row.dkim_results:
        if signature.result == "pass" and signature.domain:
            yield Sender("dkim", _domain(signature.domain))
    for spf in row.spf_results:
        if spf.result == "pass" and spf.domain:
            yield Sender("spf", _domain(spf.domain))


@lru_cache(2**16)
def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return str(ip_network((found.packed, _PREFIX[found.version]), strict=False))


def _domain(name: str) -> str:
    return _cut(name.lower().removesuffix("."))


def _cut(text: str, most: int = _LENGTH) -> str:
    # By octets, which are what a key needs in memory
    return text[:most] if text.isascii() else encodable(text[:most]).encode()[:most].decode("utf-8", "ignore")
