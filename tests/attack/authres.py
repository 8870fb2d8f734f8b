"""F1-F3: Authentication-Results. Fields of a stranger that claim to be ours, and strangers' text in what we write.

F1 has each forgery as the second field of a spoofed message: RFC 8601 §5 wants it gone, and what it says changes no
verdict. F2 puts text that looks like results, or breaks out of a field, into everything a stranger may choose; the
runner reads back each field we write. F3 is about size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from support.signing import MAIL, key_zone, sealed, signed

from attack.case import ATTACKER, RECEIVER, Case
from attack.stage import (
    ATTACKER_IP,
    BODY,
    CLOSED,
    HIMSELF,
    NOT_PASS,
    PASSES,
    REFUSED,
    SPOOFED,
    TO_DATE,
    by_attacker,
    by_attacker_with,
    case,
    first,
    spoof,
)
from mailauth import Connection, Limits, Options

US = RECEIVER.encode()
LIE = b"dmarc=pass header.from=example.com; dkim=pass header.d=example.com"
AR = b"Authentication-Results: "
OPTIONS = Options(authserv_ids=frozenset({"mx-old.example.org", "m\u00fcnchen.example.org"}))
UNFORGED = spoof(b"anna@example.com")


def under_received(field: bytes) -> bytes:
    """Return the spoofed message with a field below a Received field: at position 1."""
    received = b"Received: from mail.example.net by mx.example.org; Mon, 02 Nov 2026 09:28:30 +0000\r\n"
    return received + field + b"\r\n" + UNFORGED


# --- F1: fields that claim to be ours --------------------------------------------------------------------------------

CLAIM = "RFC 8601 §5: it claims our identity, and came from outside"
UNREADABLE = "RFC 8601 §5, docs/decisions.md: its beginning cannot be read, and it names us"
OURS: dict[str, tuple[bytes, str]] = {
    "plain": (AR + US + b"; " + LIE, CLAIM),
    "none": (AR + US + b"; none", CLAIM),
    "no-results": (AR + US, CLAIM),
    "upper-case": (AR + US.upper() + b"; " + LIE, CLAIM),
    "field-name-case": (b"aUTHENTICATION-rESULTS: " + US + b"; " + LIE, CLAIM),
    "space-before-colon": (b"Authentication-Results : " + US + b"; " + LIE, CLAIM),
    "tab-before-colon": (b"Authentication-Results\t:" + US + b"; " + LIE, CLAIM),
    "no-space": (b"Authentication-Results:" + US + b";" + LIE, CLAIM),
    "folded": (AR + b"\r\n\t" + US + b"\r\n ; " + LIE, CLAIM),
    "folded-twice": (AR + b"\r\n \t (x)\r\n " + US + b"; " + LIE, CLAIM),
    "quoted": (AR + b'"' + US + b'"; ' + LIE, CLAIM),
    "quoted-pairs": (AR + b'"\\mx.ex\\ample.org"; ' + LIE, CLAIM),
    "comment-before": (AR + b"(other.test; x=pass) " + US + b"; " + LIE, CLAIM),
    "nested-comment-before": (AR + b"(a (b \\) c) d)" + US + b"; " + LIE, CLAIM),
    "quote-in-comment": (AR + b'(") ' + US + b' (");' + LIE, CLAIM),
    "comment-behind": (AR + US + b"(other.test); " + LIE, CLAIM),
    "long-comment-before": (AR + b"(" + b"x" * 5000 + b") " + US + b"; " + LIE, CLAIM),
    "many-folds-before": (AR + b"(x)\r\n " * 900 + US + b"; " + LIE, CLAIM),
    "version": (AR + US + b" 1; " + LIE, CLAIM),
    "version-01": (AR + US + b" 01; " + LIE, CLAIM),
    "version-commented": (AR + US + b" (x) 1 (y); " + LIE, CLAIM),
    "version-2": (AR + US + b" 2; " + LIE, CLAIM),
    "version-huge": (AR + US + b" " + b"9" * 5000 + b"; " + LIE, CLAIM),
    "version-2-of-another": (AR + b"other.test 2; " + LIE, "RFC 8601 §5: a version nobody reads is to be removed"),
    "trailing-dot": (AR + US + b".; " + LIE, "RFC 1034 §3.1: the same name"),
    "other-id-of-ours": (AR + b"MX-old.example.org; " + LIE, CLAIM),
    "a-label": (AR + b"xn--mnchen-3ya.example.org; " + LIE, "RFC 8601 §5: compared as U-labels"),
    "u-label": (AR + "m\u00fcnchen.example.org; ".encode() + LIE, "RFC 8601 §5: compared as U-labels"),
    "u-label-quoted": (AR + '"m\u00fcnchen.example.org"; '.encode() + LIE, "RFC 8601 §5: compared as U-labels"),
    "u-label-upper-case": (AR + "M\u00dcNCHEN.EXAMPLE.ORG; ".encode() + LIE, "RFC 8601 §5: without case"),
    "comment-not-closed": (AR + b"(" + US + b"; " + LIE, UNREADABLE),
    "quote-not-closed": (AR + b'"' + US + b"; " + LIE, UNREADABLE),
    "comments-too-deep": (AR + b"(" * 60 + b")" * 60 + US + b"; " + LIE, UNREADABLE),
    "no-semicolon": (AR + US + b" dmarc=pass", UNREADABLE),
    "comma": (AR + US + b", other.test; " + LIE, UNREADABLE),
    "slash-version": (AR + US + b"/1; " + LIE, UNREADABLE),
    "blanks-inside": (AR + b"mx . example . org; " + LIE, UNREADABLE),
    "comment-inside": (AR + b"mx.(x)example.org; " + LIE, UNREADABLE),
    "nested-comment-inside": (AR + b"mx(a(b)).example(c).org; " + LIE, UNREADABLE),
    "comment-inside-open-comment": (AR + b"(x mx(y).example.org; " + LIE, UNREADABLE),
    "thousand-comments": (AR + b"= " + b"(x)" * 1000 + LIE, "docs/decisions.md: what nobody writes is not read"),
    "between-results": (AR + b"spf=pass smtp.mailfrom=example.net; " + US + b"; " + LIE, UNREADABLE),
    "half-quoted": (AR + b'"mx".example.org; ' + LIE, UNREADABLE),
    "at": (AR + b"x@" + US + b"; " + LIE, UNREADABLE),
    "vertical-tab": (AR + b"\v" + US + b"; " + LIE, UNREADABLE),
    "nul-inside": (AR + b"mx.exa\0mple.org; " + LIE, UNREADABLE),
    "latin-1-inside": (AR + b"mx.exa\xadmple.org; " + LIE, UNREADABLE),
    "soft-hyphen-inside": (AR + "mx.exa\u00admple.org; ".encode() + LIE, UNREADABLE),
    "zero-width-inside": (AR + "mx.exa\u200bmple.org; ".encode() + LIE, UNREADABLE),
    "bom-before": (AR + "\ufeff".encode() + US + b"; " + LIE, UNREADABLE),
    "bidi-before": (AR + "\u202d".encode() + US + b"; " + LIE, UNREADABLE),
    "encoded-word": (AR + b"=?utf-8?q?mx.example.org?=; " + LIE, UNREADABLE),
    "encoded-word-base64": (AR + b"=?utf-8?b?bXguZXhhbXBsZS5vcmc=?=; " + LIE, UNREADABLE),
    "results-first": (AR + b"dmarc=pass header.from=example.com (" + US + b")", UNREADABLE),
    "semicolon-first": (AR + b"; " + US + b"; " + LIE, UNREADABLE),
}

OTHERS = "RFC 8601 §5: another's field, or none at all; its removal could break a signature"
NOT_OURS: dict[str, bytes] = {
    "another": AR + b"mx.other.test; " + LIE,
    "subdomain": AR + b"x." + US + b"; " + LIE,
    "parent": AR + b"example.org; " + LIE,
    "longer-name": AR + US + b".other.test; " + LIE,
    "prefix": AR + b"evil" + US + b"; " + LIE,
    "names-us-in-comment": AR + b"mx.other.test (" + US + b"); spf=fail",
    "names-us-in-value": AR + b"mx.other.test; spf=pass smtp.helo=" + US,
    "names-us-in-reason": AR + b'mx.other.test; spf=pass reason="; ' + US + b'; dmarc=pass"',
    "nobody": AR + b"spf=pass smtp.mailfrom=example.net; dmarc=pass action=none header.from=example.net",
    "nobody-names-us-in-value": AR + b"spf=pass smtp.mailfrom=" + US + b"; dkim=none header.i=@" + US,
    "nobody-has-a-longer-name": AR + b"spf=pass (x." + US + b") smtp.helo=x; " + US + b".other.test; dkim=none",
    "arc": b"ARC-Authentication-Results: i=1; " + US + b"; " + LIE,
    "x-field": b"X-Authentication-Results: " + US + b"; " + LIE,
    "inside-subject": b"X-Note: x\r\n Authentication-Results: " + US + b"; " + LIE,
}


def forgeries() -> Iterator[Case]:
    for variant, (field, why) in OURS.items():
        yield case(f"F1.{variant}", why, under_received(field), SPOOFED, forged=[1], options=OPTIONS)
    for variant, field in NOT_OURS.items():
        yield case(f"F1.not-ours-{variant}", OTHERS, under_received(field), SPOOFED, forged=[], options=OPTIONS)
    why = "RFC 8601 §4.1: what stands in the body is no header field"
    body = BODY + AR + US + b"; " + LIE + b"\r\n"
    yield case("F1.not-ours-body", why, spoof(b"anna@example.com", body=body), SPOOFED, forged=[])
    for name, end in ("lf", b"\n"), ("cr", b"\r"):
        raw = under_received(b"X-Note: x" + end + AR + US + b"; " + LIE)
        yield case(f"F1.behind-bare-{name}", "RFC 5322 §2.3: only some readers see the field", raw, REFUSED)
    raw = under_received(b"Authentication-Results\0: " + US + b"; " + LIE)
    yield case("F1.nul-in-field-name", "some readers drop the NUL", raw, REFUSED, forged=[1])
    for name, octet in ("nul", b"\0"), ("bom", "\ufeff".encode()), ("zero-width", "\u200b".encode()):
        raw = under_received(octet + AR + US + b"; " + LIE)
        yield case(f"F1.{name}-before-field-name", "some readers drop what no field name has", raw, REFUSED, forged=[1])
        raw = under_received(b"Authentication-" + octet + b"Results: " + US + b"; " + LIE)
        yield case(f"F1.{name}-inside-field-name", "some readers drop what no field name has", raw, REFUSED, forged=[1])
    why = "a first line that continues nothing would be swallowed by the field we prepend, or seen as ours"
    yield case("F1.first-line-blank", why, b" " + AR + US + b"; " + LIE + b"\r\n" + UNFORGED, REFUSED, forged=[0])
    forged, other = AR + US + b"; " + LIE + b"\r\n", AR + b"mx.other.test; spf=fail\r\n"
    why = "RFC 8601 §5: each of ours goes and no other; positions are those of the message as it came"
    raw = forged + other + forged * 2 + b"X-Note: x\r\n" + other + forged + UNFORGED
    yield case("F1.five-of-seven", why, raw, SPOOFED, forged=[0, 2, 3, 6])
    yield case("F1.thousand", why, forged * 1000 + UNFORGED, SPOOFED, forged=range(1000))
    why = "the line ends of a saved message are LF; positions and removal stay the same"
    raw = (other + forged + signed()).replace(b"\r\n", b"\n")
    yield case("F1.saved-message", why, raw, PASSES, forged=[1])
    why = "a message of the victim with a forged field on top is still the victim's"
    yield case("F1.on-genuine", why, forged + signed(), PASSES, forged=[0])
    why = "RFC 8601 §5: signatures are verified before anything is removed"
    raw = signed(forged + MAIL, h="from:to:subject:date:authentication-results")
    yield case("F1.signed-by-victim", why, raw, PASSES, forged=[1])


# --- F2: text of strangers in the field we write ---------------------------------------------------------------------

RESULT = "dkim=pass header.d=example.com"
NOTHING_ELSE = "RFC 8601 §2.2, §7.1: whatever a stranger writes is a value or is not written; it is never a result"
C0 = "".join(chr(c) for c in range(0x20) if chr(c) not in "\t\r\n\0")
# What could end a value, a field or the trust of a reader
PAYLOADS = {
    "semicolon": f"; {RESULT}",
    "quote": f'"; {RESULT}; x="',
    "comment": f"); {RESULT} (",
    "backslash": "\\",
    "nul": f"\0; {RESULT}",
    "c0": C0,
    "delete-and-c1": "".join(map(chr, range(0x7F, 0xA0))),
    "separators": f"\u2028; {RESULT}\u2029",
    "bidi": f"\u202e\u2066\u200f{RESULT}",
    "eight-bit": "\udcff\udcfe\udc80",
    "overlong-crlf": "\udcc0\udc8d\udcc0\udc8a",
    "long": "a" * 5000,
}
LINE_ENDS = {
    "crlf": f"\r\nAuthentication-Results: {RECEIVER}; {RESULT}",
    "crlf-fold": f"\r\n\t; {RESULT}",
    "lf": f"\nAuthentication-Results: {RECEIVER}; {RESULT}",
    "cr": f"\rAuthentication-Results: {RECEIVER}; {RESULT}",
}
# What the grammar of a tag list keeps out altogether (RFC 6376 §3.2): the whole signature is unreadable
UNREADABLE_TAGS = {"nul", "c0", "delete-and-c1", "eight-bit", "overlong-crlf"}


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def tags_of_dkim() -> Iterator[Case]:
    """Payloads in the tags of a signature of the attacker, which verifies where the grammar allows it."""
    payloads = {**PAYLOADS, "fold": f"\r\n\t{RESULT}"}
    for name, payload in payloads.items():
        for tag, before, after in ("d", ATTACKER, ""), ("s", "s1", ""), ("i", "x", f"@{ATTACKER}"):
            value = before + payload + after
            tags = {"d": ATTACKER, "s": "s1"} | {tag: value}
            raw = by_attacker_with(MAIL, octets("; ".join(f"{t}={v}" for t, v in tags.items())))
            words: dict[str, str] = dict(SPOOFED)
            if name in UNREADABLE_TAGS:
                words["dkim.0"] = first("neutral", NOT_PASS)
            elif tag != "i" and name not in ("semicolon", "quote", "comment", "separators"):
                # A tag list it is, but no domain name: RFC 6376 §3.5, docs/decisions.md
                words["dkim.0"] = first("permerror", NOT_PASS)
            yield case(f"F2.{tag}-{name}", NOTHING_ELSE, raw, words)
    for name, encoded in ("semicolon", f"=3B=20{RESULT}"), ("crlf", "=0D=0A=09=3Bdkim=3Dpass"), ("nul", "=00"):
        raw = by_attacker_with(MAIL, f"d={ATTACKER}; s=s1; i=x{encoded}@{ATTACKER}".encode())
        yield case(f"F2.i-encoded-{name}", NOTHING_ELSE + "; RFC 6376 §2.11: i= is encoded", raw, SPOOFED)
    raw = by_attacker_with(MAIL, f'd={ATTACKER}; s=s1; i="x, {RESULT} "@{ATTACKER}'.encode())
    yield case("F2.i-quoted", NOTHING_ELSE, raw, {**SPOOFED, "dkim.0": first("pass", NOT_PASS)})
    for name in "quote", "comment", "backslash", "c0", "bidi":
        text = octets(PAYLOADS[name].replace(";", ","))
        for changed in "a", "b", "bh":
            field = {"v": b"1", "a": b"rsa-sha256", "b": b"AAAA", "bh": b"AAAA", changed: text}
            field |= {"d": b"example.com", "s": b"s1", "h": b"from"}
            raw = b"DKIM-Signature: " + b"; ".join(t.encode() + b"=" + v for t, v in field.items()) + b"\r\n" + MAIL
            words = {**SPOOFED, "dkim.0": first("neutral", NOT_PASS)}
            yield case(f"F2.{changed}-{name}", NOTHING_ELSE + "; RFC 6376 §3.5: unreadable", raw, words)


NOWHERE = first("none", NOT_PASS)
HONEST = first("pass", NOT_PASS)


def envelope() -> Iterator[Case]:
    """Payloads in what SMTP said. An SMTP server should refuse most of it; ours may stand behind one that does not."""
    for name, payload in (PAYLOADS | LINE_ENDS).items():
        local = Connection(ip=ATTACKER_IP, helo="mail.example.net", mail_from=f"x{payload}@{ATTACKER}")
        quoted_text = payload.replace("\\", "\\\\").replace('"', '\\"')
        quoted = Connection(ip=ATTACKER_IP, helo="mail.example.net", mail_from=f'"x{quoted_text}"@{ATTACKER}')
        domain = Connection(ip=ATTACKER_IP, helo="mail.example.net", mail_from=f"x@{ATTACKER}{payload}")
        helo = Connection(ip=ATTACKER_IP, helo=f"mail.example.net{payload}", mail_from=f"x@{ATTACKER}")
        null = Connection(ip=ATTACKER_IP, helo=f"mail.example.net{payload}", mail_from="")
        why = NOTHING_ELSE + "; RFC 7208 §4.3: no domain name gives none"
        bad = name in ("nul", "c0", "delete-and-c1", *LINE_ENDS)
        unknown: Mapping[str, str] = {**SPOOFED, "spf": first("none" if bad else "pass", NOT_PASS | {"pass"})}
        yield case(f"F2.mailfrom-quoted-{name}", NOTHING_ELSE, UNFORGED, unknown, connection=quoted)
        yield case(f"F2.mailfrom-local-{name}", NOTHING_ELSE, UNFORGED, SPOOFED, connection=local)
        yield case(f"F2.mailfrom-domain-{name}", why, UNFORGED, {**SPOOFED, "spf": NOWHERE}, connection=domain)
        yield case(f"F2.helo-{name}", why, UNFORGED, {**SPOOFED, "helo_spf": NOWHERE}, connection=helo)
        record = f"v=spf1 a:%{{l}}.{ATTACKER} ip4:{ATTACKER_IP} -all"
        both = Connection(ip=ATTACKER_IP, helo=f"mail.example.net{payload}", mail_from=f'"x{quoted_text}"@{ATTACKER}')
        zone = {ATTACKER: {"TXT": [record]}}
        why = NOTHING_ELSE + "; RFC 7208 §9.1: and bounded in length"
        options = Options(received_spf=True)
        yield case(f"F2.received-spf-{name}", why, UNFORGED, SPOOFED, connection=both, zone=zone, options=options)
        words: Mapping[str, str] = {**SPOOFED, "spf": NOWHERE, "helo_spf": NOWHERE}
        yield case(f"F2.helo-null-sender-{name}", why, UNFORGED, words, connection=null)


def authors() -> Iterator[Case]:
    """Payloads in From: the victim's address stays, or becomes unreadable."""
    for name, payload in PAYLOADS.items():
        text = octets(payload.replace("\\", "\\\\").replace('"', '\\"'))
        # RFC 5322 §4.1: controls end an address for some readers. Decision D26: other octets do not
        words = REFUSED if name in UNREADABLE_TAGS and not name.startswith(("eight-bit", "overlong")) else SPOOFED
        yield case(f"F2.from-name-{name}", NOTHING_ELSE, spoof(b'"' + text + b'" <a@example.com>'), words)
        yield case(f"F2.from-local-{name}", NOTHING_ELSE, spoof(b'"' + text + b'"@example.com'), words)
        raw = spoof(b"a@example.com" + octets(payload))
        # Decision D26: after these the domain has ended, for every reader
        domain: Mapping[str, str] = SPOOFED if name in {"semicolon", "quote", "comment"} else REFUSED
        yield case(f"F2.from-domain-{name}", NOTHING_ELSE, raw, domain)


