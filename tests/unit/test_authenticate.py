"""The whole: one call, every check, one immutable answer."""

from __future__ import annotations

import dataclasses
import json
import pickle
import socket
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.signing import MAIL, NOW, key_zone, sealed, signature, signed

import mailauth
from mailauth import (
    Authentication,
    Connection,
    Disposition,
    Limits,
    Message,
    Options,
    Question,
    Reason,
    Result,
    UsageError,
    authenticate,
    evaluate,
)
from mailauth.testing import Faults, Zone

ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
    "mx.example.com": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.3"]},
    "3.2.0.192.in-addr.arpa": {"PTR": ["mx.example.com"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(),
}
CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")


def check(
    raw: bytes = MAIL, connection: Connection | None = CONNECTION, zone: Any = None, **arguments: Any
) -> Authentication:
    resolver = zone if hasattr(zone, "resolve") else Zone(ZONE if zone is None else zone)
    chosen: dict[str, Any] = {"authserv_id": "mx.example.org", "now": NOW} | arguments
    return authenticate(raw, connection, resolver, **chosen)


class Watching:
    def __init__(self, zone: Any = None) -> None:
        self.rounds: list[tuple[Question, ...]] = []
        self._zone = Zone(ZONE if zone is None else zone)

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.rounds.append(questions)
        return self._zone.resolve(questions)


# --- the answer


# RFC 6376 §6.3; RFC 7208 §2.4; RFC 8617 §5.2; RFC 9989 §5.4
def test_everything_at_once() -> None:
    found = check(signed())
    assert found.spf is not None
    assert found.helo_spf is not None
    assert found.arc is not None
    assert found.dmarc is not None
    assert found.iprev is not None
    assert found.spf.result == found.helo_spf.result == found.dmarc.result == found.iprev.result == "pass"
    assert [d.result for d in found.dkim] == ["pass"]
    assert found.arc.result == "none"
    assert found.dmarc.aligned == ("dkim", "spf")
    assert found.dmarc.disposition == "accept"
    assert not found.normalised


def test_the_keys_of_the_contract() -> None:
    data = check(signed()).to_dict()
    assert list(data) == [
        "schema", "version", "connection", "spf", "helo_spf", "dkim", "arc", "dmarc", "iprev", "headers", "forged",
        "dns",
    ]  # fmt: skip
    assert (data["schema"], data["version"]) == (1, mailauth.__version__)
    assert data["connection"] == {
        "ip": "192.0.2.3", "helo": "mx.example.com", "mail_from": "anna@example.com", "source": "argument",
    }  # fmt: skip
    assert set(data["dns"][0]) == {"question", "answer"}
    assert data["headers"][0].startswith("Authentication-Results: mx.example.org;")
    assert json.loads(json.dumps(data)) == data


def test_it_is_a_value() -> None:
    found = check(signed())
    assert pickle.loads(pickle.dumps(found)) == found == check(signed())
    assert found != check()
    with pytest.raises(AttributeError):
        found.outcomes = ()  # type: ignore[misc]
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)


def test_it_can_be_a_key() -> None:
    assert len({check(signed()), check(signed()), check()}) == 2


def test_every_question_is_in_the_transcript_once() -> None:
    watching = Watching()
    found = check(signed(), zone=watching)
    asked = [q for batch in watching.rounds for q in batch]
    assert [q for q, _ in found.dns] == asked
    assert len(set(asked)) == len(asked)


def test_the_trace_tells_who_used_each_answer() -> None:
    found = check(signed())
    trace = {(t.question.name, t.question.rdtype): t for t in found.trace}
    assert list(trace) == [tuple(q) for q, _ in found.dns]
    assert [t.answer for t in found.trace] == [a for _, a in found.dns]
    key_use = trace["s1._domainkey.example.com", "TXT"]
    assert (key_use.round, [u.check for u in key_use.uses]) == (1, ["dkim"])
    assert {u.check for u in trace["example.com", "TXT"].uses} == {"spf"}
    assert {u.check for u in trace["_dmarc.example.com", "TXT"].uses} == {"dmarc"}
    assert {u.check for u in trace["mx.example.com", "A"].uses} == {"spf helo", "iprev"}
    assert trace["mx.example.com", "A"].round == 2
    assert all(use.rule.startswith("RFC ") and use.subject for t in found.trace for use in t.uses)


