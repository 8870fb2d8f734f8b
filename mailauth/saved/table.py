"""One row for each saved message: its verdict as flat columns with stable names, for tables, data frames and SQL.

Knows how to make a row from a verdict and from plain data, and nothing of where rows are written to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from mailauth.dkim.outcome import DkimOutcome
from mailauth.message.fields import Message
from mailauth.results import Reason, Result
from mailauth.saved.sources.item import Item
from mailauth.saved.verdict import Saved
from mailauth.text import encodable

_DNS = (Reason.DNS_TIMEOUT, Reason.DNS_FAILURE)
_MESSAGE_ID = 998  # characters: RFC 5322 §2.1.1, the longest line


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was found of one saved message, or why nothing was. `source` and `origin` together identify it.

    The columns, in this order; all but the first two may be missing (None). A list is empty where there is nothing.

    Attributes:
        source: the source as it was given, such as "mail/inbox.mbox".
        origin: the place within the source, such as "inbox.mbox#17"; see `sources.Item`.
        problem: why there is no verdict, for people; None where there is one.
        sha256: SHA-256 of the octets as they are stored, in hexadecimal.
        size: number of these octets.
        message_id: the Message-ID field, without surrounding white space; None unless there is exactly one.
        damage: codes of what was put right in the file; see `Damage`.
        received_at: the time of receipt that was used, from the border; None where the present was used.
        client_ip: address of the SMTP client.
        client_source: where the client is from: "argument", "received", "stated" or "none".
        client_is_guess: whether the client was read from the message; SPF and iprev then are a guess too.
        client_problem: why the client is not known, for people.
        helo: what the client said in HELO or EHLO.
        mail_from: the reverse-path; "" is the null reverse-path.
        spf_result: SPF of MAIL FROM, a word of RFC 8601.
        spf_reason: what decided it; see `Reason`.
        spf_domain: the domain that was checked.
        helo_spf_result: SPF of the HELO name, for the domain `helo`.
        dkim_signatures: number of signatures that were checked.
        dkim_passes: number of those that pass.
        dkim_pass_domains: the d= of those that pass, each once.
        dkim_domains: the d= of each signature, from the top; "" if it is not a domain name.
        dkim_results: the result of each, in the same order.
        dkim_reasons: what decided each, in the same order.
        arc_result: the ARC chain.
        arc_reason: what decided it.
        arc_sealers: the d= of each seal, the oldest first.
        dmarc_result: DMARC.
        dmarc_reason: what decided it.
        author_domain: the domain of the From field; None if there is not exactly one.
        dmarc_policy_domain: the domain whose record applies.
        dmarc_policy: the policy that applies: "none", "quarantine" or "reject".
        dmarc_disposition: the advice: "accept", "quarantine", "reject" or "defer".
        dmarc_aligned: what passed and is aligned with the author domain: "dkim", "spf".
        iprev_result: the reverse name of the client.
        iprev_name: that name.
        forged: number of Authentication-Results fields that claim to be those of the authserv-id.
        old_keys: the files of old keys from which signatures fit a key that DNS does not have.
    """

    source: str
    origin: str
    problem: str | None = None
    sha256: str | None = None
    size: int | None = None
    message_id: str | None = None
    damage: tuple[str, ...] = ()
    received_at: datetime | None = None
    client_ip: str | None = None
    client_source: str | None = None
    client_is_guess: bool | None = None
    client_problem: str | None = None
    helo: str | None = None
    mail_from: str | None = None
    spf_result: str | None = None
    spf_reason: str | None = None
    spf_domain: str | None = None
    helo_spf_result: str | None = None
    dkim_signatures: int | None = None
    dkim_passes: int | None = None
    dkim_pass_domains: tuple[str, ...] = ()
    dkim_domains: tuple[str, ...] = ()
    dkim_results: tuple[str, ...] = ()
    dkim_reasons: tuple[str, ...] = ()
    arc_result: str | None = None
    arc_reason: str | None = None
    arc_sealers: tuple[str, ...] = ()
    dmarc_result: str | None = None
    dmarc_reason: str | None = None
    author_domain: str | None = None
    dmarc_policy_domain: str | None = None
    dmarc_policy: str | None = None
    dmarc_disposition: str | None = None
    dmarc_aligned: tuple[str, ...] = ()
    iprev_result: str | None = None
    iprev_name: str | None = None
    forged: int | None = None
    old_keys: tuple[str, ...] = ()
    # Not a column: the whole verdict as plain data, where it was asked for
    details: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def is_temporary(self) -> bool:
        """Whether another try may give another row: there is a problem, or DNS failed for a result."""
        results = (self.spf_result, self.helo_spf_result, *self.dkim_results, self.dmarc_result, self.iprev_result)
        # RFC 8617 has no temporary result
        return self.problem is not None or Result.TEMPERROR in results or self.arc_reason in _DNS

    def to_dict(self) -> dict[str, Any]:
        """Return the columns as plain data for JSON, and the keys of `details` after them."""
        return {**as_plain(self, COLUMNS), **(self.details or {})}

    @classmethod
    def from_dict(cls, plain: Any) -> Row:
        """Return the row of what `to_dict` returned, without its details. Other keys are ignored.

        Raises:
            ValueError: for anything else.
        """
        if not isinstance(plain, dict) or not COLUMNS.keys() <= plain.keys():
            raise ValueError("not a row: it does not have every column")
        return cls(**{name: _parsed(name, kind, plain[name]) for name, kind in COLUMNS.items()})


