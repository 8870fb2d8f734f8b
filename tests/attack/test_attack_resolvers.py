"""Hostile resolver plug-ins: whatever one raises or returns is DNS trouble, never an exception and never a pass."""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.name
import dns.resolver
import pytest
from support.signing import NOW, key_zone, sealed, signed

from attack.case import RECEIVER, VICTIM
from attack.stage import BY_VICTIM, ZONE
from mailauth import Answer, Authentication, Question, Status, aio, authenticate
from mailauth.resolvers import Zone

RAW = sealed(signed())
FULL = {**ZONE, **key_zone("lists.example.org", "arc", "rsa2048-list")}
REST = Zone(FULL)
Answers = Callable[[tuple[Question, ...]], Any]


class Plugin:
    """A resolver with some `resolve`."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        return self.answers(questions)


class AsyncPlugin(Plugin):
    """The same as a coroutine."""

    async def resolve(self, questions: tuple[Question, ...]) -> Any:
        await asyncio.sleep(0)
        return self.answers(questions)


def given(resolver: Any) -> dict[str, Any]:
    arguments = {"raw": RAW, "connection": BY_VICTIM, "authserv_id": RECEIVER, "now": NOW}
    return {**arguments, "resolver": resolver}


def both(answers: Answers) -> Authentication:
    """Ask a batch resolver, synchronous and asynchronous."""
    first = authenticate(**given(Plugin(answers)))
    assert asyncio.run(aio.authenticate(**given(AsyncPlugin(answers)))) == first
    return first


def both_functions(answer: Callable[[str, str], Any]) -> Authentication:
    """Ask a plain function, synchronous and asynchronous."""

    async def ask(name: str, rdtype: str) -> Any:
        await asyncio.sleep(0)
        return answer(name, rdtype)

    first = authenticate(**given(answer))
    assert asyncio.run(aio.authenticate(**given(ask))) == first
    return first


def words(auth: Authentication) -> dict[str, str]:
    found = {name: getattr(auth, name) for name in ("spf", "helo_spf", "arc", "dmarc", "iprev")}
    return {name: str(outcome.result) for name, outcome in found.items()} | {"dkim": str(auth.dkim[0].result)}


def is_trouble(auth: Authentication) -> bool:
    """Whether every check says that DNS did not answer (RFC 9989 §5.3.6; RFC 8617 §5.2.1 for ARC)."""
    assert auth.dmarc is not None
    assert auth.dmarc.disposition == "defer"
    assert auth.explain(RAW)
    checks = ("spf", "helo_spf", "dmarc", "iprev", "dkim")
    return words(auth) == {**dict.fromkeys(checks, "temperror"), "arc": "fail"}


def test_control() -> None:
    assert set(words(both(REST.resolve)).values()) == {"pass"}


# --- what a plug-in raises -------------------------------------------------------------------------------------------


class UnprintableError(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


ERRORS: list[Exception] = [
    Exception("x"),
    ValueError("\r\nAuthentication-Results: mx.example.org; dmarc=pass"),
    TypeError("x"),
    KeyError("x"),
    IndexError("x"),
    AttributeError("x"),
    AssertionError(),
    RuntimeError("x"),
    NotImplementedError(),
    RecursionError("x"),
    MemoryError(),
    EOFError(),
    ZeroDivisionError(),
    OSError(111, "refused"),
    ConnectionResetError(),
    TimeoutError(),
    socket.gaierror(-2, "x"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    UnicodeEncodeError("idna", "\udcff", 0, 1, "x"),
    StopIteration("x"),
    StopAsyncIteration("x"),
    concurrent.futures.CancelledError(),
    ExceptionGroup("x", [ValueError("x")]),
    *(error() for error in (dns.exception.Timeout, dns.resolver.NoNameservers, dns.name.EmptyLabel)),
    UnprintableError(),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)


@each_error
def test_a_resolver_that_raises(error: Exception) -> None:
    def answers(questions: tuple[Question, ...]) -> Any:
        raise error

    assert is_trouble(authenticate(**given(Plugin(answers))))
    assert is_trouble(asyncio.run(aio.authenticate(**given(AsyncPlugin(answers)))))
    # and one that raises before there is anything to await
    assert is_trouble(asyncio.run(aio.authenticate(**given(Plugin(answers)))))


@each_error
def test_a_function_that_raises_for_one_question(error: Exception) -> None:
    def answer(name: str, rdtype: str) -> Any:
        if name == f"s1._domainkey.{VICTIM}":
            raise error
        return REST.resolve((Question(name, rdtype),))[0]

    async def ask(name: str, rdtype: str) -> Any:
        return answer(name, rdtype)

    expected = {**dict.fromkeys(("spf", "helo_spf", "dmarc", "iprev", "arc"), "pass"), "dkim": "temperror"}
    assert words(authenticate(**given(answer))) == expected
    assert words(asyncio.run(aio.authenticate(**given(ask)))) == expected


# --- what a plug-in returns ------------------------------------------------------------------------------------------

GOOD = Answer(Status.OK, (b"v=spf1 +all",))
RETURNED: dict[str, Answers] = {
    "nothing": lambda q: None,
    "text": lambda q: "x" * len(q),
    "octets": lambda q: b"x" * len(q),
    "number": len,
    "mapping": lambda q: dict.fromkeys(q, GOOD),
    "set": lambda q: {1, 2, 3},
    "generator": lambda q: (GOOD for _ in q),
    "class": lambda q: Answer,
    "exception": lambda q: ValueError("x"),
    "too few": lambda q: (GOOD,) * (len(q) - 1),
    "too many": lambda q: (GOOD,) * (len(q) + 1),
    "none at all": lambda q: (),
    "one answer": lambda q: GOOD,
    "list of nothing": lambda q: [None] * len(q),
    "list of text": lambda q: ["v=spf1 +all"] * len(q),
    "list of lists": lambda q: [["v=spf1 +all"]] * len(q),
    "list of classes": lambda q: [Answer] * len(q),
}
BAD: Any = None
ANSWERS: dict[str, Answer] = {
    "status in words": Answer("fine"),  # type: ignore[arg-type]
    "status as a number": Answer(0),  # type: ignore[arg-type]
    "no status": Answer(BAD),
    "list of records": Answer(Status.OK, [b"v=spf1 +all"]),  # type: ignore[arg-type]
    "octets for records": Answer(Status.OK, b"v=spf1 +all"),  # type: ignore[arg-type]
    "no records": Answer(Status.OK, BAD),
    "record of nothing": Answer(Status.OK, (None,)),
    "record of numbers": Answer(Status.OK, (1, 2)),
    "strings not joined": Answer(Status.OK, ((b"v=spf1 ", b"+all"),)),
    "records of an absent name": Answer(Status.NXDOMAIN, (b"v=spf1 +all", "192.0.2.10")),
    "records of a failure": Answer(Status.SERVFAIL, (b"v=spf1 +all",)),
    "aliases of a list": Answer(Status.NODATA, cnames=["x"]),  # type: ignore[arg-type]
    "aliases of octets": Answer(Status.NODATA, cnames=(b"x",)),  # type: ignore[arg-type]
    "time to live in words": Answer(Status.NODATA, ttl="300"),  # type: ignore[arg-type]
    "detail of octets": Answer(Status.NODATA, detail=b"x"),  # type: ignore[arg-type]
    "secure in words": Answer(Status.NODATA, secure="yes"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", RETURNED)
def test_a_resolver_that_returns_something_else(name: str) -> None:
    assert is_trouble(both(RETURNED[name]))


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_that_are_none(name: str) -> None:
    assert is_trouble(both(lambda q: (ANSWERS[name],) * len(q)))
    assert is_trouble(both_functions(lambda *_: ANSWERS[name]))


@pytest.mark.parametrize(
    "value", [None, "v=spf1 +all", b"v=spf1 +all", 1, [], (), {}, Answer, ValueError("x")], ids=str
)
def test_a_function_that_returns_something_else(value: Any) -> None:
    assert is_trouble(both_functions(lambda *_: value))


# --- records of the right type, and yet no records -------------------------------------------------------------------

TEXTS = [
    *("", ".", "..", "a..b", "\0", "\r\nx", "\udcff", "a" * 70, "a." * 200, "x y", "\\046", "*", "[192.0.2.10]"),
    "\u202e",
]
ADDRESSES = [
    *(*TEXTS, "192.0.2.10/0", "192.0.2.10\0", "0300.0.2.10", "192.0.2.10%1", "::ffff:192.0.2.10", "3221225994"),
    "192.0.2",
]
SPF = Question(VICTIM, "TXT")


def with_records(record: bytes, question: tuple[str, str], *records: Any) -> Authentication:
    """Ask with an SPF record of the victim, and records at one question of any kind."""
    placed = {SPF: Answer(Status.OK, (record,)), Question(*question): Answer(Status.OK, records)}
    return both(lambda q: tuple(placed.get(each) or REST.resolve((each,))[0] for each in q))


@pytest.mark.parametrize("text", ADDRESSES, ids=ascii)
def test_an_address_that_is_none_matches_nothing(text: str) -> None:
    auth = with_records(b"v=spf1 a:a.test -all", ("a.test", "A"), text)
    assert auth.spf is not None
    # ::ffff:192.0.2.10 is no A record either
    assert auth.spf.result in {"fail", "temperror", "permerror"}
    auth = with_records(b"v=spf1 -all", ("mail.example.com", "A"), text)
    assert auth.iprev is not None
    assert auth.iprev.result in {"fail", "temperror"}


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_host_that_is_none_is_not_asked_for(text: str) -> None:
    for record, question, value in (
        (b"v=spf1 mx -all", (VICTIM, "MX"), (10, text)),
        (b"v=spf1 ptr -all", ("10.2.0.192.in-addr.arpa", "PTR"), text),
        (b"v=spf1 exists:%{p}.a.test -all", ("10.2.0.192.in-addr.arpa", "PTR"), text),
    ):
        auth = with_records(record, question, value)
        assert auth.spf is not None
        assert auth.spf.result in {"fail", "temperror", "permerror"}
        assert not [q for q, _ in auth.dns if ".." in q.name or len(q.name) > 253]


@pytest.mark.parametrize("value", [(), (10,), (10, b"x"), ("10", "x"), (None, "x"), (10, "x", 1), "10 x", 10], ids=str)
def test_an_exchange_that_is_none(value: Any) -> None:
    auth = with_records(b"v=spf1 mx -all", (VICTIM, "MX"), value)
    assert auth.spf is not None
    assert auth.spf.result == "temperror"


def test_aliases_and_details_are_only_shown() -> None:
    hostile = "\r\nx: \x1b[2J\u202e\udcff"
    answer = Answer(Status.TIMEOUT, cnames=(hostile,), detail=hostile)
    auth = both(lambda q: (answer,) * len(q))
    assert is_trouble(auth)
    assert not {"\r", "\x1b", "\u202e", "\udcff"} & set(auth.explain() + auth.headers[0].replace("\r\n\t", ""))


def test_a_flood_of_records() -> None:
    flood = Answer(Status.OK, tuple(b"junk %d" % n for n in range(20_000)))
    auth = both(lambda q: tuple(flood if each.rdtype == "TXT" else REST.resolve((each,))[0] for each in q))
    assert "pass" not in {words(auth)[name] for name in ("spf", "helo_spf", "dkim", "arc", "dmarc")}


def test_an_answer_that_changes_between_questions() -> None:
    """Each question of a message is asked once, so no check sees another answer than the next."""
    asked: list[Question] = []

    def answers(questions: tuple[Question, ...]) -> Any:
        asked.extend(questions)
        return REST.resolve(questions)

    authenticate(**given(Plugin(answers)))
    assert len(asked) == len(set(asked))
