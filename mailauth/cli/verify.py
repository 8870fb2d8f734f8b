"""Verify messages: SPF, every DKIM signature, ARC, DMARC and the reverse name, each with its reason."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailauth.authenticate import Authentication, authenticate
from mailauth.cli import EX_USAGE, complain
from mailauth.cli.render import print_opinions, print_report
from mailauth.cli.resolver import chosen_resolver
from mailauth.connection import Connection, from_received
from mailauth.errors import UsageError
from mailauth.limits import Options
from mailauth.message import Message
from mailauth.results import Result

if TYPE_CHECKING:
    from mailauth.reference import Opinion

EX_FAILED = 1
EX_TEMPFAIL = 75


def run(arguments: argparse.Namespace) -> int:
    """Verify each message and print it in the chosen form."""
    if arguments.json and len(arguments.messages) > 1:
        msg = "--json prints one object for one message; use --jsonl for several"
        raise UsageError(msg)
    statuses = [0]
    for name, raw, authentication, resolver in authentications(arguments, statuses):
        opinions = None
        if arguments.second_opinion:
            from mailauth.reference import second_opinion  # noqa: PLC0415  it loads four more packages

            opinions = second_opinion(raw, authentication, resolver)
        _print(authentication, opinions, name, arguments)
        statuses.append(_status(authentication, arguments.require))
    # A file that could not be read says more than a check that did not pass
    return next(status for status in (EX_USAGE, EX_TEMPFAIL, EX_FAILED, 0) if status in statuses)


def authentications(
    arguments: argparse.Namespace, statuses: list[int]
) -> Iterator[tuple[str, bytes, Authentication, Any]]:
    """Authenticate each message of the arguments: its name, octets, result, and the resolver that was used."""
    resolver = chosen_resolver(arguments)
    # A recording is of a day: the message is judged as on that day
    now = arguments.now or getattr(resolver, "now", None) or datetime.now(UTC)
    if arguments.record is not None:
        from mailauth.resolvers import Recorder  # noqa: PLC0415  only for --record

        resolver = Recorder(resolver)
    options = Options(mode=arguments.mode)
    for name in arguments.messages:
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            statuses.append(complain(f"cannot read {name}: {error.strerror}"))
            continue
        connection = connection_of(raw, arguments)
        yield name, raw, authenticate(raw, connection, resolver, arguments.authserv_id, now, options=options), resolver
    if arguments.record is not None:
        resolver.save(arguments.record, now=now, recorded=datetime.now(UTC))


def connection_of(raw: bytes, arguments: argparse.Namespace) -> Connection:
    """Return the connection of the arguments; what they leave open is read from the trace fields."""
    if arguments.ip is not None:
        return Connection(ip=arguments.ip, helo=arguments.helo, mail_from=arguments.mail_from)
    found = from_received(Message.parse(raw))
    given = {"helo": arguments.helo, "mail_from": arguments.mail_from}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(found, **changes)


def _print(
    authentication: Authentication, opinions: tuple[Opinion, ...] | None, name: str, arguments: argparse.Namespace
) -> None:
    if arguments.json or arguments.jsonl:
        data = authentication.to_dict()
        if opinions is not None:
            data["second_opinion"] = [opinion.to_dict() for opinion in opinions]
        print(json.dumps(data, indent=2 if arguments.json else None))
    elif arguments.headers:
        for header in authentication.headers:
            print(header.replace("\r\n", "\n"))
    else:
        print_report(authentication, name)
        print_opinions(opinions)


def _status(authentication: Authentication, required: Iterable[str]) -> int:
    status = 0
    for check in required:
        results = _results(authentication, check)
        if Result.PASS in results:
            continue
        if Result.TEMPERROR in results:
            return EX_TEMPFAIL
        status = EX_FAILED
    return status


def _results(authentication: Authentication, check: str) -> set[Result]:
    if check == "dkim":
        return {outcome.result for outcome in authentication.dkim}
    outcome = getattr(authentication, check)
    return set() if outcome is None else {outcome.result}
