"""Failure reports of hostile messages: nothing that is hidden gets out, and other readers find the parts."""

from __future__ import annotations

import base64
import json
import quopri
import random
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.arf import Arf, read_arf
from support.signing import MAIL, NOW, key_zone, signed

from mailauth import Connection, authenticate
from mailauth.policy import Decision
from mailauth.reports.failure_mails import Disclosure, failure_reports
from mailauth.reports.ratelimit import RateLimit
from mailauth.reports.values import Reporter
from mailauth.testing import Zone

REPORTER = Reporter(org_name="Example", email="reports@example.org")
ZONE: dict[str, Any] = {
    # Names that hold the local part (RFC 7208 §7.2)
    "example.com": {
        "TXT": ["v=spf1 include:%{l}.spf.example.com include:_spf.example.com exists:%{l}.example.com -all"]
    },
    "_spf.example.com": {"TXT": ["v=spf1 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=none; fo=1:d:s; ruf=mailto:f@example.com"]},
    **key_zone(),
}
THREE = ["text/plain", "message/feedback-report"]


def reports(
    raw: bytes, path: str = "anna@example.com", envid: str = "", disclose: Disclosure = "redacted", shown: bytes = b""
) -> list[bytes]:
    """Return the reports of a message that fails all that can be failed."""
    local = path.rpartition("@")[0].lower()
    macros = {f"{local}.spf.example.com": {"TXT": ["v=spf1 -all"]}} if local.isalnum() and local.isascii() else {}
    connection = Connection(ip="192.0.2.9", helo="mx.example.net", mail_from=path)
    found = authenticate(raw, connection, Zone(ZONE | macros), "mx.example.org", NOW)
    how: dict[str, Any] = {"authserv_id": "mx.example.org", "at": NOW, "key": b"k" * 16, "reporter": REPORTER}
    mails = failure_reports(
        found,
        Decision(),
        shown or raw,
        destinations=["f@example.com"],
        limit=RateLimit(),
        disclose=disclose,
        envid=envid,
        **how,
    )
    return [mail.message for mail in mails]


# -- what is hidden


@dataclass
class Secrets:
    """Local parts that were put into a message, in forms that differ."""

    chance: random.Random
    made: list[str] = field(default_factory=list)

    def local(self) -> str:
        stem = "zq" + "".join(self.chance.choices("abcdefghjkmnpqrstuvwx", k=8))
        self.made.append(stem)
        return stem

    def text(self, kind: str) -> str:
        """Return a local part, an address, or an encoded-word (RFC 2047) that is an address."""
        chance = self.chance
        if kind == "WORD":
            octets = self.text("ADDRESS").encode()
            if chance.random() < 0.5:
                return f"=?utf-8?b?{base64.b64encode(octets).decode()}?="
            return f"=?utf-8?q?{quopri.encodestring(octets, header=True).decode()}?="
        local = chance.choice(FORMS).format(self.local(), self.local())
        return local if kind == "LOCAL" else f"{local}@{chance.choice(DOMAINS)}"

    def filled(self, template: str) -> str:
        return re.sub("LOCAL|ADDRESS|WORD", lambda match: self.text(match[0]), template)


