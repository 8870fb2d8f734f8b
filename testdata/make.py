"""Make the project's own test messages, the DNS zone of each and what every check must say about them.

    python testdata/make.py [FOLDER]

writes FOLDER (default: `messages` beside this file) anew, byte for byte the same each time: dates are fixed, RSA
PKCS#1 v1.5 and Ed25519 signatures are deterministic, and the keys in `keys/` are kept (one is generated only where
its file is missing). Needs dkimpy, authres, PyNaCl and cryptography; a new RSA-512 key also needs the `openssl` tool.

Messages are signed and sealed by dkimpy, so nothing here comes from the library under test. `Case` states the
expectations, which follow from how a message was made. `check()` lets dkimpy verify each signature and chain over
the zone, at the case's own time, and stops at the first surprise. The keys are test keys: never use them.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

HERE = Path(__file__).resolve().parent
KEYS = HERE / "keys"
NOW = int(datetime(2026, 11, 2, 9, 30, tzinfo=UTC).timestamp())  # a Monday: when our server took the message
SENT = NOW - 120
DAY = 86_400

Zone = dict[str, Any]

# --- keys ------------------------------------------------------------------------------------------------------------

AUTHOR, LIST, OTHER = "rsa2048-author", "rsa2048-list", "rsa2048-other"
OLD, WEAK = "rsa1024-old", "rsa512-weak"
AUTHOR_ED, OTHER_ED = "ed25519-author", "ed25519-other"


def make_key(name: str) -> bytes:
    """Return a new private key in PEM; the name says which kind."""
    if name.startswith("ed25519"):
        return ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    bits = int(name.partition("-")[0].removeprefix("rsa"))
    if bits < 1024:  # cryptography refuses to make one
        return subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], check=True, capture_output=True).stdout
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def pem(name: str) -> bytes:
    """Return the kept private key, made first where there is none."""
    path = KEYS / f"{name}.pem"
    if not path.exists():
        KEYS.mkdir(exist_ok=True)
        path.write_bytes(make_key(name))
    return path.read_bytes()


def key_record(name: str) -> dict[str, Any]:
    """Return the TXT records that publish a key: one, in character-strings of at most 255 octets."""
    public = load_pem_private_key(pem(name), None).public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        kind, data = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind, data = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"v=DKIM1; k={kind}; p={base64.b64encode(data).decode()}"
    parts = [text[n : n + 255] for n in range(0, len(text), 255)]
    return {"TXT": [parts if len(parts) > 1 else text]}


def signing_key(name: str) -> bytes:
    """Return a private key as dkimpy takes it: PEM for RSA, the seed in base64 for Ed25519."""
    if not name.startswith("ed25519"):
        return pem(name)
    key = load_pem_private_key(pem(name), None)
    return base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


# --- messages --------------------------------------------------------------------------------------------------------


def crlf(text: str) -> bytes:
    """Return text as it travels: UTF-8, CRLF line ends."""
    return text.encode().replace(b"\n", b"\r\n")


def mail(headers: str, body: str) -> bytes:
    """Return a message of header lines and body."""
    return crlf(headers.strip("\n") + "\n\n" + body.removeprefix("\n"))


def date(at: int) -> str:
    """Return a Date field's value."""
    return format_datetime(datetime.fromtimestamp(at, UTC))


def plain(
    sender: str,
    subject: str,
    tag: str,
    body: str,
    *,
    to: str = "Robin Reader <robin@example.org>",
    at: int = SENT - 60,
) -> bytes:
    """Return a text/plain message; the tag makes its Message-ID."""
    domain = sender.rpartition("@")[2].rstrip(">")
    headers = f"""
From: {sender}
To: {to}
Subject: {subject}
Date: {date(at)}
Message-ID: <{datetime.fromtimestamp(at, UTC):%Y%m%d}.{tag}@{domain}>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
"""
    return mail(headers, body)


def received(message: bytes, helo: str, ip: str, by: str, at: int, *, to: str, protocol: str = "ESMTPS") -> bytes:
    """Prepend the trace field of the host that took the message."""
    literal = f"IPv6:{ip}" if ":" in ip else ip
    head = f"Received: from {helo} ({helo} [{literal}])\n\tby {by} (Postfix) with {protocol} id 4dTk{at % 10**6:06}\n"
    return crlf(head + f"\tfor <{to}>; {date(at)}\n") + message


def changed(message: bytes, old: bytes, new: bytes) -> bytes:
    """Replace the one place that reads `old`."""
    assert message.count(old) == 1, (message.count(old), old)
    return message.replace(old, new)


# --- signing and sealing ---------------------------------------------------------------------------------------------


def set_clock(at: int) -> None:
    """Tell dkimpy the time: it reads `time.time()` for t= and x=."""
    dkim.time = SimpleNamespace(time=lambda: at)


