"""Encoded-words that a program wrote anew, and who on the way could have done some damage."""

from __future__ import annotations

import email
from email.header import Header

import pytest
from support import signing

from mailauth import Message, authenticate
from mailauth.saved.doers import doer
from mailauth.saved.reencoded import candidates
from mailauth.saved.undo import explained
from mailauth.testing import Zone

BODY = b"\r\n\r\nHello\r\n"
ZONE = Zone(signing.key_zone())
UPPER = b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?="
FROM = b"From: =?UTF-8?Q?J=C3=BCrgen?= <anna@example.com>"


def sent(subject: bytes, author: bytes = FROM, c: str = "relaxed/relaxed") -> bytes:
    return signing.signed(author + b"\r\nSubject: " + subject + BODY, h="from:subject", c=c)


def detail(raw: bytes) -> str:
    result = explained(authenticate(raw, None, ZONE, "mx.example.org", signing.NOW), raw)
    assert (result.dkim[0].result, result.dkim[0].reason) == ("fail", "signature_mismatch")
    return result.dkim[0].detail.partition("signature is genuine; ")[2]


def said(raw: bytes) -> str:
    """Return what was done to encoded-words."""
    before, _, what = detail(raw).partition("the message is as signed but for encoded-words of header fields ")
    assert not before
    return what.partition(",")[0]