FORMS = [
    "{0}",
    "{0}.{1}",
    "{0}+{1}",
    '"{0} {1}"',
    '"{0}@{1}"',
    "{0}={1}",
    "{0}%{1}",
    "{0}ü",
    "{0}(c){1}",
    '"{0}\\"{1}"',
]
DOMAINS = ["example.com", "a.example.net", "b.example", "bücher.example", "x.example."]
OF_ADDRESSES = (
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Sender",
    "Return-Path",
    "Bcc",
    "Resent-To",
    "Delivered-To",
    "Errors-To",
)
PLACES = [
    *(f"{name}: ADDRESS" for name in OF_ADDRESSES),
    *(f"{name}: LOCAL WORD <ADDRESS> (ADDRESS)" for name in OF_ADDRESSES),
    "To: LOCAL: ADDRESS, ADDRESS;\r\n\tLOCAL @ example.com, <@a.example,@b.example:ADDRESS>",
    "cc : WORD WORD@example.com, LOCAL@[192.0.2.1], LOCAL@x, LOCAL@",
    "To: LOCAL@(LOCAL)example.com, ADDRESS@ADDRESS, 'ADDRESS', mailto:ADDRESS?cc=ADDRESS",
    'From: "LOCAL, LOCAL" <ADDRESS>, "ADDRESS',
    f"To: {'x' * 4000}, ADDRESS, {'y' * 70}ADDRESS, ADDRESS",
    "Received: from ADDRESS (HELO LOCAL) (ADDRESS@x.example [192.0.2.1]) by ADDRESS (LOCAL) for <ADDRESS>; LOCAL",
    "Received: from a.example (as LOCAL (by b.example LOCAL)) by c.example with ESMTPA\r\n\tid LOCAL; LOCAL",
    "Received: by c.example envelope-from <ADDRESS>; Mon, 02 Nov 2026 09:28:00 +0000 (LOCAL)",
    "Message-ID: <ADDRESS> LOCAL",
    "References: <ADDRESS>\r\n <ADDRESS>",
    "Subject: LOCAL ADDRESS",
    "Date: Mon, 02 Nov 2026 09:28:00 +0000 (LOCAL)",
    "List-Unsubscribe: <mailto:u-LOCAL@example.com>, <https://example.com/?u=LOCAL>",
    "List-Id: LOCAL <LOCAL.example.com>",
    "Return-Path: <bounce-LOCAL=example.org@example.com>",
    "X-LOCAL: LOCAL",
    "ADDRESS: LOCAL",
    "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; i=ADDRESS; z=From:ADDRESS|To:LOCAL; h=from; n=LOCAL",
    "DKIM-Signature: bh=ADDRESS; b=ADDRESS; LOCAL=LOCAL; h=from:ADDRESS; d=ADDRESS; s=ADDRESS",
    "DKIM-Signature: i=LOCAL; v=LOCAL; c=LOCAL/simple; t=LOCAL; a=LOCAL",
    "Authentication-Results: mx.example.org; auth=pass smtp.auth=LOCAL; spf=pass smtp.mailfrom=ADDRESS",
    "ARC-Authentication-Results: i=1; mx.example.org; dkim=pass header.i=ADDRESS",
    'Content-Type: text/plain; name="LOCAL.pdf"; charset=LOCAL',
    "Content-Type: text/ADDRESS; boundary=LOCAL",
    "Content-Transfer-Encoding: LOCAL",
    "Precedence: ADDRESS",
    "MIME-Version: 1.0 (LOCAL)",
    "From ADDRESS Mon Nov  2 09:28:00 2026",
    " ADDRESS",
]


def message(secrets: Secrets, chance: random.Random) -> bytes:
    templates = chance.choices(PLACES, k=chance.randrange(1, 25))
    # Most have one author; an odd From takes the verdict away, and with it the report
    if chance.random() < 0.9:
        templates = [each for each in templates if not each.startswith("From")]
    fields = [secrets.filled(each) for each in templates]
    own = [f"From: {secrets.local()} <{secrets.local()}@example.com>", f"To: {secrets.text('ADDRESS')}"]
    fields[chance.randrange(len(fields) + 1) : 0] = own
    body = secrets.filled("\r\n\r\nADDRESS LOCAL\r\n")
    raw = "\r\n".join(fields).encode() + body.encode()
    if chance.random() < 0.5:
        identity = {"i": f"{secrets.local()}@example.com"}
        raw = signed(raw, tags=identity).replace(b"\r\n\r\n", b"\r\n\r\nx", 1)
    return raw.replace(b"\r\n", b"\n") if chance.random() < 0.1 else raw


@pytest.mark.parametrize("seed", range(40))
def test_no_local_part_gets_out(seed: int) -> None:
    chance = random.Random(seed)
    written = 0
    for _ in range(25):
        secrets = Secrets(chance)
        raw = message(secrets, chance)
        path = f"{secrets.local()}@example.com" if chance.random() < 0.5 else secrets.text("ADDRESS")
        for octets in reports(raw, path, envid=secrets.text("ADDRESS")):
            written += 1
            shown = octets.lower()
            for secret in secrets.made:
                assert secret.encode() not in shown, raw
                assert base64.b64encode(secret.encode())[:12].lower() not in shown, raw
            assert octets.isascii()
            read_arf(octets)
    assert written > 10


def test_what_is_shown_is_worth_reading() -> None:
    (report, *_) = reports(signed(tags={"i": "anna@example.com"}).replace(b"Robin,", b"Bobin,"))
    found = read_arf(report)
    shown = found.third.decode()
    assert "d=example.com;" in shown
    assert "Date: Mon, 02 Nov 2026 09:28:00 +0000" in shown
    sender, identity = (found.one(name) for name in ("original-mail-from", "dkim-identity"))
    # RFC 6590 §3: the same is the same everywhere
    assert sender == f"<{identity}>"
    assert f"From: {sender}" in shown
    assert "@example.org>" in shown
    # Only records that are named by the domain and by other records
    assert [each.split(" : ")[1] for each in found.fields["spf-dns"]] == ["example.com", "_spf.example.com"]