def test_checks_share_rounds() -> None:
    # the longest chain: the record of the HELO name, then its address; PTR, then the name
    watching = Watching()
    check(sealed(signed()), zone=watching)
    assert len(watching.rounds) == 2


def test_the_transcript_replays() -> None:
    found = check(signed())
    replay = Zone({q.name: {q.rdtype: a.to_dict()["records"]} for q, a in found.dns if a.records})
    again = check(signed(), zone=replay)
    assert (again.spf, again.dkim, again.dmarc, again.iprev) == (found.spf, found.dkim, found.dmarc, found.iprev)


# --- what SMTP knew


def test_nothing_known() -> None:
    found = check(signed(), None)
    assert found.spf is not None
    assert (found.spf.result, found.spf.reason) == (Result.NONE, Reason.SPF_NO_CONNECTION)
    assert (found.helo_spf, found.iprev) == (None, None)
    assert found.connection.source == "none"
    assert found.dmarc is not None
    assert found.dmarc.aligned == ("dkim",)


# RFC 9989 §4.4.2
def test_a_helo_pass_is_no_pass_for_dmarc() -> None:
    # CVE-2019-20790
    connection = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="evil@example.net")
    found = check(MAIL, connection)
    assert found.helo_spf is not None
    assert found.helo_spf.result == "pass"
    assert found.dmarc is not None
    assert found.dmarc.result == "fail"
    # but for the null path
    found = check(MAIL, Connection(ip="192.0.2.3", helo="mx.example.com", mail_from=""))
    assert found.dmarc is not None
    assert found.dmarc.aligned == ("spf",)
    assert "(null sender)" in found.headers[0]
    # and an invalid HELO name with it stays none
    found = check(MAIL, Connection(ip="192.0.2.3", helo="[192.0.2.3]", mail_from=""))
    assert found.spf is not None
    assert found.spf.result == "none"


def test_without_reverse_path_the_helo_identity_is_written() -> None:
    found = check(MAIL, Connection(ip="192.0.2.3", helo="mx.example.com"))
    assert "smtp.helo=mx.example.com" in found.headers[0]
    assert "smtp.mailfrom" not in found.headers[0]
    assert found.dmarc is not None
    assert found.dmarc.result == "fail"


# --- options


@pytest.mark.parametrize("one", sorted(mailauth.limits.CHECKS))
def test_one_check_alone(one: str) -> None:
    found = check(signed(), options=Options(checks=frozenset({one})))
    data = found.to_dict()
    for other in mailauth.limits.CHECKS - {one}:
        assert data[other] in (None, []), other
    assert data[one]
    methods = {part.strip().partition("=")[0] for part in found.headers[0].split(";")[1:]}
    assert methods == {one}


def test_no_check_at_all() -> None:
    watching = Watching()
    found = check(signed(), zone=watching, options=Options(checks=frozenset()))
    assert found.headers[0] == "Authentication-Results: mx.example.org; none"
    assert watching.rounds == []


