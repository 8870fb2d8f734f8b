"""Many saved messages, verified side by side: by threads, processes or the machines of a cluster.

Messages are read here, in order, and handed on in batches, of which few are under way at any time: memory does not
grow with their number. Whatever happens to one message, it is a row that says so, and the run goes on. Knows nothing
of where rows are written to.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from mailauth.connection import Connection
from mailauth.dns.values import Answer, Status
from mailauth.errors import MailauthError, UsageError
from mailauth.limits import Limits, Options
from mailauth.resolvers.chosen import chosen, key_files
from mailauth.saved.border import Trusted
from mailauth.saved.keys import verify
from mailauth.saved.sources import MAX_BYTES, read
from mailauth.saved.sources.item import Item, said
from mailauth.saved.table import Row, row_of, without_verdict
from mailauth.saved.verdict import Saved

if TYPE_CHECKING:
    from mailauth.resolvers.keyfile import KeyFile

_BATCH = 32  # messages
_BATCH_BYTES = 2 * 2**20  # octets of the messages of a batch, but for the last one
_UNDER_WAY = 64 * 2**20  # octets of all batches under way, but for the last one
_THREADS = 16  # messages that wait for DNS at the same time, in each process

Source: TypeAlias = "str | os.PathLike[str]"


class Named(NamedTuple):
    """A message, and the source that it is from."""

    source: str
    item: Item


Batch: TypeAlias = list[Named]


def verify_many(
    sources: Source | Iterable[Source],
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    ahead: int = 16,
    dns: Source | None = None,
    nameserver: str | None = None,
    connection: Connection | None = None,
    trusted: Trusted = None,
    authserv_id: str | None = None,
    now: datetime | None = None,
    limits: Limits | None = None,
    options: Options | None = None,
    max_bytes: int = MAX_BYTES,
    skip: Callable[[str, Item], bool] | None = None,
    details: bool = False,
    keys: Source | Iterable[Source] = (),
) -> Generator[Row, None, None]:
    """Return an iterator of a row for each message of some sources, in their order.

    A message that cannot be read or verified has a row with a `problem`. Close the iterator to stop early; what is
    under way then is dropped.

    Args:
        sources: each as `sources.read` takes it; one alone need not be in a list.
        executor: who verifies: any `concurrent.futures.Executor`, such as a pool of threads or of processes, or Dask's
            `Client.get_executor()`. It is not shut down. Or a function that returns a new one, such as `processes`:
            it is then shut down at the end, and replaced if a process of it dies; the messages that were under way
            are verified again one by one, and the one that kills it has a row that says so. None: this process.
        ahead: batches under way at the same time; at least twice the number of workers keeps all of them busy. A
            batch has up to 32 messages and about 2 MiB.
        dns: path of a zone file, which each process loads for itself; None asks the network.
        nameserver: address of the nameserver to ask; None asks those of the system. Each process has one cache, and
            asks for several messages at the same time.
        connection: see `verify`; the same for all.
        trusted: see `border_of`.
        authserv_id: see `mailauth.authenticate`.
        now: the present, an aware datetime; None: that of the zone file, or else that of each verification.
        limits: see `Limits`.
        options: see `Options`.
        max_bytes: see `sources.read`.
        skip: called with each source as text and each item; those for which it returns true are left out.
        details: whether rows have the whole verdict too, as `Row.details`.
        keys: paths of files of old keys, which the caller vouches for; each process loads them for itself, once. See
            `mailauth.saved.keys.verify`.

    Raises:
        UsageError, TypeError: for an argument that cannot be used; for a source that cannot, when its turn comes.
        MailauthError: for a zone or old keys that cannot be read; and later if the executor can do no more work.
    """
    if ahead < 1:
        raise UsageError(f"ahead={ahead}: give at least 1")
    job = _Job(
        run=os.urandom(8),
        dns=None if dns is None else os.fspath(dns),
        nameserver=nameserver,
        keys=tuple([os.fspath(path) for path in _several(keys)]),
        connection=connection,
        trusted=trusted if trusted is None or isinstance(trusted, int) else _whole(trusted),
        # The same wherever it runs
        authserv_id=socket.gethostname() if authserv_id is None else authserv_id,
        now=now,
        limits=limits,
        options=options,
        details=details,
    )
    # Here, so that what is wrong with an argument is an error, and not the problem of every message
    job.verify(b"", lambda *_: Answer(Status.TIMEOUT))
    job.means()
    named = (Named(label(source), item) for source in _several(sources) for item in read(source, max_bytes=max_bytes))
    batches = _batches(each for each in named if skip is None or not skip(*each))
    return _in_this_process(job, batches) if executor is None else _Run(job, executor, ahead).rows(batches)


def label(source: Source) -> str:
    r"""Return the name that a source has in its rows; an octet that is not UTF-8 is written like `\xff`."""
    return os.fsencode(source).decode("utf-8", "backslashreplace")


def _several(paths: Source | Iterable[Source]) -> Iterable[Source]:
    return (paths,) if isinstance(paths, (str, os.PathLike)) else paths


def _whole(trusted: Any) -> Any:
    """Return what is trusted as a value: an iterator could be used once, and not be sent to another process."""
    single = isinstance(trusted, str) or not isinstance(trusted, Iterable)
    return trusted if single else tuple(trusted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """How the messages of a run are verified: plain values, for any process."""

    run: bytes
    dns: str | None
    nameserver: str | None
    keys: tuple[str, ...]
    connection: Connection | None
    trusted: Trusted
    authserv_id: str
    now: datetime | None
    limits: Limits | None
    options: Options | None
    details: bool

    def means(self) -> tuple[Any, tuple[KeyFile, ...]]:
        """Return the resolver and the old keys of this process for this run."""
        return _means(self.run, self.dns, self.nameserver, self.keys)

    def verify(self, raw: bytes, resolver: Any, files: tuple[KeyFile, ...] = ()) -> Saved:
        """Return the verdict on a message."""
        return verify(
            raw,
            resolver,
            files,
            connection=self.connection,
            trusted=self.trusted,
            authserv_id=self.authserv_id,
            now=self.now or getattr(resolver, "now", None),
            limits=self.limits,
            options=self.options,
        )

    def row(self, named: Named) -> Row:
        """Return the row of a message. Never raises for any message."""
        source, item = named
        if item.raw is None:
            return without_verdict(source, item, item.problem)
        try:
            return row_of(source, item, self.verify(item.raw, *self.means()), details=self.details)
        except Exception as error:  # noqa: BLE001  a bug, or no memory for this message, is not the end of the run
            return without_verdict(source, item, _not_verified(error))


@lru_cache(maxsize=4)
def _means(
    run: bytes,  # noqa: ARG001  a new run reads the files anew
    dns: str | None,
    nameserver: str | None,
    keys: tuple[str, ...],
) -> tuple[Any, tuple[KeyFile, ...]]:
    return chosen(dns, nameserver), key_files(keys)


def _not_verified(error: BaseException) -> str:
    return said(f"not verified: {type(error).__name__}: {error}")


def _verified(job: _Job, batch: Batch) -> list[Row]:
    """Verify a batch, in whatever process this is."""
    if job.dns is not None or len(batch) == 1:
        return [job.row(named) for named in batch]
    with suppress(Exception):
        # Once, and not by all of the threads at once; what is wrong with it, each row says
        job.means()
    threads = ThreadPoolExecutor(_THREADS)
    try:
        return list(threads.map(job.row, batch))
    finally:
        threads.shutdown(cancel_futures=True)


def _batches(named: Iterable[Named]) -> Iterator[Batch]:
    batch: Batch = []
    octets = 0
    for each in named:
        batch.append(each)
        octets += len(each.item.raw or b"")
        if len(batch) == _BATCH or octets >= _BATCH_BYTES:
            yield batch
            batch, octets = [], 0
    if batch:
        yield batch


def _in_this_process(job: _Job, batches: Iterator[Batch]) -> Generator[Row, None, None]:
    for batch in batches:
        yield from _verified(job, batch)


class _UnderWay(NamedTuple):
    """A batch that an executor has, and the octets of its messages."""

    future: Future[list[Row]]
    batch: Batch
    octets: int


def _same(executor: Executor) -> Executor:
    return executor


class _Run:
    """A run with an executor: the caller's, or one of our own that can be replaced."""

    def __init__(self, job: _Job, executor: Executor | Callable[[], Executor], ahead: int) -> None:
        self._job = job
        self._ahead = ahead
        self._ours = not isinstance(executor, Executor)
        self._new: Callable[[], Executor] = partial(_same, executor) if isinstance(executor, Executor) else executor
        self._pending: deque[_UnderWay] = deque()

    def rows(self, batches: Iterator[Batch]) -> Generator[Row, None, None]:
        """Yield the rows of all batches, in order."""
        pending, finished = self._pending, False
        self._executor = self._new()
        try:
            for batch in batches:
                octets = sum(len(item.raw or b"") for _, item in batch)
                while pending and (
                    # A source may be slow: what is known is not held back until more is under way
                    pending[0].future.done()
                    or len(pending) >= self._ahead
                    or octets + sum(each.octets for each in pending) > _UNDER_WAY
                ):
                    yield from self._oldest()
                pending.append(_UnderWay(self._submit(batch), batch, octets))
            while pending:
                yield from self._oldest()
            finished = True
        finally:
            for each in pending:
                each.future.cancel()
            if self._ours:
                # Whoever stops early does not wait for what is under way
                self._executor.shutdown(wait=finished, cancel_futures=True)

    def _submit(self, batch: Batch) -> Future[list[Row]]:
        try:
            return self._executor.submit(_verified, self._job, batch)
        except BrokenExecutor:
            if not self._ours:
                raise MailauthError(
                    "a process of the executor died, and it can do no more work; give verify_many a function that "
                    "makes an executor, such as mailauth.saved.processes, which can be replaced"
                ) from None
        # A process died that had nothing to do, or whose batch is still pending
        self._replace()
        return self._executor.submit(_verified, self._job, batch)

    def _oldest(self) -> Iterator[Row]:
        """Wait for the oldest batch, and yield its rows."""
        future, batch, _ = self._pending[0]
        try:
            rows = future.result()
        except BrokenExecutor:
            if self._ours:
                yield from self._after_a_death()
                return
            rows = [without_verdict(*named, "not verified: a process of the executor died") for named in batch]
        except Exception as error:  # noqa: BLE001  an executor may report a worker that is gone in its own words
            rows = [without_verdict(*named, _not_verified(error)) for named in batch]
        self._pending.popleft()
        yield from rows

    def _after_a_death(self) -> Iterator[Row]:
        """Verify what was under way again, each batch alone and at last each message alone, to find which it was."""
        suspects = deque(each.batch for each in self._pending)
        self._pending.clear()
        self._replace()
        while suspects:
            batch = suspects.popleft()
            try:
                rows = self._submit(batch).result()
            except BrokenExecutor:
                self._replace()
                if len(batch) > 1:
                    suspects.extendleft([named] for named in reversed(batch))
                    continue
                rows = [without_verdict(*batch[0], "not verified: the process that tried to died")]
            yield from rows

    def _replace(self) -> None:
        self._executor.shutdown(cancel_futures=True)
        self._executor = self._new()
        try:
            self._executor.submit(int).result()
        except BrokenExecutor:
            # No message is to blame
            raise MailauthError(
                "the processes of the executor die before they do any work; does the program begin with "
                "`if __name__ == '__main__':`, as multiprocessing wants it?"
            ) from None
