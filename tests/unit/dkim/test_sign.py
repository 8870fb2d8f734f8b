"""The DKIM-Signature that `dkim.sign` writes: what it covers, its form, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.signing import MAIL, NOW, key, key_zone

from mailauth import Context, HeaderField, Message, Options, Reason, Result, UsageError, dkim, run
from mailauth.dkim import Signer
from mailauth.dkim.outcome import DkimOutcome
from mailauth.message.edit import edited
from mailauth.testing import Zone

SIGNER = Signer("example.com", "s1", key().private)
ED25519 = Signer("example.com", "s1", key("ed25519-author").private)
ZONES = {SIGNER: key_zone(), ED25519: key_zone(name="ed25519-author")}


def verify(raw: bytes, signer: Signer = SIGNER, now: int | None = None) -> DkimOutcome:
    context = Context(now=now, options=Options(strict=True))
    return run(dkim.verify(Message.parse(raw), context), Zone(ZONES[signer]))[0]


def tags(field: HeaderField) -> dict[str, str]:
    parts = (spec.partition("=") for spec in field.value.replace("\r\n\t", "").split(";"))
    return {name.strip(): value for name, _, value in parts}


def signed_names(raw: bytes, **arguments: Any) -> list[str]:
    return tags(dkim.sign(raw, SIGNER, **arguments))["h"].split(":")


# RFC 6376 §3.3, §3.4, §3.7, §5.5, §5.6; RFC 8463 §3
@pytest.mark.parametrize("c", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("signer", [SIGNER, ED25519], ids=["rsa", "ed25519"])
def test_it_verifies(c: str, signer: Signer) -> None:
    outcome = verify(edited(MAIL, [dkim.sign(MAIL, signer, canonicalization=c)]), signer)
    assert (outcome.result, outcome.reason) == (Result.PASS, Reason.SIGNATURE_VERIFIED)
    assert (outcome.domain, outcome.selector, outcome.algorithm) == ("example.com", "s1", signer.algorithm)
    assert not outcome.unsigned_duplicates
    assert outcome.body_length is None


@pytest.mark.parametrize("give", [bytes, bytearray, memoryview, Message.parse])
def test_the_message_may_be_octets_or_parsed(give: Any) -> None:
    assert dkim.sign(give(MAIL), SIGNER) == dkim.sign(MAIL, SIGNER)


def test_text_is_refused() -> None:
    text: Any = MAIL.decode()
    with pytest.raises(TypeError, match="must be bytes as received"):
        dkim.sign(text, SIGNER)


# RFC 6376 §5.3
def test_bare_line_feeds_are_signed_as_the_crlf_of_smtp() -> None:
    field = dkim.sign(MAIL.replace(b"\r\n", b"\n"), SIGNER)
    assert field == dkim.sign(MAIL, SIGNER)
    saved = edited(MAIL.replace(b"\r\n", b"\n"), [field])
    assert b"\r" not in saved
    assert verify(saved).result is Result.PASS
    assert verify(saved.replace(b"\n", b"\r\n")).result is Result.PASS


def test_the_form_of_the_field() -> None:
    field = dkim.sign(MAIL, SIGNER, identity="anna@example.com", now=NOW, expires=NOW + 60)
    assert isinstance(field, HeaderField)
    assert field.name == "DKIM-Signature"
    assert [*tags(field)] == ["v", "a", "c", "d", "s", "i", "t", "x", "h", "bh", "b"]
    lines = field.split("\r\n")
    assert all(len(line.expandtabs(8)) <= 78 for line in lines)
    assert all(line.startswith("\t") for line in lines[1:])
    assert len([line for line in lines if re.search(r"\bb=", line)]) == 1


# RFC 5322 §2.1.1
def test_lines_are_short_where_they_can_be() -> None:
    domain = ".".join(["a" * 50] * 3)
    signer = Signer(domain, "b" * 40, key().private)
    field = dkim.sign(MAIL, signer, headers=["x-" + "y" * 60, *(f"x-{i}" for i in range(60))], oversign=["x-0"])
    assert max(len(line) for line in field.split("\r\n")) == len(f"\td={domain};")


# --- which fields --------------------------------------------------------------------------------------------------

FULL = b"".join(
    name + b": x\r\n"
    for name in (
        b"Return-Path", b"Received", b"DKIM-Signature", b"Authentication-Results", b"ARC-Seal",
        b"ARC-Message-Signature", b"ARC-Authentication-Results", b"X-Own", b"From", b"Sender", b"Reply-To", b"To",
        b"Cc", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References", b"MIME-Version", b"Content-Type",
        b"Content-Transfer-Encoding", b"Content-Disposition", b"Content-ID", b"Content-Description", b"Resent-Date",
        b"Resent-From", b"Resent-To", b"Resent-Cc", b"List-Id", b"List-Help", b"List-Unsubscribe",
        b"List-Unsubscribe-Post", b"List-Subscribe", b"List-Post", b"List-Owner", b"List-Archive",
    )
)  # fmt: skip


# RFC 6376 §5.4, §5.4.1; RFC 8058 §4
def test_the_usual_fields_and_no_trace_fields() -> None:
    found = signed_names(FULL + b"\r\nhi\r\n")
    assert {*found} == {
        "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
        "mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id",
        "content-description", "resent-date", "resent-from", "resent-to", "resent-cc", "list-id", "list-help",
        "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive",
    }  # fmt: skip
    twice = {name for name in found if found.count(name) == 2}
    assert {name for name in found if found.count(name) == 1} == {
        "content-id", "content-description", "resent-date", "resent-from", "resent-to", "resent-cc", "list-id",
        "list-help", "list-subscribe", "list-post", "list-owner", "list-archive",
    }  # fmt: skip
    assert len(found) == len({*found}) + len(twice)


# RFC 6376 §5.4, §5.4.2, §8.15
@pytest.mark.parametrize("c", ["simple/simple", "relaxed/relaxed"])
@pytest.mark.parametrize(
    "name",
    [
        "From", "To", "Cc", "Subject", "Date", "Reply-To", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding", "Content-Disposition",
    ],
)  # fmt: skip
def test_nothing_that_a_reader_sees_can_be_added(name: str, c: str) -> None:
    raw = edited(MAIL, [dkim.sign(MAIL, SIGNER, canonicalization=c)])
    added = f"{name}: x\r\n".encode()
    for changed in (added + raw, raw.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1)):
        assert verify(changed).result is Result.FAIL


# RFC 5321 §6.4 lets a relay add them
@pytest.mark.parametrize("name", ["Message-ID", "Sender", "Received", "Return-Path", "List-Id", "X-Own"])
def test_what_relays_add_does_no_harm(name: str) -> None:
    raw = edited(MAIL, [dkim.sign(MAIL, SIGNER)])
    assert verify(f"{name}: x\r\n".encode() + raw).result is Result.PASS


def test_a_second_one_of_what_is_there_cannot_be_added() -> None:
    mail = b"Message-ID: <1@example.com>\r\nSender: <s@example.com>\r\n" + MAIL
    raw = edited(mail, [dkim.sign(mail, SIGNER)])
    assert verify(b"Message-ID: <2@example.com>\r\n" + raw).result is Result.FAIL
    assert verify(b"Sender: <2@example.com>\r\n" + raw).result is Result.FAIL


# RFC 6376 §5.4.2
def test_every_occurrence_is_signed() -> None:
    mail = b"Resent-To: a@example.com\r\nX-Own: 1\r\nResent-To: b@example.com\r\nX-Own: 2\r\n" + MAIL
    assert signed_names(mail).count("resent-to") == 2
    raw = edited(mail, [dkim.sign(mail, SIGNER, headers=["X-Own"])])
    assert verify(raw).result is Result.PASS
    assert verify(raw.replace(b"X-Own: 1", b"X-Own: 3")).result is Result.FAIL


# RFC 8058 §4
def test_the_fields_of_one_click_unsubscription() -> None:
    mail = b"List-Unsubscribe: <https://example.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + MAIL
    outcome = verify(edited(mail, [dkim.sign(mail, SIGNER)]))
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= {*outcome.signed_headers}


def test_a_choice_of_the_caller() -> None:
    assert signed_names(MAIL, headers=["Subject", "X-Absent"]) == ["from", "from", "subject", "subject"]
    assert signed_names(MAIL, headers=["Subject"], oversign=[]) == ["from", "subject"]
    assert signed_names(MAIL, headers=[], oversign=["X-Absent"]) == ["from", "x-absent"]
    assert signed_names(MAIL, headers=iter(["DATE", "date"]), oversign=["Date"]) == ["from", "date", "date"]


# RFC 8601 §5
def test_a_receiver_may_sign_its_own_results() -> None:
    raw = b"Authentication-Results: mx.example.org; bimi=pass\r\n" + MAIL
    assert "authentication-results" not in signed_names(raw)
    assert signed_names(raw, own_results=True) == [*signed_names(raw), "authentication-results"]
    assert signed_names(raw, headers=["From"], oversign=[], own_results=True) == ["from", "authentication-results"]


# BIMI §6.5
def test_the_selector_of_a_logo_is_signed() -> None:
    assert "bimi-selector" in signed_names(b"BIMI-Selector: v=BIMI1; s=brand\r\n" + MAIL)


# RFC 6376 §5.4, §5.4.1; RFC 8617 §4.1.2
@pytest.mark.parametrize(
    "name",
    ["Return-Path", "received", "DKIM-Signature", "Authentication-Results", "ARC-Seal", "ARC-Message-Signature",
     "ARC-Authentication-Results", "BIMI-Location", "bimi-indicator", "BIMI-Logo-Preference"],
)  # fmt: skip
@pytest.mark.parametrize("argument", ["headers", "oversign"])
def test_trace_fields_are_refused(argument: str, name: str) -> None:
    with pytest.raises(UsageError, match="do not sign it"):
        signed_names(MAIL, **{argument: [name]})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a;b", "ä", "a\r\n"])
def test_what_is_not_a_field_name(name: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a header field"):
        signed_names(MAIL, headers=[name])


def test_one_name_in_place_of_a_list() -> None:
    with pytest.raises(UsageError, match=r"give a list of names, such as \['subject'\]"):
        signed_names(MAIL, headers="subject")


def test_more_fields_than_verifiers_read() -> None:
    with pytest.raises(UsageError, match="name fewer in `headers`"):
        dkim.sign(b"X-Own: 1\r\n" * 600 + MAIL, SIGNER, headers=["X-Own"])


# --- the other tags ------------------------------------------------------------------------------------------------


# RFC 6376 §3.5
def test_without_times_the_core_reads_no_clock() -> None:
    assert {"t", "x", "i", "l"}.isdisjoint(tags(dkim.sign(MAIL, SIGNER)))


# RFC 6376 §3.5
@pytest.mark.parametrize(
    ("expires", "x"),
    [
        (NOW + 60, NOW + 60),
        (datetime.fromtimestamp(NOW + 60, UTC), NOW + 60),
        (timedelta(days=5), NOW + 5 * 86400),
        (timedelta(seconds=1.5), NOW + 1),
    ],
)
def test_when_it_expires(expires: Any, x: int) -> None:
    raw = edited(MAIL, [dkim.sign(MAIL, SIGNER, now=NOW, expires=expires)])
    outcome = verify(raw, now=NOW)
    assert (outcome.result, outcome.timestamp, outcome.expiration) == (Result.PASS, NOW, x)
    assert verify(raw, now=x + 3600).reason is Reason.EXPIRED


def test_an_end_without_a_beginning() -> None:
    assert "t" not in tags(dkim.sign(MAIL, SIGNER, expires=NOW))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"now": NOW, "expires": NOW}, "is not after now"),
        ({"now": NOW, "expires": timedelta(seconds=-1)}, "is not after now"),
        ({"expires": timedelta(days=1)}, "give `now` too"),
        ({"expires": datetime(2026, 1, 1)}, "expires=.* has no time zone"),  # noqa: DTZ001  that is the case
        ({"now": -1}, "now=-1: give a moment after 1970"),
        ({"expires": 10**13}, "expires=10000000000000: give a moment"),
        ({"canonicalization": "relaxed"}, "give one of simple/simple"),
        ({"canonicalization": "nofws/simple"}, "give one of simple/simple"),
        ({"identity": "example.com"}, "give an address at or below example.com, or '@example.com'"),
        ({"identity": "anna@example.net"}, "give an address at or below example.com"),
        ({"identity": "anna@notexample.com"}, "give an address at or below example.com"),
        ({"identity": "an\nna@example.com"}, "give an address at or below example.com"),
        ({"identity": "\udcff@example.com"}, "give an address at or below example.com"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        dkim.sign(MAIL, SIGNER, **arguments)


# RFC 6376 §2.11, §3.5
@pytest.mark.parametrize(
    ("identity", "i"),
    [
        ("@example.com", "@example.com"),
        ("anna@Mail.Example.COM", "anna@mail.example.com"),
        ("a;b =c@example.com", "a=3Bb=20=3Dc@example.com"),
        ("jürgen@example.com", "j=C3=BCrgen@example.com"),
        ('"a@b"@example.com', '"a=40b"@example.com'),
    ],
)
def test_the_identity(identity: str, i: str) -> None:
    field = dkim.sign(MAIL, SIGNER, identity=identity)
    assert f" i={i};" in field.replace("\r\n\t", " ")
    outcome = verify(edited(MAIL, [field]))
    assert (outcome.result, outcome.identity) == (Result.PASS, i)


# --- messages that cannot be signed --------------------------------------------------------------------------------


# RFC 6376 §3.8; RFC 5322 §3.6
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "has 0 From fields: give it exactly one"),
        (b"To: x@example.org\r\n\r\n", "has 0 From fields: give it exactly one"),
        (b"From: b@example.com\r\n" + MAIL, "has 2 From fields: give it exactly one"),
        (b"From anna Mon Nov  2 09:28:00 2026\r\n" + MAIL, "header has 'Name: value' lines only"),
        (b"Subject: a\rb\r\n" + MAIL, "bare CR or LF.*header has 'Name: value' lines only"),
        (b"X: y\r\n" * 6000 + MAIL, "more than 5000 fields"),
    ],
)
def test_messages_that_cannot_be_signed(raw: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        dkim.sign(raw, SIGNER)
