"""Write the evidence for a verdict into a folder, or verify again from such a folder and say what differs."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

from mailauth.cli.render import report
from mailauth.cli.resolver import chosen_resolver
from mailauth.cli.streams import EX_FAILED, EX_USAGE, UnreadableError, input_name, read_message, write_out
from mailauth.cli.verify import how_of
from mailauth.errors import MailauthError, UsageError
from mailauth.resolvers.chosen import key_files
from mailauth.saved import bundle
from mailauth.saved.evidence import Checked, check, collect
from mailauth.saved.keys import notes as key_notes
from mailauth.text import safe

_FEW = 20  # outcomes


def run(arguments: argparse.Namespace) -> int:
    """Write or check a folder. Exit status of a check: 0 the same, 1 something differs, 2 it cannot be used."""
    if arguments.check is not None:
        if arguments.message is not None or arguments.dns or arguments.nameserver or arguments.keys:
            msg = "--check takes everything from the folder; give neither MESSAGE nor --dns, --nameserver, --keys"
            raise UsageError(msg)
        return _check(arguments.check)
    if arguments.message is None:
        msg = "give the message that the evidence is for"
        raise UsageError(msg)
    target = bundle.check_target(arguments.out)
    resolver, files = chosen_resolver(arguments), key_files(arguments.keys)
    try:
        raw = read_message(arguments.message)
    except UnreadableError as error:
        msg = f"cannot read {input_name(arguments.message)}: {error}"
        raise MailauthError(msg) from None
    found = collect(raw, resolver, how_of(arguments, resolver), files, _asked(arguments))
    bundle.write(target, found.files)
    write_out(report(found.saved, arguments.message, None, key_notes(found.saved, files)))
    digest = hashlib.sha256(bundle.sums(found.files)).hexdigest()
    write_out(f"written: {safe(arguments.out)}, whose {bundle.SUMS} has the SHA-256 sum {digest}\n")
    return 0


def _asked(arguments: argparse.Namespace) -> str:
    """Return where the answers are from, in words."""
    if arguments.dns is not None:
        return f"the file {Path(arguments.dns).name}, not DNS itself"
    return "the nameservers of the system" if arguments.nameserver is None else f"the nameserver {arguments.nameserver}"


def _check(path: str) -> int:
    found = check(path)
    write_out("".join(f"{safe(line)}\n" for line in _lines(path, found)))
    return 0 if found.is_same else EX_FAILED if found.is_usable else EX_USAGE


def _lines(path: str, found: Checked) -> Iterator[str]:
    verdict = "cannot be used" if not found.is_usable else "the same" if found.is_same else "differs"
    yield f"{path}: {verdict}"
    yield from (f"cannot be used: {each}" for each in found.unusable)
    yield from (f"differs: {each}" for each in found.differs)
    for each in found.verdict:
        kind = "words, or new" if each.words else "differs"
        yield f"{kind}: {each.path}: was {each.was}, is {each.now}"
    yield from (f"note: {each}" for each in found.remarks)
    if found.saved is not None:
        outcomes = found.saved.authentication.outcomes
        shown = [f"{each.check} {each.result}" + (f" ({each.subject})" if each.subject else "") for each in outcomes]
        yield f"verdict now: {', '.join(shown[:_FEW])}" + (" …" if len(shown) > _FEW else "")
