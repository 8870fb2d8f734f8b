"""One Received field: what a server wrote of the connection that it got a message through (RFC 5321 §4.4).

The field is read whole, and nothing in it is believed here: whether its writer can be trusted is asked in `border`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from mailauth.saved.clauses import Clause, Comment, TraceError, split
from mailauth.saved.forms import Address, client_of

_DATE_LENGTH = 80
# As whom web servers run: Debian, Fedora, SUSE, FreeBSD, Gentoo, Alpine, OpenBSD, macOS. What they submit, somebody
# wrote into a form or a script of a customer made, and none is a content filter
_WEB_SERVERS = frozenset({"33", "48", "30", "80", "81", "82", "67", "70"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """What one Received field says; each part is None where the field does not say it, or leaves it open.

    Attributes:
        name: the word after "from", whoever chose it; "" for a from clause without one, None without a clause.
        helo: what the client said in HELO or EHLO: never to be trusted.
        reverse: the name that the server found for the address of the client, without final dot.
        confirmed: the server is one that compares the addresses of that name with that of the client, and they match.
        ip: the address that the server saw; never one that the client said.
        by: the name, or address, that the server has for itself.
        protocol: what follows "with", as written: "ESMTPS", "LMTP", "Microsoft SMTP Server".
        id: the server's own identifier of the message, without angle brackets.
        recipient: the address of the for clause, without angle brackets.
        mail_from: the reverse-path, where a comment gives the envelope sender, without angle brackets.
        date: when the server received the message.
        local: a user of the server, or its web server, handed it the message by a command, as the server writes in a
            comment; not one of its other services, such as a content filter.
        problem: why nothing was read, in words; None where the field was read.
    """

    name: str | None = None
    helo: str | None = None
    reverse: str | None = None
    confirmed: bool = False
    ip: Address | None = None
    by: str | None = None
    protocol: str | None = None
    id: str | None = None
    recipient: str | None = None
    mail_from: str | None = None
    date: datetime | None = None
    local: bool = False
    problem: str | None = None


def parse(value: bytes) -> Hop:
    """Read the body of one Received field, folded or not. Never raises for any octets."""
    try:
        clauses = split(value)
    except TraceError as error:
        return Hop(problem=str(error))
    client = client_of(clauses)
    return Hop(
        **client._asdict(),
        by=_first(clauses.get("by")),
        protocol=" ".join(clauses["with"].words) or None if "with" in clauses else None,
        id=bare(_first(clauses.get("id"))),
        recipient=bare(_first(clauses.get("for"))),
        mail_from=bare(_sender([c for clause in clauses.values() for c in clause.comments])),
        date=_date(" ".join(clauses[";"].words)),
        local=_is_local(clauses),
    )


def bare(path: str | None) -> str | None:
    """Return a path or identifier without its angle brackets."""
    return path[1:-1] if path and path[0] == "<" and path[-1] == ">" else path


def _first(clause: Clause | None) -> str | None:
    return clause.words[0] if clause and clause.words else None


def _sender(comments: list[Comment]) -> str | None:
    """Return the envelope sender, of the comment that Exim, qmail-ldap and others write."""
    keys = {"envelope-from", "envelope-sender"}
    return next((c.words[1].strip(",") for c in comments if len(c.words) > 1 and c.words[0].lower() in keys), None)


def _is_local(clauses: dict[str, Clause]) -> bool:
    """Whether a comment outside the from clause says so, as Postfix, qmail, nullmailer and Sendmail write it."""
    front = clauses[""].comments
    comments = [*front, *(clauses["by"].comments if "by" in clauses else [])]
    # (Postfix, from userid 1000), (qmail 1 invoked by uid 1000), (from anna@localhost)
    pairs = [pair for comment in comments for pair in pairwise(comment.words)]
    # Systems give people the numbers from 1000 on
    people = any(key in {"uid", "userid"} and (len(number) >= 4 or number in _WEB_SERVERS) for key, number in pairs)
    return people or any(comment.words[:1] == ("from",) for comment in front)


def _date(text: str) -> datetime | None:
    """Return the time of a date (RFC 5322 §3.3, and the obsolete forms of §4.3)."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  it loads sockets and more

    try:
        found = parsedate_to_datetime(text[:_DATE_LENGTH])
        # RFC 5322 §3.3: -0000 is a time in UTC, of a host that does not tell its zone
        if found.tzinfo is None and "-0000" in text:
            found = found.replace(tzinfo=UTC)
        found.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else None
