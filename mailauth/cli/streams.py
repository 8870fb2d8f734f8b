"""Standard input, output and error, and messages: the one place where the command line reads or prints.

A stream may be closed, full or without a reader, and a name may contain a stranger's escapes: all of this is handled
here, and the exit status is right.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mailauth.errors import MailauthError
from mailauth.limits import MAX_MESSAGE

EX_FAILED = 1
EX_USAGE = 2
EX_TEMPFAIL = 75
_LINE = 1000  # characters of a line on standard error


class ReaderGoneError(Exception):
    """Nobody reads standard output any more (`| head`). Raised once; later output is discarded."""


class UnreadableError(MailauthError):
    """A message cannot be read; the text says why, without the file name."""


@contextmanager
def prepared() -> Iterator[None]:
    """Set up the streams, the warnings and ^C of this process for a command, while it runs."""
    for stream in (sys.stdout, sys.stderr):
        # What the terminal cannot show must not stop the report
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # ^C ends the process at once, even while threads wait for DNS; if it is ignored (nohup), it stays ignored
    interrupt = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            yield
    finally:
        if interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def interruptible(said: Callable[[], str]) -> Iterator[None]:
    """Have ^C end a run in order: what is done is written, and the shell learns that it was ^C.

    Args:
        said: returns what to say then.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        report_error(said())
        # Nothing more is to be said; Python then ends itself by the signal
        sys.excepthook = lambda *_: None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def report_error(problem: str, program: str = "mailauth") -> int:
    """Say what is wrong in one harmless line on standard error; returns the exit status for it."""
    from mailauth.text import safe  # noqa: PLC0415  only where something is wrong

    if sys.stderr is not None:
        text = problem if len(problem) <= _LINE else f"{problem[:_LINE]}…"
        try:
            sys.stderr.write(f"{program}: {safe(text)}\n")
            sys.stderr.flush()
        except OSError:
            _discard(sys.stderr)
    return EX_USAGE


def report_bug() -> int:
    """Say where the current exception was raised; Python's own traceback would show untrusted text."""
    for line in traceback.format_exc().splitlines():
        report_error(line)
    return report_error("this is a bug in mailauth; please report it with the lines above")


def write_out(text: str) -> None:
    """Write to standard output, now.

    Raises:
        ReaderGoneError: if nobody reads it.
        MailauthError: if it cannot be written.
    """
    if sys.stdout is None:
        msg = "cannot write to standard output: it is closed"
        raise MailauthError(msg)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        raise ReaderGoneError from None
    except OSError as error:
        _discard(sys.stdout)
        msg = f"cannot write to standard output: {error.strerror}"
        raise MailauthError(msg) from None


def input_name(name: str) -> str:
    """Return what a message calls an input: the name that was given for it, "-" for standard input."""
    return "standard input" if name == "-" else name or repr(name)


def read_message(name: str) -> bytes:
    """Return the octets of a file, or of standard input for "-".

    Raises:
        UnreadableError: if it cannot be read, or is larger than any mail.
    """
    try:
        if name != "-":
            # Not through Path: an empty name would be the working directory
            with open(name, "rb") as file:  # noqa: PTH123
                octets = file.read(MAX_MESSAGE + 1)
        elif sys.stdin is None:
            msg = "it is closed"
            raise UnreadableError(msg)
        else:
            octets = sys.stdin.buffer.read(MAX_MESSAGE + 1)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from None
    except ValueError as error:
        # NUL in the name
        raise UnreadableError(str(error)) from None
    if len(octets) > MAX_MESSAGE:
        msg = f"larger than {MAX_MESSAGE >> 20} MiB"
        raise UnreadableError(msg)
    return octets


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    report_error(f"warning: {message}")


def _discard(stream: Any) -> None:
    """Discard what the stream still holds, and all that follows: at exit, Python would fail again."""
    # A replacement stream may not have a file descriptor
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
