"""What every check of a message needs beside its subject: limits, options, the time, our name, and what it used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mailauth.dns.values import Question, Use
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.moments import seconds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings of the checks of one message.

    Args:
        limits: see `Limits`.
        options: see `Options`.
        now: time of receipt, an aware datetime or POSIX seconds. None: what depends on the time is not judged.
        receiver: name of this host, for the macro %{r} of SPF explanations.
        uses: takes each use of a DNS answer, in order.

    Attributes:
        seconds: `now` in POSIX seconds.

    Raises:
        UsageError: for a time that is none.
    """

    limits: Limits = DEFAULT_LIMITS
    options: Options = DEFAULT_OPTIONS
    now: datetime | float | None = None
    receiver: str = "unknown"
    uses: list[Use] = field(default_factory=list)
    seconds: int | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work the time out once."""
        object.__setattr__(self, "seconds", None if self.now is None else seconds_of(self.now))

    def used(self, question: Question, check: str, subject: str, rule: str) -> None:
        """Note that a check used the answer to a question: for what, and by which rule of an RFC."""
        self.uses.append(Use(question, check, subject, rule))


DEFAULT_CONTEXT = Context()
