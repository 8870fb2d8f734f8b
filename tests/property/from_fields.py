"""From fields made up from a seed: by the grammar, as people's programs write them, and made to deceive.

Used by `test_author_readers.py`; `python -m property.from_readers` makes a long run. Nothing here asks the library.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

# What people's fields are from; A-labels are the normal form
PLAIN = ("bank.example", "mail.bank.example", "desk.test", "a-b.co.test")
VICTIM, OTHER = "bank.example", "evil.test"
IDN = ("bücher.example", "xn--bcher-kva.example")
LOCALS = ("anna", "no-reply", "j.doe", "o'neil", "a_b+tag", "x", "info", "bounce=1=2")
WORDS = ("Anna", "Jürgen", "O'Neil", "Example", "Doe", "Ltd", "via", "the", "Team", "24/7", "R&D", "Büro", "Łódź", "A")
NAMES = ("Anna Example", "Dr. A. N. Example", "Example Inc.", "Foo & Bar / Baz", "Sales #1", "J.R. Doe", "A", "=?", "-")
FOREIGN = {
    "latin-1": ("Jürgen Müller", "René Éluard", "Señor Ñandú"),
    "windows-1252": ("Šárka – „Büro“", "It’s us…", "Œuvre €"),
    "iso-8859-2": ("Łukasz Żółć", "Dvořák"),
    "koi8-r": ("Анна Петрова", "Магазин"),
    "windows-1251": ("Анна Петрова", "Рассылка №1"),
    "gb18030": ("张伟", "招商银行信用卡", "丂丄丅"),
    "big5": ("許功蓋", "中華電信", "珮玟"),
    "euc-kr": ("김철수", "관리자"),
    "euc-jp": ("山田太郎", "お知らせ"),
    "shift_jis": ("ソフトウェア", "表示能力", "アァィゼ株式会社", "データ"),
    "utf-8": ("Jürgen", "😀 Anna", "山田太郎", "‘quoted’", "Zoë\u00a0X"),
}
JIS = ("山田太郎", "お知らせ", "株式会社", "ソフト", "【公式】ストア", "アァィゼ", "能表十")
CONTROLS = (b"\0", b"\x07", b"\x08", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b"\r", b"\n", b"\xc2\x85", b"\xe2\x80\xa8")
DOTS = ("\u3002", "\uff0e", "\uff61", "\u2024")
SPECIALS = b"<>()[]\\,;:@.\"' \t%!"


class Field(NamedTuple):
    """The body of a From field; `domain` is whose it is where people mean just one, None where it is to deceive."""

    kind: str
    body: bytes
    domain: str | None


def encoded_word(text: str, charset: str = "utf-8", *, base64_: bool, every: bool = False) -> bytes:
    """Return an encoded-word (RFC 2047), `every` octet of it escaped."""
    octets = text.encode(charset, "replace")
    if base64_:
        coded = base64.b64encode(octets)
    else:
        plain = b"" if every else b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        coded = b"".join(
            bytes([o]) if o in plain else b"_" if o == 0x20 and not every else b"=%02X" % o for o in octets
        )
    return b"=?%b?%b?%b?=" % (charset.encode(), b"B" if base64_ else b"Q", coded)


class Maker:
    """Makes fields up; every choice comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def maybe(self, share: float = 0.5) -> bool:
        return self.random.random() < share

    def field(self) -> Field:
        """Make a field of any kind."""
        share = self.random.random()
        if share < 0.15:
            return self.strict()
        if share < 0.40:
            return self.sloppy()
        if share < 0.65:
            return Field(*self.hostile(), None)
        if share < 0.80:
            return Field("soup", self.soup(), None)
        kind, body, _ = self.pick((self.strict, self.sloppy))() if self.maybe() else Field(*self.hostile(), None)
        return Field("changed " + kind, self.changed(body), None)

    # --- by the grammar (RFC 5322 §3.4, §4.4; RFC 6854; RFC 6532) -----------------------------------------------------

    def strict(self) -> Field:
        domain = self.pick((*PLAIN, *IDN))
        kind = self.pick(("mailbox", "mailbox", "list", "group", "empty elements"))
        if kind == "mailbox":
            body = self.mailbox(domain)
        elif kind == "list":
            body = self.cfws().join((self.mailbox(domain), b",", self.mailbox(domain)))
        elif kind == "group":
            members = b",".join(self.mailbox(domain) for _ in range(self.random.randint(1, 3)))
            body = self.phrase() + self.cfws() + b":" + self.cfws() + members + b";" + self.cfws()
        else:
            body = b",%b,,%b ," % (self.mailbox(domain), self.mailbox(domain))
        return Field("strict " + kind, body, domain)

    def mailbox(self, domain: str) -> bytes:
        address = self.addr_spec(domain)
        if self.maybe(0.4):
            return self.cfws() + address + self.cfws()
        route = b"@%b,@relay.test:" % VICTIM.encode() if self.maybe(0.05) else b""
        name = self.phrase() if self.maybe(0.9) else b""
        return b"%b%b<%b%b%b%b>%b" % (name, self.pick((b" ", b"", b"\r\n ")), route, self.cfws(), address, self.cfws(),
                                      self.cfws())  # fmt: skip

    def addr_spec(self, domain: str) -> bytes:
        local = self.pick(LOCALS).encode()
        if self.maybe(0.15):
            local = self.pick(
                (b'"a b"', b'"x@evil.test"', b'"a\\"b"', b'"<x@evil.test>"', b'"a,b"', b'"a..b"', b'"a\\\\"')
            )
        if self.maybe(0.1):
            domain = self.cfws().decode().join(re.split(r"(\.)", domain))
        return self.cfws() + local + self.cfws() + b"@" + self.cfws() + self.cased(domain)

    def cased(self, domain: str) -> bytes:
        """Another case of the ASCII letters, at times with a final dot."""
        text = domain if self.maybe(0.7) else "".join(c.upper() if c.isascii() and self.maybe() else c for c in domain)
        return (text + ("." if self.maybe(0.03) else "")).encode()

    def phrase(self) -> bytes:
        words = []
        for _ in range(self.random.randint(1, 3)):
            share = self.random.random()
            if share < 0.5:
                words.append(self.pick(WORDS).encode())
            elif share < 0.75:
                words.append(self.quoted())
            elif share < 0.9:
                words.append(encoded_word(self.pick(WORDS), base64_=self.maybe()))
            else:
                words.append(self.pick((b"J.", b"Inc.", b"bank.example", b"(" + self.pick(WORDS).encode() + b")x")))
        return self.pick((b" ", b"  ", b"\r\n\t", b"(c) ")).join(words)

    def quoted(self) -> bytes:
        inner = self.pick(
            ("Anna Example", "Doe, John", "x@evil.test", "A <x@evil.test>", 'say \\"hi\\"', "a\\\\", "", "a: b; c", "(",
             ")", "<", ">", "\\<\\>", "x@evil.test\\\\", '\\"x@evil.test\\" ', "Jürgen", "'x'", "[1]")
        )  # fmt: skip
        return f'"{inner}"'.encode()

    def cfws(self) -> bytes:
        if self.maybe(0.8):
            return b""
        return self.pick(
            (b" ", b"\t", b"  ", b"\r\n ", b"(c)", b" (a (b) c) ", b"(\\))", b"(x@evil.test)", b"(<x@evil.test>)",
             b"(,)", b'(")', b"()", b" (a)\r\n (b) ", b"(\xc3\xbc)")
        )  # fmt: skip

    # --- as people's programs write them ------------------------------------------------------------------------------

    def sloppy(self) -> Field:
        domain = self.pick(PLAIN)
        name = self.pick(SLOPPY_NAMES)
        kind = SLOPPY[name]
        return Field("sloppy " + name, kind(self, domain), domain)

    def address(self, domain: str) -> bytes:
        return f"{self.pick(LOCALS)}@{domain}".encode()

    def foreign(self) -> bytes:
        charset = self.pick(tuple(FOREIGN))
        text = self.pick(FOREIGN[charset])
        return text.encode(charset, "replace")

    def jis(self) -> bytes:
        return " ".join(self.random.choices(JIS, k=self.random.randint(1, 3))).encode("iso-2022-jp", "replace")

    # --- made to deceive ----------------------------------------------------------------------------------------------

    def hostile(self) -> tuple[str, bytes]:
        first, second = (VICTIM, OTHER) if self.maybe() else (OTHER, VICTIM)
        if self.maybe(0.1):
            first, second = self.pick(
                ((IDN[0], OTHER), (VICTIM, "bank.example.evil.test"), (OTHER, "mail.bank.example"))
            )
        template = self.pick(HOSTILE)
        a, b = f"{self.pick(LOCALS)}@{first}", f"{self.pick(LOCALS)}@{second}"

        def encoded(match: re.Match[str]) -> str:
            charset = self.pick(
                ("utf-8", "utf-8", "iso-8859-1", "us-ascii", "utf-7", "utf-16be", "iso-2022-jp", "x-none")
            )
            known = charset if charset != "x-none" else "ascii"
            word = encoded_word(match[1], known, base64_=self.maybe(), every=self.maybe())
            return word.replace(known.encode(), charset.encode(), 1).decode("latin-1")

        filled = template.replace("{a}", a).replace("{b}", b).replace("{x}", first).replace("{y}", second)
        # In a template, { } around a text stand for an encoded-word of it
        body = re.sub(r"\{([^{}]*)\}", encoded, filled).encode()
        return "hostile " + template, body

    def soup(self) -> bytes:
        pieces = []
        for _ in range(self.random.randint(2, 9)):
            piece = self.pick(SOUP)
            if self.maybe(0.1):
                piece = encoded_word(piece.decode("utf-8", "replace"), base64_=self.maybe(), every=self.maybe())
            elif self.maybe(0.08):
                piece = self.pick((b'"%b"', b"(%b)", b"<%b>", b"[%b]", b'"%b', b"\\%b")) % piece
            pieces.append(piece)
        return self.pick((b"", b"", b" ")).join(pieces)

    def changed(self, body: bytes) -> bytes:
        """Change a few octets, or wrap a part."""
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            i, j = sorted((self.random.randint(0, len(body)), self.random.randint(0, len(body))))
            kind = self.random.randint(0, 8)
            if kind == 0:
                body = body[:i] + body[i + 1 :]
            elif kind <= 2:
                body = body[:i] + bytes([self.pick(SPECIALS)]) + body[i:]
            elif kind == 3:
                body = body[:i] + self.pick((*CONTROLS, b"\r\n ", b"\r\n\t", b"\xff", "\u202e".encode())) + body[i:]
            elif kind == 4:
                body = body.replace(b"@", self.pick((b"\xef\xbc\xa0", b"@@", b" @ ", b"\\@", b"%", b"@(c)")), 1)
            elif kind == 5:
                body = (
                    self.pick(DOTS).encode().join(body.rsplit(b".", 1))
                    if self.maybe()
                    else body.replace(b".", b"..", 1)
                )
            elif kind == 6:
                body = (
                    body[:i] + self.pick((b'"%b"', b"(%b)", b"<%b>", b"[%b]", b"%b;", b"g:%b;")) % body[i:j] + body[j:]
                )
            elif kind == 7:
                word = encoded_word(body[i:j].decode("latin-1"), "latin-1", base64_=self.maybe(), every=self.maybe())
                body = body[:i] + word + body[j:]
            else:
                body = body[:i] + body[j:] + body[i:j] if self.maybe() else body[:j] + body[i:j] + body[j:]
        # A line that does not begin with white space would be the next field
        return re.sub(rb"\r\n(?![ \t])", b"\r\n ", body)


