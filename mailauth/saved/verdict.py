"""The verdict on one saved message: put right, with the connection and the time that its own fields tell of.

What `mailauth verify`, `explain` and `bulk` have in common.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mailauth.authentication import Authentication
from mailauth.connection import Connection
from mailauth.dkim.outcome import DkimOutcome
from mailauth.limits import DEFAULT_OPTIONS, Limits, Options
from mailauth.message.fields import Message, Octets
from mailauth.results import Outcome, Reason, Result, to_plain
from mailauth.saved.border import Border, Trusted, border_of
from mailauth.saved.damage import Damage, restored
from mailauth.saved.services import gateway
from mailauth.saved.undo import explained
from mailauth.spf.outcome import SpfOutcome
from mailauth.sync import authenticate
from mailauth.text import one_line

_TIME = "the time of receipt was read from the message"
_FEW = 4  # reasons
_NO_MATCH = frozenset({Result.FAIL, Result.SOFTFAIL, Result.NEUTRAL})
_TRUST = {
    "stated": "as the receiver stated it",
    "seen": "as a server of the receiver saw it",
    "said": "as the client said it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was found out about a saved message.

    Attributes:
        raw: the octets that were verified: those of the file without its `damage`.
        damage: what was put right in them.
        border: where the message entered the receiver's organisation; None if the connection was given.
        received_at: the time of receipt that was used, from the border; None where that of the call was.
        authentication: the verdict.
        dated: the checks that pass at that time only ("dkim", "dmarc"): every signature they rest on has expired since.
            Like the client, the time is a guess.
        old_keys: the files of old keys from which signatures fit a key that DNS does not have; see `saved.keys`.
    """

    raw: bytes
    damage: tuple[Damage, ...]
    border: Border | None
    received_at: datetime | None
    authentication: Authentication
    dated: frozenset[str] = frozenset()
    old_keys: tuple[str, ...] = ()

    def notes(self, *, evidence: bool = True) -> tuple[str, ...]:
        """Return what a person should know of the file: what was put right, and how the connection was found.

        It holds words of strangers, which are to be printed like any of theirs. With `evidence` each fact of the
        connection has a line.
        """
        lines = [f"the file has {damage.detail}" for damage in self.damage]
        if self.border is not None:
            if self.border.problem:
                lines.append(f"the client is not known: {self.border.problem}")
            if self.border.passed:
                reasons = list(dict.fromkeys(each.reason for each in self.border.passed))
                lines.append(f"hops passed over: {'; '.join(reasons[:_FEW])}{' …' if len(reasons) > _FEW else ''}")
            lines += [
                f"{fact.fact} {fact.value!r} {_TRUST[fact.trust]} ({fact.field}, field {fact.position})"
                for fact in self.border.evidence
                if evidence and fact.fact != "received_at"
            ]
        if self.received_at is not None:
            lines.append(f"time of receipt: {self.received_at.isoformat()}, from the Received field of the border")
        return tuple(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        border = self.border
        return {
            "guess": self.authentication.connection.is_guess,
            "damage": to_plain(self.damage),
            "received_at": None if self.received_at is None else self.received_at.isoformat(),
            "dated": sorted(self.dated),
            "old_keys": list(self.old_keys),
            "problem": None if border is None else border.problem,
            "evidence": [] if border is None else to_plain(border.evidence),
            "passed": [] if border is None else [{"position": p.position, "reason": p.reason} for p in border.passed],
        }


def verify(
    raw: Octets,
    resolver: Any = None,
    *,
    connection: Connection | None = None,
    trusted: Trusted = None,
    helo: str | None = None,
    mail_from: str | None = None,
    authserv_id: str | None = None,
    now: datetime | None = None,
    limits: Limits | None = None,
    options: Options | None = None,
    fetcher: Any = None,
) -> Saved:
    """Verify a message that was saved to a file. Never raises for any octets.

    Without a connection, the one at the border counts, and its time of receipt: a signature does not expire in a drawer
    (RFC 6376 §3.5, x=). Where that client may be a filter in front of the mailbox, it only counts for a pass.

    Args:
        raw: the octets of the file.
        resolver: see `mailauth.authenticate`.
        connection: what the SMTP server saw, if that is known; `Connection(source="none")` if nothing is to be guessed.
        trusted: see `border_of`.
        helo: what the client said, in place of what the border tells.
        mail_from: the reverse-path, likewise.
        authserv_id: see `mailauth.authenticate`.
        now: the present, an aware datetime; None reads the clock.
        limits: see `Limits`.
        options: see `Options`.
        fetcher: see `mailauth.authenticate`.

    Raises:
        UsageError, TypeError: for an argument that cannot be used.
    """
    octets, damage = restored(raw)
    message = Message.parse(octets, limits)
    now = now or datetime.now(UTC)
    border, received_at = None, None
    if connection is None:
        border = border_of(message, trusted=trusted)
        connection, received_at = border.connection, border.received_at
        if received_at is not None and received_at > now:
            # A clock that is wrong, or a date that was made up
            received_at = None
    connection = replace(
        connection,
        helo=connection.helo if helo is None else helo,
        mail_from=connection.mail_from if mail_from is None else mail_from,
    )
    found = authenticate(message, connection, resolver, authserv_id, received_at or now, limits, options, fetcher)
    if received_at is not None and any(each.reason is Reason.FUTURE for each in found.dkim):
        # It was signed after that time, so one of the clocks was wrong
        received_at = None
        found = authenticate(message, connection, resolver, authserv_id, now, limits, options, fetcher)
    # With `trusted`, the caller has told which hosts are inside, and the client is not one of them
    if border is not None and trusted is None and (problem := _behind_filter(found, border)):
        border = _without_client(border, problem)
        connection = replace(border.connection, helo=helo, mail_from=connection.mail_from)
        found = authenticate(message, connection, resolver, authserv_id, received_at or now, limits, options, fetcher)
        found = replace(found, outcomes=tuple([_unsettled(each, problem) for each in found.outcomes]))
    found, dated = explained(found, octets), frozenset[str]()
    settings = options or DEFAULT_OPTIONS
    if received_at is not None and not settings.allow_expired:
        found, dated = _dated(found, now.timestamp() - settings.clock_skew)
    return Saved(raw=octets, damage=damage, border=border, received_at=received_at, authentication=found, dated=dated)


def _behind_filter(found: Authentication, border: Border) -> str | None:
    """Return why an SPF result other than pass may be that of a filter in front of the mailbox, or None.

    Only a confirmed name says that a client is such a filter: the owner of an address chooses its reverse name, and the
    client its HELO name. The filters send mail of their customers too, so that a pass is a pass.
    """
    spf, iprev, ip = found.spf, found.iprev, border.connection.ip
    if border.connection.source != "received" or spf is None or spf.result not in _NO_MATCH:
        return None
    names = [(border.client_name, border.client_name)]
    if iprev is not None and iprev.result is Result.PASS:
        names.append((iprev.name, str(ip)))
    for name, host in names:
        if service := gateway(name):
            return one_line(
                f"{name} ({ip}) is a server of {service}, which filters mail for receivers: if it did so here, "
                f"--trust {host} leads to the client, else --client received:{len(border.passed) + 1} takes it as such"
            )
    return None


def _without_client(border: Border, problem: str) -> Border:
    evidence = tuple([fact for fact in border.evidence if fact.fact not in {"ip", "helo"}])
    connection = replace(border.connection, ip=None, helo=None, source="none")
    return replace(border, connection=connection, evidence=evidence, problem=problem, client_name=None)


def _unsettled(outcome: Outcome, problem: str) -> Outcome:
    """Return an SPF outcome that says why there is no client."""
    if isinstance(outcome, SpfOutcome) and outcome.reason is Reason.SPF_NO_CONNECTION:
        return replace(outcome, detail=f"{outcome.detail}: {problem}")
    return outcome


def _dated(found: Authentication, now: float) -> tuple[Authentication, frozenset[str]]:
    """Return an authentication that says which signatures have expired by now, and the checks that rest on these."""
    passes = [each for each in found.dkim if each.result is Result.PASS]
    late = {each.index for each in passes if each.expiration is not None and each.expiration < now}
    if not late:
        return found, frozenset()
    dated = set() if len(late) < len(passes) else {"dkim"}
    dmarc = found.dmarc
    if dmarc is not None and "dkim" in dmarc.aligned and (len(dmarc.aligned) == 1 or found.connection.is_guess):
        good = {each.domain for each in passes if each.index not in late}
        if not any(each.mechanism == "dkim" and each.aligned and each.domain in good for each in dmarc.identifiers):
            dated.add("dmarc")

    def said(outcome: Outcome) -> Outcome:
        if outcome is dmarc and "dmarc" in dated:
            return replace(dmarc, detail=f"{dmarc.detail}; its signature has expired since (a guess: {_TIME})")
        if isinstance(outcome, DkimOutcome) and outcome.index in late:
            return replace(outcome, detail=f"{outcome.detail}; it has expired since (a guess: {_TIME})")
        return outcome

    return replace(found, outcomes=tuple(map(said, found.outcomes))), frozenset(dated)
