"""`mailauth report read` and `show`: rows and summaries of our own reports, and of what strangers send as reports."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.page import FORBIDDEN, read
from support.signing import TESTDATA

from mailauth.reports.tables import AggregateRow
from mailauth.saved.table import columns_of
from unit.cli.program import finish, start
from unit.cli.program import inside as run

REPORTS = TESTDATA / "reports"
DAY = 1_793_145_600  # 2026-10-28T00:00:00Z
RECORD = (
    "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>"
    "<dkim>{dkim}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>{name}</header_from>"
    "</identifiers><auth_results><spf><domain>{name}</domain><result>none</result></spf></auth_results></record>"
)


def xml(
    *records: str, begin: object = DAY, org: str = "Big", report_id: str = "1", policy: str = "example.com"
) -> bytes:
    return (
        f"<feedback><report_metadata><org_name>{org}</org_name><email>a@b.example</email><report_id>{report_id}"
        f"</report_id><date_range><begin>{begin}</begin><end>{begin}</end></date_range></report_metadata>"
        f"<policy_published><domain>{policy}</domain><p>none</p></policy_published>{''.join(records)}</feedback>"
    ).encode()


def record(ip: str = "192.0.2.1", count: object = 1, dkim: str = "pass", name: str = "example.com") -> str:
    return RECORD.format(ip=ip, count=count, dkim=dkim, name=name)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ("inbox.mbox", "aggregate.xml", "failure.eml", "tls.json"):
        shutil.copy(REPORTS / name, tmp_path)
    return tmp_path


def rows(where: Path, *arguments: str) -> tuple[list[dict[str, Any]], str]:
    status, out, err = run(where, "report", "read", *arguments, "--out", "rows.jsonl")
    assert (status, out) == (0, b"")
    return [json.loads(line) for line in (where / "rows.jsonl").read_text("ascii").splitlines()], err.decode()


def summary(where: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    status, out, err = run(where, "report", "show", "--json", *arguments)
    assert status == 0
    found: dict[str, Any] = json.loads(out)
    return found, err.decode()


# --- our own reports


def right() -> Counter[tuple[str, str]]:
    """Return how many messages there are by address and alignment, from how the reports were made."""
    made = runpy.run_path(str(REPORTS / "make.py"))
    found: Counter[tuple[str, str]] = Counter()
    for number in range(made["DAYS"]):
        for reporter in made["REPORTERS"]:
            _, _, text = made["aggregate"](reporter, number)
            part = r"<source_ip>(.*?)</source_ip><count>(.*?)</count>.*?<dkim>(.*?)</dkim><spf>(.*?)</spf>"
            for ip, count, dkim, spf in re.findall(part, text):
                found[ip, f"{dkim} {spf}"] += int(count)
    return found


def test_the_files_are_what_their_script_writes(tmp_path: Path) -> None:
    made = runpy.run_path(str(REPORTS / "make.py"))
    made["main"](tmp_path)
    for name in ("aggregate.xml", "failure.eml", "tls.json"):
        assert (tmp_path / name).read_bytes() == (REPORTS / name).read_bytes()
    # Compressed otherwise by another zlib
    assert rows(tmp_path, "inbox.mbox")[0] == [
        each | {"source": "inbox.mbox"} for each in rows(tmp_path / "..", str(REPORTS / "inbox.mbox"))[0]
    ]


def test_every_message_is_in_the_rows(here: Path) -> None:
    found, err = rows(here, "inbox.mbox")
    counted: Counter[tuple[str, str]] = Counter()
    for each in found:
        assert list(each) == list(columns_of(AggregateRow))
        counted[each["source_ip"], f"{each['dkim']} {each['spf']}"] += each["messages"]
    assert counted == right()
    assert {each["generation"] for each in found} == {"rfc9990", "rfc7489", "draft"}
    assert err.splitlines() == [
        "mailauth: 1 item without a report",
        "mailauth: 1 duplicate report left out",
        "mailauth: 1 report of kind failure left out; see `report read --kind failure`",
        "mailauth: 1 report of kind tls left out; see `report read --kind tls`",
    ]


def test_the_summary_says_what_the_reports_were_made_to_say(here: Path) -> None:
    found, _ = summary(here, "inbox.mbox")
    assert found["reports"] == 90
    assert found["messages"] == right().total()
    assert [each["day"] for each in found["days"]][::29] == ["2026-10-28", "2026-11-26"]
    senders = {each["name"]: each for each in found["senders"]["top"]}
    assert senders.keys() == {
        "mailer.example", "tickets.example", "alumni.example", "lists.example",
        "192.0.2.0/24", "203.0.113.0/24", "2001:db8:bad::/48",
    }  # fmt: skip
    for name in ("tickets.example", "lists.example", "203.0.113.0/24", "2001:db8:bad::/48"):
        assert [senders[name][word] for word in ("both", "dkim", "spf")] == [0, 0, 0]
    for name in ("mailer.example", "alumni.example"):
        assert senders[name]["dkim"] > 0 == senders[name]["neither"]
    policies = [(each["p"], each["first"], each["last"]) for each in found["policies"]["top"]]
    assert ("quarantine", "2026-11-12", "2026-11-26") in policies
    assert ("none", "2026-10-28", "2026-11-11") in policies
    assert {each["selector"] for each in found["dkim_keys"]["top"]} == {"s1", "esp1"}


def test_kinds(here: Path) -> None:
    found, _ = rows(here, "inbox.mbox", "failure.eml", "--kind", "failure")
    assert [(each["source"], each["auth_failure"], each["source_ip"]) for each in found] == [
        ("inbox.mbox", "dmarc", "203.0.113.200")
    ]
    (here / "rows.jsonl").unlink()
    found, _ = rows(here, "tls.json", "--kind", "tls")
    assert [(each["successful"], each["failed"], each["result_type"]) for each in found] == [
        (412, 3, None), (None, 3, "certificate-expired")
    ]  # fmt: skip


def test_a_table(here: Path) -> None:
    status, out, err = run(here, "report", "read", "aggregate.xml")
    heading, first, *_ = out.decode().splitlines()
    assert (status, err) == (0, b"")
    assert heading.split()[:6] == ["begin", "messages", "dkim", "spf", "disposition", "source_ip"]
    assert first.split()[0] == "2026-11-17"
    assert run(here, "report", "read", "aggregate.xml", "--out", "a.txt") == (0, b"", b"")
    assert (here / "a.txt").read_bytes() == out


def test_parquet(here: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'mailauth[bulk]'")
    for n, kind in enumerate(("failure", "tls")):
        name, source = f"{kind}.parquet", ("failure.eml", "tls.json")[n]
        assert run(here, "report", "read", source, "--kind", kind, "--out", name)[0] == 0
        assert pq.read_table(here / name).num_rows == 1 + n
    (here / "a.parquet.part").write_text("mine")
    assert run(here, "report", "read", "aggregate.xml", "--out", "a.parquet") == (0, b"", b"")
    assert (here / "a.parquet.part").read_text() == "mine"
    found = pq.read_table(here / "a.parquet").to_pylist()
    plain, _ = rows(here, "aggregate.xml")
    assert [each | {"begin": each["begin"].isoformat(), "end": each["end"].isoformat()} for each in found] == plain


def test_a_summary_for_people_and_as_a_page(here: Path) -> None:
    status, out, _ = run(here, "report", "show", "inbox.mbox", "--html", "page.html", "--domain", "Example.COM.")
    assert status == 0
    assert out.decode().startswith("90 reports of 3 organisations, 2026-10-28 to 2026-11-26: ")
    page = read((here / "page.html").read_text())
    assert page.texts["h1"] == ["example.com"]
    assert "tickets.example (by DKIM)" in page.texts["bdi"]
    # Again, over a page of ours
    assert run(here, "report", "show", "aggregate.xml", "--html", "page.html")[0] == 0


# --- which reports


def test_days(here: Path) -> None:
    found, _ = summary(here, "inbox.mbox", "--since", "2026-11-17", "--until", "2026-11-19")
    assert [each["day"] for each in found["days"]] == ["2026-11-17", "2026-11-18", "2026-11-19"]
    assert found["reports"] == 9
    assert summary(here, "inbox.mbox", "--since", "2027-01-01")[0]["messages"] == 0


@pytest.mark.parametrize(("domain", "messages"), [("example.com", 7), ("news.example.com", 2), ("xample.com", 0)])
def test_domains(tmp_path: Path, domain: str, messages: int) -> None:
    found = xml(record(count=5), record(count=2, name="NEWS.example.com"), record(count=1, name="notexample.com"))
    (tmp_path / "a.xml").write_bytes(found)
    assert summary(tmp_path, "a.xml", "--domain", domain)[0]["messages"] == messages


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "", "2026-11-21T10:00:00Z", "9" * 5000])
def test_wrong_dates_are_refused(here: Path, date: str) -> None:
    status, out, err = run(here, "report", "show", "aggregate.xml", f"--since={date}")
    assert (status, out) == (2, b"")
    assert b"is not a date, such as 2026-11-21" in err


@pytest.mark.parametrize("begin", ["0", "99999999999999999999", "-5", "x", "1e9", "4000000000"])
def test_wrong_dates_in_a_report_are_no_trouble(tmp_path: Path, begin: str) -> None:
    (tmp_path / "a.xml").write_bytes(xml(record(count=3), begin=begin))
    found, _ = summary(tmp_path, "a.xml")
    assert (found["messages"], found["days"], found["undated"]) == (3, [], 3)
    assert summary(tmp_path, "a.xml", "--since", "2000-01-01")[0]["messages"] == 0
    (each,) = rows(tmp_path, "a.xml")[0]
    assert each["messages"] == 3


# --- sources


def test_files_folders_and_archives(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.xml").write_bytes(xml(record("192.0.2.1"), report_id="1"))
    (folder / "b.xml.gz").write_bytes(gzip.compress(xml(record("192.0.2.2"), report_id="2")))
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("d.xml", xml(record("192.0.2.3"), report_id="3"))
        archive.writestr("e.xml", "\ufeff" + xml(record("192.0.2.4"), report_id="4").decode())
    found, err = rows(tmp_path, "in")
    assert err == ""
    assert [(each["item"], each["source_ip"]) for each in found] == [
        ("in/a.xml", "192.0.2.1"), ("in/b.xml.gz", "192.0.2.2"),
        ("in/c.zip!/d.xml", "192.0.2.3"), ("in/c.zip!/e.xml", "192.0.2.4"),
    ]  # fmt: skip


def test_what_was_read_before_is_counted_once(tmp_path: Path) -> None:
    for name, content in (("a", xml(record())), ("b", xml(record())), ("c", xml(record(count=9)))):
        (tmp_path / f"{name}.xml").write_bytes(content)
    found, err = summary(tmp_path, "a.xml", "b.xml", "c.xml")
    assert (found["reports"], found["messages"]) == (2, 10)
    assert err.splitlines() == [
        "mailauth: 1 duplicate report left out",
        "mailauth: 1 report with the report ID of another one, all of them counted: c.xml",
    ]


def test_a_report_is_the_same_wherever_it_was_found(tmp_path: Path) -> None:
    mail = b"From: a@%s\nSubject: Report Domain: %s\nContent-Type: text/xml\n\n%s"
    (tmp_path / "a.eml").write_bytes(mail % (b"b.example", b"example.com", xml(record())))
    # Forwarded by another domain, and with a subject of its own: each is a problem
    (tmp_path / "b.eml").write_bytes(mail % (b"example.org", b"example.net", xml(record())))
    found, err = summary(tmp_path, "a.eml", "b.eml")
    assert (found["reports"], err) == (1, "mailauth: 1 duplicate report left out\n")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_bytes(xml(record()))
    (tmp_path / "in" / "b.xml").write_bytes(b"<feedback")
    (tmp_path / "in" / "c.xml").write_bytes(b'<!DOCTYPE a [<!ENTITY b "c">]><feedback/>')
    (tmp_path / "in" / "d.png").write_bytes(b"\x89PNG\x00")
    found, err = rows(tmp_path, "in")
    assert len(found) == 1
    assert [line.split()[1] for line in err.splitlines()] == ["in/b.xml:", "in/c.xml:", "in/d.png:"]


def test_what_cannot_be_read_to_its_end_is_told(tmp_path: Path) -> None:
    whole = xml(record(), *(record(f"192.0.2.{n}") for n in range(99)), report_id="a\N{ESCAPE}b")
    (tmp_path / "a.xml").write_bytes(whole[: whole.rindex(b"<record>") + 20])
    (tmp_path / "b.xml").write_bytes(xml(*["<record/>"] * 100_001))
    found, err = summary(tmp_path, "a.xml", "b.xml")
    assert (found["reports"], found["rows"]) == (2, 99 + 100_000)
    assert err.splitlines() == [
        f"mailauth: {place}: the report {name} is incomplete: what could be read of it counts"
        for place, name in (("a.xml", "'a\N{REPLACEMENT CHARACTER}b'"), ("b.xml", "'1'"))
    ]


def test_many_that_cannot_be_read_are_told_in_few_lines(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for n in range(100):
        (tmp_path / "in" / f"{n}.xml").write_bytes(b"<feedback")
    (tmp_path / "in" / "x.xml").write_bytes(xml(record()))
    _, err = summary(tmp_path, "in")
    assert len(err.splitlines()) == 21
    assert err.endswith("mailauth: 80 more could not be read\n")


@pytest.mark.parametrize("action", [["read"], ["read", "--out", "a.jsonl"], ["show"], ["show", "--html", "a.html"]])
def test_nothing_to_read(tmp_path: Path, action: list[str]) -> None:
    (tmp_path / "in").mkdir()
    name, *options = action
    status, out, err = run(tmp_path, "report", name, "in", *options)
    assert status == 2
    assert len(out.splitlines()) == (action == ["read"])  # the heading of the table
    assert err == b"mailauth: no report could be read\n"
    assert not (tmp_path / "a.html").exists()


def test_a_source_twice_is_refused(here: Path) -> None:
    status, _, err = run(here, "report", "show", "tls.json", "tls.json")
    assert (status, err) == (2, b"mailauth: a source is given twice\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["read", "in", "--out", "in/a.jsonl"], "--out in/a.jsonl would be read as a part of in"),
        (["show", "in", "--html", "in/a.html"], "--html in/a.html would be read as a part of in"),
        (["read", "in", "--out", "full.jsonl"], "full.jsonl holds something already"),
        (["show", "in", "--html", "full.jsonl"], "full.jsonl is not a page written by mailauth"),
        (["read", "in", "--out", "a.csv"], "does not end in .jsonl, .parquet or .txt"),
        (["read", "in", "--kind", "bimi"], "invalid choice: 'bimi'"),
        (["read", "in", "--move", "Done"], "--move needs an --out that is a file"),
        (["read", "in", "--move", "Done", "--out", "a.jsonl"], "--move is for imaps:// sources"),
        (["read", "in://a.xml", "--move", "Done", "--out", "a.jsonl"], "--move is for imaps:// sources"),
        (["show", "in", "--domain", "a b"], "--domain: 'a b' is not a domain name"),
        (["show"], "the following arguments are required: SOURCE"),
        ([], "the following arguments are required: ACTION"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xml").write_bytes(xml(record()))
    (tmp_path / "full.jsonl").write_text("mine")
    status, out, err = run(tmp_path, "report", *arguments)
    assert (status, out) == (2, b"")
    assert said in err.decode()
    assert (tmp_path / "full.jsonl").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["full.jsonl", "in"]


def test_symbolic_links(here: Path) -> None:
    (here / "leads.jsonl").symlink_to("there.jsonl")
    assert run(here, "report", "read", "aggregate.xml", "--out", "leads.jsonl")[0] == 0
    assert (here / "leads.jsonl").is_symlink()
    assert (here / "there.jsonl").stat().st_size
    (here / "round.jsonl").symlink_to("round.jsonl")
    status, _, err = run(here, "report", "read", "aggregate.xml", "--out", "round.jsonl")
    assert (status, err) == (2, f"mailauth: cannot write round.jsonl: {os.strerror(errno.ELOOP)}\n".encode())


# --- strangers, and much


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "\u202egro.elpmaxe", "\x9b2J", "a\u2028b", "\U0001f600" * 999]
)
def test_what_strangers_write_is_harmless(tmp_path: Path, evil: str) -> None:
    text = evil.replace("<", "&lt;")
    (tmp_path / "a.xml").write_bytes(xml(record(text, name=text), org=text, report_id=text, policy=text))
    for arguments in (["read"], ["show"], ["read", "--kind", "tls"]):
        status, out, err = run(tmp_path, "report", arguments[0], "a.xml", *arguments[1:])
        assert status == 0
        assert FORBIDDEN.search((out + err).decode()) is None
    assert run(tmp_path, "report", "show", "a.xml", "--html", "a.html")[0] == 0
    page = read((tmp_path / "a.html").read_text())
    assert "script" not in page.tags
    (each,) = rows(tmp_path, "a.xml")[0]
    assert each["header_from"]


def test_a_report_of_many_rows(tmp_path: Path) -> None:
    def records(number: int) -> Iterator[str]:
        for n in range(number):
            yield record(f"10.{n >> 16}.{(n >> 8) % 256}.{n % 256}", dkim="fail", name=f"{n % 1000}.example.com")

    (tmp_path / "a.xml.gz").write_bytes(gzip.compress(xml(*records(100_000)), 1))
    found, _ = summary(tmp_path, "a.xml.gz")
    assert (found["rows"], found["messages"]) == (100_000, 100_000)
    assert sum(found["failing"]["others"].values()) == 99_000
    (tmp_path / "b.xml").write_bytes(xml(*records(10_000)))
    assert len(rows(tmp_path, "b.xml")[0]) == 10_000


@pytest.mark.parametrize("action", [["read", "-", "--out", "a.jsonl"], ["show", "-"]])
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, action: list[str]) -> None:
    process = start(tmp_path, "report", *action, stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    # The first mail of an mbox that goes on cannot be read; the process has begun when that is told
    process.stdin.write(b"From a@b Thu Jan  1 00:00:00 1970\nSubject: a\nContent-Type: text/xml\n\n<feedback\n\n")
    process.stdin.write(b"From a@b Thu Jan  1 00:00:00 1970\nSubject: b\n\n" + b"x\n" * 300_000)
    process.stdin.flush()
    said = process.stderr.readline()
    assert b"-#1" in said
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert (status, out, err) == (-signal.SIGINT, b"", b"mailauth: interrupted after 1 items\n")
    assert list(tmp_path.iterdir()) == []