def test_the_old_rules() -> None:
    zone = ZONE | {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; t=y"]}}
    new = check(MAIL, None, zone)
    old = check(MAIL, None, zone, options=Options(mode="rfc7489"))
    assert new.dmarc is not None
    assert old.dmarc is not None
    assert (new.dmarc.discovery, new.dmarc.policy) == ("treewalk", "quarantine")
    assert (old.dmarc.discovery, old.dmarc.policy) == ("psl", "reject")


# RFC 8601 §4.1; RFC 8617 §5.2
def test_trusted_sealers_are_a_reason_to_accept_not_to_pass() -> None:
    zone = ZONE | key_zone("lists.example.org", "arc", "rsa2048-list")
    raw = sealed(MAIL, results="dmarc=pass header.from=example.com")
    trusted = Options(trusted_sealers=frozenset({"lists.example.org"}))
    plain, believed = check(raw, None, zone), check(raw, None, zone, options=trusted)
    assert plain.dmarc is not None
    assert believed.dmarc is not None
    assert (plain.dmarc.result, plain.dmarc.disposition) == (Result.FAIL, Disposition.QUARANTINE)
    assert (believed.dmarc.result, believed.dmarc.disposition) == (Result.FAIL, Disposition.ACCEPT)
    assert "lists.example.org" in believed.dmarc.detail
    for other in (sealed(MAIL, results="dmarc=fail"), raw.replace(b"Robin,", b"Bobin,")):
        unbelieved = check(other, None, zone, options=trusted)
        assert unbelieved.dmarc is not None
        assert unbelieved.dmarc.disposition is Disposition.QUARANTINE


LIST_ZONE = ZONE | key_zone("lists.example.org", "arc", "rsa2048-list")
TRUSTING = Options(trusted_sealers=frozenset({"lists.example.org"}), enforce_reject=True)
PASSED = "dmarc=pass header.from=example.com"


def advice(raw: bytes, **options: Any) -> str:
    chosen = dataclasses.replace(TRUSTING, **options)
    found = check(raw, None, LIST_ZONE, options=chosen)
    assert found.dmarc is not None
    # whatever a sealer says, the result is that of DMARC
    assert (found.dmarc.result, found.dmarc.policy) == (Result.FAIL, "reject")
    assert "dmarc=fail" in found.headers[0]
    assert ("saw it pass" in found.dmarc.detail) is (found.dmarc.disposition == "accept")
    return str(found.dmarc.disposition)


@pytest.mark.parametrize(
    "results",
    [
        PASSED,
        "DMARC=Pass Header.From=EXAMPLE.com.",
        f"spf=pass smtp.mailfrom=a@example.com; dkim=pass header.i=@example.com; {PASSED} (p=reject); arc=none",
        f"{PASSED} policy.dmarc=reject",
        "dmarc=pass action=none header.from=example.com",
        f"{PASSED}; dmarc=fail header.from=example.net",
        f"dmarc=fail header.from=mail.example.com; {PASSED}",
    ],
)
def test_one_result_for_the_author_is_believed(results: str) -> None:
    assert advice(sealed(MAIL, results=results)) == "accept"


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=fail header.from=example.com",
        "dmarc=pass",
        "dmarc=pass header.from=example.net",
        f"{PASSED}; {PASSED}",
        f"{PASSED}; dmarc=fail header.from=example.com",
        f"dmarc=fail header.from=example.com; {PASSED}",
        f"{PASSED}; dmarc=weird header.from=example.com",
        f"{PASSED}; dmarc/2=pass header.from=example.com",
        f"{PASSED}; dmarc=fail",
        f"{PASSED}; dmarc=fail header.from=",
        f"{PASSED}; dmarc=fail header.from=anna@example.com",
        f"{PASSED}; dmarc=fail smtp.from=example.net",
        f"{PASSED}; dmarc=fail header.from=example.net header.from=example.org",
        f"{PASSED} header.from=example.com",
        f"{PASSED} header.from=example.net",
        "dmarc/2=pass header.from=example.com",
        # the rest of an address that the sealer did not quote
        "dmarc=pass@evil.example header.from=example.com",
        "dmarc=pass header.from=example.com@evil.example",
        f"spf=pass smtp.mailfrom=x; {PASSED} (@evil.example)",
        f"spf=pass smtp.mailfrom=x; {PASSED} reason=@evil.example",
        f"spf=pass smtp.mailfrom=x; {PASSED} policy.x=@evil.example",
        f"spf=pass smtp.mailfrom=x; {PASSED} @evil.example",
        f"spf=pass smtp.mailfrom=x; {PASSED};y@evil.example",
        # what a reader stumbles over may hide more
        f"{PASSED}; dmarc",
        f"{PASSED}; =fail",
        f"{PASSED} (",
        f'{PASSED} "',
        f'{PASSED}; dmarc="fail"',
        f"{PASSED};",
    ],
)
def test_anything_else_is_not(results: str) -> None:
    assert advice(sealed(MAIL, results=results)) == "reject"


def test_what_the_first_sealer_saw_counts() -> None:
    failed = "dmarc=fail header.from=example.com"
    assert advice(sealed(sealed(MAIL, results=PASSED), results=failed)) == "accept"
    assert advice(sealed(sealed(MAIL, results=failed), results=PASSED)) == "reject"
    assert advice(sealed(sealed(MAIL, results=PASSED), results=failed), trusted_sealers={"example.org"}) == "reject"


