"""The attack corpus through a real Postfix with the milter: is a field of ours delivered that we did not write?

    PYTHONPATH=tests python -m attack.delivered [--cases 0] [--seed 1] [--short]

What is delivered is read as tolerant readers do, and all Authentication-Results fields below our own by two parsers,
authres and ours. Each case has its own DNS and connection; the policy refuses nothing, so that its message is
delivered. The exit code is 1 if a forged field is. Needs Postfix and root; everything ends with the program. The tests
do the same with a sample.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email
import email.policy
import os
import random
import re
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import authres
from support.mailservers import Sink, postfix
from support.milter_octets import Running
from support.smtp_load import arrived, connected, mail, say

from attack import corpus
from attack.case import RECEIVER, Case
from mailauth import Connection, Limits, Message, Options, Question, policy
from mailauth.authentication import Authentication
from mailauth.authres import parse
from mailauth.policy import Decision, Rules
from mailauth.serve.judge import Judge

AT_ONCE = 8
RULES = Rules(reject="never", temperror="accept")
NAME = b"authentication-results"
# What can be said in HELO, and between "<" and ">" in MAIL
_HELO = re.compile(r"[!-~]+")
_PATH = re.compile(r"[!-;=?-~]*")


class Found(NamedTuple):
    """What became of the messages.

    Attributes:
        cases: how many were sent.
        refused: the cases that Postfix did not take, and its reply.
        delivered: how many arrived; what was smuggled counts too.
        removed: how many fields were taken away from them.
        forged: the cases, and the fields that should not have arrived.
    """

    cases: int
    refused: list[str]
    delivered: int
    removed: int
    forged: list[str]


def run(cases: Sequence[Case]) -> Found:
    """Send the messages of cases through Postfix, and read what is delivered."""
    decisions: list[Decision] = []
    with Running(_judge(cases, decisions)) as milter, Sink() as sink, postfix(sink.port, milter.address) as port:
        replies = asyncio.run(_sent(port, cases))
        accepted = [len(re.findall(rb"(?m)^250 2\.0\.0 Ok: queued as", said)) for said in replies]
        arrived(sink, sum(accepted))
    refused = [
        f"{case.id}: {said.splitlines()[0].decode()}"
        for case, number, said in zip(cases, accepted, replies, strict=True)
        if not number
    ]
    forged = []
    for recipient, messages in sink.by_recipient.items():
        case = _case(cases, recipient.decode())
        for raw in messages:
            forged += [f"{case.id if case else recipient!r}: {each!r}" for each in wrong(raw, _names(case))]
    removed = sum(len(decision.remove) for decision in decisions)
    return Found(len(cases), refused, sink.messages.qsize(), removed, forged)


def _case(cases: Sequence[Case], recipient: str) -> Case | None:
    """Return the case of a recipient; a smuggled message has another one."""
    number = re.fullmatch(r"c(\d+)@example\.org", recipient)
    return cases[int(number[1])] if number else None


def _names(case: Case | None) -> set[str]:
    """Return the names that are ours; what is in Unicode is left to the tests of `forged_fields`."""
    others = case.options.authserv_ids if case is not None and case.options is not None else ()
    return {RECEIVER, *(name.lower() for name in others if name.isascii())}


def _judge(cases: Sequence[Case], decisions: list[Decision]) -> Callable[[bytes, Connection], Awaitable[Decision]]:
    async def decide(auth: Authentication, message: Message, _: Connection) -> Decision:
        decisions.append(policy.decide(auth, RULES, message=message))
        return decisions[-1]

    async def judge(raw: bytes, connection: Connection) -> Decision:
        case = _case(cases, connection.recipients[0]) or cases[0]
        dns = corpus.resolver(case)

        async def ask(name: str, rdtype: str) -> Any:
            return dns.resolve((Question(name, rdtype),))[0]

        return await Judge(
            decide,
            resolver=ask,
            authserv_id=RECEIVER,
            limits=case.limits or Limits(),
            options=replace(case.options or Options(), enforce_reject=False),
        )(raw, connection)

    return judge


async def _sent(port: int, cases: Sequence[Case]) -> list[bytes]:
    """Return what Postfix says to the data of each case, and after that."""
    left = deque(enumerate(cases))
    said: dict[int, bytes] = {}

    async def work() -> None:
        while left:
            number, case = left.popleft()
            said[number] = await _said(port, number, case)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return [said[number] for number in range(len(cases))]


async def _said(port: int, number: int, case: Case) -> bytes:
    known = case.connection
    helo = known.helo if known.helo and _HELO.fullmatch(known.helo) else "mail.example.net"
    path = (known.mail_from or "") if _PATH.fullmatch(known.mail_from or "") else ""
    async with connected(port, ip=str(known.ip or "192.0.2.3"), helo=helo) as client:
        recipient = b"c%d@example.org" % number
        # What Postfix does not take for a path is sent without one
        for sender in (path.encode(), b""):
            message = mail(case.raw, sender, recipient)
            code, _ = await client.envelope(message)
            if code == 354:
                # Where Postfix sees an end before it, the rest is commands
                return await client.rest(message.content + b"QUIT\r\n")
            await client.command(b"RSET")
    return b"not sent"


# --- reading


def wrong(raw: bytes, names: set[str]) -> Iterator[bytes]:
    """Yield what is wrong with a delivered message: no field of ours at the top, and others that claim to be ours."""
    ours = f"Authentication-Results: {RECEIVER};".encode()
    if not raw.startswith(ours):
        yield b"not ours: " + raw[:60]
        return
    # From the second line that is not a continuation
    rest = re.sub(rb"\A[^\n]*\n(?:[ \t][^\n]*\n)*", b"", raw)
    yield from (value for value in sorted(set(values(rest))) if claims(value, names))


def values(raw: bytes) -> Iterator[bytes]:
    """Yield the values of the Authentication-Results fields of a message that is read in several ways."""
    for line_end in (rb"\r\n", rb"\r?\n", rb"\r\n|\r|\n"):
        header = re.split(rb"(?:%s){2}" % line_end, raw, maxsplit=1)[0]
        for field in re.split(rb"(?:%s)(?![ \t])" % line_end, header):
            name, _, value = field.partition(b":")
            # With white space, and with what cannot be in a name
            if re.sub(rb"[^!-9;-~]", b"", name).lower() == NAME:
                yield value
    for style in (email.policy.compat32, email.policy.SMTP):
        with contextlib.suppress(Exception):  # of the standard library, for hostile fields
            for value in email.message_from_bytes(raw, policy=style).get_all(NAME.decode(), []):
                yield str(value).encode("utf-8", "surrogateescape")


def claims(value: bytes, names: set[str]) -> bool:
    """Return whether a parser takes a value for one of these names."""
    text = " ".join(value.decode("utf-8", "replace").split())
    found = {parse(value).authserv_id}
    with contextlib.suppress(authres.AuthResError, RecursionError, IndexError):
        found.add(authres.AuthenticationResultsHeader.parse_value(text).authserv_id)
    return any(name is not None and name.lower() in names for name in found)


def main() -> int:
    """Send and read, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=0, help="a sample of so many; 0: all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="a sample of 300")
    given = parser.parse_args()
    number = 300 if given.short else given.cases
    begun = time.monotonic()
    found = run(random.Random(given.seed).sample(corpus.cases(), number) if number else corpus.cases())
    say(
        f"{found.cases:,} messages in {time.monotonic() - begun:,.0f} s, {found.delivered:,} delivered, "
        f"{found.removed:,} fields removed, {len(found.forged)} forged fields delivered"
    )
    for line in [*(f"  refused: {each}" for each in found.refused), *(f"  forged: {each}" for each in found.forged)]:
        say(line)
    say(f"load average {os.getloadavg()[0]:.1f}")
    return int(bool(found.forged))


if __name__ == "__main__":
    sys.exit(main())
