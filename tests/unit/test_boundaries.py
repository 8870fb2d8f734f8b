"""The exact places of bounds that `test_every_limit.py` does not come to: at a limit it fits, one more does not."""

from __future__ import annotations

from typing import Any

import pytest
from support.signing import MAIL, NOW, key, key_zone, sealed, signed

from mailauth import (
    Answer,
    Connection,
    Context,
    Limits,
    Message,
    Options,
    Question,
    Status,
    arc,
    authenticate,
    dmarc,
    run,
)
from mailauth.dns import Evaluation, Transcript, Use
from mailauth.dns.values import ADDRESSES
from mailauth.limits import CHECKS
from mailauth.testing import Zone
from unit.test_dns import ZONE, A, B, C, Counting, ask, texts

# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "times"),
    [
        ((b"x" * 4096,), 1),
        ((b"x" * 4097,), 2),
        ((b"x" * 4000, b"x" * 96), 1),
        ((b"x" * 4000, b"x" * 97), 2),
        (("x" * 5000,), 1),
    ],
)
def test_what_was_parsed_is_kept_unless_the_text_is_long(records: tuple[Any, ...], times: int) -> None:
    calls = []

    def parser(answer: Answer) -> int:
        calls.append(answer)
        return 5

    answer = Answer(Status.OK, records)
    assert answer.parsed(parser) + answer.parsed(parser) == 10
    assert len(calls) == times


def test_the_data_of_an_answer() -> None:
    answer = Answer(Status.SERVFAIL, ttl=60, cnames=("c.example",), secure=False, detail="word")
    assert answer.to_dict() == {
        "status": "servfail", "records": [], "ttl": 60, "cnames": ["c.example"], "secure": False, "detail": "word",
    }  # fmt: skip


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "PTR", "CNAME", "NS", "MX", "TXT"])
def test_records_of_another_type_are_refused(rdtype: str) -> None:
    def answer(name: str, asked: str) -> Answer:
        return Answer(Status.OK, ("text",) if asked == "TXT" else (b"octets",))

    def evaluation() -> Evaluation[Any]:
        return (yield (Question("a.example", rdtype),))

    assert run(evaluation(), answer)[0].status is Status.SERVFAIL


@pytest.mark.parametrize(("rdtype", "records"), [("SRV", ("0 0 25 h.example",)), ("TLSA", ("3 1 1 ab",)), ("X", ())])
def test_records_of_types_that_no_check_asks_for_are_text(rdtype: str, records: tuple[str, ...]) -> None:
    def evaluation() -> Evaluation[Any]:
        return (yield (Question("a.example", rdtype),))

    assert run(evaluation(), lambda *_: Answer(Status.OK, records))[0].records == records


def test_an_address_after_what_is_not_one_counts() -> None:
    # Resolvers of others may give anything
    assert ADDRESSES[4](Answer(Status.OK, ("nonsense", "2001:db8::1", "0.0.0.5"))) == (5,)
    assert ADDRESSES[6](Answer(Status.OK, ("nonsense", "192.0.2.1", "::5"))) == (5,)


def test_the_words_for_what_became_of_a_question() -> None:
    # docs/cli.md: they are in the JSON object
    assert [str(status) for status in Status] == ["ok", "nodata", "nxdomain", "servfail", "timeout"]


def test_a_resolver_with_unknown_parameters_gets_only_the_questions() -> None:
    class Opaque:
        resolve = max  # inspect has no signature for it

    (answer,) = run(ask(A), Opaque())
    # with a timeout it would raise
    assert answer.detail == "the resolver did not return a list of answers"


def test_a_resolver_that_raises_once_is_asked_on() -> None:
    def resolver(name: str, rdtype: str) -> Answer:
        return Answer(Status.OK, (name.encode(),))

    class Once:
        raised = False

        def resolve(self, questions: Any) -> Any:
            if not self.raised:
                self.raised = True
                raise OSError
            return [resolver(*question) for question in questions]

    assert texts(run(ask(A, B), Once())) == ["servfail", b"b.example"]


# --- the questions of a message --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("questions", "rounds", "all_answered"), [(3, 2, True), (2, 2, False), (3, 1, False)])
def test_questions_and_rounds_of_a_transcript(questions: int, rounds: int, *, all_answered: bool) -> None:
    found = run(Transcript(questions, rounds).gather([ask(A, B), ask(B, C)]), ZONE)
    assert ("timeout" not in [word for each in found for word in texts(each)]) is all_answered


@pytest.mark.parametrize("share", [0, 1, 2, 3])
def test_the_share_of_what_decides_no_policy(share: int) -> None:
    resolver = Counting()
    # B is asked by two secondary checks, and counts once; A was asked by what decides
    found = run(Transcript(9, 9).gather([ask(A)], [ask(B, A), ask(B, C)], share), resolver)
    answered = [texts(each).count("timeout") == 0 for each in found]
    assert answered == [True, share >= 1, share >= 2]
    assert sum(map(len, resolver.rounds)) == 1 + min(share, 2)


