"""The Author Domain of a message (RFC 9989 §5.3.1, §11.5): the one domain that every reasonable reading gives.

The strict grammar is the first reading. What is outside it is not an error in itself: then each address-like piece of
the field counts, and all must name one domain. Readers that decode encoded-words before they look for addresses, that
treat them as opaque words, that take a comment for an address, or that detect a character set by its octets, must
agree. If two readings differ, there is no author. Knows nothing about DNS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mailauth import names
from mailauth.limits import Limits
from mailauth.message import address, encodedword
from mailauth.message.fields import Message
from mailauth.results import Malformed, Problem, Reason

# RFC 1468, RFC 1554, RFC 1557: ESC, the character set, and its octets up to the next ESC; ESC ( B is ASCII again
_SECTION = rb"\x1b(?:\$\(?[@-O]|\([I0])([\x21-\x7e]*+)(?=%b)|\x1b\([BJ]"
_ISO_2022 = re.compile(_SECTION % rb"\x1b")
_ISO_2022_WORD = re.compile(_SECTION % rb"\x1b|\Z")
# A lead octet and a trail octet of Shift_JIS; of Big5, GBK and similar
_TWO_OCTETS = (
    re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]"),
    re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]"),
)
_TRAIL_SPECIAL = re.compile(rb"[\x81-\xfe][@\[\\\]]")
# RFC 2047 §2, and the language of RFC 2231 §5
_TOKEN = re.compile(r"[\w.-]+(?:\*[\w-]*)?", re.ASCII)
# Other character sets that some readers know, in which ASCII octets are other characters: UTF-7 by other names,
# escapes, EBCDIC
_NOT_ASCII = re.compile(
    r".*(?:utf7|u7$|escape|ebcdic|punycode|idna)"
    r"|(?:cs)?(?:ibm|cp)?(?!437|7\d\d|8[56]\d|874|93[26]|943|949|95[01]|125\d|8859|65001)\d+$"
)
# What turns words into an address. A tab is white space; C1 controls are what mislabelled Windows-1252 gives
_ACTIVE = re.compile('["<>@,;:()\\\\\\[\\]\0-\x08\\n-\x1f\x7f]')
_BREAKS = re.compile("[\0-\x08\\n-\x1f\x7f]")
_BLANKS = re.compile(r"[ \t]*+")
_DOMAIN = re.compile(r"[ \t]*+([\w-]++(?:\.[\w-]++)*+)\.?")
# What certainly ends a domain: a delimiter of the address, or a quotation mark with nothing attached to it
_CLOSING = "'\"\u2019\u201d\u00bb\u203a\uff09\u3009\u300b\u300d\u300f\u3011\udc92\udc94\udcbb"
_LAST = re.compile(rf"(?:\Z|@|(?:[{_CLOSING}](?![^ \t<>()\[\],;:]))?(?:[ \t]|\([^()\\]*+\))*+(?:\Z|[<>,;:)\]]))")
_AFTER_DOT = re.compile(r"[ \t(<]")
_EMPTY_ANGLE = re.compile(r'<[ \t"()]*+>')
# "Anna @ home <a@example.com>", and an octet of a character between others
_NO_ADDRESS = re.compile(
    "(?<=[ \t])@[ \t]++[\\w'&!*+/ \t-]*+(?=[<,]|\\Z)"
    '|(?<=[\udc80-\udcff])@(?=[\udc80-\udcff][^.<>,;:()"\\s]*+(?:[<>,;:()"\\s]|\\Z))'
)
_HIDDEN = re.compile(r"@(?:\.|\([^()]*+\))*+([\w-]++(?:\.++[\w-]++)*+)", re.ASCII)
_BLANK_CONTINUATION = re.compile(rb"\r\n[ \t]+(?=\r\n|\Z)")
_TOP_LEVEL = re.compile(r"[A-Za-z]{2,}")
# Replaces text that is not part of an address; no domain contains it
_OPAQUE = "\ufffc"


class Author(NamedTuple):
    """The Author Domain (RFC 9989 §5.3.1), or why there is not exactly one.

    `domain` is in normal form, None with a `problem`. `mailboxes` are those of a field that has a grammar.
    `deviation` says how the field departs from RFC 5322, where every reading gives the domain all the same.
    `names_no_domain`: the field names no domain in any reading, or a host without one, as in bounces of some servers.
    """

    domain: str | None
    problem: Problem | None = None
    mailboxes: tuple[address.Mailbox, ...] = ()
    deviation: str = ""
    names_no_domain: bool = False


def author_of(message: Message) -> Author:
    """Return the author that a message names in its From field. Never raises for any message."""
    # RFC 9989 §11.5: a From that readers see differently is an attack; then there is no author to protect
    if message.problems:
        return Author(None, message.problems[0])
    positions = message.find(b"from")
    if len(positions) != 1:
        if not positions:
            return Author(None, Problem(Reason.AUTHOR_MISSING, "the message has no From field"))
        return Author(None, Problem(Reason.AUTHOR_REPEATED, f"the message has {len(positions)} From fields"))
    position, limits = positions[0], message.limits
    # Choice D30: the length of any other field does not concern the author
    if (length := len(message.fields[position])) > limits.field_bytes:
        detail = f"the From field has {length} octets, more than {limits.field_bytes}"
        return Author(None, Problem(Reason.LIMIT_FIELD_BYTES, detail))
    value = message.value(position)
    author = find_author(value, limits)
    # RFC 5322 §4.2: a line of white space only is legal, and the end of the header section to some readers.
    # Choice D29: it matters if they would see another author
    if author.domain and (blank := _BLANK_CONTINUATION.search(value)):
        before = find_author(value[: blank.start()], limits)
        if not before.names_no_domain and before.domain != author.domain:
            detail = "a line of white space only ends the header section for some readers, who see another From"
            return Author(None, Problem(Reason.HEADER_AMBIGUOUS, detail))
    return author


def find_author(value: bytes, limits: Limits) -> Author:
    """Return the author that the body of a From field names. Never raises for any octets."""
    if len(value) > limits.from_bytes:
        detail = f"From has {len(value)} octets, more than {limits.from_bytes}"
        return Author(None, Problem(Reason.LIMIT_FROM_BYTES, detail))
    value = value.replace(b"\r\n", b"")
    plain = address.plain_mailbox(value) if limits.from_mailboxes else None
    if plain is not None and _is_inert(plain.name) and not _in_apostrophes(plain):
        return _author((plain,), (), "")
    try:
        return _read(value, limits)
    except Malformed as malformed:
        return Author(None, Problem(malformed.reason, f"From: {malformed.detail}"))


def _author(mailboxes: tuple[address.Mailbox, ...], others: Iterable[str], deviation: str) -> Author:
    """Compare the domains of the mailboxes with those of other readings, in normal form."""
    domains = dict.fromkeys(others)
    # Not a DNS name, and so nobody's: what a host without a domain calls itself in its bounces
    names_no_domain = not domains and all(names.to_ascii(m.domain) and "." not in m.domain for m in mailboxes)
    names_no_domain = names_no_domain and not any("@" in mailbox.name for mailbox in mailboxes)
    for mailbox in mailboxes:
        domain = names.to_ascii(mailbox.domain)
        # An Author Domain is a name with several labels, not an address literal
        if domain is None or "." not in domain:
            detail = f"From: {mailbox.domain[:80]!a} is not a fully qualified domain name"
            return Author(
                None, Problem(Reason.AUTHOR_DOMAIN_INVALID, detail), mailboxes, names_no_domain=names_no_domain
            )
        domains[domain] = None
    # RFC 9989 §5.3.1: several addresses in the same domain are one domain
    if len(domains) > 1:
        names_found = ", ".join(sorted(domains)[:3])
        if len({names.to_ascii(m.domain) for m in mailboxes}) > 1:
            detail = f"From names {len(domains)} domains: {names_found}"
        else:
            detail = f"From can be read in several ways, which give {len(domains)} domains: {names_found}"
        return Author(None, Problem(Reason.AUTHOR_DOMAINS, detail), mailboxes)
    return Author(next(iter(domains)), mailboxes=mailboxes, deviation=deviation)


class _Reading(NamedTuple):
    mailboxes: tuple[address.Mailbox, ...]
    domains: dict[str, None]  # of the other address-like pieces, in normal form
    problem: Problem | None
    deviation: str


def _read(value: bytes, limits: Limits) -> Author:
    """Compare every reading of an unfolded From field.

    Raises:
        Malformed: when there is none, or a limit is exceeded.
    """
    rest, hidden = _without_iso_2022(value)
    hidden_domains = list(_hidden_domains(hidden))
    texts = list(_as_text(rest))
    first = _reading(texts[0], limits)
    if not first.mailboxes and (first.problem is None or not first.domains):
        if not (hidden_domains or "@" in texts[0] or any("@" in word.text for word in _words(texts[0]))):
            return Author(None, Problem(Reason.AUTHOR_MISSING, "From names no domain"), names_no_domain=True)
        raise Malformed(*(first.problem or (Reason.AUTHOR_MISSING, "the field names no mailbox")))
    # Choice D26: every reasonable reading has to give the same domain
    domains = dict.fromkeys([*first.domains, *hidden_domains])
    for text in texts:
        readings = [] if text is texts[0] else [_reading(text, limits)]
        if not _is_inert(text):
            readings.append(_reading(_opaque(text), limits))
            domains |= _pieces(_decoded(text), limits) | _pieces(_unframed(text), limits)
        for reading in readings:
            domains |= reading.domains
            domains |= dict.fromkeys(names.to_ascii(m.domain) or ascii(m.domain) for m in reading.mailboxes)
    deviation = first.deviation or ("it contains raw ISO-2022 text" if hidden else "")
    return _author(tuple(map(_shown, first.mailboxes)), domains, deviation)


def _shown(mailbox: address.Mailbox) -> address.Mailbox:
    """Return a mailbox whose text is valid Unicode."""
    return address.Mailbox(*(part.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for part in mailbox))


def _reading(text: str, limits: Limits) -> _Reading:
    """Read by the grammar, or else by the address-like pieces."""
    try:
        parsed = address.read_list(text, limits.from_mailboxes, limits.comment_depth)
    except Malformed as malformed:
        if malformed.reason is not Reason.AUTHOR_SYNTAX or address.has_control(text):
            raise
        return _Reading((), _pieces(_opaque(text), limits), malformed.problem, malformed.detail)
    if any(map(_in_apostrophes, parsed.mailboxes)):
        quoted = Problem(Reason.AUTHOR_SYNTAX, "an address appears in apostrophes")
        return _Reading((), _pieces(_opaque(text), limits), quoted, quoted.detail)
    if address.FOREIGN.search(text) and not all(mailbox.domain.isascii() for mailbox in parsed.mailboxes):
        raise Malformed(Reason.AUTHOR_DOMAIN_INVALID, "the field is not UTF-8, and a domain in it is not ASCII")
    beside: dict[str, None] = {}
    for alternative in parsed.alternatives:
        beside.update(_pieces(alternative, limits))
    return _Reading(parsed.mailboxes, beside, None, parsed.deviation)


def _in_apostrophes(mailbox: address.Mailbox) -> bool:
    """Whether the sender's script put the address in apostrophes: no domain ends with one."""
    return mailbox.domain.endswith("'") and mailbox.local.startswith("'")


