"""The report for people: a short table. On a terminal rich fits and colours it; elsewhere a row is one line.

Everything shown is untrusted data: control characters and characters that reorder text never reach the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mailauth.authentication import Authentication
from mailauth.connection import Connection
from mailauth.results import Outcome
from mailauth.text import safe

if TYPE_CHECKING:
    from rich.console import Console

    from mailauth.opinions import Opinion
    from mailauth.saved import Saved

_MIN_WIDTH = 40  # columns; some terminals say 0
_HEADINGS = ("check", "result", "domain", "why")
STYLES = {
    "pass": "green",
    "fail": "red",
    "softfail": "yellow",
    "policy": "yellow",
    "permerror": "red",
    "temperror": "magenta",
    "skipped": "yellow",
}


def rows(authentication: Authentication) -> list[tuple[str, str, str, str]]:
    """Return the lines of the table: check, result, domain, why."""
    return [
        (outcome.check, outcome.result, safe(outcome.subject), safe(outcome.detail) + _guess(outcome, authentication))
        for outcome in authentication.outcomes
    ]


def _guess(outcome: Outcome, authentication: Authentication) -> str:
    guess = outcome.rests_on_client and authentication.connection.is_guess
    return " (client guessed)" if guess else ""


def notes(saved: Saved) -> list[str]:
    """Return the lines below the table."""
    authentication = saved.authentication
    lines = [_connection_note(authentication.connection), *saved.notes(evidence=False)]
    if (dmarc := authentication.dmarc) is not None:
        policy = f" (policy of {dmarc.policy_domain}: {dmarc.policy})" if dmarc.policy else ""
        lines.append(f"advice: {dmarc.disposition}{policy}")
    if authentication.forged:
        positions = ", ".join(map(str, authentication.forged))
        what = "Authentication-Results" if authentication.bimi is None else "fields"
        lines.append(f"forged {what} in our name, to be removed: field {positions}")
    if authentication.normalised:
        lines.append("the file has bare LF line ends; it was verified with CRLF")
    return [safe(line) for line in lines]


def _connection_note(connection: Connection) -> str:
    if connection.ip is None:
        return "connection: not known (no --ip, and no field of the message names a client for certain), so no SPF"
    source = {
        "received": "read from the Received fields of the message",
        "stated": "read from what the receiver wrote into the message",
    }.get(connection.source, "as given")
    sender = "<>" if connection.mail_from == "" else connection.mail_from
    return f"connection: {connection.ip} helo={connection.helo} mail-from={sender}, {source}"


def report(saved: Saved, name: str, opinions: tuple[Opinion, ...] | None = None, more: Iterable[str] = ()) -> str:
    """Return the report of one message: the table, the notes below it and more of them, the second opinion if any."""
    table = rows(saved.authentication)
    below = "".join(f"{line}\n" for line in (*notes(saved), *map(safe, more), *_opinion_lines(opinions)))
    console = terminal()
    return (_plain_table(name, table) if console is None else _rich_table(console, name, table)) + below


def _plain_table(name: str, table: list[tuple[str, str, str, str]]) -> str:
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *table, strict=True)][:3]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]).rstrip()
        for line in (_HEADINGS, *table)
    ]
    return "".join(f"{line}\n" for line in (safe(name), *lines))


def _rich_table(console: Console, name: str, table: list[tuple[str, str, str, str]]) -> str:
    from rich.table import Table  # noqa: PLC0415  an extra
    from rich.text import Text  # noqa: PLC0415

    shown = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        shown.add_column(heading, no_wrap=heading in {"check", "result"}, overflow="fold")
    for check, result, domain, why in table:
        shown.add_row(check, Text(result, style=STYLES.get(result, "")), Text(domain), Text(why))
    with console.capture() as capture:
        console.print(Text(safe(name), style="bold"), soft_wrap=True)
        console.print(shown)
    return capture.get()


def _opinion_lines(opinions: tuple[Opinion, ...] | None) -> Iterator[str]:
    if opinions is None:
        return
    yield "second opinion:"
    for opinion in opinions:
        if opinion.theirs is None:
            words = f"not asked: {opinion.explanation}"
        elif opinion.agrees:
            words = f"agrees: {opinion.theirs}"
        else:
            why = opinion.explanation or "unexplained; please report it"
            words = f"says {opinion.theirs}, mailauth says {opinion.ours}: {why}"
        yield safe(f"  {opinion.engine} on {opinion.check} {words}")


def terminal() -> Console | None:
    """Return rich's console where standard output is a terminal with room for a table, and rich is installed."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    try:
        from rich.console import Console  # noqa: PLC0415  an extra
    except ImportError:
        return None
    console = Console(highlight=False, emoji=False)
    return console if console.width >= _MIN_WIDTH else None
