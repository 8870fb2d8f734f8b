"""A message pays for the IDNA of few names, however many it has; what is over is an outcome with its reason.

The work is counted in labels that are converted: each costs as much as fifty octets of other header fields.
"""

from __future__ import annotations

import itertools

import idna
import pytest
from support.signing import NOW, key, key_zone, signature

from mailauth import Authentication, Connection, Limits, Options, authenticate, names
from mailauth.testing import Zone

MAIL = b"From: Anna <anna@example.com>\r\nSubject: order\r\n\r\nhello\r\n"
LETTERS = [chr(c) for c in range(0x4E00, 0x4E00 + 20_000)]
LABELS = 30  # of one letter each: what fits into 253 octets of A-labels


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labels that were given to IDNA."""
    found: list[str] = []

    def count(label: str) -> bytes:
        found.append(label)
        return convert(label)

    convert = idna.alabel
    monkeypatch.setattr(idna, "alabel", count)
    names._to_ascii.cache_clear()
    return found


def name(number: int) -> str:
    """Return a domain name of many U-labels, another for each number."""
    return ".".join(LETTERS[(number * LABELS + i) % len(LETTERS)] for i in range(LABELS))


def verify(raw: bytes, **arguments: object) -> Authentication:
    return authenticate(raw, None, Zone({}), "mx.example.org", NOW, **arguments)  # type: ignore[arg-type]


def dkim(numbers: itertools.count[int]) -> bytes:
    d, s, i = (name(next(numbers)) for _ in range(3))
    tags = f"v=1; a=rsa-sha256; d={d}; s={s[:20]}; i=@{i}.{d}; h=from; bh=AAAA; b=AAAA"
    return f"DKIM-Signature: {tags}\r\n".encode()


def arc(instance: int, numbers: itertools.count[int]) -> bytes:
    def tags() -> str:
        return f"i={instance}; a=rsa-sha256; d={name(next(numbers))}; s={name(next(numbers))[:20]}; b=AAAA"

    return (
        f"ARC-Seal: {tags()}; cv={'none' if instance == 1 else 'pass'}\r\n"
        f"ARC-Message-Signature: {tags()}; h=from; bh=AAAA\r\n"
        f"ARC-Authentication-Results: i={instance}; example.com; none\r\n"
    ).encode()


def test_authentication_results_cost_no_idna(converted: list[str]) -> None:
    raw = b"".join(f"Authentication-Results: {name(i)}; none\r\n".encode() for i in range(400)) + MAIL
    options = Options(authserv_ids=frozenset({"mx.exämple.org", "mx.xn--fa-hia.example"}))
    found = verify(raw, options=options)
    assert found.forged == ()
    # Those of our own names
    assert len(converted) <= 2


@pytest.mark.parametrize("extra", [0, 1, 300])
def test_signatures(extra: int, converted: list[str]) -> None:
    """Ten are read, as many as are looked up (`Limits.signatures`)."""
    numbers = itertools.count()
    found = verify(b"".join(dkim(numbers) for _ in range(10 + extra)) + MAIL)
    reasons = [str(outcome.reason) for outcome in found.dkim]
    assert reasons[10:] == ["limit:signatures"] * extra
    assert "limit:signatures" not in reasons[:10]
    assert {outcome.result for outcome in found.dkim[10:]} <= {"policy"}
    assert len(converted) <= 10 * 3 * LABELS


def test_signatures_in_ascii_are_not_among_them() -> None:
    numbers = itertools.count()
    raw = b"".join(dkim(numbers) for _ in range(30)) + signature(MAIL) + MAIL
    found = authenticate(raw, None, Zone(key_zone()), "mx.example.org", NOW)
    assert found.dkim[-1].result == "pass"


def test_a_signature_in_u_labels_passes() -> None:
    # RFC 8616 §5
    mail = "From: <anna@bücher.example>\r\n\r\nhello\r\n".encode()
    made = signature(mail, tags={"d": "bücher.example"})
    zone = Zone({"s1._domainkey.xn--bcher-kva.example": {"TXT": [key().record()]}})
    for others, word in ((9, "pass"), (10, "policy")):
        numbers = itertools.count()
        raw = b"".join(dkim(numbers) for _ in range(others)) + made + mail
        found = authenticate(raw, None, zone, "mx.example.org", NOW)
        assert found.dkim[-1].result == word


@pytest.mark.parametrize("sets", [5, 6, 50])
def test_chains(sets: int, converted: list[str]) -> None:
    numbers = itertools.count()
    found = verify(b"".join(arc(i, numbers) for i in range(sets, 0, -1)) + MAIL)
    assert found.arc is not None
    assert found.arc.result == "fail"
    assert (str(found.arc.reason) == "limit:arc_sets") is (sets > 5)
    assert len(converted) <= 10 * 2 * LABELS


def test_the_bound_is_the_callers() -> None:
    numbers = itertools.count()
    raw = b"".join(dkim(numbers) for _ in range(3)) + MAIL
    for bound in range(4):
        found = verify(raw, limits=Limits(signatures=bound))
        assert [str(o.reason) == "limit:signatures" for o in found.dkim].count(False) <= bound


def test_everything_at_once(converted: list[str]) -> None:
    """The dearest message: no more than three hundred names of it are converted."""
    numbers = itertools.count()
    author = ", ".join(f"a@{name(next(numbers))}" for _ in range(200))
    raw = b"".join(
        [
            *(dkim(numbers) for _ in range(200)),
            *(arc(i, numbers) for i in range(50, 0, -1)),
            *(f"Authentication-Results: {name(next(numbers))}; none\r\n".encode() for _ in range(200)),
            f"From: {author}\r\n\r\nhello\r\n".encode(),
        ]
    )
    connection = Connection(ip="192.0.2.3", helo=name(next(numbers)), mail_from=f"a@{name(next(numbers))}")
    authenticate(raw, connection, Zone({}), "mx.example.org", NOW)
    assert len(converted) <= 100 * LABELS