WAYS = {
    "with their charset in another case": (UPPER, UPPER.replace(b"UTF-8", b"utf-8")),
    "with the letter of their encoding in another case": (UPPER.replace(b"?Q?", b"?q?"), UPPER),
    "with their charset and the letter of their encoding in another case": (
        UPPER, UPPER.replace(b"UTF-8?Q", b"utf-8?q"),
    ),
    "in Q in place of B": (b"=?UTF-8?B?R3LDvMOfZSE=?=", b"=?UTF-8?Q?Gr=c3=bc=C3=9Fe!?="),
    "in B in place of Q": (UPPER, b"=?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?="),
    "split": (UPPER, b"=?UTF-8?Q?Gr=C3=BC?= =?UTF-8?Q?=C3=9Fe_aus_?= \t=?UTF-8?Q?K=C3=B6ln?="),
    "in place of raw octets": ("Grüße aus Köln".encode(), UPPER),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_a_program_wrote_anew(way: str) -> None:
    before, after = WAYS[way]
    for c in ("relaxed/relaxed", "simple/simple"):
        raw = sent(before, b"From: anna@example.com", c)
        assert raw.count(before) == 1
        assert said(raw.replace(before, after)) == way


def test_all_fields_of_a_message_are_written_in_one_way() -> None:
    raw = sent(UPPER)
    assert (
        said(raw.replace(b"=?UTF-8?Q?", b"=?utf-8?q?"))
        == "with their charset and the letter of their encoding in another case"
    )


def test_base64_that_is_split() -> None:
    raw = sent(b"=?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=", b"From: anna@example.com")
    after = raw.replace(b"R3LDvMOfZSBhdXMgS8O2bG4=", b"R3LDvMOfZSBhdXM=?=\r\n =?UTF-8?B?IEvDtmxu")
    assert said(after) == "split"


def test_raw_octets_that_python_encoded() -> None:
    """What `email` makes of a subject that its sender did not encode."""
    raw = sent("Grüße aus Köln".encode(), b"From: anna@example.com")
    subject = email.message_from_bytes(raw)["Subject"]
    assert isinstance(subject, Header)
    written = raw.replace("Grüße aus Köln".encode(), subject.encode().encode())
    assert b"=?unknown-8bit?" in written
    assert said(written) == "in place of raw octets"


def test_a_field_that_was_decoded_is_named_only() -> None:
    """Whether it was in Q or B, and where it was split, nobody knows."""
    raw = sent(UPPER).replace(UPPER, "Grüße aus Köln".encode())
    assert detail(raw) == "the signed field subject has octets outside ASCII: a program may have decoded it"
    # Other fields were not signed
    assert detail(sent(UPPER).replace(b"aus", b"AUS").replace(b"Subject:", "X-A: ü\r\nSubject:".encode())) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (UPPER, UPPER.replace(b"aus", b"nach")),
        (UPPER, UPPER.replace(b"UTF-8", b"ISO-8859-1")),
        (UPPER, UPPER.replace(b"UTF-8", b"iso-8859-1")),
        (UPPER, UPPER.replace(b"=BC", b"=BD")),
        # Readers differ about the rest
        (b"=?UTF-8?B?R3LDvMOfZQ==?=", b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe=?="),
        (b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=", b"=?UTF-8?B?R3LDvMOfZQ==UGF5?="),
        (b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=", b"=?UTF-8?B?R3LDvM!OfZQ==?="),
        (b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=", b"=?UTF-8?B?R3LDvMOfZQ?="),
        # A character in two words
        (UPPER, b"=?UTF-8?Q?Gr=C3?= =?UTF-8?Q?=BC=C3=9Fe_aus_K=C3=B6ln?="),
        (UPPER, b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus?= and =?UTF-8?Q?K=C3=B6ln?="),
        # No encoded-word, to those who keep to RFC 2047 §5
        (b"pay=?UTF-8?Q?a?=", b"pay=?UTF-8?B?YQ==?="),
        (b"payme", b"=?utf-8?q?pay?=me"),
    ],
)  # fmt: skip
def test_another_text_is_not_called_damage(before: bytes, after: bytes) -> None:
    raw = sent(before, b"From: anna@example.com")
    assert detail(raw.replace(before, after)) == ""


def test_an_address_does_not_come_out_of_a_word() -> None:
    """Signed was one author, and shown would be another."""
    for name in (b"<ceo@example.net>", b"ceo, x", b'"', b"a: b;", b"a@b", b"a\r\nSubject: b", b"=?x", b"a.b", b"a\\b"):
        field = b"From: " + name + b" <anna@example.com>"
        quoted = b"".join(b"=%02X" % octet for octet in name)
        shown = b"From: =?utf-8?q?" + quoted + b"?= <anna@example.com>"
        assert [fields for _, fields in candidates([shown], set())][-1] == [shown]
        assert field not in [fields[0] for _, fields in candidates([shown], set())]


def test_what_is_no_phrase_may_be_an_address_to_readers() -> None:
    """RFC 2047 §5 (3). In a subject it is just a text."""
    author = b"From: =?utf-8?q?ceo@example.net?= <anna@example.com>"
    assert all(found == [author] for _, found in candidates([author], set()))
    subject = author.replace(b"From", b"Subject")
    assert [b"Subject: =?utf-8?b?Y2VvQGV4YW1wbGUubmV0?= <anna@example.com>"] in [
        f for _, f in candidates([subject], set())
    ]


def test_a_signature_is_left_as_it_is() -> None:
    fields = [b"DKIM-Signature: =?utf-8?q?a?=", b"Subject: =?utf-8?q?a?="]
    assert all(found[0] == fields[0] for _, found in candidates(fields, {0}))
    assert len({found[1] for _, found in candidates(fields, {0})}) > 3


def test_many_words_are_not_tried() -> None:
    word = b" =?utf-8?q?a?="
    assert len(list(candidates([b"Subject:" + word * 1000], set()))) == len(WAYS)
    assert list(candidates([b"Subject:" + word * 500, b"To:" + word * 501], set())) == []


# --- who could have done it


def hop(by: str, rest: str = "with ESMTP id 1", client: str = "x (x.example [192.0.2.1])") -> bytes:
    return f"Received: from {client} by {by} {rest}; Mon, 02 Nov 2026 09:30:00 +0000\r\n".encode()


EXCHANGE = hop("ex.example.org", "with Microsoft SMTP Server id 15.2.1")
SENDMAIL = hop("relay.example.org (8.18.1/8.18.1)")
LIST = b"List-Id: Robots <robots.lists.example.net>\r\n"
LISTS = hop("mail.lists.example.net (Postfix)")
OTHER = hop("mx.example.org (Postfix)")
LOWER = UPPER.replace(b"UTF-8", b"utf-8")


@pytest.mark.parametrize(
    ("above", "words"),
    [
        (EXCHANGE, "; Exchange at ex.example.org (Received, field 0) could have done it"),
        (OTHER + EXCHANGE, "; Exchange at ex.example.org (Received, field 1) could have done it"),
        # The first one after the signer
        (
            hop("b.example.org", "with mapi id 15") + EXCHANGE,
            "; Exchange at ex.example.org (Received, field 1) could have done it",
        ),
        (LIST + LISTS, "; the mailing list at mail.lists.example.net (Received, field 1) could have done it"),
        (LIST + OTHER, ""),
        (LISTS, ""),
        (SENDMAIL, ""),
        (b"", ""),
    ],
)  # fmt: skip
def test_a_hop_of_the_usual_kind_is_named(above: bytes, words: str) -> None:
    raw = above + sent(UPPER, b"From: anna@example.com").replace(UPPER, LOWER)
    assert detail(raw).partition("wrote the fields anew")[2] == words


def test_what_was_before_the_signer_did_nothing() -> None:
    raw = signing.signed(EXCHANGE + FROM + b"\r\nSubject: " + UPPER + BODY, h="from:subject").replace(
        b"UTF-8", b"utf-8"
    )
    assert said(raw)
    assert "could have" not in detail(raw)


def test_each_kind_has_its_usual_doers() -> None:
    message = Message.parse(OTHER + SENDMAIL + LIST + LISTS + b"DKIM-Signature: x\r\n\r\n")
    assert doer(message, 4, "encoded") == "; Sendmail at relay.example.org (Received, field 1) could have done it"
    assert doer(message, 1, "encoded") == ""
    assert doer(message, 4, "list_footer").startswith(
        "; the mailing list at mail.lists.example.net (Received, field 3)"
    )
    for code in ("bare_lf", "mbox_quoting", "decoded", "converted"):
        assert doer(message, 4, code) == ""


def test_words_of_a_hop_stay_on_one_line() -> None:
    message = Message.parse(
        hop("ex\x1b[31m\u202e.example", "with Microsoft SMTP Server id 1") + b"DKIM-Signature: x\r\n\r\n"
    )
    assert doer(message, 1, "encoded").isprintable()
    assert "could have" in doer(message, 1, "encoded")
    assert doer(Message.parse(hop("x (")), 1, "encoded") == ""