def _pieces(text: str, limits: Limits) -> dict[str, None]:
    """Return the domain of each address-like piece of a text: of each @ that joins words.

    Raises:
        Malformed: if a reader could see another domain, because it is unclear where one ends.
    """
    domains: dict[str, None] = {}
    foreign = address.FOREIGN.search(text)
    if "@" in text and (empty := _EMPTY_ANGLE.search(text)):
        raise _unclear(text, empty.start())
    for count, at in enumerate(re.finditer("@", text)):
        if count >= limits.from_mailboxes:
            raise Malformed(Reason.LIMIT_FROM_MAILBOXES, f"more than {limits.from_mailboxes} addresses")
        if _NO_ADDRESS.match(text, at.start()):
            continue
        match = _DOMAIN.match(text, at.end())
        name = match[1] if match else ""
        # Some readers see only the beginning of a domain that is not ASCII, unless it is in angle brackets
        framed = (
            match and text.startswith(">", match.end()) and "<" in text[text.rfind(">", 0, at.start()) + 1 : at.start()]
        )
        readable = name.isascii() or (framed and not foreign)
        domain = names.to_ascii(name) if "." in name and readable else None
        if match is None or domain is None:
            raise _unclear(text, at.start())
        # Words after a bare address: some readers take them for its end ("a@example.co m")
        if _LAST.match(text, match.end()) is None or (match[0].endswith(".") and _AFTER_DOT.match(text, match.end())):
            raise _unclear(text, at.start())
        domains[domain] = None
    return domains


