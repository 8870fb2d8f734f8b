"""DNS over the network through c-ares, like aiodns: many questions in flight, at a small cost for each.

One c-ares channel serves all batches, under asyncio and trio. It runs in its own thread, reads each response there, and
wakes the loop once per batch; no question is a task. A child of fork() opens its own channel. What c-ares cannot ask,
or fails with for a reason that may not concern the question, is asked through dnspython. The answers lack what c-ares
does not report: the AD bit, the TTL and aliases of an absence, and whether an answer over TCP is truncated. Holds
transport and configuration, but no state of an evaluation.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.names import MAX_LABEL, MAX_NAME, host_name
from mailauth.resolvers.forks import renew_in_children
from mailauth.resolvers.loops import running

try:
    import pycares
except ImportError:
    msg = "AiodnsResolver needs aiodns: pip install 'mailauth[fast]'"
    raise UsageError(msg) from None

if TYPE_CHECKING:
    from mailauth.resolvers.dnspython import AsyncDnspythonResolver

_Land = Callable[[Question, Answer], None]

# c-ares has its own cache, with answers of up to 64 KiB each, and NODATA without a TTL for an hour: it is cleared after
_FLUSH_QUESTIONS = 500
_FLUSH_SECONDS = 5.0
_PACE = 0.25  # seconds; c-ares goes no lower once it has learned how fast a server is
_MAX_ALIASES = 16  # as in dnspython

# c-ares treats a backslash as an escape, and asks only for these characters
_NAME = re.compile(rf"[a-z0-9_/*-]{{1,{MAX_LABEL}}}(?:\.[a-z0-9_/*-]{{1,{MAX_LABEL}}})*", re.IGNORECASE | re.ASCII)


def _host(text: str) -> str:
    # c-ares escapes like other software, except for this one
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
# A malformed reply fails every question of its socket. FORMERR and NOTIMP may be about EDNS: c-ares asks again without
# it after some FORMERR only
_UNCLEAR = frozenset({pycares.errno.ARES_EBADRESP, pycares.errno.ARES_EFORMERR, pycares.errno.ARES_ENOTIMP})
# dnspython's answer replaces it
_UNTOLD = Answer(Status.SERVFAIL, detail="c-ares cannot tell")


class _Parents:
    """What c-ares and pycares leave in a child of fork(): their threads do not exist there."""

    def __init__(self) -> None:
        self.channels: list[pycares.Channel] = []  # kept, because ending one would wait for its thread
        renew_in_children(self)

    def after_fork(self) -> None:
        """Let pycares end the channels of this process: it does so in a thread that it starts once."""
        with suppress(AttributeError):
            pycares._shutdown_manager = pycares._ChannelShutdownManager()  # noqa: SLF001  it has no other way


_PARENTS = _Parents()


class AiodnsResolver:
    """A resolver for asyncio and trio; may serve several event loops, and continues to work in a child of fork().

    c-ares cannot ask for names with characters other than letters, digits and `-_/*`, nor for some types, and fails
    every question on a socket that receives a malformed reply: these questions are asked through dnspython. It takes a
    truncated answer over TCP as complete, and retries without EDNS only if a server refuses EDNS, not if it drops the
    query. Closing is optional: a resolver that is garbage-collected ends its thread when its last question is answered.

    Args:
        nameservers: IP addresses. None: the system's.
        timeout: seconds to wait for an answer, times `tries`: c-ares repeats a question within that time, at a pace
            that it learns from the server.
        tries: see `timeout`.
        port: port of the nameservers.
        max_txt_bytes: TXT answers with more octets of data than this are SERVFAIL.

    Raises:
        UsageError: for invalid nameservers; on import if aiodns is not installed.
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
        self._timeout = timeout
        self._patience = timeout * tries
        self._port = port
        self._max_txt_bytes = max_txt_bytes
        self._dnspython: AsyncDnspythonResolver | None = None
        self._channel: pycares.Channel | None = None
        self.after_fork()
        renew_in_children(self)

    def after_fork(self) -> None:
        """Leave the channel to the parent, whose thread serves it."""
        self._lock = Lock()
        self._asked, self._next_flush = 0, 0.0
        if self._channel is not None:
            _PARENTS.channels.append(self._channel)
            self._channel = None

    async def resolve(self, questions: Batch, timeout: float | None = None) -> Answers:  # noqa: ASYNC109  contract
        """Return the answers, in the order of the questions. Does not raise for DNS failures.

        `timeout` bounds the waiting in seconds. A cancelled batch leaves no task and no future; c-ares keeps its
        questions until they are answered or it gives up.
        """
        loop = running()
        seconds = self._patience if timeout is None else min(self._patience, timeout)
        end = time.monotonic() + seconds
        wanted = {question for question in questions if _can_ask(question)}
        found: dict[Question, Answer] = {}
        landed = loop.event()

        def land(question: Question, answer: Answer) -> None:
            found[question] = answer
            if len(found) == len(wanted):
                # the loop may have ended in the meantime
                with suppress(RuntimeError):
                    loop.soon(landed.set)

        for question in wanted:
            self._ask(question, land)
        # while those of c-ares are in flight
        answers = await self._ask_dnspython([q for q in questions if q not in wanted], end)
        if wanted:
            await loop.wait(landed, end - time.monotonic())
        answers |= found
        answers |= await self._ask_dnspython([q for q, a in answers.items() if a is _UNTOLD], end)
        timed_out = Answer(Status.TIMEOUT, detail="no answer in time")
        return tuple([answers.get(question, timed_out) for question in questions])

    async def close(self) -> None:
        """End the channel and its thread; questions in flight become SERVFAIL. A later question opens a new channel."""
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

    async def _ask_dnspython(self, questions: Iterable[Question], end: float) -> dict[Question, Answer]:
        batch = tuple(dict.fromkeys(questions))
        if not batch:
            return {}
        if self._dnspython is None:
            from mailauth.resolvers.dnspython import AsyncDnspythonResolver  # noqa: PLC0415  large, and seldom needed

            self._dnspython = AsyncDnspythonResolver(
                self._servers,
                timeout=self._timeout,
                lifetime=self._patience,
                port=self._port,
                max_txt_bytes=self._max_txt_bytes,
            )
        return dict(zip(batch, await self._dnspython.resolve(batch, end - time.monotonic()), strict=True))

    def _ask(self, question: Question, land: _Land) -> None:
        name, rdtype = question
        try:
            self._open().query(name, _TYPES[rdtype][0], callback=partial(self._landed, question, land))
        except pycares.AresError:
            # a name that it does not ask for (RFC 7686), or a channel that it cannot open
            land(question, _UNTOLD)
        except Exception as error:  # noqa: BLE001  the channel may just have been closed
            land(question, Answer(Status.SERVFAIL, detail=_brief(error)))

    def _open(self) -> pycares.Channel:
        """Return the channel, whose cache is cleared now and then."""
        with self._lock:
            now = time.monotonic()
            self._asked += 1
            if self._channel is None:
                self._channel = pycares.Channel(
                    servers=self._servers,
                    udp_port=self._port,
                    tcp_port=self._port,
                    # as often as fits: it doubles the waiting time with each try
                    timeout=_PACE,
                    tries=math.ceil(math.log2(self._patience / _PACE + 1)),
                )
            elif self._asked > _FLUSH_QUESTIONS or now >= self._next_flush:
                # reading the configuration again clears the cache; questions in flight continue
                self._channel.reinit()
            else:
                return self._channel
            self._asked, self._next_flush = 0, now + _FLUSH_SECONDS
            return self._channel

    def _landed(self, question: Question, land: _Land, result: Any, error: int | None) -> None:
        """Take the result from c-ares; called in its thread."""
        try:
            land(question, self._failed(error) if error is not None else self._found(question, result))
        except Exception as trouble:  # noqa: BLE001  an exception would be lost here
            land(question, Answer(Status.SERVFAIL, detail=_brief(trouble)))

    def _failed(self, error: int) -> Answer:
        if error in _UNCLEAR:
            return _UNTOLD
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
                return Answer(Status.SERVFAIL, detail=f"an alias loop, or more than {_MAX_ALIASES} aliases")
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
        elif soas := [r for r in result.authority if r.type == pycares.QUERY_TYPE_SOA]:
            # RFC 2308 §5
            ttls += [_ttl(min(r.ttl, r.data.minimum)) for r in soas]
        else:
            ttls = []
        if not found and not cnames:
            # c-ares has an error of its own for NODATA: this is a code that it does not report (BADVERS, YXDOMAIN …)
            return _UNTOLD
        status = Status.OK if found else Status.NODATA
        return Answer(status, data, min(ttls, default=None), tuple(cnames))


def _can_ask(question: Question) -> bool:
    return question.rdtype in _TYPES and len(question.name) <= MAX_NAME and _NAME.fullmatch(question.name) is not None


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
