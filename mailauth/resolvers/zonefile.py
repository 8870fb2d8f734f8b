"""Zone files as text and as JSON data. A damaged file would answer what DNS never said: it is refused.

Does not know what the data mean; `mailauth.resolvers.zone` does.
"""

from __future__ import annotations

import codecs
import json
import os
from typing import Any, NoReturn

from mailauth.errors import UsageError

MAX_BYTES = 256 * 2**20
_ALWAYS_RECORDED = frozenset({"zone", "now", "recorded"})
RECORDING = _ALWAYS_RECORDED | {"answers", "https"}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: str | os.PathLike[str], remedy: str = "a zone without names is written {}") -> str:
    """Return the text of a file; octets that are not UTF-8 become surrogate escapes.

    Args:
        path: the file.
        remedy: what to write instead of an empty file.

    Raises:
        OSError: if the file cannot be read.
        UsageError: for an empty or very large file, and for one that is not UTF-8 text.
    """
    # Not through Path: an empty name would be the working directory
    with open(path, "rb") as file:  # noqa: PTH123
        octets = file.read(MAX_BYTES + 1)
    if len(octets) > MAX_BYTES:
        msg = f"{path}: larger than {MAX_BYTES >> 20} MiB"
        raise UsageError(msg)
    # Neither JSON nor a master file needs NUL; UTF-16 and binary files are full of it
    if octets.startswith(_UTF_16) or b"\0" in octets:
        msg = f"{path}: not UTF-8 text (UTF-16, or a binary file); save it as UTF-8"
        raise UsageError(msg)
    text = octets.decode("utf-8-sig", "surrogateescape")
    if not text.strip():
        msg = f"{path}: empty; {remedy}"
        raise UsageError(msg)
    return text


def parse_json(text: str, source: str | os.PathLike[str], remedy: str = "JSON, or a master file") -> Any:
    """Return the data of a JSON text.

    Args:
        text: the text.
        source: where it is from.
        remedy: what to give instead of text that is not JSON.

    Raises:
        UsageError: for text that is not JSON, has a duplicate key, or exceeds what Python can read.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        msg = f"{source}: line {error.lineno} column {error.colno}: {error.msg}; give {remedy}"
    except UsageError as error:
        msg = f"{source}: {error}"
    except ValueError:
        msg = f"{source}: a number has too many digits"
    except RecursionError:
        msg = f"{source}: nested too deeply"
    raise UsageError(msg)


def is_recording(data: Any) -> bool:
    """Whether JSON data have the form that `Recorder.save` writes, as opposed to a zone written by hand."""
    return isinstance(data, dict) and _ALWAYS_RECORDED <= data.keys() <= RECORDING


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a duplicate key, which JSON allows: the first value would be lost."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            msg = f"{key}: appears twice; give it once, with all its records"
            raise UsageError(msg)
        found[key] = value
    return found


def _no_number(word: str) -> NoReturn:
    msg = f"{word} is not JSON"
    raise UsageError(msg)
