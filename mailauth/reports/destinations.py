"""Where reports go: the addresses of a record, and whether others agree to get them (RFC 9990 §4).

An evaluation: asks DNS by yielding questions. What a domain publishes about a report that somebody else gets is their
consent; whether they are somebody else is for the Organizational Domains to say. Knows no report and sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dmarc.discovery import OrganizationalDomain, same_organization, walk
from mailauth.dmarc.record import records_of, sized_uris
from mailauth.dns import gather
from mailauth.dns.values import Answer, Evaluation, Question, unanswered
from mailauth.errors import UsageError
from mailauth.text import one_line, shown

State: TypeAlias = Literal["authorized", "refused", "retry"]

MAX_DESTINATIONS = 10
"""How many URIs of a record count: each may cost a tree walk and one more question (RFC 9990 §3.5)."""

_RULE = "RFC 9990 §4"
_MAILTO = "mailto"
_MAX_LOCAL = 64  # RFC 5321 §4.5.3.1.1
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# RFC 6068 §2, as far as a field of a message and SMTP hold it without quoting
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


class Destination(NamedTuple):
    """One URI of rua= or ruf=.

    `address` is where mail goes, with the domain as A-labels, "" if the URI names none; `host` the domain that gets the
    reports, "" if it cannot be told; `max_bytes` the size of a message that the Domain Owner wants at most
    (RFC 7489 §6.2), None without a limit.
    """

    uri: str
    address: str
    host: str
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether a report goes to one URI.

    Attributes:
        destination: the URI, as the record names it.
        state: "authorized"; "refused", and the URI is to be ignored; "retry", as DNS did not answer: ask again later.
        detail: why, in one line.
        external: whether its host belongs to another organization; None if that is not known.
        recipients: where to send, if it is authorized: the destination itself, or what its host published instead.
    """

    destination: Destination
    state: State
    detail: str
    external: bool | None = None
    recipients: tuple[Destination, ...] = ()


def parse(value: str) -> tuple[Destination, ...]:
    """Parse the value of rua= or ruf=; what is malformed is left out. Never raises for any text."""
    return tuple([_destination(uri, max_bytes) for uri, max_bytes in sized_uris(value)])


def address_of(text: str) -> str | None:
    """Return an address as it is written into mail, its domain as A-labels; None if it is not one of plain words."""
    local, at, domain = text.rpartition("@")
    name = names.to_ascii(domain)
    if not at or name is None or len(local) > _MAX_LOCAL or _LOCAL.fullmatch(local) is None:
        return None
    return f"{local}@{name}"


def _destination(uri: str, max_bytes: int | None) -> Destination:
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == _MAILTO:
        # RFC 6068 §2: the header fields that a link may ask for are not for reports
        address = address_of(unquote(rest.partition("?")[0])) or ""
        return Destination(uri, address, address.rpartition("@")[2], max_bytes)
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        host = ""
    return Destination(uri, "", names.to_ascii(host) or "", max_bytes)


def check(
    domain: str,
    uris: Iterable[str],
    context: Context | None = None,
    *,
    organizational_domain: OrganizationalDomain | None = None,
    tag: Literal["rua", "ruf"] = "rua",
) -> Evaluation[tuple[Permission, ...]]:
    """Find out where the reports about a domain may go. Never raises for any URI or DNS answer.

    Args:
        domain: the Policy Domain, where the record was found.
        uris: those of its rua= or ruf=, with their size limits. Malformed and repeated ones are left out, and all after
            the first ten.
        context: takes the uses of answers.
        organizational_domain: None for the tree walk; `SuffixList.organizational_domain` for RFC 7489.
        tag: which of the two, as a host may publish other addresses for each.

    Returns:
        A permission for each URI, in order. Two may name the same recipient: send one message.

    Raises:
        UsageError: if `domain` is not a domain name.
    """
    context, home = context_of(context), names.to_ascii(domain)
    if home is None:
        msg = f"{shown(domain)} is not a domain name: give the Policy Domain, such as 'example.com'"
        raise UsageError(msg)
    published = islice(dict.fromkeys(sized_uris(",".join(uris))), MAX_DESTINATIONS)
    destinations = [_destination(uri, max_bytes) for uri, max_bytes in published]
    hosts = dict.fromkeys(each.host for each in destinations if each.address)
    inside = yield from _inside(home, [*hosts], context, organizational_domain)
    # RFC 9990 §4 steps 1 to 5
    questions = {host: Question(f"{home}._report._dmarc.{host}", "TXT") for host in hosts if not inside[host]}
    asked = {host: question for host, question in questions.items() if names.queryable(question.name)}
    for host, question in asked.items():
        context.used(question, "dmarc", f"reports about {home} to {host}", _RULE)
    answers = dict(zip(asked, (yield tuple(asked.values())) if asked else (), strict=True))
    return tuple(
        [
            _permission(each, home, asked.get(each.host), answers.get(each.host), tag, inside=inside.get(each.host))
            for each in destinations
        ]
    )


def _inside(
    home: str, hosts: list[str], context: Context, organizational_domain: OrganizationalDomain | None
) -> Evaluation[dict[str, bool | None]]:
    """Say of each host whether it belongs to the organization of a domain; None where DNS leaves it open."""
    if organizational_domain is not None:
        organization = organizational_domain(home)
        return {host: organizational_domain(host) == organization for host in hosts}
    others = [host for host in hosts if host != home]
    walks = (yield from gather(*(walk(name) for name in (home, *others)))) if others else ()
    for each in walks:
        context.noted.extend(each.uses)
    return {
        home: True,
        **{host: same_organization(walks[0], each) for host, each in zip(others, walks[1:], strict=True)},
    }


def _permission(
    destination: Destination,
    home: str,
    question: Question | None,
    answer: Answer | None,
    tag: str,
    *,
    inside: bool | None,
) -> Permission:
    """Judge one URI, by what DNS says of its host; neither question nor answer: it was not asked."""
    host = destination.host
    permission = partial(Permission, destination=destination, external=None if inside is None else not inside)
    # Without knowledge that it is external, its refusal decides nothing
    refusal: State = "retry" if inside is None else "refused"
    if not destination.address:
        mailto = destination.uri.lower().startswith(f"{_MAILTO}:")
        why = "the address is not one of plain words" if mailto else "only mailto: is supported"
        return permission(state="refused", detail=why)
    if inside:
        why = f"{host} belongs to the organization of {home}"
        return permission(state="authorized", detail=why, recipients=(destination,))
    if question is None or answer is None:
        return permission(state=refusal, detail=f"{host} cannot agree: the name would be too long for DNS")
    if problem := unanswered(question, answer):
        return permission(state="retry", detail=problem.detail)
    # RFC 9990 §4 steps 6 to 9
    records = answer.parsed(records_of)
    if not records:
        why = f"{host} has not agreed: there is no record at {question.name}"
        return permission(state=refusal, detail=why)
    values = [value for record in records for name, value in record.published if name == tag and getattr(record, tag)]
    instead = [*dict.fromkeys(each for value in values for each in parse(value))]
    # RFC 9990 §4: neither the original nor the other
    if stranger := next((each for each in instead if each.host != host), None):
        why = one_line(f"{host} names an address of another host instead: {stranger.uri}")
        return permission(state="refused", detail=why)
    recipients = tuple(each for each in instead if each.address)[:MAX_DESTINATIONS] if instead else (destination,)
    if not recipients:
        return permission(state="refused", detail=f"{host} names no address instead")
    why = f"{host} agrees at {question.name}" + (f", and names {len(recipients)} instead" if instead else "")
    return permission(state="authorized", detail=why, recipients=recipients)
