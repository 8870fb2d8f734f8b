"""The command line: `mailauth verify`, `mailauth explain` and `mailauth dns`.

Data goes to standard output, talk to standard error. Exit status: 0 ran; 1 a required check did not pass; 2 wrong
usage or an unreadable file; 75 a temporary DNS failure where a check was required.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

from mailauth._version import __version__
from mailauth.errors import MailauthError
from mailauth.limits import CHECKS

EX_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # Octets of a stranger must not stop the report
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except MailauthError as error:
        return complain(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader has gone, as `head` does; nothing more can be said
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return complain(f"cannot read or write {error.filename}: {error.strerror}")
    return status


def complain(problem: str) -> int:
    """Say what is wrong in one line; the exit status for it."""
    print(f"mailauth: {problem}", file=sys.stderr)
    return EX_USAGE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EX_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    from mailauth.cli import dns, explain, verify  # noqa: PLC0415  they import this module

    parser = _Parser(prog="mailauth", description="Who really sent this message? SPF, DKIM, ARC, DMARC.")
    parser.add_argument("--version", action="version", version=f"mailauth {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser("verify", help="verify messages and print the verdicts", description=verify.__doc__)
    _add_message_options(command)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object (for one message)")
    form.add_argument("--jsonl", action="store_true", help="print one JSON object a line, a message each")
    form.add_argument("--headers", action="store_true", help="print the header fields to add")
    command.add_argument(
        "--require", type=_checks, metavar="CHECKS", default=(), help="exit 1 unless these checks pass: spf,dmarc…"
    )
    command.add_argument(
        "--second-opinion", action="store_true", help="ask dkimpy, pyspf, authres and publicsuffix2 as well"
    )
    command.set_defaults(run=verify.run)

    command = commands.add_parser("explain", help="tell the story of a verdict", description=explain.__doc__)
    _add_message_options(command)
    command.add_argument("--html", metavar="FILE", help="write one self-contained page (for one message)")
    command.add_argument("--questions", action="store_true", help="also show every DNS question and its answer")
    command.set_defaults(run=explain.run)

    command = commands.add_parser("dns", help="print what the resolver answers", description=dns.__doc__)
    command.add_argument("name", metavar="NAME")
    command.add_argument("types", nargs="+", metavar="TYPE", help="TXT, A, AAAA, MX, PTR, …")
    command.add_argument("--json", action="store_true", help="print JSON")
    _add_resolver(command)
    command.set_defaults(run=dns.run)
    return parser


def _add_message_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("messages", nargs="+", metavar="MESSAGE", help="a file, or - for standard input")
    smtp = command.add_argument_group("connection", "without --ip it is read from the Received fields")
    smtp.add_argument("--ip", help="address of the SMTP client")
    smtp.add_argument("--helo", metavar="NAME", help="what it said in HELO or EHLO")
    smtp.add_argument("--mail-from", metavar="ADDR", help="the reverse-path of MAIL FROM; '' or '<>' is the null path")
    _add_resolver(command)
    command.add_argument("--now", type=_time, metavar="TIME", help="time of receipt: ISO 8601 or POSIX seconds")
    command.add_argument("--authserv-id", metavar="ID", help="our name in Authentication-Results (this host's name)")
    modes = ("rfc9989", "rfc7489")
    command.add_argument("--mode", choices=modes, default=modes[0], help="DMARC: tree walk or public suffix list")
    command.add_argument("--record", metavar="FILE", help="write the DNS answers that were used, for --dns")


def _add_resolver(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group()
    source.add_argument("--dns", metavar="FILE", help="answer DNS questions from a zone file, JSON or master file")
    source.add_argument("--nameserver", metavar="IP", help="ask this server instead of the system's")


def _time(text: str) -> datetime:
    try:
        if text.lstrip("-").isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        problem = f"{text!r} is no time: give ISO 8601, such as 2026-11-21T12:00:00Z, or POSIX seconds"
        raise argparse.ArgumentTypeError(problem) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _checks(text: str) -> tuple[str, ...]:
    checks = tuple(c.strip() for c in text.split(",") if c.strip())
    if unknown := set(checks) - CHECKS:
        problem = f"no check is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(CHECKS))}"
        raise argparse.ArgumentTypeError(problem)
    return checks
