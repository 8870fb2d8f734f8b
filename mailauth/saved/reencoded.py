"""Header fields whose encoded-words (RFC 2047) a program wrote anew: what they may have been before.

A fixed list of ways, each with one candidate, which shows the same text as the present fields in every reader that
keeps to RFC 2047. A word that readers decode in several ways is left as it is. What cannot be determined (where a text
was split, what else Q left as it was, how raw octets were encoded) is not guessed. Linear; knows no signature.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from mailauth.message.fields import field_name

_MAX_WORDS = 1000  # a message with more is not tried
_MARK = re.compile(rb"=\?([^? \t\r\n]{1,40})\?([QqBb])\?")
# RFC 2047 §2, §4, §5: between white space, or in a comment. Readers differ about an "=" without two digits
_WORD = (
    rb"(?<![^ \t\r\n(])=\?[A-Za-z0-9][A-Za-z0-9_-]{0,39}\?"
    rb"(?:[Qq]\?(?:[!-<>@-~]|=[0-9A-Fa-f]{2})++|[Bb]\?[A-Za-z0-9+/]++={0,2})\?=(?![^ \t\r\n)])"
)
_ONE = re.compile(_WORD)
# RFC 2047 §6.2: white space between two words is not shown
_RUN = re.compile(rb"%b(?:[ \t\r\n]++%b)*+" % (_WORD, _WORD))
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
# RFC 2047 §5 (3): what Q may leave as it is wherever a word may be
_NOT_PLAIN = re.compile(rb"[^A-Za-z0-9!*+/-]")
# RFC 2047 §5 (3): not in a phrase, where readers may take it for what it is outside of a word
_LOOSE = re.compile(rb'=\?[^? \t\r\n]{1,40}\?[Qq]\?[^? \t\r\n]*?[()<>\[\]:;@\\,"]')
# RFC 5322 §3.2.3: what has a meaning where it is not encoded; "=?" has one too
_SPECIAL = re.compile(rb'[\x00-\x1f\x7f()<>\[\]:;@\\,."]|=\?')
# Python writes the latter where it finds raw octets
_RAW = frozenset({b"utf-8", b"unknown-8bit"})


class _Word(NamedTuple):
    """An encoded-word: its charset and the letter of its encoding as written, and the octets that it stands for."""

    charset: bytes
    letter: bytes
    octets: bytes


def candidates(fields: Sequence[bytes], kept: set[int]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield what a program may have done to encoded-words, in words, and the fields without that.

    Args:
        fields: those of a message.
        kept: the positions of those that stay as they are.
    """
    if sum(len(_MARK.findall(field)) for field in fields) > _MAX_WORDS:
        return
    coded = {i for i, field in enumerate(fields) if i not in kept and b"=?" in field and not _is_loose(field)}
    for what, change in _WAYS:
        changed = [change(field) if i in coded else field for i, field in enumerate(fields)]
        yield f"encoded-words of header fields {what}, by a program that wrote the fields anew", changed


def _is_loose(field: bytes) -> bool:
    return field_name(field) != b"subject" and _LOOSE.search(field) is not None


def _recased(field: bytes, *, charset: bool, letter: bool) -> bytes:
    """Return a field with the names of charsets, or the letters of encodings, in the other case."""

    def other(match: re.Match[bytes]) -> bytes:
        name, encoding = match.groups()
        name = (name.upper() if name.islower() else name.lower()) if charset else name
        return b"=?%b?%b?" % (name, encoding.swapcase() if letter else encoding)

    return _MARK.sub(other, field)


def _encoded(field: bytes, *, letter: bytes) -> bytes:
    """Return a field with all words in one encoding, its letter in the case that they have."""

    def other(match: re.Match[bytes]) -> bytes:
        word = _read(match[0])
        if word is None or word.letter.upper() == letter:
            return match[0]
        return _written(word._replace(letter=letter if word.letter.isupper() else letter.lower()))

    return _ONE.sub(other, field)


def _joined(field: bytes) -> bytes:
    """Return a field with neighbours of one charset and encoding as one word, however long (RFC 2047 §2: 75)."""

    def one(match: re.Match[bytes]) -> bytes:
        words = _words(match[0])
        if len({word[:2] for word in words}) != 1 or not all(map(_is_whole, words)):
            return match[0]
        if words[0].letter in b"Bb":
            return _written(words[0]._replace(octets=b"".join([word.octets for word in words])))
        contents = [text.split(b"?")[3] for text in match[0].split()]
        return b"=?%b?%b?%b?=" % (*words[0][:2], b"".join(contents))

    return _RUN.sub(one, field)


def _decoded(field: bytes) -> bytes:
    """Return a field with raw octets in place of words, where these mean nothing else (RFC 6532)."""

    def raw(match: re.Match[bytes]) -> bytes:
        words = _words(match[0])
        octets = b"".join([word.octets for word in words])
        known = words and all(word.charset.lower() in _RAW for word in words)
        return octets if known and not _SPECIAL.search(octets) else match[0]

    return _RUN.sub(raw, field)


_WAYS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("with their charset in another case", partial(_recased, charset=True, letter=False)),
    ("with the letter of their encoding in another case", partial(_recased, charset=False, letter=True)),
    (
        "with their charset and the letter of their encoding in another case",
        partial(_recased, charset=True, letter=True),
    ),
    ("in Q in place of B", partial(_encoded, letter=b"B")),
    ("in B in place of Q", partial(_encoded, letter=b"Q")),
    ("split", _joined),
    ("in place of raw octets", _decoded),
)


def _words(run: bytes) -> list[_Word]:
    """Return the words of a run; none where one of them cannot be read."""
    words = [_read(text) for text in run.split()]
    return [word for word in words if word is not None] if None not in words else []


def _read(text: bytes) -> _Word | None:
    _, charset, letter, content, _ = text.split(b"?")
    if letter in b"Qq":
        octets = _HEX.sub(lambda digits: bytes([int(digits[1], 16)]), content.replace(b"_", b" "))
        return _Word(charset, letter, octets)
    try:
        return _Word(charset, letter, b64decode(content, validate=True))
    except binascii.Error:
        return None


def _written(word: _Word) -> bytes:
    if word.letter in b"Bb":
        content = b64encode(word.octets)
    else:
        content = _NOT_PLAIN.sub(lambda c: b"_" if c[0] == b" " else b"=%02X" % ord(c[0]), word.octets)
    return b"=?%b?%b?%b?=" % (word.charset, word.letter, content)


def _is_whole(word: _Word) -> bool:
    """Whether a word has whole characters: readers differ about one that is in two words."""
    try:
        return word.charset.lower() == b"utf-8" and bool(word.octets.decode("utf-8"))
    except UnicodeDecodeError:
        return False