def answers() -> Iterator[Case]:
    """Payloads in DNS: the attacker writes his own DMARC record, explanation, key and reverse name."""
    bare = b"From: x@example.net\r\n" + TO_DATE + BODY
    for name, payload in (PAYLOADS | LINE_ENDS).items():
        for tag in "p", "rua":
            policy = {} if tag == "p" else {"p": "none"}
            record = "; ".join(f"{t}={v}" for t, v in (policy | {tag: f"reject{payload}"}).items())
            zone = {"_dmarc.example.net": {"TXT": [f"v=DMARC1; {record}"]}}
            words: Mapping[str, str] = {"dmarc.author_domain": f"{ATTACKER}|none", "spf": HONEST}
            why = NOTHING_ELSE + "; RFC 9989 §4.7: a policy is one of three words"
            yield case(f"F2.dmarc-{tag}-{name}", why, bare, words, zone=zone)
        zone = {
            "example.net": {"TXT": ["v=spf1 -all exp=why.example.net"]},
            "why.example.net": {"TXT": [f"see {payload}"]},
        }
        words = {**HIMSELF, "spf": first("fail", NOT_PASS), "dmarc": first("fail", NOT_PASS)}
        why = NOTHING_ELSE + "; RFC 7208 §6.2, §11.5: the explanation is third-party text"
        yield case(f"F2.exp-{name}", why, bare, words, zone=zone)
        if payload.isascii() and name not in ("cr", "crlf-fold"):
            zone = {"66.113.0.203.in-addr.arpa": {"PTR": [f"mail.example.net{payload}"]}}
            words = {**SPOOFED, "iprev": first("permerror" if name == "long" else "fail", NOT_PASS)}
            yield case(f"F2.ptr-{name}", NOTHING_ELSE + "; RFC 8601 §3", UNFORGED, words, zone=zone)


