"""Recording DNS, and pages: every question and answer that passed, in the form that `Zone` reads.

A replay gives equal answers: what a zone cannot express (TTL, DNSSEC, the description of a failure) is stored
separately. Knows nothing about where the answers come from.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mailauth.dns import fetch as pages
from mailauth.dns.drive import checked, failure, transport
from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.files import replace
from mailauth.resolvers.loops import together
from mailauth.resolvers.pages import page_data
from mailauth.resolvers.zone import NOT_RECORDED, Zone, moment, normal_name

if TYPE_CHECKING:
    import os


def relay(
    resolve: Callable[[Batch, float | None], Any],
    questions: Batch,
    finish: Callable[[Answers], Answers],
    timeout: float | None,
) -> Any:
    """Ask, and return `finish(answers)`: at once, or as an awaitable where the resolver gave awaitables.

    `resolve` comes from `mailauth.dns.transport`. An exception in a resolver counts as SERVFAIL.
    """
    try:
        given = resolve(questions, timeout)
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that counts as a DNS failure
        return finish(failure(questions, error))
    if inspect.isawaitable(given):
        return _finish_later(given, questions, finish)
    if isinstance(given, list) and any(map(inspect.isawaitable, given)):
        return _finish_later(together(given), questions, finish)
    return finish(checked(questions, given))


async def _finish_later(given: Any, questions: Batch, finish: Callable[[Answers], Answers]) -> Answers:
    try:
        answers = checked(questions, await given)
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that counts as a DNS failure
        answers = failure(questions, error)
    return finish(answers)


class Recorder:
    """A resolver that asks another one and records its answers; the latest answer to a question counts.

    It is a fetcher too, which records the pages of another one.

    Args:
        resolver: any resolver, synchronous or asynchronous; this one is then of the same kind.
        fetcher: the same for a fetcher; None: no page is asked for.

    Raises:
        UsageError: for something that is not a resolver, or not a fetcher.
    """

    def __init__(self, resolver: Any, fetcher: Any = None) -> None:
        self._resolve = transport(resolver)
        self._fetch = pages.transport(fetcher)
        self._answers: dict[Question, Answer] = {}
        self._pages: dict[str, pages.Fetched] = {}

    def resolve(self, questions: Batch, timeout: float | None = None) -> Any:
        """Return the answers of the other resolver, or an awaitable of them; it gets the `timeout` too."""

        def keep(answers: Answers) -> Answers:
            self._answers.update(zip(questions, answers, strict=True))
            return answers

        return relay(self._resolve, questions, keep, timeout)

    def fetch(self, requests: pages.Requests, timeout: float | None = None) -> Any:
        """Return what the other fetcher fetches, or an awaitable of it; it gets the `timeout` too."""
        try:
            given = self._fetch(requests, timeout)
        except Exception as error:  # noqa: BLE001  a plug-in may raise anything; that counts as a failure
            given = pages.failure(requests, error)
        return self._fetched_later(requests, given) if inspect.isawaitable(given) else self._fetched(requests, given)

    async def _fetched_later(self, requests: pages.Requests, given: Any) -> pages.Pages:
        try:
            return self._fetched(requests, await given)
        except Exception as error:  # noqa: BLE001  as above
            return self._fetched(requests, pages.failure(requests, error))

    def _fetched(self, requests: pages.Requests, given: Any) -> pages.Pages:
        found = pages.checked(requests, given)
        self._pages.update((request.url, page) for request, page in zip(requests, found, strict=True))
        return found

    def fill(self, transcript: Iterable[tuple[Question, Answer]]) -> None:
        """Record answers that came from elsewhere, such as TIMEOUT of an evaluation whose time was up; old ones remain.

        Args:
            transcript: questions and their answers, such as `Authentication.dns`.
        """
        for question, answer in transcript:
            self._answers.setdefault(question, answer)

    def to_dict(
        self, now: datetime | float | str | None = None, recorded: datetime | float | str | None = None
    ) -> dict[str, Any]:
        """Return the recording as `Zone` takes it.

        `zone` has the records; `answers` has the fields of answers that differ from those of a `Zone` with these
        records, `https` the pages; both are left out if there are none.

        Args:
            now: the time for which messages were checked: aware datetime, POSIX seconds, ISO 8601 text.
            recorded: the time of recording, for information.

        Raises:
            UsageError: for a time in any other form.
        """
        zone: dict[str, dict[str, Any]] = {}
        # a name in another form than a zone's is stored under `answers`; our own checks ask for none
        answers = {q: a for q, a in self._answers.copy().items() if all(map(_is_normal, (q.name, *a.cnames)))}
        # direct answers first: they say what is at a name, and aliases must agree with them
        for (name, rdtype), answer in sorted(answers.items(), key=lambda item: len(item[1].cnames)):
            value = _value(answer)
            if not _fits(name, rdtype, value):
                continue
            links = list(pairwise((name, *answer.cnames)))
            end = zone.get(links[-1][1], {}) if links else {}
            agree = end.get(rdtype, value) == value and all(
                rdtype not in zone.get(alias, {}) and zone.get(alias, {}).get("CNAME", [target]) == [target]
                for alias, target in links
            )
            owner = name
            for alias, target in links if agree else ():
                zone.setdefault(alias, {})["CNAME"] = [target]
                owner = target
            zone.setdefault(owner, {})[rdtype] = value
        records = {
            name: "NXDOMAIN" if all(value == "NXDOMAIN" for value in types.values()) else types
            for name, types in sorted(zone.items())
        }
        plain, replay = Zone(records), Zone({"zone": records, "recorded": None})
        details: dict[str, dict[str, Any]] = {}
        for question, answer in sorted(self._answers.copy().items()):
            (found,) = plain.resolve((question,))
            known = found.to_dict()
            more = {field: value for field, value in answer.to_dict().items() if value != known[field]}
            # Also without a difference, where the records do not show that it was asked
            if more or replay.resolve((question,))[0] is NOT_RECORDED:
                details.setdefault(question.name, {})[question.rdtype] = more
        https = {url: page_data(url, page) for url, page in sorted(self._pages.copy().items())}
        return {
            "zone": records,
            **({"answers": details} if details else {}),
            **({"https": https} if https else {}),
            "now": None if now is None else moment(now).isoformat(),
            "recorded": None if recorded is None else moment(recorded).isoformat(),
        }

    def save(
        self,
        path: str | os.PathLike[str],
        now: datetime | float | str | None = None,
        recorded: datetime | float | str | None = None,
    ) -> None:
        """Write the recording as JSON, for `Zone.load`; the arguments are those of `to_dict`.

        An existing file is replaced once the new one is complete.

        Raises:
            OSError: if the file cannot be written; an old file is then unchanged.
            UsageError: for a time in an unknown form.
        """
        text = json.dumps(self.to_dict(now, recorded), indent=1, sort_keys=True)
        replace(path, f"{text}\n".encode("ascii"))


def _is_normal(name: str) -> bool:
    return name.isascii() and name == normal_name(name)


def _fits(name: str, rdtype: str, value: Any) -> bool:
    """Whether a zone can express an answer; a plug-in may return what no server does."""
    try:
        Zone({name: {rdtype: value}})
    except UsageError:
        return False
    return True


def _value(answer: Answer) -> Any:
    if answer.status is Status.OK or answer.status is Status.NODATA:
        return answer.to_dict()["records"]
    return answer.status.upper()
