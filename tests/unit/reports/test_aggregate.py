"""Aggregate reports as files (RFC 9990 §3.1, Appendix A; RFC 7489 Appendix C)."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from io import BytesIO, RawIOBase
from typing import Any

import pytest
from support.reports import Generator, schema_path

from mailauth.errors import UsageError
from mailauth.reports.aggregate import Form, write
from mailauth.reports.values import Counted, DkimResult, Metadata, Override, Period, Policy, Reporter, Row, SpfResult

etree = pytest.importorskip("lxml.etree", reason="these tests need lxml: pip install lxml")

NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"
META = Metadata(
    reporter=Reporter(org_name="Example Org", email="dmarc@example.org"),
    report_id="a1b2",
    period=Period(1764115200, 1764201600),
    policy=Policy(domain="example.com", p="reject"),
)
ROW = Row("192.0.2.1", "none", "pass", "fail", "example.com")


def change(value: Any, **fields: Any) -> Any:
    return Metadata(**{**{n: getattr(value, n) for n in value.__slots__}, **fields})


def written(rows: Iterable[Counted], metadata: Metadata = META, form: Form = "rfc9990") -> bytes:
    file = BytesIO()
    write(metadata, rows, file, form)
    return file.getvalue()


def tree(row: Row = ROW, metadata: Metadata = META, form: Form = "rfc9990") -> Any:
    return etree.fromstring(written([Counted(row, 3)], metadata, form))


def texts(root: Any, path: str) -> list[str]:
    return [e.text or "" for e in root.iterfind("/".join(f"{{*}}{step}" for step in path.split("/")))]


def test_a_report_says_all_that_it_was_given() -> None:
    # RFC 9990 §3.1: one Policy Domain, one policy
    metadata = Metadata(
        reporter=Reporter(org_name="Örg & Co", email="dmarc@example.org", extra_contact_info="https://example.org"),
        report_id="a1b2@example.org",
        period=Period(1764115200, 1764201600),
        policy=Policy("example.com", "reject", "quarantine", "none", "r", "s", "1:d", "y", "treewalk", "50"),
        generator="mailauth 1",
        errors=("two records", "sp= is invalid"),
    )
    row = Row(
        "2001:DB8:0::1", "quarantine", "fail", "fail", "news.example.com", "", "example.net",
        (Override("mailing_list", "list <a>"), Override("other")),
        (DkimResult("example.com", "s1", "fail", "body hash"),),
        (SpfResult("example.net", "softfail", human_result="~all"),),
    )  # fmt: skip
    root = tree(row, metadata)
    assert root.tag == f"{NS}feedback"
    flat = [(e.tag.removeprefix(NS), e.text) for e in root.iter() if len(e) == 0]
    assert flat == [
        ("version", "1.0"), ("org_name", "Örg & Co"), ("email", "dmarc@example.org"),
        ("extra_contact_info", "https://example.org"), ("report_id", "a1b2@example.org"), ("begin", "1764115200"),
        ("end", "1764201600"), ("error", "two records; sp= is invalid"), ("generator", "mailauth 1"),
        ("domain", "example.com"), ("discovery_method", "treewalk"), ("p", "reject"), ("sp", "quarantine"),
        ("np", "none"), ("fo", "1:d"), ("adkim", "r"), ("aspf", "s"), ("testing", "y"),
        ("source_ip", "2001:db8::1"), ("count", "3"), ("disposition", "quarantine"), ("dkim", "fail"),
        ("spf", "fail"), ("type", "mailing_list"), ("comment", "list <a>"), ("type", "other"),
        ("header_from", "news.example.com"), ("envelope_from", None), ("envelope_to", "example.net"),
        ("domain", "example.com"), ("selector", "s1"), ("result", "fail"), ("human_result", "body hash"),
        ("domain", "example.net"), ("scope", "mfrom"), ("result", "softfail"), ("human_result", "~all"),
    ]  # fmt: skip


def test_the_old_form_has_what_its_readers_need() -> None:
    policy = Policy("example.com", "reject", np="none", testing="y", discovery="psl", pct="25")
    row = ROW._replace(disposition="pass", overrides=(Override("policy_test_mode"), Override("local_policy", "ours")))
    root = tree(row, change(META, policy=policy, errors=("one", "two"), generator="mailauth"), "rfc7489")
    assert root.tag == "feedback"
    assert texts(root, "report_metadata/error") == ["one", "two"]
    published = [(e.tag, e.text) for e in root.find("policy_published")]
    # RFC 7489 §6.3: sp is p, fo is 0
    assert published == [("domain", "example.com"), ("p", "reject"), ("sp", "reject"), ("pct", "25"), ("fo", "0")]
    assert texts(root, "record/row/policy_evaluated/disposition") == ["none"]
    assert texts(root, "record/row/policy_evaluated/reason/type") == ["other", "local_policy"]
    assert texts(root, "record/row/policy_evaluated/reason/comment") == ["policy_test_mode", "ours"]
    # "There will always be at least one SPF result"
    assert [(e.tag, e.text) for e in root.find("record/auth_results/spf")] == [
        ("domain", "example.com"), ("scope", "mfrom"), ("result", "none")
    ]  # fmt: skip
    assert not texts(root, "report_metadata/generator")


def test_an_address_is_in_the_form_that_the_schema_has() -> None:
    row = ROW._replace(source_ip="2001:DB8:0::1")
    assert texts(tree(row), "record/row/source_ip") == ["2001:db8::1"]
    assert texts(tree(row, form="rfc7489"), "record/row/source_ip") == ["2001:0db8:0000:0000:0000:0000:0000:0001"]


def test_the_words_of_one_form_are_told_in_the_other() -> None:
    # RFC 9990 §3.1.6
    results = (SpfResult("mx.example.com", "pass", "helo"), SpfResult("example.com", "policy"))
    row = ROW._replace(overrides=(Override("forwarded", "by us"), Override("sampled_out")), spf_results=results)
    new, old = tree(row), tree(row, form="rfc7489")
    assert texts(new, "record/row/policy_evaluated/reason/type") == ["other", "other"]
    assert texts(new, "record/row/policy_evaluated/reason/comment") == ["forwarded: by us", "sampled_out"]
    assert texts(old, "record/row/policy_evaluated/reason/type") == ["forwarded", "sampled_out"]
    # RFC 9990 §3.1.1.13: only MAIL FROM
    assert texts(new, "record/auth_results/spf/domain") == ["example.com"]
    assert texts(old, "record/auth_results/spf/scope") == ["helo", "mfrom"]
    assert texts(old, "record/auth_results/spf/result") == ["pass", "neutral"]


def test_the_preferred_signatures_come_first_and_at_most_a_hundred() -> None:
    # RFC 9990 §3.1.3
    fails = tuple(DkimResult("example.com", f"f{n}", "fail") for n in range(120))
    others = (
        DkimResult("esp.example.net", "other", "pass"),
        DkimResult("mail.example.com", "relaxed", "pass"),
        DkimResult("Example.com", "strict", "pass"),
    )
    root = tree(ROW._replace(dkim_results=(*fails, *others)))
    found = texts(root, "record/auth_results/dkim/selector")
    assert found == ["strict", "relaxed", "other", *(f"f{n}" for n in range(97))]


def test_a_right_order_is_kept() -> None:
    # a.co.example and b.co.example may be one organization or two: who made the row knew
    results = tuple(DkimResult(d, "s", "pass") for d in ("b.co.example", "a.co.example", "example.net"))
    root = tree(ROW._replace(header_from="c.co.example", dkim_results=results))
    assert texts(root, "record/auth_results/dkim/domain") == [r.domain for r in results]


@pytest.mark.parametrize("domain", ["", "192.0.2.1", "[192.0.2.1]", "a b.example", "<x>.example", "x" * 300])
def test_what_is_not_a_domain_name_is_left_out(domain: str) -> None:
    # A stranger chose it, and may hope that it spoils the report
    other = DkimResult("example.net", "s1", "pass")
    row = ROW._replace(
        envelope_from=domain or None, envelope_to=domain, dkim_results=(DkimResult(domain, "s", "permerror"), other),
        spf_results=(SpfResult(domain, "none"),),
    )  # fmt: skip
    root = tree(row)
    assert texts(root, "record/identifiers/*") == ["example.com"]
    assert texts(root, "record/auth_results/*/domain") == ["example.net"]
    assert texts(tree(row, form="rfc7489"), "record/identifiers/envelope_from") == [""]
    assert texts(tree(row, form="rfc7489"), "record/auth_results/spf/domain") == ["example.com"]


def test_names_in_rows_are_a_labels() -> None:
    row = ROW._replace(header_from="Bücher.example", envelope_from="Example.ORG.")
    assert texts(tree(row), "record/identifiers/*") == ["xn--bcher-kva.example", "example.org"]


def test_hostile_text_is_harmless() -> None:
    nasty = "\x00\x1b[2J\r\n</comment>\ud800\udcff\ufffe\u202e]]>&#0;"
    row = ROW._replace(
        envelope_from=nasty, overrides=(Override("other", nasty + "x" * 10**6),),
        dkim_results=(DkimResult("example.com", nasty, "fail", nasty),),
    )  # fmt: skip
    octets = written([Counted(row, 1)])
    assert len(octets) < 5000
    root = etree.fromstring(octets)
    (comment,) = texts(root, "record/row/policy_evaluated/reason/comment")
    assert "</comment>" in comment
    assert "]]>&#0;" in comment
    assert all(c.isprintable() for c in comment)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (ROW._replace(disposition="discard"), "disposition is 'discard': give one of none, pass, quarantine, reject"),
        (ROW._replace(dkim="none"), "dkim is 'none': give one of fail, pass"),
        (ROW._replace(spf="softfail"), "spf is 'softfail'"),
        (ROW._replace(source_ip="unknown"), "'unknown' is not an address"),
        (ROW._replace(header_from=""), "'' is not a domain name: give the Author Domain"),
        (ROW._replace(header_from="192.0.2.1"), "'192.0.2.1' is not a domain name"),
        (ROW._replace(overrides=(Override("whim"),)), "the type of an override is 'whim'"),
        (ROW._replace(dkim_results=(DkimResult("a.example", "s", "ok"),)), "the result of DKIM is 'ok'"),
        (ROW._replace(spf_results=(SpfResult("a.example", "hardfail"),)), "the result of SPF is 'hardfail'"),
        (ROW._replace(spf_results=(SpfResult("a.example", "pass", "from"),)), "the scope of SPF is 'from'"),
    ],
)
def test_a_row_that_no_report_can_hold_is_refused(row: Row, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        written([Counted(row, 1)])


@pytest.mark.parametrize(("envelope_from", "found"), [(None, []), ("", [""]), ("a.example", ["a.example"])])
def test_a_null_reverse_path_is_told_from_one_that_was_not_reported(
    envelope_from: str | None, found: list[str]
) -> None:
    # RFC 9990 §3.1.1.10
    assert texts(tree(ROW._replace(envelope_from=envelope_from)), "record/identifiers/envelope_from") == found


def test_a_row_of_no_message_is_refused() -> None:
    with pytest.raises(UsageError, match="a row stands for at least one"):
        written([Counted(ROW, 0)])


@pytest.mark.parametrize(
    ("metadata", "form", "words"),
    [
        (change(META, reporter=Reporter(org_name="", email="a@example.org")), "rfc9990", "org_name"),
        (change(META, reporter=Reporter(org_name="A", email="")), "rfc9990", "email"),
        # RFC 9990 §3.5.1
        (change(META, report_id=""), "rfc9990", "report_id ''"),
        (change(META, report_id="a b"), "rfc9990", "report_id 'a b'"),
        (change(META, report_id="a>\r\nBcc: x"), "rfc9990", "report_id"),
        (change(META, report_id="a" * 1001), "rfc9990", "report_id"),
        (change(META, period=Period(2, 1)), "rfc9990", "give POSIX seconds"),
        (change(META, period=Period(-1, 1)), "rfc9990", "give POSIX seconds"),
        (change(META, policy=Policy("not a domain")), "rfc9990", "is not a domain name"),
        (change(META, policy=Policy("example.com", "")), "rfc9990", "p is ''"),
        (change(META, policy=Policy("example.com", sp="monitor")), "rfc9990", "sp is 'monitor'"),
        (change(META, policy=Policy("example.com", adkim="x")), "rfc9990", "adkim is 'x'"),
        (change(META, policy=Policy("example.com", testing="yes")), "rfc9990", "testing is 'yes'"),
        (change(META, policy=Policy("example.com", discovery="guess")), "rfc9990", "discovery_method is 'guess'"),
        (change(META, policy=Policy("example.com", pct="many")), "rfc7489", "pct 'many'"),
        (META, "rfc1", "the forms are 'rfc9990' and 'rfc7489'"),
    ],
)
def test_metadata_that_no_report_can_hold_are_refused_before_anything_is_written(
    metadata: Metadata, form: Any, words: str
) -> None:
    file = BytesIO()
    with pytest.raises(UsageError, match=words):
        write(metadata, [Counted(ROW, 1)], file, form)
    assert not file.getvalue()


def test_a_report_without_rows_is_refused() -> None:
    # RFC 9990 §3.1.1.2
    file = BytesIO()
    with pytest.raises(UsageError, match="at least one row"):
        write(META, [], file)
    assert not file.getvalue()


def test_an_internationalized_policy_domain_is_written_as_a_labels() -> None:
    root = tree(metadata=change(META, policy=Policy("Bücher.example")))
    assert texts(root, "policy_published/domain") == ["xn--bcher-kva.example"]


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("form", ["rfc9990", "rfc7489"])
def test_generated_reports_are_valid(form: Form, hostile: bool) -> None:  # noqa: FBT001
    schema = etree.XMLSchema(etree.parse(str(schema_path(form))))
    for seed in range(150):
        made = Generator(seed, hostile=hostile)
        root = etree.fromstring(written(made.rows(), made.metadata(), form))
        assert schema.validate(root), (seed, schema.error_log)


def test_the_same_values_give_the_same_octets() -> None:
    once, again = (Generator(7, hostile=True) for _ in range(2))
    assert written(once.rows(), once.metadata()) == written(again.rows(), again.metadata())


def test_memory_does_not_grow_with_the_rows() -> None:
    class Nowhere(RawIOBase):
        def write(self, octets: Any) -> int:
            return len(octets)

    nowhere: Any = Nowhere()

    def rows(number: int) -> Iterator[Counted]:
        return (Counted(ROW, n + 1) for n in range(number))

    write(META, rows(1000), nowhere)
    tracemalloc.start()
    try:
        write(META, rows(10_000), nowhere)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000  # octets; the file has three million