def sealed_claims() -> Iterator[Case]:
    """Payloads in a sealed ARC-Authentication-Results of the attacker: claims of his, whatever they say."""
    zone = key_zone(ATTACKER, "arc", "rsa2048-other")
    texts = {
        "our-id": f"i=1; {RECEIVER}; dmarc=pass header.from=example.com",
        "no-id": f"i=1; ; {RESULT}",
        "dotted-keys": "i=1; mail.example.net; dmarc=pass header.from.x.y=example.com",
        "nested-comments": "i=1; mail.example.net; spf=pass " + "(" * 2000 + ")" * 2000,
        "open-comment": f"i=1; mail.example.net; spf=pass ({RESULT}",
        "open-quote": f'i=1; mail.example.net; spf=pass smtp.helo="; {RESULT}',
        "folded": f"i=1; mail.example.net; spf=pass\r\n\t; {RESULT}",
        "bidi": f"i=1; mail.example.net; \u202e{RESULT}",
        "long": "i=1; mail.example.net; spf=pass smtp.helo=" + "a" * 20000,
        "1500-results": "i=1; mail.example.net; " + "; ".join(["dmarc=pass header.from=example.com"] * 1500),
    }
    for name, text in texts.items():
        raw = sealed(by_attacker(MAIL), by="rsa2048-other", domain=ATTACKER, selector="arc", aar=text)
        words: Mapping[str, str] = {**SPOOFED, "arc": first("pass", NOT_PASS)}
        why = "RFC 8617 §7.2: a valid chain proves who sealed, and nothing of what the sealer claims"
        yield case(f"F2.aar-{name}", why, raw, words, zone=zone)


