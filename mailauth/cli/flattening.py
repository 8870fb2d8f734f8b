"""Flatten the SPF record of a domain into a file, and check later whether the flattened record is stale."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from mailauth import files
from mailauth.cli.resolver import chosen_resolver
from mailauth.cli.streams import EX_FAILED, EX_TEMPFAIL, read_message, write_out
from mailauth.context import Context
from mailauth.dns import run as drive
from mailauth.errors import MailauthError, UsageError
from mailauth.posture.flatten import Flattened, Refusal, Staleness, flatten, read, render, stale
from mailauth.text import shown

_SECONDS = 120


def run(arguments: argparse.Namespace) -> int:
    """Write a flattened record, or check one. Exit status: 0 done, or not stale; 1 refused, or stale; 75 no answer."""
    if unused := [name for name in ("selector", "learn", "sends", "html") if vars(arguments)[name]]:
        msg = f"--{unused[0]} has no effect on a flattened record: leave it out"
        raise UsageError(msg)
    if arguments.flattened is not None:
        if arguments.names or arguments.flatten is not None or arguments.keep:
            raise UsageError("--flattened takes all but DNS from the file: give neither NAME, --flatten nor --keep")
        return _check(arguments)
    if len(arguments.names) != 1:
        raise UsageError("--flatten is for one domain")
    return _flatten(arguments, arguments.names[0])


def _flatten(arguments: argparse.Namespace, name: str) -> int:
    old = _old(arguments.flatten)
    # What is published now may be flattened already: the file has the original
    asking = flatten(name, Context(now=time.time()), record=None if old is None else old.original, keep=arguments.keep)
    found = drive(asking, chosen_resolver(arguments), seconds=_SECONDS)
    if old is not None and old.domain != found.domain:
        raise UsageError(f"{arguments.flatten} is of {old.domain}: give another file for {found.domain}")
    _print(found, arguments)
    if found.refused:
        return EX_TEMPFAIL if found.refused is Refusal.DNS else EX_FAILED
    try:
        files.replace(arguments.flatten, (json.dumps(found.to_dict(), indent=1) + "\n").encode())
    except OSError as error:
        raise MailauthError(f"cannot write {arguments.flatten}: {error.strerror}") from None
    return 0


def _old(path: str) -> Flattened | None:
    """Return what the file has, None if there is no file or nothing in it; another file is not replaced."""
    try:
        Path(path).stat()
    except FileNotFoundError:
        # Before the work whose result it is
        files.place(path)
        return None
    except OSError as error:
        raise MailauthError(f"cannot read {path}: {error.strerror}") from None
    try:
        octets = read_message(path)
        return read(octets) if octets else None
    except MailauthError as error:
        raise MailauthError(f"--flatten {shown(path)}: {error}") from None


def _print(found: Flattened | Staleness, arguments: argparse.Namespace) -> None:
    write_out(json.dumps(found.to_dict()) + "\n" if arguments.json or arguments.jsonl else render(found))


def _check(arguments: argparse.Namespace) -> int:
    try:
        asking = stale(read_message(arguments.flattened), Context(now=time.time()))
    except MailauthError as error:
        raise MailauthError(f"--flattened {shown(arguments.flattened)}: {error}") from None
    found = drive(asking, chosen_resolver(arguments), seconds=_SECONDS)
    _print(found, arguments)
    if found.refused:
        return EX_TEMPFAIL if found.refused is Refusal.DNS else EX_FAILED
    return 0 if found.published else EX_FAILED
