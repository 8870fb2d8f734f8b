"""Files that are written completely or not at all: the old file remains until the new one is complete on the disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mailauth.errors import MailauthError


def place(path: str) -> Path:
    """Return where a file or a folder is to be written, without symbolic links.

    Raises:
        MailauthError: if it could not be made or replaced there.
    """
    target = Path(os.path.realpath(path))
    if not (target.parent.is_dir() and os.access(target.parent, os.W_OK | os.X_OK)):
        msg = f"cannot write {path}: its folder does not exist, or you may not write there"
        raise MailauthError(msg)
    return target


def replace(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file at once; see `replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file in the same folder for writing, then rename it.

    A symbolic link remains, and leads to the new file. The new file has the owner and the permissions of the old one,
    as far as the system allows. A device, a pipe or the like is written to directly.

    Raises:
        OSError: if the file cannot be written; it names `path`, and an old file is unchanged.
    """
    try:
        yield from _replacing(Path(path))
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _replacing(path: Path) -> Iterator[BinaryIO]:
    try:
        old = path.stat()
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    if old is not None:
        # A file that may not be written may not be replaced either, even if its folder allows it
        os.close(os.open(target, os.O_WRONLY))
    beside = target.with_name(f".mailauth-{os.urandom(8).hex()}")
    try:
        with beside.open("xb") as file:
            # Before there is something to read in it
            if old is not None:
                with suppress(OSError, AttributeError):
                    os.chown(beside, old.st_uid, old.st_gid)
                beside.chmod(stat.S_IMODE(old.st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
