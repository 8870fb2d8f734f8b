"""The one evaluation that composes all checks, and its synchronous front.

SPF, every DKIM key, the DMARC walk, the ARC keys and the reverse name share rounds: `evaluate` needs as many rounds as
the longest chain of dependent lookups, never the sum. Each question is asked once; the transcript becomes part of
the result. `evaluate` is pure: clock, host name and resolver come in through `authenticate`.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailauth import arc, authres, dkim, dmarc, iprev, names, spf
from mailauth._version import __version__
from mailauth.address import parse_path
from mailauth.authres.forged import forged_fields
from mailauth.authres.write import HeaderField, authserv_id_of, write_outcomes
from mailauth.connection import Connection
from mailauth.dkim.verify import read_signatures
from mailauth.dns import Answer, Evaluation, Question, Traced, Transcript, Use, run
from mailauth.errors import UsageError
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.message import Message, Octets
from mailauth.moment import posix
from mailauth.results import (
    ArcOutcome,
    Disposition,
    DkimOutcome,
    DmarcOutcome,
    IprevOutcome,
    Outcome,
    Result,
    SpfOutcome,
    utf8,
)

# RFC 4155 §A: it has a time of day, is not a header field, and a continued line is not such a line
_MBOX_LINE = re.compile(rb"From (?![ \t]*:)(?=[^\r\n]*[0-9]:[0-9]{2})[^\r\n]*+\r?\n(?![ \t])")
# Of the questions of a message, the share of what no policy rests on: nobody pushes a verdict out with ARC sets
_SHARE_ASIDE = 3 / 10
# A chain of more sets than this waits for the others, and has what they leave
_LONG_CHAIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication(Outcome):
    """All that is known of one message; immutable, comparable, picklable.

    Attributes:
        connection: what was known of the SMTP connection.
        spf: the MAIL FROM identity; None when SPF was not to be checked, as with every check.
        helo_spf: the HELO identity; None when there is no HELO name.
        dkim: one outcome for each DKIM-Signature field, from the top.
        arc, dmarc, iprev: see their types.
        headers: the fields to prepend, in order: Authentication-Results first.
        forged: positions of the header fields to delete (0: the top): Authentication-Results that claim to be ours.
        dns: every question that was asked, with its answer, in order.
        rounds: the number of questions of each round.
        uses: each use of an answer; `trace` puts both together.
        normalised: the input had bare LF line ends; what was evaluated has CRLF.
        limits: the bounds that held (not compared: what was found under others may be the same).
    """

    connection: Connection
    spf: SpfOutcome | None
    helo_spf: SpfOutcome | None
    dkim: tuple[DkimOutcome, ...]
    arc: ArcOutcome | None
    dmarc: DmarcOutcome | None
    iprev: IprevOutcome | None
    headers: tuple[HeaderField, ...]
    forged: tuple[int, ...]
    dns: tuple[tuple[Question, Answer], ...]
    rounds: tuple[int, ...]
    uses: tuple[Use, ...]
    normalised: bool
    limits: Limits = dataclasses.field(default=DEFAULT_LIMITS, compare=False)

    @property
    def trace(self) -> tuple[Traced, ...]:
        """Each DNS question in order: its answer, its round, who used it and by which rule."""
        users: dict[Question, list[Use]] = {}
        for use in self.uses:
            users.setdefault(use.question, []).append(use)
        numbers = [number for number, size in enumerate(self.rounds, 1) for _ in range(size)]
        return tuple(
            Traced(question, answer, number, tuple(users.get(question, ())))
            for (question, answer), number in zip(self.dns, numbers, strict=True)
        )

    def apply(self, raw: Octets) -> bytes:
        """Return the message with the forged fields gone and `headers` on top; all other octets as they were.

        The line "From sender date" with which a message of an mbox begins stays first.

        Args:
            raw: the octets that were given to `authenticate`.

        Raises:
            UsageError: for a message whose fields do not fit.
        """
        message = Message.parse(raw)
        raw = bytes(raw)
        line_end = b"\n" if message.normalised else b"\r\n"
        # RFC 8601 §4, §4.1, RFC 6376 §6.2: fields of our own, above all others, which keep their order
        separator = _MBOX_LINE.match(raw)
        kept = separator.end() if separator else 0
        pieces = [raw[:kept], *(header.encode_lines(line_end) for header in self.headers)]
        position = 0
        forged = set(self.forged)
        for index, field in enumerate(message.all_fields() if forged else ()):
            end = _field_end(raw, position, field, normalised=message.normalised)
            if index in forged:
                forged.remove(index)
                pieces.append(raw[kept:position])
                kept = end
            position = end
        if forged:
            msg = "apply() takes the message that was authenticated: this one has fewer header fields"
            raise UsageError(msg)
        return b"".join([*pieces, raw[kept:]])

    def explain(self, raw: Octets | None = None) -> str:
        """Return the story of the verdict as text, for a person.

        Args:
            raw: the octets that were given to `authenticate`: with them the story has the path of the message, and
                names changed fields where z= or ARC show them.
        """
        from mailauth.explain import as_text, tell  # noqa: PLC0415  an edge, and large

        return as_text(tell(self, raw))

    @utf8
    def to_dict(self) -> dict[str, Any]:
        r"""Return the JSON object of the contract: plain data, schema 1.

        All text is valid UTF-8: an octet FC of SMTP or DNS that is not has become the six characters `\udcfc`.
        """
        return {
            "schema": 1,
            "version": __version__,
            "connection": {
                "ip": self.connection.ip,
                "helo": self.connection.helo,
                "mail_from": self.connection.mail_from,
                "source": self.connection.source,
            },
            "spf": self.spf.to_dict() if self.spf is not None else None,
            "helo_spf": self.helo_spf.to_dict() if self.helo_spf is not None else None,
            "dkim": [each.to_dict() for each in self.dkim],
            "arc": self.arc.to_dict() if self.arc is not None else None,
            "dmarc": self.dmarc.to_dict() if self.dmarc is not None else None,
            "iprev": self.iprev.to_dict() if self.iprev is not None else None,
            "headers": [str(header) for header in self.headers],
            "forged": list(self.forged),
            "dns": [{"question": {"name": q.name, "type": q.rdtype}, "answer": a.to_dict()} for q, a in self.dns],
        }


def _field_end(raw: bytes, start: int, field: bytes, *, normalised: bool) -> int:
    """Return where a header field that starts at an offset of the octets as given ends, line end included."""
    if not normalised:
        return min(start + len(field) + 2, len(raw))
    # The input had bare LF line ends, perhaps with a CRLF here and there: lines are counted, not octets
    for _ in range(field.count(b"\r\n") + 1):
        start = raw.find(b"\n", start) + 1 or len(raw)
    return start


def evaluate(
    message: Message | Octets,
    connection: Connection | None = None,
    *,
    authserv_id: str,
    now: datetime | float,
    limits: Limits | None = None,
    options: Options | None = None,
) -> Evaluation[Authentication]:
    """Evaluate a message: an `Evaluation` for a loop of your own, or for `mailauth.run`. Never raises for any input.

    Args:
        message: the octets, or a parsed `Message`.
        connection: what SMTP knew; None for nothing.
        authserv_id: our name in Authentication-Results.
        now: time of receipt, an aware datetime or POSIX seconds.
        limits: see `Limits`.
        options: see `Options`.

    Raises:
        UsageError, TypeError: for an argument that cannot be used.
    """
    limits, options = limits or DEFAULT_LIMITS, options or DEFAULT_OPTIONS
    if not isinstance(message, Message):
        message = Message.parse(message, limits)
    if connection is not None and not isinstance(connection, Connection):
        msg = f"connection must be a mailauth.Connection or None, not {type(connection).__name__}"
        raise TypeError(msg)
    connection = connection or Connection(source="none")
    if options.public_suffix_list is not None:
        # A list that cannot be used is told to the caller now, not with the first message that needs it
        dmarc.load_suffix_list(options.public_suffix_list)
    return _compose(message, connection, authserv_id_of(authserv_id), posix(now), limits, options)


def _nothing() -> Evaluation[None]:
    yield from ()


def _compose(
    message: Message,
    connection: Connection,
    authserv_id: str,
    now: int,
    limits: Limits,
    options: Options,
) -> Evaluation[Authentication]:
    transcript = Transcript(limits.questions, limits.rounds)
    trace: list[Use] = []
    checks = options.checks
    author = message.author
    suffixes = _LazySuffixes(options.public_suffix_list)
    organizational = suffixes.organizational_domain if options.mode == "rfc7489" else None

    def spf_check(scope: Any) -> Evaluation[SpfOutcome]:
        return spf.check(
            connection, scope=scope, receiver=authserv_id, now=now, limits=limits, options=options, trace=trace
        )

    signatures = read_signatures(message, limits) if "dkim" in checks else []
    path = parse_path(connection.mail_from) if connection.mail_from is not None else None
    identifiers = [s.signature.domain for s in signatures] + [names.to_ascii(path[1]) if path else None]
    # The policy, and the walks of identifiers that could align, are asked beside the checks that DMARC waits for
    early: list[Evaluation[Any]] = []
    walks: list[str] = []
    if "dmarc" in checks and author.domain:
        # A suffix list compares identifiers without DNS
        walks = dmarc.walks_ahead(author.domain, identifiers) if organizational is None else []
        early = [dmarc.find_policy(author.domain, organizational), *map(dmarc.walk, walks)]
    verdicts = [
        spf_check("mfrom") if "spf" in checks else _nothing(),
        dkim.verify(
            message,
            signatures=signatures,
            author_domain=author.domain,
            now=now,
            limits=limits,
            options=options,
            # Choice D32: who is on the private part of the list is somebody, and signs his own mail
            is_public_suffix=suffixes.is_icann_suffix,
            publishes=dmarc.publishes,
            trace=trace,
        )
        if "dkim" in checks
        else _nothing(),
    ]
    arc_check = (
        arc.verify(message, now=now, limits=limits, options=options, trace=trace) if "arc" in checks else _nothing()
    )
    long_chain = len(message.find(b"arc-seal")) > _LONG_CHAIN
    # What no verdict of DMARC rests on shares the rounds, but not all of the questions
    aside = [
        spf_check("helo") if "spf" in checks and connection.helo else _nothing(),
        iprev.check(connection.address, limits=limits, trace=trace)
        if "iprev" in checks and connection.address is not None
        else _nothing(),
        _nothing() if long_chain else arc_check,
    ]
    share = int(limits.questions * _SHARE_ASIDE)
    found = yield from transcript.gather([*early, *verdicts], aside, share)
    spf_outcome, dkim_outcomes, helo_spf, iprev_outcome, arc_outcome = found[len(early) :]
    dmarc_outcome = None
    if "dmarc" in checks:
        dmarc_check = dmarc.check(
            author,
            spf=spf_outcome,
            dkim=dkim_outcomes or (),
            limits=limits,
            options=options,
            organizational_domain=organizational,
            ahead=dmarc.Ahead(found[0], dict(zip(walks, found[1:], strict=False))) if early else None,
            bounce=path == ("", ""),
            trace=trace,
        )
        (dmarc_outcome,) = yield from transcript.gather([dmarc_check])
    if long_chain:
        (arc_outcome,) = yield from transcript.gather([arc_check])
    if dmarc_outcome is not None:
        dmarc_outcome = _believe_sealers(dmarc_outcome, arc_outcome)
    # RFC 8601 §2.7.2: one identity is reported, that of HELO only where there is no other
    reported_spf = spf_outcome if connection.mail_from is not None or helo_spf is None else helo_spf
    # RFC 6376 §6.3, RFC 8617 §5.2, RFC 9989 §5.4: whoever reads the message next is told the results
    headers = [
        write_outcomes(
            authserv_id,
            connection,
            spf=reported_spf,
            dkim=dkim_outcomes,
            arc=arc_outcome,
            dmarc=dmarc_outcome,
            iprev=iprev_outcome,
            utf8=message.utf8,
            max_bytes=limits.authres_bytes,
        )
    ]
    if options.received_spf and reported_spf is not None:
        headers.append(HeaderField(spf.write_received_spf(reported_spf, connection, authserv_id)))
    return Authentication(
        connection=connection,
        spf=spf_outcome,
        helo_spf=helo_spf,
        dkim=dkim_outcomes or (),
        arc=arc_outcome,
        dmarc=dmarc_outcome,
        iprev=iprev_outcome,
        headers=tuple(headers),
        forged=forged_fields(message, {authserv_id, *options.authserv_ids}),
        dns=tuple(transcript.answers.items()),
        rounds=tuple(transcript.rounds),
        uses=tuple(trace),
        normalised=message.normalised,
        limits=limits,
    )


class _LazySuffixes:
    """The public suffix list, read when first asked."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def is_icann_suffix(self, domain: str) -> bool:
        return dmarc.load_suffix_list(self._path).is_icann_suffix(domain)

    def organizational_domain(self, domain: str) -> str:
        return dmarc.load_suffix_list(self._path).organizational_domain(domain)


