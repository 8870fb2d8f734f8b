"""Recording and replay: a recording answers as the original did."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailauth
from mailauth import Authentication, Connection
from mailauth.dns import Answer, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.resolvers import Recorder, Zone

MESSAGES = Path(__file__).resolve().parents[3] / "testdata" / "messages"
SOURCE = Zone(
    {
        "example.com": {"TXT": ["v=spf1 -all", ["two ", "strings"]], "MX": [[10, "mx.example.com"], [0, "."]]},
        "bytes.example.com": {"TXT": ["\udcff é \u2028 \U0001f600"]},
        "word.example.com": {"TXT": ["TIMEOUT"]},
        "alias.example.com": {"CNAME": "mid.example.com"},
        "mid.example.com": {"CNAME": "example.com"},
        "alias-gone.example.com": {"CNAME": "gone.example.com"},
        "alias-slow.example.com": {"CNAME": "slow.example.com"},
        "loop.example.com": {"CNAME": "loop.example.com"},
        "slow.example.com": "TIMEOUT",
        "broken.example.com": {"A": "SERVFAIL", "TXT": "REFUSED", "AAAA": ["2001:db8::1"]},
        "gone.example.com": "NXDOMAIN",
        "below.gone.example.com": {"A": ["192.0.2.1"]},
        "mixed.example.com": {"A": "NXDOMAIN", "TXT": ["x"]},
        "*.wild.example.com": {"TXT": ["w"]},
    }
)
NAMES = [
    "example.com",
    "alias.example.com",
    "mid.example.com",
    "bytes.example.com",
    "word.example.com",
    "alias-gone.example.com",
    "alias-slow.example.com",
    "loop.example.com",
    "slow.example.com",
    "broken.example.com",
    "gone.example.com",
    "mixed.example.com",
    "below.gone.example.com",
    "a.wild.example.com",
    "*.wild.example.com",
    "wild.example.com",
    "no.example.com",
    "com",
    "example.net",
    "a.b.example.org",
]
TYPES = ["TXT", "A", "AAAA", "MX", "CNAME"]
UNKNOWN = Answer(Status.SERVFAIL, detail="not in the recording")
QUESTIONS = tuple(Question(name, rdtype) for name in NAMES for rdtype in TYPES)


def replays(recorder: Recorder, questions: Batch, answers: tuple[Answer, ...], path: Path | None = None) -> None:
    if path is None:
        zone = Zone(recorder.to_dict())
    else:
        recorder.save(path)
        zone = Zone.load(path)
    assert zone.resolve(questions) == answers


def test_a_recording_answers_as_the_original(tmp_path: Path) -> None:
    recorder = Recorder(SOURCE)
    answers = recorder.resolve(QUESTIONS)
    assert answers == SOURCE.resolve(QUESTIONS)
    replays(recorder, QUESTIONS, answers, tmp_path / "dns.json")


@given(questions=st.lists(st.sampled_from(QUESTIONS), max_size=12))
def test_any_part_of_a_recording_answers_as_the_original(questions: list[Question]) -> None:
    recorder = Recorder(SOURCE)
    replays(recorder, tuple(questions), recorder.resolve(tuple(questions)))


@given(questions=st.lists(st.sampled_from(QUESTIONS), max_size=12))
def test_a_recording_never_makes_up_an_answer(questions: list[Question]) -> None:
    recorder = Recorder(SOURCE)
    recorder.resolve(tuple(questions))
    for question, answer in zip(QUESTIONS, Zone(recorder.to_dict()).resolve(QUESTIONS), strict=True):
        # An artificial name, which exists or not depending on the type
        if question.name != "mixed.example.com":
            assert answer in {UNKNOWN, *SOURCE.resolve((question,))}


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [
        ("example.org", "TXT"), ("a.example", "TXT"), ("example", "A"), ("x.wild.example", "A"), ("wild.example", "A"),
        ("alias.example", "TXT"), ("b.example", "A"), ("below.gone.example", "A"),
    ],
)  # fmt: skip
def test_what_was_not_asked_is_a_failure_and_not_an_absence(name: str, rdtype: str) -> None:
    zone = {
        "a.example": {"A": ["192.0.2.1"]}, "*.wild.example": {"A": ["192.0.2.1"]}, "gone.example": "NXDOMAIN",
        "alias.example": {"CNAME": "a.example"}, "dangling.example": {"CNAME": "b.example"},
    }  # fmt: skip
    question = (Question(name, rdtype),)
    for recording in ({"zone": zone, "recorded": None}, {"zone": zone, "now": 1, "recorded": "2026-11-02"}):
        assert Zone(recording).resolve(question) == (UNKNOWN,)
        assert Zone(recording).resolve((Question("alias.example", "A"),))[0].records == ("192.0.2.1",)
        assert Zone(recording).resolve((Question("gone.example", "MX"),))[0].status is Status.NXDOMAIN
    # Whoever writes a zone by hand means all of it
    for written in (zone, {"zone": zone}, {"zone": zone, "now": 1}):
        assert not Zone(written).resolve(question)[0].failed


def test_the_form_of_a_recording(tmp_path: Path) -> None:
    recorder = Recorder(SOURCE)
    recorder.resolve(
        (
            Question("mid.example.com", "TXT"),
            Question("example.com", "AAAA"),
            Question("no.example.com", "TXT"),
            Question("slow.example.com", "A"),
            Question("bytes.example.com", "TXT"),
            Question("example.com", "MX"),
        )
    )
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    recorder.save(tmp_path / "dns.json", now=now, recorded=1700000000)
    text = (tmp_path / "dns.json").read_bytes().decode("ascii")
    assert json.loads(text) == {
        "zone": {
            "bytes.example.com": {"TXT": ["\udcff é \u2028 \U0001f600"]},
            "example.com": {"AAAA": [], "MX": [[10, "mx.example.com"], [0, ""]], "TXT": ["v=spf1 -all", "two strings"]},
            "mid.example.com": {"CNAME": ["example.com"]},
            "no.example.com": "NXDOMAIN",
            "slow.example.com": {"A": "TIMEOUT"},
        },
        "now": "2026-11-21T12:00:00+00:00",
        "recorded": "2023-11-14T22:13:20+00:00",
    }
    assert text.index('"bytes.example.com"') < text.index('"example.com"')
    assert text.startswith('{\n "now"')
    assert Zone.load(tmp_path / "dns.json").now == now


def test_nothing_asked_is_an_empty_zone() -> None:
    assert Recorder(SOURCE).to_dict() == {"zone": {}, "now": None, "recorded": None}


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(UsageError, match="offset"):
        Recorder(SOURCE).to_dict(now="2026-11-21T12:00:00")


def answering(answers: dict[tuple[str, str], Answer]) -> Recorder:
    return Recorder(lambda name, rdtype: answers[name, rdtype])


def test_whatever_was_answered_is_answered_again(tmp_path: Path) -> None:
    answers = {
        ("a.example", "TXT"): Answer(Status.OK, (b"1",), cnames=("t.example",)),
        # contradicts the alias above
        ("a.example", "A"): Answer(Status.OK, ("192.0.2.1",), 5, cnames=("u.example",)),
        ("b.example", "TXT"): Answer(Status.OK, (b"other", b"\xff\x00"), 0, ("t.example",), secure=True),
        ("c.example", "TXT"): Answer(Status.OK, (b"2",), cnames=("a.example", "u.example"), secure=False),
        ("c.example", "MX"): Answer(Status.OK, ((10, "mx.example"),), 86400, secure=True),
        ("t.example", "MX"): Answer(Status.NXDOMAIN, ttl=60, secure=True),
        ("t.example", "A"): Answer(Status.NODATA, ttl=61),
        ("gone.example", "A"): Answer(Status.NXDOMAIN, ttl=7, cnames=("t.example",)),
        ("bogus.example", "TXT"): Answer(Status.SERVFAIL, detail="the signature has expired"),
        ("slow.example", "TXT"): Answer(Status.TIMEOUT, detail="all servers are silent"),
        ("\N{KELVIN SIGN}.example", "TXT"): Answer(Status.NXDOMAIN),
        ("user@x.example", "TXT"): Answer(Status.OK, (b"",), 300),
    }
    recorder = answering(answers)
    questions = tuple(Question(*question) for question in answers)
    replays(recorder, questions, recorder.resolve(questions), tmp_path / "dns.json")
    # what is in the zone form already is not said again
    assert "user@x.example" not in recorder.to_dict()["answers"]
    assert recorder.to_dict()["answers"]["t.example"]["A"] == {"ttl": 61}


def test_a_replay_gives_the_identical_authentication(tmp_path: Path) -> None:
    raw = (MESSAGES / "sample.eml").read_bytes()
    zone = Zone.load(MESSAGES / "sample.json")
    connection = Connection(ip="192.0.2.25", helo="mail.example.com", mail_from="anna@example.com")

    class Network:
        """Answers with times to live, and a word of a validator."""

        def resolve(self, questions: Batch) -> tuple[Answer, ...]:
            return tuple(
                replace(answer, ttl=100 + number, secure=question.rdtype == "TXT")
                for number, (question, answer) in enumerate(zip(questions, zone.resolve(questions), strict=True))
            )

    def authenticate(resolver: Any) -> Authentication:
        return mailauth.authenticate(raw, connection, resolver, "mx.example.org", now=1_793_611_800)

    recorder = Recorder(Network())
    first = authenticate(recorder)
    assert first.dkim[0].secure
    assert {a.ttl for _, a in first.dns} > {100, 101}
    recorder.save(tmp_path / "dns.json")
    again = authenticate(Zone.load(tmp_path / "dns.json"))
    assert again == first
    assert again.trace == first.trace
    # without what stands beside the zone, only the verdicts are the same
    plain = authenticate(Zone(recorder.to_dict()["zone"]))
    assert plain != first
    assert plain.headers == first.headers


@pytest.mark.parametrize(
    "answers",
    [
        [],
        {"a.example": "TXT"},
        {"a.example": {"TXT": []}},
        {"a.example": {"TXT": {"colour": "red"}}},
        {"a.example": {"TXT": {"status": "fine"}}},
        {"a.example": {"TXT": {"ttl": "long"}}},
        {"a.example": {"TXT": {"status": "nodata", "records": ["x"]}}},
        {"a.example": {"TXT": {"records": [5]}}},
        {"a.example": {"TXT": {"cnames": [5]}}},
    ],
)
def test_answers_in_another_form_are_refused(answers: Any) -> None:
    with pytest.raises(UsageError, match="as Recorder writes"):
        Zone({"zone": {"a.example": {"TXT": ["x"]}}, "answers": answers})


def test_the_latest_answer_counts() -> None:
    answers = iter([Answer(Status.TIMEOUT), Answer(Status.OK, (b"x",))])
    recorder = Recorder(lambda _name, _rdtype: next(answers))
    question = (Question("a.example", "TXT"),)
    recorder.resolve(question)
    recorder.resolve(question)
    assert recorder.to_dict()["zone"] == {"a.example": {"TXT": ["x"]}}


# Other kinds of resolvers


class Async:
    async def resolve(self, questions: Batch) -> Any:
        return SOURCE.resolve(questions)


class AsyncRaising:
    async def resolve(self, questions: Batch) -> Any:
        raise OSError(questions)


class Raising:
    def resolve(self, questions: Batch) -> Any:
        raise OSError(questions)


async def function(name: str, rdtype: str) -> Answer:
    return SOURCE.resolve((Question(name, rdtype),))[0]


@pytest.mark.parametrize("resolver", [Async(), function])
def test_an_asynchronous_resolver_is_recorded_asynchronously(resolver: Any) -> None:
    recorder = Recorder(resolver)

    async def main() -> Any:
        return await recorder.resolve(QUESTIONS)

    answers = asyncio.run(main())
    assert tuple(answers) == SOURCE.resolve(QUESTIONS)
    replays(recorder, QUESTIONS, answers)


def test_a_resolver_that_raises_is_recorded_as_a_failure() -> None:
    question = (Question("a.example", "TXT"),)
    recorder = Recorder(Raising())
    assert recorder.resolve(question)[0].status is Status.SERVFAIL
    replays(recorder, question, recorder.resolve(question))
    later = Recorder(AsyncRaising())

    async def main() -> Any:
        return await later.resolve(question)

    replays(later, question, asyncio.run(main()))


def test_something_that_cannot_resolve_is_refused() -> None:
    with pytest.raises(UsageError, match="resolve"):
        Recorder(None)


@pytest.mark.parametrize(
    ("rdtype", "records"),
    [
        ("A", ("garbage",)),
        ("PTR", ("\N{SNOWMAN}.x",)),
        ("CNAME", ("a.example", "b.example")),
        ("MX", ((True, "a.example"),)),
        ("SRV", (3,)),
    ],
)
def test_what_no_server_answers_is_recorded_all_the_same(rdtype: str, records: tuple[Any, ...], tmp_path: Path) -> None:
    answer = Answer(Status.OK, records)
    recorder = answering({("a.example", rdtype): answer, ("b.example", "A"): Answer(Status.OK, ("192.0.2.1",))})
    questions = (Question("a.example", rdtype), Question("b.example", "A"))
    replays(recorder, questions, recorder.resolve(questions), tmp_path / "dns.json")


def test_answers_from_elsewhere_fill_a_recording() -> None:
    recorder = Recorder(Zone({"a.example": {"A": ["192.0.2.1"]}}))
    asked, other = Question("a.example", "A"), Question("b.example", "TXT")
    recorder.resolve((asked,))
    late = Answer(Status.TIMEOUT, detail="the time for this message is used up")
    recorder.fill([(asked, late), (other, late)])
    first, second = Zone(recorder.to_dict()).resolve((asked, other))
    assert (first.records, second) == (("192.0.2.1",), late)
