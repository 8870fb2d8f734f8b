"""Counts messages for DMARC reports, beside the mail: no reply waits for a database, and none fails with it.

`observe` adds a message to those in memory, equal ones as a number. One thread writes them to the store every second;
while the store fails, it tries again, and what there is no room for is lost and told. Knows no protocol, no database.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import TypeAlias

from mailauth.errors import MailauthError
from mailauth.reports.collect import sample
from mailauth.reports.store import Batch, Sample, Store
from mailauth.serve.judge import Judged

_LOGGER = logging.getLogger("mailauth.reports")
_MOST = 20_000  # samples, signatures and addresses in memory, of at most some hundred octets each
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds until the store is tried again; the last one from then on
_EXPIRE_SECONDS = 3600.0

_Waiting: TypeAlias = dict[int, dict[Sample, int]]  # by the begin of the period


class Collector:
    """Counts what a `Judge` tells: give it `observe` as an observer.

    Args:
        opening: opens the store; called in the thread that writes, again until it succeeds.
        period_seconds: the length of a period of the store.
        retention_seconds: how long after its period an unsent report is kept.
        told: called with "kept" or "lost" and a number of messages, from any thread.
        seconds: between two writes.
        most: how many samples, with the signatures and the values of rua= in them, may wait in memory.
        clock: the time in POSIX seconds.
    """

    def __init__(
        self,
        opening: Callable[[], Store],
        *,
        period_seconds: int,
        retention_seconds: int,
        told: Callable[[str, int], None] | None = None,
        seconds: float = 1.0,
        most: int = _MOST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._opening = opening
        self._store: Store | None = None
        self._period, self._retention = period_seconds, retention_seconds
        self._told = told or (lambda _fate, _messages: None)
        self._seconds, self._most, self._clock = seconds, most, clock
        self._lock = threading.Lock()
        self._waiting: _Waiting = {}
        self._size = self._lost = 0
        self._writer, self._number = uuid.uuid4().hex, 0
        self._failing = False
        self._expired_at = 0.0
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailauth-reports", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Have what waits be written, and then the store be closed; returns at once."""
        self._stopped.set()
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait until that is done; False if it takes longer."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def observe(self, judged: Judged) -> None:
        """Count a message, if it counts. Never waits, and never raises."""
        try:
            found = sample(judged.authentication, judged.decision)
        except Exception:
            _LOGGER.exception("a message could not be counted for reports")
            self._lose(1)
            return
        if found is None:
            return
        now = int(self._clock())
        size = 1 + len(found.row.dkim_results) + len(found.configuration.rua)
        with self._lock:
            samples = self._waiting.setdefault(now - now % self._period, {})
            if found in samples:
                samples[found] += 1
            elif self._size + size <= self._most:
                samples[found] = 1
                self._size += size
            else:
                self._lost += 1
            crowded = 2 * self._size > self._most
        if crowded:
            self._wake.set()

    def _lose(self, messages: int) -> None:
        with self._lock:
            self._lost += messages

    # --- in the thread that writes

    def _run(self) -> None:
        last = False
        while not last:
            self._wake.wait(self._seconds)
            self._wake.clear()
            # Asked before the rest is taken, so that the last round takes all
            last = self._stopped.is_set()
            with self._lock:
                waiting, self._waiting, self._size = self._waiting, {}, 0
            for begin, samples in waiting.items():
                self._write(begin, samples)
            with self._lock:
                lost, self._lost = self._lost, 0
            if lost:
                _LOGGER.warning("messages are missing from reports", extra={"messages": lost})
                self._told("lost", lost)
            self._expire()
        if self._store is not None:
            self._store.close()

    def _write(self, begin: int, samples: dict[Sample, int]) -> None:
        """Write what was taken; while the store fails, try again until the service stops."""
        messages = sum(samples.values())
        self._number += 1
        pauses = iter(_PAUSES)
        pause = 0.0
        while (left_out := self._put(samples, begin, Batch(self._writer, self._number))) is None:
            if self._stopped.wait(pause := next(pauses, pause)):
                self._lose(messages)
                return
        self._lose(left_out)
        if messages > left_out:
            self._told("kept", messages - left_out)

    def _put(self, samples: dict[Sample, int], begin: int, batch: Batch) -> int | None:
        """Return how many messages the store had no room for; None while it fails."""
        try:
            left_out = self._opened().put(samples, begin, batch)
        except MailauthError as error:
            if not self._failing:
                _LOGGER.error("counts for reports have to wait: %s", error)  # noqa: TRY400  it says what is wrong
            self._failing = True
            return None
        if self._failing:
            _LOGGER.info("counts for reports are written again")
        self._failing = False
        return left_out

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._opening()
        return self._store

    def _expire(self) -> None:
        """Delete what nobody sent in time."""
        now = self._clock()
        # A clock that was set back does not end this
        if self._failing or 0 <= now - self._expired_at < _EXPIRE_SECONDS:
            return
        self._expired_at = now
        try:
            old = self._opened().expire(int(now) - self._retention)
        except MailauthError as error:
            _LOGGER.error("old reports cannot be deleted: %s", error)  # noqa: TRY400  as above
            return
        if old:
            _LOGGER.warning("reports were deleted that nobody sent", extra={"reports": old})
