"""Aggregate reports of others: what is read of odd and hostile XML, and what is said of it."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from support.foreign import METADATA, POLICY, aggregate, feedback, record
from support.growth import GROWTH, TIMES, grows

from mailauth import UsageError
from mailauth.reports.aggregate_read import stream
from mailauth.reports.read import read
from mailauth.reports.read_values import AggregateReport, Bounds, Refusal, Unread
from mailauth.reports.values import Counted, DkimResult, Override, Period, Policy, Reporter, SpfResult


def one(octets: bytes, bounds: Bounds | None = None) -> AggregateReport:
    (found,) = read(octets, bounds=bounds)
    assert isinstance(found, AggregateReport), found
    return found


def refused(octets: bytes, bounds: Bounds | None = None) -> tuple[Refusal, str]:
    (found,) = read(octets, bounds=bounds)
    assert isinstance(found, Unread), found
    assert found.detail.isprintable()
    return found.reason, found.detail


def problem(*records: str, **other: str) -> str:
    """Return what is said of a report: one problem."""
    (found,) = one(aggregate(*records, **other)).problems
    return found


def first(*records: str, **other: str) -> Counted:
    return one(aggregate(*records, **other)).rows[0]


# RFC 9990 Appendix B is the model of this one
WHOLE = """<?xml version="1.0" encoding="UTF-8" ?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <version>1.0</version>
  <report_metadata>
    <org_name>Receiver</org_name>
    <email>dmarc@receiver.example</email>
    <extra_contact_info lang="en">https://receiver.example/dmarc</extra_contact_info>
    <report_id>r1@receiver.example</report_id>
    <date_range><begin>1764201600</begin><end>1764288000</end></date_range>
    <error lang="en">two records</error>
    <generator>Writer 1.2</generator>
  </report_metadata>
  <policy_published>
    <domain>example.com</domain><discovery_method>treewalk</discovery_method>
    <p>reject</p><sp>quarantine</sp><np>none</np><fo>1:d</fo><adkim>s</adkim><aspf>r</aspf><testing>n</testing>
  </policy_published>
  <record>
    <row>
      <source_ip>2001:db8::1</source_ip><count>12</count>
      <policy_evaluated>
        <disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf>
        <reason><type>mailing_list</type><comment lang="en">list &amp; more</comment></reason>
        <reason><type>other</type></reason>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_to>receiver.example</envelope_to><envelope_from/><header_from>example.com</header_from>
    </identifiers>
    <auth_results>
      <dkim><domain>example.com</domain><selector>s1</selector><result>pass</result></dkim>
      <dkim><domain>esp.example</domain><selector>k</selector><result>fail</result>
        <human_result>body hash</human_result></dkim>
      <spf><domain>mx.esp.example</domain><scope>mfrom</scope><result>softfail</result></spf>
    </auth_results>
  </record>
