"""Damage of saved messages: put right where nothing is lost by it, else named beside a verdict that stays."""

from __future__ import annotations

import binascii
import mailbox
import quopri
import smtplib
import tracemalloc
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from support import signing

from mailauth import Authentication, authenticate
from mailauth.saved.damage import restored
from mailauth.saved.undo import explained
from mailauth.testing import Zone

MAIL = signing.signed()
FIELD = b"X-Label: archive"


def judged(raw: bytes) -> Authentication:
    zone = Zone(signing.key_zone() | {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}})
    return explained(authenticate(raw, None, zone, "mx.example.org", signing.NOW), raw)


# --- what is put right


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (MAIL, ()),
        (b"\xef\xbb\xbf" + MAIL, ("bom",)),
        (b"Microsoft Mail Internet Headers Version 2.0\r\n" + MAIL, ("banner",)),
        (b"   \r\n" + MAIL, ("blank_lines",)),
        (b"\r\n \t\n\r\n" + MAIL, ("blank_lines",)),
        (b"From anna@example.com Mon Nov  2 09:31:00 2026\r\n" + MAIL, ("mbox_line",)),
        (b"\xef\xbb\xbfMicrosoft Mail Internet Headers Version 2.0\n\n" + MAIL, ("bom", "banner", "blank_lines")),
        (MAIL.replace(b"\r\n", b"\r"), ("bare_cr",)),
        (FIELD + b"\n" + MAIL, ("mixed_line_ends",)),
        (FIELD + b"\r\n" + MAIL.replace(b"\r\nSubject", b"\nSubject"), ("mixed_line_ends",)),
    ],
)
def test_what_a_file_puts_around_a_message_is_taken_away_and_named(raw: bytes, codes: tuple[str, ...]) -> None:
    octets, found = restored(raw)
    assert tuple(damage.code for damage in found) == codes
    assert octets.endswith(MAIL)
    result = judged(octets)
    assert result.dmarc is not None
    assert result.dmarc.result == "pass"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\r\n", b"\n\n", b"no field\r\n\r\nFrom: a@example.com\r\n", b"\xef\xbb",
        b"From: a@example.com\r\n\r\none\ntwo\r\n", MAIL.replace(b"\r\n", b"\n"),
        b"   \r\nno field\r\n", b"From a stranger\r\n" + MAIL,
    ],
)  # fmt: skip
def test_what_could_be_part_of_the_message_is_left(raw: bytes) -> None:
    assert restored(raw) == (raw, ())


def test_two_authors_are_not_made_one() -> None:
    raw = MAIL.replace(b"To:", b"From: mallory@example.net\nTo:")
    result = judged(restored(raw)[0])
    assert result.dmarc is not None
    assert result.dmarc.reason == "author_repeated"


# --- what is named


LINES = b"Hello,\r\n\r\nFrom here on:\r\n.. two dots\r\n. one dot\r\n>From an older mail\r\n-- \r\nAnna\r\n"
HEADER = signing.MAIL.partition(b"\r\n\r\n")[0]


def sent(body: bytes = LINES, header: bytes = HEADER, c: str = "simple/simple") -> bytes:
    return signing.signed(header + b"\r\n\r\n" + body, c=c)