def _named(template: bytes) -> Callable[[Maker, str], bytes]:
    """Return a maker of fields: N a name, F one in some charset, J one in ISO-2022-JP, A an address, D its domain."""

    def make(self: Maker, domain: str) -> bytes:
        makers: dict[bytes, Callable[[], bytes]] = {
            b"{N}": lambda: self.pick(NAMES[:-2]).encode(),
            b"{F}": self.foreign,
            b"{J}": self.jis,
            b"{A}": lambda: self.address(domain),
            b"{D}": domain.encode,
            b"{L}": lambda: self.pick(LOCALS).encode(),
            b"{Q}": lambda: encoded_word(self.pick(FOREIGN["utf-8"]), base64_=self.maybe()),
        }
        return re.sub(rb"\{[A-Z]\}", lambda match: makers[match[0]](), template)

    return make


def _encoded(template: str) -> Callable[[Maker, str], bytes]:
    """Return a maker of fields whose display name is this template as an encoded-word."""

    def make(self: Maker, domain: str) -> bytes:
        name = template.replace("{A}", self.address(domain).decode()).replace("{N}", self.pick(NAMES[:-2]))
        charset = self.pick(("utf-8", "iso-8859-1"))
        return encoded_word(name, charset, base64_=self.maybe()) + b" <" + self.address(domain) + b">"

    return make


