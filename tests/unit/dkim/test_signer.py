"""Who signs: which keys, in which forms, and the record that is to be published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from support.signing import TESTDATA, key

from mailauth import UsageError, dkim
from mailauth.dkim import Signer

RSA, ED25519 = key("rsa2048-author"), key("ed25519-author")
PEM = TESTDATA / "keys" / "rsa2048-author.pem"


def octets(private: Any, encoding: Encoding, form: PrivateFormat, encryption: Any = None) -> bytes:
    found: bytes = private.private_bytes(encoding, form, encryption or NoEncryption())
    return found


FORMS: list[Any] = [
    RSA.private,
    PEM,
    str(PEM),
    PEM.read_bytes(),
    bytearray(PEM.read_bytes()),
    octets(RSA.private, Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    octets(RSA.private, Encoding.DER, PrivateFormat.PKCS8),
    octets(RSA.private, Encoding.DER, PrivateFormat.TraditionalOpenSSL),
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_every_form_of_a_key(form: Any) -> None:
    signer = Signer("example.com", "s1", form)
    assert (signer.algorithm, signer.record) == ("rsa-sha256", RSA.record())


# RFC 8463 §4.2
@pytest.mark.parametrize(
    "form",
    [
        ED25519.private,
        TESTDATA / "keys" / "ed25519-author.pem",
        octets(ED25519.private, Encoding.DER, PrivateFormat.PKCS8),
    ],
    ids=range(3),
)
def test_an_ed25519_key(form: Any) -> None:
    signer = Signer("example.com", "ed", form)
    assert (signer.algorithm, signer.record) == ("ed25519-sha256", ED25519.record())


# RFC 6376 §3.6.1
@pytest.mark.parametrize("one", [RSA, ED25519])
def test_the_record_is_one_that_receivers_can_use(one: Any) -> None:
    found = dkim.parse(Signer("example.com", "s1", one.private).record.encode())
    assert found.public == one.private.public_key()


# RFC 6376 §3.6.2.1
def test_names_are_in_normal_form() -> None:
    signer = Signer("Bücher.Example.", "S1.Mail", RSA.private)
    assert (signer.domain, signer.selector) == ("xn--bcher-kva.example", "s1.mail")
    assert signer.name == "s1.mail._domainkey.xn--bcher-kva.example"


@pytest.mark.parametrize("domain", ["", "com", "a b.example", "-a.example", "a_b.example", "a..example", "x" * 300])
def test_a_domain_that_cannot_sign(domain: str) -> None:
    with pytest.raises(UsageError, match=r"give the signing domain, such as 'example\.com'"):
        Signer(domain, "s1", RSA.private)


@pytest.mark.parametrize("selector", ["", "a b", "s_1", ".s1", "s1;d=evil.example", "s1\r\n"])
def test_a_selector_that_cannot_be_published(selector: str) -> None:
    with pytest.raises(UsageError, match="such as 's2026'"):
        Signer("example.com", selector, RSA.private)


def test_names_that_are_too_long_together() -> None:
    labels = ".".join(["a" * 60] * 3)
    with pytest.raises(UsageError, match="give a shorter selector"):
        Signer(f"{labels}.example.com", labels, RSA.private)


def pem(private: Any) -> bytes:
    return octets(private, Encoding.PEM, PrivateFormat.PKCS8)


# RFC 8301 §3.2
@pytest.mark.parametrize("bits", [1024, 1536, 2047, 4160])
def test_rsa_keys_of_other_sizes(bits: int) -> None:
    weak = key("rsa1024-old").private if bits == 1024 else rsa.generate_private_key(65537, bits)
    for form in (weak, pem(weak)):
        with pytest.raises(UsageError, match=rf"has {bits} bits, not 2048 to 4096; make one with: openssl genpkey"):
            Signer("example.com", "s1", form)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "DKIM has RSA and Ed25519 keys only; make one with"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "DKIM has RSA and Ed25519 keys only; make one with"),
        (RSA.private.public_key(), "the public key, which DNS has: give the private key"),
        (ED25519.private.public_key(), "the public key, which DNS has: give the private key"),
        (
            RSA.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "give the file with the private key",
        ),
        (
            octets(RSA.private, Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
            "the key is encrypted: decrypt it with: openssl pkey",
        ),
        (
            octets(RSA.private, Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
            "the key is encrypted: decrypt it with: openssl pkey",
        ),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "give the file with the private key"),
        (b"", "not a private key in PEM or DER; make one with"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key in PEM or DER"),
        (PEM.read_text(), "key is text: give PEM as octets, or the path of a file"),
    ],
    ids=range(11),
)
def test_keys_that_cannot_be_used(form: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Signer("example.com", "s1", form)


def test_what_is_not_a_key_at_all() -> None:
    nothing: Any = 7
    with pytest.raises(TypeError, match="must be a private key, its octets or the path of a file, not int"):
        Signer("example.com", "s1", nothing)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        Signer("example.com", "s1", tmp_path / "nothing.pem")


def test_the_key_is_not_shown() -> None:
    assert repr(Signer("example.com", "s1", PEM)) == "Signer(domain='example.com', selector='s1')"


def test_a_signer_does_not_change() -> None:
    signer: Any = Signer("example.com", "s1", PEM)
    with pytest.raises(AttributeError):
        signer.domain = "example.net"


def test_generated_keys_of_cryptography() -> None:
    assert Signer("example.com", "s1", ed25519.Ed25519PrivateKey.generate()).algorithm == "ed25519-sha256"
