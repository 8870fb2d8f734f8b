"""What real programs wrote, encrypted and plain; `testdata/attachments/make.py` says how each file was made."""

from __future__ import annotations

import pytest
from support.attached import CASES, SAMPLES, brief, mail, sample

from mailauth import Message, attachments

ENCRYPTED = sorted(name for name, found in CASES.items() if "encrypted" in {kind for kind, _ in found})
PLAIN = sorted(name for name, found in CASES.items() if not found)
# A program holds archives only where they can be found from the end; what is cut off is none
CUT = [name for name in ENCRYPTED if not name.endswith((".eml", ".exe"))]


def test_there_are_both() -> None:
    assert len(ENCRYPTED) > 30
    assert len(PLAIN) > 20


@pytest.mark.parametrize("name", CASES)
def test_sample(name: str) -> None:
    found = attachments.encrypted(sample(name))
    assert sorted([f.kind.value, f.format] for f in found) == sorted(CASES[name])
    assert all(f.certain == (f.kind != "unread") for f in found)
    assert attachments.encrypted(Message.parse(sample(name))) == found


@pytest.mark.parametrize("name", CUT)
def test_what_is_cut_off_is_never_taken_for_plain(name: str) -> None:
    raw = (SAMPLES / name).read_bytes()
    # Less than this has no format yet
    for size in range(48, len(raw), max(len(raw) // 40, 1)):
        assert {"encrypted", "unread"} & {kind for kind, _, _ in brief(mail(raw[:size], name))}, size


@pytest.mark.parametrize("name", [name for name in ENCRYPTED if not name.endswith(".eml")])
def test_names_and_types_hide_nothing(name: str) -> None:
    raw = mail((SAMPLES / name).read_bytes(), "holiday.jpg", "image/jpeg")
    assert "encrypted" in {kind for kind, _, _ in brief(raw)}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("zip-nested.zip", "2: zip-nested.zip: zip-crypto.zip"),
        ("tar-nested.tar.gz", "2: tar-nested.tar.gz: zip-crypto.zip"),
        ("smime-opaque-zip.eml", "1.2: smime.p7m: invoice.zip"),
        ("pgp-mime.eml", "2: encrypted.asc"),
    ],
)
def test_where_it_is(name: str, path: str) -> None:
    assert path in [where for kind, _, where in brief(sample(name)) if kind == "encrypted"]


def test_the_signer_is_what_the_certificate_claims() -> None:
    (found,) = attachments.encrypted(sample("smime-clear.eml"))
    assert "anna@example.com" in found.detail
    assert "CN=Anna Example" in found.detail
    assert "not verified" in found.detail


def test_encrypted_headers_hide_the_names() -> None:
    details = {name: attachments.encrypted(sample(name))[0].detail for name in ENCRYPTED}
    assert "names" in details["7z-aes-header.7z"]
    assert "names" in details["rar5-headers.rar"]
    assert "invoice.txt, note.txt" in details["zip-crypto.zip"]
    assert "password" in details["pdf-owner.pdf"]
