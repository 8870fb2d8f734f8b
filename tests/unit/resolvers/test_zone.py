"""The offline zone: what it answers, and what it refuses to load."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mailauth.dns import Answer, Question, Status
from mailauth.errors import UsageError
from mailauth.resolvers import Zone

if TYPE_CHECKING:
    from pathlib import Path


def ask(zone: Zone, name: str, rdtype: str = "TXT") -> Answer:
    (answer,) = zone.resolve((Question(name, rdtype),))
    return answer


# Records


def test_the_example_of_the_documentation() -> None:
    zone = Zone(
        {
            "example.com": {
                "TXT": ["v=spf1 ip4:192.0.2.0/24 -all"],
                "MX": [[10, "mx.example.com"]],
                "A": ["192.0.2.9"],
            },
            "s1._domainkey.example.com": {"TXT": [["v=DKIM1; p=MIIB", "AAAA"]]},
            "alias.example.com": {"CNAME": "example.com"},
            "slow.example.com": {"TXT": "TIMEOUT", "A": ["192.0.2.7"]},
            "broken.example": "SERVFAIL",
        }
    )
    assert ask(zone, "example.com").records == (b"v=spf1 ip4:192.0.2.0/24 -all",)
    assert ask(zone, "example.com", "MX").records == ((10, "mx.example.com"),)
    assert ask(zone, "example.com", "A").records == ("192.0.2.9",)
    assert ask(zone, "s1._domainkey.example.com").records == (b"v=DKIM1; p=MIIBAAAA",)
    assert ask(zone, "alias.example.com").records == (b"v=spf1 ip4:192.0.2.0/24 -all",)
    assert ask(zone, "alias.example.com").cnames == ("example.com",)
    assert ask(zone, "slow.example.com").status is Status.TIMEOUT
    assert ask(zone, "slow.example.com", "A").records == ("192.0.2.7",)
    assert ask(zone, "broken.example", "MX").status is Status.SERVFAIL


@pytest.mark.parametrize(
    ("rdtype", "value", "records"),
    [
        ("TXT", "one record", (b"one record",)),
        ("TXT", ["SERVFAIL"], (b"SERVFAIL",)),
        ("TXT", ["a", ["b", "c"], []], (b"a", b"bc", b"")),
        ("TXT", ["é\udcff"], (b"\xc3\xa9\xff",)),
        ("A", "192.0.2.1", ("192.0.2.1",)),
        ("AAAA", ["2001:db8::1", "2001:DB8::2"], ("2001:db8::1", "2001:DB8::2")),
        ("MX", [[0, "."]], ((0, ""),)),
        ("MX", [(10, "MX.Example.COM.")], ((10, "mx.example.com"),)),
        ("PTR", ["Host.Example."], ("host.example",)),
        ("NS", ["ns.bücher.example"], ("ns.xn--bcher-kva.example",)),
        ("CNAME", ["target.example."], ("target.example",)),
        ("TLSA", ["3 1 1 abcd"], ("3 1 1 abcd",)),
        ("txt", ["lower-case type"], (b"lower-case type",)),
    ],
)
def test_records_have_the_form_of_their_type(rdtype: str, value: Any, records: tuple[Any, ...]) -> None:
    answer = ask(Zone({"x.example": {rdtype: value}}), "x.example", rdtype.upper())
    assert (answer.status, answer.records, answer.ttl) == (Status.OK, records, 300)


def test_identical_records_stay_two() -> None:
    assert ask(Zone({"x.example": {"TXT": ["v=spf1 -all", "v=spf1 -all"]}}), "x.example").records == (
        b"v=spf1 -all",
        b"v=spf1 -all",
    )


def test_answers_come_in_the_order_of_the_questions() -> None:
    zone = Zone({"a.example": {"A": ["192.0.2.1"], "TXT": ["t"]}})
    answers = zone.resolve((Question("a.example", "TXT"), Question("no.example", "A"), Question("a.example", "A")))
    assert [a.records for a in answers] == [(b"t",), (), ("192.0.2.1",)]
    assert zone.resolve(()) == ()


# Names


@pytest.mark.parametrize("written", ["x.example.com", "X.Example.COM", "x.example.com."])
@pytest.mark.parametrize("asked", ["x.example.com", "x.EXAMPLE.com."])
def test_names_match_without_case_and_final_dot(written: str, asked: str) -> None:
    assert ask(Zone({written: {"A": ["192.0.2.1"]}}), asked, "A").records == ("192.0.2.1",)


def test_u_labels_of_the_zone_match_their_a_labels() -> None:
    zone = Zone({"_dmarc.bücher.example": {"TXT": "x"}})
    assert ask(zone, "_dmarc.xn--bcher-kva.example").records == (b"x",)


def test_a_look_alike_does_not_match_by_case_folding() -> None:
    kelvin = "\N{KELVIN SIGN}.example"
    assert ask(Zone({"k.example": {"A": ["192.0.2.1"]}}), kelvin, "A").status is Status.NXDOMAIN


def test_absent_nodata_and_empty_non_terminal() -> None:
    zone = Zone({"a.b.example.com": {"A": ["192.0.2.1"]}, "empty.example": {}, "none.example": {"TXT": []}})
    assert ask(zone, "a.b.example.com").status is Status.NODATA
    assert ask(zone, "b.example.com").status is Status.NODATA
    assert ask(zone, "com").status is Status.NODATA
    assert ask(zone, "").status is Status.NODATA
    assert ask(zone, "empty.example").status is Status.NODATA
    assert ask(zone, "none.example").status is Status.NODATA
    assert ask(zone, "c.example.com").status is Status.NXDOMAIN
    assert ask(zone, "x.a.b.example.com").status is Status.NXDOMAIN
    assert ask(zone, "ample.com").status is Status.NXDOMAIN
    assert ask(Zone({}), "example.com").status is Status.NXDOMAIN


@pytest.mark.parametrize("name", ["", ".", "..", "a..b", ".example.com", "x" * 5000, "ü.example", "\udcff", "*", "*.*"])
def test_no_question_raises(name: str) -> None:
    assert ask(Zone({"example.com": {"A": ["192.0.2.1"]}}), name).status in {Status.NXDOMAIN, Status.NODATA}


# Faults


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SERVFAIL", Status.SERVFAIL),
        ("REFUSED", Status.SERVFAIL),
        ("TIMEOUT", Status.TIMEOUT),
        ("NXDOMAIN", Status.NXDOMAIN),
    ],
)
def test_fault_words(word: str, status: Status) -> None:
    zone = Zone(
        {"type.example": {"TXT": word, "A": ["192.0.2.1"]}, "name.example": word, "rest.example": {"*": word, "A": []}}
    )
    assert ask(zone, "type.example").status is status
    assert ask(zone, "type.example", "A").status is Status.OK
    assert ask(zone, "type.example", "MX").status is Status.NODATA
    assert ask(zone, "name.example").status is status
    assert ask(zone, "name.example", "CNAME").status is status
    assert ask(zone, "rest.example").status is status
    assert ask(zone, "rest.example", "A").status is Status.NODATA


def test_a_name_said_to_be_absent_makes_no_parents_and_blocks_no_child() -> None:
    zone = Zone(
        {"gone.example.com": "NXDOMAIN", "gone.example.net": "NXDOMAIN", "x.gone.example.net": {"A": ["192.0.2.1"]}}
    )
    assert ask(zone, "example.com").status is Status.NXDOMAIN
    assert ask(zone, "gone.example.net").status is Status.NXDOMAIN
    assert ask(zone, "x.gone.example.net", "A").status is Status.OK
    assert ask(zone, "example.net").status is Status.NODATA


# Wildcards


# RFC 4592 §2.2.1
RFC4592 = Zone(
    {
        "example": {"NS": ["ns.example.com"]},
        "*.example": {"TXT": ["this is a wildcard"], "MX": [[10, "host1.example"]]},
        "sub.*.example": {"TXT": ["this is not a wildcard"]},
        "host1.example": {"A": ["192.0.2.1"]},
        "_ssh._tcp.host1.example": {"SRV": ["0 0 22 host1.example."]},
        "_ssh._tcp.host2.example": {"SRV": ["0 0 22 host2.example."]},
        "subdel.example": {"NS": ["ns.example.com", "ns.example.net"]},
    }
)


@pytest.mark.parametrize(
    ("name", "rdtype", "status"),
    [
        ("host3.example", "MX", Status.OK),
        ("host3.example", "A", Status.NODATA),
        ("foo.bar.example", "TXT", Status.OK),
        ("host1.example", "MX", Status.NODATA),
        ("sub.*.example", "MX", Status.NODATA),
        ("_telnet._tcp.host1.example", "SRV", Status.NXDOMAIN),
        ("_ssh._tcp.host2.example", "TXT", Status.NODATA),
        ("host2.example", "TXT", Status.NODATA),
        ("_tcp.host2.example", "TXT", Status.NODATA),
        ("ghost.*.example", "MX", Status.NXDOMAIN),
        ("*.example", "TXT", Status.OK),
    ],
)
def test_wildcards_as_in_the_rfc(name: str, rdtype: str, status: Status) -> None:
    assert ask(RFC4592, name, rdtype).status is status


def test_wildcard_alias_fault_and_root() -> None:
    zone = Zone({"*.a.example": {"CNAME": "t.example"}, "t.example": {"TXT": ["t"]}, "*.f.example": "TIMEOUT"})
    assert ask(zone, "x.y.a.example").records == (b"t",)
    assert ask(zone, "x.y.a.example").cnames == ("t.example",)
    assert ask(zone, "x.f.example").status is Status.TIMEOUT
    assert ask(Zone({"*": {"TXT": ["all"]}}), "x.y").records == (b"all",)


# Aliases


def chain(length: int) -> Zone:
    return Zone(
        {f"a{i}.example": {"CNAME": f"a{i + 1}.example"} for i in range(length)}
        | {f"a{length}.example": {"TXT": ["end"]}}
    )


def test_a_chain_of_ten_aliases_is_followed_and_one_of_eleven_is_not() -> None:
    answer = ask(chain(10), "a0.example")
    assert answer.records == (b"end",)
    assert answer.cnames == tuple(f"a{i}.example" for i in range(1, 11))
    answer = ask(chain(11), "a0.example")
    assert (answer.status, answer.records) == (Status.SERVFAIL, ())
    assert "alias" in answer.detail


@pytest.mark.parametrize(
    "mapping",
    [
        {"a.example": {"CNAME": "a.example"}},
        {"a.example": {"CNAME": "b.example"}, "b.example": {"CNAME": "a.example"}},
        {"*.example": {"CNAME": "y.example"}},
    ],
)
def test_loops_are_failures(mapping: dict[str, Any]) -> None:
    assert ask(Zone(mapping), "a.example").status is Status.SERVFAIL


def test_aliases_to_a_fault_to_nothing_and_to_other_types() -> None:
    zone = Zone(
        {
            "f.example": {"CNAME": "slow.example"},
            "slow.example": "TIMEOUT",
            "n.example": {"CNAME": "no.where"},
            "d.example": {"CNAME": "a.example"},
            "a.example": {"A": ["192.0.2.1"]},
        }
    )
    assert ask(zone, "f.example").status is Status.TIMEOUT
    assert ask(zone, "f.example").cnames == ("slow.example",)
    assert ask(zone, "n.example").status is Status.NXDOMAIN
    assert ask(zone, "n.example").cnames == ("no.where",)
    assert ask(zone, "d.example").status is Status.NODATA
    assert ask(zone, "d.example", "CNAME").records == ("a.example",)
    assert ask(zone, "d.example", "CNAME").cnames == ()


# Identity of answers


def test_the_same_question_gets_the_same_answer_object() -> None:
    zone = Zone(
        {"a.example": {"TXT": ["x"]}, "b.example": {"CNAME": "a.example"}, "*.w.example": {"CNAME": "a.example"}}
    )
    for name in ("a.example", "b.example", "x.w.example", "no.where"):
        assert ask(zone, name) is ask(zone, name)
    assert ask(zone, "x.w.example") is ask(zone, "y.w.example")


def test_hostile_names_leave_nothing_behind() -> None:
    zone = Zone({"*.w.example": {"CNAME": "a.example"}, "a.example": {"TXT": ["x"]}})
    ask(zone, "first.w.example")
    before = len(pickle.dumps(zone))
    for i in range(1000):
        ask(zone, f"h{i}.w.example")
        ask(zone, f"h{i}.example")
    assert len(pickle.dumps(zone)) == before


def test_threads_and_pickles() -> None:
    zone = Zone({"a.example": {"CNAME": "b.example"}, "b.example": {"TXT": ["x"]}})
    start = threading.Barrier(8)
    found: list[Answer] = []

    def work() -> None:
        start.wait()
        found.append(ask(zone, "a.example"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(answer) for answer in found}) == 1
    assert ask(pickle.loads(pickle.dumps(zone)), "a.example") == found[0]


# Times


@pytest.mark.parametrize(
    ("value", "now"),
    [
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (0.5, datetime(1970, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2023-11-14T22:13:20Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T23:13:20+01:00", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (None, None),
    ],
)
def test_now(value: object, now: datetime | None) -> None:
    zone = Zone({"zone": {"a.example": {"A": ["192.0.2.1"]}}, "now": value, "recorded": "whenever"})
    assert zone.now == now
    assert now is None or (zone.now is not None and zone.now.tzinfo is not None)
    assert ask(zone, "a.example", "A").status is Status.OK
    assert Zone({}).now is None


@pytest.mark.parametrize("value", ["yesterday", "2023-11-14T22:13:20", 1e30, float("nan"), True, [1]])
def test_a_bad_now_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="give POSIX seconds"):
        Zone({"zone": {}, "now": value})


# Faulty data


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ([], "give a mapping"),
        ({"zone": []}, "give a mapping"),
        ({"example.com": ["192.0.2.1"]}, "example.com: give {type: records}, or one of SERVFAIL"),
        ({"example.com": "servfail"}, "example.com: give"),
        ({"example.com": {"MX": ["mx.example.com"]}}, r"example.com: MX: give \[preference, host\] pairs"),
        ({"example.com": {"MX": [10, "mx.example.com"]}}, r"example.com: MX: give \[preference, host\] pairs"),
        ({"example.com": {"MX": [["10", "mx.example.com"]]}}, "example.com: MX: give"),
        ({"example.com": {"MX": [[True, "mx.example.com"]]}}, "example.com: MX: give"),
        ({"example.com": {"MX": [[1, 2, 3]]}}, "example.com: MX: give"),
        ({"example.com": {"MX": [[10, None]]}}, "example.com: MX: .*give a domain name"),
        ({"example.com": {"A": ["192.0.2.256"]}}, "example.com: A: give IPv4 addresses"),
        ({"example.com": {"A": [3221225985]}}, "example.com: A: give IPv4 addresses"),
        ({"example.com": {"AAAA": ["192.0.2.1"]}}, "example.com: AAAA: give IPv6 addresses"),
        ({"example.com": {"TXT": [1]}}, "example.com: TXT: give strings"),
        ({"example.com": {"TXT": [["a", None]]}}, "example.com: TXT: give strings"),
        ({"example.com": {"TXT": ["\ud800"]}}, "example.com: TXT: give strings"),
        ({"example.com": {"TXT": None}}, "example.com: TXT: give a list of records, or one of"),
        ({"example.com": {"*": ["x"]}}, r"example.com: \*: give one of SERVFAIL"),
        ({"example.com": {"CNAME": ["a.example", "b.example"]}}, "example.com: CNAME: give one name"),
        ({"example.com": {"SRV": [{}]}}, "example.com: SRV: give strings"),
        ({"example.com": {}, "Example.COM.": {}}, "Example.COM.: appears twice"),
        ({1: {}}, "1: give a domain name"),
        ({"\N{KELVIN SIGN}.example": {}}, "IDNA 2008"),
    ],
)
def test_faulty_data_are_refused_with_place_and_remedy(mapping: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Zone(mapping)


# Files


def test_json_file(tmp_path: Path) -> None:
    path = tmp_path / "zone.json"
    path.write_text('{"a.example": {"TXT": ["\\udcff", ["x", "y"]]}}', encoding="utf-8")
    assert ask(Zone.load(path), "a.example").records == (b"\xff", b"xy")
    path.write_bytes(b'\xef\xbb\xbf\n {"zone": {"a.example": {"TXT": ["\xff\xc3\xa9"]}}, "now": 1}')
    assert ask(Zone.load(str(path)), "a.example").records == (b"\xff\xc3\xa9",)
    assert Zone.load(path).now == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a.example": }', r"zone.json: line 1 column 15: .*give JSON"),
        ("[]", "zone.json: give a mapping"),
        ('{"a.example": {"TXT": ["x"]}, "a.example": {"A": []}}', "zone.json: a.example: appears twice"),
        ('{"a.example": {"A": ["x"]}}', "zone.json: a.example: A: give IPv4"),
        ("a.example. A 192.0.2", r"zone.json:\d: .*give a master file"),
        ("$INCLUDE /etc/passwd", r"zone.json:1: .*INCLUDE.* is not allowed"),
        ("a CNAME b.\na TXT x", "zone.json: .*CNAME"),
    ],
)
def test_faulty_files_are_refused_with_place_and_remedy(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "zone.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        Zone.load(path)


def test_an_unreadable_file_raises_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Zone.load(tmp_path / "no.json")


MASTER = r"""
a.example.net. IN TXT "from " "the root"
$ORIGIN example.com.
$TTL 3600
@        MX    10 MX.Example.com.
         MX    0 .
         NS    ns
