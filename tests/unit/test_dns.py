"""Questions and answers: the drivers, and resolvers that do not do what they promise."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver
import pytest

from mailauth import Answer, Evaluation, Question, Status, UsageError, gather, run
from mailauth.dns import Transcript
from mailauth.dns.drive import checked, failure
from mailauth.resolvers import Recorder
from mailauth.testing import Faults, Zone

A, B, C = (Question(f"{letter}.example", "TXT") for letter in "abc")
ZONE = Zone({"a.example": {"TXT": ["a"]}, "b.example": {"TXT": ["b"]}, "c.example": {"TXT": ["c"]}})


class Counting:
    """A zone that keeps each batch."""

    def __init__(self) -> None:
        self.rounds: list[tuple[Question, ...]] = []

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.rounds.append(questions)
        return ZONE.resolve(questions)


def ask(*questions: Question) -> Evaluation[list[Any]]:
    """Ask one after the other."""
    found = []
    for question in questions:
        (answer,) = yield (question,)
        found.append(answer)
    return found


def texts(answers: list[Answer]) -> list[bytes | str]:
    return [a.records[0] if a.records else str(a.status) for a in answers]


# --- run


def test_run_returns_what_the_evaluation_returns() -> None:
    assert texts(run(ask(A, B), ZONE)) == [b"a", b"b"]


def test_an_evaluation_without_questions_needs_no_answer() -> None:
    def nothing(batch: Any) -> Any:
        raise AssertionError

    assert run(ask(), nothing) == []


def test_a_plain_function_is_a_resolver() -> None:
    def resolver(name: str, rdtype: str) -> Answer:
        return Answer(Status.OK, (f"{name} {rdtype}".encode(),))

    assert texts(run(ask(A), resolver)) == [b"a.example TXT"]


@pytest.mark.parametrize(
    "error",
    [
        OSError,
        ValueError,
        RuntimeError,
        KeyError,
        TypeError,
        AssertionError,
        TimeoutError,
        UnicodeError,
        RecursionError,
        MemoryError,
        StopIteration,
        dns.exception.FormError,
        dns.resolver.NoNameservers,
    ],
)
def test_a_resolver_that_raises_is_dns_trouble(error: type[Exception]) -> None:
    class Raising:
        def resolve(self, questions: Any) -> Any:
            raise error

    (answer,) = run(ask(A), Raising())
    assert answer.status is Status.SERVFAIL
    assert error.__name__ in answer.detail


def test_what_is_no_exception_goes_through_and_closes_the_evaluation() -> None:
    closed = []

    def evaluation() -> Evaluation[None]:
        try:
            yield (A,)
        finally:
            closed.append(True)

    def interrupted(name: str, rdtype: str) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(evaluation(), interrupted)
    assert closed


RECORDS_OF_WRONG_TYPE = [
    Answer(Status.OK, ("text",)),
    Answer(Status.OK, (b"ok", None)),
    Answer(Status.OK, b"v=spf1 +all"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(
    "given",
    [
        None, 5, "ok", b"ok", {}, object(), (), [], [None], [ZONE], ["v=spf1 -all"], [b"v=spf1 -all"],
        (Answer(Status.OK), Answer(Status.OK)), [Answer("ok", (b"x",))],  # type: ignore[arg-type]
        *[[each] for each in RECORDS_OF_WRONG_TYPE],
    ],
)  # fmt: skip
def test_a_resolver_that_gives_anything_else_has_failed(given: Any) -> None:
    class Wrong:
        def resolve(self, questions: Any) -> Any:
            return given

    (answer,) = run(ask(A), Wrong())
    assert answer.status is Status.SERVFAIL
    assert answer.records == ()
    assert checked((A,), given) == (answer,)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(Status.OK, None),  # type: ignore[arg-type]
        Answer(Status.OK, 5),  # type: ignore[arg-type]
        Answer(Status.OK, {b"x": 1}),  # type: ignore[arg-type]
        Answer(Status.OK, (b"x" for _ in range(2))),  # type: ignore[arg-type]
        Answer(Status.OK, (b"x",), cnames=None),  # type: ignore[arg-type]
        Answer(Status.SERVFAIL, (b"v=spf1 +all",)),
        Answer(Status.NXDOMAIN, (b"v=spf1 +all",)),
    ],
)
def test_an_answer_out_of_shape_is_a_failure(answer: Answer) -> None:
    def resolver(name: str, rdtype: str) -> Answer:
        return answer

    (found,) = run(ask(A), resolver)
    assert found.status in {Status.SERVFAIL, Status.NXDOMAIN}
    assert found.records == ()
    found.to_dict()


@pytest.mark.parametrize(
    ("rdtype", "good", "bad"),
    [
        ("A", ("192.0.2.1",), (b"192.0.2.1",)),
        ("AAAA", ("2001:db8::1",), (5,)),
        ("PTR", ("h.example",), (None,)),
        ("MX", ((10, "h.example"),), ("10 h.example",)),
        ("MX", (), ((10,),)),
        ("MX", (), (("10", "h.example"),)),
        ("MX", (), ((10, b"h.example"),)),
    ],
)
def test_records_have_the_form_of_their_type(rdtype: str, good: Any, bad: Any) -> None:
    batch = (Question("a.example", rdtype),)
    assert checked(batch, [Answer(Status.OK, good)])[0].status is Status.OK
    assert checked(batch, [Answer(Status.OK, bad)])[0].status is Status.SERVFAIL


def test_one_bad_answer_spoils_no_other() -> None:
    good = Answer(Status.OK, (b"x",))
    assert [a.status for a in checked((A, B, C), [good, None, good])] == [Status.OK, Status.SERVFAIL, Status.OK]


def test_the_answers_are_those_of_their_questions() -> None:
    assert [a.status for a in failure((A, B), OSError())] == [Status.SERVFAIL] * 2


# --- resolvers given by mistake


class Async:
    async def resolve(self, questions: Any) -> Any:
        return ZONE.resolve(questions)


async def async_function(name: str, rdtype: str) -> Answer:
    return ZONE.resolve((Question(name, rdtype),))[0]


@pytest.mark.parametrize("resolver", [Async(), async_function])
def test_an_asynchronous_resolver_is_refused_with_the_remedy(resolver: Any) -> None:
    with pytest.raises(UsageError, match=r"asynchronous: use mailauth\.aio"):
        run(ask(A), resolver)


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("wrap", [Recorder, lambda inner: Faults(inner, {"x.example": "TIMEOUT"})])
def test_a_wrapped_asynchronous_resolver_is_refused_too(wrap: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError, match=r"asynchronous: use mailauth\.aio"):
        run(ask(A), wrap(Async()))


@pytest.mark.parametrize(
    "resolver", [dns.resolver.Resolver(configure=False), dns.asyncresolver.Resolver(configure=False)]
)
def test_dnsythons_own_resolver_is_refused_with_the_remedy(resolver: Any) -> None:
    with pytest.raises(UsageError, match=r"mailauth\.resolvers\.DnspythonResolver"):
        run(ask(A), resolver)


@pytest.mark.parametrize("resolver", [None, "192.0.2.53", 5, {}, object()])
def test_what_cannot_resolve_is_refused(resolver: Any) -> None:
    with pytest.raises(UsageError, match=r"give an object with resolve\(questions\)"):
        run(ask(A), resolver)


# --- gather


def test_rounds_are_shared() -> None:
    resolver = Counting()
    one, two, three = run(gather(ask(A, B), ask(C), ask()), resolver)
    assert (texts(one), texts(two), three) == ([b"a", b"b"], [b"c"], [])
    assert resolver.rounds == [(A, C), (B,)]


def test_what_several_ask_is_asked_once() -> None:
    resolver = Counting()
    one, two = run(gather(ask(A, B), ask(B, A)), resolver)
    assert (texts(one), texts(two)) == ([b"a", b"b"], [b"b", b"a"])
    assert resolver.rounds == [(A, B)]


def test_gather_nests() -> None:
    resolver = Counting()
    (inner, last) = run(gather(gather(ask(A), ask(B)), ask(C)), resolver)
    assert [texts(x) for x in inner] == [[b"a"], [b"b"]]
    assert texts(last) == [b"c"]
    assert len(resolver.rounds) == 1


def test_gather_closes_what_it_began() -> None:
    closed = []

    def waiting(name: str) -> Evaluation[None]:
        try:
            yield (A,)
        finally:
            closed.append(name)

    evaluation = gather(waiting("one"), waiting("two"))
    next(evaluation)
    evaluation.close()
    assert sorted(closed) == ["one", "two"]


# --- transcript


def test_each_question_is_asked_once() -> None:
    resolver, transcript = Counting(), Transcript(10, 10)
    found = run(transcript.gather([ask(A, B, A), ask(A, C)]), resolver)
    assert [texts(x) for x in found] == [[b"a", b"b", b"a"], [b"a", b"c"]]
    assert resolver.rounds == [(A,), (B, C)]
    assert list(transcript.answers) == [A, B, C]
    assert transcript.rounds == [1, 2]
    # what was asked in an earlier gathering is known in the next
    assert texts(run(transcript.gather([ask(C, A)]), resolver)[0]) == [b"c", b"a"]
    assert resolver.rounds == [(A,), (B, C)]


def test_beyond_the_limit_questions_time_out_unasked() -> None:
    resolver, transcript = Counting(), Transcript(2, 10)
    (found,) = run(transcript.gather([ask(A, B, C, A)]), resolver)
    assert texts(found) == [b"a", b"b", "timeout", b"a"]
    assert "2 questions" in found[2].detail
    assert list(transcript.answers) == [A, B]
    assert run(Transcript(0, 10).gather([ask(A)]), resolver)[0][0].status is Status.TIMEOUT


def test_beyond_the_rounds_questions_time_out_unasked() -> None:
    resolver, transcript = Counting(), Transcript(10, 2)
    (found,) = run(transcript.gather([ask(A, B, C, A)]), resolver)
    assert texts(found) == [b"a", b"b", "timeout", b"a"]
    assert "2 rounds" in found[2].detail


def test_what_decides_no_policy_has_its_share_of_the_questions() -> None:
    resolver, transcript = Counting(), Transcript(10, 10)
    first, secondary, other = run(transcript.gather([ask(A, B)], [ask(B, C), ask(C, A, B)], 2), resolver)
    assert texts(first) == [b"a", b"b"]
    # two questions in all; those that others have asked are answered all the same
    assert texts(secondary) == [b"b", b"c"]
    assert texts(other) == [b"c", b"a", b"b"]
    (alone,) = run(Transcript(10, 10).gather([], [ask(A, B)], 1), resolver)
    assert texts(alone) == [b"a", "timeout"]
    assert "1 questions for checks that do not affect DMARC" in alone[1].detail


def test_a_transcript_closes_what_it_drives() -> None:
    closed = []

    def waiting() -> Evaluation[None]:
        try:
            yield (A,)
        finally:
            closed.append(True)

    evaluation = Transcript(10, 10).gather([waiting()], [waiting()], 10)
    next(evaluation)
    evaluation.close()
    assert closed == [True, True]


# --- Answer


def test_an_answer_is_a_value() -> None:
    answer = Answer(Status.OK, (b"x",), 60, ("c.example",), True, "word")
    assert answer.parsed(len_of_first) == answer.parsed(len_of_first) == 1
    copy = pickle.loads(pickle.dumps(answer))
    assert copy == answer
    assert hash(copy) == hash(answer)
    with pytest.raises(AttributeError):
        answer.ttl = 5  # type: ignore[misc]


def len_of_first(answer: Answer) -> int:
    return len(answer.records[0])


def test_parsing_is_done_once_an_answer() -> None:
    calls = []

    def parser(answer: Answer) -> int:
        calls.append(answer)
        return 5

    answer = Answer(Status.OK)
    assert answer.parsed(parser) + answer.parsed(parser) == 10
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        (Status.OK, False),
        (Status.NODATA, False),
        (Status.NXDOMAIN, False),
        (Status.SERVFAIL, True),
        (Status.TIMEOUT, True),
    ],
)
def test_failed(status: Status, *, failed: bool) -> None:
    assert Answer(status).failed is failed


def test_json_keeps_every_octet() -> None:
    data = Answer(Status.OK, (b"a\xff\x00", "h.example", (10, "mx.example")), cnames=("c.example",)).to_dict()
    back = json.loads(json.dumps(data))
    assert back["records"][0].encode("utf-8", "surrogateescape") == b"a\xff\x00"
    assert back["records"][1:] == ["h.example", [10, "mx.example"]]
    assert back["cnames"] == ["c.example"]
    assert back["status"] == "ok"
