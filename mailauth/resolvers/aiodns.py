"""DNS over the network through c-ares, as aiodns does it: many questions in flight, at a small cost for each.

One c-ares channel serves all batches, under asyncio and trio. It runs in a thread of its own, reads each response
there, and wakes the loop once a batch; no question is a task. What c-ares does not tell is not in the answers: the
AD flag, and TTL and aliases of a name that does not exist. It takes a truncated answer over TCP without records for
NODATA, and a malformed one for the failure of every question that is in flight. Keeps transport and configuration;
no state of an evaluation.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Self

from mailauth.dns import Answer, Answers, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.names import MAX_LABEL, MAX_NAME, host_name
from mailauth.resolvers.loops import running

try:
    import pycares
except ImportError:
    msg = "AiodnsResolver needs aiodns: pip install 'mailauth[fast]'"
    raise UsageError(msg) from None

_Land = Callable[[Question, Answer], None]

_RENEWAL = 10_000  # questions
_PACE = 0.25  # seconds; c-ares goes no lower when it has learned how fast a server is
_MAX_ALIASES = 16  # as dnspython has it

# c-ares reads a backslash as an escape, and asks for no other characters than these
_NAME = re.compile(rf"[a-z0-9_/*-]{{1,{MAX_LABEL}}}(?:\.[a-z0-9_/*-]{{1,{MAX_LABEL}}})*", re.IGNORECASE | re.ASCII)


def _host(text: str) -> str:
    # c-ares escapes as other software does, but for this one
    return host_name(text.replace(" ", "\\032"))


_CNAME = pycares.QUERY_TYPE_CNAME
_TYPES: Mapping[str, tuple[int, Callable[[Any], Any]]] = {
    "TXT": (pycares.QUERY_TYPE_TXT, lambda data: data.data),
    "A": (pycares.QUERY_TYPE_A, lambda data: data.addr),
    "AAAA": (pycares.QUERY_TYPE_AAAA, lambda data: data.addr),
    "MX": (pycares.QUERY_TYPE_MX, lambda data: (data.priority, _host(data.exchange))),
    "PTR": (pycares.QUERY_TYPE_PTR, lambda data: _host(data.dname)),
    "CNAME": (_CNAME, lambda data: _host(data.cname)),
    "NS": (pycares.QUERY_TYPE_NS, lambda data: _host(data.nsdname)),
    "TLSA": (
        pycares.QUERY_TYPE_TLSA,
        lambda d: f"{d.cert_usage} {d.selector} {d.matching_type} {d.cert_association_data.hex()}",
    ),
}
_STATUS: Mapping[int, Status] = {
    pycares.errno.ARES_ENODATA: Status.NODATA,
    pycares.errno.ARES_ENOTFOUND: Status.NXDOMAIN,
    pycares.errno.ARES_ETIMEOUT: Status.TIMEOUT,
}


class AiodnsResolver:
    """A resolver for asyncio and trio; may serve several event loops.

    Closing is for the tidy: a resolver that is dropped ends its thread when its last question is answered.

    Args:
        nameservers: IP addresses. None: the system's.
        timeout: seconds to wait for an answer, times `tries`: c-ares repeats a question within that time, at a pace
            that it learns from the server.
        tries: see `timeout`.
        port: port of the nameservers.
        max_txt_bytes: TXT answers with more octets of data than this are SERVFAIL.

    Raises:
        UsageError: for nameservers that cannot be asked; on import where aiodns is not installed.
    """

    def __init__(
        self,
        nameservers: Sequence[str] | None = None,
        *,
        timeout: float = 5.0,
        tries: int = 2,
        port: int = 53,
        max_txt_bytes: int = 65536,
    ) -> None:
        self._servers = None if nameservers is None else _addresses(nameservers)
        self._patience = timeout * tries
        self._port = port
        self._max_txt_bytes = max_txt_bytes
        self._lock = Lock()
        self._channel: pycares.Channel | None = None
        self._asked = 0

    async def resolve(self, questions: Batch, timeout: float | None = None) -> Answers:  # noqa: ASYNC109  contract
        """Return the answers, in the order of the questions. Raises for no DNS trouble.

        `timeout` bounds the waiting in seconds. A batch that is cancelled leaves no task and no future; c-ares keeps
        its questions until they are answered, or until it gives them up.
        """
        loop = running()
        answers: dict[Question, Answer] = {}
        wanted = set(questions)
        landed = loop.event()

        def land(question: Question, answer: Answer) -> None:
            answers[question] = answer
            if len(answers) == len(wanted):
                # the loop may have ended since
                with suppress(RuntimeError):
                    loop.soon(landed.set)

        for question in wanted:
            self._ask(question, land)
        if wanted:
            await loop.wait(landed, self._patience if timeout is None else min(self._patience, timeout))
        late = Answer(Status.TIMEOUT, detail="no answer in time")
        return tuple([answers.get(question, late) for question in questions])

    async def close(self) -> None:
        """End the channel and its thread; what is being asked becomes SERVFAIL. A later question opens another."""
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.cancel()
            channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _ask(self, question: Question, land: _Land) -> None:
        name, rdtype = question
        if rdtype not in _TYPES:
            land(question, Answer(Status.SERVFAIL, detail=f"c-ares is not asked for {rdtype} records here"))
        elif len(name) > MAX_NAME or _NAME.fullmatch(name) is None:
            land(question, Answer(Status.SERVFAIL, detail="c-ares cannot ask for a name with such labels"))
        else:
            try:
                self._open().query(name, _TYPES[rdtype][0], callback=partial(self._landed, question, land))
            except Exception as error:  # noqa: BLE001  no channel, or one that has just been closed
                land(question, Answer(Status.SERVFAIL, detail=_brief(error)))

    def _open(self) -> pycares.Channel:
        """Return the channel: a new one now and then, as c-ares keeps each answer for its TTL and has no bound."""
        with self._lock:
            self._asked += 1
            if self._channel is None or self._asked > _RENEWAL:
                # the old one ends with its last question
                self._channel = pycares.Channel(
                    servers=self._servers,
                    udp_port=self._port,
                    tcp_port=self._port,
                    # as often as fits: it waits for twice as long each time
                    timeout=_PACE,
                    tries=math.ceil(math.log2(self._patience / _PACE + 1)),
                )
                self._asked = 1
            return self._channel

    def _landed(self, question: Question, land: _Land, result: Any, error: int | None) -> None:
        """Take what c-ares found; called in its thread."""
        try:
            land(question, self._failed(error) if error is not None else self._found(question, result))
        except Exception as trouble:  # noqa: BLE001  nobody hears an exception here
            land(question, Answer(Status.SERVFAIL, detail=_brief(trouble)))

    def _failed(self, error: int) -> Answer:
        status = _STATUS.get(error, Status.SERVFAIL)
        answer = Answer(status)
        return Answer(status, detail=_brief(pycares.errno.strerror(error))) if answer.failed else answer

    def _found(self, question: Question, result: Any) -> Answer:
        kind, read = _TYPES[question.rdtype]
        owner = host_name(question.name)
        cnames: list[str] = []
        ttls: list[int] = []
        records = [(_host(r.name), r) for r in result.answer if r.record_class == pycares.QUERY_CLASS_IN]
        aliases = {name: r for name, r in records if r.type == _CNAME} if kind != _CNAME else {}
        while owner in aliases:
            if len(cnames) == _MAX_ALIASES:
                return Answer(Status.SERVFAIL, detail=f"a loop of aliases, or more than {_MAX_ALIASES}")
            ttls.append(_ttl(aliases[owner].ttl))
            owner = _host(aliases[owner].data.cname)
            cnames.append(owner)
        found = [r for name, r in records if name == owner and r.type == kind]
        data = tuple([read(r.data) for r in found])
        if question.rdtype == "TXT" and (size := sum(map(len, data))) > self._max_txt_bytes:
            detail = f"{size} octets of TXT data, more than the limit of {self._max_txt_bytes}"
            return Answer(Status.SERVFAIL, detail=detail)
        if found:
            ttls += [_ttl(r.ttl) for r in found]
        else:
            # RFC 2308 §5
            soas = [r for r in result.authority if r.type == pycares.QUERY_TYPE_SOA]
            ttls += [_ttl(min(r.ttl, r.data.minimum)) for r in soas]
        if not found and not cnames:
            # c-ares has an error of its own for NODATA: this is a code that it does not tell (YXDOMAIN, NOTAUTH …)
            return Answer(Status.SERVFAIL, detail="c-ares: an answer without records, of an unknown code")
        status = Status.OK if found else Status.NODATA
        return Answer(status, data, min(ttls, default=None), tuple(cnames))


def _ttl(seconds: int) -> int:
    # RFC 2181 §8
    return seconds if seconds < 1 << 31 else 0


def _brief(what: object) -> str:
    return f"c-ares: {' '.join(str(what).split())[:200]}"


def _addresses(nameservers: Sequence[str]) -> list[str]:
    if isinstance(nameservers, str) or not nameservers:
        msg = f"nameservers={nameservers!r}: give a list of IP addresses; None for the system's"
        raise UsageError(msg)
    try:
        return [str(ipaddress.ip_address(str(server))) for server in nameservers]
    except ValueError:
        msg = f"nameservers={nameservers!r}: give IP addresses"
        raise UsageError(msg) from None
