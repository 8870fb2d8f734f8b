"""Verify messages: SPF, every DKIM signature, ARC, DMARC and the reverse name, each with its reason."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mailauth.cli.outputs import check_outputs, write_recording
from mailauth.cli.render import report
from mailauth.cli.resolver import chosen_fetcher, chosen_resolver
from mailauth.cli.streams import (
    EX_FAILED,
    EX_TEMPFAIL,
    EX_USAGE,
    ReaderGoneError,
    UnreadableError,
    input_name,
    read_message,
    report_error,
    write_out,
)
from mailauth.errors import UsageError
from mailauth.resolvers.chosen import key_files
from mailauth.resolvers.keyfile import KeyFile
from mailauth.results import Outcome, Result
from mailauth.saved import Saved
from mailauth.saved.how import How
from mailauth.saved.keys import notes as key_notes

_OCTET = re.compile("[\udc80-\udcff]")  # as Python reads an octet outside the encoding of file names


def run(arguments: argparse.Namespace) -> int:
    """Verify each message and print it in the chosen form."""
    form = next((form for form in ("json", "headers") if getattr(arguments, form)), None)
    if "bimi" in arguments.require and not arguments.bimi:
        msg = "--require bimi needs --bimi, which makes that check"
        raise UsageError(msg)
    if form is not None and len(arguments.messages) > 1:
        msg = f"--{form} is for one message; use --jsonl for several"
        raise UsageError(msg)
    statuses = {0}
    for each in verified(arguments):
        statuses.add(EX_USAGE if isinstance(each, Unread) else _status(each.saved, arguments))
        try:
            write_out(_printed(each, arguments))
        except ReaderGoneError:
            # The exit status and the recording are still useful
            if not arguments.require and arguments.record is None:
                break
    # An unreadable message outranks a check that did not pass
    return next(status for status in (EX_USAGE, EX_TEMPFAIL, EX_FAILED, 0) if status in statuses)


class Verified(NamedTuple):
    """A message that was verified, the resolver that was used, and the files of old keys."""

    name: str
    saved: Saved
    resolver: Any
    files: Sequence[KeyFile]


class Unread(NamedTuple):
    """A message that could not be read, and why; it is already on standard error."""

    name: str
    error: str


def verified(arguments: argparse.Namespace) -> Iterator[Verified | Unread]:
    """Verify the messages of the arguments one by one; the recording is written after the last."""
    if arguments.messages.count("-") > 1:
        msg = "standard input holds one message; give - once"
        raise UsageError(msg)
    check_outputs(arguments)
    resolver, files = chosen_resolver(arguments), key_files(arguments.keys)
    how = how_of(arguments, resolver)
    fetcher = chosen_fetcher(arguments, resolver) if arguments.bimi else None
    if arguments.record is not None:
        from mailauth.resolvers import Recorder  # noqa: PLC0415  only for --record

        resolver = Recorder(resolver, fetcher)
        fetcher = resolver if arguments.bimi else None
    unread = 0
    for name in arguments.messages:
        try:
            raw = read_message(name)
        except UnreadableError as error:
            unread += 1
            report_error(f"cannot read {input_name(name)}: {error}")
            yield Unread(name, str(error))
            continue
        yield Verified(name, how.verify(raw, resolver, files, fetcher), resolver, files)
    if arguments.record is not None:
        done = len(arguments.messages) - unread
        write_recording(resolver, arguments.record, how.now, verified=done, unread=unread)


def how_of(arguments: argparse.Namespace, resolver: Any) -> How:
    """Return how the arguments want messages to be verified."""
    return How(
        # A recording is from one day: evaluate the message as on that day
        now=arguments.now or getattr(resolver, "now", None) or datetime.now(UTC),
        **{
            name: getattr(arguments, name)
            for name in ("ip", "helo", "mail_from", "client", "trust", "authserv_id", "mode")
        },
    )


def _printed(each: Verified | Unread, arguments: argparse.Namespace) -> str:
    if isinstance(each, Unread):
        return f"{json.dumps({'file': _text(each.name), 'error': each.error})}\n" if arguments.jsonl else ""
    opinions, authentication = None, each.saved.authentication
    if arguments.second_opinion:
        from mailauth.opinions import second_opinion  # noqa: PLC0415  it loads four more packages

        opinions = second_opinion(each.saved.raw, authentication, each.resolver)
    if arguments.headers:
        return "".join(header.replace("\r\n", "\n") + "\n" for header in authentication.headers)
    if not (arguments.json or arguments.jsonl):
        return report(each.saved, each.name, opinions, key_notes(each.saved, each.files))
    data = {**authentication.to_dict(), "saved": each.saved.to_dict()}
    if opinions is not None:
        data["second_opinion"] = [opinion.to_dict() for opinion in opinions]
    row = {"file": _text(each.name), **data} if arguments.jsonl else data
    return json.dumps(row, indent=2 if arguments.json else None) + "\n"


def _text(name: str) -> str:
    r"""Return the name of a file as Unicode text: an octet that is not UTF-8 is written like `\xff`."""
    return _OCTET.sub(lambda octet: f"\\x{ord(octet[0]) - 0xDC00:02x}", name)


def _guess(saved: Saved, passes: list[Outcome]) -> str | None:
    """Return what all passing outcomes of a check rest on that was read from the message, or None."""
    if saved.authentication.connection.is_guess and all(outcome.rests_on_client for outcome in passes):
        return "a client"
    return "a time of receipt" if passes[0].check in saved.dated else None


def _status(saved: Saved, arguments: argparse.Namespace) -> int:
    status, authentication = 0, saved.authentication
    for check in arguments.require:
        outcomes = [outcome for outcome in authentication.outcomes if outcome.check == check]
        passes = [outcome for outcome in outcomes if outcome.result is Result.PASS]
        if passes and not arguments.accept_guess and (guess := _guess(saved, passes)):
            report_error(f"{check} passes for {guess} that is a guess, which --accept-guess accepts")
            passes = []
        if passes:
            continue
        if Result.TEMPERROR in {outcome.result for outcome in outcomes}:
            return EX_TEMPFAIL
        status = EX_FAILED
    return status
