"""DNS from a file or a mapping: for tests, for replay, for `--dns FILE`.

Answers as an authoritative server with these records would: RFC 1034 §3.6.2 for aliases, RFC 4592 for wildcards
and empty non-terminals, RFC 8020 for absence; and fails where a fault word says so. A recording is not such a server:
it answers what was asked when it was made, and fails for all else, because nobody knows what DNS would have said.
The same holds for the pages of a zone, which make it a fetcher too.
Knows no network and no clock. dnspython is imported only to read a master file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailauth.dns.drive import checked
from mailauth.dns.fetch import Fetched, Pages, Requests
from mailauth.dns.values import Answer, Answers, Batch, Question, Status
from mailauth.errors import UsageError
from mailauth.names import to_ascii
from mailauth.resolvers.pages import NO_PAGE, PAGE_NOT_RECORDED, parse_pages
from mailauth.resolvers.zonefile import RECORDING, parse_json, read_text
from mailauth.text import shown

if TYPE_CHECKING:
    import os

TTL = 300  # seconds, if the zone does not say
MAX_ALIASES = 10

FAULTS: Mapping[str, Answer] = {
    "SERVFAIL": Answer(Status.SERVFAIL, detail="SERVFAIL"),
    "REFUSED": Answer(Status.SERVFAIL, detail="REFUSED"),
    "TIMEOUT": Answer(Status.TIMEOUT, detail="no answer in time"),
    "NXDOMAIN": Answer(Status.NXDOMAIN, ttl=TTL),
}
NOT_RECORDED = Answer(Status.SERVFAIL, detail="not in the recording")
_NODATA = Answer(Status.NODATA, ttl=TTL)
_ABSENT = {"*": FAULTS["NXDOMAIN"]}
_WORDS = ", ".join(FAULTS)

_Node = dict[str, Answer]  # by type; "*" is every type that is not listed


class Zone:
    """A resolver and a fetcher over fixed data. Immutable, and safe to share between threads.

    Equal questions get the same `Answer` object, so what a check parsed from it is parsed once.

    Args:
        mapping: `{name: {type: records}}`. Records are a list: strings for most types, `[preference, host]` for MX;
            for TXT a string or a list of character-strings. "SERVFAIL", "TIMEOUT", "REFUSED" or "NXDOMAIN" may replace
            the records of a type or all types of a name; the type "*" stands for every type not listed. Or `{"zone":
            mapping, "https": pages, "answers": details, "now": time, "recorded": time}`, as written by `Recorder`: with
            `recorded`, which may be None, a question that was not asked then is answered SERVFAIL, not NXDOMAIN or
            NODATA, and a page is `NOT_ASKED`, not absent. Pages are `{url: {"status": 200, "body": text,
            "content_type": type}}`, with `"base64"` in place of `"body"` for what is not text; a `FetchStatus` in upper
            case, such as "TIMEOUT", may replace a page.

    Attributes:
        now: the time for which the data were recorded, None if not given.

    Raises:
        UsageError: for data in any other form; it names the place and the remedy.
    """

    now: datetime | None
    immediate = True  # tells the drivers that no answer takes time

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self.now = None
        details: Any = {}
        pages: Any = {}
        is_recording = False
        if isinstance(mapping, Mapping) and "zone" in mapping and mapping.keys() <= RECORDING:
            if mapping.get("now") is not None:
                self.now = moment(mapping["now"])
            details, is_recording = mapping.get("answers", details), "recorded" in mapping
            pages = mapping.get("https", pages)
            mapping = mapping["zone"]
        self._load(_nodes(mapping))
        self._exact.update(self._detailed(details))
        self._pages: dict[str, Fetched] = parse_pages(pages)
        self._no_page = PAGE_NOT_RECORDED if is_recording else NO_PAGE
        if is_recording:
            # Not before: the details say how answers differ from those of a zone
            self._no_name = self._no_type = NOT_RECORDED
            self._existing.clear()
            self._answers.clear()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Zone:
        """Return the zone in a file: JSON in the form of `mapping`, or a master file (RFC 1035 §5).

        A file whose name ends in `.zone`, or whose text does not begin like JSON, is a master file.

        Raises:
            OSError: if the file cannot be read.
            UsageError: for a file in neither form, even an empty one; it names the place and the remedy.
        """
        text = read_text(path)
        if Path(path).suffix == ".zone" or not text.lstrip().startswith(("{", "[")):
            from mailauth.resolvers.records import read_master_file  # noqa: PLC0415  dnspython is large

            zone = cls({})
            zone._load(read_master_file(text, str(path), TTL))
            return zone
        data = parse_json(text, path)
        try:
            return cls(data)
        except UsageError as error:
            msg = f"{path}: {error}"
            raise UsageError(msg) from None

    def resolve(self, questions: Batch) -> Answers:
        """Return the answers, in the order of the questions."""
        exact, known = self._exact, self._answers
        return tuple([exact.get(q) or known.get(q) or self._answer(q) for q in questions])

    def fetch(self, requests: Requests, timeout: float | None = None) -> Pages:  # noqa: ARG002  contract
        """Return the pages, in the order of the requests; URLs are compared as they are."""
        return tuple([self._pages.get(request.url, self._no_page) for request in requests])

    def _load(self, nodes: dict[str, _Node]) -> None:
        self._nodes = nodes
        self._no_name, self._no_type = FAULTS["NXDOMAIN"], _NODATA
        self._exact: dict[tuple[str, str], Answer] = {}
        # keyed by names in the zone, so that names chosen by strangers do not make it grow
        self._answers: dict[tuple[str, str], Answer] = {}
        self._existing = {""}
        for owner, node in nodes.items():
            name = owner
            # RFC 4592 §2.2.2: a name exists if it has records, or a name below it has
            while name not in self._existing and node != _ABSENT:
                self._existing.add(name)
                name = name.partition(".")[2]

    def _answer(self, question: Question) -> Answer:
        name, rdtype = question
        owner = self._owner(name.lower().removesuffix(".") if name.isascii() else name)
        if owner is None:
            return self._no_name
        if (node := self._nodes.get(owner)) is None:
            return self._no_type
        key = (owner, rdtype)
        return self._answers.get(key) or self._answers.setdefault(key, self._follow(node, rdtype))

    def _detailed(self, details: Any) -> dict[tuple[str, str], Answer]:
        """Return the recorded answers that say more than the records: their TTL and the like."""
        exact: dict[tuple[str, str], Answer] = {}
        for name, types in _items(details, "answers"):
            for rdtype, fields in _items(types, name):
                question = Question(name, rdtype)
                try:
                    answer = replace(self._answer(question), **{f: _FIELDS[f](v, rdtype) for f, v in fields.items()})
                except (AttributeError, KeyError, TypeError, ValueError):
                    answer = None
                if answer is None or checked((question,), (answer,)) != (answer,):
                    msg = f"answers: {name}: {rdtype}: give fields of an Answer, as Recorder writes them"
                    raise UsageError(msg)
                exact[question] = answer
        return exact

    def _owner(self, name: str) -> str | None:
        """Return the name of the zone that answers for `name`: itself, a wildcard, or none."""
        if name in self._nodes or name in self._existing:
            return name
        if not self._existing:
            # A recording, in which a wildcard is a name like any other
            return None
        # RFC 4592 §3.3.1: only the wildcard right below the closest encloser is a source of synthesis
        encloser = name.partition(".")[2]
        while encloser not in self._existing:
            encloser = encloser.partition(".")[2]
        wildcard = f"*.{encloser}" if encloser else "*"
        return wildcard if wildcard in self._nodes else None

    def _follow(self, node: _Node, rdtype: str) -> Answer:
        cnames: list[str] = []
        ttls: list[int] = []
        # RFC 1034 §3.6.2: an alias is followed, unless the question is about the alias itself
        # Choice D40: a type listed beside a CNAME is answered from the list, so that any recording can be expressed
        while rdtype not in node and (alias := node.get("CNAME", _NODATA)).records:
            if len(cnames) == MAX_ALIASES:
                return Answer(Status.SERVFAIL, detail=f"an alias loop, or more than {MAX_ALIASES} aliases")
            cnames.append(alias.records[0])
            ttls.append(alias.ttl or 0)
            owner = self._owner(cnames[-1])
            node = {"*": self._no_name} if owner is None else self._nodes.get(owner, {})
        final = node.get(rdtype) or node.get("*", self._no_type)
        if not cnames or final is NOT_RECORDED:
            return final
        ttl = None if final.ttl is None else min(*ttls, final.ttl)
        return Answer(final.status, final.records, ttl, tuple(cnames), detail=final.detail)


def _items(mapping: Any, place: str) -> Iterable[tuple[str, Any]]:
    if not isinstance(mapping, Mapping):
        msg = f"{place}: give a mapping, as Recorder writes it"
        raise UsageError(msg)
    return mapping.items()


def _record(item: Any, rdtype: str) -> Any:
    if rdtype == "TXT":
        return _txt(item)
    return tuple(item) if isinstance(item, list) else item


# How the fields of `Answer.to_dict` become those of an Answer; `checked` validates the result
_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "status": lambda value, _: Status(value),
    "records": lambda value, rdtype: tuple(_record(item, rdtype) for item in value),
    "cnames": lambda value, _: tuple(value),
    **dict.fromkeys(("ttl", "secure", "detail"), lambda value, _: value),
}


def moment(value: object) -> datetime:
    """Return an aware datetime for one, for POSIX seconds, or for ISO 8601 text with an offset.

    Raises:
        UsageError: for anything else.
    """
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        when = datetime.fromisoformat(value) if isinstance(value, str) else value
    except (ValueError, OverflowError, OSError):
        when = None
    if not isinstance(when, datetime) or when.tzinfo is None:
        msg = f"now={shown(value)}: give POSIX seconds, or a time with its offset such as '2026-11-21T12:00:00Z'"
        raise UsageError(msg)
    return when


def normal_name(text: object) -> str:
    """Return a name as the zone stores it: A-labels, lower case, no final dot. Nothing else is checked.

    Raises:
        UsageError: for what is not a string, and for U-labels that IDNA 2008 does not allow.
    """
    if not isinstance(text, str):
        msg = f"{shown(text)}: give a domain name"
        raise UsageError(msg)
    name = text.removesuffix(".")
    if name.isascii():
        return name.lower()
    labels = [label.lower() if label.isascii() else to_ascii(label) for label in name.split(".")]
    if None in labels:
        msg = f"{shown(text)}: IDNA 2008 does not allow this name; give its A-labels (xn--…)"
        raise UsageError(msg)
    return ".".join(label for label in labels if label is not None)


def _nodes(mapping: Mapping[str, Any]) -> dict[str, _Node]:
    if not isinstance(mapping, Mapping):
        msg = "give a mapping from names to their records, such as {'example.com': {'A': ['192.0.2.1']}}"
        raise UsageError(msg)
    nodes: dict[str, _Node] = {}
    for text, value in mapping.items():
        name = normal_name(text)
        if name in nodes:
            msg = f"{text}: appears twice; give it once, with all its records"
            raise UsageError(msg)
        if isinstance(value, str) and value in FAULTS:
            nodes[name] = {"*": FAULTS[value]}
        elif isinstance(value, Mapping):
            nodes[name] = {
                str(rdtype).upper(): _data(f"{text}: {rdtype}", rdtype, data) for rdtype, data in value.items()
            }
        else:
            msg = f"{text}: give {{type: records}}, or one of {_WORDS}"
            raise UsageError(msg)
    return nodes


def _data(place: str, rdtype: object, data: object) -> Answer:
    kind = str(rdtype).upper()
    if isinstance(data, str) and data in FAULTS:
        return FAULTS[data]
    items = [data] if isinstance(data, str) else data
    if kind == "*" or not isinstance(items, (list, tuple)):
        msg = f"{place}: give {'' if kind == '*' else 'a list of records, or '}one of {_WORDS}"
        raise UsageError(msg)
    parse, remedy = _PARSERS.get(kind, (_text, "give strings in presentation form"))
    try:
        records = tuple(parse(item) for item in items)
    except (TypeError, ValueError) as error:
        msg = f"{place}: {error if isinstance(error, UsageError) else remedy}"
        raise UsageError(msg) from None
    if kind == "CNAME" and len(records) > 1:
        msg = f"{place}: give one name, because an alias has only one target"
        raise UsageError(msg)
    return Answer(Status.OK, records, TTL) if records else _NODATA


# The parsers raise TypeError or ValueError for what is not a record of their type.


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise TypeError
    return item


def _txt(item: object) -> bytes:
    strings = item if isinstance(item, (list, tuple)) else [item]
    return b"".join(_text(string).encode("utf-8", "surrogateescape") for string in strings)


def _mx(item: object) -> tuple[int, str]:
    if isinstance(item, str) or not isinstance(item, (list, tuple)):
        raise TypeError
    preference, host = item
    # RFC 1035 §3.3.9: it has 16 bits
    if isinstance(preference, bool) or not isinstance(preference, int) or not 0 <= preference < 2**16:
        raise TypeError
    return preference, normal_name(host)


def _address(family: type[IPv4Address | IPv6Address]) -> Callable[[object], str]:
    def parse(item: object) -> str:
        family(_text(item))
        return _text(item)

    return parse


_HOST = (normal_name, "give domain names")
_PARSERS: Mapping[str, tuple[Callable[[object], Any], str]] = {
    "TXT": (_txt, "give strings, or lists of character-strings"),
    "A": (_address(IPv4Address), "give IPv4 addresses such as '192.0.2.1'"),
    "AAAA": (_address(IPv6Address), "give IPv6 addresses such as '2001:db8::1'"),
    "MX": (_mx, "give [preference, host] pairs such as [10, 'mx.example.com']"),
    "PTR": _HOST,
    "CNAME": _HOST,
    "NS": _HOST,
}
