"""G1-G3 and the rest of A16: line ends, smuggled messages, degenerate and huge ones.

The library is given one message, and its verdicts are about that one, whatever stands in its body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from support.signing import MAIL, NOW, key_zone, sealed, signed

from attack.case import Case
from attack.stage import (
    BODY,
    BY_VICTIM,
    CLOSED,
    HIMSELF,
    NOT_PASS,
    PASSES,
    REFUSED,
    SPOOFED,
    TO_DATE,
    by_attacker,
    case,
    first,
    spoof,
)

ATTACKERS = b"From: x@example.net\r\n" + TO_DATE + BODY
FAILED: Mapping[str, str] = {**SPOOFED, "dkim.0": first("fail", NOT_PASS)}
PASSED: Mapping[str, str] = {**PASSES, "dkim.0": "pass"}
# Nothing of the victim may be believed; which word an empty thing gets matters little
NOBODY: Mapping[str, str] = {"dmarc": first("permerror", CLOSED | {"none"}), "dmarc.author_domain": "none"}

# --- A16: where the header section ends ------------------------------------------------------------------------------

EVIL = b"From: x@example.net\r\n"
VICTIM_FROM = b"From: anna@example.com\r\n"
AMBIGUOUS = "RFC 5322 §2.2, §3.5: readers disagree about where the header section ends, and so about its From"


def sections() -> Iterator[Case]:
    bom = "\ufeff".encode()
    mbox = b"From x@example.net Mon Nov  2 09:28:00 2026\r\n"
    for variant, lines in (
        ("blanks-line", b"X-Note: x\r\n \t \r\n" + VICTIM_FROM + EVIL),
        ("blanks-line-behind-from", EVIL + b" \r\n" + VICTIM_FROM),
        ("no-colon", b"Hello Anna\r\n" + VICTIM_FROM),
        ("no-colon-then-from", EVIL + b"Hello Anna\r\n" + VICTIM_FROM),
        ("only-colon", VICTIM_FROM + b":\r\n"),
        ("space-in-name", VICTIM_FROM + b"Reply To: x@example.net\r\n"),
        ("eight-bit-name", VICTIM_FROM + b"R\xe9ply: x\r\n"),
        ("utf-8-name", VICTIM_FROM + "Réply: x\r\n".encode()),
        ("vertical-tab-continuation", VICTIM_FROM + b"\v, x@example.net\r\n"),
        ("form-feed-line", VICTIM_FROM + b"\f\r\n" + EVIL),
        ("nul-line", VICTIM_FROM + b"\0\r\n" + EVIL),
        ("next-line-line", VICTIM_FROM + b"\x85\r\n" + EVIL),
        ("line-separator-line", VICTIM_FROM + "\u2028\r\n".encode() + EVIL),
        ("zero-width-line", VICTIM_FROM + "\u200b\r\n".encode() + EVIL),
        ("dot-line", VICTIM_FROM + b".\r\n" + EVIL),
        ("boundary-line", VICTIM_FROM + b"--boundary\r\n" + EVIL),
        ("request-line", b"POST / HTTP/1.1\r\n" + VICTIM_FROM),
    ):
        yield case(f"A16.{variant}", AMBIGUOUS, by_attacker(lines + TO_DATE + BODY, h="from:from:to"), REFUSED)
    genuine = signed()
    for variant, top in (
        ("bom", bom), ("mbox-line", mbox), ("escaped-mbox-line", b">" + mbox), ("blank-line-of-spaces", b"  \r\n"),
        ("nul", b"\0"), ("utf-16-bom", b"\xff\xfe"), ("junk", b"junk\r\n"), ("bom-and-from", bom + EVIL),
        ("continuation", b"\tx\r\n"), ("lone-cr", b"\r"),
    ):  # fmt: skip
        yield case(f"A16.{variant}-before-signed", AMBIGUOUS, top + genuine, REFUSED, connection=BY_VICTIM)
    why = "RFC 5322 §2.1: an empty first line ends the header section: there is no field at all"
    yield case("A16.crlf-before-signed", why, b"\r\n" + genuine, NOBODY)
    why = "docs/decisions.md: the first line ends in LF, so this is a saved message; but CRLF is mixed in"
    yield case("A16.lf-line-before-signed", why, b"X-Note: x\n" + genuine, REFUSED)
    for variant, changed in (
        ("first-line-lf", genuine.replace(b"\r\n", b"\n", 1)),
        ("last-header-line-lf", genuine.replace(b"\r\n\r\n", b"\n\r\n", 1)),
        ("lf-empty-line", genuine.replace(b"\r\n\r\n", b"\r\n\n", 1)),
        ("cr-empty-line", genuine.replace(b"\r\n\r\n", b"\r\n\r", 1)),
        ("lf-lf-in-header", genuine.replace(b"To: ", b"X-Note: x\n\nTo: ")),
        ("cr-cr-in-header", genuine.replace(b"To: ", b"X-Note: x\r\rTo: ")),
        ("lf-cr-lf-in-header", genuine.replace(b"To: ", b"X-Note: x\n\r\nTo: ")),
        ("crcrlf-line-ends", genuine.replace(b"\r\n", b"\r\r\n")),
    ):
        yield case(f"A16.{variant}", AMBIGUOUS, changed, REFUSED)
    why = "RFC 5322 §2.1.1: a long line is unusual and unambiguous"
    yield case("A16.control-long-line", why, signed(MAIL.replace(b"words", b"i" * 5000)), PASSED)
    why = "RFC 5322 §4.5: obsolete, and everybody reads it alike"
    yield case("A16.control-space-before-colon", why, signed(MAIL.replace(b"Date:", b"Date :")), PASSED)
    why = "RFC 6532 §3.2: UTF-8 in values"
    yield case("A16.control-utf-8", why, signed(MAIL.replace(b"Anna", "Ännä".encode())), PASSED)
    why = "RFC 6376 §3.4: octets as they are, also those of no charset"
    yield case("A16.control-eight-bit-subject", why, signed(MAIL.replace(b"words", b"f\xfcr")), PASSED)


# --- G1: SMTP smuggling ----------------------------------------------------------------------------------------------

# What some servers take for the end of the data, and others for data
ENDS = {
    "lf-dot-lf": b"\n.\n",
    "lf-dot-crlf": b"\n.\r\n",
    "crlf-dot-lf": b"\r\n.\n",
    "cr-dot-cr": b"\r.\r",
    "crlf-dot-cr": b"\r\n.\r",
    "cr-dot-lf": b"\r.\n",
    "cr-dot-crlf": b"\r.\r\n",
    "crlf-nul-dot-crlf": b"\r\n\0.\r\n",
    "crlf-dot-nul-crlf": b"\r\n.\0\r\n",
    "crlf-dot-crcrlf": b"\r\n.\r\r\n",
    "crlf-dot-crlf": b"\r\n.\r\n",
}
INNER = b"MAIL FROM:<anna@example.com>\r\nRCPT TO:<robin@example.org>\r\nDATA\r\n" + MAIL


def smuggled() -> Iterator[Case]:
    for variant, end in ENDS.items():
        why = "RFC 5321 §2.3.8, §4.1.1.4: only CRLF.CRLF ends the data; one message, and its author is the outer one"
        yield case(f"G1.{variant}-by-attacker", why, by_attacker(ATTACKERS + b"x" + end + INNER), HIMSELF)
        raw = by_attacker(ATTACKERS + b"x" + end + b"MAIL FROM:<anna@example.com>\r\nDATA\r\n" + signed())
        yield case(f"G1.{variant}-signed-inside", why + "; no signature counts in a body", raw, HIMSELF)
        raw = signed() + b"x" + end + INNER.replace(b"anna", b"boss")
        yield case(f"G1.{variant}-behind-signed", "RFC 6376 §3.7: what follows changes the body", raw, FAILED)
        why = "RFC 5322 §2.1: the end of data in the header section; only some readers go on"
        raw = by_attacker(b"X-Note: x" + end + VICTIM_FROM + EVIL + TO_DATE + BODY, h="from:from:to")
        yield case(f"G1.{variant}-in-header", why, raw, REFUSED)
    why = "RFC 6376 §5.3: signatures are over CRLF; a server that turned line ends of a body changed it"
    genuine = signed(MAIL + b"two\r\nthree\r\n")
    for variant, changed in (
        ("lf-in-body", genuine.replace(b"two\r\n", b"two\n")),
        ("cr-in-body", genuine.replace(b"two\r\n", b"two\r")),
        ("lf-at-end", genuine.replace(b"three\r\n", b"three\n")),
        ("dot-stuffed", genuine.replace(b"two", b"..two")),
        ("nul-added", genuine.replace(b"two", b"t\0wo")),
        ("lf-for-all-of-body", genuine.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + BODY[2:].replace(b"\r\n", b"\n")),
    ):
        yield case(f"G1.{variant}", why, changed, FAILED)


# --- G2: degenerate messages -----------------------------------------------------------------------------------------


def degenerate() -> Iterator[Case]:
    why = "no From, so no author (RFC 9989 §11.5); and nothing raises"
    for variant, raw in {
        "empty": b"", "lf": b"\n", "cr": b"\r", "crlf": b"\r\n", "two-crlf": b"\r\n\r\n", "dot": b".\r\n",
        "space": b" ", "tab-line": b"\t\r\n", "colon": b":", "colons": b":" * 5000, "nul": b"\0", "nuls": b"\0" * 5000,
        "bom": "\ufeff".encode(), "high-octets": b"\xff" * 5000, "all-octets": bytes(range(256)) * 10, "from": b"From",
        "from-colon": b"From:", "from-cr": b"From:\r", "dkim-colon": b"DKIM-Signature:",
        "dkim-fold": b"DKIM-Signature:\r\n\t", "arc-colons": b"ARC-Seal:\r\nARC-Message-Signature:\r\n",
        "body-only": b"\r\n" + MAIL, "crs": b"\r" * 5000, "lfs": b"\n" * 5000, "crlfs": b"\r\n" * 5000,
        "utf-16": "From: anna@example.com\r\n\r\nx\r\n".encode("utf-16"),
        "utf-32": "From: anna@example.com\r\n\r\nx\r\n".encode("utf-32"),
        "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03From: anna@example.com\r\n\r\n",
    }.items():  # fmt: skip
        yield case(f"G2.{variant}", why, raw, NOBODY)
    why = "RFC 5322 §3.5: the body is optional; the author stands there, and nothing of the victim passes"
    head = VICTIM_FROM + TO_DATE
    for variant, raw in {
        "no-empty-line": head, "no-final-crlf": head[:-2], "empty-body": head + b"\r\n", "one-field": VICTIM_FROM,
        "body-without-line-end": head + b"\r\nx", "only-author": b"From:anna@example.com",
        "nul-body": head + b"\r\n" + b"\0" * 100, "cut-in-body": head + b"\r\nabc\r",
    }.items():  # fmt: skip
        yield case(f"G2.{variant}", why, raw, SPOOFED)
    why = "RFC 5322 §2.3: header lines of another kind of computer: no field can be told from the next"
    yield case("G2.all-cr", why, signed().replace(b"\r\n", b"\r"), NOBODY)
    why = "RFC 6376 §3.4.3, §3.4.4, §3.7: octets as they came, with and without a body"
    for variant, body in {
        "no-body": b"", "empty-body": b"\r\n", "blank-lines": b"\r\n" + b"\r\n" * 50, "nul": b"\r\na\0b\r\n",
        "eight-bit": b"\r\n" + bytes(range(128, 256)) + b"\r\n", "bare-cr": b"\r\na\rb\r\n", "bare-lf": b"\r\na\nb\r\n",
        "no-final-crlf": b"\r\nabc", "blank-run": b"\r\na" + b" \t" * 500 + b"\r\n",
    }.items():  # fmt: skip
        message = MAIL.removesuffix(BODY) + body
        yield case(f"G2.control-{variant}-relaxed", why, signed(message), PASSED)
        yield case(f"G2.control-{variant}-simple", why, signed(message, c="simple/simple"), PASSED)
    why = "docs/decisions.md: the first line ends in LF, so all line ends of this saved message become CRLF"
    yield case("G2.control-saved", why, signed().replace(b"\r\n", b"\n"), PASSED)
    changed = signed().replace(b"\r\n", b"\n").replace(b"Robin,", b"Rupert,")
    yield case("G2.saved-and-changed", why, changed, FAILED)
    yield case("G2.saved-with-two-from", why, EVIL.replace(b"\r", b"") + signed().replace(b"\r\n", b"\n"), REFUSED)


# --- G3: size and number ---------------------------------------------------------------------------------------------

BIG = 300_000


def huge() -> Iterator[Case]:
    why = "Limits: above this bound of the header section, nothing is believed of it"
    for variant, top in {
        "6000-fields": b"X-Note: x\r\n" * 6000,
        "100000-empty-fields": b"a:\r\n" * 100_000,
        "600-kb-in-fields": (b"X-Note: " + b"x" * 60_000 + b"\r\n") * 10,
        "5100-from-fields": b"From: a@b.test\r\n" * 5100,
        "6000-signatures": b"DKIM-Signature: v=1\r\n" * 6000,
    }.items():
        yield case(f"G3.{variant}", why, top + signed(), REFUSED)
    why = "below every bound: the victim's message stays what it is, and is no reason to ask more"
    for variant, top in {
        "4000-fields": b"X-Note: x\r\n" * 4000,
        "1000-received": b"Received: by x.test; Mon, 02 Nov 2026 09:28:00 +0000\r\n" * 1000,
        "400-kb-in-fields": (b"X-Note: " + b"x" * 40_000 + b"\r\n") * 10,
        # Decision D30: a long field is nobody's trouble but its own
        "one-field-of-70-kb": b"X-Note: " + b"x" * 70_000 + b"\r\n",
        "one-field-of-30000-folds": b"X-Note:" + b"\r\n x" * 30_000 + b"\r\n",
        "12000-folds": b"X-Note:" + b"\r\n x" * 12_000 + b"\r\n",
        "1000-signatures": b"DKIM-Signature: v=1; d=example.net\r\n" * 1000,
        "2000-results": b"Authentication-Results: a.test; dmarc=pass\r\n" * 2000,
    }.items():
        words: Mapping[str, str] = {"dmarc": first("pass", CLOSED)}
        yield case(f"G3.control-{variant}", why, top + signed(), words)
    why = "RFC 9989 §5.3.1: Limits.from_bytes is 16 kB"
    raw = spoof(b"(" + b"x" * 20_000 + b") anna@example.com")
    yield case("G3.from-of-20-kb", why, raw, REFUSED)
    why = "RFC 6376 §3.4: linear work for any body, and the right hash at its end"
    for variant, body in {
        "blanks": b" " * BIG, "tabs-and-blanks": b"\t " * (BIG // 2), "empty-lines": b"\r\n" * (BIG // 2),
        "blank-lines": b" \r\n" * (BIG // 3), "crs": b"\r" * BIG, "lfs": b"\n" * BIG, "nuls": b"\0" * BIG,
        "one-line": b"x" * BIG, "trailing-blanks": b"x " * (BIG // 2), "crcrlf": b"\r\r\n" * (BIG // 3),
    }.items():  # fmt: skip
        raw = signed(MAIL + body + b"end\r\n")
        yield case(f"G3.control-body-of-{variant}", why, raw, PASSED)
        yield case(f"G3.body-of-{variant}-changed", why, raw.replace(b"end\r\n", b"dne\r\n"), FAILED)
    why = (
        "RFC 6376 §6.1: signatures beyond Limits.signatures are not evaluated; a good one that could align comes first"
    )
    junk = b"DKIM-Signature: v=1; a=rsa-sha256; d=%d.example.net; s=s; h=from; bh=AAAA; b=AAAA\r\n"
    words = {"dmarc": first("pass", CLOSED)}
    yield case("G3.300-signatures-above", why, b"".join(junk % n for n in range(300)) + signed(), words, questions=60)
    raw = b"".join(junk % n for n in range(300)) + spoof(b"anna@example.com")
    yield case("G3.300-signatures-on-spoof", why, raw, SPOOFED, questions=60)
    why = "RFC 8617 §4.2.1, §5.2: more than 50 sets is a fail, without a lookup for each"
    seals = b"".join(
        b"ARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=%d.test; s=s; b=AAAA\r\n"
        b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=%d.test; s=s; h=from; bh=AAAA; b=AAAA\r\n"
        b"ARC-Authentication-Results: i=%d; a.test; none\r\n" % (n, n, n, n, n)
        for n in range(400, 0, -1)
    )
    raw = seals + spoof(b"anna@example.com")
    yield case("G3.400-arc-sets", why, raw, {**SPOOFED, "arc": first("fail", NOT_PASS)}, questions=20)
    yield case(
        "G3.400-arc-sets-on-genuine", why, seals + signed(), {**PASSES, "arc": first("fail", NOT_PASS)}, questions=20
    )
    why = "RFC 6376 §3.5: a date of 12 digits is a number; an old message is judged by its own time"
    words = {**SPOOFED, "dkim.0": first("policy", NOT_PASS)}
    yield case("G3.date-of-12-digits", why, signed(tags={"t": "999999999999"}), words)
    yield case("G3.late-receipt", why, signed(tags={"x": str(NOW)}), words, now=10**11)
    why = "a chain of one set on a message of 300 kB: the body is hashed once for both"
    raw = sealed(signed(MAIL + b"x" * BIG + b"\r\n"))
    zone = key_zone("lists.example.org", "arc", "rsa2048-list")
    yield case("G3.control-sealed-body", why, raw, {**PASSED, "arc": "pass"}, zone=zone)
    yield case("G3.sealed-body-changed", why, raw + b"x", {**FAILED, "arc": first("fail", NOT_PASS)}, zone=zone)


CASES = [*sections(), *smuggled(), *degenerate(), *huge()]
