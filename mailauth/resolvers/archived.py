"""Old keys beside DNS: a name that DNS does not publish any more, or not with that key, is looked up in files too.

Whoever gives such a file vouches for it: what is in it counts as if DNS had said it. DNS is asked first, and its
records come first; the `detail` of an answer says what was added. Knows nothing of keys: every record at the name is a
candidate, and the signature decides which one fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mailauth.dns.drive import transport
from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.resolvers.keyfile import KeyFile
from mailauth.resolvers.recorder import relay

MAX_OLD = 50  # at one name


class Archived:
    """A resolver that asks another one, and adds the old keys of files to its answers.

    Where DNS fails, the answer is that of the files, if they have one; a failure is not evidence that a key is gone.
    `mailauth.saved.keys.verify` takes from the files only what a signature fits; with this resolver alone, a signature
    that fits no record is a failed one, as it is when DNS publishes another key.

    Args:
        resolver: any resolver, synchronous or asynchronous; this one is then of the same kind.
        files: the old keys, which the caller vouches for.

    Raises:
        UsageError: for something that is not a resolver.
    """

    def __init__(self, resolver: Any, files: Iterable[KeyFile]) -> None:
        self._resolve = transport(resolver)
        self._files = tuple(files)
        self.immediate = bool(getattr(resolver, "immediate", False))

    def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
        """Return the answers, or an awaitable of them; the other resolver gets the `timeout` too."""

        def add(answers: Answers) -> Answers:
            return tuple([self._with_keys(q, a) for q, a in zip(questions, answers, strict=True)])

        return relay(self._resolve, questions, add, timeout)

    def _with_keys(self, question: Question, answer: Answer) -> Answer:
        old = old_records(question, answer, self._files) if question.rdtype == "TXT" else ()
        if not old:
            return answer
        sources = ", ".join(dict.fromkeys(source for _, source in old))
        dns = f"{len(answer.records)} of DNS" if answer.records else f"DNS: {answer.status}"
        return Answer(
            Status.OK,
            (*answer.records, *(record for record, _ in old)),
            answer.ttl,
            answer.cnames,
            detail=f"{dns}; {len(old)} of {sources}",
        )


def old_records(question: Question, answer: Answer, files: Iterable[KeyFile]) -> tuple[tuple[bytes, str], ...]:
    """Return what the files have beyond an answer, each record with its source; the first `MAX_OLD`."""
    found: dict[bytes, str] = {}
    for file in files:
        for record in file.records.get(question.name, ()):
            if record not in answer.records:
                found.setdefault(record, file.source)
    return tuple(found.items())[:MAX_OLD]