@pytest.mark.parametrize(
    ("ams", "options", "expected"),
    [
        ({"t": NOW - 900, "x": NOW + 1}, {}, "accept"),
        ({"t": NOW - 900, "x": NOW - 301}, {}, "reject"),
        ({"t": NOW - 900, "x": NOW - 301}, {"allow_expired": True}, "accept"),
        ({"t": NOW + 301}, {}, "reject"),
        ({"t": NOW + 301}, {"allow_future": True}, "accept"),
        ({"l": 0}, {}, "reject"),
        ({"l": 0}, {"allow_partial_body": True}, "reject"),
        ({"h": "to:subject"}, {}, "reject"),
        ({"h": ""}, {}, "reject"),
    ],
)
def test_the_newest_signature_is_over_this_message_and_in_time(ams: Any, options: Any, expected: str) -> None:
    tags = {name: str(value) for name, value in ams.items() if name != "h"}
    raw = sealed(MAIL, results=PASSED, ams=tags, **{"h": ams["h"]} if "h" in ams else {})
    assert advice(raw, **options) == expected


@pytest.mark.parametrize("sets", [10, 11])
def test_a_long_chain_waits_for_the_others(sets: int) -> None:
    raw = signed()
    for n in range(sets):
        raw = sealed(raw, by="ed25519-author", selector=f"s{n}")
    keys: dict[str, Any] = {}
    for n in range(sets):
        keys |= key_zone("lists.example.org", f"s{n}", "ed25519-author")
    watching = Watching(ZONE | keys)
    found = check(raw, zone=watching)
    assert found.arc is not None
    assert (found.arc.result, found.arc.instances, found.arc.oldest_pass) == ("pass", sets, 0)
    names = {f"s{n}._domainkey.lists.example.org" for n in range(sets)}
    in_rounds = [number for number, batch in enumerate(watching.rounds) if names & {q.name for q in batch}]
    assert in_rounds == [0 if sets == 10 else len(watching.rounds) - 1]
    assert (len(watching.rounds) > 2) is (sets == 11)


@pytest.mark.parametrize("sets", [50, 51])
def test_fifty_sets_and_no_more(sets: int) -> None:
    raw = MAIL
    for _ in range(sets):
        raw = sealed(raw, by="ed25519-author", results=PASSED)
    zone = ZONE | key_zone("lists.example.org", "arc", "ed25519-author")
    found = check(raw, None, zone, options=TRUSTING)
    assert found.arc is not None
    assert found.dmarc is not None
    assert (found.arc.result, found.dmarc.disposition) == (("pass", "accept") if sets == 50 else ("fail", "reject"))


SUFFIXES = """
// ===BEGIN ICANN DOMAINS===
com
uk
co.uk
// ===END ICANN DOMAINS===
// ===BEGIN PRIVATE DOMAINS===
pages.example
// ===END PRIVATE DOMAINS===
"""


def by_signature(author: str, d: str, records: dict[str, Any], **options: Any) -> tuple[str, str, str]:
    """Return what DKIM and DMARC say of mail of an author that a domain signed."""
    raw = signed(b"From: a@" + author.encode() + b"\r\n\r\nHello\r\n", h="from", tags={"d": d})
    zone = key_zone(d) | {f"_dmarc.{name}": {"TXT": [text]} for name, text in records.items()}
    found = check(raw, None, zone, options=Options(**options))
    assert found.dmarc is not None
    return found.dkim[0].result, found.dkim[0].reason, found.dmarc.result


