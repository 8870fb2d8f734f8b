"""The one evaluation of a message: which checks run, in which rounds, and with which share of the questions.

SPF, every DKIM key, the DMARC walk, the ARC keys and the reverse name share rounds: `evaluate` needs as many rounds as
the longest chain of dependent lookups, not the sum of the chains. Each question is asked once; the transcript becomes
part of the result. Pure: clock, host name and resolver come in through the fronts, `sync` and `aio`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mailauth import arc, authres, dkim, dmarc, iprev, names, spf
from mailauth.arc.outcome import ArcOutcome
from mailauth.authentication import Authentication
from mailauth.authres.forged import forged_fields
from mailauth.authres.write import authserv_id_of
from mailauth.connection import Connection
from mailauth.context import Context
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dkim.signature import read_signatures
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns.fetch import FetchingEvaluation
from mailauth.dns.transcript import Transcript
from mailauth.dns.values import Evaluation
from mailauth.errors import UsageError
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.message.address import parse_path
from mailauth.message.edit import HeaderField
from mailauth.message.fields import Message, Octets
from mailauth.moments import seconds_of
from mailauth.results import Disposition, Outcome, Result
from mailauth.spf.outcome import SpfOutcome

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

# The share of a message's questions for checks that no policy depends on: ARC sets cannot displace a verdict
_SECONDARY_SHARE = 3 / 10
# A chain of more sets than this waits for the other checks, and gets the questions that they leave over
_LONG_CHAIN = 10


def evaluate(
    message: Message | Octets,
    connection: Connection | None = None,
    *,
    authserv_id: str,
    now: datetime | float,
    limits: Limits | None = None,
    options: Options | None = None,
) -> Evaluation[Authentication]:
    """Evaluate a message: an `Evaluation` for your own loop or for `mailauth.run`. Never raises for any input.

    Args:
        message: the octets, or a parsed `Message`.
        connection: what the SMTP server saw; None if nothing is known.
        authserv_id: our authserv-id in Authentication-Results.
        now: time of receipt, an aware datetime or POSIX seconds.
        limits: see `Limits`.
        options: see `Options`.

    Raises:
        UsageError, TypeError: for an argument that cannot be used.
    """
    begun = _begin(message, connection, authserv_id, now, limits, options)
    if "bimi" in begun[2].options.checks:
        msg = "the check 'bimi' fetches pages: use authenticate(fetcher=…), or compose.evaluate_fetching"
        raise UsageError(msg)
    return _compose(*begun)


def evaluate_fetching(
    message: Message | Octets,
    connection: Connection | None = None,
    *,
    authserv_id: str,
    now: datetime | float,
    limits: Limits | None = None,
    options: Options | None = None,
) -> FetchingEvaluation[Authentication]:
    """Evaluate a message also with the check "bimi", for `mailauth.dns.fetch.run_fetching`; see `evaluate`."""
    begun = _begin(message, connection, authserv_id, now, limits, options)
    options = begun[2].options
    if "bimi" not in options.checks:
        return _compose(*begun)
    from mailauth import bimi  # noqa: PLC0415  large, and needed here only

    return _compose_fetching(*begun, bimi.trusted(options.mark_roots))


def _begin(
    message: Message | Octets,
    connection: Connection | None,
    authserv_id: str,
    now: datetime | float,
    limits: Limits | None,
    options: Options | None,
) -> tuple[Message, Connection, Context]:
    """Return the arguments of an evaluation in their types, once they can be used."""
    limits, options = limits or DEFAULT_LIMITS, options or DEFAULT_OPTIONS
    if not isinstance(message, Message):
        message = Message.parse(message, limits)
    if connection is not None and not isinstance(connection, Connection):
        msg = f"connection must be a mailauth.Connection or None, not {type(connection).__name__}"
        raise TypeError(msg)
    connection = connection or Connection(source="none")
    if options.public_suffix_list is not None:
        # Report an unusable list to the caller now, not with the first message that needs it
        dmarc.load_suffix_list(options.public_suffix_list)
    # Not None, which a `Context` takes for a time that is not known
    moment = seconds_of(now)
    context = Context(limits=limits, options=options, now=moment, receiver=authserv_id_of(authserv_id), uses=[])
    return message, connection, context


def _nothing() -> Evaluation[None]:
    yield from ()


def _compose(message: Message, connection: Connection, context: Context) -> Evaluation[Authentication]:
    transcript = Transcript(context.limits.questions, context.limits.rounds)
    outcomes = yield from _outcomes(message, connection, context, transcript)
    return _authentication(message, connection, context, transcript, outcomes)


def _compose_fetching(
    message: Message, connection: Connection, context: Context, roots: Iterable[Certificate]
) -> FetchingEvaluation[Authentication]:
    """Add BIMI, which starts when all else is known: its questions are of the same message, and its pages come last."""
    from mailauth import bimi  # noqa: PLC0415  large, and needed here only
    from mailauth.bimi import fields  # noqa: PLC0415  as above

    transcript = Transcript(context.limits.questions, context.limits.rounds)
    outcomes = yield from _outcomes(message, connection, context, transcript)
    dmarc_outcome = next(each for each in outcomes if isinstance(each, DmarcOutcome))
    signatures = [each for each in outcomes if isinstance(each, DkimOutcome)]
    (found,) = yield from transcript.gather([bimi.find(message, dmarc_outcome, signatures, context)])
    outcome = yield from bimi.check(message, dmarc_outcome, signatures, context, roots=roots, found=found)
    result = _authentication(message, connection, context, transcript, (*outcomes, outcome))
    # BIMI-Location has no comment that could say so: no logo for a client that the sender may have made up
    added = () if outcome.rests_on_client and connection.is_guess else fields.write(outcome)
    return dataclasses.replace(
        result,
        headers=(*result.headers, *added),
        forged=tuple(sorted({*result.forged, *fields.inbound(message)})),
    )


def _outcomes(
    message: Message, connection: Connection, context: Context, transcript: Transcript
) -> Evaluation[tuple[Outcome, ...]]:
    limits, options, checks = context.limits, context.options, context.options.checks
    author = dmarc.author_of(message)
    suffixes = _LazySuffixes(options.public_suffix_list)
    organizational_domain_of = suffixes.organizational_domain if options.mode == "rfc7489" else None
    signatures = read_signatures(message, limits) if "dkim" in checks else []
    path = parse_path(connection.mail_from) if connection.mail_from is not None else None
    identifiers = [s.signature.domain for s in signatures] + [names.to_ascii(path[1]) if path else None]
    # The policy, and the walks of identifiers that could align, are asked together with the checks that DMARC waits for
    early: list[Evaluation[Any]] = []
    walks: list[str] = []
    if "dmarc" in checks and author.domain:
        # A suffix list compares identifiers without DNS
        walks = dmarc.walks_ahead(author.domain, identifiers) if organizational_domain_of is None else []
        early = [dmarc.find_policy(author.domain, organizational_domain_of), *map(dmarc.ask_walk, walks)]
    verdicts = [
        spf.check(connection, context) if "spf" in checks else _nothing(),
        dkim.verify(
            message,
            context,
            signatures=signatures,
            author_domain=author.domain,
            # Choice D32: those on the private part of the list are somebody, and sign their own mail
            is_public_suffix=suffixes.is_icann_suffix,
            publishes=dmarc.publishes,
        )
        if "dkim" in checks
        else _nothing(),
    ]
    arc_check = arc.verify(message, context) if "arc" in checks else _nothing()
    long_chain = len(message.find(b"arc-seal")) > _LONG_CHAIN
    # Checks that DMARC does not depend on share the rounds, but get only part of the questions
    secondary = [
        spf.check(connection, context, scope="helo") if "spf" in checks and connection.helo else _nothing(),
        iprev.check(connection.address, context)
        if "iprev" in checks and connection.address is not None
        else _nothing(),
        _nothing() if long_chain else arc_check,
    ]
    share = int(limits.questions * _SECONDARY_SHARE)
    results = yield from transcript.gather([*early, *verdicts], secondary, share)
    spf_outcome, dkim_outcomes, helo_spf, iprev_outcome, arc_outcome = results[len(early) :]
    dmarc_outcome = None
    if "dmarc" in checks:
        dmarc_check = dmarc.check(
            author,
            context,
            spf=spf_outcome,
            dkim=dkim_outcomes or (),
            organizational_domain=organizational_domain_of,
            policy=results[0] if early else None,
            walked=walks,
            bounce=path == ("", ""),
        )
        (dmarc_outcome,) = yield from transcript.gather([dmarc_check])
    if long_chain:
        (arc_outcome,) = yield from transcript.gather([arc_check])
    if dmarc_outcome is not None:
        dmarc_outcome = _believe_sealers(dmarc_outcome, arc_outcome)
    # A check that was not made has no outcome. A new one has its place here
    signed = (dkim_outcomes or (dkim.Unsigned.of(message),)) if "dkim" in checks else ()
    outcomes = (spf_outcome, helo_spf, *signed, arc_outcome, dmarc_outcome, iprev_outcome)
    return tuple([outcome for outcome in outcomes if outcome is not None])


def _authentication(
    message: Message, connection: Connection, context: Context, transcript: Transcript, outcomes: tuple[Outcome, ...]
) -> Authentication:
    return Authentication(
        connection=connection,
        outcomes=outcomes,
        headers=tuple(_headers(message, connection, context, outcomes)),
        forged=forged_fields(message, {context.receiver, *context.options.authserv_ids}),
        dns=tuple(transcript.answers.items()),
        rounds=tuple(transcript.rounds),
        uses=tuple(context.uses or ()),
        normalised=message.normalised,
        limits=context.limits,
    )


def _headers(
    message: Message, connection: Connection, context: Context, outcomes: Sequence[Outcome]
) -> list[HeaderField]:
    """Return the header fields to add."""
    # RFC 6376 §6.3, RFC 8617 §5.2, RFC 9989 §5.4: the results are passed on to whoever reads the message next
    limits, options = context.limits, context.options
    headers = [
        authres.write_outcomes(
            context.receiver,
            outcomes,
            connection,
            utf8=message.utf8,
            max_bytes=limits.authres_bytes,
            comments=options.comments,
        )
    ]
    if options.received_spf:
        reported = [o for o in outcomes if isinstance(o, SpfOutcome) and o.is_reported(connection)]
        headers += [HeaderField(spf.write_received_spf(o, connection, context.receiver)) for o in reported]
    return headers


class _LazySuffixes:
    """The public suffix list, read on first use."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def is_icann_suffix(self, domain: str) -> bool:
        return dmarc.load_suffix_list(self._path).is_icann_suffix(domain)

    def organizational_domain(self, domain: str) -> str:
        return dmarc.load_suffix_list(self._path).organizational_domain(domain)


def _believe_sealers(outcome: DmarcOutcome, chain: ArcOutcome | None) -> DmarcOutcome:
    """Choice D33: if every sealer is trusted, a DMARC pass that the first one saw is a reason to accept a fail.

    The result does not change: ARC is local knowledge, not an input to DMARC (RFC 9989 §5.4).
    """
    if outcome.result is not Result.FAIL or chain is None or not chain.vouches_for(outcome.author_domain):
        return outcome
    detail = f"{outcome.detail}; the trusted sealer {chain.sealers[0]} saw it pass"
    return dataclasses.replace(outcome, detail=detail, disposition=Disposition.ACCEPT)
