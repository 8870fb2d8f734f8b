"""The milter behind real mail servers: Postfix, and Sendmail where both do the same."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from support import mailservers, signing
from support.mailservers import Sink, postfix, sendmail
from support.milter import Running
from support.servers import HOST

from mailauth import Connection, Disposition, HeaderField, Message, aio
from mailauth.authres.forged import forged_fields
from mailauth.policy import Decision, reply
from mailauth.testing import Zone

CLIENT = "127.0.0.2"
SECONDS = 30
EHLO, MAIL, RCPT = b"EHLO out.example.com", b"MAIL FROM:<anna@example.com>", b"RCPT TO:<bo@example.org>"
HEADER = (
    b"From: anna@example.com\r\nTo: bo@example.org\r\nDate: Mon, 2 Nov 2026 09:30:00 +0000\r\n"
    b"Message-ID: <1@example.com>\r\nSubject: hello\r\n"
)
MESSAGE = HEADER + b"\r\nHello.\r\n"
RESULTS = HeaderField("Authentication-Results: mx.example.org;\r\n\tspf=none smtp.mailfrom=example.com")
ADD = (RESULTS, HeaderField("X-Second: 2"))
ADDED = RESULTS.encode() + b"\r\nX-Second: 2\r\n"

Start = Callable[[int, str], AbstractContextManager[int]]


class Judge:
    """Keeps what it sees; decides by the first word of the subject."""

    def __init__(self) -> None:
        self.seen: Queue[tuple[bytes, Connection]] = Queue()
        self.wait = 0.0

    async def __call__(self, raw: bytes, connection: Connection) -> Decision:
        self.seen.put((raw, connection))
        await asyncio.sleep(self.wait)
        message = Message.parse(raw)
        subject = message.value(message.find(b"subject")[0]).split() if message.find(b"subject") else []
        match subject[:1]:
            case [b"reject"]:
                text = "Not 100% ours, 5%% or %s of it (über)"
                return Decision(action=Disposition.REJECT, reply=reply(550, "5.7.26", text), add=ADD)
            case [b"defer"]:
                return Decision(action=Disposition.DEFER, reply=reply(451, "4.7.24", "Later"))
            case [b"quarantine"]:
                return Decision(action=Disposition.QUARANTINE, folder="Junk", add=ADD)
        return Decision(add=ADD, remove=forged_fields(message, {"mx.example.org"}))


def talk(port: int, *commands: bytes | tuple[bytes, bytes]) -> list[str]:
    """Send commands, and messages as pairs of DATA and what follows; return the last line of each reply."""
    found = []
    with socket.create_connection((HOST, port), SECONDS, (CLIENT, 0)) as connection:
        replies = connection.makefile("rb")

        def heard() -> str:
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            return line.decode("utf-8", "replace").rstrip("\r\n")

        assert heard().startswith("220")
        for command in commands:
            if isinstance(command, bytes):
                connection.sendall(command + b"\r\n")
            else:
                connection.sendall(b"DATA\r\n")
                assert heard().startswith("354")
                connection.sendall(b"".join(command))
            found.append(heard())
    return found


def data(message: bytes) -> tuple[bytes, bytes]:
    """Return a message as it is sent after DATA."""
    return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:], b".\r\n"


class Place:
    """A mail server with a milter, and where its messages go."""

    def __init__(self, port: int, sink: Sink, judge: Judge) -> None:
        self.port, self.sink, self.judge = port, sink, judge

    def sent(self, message: bytes, *before: bytes) -> tuple[str, bytes, Connection]:
        """Send a message; return the reply, and what the milter saw."""
        *_, told = talk(self.port, *(before or (EHLO, MAIL, RCPT)), data(message))
        return (told, *self.judge.seen.get(timeout=SECONDS))

    def relayed(self) -> bytes:
        return self.sink.messages.get(timeout=SECONDS)


@contextmanager
def placed(start: Start, **more: Any) -> Iterator[Place]:
    judge = Judge()
    with Running(judge, **more) as milter, Sink() as sink, start(sink.port, milter.address) as port:
        yield Place(port, sink, judge)


@pytest.fixture(scope="module", params=[postfix, sendmail], ids=["Postfix", "Sendmail"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with placed(request.param, progress_seconds=0.2) as made:
        yield made


# --- decisions


def test_fields_are_put_above_what_the_server_itself_writes(place: Place) -> None:
    told, seen, connection = place.sent(MESSAGE)
    assert told.startswith("250 ")
    assert seen == MESSAGE
    assert (connection.ip, connection.helo, connection.mail_from) == (CLIENT, "out.example.com", "anna@example.com")
    assert (connection.tls, connection.login, connection.recipients) == ("", None, ("bo@example.org",))
    relayed = place.relayed()
    assert relayed.startswith(ADDED + b"Received: from ")
    assert relayed.endswith(b"\r\n" + MESSAGE)


def test_a_message_is_rejected_with_the_words_of_the_decision(place: Place) -> None:
    told, _, _ = place.sent(MESSAGE.replace(b"hello", b"reject"))
    assert told == "550 5.7.26 Not 100% ours, 5%% or %s of it (?ber)"


def test_a_message_is_deferred(place: Place) -> None:
    told, _, _ = place.sent(MESSAGE.replace(b"hello", b"defer"))
    assert told == "451 4.7.24 Later"


def test_a_message_is_marked(place: Place) -> None:
    forged = b"x-spam: Yes; folder=Friends\r\n" + MESSAGE.replace(b"hello", b"quarantine")
    told, _, _ = place.sent(forged)
    assert told.startswith("250 ")
    relayed = place.relayed()
    assert relayed.startswith(ADDED + b"X-Spam: Yes; folder=Junk\r\nReceived: ")
    assert b"Friends" not in relayed


def test_forged_fields_are_deleted_and_no_others(place: Place) -> None:
    ours, other = (
        b"Authentication-Results: mx.example.org; spf=pass\r\n",
        b"Authentication-Results: x.example; spf=pass\r\n",
    )
    odd = b"AUTHENTICATION-RESULTS:\r\n\t(comment)\r\n mx.example.org 1;\r\n dkim=pass\r\n"
    message = ours + other + b"X-A: 1\r\n" + ours + odd + other + HEADER + ours + other + b"\r\nHello.\r\n"
    _, seen, _ = place.sent(message)
    assert seen == message
    relayed = place.relayed()
    kept = message.replace(ours, b"").replace(odd, b"")
    assert relayed.startswith(ADDED + b"Received: ")
    assert relayed.endswith(b"\r\n" + kept)
    assert kept.count(other) == 3


VERDICT = b"mx.example.org; dmarc=pass header.from=victim.example\r\n"
NAME = b"Authentication-Results"
FORGED = {
    "obsolete white space": NAME + b" \t : " + VERDICT,
    "no space": NAME + b":" + VERDICT,
    "another white space": NAME + b"\x0c: " + VERDICT,
    "NUL after the name": NAME + b"\0: " + VERDICT,
    "NUL in the name": b"Authentication\0-Results: " + VERDICT,
    "NUL in the value": NAME + b": mx.exa\0mple.org; dmarc=pass\r\n",
    "an octet above 127": NAME + b"\xa0: " + VERDICT,
    "an invisible character": "Authentication\u200b-Results: ".encode() + VERDICT,
    "folded before the colon": NAME + b"\r\n : " + VERDICT,
    "folded to lines of white space": NAME + b":\r\n \r\n\t\r\n " + VERDICT,
    "quoted": NAME + b': "mx\\.example.org"; dmarc=pass\r\n',
    "comments and a version": NAME + b": (a (b) c) mx.example.org (x) 1; dmarc=pass\r\n",
    "an unknown version": NAME + b": mx.example.org 2; dmarc=pass\r\n",
    "a final dot": NAME + b": mx.example.org.; dmarc=pass\r\n",
    "white space around dots": NAME + b": mx . example . org; dmarc=pass\r\n",
    "angle brackets": NAME + b": <mx.example.org>; dmarc=pass\r\n",
    "deep comments": NAME + b": " + b"(" * 600 + b")" * 600 + VERDICT,
    "a long comment": NAME + b": (" + b"c" * 3000 + b") " + VERDICT,
    "after a bare CR": b"X-A: b\r" + NAME + b": " + VERDICT,
    "after a bare LF": b"X-A: b\n" + NAME + b": " + VERDICT,
    "after two CR": b"X-A: b\r\r\n" + NAME + b": " + VERDICT,
    "after a line that is not a field": b"this is not a field\r\n" + NAME + b": " + VERDICT,
    "after a field without a name": b": nothing\r\n" + NAME + b": " + VERDICT,
    "after an mbox line": b">From x\r\n" + NAME + b": " + VERDICT,
    "after NUL": b"X-A: \0\r\n" + NAME + b": " + VERDICT,
    "after a line of white space": b"X-A: b\r\n \t\r\n" + NAME + b": " + VERDICT,
    "after 5,100 fields": b"X-A: b\r\n" * 5100 + NAME + b": " + VERDICT,
}  # fmt: skip


def verdicts(message: bytes) -> list[bytes]:
    """Return what a tolerant reader takes for our verdicts, in what it takes for the header section."""
    header = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
    fields = (each.partition(b":") for each in re.split(rb"(?:\r?\n|\r)(?![ \t\n])", header))
    found = [value for name, _, value in fields if re.sub(rb"[^!-~]", b"", name).lower() == NAME.lower()]
    return [value for value in found if b"mx.example.org" in re.sub(rb"[\0\s\\]", b"", value)]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_no_spelling_of_a_forged_field_is_delivered(place: Place, forged: bytes, *, first: bool) -> None:
    header = forged + HEADER if first else HEADER + forged
    told = talk(place.port, EHLO, MAIL + b" BODY=8BITMIME", RCPT, data(header + b"\r\nHello.\r\n"))[-1]
    if told.startswith("4"):
        # Sendmail refuses bare CR and LF
        assert " Bare " in told
        return
    assert told.startswith("250 ")
    place.judge.seen.get(timeout=SECONDS)
    assert verdicts(place.relayed()) == [b" " + RESULTS.value.encode()]


def test_a_mail_server_is_not_kept_busy_with_forged_fields(place: Place) -> None:
    told, _, _ = place.sent((NAME + b": mx.example.org; spf=pass\r\n") * 5000 + MESSAGE)
    assert told == "550 5.7.1 The message has too many forged header fields"


def test_several_messages_of_one_connection(place: Place) -> None:
    once = (MAIL, RCPT, data(MESSAGE))
    refused = (b"MAIL FROM:<>", RCPT, data(MESSAGE.replace(b"hello", b"reject")))
    told = talk(place.port, EHLO, *once, MAIL, b"RSET", *refused, MAIL, RCPT, b"EHLO other.example.com", *once, b"QUIT")
    assert [line[:3] for line in told[1:]] == [
        *("250", "250", "250"), "250", "250", "250", "250", "550", "250", "250", "250", *("250", "250", "250"), "221",
    ]  # fmt: skip
    found = [place.judge.seen.get(timeout=SECONDS)[1] for _ in range(3)]
    assert [c.mail_from for c in found] == ["anna@example.com", "", "anna@example.com"]
    assert [c.helo for c in found] == ["out.example.com", "out.example.com", "other.example.com"]
    assert place.judge.seen.empty()
    for _ in range(2):
        assert place.relayed().startswith(ADDED)


def test_octets_above_127(place: Place) -> None:
    message = HEADER + b"X-Latin: \xe9\xff\r\nX-UTF-8: \xc3\xbc\r\n \xf0\x9f\x93\xa7\r\n\r\n\xff\xfe \xc3\xbc\r\n"
    _, seen, _ = place.sent(message, EHLO, MAIL + b" BODY=8BITMIME", RCPT)
    assert seen == message
    assert place.relayed().endswith(b"\r\n" + message)


def test_a_judge_that_takes_its_time(place: Place) -> None:
    place.judge.wait = 1.0
    try:
        told, _, _ = place.sent(MESSAGE)
    finally:
        place.judge.wait = 0.0
    assert told.startswith("250 ")
    assert place.relayed().startswith(ADDED)


# --- octets

ATOMS = (
    b"a", b"Bc", b"  ", b"\t", b" ", b"\xe9", b"\xc3\xbc", b"=?utf-8?Q?=C3=A9?=", b";", b":", b",", b'"', b"(",
    b"x" * 70,
)  # fmt: skip
NAMES = (b"X-Odd", b"x-odd", b"Subject", b"Comments", b"Keywords", b"X-!#$%&'*+", b"List-Id", b"X" * 60)


def odd(choice: random.Random) -> bytes:
    """Return a message of odd shapes, none of which a mail server may change."""
    fields = [field + b"\r\n" for field in HEADER.split(b"\r\n") if field]
    for _ in range(choice.randint(0, 12)):
        lines = [b"".join(choice.choices(ATOMS, k=choice.randint(0, 6))) for _ in range(choice.randint(1, 4))]
        # A line of white space alone would be the obsolete form of RFC 5322 §4.2
        lines[1:] = [line for line in lines[1:] if line.strip()]
        value = (b"\r\n" + choice.choice((b" ", b"\t", b"   "))).join(lines)
        field = choice.choice(NAMES) + b":" + choice.choice((b" ", b"", b"\t")) + value + b"\r\n"
        fields.insert(choice.randint(0, len(fields)), field)
    words = (*ATOMS, b".", b"..", b"From ")
    body = [b"".join(choice.choices(words, k=choice.randint(0, 8))) + b"\r\n" for _ in range(choice.randint(0, 30))]
    return b"".join(fields) + b"\r\n" + b"".join(body) + b"\r\n" * choice.randint(0, 3)


ZONE = Zone(signing.key_zone())


def test_signatures_over_the_simple_form_stay_intact(place: Place) -> None:
    """A hundred messages and more in one connection: the milter sees each as it was sent."""
    choice = random.Random(1)
    messages = [
        signing.signed(odd(choice), c="simple/simple", h="from:to:subject:date:x-odd:x-odd") for _ in range(150)
    ]
    commands = [each for message in messages for each in (MAIL + b" BODY=8BITMIME", RCPT, data(message))]
    assert {line[:3] for line in talk(place.port, EHLO, *commands)} == {"250"}
    for message in messages:
        seen, connection = place.judge.seen.get(timeout=SECONDS)
        assert seen == message
        auth = asyncio.run(aio.authenticate(seen, connection, ZONE, "mx.example.org", signing.NOW))
        assert [str(outcome.result) for outcome in auth.dkim] == ["pass"]
    for _ in messages:
        assert place.relayed().startswith(ADDED)


def test_a_large_body_arrives_as_it_was_sent(place: Place) -> None:
    message = MESSAGE + b"".join(b"%d %s\r\n" % (n, b"x" * (n % 900)) for n in range(5000))
    _, seen, _ = place.sent(message)
    assert seen == message
    assert place.relayed().endswith(b"\r\n" + message)


# --- other configurations


@pytest.mark.parametrize("start", [postfix, sendmail])
def test_a_message_that_is_too_large(start: Start) -> None:
    with placed(start, max_bytes=100_000) as place:
        message = MESSAGE + b"0123456789abcdef\r\n" * 100_000
        assert talk(place.port, EHLO, MAIL, RCPT, data(message))[-1].startswith("250 ")
        relayed = place.relayed()
        assert relayed.startswith(b"X-Mailauth: not checked, the message is too large\r\nReceived: ")
        assert relayed.endswith(b"\r\n" + message)
        assert place.judge.seen.empty()
        assert place.sent(MESSAGE)[1] == MESSAGE


@pytest.mark.parametrize("start", [postfix, sendmail])
def test_a_message_is_held(start: Start) -> None:
    with placed(start, marker=None) as place:
        told, _, _ = place.sent(MESSAGE.replace(b"hello", b"quarantine"))
        assert told.startswith("250 ")
        place.sent(MESSAGE)
        assert b"Subject: hello" in place.relayed()
        with pytest.raises(Empty):
            place.sink.messages.get(timeout=1)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_older_versions_of_the_protocol(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    older = mailservers._POSTFIX_MILTER.replace("milter_protocol = 6", f"milter_protocol = {version}")
    monkeypatch.setattr(mailservers, "_POSTFIX_MILTER", older)
    with placed(postfix) as place:
        _, seen, _ = place.sent(HEADER + b"X-None:none\r\nX-Two:  two\r\nX-Tab:\ttab\r\n\r\n")
        # One blank after each colon was taken away, and one is written
        assert seen == HEADER + b"X-None: none\r\nX-Two:  two\r\nX-Tab: \ttab\r\n\r\n"
        relayed = place.relayed()
        assert relayed.startswith(ADDED + b"Received: ")
        assert b"\r\nX-None:none\r\n" in relayed
        assert place.sent(MESSAGE.replace(b"hello", b"reject"))[0].startswith("550 5.7.26 Not 100% ours")


def test_smtputf8() -> None:
    with placed(postfix) as place:
        mail, rcpt = "MAIL FROM:<änna@example.com> SMTPUTF8".encode(), "RCPT TO:<bø@example.org>".encode()
        message = MESSAGE.replace(b"hello", "für alle".encode())
        told, seen, connection = place.sent(message, EHLO, mail, rcpt)
        assert told.startswith("250 ")
        assert (seen, connection.mail_from, connection.recipients) == (message, "änna@example.com", ("bø@example.org",))


def test_a_helo_that_is_not_utf8() -> None:
    with placed(sendmail) as place:
        _, _, connection = place.sent(MESSAGE, b"EHLO o\xfft.example.com", MAIL, RCPT)
        assert connection.helo == "o\udcfft.example.com"


@pytest.mark.parametrize("start", [postfix, sendmail])
def test_a_unix_socket(start: Start) -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with placed(start, listen=f"unix:{name}/milter", mode=0o666) as place:
            assert place.sent(MESSAGE)[1] == MESSAGE


@pytest.mark.parametrize("start", [postfix, sendmail])
def test_a_client_of_our_own_is_not_judged(start: Start) -> None:
    with placed(start, skip=lambda connection: connection.ip == CLIENT) as place:
        assert talk(place.port, EHLO, MAIL, RCPT, data(MESSAGE))[-1].startswith("250 ")
        assert place.relayed().startswith(b"Received: ")
        assert place.judge.seen.empty()


@pytest.mark.parametrize("start", [postfix, sendmail])
def test_a_milter_that_has_no_answer_loses_no_message(start: Start) -> None:
    async def broken(*_: object) -> Decision:
        raise RuntimeError

    with Running(broken) as milter, Sink() as sink, start(sink.port, milter.address) as port:
        assert talk(port, EHLO, MAIL, RCPT, data(MESSAGE))[-1].startswith("451 4.3.0 ")
        assert sink.messages.empty()