# --- F3: size --------------------------------------------------------------------------------------------------------


def sizes() -> Iterator[Case]:
    label = "a" * 60
    domain = ".".join([label] * 3 + ["example.net"])
    many = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.%s; s=%s; h=from; bh=AAAA; b=AAA%d\r\n"
        % (n, domain.encode(), label.encode(), n % 10)
        for n in range(200)
    )
    why = "RFC 8601 §2.2 sets no bound: Limits.authres_bytes does, and verdicts stay before bad signatures"
    yield case("F3.200-signatures", why, many + UNFORGED, SPOOFED)
    words: Mapping[str, str] = {"dmarc": first("pass", CLOSED), "dkim.200": first("pass", NOT_PASS)}
    yield case("F3.200-signatures-on-genuine", why, many + signed(), words)
    why = "RFC 5322 §2.1.1: a line has 998 octets at most, whatever the names in it"
    connection = Connection(ip="2001:db8::1", helo=domain, mail_from=f"{'x' * 64}@{domain}")
    words = {"dmarc": first("pass", NOT_PASS), "dmarc.author_domain": f"{domain}|none", "spf": first("none", NOT_PASS)}
    yield case("F3.long-names", why, spoof(f"x@{domain}".encode()), words, connection=connection)
    identity = f"i={'x' * 900}@{ATTACKER}".encode()
    raw = by_attacker_with(MAIL, b"d=example.net; s=s1; " + identity)
    yield case("F3.long-identity", why, raw, {**SPOOFED, "dkim.0": first("pass", NOT_PASS)})
    identity = b"i=" + "\u00e4".encode() * 900 + b"@example.net"
    raw = by_attacker_with(MAIL, b"d=example.net; s=s1; " + identity)
    yield case("F3.long-identity-utf-8", why, raw, {**SPOOFED, "dkim.0": first("pass", NOT_PASS)})
    why = "a bound of 300 octets leaves room for little; what is left must still be a whole field"
    yield case("F3.small-bound", why, UNFORGED, SPOOFED, limits=Limits(authres_bytes=300))
    yield case("F3.no-room", why, UNFORGED, SPOOFED, limits=Limits(authres_bytes=0))


CASES = [*forgeries(), *tags_of_dkim(), *envelope(), *authors(), *answers(), *sealed_claims(), *sizes()]
