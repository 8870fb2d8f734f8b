"""Key records (RFC 6376 §3.6.1, RFC 8463 §4)."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.signing import key

from mailauth import Answer, Limits, Reason, Status, dkim
from mailauth.dkim.key import keys_of
from mailauth.results import Malformed, Problem

P = key("rsa2048-author").public
ED = key("ed25519-author").public


def problem(record: str | bytes) -> Reason:
    with pytest.raises(Malformed) as caught:
        dkim.parse(record if isinstance(record, bytes) else record.encode())
    assert len(caught.value.detail) < 300
    return caught.value.reason


# RFC 6376 §3.6.1
def test_an_rsa_key() -> None:
    found = dkim.parse(f"v=DKIM1; k=rsa; h=sha1:sha256; s=email; t=y:s; n=notes here; p={P}".encode())
    assert (found.kind, found.bits, found.exponent) == ("rsa", 2048, 65537)
    assert (found.testing, found.strict) == (True, True)
    assert found.unusable("rsa", Limits()) is None


# RFC 8463 §3, §4.2
def test_an_ed25519_key() -> None:
    found = dkim.parse(f"v=DKIM1; k=ed25519; p={ED}".encode())
    assert (found.kind, found.bits, found.testing, found.strict) == ("ed25519", 256, False, False)
    assert found.unusable("ed25519", Limits()) is None


# RFC 6376 §3.2, §3.6.1
@pytest.mark.parametrize(
    "record",
    [
        f"p={P}",
        f"p={P};",
        f"k=rsa; p={P}; g=*",
        f"v=DKIM1;p={P[:20]} {P[20:40]}\r\n\t{P[40:]}",
        f" v = DKIM1 ; p = {P}",
        f"v=DKIM1; x_unknown=1; p={P.rstrip('=')}",
        f"v=DKIM1; t=z:unknown; p={P}",
    ],
)
def test_every_tag_has_a_default(record: str) -> None:
    found = dkim.parse(record.encode())
    assert found.unusable("rsa", Limits()) is None
    assert not found.testing


def test_a_bare_public_key() -> None:
    public = key("rsa2048-author").private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)  # type: ignore[call-overload, unused-ignore]
    assert dkim.parse(b"v=DKIM1; p=" + base64.b64encode(public)).bits == 2048


# RFC 6376 §3.2, §3.6.1, §6.1.2; RFC 8463 §4.2
@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("", Reason.KEY_SYNTAX),
        ("v=spf1 -all", Reason.KEY_SYNTAX),
        ("v=DKIM1", Reason.KEY_SYNTAX),
        (f"v=DKIM2; p={P}", Reason.KEY_SYNTAX),
        (f"v=dkim1; p={P}", Reason.KEY_SYNTAX),
        (f"p={P}; v=DKIM1", Reason.KEY_SYNTAX),
        (f"v=DKIM1; p={P}; p={P}", Reason.KEY_SYNTAX),
        (f"v=DKIM1;; p={P}", Reason.KEY_SYNTAX),
        (f"v=DKIM1; p={P}!", Reason.KEY_SYNTAX),
        (f"v=DKIM1; p={P[:-20]}", Reason.KEY_SYNTAX),
        ("v=DKIM1; p=AAAA", Reason.KEY_SYNTAX),
        (f"v=DKIM1; p={ED}", Reason.KEY_SYNTAX),
        (f"v=DKIM1; k=ed25519; p={P}", Reason.KEY_SYNTAX),
        ("v=DKIM1; k=ed25519; p=AAAA", Reason.KEY_SYNTAX),
        ("v=DKIM1; p=", Reason.KEY_REVOKED),
        ("v=DKIM1; p= \t", Reason.KEY_REVOKED),
        ("v=DKIM1; k=ed25519; p=;", Reason.KEY_REVOKED),
        (f"v=DKIM1; k=dsa; p={P}", Reason.KEY_TYPE_MISMATCH),
        (f"v=DKIM1; k=RSA; p={P}", Reason.KEY_TYPE_MISMATCH),
        (f"v=DKIM1; k=; p={P}", Reason.KEY_TYPE_MISMATCH),
        ("v=DKIM1; p=" + "A" * 20_000, Reason.LIMIT_KEY_BITS),
        ("v=DKIM1;" + "".join(f"x{n}=1;" for n in range(100)) + f"p={P}", Reason.KEY_SYNTAX),
    ],
)
def test_what_is_no_key(record: str, reason: Reason) -> None:
    assert problem(record) is reason


@pytest.mark.parametrize("record", [b"\xff", b"v=DKIM1; p=\x00", b"v=DKIM1; p=" + b"\xff" * 10, b"\x00" * 1000])
def test_octets(record: bytes) -> None:
    assert problem(record) is Reason.KEY_SYNTAX


def test_another_kind_of_key_in_the_same_wrapping() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert problem(b"v=DKIM1; p=" + base64.b64encode(der)) is Reason.KEY_SYNTAX


# RFC 6376 §3.6.1, §6.1.2; RFC 8463 §3
@pytest.mark.parametrize(
    ("record", "kind", "reason"),
    [
        (f"p={P}", "ed25519", Reason.KEY_TYPE_MISMATCH),
        (f"k=ed25519; p={ED}", "rsa", Reason.KEY_TYPE_MISMATCH),
        (f"h=sha1; p={P}", "rsa", Reason.KEY_HASH_MISMATCH),
        (f"h=; p={P}", "rsa", Reason.KEY_HASH_MISMATCH),
        (f"s=tlsrpt; p={P}", "rsa", Reason.KEY_SERVICE_MISMATCH),
        (f"s=; p={P}", "rsa", Reason.KEY_SERVICE_MISMATCH),
        (f"p={key('rsa512-weak').public}", "rsa", Reason.KEY_TOO_SHORT),
    ],
)
def test_a_key_for_something_else(record: str, kind: str, reason: Reason) -> None:
    unusable = dkim.parse(record.encode()).unusable(kind, Limits())
    assert unusable is not None
    assert unusable.reason is reason


def test_sizes_are_bounded_both_ways() -> None:
    found = dkim.parse(f"p={P}".encode())
    short, long = found.unusable("rsa", Limits(min_key_bits=2049)), found.unusable("rsa", Limits(max_key_bits=2047))
    exponent = found.unusable("rsa", Limits(max_key_exponent=65536))
    assert short is not None
    assert long is not None
    assert exponent is not None
    assert [short.reason, long.reason, exponent.reason] == [
        Reason.KEY_TOO_SHORT, Reason.LIMIT_KEY_BITS, Reason.LIMIT_KEY_BITS,
    ]  # fmt: skip


@pytest.mark.parametrize(("bits", "e"), [(16_384, 65537), (2048, 2**64 + 13)])
def test_hostile_numbers_are_refused_before_any_arithmetic(bits: int, e: int) -> None:
    numbers = rsa.RSAPublicNumbers(e, (1 << bits) - 1)
    der = numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    unusable = dkim.parse(b"p=" + base64.b64encode(der)).unusable("rsa", Limits())
    assert unusable is not None
    assert unusable.reason is Reason.LIMIT_KEY_BITS


# RFC 6376 §6.1.2
def test_keys_before_problems_and_telling_problems_before_noise() -> None:
    records = (b"v=spf1 -all", b"v=DKIM1; p=", f"p={P}".encode(), b"\xff")
    key_found, revoked, *noise = keys_of(Answer(Status.OK, records))
    assert isinstance(key_found, dkim.Key)
    assert isinstance(revoked, Problem)
    assert revoked.reason is Reason.KEY_REVOKED
    assert len(noise) == 2


def test_a_signature_of_any_size() -> None:
    for each in (dkim.parse(f"p={P}".encode()), dkim.parse(f"k=ed25519; p={ED}".encode())):
        for size in (0, 1, 63, 64, 65, 255, 256, 257, 5000):
            assert each.verifies(b"\xff" * size, b"x" * 32) is False