class Signer(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """A signer that also makes what dkimpy refuses to: more tags (x=), and h= without From."""

    extra: tuple[tuple[bytes, bytes], ...] = ()
    leave_out: frozenset[bytes] = frozenset()

    def gen_header(
        self, fields: list[tuple[bytes, bytes]], include_headers: tuple[bytes, ...], *rest: Any, **named: Any
    ) -> bytes:
        """Build the field after our changes, so that the signature covers them."""
        names = tuple(name for name in include_headers if name not in self.leave_out)
        fields = [(tag, b" : ".join(names) if tag == b"h" else value) for tag, value in fields]
        after_t = [tag for tag, _ in fields].index(b"t") + 1
        fields[after_t:after_t] = self.extra
        return super().gen_header(fields, names, *rest, **named)  # type: ignore[no-any-return]


def sign(
    message: bytes,
    domain: str,
    selector: str,
    key: str,
    *,
    c: str = "relaxed/relaxed",
    algorithm: str | None = None,
    headers: str | None = None,
    at: int = SENT,
    length: bool = False,
    extra: tuple[tuple[bytes, bytes], ...] = (),
    leave_out: frozenset[bytes] = frozenset(),
) -> bytes:
    """Prepend a DKIM-Signature. Without `headers` dkimpy signs those RFC 6376 §5.4.1 names, and From once more."""
    set_clock(at)
    signer = Signer(message)
    signer.extra, signer.leave_out = extra, leave_out
    algorithm = algorithm or ("ed25519-sha256" if key.startswith("ed25519") else "rsa-sha256")
    field_ = signer.sign(
        selector.encode(),
        domain.encode(),
        signing_key(key),
        signature_algorithm=algorithm.encode(),
        canonicalize=tuple(c.encode().split(b"/")),
        include_headers=headers.encode().split(b":") if headers else None,
        length=length,
    )
    return bytes(field_) + message


def seal(message: bytes, domain: str, selector: str, key: str, results: str, at: int) -> bytes:
    """Prepend an ARC set that says `results`, covering DKIM-Signature too (RFC 8617 §4.1.2)."""
    # dkimpy takes its findings from an Authentication-Results field, which does not travel on here
    arc = dkim.ARC(crlf(f"Authentication-Results: {domain};\n {results}\n") + message)
    arc.should_not_sign.discard(b"dkim-signature")
    arc.should_sign.add(b"dkim-signature")
    fields = arc.sign(selector.encode(), domain.encode(), signing_key(key), domain.encode(), timestamp=at)
    assert len(fields) == 3, "dkimpy refused to seal"
    return b"".join(fields) + message


def relist(message: bytes, list_id: str, footer: str) -> bytes:
    """Do as a mailing list does: tag the Subject, add List fields and a footer."""
    name, domain = list_id.split(".", 1)
    message = changed(message, b"\r\nSubject: ", f"\r\nSubject: [{name}] ".encode())
    fields = f"List-Id: <{list_id}>\nList-Post: <mailto:{name}@{domain}>\nPrecedence: list\n"
    return crlf(fields) + message + crlf(footer)


# --- cases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    """One message, what SMTP knew, its DNS, and what must come out.

    `message` is as it left the last sending host: our server's Return-Path and Received are put on from the
    connection. `dkimpy` is what dkimpy says of each signature where that differs from "passes or not".
    """

    name: str
    about: str
    made: str
    message: bytes
    zone: Zone
    ip: str
    helo: str
    mail_from: str
    spf: str
    dkim: tuple[str, ...] = ()
    arc: str = "none"
    dmarc: str
    why: str
    more: dict[str, Any] = field(default_factory=dict)
    dkimpy: tuple[bool, ...] | None = None
    to: str = "robin@example.org"
    protocol: str = "ESMTPS"
    lf: bool = False

    @property
    def raw(self) -> bytes:
        """The message as our server stored it."""
        hop = received(self.message, self.helo, self.ip, "mx.example.org", NOW, to=self.to, protocol=self.protocol)
        raw = crlf(f"Return-Path: <{self.mail_from}>\n") + hop
        return raw.replace(b"\r\n", b"\n") if self.lf else raw

    @property
    def entry(self) -> dict[str, Any]:
        """The case's place in cases.json."""
        expect = {"spf": self.spf, "dkim": list(self.dkim), "arc": self.arc, "dmarc": self.dmarc, **self.more}
        return {
            "name": self.name,
            "message": f"{self.name}.eml",
            "zone": f"{self.name}.json",
            "ip": self.ip,
            "helo": self.helo,
            "mail_from": self.mail_from,
            "now": NOW,
            "about": self.about,
            "expect": expect | {"why": self.why},
        }


# --- DNS -------------------------------------------------------------------------------------------------------------


def host(name: str, ip: str, **records: Any) -> Zone:
    """Return an IPv4 host, name to address and back."""
    return {name: {"A": [ip], **records}, ".".join(reversed(ip.split("."))) + ".in-addr.arpa": {"PTR": [name]}}


def spf(domain: str, record: str) -> Zone:
    """Return a domain with an SPF record and a mail exchanger."""
    return {domain: {"TXT": [record], "MX": [[10, f"mx.{domain}"]]}}


def dmarc(domain: str, tags: str) -> Zone:
    """Return a DMARC record."""
    return {f"_dmarc.{domain}": {"TXT": [f"v=DMARC1; {tags}"]}}


def published(domain: str, selector: str, name: str) -> Zone:
    """Return a published key."""
    return {f"{selector}._domainkey.{domain}": key_record(name)}


AUTHOR_IP, LIST_IP, FORWARDER_IP, NET_IP = "192.0.2.10", "203.0.113.40", "198.51.100.90", "198.51.100.7"
AUTHOR_NET = (
    spf("example.com", "v=spf1 ip4:192.0.2.0/28 -all")
    | host("out.example.com", AUTHOR_IP, TXT=["v=spf1 a -all"])
    | dmarc("example.com", "p=reject; rua=mailto:dmarc-reports@example.com")
)
AUTHOR_ZONE = AUTHOR_NET | published("example.com", "s2026", AUTHOR)
NET_ZONE = (
    spf("example.net", f"v=spf1 ip4:{NET_IP} -all")
    | host("mail.example.net", NET_IP)
    | published("example.net", "m1", OTHER)
)
LIST_ZONE = (
    spf("lists.example.org", f"v=spf1 ip4:{LIST_IP} -all")
    | host("out.lists.example.org", LIST_IP)
    | published("lists.example.org", "arc2026", LIST)
)
FORWARDER_ZONE = (
    spf("forwarder.example", f"v=spf1 ip4:{FORWARDER_IP} -all")
    | host("relay.forwarder.example", FORWARDER_IP)
    | published("forwarder.example", "fwd", OTHER)
)
FROM_AUTHOR: dict[str, Any] = {"ip": AUTHOR_IP, "helo": "out.example.com", "mail_from": "anna@example.com"}
FROM_NET: dict[str, Any] = {"ip": NET_IP, "helo": "mail.example.net", "mail_from": "sales@example.net"}
FROM_FORWARDER: dict[str, Any] = {
    "ip": FORWARDER_IP,
    "helo": "relay.forwarder.example",
    "mail_from": "srs0=k3=am=example.com=anna@forwarder.example",
}

ANNA = "Anna Lindqvist <anna@example.com>"
SPF_PASS = "SPF pass: 192.0.2.10 lies in ip4:192.0.2.0/28 (RFC 7208 §5.6)."
SPF_OTHER = "SPF passes for the envelope's own domain, which is not aligned with example.com (RFC 9989 §4.4.2)."
FAILS = "No identifier is both authenticated and aligned, so DMARC fails (RFC 9989 §5.3.5)."


def by_author(name: str, subject: str, body: str) -> bytes:
    """Return a message Anna handed to her own server, signed by it."""
    message = submitted(plain(ANNA, subject, name, body))
    return sign(message, "example.com", "s2026", AUTHOR)


def submitted(message: bytes, at: int = SENT - 30) -> bytes:
    """Prepend the author's own first hop."""
    return received(
        message,
        "desk.example.com",
        "192.0.2.130",
        "out.example.com",
        at,
        to="robin@example.org",
        protocol="ESMTPSA",
    )


LETTER = """
Dear reader,

the first frost came early this year, and with it the last tomatoes. Here is
what we plan for November:

  * Saturday 7th, 10:00: seed swap in the old greenhouse
  * Saturday 21st: winter pruning, bring gloves
  * The tool shed stays open until the 28th.

Apples from the orchard are 2 € a kilo while they last.

Write back if you need a lift.

Anna
--\x20
Allotment Society, 12 Mill Lane
To stop these letters, answer with the word STOP.
"""

HTML = """
This is a message in two forms.

--=_two_forms
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Invoice 4711

Item\t\tQty\tPrice
Seed potatoes\t 5\t12.50\x20\x20
Twine\t\t 2\t 3.80

--=_two_forms
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<!DOCTYPE html>
<html>
  <head>
\t<title>Invoice   4711</title>
  </head>
  <body>
\t<table>
\t    <tr><th>Item</th>\t<th>Qty</th> <th>Price</th></tr>\x20\x20\x20
\t    <tr><td>Seed potatoes</td><td>5</td><td>12.50</td></tr>\t
\t    <tr><td>Twine</td><td>2</td><td>3.80</td></tr>
\t</table>
\x20\x20\x20\x20
    <p>Thank you  for  your order.</p>\x20
  </body>
</html>

--=_two_forms--



"""

NOTICE = """
Hello Robin,

please find the minutes of Tuesday's meeting below. The budget of 1250 euro
was agreed, the roof comes next.

Regards
Anna
"""

FOOTER = """
_______________________________________________
garden mailing list, garden@lists.example.org
Leave it by mail to garden-leave@lists.example.org
"""

BOUNCE = """
This is a MIME-encapsulated message.

--=_report
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered to
one recipient.

<nobody@example.com>: 550 5.1.1 no such user

--=_report
Content-Type: message/delivery-status

Reporting-MTA: dns; out.example.com
Arrival-Date: Mon, 02 Nov 2026 09:26:10 +0000

Final-Recipient: rfc822; nobody@example.com
Action: failed
Status: 5.1.1

--=_report
Content-Type: text/rfc822-headers

From: Robin Reader <robin@example.org>
To: nobody@example.com
Subject: Hello?
Date: Mon, 02 Nov 2026 09:26:01 +0000
Message-ID: <20261102.hello@example.org>

--=_report--
"""

EAI = """
Liebe Leserin, lieber Leser,

die Öffnungszeiten unserer Buchhandlung ändern sich: künftig schließen wir
samstags um 16 Uhr.

Mit freundlichen Grüßen
Käthe Böttcher
"""


# --- the messages ----------------------------------------------------------------------------------------------------


def plain_cases() -> Iterator[Case]:
    """Yield mail straight from its author."""
    letter = submitted(plain(ANNA, "November at the allotments", "sample", LETTER))
    letter = sign(letter, "example.com", "s2026", AUTHOR)
    letter = sign(letter, "example.com", "ed2026", AUTHOR_ED)
    sample: dict[str, Any] = FROM_AUTHOR | {
        "message": letter,
        "zone": AUTHOR_ZONE | published("example.com", "ed2026", AUTHOR_ED),
        "spf": "pass",
        "dkim": ("pass", "pass"),
        "dmarc": "pass",
    }
    passes = f"{SPF_PASS} Both signatures are as dkimpy made them. Both identifiers equal the Author Domain."
    yield Case(
        name="sample",
        about="A newsletter from its author's own server; everything passes.",
        made="signed twice, Ed25519 (upper) and RSA-2048, both relaxed/relaxed. The topmost Received holds client "
        "address and HELO, Return-Path the reverse-path.",
        why=passes,
        more={"policy": "reject"},
        **sample,
    )

    html = mail(
        f"""
From: "Example Shop" <shop@example.com>
To: =?utf-8?q?Robin_Reader?= <robin@example.org>
Subject: Your   invoice
\t4711
Date: {date(SENT - 60)}
Message-ID: <20261102.html@example.com>
MIME-Version: 1.0
Content-Type: multipart/alternative;
\tboundary="=_two_forms"
""",
        HTML,
    )
    html = sign(html, "example.com", "s2026", AUTHOR, c="relaxed/simple")
    html = sign(html, "example.com", "old", OLD, c="simple/simple", headers="from:to:subject:date:content-type")
    yield Case(
        name="html",
        about="HTML mail full of tabs, trailing blanks and empty lines at the end.",
        made="signed relaxed/simple (RSA-2048, lower field) and simple/simple (RSA-1024, upper); Subject and "
        "Content-Type are folded with tabs.",
        message=html,
        zone=AUTHOR_ZONE | published("example.com", "old", OLD),
        spf="pass",
        dkim=("pass", "pass"),
        dmarc="pass",
        why=f"{SPF_PASS} Nothing was altered after signing, and simple body canonicalisation ignores only empty lines "
        "at the end (RFC 6376 §3.4.3). RSA-1024 is still acceptable (RFC 8301 §3.2).",
        **FROM_AUTHOR | {"mail_from": "shop@example.com"},
    )

    yield Case(
        name="body-changed",
        about="One octet of the body differs from what was signed.",
        made='signed, then "1250 euro" was made "9250 euro".',
        message=changed(by_author("body-changed", "Minutes", NOTICE), b"1250 euro", b"9250 euro"),
        zone=AUTHOR_ZONE,
        spf="pass",
        dkim=("fail",),
        dmarc="pass",
        why=f"The body hash differs from bh= (RFC 6376 §6.1.3). {SPF_PASS} It is aligned, and one aligned pass is "
        "enough (RFC 9989 §5.3.5).",
        **FROM_AUTHOR,
    )

    yield Case(
        name="header-changed",
        about="A forwarder's gateway marked the Subject.",
        made='signed, then "[EXTERNAL] " was put into Subject; sent on under an envelope of forwarder.example.',
        message=changed(by_author("header-changed", "Minutes", NOTICE), b"Subject: M", b"Subject: [EXTERNAL] M"),
        zone=AUTHOR_ZONE | FORWARDER_ZONE,
        spf="pass",
        dkim=("fail",),
        dmarc="fail",
        why=f"Subject is in h= and changed, so the signature does not verify. {SPF_OTHER} {FAILS}",
        **FROM_FORWARDER,
    )

    yield Case(
        name="lf-only",
        about="`sample` as a Unix mail store keeps it, with LF line ends.",
        made="`sample` with each CRLF made LF.",
        lf=True,
        why=f"Line ends are CRLF again before hashing (RFC 6376 §5.3); then it is `sample`. {passes}",
        **sample,
    )

    six = received(
        plain("Ops <ops@six.example>", "IPv6 only from today", "ipv6", "\nThe A records are gone.\n"),
        "admin.six.example",
        "2001:db8::99",
        "mail.six.example",
        SENT - 30,
        to="robin@example.org",
        protocol="ESMTPSA",
    )
    reverse = ".".join(reversed("20010db8" + "0" * 22 + "25")) + ".ip6.arpa"
    yield Case(
        name="ipv6",
        about="A client with an IPv6 address, strict alignment, an Ed25519 signature alone.",
        made="signed with the second Ed25519 key.",
        message=sign(six, "six.example", "ed", OTHER_ED),
        zone={
            "six.example": {"TXT": ["v=spf1 ip6:2001:db8::/64 -all"], "MX": [[10, "mail.six.example"]]},
            "mail.six.example": {"AAAA": ["2001:db8::25"]},
            reverse: {"PTR": ["mail.six.example"]},
        }
        | dmarc("six.example", "p=quarantine; adkim=s; aspf=s")
        | published("six.example", "ed", OTHER_ED),
        ip="2001:db8::25",
        helo="mail.six.example",
        mail_from="ops@six.example",
        spf="pass",
        dkim=("pass",),
        dmarc="pass",
        why="2001:db8::25 lies in ip6:2001:db8::/64 (RFC 7208 §5.6); an Ed25519 signature is enough (RFC 8463); both "
        "domains equal the Author Domain, as strict alignment asks.",
    )

    yield Case(
        name="unsigned",
        about="No signature, SPF softfail, a domain that only watches.",
        made="sent from a host that is not in the SPF record.",
        message=plain("Chess Club <board@club.example>", "Results of round 3", "unsigned", "\nWhite won all games.\n"),
        zone=spf("club.example", "v=spf1 ip4:198.51.100.0/26 ~all")
        | host("dsl-77.isp.example", "203.0.113.77")
        | dmarc("club.example", "p=none; rua=mailto:dmarc@club.example"),
        ip="203.0.113.77",
        helo="dsl-77.isp.example",
        mail_from="board@club.example",
        spf="softfail",
        dmarc="fail",
        why=f"203.0.113.77 is outside 198.51.100.0/26, so ~all matches (RFC 7208 §5.1). {FAILS} p=none asks for "
        "nothing.",
        more={"policy": "none", "disposition": "accept"},
    )

    bounce = mail(
        f"""
From: Mail Delivery System <MAILER-DAEMON@example.com>
To: robin@example.org
Subject: Undelivered Mail Returned to Sender
Date: {date(SENT)}
Message-ID: <20261102.bounce@out.example.com>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="=_report"
""",
        BOUNCE,
    )
    yield Case(
        name="null-sender",
        about="A bounce: MAIL FROM is empty, SPF checks the HELO name.",
        made="not signed; out.example.com has its own SPF record.",
        message=bounce,
        zone=AUTHOR_NET,
        spf="pass",
        dmarc="pass",
        why="With an empty reverse-path the identity is postmaster@out.example.com (RFC 7208 §2.4), whose `a` is "
        "192.0.2.10. That domain is aligned, relaxed, with example.com: both have example.com as Organizational "
        "Domain (RFC 9989 §4.4.2, §4.10.2).",
        **FROM_AUTHOR | {"mail_from": ""},
    )

    eai = plain(
        "Käthe Böttcher <käthe@bücher.example>",
        "Geänderte Öffnungszeiten",
        "eai",
        EAI,
        to="Jürgen <jürgen@example.org>",
    )
    eai = eai.replace("20261102.eai@bücher.example".encode(), b"20261102.eai@xn--bcher-kva.example")
    yield Case(
        name="eai",
        about="Internationalised mail (SMTPUTF8): U-label in From and envelope, A-label in d=.",
        made="raw UTF-8 header fields, signed with d=xn--bcher-kva.example.",
        message=sign(eai, "xn--bcher-kva.example", "s1", AUTHOR),
        zone=spf("xn--bcher-kva.example", "v=spf1 a:mail.xn--bcher-kva.example -all")
        | host("mail.xn--bcher-kva.example", "192.0.2.80")
        | dmarc("xn--bcher-kva.example", "p=reject; adkim=s; aspf=s")
        | published("xn--bcher-kva.example", "s1", AUTHOR),
        ip="192.0.2.80",
        helo="mail.xn--bcher-kva.example",
        mail_from="käthe@bücher.example",
        to="jürgen@example.org",
        protocol="UTF8SMTPS",
        spf="pass",
        dkim=("pass",),
        dmarc="pass",
        why="bücher.example is xn--bcher-kva.example in every lookup and comparison (RFC 8616 §4-§6, RFC 9989 "
        "§5.3.1), and the signature covers the octets as they stand.",
    )


def signature_cases() -> Iterator[Case]:
    """Yield signatures that verify by arithmetic, and must not count."""
    other: dict[str, Any] = {"spf": "pass", "dmarc": "fail"}
    fails = f"{SPF_OTHER} {FAILS}"

    message = submitted(plain(ANNA, "Minutes", "no-from-signed", NOTICE))
    yield Case(
        name="no-from-signed",
        about="A correct signature whose h= leaves From out.",
        made="signed by dkimpy with From taken out of h= just before the hash; sent by forwarder.example.",
        message=sign(message, "example.com", "s2026", AUTHOR, leave_out=frozenset({b"from"})),
        zone=AUTHOR_ZONE | FORWARDER_ZONE,
        dkim=("permerror",),
        dkimpy=(True,),
        why=f"From MUST be signed; without it the signature is a PERMFAIL (RFC 6376 §5.4, §6.1.1). {fails}",
        **other | FROM_FORWARDER,
    )

    message = sign(
        submitted(plain(ANNA, "Minutes", "partial-body", NOTICE)), "example.com", "s2026", AUTHOR, length=True
    )
    yield Case(
        name="partial-body",
        about="l= covers the honest part of the body only; a stranger wrote more below.",
        made="signed with l= of the whole body, then text appended; sent by example.net.",
        message=message + crlf("\nP.S. The account has changed, please pay to 4711 0815 from now on.\n"),
        zone=AUTHOR_ZONE | NET_ZONE,
        dkim=("policy",),
        dkimpy=(True,),
        why="The signature verifies over its l= octets, yet octets after them are unsigned (RFC 6376 §8.2): verified "
        f"but locally unacceptable, `policy` (RFC 8601 §2.7.1), and not counted by DMARC. {fails}",
        **other | FROM_NET,
    )

    signed, until = NOW - 10 * DAY, NOW - 3 * DAY
    message = submitted(plain(ANNA, "Minutes", "expired", NOTICE, at=signed - 60), signed - 30)
    message = sign(message, "example.com", "s2026", AUTHOR, at=signed, extra=((b"x", str(until).encode()),))
    yield Case(
        name="expired",
        about="x= lies three days before the message came.",
        made="signed ten days before `now` for seven days; sent by forwarder.example.",
        message=message,
        zone=AUTHOR_ZONE | FORWARDER_ZONE,
        dkim=("policy",),
        dkimpy=(False,),
        why="The signature verifies; it is past its x= (RFC 6376 §3.5), so verified but locally unacceptable, `policy` "
        f"(RFC 8601 §2.7.1). {fails}",
        **other | FROM_FORWARDER,
    )

    legacy = host("mail.legacy.example", "203.0.113.9") | dmarc("legacy.example", "p=quarantine")
    connection: dict[str, Any] = {
        "ip": "203.0.113.9",
        "helo": "mail.legacy.example",
        "mail_from": "office@legacy.example",
    }
    message = plain("Office <office@legacy.example>", "Fax number", "weak-key", "\nOur fax number is unchanged.\n")
    yield Case(
        name="weak-key",
        about="An RSA key of 512 bits.",
        made="signed rsa-sha256 with the RSA-512 key (dkimpy does the arithmetic itself).",
        message=sign(message, "legacy.example", "tiny", WEAK),
        zone=legacy | spf("legacy.example", "v=spf1 ?all") | published("legacy.example", "tiny", WEAK),
        spf="neutral",
        dkim=("permerror",),
        dmarc="fail",
        why=f"Keys under 1024 bits are never valid (RFC 8301 §3.2). ?all is neutral, not pass. {FAILS}",
        more={"policy": "quarantine"},
        **connection,
    )

    message = plain("Office <office@legacy.example>", "Telex number", "sha1", "\nOur telex number is unchanged.\n")
    yield Case(
        name="sha1",
        about="A signature by rsa-sha1.",
        made="signed rsa-sha1 with the RSA-1024 key; no SPF record.",
        message=sign(message, "legacy.example", "old", OLD, algorithm="rsa-sha1"),
        zone=legacy
        | {"legacy.example": {"MX": [[10, "mail.legacy.example"]]}}
        | published("legacy.example", "old", OLD),
        spf="none",
        dkim=("permerror",),
        dkimpy=(True,),
        dmarc="fail",
        why="rsa-sha1 MUST NOT be used for verifying, such signatures are permanently failed (RFC 8301 §3.1). "
        f"legacy.example publishes no SPF record. {FAILS}",
        more={"policy": "quarantine"},
        **connection,
    )


def attack_cases() -> Iterator[Case]:
    """Yield mail that pretends."""
    offer = plain(ANNA, "Please pay this week", "spoof", "\nThe new account is 4711 0815.\n\nAnna\n")
    yield Case(
        name="spoof",
        about="From names example.com; everything that passes belongs to example.net.",
        made="signed with d=example.net and sent from example.net's own server.",
        message=sign(offer, "example.net", "m1", OTHER),
        zone=AUTHOR_ZONE | NET_ZONE,
        spf="pass",
        dkim=("pass",),
        dmarc="fail",
        why="SPF and DKIM authenticate example.net, the Author Domain is example.com: nothing is aligned (RFC 9989 "
        "§4.4). p=reject alone is no ground to reject (RFC 9989 §7.4).",
        more={"policy": "reject", "disposition": "quarantine"},
        **FROM_NET,
    )

    names = "from:to:subject:date:message-id:mime-version:content-type"
    message = plain("Sales <sales@example.net>", "Please pay this week", "two-from", "\nAccount 4711 0815.\n")
    message = sign(message, "example.net", "m1", OTHER, headers=names)
    yield Case(
        name="two-from",
        about="A second From above the signed one.",
        made=f"signed for example.net with From once in h=, then a From of {ANNA} put on top.",
        message=crlf(f"From: {ANNA}\n") + message,
        zone=AUTHOR_ZONE | NET_ZONE,
        spf="pass",
        dkim=("policy",),
        dkimpy=(False,),
        dmarc="permerror",
        why="h= takes From from the bottom (RFC 6376 §5.4.2), so the signature verifies and the From above is not "
        "covered: an attack (RFC 6376 §8.15), never a pass. There is no single Author Domain, so DMARC is not possible "
        "(RFC 9989 §5.3.1).",
        **FROM_NET,
    )

    forged = """\
Authentication-Results: mx.example.org; dkim=pass header.d=example.com
Authentication-Results: MX.Example.ORG; spf=pass smtp.mailfrom=example.com
Authentication-Results: "mx.example.org"; dmarc=pass header.from=example.com
Authentication-Results: (checked (twice) by) mx.example.org; dkim=pass header.d=example.com
Authentication-Results: mx.example.org 1; dkim=pass header.d=example.com
Authentication-Results:
\tmx.example.org;
\tspf=pass smtp.mailfrom=example.com;
\tdmarc=pass header.from=example.com
AUTHENTICATION-RESULTS: mx.example.org; dkim==pass ((header.d="example.com
"""
    honest = """\
Authentication-Results: mx.example.net; auth=pass smtp.auth=sales
Authentication-Results: (mx.example.org) mx.example.net; none
Authentication-Results: mx.example.org.example.net; none
Authentication-Results-Original: mx.example.org; none
"""
    count = sum(line[0] != "\t" for line in forged.splitlines())
    yield Case(
        name="forged-authres",
        about="The sender wrote Authentication-Results of our own authserv-id, mx.example.org, in seven spellings.",
        made="not signed; forged fields first, then four that are not in our name: other ids, our id in a comment, "
        "another field name.",
        message=crlf(forged + honest) + plain(ANNA, "Please pay this week", "forged-authres", "\nSee above.\n"),
        zone=AUTHOR_ZONE | NET_ZONE,
        spf="pass",
        dmarc="fail",
        why=f"{SPF_OTHER} There is no signature; what fields of the message claim is no evidence. Fields with our "
        "authserv-id, compared without case and without comments and quotes, MUST go (RFC 8601 §2.5, §5), also those "
        "with a version and those that do not parse behind the id. `forged` counts header fields from 0 at the top.",
        more={"policy": "reject", "forged": list(range(2, 2 + count))},
        **FROM_NET,
    )


def dns_cases() -> Iterator[Case]:
    """Yield mail whose verdict hangs on the shape of DNS."""
    nets = {f"n{n}.spf.example.com": {"TXT": [f"v=spf1 ip4:203.0.113.{n} -all"]} for n in range(1, 11)}
    nets["n11.spf.example.com"] = {"TXT": ["v=spf1 ip4:192.0.2.0/28 -all"]}
    includes = " ".join(f"include:{name}" for name in nets)
    yield Case(
        name="spf-limit",
        about="The SPF record needs eleven lookups; the eleventh would match.",
        made="signed as usual; the record is eleven includes.",
        message=by_author("spf-limit", "Minutes", NOTICE),
        zone=AUTHOR_ZONE | spf("example.com", f"v=spf1 {includes} -all") | nets,
        spf="permerror",
        dkim=("pass",),
        dmarc="pass",
        why="Ten terms that cause lookups are allowed, include is one, the eleventh is a permerror (RFC 7208 §4.6.4). "
        "The signature is aligned, which is enough for DMARC.",
        **FROM_AUTHOR,
    )

    yield Case(
        name="dns-trouble",
        about="The key lookup times out, the DMARC lookup ends in SERVFAIL.",
        made="signed as usual; the zone answers with fault words.",
        message=by_author("dns-trouble", "Minutes", NOTICE),
        zone=AUTHOR_NET | {"s2026._domainkey.example.com": "TIMEOUT", "_dmarc.example.com": "SERVFAIL"},
        spf="pass",
        dkim=("temperror",),
        dmarc="temperror",
        why=f"{SPF_PASS} No answer about the key is a TEMPFAIL (RFC 6376 §6.1.2). Whether there is a policy, and "
        "which, is not known: neither pass nor fail (RFC 9989 §5.3.6).",
        **FROM_AUTHOR,
    )

    message = plain("Newsroom <news@sub.example.com>", "Press release", "subdomain", "\nNothing to announce.\n")
    yield Case(
        name="subdomain",
        about="From is a subdomain without a DMARC record of its own; the organization says sp=quarantine.",
        made="signed with d=example.net and sent by example.net under a MAIL FROM of sub.example.com.",
        message=sign(message, "example.net", "m1", OTHER),
        zone=AUTHOR_ZONE
        | NET_ZONE
        | dmarc("example.com", "p=reject; sp=quarantine")
        | {"sub.example.com": {"A": ["192.0.2.14"]}},
        spf="none",
        dkim=("pass",),
        dmarc="fail",
        why="sub.example.com exists and has no SPF record. The record of its Organizational Domain applies, with sp "
        "(RFC 9989 §4.10.1). The signature is example.net's, not aligned.",
        more={"policy": "quarantine"},
        **FROM_NET | {"mail_from": "news@sub.example.com"},
    )


def arc_cases() -> Iterator[Case]:
    """Yield mail that took detours: lists, forwarders, ARC."""
    first = (
        "spf=pass smtp.mailfrom=example.com;\n dkim=pass header.d=example.com;\n arc=none;\n"
        " dmarc=pass header.from=example.com"
    )
    garden, to_list = "garden.lists.example.org", {"to": "garden@lists.example.org"}
    from_list: dict[str, Any] = {"ip": LIST_IP, "helo": "out.lists.example.org"}

    def at_list(name: str) -> bytes:
        message = by_author(name, "Seed swap", NOTICE)
        return received(message, "out.example.com", AUTHOR_IP, "lists.example.org", SENT + 5, **to_list)

    def at_forwarder(message: bytes, at: int) -> bytes:
        return received(
            message, "out.lists.example.org", LIST_IP, "forwarder.example", at, to="robin@forwarder.example"
        )

    message = relist(at_list("forwarded"), garden, FOOTER)
    yield Case(
        name="forwarded",
        about="A mailing list kept the envelope sender, changed Subject and body, and sealed what it had seen.",
        made="signed, list changes, ARC set i=1 of lists.example.org.",
        message=seal(message, "lists.example.org", "arc2026", LIST, first, SENT + 6),
        zone=AUTHOR_ZONE | LIST_ZONE,
        spf="fail",
        dkim=("fail",),
        arc="pass",
        dmarc="fail",
        why="The list's address is not in example.com's record, -all (RFC 7208 §5.1). The footer changed the body. "
        "Nothing changed after the seal, so the chain holds (RFC 8617 §5.2). ARC does not alter the DMARC result; "
        f"{FAILS[0].lower()}{FAILS[1:]}",
        more={"policy": "reject", "instances": 1, "oldest_pass": 0},
        **from_list | {"mail_from": "anna@example.com"},
    )

    def twice(name: str) -> bytes:
        message = seal(at_list(name), "lists.example.org", "arc2026", LIST, first, SENT + 6)
        second = (
            "spf=fail smtp.mailfrom=example.com;\n dkim=pass header.d=example.com;\n arc=pass;\n"
            " dmarc=pass header.from=example.com"
        )
        return seal(at_forwarder(message, SENT + 20), "forwarder.example", "fwd", OTHER, second, SENT + 21)

    zone = AUTHOR_ZONE | LIST_ZONE | FORWARDER_ZONE
    yield Case(
        name="arc-two",
        about="Forwarded twice, sealed twice, never changed.",
        made="ARC sets of lists.example.org (i=1, cv=none) and forwarder.example (i=2, cv=pass).",
        message=twice("arc-two"),
        zone=zone,
        spf="pass",
        dkim=("pass",),
        arc="pass",
        dmarc="pass",
        why="Nothing signed changed on the way: the author's signature and both sets verify. SPF passes for the "
        "forwarder only; the aligned signature gives DMARC its pass.",
        more={"instances": 2, "oldest_pass": 0},
        **FROM_FORWARDER,
    )

    yield Case(
        name="arc-broken",
        about="Changed after the last seal.",
        made='as `arc-two`, then "1250 euro" was made "9250 euro".',
        message=changed(twice("arc-broken"), b"1250 euro", b"9250 euro"),
        zone=zone,
        spf="pass",
        dkim=("fail",),
        arc="fail",
        dmarc="fail",
        why="The newest ARC-Message-Signature does not fit the body, which fails the chain (RFC 8617 §5.2 step 4), "
        f"though every seal is intact. {SPF_OTHER} {FAILS}",
        more={"instances": 2, "oldest_pass": None},
        **FROM_FORWARDER,
    )

    message = relist(at_list("list-hops"), garden, FOOTER)
    message = seal(message, "lists.example.org", "arc2025", OLD, first, SENT + 6)
    message = at_forwarder(message, SENT + 20) + crlf("\n-- scanned by forwarder.example --\n")
    second = "spf=pass smtp.mailfrom=lists.example.org;\n arc=pass;\n dmarc=fail header.from=example.com"
    message = seal(message, "forwarder.example", "fwd", OTHER, second, SENT + 21)
    message = received(
        message, "relay.forwarder.example", FORWARDER_IP, "lists.example.org", SENT + 40, to="all@lists.example.org"
    )
    third = "spf=pass smtp.mailfrom=forwarder.example;\n arc=pass;\n dmarc=fail header.from=example.com"
    message = seal(message, "lists.example.org", "arc2026", LIST, third, SENT + 41)
    yield Case(
        name="list-hops",
        about="Three ARC sets; the first sealer appears again with a newer key.",
        made="list footer, set 1 of lists.example.org (s=arc2025, RSA-1024); scanner's line, set 2 of "
        "forwarder.example; set 3 of lists.example.org (s=arc2026, RSA-2048) without any change.",
        message=message,
        zone=zone | published("lists.example.org", "arc2025", OLD),
        spf="pass",
        dkim=("fail",),
        arc="pass",
        dmarc="fail",
        why="All seals verify, and the newest message signature does. That of set 1 does not, as the body changed "
        "after it, which leaves the chain valid and makes 2 the oldest pass (RFC 8617 §5.2 step 5). The author's "
        f"signature broke at the list. {SPF_OTHER} {FAILS}",
        more={"policy": "reject", "instances": 3, "oldest_pass": 2},
        **from_list | {"mail_from": "all-bounces@lists.example.org"},
    )


# --- second opinion and output ---------------------------------------------------------------------------------------


def dns(zone: Zone) -> Callable[..., bytes | None]:
    """Return the zone as the function dkimpy asks for TXT records."""

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        found = zone.get(name.decode().rstrip("."), {})
        if found == "TIMEOUT":
            raise dkim.DnsTimeoutError(name)
        records = found.get("TXT", []) if isinstance(found, dict) else []
        return "".join(records[0]).encode() if records else None

    return txt


def check(case: Case) -> None:
    """Let dkimpy verify every signature and the ARC chain, as seen at NOW."""

    def verdicts(raw: bytes, at: int = NOW, minkey: int = 1024) -> tuple[bool, ...]:
        set_clock(at)
        return tuple(verified(dkim.DKIM(raw, minkey=minkey), index) for index in range(len(case.dkim)))

    def verified(signature: dkim.DKIM, index: int) -> bool:
        try:
            return bool(signature.verify(index, dns(case.zone)))
        except dkim.DKIMException:
            return False

    raw = case.raw
    fields, _ = dkim.rfc822_parse(raw)
    assert sum(name.lower() == b"dkim-signature" for name, _ in fields) == len(case.dkim), case.name
    expected = case.dkimpy if case.dkimpy is not None else tuple(word == "pass" for word in case.dkim)
    assert verdicts(raw) == expected, case.name
    match case.name:  # one thing alone stands in the way of these
        case "expired":
            assert verdicts(raw, at=NOW - 5 * DAY) == (True,)
        case "weak-key":
            assert verdicts(raw, minkey=512) == (True,)
        case "two-from":
            assert verdicts(changed(raw, crlf(f"From: {ANNA}\n"), b"")) == (True,)

    set_clock(NOW)
    status, sets, _ = dkim.arc_verify(raw, dnsfunc=dns(case.zone))
    assert status.decode() == case.arc, (case.name, status)
    assert all(item["as-valid"] for item in sets), case.name
    if case.arc == "pass":  # the oldest set from which on every message signature verifies, 0 for the first
        broken = [item["instance"] for item in sets if not item["ams-valid"]]
        oldest = max(broken) + 1 if broken else 0
        assert (len(sets), oldest) == (case.more["instances"], case.more["oldest_pass"]), case.name


def to_json(data: Any) -> bytes:
    """Return JSON for people and diffs."""
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


SOURCES = """\
# Messages of our own making

`python testdata/make.py` writes this folder anew, byte for byte, from the keys in `../keys`; change the script, never
a file here. The texts are ours, under the project's licence. Names, addresses and domains are those reserved for
examples (RFC 2606, RFC 5737, RFC 3849). dkimpy signed and sealed them, and verified each again when they were made.

`NAME.eml` is the message as the receiving server mx.example.org stored it, with CRLF line ends (`lf-only` apart);
`NAME.json` is its DNS and the time of receipt. `cases.json` adds what SMTP knew, and the verdicts with their reason:
they follow from how a message was made and from RFC 7208, 6376, 8301, 8617 and 9989, not from running this library.
Where an RFC leaves the word to the receiver (`policy`, `permerror`) they state this project's default.
In `expect`, `policy`, `disposition`, `forged`, `instances` and `oldest_pass` stand only
where the message is about them.

| message | what it is | how it was made |
|---|---|---|
"""


def main(folder: Path) -> None:
    """Make everything, check everything, then write."""
    groups = (plain_cases, signature_cases, attack_cases, dns_cases, arc_cases)
    cases = [case for group in groups for case in group()]
    for case in cases:
        check(case)
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        (folder / f"{case.name}.eml").write_bytes(case.raw)
        (folder / f"{case.name}.json").write_bytes(to_json({"zone": case.zone, "now": NOW}))
    (folder / "cases.json").write_bytes(to_json([case.entry for case in cases]))
    rows = "".join(f"| {case.name} | {case.about} | {case.made} |\n" for case in cases)
    (folder / "SOURCES.md").write_bytes((SOURCES + rows).encode())
    print(f"{len(cases)} messages in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "messages")
