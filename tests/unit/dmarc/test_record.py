"""DMARC records (RFC 9989 §4.5, §4.7, §4.8)."""

from __future__ import annotations

import pytest

from mailauth import dmarc


def parse(text: str | bytes) -> dmarc.Record:
    record = dmarc.parse(text if isinstance(text, bytes) else text.encode())
    assert record is not None
    return record


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1;", "V=DMARC1", "v =\tDMARC1 ; p=none", "v=DMARC1;p=none;"])
def test_what_is_a_record(text: str) -> None:
    assert parse(text).p == "none"


# RFC 9989 §4.7
@pytest.mark.parametrize(
    "text",
    [
        "", "v=DMARC2", "v=dmarc1; p=reject", "v=DMARC1 p=reject", "v=DMARC10", "p=reject; v=DMARC1", " v=DMARC1",
        "DMARC1", "v=spf1 -all", ";v=DMARC1", "v=DMARC1\x00", "\ufeffv=DMARC1",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert dmarc.parse(text.encode()) is None


# RFC 9989 §4.7
def test_defaults() -> None:
    record = parse("v=DMARC1")
    assert (record.p, record.sp, record.np, record.psd) == ("none", None, None, "u")
    assert not record.strict_dkim
    assert not record.strict_spf
    assert not record.testing
    assert record.usable
    assert (record.rua, record.ruf) == ((), ())


# RFC 9989 §4.8
def test_everything() -> None:
    record = parse(
        "v=DMARC1; P=Reject; sp=QUARANTINE; np=none; adkim=S; aspf=s; t=y; psd=N; fo=1:d; "
        "rua=mailto:a@example.com!10m , https://x.example/y; ruf=mailto:b@example.com"
    )
    assert (record.p, record.sp, record.np, record.psd) == ("reject", "quarantine", "none", "n")
    assert (record.strict_dkim, record.strict_spf, record.testing) == (True, True, True)
    assert record.rua == ("mailto:a@example.com", "https://x.example/y")
    assert record.ruf == ("mailto:b@example.com",)
    assert dict(record.published)["p"] == "Reject"
    assert dict(record.published)["fo"] == "1:d"


# RFC 9989 §4.7, §4.8
@pytest.mark.parametrize(
    "tags",
    ["adkim=x", "aspf=", "t=maybe", "psd=?", "pct=0", "rf=x; ri=y", "unknown=1", "=x", "noequals", "a-b=c", "fo=bad"],
)
def test_a_bad_or_unknown_tag_is_as_if_absent(tags: str) -> None:
    record = parse(f"v=DMARC1; p=reject; {tags}")
    assert (record.p, record.usable) == ("reject", True)
    assert not record.strict_dkim
    assert not record.strict_spf
    assert not record.testing
    assert record.psd == "u"


# RFC 9989 §4.10.1
@pytest.mark.parametrize("tags", ["p=junk", "p=", "p=reject; sp=junk", "p=reject; np=junk", "p=none; p=reject"])
def test_a_bad_policy_needs_somewhere_to_report_to(tags: str) -> None:
    assert not parse(f"v=DMARC1; {tags}").usable
    record = parse(f"v=DMARC1; {tags}; rua=mailto:a@example.com")
    assert record.usable
    assert (record.p, record.sp, record.np) == ("none", None, None)


@pytest.mark.parametrize("rua", ["", "mailto:", "mailto:a", "a@example.com", "mailto:a b@c.example", "!10m", "1x:y@z"])
def test_what_is_no_place_to_report_to(rua: str) -> None:
    assert not parse(f"v=DMARC1; p=junk; rua={rua}").usable
    assert parse(f"v=DMARC1; rua={rua}").rua == ()


# RFC 9989 §4.7
def test_an_absent_policy_is_none_and_the_rest_stays() -> None:
    record = parse("v=DMARC1; sp=reject; rua=mailto:a@example.com")
    assert (record.p, record.sp, record.usable) == ("none", "reject", True)


# RFC 9989 §4.8
def test_octets() -> None:
    record = parse(b"v=DMARC1; p=reject; x=\xff\x00; adkim=\xff")
    assert (record.p, record.usable, record.strict_dkim) == ("reject", True, False)


def test_what_nobody_knows_is_not_kept_without_end() -> None:
    text = b"v=DMARC1; " + b"".join(b"x%s=y; " % bytes([97 + n // 26, 97 + n % 26]) for n in range(500)) + b"p=reject"
    record = dmarc.parse(text)
    assert record is not None
    assert record.p == "reject"
    assert len(record.published) < 100


# --- RFC 7489


@pytest.mark.parametrize(
    ("tags", "policies"),
    [
        # RFC 7489 §6.6.3 step 6: without a valid p, or with an invalid sp, only a place to report to makes it p=none
        ("", None),
        ("adkim=s", None),
        ("sp=reject", None),
        ("p=", None),
        ("p=junk", None),
        ("p=reject; p=reject", None),
        ("p=reject; sp=junk", None),
        ("rua=mailto:a@example.com", ("none", None, None)),
        ("p=junk; rua=mailto:a@example.com", ("none", None, None)),
        ("p=reject; sp=junk; np=reject; rua=mailto:a@example.com", ("none", None, None)),
        ("rua=a@example.com", None),
        ("p=reject", ("reject", None, None)),
        ("p=reject; sp=none; np=quarantine", ("reject", "none", "quarantine")),
        # RFC 9091 §3.2 adds np, and no rule for an invalid one
        ("p=reject; np=junk", ("reject", None, None)),
    ],
)
def test_policies_by_rfc_7489(tags: str, policies: tuple[str | None, ...] | None) -> None:
    record = dmarc.parse(f"v=DMARC1; {tags}".encode(), "rfc7489")
    assert record is not None
    assert record.usable is (policies is not None)
    if policies is not None:
        assert (record.p, record.sp, record.np) == policies


@pytest.mark.parametrize(
    ("tags", "newer", "older"),
    [
        ("t=y", True, False),
        ("pct=0", False, True),
        ("pct=000", False, True),
        ("t=y; pct=100", True, False),
        ("pct=1", False, False),
        ("pct=0; pct=0", False, False),
        ("pct=-0", False, False),
        ("pct=", False, False),
    ],
)
def test_who_asks_for_the_weaker_policy(tags: str, newer: bool, older: bool) -> None:  # noqa: FBT001  parameters of the test
    text = f"v=DMARC1; p=reject; {tags}".encode()
    for mode, weaker in (("rfc9989", newer), ("rfc7489", older)):
        record = dmarc.parse(text, mode)  # type: ignore[arg-type]
        assert record is not None
        assert record.weaker is weaker
        assert record.testing is (newer and mode == "rfc9989")