</feedback>
"""


def test_a_whole_report() -> None:
    report = one(WHOLE.encode())
    assert report.problems == ()
    metadata = report.metadata
    assert metadata.reporter == Reporter(
        org_name="Receiver", email="dmarc@receiver.example", extra_contact_info="https://receiver.example/dmarc"
    )
    assert (metadata.report_id, metadata.period) == ("r1@receiver.example", Period(1764201600, 1764288000))
    assert metadata.policy == Policy(
        "example.com", "reject", "quarantine", "none", "s", "r", "1:d", "n", discovery="treewalk"
    )
    assert (metadata.errors, metadata.generator) == (("two records",), "Writer 1.2")
    assert (metadata.version, metadata.generation) == ("1.0", "rfc9990")
    ((row, messages),) = report.rows
    assert messages == 12
    assert (row.source_ip, row.disposition, row.dkim, row.spf) == ("2001:db8::1", "pass", "pass", "fail")
    assert (row.header_from, row.envelope_from, row.envelope_to) == ("example.com", "", "receiver.example")
    assert row.overrides == (Override("mailing_list", "list & more"), Override("other"))
    assert row.dkim_results == (
        DkimResult("example.com", "s1", "pass"),
        DkimResult("esp.example", "k", "fail", "body hash"),
    )
    assert row.spf_results == (SpfResult("mx.esp.example", "softfail"),)


@pytest.mark.parametrize(
    ("attributes", "version", "generation"),
    [
        (' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"', "1.0", "rfc9990"),
        (' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"', "", "rfc9990"),
        (' xmlns="http://dmarc.org/dmarc-xml/0.1"', "", "rfc7489"),
        ("", "1.0", "rfc7489"),
        ("", "", "draft"),
    ],
)
def test_generations(attributes: str, version: str, generation: str) -> None:
    octets = aggregate(attributes=attributes)
    octets = octets if version else octets.replace(b"<version>1.0</version>", b"")
    report = one(octets)
    assert (report.metadata.generation, report.metadata.version) == (generation, version)
    assert report.problems == ()


def test_a_prefix_and_a_wrong_namespace() -> None:
    octets = aggregate(attributes=' xmlns:d="urn:ietf:params:xml:ns:dmarc-2.0"')
    # Early writers gave a prefix to the root alone; XML gives it to all
    root = octets.replace(b"<feedback", b"<d:feedback").replace(b"</feedback", b"</d:feedback")
    everywhere = octets.replace(b"</", b"\0").replace(b"<", b"<d:").replace(b"\0", b"</d:")
    for each in (root, everywhere):
        report = one(each)
        assert report.problems == ()
        assert (len(report.rows), report.metadata.generation) == (1, "rfc9990")
    other = one(aggregate(attributes=' xmlns="http://example.com/"'))
    assert other.problems == ("the namespace is unknown: 'http://example.com/'",)
    assert len(other.rows) == 1


def test_the_order_of_elements_does_not_matter() -> None:
    octets = aggregate(head="").decode().replace("</feedback>", POLICY + METADATA + "</feedback>").encode()
    assert one(octets).metadata == one(aggregate()).metadata
    assert one(octets).problems == ()


def test_what_is_missing_is_said_and_the_rest_is_given() -> None:
    report = one(b"<feedback><record/><record><row><count>3</count></row></record></feedback>")
    assert [each.messages for each in report.rows] == [0, 3]
    assert report.rows[0].row.envelope_from is None
    told = " / ".join(report.problems)
    for words in ("no report_metadata", "no policy_published", "record has no row", "row has no source_ip"):
        assert words in told
    assert "the report has no record" in one(aggregate().replace(b"record>", b"recor>")).problems


def test_what_occurs_twice() -> None:
    twice = first(record(row="<count>7</count>"))
    assert twice.messages == 1
    assert problem(record(row="<count>7</count>")) == "record 1: row has more than one count; the first counts: '7'"
    assert "a second report_metadata is not read" in problem(head=METADATA * 2 + POLICY)
    assert "a second policy_published is not read" in problem(head=METADATA + POLICY * 2)
    assert "a second version" in problem(head="<version>1.0</version>" + METADATA + POLICY)
    after = b"<w>" + aggregate() + aggregate() + b"</w>"
    assert "what follows the report is not read" in one(after).problems[0]
    assert len(one(after).rows) == 1


@pytest.mark.parametrize(
    ("text", "count", "said"),
    [
        ("7", 7, ""),
        (" 7 ", 7, ""),
        ("+7", 7, ""),
        ("7.0", 7, "has a decimal point"),
        ("7.5", 0, "not a whole number"),
        ("-7", 0, "negative"),
        ("9" * 25, 0, "too large"),
        ("9" * 3000, 0, "not a whole number"),
        ("٣", 0, "not a whole number"),  # a digit, of those that int() takes
        ("1e3", 0, "not a whole number"),
        ("", 0, "not a whole number"),
    ],
)
def test_counts(text: str, count: int, said: str) -> None:
    report = one(aggregate(record(count=text)))
    assert report.rows[0].messages == count
    assert [said in each for each in report.problems] == [True] * bool(said)


@pytest.mark.parametrize(
    ("begin", "end", "period", "said"),
    [
        ("1764288000", "1764201600", (1764288000, 1764201600), "ends before it begins"),
        ("1764201600000", "1764288000", (1764201600, 1764288000), "begin is in milliseconds"),
        ("2025-11-27T00:00:00Z", "1764288000", (1764201600, 1764288000), "begin is not in seconds since 1970"),
        ("1764201600", "2025-11-28", (1764201600, 1764288000), "end is not in seconds since 1970"),
        ("1764201600.0", "1764288000", (1764201600, 1764288000), "decimal point"),
        ("0", "1764288000", (0, 1764288000), "before 2010"),
        ("1764201600", "253402300799", (1764201600, 253402300799), "after 2100"),
        ("yesterday", "1764288000", (0, 1764288000), "not a time"),
        ("1764201600", "99999999999999999999999", (1764201600, 0), "negative or too large"),
    ],
)
def test_dates(begin: str, end: str, period: tuple[int, int], said: str) -> None:
    head = METADATA.replace("1764201600", begin, 1).replace("<end>1764288000", f"<end>{end}") + POLICY
    report = one(aggregate(head=head))
    assert report.metadata.period == period
    assert said in report.problems[0]


@pytest.mark.parametrize(
    "ip", ["999.1.2.3", "mail.example.com", "[192.0.2.1]", "192.0.2.1/24", "127.1", "0x7f.1", "fe80::1%eth0"]
)
def test_what_is_no_ip_address_is_kept(ip: str) -> None:
    assert first(record(ip)).row.source_ip == ip
    assert problem(record(ip)) == f"record 1: source_ip is not an IP address: {ip!r}"


def test_a_mapped_address_is_kept_and_said() -> None:
    assert "an IPv4 address written as IPv6" in problem(record("::ffff:192.0.2.1"))


def test_words_in_capitals_mean_the_same() -> None:
    evaluated = "<disposition>None</disposition><dkim>PASS</dkim><spf>fail</spf>"
    assert first(record(evaluated=evaluated)).row[1:4] == ("none", "pass", "fail")
    unknown = evaluated.replace("PASS", "perhaps").replace("None", "none")
    assert first(record(evaluated=unknown)).row.dkim == "perhaps"
    assert problem(record(evaluated=unknown)) == "record 1: policy_evaluated/dkim is not a known word: 'perhaps'"


def test_problems_are_counted_and_bounded() -> None:
    report = one(aggregate(*[record("x")] * 50))
    assert report.problems == ("record 1: source_ip is not an IP address: 'x' (and 49 more)",)
    names = "".join(f"<x{i}/>" for i in range(300))
    assert problem(record(more=names)) == "record 1: an unknown element in record is not read: 'x0' (and 299 more)"


def test_text_of_strangers_stays_on_its_line() -> None:
    text = "a&#10;b&#x202e;c"
    assert first(record(identifiers=f"<header_from>{text}</header_from>")).row.header_from == "a\nb\u202ec"
    said = problem(record(identifiers=f"<header_from>{text}</header_from>"))
    assert "header_from has control characters" in said
    assert said.isprintable()
    assert "is cut off" in problem(record(identifiers=f"<header_from>{'x' * 5000}</header_from>"))
    assert len(first(record(identifiers=f"<header_from>{'x' * 5000}</header_from>")).row.header_from) == 4096


def test_comments_and_cdata_are_xml() -> None:
    text = "<!-- a -->exam<!-- <b> -->ple<![CDATA[.com]]>"
    assert first(record(identifiers=f"<header_from>{text}</header_from>")).row.header_from == "example.com"


def test_what_is_not_read_is_said() -> None:
    assert "an unknown element is not read: 'other'" in problem(head=METADATA + POLICY + "<other/>")
    extended = "<e:x xmlns:e='urn:example'><e:y>1</e:y></e:x>"
    assert "extensions are not read: 'x'" in problem(record(more=extended))
    assert "extensions are not read: 'x'" in problem(head=METADATA + POLICY + f"<extension>{extended}</extension>")
    assert "attributes are not read" in problem(record().replace("<count>", "<count unit='k'>"))
    assert "processing instruction" in problem(before="<?xml-stylesheet href='a'?>")
    assert "text between" in problem(head=METADATA + POLICY + "hello")
    assert "text between the elements of record" in problem(record(more="hello"))
    assert "elements inside of count" in problem(record().replace("<count>", "<count><b/>"))
    assert "reason is empty" in problem(record(row="").replace("</spf></policy", "</spf><reason/></policy"))
    assert "inside of another element: 'schema'" in one(b"<schema>" + aggregate() + b"</schema>").problems[0]


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "iso-8859-1", "windows-1252"]
)
def test_encodings(encoding: str) -> None:
    label = "" if encoding.startswith("utf") else f"<?xml version='1.0' encoding='{encoding}'?>"
    octets = feedback(record(), head=METADATA.replace("Receiver", "Empfänger") + POLICY, before=label).encode(encoding)
    report = one(octets)
    assert report.problems == ()
    assert report.metadata.reporter.org_name == "Empfänger"


def test_encodings_that_are_wrong() -> None:
    lying = aggregate(before='<?xml version="1.0" encoding="utf-16"?>')
    unknown = aggregate(before='<?xml version="1.0" encoding="x-none"?>')
    shifting = aggregate(before='<?xml version="1.0" encoding="utf-7"?>')
    for octets in (lying, unknown, shifting):
        assert "read as UTF-8" in one(octets).problems[0]
        assert len(one(octets).rows) == 1
    broken = aggregate().replace(b">Receiver<", b">Rec\xff\xc3iver<")
    assert one(broken).metadata.reporter.org_name == "Rec\ufffd\ufffdiver"
    assert "not utf-8" in one(broken).problems[0]
    controls = aggregate().replace(b">Receiver<", b">Rec\0\x1biver<")
    assert one(controls).metadata.reporter.org_name == "Rec\ufffd\ufffdiver"
    # An octet of a character at the border of what is read at once
    long = aggregate(before="<!--" + "x" * (65_536 - 7) + "ä-->")
    assert one(long).problems == ()


ENTITIES = '<!DOCTYPE feedback [<!ENTITY a "{0}">{1}]>'
LAUGHS = ENTITIES.format("lol", "".join(f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in ("ab", "bc", "cd", "de")))


@pytest.mark.parametrize(
    "before",
    [
        LAUGHS,
        '<!DOCTYPE feedback [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE feedback SYSTEM "http://192.0.2.1/x.dtd">',
        '<!DOCTYPE feedback [<!ENTITY % a SYSTEM "http://192.0.2.1/">%a;]>',
        ENTITIES.format("x" * 100_000, ""),
        "<!DOCTYPE feedback>",
    ],
)
def test_a_document_type_is_not_read(before: str) -> None:
    octets = aggregate(before=before, head=METADATA.replace("Receiver", "&a;") + POLICY)
    assert refused(octets)[0] is Refusal.DTD


def test_an_unknown_entity_ends_the_reading() -> None:
    octets = aggregate(record(), record(), record("&xxe;").replace("&amp;", "&"), record())
    report = one(octets)
    assert len(report.rows) == 2
    assert "cannot be read to its end" in report.problems[0]
    assert "undefined entity" in report.problems[0]


@pytest.mark.parametrize("end", [-1, -12, -100, -400])
def test_rows_in_front_of_a_break_are_given(end: int) -> None:
    report = one(aggregate(*[record()] * 5)[:end])
    assert 3 <= len(report.rows) <= 5
    assert "cannot be read to its end" in report.problems[0]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", Refusal.EMPTY),
        (b" \r\n", Refusal.EMPTY),
        (b"\0" * 50, Refusal.EMPTY),
        (b"\x89PNG", Refusal.NOT_A_REPORT),
        (b"<", Refusal.SYNTAX),
        (b"<feedback>", Refusal.SYNTAX),
        (b"<html><body>Hello</body></html>", Refusal.NOT_A_REPORT),
        (b"<html><br>", Refusal.SYNTAX),
        (b"<a>" * 200_000, Refusal.NOT_A_REPORT),
        (b"<feedback>" + b"<a>" * 200_000, Refusal.LIMIT),
        (b"<feedback " + b" ".join(b'a%d=""' % i for i in range(200_000)) + b"/>", Refusal.LIMIT),
        (b"<feedback><a " + b" ".join(b'a%d=""' % i for i in range(1000)) + b"/></feedback>", Refusal.LIMIT),
        (b"<feedback><a>" + b"x" * 3_000_000, Refusal.LIMIT),
        (b"<feedback>" + b" " * 3_000_000, Refusal.LIMIT),
        (b"<feedback><!--" + b" " * 3_000_000, Refusal.LIMIT),
        (b"<feedback>" + b"".join(b"<a%d/>" % i for i in range(5000)), Refusal.LIMIT),
        (b"<feedback><" + b"a" * 1000 + b"/>", Refusal.LIMIT),
    ],
    ids=map(str, range(17)),
)
def test_what_is_no_report(octets: bytes, reason: Refusal) -> None:
    assert refused(octets)[0] is reason


def test_rows_beyond_the_bound_are_counted() -> None:
    report = one(aggregate(*[record()] * 7), Bounds(rows=5))
    assert len(report.rows) == 5
    assert "2 rows more than 5 are not given" in report.problems
    many = record(results="<dkim><domain>a.example</domain><result>pass</result></dkim>" * 7)
    report = one(aggregate(many), Bounds(items=5))
    assert len(report.rows[0].row.dkim_results) == 5
    assert "more than 5 of dkim are not read" in report.problems[0]


def test_a_bound_is_a_number() -> None:
    with pytest.raises(UsageError, match=r"Bounds\(rows=-1\): give a whole number"):
        Bounds(rows=-1)


class Endless(io.RawIOBase):
    """A file of so many pieces, that are made when they are read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0
        return next(self._pieces, b"")