SLOPPY: dict[str, Callable[[Maker, str], bytes]] = {
    **{
        f"{kind}: {template.decode('latin-1')}": _named(template)
        for kind, templates in {
            "plain": (b"{A}", b"{N} <{A}>", b'"{N}" <{A}>', b"<{A}>", b"{N}<{A}>", b' "{N}"\t<{A}> ', b"{N}\r\n <{A}>",
                      b"{A} ({N})", b'"" <{A}>', b"{N} < {A} >", b"'{N}' <{A}>"),
            "foreign name": (b"{F} <{A}>", b'"{F}" <{A}>', b"{F} {F} <{A}>", b"{N} {F} <{A}>", b"{F}<{A}>",
                             b"{F}\r\n <{A}>"),
            "foreign comment": (b"{A} ({F})", b"{N} ({F}) <{A}>"),
            "ISO-2022-JP": (b"{J} <{A}>", b'"{J}" <{A}>', b"{A} ({J})", b"{J}<{A}>", b"{N} {J} <{A}>"),
            "dots": (b"{L}.@{D}", b"{N} <{L}.@{D}>", b".{L}@{D}", b"<.{L}@{D}>", b"{L}..{L}@{D}", b"{N} <a...b.@{D}>"),
            "unquoted comma": (b"Doe, John <{A}>", b"Example, Inc. <{A}>", b"Doe, John, Dr. <{A}>", b"{F}, {N} <{A}>"),
            "unquoted colon": (b"Info: Shop <{A}>", b"Re: {N} <{A}>", b"10:30 News <{A}>"),
            "unquoted bracket": (b"[JIRA] {N} <{A}>", b"{N} [Team] <{A}>", b"[{F}] {N} <{A}>"),
            "unquoted semicolon": (b"{N}; {N} <{A}>", b"Doe; John <{A}>"),
            "address in name": (b"{A} <{A}>", b'"{A}" <{A}>', b"'{A}' <{A}>", b"{N} {A} <{A}>", b"{A} ({A})",
                                b"({A}) {A}", b"{N} ({A}) <{A}>", b"\"'{A}'\" <{A}>", b'"{N} {A}" <{A}>',
                                b"{A} {N} <{A}>", b'"{N} <{A}>" <{A}>', b"[{A}] <{A}>", b"{A}, {N} <{A}>",
                                b"{A}: <{A}>"),
            "trailing": (b"{A};", b"{A},", b"{N} <{A}>;", b"{N} <{A}>,", b"<{A}>; ", b'"{N}" <{A}> ,', b"{A} ,;",
                         b"{F} <{A}>;"),
            "several": (b"{A}, {A}", b"{N} <{A}>, {A}", b"{N} <{A}>,{F} <{A}>", b"{A}; {A}"),
            "encoded-word": (b"{Q} <{A}>", b'"{Q}" <{A}>', b"{Q} {Q}\r\n {Q} <{A}>", b"{Q}{N} <{A}>", b"{N} {Q}<{A}>",
                             b"{A} ({Q})", b"=?utf-8?Q?a b?= <{A}>", b"=?utf-8?B?!!?= <{A}>", b"=?? <{A}>",
                             b"{Q}, {Q} <{A}>"),
            "group": (b"Team: {A};", b"Team: {N} <{A}>, {A};", b"Team:{A},;"),
        }.items()
        for template in templates
    },
    **{
        f"encoded special: {t}": _encoded(t)
        for t in ("Doe, John", "{A}", "{N} {A}", '"{N}"', "{N} <{A}>", "{N} (x)", "a: b; c", "A;", "a.b", "'{A}'")
    },
}  # fmt: skip
SLOPPY_NAMES = tuple(SLOPPY)

