"""Files of old DKIM keys: what a domain once published, as somebody wrote it down.

Two forms are read. The plain one has a line for each key: the name of the key record, white space, the record. The
other one is what key archives such as archive.zk.email give: JSON, CSV or TSV with the fields `domain`, `selector` and
`value`, of which others are left out. Does not know whether a record is a key: that is for `mailauth.dkim`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mailauth.errors import UsageError
from mailauth.names import queryable
from mailauth.resolvers.zone import normal_name
from mailauth.resolvers.zonefile import parse_json, read_text
from mailauth.text import shown

_FIELDS = ("domain", "selector", "value")
_LABEL = "._domainkey."
_PLAIN = "a line for each key is SELECTOR._domainkey.DOMAIN, a tab, and the record"
_JSON = f"a list of objects with {', '.join(_FIELDS)}"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Old keys, and where they come from.

    Attributes:
        source: the name of the file, for people.
        records: key records by the name of the record, such as "s1._domainkey.example.com" (A-labels, lower case, no
            final dot).
    """

    source: str
    records: Mapping[str, tuple[bytes, ...]] = field(repr=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str], source: str | None = None) -> Self:
        """Read a file; its name is the source, if no other is given.

        Raises:
            OSError: if the file cannot be read.
            UsageError: for a file in neither form, even an empty one, or larger than 256 MiB; it names the line.
        """
        return cls._of(read_text(path, _PLAIN), path, source or Path(path).name)

    @classmethod
    def parse(cls, octets: bytes, name: str, source: str) -> Self:
        """Read what is in a file, whose name is for errors.

        Raises:
            UsageError: for octets in neither form; none at all are fine.
        """
        return cls._of(octets.decode("utf-8", "surrogateescape"), name, source)

    @classmethod
    def _of(cls, text: str, path: Any, source: str) -> Self:
        found: dict[str, list[bytes]] = {}
        for place, name, record in _rows(text, path):
            try:
                key, octets = normal_name(name), record.encode("utf-8", "surrogateescape")
            except ValueError:
                # A UsageError, or text that JSON can express and UTF-8 cannot
                key, octets = "", b""
            if not queryable(key):
                msg = f"{path}: {place}: {shown(name)} is not a domain name, or its record is not text"
                raise UsageError(msg)
            found.setdefault(key, []).append(octets)
        return cls(source, {name: tuple(dict.fromkeys(records)) for name, records in found.items()})


def _rows(text: str, path: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the place in the file, the name and the record of each key."""
    if text.lstrip().startswith(("[", "{")):
        return _objects(parse_json(text, path, _JSON), path)
    heading, _, rest = text.partition("\n")
    delimiter = "\t" if "\t" in heading else ","
    columns = [column.strip().strip('"') for column in heading.split(delimiter)]
    if set(_FIELDS) <= {*columns}:
        return _cells(rest, delimiter, [columns.index(name) for name in _FIELDS], path)
    return _lines(text, path)


def _objects(data: Any, path: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(data, list):
        msg = f"{path}: give {_JSON}"
        raise UsageError(msg)
    for number, item in enumerate(data, 1):
        values = [item.get(name) for name in _FIELDS] if isinstance(item, dict) else []
        strings = [value for value in values if isinstance(value, str)]
        if len(strings) != len(_FIELDS):
            msg = f"{path}: item {number}: give an object with {', '.join(_FIELDS)}, each a string"
            raise UsageError(msg)
        domain, selector, record = strings
        yield f"item {number}", f"{selector}{_LABEL}{domain}", record


def _cells(text: str, delimiter: str, columns: list[int], path: Any) -> Iterator[tuple[str, str, str]]:
    import csv  # noqa: PLC0415  only for this form

    reader = csv.reader(_split(text), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            msg = f"{path}: line {reader.line_num + 1}: {error}"
            raise UsageError(msg) from None
        place = f"line {reader.line_num + 1}"
        if cells is None:
            return
        if not cells:
            continue
        if len(cells) <= max(columns):
            msg = f"{path}: {place}: fewer fields than the first line names"
            raise UsageError(msg)
        domain, selector, record = [cells[column] for column in columns]
        yield place, f"{selector.strip()}{_LABEL}{domain.strip()}", record


def _lines(text: str, path: Any) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(_split(text), 1):
        words = line.split(None, 1)
        if not words or words[0].startswith("#"):
            continue
        # RFC 6376 §3.6.1: a key record has a p=
        if len(words) < 2 or _LABEL not in words[0].lower() or "p" not in words[1] or words[1].startswith('"'):
            msg = f"{path}: line {number}: give SELECTOR._domainkey.DOMAIN, a tab, and the record without quotes"
            raise UsageError(msg)
        yield f"line {number}", words[0], words[1].rstrip()


def _split(text: str) -> Iterator[str]:
    """Yield the lines with their ends, one by one: all of them at once would take twice the memory."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end
