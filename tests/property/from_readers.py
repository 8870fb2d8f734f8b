"""Readers of From fields that are not ours, asked which domains they show their users.

    cd tests && python -m property.from_readers [--count 100000] [--seed 1]

They are Python's `email`, and readers of other languages where they are installed: see `PROGRAMS`. A reader that shows
no domain is not asked further: its user sees that the field is odd, and is not deceived.
"""

from __future__ import annotations

import argparse
import base64
import email
import email.header
import email.policy
import email.utils
import inspect
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import idna

from mailauth import Message
from mailauth.dmarc import author_of
from property import from_fields
from property.from_fields import Field

HERE = Path(__file__).parent / "readers"
BATCH = 2000
_DOMAIN = re.compile(
    "[^\\x00-,/:-@\\[-^`{-\\x7f]*"
)  # letters, digits, dots, hyphens, underscores, and what is not ASCII


class Program(NamedTuple):
    """A reader in another process: it takes lines of base64, and answers each with a line of JSON."""

    command: Sequence[str]  # empty: this process
    probe: Sequence[str]  # ends with 0 where the program can run
    install: str


PROGRAMS = {
    "python": Program([], [sys.executable, "-c", ""], ""),
    "node": Program(
        ["node", str(HERE / "node.mjs")],
        [
            "node",
            "--input-type=module",
            "--eval",
            "import 'mailparser'; import 'postal-mime'; import 'email-addresses'",
        ],
        "npm ci --ignore-scripts --prefix tests/property/readers",
    ),
    "dovecot": Program(
        ["perl", str(HERE / "dovecot.pl")],
        ["perl", "-MEmail::Address::XS", "-e1"],
        "apt-get install libemail-address-xs-perl",
    ),
    "gmime": Program(
        ["/usr/bin/python3", str(HERE / "gmime.py")],
        ["/usr/bin/python3", "-c", "import gi; gi.require_version('GMime', '3.0')"],
        "apt-get install python3-gi gir1.2-gmime-3.0",
    ),
}


# --- Python's own ----------------------------------------------------------------------------------------------------

# Older versions know one way only
_WAYS: list[dict[str, Any]] = [{}]
if "strict" in inspect.signature(email.utils.getaddresses).parameters:
    _WAYS = [{"strict": True}, {"strict": False}]


def _texts(body: bytes) -> list[str]:
    """Return the field as text; what is not UTF-8 is Latin-1 for some programs, and holds odd characters for others."""
    body = body.replace(b"\r\n", b"")  # RFC 5322 §2.2.3: unfolded before anything else
    try:
        return [body.decode()]
    except UnicodeDecodeError:
        return [body.decode("utf-8", "replace"), body.decode("latin-1"), body.decode("ascii", "ignore")]


def _decoded(text: str) -> str:
    """Return the field with its encoded-words decoded, as many programs do before they look for addresses."""
    return str(email.header.make_header(email.header.decode_header(text)))


def _registry(body: bytes) -> list[str]:
    field = email.message_from_bytes(b"From: " + body + b"\r\n\r\n", policy=email.policy.default)["From"]
    return [f"{one.username}@{one.domain}" for one in field.addresses]


def _getaddresses(texts: Iterable[str]) -> list[str]:
    return [one for text in texts for way in _WAYS for _, one in email.utils.getaddresses([text], **way)]


def _parseaddr(texts: Iterable[str]) -> list[str]:
    return [email.utils.parseaddr(text, **way)[1] for text in texts for way in _WAYS]


PYTHON: Mapping[str, Callable[[bytes], list[str]]] = {
    "policy.default": _registry,
    "getaddresses": lambda body: _getaddresses(_texts(body)),
    "getaddresses decoded": lambda body: _getaddresses(map(_decoded, _texts(body))),
    "parseaddr": lambda body: _parseaddr(_texts(body)),
    "parseaddr decoded": lambda body: _parseaddr(map(_decoded, _texts(body))),
}


def _ask_python(bodies: Sequence[bytes]) -> Iterator[dict[str, list[str]]]:
    for body in bodies:
        answer = {}
        for name, read in PYTHON.items():
            try:
                answer[name] = read(body)
            except Exception:  # noqa: BLE001  it lets many types out; the user sees no author then
                answer[name] = []
        yield answer


