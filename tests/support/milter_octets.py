"""What a mail server, the milter in it and the next server make of a message, octet by octet."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import NamedTuple, Self

import dkim

from mailauth.connection import Connection
from mailauth.dkim import Signer, sign
from mailauth.errors import UsageError
from mailauth.message.edit import edited
from mailauth.message.fields import Message
from mailauth.policy import Decision
from mailauth.results import Disposition, Result
from mailauth.serve import config
from mailauth.serve.judge import Judged
from mailauth.serve.milter import Judge, MilterServer
from mailauth.serve.service import Parts
from support.mailservers import Sink, postfix, sendmail
from support.odd_mail import REMOVED, odd
from support.sample import zone
from support.servers import HOST
from support.signing import key
from support.smtp_load import Mail, arrived, connected, mail

AT_ONCE = 8
Server = Callable[..., AbstractContextManager[int]]


# --- what servers change by themselves


class Rule(NamedTuple):
    """What a server does to messages.

    Attributes:
        name: it in words.
        touches: whether it does something to a message.
        seen: what the milter gets of a message; None if that is not told here.
        delivered: what the next server gets; None if that is not told here.
        always: it does so without a milter too.
    """

    name: str
    touches: Callable[[bytes], bool]
    seen: Callable[[bytes], bytes] | None
    delivered: Callable[[bytes], bytes] | None
    always: bool = True


def _same(raw: bytes) -> bytes:
    return raw


def _header(raw: bytes) -> bytes:
    """Return the header section; a blank line within a field is not the empty line."""
    end = raw.find(b"\r\n\r\n")
    return b"" if raw.startswith(b"\r\n") else raw if end < 0 else raw[: end + 2]


def _sub(pattern: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Return a function that replaces octets of the header section."""

    def replaced(raw: bytes) -> bytes:
        header = _header(raw)
        return re.sub(pattern, new, header) + raw[len(header) :]

    return replaced


def _changes(
    name: str, change: Callable[[bytes], bytes], *, seen: bool = True, delivered: bool = True, always: bool = True
) -> Rule:
    return Rule(name, lambda raw: change(raw) != raw, change if seen else _same, change if delivered else _same, always)


def _left_out(name: str, pattern: bytes, *, seen: bool = False, whole: bool = False) -> Rule:
    """Return a rule for messages that match, or whose header section does; what is delivered of them is not told."""
    found = re.compile(pattern)
    return Rule(name, lambda raw: bool(found.search(raw if whole else _header(raw))), _same if seen else None, None)


def _line_ends(raw: bytes) -> bytes:
    return re.sub(rb"\r(?!\n)", b" ", re.sub(rb"\r*\n", b"\r\n", raw))


def _ended(raw: bytes) -> bytes:
    return raw if raw.startswith(b"\r\n") or b"\r\n\r\n" in raw else raw + b"\r\n"


_NAMED = rb"(?im)^(?:%s)[ \t]*:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*"
_SPACE = _changes("white space before a colon is taken away", _sub(rb"(?m)^([!-9;-~]+)[ \t]+:", rb"\1:"))
# In the order in which they are applied
POSTFIX = (
    _changes("LF alone becomes CRLF, CR alone a space; CR before CRLF is taken away", _line_ends),
    _changes("a line of the header section ends before NUL", _sub(rb"\0[^\r]*", b"")),
    _left_out(
        "white space before a colon is taken away in parts of MIME too", rb"(?is)multipart/.*\nFrom :", whole=True
    ),
    _SPACE,
    _changes(
        "Bcc, Content-Length, Resent-Bcc and Return-Path are taken away",
        _sub(_NAMED % b"bcc|content-length|resent-bcc|return-path", b""),
    ),
    _changes(
        "a line of the header section ends after 60,000 octets, if there is a milter",
        _sub(rb"(?m)^([^\r]{60000})[^\r]*", rb"\1"),
        always=False,
    ),
    _changes("the milter cannot know that there is no empty line", _ended, delivered=False),
)
SENDMAIL = (
    _left_out("CR or LF alone is refused", rb"\r(?!\n)|(?<!\r)\n", whole=True),
    _left_out("a field of more than 64 KiB is put off, if there is a milter", rb"(?m)^[^\r]{65000}"),
    _left_out("a line of the header section of more than 2,300 octets is cut", rb"(?m)^[^\r]{2301}", seen=True),
    _left_out("lists of addresses are written anew", rb"(?im)^(?:cc|reply-to|errors-to) *:", seen=True),
    _left_out("Bcc and Resent-Bcc are taken away, and may be added empty", rb"(?im)^(?:resent-)?bcc *:", seen=True),
    _left_out("the last boundary of multipart is added", rb"(?i)multipart/", seen=True),
    _left_out("the header section ends before a name of more than 100 octets", rb"(?m)^[!-9;-~]{101}[^\r]*:"),
    _changes("NUL is taken away from the header section", _sub(rb"\0", b"")),
    _SPACE,
    _changes(
        "Content-Length, Full-Name and Return-Path are taken away",
        _sub(_NAMED % b"content-length|full-name|return-path", b""),
        seen=False,
    ),
    _changes("the empty line is added", _ended),
)
RULES: dict[Server, tuple[Rule, ...]] = {postfix: POSTFIX, sendmail: SENDMAIL}