def _believe_sealers(outcome: DmarcOutcome, chain: ArcOutcome | None) -> DmarcOutcome:
    """Choice D33: with every sealer trusted, a DMARC pass that the first of them saw is a reason to accept a fail.

    The result stays what it is: ARC is local knowledge, no input to DMARC (RFC 9989 §5.4).
    """
    # RFC 8617 §5.2: a chain that failed is not trusted, and so counts as none
    if outcome.result is not Result.FAIL or chain is None or not chain.trusted or not chain.payloads:
        return outcome
    if not _saw_pass(chain.payloads[0], outcome.author_domain):
        return outcome
    detail = f"{outcome.detail}; the trusted sealer {chain.sealers[0]} saw it pass"
    return dataclasses.replace(outcome, detail=detail, disposition=Disposition.ACCEPT)


def _saw_pass(payload: authres.AuthenticationResults, author: str | None) -> bool:
    """Whether a sealer says that DMARC passed for an author, and says nothing else of it."""
    # RFC 8601 §2.3, §2.6, §4.1: only what is known in all its parts is believed. A property without its type, such as
    # the "action=" of a large provider, is the one fault after which nothing else is read differently
    untyped = sum(not p.ptype for result in payload.results for p in result.properties)
    if payload.version != 1 or len(payload.problems) != untyped:
        return False
    claims = []
    for result in payload.results:
        values = [p.value for p in result.properties if (p.ptype, p.name) == ("header", "from")]
        domains = [names.to_ascii(value) for value in values]
        # Whatever could be about this author counts: any word and version, no From, two of them, one that is no domain
        if result.method == "dmarc" and (len(domains) != 1 or domains[0] in (author, None)):
            claims.append((result, domains))
    if len(claims) != 1:
        return False
    ((claim, domains),) = claims
    # No such result holds an address; one that does was part of an address that the sealer did not quote
    texts = (*(p.value for p in claim.properties), *claim.comments, claim.reason or "")
    return claim.version == 1 and claim.result == "pass" and domains == [author] and "@" not in "".join(texts)