# {a} and {b} are addresses of two domains, {x} and {y} the domains; { } around anything else: an encoded-word of it
HOSTILE = (
    "{a}, {b}", "{a} {b}", "{a};{b}", "{a}\t{b}", "{a}:{b}", "{a}/{b}", "{a} or {b}", "{a}\\,{b}", "{a}\\, {b}",
    "<{a}><{b}>", "<{a}> <{b}>", "<{a}>{b}", "<{a}> {b}", "{a} <{b}>", "{a}<{b}>", "N <{a}> <{b}>", "N <{a}>, <{b}>",
    "<<{a}> {b}>", "<<{a}>>,<{b}>", "<{a}", "{a}>", "<{a} <{b}>", "<{a}, {b}>", "<{a};{b}>", "<{a} {b}>",
    "N <{a} {b}>", "N <{a}\\> <{b}>", "\\<{a}> <{b}>", "N \\<{a}\\> <{b}>", "<{a}>\\<{b}>", "{a}>,<{b}>", ">{a}<{b}>",
    '"{a}" <{b}>', "'{a}' <{b}>", '"{a}"', '"{a}" {b}', '"{a}",{b}', '"{a}, " <{b}>', '"<{a}>" <{b}>',
    '"N <{a}>" <{b}>', '"\\"{a}\\"" <{b}>', '"N\\" <{a}>" <{b}>', '"N\\\\" <{a}>, "\\" <{b}>',
    '"N\\" <{a}>, \\"" <{b}>', '"{a}\\" <{b}>', '"N" "{a}" <{b}>', '"N"{a} <{b}>', '"N <{a}>', '"N <{a}>, <{b}>',
    'N" <{a}> "<{b}>', 'N " <{a}>, M " <{b}>', '"{a}"@{y}', '"{a}>"@{y}', '"<{a}>"@{y}', '<"{a}"@{y}>',
    '<"{a}> "@{y}>', '"{a},"@{y}', '"{a}\\"@{y}"', '"x\\"@{x}"@{y}', 'N <"{a}\\">,<"@{y}>', "({a}) {b}", "{b} ({a})",
    "{b}({a})", "<{b}> ({a})", "(<{a}>) <{b}>", "({a} {b}", "({a}, {b}", "((({a})) {b})", "(\\) {a} \\() {b}",
    "({a}\\) {b}", "({a}\\\\) {b}", '("){a}("){b}', '("){a}(") <{b}>', '"(" {a} ")" <{b}>', '"(" <{a}> ")" <{b}>',
    "(c {a}) (d) {b}", "({a}),{b}", "({a}), <{b}>", "{b},({a})", "{b}, ({a})", "N <{b}>, ({a})", "({a}", "({a})",
    "<({a}) {b}>", "x@({x}){y}", "x(@{x})@{y}", "x@{x}({y})", "x@{x}(.{y}", "x@{x}.({y}", "x@(c){x}",
    "x@{x} ({y}) .{y}", "()<{a}>()<{b}>", "(\r\n {a})\r\n <{b}>", "{{a}} <{b}>", "{{a},} <{b}>", "{{a}, } {b}",
    "{N <{a}>} <{b}>", "{<{a}>} <{b}>", '{"} <{a}> {"} <{b}>', '{"{a}"} <{b}>', "{{a}}", "{{a}}, {b}", "{{a}},<{b}>",
    "{<{a}>}", "{N <{a}>}", "{{a}}@{y}", "{{a}>}@{y}", "{{a}\x00}@{y}", "<{{a}}@{y}>", "x@{{x}}", "x@{{x}}.{y}",
    "x@{y}{{x}}", "{{a}\x00} <{b}>", "{{a}\n} <{b}>", "{(} <{a}> {)} <{b}>", "{(}{a}{)}{b}", "{<}{a}{>} <{b}>",
    "{N <}{a}> <{b}>", "{N}{<{a}>} <{b}>", "{N} {<{a}}\r\n {>, }<{b}>", '"{{a}}" <{b}>', '"{{a},}" <{b}>',
    "({{a}}) {b}", "({) {a} (}) {b}", "{N:} {a}; <{b}>", "{\\} <{a}> <{b}>", "{g: {a};} <{b}>", "N {<{a}> (} <{b}>",
    "{'{a}'} <{b}>", "{{a}} {({b})} <{b}>", "{{a}};{b}", "{{b}, x} <{b}>", "Team: {a}, {b};", "Team: {a}; {b}",
    "Team: {a};, {b}", "Team: {a};<{b}>", "Team:;, {b}", "{a}: {b};", '"{a}": {b};', "{a}: <{b}>",
    "Team: A: {a};, {b};", "Team: {a}, <{b}>", "Team: <{a}> <{b}>;", "N: {a} <{b}>", ":{a};{b}", "{a}:;{b}",
    "Team: ({a}); {b}", "<{a}:{b}>", "<@{x}:{b}>", "<@{x},@c.test:{b}>", "<@{x},{b}>", "@{x}:{b}", "<@{x} {b}>",
    "N <@{x}:{b}>", "<@{x}:@{y}:{a}>", "<{a}:>", "<@{x}>", "<@{x}:>{b}", "{a}@{y}", "{a}@{b}", "x@{x}@{y}",
    "<x@{x}@{y}>", "x@@{x}", "x%{x}@{y}", "{x}!x@{y}", "x!{a}", "@{x}", "@{x}@{y}", "x@{x}%{y}", "x@{x}!{y}",
    "x@{x},{y}", "x@{x};{y}", "x@{x}:{y}", "x@{x}/{y}", "x@{x}#{y}", "x@{x}?{y}", "x@{x}&{y}", "x@{x}\\{y}",
    "x@{x}\\.{y}", "x@{x} {y}", "x@{x} . {y}", "x@{x}>{y}", "x@{x}<{y}>", 'x@{x}"{y}"', 'x@"{x}"', "x@'{x}'",
    "x@[{x}]", "x@[{x}].{y}", "x@{y}[{x}]", "x@[192.0.2.1]", "x@[IPv6:2001:db8::1]", "x@{x}.", "x@{x}..", "x@{x}..{y}",
    "x@.{x}", "x@{x},", "x@{x}.,{b}", "x @ {x}", "x@ {x}", "x\r\n @\r\n {x}", "x@{x}\r\n .{y}", "x@{x}\r\n {b}",
    "x＠{x}", "x＠{x} <{b}>", "{a}＠{y}", "x@{x}。{y}", "x@{x}．{y}", "x@{x}｡{y}", "x@{x}\u200b.{y}", "x@{x}\xad.{y}",
    "x@{x}\xa0{y}", "x@{x}，{b}", "\u202e{a} <{b}>", '"\u202e" <{a}>, {b}', "＜{a}＞ <{b}>", "‹{a}› {b}",
    "\u2028{a} <{b}>", "{a}\u2028{b}", "{a}\xa0<{b}>", "{a}\u3000{b}", "\ufeff{a}", "{a}\x00{b}", "x@{x}\x00.{y}",
    "x@{x}\x00@{y}", "{a}\x0b{b}", "{a}\x0c<{b}>", "x@{x}\x07.{y}", "{a}\r{b}", "{a}\n{b}", "\x1b$B{a}\x1b(B <{b}>",
    "\x1b$B{a} <{b}>", "\x1b$B<{a}>\x1b(B <{b}>", '"\x1b$B" <{a}>\x1b(B" <{b}>', "\x1b(J{a}\x1b(B <{b}>",
    "\x1b$B\x1b(B{a} <{b}>", "\x1b$)C{a} <{b}>", "N, {a} <{b}>", "{a}, N <{b}>", "Doe, John {a}, <{b}>", "[{a}] <{b}>",
    "[{a}] {b}", "N [<{a}>] <{b}>", "mailto:{a}", "<mailto:{a}> {b}", "N: {a}, M <{b}>", "{a} via N <{b}>",
    "N ({a} via M) <{b}>", '"{a} (N" <{b}>', '"N, {a}" <{b}>', "N 'M, {a}' <{b}>", "{a} - {b}", "N={a} <{b}>",
    '{a}"<{b}>', "N.{a} <{b}>", "<{a}>;", "<{a}>;<{b}>", "<{a}>, ;{b}", ",,{a},,<{b}>", "{a} <>", "<> {a}",
    "N <> <{b}>", "{a} <N>", "{a} <N> <{b}>", "<N> {b}", "{a} <{b}> {a}", '"{a}"\r\n\t<{b}>',
)  # fmt: skip