@pytest.mark.parametrize("mode", ["rfc9989", "rfc7489"])
def test_public_suffixes_that_sign(mode: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.dat"
    path.write_text(SUFFIXES)
    options: Any = {"mode": mode, "public_suffix_list": str(path)}
    reject = "v=DMARC1; p=reject"
    refused, passed = ("policy", Reason.PUBLIC_SUFFIX), ("pass", Reason.SIGNATURE_VERIFIED)
    # a registry signs for nobody
    assert by_signature("bank.co.uk", "co.uk", {"bank.co.uk": reject}, **options) == (*refused, "fail")
    assert by_signature("co.uk", "co.uk", {}, **options) == (*refused, "none")
    assert by_signature("bank.com", "com", {"com": reject}, **options)[:2] == refused  # a single label never does
    # who is on the private part does, for himself and not for those below him, nor they for him
    owner, customer = {"pages.example": f"{reject}; psd=y"}, {"me.pages.example": reject}
    assert by_signature("pages.example", "pages.example", owner, **options) == (*passed, "pass")
    assert by_signature("me.pages.example", "pages.example", owner | customer, **options) == (*passed, "fail")
    assert by_signature("me.pages.example", "pages.example", customer, **options) == (*passed, "fail")
    assert by_signature("pages.example", "me.pages.example", owner | customer, **options) == (*passed, "fail")
    # so does a registry with a record
    registry = {"co.uk": f"{reject}; psd=y", "bank.co.uk": reject}
    assert by_signature("co.uk", "co.uk", registry, **options) == (*passed, "pass")
    assert by_signature("bank.co.uk", "co.uk", registry, **options) == (*passed, "fail")


def test_the_question_about_a_public_suffix_is_in_the_trace() -> None:
    raw = signature(MAIL, tags={"d": "co.uk"}) + MAIL
    found = check(raw, zone=key_zone("co.uk"))
    assert [d.reason for d in found.dkim] == [Reason.PUBLIC_SUFFIX]
    (traced,) = [t for t in found.trace if t.question.name == "_dmarc.co.uk"]
    assert [(u.check, u.rule) for u in traced.uses] == [("dkim", "RFC 6376 §6.1.1")]
    assert traced.round == 1


# --- hostile messages


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\r\n", b"\n", b"\x00", b"\xff" * 100, b":", b"\r\r\n", b"From", b" ", b"From: \r\n", b"DKIM-Signature:",
        b"ARC-Seal:\r\nARC-Message-Signature:\r\nARC-Authentication-Results:\r\n\r\n", b"\r\n" * 1000,
        b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=y; h=from; bh=AAAA; b=AAAA\r\n\r\n",
        b"DKIM-Signature: \xff=\xff\r\n\r\n", b"From: a@example.com\r\nFrom: b@example.com\r\n\r\n",
        b"From: " + b"(" * 10_000 + b"\r\n\r\n", b"Authentication-Results: " + b"(" * 10_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_nothing_in_a_message_raises(raw: bytes) -> None:
    found = check(raw)
    json.dumps(found.to_dict())
    assert found.dmarc is not None
    assert found.dmarc.result == "permerror"
    # a first line that continues nothing would continue what is put above it
    assert found.forged == (0,) if raw[:1] == b" " else found.apply(raw).endswith(raw[-1:])


def test_arc_sets_leave_room_for_dmarc() -> None:
    raw = signed()
    for n in range(30):
        raw = sealed(raw, selector=f"s{n}")
    # more keys than are asked for: the chain fails, the verdict on the author stands
    found = check(raw, limits=Limits(questions=50))
    assert found.arc is not None
    assert found.arc.result == "fail"
    assert found.dmarc is not None
    assert found.dmarc.result == "pass"
    assert len(found.dns) <= 50


@pytest.mark.parametrize("questions", [0, 1, 5])
def test_without_questions_left_nothing_is_decided(questions: int) -> None:
    watching = Watching()
    found = check(signed(), zone=watching, limits=Limits(questions=questions))
    assert sum(map(len, watching.rounds)) <= questions
    assert len(found.dns) <= questions
    if questions == 0:
        assert found.dmarc is not None
        assert (found.dmarc.result, found.dmarc.disposition) == (Result.TEMPERROR, Disposition.DEFER)
        assert found.spf is not None
        assert found.spf.result == "temperror"


@pytest.mark.parametrize("word", ["TIMEOUT", "SERVFAIL"])
def test_silence_is_temperror_everywhere(word: str) -> None:
    def resolver(name: str, rdtype: str) -> Any:
        return Faults(Zone({}), {name: word}).resolve((Question(name, rdtype),))[0]

    found = authenticate(sealed(signed()), CONNECTION, resolver, "mx.example.org", NOW)
    data = found.to_dict()
    assert {data[name]["result"] for name in ("spf", "helo_spf", "dmarc", "iprev")} == {"temperror"}
    assert [d["result"] for d in data["dkim"]] == ["temperror"]
    assert data["arc"]["result"] == "fail"
    assert data["dmarc"]["disposition"] == "defer"


def test_a_resolver_that_raises_is_silence() -> None:
    def resolver(name: str, rdtype: str) -> Any:
        raise RuntimeError(name)

    found = authenticate(signed(), CONNECTION, resolver, "mx.example.org", NOW)
    assert found.dmarc is not None
    assert found.dmarc.result == "temperror"


def test_a_function_that_raises_for_one_name_fails_for_that_name_only() -> None:
    def resolver(name: str, rdtype: str) -> Any:
        if name.endswith("evil.example"):
            raise ValueError(name)
        return Zone(ZONE).resolve((Question(name, rdtype),))[0]

    raw = signature(MAIL, tags={"d": "evil.example"}) + MAIL
    connection = Connection(ip="198.51.100.1", helo="h.evil.example", mail_from="a@evil.example")
    found = authenticate(raw, connection, resolver, "mx.example.org", NOW)
    assert found.dmarc is not None
    assert found.dmarc.result == "fail"


# --- the caller's arguments


def test_a_parsed_message_and_a_loop_of_ones_own() -> None:
    message = Message.parse(signed())
    evaluation = evaluate(message, CONNECTION, authserv_id="mx.example.org", now=NOW)
    zone, batch = Zone(ZONE), next(evaluation)
    found = None
    while found is None:
        try:
            batch = evaluation.send(zone.resolve(batch))
        except StopIteration as stop:
            found = stop.value
    assert found == check(signed())


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        float(NOW) + 0.5,
        datetime.fromtimestamp(NOW, UTC),
        datetime.fromtimestamp(NOW, timezone(timedelta(hours=5))),
    ],
)
def test_times(now: Any) -> None:
    raw = signed(tags={"x": str(NOW - 301)})
    assert check(raw, now=now).dkim[0].result == "policy"
    raw = signed(tags={"x": str(NOW - 300)})
    assert check(raw, now=now).dkim[0].result == "pass"


