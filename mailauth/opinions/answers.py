"""What an engine is given, the DNS transcript, and what comes back: an opinion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailauth.dns.drive import run
from mailauth.dns.values import Answer, Evaluation, Question
from mailauth.results import NoTruthValue
from mailauth.spf.record import is_spf
from mailauth.text import ascii_only

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Opinion(NoTruthValue):
    """What one engine said about one check.

    `theirs` is None when the engine was not asked; `explanation` then says why. If `agrees` is False without an
    explanation, the difference is unexplained: please report it.
    """

    check: str
    engine: str
    ours: str
    theirs: str | None
    agrees: bool | None
    explanation: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "check": self.check,
            "engine": self.engine,
            "ours": self.ours,
            "theirs": self.theirs,
            "agrees": self.agrees,
            "explanation": self.explanation,
        }


class NoOpinion(Exception):  # noqa: N818  passes through an engine, and is caught after it
    """The engine cannot be asked; the text says why."""


class NotRecorded(NoOpinion):
    """The engine asked what we never asked."""


class TooMuch(NoOpinion):
    """The engine would take excessive time with what it found."""


def printable_words(words: object) -> str:
    """Return text of an engine, which may quote a stranger, as short and harmless text."""
    return ascii_only(str(words)[:_SHOWN])


class Answers:
    """The transcript, backed by the resolver if there is one."""

    def __init__(self, transcript: dict[Question, Answer], resolver: Any) -> None:
        self._transcript, self._resolver = transcript, resolver

    def get(self, name: str, rdtype: str) -> Answer | None:
        """Return the answer to a question; None where it was not recorded and nobody can be asked."""
        question = Question(name.lower().removesuffix("."), rdtype)
        answer = self._transcript.get(question)
        if answer is None and self._resolver is not None:
            answer = self._transcript[question] = run(ask(question), self._resolver)
        return answer

    def spf_records(self) -> list[bytes]:
        """Return every SPF record that was seen."""
        return [r for q, a in self._transcript.items() if q.rdtype == "TXT" for r in a.records if is_spf(r)]

    def require(self, name: str, rdtype: str) -> Answer:
        """Return the answer to a question.

        Raises:
            NotRecorded: where there is none.
        """
        answer = self.get(name, rdtype)
        if answer is None:
            raise NotRecorded(f"it asked for {name} {rdtype}, which our evaluation did not need")
        return answer


def ask(question: Question) -> Evaluation[Answer]:
    """Ask one question."""
    (answer,) = yield (question,)
    return answer
