"""What is written as an aggregate report reads back as it was, whatever is around it; nothing makes reading fail."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from support.foreign import NAME, aggregate, compressed, mail, part, record, written, zipped

from mailauth.reports.aggregate_read import stream
from mailauth.reports.read import read
from mailauth.reports.read_values import AggregateReport
from mailauth.reports.values import (
    Counted,
    DkimResult,
    Metadata,
    Override,
    Period,
    Policy,
    Reporter,
    Row,
    SpfResult,
)

# What XML writes otherwise, and characters of two to four octets; white space at the ends is not kept
TEXT = st.text("a0.@-<>&;'\"]é中\U0001f600", max_size=10)
SOME = TEXT.filter(bool)
DOMAIN = st.sampled_from(["example.com", "mail.example.com", "xn--bcher-kva.example", "a.b.c.example"])
POLICY = st.sampled_from(["none", "quarantine", "reject"])
DKIM = ["none", "pass", "fail", "policy", "neutral", "temperror", "permerror"]
ALIGNED = st.sampled_from(["pass", "fail"])
REASONS = st.sampled_from(["local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder"])

policies = st.builds(
    Policy, DOMAIN, POLICY, POLICY | st.just(""), POLICY | st.just(""), st.sampled_from("rs"), st.sampled_from("rs"),
    st.sampled_from(["", "0", "1:d:s"]), st.sampled_from(["", "y", "n"]), st.sampled_from(["", "psl", "treewalk"]),
    st.sampled_from(["", "100"]),
)  # fmt: skip
rows = st.builds(
    Row,
    st.ip_addresses().map(str).filter(lambda ip: not ip.startswith("::ffff:")),
    st.sampled_from(["none", "pass", "quarantine", "reject"]),
    ALIGNED,
    ALIGNED,
    DOMAIN,
    st.none() | st.just("") | DOMAIN,
    st.none() | DOMAIN,
    st.lists(st.builds(Override, REASONS, TEXT), max_size=3).map(tuple),
    st.lists(st.builds(DkimResult, DOMAIN, SOME, st.sampled_from(DKIM), TEXT), max_size=3).map(tuple),
    st.lists(
        st.builds(SpfResult, DOMAIN, st.sampled_from([*DKIM, "softfail"]), st.just("mfrom"), TEXT), max_size=1
    ).map(tuple),
)
times = st.integers(1262304000, 4102444799)
metadata = st.builds(
    Metadata,
    reporter=st.builds(Reporter, org_name=SOME, email=SOME, extra_contact_info=TEXT),
    report_id=SOME,
    period=st.tuples(times, times).map(sorted).map(lambda both: Period(*both)),
    policy=policies,
    generator=TEXT,
    errors=st.lists(SOME, max_size=1).map(tuple),
    version=st.sampled_from(["", "1.0"]),
    generation=st.just("rfc9990"),
)
counted = st.lists(st.builds(Counted, rows, st.integers(0, 2**63 - 1)), min_size=1, max_size=4).map(tuple)


@given(metadata, counted)
def test_a_report_reads_back(metadata: Metadata, counted: tuple[Counted, ...]) -> None:
    octets = written(metadata, counted)
    (found,) = read(octets)
    assert found == AggregateReport(metadata=metadata, rows=counted)
    reading = stream(io.BytesIO(octets))
    assert (tuple(reading), reading.metadata, reading.problems) == (counted, metadata, ())


WRAPPERS = st.sampled_from(
    [
        compressed,
        lambda octets: zipped({"a": octets}),
        lambda octets: mail(part(octets, "application/octet-stream")),
        lambda octets: mail(part(b"Hello", "text/plain", "", ""), part(octets, "message/rfc822")),
    ]
)


@given(
    counted.map(lambda rows: rows[0]), st.lists(WRAPPERS, max_size=2), st.sampled_from(["utf-8", "utf-16", "utf-32"])
)
def test_what_is_around_it_changes_nothing(row: Counted, wrappers: list[type], encoding: str) -> None:
    given_ = Metadata(
        reporter=Reporter(org_name="R", email="a@receiver.example"), report_id="1",
        period=Period(1764201600, 1764288000), policy=Policy("example.com"),
    )  # fmt: skip
    octets = written(given_, [row]).replace(b'<?xml version="1.0"?>', b"").decode().encode(encoding)
    for wrap in wrappers:
        octets = wrap(octets)
    (found,) = read(octets, NAME)
    assert isinstance(found, AggregateReport)
    assert (found.metadata, found.rows) == (given_, (row,))


WHOLE = [
    aggregate(record(), record("x"), record(results="<dkim><domain>a.example</domain></dkim>")),
    compressed(aggregate()),
    zipped({"a.xml": aggregate(), "b.json": b'{"policies": [{"policy": {}}]}'}),
    mail(part(b"Feedback-Type: abuse\r\n", "message/feedback-report", "", ""), part(compressed(aggregate()))),
]


@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets)))
        octets[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    assert read(bytes(octets))


@given(st.binary(max_size=200))
def test_no_octets_raise(octets: bytes) -> None:
    assert read(octets)
    assert read(b"<feedback>" + octets)
    assert read(b'{"policies": ' + octets)
    assert read(b"Feedback-Type: abuse\n" + octets)
