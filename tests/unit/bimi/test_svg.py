"""Logos: what is taken, what is refused and why, and what hostile documents cost."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import growth
from support.marks import LOGO, NOW, issuing, mark, pem, root

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")

from mailauth import UsageError
from mailauth.bimi import Checked, Code, Indicator, certificate, svg

NAMESPACES = b'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
ROOT = b"<svg " + NAMESPACES + b' version="1.2" baseProfile="tiny-ps" viewBox="0 0 64 64">'
TITLE = b"<title>Logo</title>"


def logo(content: bytes = b"", root: bytes = ROOT, title: bytes = TITLE) -> bytes:
    return root + title + content + b"</svg>"


def codes(found: Checked[Indicator]) -> list[Code]:
    return [problem.code for problem in found.problems]


def advised(found: Checked[Indicator]) -> list[Code]:
    return [problem.code for problem in found.advice]


def test_a_logo_that_is_right() -> None:
    found = svg.check(LOGO)
    assert (found.problems, found.advice) == ((), ())
    assert found.value is not None
    assert found.value.svg == LOGO
    assert found.value.title == "Example"
    assert base64.b64decode(found.value.base64) == LOGO
    assert found.value.sha256 == hashlib.sha256(LOGO).hexdigest()


TAKEN = {
    "SVGZ": gzip.compress(LOGO),
    "SVGZ in two members": gzip.compress(LOGO[:50]) + gzip.compress(LOGO[50:]),
    "a byte order mark": b"\xef\xbb\xbf" + LOGO,
    "an XML declaration": b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<!-- x -->' + LOGO,
    "ASCII": b"<?xml version='1.0' encoding='us-ascii'?>" + LOGO,
    "a prefix": LOGO.replace(b"<", b"<s:").replace(b"<s:/", b"</s:").replace(b"xmlns=", b"xmlns:s="),
    "letters of other languages": logo(title="<title>Bücher ☃</title>".encode()),
    "markup as text": logo(b"<desc>&lt;script>alert(1)&lt;/script></desc>"),
    "a comment": logo(b"<!-- > a - b -> c -->"),
    "a gradient": logo(
        b'<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        b'<rect width="9" height="9" fill="url(#a)" stroke="url( \'#a\' ) none"/>'
    ),
    "use, by both names": logo(b'<g id="a"/><use xlink:href="#a"/><use href="#a" x="3" transform="scale(2)"/>'),
    "use before its target": logo(b'<use href="#a"/><g xml:id="a"/>'),
    "text": logo(b'<text x="1" y="2" font-family="serif" font-weight="700">a</text><textArea width="9">b</textArea>'),
    "description and metadata": logo(b"<desc>d</desc><metadata>m</metadata>"),
    "commas in viewBox": logo(root=ROOT.replace(b"0 0 64 64", b"0,0 , 64.0,6.4e1")),
    "everything the root may have": logo(
        root=ROOT.replace(
            b"version",
            b'width="9" height="9" preserveAspectRatio=" xMidYMid meet" focusable="false" playbackOrder="all" '
            b'snapshotTime="none" timelineBegin="onLoad" zoomAndPan="disable" externalResourcesRequired="false" '
            b'id="Layer_1" xml:space="preserve" xml:lang="de-AT" class="a b" version',
        )
    ),
    "groups in groups": logo(b"<g>" * 60 + b"</g>" * 60),
    "decimals": logo(b'<path d="M0.12345678901234567 1e-30-2.5z"/>'),
    "a paint with a fall-back": logo(b'<solidColor id="a" solid-color="red"/><rect fill="url(#a) rgb(1, 2, 3)"/>'),
    "a chain of use": logo(b'<g id="a0"/>' + b"".join(b'<use id="a%d" href="#a%d"/>' % (n + 1, n) for n in range(99))),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    found = svg.check(TAKEN[name])
    assert (found.problems, found.advice) == ((), ())
    assert found.value is not None


ENTITIES = b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n + 1, n, n) for n in range(40))
BOMB = b'<g id="a0"/>' + b"".join(
    b'<g id="a%d">' % (n + 1) + b'<use href="#a%d"/>' % n * 10 + b"</g>" for n in range(60)
)
REFUSED: dict[str, tuple[bytes, set[Code]]] = {
    # the octets
    "nothing": (b"", {Code.SVG_XML}),
    "text": (b"hello", {Code.SVG_XML}),
    "PNG": (b"\x89PNG\r\n\x1a\n", {Code.SVG_ENCODING}),
    "an end that is missing": (LOGO[:-3], {Code.SVG_XML}),
    "two roots": (LOGO + LOGO, {Code.SVG_XML}),
    "large": (logo(b" " * svg.MOST), {Code.SVG_SIZE}),
    "a bomb in gzip": (gzip.compress(bytes(10**8)), {Code.SVG_SIZE}),
    "gzip in gzip": (gzip.compress(gzip.compress(LOGO)), {Code.SVG_GZIP}),
    "gzip that is cut off": (gzip.compress(LOGO)[:-9], {Code.SVG_GZIP}),
    "gzip that is damaged": (gzip.compress(LOGO)[:10] + b"\xff" * 99, {Code.SVG_GZIP}),
    "UTF-16": (LOGO.decode().encode("utf-16"), {Code.SVG_ENCODING}),
    "UTF-16 without mark": (LOGO.decode().encode("utf-16-le"), {Code.SVG_ENCODING}),
    "UTF-7": (b'<?xml version="1.0" encoding="UTF-7"?>' + LOGO, {Code.SVG_ENCODING}),
    "ISO 8859-1": (b"<?xml version='1.0' encoding = 'ISO-8859-1'?>" + LOGO, {Code.SVG_ENCODING}),
    "octets that are not UTF-8": (logo(b"<text>\xff</text>"), {Code.SVG_ENCODING}),
    "what follows the root, after a namespace that is none": (
        LOGO.replace(b"<svg", b'<svg xmlns:a="http://\x7f/"') + b")", {Code.SVG_XML},
    ),
    "a prefix without namespace": (logo(b"<a:g/>"), {Code.SVG_XML, Code.SVG_ELEMENT}),
    "a control": (logo(b"<text>\1</text>"), {Code.SVG_XML}),
    "a NUL": (logo(b"<text>\0</text>"), {Code.SVG_ENCODING}),
    "billion laughs": (b"<!DOCTYPE svg [" + ENTITIES + b"]>" + logo(b"<text>&a40;</text>"), {Code.SVG_DOCTYPE}),
    "an external entity": (
        b'<?xml version="1.0"?><!-- --> <?a b?>\n<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + LOGO,
        {Code.SVG_DOCTYPE},
    ),
    "an event attribute by default, after two byte order marks": (
        b"\xef\xbb\xbf" * 2 + b'<!DOCTYPE svg [<!ATTLIST circle onclick CDATA "alert(1)">]>' + LOGO,
        {Code.SVG_ENCODING},
    ),
    "an external DTD": (b'<!DOCTYPE svg SYSTEM "http://a.example/svg.dtd">' + LOGO, {Code.SVG_DOCTYPE}),
    "an entity that is not defined": (logo(b"<text>&a;</text>"), {Code.SVG_XML}),
    "a style sheet": (b'<?xml-stylesheet href="http://a.example/a.css"?>' + LOGO, {Code.SVG_INSTRUCTION}),
    "an instruction at the end": (LOGO + b"<?php 1?>", {Code.SVG_INSTRUCTION}),
    # the root, and the title
    "HTML": (b"<html><body/></html>", {Code.SVG_ROOT}),
    "no namespace": (LOGO.replace(b'xmlns="http://www.w3.org/2000/svg"', b""), {Code.SVG_ROOT}),
    "another namespace": (LOGO.replace(b"2000/svg", b"2001/svg"), {Code.SVG_ROOT}),
    "no profile": (LOGO.replace(b'baseProfile="tiny-ps"', b""), {Code.SVG_PROFILE}),
    "another profile": (LOGO.replace(b"tiny-ps", b"tiny"), {Code.SVG_PROFILE}),
    "no version": (LOGO.replace(b'version="1.2"', b""), {Code.SVG_VERSION}),
    "version 1.1": (LOGO.replace(b"1.2", b"1.1"), {Code.SVG_VERSION}),
    "x on the root": (LOGO.replace(b"version", b'x="0" version'), {Code.SVG_POSITION}),
    "a viewBox of words": (LOGO.replace(b"0 0 64 64", b"a"), {Code.SVG_VIEWBOX}),
    "a viewBox of three": (LOGO.replace(b"0 0 64 64", b"0 0 64"), {Code.SVG_VIEWBOX}),
    "a viewBox without area": (LOGO.replace(b"0 0 64 64", b"0 0 0 0"), {Code.SVG_VIEWBOX}),
    "an infinite viewBox": (LOGO.replace(b"64 64", b"1e999 1e999"), {Code.SVG_VIEWBOX, Code.SVG_NUMBER}),
    "a long viewBox": (LOGO.replace(b"64 64", b"1" * 9999), {Code.SVG_VIEWBOX, Code.SVG_NUMBER}),
    "another aspect": (LOGO.replace(b"version", b'preserveAspectRatio="xMinYMin" version'), {Code.SVG_VALUE}),
    "zoom": (LOGO.replace(b"version", b'zoomAndPan="magnify" version'), {Code.SVG_VALUE}),
    "no title": (logo(title=b""), {Code.SVG_TITLE}),
    "an empty title": (logo(title=b"<title> \n</title>"), {Code.SVG_TITLE_EMPTY}),
    "two titles": (logo(TITLE), {Code.SVG_TITLE}),
    "the title of something else": (logo(b"<g><title>a</title></g>", title=b""), {Code.SVG_TITLE, Code.SVG_ELEMENT}),
    # elements
    "a script": (logo(b"<script>alert(1)</script>"), {Code.SVG_SCRIPT}),
    "a script in capitals": (logo(b"<SCRIPT/>"), {Code.SVG_SCRIPT}),
    "a script with a prefix": (logo(b'<x:script xmlns:x="http://www.w3.org/2000/svg"/>'), {Code.SVG_SCRIPT}),
    "a script of XHTML": (logo(b'<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>'), {Code.SVG_SCRIPT}),
    "a script in what is refused": (logo(b"<switch><g><script/></g></switch>"), {Code.SVG_ELEMENT, Code.SVG_SCRIPT}),
    "a handler": (logo(b'<g><handler type="text/ecmascript"/></g>'), {Code.SVG_SCRIPT}),
    "an image": (logo(b'<image href="#a"/>'), {Code.SVG_IMAGE}),
    "a video": (logo(b"<video/>"), {Code.SVG_IMAGE}),
    "an animation": (logo(b'<rect><animate attributeName="x"/></rect>'), {Code.SVG_ANIMATION}),
    "set": (logo(b'<g><set attributeName="fill"/></g>'), {Code.SVG_ANIMATION}),
    "a link": (logo(b"<a><rect/></a>"), {Code.SVG_LINK}),
    "HTML inside": (logo(b"<foreignObject><p/></foreignObject>"), {Code.SVG_FOREIGN}),
    "a style element": (logo(b"<style>@import 'a.css';</style>"), {Code.SVG_STYLE}),
    "a filter": (logo(b"<defs><filter/></defs>"), {Code.SVG_ELEMENT}),
    "an svg in svg": (logo(b"<svg/>"), {Code.SVG_ELEMENT}),
    "no namespace inside": (logo(b'<g xmlns=""/>'), {Code.SVG_ELEMENT}),
    "an inclusion": (logo(b'<i:include xmlns:i="http://www.w3.org/2001/XInclude"/>'), {Code.SVG_ELEMENT}),
    "RDF": (logo(b'<metadata><r:RDF xmlns:r="urn:r"/></metadata>'), {Code.SVG_ELEMENT}),
    "a shape in text": (logo(b"<text><rect/></text>"), {Code.SVG_ELEMENT}),
    "text outside of text": (logo(b"<g>a</g>"), {Code.SVG_TEXT}),
    "text in CDATA": (logo(b"<![CDATA[<script/>]]>"), {Code.SVG_TEXT, Code.SVG_CDATA}),
    "CDATA in the title": (logo(title=b"<title><![CDATA[><script>1</script>]]></title>"), {Code.SVG_CDATA}),
    "a comment that hides from XML": (logo(b"<!--><script>1</script>-->"), {Code.SVG_COMMENT}),
    "another comment that does": (logo(b"<!---><script>1</script>-->"), {Code.SVG_COMMENT}),
    "very deep": (logo(b"<g>" * 64 + b"</g>" * 64), {Code.SVG_DEPTH}),
    "without end, and very deep": (logo(b"<g>" * 20_000), {Code.SVG_DEPTH}),
    # attributes
    "an event": (logo(b'<rect onclick="a"/>'), {Code.SVG_EVENT}),
    "an event in capitals": (logo(b'<rect ONLOAD="a"/>'), {Code.SVG_EVENT}),
    "an event on the root": (logo(root=ROOT.replace(b"version", b'onload="a" version')), {Code.SVG_EVENT}),
    "an event of XML": (logo(b'<g xmlns:e="http://www.w3.org/2001/xml-events" e:event="a"/>'), {Code.SVG_ATTRIBUTE}),
    "a style": (logo(b'<rect style="fill:red"/>'), {Code.SVG_STYLE}),
    "a style that fetches": (
        logo(b'<rect style="background:url(//a.example)"/>'), {Code.SVG_STYLE, Code.SVG_REFERENCE},
    ),
    "an attribute of another element": (logo(b'<rect d="M0 0"/>'), {Code.SVG_ATTRIBUTE}),
    "an attribute of an editor": (logo(b'<g xmlns:i="urn:i" i:label="a"/>'), {Code.SVG_ATTRIBUTE}),
    "a value that is none": (logo(b'<rect fill-rule="odd"/>'), {Code.SVG_VALUE}),
    "a class that is none": (logo(b'<g class="%"/>'), {Code.SVG_VALUE}),
    "a huge number": (logo(b'<rect width="99999999999"/>'), {Code.SVG_NUMBER}),
    "a huge exponent": (logo(b'<path d="M1e308 0"/>'), {Code.SVG_NUMBER}),
    "a number of 60,000 digits": (logo(b'<path d="' + b"9" * 60_000 + b'"/>'), {Code.SVG_NUMBER}),
    "an id twice": (logo(b'<g id="a"/><g id="a"/>'), {Code.SVG_ID_TWICE}),
    "an xml:id twice": (logo(b'<g id="a"/><g xml:id="a"/>'), {Code.SVG_ID_TWICE}),
    "two ids": (logo(b'<g id="a" xml:id="b"/>'), {Code.SVG_ID}),
    "an id that is none": (logo(b'<g id="1"/>'), {Code.SVG_ID}),
    # references
    "a reference outside": (logo(b'<use href="http://a.example/#a"/>'), {Code.SVG_REFERENCE}),
    "a file beside it": (logo(b'<use xlink:href="a.svg#a"/>'), {Code.SVG_REFERENCE}),
    "an empty reference": (logo(b'<use xlink:href=""/>'), {Code.SVG_REFERENCE}),
    "javascript in disguise": (logo(b'<use href="java&#115;cript&#x3a;alert(1)"/>'), {Code.SVG_REFERENCE}),
    "javascript in a place of its own": (logo(b'<g about="java&#9;script:alert(1)"/>'), {Code.SVG_REFERENCE}),
    "data": (logo(b'<use href="data:image/svg+xml,a"/>'), {Code.SVG_REFERENCE}),
    "a paint outside": (logo(b'<rect fill="url(http://a.example/#a)"/>'), {Code.SVG_REFERENCE}),
    "a paint beside it": (logo(b'<rect fill="url(a.svg#a)"/>'), {Code.SVG_REFERENCE}),
    "a second paint": (logo(b'<g id="a"/><rect fill="url(#a) url(a.svg)"/>'), {Code.SVG_REFERENCE}),
    "a paint where none is": (logo(b'<g id="a"/><rect font-family="url(#a)"/>'), {Code.SVG_REFERENCE}),
    "a paint in capitals": (logo(b'<rect fill="URL(a.svg)"/>'), {Code.SVG_REFERENCE}),
    "an escape of CSS": (logo(b'<rect fill="u\\72l(a.svg)"/>'), {Code.SVG_REFERENCE}),
    "an import": (logo(b'<g class="a" role="@import a"/>'), {Code.SVG_REFERENCE}),
    "another base": (logo(b'<g xml:base="http://a.example/"/>'), {Code.SVG_REFERENCE}),
    "another base that is near": (logo(b'<g xml:base="a.svg"/>'), {Code.SVG_REFERENCE}),
    "a target that is missing": (logo(b'<use href="#a"/>'), {Code.SVG_TARGET}),
    "a paint that is missing": (logo(b'<rect fill="url(#a)"/>'), {Code.SVG_TARGET}),
    "an element that draws itself": (logo(b'<g id="a"><use href="#a"/></g>'), {Code.SVG_RECURSION}),
    "the root in itself": (
        logo(b'<use href="#r"/>', ROOT.replace(b"version", b'id="r" version')), {Code.SVG_RECURSION},
    ),
    "two that draw each other": (
        logo(b'<defs><g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></defs>'), {Code.SVG_RECURSION},
    ),
    "a bomb of use": (logo(BOMB), {Code.SVG_EXPANSION}),
    "a long chain of use": (
        logo(b'<g id="a0"/>' + b"".join(b'<use id="a%d" href="#a%d"/>' % (n + 1, n) for n in range(1500))),
        {Code.SVG_EXPANSION},
    ),
    "10,001 elements": (logo(b"<g/>" * 10_000), {Code.SVG_EXPANSION}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    octets, expected = REFUSED[name]
    began = time.process_time()
    found = svg.check(octets)
    assert time.process_time() - began < 0.5
    assert set(codes(found)) == expected
    assert found.value is None
    assert len(codes(found)) == len(expected)  # the first of each
    assert all(problem.detail.isprintable() and len(problem.detail) < 300 for problem in found.problems)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_though_compressed(name: str) -> None:
    octets, expected = REFUSED[name]
    found = svg.check(gzip.compress(octets))
    assert set(codes(found)) == ({Code.SVG_GZIP} if octets.startswith(b"\x1f\x8b") else expected)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (logo(b"<!--" + b" " * svg.ADVISED + b"-->"), [Code.LARGE]),
        (logo(root=ROOT.replace(b"64 64", b"64 32")), [Code.NOT_SQUARE]),
        (logo(root=ROOT.replace(b'viewBox="0 0 64 64"', b"")), [Code.NO_VIEWBOX]),
        (logo(title=b"<title>" + b"a" * 65 + b"</title>"), [Code.TITLE_LONG]),
        (logo(TITLE, title=b"<desc>a</desc>"), [Code.TITLE_NOT_FIRST]),
    ],
)
def test_advice_does_not_refuse(octets: bytes, expected: list[Code]) -> None:
    found = svg.check(octets)
    assert found.value is not None
    assert len(found.value.title) <= 64
    assert advised(found) == expected


def test_the_limit_is_that_of_the_uncompressed_document() -> None:
    assert svg.check(LOGO, most=len(LOGO)).value is not None
    assert codes(svg.check(LOGO, most=len(LOGO) - 1)) == [Code.SVG_SIZE]
    assert codes(svg.check(gzip.compress(LOGO), most=len(LOGO) - 1)) == [Code.SVG_SIZE]
    large = logo(b"<!--" + b" " * svg.MOST + b"-->")
    assert svg.check(large, most=10**6).value is not None
    for most in (0, -1, True, "1", None, 1.5):
        with pytest.raises(UsageError, match="octets that a logo may have"):
            svg.check(LOGO, most=most)  # type: ignore[arg-type]


GROWING: dict[str, Any] = {
    "elements": lambda n: logo(b"<g/>" * n),
    "attributes": lambda n: logo(b"<g " + b" ".join(b'a%d=""' % i for i in range(n)) + b"/>"),
    "depth": lambda n: logo(b"<g>" * n),
    "comments": lambda n: b"<!---->" * n + LOGO,
    "instructions": lambda n: b"<?a?>" * n + LOGO,
    "beginnings of comments": lambda n: b"<!--" * n,
    "beginnings of instructions": lambda n: b"<?" * n,
    "encodings": lambda n: b"<?xml " + b"encoding= " * n,
    "a class": lambda n: logo(b'<g class="' + b"a " * n + b'%"/>'),
    "a paint": lambda n: logo(b'<g fill="url(#a) ' + b" " * n + b'!"/>'),
    "a viewBox": lambda n: logo(root=ROOT.replace(b"0 0 64 64", b"0 " * n)),
    "numbers": lambda n: logo(b'<path d="' + b"0" * n + b'"/>'),
    "a chain": lambda n: logo(
        b'<g id="a0"/>' + b"".join(b'<use id="a%d" href="#a%d"/>' % (i + 1, i) for i in range(n))
    ),
    "a ring": lambda n: logo(b"".join(b'<g id="a%d"><use href="#a%d"/></g>' % (i, (i + 1) % n) for i in range(n))),
    "nested targets": lambda n: logo(
        b"".join(b'<g id="a%d">' % i for i in range(60)) + b'<use href="#t"/>' * n + b"</g>" * 60 + b'<g id="t"/>'
        + b"".join(b'<use href="#a%d"/>' % i for i in range(60))
    ),
    "text": lambda n: logo(b"<text>" + b"a&amp;" * n + b"</text>"),
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_the_time_grows_with_the_document_and_no_faster(name: str) -> None:
    small, large = (GROWING[name](n) for n in (5_000, 5_000 * growth.TIMES))
    ratio = growth.grows(lambda: lambda: svg.check(small, most=10**8), lambda: lambda: svg.check(large, most=10**8))
    assert ratio < growth.GROWTH


def test_damaged_logos_never_raise() -> None:
    generator = random.Random(11)
    sources = [octets for octets, _ in REFUSED.values() if len(octets) < 3000] + list(TAKEN.values())
    for _ in range(3000):
        broken = bytearray(generator.choice(sources))
        for _ in range(generator.randint(1, 4)):
            place = generator.randrange(len(broken) + 1)
            broken[place : place + generator.randrange(3)] = generator.choice(
                [b"<", b">", b"&", b'"', b"/", b"]]>", b"<!--", b"-->", b"<?", b"\0", b"\xff", b"<g>", b"</svg>"]
            )
        found = svg.check(bytes(broken))
        assert (found.value is None) == bool(found.problems)


def test_the_manual_explains_every_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "bimi.md").read_text(encoding="utf-8")
    assert not [code for code in Code if f"`{code}`" not in page]
    assert not [word for word in re.findall(r"`((?:svg|mark)_[a-z_]+)`", page) if word not in set(Code)]


def test_without_lxml_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    with pytest.raises(UsageError, match=r"pip install 'mailauth\[bimi\]'"):
        svg.check(LOGO)
    with pytest.raises(UsageError, match=r"pip install 'mailauth\[bimi\]'"):
        certificate.check(pem(mark(), issuing()), author_domain="example.com", now=NOW, roots=[root().certificate])


def test_the_title_is_one_line() -> None:
    found = svg.check(logo(title="<title>\n a \u202e b\t</title>".encode()))
    assert found.value is not None
    assert found.value.title == "a ? b"