def prepare(
    raw: Octets,
    connection: Connection | None,
    authserv_id: str | None,
    now: datetime | float | None,
    limits: Limits | None,
    options: Options | None,
) -> Evaluation[Authentication]:
    """Fill in what `authenticate` leaves open: the clock and the name of this host, read once."""
    if authserv_id is None:
        import socket  # noqa: PLC0415  only for a caller who gives no name

        authserv_id = socket.gethostname()
    options = options or DEFAULT_OPTIONS
    if options.mode == "rfc7489":
        dmarc.psl.warn_if_old(options.public_suffix_list)
    return evaluate(
        raw,
        connection,
        authserv_id=authserv_id,
        now=datetime.now(UTC) if now is None else now,
        limits=limits,
        options=options,
    )


def authenticate(
    raw: Octets,
    connection: Connection | None = None,
    resolver: Any = None,
    authserv_id: str | None = None,
    now: datetime | float | None = None,
    limits: Limits | None = None,
    options: Options | None = None,
) -> Authentication:
    """Say who really sent a message: SPF, every DKIM signature, ARC, DMARC and iprev in one call.

    Args:
        raw: the message as received, in octets (bytes, a memoryview, an mmap …). Bare LF line ends are turned into
            CRLF; the result says so.
        connection: what SMTP knew; None when nothing is known (SPF is then none).
        resolver: an object with `resolve(questions)` or a function `(name, rdtype) -> Answer`; None: the resolver of
            this system, through dnspython, with one cache for the process.
        authserv_id: our name in Authentication-Results; None: the name of this host.
        now: time of receipt, an aware datetime or POSIX seconds; None: now.
        limits: see `Limits`.
        options: see `Options`.

    Returns:
        The outcomes, the header fields to add and the forged ones to remove.

    Raises:
        UsageError, TypeError: for an argument that cannot be used. Nothing in the message or in DNS raises.
    """
    evaluation = prepare(raw, connection, authserv_id, now, limits, options)
    if resolver is None:
        from mailauth.resolvers import system  # noqa: PLC0415  dnspython is heavy, and needed here only

        resolver = system.BLOCKING
    return run(evaluation, resolver, seconds=(limits or DEFAULT_LIMITS).seconds)
