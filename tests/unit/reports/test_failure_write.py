"""A failure report as a message: the fields of the RFCs, and no way for strangers out of their place."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from support.arf import arf_of, decoded, parts_of, read_arf
from support.signing import MAIL, NOW

from mailauth import UsageError
from mailauth.reports.failure_values import FailureReport
from mailauth.reports.failure_write import MAX_MESSAGE, write
from mailauth.reports.values import Reporter

REPORTER = Reporter(org_name="Example, Inc.", email="reports@example.org", extra_contact_info="https://example.org/arf")
HEADER = MAIL.partition(b"\r\n\r\n")[0] + b"\r\n"
# The multiplicity of each field: RFC 5965 §3.1 to §3.3, RFC 6591 §3.1, §3.2 and §5.2, RFC 9991 §4
REQUIRED = {
    *("feedback-type", "version", "user-agent", "auth-failure", "authentication-results", "identity-alignment"),
}
ONCE = REQUIRED | {
    *("reported-domain", "original-envelope-id", "original-mail-from", "source-ip", "source-port", "delivery-result"),
    *("dkim-domain", "dkim-identity", "dkim-selector", "dkim-canonicalized-header", "dkim-canonicalized-body"),
    *("dkim-selector-dns", "arrival-date", "reporting-mta", "incidents"),
}
OFTEN = {"original-rcpt-to", "spf-dns", "reported-uri"}
SMALL: dict[str, Any] = {
    "auth_failure": "dmarc",
    "authentication_results": "mx.example.org; dmarc=fail header.from=example.com",
    "reported_domain": "example.com",
    "message": HEADER,
    "headers_only": True,
}
FULL: dict[str, Any] = SMALL | {
    "identity_alignment": ("dkim", "spf"),
    "original_envelope_id": "4Ln7Q",
    "original_mail_from": "<anna@example.com>",
    "original_rcpt_to": ("<robin@example.org>", "<kim@example.org>"),
    "source_ip": "192.0.2.3",
    "source_port": 2525,
    "delivery_result": "reject",
    "dkim_domain": "example.com",
    "dkim_identity": "@example.com",
    "dkim_selector": "s1",
    "dkim_canonicalized_header": "ZnJvbTph" * 40,
    "dkim_canonicalized_body": "aGVsbG8=",
    "dkim_selector_dns": 'v=DKIM1; n="x\\"; p=',
    "spf_dns": ('txt : example.com : "v=spf1 include:a.example -all"', 'txt : a.example : "v=spf1 -all"'),
    "arrival_date": "Mon, 02 Nov 2026 09:30:00 +0000",
    "reporting_mta": "dns; mx.example.org",
    "reported_uri": ("https://example.com/", "mailto:x@example.com"),
    "incidents": 3,
}


def written(to: str = "f@example.com", at: int = NOW, **values: Any) -> bytes:
    how = {name: values.pop(name) for name in ("subject", "encrypt") if name in values}
    return write(FailureReport(**SMALL | values), reporter=REPORTER, to=to, at=at, **how)


def test_the_fields_that_are_required() -> None:
    found = read_arf(written())
    assert set(found.fields) == REQUIRED | {"reported-domain"}
    assert found.one("feedback-type") == "auth-failure"
    assert found.one("version") == "1"
    assert found.one("auth-failure") == "dmarc"
    # RFC 9991 §4
    assert found.one("identity-alignment") == "none"
    # RFC 9110 §10.1.5: a product, perhaps with a version
    assert re.fullmatch(r"mailauth/[0-9.]+", found.one("user-agent"))


def test_all_fields() -> None:
    fields = read_arf(written(**FULL)).fields
    assert set(fields) == ONCE | OFTEN
    assert {name for name, values in fields.items() if len(values) > 1} == OFTEN
    single = {name: values[0] for name, values in fields.items()}
    assert single["identity-alignment"] == "dkim, spf"
    assert single["source-ip"] == "192.0.2.3"
    assert single["source-port"] == "2525"
    assert single["incidents"] == "3"
    assert single["dkim-canonicalized-header"].replace(" ", "") == FULL["dkim_canonicalized_header"]
    # A quoted-string (RFC 5322 §3.2.4)
    assert single["dkim-selector-dns"] == r'"v=DKIM1; n=\"x\\\"; p="'
    assert fields["spf-dns"] == list(FULL["spf_dns"])
    assert fields["original-rcpt-to"] == list(FULL["original_rcpt_to"])


def test_the_mail_around_it() -> None:
    mail = read_arf(written()).mail
    assert mail["From"] == '"Example, Inc." <reports@example.org>'
    assert mail["To"] == "<f@example.com>"
    assert mail["Date"] == "Mon, 02 Nov 2026 09:30:00 +0000"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", mail["Message-ID"])
    # RFC 3834 §5
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Authentication failure of mail from example.com"
    # RFC 5965 §2: the subject of the message, at most with a prefix
    assert read_arf(written(subject="Two words")).mail["Subject"] == "FW: Two words"


def test_the_same_report_is_the_same_message() -> None:
    assert written() == written()
    ids = {read_arf(octets).mail["Message-ID"] for octets in (written(), written(to="g@example.com"), written(at=5))}
    assert len(ids) == 3


def test_the_text_for_people() -> None:
    text = read_arf(written(**FULL)).text
    assert "received from 192.0.2.3 on Mon, 02 Nov 2026 09:30:00 +0000." in text
    assert "no pass of DKIM or SPF" in text
    assert "stands for 3 messages" in text
    assert "https://example.org/arf" in text
    assert "no pass of SPF that" in read_arf(written(identity_alignment=("spf",))).text
    assert "SPF did not authenticate" in read_arf(written(auth_failure="spf")).text


def test_an_address_of_ipv6_has_its_tag() -> None:
    # RFC 5321 §4.1.3
    for given in ("2001:db8::1", "IPv6:2001:db8::1"):
        assert read_arf(written(source_ip=given)).one("source-ip") == "IPv6:2001:db8::1"


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: a@b.example", "x\nBcc: a@b.example", "x\r\rBcc: y", "x\x00Bcc: y", "x\u2028ü\udcff"]
)
def test_nobody_leaves_the_line(evil: str) -> None:
    texts: dict[str, Any] = {name: evil for name, value in FULL.items() if isinstance(value, str)}
    lists: dict[str, Any] = {name: (evil, evil) for name, value in FULL.items() if isinstance(value, tuple)}
    octets = written(**texts, **lists, subject=evil)
    found = read_arf(octets)
    assert octets.isascii()
    assert "bcc" not in found.fields
    assert "Bcc" not in found.mail
    assert set(found.fields) <= ONCE | OFTEN
    assert b"\0" not in octets
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", octets)


def test_what_is_long_is_bounded() -> None:
    words = "v=spf1 " + "ip4:192.0.2.1 " * 150 + "-all"
    found = read_arf(written(spf_dns=(f'txt : example.com : "{words}"',) * 50, original_envelope_id="x" * 10**6))
    # Folded at spaces, the record is whole; what cannot be folded is left out
    assert found.fields["spf-dns"] == [f'txt : example.com : "{words}"'] * 20
    assert "original-envelope-id" not in found.fields
    for name, value in FULL.items():
        if isinstance(value, (str, tuple)):
            huge: Any = "a b" * 10**5 if isinstance(value, str) else ("a b" * 10**5,) * 1000
            octets = written(**{name: huge})
            assert len(octets) < 10**5
            assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert read_arf(written(incidents=2**40)).one("incidents") == str(2**32 - 1)


def third(octets: bytes, **values: Any) -> tuple[str, bytes]:
    found = read_arf(written(message=octets, **values))
    return found.kind, found.third


def test_the_message_is_whole_or_a_header_section() -> None:
    assert third(MAIL, headers_only=False)[0] == "message/rfc822"
    assert b"\r\n\r\n" + MAIL + b"\r\n--" in written(message=MAIL, headers_only=False)
    assert third(HEADER) == ("text/rfc822-headers", HEADER)


def test_eight_bit_is_labelled() -> None:
    octets = written(message=MAIL.replace(b"Hello", "Grüß".encode()), headers_only=False)
    mail = message_from_bytes(octets)
    labels = [part["Content-Transfer-Encoding"] for part in (mail, parts_of(mail)[2])]
    # RFC 2045 §6.4: what contains it too
    assert labels == ["8bit", "8bit"]
    assert "Grüß".encode() in octets


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(MAIL.replace(b"Hello", b"\0"), id="a NUL"),
        pytest.param(MAIL.replace(b"Hello", b"He\rllo"), id="a bare CR"),
        pytest.param(MAIL.replace(b"Hello", b"He\nllo"), id="a bare LF"),
        pytest.param(MAIL + b"x" * 999, id="a long line"),
        pytest.param(MAIL + b"x\r\n" * MAX_MESSAGE, id="too long"),
        pytest.param(MAIL.replace(b"Anna", "Änna".encode()), id="EAI"),
        pytest.param(MAIL.replace(b"Anna", b"\xffnna"), id="octets that are not text"),
        pytest.param(MAIL.replace(b"Anna", b"A\rnna"), id="a bare CR in the header section"),
    ],
)
def test_what_cannot_be_sent_as_it_is_becomes_its_header_section(message: bytes) -> None:
    kind, content = third(message, headers_only=False)
    assert kind == "text/rfc822-headers"
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    # Python's email changes the line ends it decodes to
    assert content.replace(b"\r\n", b"\n") == header.replace(b"\r\n", b"\n")
    assert written(message=message, headers_only=False).isascii()


def test_a_long_header_section_is_cut_at_a_line() -> None:
    _, content = third(b"X-Line: 12345678\r\n" * 10**5)
    assert MAX_MESSAGE - 100 < len(content) <= MAX_MESSAGE
    assert content.endswith(b"5678\r\n")
    assert len(third(b"x" * 10**6)[1]) == MAX_MESSAGE


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b"x", b"\r\n\r\n", MAIL], ids=["nothing", "a line end", "x", "two", "a message"]
)
@pytest.mark.parametrize("headers_only", [True, False])
def test_boundaries_of_others_end_nothing(content: bytes, *, headers_only: bool) -> None:
    boundary = message_from_bytes(written(message=content, headers_only=headers_only)).get_boundary()
    assert boundary is not None
    evil = content + b"\r\n--%b--\r\n\r\n--%b\r\n\r\n" % (boundary.encode(), boundary.encode())
    octets = written(message=evil, headers_only=headers_only)
    assert len(parts_of(message_from_bytes(octets))) == 3
    read_arf(octets)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "a@b",
        "a b@example.com",
        "a@example.com\r\nX: y",
        "ä@example.com",
        '"a"@example.com',
        "a@[192.0.2.1]",
        "x" * 65 + "@example.com",
    ],
)
def test_an_address_that_cannot_be_written(address: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        written(to=address)
    with pytest.raises(UsageError, match="cannot be written"):
        write(FailureReport(), reporter=Reporter(org_name="", email=address), to="a@example.com", at=NOW)


def test_a_time_that_no_calendar_has() -> None:
    with pytest.raises(UsageError, match="years 1 to 9999"):
        written(at=10**14)


def test_a_name_that_is_not_ascii_is_left_out() -> None:
    octets = write(
        FailureReport(**SMALL), reporter=Reporter(org_name="Büro", email="a@example.org"), to="b@example.com", at=NOW
    )
    assert message_from_bytes(octets)["From"] == "<a@example.org>"


# -- OpenPGP


def gpg(home: Path, *arguments: str, data: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--trust-model", "always", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@pytest.mark.skipif(shutil.which("gpg") is None, reason="apt-get install gnupg")
def test_openpgp(tmp_path: Path) -> None:
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    try:
        gpg(home, "--passphrase", "", "--quick-generate-key", "f@example.com", "rsa2048", "encr")
        octets = written(
            **FULL,
            subject="secret",
            encrypt=lambda entity: gpg(home, "--armor", "--encrypt", "-r", "f@example.com", data=entity),
        )
        mail = message_from_bytes(octets)
        # RFC 3156 §4
        assert mail.get_content_type() == "multipart/encrypted"
        assert mail.get_param("protocol") == "application/pgp-encrypted"
        control, data = parts_of(mail)
        assert control.get_content_type() == "application/pgp-encrypted"
        assert control.get_payload().strip() == "Version: 1"  # type: ignore[union-attr]
        assert data.get_content_type() == "application/octet-stream"
        assert b"secret" not in octets
        assert b"192.0.2.3" not in octets
        plain = gpg(home, "--decrypt", data=decoded(data))
        assert arf_of(mail, message_from_bytes(plain)).one("source-ip") == "192.0.2.3"
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def test_what_is_not_armoured_is_refused() -> None:
    with pytest.raises(UsageError, match="--armor"):
        written(encrypt=lambda entity: b"\xff" + entity)


# -- our own reader


def test_our_reader_reads_it() -> None:
    reader = pytest.importorskip("mailauth.reports.read")
    for headers_only, message in ((True, HEADER), (False, MAIL)):
        report = FailureReport(**FULL | {"headers_only": headers_only, "message": message})
        octets = write(report, reporter=REPORTER, to="f@example.com", at=NOW)
        (found,) = reader.read(octets)
        assert found.problems == ()
        expected = replace(report, feedback_type="auth-failure", version="1", user_agent=found.user_agent)
        assert found == expected
