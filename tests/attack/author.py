"""A1-A16: who is the author? Messages whose readers could disagree about the domain of From.

Each is sent by the attacker, whose own SPF and DKIM pass, or is a genuine message of the victim that was changed
under its signature. RFC 9989 §5.3.1 wants exactly one author domain, and §11.5 calls everything else an attack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from support.signing import MAIL, signed

from attack.case import Case
from attack.stage import (
    BODY,
    BY_VICTIM,
    CLOSED,
    HELD,
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
    stranger,
)
from mailauth import Connection, Options

VICTIM_FROM = b"From: Anna <anna@example.com>\r\n"
EVIL_FROM = b"From: x@example.net\r\n"
Row = tuple[str, bytes, Mapping[str, str], str]


def from_values(entry: str, rows: list[Row], **rest: Any) -> Iterator[Case]:
    """Yield a case for each (variant, From value, words, why), signed and sent by the attacker."""
    for variant, value, words, why in rows:
        yield case(f"{entry}.{variant}", why, spoof(value), words, **rest)


def headers(entry: str, rows: list[Row], h: str = "from:to:subject:date") -> Iterator[Case]:
    """Yield a case for each (variant, author lines, words, why), signed and sent by the attacker."""
    for variant, lines, words, why in rows:
        yield case(f"{entry}.{variant}", why, by_attacker(lines + TO_DATE + BODY, h=h), words)


# --- A1: repeated From -----------------------------------------------------------------------------------------------

TWICE = "from:from:to:subject:date"
MANY = b"".join(b"X-Filler-%d: x\r\n" % n for n in range(50))
# It verifies, but a From field is not signed (RFC 6376 §8.15; docs/decisions.md)
UNSIGNED_FROM: Mapping[str, str] = {**REFUSED, "dkim.0": first("policy", NOT_PASS)}
BROKEN: Mapping[str, str] = {**REFUSED, "dkim.0": first("fail", NOT_PASS)}


def repeated() -> Iterator[Case]:
    why = "RFC 5322 §3.6 allows one From; RFC 9989 §11.5: readers choose differently, so there is no author"
    yield from headers(
        "A1",
        [
            ("victim-then-attacker", VICTIM_FROM + EVIL_FROM, REFUSED, why),
            ("attacker-then-victim", EVIL_FROM + VICTIM_FROM, REFUSED, why),
            ("other-case", EVIL_FROM + VICTIM_FROM.replace(b"From", b"fROM"), REFUSED, why),
            ("far-apart", EVIL_FROM + MANY + VICTIM_FROM, REFUSED, why),
            ("one-empty", b"From:\r\n" + VICTIM_FROM, REFUSED, why),
            ("folded-second", EVIL_FROM + b"From:\r\n Anna\r\n <anna@example.com>\r\n", REFUSED, why),
            ("three", EVIL_FROM + VICTIM_FROM + EVIL_FROM, REFUSED, why),
            ("same-twice", VICTIM_FROM * 2, REFUSED, why + "; equal fields are still two"),
        ],
        h=TWICE + ":from",
    )
    genuine, oversigned = signed(), signed(h=TWICE)
    why = "RFC 6376 §5.4.2: the bottom From is hashed, so it verifies; §8.15: the one on top is nobody's"
    for variant, line in (
        ("prepended-to-signed", EVIL_FROM),
        ("victim-prepended-to-signed", b"From: Boss <boss@example.com>\r\n"),
        ("same-prepended-to-signed", VICTIM_FROM),
    ):
        yield case(f"A1.{variant}", why, line + genuine, UNSIGNED_FROM)
        yield case(f"A1.{variant}-genuine-path", why, line + genuine, UNSIGNED_FROM, connection=BY_VICTIM)
    why = "h= names From twice: the second is signed as absent (RFC 6376 §5.4)"
    yield case("A1.prepended-to-oversigned", why, EVIL_FROM + oversigned, BROKEN)
    why = "RFC 6376 §5.4.2: the bottom From is hashed, and it is not the signed one"
    yield case("A1.appended-to-signed", why, genuine.replace(BODY, EVIL_FROM + BODY), BROKEN)
    why = "an untouched message of the victim: oversigning harms nothing"
    yield case("A1.control-oversigned", why, oversigned, {**PASSES, "dkim.0": "pass"})
    why = "an untouched message of the victim, by SPF and by DKIM"
    words: Mapping[str, str] = {**PASSES, "dkim.0": "pass", "spf": "pass"}
    yield case("A1.control-genuine", why, genuine, words, connection=BY_VICTIM)
    yield case("A1.control-attacker", "the attacker as himself", spoof(b"x@example.net"), HIMSELF)


# --- A2, A3: field names, absent From --------------------------------------------------------------------------------


def names() -> Iterator[Case]:
    obsolete = "RFC 5322 §4.5: white space before the colon is obsolete, and still a From field"
    broken = "RFC 5322 §2.2: not a header field, and some readers take it for one"
    not_from = "RFC 5322 §3.6.2: not the From field; the author is whom From names"
    yield from headers(
        "A2",
        [
            ("space-before-colon", b"From : anna@example.com\r\n", SPOOFED, obsolete),
            ("tab-before-colon", b"From\t: anna@example.com\r\n", SPOOFED, obsolete),
            ("spaced-and-plain", b"From : anna@example.com\r\n" + EVIL_FROM, REFUSED, obsolete + ", so there are two"),
            ("plain-and-spaced", EVIL_FROM + b"From \t : anna@example.com\r\n", REFUSED, obsolete + ", so two"),
            ("folded-name", b"From\r\n : anna@example.com\r\n", REFUSED, broken),
            ("folded-name-and-plain", EVIL_FROM + b"From\r\n : anna@example.com\r\n", REFUSED, broken),
            ("split-name", b"Fr\r\n om: anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("no-colon", b"From anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("nul-in-name", b"From\0: anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("nul-inside-name", b"Fr\0om: anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("no-break-space-in-name", b"From\xa0: anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("zero-width-in-name", "From\u200b: anna@example.com\r\n".encode() + EVIL_FROM, REFUSED, broken),
            ("vertical-tab-in-name", b"From\v: anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("empty-name", b": anna@example.com\r\n" + EVIL_FROM, REFUSED, broken),
            ("quoted-mbox-line", b">From: anna@example.com\r\n" + EVIL_FROM, HIMSELF, not_from),
            ("from-in-folded-subject", b"X-Note: x\r\n From: anna@example.com\r\n" + EVIL_FROM, HIMSELF, not_from),
        ],
        h="from:from:to:subject:date",
    )
    genuine = signed()
    why = "RFC 5322 §4.5: a second From, on top of the signed one"
    yield case("A2.spaced-prepended-to-signed", why, b"From : x@example.net\r\n" + genuine, UNSIGNED_FROM)
    why = "a first line that continues nothing: some readers drop the blank and see a From field"
    for variant, blank in ("space", b" "), ("tab", b"\t"):
        yield case(f"A2.leading-{variant}-prepended-to-signed", why, blank + EVIL_FROM + genuine, REFUSED)
        yield case(f"A2.leading-{variant}", why, blank + VICTIM_FROM + spoof(b"x@example.net"), REFUSED)
    why = "RFC 5322 §2.2: a line that has no colon; readers drop it, or end the header section there"
    mbox = b"From x@example.net Mon Nov  2 09:28:00 2026\r\n"
    yield case("A2.mbox-line-inside-signed", why, genuine.replace(b"To: ", mbox + b"To: "), REFUSED)


def absent() -> Iterator[Case]:
    why = "RFC 9989 §5.3.1, §11.5: no From, no author; no other field takes its place"
    # Some receivers answer none here; the victim is not named then either
    words: Mapping[str, str] = {**REFUSED, "dmarc": first("permerror", CLOSED | {"none"})}
    for variant, lines in (
        ("nothing", b""),
        ("sender", b"Sender: anna@example.com\r\n"),
        ("resent-from", b"Resent-From: anna@example.com\r\n"),
        ("reply-to", b"Reply-To: anna@example.com\r\n"),
        ("return-path", b"Return-Path: <anna@example.com>\r\n"),
        ("apparently-from", b"Apparently-From: anna@example.com\r\n"),
    ):
        yield case(f"A3.no-from-{variant}", why, by_attacker(lines + TO_DATE + BODY), words)
    yield case("A3.no-from-in-signed", why, signed().replace(VICTIM_FROM, b""), words)
    why = "RFC 9989 §5.3.1: an empty From names no mailbox"
    yield from from_values("A3", [("empty-from", b"", REFUSED, why), ("blank-from", b" \t ", REFUSED, why)])
    why = "RFC 9989 §3.2.2: the author is whom From names; Sender plays no part"
    for name in "Sender", "Resent-From", "Reply-To":
        raw = spoof(b"x@example.net", f"{name}: anna@example.com\r\n".encode())
        yield case(f"A3.{name.lower()}-of-victim", why, raw, HIMSELF)
        raw = spoof(b"anna@example.com", f"{name}: x@example.net\r\n".encode())
        yield case(f"A3.{name.lower()}-of-attacker", why, raw, SPOOFED)


# --- A4-A11: the address grammar -------------------------------------------------------------------------------------

TWO = "RFC 9989 §5.3.1: more than one domain, so no author domain"
ONE = "RFC 9989 §5.3.1: several addresses in the same domain are one domain"
GRAMMAR = "RFC 5322 §3.4: outside the grammar, so readers guess (RFC 9989 §11.5)"
ONE_READING = "RFC 9989 §11.5, decision D26: outside the grammar, but every reading names the same domain"
SEVERAL_READINGS = "RFC 9989 §11.5, decision D26: readers that decode, or cut, see another domain"
WHOLE = "RFC 5322 §3.4.1: the domain stands behind the last @ that no quotes and no comment hold"

SEVERAL: list[Row] = [
    ("victim-and-attacker", b"anna@example.com, x@example.net", REFUSED, TWO),
    ("attacker-and-victim", b"x@example.net, anna@example.com", REFUSED, TWO),
    ("domain-and-subdomain", b"anna@example.com, x@mail.example.com", REFUSED, TWO),
    ("empty-elements", b",, x@example.net ,, anna@example.com,,", REFUSED, TWO),
    ("folded-away", b"x@example.net,\r\n" + b" " * 70 + b"\r\n\tanna@example.com", REFUSED, TWO),
    ("semicolon", b"x@example.net; anna@example.com", REFUSED, GRAMMAR),
    ("same-domain", b"anna@example.com, Bob <bob@EXAMPLE.com>", SPOOFED, ONE),
    ("same-domain-with-dot", b"anna@example.com, bob@example.com.", SPOOFED, ONE),
    ("65-mailboxes", b", ".join(b"a%d@example.com" % n for n in range(65)), REFUSED, "Limits.from_mailboxes: 64"),
    ("800-domains", b",".join(b"a@d%d.test" % n for n in range(800)), REFUSED, TWO + "; and no walk for any"),
    ("64-domains", b",".join(b"a@d%d.example.net" % n for n in range(64)), REFUSED, TWO + "; and no walk for any"),
]

SHAPES: list[Row] = [
    ("route-by-attacker", b"<@example.net:anna@example.com>", SPOOFED, "RFC 5322 §4.4: a route is ignored"),
    ("route-by-victim", b"<@example.com:x@example.net>", HIMSELF, "RFC 5322 §4.4: a route is ignored"),
    ("long-route", b"<@example.com,@b.test,,@c.test:x@example.net>", HIMSELF, "RFC 5322 §4.4: a route is ignored"),
    ("route-without-colon", b"<@example.com,x@example.net>", REFUSED, GRAMMAR),
    ("junk-behind-angle", b"<x@example.net> anna@example.com", REFUSED, GRAMMAR),
    ("word-behind-angle", b"<anna@example.com>x", SPOOFED, ONE_READING),
    ("two-angles", b"<x@example.net> <anna@example.com>", REFUSED, GRAMMAR),
    ("angle-in-angle", b"<<anna@example.com>>", SPOOFED, ONE_READING),
    ("angle-in-angle-with-name", b"<x@example.net <anna@example.com>>", REFUSED, GRAMMAR),
    ("angle-not-closed", b"Anna <anna@example.com", SPOOFED, ONE_READING),
    ("angle-not-opened", b"anna@example.com>", SPOOFED, ONE_READING),
    ("domain-behind-angle", b"<anna@example.com>@example.net", REFUSED, GRAMMAR),
    ("two-at", b"anna@example.com@example.net", REFUSED, GRAMMAR),
    ("two-at-in-angle", b"<x@example.net@example.com>", REFUSED, GRAMMAR),
    ("two-addresses-no-comma", b"x@example.net anna@example.com", REFUSED, GRAMMAR),
    ("double-at", b"anna@@example.com", REFUSED, GRAMMAR),
    ("empty-angle", b"anna@example.com <>", REFUSED, GRAMMAR),
    ("no-at", b"anna", REFUSED, GRAMMAR),
    ("no-domain", b"anna@", REFUSED, GRAMMAR),
    ("no-local-part", b"@example.com", SPOOFED, ONE_READING),
    ("only-quoted", b'"anna@example.com"', SPOOFED, ONE_READING),
    ("quoted-pair-outside-quotes", rb"x\@example.net@example.com", REFUSED, GRAMMAR),
    ("dots-in-local-part", b"an..na@example.com", SPOOFED, ONE_READING),
    ("dot-before-at", b"anna.@example.com", SPOOFED, ONE_READING),
    ("leading-dot", b".anna@example.com", SPOOFED, ONE_READING),
    ("mailto", b"mailto:anna@example.com", SPOOFED, ONE_READING),
    ("mailto-in-angle", b"<mailto:anna@example.com>", SPOOFED, ONE_READING),
    ("brackets", b"[anna@example.com]", SPOOFED, ONE_READING),
    ("backslash-in-domain", rb"anna@example\.com", REFUSED, GRAMMAR),
]

QUOTED: list[Row] = [
    ("victim-inside", b'"anna@example.com"@example.net', HIMSELF, WHOLE),
    ("attacker-inside", b'"x@example.net"@example.com', SPOOFED, WHOLE),
    ("attacker-inside-angle", b'Anna <"x@example.net"@example.com>', SPOOFED, WHOLE),
    ("escaped-quote", rb'"x\"@example.net"@example.com', SPOOFED, WHOLE),
    ("escaped-backslash", rb'"x\\"@example.com', SPOOFED, WHOLE),
    ("angle-inside", b'"<x@example.net>"@example.com', REFUSED, SEVERAL_READINGS),
    ("comma-inside", b'"x@example.net, "@example.com', SPOOFED, WHOLE),
    ("comment-inside", b'"x@example.net("@example.com', SPOOFED, WHOLE),
    ("word-before-quotes", b'x"@example.net"@example.com', REFUSED, GRAMMAR),
    ("two-quoted", b'"x@example.net" "y"@example.com', REFUSED, GRAMMAR),
    ("not-closed", b'"anna@example.com', SPOOFED, ONE_READING),
    ("quoted-domain", b'anna@"example.com"', REFUSED, GRAMMAR),
]

NOT_A_NAME = "RFC 5321 §2.3.5: the whole domain counts, and with this character it is none"
CUT: list[Row] = [
    ("hyphen", b"x@example.com-evil.test", stranger("example.com-evil.test"), WHOLE),
    ("more-labels", b"x@example.com.evil.test", stranger("example.com.evil.test"), WHOLE),
    ("no-dot-before", b"x@evilexample.com", stranger("evilexample.com"), WHOLE),
    *(
        (name, b"x@example.com" + char + b".evil.test", REFUSED, NOT_A_NAME)
        for name, char in (
            ("slash", b"/"), ("percent", b"%2e"), ("exclamation", b"!"), ("plus", b"+"),
            ("apostrophe", b"'"), ("equals", b"="), ("question", b"?"), ("hash", b"#"), ("star", b"*"),
            ("tilde", b"~"), ("ampersand", b"&"), ("dollar", b"$"), ("bar", b"|"), ("backtick", b"`"),
            ("braces", b"{}"),
        )
    ),
    ("underscore", b"x@example.com_x.evil.test", stranger("example.com_x.evil.test"), WHOLE),
    ("space", b"x@example.com .evil.test", REFUSED, SEVERAL_READINGS),
    ("space-no-dot", b"x@example.com evil.test", REFUSED, GRAMMAR),
    ("colon-port", b"x@example.com:25", SPOOFED, ONE_READING),
    ("backslash", rb"x@example.com\.evil.test", REFUSED, GRAMMAR),
]  # fmt: skip

ENCODED = "RFC 2047 §5: no encoded-word stands in an address; a reader who decodes it sees another author"
DISPLAY = "RFC 2047 §5, RFC 9989 §5.3.1: a display name names no author"
ENCODED_WORDS: list[Row] = [
    ("hides-parenthesis", b"=?utf-8?Q?(?=<anna@example.com>)<x@example.net>", REFUSED, SEVERAL_READINGS),
    ("hides-quotes", b'=?utf-8?Q?"?= <anna@example.com>, =?utf-8?Q?"?= <x@example.net>', REFUSED, SEVERAL_READINGS),
    ("hides-group", b'=?utf-8?Q?"?=:anna@example.com" <x@example.net>', REFUSED, SEVERAL_READINGS),
    ("in-utf-7", b"=?utf-7?Q?anna+AEA-example.com?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("in-utf-16", b"=?utf-16be?B?AGEAQABlAHgAYQBtAHAAbABlAC4AYwBvAG0=?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("unknown-charset", b"=?x-none?B?YW5uYUBleGFtcGxlLmNvbQ==?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("in-two-words", b"=?utf-8?Q?anna=40exam?= =?us-ascii?Q?ple.com?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("broken-base64", b"=?utf-8?B?YW5uYUBleGFt cGxlLmNvbQ?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("after-domain", b"x@example.net=?utf-8?q?N?=", REFUSED, SEVERAL_READINGS),
    ("in-domain", b"<x@exam=?us-ascii?B?cA==?=le.net>", REFUSED, SEVERAL_READINGS),
    ("base64-with-junk", b"=?utf-8?B?YW5uYU<BleGFt>cGxlLmNvbQ%?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("base64-of-odd-length", b"=?utf-8?B?YW5uYUBleGFtcGxlLmNvbSAg?A?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("space-in-charset", b"=?us- ascii?Q?anna=40example.com?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("address-in-charset", b"=?<anna@example.com>;?Q?Ltd?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("folded-in-word", b"=?utf-8?Q?anna=\r\n\t40example.com?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("same-domain", b"=?utf-8?q?anna=40example.com?= <x@example.com>", SPOOFED, ONE_READING),
    ("whole-from", b"=?utf-8?q?anna=40example.com?=", REFUSED, ENCODED),
    ("local-part", b"=?utf-8?q?anna=40example.com=3E?=@example.net", REFUSED, ENCODED),
    ("local-part-base64", b"=?utf-8?b?YW5uYUBleGFtcGxlLmNvbQA=?=@example.net", REFUSED, ENCODED),
    ("local-part-in-angle", b"Anna <=?utf-8?q?anna=40example.com=00?=@example.net>", REFUSED, ENCODED),
    ("domain", b"anna@=?utf-8?q?example.com?=", REFUSED, ENCODED),
    ("domain-tail", b"anna@example.net=?utf-8?q?=00?=", REFUSED, ENCODED),
    ("second-address", b"=?utf-8?q?anna=40example.com=2C?= x@example.net", REFUSED, GRAMMAR),
    ("display-name", b"=?utf-8?q?anna=40example.com?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("display-name-newline", b"=?utf-8?q?anna=40example.com=0A=00?= <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("quoted-local-part", b'"=?utf-8?q?anna=40example.com?="@example.net', REFUSED, SEVERAL_READINGS),
]

GROUPS: list[Row] = [
    ("one-member", b"Team: anna@example.com;", SPOOFED, "RFC 6854 §2: members are authors"),
    ("empty", b"undisclosed-senders:;", REFUSED, "RFC 9989 §5.3.1: nobody is named"),
    ("two-domains", b"Team: anna@example.com, x@example.net;", REFUSED, TWO),
    ("member-outside", b"Team: x@example.net;, anna@example.com", REFUSED, TWO),
    ("two-groups", b"A: anna@example.com;, B: x@example.net;", REFUSED, TWO),
    ("no-comma-behind", b"Team: x@example.net; anna@example.com", REFUSED, GRAMMAR),
    ("nested", b"A: B: anna@example.com;;", SPOOFED, ONE_READING),
    ("not-closed", b"Team: anna@example.com", SPOOFED, ONE_READING),
    ("name-is-address", b"anna@example.com: x@example.net;", REFUSED, GRAMMAR),
    ("quoted-name-is-address", b'"anna@example.com": x@example.net;', HIMSELF, DISPLAY),
    ("no-name", b": anna@example.com;", SPOOFED, ONE_READING),
]

COMMENT = "RFC 5322 §3.2.2: a comment is nothing, wherever it stands"
COMMENTS: list[Row] = [
    ("before-domain", b"anna@(example.net)example.com", SPOOFED, COMMENT),
    ("behind-address", b"anna@example.com(example.net)", SPOOFED, COMMENT),
    ("before-address", b"(x@example.net) anna@example.com", SPOOFED, COMMENT),
    ("before-at", b"anna(@example.net)@example.com", REFUSED, SEVERAL_READINGS),
    ("victim-is-list-element", b"(anna@example.com), x@example.net", REFUSED, SEVERAL_READINGS),
    ("victim-is-last-element", b"x@example.net, (anna@example.com)", REFUSED, SEVERAL_READINGS),
    ("victim-inside-angle", b"<(<anna@example.com>)x@example.net>", REFUSED, SEVERAL_READINGS),
    ("victim-in-comment", b"(anna@example.com) x@example.net", HIMSELF, COMMENT),
    ("escaped-parenthesis", rb"(\) <x@example.net> \() anna@example.com", SPOOFED, COMMENT),
    ("nested", b"(a(x@example.net)b) anna@example.com", SPOOFED, COMMENT),
    ("quote-in-comment", b'(") anna@example.com (")', SPOOFED, COMMENT),
    ("everywhere", b"(a)anna(b)@(c)example(d).(e)com(f)", SPOOFED, COMMENT),
    ("folded", b"(\r\n x@example.net\r\n )\r\n anna@example.com", SPOOFED, COMMENT),
    ("depth-40", b"(" * 40 + b")" * 40 + b"anna@example.com", SPOOFED, COMMENT + "; Limits.comment_depth is 50"),
    ("depth-51", b"(" * 51 + b")" * 51 + b"anna@example.com", REFUSED, "Limits.comment_depth: 50"),
    ("depth-8000", b"(" * 8000 + b")" * 8000 + b"anna@example.com", REFUSED, "Limits.comment_depth: 50"),
    ("not-closed", b"x@example.net (anna@example.com", REFUSED, GRAMMAR),
    ("not-opened", b"x@example.net) anna@example.com", REFUSED, GRAMMAR),
    ("closed-by-escape", rb"x@example.net (\)", REFUSED, GRAMMAR),
    ("3000-in-a-row", b"(a)" * 3000 + b"anna@example.com", SPOOFED, COMMENT),
]

CONTROL = "RFC 5322 §4.1: a control ends the address for some readers (Composition Kills A3)"
OCTETS: list[Row] = [
    ("nul-behind-victim", b"anna@example.com\0.example.net", REFUSED, CONTROL),
    ("nul-before-at", b"anna@example.com\0@example.net", REFUSED, CONTROL),
    ("nul-at-end", b"x@example.net\0, anna@example.com", REFUSED, CONTROL),
    ("nul-in-name", b"A\0nna <anna@example.com>", REFUSED, CONTROL),
    ("nul-quoted", b'"A\0nna" <x@example.net>', REFUSED, CONTROL),
    ("bell", b"\aanna@example.com", REFUSED, CONTROL),
    ("backspace", b"x\b\b\b@example.net", REFUSED, CONTROL),
    ("escape", b"\x1b[2Kanna@example.com", REFUSED, CONTROL),
    ("vertical-tab", b"x@example.net,\vanna@example.com", REFUSED, CONTROL),
    ("form-feed", b"anna@example.com\f.example.net", REFUSED, CONTROL),
    ("delete", b"anna@example.com\x7f", REFUSED, CONTROL),
    ("next-line", "anna@example.com\u0085.example.net".encode(), REFUSED, CONTROL),
    ("latin-1-name", b"J\xfcrgen <anna@example.com>", SPOOFED, ONE_READING),
    ("shift-jis-backslash", b'"\x83\x5c" <anna@example.com>', SPOOFED, ONE_READING),
    ("shift-jis-closes-quotes", b'"\x83\x5c" <anna@example.com>, x" <x@example.net>', REFUSED, SEVERAL_READINGS),
    ("shift-jis-at", b"\x83@\x83n\x83i <anna@example.com>", SPOOFED, ONE_READING),
    ("latin-1-before-at", b"Andr\xe9@example.com <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("latin-1-domain-in-name", b"x@\xfcber.example.com <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("iso-2022-jp", b'\x1b$B"<@8(,\x1b(B <anna@example.com>', SPOOFED, ONE_READING),
    ("iso-2022-jp-holds-address", b"\x1b$B<anna@example.com>\x1b(B <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("iso-2022-jp-holds-comment", b"\x1b$B<a@(c)example.com>\x1b(B <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("iso-2022-jp-holds-spaces", b"\x1b$Ba @ example.com\x1b(B <x@example.net>", REFUSED, CONTROL),
    ("two-charsets", b"\xff <x@b\xc3\xbccher.example>", REFUSED, SEVERAL_READINGS),
    ("iso-2022-jp-not-closed", b"\x1b$B;3ED <anna@example.com>", REFUSED, CONTROL),
    ("latin-1-domain", b"x@b\xfccher.example", REFUSED, "RFC 6532 §3.1: octets that are not UTF-8"),
    ("overlong-dot", b"x@example\xc0\xaecom", REFUSED, "RFC 3629 §3: overlong UTF-8"),
    ("surrogate", b"x@\xed\xa0\x80.example.com", REFUSED, "RFC 3629 §3: surrogates are not UTF-8"),
]

# --- A12-A14: the domain ---------------------------------------------------------------------------------------------

MAPPED = "RFC 9989 §5.3.1, RFC 5891 §5: IDNA 2008 maps nothing; what needs it is no domain name"
OWN_NAME = "RFC 5890 §2.3.2.1: a look-alike is a domain of its own, shown as its A-label"
BUCHER = "xn--bcher-kva.example"
UNICODE_ZONE = {
    f"_dmarc.{BUCHER}": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.desk.example": {"TXT": ["v=DMARC1; p=reject"]},
}
BUCHER_SPOOFED: Mapping[str, str] = {**SPOOFED, "dmarc.author_domain": f"{BUCHER}|none"}


def u_label_rows() -> list[Row]:
    needs_mapping = {
        "full-width": "x@\uff45xample.com", "ideographic-dot": "x@example\u3002com", "full-width-dot": "x@example．com",
        "one-dot-leader": "x@example\u2024com", "zero-width-space": "x@exam\u200bple.com",
        "zero-width-joiner": "x@exam\u200dple.com", "soft-hyphen": "x@exam\u00adple.com",
        "word-joiner": "x@example.com\u2060", "bom-inside": "x@example\ufeff.com", "kelvin-sign": "x@des\u212a.example",
        "long-s": "x@de\u017fk.example", "decomposed": "x@bu\u0308cher.example", "upper-case": "x@B\u00dcCHER.example",
        "line-separator": "x@example.com\u2028.example.net", "right-to-left-override": "x@\u202emoc.elpmaxe",
        "no-break-space": "x@example.com\u00a0.example.net", "mathematical": "x@\U0001d41e\U0001d431ample.com",
        "superscript": "x@example.co\u1d50", "fraction-slash": "x@example.com\u2044.example.net",
        "emoji": "x@\U0001f600.com",
    }  # fmt: skip
    rows: list[Row] = [(name, value.encode(), REFUSED, MAPPED) for name, value in needs_mapping.items()]
    return [
        *rows,
        ("cyrillic", "x@\u0435xample.com".encode(), stranger("xn--xample-2of.com"), OWN_NAME),
        ("greek-omicron", "x@example.c\u03bfm".encode(), stranger("example.xn--cm-jbc"), OWN_NAME),
        ("a-label", b"x@xn--xample-2of.com", stranger("xn--xample-2of.com"), OWN_NAME),
        ("u-label-of-victim", "x@b\u00fccher.example".encode(), BUCHER_SPOOFED, "RFC 9989 §5.3.1: to the A-label"),
        ("a-label-of-victim", b"x@XN--BCHER-KVA.example", BUCHER_SPOOFED, "RFC 5890 §2.3.2.1: no case"),
    ]


NO_NAME = "RFC 9989 §5.3.1, RFC 5321 §4.1.2: no domain name, so no author domain; and nothing is asked"
BELOW: Mapping[str, str] = {**SPOOFED, "dmarc.author_domain": "_dmarc.example.com|none"}
DEGENERATE: list[Row] = [
    ("trailing-dot", b"anna@example.com.", SPOOFED, "RFC 1034 §3.1: one final dot names the same domain"),
    ("two-trailing-dots", b"anna@example.com..", REFUSED, NO_NAME),
    ("empty-label", b"anna@example..com", REFUSED, NO_NAME),
    ("leading-dot", b"anna@.example.com", REFUSED, NO_NAME),
    ("only-dot", b"anna@.", REFUSED, NO_NAME),
    ("label-of-64", b"x@" + b"a" * 64 + b".example.com", REFUSED, NO_NAME),
    ("name-of-300", b"x@" + b"abcdefg." * 37 + b"example.com", REFUSED, NO_NAME),
    ("name-of-12000", b"x@" + b"a." * 6000 + b"example.com", REFUSED, NO_NAME),
    ("literal", b"x@[203.0.113.66]", REFUSED, NO_NAME),
    ("literal-v6", b"x@[IPv6:2001:db8::1]", REFUSED, NO_NAME),
    ("literal-of-victim", b"x@[example.com]", REFUSED, NO_NAME),
    ("single-label", b"x@localhost", REFUSED, NO_NAME),
    ("top-level-domain", b"x@com", REFUSED, NO_NAME),
    (
        "underscore",
        b"x@_dmarc.example.com",
        BELOW,
        "decision D26: an underscore is a character of names",
    ),
    ("escaped-dot", rb"x@example\046com", REFUSED, GRAMMAR),
    ("leading-hyphen", b"x@-example.com", REFUSED, NO_NAME),
    ("hyphen-at-end", b"x@example.com-", REFUSED, NO_NAME),
    ("star", b"x@*.example.com", REFUSED, NO_NAME),
    ("bare-address", b"x@203.0.113.66", stranger("203.0.113.66"), "RFC 5321 §4.1.2: its grammar is a domain's"),
]

UNLISTED = {
    "evil.kids": {"TXT": ["v=spf1 ip4:203.0.113.66 -all"]},
    "_dmarc.victim.kids": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.bank.co.uk": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.uk": {"TXT": ["v=DMARC1; p=none; psd=y"]},
    "_dmarc.co.uk": {"TXT": ["v=DMARC1; p=reject; psd=y"]},
    "evil.co.uk": {"TXT": ["v=spf1 ip4:203.0.113.66 -all"]},
}


def suffixes() -> Iterator[Case]:
    for variant, author, sender in (
        ("unlisted-top-level-domain", "victim.kids", "evil.kids"),
        ("public-suffix", "bank.co.uk", "evil.co.uk"),
        ("author-is-public-suffix", "co.uk", "evil.co.uk"),
    ):
        words: Mapping[str, str] = {
            "spf": "pass",
            "dmarc": first("fail", CLOSED),
            "dmarc.author_domain": f"{author}|none",
            "dmarc.disposition": first("quarantine", HELD),
        }
        connection = Connection(ip="203.0.113.66", helo=sender, mail_from=f"x@{sender}")
        raw = f"From: x@{author}\r\n".encode() + TO_DATE + BODY
        why = "RFC 9989 §4.10.2: neither walk ends at a name that both have; a public suffix is nobody's organization"
        yield case(f"A14.{variant}", why, raw, words, connection=connection, zone=UNLISTED)
        why = "RFC 7489 §3.2: the default rule of the list is *, so the organization has one label more than the suffix"
        options = Options(mode="rfc7489")
        yield case(f"A14.{variant}-psl", why, raw, words, connection=connection, zone=UNLISTED, options=options)


# --- A15: what readers are shown beside the address ------------------------------------------------------------------

NAMES: list[Row] = [
    ("quoted-address", b'"anna@example.com" <x@example.net>', HIMSELF, DISPLAY),
    ("quoted-address-in-angle", b'"Anna <anna@example.com>" <x@example.net>', HIMSELF, DISPLAY),
    ("bare-address", b"anna@example.com <x@example.net>", REFUSED, GRAMMAR),
    ("bare-domain", b"example.com <x@example.net>", HIMSELF, "RFC 5322 §4.1: obs-phrase has dots"),
    ("bare-comma", b"example.com, Inc. <x@example.net>", HIMSELF, DISPLAY),
    ("bidi-override", '"\u202emoc.elpmaxe@anna" <x@example.net>'.encode(), HIMSELF, DISPLAY),
    ("bidi-isolate", '"\u2067anna@example.com\u2069" <x@example.net>'.encode(), HIMSELF, DISPLAY),
    ("bidi-around-angle", '"\u202e" <x@example.net>'.encode(), HIMSELF, DISPLAY),
    ("pushed-out-of-sight", b'"anna@example.com' + b" " * 900 + b'" <x@example.net>', HIMSELF, DISPLAY),
    ("folded-out-of-sight", b'"anna@example.com"\r\n\t\t\t\t\t\t\t<x@example.net>', HIMSELF, DISPLAY),
    ("line-separator", '"anna@example.com\u2028" <x@example.net>'.encode(), HIMSELF, DISPLAY),
    ("small-angles", '"Anna \u2039anna@example.com\u203a" <x@example.net>'.encode(), HIMSELF, DISPLAY),
    ("zero-width-space-behind-at", "anna@\u200bexample.com <x@example.net>".encode(), REFUSED, SEVERAL_READINGS),
    ("ideographic-dot-in-name", "anna@example\u3002com <x@example.net>".encode(), REFUSED, SEVERAL_READINGS),
    ("words-behind-address", b"x@example.net om", REFUSED, SEVERAL_READINGS),
    ("cut-by-empty-label", b"anna@example..com <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("cut-by-bracket", b"anna@example[.com <x@example.net>", REFUSED, SEVERAL_READINGS),
    ("cut-by-backslash", rb'"anna@exam\ple.com",x@example.net', REFUSED, SEVERAL_READINGS),
    ("cut-by-space", b"()<x@example.net>()<anna@exam ple.com>", REFUSED, SEVERAL_READINGS),
    ("cut-by-quotes", b'"anna@example".com <x@example.net>', HIMSELF, DISPLAY),
    ("after-nested-comment", b"a <x@example.net:b>, <anna@(b(c))example.com>", REFUSED, SEVERAL_READINGS),
    ("after-escape-in-comment", rb"a <x@example.net:b>, <anna@(\))example.com>", REFUSED, SEVERAL_READINGS),
    ("attacker-in-name", b'"x@example.net" <anna@example.com>', SPOOFED, DISPLAY),
]

# --- A16: where a field ends (the header section as a whole is in transport.py) --------------------------------------


def boundaries() -> Iterator[Case]:
    why = "RFC 5322 §2.3: CR and LF stand together; readers who take one alone for a line end see another author"
    for name, end in ("lf", b"\n"), ("cr", b"\r"), ("lfcr", b"\n\r"), ("crcrlf", b"\r\r\n"):
        for variant, lines in (
            ("hides-from", b"X-Note: x" + end + VICTIM_FROM + EVIL_FROM),
            ("hides-attacker", b"X-Note: x" + end + EVIL_FROM + VICTIM_FROM),
            ("inside-from", b"From: x@example.net" + end + b" , anna@example.com\r\n"),
        ):
            yield case(f"A16.{name}-{variant}", why, by_attacker(lines + TO_DATE + BODY, h=TWICE), REFUSED)
        changed = signed().replace(b"To: robin", b"To:" + end + EVIL_FROM + b" robin")
        yield case(f"A16.{name}-in-signed", why, changed, REFUSED)


CASES = [
    *repeated(),
    *names(),
    *absent(),
    *from_values("A4", SEVERAL, questions=10),
    case("A4.control-same-domain", ONE, signed(MAIL.replace(b"com>", b"com>, bob@Example.Com")), PASSES),
    *from_values("A5", SHAPES),
    *from_values("A6", QUOTED),
    *from_values("A7", CUT),
    *from_values("A8", ENCODED_WORDS),
    *from_values("A9", GROUPS),
    case(
        "A9.control-group",
        "RFC 6854 §2",
        signed(MAIL.replace(b"Anna <anna@example.com>", b"A: a@example.com;")),
        PASSES,
    ),
    *from_values("A10", COMMENTS),
    *from_values("A11", OCTETS),
    *from_values("A12", u_label_rows(), zone=UNICODE_ZONE),
    *from_values("A13", DEGENERATE, questions=10),
    *suffixes(),
    *from_values("A15", NAMES),
    *boundaries(),
]
