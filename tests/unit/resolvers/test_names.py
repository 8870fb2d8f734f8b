"""Names are octets (RFC 2181 §11): whatever SPF macros make of an address can be asked, through each resolver alike.

The server answers with the octets of the name it was asked for; a master file says the same of each name.
"""

from __future__ import annotations

from pathlib import Path

import dns.name
import pytest

from mailauth import Connection, Result, spf
from mailauth.dns import Answers, Batch, Question, Status, run
from mailauth.resolvers import DnspythonResolver, Recorder, Zone
from unit.resolvers.ways import WAYS, WRAPS, ask

# Each ASCII character but the dot, which ends a label, and capital letters, which are not in questions
ASCII = [chr(octet) for octet in range(128) if chr(octet) != "." and not chr(octet).isupper()]
LABELS = [
    *(f"a{character}b" for character in ASCII),
    *("bounce+bob=x", "o'neil", "a\\", "\\097", "-a-", "--", "_", "*x", "x*", "[192", "1]", "a b c", "%25", '"q"'),
    "\\032",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "\udcff\udc80",
    "x" * 63,
]
NAMES = [f"{label}.mirror.example" for label in LABELS]
MIRRORED = [label.encode("utf-8", "surrogateescape") + b"/mirror/example/" for label in LABELS]
# names that no question can hold, or that DNS cannot
IMPOSSIBLE = ["", ".", "a..mirror.example", ".mirror.example", "mirror.example.", "x" * 64 + ".mirror.example"]
IMPOSSIBLE += ["a." * 130 + "mirror.example", "\ud800.mirror.example"]


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Zone:
    lines = []
    for label, octets in zip(LABELS, MIRRORED, strict=True):
        owner = dns.name.Name([label.encode("utf-8", "surrogateescape"), b"mirror", b"example", b""])
        text = "".join(f"\\{octet:03}" for octet in octets)
        lines.append(f'{owner.to_text()} 60 IN TXT "{text}"')
    path = tmp_path_factory.mktemp("zone") / "names.zone"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return Zone.load(path)


def test_each_name_can_be_in_a_zone(zone: Zone) -> None:
    for wrap in WRAPS.values():
        answers = wrap(zone).resolve(tuple(Question(name, "TXT") for name in NAMES))
        assert [answer.records for answer in answers] == [(octets,) for octets in MIRRORED]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("way", WAYS)
def test_each_name_is_asked_as_it_is(port: int, way: str, wrap: str) -> None:
    answers = ask(way, port, *((name, "TXT") for name in NAMES), wrap=wrap)
    assert [(a.status, a.records) for a in answers] == [(Status.OK, (octets,)) for octets in MIRRORED]


@pytest.mark.parametrize("way", WAYS)
def test_what_dns_cannot_hold_is_a_failure(port: int, way: str) -> None:
    answers = ask(way, port, *((name, "TXT") for name in IMPOSSIBLE))
    assert {answer.status for answer in answers} == {Status.SERVFAIL}
    assert all(answer.detail for answer in answers)


# Local parts as mailing lists and web forms make them, and HELO names that are no names
@pytest.mark.parametrize(
    ("local", "helo"),
    [
        ("bounce+bob=x.org", "mx.shop.example"),
        ("o'neil", "mx.shop.example"),
        ("a&b", "mx.shop.example"),
        ('"two words"', "mx.shop.example"),
        ('"a\\\\b"', "mx.shop.example"),
        ("u", "[192.0.2.1]"),
        ("u", "host name"),
        ("u", "{helo}"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_macro_makes_of_them_is_asked(port: int, way: str, local: str, helo: str) -> None:
    connection = Connection(ip="192.0.2.1", helo=helo, mail_from=f"{local}@shop.example")

    class Way:
        def resolve(self, questions: Batch) -> Answers:
            return ask(way, port, *questions)

    assert run(spf.check(connection), Way()).result is Result.PASS


def test_a_name_that_is_not_utf8_is_recorded_in_utf8(port: int, tmp_path: Path) -> None:
    recorder = Recorder(DnspythonResolver(["127.0.0.1"], port=port))
    batch = tuple(Question(name, "TXT") for name in [*NAMES, *IMPOSSIBLE])
    answers = recorder.resolve(batch)
    recorder.save(tmp_path / "names.json")
    assert (tmp_path / "names.json").read_bytes().decode("utf-8")
    assert Zone.load(tmp_path / "names.json").resolve(batch) == answers
