"""Flatten the SPF record of a domain into a file, and check later whether the flattened record is stale."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from mailauth import files
from mailauth.cli.resolver import chosen_resolver
from mailauth.cli.streams import read_message, write_out
from mailauth.cli.verify import EX_FAILED, EX_TEMPFAIL
from mailauth.context import Context
from mailauth.dns import run as drive
from mailauth.errors import MailauthError, UsageError
from mailauth.posture.flatten import Flattened, Refusal, flatten, read, render, stale
from mailauth.text import shown

_SECONDS = 120


def run(arguments: argparse.Namespace) -> int:
    """Write a flattened record, or check one. Exit status: 0 done, or not stale; 1 refused, or stale; 75 no answer."""
    if arguments.flattened is not None:
        if arguments.names or arguments.flatten is not None:
            raise UsageError("--flattened takes the domain from the file; give neither NAME nor --flatten")
        return _check(arguments)
    if len(arguments.names) != 1:
        raise UsageError("--flatten is for one domain")
    return _flatten(arguments, arguments.names[0])


def _flatten(arguments: argparse.Namespace, name: str) -> int:
    path = Path(arguments.flatten)
    old = _old(path)
    # What is published now may be flattened already: the file has the original
    asking = flatten(name, Context(now=time.time()), record=None if old is None else old.original, keep=arguments.keep)
    found = drive(asking, chosen_resolver(arguments), seconds=_SECONDS)
    if old is not None and old.domain != found.domain:
        raise UsageError(f"{arguments.flatten} is of {old.domain}: give another file for {found.domain}")
    write_out(render(found))
    if found.refused:
        return EX_TEMPFAIL if found.refused is Refusal.DNS else EX_FAILED
    try:
        files.replace(path, (json.dumps(found.to_dict(), indent=1) + "\n").encode())
    except OSError as error:
        raise MailauthError(f"cannot write {arguments.flatten}: {error.strerror}") from None
    return 0


def _old(path: Path) -> Flattened | None:
    """Return what the file has, None if there is no file or nothing in it; another file is not replaced."""
    try:
        octets = read_message(str(path)) if path.exists() else b""
        return read(octets) if octets else None
    except MailauthError as error:
        raise MailauthError(f"--flatten {shown(str(path))}: {error}") from None


def _check(arguments: argparse.Namespace) -> int:
    try:
        asking = stale(read_message(arguments.flattened), Context(now=time.time()))
    except MailauthError as error:
        raise MailauthError(f"--flattened {shown(arguments.flattened)}: {error}") from None
    found = drive(asking, chosen_resolver(arguments), seconds=_SECONDS)
    write_out(json.dumps(found.to_dict()) + "\n" if arguments.json or arguments.jsonl else render(found))
    if found.refused:
        return EX_TEMPFAIL if found.refused is Refusal.DNS else EX_FAILED
    return 0 if found.published else EX_FAILED
