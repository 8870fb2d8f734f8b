"""Old keys beside DNS: both forms of a file, what is refused and where, and what is added to an answer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from mailauth.dns import Answer, Batch, Question, Status, drive
from mailauth.errors import UsageError
from mailauth.resolvers import Archived, KeyFile, Zone

NAME = "s1._domainkey.example.com"
QUESTION = Question(NAME, "TXT")
OLD, NEW = "v=DKIM1; p=T2xk", "v=DKIM1; p=TmV3"


def loaded(path: Path, content: str | bytes) -> KeyFile:
    file = path / "old.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return KeyFile.load(file)


def archive(**fields: Any) -> dict[str, Any]:
    """Return a row as the interface of archive.zk.email gives it."""
    row = {"domain": "example.com", "selector": "s1", "firstSeenAt": "2024-01-31T19:00:58.657Z", "lastSeenAt": None}
    return {**row, "value": OLD, **fields}


# --- files


@pytest.mark.parametrize(
    "content",
    [
        f"{NAME}\t{OLD}\n",
        f"# of 2019\n\n  {NAME.upper()}.  {OLD}  \r\n# the end",
        b"\xef\xbb\xbf" + f"{NAME}\t{OLD}".encode(),
        json.dumps([archive()]),
        json.dumps([archive(), archive(extra=[1]), archive(domain="EXAMPLE.com.")], indent=4),
        f'domain,selector,firstSeenAt,lastSeenAt,value\nexample.com,s1,2020-01-01,,"{OLD}"\n',
        f'"value","selector","domain"\r\n"{OLD}",s1,Example.COM\r\n\r\n',
        f"domain\tselector\tvalue\nexample.com\ts1\t{OLD}\n",
    ],
)
def test_the_forms_of_a_file(tmp_path: Path, content: str | bytes) -> None:
    found = loaded(tmp_path, content)
    assert found.records == {NAME: (OLD.encode(),)}
    assert found.source == "old.txt"


def test_several_records_of_a_name_stay_in_their_order(tmp_path: Path) -> None:
    found = loaded(tmp_path, "".join(f"{NAME}\tp={n}\n" for n in (3, 1, 2, 1)))
    assert found.records == {NAME: (b"p=3", b"p=1", b"p=2")}


def test_octets_that_are_not_utf8_and_u_labels(tmp_path: Path) -> None:
    found = loaded(tmp_path, b"s1._domainkey.b\xc3\xbccher.example\tp=\xff\n")
    assert found.records == {"s1._domainkey.xn--bcher-kva.example": (b"p=\xff",)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty; a line for each key"),
        (f"{NAME}\t{OLD}\nexample.com\tv=spf1 -all\n", "line 2: give SELECTOR._domainkey.DOMAIN"),
        (f"{NAME}\n", "line 1: give"),
        (f'{NAME}\t"{OLD}"\n', "line 1: give SELECTOR._domainkey.DOMAIN, a tab, and the record without quotes"),
        (f"a..b._domainkey.example.com\t{OLD}", "line 1: 'a..b._domainkey.example.com' is not a domain name"),
        (b"\xff._domainkey.example.com\tp=", "line 1: '\\udcff._domainkey.example.com' is not a domain name"),
        (NAME.encode("utf-16"), "not UTF-8 text"),
        ("domain,selector,value\nexample.com,s1\n", "line 2: fewer fields"),
        ('domain,selector,value\nexample.com,s1,"p=\n', "line 2: unexpected end of data"),
        (f"domain,selector,value\nexample.com,s1,p=\n,{'x' * 64},p=", "line 3: "),
        ("[{", "line 1 column 3"),
        ('{"domain": "example.com"}', "give a list of objects with domain, selector, value"),
        (json.dumps([archive(), archive(value=None)]), "item 2: give an object"),
        (json.dumps([archive(), 7]), "item 2: give an object"),
        (json.dumps([archive(value="p=\ud800")]), "item 1: "),
        (json.dumps([archive(selector="x" * 300)]), "item 1: "),
        ("[" * 100_000, "nested too deeply"),
        ('[{"domain": "a", "domain": "b"}]', "appears twice"),
    ],
)
def test_what_is_refused_is_named_with_its_place(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, content)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/old.txt: ")
    assert len(str(caught.value)) < len(str(tmp_path)) + 500


@pytest.mark.parametrize("form", ["plain", "csv", "json"])
def test_a_million_keys_are_read_in_linear_time(tmp_path: Path, form: str) -> None:
    def seconds(number: int) -> float:
        names = [f"d{n}.example" for n in range(number)]
        content = {
            "plain": lambda: "".join(f"s1._domainkey.{n}\t{OLD}\n" for n in names),
            "csv": lambda: "domain,selector,value\n" + "".join(f"{n},s1,{OLD}\n" for n in names),
            "json": lambda: json.dumps([archive(domain=n) for n in names]),
        }[form]()
        start = time.thread_time()
        assert len(loaded(tmp_path, content).records) == number
        return time.thread_time() - start

    # Eight times the keys take about eight times as long; 64 times if it were quadratic
    small = seconds(10_000)
    assert seconds(80_000) < 24 * small + 0.5


# --- answers


OF_DNS: dict[str, tuple[Any, tuple[bytes, ...], str]] = {
    "another key": ({NAME: {"TXT": [NEW]}}, (NEW.encode(), OLD.encode()), "1 of DNS; 1 of old"),
    "no such name": ({}, (OLD.encode(),), "DNS: nxdomain; 1 of old"),
    "no such record": ({NAME: {"A": ["192.0.2.1"]}}, (OLD.encode(),), "DNS: nodata; 1 of old"),
    "a failure": ({NAME: "SERVFAIL"}, (OLD.encode(),), "DNS: servfail; 1 of old"),
    "no answer": ({NAME: "TIMEOUT"}, (OLD.encode(),), "DNS: timeout; 1 of old"),
}


@pytest.mark.parametrize("name", OF_DNS)
def test_old_keys_come_after_those_of_dns(name: str) -> None:
    zone, records, detail = OF_DNS[name]
    (answer,) = Archived(Zone(zone), [KeyFile("old", {NAME: (OLD.encode(),)})]).resolve((QUESTION,))
    assert (answer.status, answer.records, answer.detail) == (Status.OK, records, detail)
    assert drive.checked((QUESTION,), (answer,)) == (answer,)


def test_what_files_do_not_have_is_as_dns_says() -> None:
    zone = Zone({NAME: {"TXT": [OLD]}, "example.com": {"TXT": ["v=spf1 -all"]}})
    archived = Archived(zone, [KeyFile("old", {NAME: (OLD.encode(),), "example.com": ()})])
    questions = (QUESTION, Question("example.com", "TXT"), Question(NAME, "A"), Question("s2._domainkey.a", "TXT"))
    assert archived.resolve(questions) == zone.resolve(questions)


def test_a_record_of_two_files_counts_once() -> None:
    files = [KeyFile("one", {NAME: (b"p=1", b"p=2")}), KeyFile("two", {NAME: (b"p=2", b"p=3")})]
    (answer,) = Archived(Zone({}), files).resolve((QUESTION,))
    assert answer.records == (b"p=1", b"p=2", b"p=3")
    assert answer.detail == "DNS: nxdomain; 3 of one, two"


@pytest.mark.anyio
async def test_an_asynchronous_resolver() -> None:
    class Later:
        async def resolve(self, questions: Batch) -> tuple[Answer, ...]:
            return Zone({}).resolve(questions)

    (answer,) = await Archived(Later(), [KeyFile("old", {NAME: (b"p=1",)})]).resolve((QUESTION,))
    assert answer.records == (b"p=1",)


def test_a_resolver_that_raises_is_a_failure_of_dns() -> None:
    def broken(_name: str, _type: str) -> Answer:
        raise OSError

    (answer,) = Archived(broken, [KeyFile("old", {NAME: (b"p=1",)})]).resolve((QUESTION,))
    assert (answer.records, answer.detail) == ((b"p=1",), "DNS: servfail; 1 of old")
