"""The targets for BIMI: a logo, and a mark certificate.

What is taken is held to what a reader of its own finds in it. The first octet of a mark certificate says what the rest
is: 0 a file, 1 the DER of a certificate that comes with its authority, 2 the logotype extension of one.
"""

from __future__ import annotations

import base64
import gzip
from importlib import util
from typing import Any
from xml.etree import ElementTree as ET

from support import marks

from mailauth.bimi import Checked, certificate, svg

FILE, LEAF, LOGOTYPE = range(3)
LOGO_TOKENS = (
    b"<svg ", b"</svg>", b'xmlns="http://www.w3.org/2000/svg"', b'xmlns:x="http://www.w3.org/1999/xlink"',
    b'version="1.2"', b'baseProfile="tiny-ps"', b'viewBox="0 0 1 1"', b"<title>t</title>", b"<g>", b"</g>", b"<defs>",
    b"<use ", b'x:href="#a"', b'href="#a"', b'id="a"', b'xml:id="a"', b'fill="url(#a)"', b"url(", b"http://",
    b"javascript:", b"<script/>", b"<image/>", b"<a/>", b"<set/>", b"<style>", b'style="', b' onload="', b"<!DOCTYPE",
    b"<!ENTITY a 'b'>", b"&a;", b"&#x3c;", b"<!--", b"-->", b"<?xml ", b'encoding="utf-8"', b"?>", b"<![CDATA[", b"]]>",
    b"\x1f\x8b\x08", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"1e99", b"xmlns=''", b"xml:base=''", b"<text>", b"/>",
)  # fmt: skip
MARK_TOKENS = (
    b"\0-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n", b"\1\x30\x82", b"\2\x30\x82", b"\xa2\x82",
    b"\xa0\x82", b"\xa1\x03", b"\x30\x80", b"\x16\x0dimage/svg+xml", b"data:image/svg+xml;base64,", b"http://a/",
    b"\x06\x05\x2b\x0e\x03\x02\x1a", b"\x04\x14", b"\x05\x00", b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x0c",
    b"\x02\x01\xff",
    b"\x06\x03\x55\x1d\x11", b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x1d\x13", b"\x01\x01\xff", b"\x82\x0bexample.com",
)  # fmt: skip
_EXTRA = util.find_spec("lxml") is not None


def _consistent(found: Checked[Any]) -> None:
    assert (found.value is None) == bool(found.problems)
    codes = [problem.code for problem in found.problems]
    assert len(set(codes)) == len(codes)
    assert all(detail.isprintable() and len(detail) < 500 for _, detail in found.problems + found.advice)


def logo(data: bytes) -> None:
    """A logo: refused, or without anything that moves, fetches or runs; the same when it is compressed."""
    if not _EXTRA:
        return
    found = svg.check(data)
    _consistent(found)
    if not data.startswith(b"\x1f\x8b"):
        assert svg.check(gzip.compress(data, 1)) == found
    if found.value is not None:
        _harmless(found.value.svg)


def _harmless(octets: bytes) -> None:
    assert b"<!ENTITY" not in octets.partition(b"<!--")[0]
    root = ET.fromstring(octets)
    for element in root.iter():
        assert element.tag.startswith("{http://www.w3.org/2000/svg}")
        assert element.tag.partition("}")[2].lower() not in {"script", "image", "a", "style", "set", "foreignobject"}
        for name, value in element.attrib.items():
            plain = name.rpartition("}")[2].lower()
            assert not plain.startswith("on")
            assert plain not in {"style", "base"}
            assert plain != "href" or value.startswith("#")
            assert "://" not in value
            assert "javascript:" not in "".join(value.split()).lower()


def mark(data: bytes) -> None:
    """A mark certificate: refused, or with all that it has to have, and a logo as above."""
    if not _EXTRA or not data:
        return
    kind, data = data[0], data[1:]
    issuer, root = marks.issuing(), marks.root()
    if kind == LEAF:
        text = base64.encodebytes(data)
        data = b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n" + issuer.pem
    elif kind == LOGOTYPE:
        data = marks.pem(marks.mark(logo=data), issuer)
    found = certificate.check(data, author_domain="example.com", now=marks.NOW, roots=[root.certificate])
    _consistent(found)
    if found.value is not None:
        assert found.value.domain == "example.com"
        assert found.value.issuer == "Example Mark CA"
        _harmless(found.value.indicator.svg)