# --- sending


class Running:
    """A milter in a thread of its own, which checks every client.

    Args:
        judge: as of `MilterServer`.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._started: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with MilterServer(self._judge, skip=lambda _: False) as server:
            await server.start(f"inet:0@{HOST}")
            self._started.set_result(server.addresses[0])
            await self._stop.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        port = self._started.result(20).removeprefix("inet:").partition("@")[0]
        self.address = f"inet:{HOST}:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def sent(run: Server, mails: Sequence[Mail], milter: str | None = None) -> tuple[list[int], dict[bytes, list[bytes]]]:
    """Send messages through a server; return the codes of its replies, and what arrived by recipient."""
    with Sink() as sink, run(sink.port, milter) as port:
        codes = asyncio.run(_codes(port, mails))
        arrived(sink, codes.count(250))
        return codes, dict(sink.by_recipient)


async def _codes(port: int, mails: Sequence[Mail]) -> list[int]:
    codes: dict[int, int] = {}
    left = deque(enumerate(mails))

    async def work() -> None:
        while left:
            # A server may close the connection of whom it refuses, or no longer ask the milter about it
            with contextlib.suppress(ConnectionResetError):
                async with connected(port, ip=None, source="127.0.0.2") as client:
                    while left:
                        n, message = left.popleft()
                        codes[n] = 421
                        codes[n] = (await client.send(message)).code
                        if codes[n] != 250:
                            break

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return [codes[n] for n in range(len(mails))]


# --- comparing

_SIGNER = Signer("example.com", "s1", key("rsa2048-author").private)
# Names that no signer signs (RFC 6376 §5.4.1), and the field that the service takes away
_UNSIGNED = {
    "authentication-results", "received", "return-path", "dkim-signature", "x-spam",
}  # fmt: skip
_RECEIVED = re.compile(rb"Received: from [^\r]*\r\n(?:[ \t][^\r]*\r\n)+")
_CONFIG = 'authserv_id = "mx.example.org"\n[dns]\nzone = "{}"\n'


class Found(NamedTuple):
    """What was compared, and what differs.

    Attributes:
        messages: how many.
        exact: how many no rule touches.
        verified: how many of these have a signature that dkimpy verifies before they are sent: it must verify it in
            what is delivered, and we in what the milter got.
        touched: messages by rule.
        differences: what should not be, in words.
    """

    messages: int
    exact: int
    verified: int
    touched: Counter[str]
    differences: list[str]


def signed(raw: bytes) -> bytes:
    """Return a message with a signature of all fields, simple/simple; as it is, if it is not one to sign."""
    message = Message.parse(raw)
    names = {field.partition(b":")[0].rstrip(b" \t").decode("ascii", "replace").lower() for field in message.fields}
    try:
        field = sign(message, _SIGNER, headers=sorted(names - _UNSIGNED), canonicalization="simple/simple")
    except UsageError:
        return raw
    return edited(raw, [field])


def compare(run: Server, numbers: Sequence[int], seed: int = 1) -> Found:
    """Send messages of all shapes through a server, with the milter and without it."""
    odds = [odd(n, seed) for n in numbers]
    raws = [signed(each.raw) for each in odds]
    mails = [mail(raw, recipient=b"m%d@example.org" % n) for n, raw in enumerate(raws)]
    seen: dict[bytes, bytes] = {}
    judged: dict[bytes, Judged] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(zone(), file)
        file.flush()
        parts = Parts(
            config.parse(_CONFIG.format(file.name).encode()),
            [lambda each: judged.update({each.authentication.connection.recipients[0].encode(): each})],
        )

    async def judge(raw: bytes, connection: Connection) -> Decision:
        seen[connection.recipients[0].encode()] = raw
        return await parts.judge(raw, connection)

    with Running(judge) as milter:
        codes, got = sent(run, mails, milter.address)
    codes_without, got_without = sent(run, mails)
    touched: Counter[str] = Counter()
    differences = []
    exact = verified = 0
    for n, (each, raw) in enumerate(zip(odds, raws, strict=True)):
        name = b"m%d@example.org" % n
        names = [rule.name for rule in RULES[run] if rule.touches(raw)]
        touched.update(names)
        with_, without = (codes[n], got.get(name, [])), (codes_without[n], got_without.get(name, []))
        problems = [*_problems(run, raw, seen.get(name), judged.get(name), with_, without)]
        if not names and not problems:
            exact += 1
            if raw != each.raw and dkimpy_verifies(raw):
                verified += 1
                problems += _unverified(judged[name], with_[1][0])
        differences += [f"message {numbers[n]} ({', '.join(sorted(each.shapes))}): {problem}" for problem in problems]
    return Found(len(odds), exact, verified, touched, differences)


def _told(run: Server, raw: bytes, of: str, *, milter: bool = True) -> bytes | None:
    """Return what a server makes of a message by its rules; None if they do not tell."""
    for rule in RULES[run]:
        if (rule.always or milter) and rule.touches(raw):
            change = getattr(rule, of)
            if change is None:
                return None
            raw = change(raw)
    return raw


def _removed(raw: bytes) -> bytes:
    """Return a message without the fields that the service takes away."""
    header = _header(raw)
    rest = raw[len(header) :]
    for field in REMOVED:
        header = header.replace(field, b"")
    return header + rest


def _problems(
    run: Server,
    raw: bytes,
    seen: bytes | None,
    judged: Judged | None,
    with_milter: tuple[int, list[bytes]],
    without: tuple[int, list[bytes]],
) -> Iterator[str]:
    """Yield what is not as it should be: what the milter got, and what was delivered with it and without it.

    The last two are the code of the reply, and what arrived.
    """
    raw = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    told = _told(run, raw, "seen")
    if told is not None and seen != told:
        yield f"the milter got {_shown(seen, told)}"
    told, told_without = _told(run, raw, "delivered"), _told(run, raw, "delivered", milter=False)
    if with_milter[0] != 250 or without[0] != 250:
        if told is not None and (told_without is not None or without[0] == 250):
            yield f"the server replied {with_milter[0]}, and {without[0]} without the milter"
        return
    if len(with_milter[1]) != 1 or len(without[1]) != 1 or judged is None:
        yield f"it arrived {len(with_milter[1])} times, and {len(without[1])} times without the milter"
        return
    ours = "".join(f"{field}\r\n" for field in judged.decision.add).encode()
    if judged.decision.action is Disposition.QUARANTINE:
        ours += b"X-Spam: Yes; folder=Junk\r\n"
    if not with_milter[1][0].startswith(ours):
        yield "our fields are not at the top"
        return
    delivered, original = (_below_received(each) for each in (with_milter[1][0][len(ours) :], without[1][0]))
    if told_without is not None and original != told_without:
        yield f"without the milter, what is delivered is {_shown(original, told_without)}"
    if told is not None and delivered != _removed(told):
        yield f"what is delivered is {_shown(delivered, _removed(told))}"
    # Whatever the server does, the milter does nothing else
    alike = all(rule.always or not rule.touches(raw) for rule in RULES[run])
    if alike and delivered != _removed(original):
        yield f"with the milter and without it, what is delivered differs: {_shown(delivered, _removed(original))}"


def _below_received(raw: bytes) -> bytes:
    """Return what is below the field that the server adds."""
    found = _RECEIVED.match(raw)
    return raw[found.end() :] if found else b"(no Received field) " + raw


def _shown(found: bytes | None, wanted: bytes) -> str:
    """Return where two messages begin to differ."""
    if found is None:
        return "nothing"
    place = next((n for n, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, place - 30)
    return f"{found[start : place + 40]!r}, not {wanted[start : place + 40]!r}"


def dkimpy_verifies(raw: bytes) -> bool:
    """Return whether dkimpy verifies the topmost signature."""
    record = key("rsa2048-author").record().encode()
    try:
        return bool(dkim.verify(raw, dnsfunc=lambda *_, **__: record))
    except dkim.DKIMException:
        return False


def _unverified(judged: Judged, delivered: bytes) -> Iterator[str]:
    results = [outcome.result for outcome in judged.authentication.dkim]
    if results != [Result.PASS]:
        yield f"the signature is {results} for us"
    if not dkimpy_verifies(delivered):
        yield "dkimpy does not verify what is delivered"
