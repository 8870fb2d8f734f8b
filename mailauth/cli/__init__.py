"""The command line: `mailauth verify`, `explain`, `evidence`, `bulk`, `domain`, `report`, `dns`, `milter` and `smtpd`.

Results go to standard output, diagnostics to standard error. Exit status: 0 success; 1 a required check did not pass; 2
a usage error, or something could not be done; 75 a temporary DNS failure of a required check.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, datetime
from importlib import import_module
from typing import Any, NoReturn

from mailauth import moments
from mailauth._version import __version__
from mailauth.cli.streams import EX_USAGE, ReaderGoneError, prepared, report_bug, report_error, write_out
from mailauth.errors import MailauthError, UsageError
from mailauth.limits import ALL_CHECKS
from mailauth.text import shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    with prepared():
        try:
            status = _run(_parser().parse_args(argv))
        except ReaderGoneError:
            return 0
        except MailauthError as error:
            return report_error(str(error))
        except MemoryError:
            return report_error("out of memory")
        except Exception:  # noqa: BLE001  Python would exit 1, which says that a check did not pass
            return report_bug()
        return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        report_error(f"{message} (see {self.prog} --help)", self.prog)
        self.exit(EX_USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ARG002  help and version; see error
        write_out(message)


def _run(arguments: argparse.Namespace) -> int:
    """Run the command that was given; the others are not loaded."""
    command = import_module(f"mailauth.cli.{arguments.command}")
    status: int = command.run(arguments)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="mailauth", description="Who really sent this message? SPF, DKIM, ARC, DMARC.")
    parser.add_argument("--version", action="version", version=f"mailauth {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")

    about = "Verify messages: SPF, every DKIM signature, ARC, DMARC and the reverse name, each with its reason."
    command = commands.add_parser("verify", help="verify messages and print the verdicts", description=about)
    _add_message_options(command)
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON: one object, for one message")
    form.add_argument("--jsonl", action="store_true", help="JSON Lines: one object per message")
    form.add_argument("--headers", action="store_true", help="print the header fields to add, for one message")
    command.add_argument(
        "--require",
        type=_checks,
        metavar="CHECKS",
        default=(),
        help="exit 1 unless all of these checks pass, e.g. spf,dmarc",
    )
    command.add_argument(
        "--accept-guess",
        action="store_true",
        help="let --require accept what rests on a client or time of receipt that is a guess",
    )
    command.add_argument("--second-opinion", action="store_true", help="also ask dkimpy, pyspf, authres, publicsuffix2")

    about = "Explain each verdict: the path of the message, each check with its rule, and what would have to change."
    command = commands.add_parser("explain", help="explain the verdicts", description=about)
    _add_message_options(command)
    command.add_argument(
        "--html", type=_file, metavar="FILE", help="also write the explanation as one self-contained page"
    )
    command.add_argument("--questions", action="store_true", help="also print every DNS question with its answer")

    about = "Write what others need to repeat a verdict into a folder, or repeat it from such a folder without DNS."
    command = commands.add_parser("evidence", help="keep the evidence for a verdict, and check it", description=about)
    command.add_argument("message", nargs="?", metavar="MESSAGE", help="a file, or - for standard input")
    action = command.add_mutually_exclusive_group(required=True)
    action.add_argument("--out", type=_file, metavar="DIR", help="write the evidence into this new folder")
    action.add_argument("--check", type=_file, metavar="DIR", help="verify again from this folder, and compare")
    _add_connection(command)
    _add_evaluation(command)
    _add_keys(command)

    about = "Verify many messages, and write a row for each: JSON Lines, Parquet or a table."
    command = commands.add_parser("bulk", help="verify folders, mailboxes and archives", description=about)
    _add_sources(command)
    _add_out(command)
    command.add_argument("--full", action="store_true", help="JSON Lines: write the whole verdicts too")
    command.add_argument(
        "--resume", action="store_true", help="go on with the run that wrote FILE, and try again what failed"
    )
    command.add_argument("--jobs", type=_number, metavar="N", help="processes (default: one for each core)")
    command.add_argument(
        "--summary",
        type=_page,
        nargs="?",
        const=".html",
        metavar="FILE.html",
        help="print the counts by author domain at the end, or write them as one page",
    )
    _add_client(command.add_argument_group("connection", "It is read from the Received fields."))
    _add_evaluation(command)
    _add_keys(command)

    about = "Say how safe domains are against impostors: what they publish, what is wrong with it, and what to publish."
    command = commands.add_parser("domain", help="say how safe domains are against impostors", description=about)
    command.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a domain name, @FILE with a name on each line, or - for standard input",
    )
    command.add_argument(
        "--selector", action="append", metavar="S", default=[], help="a DKIM selector that the domains use"
    )
    command.add_argument(
        "--learn",
        action="append",
        metavar="SOURCE",
        default=[],
        help="learn DKIM selectors from saved mail: a file, folder, mailbox or archive, as for bulk",
    )
    command.add_argument(
        "--sends", choices=("yes", "no"), help="whether the domains send mail (default: what their records say)"
    )
    command.add_argument(
        "--no-fetch",
        action="store_true",
        help="ask DNS only: do not fetch the policies of MTA-STS, logos and mark certificates",
    )
    command.add_argument(
        "--smtp", action="store_true", help="also connect to the mail exchangers, and look at their TLS"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON: one object, for one domain")
    form.add_argument("--jsonl", action="store_true", help="JSON Lines: one object per domain")
    command.add_argument("--html", type=_file, metavar="FILE", help="also write the report as one self-contained page")
    spf = command.add_argument_group("SPF flattening", "In place of the report.")
    spf.add_argument(
        "--flatten", type=_file, metavar="FILE", help="print the SPF record written with addresses, and keep it in FILE"
    )
    spf.add_argument(
        "--keep", action="append", metavar="NAME", default=[], help="a domain whose include is kept as it is"
    )
    spf.add_argument("--flattened", type=_file, metavar="FILE", help="check whether the record in FILE is stale")
    _add_resolver(command)

    _add_report(commands)

    about = "Judge the mail of Postfix or Sendmail: authenticate it, have filters and the policy decide, and say so."
    command = commands.add_parser("milter", help="judge the mail of a mail server, as a milter", description=about)
    command.add_argument("--config", type=_file, required=True, metavar="FILE", help="the configuration, in TOML")
    command.add_argument("--check", action="store_true", help="only say whether the configuration can be used")

    about = "Run an SMTP server for trials, which judges each message as the milter does and prints the decision."
    command = commands.add_parser("smtpd", help="judge mail over SMTP, for trials", description=about)
    command.add_argument("--config", type=_file, metavar="FILE", help="the configuration, in TOML")
    command.add_argument(
        "--listen",
        type=_host_and_port,
        default=("127.0.0.1", 8025),
        metavar="HOST:PORT",
        help="where to listen (default: 127.0.0.1:8025)",
    )
    command.add_argument("--maildir", type=_file, metavar="DIR", help="keep what is accepted in this Maildir")
    command.add_argument("--proxy", action="store_true", help="expect the PROXY protocol, and believe it")

    about = "Print what the chosen resolver answers to questions about one name."
    command = commands.add_parser("dns", help="print the answers to DNS questions", description=about)
    command.add_argument("name", metavar="NAME", help="the domain name to ask about")
    command.add_argument("types", nargs="+", metavar="TYPE", help="record type: TXT, A, AAAA, MX, PTR, …")
    command.add_argument("--json", action="store_true", help="JSON: one list of questions with their answers")
    _add_resolver(command)
    return parser


def _add_report(commands: Any) -> None:
    about = "Send the DMARC reports that are due; read the reports that a domain gets, and show what they say."
    report = commands.add_parser("report", help="send, read and show reports", description=about)
    actions = report.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")

    about = "Send the aggregate reports that are due, about what the milter counted. Run it every hour or so."
    action = actions.add_parser("send", help="send the reports that are due", description=about)
    action.add_argument("--config", type=_file, required=True, metavar="FILE", help="the configuration, in TOML")
    action.add_argument("--dry-run", action="store_true", help="only say what is due, and to whom it would go")
    action.add_argument("--out", type=_file, metavar="DIR", help="write the mails into this folder in place of sending")

    about = "Read reports from files, mailboxes and archives, and write a row for each of their records."
    action = actions.add_parser("read", help="read reports into a table", description=about)
    _add_sources(action)
    action.add_argument(
        "--kind",
        choices=("aggregate", "failure", "tls"),
        default="aggregate",
        help="the reports that are written; the others are only counted (default: aggregate)",
    )
    _add_out(action)
    action.add_argument(
        "--move",
        type=_file,
        metavar="FOLDER",
        help="IMAP: move messages into this folder when FILE has all of their reports",
    )

    about = "Summarise aggregate reports: who sends as a domain, what is aligned, what receivers did."
    action = actions.add_parser("show", help="summarise aggregate reports", description=about)
    _add_sources(action)
    action.add_argument("--domain", metavar="D", help="count only mail from this domain and those below it")
    action.add_argument("--since", type=_date, metavar="DATE", help="count only reports of this day (UTC) or later")
    action.add_argument("--until", type=_date, metavar="DATE", help="count only reports of this day (UTC) or earlier")
    action.add_argument("--json", action="store_true", help="JSON: one object")
    action.add_argument("--html", type=_file, metavar="FILE", help="also write the summary as one self-contained page")


def _add_sources(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="a file, folder, Maildir, mbox, archive, imaps:// URL, or -"
    )


def _add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=_table,
        default="-",
        metavar="FILE",
        help="where to write: FILE.jsonl, FILE.parquet, FILE.txt, or - for a table on standard output (the default)",
    )


def _add_message_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("messages", nargs="+", metavar="MESSAGE", help="a file, or - for standard input")
    _add_connection(command)
    _add_evaluation(command)
    _add_keys(command)
    command.add_argument(
        "--bimi", action="store_true", help="also fetch and check the logo of the sender; with --dns, from FILE alone"
    )
    command.add_argument(
        "--record", type=_file, metavar="FILE", help="write the DNS answers, and pages, to FILE, for use with --dns"
    )


def _add_connection(command: argparse.ArgumentParser) -> None:
    smtp = command.add_argument_group("connection", "Without --ip it is read from the Received fields.")
    smtp.add_argument("--ip", help="IP address of the SMTP client")
    smtp.add_argument("--helo", metavar="NAME", help="the name that the client gave in HELO or EHLO")
    smtp.add_argument("--mail-from", metavar="ADDR", help="the reverse-path of MAIL FROM; '' or '<>' is the null one")
    _add_client(smtp)


def _add_client(group: Any) -> None:
    group.add_argument(
        "--client",
        type=_client,
        metavar="auto|none|received:N",
        default="auto",
        help="find the client, leave it open, or take that of the Nth Received field, 1 at the top",
    )
    group.add_argument(
        "--trust",
        action="append",
        metavar="NAME|NETWORK",
        help="a server or network inside, such as a relay or backup MX, whose Received fields are passed over",
    )


def _add_evaluation(command: argparse.ArgumentParser) -> None:
    _add_resolver(command)
    command.add_argument(
        "--now",
        type=_time,
        metavar="TIME",
        help="time of receipt: ISO 8601 or POSIX seconds (default: that of the --dns file, or the present)",
    )
    command.add_argument("--authserv-id", metavar="ID", help="authserv-id to use (default: this host's name)")
    modes = ("rfc9989", "rfc7489")
    command.add_argument(
        "--mode", choices=modes, default=modes[0], help="DMARC: by DNS tree walk or by public suffix list"
    )


def _add_keys(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--keys",
        action="append",
        type=_file,
        metavar="FILE",
        default=[],
        help="old DKIM keys, which you vouch for; see the manual",
    )


def _add_resolver(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--dns", type=_file, metavar="FILE", help="take DNS answers from a zone file (JSON or master file)"
    )
    source.add_argument("--nameserver", metavar="IP", help="ask this nameserver instead of the system's resolver")


def _client(text: str) -> str | int:
    """Return "auto", "none", or how many Received fields are passed over."""
    word, colon, number = text.partition(":")
    if word == "received" and number.isascii() and number.isdigit() and len(number) < 4 and int(number):
        return int(number) - 1
    if colon or word not in {"auto", "none"}:
        raise argparse.ArgumentTypeError(f"{text!a} is not auto, none or received:N, with N from 1")
    return word


def _time(text: str) -> datetime:
    try:
        return moments.from_text(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a date, such as 2026-11-21") from None


def _file(text: str) -> str:
    if text in ("", "-") or "\0" in text:
        msg = "give the name of a file" + ("; write ./- for a file named -" if text else "")
        raise argparse.ArgumentTypeError(msg)
    return text


def _table(text: str) -> str:
    if text != "-" and not _file(text).endswith((".jsonl", ".parquet", ".txt")):
        raise argparse.ArgumentTypeError(f"{text!a} does not end in .jsonl, .parquet or .txt, and is not -")
    return text


def _page(text: str) -> str:
    if not _file(text).endswith(".html"):
        # Most likely a source that comes after the option
        raise argparse.ArgumentTypeError(f"{text!a} does not end in .html; --summary without a file goes last")
    return text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text)):
        raise argparse.ArgumentTypeError(f"{text!a} is not a number of processes, from 1")
    return int(text)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text!a} is not HOST:PORT, such as 127.0.0.1:8025")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _checks(text: str) -> tuple[str, ...]:
    checks = tuple(c.strip() for c in text.split(",") if c.strip())
    if unknown := set(checks) - ALL_CHECKS:
        problem = f"unknown: {', '.join(sorted(unknown))}; the checks are {', '.join(sorted(ALL_CHECKS))}"
        raise argparse.ArgumentTypeError(problem)
    return checks