# -- what is well-formed


def multipart(*boundaries: str) -> bytes:
    heads = "".join(f'Content-Type: multipart/mixed; boundary="{each}"\r\n\r\n--{each}\r\n' for each in boundaries)
    return MAIL.partition(b"\r\n\r\n")[0] + b"\r\n" + heads.encode() + b"\r\ntext\r\n"


HOSTILE = {
    "many fields": b"X: y\r\n" * 10**5 + MAIL,
    "many addresses": b"To: " + b"a@example.com, " * 10**5 + b"a@example.com\r\n" + MAIL,
    "many Received": b"Received: from a.example by b.example; x\r\n" * 10**5 + MAIL,
    "a large body": MAIL + b"line\r\n" * 10**6,
    "a long line": MAIL + b"x" * 10**6,
    "NUL": MAIL.replace(b"Anna", b"An\0na").replace(b"Hello", b"He\0llo") + b"\0",
    "bare CR": MAIL.replace(b"Two", b"T\rwo").replace(b"Hello", b"He\rllo") + b"\r",
    "bare LF": MAIL.replace(b"Hello", b"He\nllo") + b"\n.\n",
    "LF only": MAIL.replace(b"\r\n", b"\n"),
    "no body": MAIL.partition(b"\r\n\r\n")[0],
    "no line end": MAIL.rstrip(),
    "8-bit": MAIL.replace(b"Two", b"\xfc\xff") + bytes(range(256)),
    "EAI": MAIL.replace(b"Anna", "Änna".encode()),
    "boundaries": MAIL + b"--=_\r\n--\r\n--=_x--\r\n\r\n----\r\n",
    "a report in it": MAIL + b"\r\n".join(reports(MAIL)[:1]),
    "no end of a multipart": multipart("x"),
    "multiparts": multipart("x", "x", "", "--", "=_"),
    "deep": multipart(*(f"b{n}" for n in range(50))),
    "a broken field": b"no colon\r\n" + MAIL,
    "an mbox line": b"From a@example.com Mon Nov  2 09:28:00 2026\r\n" + MAIL,
    "a dot": MAIL + b".\r\nQUIT\r\n",
    "a base64 part": MAIL.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1),
}
WAYS: list[Disclosure] = ["redacted", "headers", "message"]


@pytest.fixture(scope="module")
def written() -> dict[tuple[str, Disclosure], bytes]:
    # With the verdict of another message: DMARC finds no author in most of these, and then nobody is told
    return {(name, way): reports(MAIL, shown=raw, disclose=way)[0] for name, raw in HOSTILE.items() for way in WAYS}


def test_python_finds_the_three_parts(written: dict[tuple[str, Disclosure], bytes]) -> None:
    for (name, way), octets in written.items():
        found = read_arf(octets)
        assert found.one("auth-failure") == "dmarc", name
        assert way == "message" or found.kind == "text/rfc822-headers"
        assert len(octets) < 10**6
        for line in octets.split(b"\r\n"):
            assert len(line) <= 998
            assert not {0, 10, 13} & set(line)
    kinds = {name: read_arf(written[name, "message"]).kind for name, _ in written}
    assert {kinds["a dot"], kinds["boundaries"], kinds["multiparts"], kinds["no body"]} == {"message/rfc822"}
    assert {kinds["EAI"], kinds["8-bit"], kinds["bare LF"], kinds["a large body"]} == {"text/rfc822-headers"}


def test_gmime_finds_the_three_parts(written: dict[tuple[str, Disclosure], bytes]) -> None:
    python = "/usr/bin/python3"
    probe = "import gi; gi.require_version('GMime', '3.0')"
    if not Path(python).exists() or subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip("not installed: apt-get install python3-gi gir1.2-gmime-3.0")
    reader = Path(__file__).parent / "readers" / "gmime_parts.py"
    lines = b"".join(base64.b64encode(octets) + b"\n" for octets in written.values())
    answers = subprocess.run([python, str(reader)], input=lines, capture_output=True, check=True).stdout.splitlines()
    for (pair, octets), answer in zip(written.items(), answers, strict=True):
        kind, parts = json.loads(answer)
        ours: Arf = read_arf(octets)
        assert kind == "multipart/report", pair
        assert [each for each, _ in parts] == [*THREE, ours.kind], pair
        fields = base64.b64decode(parts[1][1]).decode()
        assert f"Auth-Failure: {ours.one('auth-failure')}\r\n" in fields
        if ours.kind == "text/rfc822-headers":
            assert base64.b64decode(parts[2][1]).replace(b"\r\n", b"\n") == ours.third.replace(b"\r\n", b"\n"), pair