mx  60   A     192.0.2.1
         AAAA  2001:DB8::1
alias    CNAME mx
*.w      TXT   "wild"
bytes    TXT   \255\000é
user\@x  TXT   "odd name"
bücher   A     192.0.2.2
_s._tcp  SRV   0 0 22 Host
ptr      PTR   Host.example.com.
"""


@pytest.mark.parametrize("filename", ["a.zone", "a.txt"])
def test_master_file(tmp_path: Path, filename: str) -> None:
    path = tmp_path / filename
    path.write_text(MASTER, encoding="utf-8")
    zone = Zone.load(path)
    assert ask(zone, "a.example.net").records == (b"from the root",)
    assert ask(zone, "a.example.net").ttl == 300
    assert ask(zone, "example.com", "MX").records == ((10, "mx.example.com"), (0, ""))
    assert ask(zone, "example.com", "MX").ttl == 3600
    assert ask(zone, "example.com", "NS").records == ("ns.example.com",)
    assert ask(zone, "mx.example.com", "AAAA").records == ("2001:db8::1",)
    assert ask(zone, "alias.example.com", "A") == Answer(Status.OK, ("192.0.2.1",), 60, ("mx.example.com",))
    assert ask(zone, "alias.example.com", "CNAME").ttl == 3600
    assert ask(zone, "x.w.example.com").records == (b"wild",)
    assert ask(zone, "bytes.example.com").records == (b"\xff\x00\xc3\xa9",)
    assert ask(zone, "user@x.example.com").records == (b"odd name",)
    assert ask(zone, "xn--bcher-kva.example.com", "A").records == ("192.0.2.2",)
    assert ask(zone, "_s._tcp.example.com", "SRV").records == ("0 0 22 Host.example.com.",)
    assert ask(zone, "ptr.example.com", "PTR").records == ("host.example.com",)
    assert ask(zone, "mx.example.com").status is Status.NODATA
    assert ask(zone, "no.example.com").status is Status.NXDOMAIN
    assert zone.now is None


# Imports


def modules_after(code: str) -> set[str]:
    script = f"{code}; import sys, json; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    return set(json.loads(ran.stdout))


def test_the_package_and_a_json_zone_load_no_network_and_no_event_loop() -> None:
    forbidden = {"dns", "asyncio", "trio", "socket"}
    assert not modules_after("import mailauth.resolvers") & forbidden
    script = "from mailauth.resolvers import Zone; Zone({'a.example': {'A': ['192.0.2.1']}})"
    assert not modules_after(script) & (forbidden | {"threading", "idna"})


def test_the_package_names_what_it_has() -> None:
    import mailauth.resolvers as package

    assert {getattr(package, name).__name__ for name in package.__all__} == set(package.__all__)
    with pytest.raises(AttributeError, match="Bogus"):
        _ = package.Bogus
