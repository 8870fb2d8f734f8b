"""The failure reports of one message: who gets them, what they show, and when there are none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from support.arf import Arf, read_arf
from support.growth import GROWTH, SMALL, TIMES, grows
from support.signing import MAIL, NOW, key_zone, signed

from mailauth import Connection, Message, UsageError, authenticate
from mailauth.policy import Decision
from mailauth.reports.failure_mails import failure_reports
from mailauth.reports.ratelimit import RateLimit
from mailauth.reports.redact import Redactor, redacted
from mailauth.reports.values import Reporter
from mailauth.results import Disposition
from mailauth.testing import Zone

KEY = bytes(range(32))
ZONE: dict[str, Any] = {
    "example.com": {"TXT": ["v=spf1 redirect=_spf.example.com"]},
    "_spf.example.com": {"TXT": ['v=spf1 exp=x.example.com ip4:192.0.2.1 "quoted" -all']},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; ruf=mailto:f@example.com"]},
    **key_zone(),
}
ALL: dict[str, Any] = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; fo=0:d:s; ruf=mailto:f@example.com"]}}
BROKEN = signed(tags={"i": "anna@example.com"}).replace(b"Robin,", b"Bobin,")
USUAL: dict[str, Any] = {
    "destinations": ["f@example.com"],
    "reporter": Reporter(org_name="Example", email="reports@example.org"),
    "authserv_id": "mx.example.org",
    "at": NOW,
    "key": KEY,
}


def mails(raw: bytes = MAIL, decision: Decision | None = None, **how: Any) -> list[tuple[str, Arf]]:
    known = {"ip": "2001:db8::9", "helo": "mx.example.net", "mail_from": "anna@example.com"}
    connection = Connection(**known | how.pop("connection", {}))
    found = authenticate(raw, connection, Zone(ZONE | how.pop("zone", {})), "mx.example.org", NOW)
    how = USUAL | {"limit": RateLimit()} | how
    return [(mail.to, read_arf(mail.message)) for mail in failure_reports(found, decision, raw, **how)]


def one(raw: bytes = MAIL, decision: Decision | None = None, **how: Any) -> Arf:
    return mails(raw, decision, **how)[0][1]


def test_one_report_for_each_failure() -> None:
    found = [report for _, report in mails(BROKEN, zone=ALL)]
    assert [report.one("auth-failure") for report in found] == ["dmarc", "bodyhash", "spf"]
    # RFC 6591 §3.1: of a single method each
    results = [report.one("authentication-results") for report in found]
    assert results[0].startswith("mx.example.org; dmarc=fail ")
    assert results[0].endswith(" header.from=example.com policy.dmarc=reject")
    assert results[1].startswith("mx.example.org; dkim=fail ")
    assert results[2].startswith("mx.example.org; spf=permerror ")
    assert all(result.count(";") == 1 for result in results)
    assert {report.one("identity-alignment") for report in found} == {"dkim, spf"}
    assert {report.one("reported-domain") for report in found} == {"example.com"}


def test_what_was_known_of_the_connection() -> None:
    report = one(source_port=2525, envid="4Ln7Q")
    assert report.one("source-ip") == "IPv6:2001:db8::9"
    assert report.one("source-port") == "2525"
    assert report.one("original-envelope-id") == "4Ln7Q"
    assert report.one("reporting-mta") == "dns; mx.example.org"
    assert report.one("arrival-date") == "Mon, 02 Nov 2026 09:30:00 +0000"
    assert report.one("original-mail-from").endswith("@example.com>")
    # Whom it was for is nobody's business
    assert "original-rcpt-to" not in report.fields
    assert one(at=datetime.fromtimestamp(NOW, UTC)).one("arrival-date") == report.one("arrival-date")


def test_a_null_reverse_path_and_an_unknown_one() -> None:
    assert one(connection={"mail_from": ""}).one("original-mail-from") == "<>"
    for path in (None, "x", "a@b@c"):
        assert "original-mail-from" not in one(connection={"mail_from": path}).fields


def test_the_fields_of_dkim() -> None:
    dmarc, dkim, spf = (report for _, report in mails(BROKEN, zone=ALL))
    for report in (dmarc, dkim):
        assert report.one("dkim-domain") == "example.com"
        assert report.one("dkim-selector") == "s1"
        assert report.one("dkim-identity").endswith("@example.com")
        # The key, as DNS has it
        assert report.one("dkim-selector-dns") == f'"{ZONE["s1._domainkey.example.com"]["TXT"][0]}"'
        # RFC 6591 §3.2.4: not of redacted data
        assert "dkim-canonicalized-body" not in report.fields
    assert not [name for name in spf.fields if name.startswith("dkim-")]
    # RFC 6376 §3.5: without i=
    assert one(signed().replace(b"Robin,", b"Bobin,")).one("dkim-identity") == "@example.com"


def test_the_records_of_spf() -> None:
    dmarc, _, spf = (report for _, report in mails(BROKEN, zone=ALL))
    # RFC 6591 §3.2.6: each record that was used, with its name
    expected = [
        'txt : example.com : "v=spf1 redirect=_spf.example.com"',
        'txt : _spf.example.com : "v=spf1 exp=x.example.com ip4:192.0.2.1 \\"quoted\\" -all"',
    ]
    assert spf.fields["spf-dns"] == expected
    assert dmarc.fields["spf-dns"] == expected


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision(), ["delivered"]),
        (Decision(action=Disposition.QUARANTINE, folder="Junk"), ["spam"]),
        (Decision(action=Disposition.QUARANTINE), ["delivered"]),
        (Decision(action=Disposition.REJECT), ["reject"]),
        (None, []),
    ],
)
def test_what_became_of_the_message(decision: Decision | None, expected: list[str]) -> None:
    assert one(decision=decision).fields.get("delivery-result", []) == expected


def test_a_message_that_comes_again_is_not_reported_yet() -> None:
    assert mails(decision=Decision(action=Disposition.DEFER)) == []


# -- to whom


def test_each_address_gets_one() -> None:
    addresses = [
        "f@example.com",
        "g@example.net",
        "F@EXAMPLE.com",
        "f@EXAMPLE.com",
        "x",
        "a@b\r\nBcc: c",
        "ü@example.com",
    ]
    assert [to for to, _ in mails(destinations=addresses)] == ["f@example.com", "g@example.net", "F@example.com"]
    assert mails(destinations=[]) == []


def test_no_more_than_the_limit() -> None:
    limit = RateLimit(each=2)
    found = [mails(limit=limit, at=NOW + n) for n in range(5)]
    assert [len(each) for each in found] == [1, 1, 0, 0, 0]
    report = one(limit=limit, at=NOW + 3600)
    assert report.one("incidents") == "4"
    assert "incidents" not in found[0][0][1].fields


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        (b"Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n", 0),
        (b"content-type:\r\n MULTIPART/Report\r\n", 0),
        (b"Auto-Submitted: auto-generated\r\n", 0),
        (b"Auto-Submitted: auto-replied (vacation)\r\n", 0),
        (b"Auto-Submitted: no\r\nAuto-Submitted: auto-notified\r\n", 0),
        (b"Auto-Submitted: no (really)\r\n", 1),
        (b"Content-Type: multipart/mixed; boundary=report\r\n", 1),
        (b"Subject: multipart/report\r\n", 1),
    ],
)
def test_no_report_about_a_report(fields: bytes, number: int) -> None:
    assert len(mails(fields + MAIL)) == number


def test_a_report_that_fails_is_not_reported() -> None:
    found = authenticate(MAIL, Connection(ip="192.0.2.9", helo="x", mail_from="a@example.com"), Zone(ZONE), "mx", NOW)
    for encrypt in (None, lambda entity: b"-----BEGIN PGP MESSAGE-----\n"):
        (ours, *_) = failure_reports(found, None, MAIL, **USUAL, limit=RateLimit(), encrypt=encrypt)
        spoofed = ours.message.replace(b"reports@example.org", b"reports@example.com")
        assert mails(spoofed) == []


# -- what is shown


def test_redacted_by_default() -> None:
    report = one(BROKEN)
    shown = report.third.decode()
    assert report.kind == "text/rfc822-headers"
    assert "anna" not in shown.lower()
    assert "Subject" not in shown
    assert [line.partition(":")[0] for line in shown.splitlines() if line[:1].isalpha()] == [
        *("DKIM-Signature", "From", "To", "Date"),
    ]
    hidden = Redactor(KEY).hashed("anna")
    assert report.one("original-mail-from") == f"<{hidden}@example.com>"
    assert f"From: <{hidden}@example.com>" in shown
    assert report.one("dkim-identity") == f"{hidden}@example.com"
    assert report.mail["Subject"] == "Authentication failure of mail from example.com"


def test_the_header_section_if_that_is_wanted() -> None:
    report = one(BROKEN, disclose="headers", envid="QQ-anna=example.com")
    assert report.kind == "text/rfc822-headers"
    assert report.third == BROKEN.partition(b"\r\n\r\n")[0] + b"\r\n"
    assert report.one("original-mail-from") == "<anna@example.com>"
    assert report.one("original-envelope-id") == "QQ-anna=example.com"
    assert report.one("dkim-identity") == "anna@example.com"
    assert report.mail["Subject"].split() == ["FW:", "Two", "words", "and", "a", "third"]


def test_the_whole_message_if_that_is_wanted() -> None:
    report = one(BROKEN, disclose="message")
    assert report.kind == "message/rfc822"
    assert b"Hello  Bobin" in report.third


def test_a_subject_that_is_not_ascii_stays_on_its_line() -> None:
    report = one(MAIL.replace(b"Two", "Zwei\u2028ü".encode()), disclose="headers")
    assert report.mail["Subject"].startswith("FW: Zwei")
    assert report.mail["Subject"].isascii()


def test_macros_of_spf_do_not_tell_the_local_part() -> None:
    zone: dict[str, Any] = {
        "example.com": {"TXT": ["v=spf1 include:%{l}.u.example.com include:_spf.example.com -all"]},
        "anna.u.example.com": {"TXT": ["v=spf1 include:v.example.com -all"]},
        "v.example.com": {"TXT": ["v=spf1 -all"]},
        "_spf.example.com": {"TXT": ["v=spf1 -all"]},
    }
    names = [each.split(" : ")[1] for each in one(zone=zone).fields["spf-dns"]]
    assert names == ["example.com", "_spf.example.com"]
    names = [each.split(" : ")[1] for each in one(zone=zone, disclose="headers").fields["spf-dns"]]
    assert sorted(names) == ["_spf.example.com", "anna.u.example.com", "example.com", "v.example.com"]


def test_a_key_makes_another_hash() -> None:
    first, second = Redactor(KEY), Redactor(bytes(32))
    assert first.address("anna@example.com") == first.address("anna@EXAMPLE.com.")
    assert first.hashed("anna") != second.hashed("anna")
    assert first.hashed("anna") != first.hashed("Anna")
    # A local part of RFC 5321 §4.1.2
    assert all(c.isalnum() or c in "+/" for n in range(500) for c in first.hashed(str(n)))
    assert len({first.hashed(str(n)) for n in range(500)}) == 500


def test_an_encrypted_report_tells_no_subject() -> None:
    found = authenticate(MAIL, Connection(ip="192.0.2.9", helo="x", mail_from="a@example.com"), Zone(ZONE), "mx", NOW)
    how = USUAL | {"disclose": "headers", "encrypt": lambda entity: b"-----BEGIN PGP MESSAGE-----\n\nx\n"}
    (mail, *_) = failure_reports(found, None, MAIL, **how, limit=RateLimit())
    assert b"Two" not in mail.message


# -- what cannot be used


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ({"key": b"short"}, "token_bytes"),
        ({"key": b"x" * 65}, "token_bytes"),
        ({"key": "x" * 32}, "token_bytes"),
        ({"disclose": "all"}, "'redacted', 'headers' or 'message'"),
        ({"at": "now"}, "at='now'"),
        ({"at": 10**14}, "years 1 to 9999"),
        ({"reporter": Reporter(org_name="x", email="x")}, "cannot be written"),
        ({"authserv_id": ""}, "authserv_id"),
    ],
)
def test_what_cannot_be_used(how: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        mails(**how)


# -- the work


def filled(make: Callable[[int], bytes], size: int) -> Message:
    return Message.parse(b"".join(make(size)[:size] + b"\r\n" for _ in range(3)))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda n: b"To: " + b'"\\' * n, id="quotations"),
        pytest.param(lambda n: b"To: " + b'"' * n, id="quotation marks"),
        pytest.param(lambda n: b"To: " + b"@" * n, id="at signs"),
        pytest.param(lambda n: b"To: " + b"a@b.example," * n, id="addresses"),
        pytest.param(lambda n: b"Received: " + b"(" * n, id="comments"),
        pytest.param(lambda n: b"Received: " + b"from by with " * n, id="clauses"),
        pytest.param(lambda n: b"Received: " + b"from" + b" " * n, id="white space"),
        pytest.param(lambda n: b"Date: " + b"1 " * n, id="numbers"),
        pytest.param(lambda n: b"Date: 1" + b" " * n, id="spaces in a date"),
        pytest.param(lambda n: b"DKIM-Signature: " + b"b=a;" * n, id="tags"),
        pytest.param(lambda n: b"Content-Type: " + b" " * n, id="spaces in a type"),
    ],
)
def test_redaction_grows_with_the_message(make: Callable[[int], bytes]) -> None:
    redactor = Redactor(KEY)
    small, large = (filled(make, size) for size in (SMALL, SMALL * TIMES))
    assert grows(lambda: partial(redacted, small, redactor), lambda: partial(redacted, large, redactor)) < GROWTH