def pieces(number: int, of: Callable[[int], str]) -> Iterator[bytes]:
    yield b"<feedback>" + METADATA.encode() + POLICY.encode()
    for start in range(0, number, 100):
        yield "\n".join(of(i) for i in range(start, start + 100)).encode()
    yield b"</feedback>"


@pytest.mark.parametrize(
    "of",
    [
        lambda i: record(f"192.0.2.{i & 255}"),
        lambda i: f"<other>{i}</other>",
        lambda i: f"<!-- {i} --><extension/>",
        lambda i: record("x" * 100 + str(i), more="<x/>"),
    ],
    ids=["rows", "unknown", "comments", "odd rows"],
)
def test_a_stream_takes_no_more_memory_for_more_rows(of: Callable[[int], str]) -> None:
    def peak(number: int) -> int:
        tracemalloc.start()
        try:
            reading = stream(Endless(pieces(number, of)))
            rows = sum(1 for _ in reading)
            assert rows in {0, number}
            assert reading.metadata.report_id == "r1@receiver.example"
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000)  # what is imported and cached
    assert peak(8000) < peak(2000) + 100_000


def test_a_stream_is_read_once_and_tells_at_its_end() -> None:
    reading = stream(io.BytesIO(aggregate(record("x"), record(), head="").replace(b"</feedback>", METADATA.encode())))
    rows = iter(reading)
    assert next(rows).row.source_ip == "x"
    assert reading.metadata.report_id == ""
    assert len(list(reading)) == 1
    assert list(reading) == []
    assert reading.metadata.report_id == "r1@receiver.example"
    assert any("cannot be read to its end" in each for each in reading.problems)
    assert reading.refusal is None
    html = stream(io.BytesIO(b"<html/>"))
    assert list(html) == []
    assert (html.reason, html.refusal) == (Refusal.NOT_A_REPORT, "the root is 'html', not 'feedback'")


