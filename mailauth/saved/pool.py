"""A pool of processes for `verify_many`: its processes end with the one that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor


def processes(number: int | None = None) -> ProcessPoolExecutor:
    """Return a pool of processes; None: one for each core that this process may use.

    They are started afresh, and not forked: a program that uses them begins with `if __name__ == "__main__":`, as
    `multiprocessing` wants it.
    """
    return ProcessPoolExecutor(number or cores(), mp_context=multiprocessing.get_context("spawn"), initializer=_begin)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin() -> None:
    # ^C goes to all processes of a terminal; the first of them decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The first process has warned already
    warnings.simplefilter("ignore")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # Not sys.exit: the main thread waits for work that will never come
        os._exit(1)
