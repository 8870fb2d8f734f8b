"""The report for a person: a short table, through rich where it is installed.

Everything shown is data of strangers: controls and what reorders text never reach the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailauth.authenticate import Authentication
from mailauth.connection import Connection
from mailauth.explain.story import Story
from mailauth.explain.text import as_text, safe

if TYPE_CHECKING:
    from mailauth.reference import Opinion

_HEADINGS = ("check", "result", "domain", "why")
_STYLES = {
    "pass": "green",
    "fail": "red",
    "softfail": "yellow",
    "policy": "yellow",
    "permerror": "red",
    "temperror": "magenta",
}


def rows(authentication: Authentication) -> list[tuple[str, str, str, str]]:
    """Return the lines of the table: check, result, domain, why."""
    lines: list[tuple[str, str, str, str]] = []
    if (spf := authentication.spf) is not None:
        lines.append(("spf", spf.result, spf.domain or "", spf.detail))
    if (helo := authentication.helo_spf) is not None:
        lines.append(("spf helo", helo.result, helo.domain or "", helo.detail))
    lines += [("dkim", d.result, d.domain or "", d.detail) for d in authentication.dkim]
    if not authentication.dkim:
        lines.append(("dkim", "none", "", "the message has no DKIM-Signature"))
    if (arc := authentication.arc) is not None:
        lines.append(("arc", arc.result, arc.sealers[-1] if arc.sealers else "", arc.detail))
    if (dmarc := authentication.dmarc) is not None:
        lines.append(("dmarc", dmarc.result, dmarc.author_domain or "", dmarc.detail))
    if (iprev := authentication.iprev) is not None:
        lines.append(("iprev", iprev.result, iprev.name or "", iprev.detail))
    return [(check, result, safe(domain), safe(why)) for check, result, domain, why in lines]


def notes(authentication: Authentication) -> list[str]:
    """Return the lines below the table."""
    lines = [_connection_note(authentication.connection)]
    if (dmarc := authentication.dmarc) is not None:
        policy = f" (policy of {dmarc.policy_domain}: {dmarc.policy})" if dmarc.policy else ""
        lines.append(f"advice: {dmarc.disposition}{policy}")
    if authentication.forged:
        positions = ", ".join(map(str, authentication.forged))
        lines.append(f"forged Authentication-Results in our name, to be removed: field {positions}")
    if authentication.normalised:
        lines.append("the file has bare LF line ends; it was verified with CRLF")
    return [safe(line) for line in lines]


def _connection_note(connection: Connection) -> str:
    if connection.source == "none":
        return "connection: not known (no --ip, and no Received field names a client): SPF cannot be checked"
    source = "taken from the Received fields of the message" if connection.source == "received" else "as given"
    sender = "<>" if connection.mail_from == "" else connection.mail_from
    return f"connection: {connection.ip} helo={connection.helo} mail-from={sender}, {source}"


def print_report(authentication: Authentication, name: str) -> None:
    """Print the table of one message."""
    table = rows(authentication)
    try:
        from rich.console import Console  # noqa: PLC0415  an extra
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415
    except ImportError:
        widths = [max(map(len, column)) for column in zip(_HEADINGS, *table, strict=True)][:3]
        print(safe(name))
        for line in table:
            print("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]))
        print(*notes(authentication), sep="\n")
        return
    console = Console(highlight=False, emoji=False)
    shown = Table(title=Text(safe(name)), title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in _HEADINGS:
        shown.add_column(heading, no_wrap=heading in {"check", "result"}, overflow="fold")
    for check, result, domain, why in table:
        shown.add_row(check, Text(result, style=_STYLES.get(result, "")), Text(domain), Text(why))
    console.print(shown)
    for note in notes(authentication):
        console.print(Text(note), soft_wrap=True)


def print_opinions(opinions: tuple[Opinion, ...] | None) -> None:
    """Print what the independent engines say; nothing when they were not asked."""
    if opinions is None:
        return
    print("second opinion:")
    for opinion in opinions:
        if opinion.theirs is None:
            words = f"not asked: {opinion.explanation}"
        elif opinion.agrees:
            words = f"agrees: {opinion.theirs}"
        else:
            why = opinion.explanation or "not understood; please report it"
            words = f"says {opinion.theirs}, mailauth says {opinion.ours}: {why}"
        print(safe(f"  {opinion.engine} on {opinion.check} {words}"))


def print_story(story: Story, name: str, *, dns: bool) -> None:
    """Print the story of one message; the result words in colour on a terminal."""
    text = as_text(story, dns=dns)
    try:
        from rich.console import Console  # noqa: PLC0415  an extra
        from rich.text import Text  # noqa: PLC0415
    except ImportError:
        print(safe(name), text, sep="\n")
        return
    console = Console(highlight=False, emoji=False)
    console.print(Text(safe(name), style="bold"))
    shown = Text(text)
    for word, style in _STYLES.items():
        shown.highlight_regex(rf"(?m)(?<=: ){word}$", style)
    console.print(shown, soft_wrap=True)
