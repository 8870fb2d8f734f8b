"""What a story is told of: the shape of an `Authentication`, which belongs to a room above and tells its own story."""

from __future__ import annotations

from typing import Protocol

from mailauth.arc.outcome import ArcOutcome
from mailauth.connection import Connection
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.dns.values import Answer, Question, Traced, Use
from mailauth.limits import Limits
from mailauth.results import Outcome


class Judged(Protocol):
    """What the story needs to know of an `Authentication`, which belongs to a room above this one."""

    @property
    def connection(self) -> Connection:
        """The SMTP connection."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What each check found."""

    @property
    def dkim(self) -> tuple[DkimOutcome, ...]:
        """The signatures."""

    @property
    def arc(self) -> ArcOutcome | None:
        """The chain."""

    @property
    def dmarc(self) -> DmarcOutcome | None:
        """The verdict."""

    @property
    def uses(self) -> tuple[Use, ...]:
        """Each use of an answer."""

    @property
    def dns(self) -> tuple[tuple[Question, Answer], ...]:
        """Each question with its answer."""

    @property
    def rounds(self) -> tuple[int, ...]:
        """The number of questions of each round."""

    @property
    def trace(self) -> tuple[Traced, ...]:
        """The questions with their uses."""

    @property
    def forged(self) -> tuple[int, ...]:
        """Positions of forged fields."""

    @property
    def limits(self) -> Limits:
        """The bounds that held."""