def _unclear(text: str, start: int) -> Malformed:
    return Malformed(Reason.AUTHOR_SYNTAX, f"it is unclear where the domain of {text[start : start + 40]!a} ends")


# -- octets to text


def _without_iso_2022(value: bytes) -> tuple[bytes, list[str]]:
    """Remove text in ISO-2022 encodings, which may contain any ASCII octet; return the rest and that text."""
    if b"\x1b" not in value:
        return value, []
    hidden = [m[1].decode("ascii") for m in _ISO_2022.finditer(value) if m[1] is not None]
    return _ISO_2022.sub(lambda m: b"" if m[1] is None else _OPAQUE.encode(), value), hidden


def _hidden_domains(hidden: list[str]) -> Iterator[str]:
    """Yield the domains that a reader without ISO-2022 would find in such text, if they look like real ones."""
    for text in hidden:
        if "=?" in text:
            raise Malformed(Reason.AUTHOR_SYNTAX, "ISO-2022 text contains an encoded-word")
        for match in _HIDDEN.finditer(text):
            if "." in match[1] and _TOP_LEVEL.fullmatch(match[1].rpartition(".")[2]):
                yield names.to_ascii(match[1]) or ascii(match[1])


def _as_text(value: bytes) -> Iterator[str]:
    """Yield the field as text: octet by octet, and as readers of other encodings see it."""
    text = value.decode("utf-8", "surrogateescape")
    yield text
    if address.FOREIGN.search(text) is None:
        return
    if _TRAIL_SPECIAL.search(value):
        for two_octets in _TWO_OCTETS:
            yield two_octets.sub(b"\x80\x80", value).decode("utf-8", "surrogateescape")
    if b"=?" in value:
        # Dropping them may leave an encoded-word
        yield value.decode("utf-8", "ignore")


