"""Fields that claim to be ours: found however they are written, and taken away without touching another octet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailauth import Options, authenticate
from mailauth.testing import Zone

OURS = {"mx.example.org", "mx.exämple.org", "mx2", "old_name.example.net"}
NAMES = ["mx.example.org", "mx.exämple.org", "mx.xn--exmple-cua.org", "mx2", "old_name.example.net"]
OTHERS = [
    "example.org", "mx.example.com", "a.mx.example.org", "mx.example.org.a", "xmx.example.org", "mx.examp1e.org",
    "mx.ex\u0430mple.org", "mx", "mx22", "old-name.example.net", "mx.example.orgy", "name.example.net",
    "mx-example.org",
]  # fmt: skip
FOLDS = ["", " ", "\t", "  ", "\r\n ", "\r\n\t", " \r\n  "]
CHARS = st.sampled_from([*"abcxyz019 -=_.;:@/[]<>,'éü\u202e", "\\(", "\\)", "\\\\", '\\"', "\r\n "])


def some(pieces: Any, most: int) -> Any:
    return st.lists(pieces, max_size=most).map("".join)


folds = st.sampled_from(FOLDS)
mentions = st.sampled_from(NAMES)
comments = st.recursive(
    some(st.one_of(CHARS, mentions), 6).map(lambda t: f"({t})"),
    lambda inner: st.builds(lambda a, c, b: f"({a}{c}{b})", some(CHARS, 3), inner, some(CHARS, 3)),
    max_leaves=10,
)
cfws = some(st.one_of(folds, folds, comments), 3)
# Anything may follow, also what cannot be parsed
quoted = some(st.one_of(CHARS, mentions), 6).map(lambda t: f'"{t}"')
rests = some(
    st.one_of(
        st.sampled_from(
            ["spf=pass", "dmarc=pass", " header.from=bank.example", ";", "; none", '"', "(", ")", "=", "\\"]
        ),
        comments,
        quoted,
        mentions,
        folds,
    ),
    8,
)
# A version that somebody reads, white space or a comment before it
versions = st.one_of(st.just(""), st.builds(lambda a, v, b: f" {a}{v}{b}", cfws, st.sampled_from(["1", "01"]), cfws))


@st.composite
def cases(draw: Any, text: str) -> str:
    """Return a name in any case; letters outside ASCII have both cases too."""
    return "".join(c.upper() if draw(st.booleans()) else c for c in text)


@st.composite
def identities(draw: Any, names: list[str]) -> str:
    """Return an authserv-id as the grammar lets one write it: a token, or a quoted-string with quoted-pairs."""
    text = draw(cases(draw(st.sampled_from(names))))
    if draw(st.booleans()):
        return str(text)
    return '"' + "".join("\\" + c if c.isascii() and draw(st.integers(0, 5)) == 0 else c for c in text) + '"'


field_names = cases("authentication-results").flatmap(lambda n: st.sampled_from(["", " ", "\t "]).map(lambda w: n + w))


@st.composite
def claims(draw: Any, names: list[str]) -> str:
    """Return a field that claims one of some names, readable as far as the name goes."""
    start = f"{draw(field_names)}:{draw(cfws)}{draw(identities(names))}"
    return (
        start + draw(st.sampled_from(["", ";", ";", " ;"]))
        if draw(st.integers(0, 3)) == 0
        else (f"{start}{draw(versions)}{draw(cfws)};{draw(rests)}")
    )


@st.composite
def broken(draw: Any) -> str:
    """Return a field whose beginning cannot be read, and that names us somewhere."""
    opening = draw(st.sampled_from(["(", '"', "(" * 60, ";", "=", '"a" "b"', "a b"]))
    return f"{draw(field_names)}: {opening} {draw(cases(draw(mentions)))}; dmarc=pass"


@st.composite
def bystanders(draw: Any) -> str:
    """Return a field that is none of these."""
    name = draw(
        st.sampled_from([
            "X-Authentication-Results", "ARC-Authentication-Results", "Authentication-Results-Original", "Subject",
            "Received",            "Authentication-Result", "Original-Authentication-Results",
        ])
    )  # fmt: skip
    return f"{name}: {draw(mentions)}; {draw(rests)}"


@st.composite
def unsigned(draw: Any) -> str:
    """Return a field without an authserv-id, with other names anywhere, and ours as the values of properties."""
    pieces = st.one_of(
        st.sampled_from(OTHERS).map(lambda name: f"({name} is not {name})"),
        st.sampled_from(OTHERS).map(lambda name: f";{name}; dkim=none"),
        mentions.flatmap(lambda name: st.sampled_from([f"smtp.helo={name}", f"header.i=x@{name}", f"x-y.z=@{name}"])),
        st.sampled_from(["action=none", "; spf=pass", "reason=100", ";"]),
    )
    return f"{draw(field_names)}: dmarc=pass {' '.join(draw(st.lists(pieces, max_size=6)))}"


fields = st.one_of(
    st.tuples(st.just(True), claims(NAMES)),
    st.tuples(st.just(True), broken()),
    st.tuples(st.just(False), claims(OTHERS)),
    st.tuples(st.just(False), bystanders()),
    st.tuples(st.just(False), unsigned()),
)


def tidy(text: str) -> str:
    """Take away lines of white space, which would leave the header section to the taste of its readers."""
    first, *lines = text.split("\r\n")
    return "\r\n".join([first, *(line for line in lines if line.strip(" \t"))])


def reference(raw: bytes, dropped: set[int], line_end: bytes) -> bytes:
    """Return the message without some fields, found line by line."""
    kept, index, in_header = [], -1, True
    for line in raw.splitlines(keepends=True) if line_end == b"\n" else _crlf_lines(raw):
        if in_header and line == line_end:
            in_header = False
        if in_header and line[:1] not in (b" ", b"\t"):
            index += 1
        if not in_header or index not in dropped:
            kept.append(line)
    return b"".join(kept)


def _crlf_lines(raw: bytes) -> list[bytes]:
    *lines, last = raw.split(b"\r\n")
    return [line + b"\r\n" for line in lines] + [last]


@given(st.lists(fields, max_size=6), st.sampled_from([b"\r\n", b"\n"]), st.booleans())
def test_every_claim_goes_and_nothing_else(
    made: list[tuple[bool, str]],
    line_end: bytes,
    body: bool,  # noqa: FBT001
) -> None:
    lines = ["Received: from x", *(tidy(text) for _, text in made), "From: Anna <anna@example.com>"]
    end = ["", "Authentication-Results: mx.example.org; dmarc=pass", " folded", "", "."] if body else [""]
    raw = "\r\n".join([*lines, *end]).encode().replace(b"\r\n", line_end)
    expected = {index for index, (ours, _) in enumerate(made, 1) if ours}
    options = Options(authserv_ids=frozenset(OURS))
    found = authenticate(raw, None, Zone({}), "mx.example.org", 0, options=options)
    assert set(found.forged) == expected
    assert list(found.forged) == sorted(found.forged)
    on_top = b"".join(str(h).encode().replace(b"\r\n", line_end) + line_end for h in found.headers)
    assert found.apply(raw) == on_top + reference(raw, expected, line_end)


def test_the_reference_can_fail() -> None:
    raw = b"A: 1\r\n 2\r\nB: 3\r\n\r\nA: 4\r\n"
    assert reference(raw, {0}, b"\r\n") == b"B: 3\r\n\r\nA: 4\r\n"
    assert reference(raw, {1}, b"\r\n") == b"A: 1\r\n 2\r\n\r\nA: 4\r\n"
    assert reference(raw, set(), b"\r\n") == raw


@pytest.mark.parametrize(
    "name",
    [
        "x;y", "a/b", "a(b)", "a@b", "a=b", "a:b", "[192.0.2.1]",
        "our mail", "mx.example.org/1", 'a"b', "a\\b",
    ],
)  # fmt: skip
def test_what_we_write_ourselves_is_ours(name: str) -> None:
    """Whatever name a receiver has: the field it writes is forged when it comes from outside."""
    raw = b"From: Anna <anna@example.com>\r\n\r\n"
    found = authenticate(raw, None, Zone({}), name, 0)
    assert authenticate(found.apply(raw), None, Zone({}), name, 0).forged == (0,)


@pytest.mark.parametrize("start", ["(", '"', ";"])
def test_a_name_in_unicode_after_what_cannot_be_read(start: str) -> None:
    # RFC 8601 §5: names are compared as U-labels
    raw = f"Authentication-Results: {start} mx.exämple.org; dmarc=pass\r\nFrom: a@example.com\r\n\r\n".encode()
    assert authenticate(raw, None, Zone({}), "mx.exämple.org", 0).forged == (0,)