# --- the others ------------------------------------------------------------------------------------------------------


@cache
def installed(name: str) -> bool:
    """Whether a program can run here."""
    try:
        return subprocess.run(PROGRAMS[name].probe, cwd=HERE, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _ask_program(name: str, bodies: Sequence[bytes]) -> Iterator[dict[str, list[str]]]:
    lines = b"".join(base64.b64encode(body) + b"\n" for body in bodies)
    done = subprocess.run(PROGRAMS[name].command, cwd=HERE, input=lines, stdout=subprocess.PIPE, check=True)
    yield from map(json.loads, done.stdout.decode("utf-8", "replace").strip("\n").split("\n") if bodies else ())


def ask(names: Iterable[str], bodies: Sequence[bytes]) -> Iterator[dict[str, set[str]]]:
    """Yield, for each field, which domains each reader shows."""
    answers = [_ask_python(bodies) if name == "python" else _ask_program(name, bodies) for name in names]
    for row in zip(*answers, strict=True):
        yield {
            reader: {domain for domain in map(shown, addresses) if domain}
            for answer in row
            for reader, addresses in answer.items()
        }


@lru_cache(maxsize=10_000)
def shown(address: str) -> str | None:
    """Return the domain that a user sees in an address, in normal form where there is one.

    What follows a domain without being part of it, such as a bracket that was not closed, changes nothing for the eye.
    """
    domain = address.rpartition("@")[2] if "@" in address else ""
    domain = domain.encode("utf-8", "surrogateescape").decode("utf-8", "replace").lstrip(" \t")
    domain = _DOMAIN.match(domain)[0].removesuffix(".")  # type: ignore[index]
    try:
        return idna.encode(domain, uts46=True).decode().lower() if domain else None
    except (idna.IDNAError, UnicodeError):
        # A reader that does not know the charset
        return None if "\ufffd" in domain else domain.casefold()


# --- the comparison --------------------------------------------------------------------------------------------------


class Disagreement(NamedTuple):
    """A field that has an author for us, and another one for a reader."""

    field: Field
    author: str
    reader: str
    shown: frozenset[str]
    known: str | None  # why it is not evidence

    def __str__(self) -> str:
        return f"{self.reader} shows {sorted(self.shown)} in {self.field.body!r} ({self.field.kind}), we {self.author}"


class Known(NamedTuple):
    """A fault of one reader, which no mail program shares."""

    readers: str  # a regular expression for their names
    matches: Callable[[str, str, str], bool]  # whether the fault makes the other domain: field, author, other
    why: str


def _is_hop(field: str, _: str, other: str) -> bool:
    routes = re.findall(r"<\s*(@[^<>:]*,\s*@[^<>:]*):", field)
    return any(
        other.rpartition(".")[2] in re.split(r"\W+", re.sub("\ufffd", "", route.lower())) for route in routes
    ) or (re.search(rf"<[^>]*@[^>]*@\s*{re.escape(other)}\b[^@:]*:", field, re.IGNORECASE) is not None)


def _is_inside(field: str, author: str, other: str) -> bool:
    address = rf"@({re.escape(other)}|{re.escape(_as_unicode(other))})"
    return (
        re.search(rf'"[^"]*({address}|[<>])[^"]*"[^"]*@|<[^<>]*>?\([^()]*{address}', field, re.IGNORECASE) is not None
        # A comment in a comment, a parenthesis or a special in quotes
        or (re.search(r"\([^()]*\(", field) is not None and other.startswith(author))
        or re.search(r'\\[()]|"[^"]*[<:;][^"]*"', field) is not None
    )


def _is_first_label(field: str, author: str, other: str) -> bool:
    return other == author.partition(".")[0] and re.search(r"[\s)]\.|\.[\s(]", field) is not None


def _is_single_label(field: str, _: str, other: str) -> bool:
    return "." not in other and re.search(r"\x1b|\ufffd|(^|\s)@\s|@\s*\([^()]*\(", field) is not None


def _is_of_no_top_level_domain(field: str, _: str, other: str) -> bool:
    return "\x1b" in field and re.fullmatch(r".*\.[a-z]", other) is not None


def _is_punycode(_: str, author: str, other: str) -> bool:
    return "xn--" in author and _as_unicode(author).lower() in (other, _as_unicode(other))


def _as_unicode(domain: str) -> str:
    """Return a domain with its A-labels decoded, also where they hold what no domain may have."""
    return re.sub(r"xn--([a-z0-9-]+)", lambda match: match[1].encode().decode("punycode", "replace"), domain)


KNOWN = (
    Known("getaddresses.*", _is_hop, "the last of several hops of a route is taken for an address"),
    Known("postal-mime.*", _is_inside, "quotes and comments within an address are not kept together"),
    Known("mailparser|postal-mime.*", _is_first_label, "a domain ends at white space: a single label is nobody's"),
    # "Anna @ home", an @ within a character of another character set, a comment in a comment
    Known(".*", _is_single_label, "an @ that is not of an address: a single label is nobody's"),
    Known(
        ".*", _is_of_no_top_level_domain, "octets of ISO-2022 text are not an address: no top-level domain is so short"
    ),
    Known("mailparser|gmime", _is_punycode, "an A-label that is none is decoded all the same"),
)


def excuse(reader: str, body: bytes, author: str, others: Iterable[str]) -> str | None:
    """Return why a disagreement is not evidence, None where it is evidence."""
    text = body.decode("utf-8", "replace")
    reasons = set()
    for other in others:
        known = (k for k in KNOWN if re.fullmatch(k.readers, reader) and k.matches(text, author, other))
        reasons.add(next((k.why for k in known), None))
    return None if None in reasons else "; ".join(sorted(filter(None, reasons)))


def author_domain(body: bytes) -> str | None:
    """Return the author for us; None too where the field of the message is not this one, because of its line ends."""
    message = Message.parse(b"From: " + body + b"\r\n\r\n")
    return None if message.normalised else author_of(message).domain


class Comparison:
    """Fields are tried one after another, and those that have an author shown to the readers."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.tried: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def over(self, fields: Iterable[Field]) -> Iterator[Disagreement]:
        """Yield every disagreement about these fields."""
        batch: list[tuple[Field, str]] = []
        for field in fields:
            kind = field.kind.partition(" ")[0]
            self.tried[kind] += 1
            if author := author_domain(field.body):
                self.accepted[kind] += 1
                batch.append((field, author))
            if len(batch) == BATCH:
                yield from self._compare(batch)
                batch.clear()
        yield from self._compare(batch)

    def _compare(self, batch: list[tuple[Field, str]]) -> Iterator[Disagreement]:
        answers = ask(self.names, [field.body for field, _ in batch])
        for (field, author), answer in zip(batch, answers, strict=True):
            for reader, domains in answer.items():
                self.answers[reader] += bool(domains)
                if others := domains - {author}:
                    yield Disagreement(
                        field, author, reader, frozenset(domains), excuse(reader, field.body, author, others)
                    )


def main() -> int:
    """Print the figures; the exit code is 1 where a disagreement is not known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="fields (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first (default: %(default)s)")
    parser.add_argument(
        "--show", type=int, default=3, help="disagreements to print of each reader (default: %(default)s)"
    )
    arguments = parser.parse_args()
    names = [name for name in PROGRAMS if installed(name)]
    for name in PROGRAMS.keys() - set(names):
        sys.stdout.write(f"not asked: {name}; {PROGRAMS[name].install}\n")
    comparison = Comparison(names)
    new: Counter[str] = Counter()
    known: Counter[tuple[str, str]] = Counter()
    for found in comparison.over(from_fields.fields(arguments.seed, arguments.count)):
        if found.known:
            known[found.reader, found.known] += 1
            continue
        new[found.reader] += 1
        if new[found.reader] <= arguments.show:
            sys.stdout.write(f"{found}\n")
    for kind, count in sorted(comparison.tried.items()):
        sys.stdout.write(f"{kind}: {count} fields, {comparison.accepted[kind]} accepted\n")
    for reader, count in comparison.answers.items():
        sys.stdout.write(f"{reader}: shows a domain in {count}, another in {new[reader]}\n")
    for (reader, why), count in sorted(known.items()):
        sys.stdout.write(f"known, {reader}: {count} ({why})\n")
    return int(sum(new.values()) > 0)


if __name__ == "__main__":
    sys.exit(main())