# -- encoded-words (RFC 2047)


class _Word(NamedTuple):
    """An encoded-word: where it begins and ends, and what it decodes to."""

    start: int
    end: int
    regular: bool  # a reader of the RFC sees one too
    plain: bool  # it contains no other and no octets outside its encoding, and its ASCII is ASCII
    text: str


def _words(text: str) -> Iterator[_Word]:
    """Yield each encoded-word that a reader finds who looks for nothing else."""
    for start, end, charset, encoding, content in encodedword.find_words(text):
        codec = encodedword.codec_of(charset) or "latin_1"
        ascii_only = encoding in "bB" or codec.startswith(("utf_7", "utf_16", "utf_32"))
        plain = "=?" not in content and (content.isascii() or not ascii_only) and not _is_odd(charset)
        yield _Word(start, end, _TOKEN.fullmatch(charset) is not None, plain, _decode(codec, encoding, content))


def _is_odd(charset: str) -> bool:
    """Whether ASCII octets may be other characters in a character set that readers know by different names."""
    name = charset.partition("*")[0].strip().lower()
    return encodedword.codec_of(name) != "utf_7" and _NOT_ASCII.match(re.sub("[^a-z0-9]", "", name)) is not None


def _is_inert(text: str) -> bool:
    """Whether no encoded-word of a text could become part of an address, whoever decodes it."""
    return "=?" not in text or not any(
        _ACTIVE.search(text, word.start, word.end) or _ACTIVE.search(word.text) or not word.regular or not word.plain
        for word in _words(text)
    )


def _decode(codec: str, encoding: str, content: str) -> str:
    octets = encodedword.octets_of(encoding, content)
    if codec.startswith("iso2022"):
        octets, codec = _ISO_2022_WORD.sub(_OPAQUE.encode(), octets), "latin_1"
    return octets.decode(codec, "replace")


def _decoded(text: str) -> str:
    """Return a text with its encoded-words decoded.

    Raises:
        Malformed: if one contains control characters, or something that readers decode differently.
    """
    pieces: list[str] = []
    position = 0
    for word in _words(text):
        between = text[position : word.start]
        # RFC 2047 §6.2: white space between two encoded-words is not shown
        if not (position and _BLANKS.fullmatch(between)):
            pieces.append(between)
        if not word.plain:
            raise Malformed(Reason.AUTHOR_SYNTAX, "an encoded-word contains another, or has an unknown encoding")
        if _BREAKS.search(word.text):
            raise Malformed(Reason.AUTHOR_SYNTAX, "an encoded-word contains control characters")
        pieces.append(word.text)
        position = word.end
    return "".join([*pieces, text[position:]])


def _opaque(text: str) -> str:
    """Return a text with a mark in place of each encoded-word."""
    return _respelt(text, lambda word: _OPAQUE if word.regular else None)


def _unframed(text: str) -> str:
    """Return a text as readers see it who do not decode: the content of each encoded-word as written."""
    return _respelt(text, lambda word: f" {text[word.start : word.end].split('?', 3)[3].removesuffix('?=')} ")


def _respelt(text: str, spell: Callable[[_Word], str | None]) -> str:
    """Return a text with each encoded-word replaced, unless the replacement is None."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    position = 0
    for word in _words(text):
        if (spelt := spell(word)) is not None:
            pieces += [text[position : word.start], spelt]
            position = word.end
    return "".join([*pieces, text[position:]])
