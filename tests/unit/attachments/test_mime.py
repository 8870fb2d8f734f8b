"""Where attachments are found: numbers, names, encodings, and what readers of mail disagree about."""

from __future__ import annotations

import base64
import binascii

import pytest
from support.attached import SAMPLES, brief

from mailauth import attachments

ZIP = (SAMPLES / "zip-aes.zip").read_bytes()
B64 = base64.encodebytes(ZIP)
ATTACHED = b"Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n" + B64
FOUND = ("encrypted", "zip", "1: a.zip")


def multipart(*parts: bytes, boundary: bytes = b"b", kind: bytes = b"mixed") -> bytes:
    head = b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\n\n'
    return head + b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts) + b"--" + boundary + b"--\n"


TEXT = b"\nHello"


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (ATTACHED, "1: a.zip"),
        (multipart(TEXT, ATTACHED), "2: a.zip"),
        (multipart(TEXT, multipart(TEXT, ATTACHED, boundary=b"c")), "2.2: a.zip"),
        # RFC 2046 §5.1.1: one boundary may be the beginning of another
        (multipart(TEXT, multipart(TEXT, ATTACHED, boundary=b"bb")), "2.2: a.zip"),
        (multipart(TEXT, multipart(TEXT, ATTACHED, boundary=b"c"), boundary=b"cc"), "2.2: a.zip"),
        # RFC 3501 §6.4.5: numbers in a message in a message
        (multipart(TEXT, b"Content-Type: message/rfc822\n\n" + ATTACHED), "2.1: a.zip"),
        (multipart(TEXT, b"Content-Type: message/rfc822\n\n" + multipart(TEXT, ATTACHED, boundary=b"c")), "2.2: a.zip"),
        (b"Content-Type: message/rfc822\n\n" + ATTACHED, "1.1: a.zip"),
        # No closing delimiter, none at all, parts after it, an empty line first
        (multipart(TEXT, ATTACHED)[:-5], "2: a.zip"),
        (multipart(TEXT) + b"\n--b\n" + ATTACHED, "2: a.zip"),
        (multipart(TEXT, ATTACHED).replace(b'; boundary="b"', b""), "2: a.zip"),
        (multipart(TEXT, ATTACHED).replace(b"\n", b"\r\n"), "2: a.zip"),
        (multipart(TEXT, ATTACHED).replace(b"--b\nContent", b"--b \t\nContent"), "2: a.zip"),
        # RFC 2231 §3: a boundary in pieces
        (multipart(TEXT, ATTACHED).replace(b'boundary="b"', b"boundary*0*=utf-8''%62;\n boundary*1=\"\""), "2: a.zip"),
    ],
)  # fmt: skip
def test_numbers(raw: bytes, where: str) -> None:
    assert brief(raw) == [("encrypted", "zip", where)]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b'Content-Disposition: attachment; filename="a b.zip"', "a b.zip"),
        (b"Content-Disposition: attachment;\n filename*=utf-8''%C3%BC.zip", "ü.zip"),
        (b"Content-Disposition: attachment; filename*0=in; filename*1=voice.zip", "invoice.zip"),
        (b"Content-Disposition: attachment; filename*1*=%66.zip; filename*0*=iso-8859-1'de'%FC", "üf.zip"),
        (b'Content-Disposition: attachment; filename="=?utf-8?b?w7wuemlw?="', "ü.zip"),
        (b"CONTENT-TYPE: x/y; NAME=a.zip", "a.zip"),
        (b'Content-Type: x/y; name="a\\"b.zip"', 'a"b.zip'),
        (b"Content-Type: x/y; name=a.zip\nContent-Disposition: attachment; filename=b.zip", "b.zip"),
        (b'Content-Type: x/y; name="a\x1b[2J\xe2\x80\xaefdp.zip"', "a?[2J?fdp.zip"),
        (b"Content-Type: x/y; name=" + b"a" * 5000, "a" * 200 + "…"),
    ],
)
def test_names(field: bytes, name: str) -> None:
    (found,) = attachments.encrypted(field + b"\nContent-Transfer-Encoding: base64\n\n" + B64)
    assert found.names == (name,)


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Transfer-Encoding: BASE64 (yes)\n\n" + B64,
        b"Content-Transfer-Encoding: base64\n\n" + b"\n".join(b"!" + line for line in B64.split(b"\n")),
        b"Content-Transfer-Encoding: base64\n\n" + B64.rstrip(b"=\n"),
        # Padding in the middle, and much of it in front
        b"Content-Transfer-Encoding: base64\n\n" + b"QQ==" * 12_000 + base64.b64encode(ZIP),
        b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(ZIP[:1]) + base64.b64encode(ZIP[1:]),
        b"Content-Transfer-Encoding: quoted-printable\n\n" + binascii.b2a_qp(ZIP, istext=False),
        b"Content-Transfer-Encoding: binary\n\n" + ZIP,
        # Two fields: some readers take the one, some the other
        b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n" + B64,
        b"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n" + B64,
        b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n"
        + b"".join(binascii.b2a_uu(ZIP[i : i + 45]) for i in range(0, len(ZIP), 45))
        + b"`\nend\n",
    ],
)
def test_encodings(raw: bytes) -> None:
    assert brief(raw)[0][:2] == ("encrypted", "zip")