def test_a_file_of_text_is_refused() -> None:
    with pytest.raises(UsageError, match=r"open it with open\(path, 'rb'\)"):
        list(stream(io.StringIO("<feedback/>")))  # type: ignore[arg-type]


SHAPES: dict[str, Callable[[int], bytes]] = {
    "rows": lambda n: aggregate(*[record()] * (n // 300)),
    "elements of a record": lambda n: aggregate(record(more="<x/>" * (n // 4))),
    "attributes": lambda n: aggregate(record(more="<x " + " ".join(f"a{i}='_'" for i in range(n // 8)) + "/>")),
    "text": lambda n: aggregate(record("x" * n)),
    "character references": lambda n: aggregate(record("&#65;" * (n // 5))),
    "comments": lambda n: aggregate(record("<!-- -->" * (n // 8))),
    "one comment": lambda n: b"<!--" + b"x" * n,
    "a start that never ends": lambda n: b"<feedback><a b='" + b"x" * n,
    "white space": lambda n: b" " * n + b"<feedback>",
    "declaration": lambda n: b"<?xml" + b" encoding" * (n // 9),
    "depth": lambda n: b"<feedback>" + b"<x>" * (n // 3),
    "octets that are not UTF-8": lambda n: aggregate().replace(b"Receiver", b"\xff" * n),
    "ISO 8859-1": lambda n: b"<?xml version='1.0' encoding='latin1'?><feedback><x>" + b"\xe4" * n,
    "mail headers": lambda n: b"A: b\n" * (n // 5),
    "subject": lambda n: b"Subject: " + b"Report Domain: " * (n // 15) + b"\n\n",
    "from": lambda n: b"From: " + b"@" * n + b"\n\n",
    "feedback fields": lambda n: b"Feedback-Type: abuse\n" + b"Reported-URI: (\n" * (n // 16),
    "comments of a field": lambda n: b"Feedback-Type: " + b" (" * (n // 2),
    "JSON objects": lambda n: b'{"policies": [' + b",".join([b"{}"] * (n // 3)) + b"]}",
    "JSON in depth": lambda n: b"[" * n,
    "JSON digits": lambda n: b'{"policies": ' + b"9" * n + b"}",
    "JSON names": lambda n: b"{" + b",".join(b'"a%d":1' % i for i in range(n // 10)) + b',"policies":[]}',
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_is_linear(shape: str) -> None:
    make = SHAPES[shape]
    small, large = make(60_000), make(60_000 * TIMES)
    wide = Bounds(element=10**9, items=10**9, text=10**9)
    assert grows(lambda: partial(read, small, "", wide), lambda: partial(read, large, "", wide)) < GROWTH