def columns_of(kind: type) -> dict[str, type]:
    """Return the columns of a table by name, in their order: each is a str, int, bool, datetime or list of str.

    Args:
        kind: the dataclass of its rows, with a field for each column; "details" is not a column.
    """
    return {each.name: _kind(str(each.type)) for each in fields(kind) if each.name != "details"}


def nullable(kind: type) -> set[str]:
    """Return the names of the columns that may be missing (None)."""
    return {each.name for each in fields(kind) if "None" in str(each.type)}


def as_plain(row: object, columns: Iterable[str]) -> dict[str, Any]:
    """Return the columns of a row as plain data for JSON."""
    found: dict[str, Any] = {}
    for name in columns:
        value = getattr(row, name)
        if isinstance(value, tuple):
            value = list(value)
        found[name] = value.isoformat() if isinstance(value, datetime) else value
    return found


def _kind(annotation: str) -> type:
    for name, kind in (("tuple", list), ("datetime", datetime), ("bool", bool), ("int", int)):
        if annotation.startswith(name):
            return kind
    return str


COLUMNS = columns_of(Row)
_NEEDED = ("source", "origin")


def _parsed(name: str, kind: type, value: Any) -> Any:
    if value is None and name not in _NEEDED and kind is not list:
        return None
    if kind is list:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
    elif kind is datetime and isinstance(value, str):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    elif type(value) is kind:
        return value
    raise ValueError(f"not a row: {name} is not of its type")


def without_verdict(source: str, item: Item, problem: str) -> Row:
    """Return the row of a message that has no verdict."""
    raw = item.raw
    size = None if raw is None else len(raw)
    return Row(source=source, origin=item.origin, problem=problem, sha256=item.sha256 or None, size=size)


def row_of(source: str, item: Item, saved: Saved, *, details: bool = False) -> Row:
    """Return the row of a verdict. Never raises for any message.

    Args:
        source: the source as it was given.
        item: the message as it was stored.
        saved: its verdict.
        details: whether the row has the whole verdict too.
    """
    found, border = saved.authentication, saved.border
    connection, spf, arc, dmarc = found.connection, found.spf, found.arc, found.dmarc
    passing = [_domain(each) for each in found.dkim if each.result is Result.PASS]
    return Row(
        source=source,
        origin=item.origin,
        sha256=item.sha256,
        size=len(item.raw or b""),
        message_id=_message_id(Message.parse(saved.raw, found.limits)),
        damage=tuple([each.code for each in saved.damage]),
        received_at=saved.received_at and saved.received_at.astimezone(UTC),
        client_ip=_text(connection, "ip"),
        client_source=connection.source,
        client_is_guess=connection.is_guess,
        client_problem=_text(border, "problem"),
        helo=_text(connection, "helo"),
        mail_from=_text(connection, "mail_from"),
        spf_result=_text(spf, "result"),
        spf_reason=_text(spf, "reason"),
        spf_domain=_text(spf, "domain"),
        helo_spf_result=_text(found.helo_spf, "result"),
        dkim_signatures=len(found.dkim),
        dkim_passes=len(passing),
        dkim_pass_domains=tuple(dict.fromkeys(passing)),
        dkim_domains=tuple(map(_domain, found.dkim)),
        dkim_results=tuple([str(each.result) for each in found.dkim]),
        dkim_reasons=tuple([str(each.reason) for each in found.dkim]),
        arc_result=_text(arc, "result"),
        arc_reason=_text(arc, "reason"),
        arc_sealers=() if arc is None else tuple(map(encodable, arc.sealers)),
        dmarc_result=_text(dmarc, "result"),
        dmarc_reason=_text(dmarc, "reason"),
        author_domain=_text(dmarc, "author_domain"),
        dmarc_policy_domain=_text(dmarc, "policy_domain"),
        dmarc_policy=_text(dmarc, "policy"),
        dmarc_disposition=_text(dmarc, "disposition"),
        dmarc_aligned=() if dmarc is None else dmarc.aligned,
        iprev_result=_text(found.iprev, "result"),
        iprev_name=_text(found.iprev, "name"),
        forged=len(found.forged),
        old_keys=tuple(map(encodable, saved.old_keys)),
        details={"authentication": found.to_dict(), "saved": saved.to_dict()} if details else None,
    )


def _text(one: object, name: str) -> str | None:
    """Return an attribute as text that JSON, Parquet and a database can hold; None where there is no such thing."""
    value = None if one is None else getattr(one, name)
    return None if value is None else encodable(str(value))


def _domain(signature: DkimOutcome) -> str:
    return encodable(signature.domain or "")


def _message_id(message: Message) -> str | None:
    positions = message.find(b"message-id")
    if len(positions) != 1:
        return None
    return message.value(positions[0])[: 4 * _MESSAGE_ID].decode("utf-8", "backslashreplace").strip()[:_MESSAGE_ID]
