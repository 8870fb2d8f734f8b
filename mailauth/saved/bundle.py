"""The folder of evidence: the names in it, how much each file may hold, and its manifest.

A folder may come from a stranger: nothing but regular files with known names is opened, no symbolic link is followed,
and every size is bounded before anything is parsed. Knows no verdict.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mailauth.errors import MailauthError, UsageError
from mailauth.files import place
from mailauth.limits import MAX_MESSAGE
from mailauth.text import shown

MESSAGE, DNS, VERDICT, OPINION = "message.eml", "dns.json", "verdict.json", "second-opinion.json"
PAGE, ABOUT, README, SUMS = "explanation.html", "about.json", "README.txt", "SHA256SUMS"
MAX_KEY_FILES = 20
KEYS = re.compile(r"keys-(?:[1-9]|1[0-9]|20)\.json")
NEEDED = (MESSAGE, DNS, VERDICT, OPINION, PAGE, ABOUT, README)
_MIB = 2**20
_MAX_BYTES = {MESSAGE: MAX_MESSAGE, DNS: 16 * _MIB, VERDICT: 16 * _MIB, PAGE: 64 * _MIB}
_MAX_OTHER = 8 * _MIB
_MAX_ENTRIES = 200
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.{1,300})")
_COMMENT = "# mailauth evidence --check .\n"


class Folder(NamedTuple):
    """What was read of a folder.

    Attributes:
        files: the octets of each file of the manifest that could be read.
        differs: what is not as the manifest says.
        unusable: what cannot be used at all, each with its reason.
    """

    files: dict[str, bytes]
    differs: list[str]
    unusable: list[str]


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return the manifest, as `sha256sum -c` reads it."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    return "".join([_COMMENT, *lines]).encode()


def check_target(path: str) -> Path:
    """Return the folder that is to be written.

    Raises:
        MailauthError: if it exists and is not empty, or cannot be written.
    """
    target = place(path)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            msg = f"{path} exists and is not an empty folder; give another name"
            raise UsageError(msg)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise MailauthError(msg) from None
    return target


def write(target: Path, files: Mapping[str, bytes]) -> None:
    """Write the files and their manifest into a new folder, which gets its name when it is complete.

    Raises:
        MailauthError: if it cannot be written, or a file would be too large for `read`.
    """
    for name, content in files.items():
        if len(content) > _limit(name):
            msg = f"cannot write {target}: {name} would have more than {_limit(name) // _MIB} MiB"
            raise MailauthError(msg)
    beside = target.with_name(f".mailauth-{os.urandom(8).hex()}")
    try:
        beside.mkdir()
        # The manifest last: without it no folder is complete
        for name, content in (*files.items(), (SUMS, sums(files))):
            with (beside / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        beside.rename(target)
    except OSError as error:
        msg = f"cannot write {target}: {error.strerror}"
        raise MailauthError(msg) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read(path: str) -> Folder:
    """Read a folder and compare it with its manifest. Never raises for anything in it.

    Raises:
        MailauthError: if there is no such folder.
    """
    found = Folder({}, [], [])
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MAX_ENTRIES + 1), strict=False)]
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        raise MailauthError(msg) from None
    if len(names) > _MAX_ENTRIES:
        found.unusable.append(f"it has more than {_MAX_ENTRIES} entries")
        return found
    manifest = _manifest(path, found)
    for name in sorted({*names} - {*manifest, SUMS}):
        found.differs.append(f"{shown(name)} is not in {SUMS}")
    for name, digest in manifest.items():
        content = _content(path, name, found)
        if content is not None:
            found.files[name] = content
            if hashlib.sha256(content).hexdigest() != digest:
                found.differs.append(f"{name} is not as {SUMS} says")
    return found


def _manifest(path: str, found: Folder) -> dict[str, str]:
    """Return the sums by name; every name is one that we write."""
    manifest: dict[str, str] = {}
    content = _content(path, SUMS, found)
    for number, line in enumerate((content or b"").decode("utf-8", "replace").split("\n")[:_MAX_ENTRIES], 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        name = match[2] if match else ""
        if match is None or name in manifest:
            found.unusable.append(f"{SUMS}: line {number}: not a sum and a new name")
        elif name not in NEEDED and not KEYS.fullmatch(name):
            found.unusable.append(f"{SUMS}: line {number}: {shown(name)} is not a file of such a folder")
        else:
            manifest[name] = match[1]
    if content is not None:
        found.unusable.extend(f"{SUMS} does not name {name}" for name in NEEDED if name not in manifest)
    return manifest


def _content(path: str, name: str, found: Folder) -> bytes | None:
    """Return the octets of a regular file of bounded size; None where there is a problem, which is noted."""
    place, limit = os.path.join(path, name), _limit(name)  # noqa: PTH118  a folder may be named ""
    problem = None
    try:
        # Before it is opened: to open a pipe or a device may wait, or do something
        if not stat.S_ISREG(os.lstat(place).st_mode):
            problem = "not a regular file"
        else:
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            with open(os.open(place, flags), "rb") as file:  # noqa: PTH123  a descriptor
                content = file.read(limit + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
            if len(content) <= limit:
                return content
            problem = f"larger than {limit // _MIB} MiB"
    except OSError as error:
        problem = error.strerror or str(error)
    found.unusable.append(f"{name}: {problem}")
    return None


def _limit(name: str) -> int:
    return _MIB if KEYS.fullmatch(name) else _MAX_BYTES.get(name, _MAX_OTHER)
