"""All that is known of one message, as a value: the outcomes, the header fields, the DNS that led to them.

`outcomes` holds every check in the order of the report; the writer of header fields, the table, the story and the page
iterate it. The names `spf`, `dkim` … find one in it. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mailauth._version import __version__
from mailauth.arc.outcome import ArcOutcome
from mailauth.connection import Connection
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns.values import Answer, Question, Traced, Use
from mailauth.iprev import IprevOutcome
from mailauth.limits import DEFAULT_LIMITS, Limits
from mailauth.message.edit import HeaderField, edited
from mailauth.message.fields import Octets
from mailauth.results import NoTruthValue, Outcome, to_plain
from mailauth.spf.outcome import SpfOutcome

if TYPE_CHECKING:
    from mailauth.bimi.outcome import BimiOutcome

T = TypeVar("T", bound=Outcome)

_TRANSPORT = ("tls", "cipher", "requiretls")
_KEYS = {"spf helo": "helo_spf"}  # of the JSON object, where it is not the name of the check


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication(NoTruthValue):
    """Everything found out about one message; immutable, comparable, picklable.

    Attributes:
        connection: what was known about the SMTP connection.
        outcomes: what each check found, in the order of the report. A check that was not made has none.
        dkim: those of DKIM-Signature fields, from the top.
        headers: the fields to prepend, in order: Authentication-Results first.
        forged: positions of the header fields to delete (0: the top): Authentication-Results that claim to be ours;
            where BIMI was checked, also the fields that only a receiver writes.
        dns: every question that was asked, with its answer, in order.
        rounds: the number of questions of each round.
        uses: each use of an answer; `trace` combines `dns`, `rounds` and `uses`.
        normalised: the input had bare LF line ends; what was evaluated has CRLF.
        limits: the limits that applied (not compared: other limits may give the same outcomes).
    """

    connection: Connection
    outcomes: tuple[Outcome, ...]
    headers: tuple[HeaderField, ...]
    forged: tuple[int, ...]
    dns: tuple[tuple[Question, Answer], ...]
    rounds: tuple[int, ...]
    uses: tuple[Use, ...]
    normalised: bool
    limits: Limits = field(default=DEFAULT_LIMITS, compare=False)

    dkim: tuple[DkimOutcome, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Collect the signatures once, as there may be thousands of them."""
        signatures = tuple([outcome for outcome in self.outcomes if isinstance(outcome, DkimOutcome)])
        object.__setattr__(self, "dkim", signatures)

    def _first(self, kind: type[T]) -> T | None:
        for outcome in self.outcomes:
            if isinstance(outcome, kind):
                return outcome
        return None

    def _spf(self, check: str) -> SpfOutcome | None:
        return next((o for o in self.outcomes if isinstance(o, SpfOutcome) and o.check == check), None)

    @property
    def spf(self) -> SpfOutcome | None:
        """SPF for the MAIL FROM identity; None when SPF was not checked."""
        return self._spf("spf")

    @property
    def helo_spf(self) -> SpfOutcome | None:
        """SPF for the HELO identity; None also when there is no HELO name."""
        return self._spf("spf helo")

    @property
    def arc(self) -> ArcOutcome | None:
        """The ARC chain; None when ARC was not checked."""
        return self._first(ArcOutcome)

    @property
    def dmarc(self) -> DmarcOutcome | None:
        """The DMARC verdict; None when DMARC was not checked."""
        return self._first(DmarcOutcome)

    @property
    def iprev(self) -> IprevOutcome | None:
        """The reverse name of the client; None when it was not checked, or there is no client address."""
        return self._first(IprevOutcome)

    @property
    def bimi(self) -> BimiOutcome | None:
        """The logo of the sender; None when BIMI was not checked."""
        # By its name: the packages for logos are loaded only where they are used
        return cast("BimiOutcome | None", next((each for each in self.outcomes if each.method == "bimi"), None))

    @property
    def trace(self) -> tuple[Traced, ...]:
        """Each DNS question in order: its answer, its round, what used it and by which rule."""
        users: dict[Question, list[Use]] = {}
        for use in self.uses:
            users.setdefault(use.question, []).append(use)
        numbers = [number for number, size in enumerate(self.rounds, 1) for _ in range(size)]
        return tuple(
            Traced(question, answer, number, tuple(users.get(question, ())))
            for (question, answer), number in zip(self.dns, numbers, strict=True)
        )

    def apply(self, raw: Octets) -> bytes:
        """Return the message without the forged fields and with `headers` at the top; all other octets are unchanged.

        The "From sender date" line at the start of an mbox message stays first.

        Args:
            raw: the octets that were given to `authenticate`.

        Raises:
            UsageError: for another message than the one that was authenticated.
        """
        return edited(raw, self.headers, self.forged)

    def explain(self, raw: Octets | None = None) -> str:
        """Return the story of the verdict as text, for people.

        Args:
            raw: the octets that were given to `authenticate`: with them the story shows the path of the message, and
                the changed fields that z= or ARC reveal.
        """
        from mailauth.explain import as_text, tell  # noqa: PLC0415  an edge, and large

        return as_text(tell(self, raw))

    def to_dict(self) -> dict[str, Any]:
        r"""Return the JSON object of the contract: plain data, schema 1.

        All text is valid UTF-8: an octet FC from SMTP or DNS that is not becomes the six characters `\udcfc`.
        """
        known = self.connection
        # Each of these keys is there, whether or not its check was made; that of another check only where it was made
        checks: dict[str, Any] = dict.fromkeys(("spf", "helo_spf", "dkim", "arc", "dmarc", "iprev"))
        checks["dkim"] = [each.to_dict() for each in self.dkim]
        for outcome in self.outcomes:
            if outcome.method != "dkim":
                checks[_KEYS.get(outcome.check, outcome.check)] = outcome.to_dict()
        return {
            "schema": 1,
            "version": __version__,
            "connection": to_plain(
                {name: getattr(known, name) for name in ("ip", "helo", "mail_from", "source")}
                # Only a mail server knows these
                | {name: value for name in _TRANSPORT if (value := getattr(known, name)) is not None}
            ),
            **checks,
            "headers": to_plain(self.headers),
            "forged": list(self.forged),
            "dns": [
                {"question": {"name": to_plain(q.name), "type": q.rdtype}, "answer": to_plain(a.to_dict())}
                for q, a in self.dns
            ],
        }