def test_refused_secondary_questions_take_no_room() -> None:
    (first, secondary) = run(Transcript(2, 9).gather([ask(A, B)], [ask(C)], 0), ZONE)
    assert (texts(first), texts(secondary)) == ([b"a", b"b"], ["timeout"])


CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
DNS = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(),
}


def verdict(raw: bytes, zone: dict[str, Any] | None = None, options: Options | None = None, **limits: int) -> Any:
    zone = DNS | (zone or {})
    return authenticate(raw, CONNECTION, Zone(zone), "mx.example.org", NOW, Limits(**limits), options)


def test_questions_of_a_message() -> None:
    without_arc = Options(checks=CHECKS - {"arc", "iprev"})
    free = verdict(signed(), options=without_arc)
    number = len(free.dns)
    assert verdict(signed(), options=without_arc, questions=number) == free
    assert verdict(signed(), options=without_arc, questions=number - 1) != free


def test_the_keys_of_a_chain_have_half_of_the_questions() -> None:
    raw = sealed(sealed(MAIL), domain="forwarder.example", selector="fwd", by="rsa2048-other")
    zone = Zone(
        key_zone("lists.example.org", "arc", "rsa2048-list") | key_zone("forwarder.example", "fwd", "rsa2048-other")
    )
    for questions, result in ((4, "pass"), (3, "fail")):
        assert run(arc.verify(Message.parse(raw), Context(limits=Limits(questions=questions))), zone).result == result


def test_no_octet_too_many_in_the_field() -> None:
    free = verdict(signed())
    whole = len(free.headers[0])
    assert verdict(signed(), authres_bytes=whole).headers == free.headers
    assert len(verdict(signed(), authres_bytes=whole - 1).headers[0]) < whole


KEY = key().record()
POLICY = "v=DMARC1; p=reject"


@pytest.mark.parametrize(
    ("name", "record", "where"),
    [
        ("_dmarc.example.com", POLICY, "dmarc"),
        ("s1._domainkey.example.com", KEY, "dkim"),
        ("example.com", DNS["example.com"]["TXT"][0], "spf"),
    ],
)
def test_each_record_of_dns(name: str, record: str, where: str) -> None:
    longest = max(len(KEY), len(POLICY), len(DNS["example.com"]["TXT"][0]))
    record += " " * (longest - len(record))

    def reason(bound: int) -> str:
        outcome = getattr(verdict(signed(), {name: {"TXT": [record]}}, record_bytes=bound), where)
        return str((outcome[0] if isinstance(outcome, tuple) else outcome).reason)

    assert reason(longest) != "limit:record_bytes"
    assert reason(longest - 1) == "limit:record_bytes"


def test_an_explanation_that_is_too_long_is_none() -> None:
    zone = {"example.com": {"TXT": ["v=spf1 -all exp=why.example.com"]}, "why.example.com": {"TXT": ["x" * 40]}}
    assert verdict(MAIL, zone, record_bytes=40).spf.explanation == "x" * 40
    assert verdict(MAIL, zone, record_bytes=39).spf.explanation is None
    # RFC 7208 §6.2: several records are none
    both = zone | {"why.example.com": {"TXT": ["x", "y"]}}
    assert verdict(MAIL, both).spf.explanation is None


# --- the trace -------------------------------------------------------------------------------------------------------


def test_each_seal_and_signature_of_a_chain_is_in_the_trace() -> None:
    raw = sealed(sealed(MAIL), domain="forwarder.example", selector="fwd", by="rsa2048-other")
    zone = key_zone("lists.example.org", "arc", "rsa2048-list") | key_zone("forwarder.example", "fwd", "rsa2048-other")
    trace: list[Use] = []
    two = run(arc.verify(Message.parse(raw), Context(uses=trace)), Zone(zone))
    assert [(use.question.name.split(".")[0], use.check, use.subject) for use in trace] == [
        ("arc", "arc", "message signature i=1"),
        ("arc", "arc", "seal i=1"),
        ("fwd", "arc", "message signature i=2"),
        ("fwd", "arc", "seal i=2"),
    ]
    one = run(arc.verify(Message.parse(sealed(MAIL))), Zone(zone))
    assert one.detail.startswith("1 set, ")
    assert two.detail.startswith("2 sets, ")


def test_the_record_of_a_public_suffix_is_the_last_of_the_walk() -> None:
    # RFC 9989 §4.10.1: neither the author domain nor its Organizational Domain (example.com) has a record
    zone = Zone(
        {
            "_dmarc.b.example.com": {"TXT": ["v=DMARC1; p=none"]},
            "_dmarc.com": {"TXT": ["v=DMARC1; p=quarantine; psd=y"]},
        }
    )
    found = run(dmarc.find_policy("a.b.example.com"), zone)
    assert (found.domain, found.requested) == ("com", "quarantine")


def test_the_question_whether_a_domain_exists_is_of_dmarc() -> None:
    zone = Zone({"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; np=none"]}})
    found = run(dmarc.find_policy("a.example.com"), zone)
    last = found.uses[-1]
    assert (last.check, last.question, last.rule) == ("dmarc", ("a.example.com", "A"), "RFC 9989 §3.2.13")
    assert found.requested == "none"
