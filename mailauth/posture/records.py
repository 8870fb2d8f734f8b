"""From what a record means to records that say it with networks, of a size that DNS answers over UDP can carry.

Tries three forms, and takes the first that fits: one record; a record that includes others at names of their own; a
chain of records that redirect to the next. Knows nothing of where the networks came from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import count, groupby
from typing import NamedTuple

from mailauth.names import queryable
from mailauth.posture.meaning import Meaning, Segment
from mailauth.posture.networks import EVERYTHING, Ranges, changes_of, difference, fewest, union
from mailauth.posture.terms import TERMS, Refusal, Refused
from mailauth.results import Result
from mailauth.text import quoted

# RFC 7208 §3.4: an answer fits "if the combined length of the DNS name and the text of all the records of a given type
# is under 450 octets"
ROOM = 449
_STRING = 255  # octets of a character-string (RFC 1035 §3.3)
_VERSION = "v=spf1"
_ERROR = "v=spf1 permerror"  # no such mechanism: what includes it is a permerror (RFC 7208 §4.6, §5.2)
_SIGNS = {Result.PASS: "", Result.FAIL: "-", Result.SOFTFAIL: "~", Result.NEUTRAL: "?"}
# The results, as labels of networks; the last is for what no network can say: permerror, or that a kept term decides
_LABELS = (Result.PASS, Result.FAIL, Result.SOFTFAIL, Result.NEUTRAL, Result.PERMERROR)
_REST = 4
_SHORTEST = len("ip6:::1 ")


class TxtRecord(NamedTuple):
    """One TXT record to publish: the name, without the final dot, and the text."""

    name: str
    text: str

    @property
    def strings(self) -> tuple[str, ...]:
        """The text in character-strings of no more than 255 octets."""
        return tuple([self.text[i : i + _STRING] for i in range(0, len(self.text), _STRING)])

    @property
    def line(self) -> str:
        """The record as a line of a zone file (RFC 1035 §5.1)."""
        return f"{self.name}. IN TXT {' '.join(map(quoted, self.strings))}"


class _Layer(NamedTuple):
    """Networks with one result, in any order."""

    sign: str
    networks: tuple[str, ...]

    @property
    def terms(self) -> list[str]:
        """The networks as terms."""
        return [self.sign + each for each in self.networks]

    @property
    def text(self) -> str:
        """The networks as part of a record."""
        return " ".join(self.terms)


class Form(NamedTuple):
    """The records, the top one first, and how many lookups they cost a receiver at most."""

    records: tuple[TxtRecord, ...]
    lookups: int


class Writer:
    """Writes the records of one domain."""

    def __init__(self, domain: str, prefix: str, taken: Collection[str], others: int, explanation: str | None) -> None:
        """Begin.

        Args:
            domain: where the top record will be.
            prefix: the first label of the other names, before a number.
            taken: names that cannot be used, because what is kept needs their records.
            others: octets of the other TXT records at the domain, which are in the same answer.
            explanation: what exp= is to say, or None.
        """
        self.domain, self.prefix, self.taken, self.others = domain, prefix, taken, others
        self.tail = f" exp={explanation}" if explanation else ""

    def write(self, meaning: Meaning) -> Form:
        """Return the records that mean the same.

        Raises:
            Refused: if there are none within the limits of RFC 7208.
        """
        kept = sum(segment.lookups for segment in meaning)
        if kept > TERMS:
            detail = f"the terms that are kept need {kept} lookups or more; receivers make {TERMS}"
            raise Refused(Refusal.TOO_MANY_LOOKUPS, detail)
        error = any(Result.PERMERROR in segment.results for segment in meaning)
        parts = list(self.parts(meaning))
        extra = [TxtRecord(self.error_name, _ERROR)] if error else []
        for form in (self.one, self.includes, self.chain):
            records = form(parts)
            if records is None:
                continue
            needed = len(records) - 1 + kept + error
            if needed <= TERMS:
                return Form((*records, *extra), needed)
        raise self.too_many(sum(len(part.networks) for part in parts if isinstance(part, _Layer)), kept)

    def too_many(self, networks: int, kept: int) -> Refused:
        """Say that the networks do not fit."""
        where = f"{self.domain} and {TERMS - kept} more names, the most that {TERMS} lookups can reach"
        detail = f"{networks} networks do not fit into {where}: keep an include with many networks as it is"
        return Refused(Refusal.TOO_MANY_NETWORKS, detail)

    # -- terms

    def parts(self, meaning: Meaning) -> Iterator[_Layer | str]:
        """Yield the layers of networks and the other terms, in order."""
        done: Ranges = ()
        for segment in meaning:
            yield from self.segment(segment, done)
            done = union(done, *segment.results.values())

    def segment(self, segment: Segment, done: Ranges) -> Iterator[_Layer | str]:
        """Yield those of one segment; addresses that are done may match anything."""
        sets = {_LABELS.index(result): ranges for result, ranges in segment.results.items()}
        if segment.kept and _REST in sets:
            detail = f"some addresses get permerror before {segment.kept}, which cannot be written with networks"
            raise Refused(Refusal.NOT_BY_ADDRESS, detail)
        if rest := difference(EVERYTHING, union(done, *sets.values())):
            sets[_REST] = rest
        # Before time is spent on them
        if changes_of(sets) // 2 * _SHORTEST > ROOM * (TERMS + 1):
            raise self.too_many(changes_of(sets) // 2, segment.lookups)
        rules, default = fewest(sets, _REST)
        for (_, label), run in groupby(rules, lambda rule: (rule.level, rule.label)):
            yield _Layer(_SIGNS[_LABELS[label]], tuple([rule.text for rule in run]))
        if segment.kept:
            yield segment.kept
        elif default == _REST:
            yield f"include:{self.error_name}"
        else:
            yield f"{_SIGNS[_LABELS[default]]}all"

    # -- names

    def below(self, label: str) -> str:
        """Return a name below the domain."""
        name = f"{label}.{self.domain}"
        if not queryable(name):
            raise Refused(Refusal.TOO_MANY_NETWORKS, f"{self.domain} is so long that there can be no name below it")
        return name

    @property
    def error_name(self) -> str:
        """The name of the record that is an error."""
        return self.below(f"{self.prefix}-permerror")

    def names(self) -> Iterator[str]:
        """Return the names for more records."""
        return filter(lambda name: name not in self.taken, (self.below(f"{self.prefix}{n}") for n in count(1)))

    def room(self, name: str) -> int:
        """Return how many octets the record at a name may have."""
        return ROOM - len(name) - (self.others if name == self.domain else 0)

    # -- forms

    def one(self, parts: Sequence[_Layer | str]) -> list[TxtRecord] | None:
        """One record."""
        text = " ".join([_VERSION, *[part if isinstance(part, str) else part.text for part in parts]]) + self.tail
        return [TxtRecord(self.domain, text)] if len(text) <= self.room(self.domain) else None

    def includes(self, parts: Sequence[_Layer | str]) -> list[TxtRecord] | None:
        """A record that includes others: only a pass of theirs matches, so each has the networks of one layer."""
        inline = {i: part for i, part in enumerate(parts) if isinstance(part, str)}
        layers = {i: part for i, part in enumerate(parts) if isinstance(part, _Layer)}
        size = len(_VERSION) + len(self.tail) + sum(len(part) + 1 for part in inline.values())
        # Short layers cost less in the record itself
        for i in sorted(layers, key=lambda i: len(layers[i].text)):
            text = layers[i].text
            includes = [f" {layers[j].sign}include:{self.prefix}99.{self.domain}" for j in layers if j != i]
            if size + 1 + len(text) + sum(map(len, includes)) <= self.room(self.domain):
                del layers[i]
                inline[i] = text
                size += 1 + len(text)
        names, records, top = self.names(), list[TxtRecord](), [_VERSION]
        for i in range(len(parts)):
            if i in inline:
                top.append(inline[i])
                continue
            for name, text in self.packed(layers[i].networks, names):
                records.append(TxtRecord(name, text))
                top.append(f"{layers[i].sign}include:{name}")
        text = " ".join(top) + self.tail
        return [TxtRecord(self.domain, text), *records] if len(text) <= self.room(self.domain) else None

    def packed(self, terms: Sequence[str], names: Iterator[str]) -> Iterator[TxtRecord]:
        """Yield records of terms."""
        name, text = next(names), _VERSION
        for term in terms:
            if len(text) + 1 + len(term) > self.room(name):
                yield TxtRecord(name, text)
                name, text = next(names), _VERSION
            text += f" {term}"
        yield TxtRecord(name, text)

    def chain(self, parts: Sequence[_Layer | str]) -> list[TxtRecord] | None:
        """Records that redirect to the next one, so that order is kept across them (RFC 7208 §6.1)."""
        names, name, text = self.names(), self.domain, _VERSION
        following = next(names)
        records: list[TxtRecord] = []
        for term in [term for part in parts for term in (part.terms if isinstance(part, _Layer) else [part])]:
            onward = f" redirect={following}{self.tail}"
            full = len(text) + 1 + len(term) + len(onward) > self.room(name)
            if full and (text != _VERSION or not records):
                records.append(TxtRecord(name, text + onward))
                name, text, following = following, _VERSION, next(names)
            text += f" {term}"
        records.append(TxtRecord(name, text + self.tail))
        # What fills the answer at the domain is not ours to move
        return None if any(len(record.text) > self.room(record.name) for record in records[1:]) else records
