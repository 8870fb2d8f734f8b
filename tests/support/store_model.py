"""What a store does, as a model of a few lines, and a machine that compares the two over any sequence of calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailauth.reports.store import Batch, Configuration, Delivery, Due, Sample, Store
from mailauth.reports.values import DkimResult, Override, Period, Policy, Row, SpfResult

PERIOD, GRACE = 100, 10
HOSTILE = "\x00\x1b\udcff\N{RIGHT-TO-LEFT OVERRIDE}'\";--"


def configuration(number: int) -> Configuration:
    return Configuration(Policy(f"d{number}.example", p="reject", fo=HOSTILE), (f"mailto:a@d{number}.example!10m",))


def row(number: int) -> Row:
    return Row(
        f"192.0.2.{number % 256}",
        "none",
        "pass",
        "fail",
        f"h{number}.example",
        envelope_from=None if number % 2 else "",
        overrides=(Override("other", HOSTILE),),
        dkim_results=(DkimResult("d.example", "s", "pass"), DkimResult("e.example", "t", "fail", "why")),
        spf_results=(SpfResult("f.example", "softfail"),),
    )


SAMPLES = st.dictionaries(
    st.builds(Sample, st.builds(configuration, st.integers(0, 2)), st.builds(row, st.integers(0, 3))),
    st.integers(1, 5),
    min_size=1,
    max_size=5,
)
DELIVERIES = st.builds(
    Delivery,
    uri=st.sampled_from(["mailto:a@x.example", f"mailto:{HOSTILE}@x.example"]),
    state=st.sampled_from(["sent", "refused", "retry"]),
    detail=st.sampled_from(["", HOSTILE]),
    after=st.integers(0, 3 * PERIOD),
)


class Known:
    """A report of the model."""

    def __init__(self, configuration: Configuration, period: Period) -> None:
        self.configuration, self.period = configuration, period
        self.rows: Counter[Row] = Counter()
        self.report_id = self.owner = ""
        self.attempts = self.lease_ends = 0
        self.again_at = period.end + GRACE
        self.deliveries: dict[str, Delivery] = {}


class StoreMachine(RuleBasedStateMachine):
    """Calls a store and the model; whatever a call returns has to be the same."""

    def __init__(self, make: Callable[[], Store]) -> None:
        super().__init__()
        self.store = make()
        self.now = 0
        self.reports: list[Known] = []
        self.leases: list[tuple[Due, str, Known]] = []
        self.suppressed: dict[str, tuple[str, int]] = {}
        self.batches = 0

    def teardown(self) -> None:
        found = everything(self.store, self.now + 10 * PERIOD)
        self.store.close()
        known: Counter[Any] = Counter()
        for each in self.reports:
            known.update({(each.configuration, each.period, row): messages for row, messages in each.rows.items()})
        assert found == known

    @rule(seconds=st.integers(1, PERIOD))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(samples=SAMPLES, back=st.integers(0, PERIOD), times=st.integers(1, 2), named=st.booleans())
    def put(self, samples: dict[Sample, int], back: int, times: int, named: Any) -> None:
        at = max(0, self.now - back)
        self.batches += 1
        for _ in range(times):
            self.store.put(samples, at, Batch("writer", self.batches) if named else None)
        begin = at // PERIOD * PERIOD
        for sample, messages in samples.items():
            period = Period(begin, begin + PERIOD)
            wanted = (sample.configuration, period, "")
            found = [r for r in self.reports if (r.configuration, r.period, r.report_id) == wanted]
            if not found:
                found = [Known(sample.configuration, period)]
                self.reports += found
            found[0].rows[sample.row] += messages if named else messages * times

    @rule(owner=st.sampled_from(["one", "two", HOSTILE]), seconds=st.integers(0, PERIOD))
    def lease(self, owner: str, seconds: int) -> None:
        due = self.store.lease(owner, self.now, seconds)
        ready = [r for r in self.reports if r.again_at <= self.now and r.lease_ends <= self.now]
        assert (due is None) == (not ready)
        if due is None:
            return
        whole = due.configuration, due.period, due.report_id
        known = next(r for r in ready if (r.configuration, r.period, r.report_id or due.report_id) == whole)
        assert known.again_at == min(r.again_at for r in ready)
        assert not any(r.report_id == due.report_id for r in self.reports if r is not known)
        assert due.report_id.isascii()
        assert due.report_id.isalnum()
        known.report_id, known.owner, known.lease_ends = due.report_id, owner, self.now + seconds
        known.attempts += 1
        assert due.attempts == known.attempts
        assert due.deliveries == tuple(known.deliveries.values())
        self.leases.append((due, owner, known))

    def _whose(self, which: int) -> tuple[Due, str, Known, bool]:
        due, owner, known = self.leases[which % len(self.leases)]
        return due, owner, known, known in self.reports and known.owner == owner

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 9))
    def read(self, which: int) -> None:
        due, _, known, _ = self._whose(which)
        if known in self.reports:
            found = list(self.store.each(due))
            assert dict(found) == known.rows
            assert len(found) == len(known.rows)
            assert found == list(self.store.each(due))

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 9), deliveries=st.lists(DELIVERIES, max_size=2))
    def settle(self, which: int, deliveries: list[Delivery]) -> None:
        due, owner, known, theirs = self._whose(which)
        assert self.store.settle(due, owner, tuple(deliveries)) == theirs
        if theirs:
            known.deliveries |= {each.uri: each for each in deliveries}
            later = [each.after for each in known.deliveries.values() if each.state == "retry"]
            known.again_at = min(later, default=known.again_at)

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 9))
    def drop(self, which: int) -> None:
        due, owner, known, theirs = self._whose(which)
        assert self.store.drop(due, owner) == theirs
        if theirs:
            self.reports.remove(known)

    @rule(back=st.integers(PERIOD, 5 * PERIOD))
    def expire(self, back: int) -> None:
        before = self.now - back
        old = [r for r in self.reports if r.period.end <= before]
        assert self.store.expire(before) == len(old)
        self.reports = [r for r in self.reports if r not in old]
        self.suppressed = {uri: known for uri, known in self.suppressed.items() if known[1] > before}

    @rule(uri=st.sampled_from(["mailto:a@x.example", HOSTILE]), reason=st.text(max_size=3), seconds=st.integers(0, 99))
    def suppress(self, uri: str, reason: str, seconds: int) -> None:
        self.store.suppress(uri, reason, self.now + seconds)
        self.suppressed[uri] = reason, self.now + seconds

    @invariant()
    def destinations(self) -> None:
        for uri in ("mailto:a@x.example", HOSTILE):
            reason, until = self.suppressed.get(uri, ("", 0))
            assert self.store.suppressed(uri, self.now) == (reason if until > self.now else None)


def everything(store: Store, now: int) -> Counter[Any]:
    """Lease, read and drop all that is due; return how many messages of each configuration and row there were."""
    found: Counter[Any] = Counter()
    while due := store.lease("reader", now, 60):
        for counted in store.each(due):
            found[due.configuration, due.period, counted.row] += counted.messages
        assert store.drop(due, "reader")
    return found