SOUP = tuple(
    piece.encode()
    for piece in (
        *(f"{local}@{domain}" for local in ("a", "b") for domain in (VICTIM, OTHER)), f"<a@{VICTIM}>", f"<b@{OTHER}>",
        f"@{VICTIM}", f"@{OTHER}", VICTIM, OTHER, "N", "Doe", '"', '"', "(", ")", "<", ">", ",", ";", ":", "@", ".",
        "\\", " ", "\r\n ", "\t", "[", "]", '"N"', "(c)", '""', "<>", "()", "g:", "'", "=?utf-8?q?N?=", "=?", "?=", "ü",
        "\u202e",
    )
)  # fmt: skip


def fields(seed: int, count: int) -> Iterator[Field]:
    """Yield made-up fields; each has a seed of its own, so that any can be made again."""
    for number in range(seed, seed + count):
        yield Maker(number).field()


def sloppy(seed: int, count: int) -> Iterator[Field]:
    """Yield fields of one domain, as people's programs write them, of each kind in turn."""
    for number in range(seed, seed + count):
        maker = Maker(number)
        name = SLOPPY_NAMES[number % len(SLOPPY_NAMES)]
        domain = maker.pick(PLAIN)
        yield Field("sloppy " + name, SLOPPY[name](maker, domain), domain)
