"""What every check of a message needs beside its subject: limits, options, the time, our name, and what it used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mailauth.dns.values import Question, Use
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.moments import seconds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The surroundings of the checks of one message; with `uses`, of this message alone.

    Args:
        limits: see `Limits`.
        options: see `Options`.
        now: time of receipt, an aware datetime or POSIX seconds. None: what depends on the time is not judged.
        receiver: name of this host: its authserv-id, and the macro %{r} of SPF explanations.
        uses: takes each use of a DNS answer, in order; None: nobody wants them.

    Attributes:
        timestamp: `now` in POSIX seconds.

    Raises:
        UsageError: for an invalid time.
        TypeError: for limits or options of another type.
    """

    limits: Limits = DEFAULT_LIMITS
    options: Options = DEFAULT_OPTIONS
    now: datetime | float | None = None
    receiver: str = "unknown"
    uses: list[Use] | None = field(default=None, compare=False)
    timestamp: int | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the types, and work the time out once."""
        for name, kind in (("limits", Limits), ("options", Options)):
            if not isinstance(getattr(self, name), kind):
                given = type(getattr(self, name)).__name__
                msg = f"Context({name}=…) must be a mailauth.{kind.__name__}, not {given}; leave it out for the default"
                raise TypeError(msg)
        object.__setattr__(self, "timestamp", None if self.now is None else seconds_of(self.now))

    @property
    def noted(self) -> list[Use]:
        """The list for uses: one that nobody reads where nobody wants them."""
        return [] if self.uses is None else self.uses

    def used(self, question: Question, check: str, subject: str, rule: str) -> None:
        """Note that a check used the answer to a question: for what, and by which rule of an RFC."""
        if self.uses is not None:
            self.uses.append(Use(question, check, subject, rule))


def context_of(context: Context | None) -> Context:
    """Return the context that a check was given, or one of defaults.

    Raises:
        TypeError: for anything else.
    """
    if context is not None and not isinstance(context, Context):
        given = type(context).__name__
        msg = f"context must be a mailauth.Context(limits=…, options=…, now=…) or None, not {given}"
        raise TypeError(msg)
    return Context() if context is None else context
