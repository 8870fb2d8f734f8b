# ruff: noqa: E501  the tables have one case to a line
"""One Received field, in the forms of many servers; what the client said is never what the server saw."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import pytest
from support.trace import AROUND, OTHER

from mailauth.saved import Hop
from mailauth.saved.clauses import MAX_OCTETS
from mailauth.saved.received import parse

IP = "192.0.2.10"
DATE = "; Mon, 02 Nov 2026 09:30:00 +0000"


def read(text: str) -> Hop:
    return parse(f" {text}{DATE}".encode())


# form: what the server wrote, the HELO name, the name it looked up, the address
FORMS: dict[str, tuple[str, str | None, str | None, str | None]] = {
    "Postfix": (
        ("from out.example.com (host.example.net [192.0.2.10])\r\n\t(using TLSv1.3 with cipher X (256/256 bits))\r\n"
        "\t(No client certificate requested)\r\n\tby mx.example.org (Postfix) with ESMTPS id 4X1\r\n"
        "\tfor <bo@example.org>"),
        "out.example.com", "host.example.net", IP,
    ),
    "Postfix, no name": ("from x (unknown [192.0.2.10]) by mx.example.org (Postfix) with ESMTP id 1", "x", None, IP),
    "Postfix, a name like a word": (
        "from x (user-1.example.net [192.0.2.10]) by mx.example.org (Postfix) with ESMTP id 1",
        "x", "user-1.example.net", IP,
    ),
    "Postfix, IPv6": (
        "from x (x.example [IPv6:2001:db8::25]) by mx.example.org (Postfix) with ESMTP id 1",
        "x", "x.example", "2001:db8::25",
    ),
    "Postfix, XFORWARD without address": ("from x (unknown [unknown]) by mx (Postfix) with ESMTP id 1", "x", None, None),
    "Postfix, port": ("from x (x.example [192.0.2.10]:4711) by mx (Postfix) with ESMTP id 1", "x", "x.example", IP),
    "Sendmail": (
        "from out.example.com (host.example.net [192.0.2.10] (may be forged)) by mx (8.18.1/8.18.1) with ESMTP id 1",
        "out.example.com", "host.example.net", IP,
    ),
    "Sendmail, ident": (
        "from x (IDENT:anna@host.example.net [192.0.2.10]) by mx (8.18.1/8.18.1) with ESMTP id 1",
        "x", "host.example.net", IP,
    ),
    "Sendmail, ident without a name": ("from x (anna@[192.0.2.10]) by mx (8.18.1/8.18.1) with ESMTP id 1", "x", None, IP),
    "Exim": (
        "from host.example.net ([192.0.2.10] helo=out.example.com) by mx with esmtps (TLS1.3) (Exim 4.97) id 1r",
        "out.example.com", "host.example.net", IP,
    ),
    "Exim, port and ident": (
        "from host.example.net ([192.0.2.10]:4711 helo=x ident=anna) by mx with esmtp (Exim 4.97) id 1r",
        "x", "host.example.net", IP,
    ),
    "Exim, HELO is the name": (
        "from out.example.com ([192.0.2.10]) by mx with esmtp (Exim 4.97) id 1r",
        "out.example.com", "out.example.com", IP,
    ),
    "Exim, no name": ("from [192.0.2.10] (helo=out.example.com) by mx with esmtp (Exim 4.97)", "out.example.com", None, IP),
    "Exim, no name, port": ("from [192.0.2.10] (port=1 helo=x ident=y) by mx with esmtp (Exim 4)", "x", None, IP),
    "Exim, no name, no HELO": ("from [192.0.2.10] (port=4711) by mx with smtp (Exim 4.97) id 1r", None, None, IP),
    "Exim, IPv6": ("from [2001:db8::25] (helo=x) by mx with esmtp (Exim 4.97) id 1r", "x", None, "2001:db8::25"),
    "Exchange": (
        ("from out.example.com (192.0.2.10) by ex.example.org\r\n (10.0.0.3) with Microsoft SMTP Server "
        "(version=TLS1_2, cipher=X) id 15.20.9.1 via Frontend Transport"),
        "out.example.com", None, IP,
    ),
    "Microsoft SMTPSVC": (
        "from x ([192.0.2.10] RDNS failed) by mx with Microsoft SMTPSVC(6.0.3790.0)", "x", None, IP,
    ),
    "Gmail": (
        "from out.example.com (host.example.net. [192.0.2.10]) by mx.google.example with ESMTPS id a1si1",
        "out.example.com", "host.example.net", IP,
    ),
    "Gmail, HELO literal": ("from [10.0.0.9] ([192.0.2.10]) by smtp.google.example with ESMTPSA id a1", "[10.0.0.9]", None, IP),
    "Amazon SES": (
        "from out.example.com (out.example.com [192.0.2.10]) by inbound-smtp.example.org with SMTP id abc",
        "out.example.com", "out.example.com", IP,
    ),
    "Yahoo": ("from 192.0.2.10 (EHLO out.example.com) by atlas7.example.org pod-id NONE with SMTPS", "out.example.com", None, IP),
    "Yahoo, older": ("from 127.0.0.1  (EHLO x) (192.0.2.10)\r\n  by mta1.example.org with SMTPS", "x", None, IP),
    "qmail": ("from unknown (HELO out.example.com) (192.0.2.10) by mx with SMTP", "out.example.com", None, IP),
    "qmail, name": ("from host.example.net (HELO x) (192.0.2.10) by mx with SMTP", "x", "host.example.net", IP),
    "qmail, ident": ("from host.example.net (HELO x) (anna@192.0.2.10) by mx with SMTP", "x", "host.example.net", IP),
    "qmail, HELO is the name": ("from x.example (192.0.2.10) by mx with SMTP", "x.example", None, IP),
    "netqmail with TLS": ("from unknown (HELO x) (192.0.2.10) by mx with (AES256 encrypted) SMTP", "x", None, IP),
    "s/qmail": ("from host.example.net (HELO x) (2001:db8::25) by mx with ESMTPS", "x", "host.example.net", "2001:db8::25"),
    "qmail-ldap": ("from unknown (HELO [10.1.1.1]) ([192.0.2.10]) (envelope-sender <a@x>) by mx with SMTP", "[10.1.1.1]", None, IP),
    "qpsmtpd": ("from unknown (HELO x) (192.0.2.10)\r\n by mx (qpsmtpd/0.96) with ESMTP", "x", None, IP),
    "IronPort": ("from host.example.net (HELO x) ([192.0.2.10])\r\n by esa with ESMTP/TLS/X", "x", "host.example.net", IP),
    "CommuniGate Pro": ("from [192.0.2.10] (HELO x) by mx (CommuniGate Pro SMTP 6.2) with ESMTPS id 1", "x", None, IP),
    "CommuniGate Pro, verified": ("from x.example ([192.0.2.10] verified) by mx with ESMTP id 1", "x.example", None, IP),
    "CommuniGate Pro, account": ("from [192.0.2.10] (account a@x HELO [10.0.0.1]) by mx with ESMTPSA id 1", "[10.0.0.1]", None, IP),
    "GMX": ("from host.example.net (EHLO x) [192.0.2.10] by mail.gmx.example (mp033) with SMTP", "x", "host.example.net", IP),
    "zmailer": (
        'from host.example.net ([192.0.2.10]:4711 "EHLO x.example") by vger.example.org with ESMTP id S1',
        "x.example", "host.example.net", IP,
    ),
    "chasquid": ("from [192.0.2.10] (x.example)\r\n by mx (chasquid) with ESMTPS\r\n (over TLS 1.3, X)", "x.example", None, IP),
    "chasquid, HELO literal": (
        f"from [192.0.2.10] ([{OTHER}])\r\n by mx (chasquid) with ESMTPS id 1", f"[{OTHER}]", None, IP,
    ),
    "OpenSMTPD": ("from x.example (<unknown> [192.0.2.10])\r\n by mx (OpenSMTPD) with ESMTPS id 1", "x.example", None, IP),
    "Haraka": ("from x.example (NXDOMAIN [192.0.2.10]) by mx (Haraka/3.0) with ESMTPS id 1.1", "x.example", None, IP),
    "Stalwart": (
        ("from x.example (host.example.net [192.0.2.10])\r\n (using TLSv1_3 with cipher X)\r\n"
        " by mx (Stalwart SMTP) with ESMTPS id 1"),
        "x.example", "host.example.net", IP,
    ),
    "MDaemon": ("from x.example (host.example.net [192.0.2.10]) by mx (MDaemon PRO v21) with ESMTPS id md1", "x.example", "host.example.net", IP),
    "MDaemon, no address": ("from x.example by mx (MDaemon PRO v9.0.1) with ESMTP id md5.msg", "x.example", None, None),
    "hMailServer": ("from x.example (Unknown [192.0.2.10]) by mx with ESMTPSA", "x.example", None, IP),
    "IBM Domino": ("from x.example ([192.0.2.10]) by mx (IBM Domino Release 9) with ESMTP id 2026-1", "x.example", None, IP),
    "iCloud": ("from x.example (x.example [192.0.2.10]) by p00-mta (Postfix) with ESMTPS id 1", "x.example", "x.example", IP),
    "Courier": ("from x.example (softdnserr [::ffff:192.0.2.10]) by mx with esmtp", "x.example", None, IP),
    "XMail": ("from x.example ([192.0.2.10]:4711) by mx with [XMail 1.27 ESMTP Server] id <S1> for <b@y> from <a@x>", "x.example", None, IP),
    "web mail": ("from 192.0.2.10 (SquirrelMail authenticated user anna); by www with HTTP", None, None, IP),
    "Cyrus": ("from mx ([unix socket]) by mx (Cyrus 3.4) with LMTPA", "mx", None, None),
    "Dovecot": ("from mx.example.org ([10.0.0.2]) by store with LMTP id 1", "mx.example.org", None, "10.0.0.2"),
    "fetchmail": ("from imap.example.org [192.0.2.10] by laptop with IMAP (fetchmail-6.4.37)", None, None, None),
    "getmail": ("from pop.example.org by laptop with POP3 getmail6", "pop.example.org", None, None),
    "Exchange, mapi": ("from EX1 ([fe80::1]) by EX1 ([fe80::1%9]]) with mapi id 15.20.1.1", "EX1", None, "fe80::1"),
    "zone": ("from gw (gw.example [IPv6:fe80::1%eth0]) by mx with ESMTP id 1", "gw", "gw.example", "fe80::1"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_forms(form: str) -> None:
    text, helo, reverse, ip = FORMS[form]
    hop = read(text)
    assert hop.problem is None
    assert (hop.helo, hop.reverse, hop.ip and str(hop.ip)) == (helo, reverse, ip)
    assert hop.date == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("form", FORMS)
def test_case_and_folding_do_not_matter(form: str) -> None:
    text = FORMS[form][0]
    folded = text.replace(" by ", "\r\n\tBY\r\n\t").replace(" with ", "\r\n With ").replace("from ", "FROM\t", 1)
    assert read(folded) == read(" ".join(text.split()))


def test_a_form_whose_writer_compares_names_and_addresses() -> None:
    confirmed = {form for form in FORMS if read(FORMS[form][0]).confirmed}
    assert confirmed == {
        *("Postfix", "Postfix, a name like a word", "Postfix, IPv6", "Postfix, port", "Sendmail, ident", "iCloud"),
        *("Exim", "Exim, port and ident", "Exim, HELO is the name"),
    }


# What a client may say; a server that neutralises nothing writes it as it is
SAID = [
    "[192.0.2.1]", "192.0.2.1", "x([192.0.2.1])", "x ([192.0.2.1])", "x (y [192.0.2.1])", "[192.0.2.1] (x)", "x) ([192.0.2.1]",
    "x) (192.0.2.1", "x (192.0.2.1)", "x [192.0.2.1]", "a@192.0.2.1", "x (y [192.0.2.1]) by mx (Postfix) with ESMTP id 1; date",
    "x (y [192.0.2.1]) by mx (", 'x (y [192.0.2.1]) by mx "', "x (y [192.0.2.1]", "x\\", "x with LMTP", "by", "from", "with", "id",
    "x (EHLO y) ([192.0.2.1])", "x helo=[192.0.2.1]", "([192.0.2.1]) id", "([192.0.2.1]) via", "(x [192.0.2.1]) with", "x(y)[192.0.2.1]", "x(y))[192.0.2.1]\\", "x(y)) [192.0.2.1]\\", "()", "x; y", "[192.0.2.1] helo=x", "HELO", "(", ")", '"', "", "for x from y",
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("said", SAID)
def test_what_the_client_says_is_not_the_client(around: str, said: str) -> None:
    if around.startswith("chasquid"):
        # chasquid takes the first word; with more of them the form is that of Postfix
        said = (said.split() or [""])[0]
    hop = read(AROUND[around].replace("{}", said))
    assert hop.ip is None or str(hop.ip) == OTHER
    # nor does it make the hop one of another kind
    assert hop.name is not None or hop.problem is not None
    assert "LMTP" not in (hop.protocol or "")


@pytest.mark.parametrize(
    "text",
    [
        "from [192.0.2.1] by mx.example.org with SMTP",  # HELO, or the client?
        "from [192.0.2.1] ([203.0.113.66]) by mx.example.org with ESMTPS",  # which is which?
        "from [192.0.2.1] (host.example.net) by mx.example.org (LSMTP) with SMTP id 1",
        "from x (203.0.113.66) (192.0.2.1) by mx.example.org with SMTP",
        "from x (y 192.0.2.1) by mx.example.org with SMTP",
        "from x [192.0.2.1] (host.example.net) by mx.example.org with SMTP id 1",
        "from 192.0.2.1 (helo=x.example [203.0.113.66]) by mx.example.org with SMTP id 1",
        "from (192.0.2.1) (helo=x.example [203.0.113.66]) by mx.example.org with SMTP id 1",
        "from x ([192.0.2.1] [203.0.113.66]) by mx.example.org with SMTP id 1",
        "from [203.0.113.66] (helo=x y) (192.0.2.1) by mx.example.org with esmtp (Exim 4.97) id 1r",
        "from x y (z [192.0.2.1]) by mx.example.org with SMTP",
        "from x (envelope-from [192.0.2.1]) by mx.example.org with SMTP",
        "from x (Authenticated sender: [192.0.2.1]) by mx.example.org with SMTP",
        "from x ([192.0.2.999]) by mx.example.org with SMTP",
        "from x by mx.example.org ([192.0.2.1]) with SMTP id 192.0.2.1",
    ],
)
def test_what_is_left_open(text: str) -> None:
    hop = read(text)
    assert hop.problem is None
    assert hop.ip is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("from x (y", "not closed"),
        ('from x "y', "not closed"),
        ("from x) by y", "not opened"),
        ('from x by y for "a(b"@example.org', "inside a quoted string"),
        ("from x " + "(" * 30 + ")" * 30, "too deeply"),
        ("from x by y by z", "more than once"),
        ("from x from y", "more than once"),
        ("by y from x", "wrong place"),
        ("from x with LMTP by y", '"by" more than once, or in a wrong place'),
        ("from x id by y", "wrong place"),
        ("from x via SMTP by y", "wrong place"),
        ("from x with SMTP", 'no "by"'),
        ("x from y", "before any clause"),
        ("from " + "x" * MAX_OCTETS, "longer than"),
    ],
)
def test_what_is_not_read(text: str, problem: str) -> None:
    hop = read(text)
    assert problem in (hop.problem or "")
    assert hop == Hop(problem=hop.problem)


def test_the_other_clauses() -> None:
    hop = read(
        "from x (x.example [192.0.2.10]) by mx.example.org (Postfix) with UTF8SMTPS id <a@b>\r\n"
        " for <bo@example.org> (two of them) (envelope-from <anna@example.com>)"
    )
    found = (hop.name, hop.by, hop.protocol, hop.id, hop.recipient, hop.mail_from)
    assert found == ("x", "mx.example.org", "UTF8SMTPS", "a@b", "bo@example.org", "anna@example.com")
    assert read("by 2001:db8::1 with SMTP id x10csp98").name is None
    date = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    assert read("(qmail 1 invoked from network)") == Hop(date=date)
    assert read("(qmail 1 invoked by uid 2)") == Hop(date=date)
    assert read("(qmail 1 invoked by uid 1002)") == Hop(date=date, local=True)
    assert read("from  ([192.0.2.10]) by mx with SMTP").name == ""
    assert read('from x by y for <"a b"@example.org>').recipient == '"a b"@example.org'
    assert read("from x (helo=) by y").helo is None


def test_white_space_of_unicode_is_part_of_a_name() -> None:
    """Postfix accepts UTF-8 in EHLO, and replaces all that is grammar, but not these."""
    for said in ("é\u00a0[192.0.2.1]", "\u2003", "x\u2028y", "\x0b", "\x1c"):
        hop = read(f"from {said} (host.example.net [192.0.2.10]) by mx.example.org (Postfix) with UTF8SMTP id 1")
        assert (hop.problem, str(hop.ip), hop.helo, hop.reverse) == (None, IP, said, "host.example.net")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Mon, 02 Nov 2026 01:30:05 -0800 (PST)", datetime(2026, 11, 2, 9, 30, 5, tzinfo=UTC)),
        ("2 Nov 2026 09:30:00 -0000", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        ("Mon, 2 Nov 26 09:30 GMT (envelope-from <x>)", datetime(2026, 11, 2, 9, 30, tzinfo=UTC)),
        ("Mon, 02 Nov 2026 09:30:00", None),
        ("Mon, 02 Nov 2026 25:30:00 +0000", None),
        ("Mon, 02 Nov 99999 09:30:00 +0000", None),
        ("yesterday", None),
        ("", None),
        ("9" * 3000, None),
    ],
)
def test_the_date(text: str, date: datetime | None) -> None:
    found = parse(f"from x; by y; {text}".encode()).date
    assert found == date
    assert found is None or found.utcoffset() in (timedelta(0), timedelta(hours=-8))


def test_a_date_that_the_client_said() -> None:
    """A server that writes no date leaves a HELO name the last semicolon."""
    hop = parse(b"from x; Mon, 02 Nov 2020 09:30:00 +0000 (y [192.0.2.1]) by mx.example.org with ESMTP")
    assert hop == Hop(problem='there is no "by"')


# --- work -----------------------------------------------------------------------------------------------------------


def steps(octets: bytes) -> int:
    """Return how many bytecodes run in the reader for a field."""
    count = 0

    def each(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "/saved/" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return each

    previous = sys.gettrace()
    sys.settrace(each)
    try:
        parse(octets)
    finally:
        sys.settrace(previous)
    return count


PIECES = [
    *(
        "(",
        ")",
        "()",
        "(a)",
        '"',
        '"a"',
        "\\",
        ";",
        "; ",
        "a",
        "a ",
        "a(b)",
        "[",
        "[1.2.3.4] ",
        "([1.2.3.4])",
        "(a [1.2.3.4])",
    ),
    *(
        "(HELO x)",
        "helo=",
        "(helo=x)",
        "@",
        "a@",
        ".",
        "1.",
        ":",
        "for x from y ",
        "id x ",
        "via y ",
        "((a))",
        "é",
        "\0",
        "\r\n ",
    ),
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", ["", "from x ", "from x (", "from x by y; "])
def test_twice_the_field_is_twice_the_work(start: str, piece: str) -> None:
    half = MAX_OCTETS // 4 // len(piece.encode())
    small, large = (steps((start + piece * times).encode()) for times in (half, 2 * half))
    assert large <= 2.2 * small + 200
    assert steps((start + piece * 100 * half).encode()) < 1000