def with_body(raw: bytes, body: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body


def in_mbox(raw: bytes, folder: Path) -> bytes:
    """Return a message as Python's own mbox files hold it, with CRLF."""
    box = mailbox.mbox(folder / "box", create=True)
    box.add(raw.replace(b"\r\n", b"\n"))
    box.close()
    return (folder / "box").read_bytes().partition(b"\n")[2].replace(b"\n", b"\r\n")


def said(raw: bytes) -> str:
    result = judged(raw)
    assert result.dkim[0].result == "fail"
    assert result.dkim[0].reason in {"body_hash_mismatch", "signature_mismatch"}
    assert result.dmarc is not None
    assert result.dmarc.result == "fail"
    return result.dkim[0].detail.partition("; the message is as signed but for ")[2]


def test_no_damage_is_named_where_the_signature_verifies() -> None:
    result = judged(sent())
    assert result.dkim[0].result == "pass"
    assert "but for" not in result.dkim[0].detail


def test_bare_lf_in_the_body() -> None:
    assert said(with_body(sent(), LINES.replace(b"\r\n", b"\n"))).startswith("bare LF line ends in the body")


def test_dots_of_smtp() -> None:
    body = smtplib._quote_periods(LINES)  # type: ignore[attr-defined]
    assert b"\r\n... two" in body
    assert said(with_body(sent(), body)).startswith("dots of SMTP")


def test_from_lines_of_an_mbox_file(tmp_path: Path) -> None:
    raw = in_mbox(sent(LINES.replace(b">From", b">>From")), tmp_path)
    assert b"\r\n>From here" in raw
    assert said(raw).startswith('">" before lines that begin with "From "')


def test_from_lines_of_mboxrd() -> None:
    body = LINES.replace(b"\r\n>From", b"\r\n>>From").replace(b"\r\nFrom", b"\r\n>From")
    assert said(with_body(sent(), body)).startswith('">" before lines that begin with "From "')


@pytest.mark.parametrize(
    "footer",
    [
        b"_" * 47 + b"\r\nRobots mailing list\r\nhttps://lists.example.org/robots\r\n",
        b'-- \r\nYou received this message because you are subscribed to the Google Groups "Robots" group.\r\n',
    ],
)
def test_the_footer_of_a_list(footer: bytes) -> None:
    assert said(with_body(sent(), LINES + footer)).startswith("what follows a line that begins the footer of a")


TEXT = "Grüße aus Köln,\r\nÅsa\r\n"
TYPED = HEADER + b'\r\nContent-Type: text/plain; charset="iso-8859-1"\r\nContent-Transfer-Encoding: 8bit'


def test_a_body_encoded_by_a_relay() -> None:
    raw = sent(TEXT.encode("latin-1"), TYPED)
    encoded = quopri.encodestring(TEXT.encode("latin-1").replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    raw = with_body(raw, encoded).replace(b"Encoding: 8bit", b"Encoding: quoted-printable")
    assert said(raw).startswith("the body encoded in quoted-printable on its way")


def test_a_body_converted_to_utf8() -> None:
    raw = with_body(sent(TEXT.encode("latin-1"), TYPED), TEXT.encode())
    assert said(raw).startswith("the body converted from iso-8859-1 to UTF-8")


def encoded(encoding: bytes, body: bytes, kind: bytes = b"text/plain") -> bytes:
    """Return a message signed as 8bit text, whose body a relay has encoded as this one."""
    raw = sent(TEXT.encode("latin-1"), TYPED.replace(b"text/plain", kind))
    return with_body(raw, body).replace(b"Encoding: 8bit", b"Encoding: " + encoding)


QUOTED = b"Gr=FC=DFe aus K=F6ln,=\r\n\r\n=C5sa\r\n"
BASE64 = b64encode(TEXT.encode("latin-1")) + b"\r\n"


def test_an_encoding_that_readers_decode_in_several_ways_is_no_damage() -> None:
    """Python's decoder drops what some readers show; a text could be added so, and would be called damage."""
    assert said(encoded(b"quoted-printable", QUOTED)).startswith("the body encoded in quoted-printable")
    assert said(encoded(b"base64", BASE64)).startswith("the body encoded in base64")
    for body in (
        QUOTED.replace(b",=\r\n", b",=\rPay to account 1\r\n"),
        QUOTED.replace(b",=\r\n", b",=\n"),
        QUOTED.replace(b"=C5", b"=C5").replace(b"sa", b"sa=\rPay\n"),
    ):
        assert binascii.a2b_qp(body).split(b"\r\n")[0] == TEXT.encode("latin-1").split(b"\r\n")[0]
        assert said(encoded(b"quoted-printable", body)) == ""
    assert BASE64.endswith(b"=\r\n")
    for body in (
        BASE64 + b64encode(b"Pay to account 1\r\n"),
        BASE64.replace(b"R", b"R!", 1),
        BASE64 + b"Pay: now!\r\n",
    ):
        assert said(encoded(b"base64", body)) == ""


def test_a_relay_does_not_encode_the_whole_of_a_multipart() -> None:
    """RFC 2045 §6.4. Readers look for the parts in the octets as they are."""
    for kind in (b"multipart/mixed", b" Multipart/alternative", b"message/rfc822"):
        assert said(encoded(b"base64", BASE64, kind)) == ""


def test_a_body_decoded_by_a_program() -> None:
    typed = TYPED.replace(b"8bit", b"base64")
    encoded = b"R3L832Ugd2UgaGF2ZSB3cml0dGVuIGEgbGluZSB0aGF0IGlzIGxvbmdlciB0aGFuIHNldmVudHkt\r\nc2l4IG9jdGV0cw==\r\n"
    raw = with_body(sent(encoded, typed), b64decode(encoded))
    assert said(raw).startswith("the body decoded from base64")


def test_each_signature_has_its_own_words() -> None:
    raw = sent()
    again = signing.signed(raw, tags={"s": "s2"}, h="from:subject")
    zone = Zone(signing.key_zone() | signing.key_zone(selector="s2"))
    broken = with_body(again, LINES.replace(b"\r\n", b"\n"))
    result = explained(authenticate(broken, None, zone, "mx.example.org", signing.NOW), broken)
    assert [("but for bare LF" in each.detail) for each in result.dkim] == [True, True]
    assert result.headers == authenticate(broken, None, zone, "mx.example.org", signing.NOW).headers


def test_a_second_subject_is_not_called_damage() -> None:
    raw = with_body(sent(), LINES.replace(b"\r\n", b"\n"))
    assert said(raw).startswith("bare LF line ends in the body")
    assert said(raw.replace(b"To:", b"Subject: Pay at once\r\nTo:")) == ""


def test_many_lines_need_little_memory() -> None:
    """Python makes an object of each piece that it replaces; a body may have millions."""
    raw = with_body(sent(), b"..\r\n" * 400_000)
    found = authenticate(raw, None, Zone(signing.key_zone()), "mx.example.org", signing.NOW)
    tracemalloc.start()
    try:
        assert explained(found, raw) == found
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(raw)


def test_a_changed_text_is_not_called_damage() -> None:
    body = LINES.replace(b"Hello", b"Hullo")
    for raw in (with_body(sent(), body), with_body(sent(), body.replace(b"\r\n", b"\n")), with_body(sent(), b"")):
        assert said(raw) == ""


def test_header_fields_that_were_folded_anew() -> None:
    header = HEADER.replace(b"Subject:  Two   words\r\n\tand a  third ", b"Subject: A line that some program folds")
    raw = sent(header=header).replace(b"that some program", b"that\r\n some program")
    assert said(raw).startswith("header fields that were folded anew")
    assert said(raw.replace(b"folds", b"holds")) == ""


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (b"X-Content-Filtered-By: Mailman/MimeDel 2.1.39", "a mailing list says that it removed parts"),
        (b"X-MS-Exchange-Organization-SCL: 1", "it was in a store of Exchange"),
    ],
)
def test_what_the_message_says_of_a_change(field: bytes, words: str) -> None:
    changed = field + b"\r\n" + with_body(sent(), b"[attachment removed]\r\n")
    assert words in judged(changed).dkim[0].detail
    assert said(changed) == ""
    # Nothing is said of a signature that verifies
    assert words not in judged(field + b"\r\n" + sent()).dkim[0].detail


def test_an_attachment_that_a_mail_program_removed() -> None:
    part = b"--b\r\nContent-Type: text/plain\r\nX-Mozilla-Altered: AttachmentDeleted; date=now\r\n\r\nIt was here.\r\n"
    assert "a mail program says that it removed an attachment" in judged(with_body(sent(), part)).dkim[0].detail