def uu(name: bytes, octets: bytes) -> bytes:
    lines = b"".join(binascii.b2a_uu(octets[i : i + 45]) for i in range(0, len(octets), 45))
    return b"begin 644 " + name + b"\n" + lines + b"`\nend\n"


def test_uuencode_in_a_text() -> None:
    text = b"Subject: x\n\nbegin 1999 with care\n\n" + uu(b"a.zip", ZIP) + b"and\n" + uu(b"b.zip", ZIP)
    assert brief(text) == [FOUND, ("encrypted", "zip", "1: b.zip")]
    coded = b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(text)
    assert brief(coded) == brief(text)
    assert brief(b"\nbegin-base64 644 a.zip\n" + B64 + b"====\n") == [FOUND]


def test_a_message_that_is_encoded_or_only_named_so() -> None:
    inner = multipart(TEXT, ATTACHED)
    coded = b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
    assert brief(b"Content-Type: message/rfc822\n" + coded) == [("encrypted", "zip", "1.2: a.zip")]
    named = b"Content-Type: application/octet-stream; name=m.eml\n"
    assert brief(named + coded) == [("encrypted", "zip", "1.2: m.eml: a.zip")]


def test_what_is_said_to_be_encrypted_and_is_not() -> None:
    assert brief(multipart(TEXT, TEXT, kind=b"encrypted")) == [("unread", "mime", "1")]
    assert brief(b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx") == [("unread", "p7m", "1: smime.p7m")]
    assert brief(b"Content-Type: application/pkcs7-mime\n\nx") == [("unread", "smime", "1")]
    assert brief(b"Content-Type: application/pkcs7-mime\n\n") == []


def test_texts_about_it() -> None:
    about = (
        b"Subject: How to\n\nYou see -----BEGIN PGP MESSAGE----- at the top, or %PDF-1.7, or PK.\n"
        b"> -----BEGIN PGP MESSAGE-----\nMZ and Rar! and 7z.\nbegin 644 file\nnothing\n"
    )
    assert brief(about) == []
    assert brief(b"\n%PDF-1.7 is how a PDF begins.\n") == []
    assert brief(b"\n-----BEGIN PGP MESSAGE-----\n\n...\n-----END PGP MESSAGE-----\n") == [("unread", "pgp", "1")]


def test_winmail() -> None:
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
    tnef = b"\x78\x9f\x3e\x22" + bytes(40)
    assert brief(head + base64.encodebytes(tnef)) == [("unread", "tnef", "1: winmail.dat")]


def test_text_is_not_taken() -> None:
    with pytest.raises(TypeError, match="bytes"):
        attachments.encrypted("From: a@b.example\n\n")  # type: ignore[arg-type]