@pytest.mark.parametrize(
    "now",
    [datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None), "2026-11-02", True, float("nan"), float("inf"), 10**20, []],
)
def test_times_that_say_nothing(now: Any) -> None:
    with pytest.raises(UsageError, match="now="):
        check(now=now)


@pytest.mark.parametrize("authserv_id", ["", "a\r\nb", "a\x00b", "x" * 256, "ü ü"])
def test_a_name_that_cannot_be_written(authserv_id: str) -> None:
    with pytest.raises(UsageError, match="give the name of this host"):
        check(authserv_id=authserv_id)


def test_an_internationalised_host_is_written_as_a_label() -> None:
    assert (
        check(authserv_id="mx.bücher.example")
        .headers[0]
        .startswith("Authentication-Results: mx.xn--bcher-kva.example;")
    )


@pytest.mark.parametrize("wrong", [{"ip": "192.0.2.3"}, "192.0.2.3", ("192.0.2.3", "h", "m")])
def test_a_connection_is_a_connection(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a mailauth\.Connection or None"):
        check(MAIL, wrong)


def test_text_is_refused() -> None:
    with pytest.raises(TypeError, match="must be bytes as received"):
        check("From: a@example.com")  # type: ignore[arg-type]


def test_what_is_left_out_is_read_here() -> None:
    # the host, the clock, and a resolver that is made but has nothing to ask
    before = datetime.now(UTC)
    found = authenticate(b"\r\n")
    assert found.headers[0].startswith("Authentication-Results: ")
    assert socket.gethostname() in found.headers[0].replace('"', "")
    assert found.dns == ()
    raw = signed(tags={"x": str(int(before.timestamp()) - 400)})
    assert authenticate(raw, None, Zone(ZONE), "mx.example.org").dkim[0].reason is Reason.EXPIRED
    raw = signed(tags={"x": str(int(before.timestamp()) + 60)})
    assert authenticate(raw, None, Zone(ZONE), "mx.example.org").dkim[0].result == "pass"
