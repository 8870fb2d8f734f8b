"""A strict reader of Authentication-Results and Received-SPF, rule by rule from the ABNF, with nothing of the library.

RFC 8601 §2.2 with RFC 5322 §3.2 (CFWS, quoted-string, dot-atom), RFC 2045 §5.1 (token), RFC 5321 §4.1.2 (Keyword,
sub-domain), RFC 6376 §3.5 (domain-name), and RFC 6532 §3.1, §3.2 where UTF-8 is allowed. RFC 7208 §9.1 for the other
field. Obsolete forms are refused: they are not to be written.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import NamedTuple

WSP = " \t"
LET_DIG = frozenset(string.ascii_letters + string.digits)
LDH = LET_DIG | {"-"}
VCHAR = frozenset(map(chr, range(0x21, 0x7F)))
TOKEN = VCHAR - frozenset('()<>@,;:\\"/[]?=')  # RFC 2045 §5.1
ATEXT = LET_DIG | frozenset("!#$%&'*+-/=?^_`{|}~")  # RFC 5322 §3.2.3
CTEXT = VCHAR - frozenset("()\\")
QTEXT = VCHAR - frozenset('"\\')
SPF_RESULTS = frozenset({"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"})


class OutsideGrammarError(ValueError):
    """The text is not in the language; says where."""


class Address(NamedTuple):
    """[ [ local-part ] "@" ] domain-name with an "@"; local is None where nothing stands before it."""

    local: str | None
    domain: str


@dataclass
class Result:
    """One resinfo."""

    method: str
    result: str
    version: int = 1
    reason: str | None = None
    properties: list[tuple[str, str, str | Address]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


@dataclass
class Field:
    """One authres-payload."""

    authserv_id: str
    version: int
    results: list[Result]


class Reader:
    """A position in a text; each method is a rule of the ABNF."""

    def __init__(self, text: str, *, utf8: bool = False) -> None:
        self.text, self.at, self.utf8 = text, 0, utf8
        self.comments: list[str] = []

    def fail(self, rule: str) -> OutsideGrammarError:
        return OutsideGrammarError(f"{rule} expected at {self.at}: {self.text[self.at : self.at + 30]!a}")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def literal(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise self.fail(repr(text))
        self.at += len(text)

    def allowed(self, char: str, ascii_set: frozenset[str]) -> bool:
        # RFC 6532 §3.1: UTF8-non-ascii
        return char in ascii_set or (self.utf8 and char > "\x7f")

    def run(self, chars: frozenset[str], *, utf8: bool = False) -> str:
        start = self.at
        while (c := self.peek()) and (c in chars or (utf8 and self.allowed(c, chars))):
            self.at += 1
        return self.text[start : self.at]

    # --- white space and comments: RFC 5322 §3.2.2 ---

    def fws(self) -> str:
        """[FWS]: the white space it stands for."""
        found = self.run(frozenset(WSP))
        if self.text.startswith("\r\n", self.at):
            self.at += 2
            after = self.run(frozenset(WSP))
            if not after:
                raise self.fail("white space behind a fold")
            found += after
        return found

    def comment(self) -> str:
        self.literal("(")
        inside = ""
        while (c := self.peek()) != ")":
            if c in WSP + "\r":
                if not (space := self.fws()):
                    raise self.fail("FWS")
                inside += space
            elif c == "(":
                inside += f"({self.comment()})"
            elif c == "\\":
                inside += self.quoted_pair()
            elif c and self.allowed(c, CTEXT):
                inside += c
                self.at += 1
            else:
                raise self.fail("ctext")
        self.at += 1
        return inside

    def quoted_pair(self) -> str:
        self.literal("\\")
        char = self.peek()
        if not char or not (char in WSP or self.allowed(char, VCHAR)):
            raise self.fail("VCHAR or WSP")
        self.at += 1
        return char

    def cfws(self) -> bool:
        """[CFWS]: whether there was any."""
        start = self.at
        self.fws()
        while self.peek() == "(":
            self.comments.append(self.comment())
            self.fws()
        return self.at > start

    # --- words ---

    def quoted_string(self) -> str:
        self.literal('"')
        inside = ""
        while (c := self.peek()) != '"':
            if c in WSP + "\r":
                if not (space := self.fws()):
                    raise self.fail("FWS")
                inside += space
            elif c == "\\":
                inside += self.quoted_pair()
            elif c and self.allowed(c, QTEXT):
                inside += c
                self.at += 1
            else:
                raise self.fail("qtext")
        self.at += 1
        return inside

    def value(self) -> str:
        """RFC 2045 §5.1: token / quoted-string."""
        if self.peek() == '"':
            return self.quoted_string()
        if not (token := self.run(TOKEN)):
            raise self.fail("value")
        return token

    def keyword(self) -> str:
        """RFC 5321 §4.1.2: Keyword = Ldh-str."""
        word = self.run(LDH)
        if not word or word[-1] not in LET_DIG:
            raise self.fail("Keyword")
        return word

    def digits(self) -> int:
        if not (number := self.run(frozenset(string.digits))):
            raise self.fail("1*DIGIT")
        return int(number)

    def dot_atom(self) -> str:
        parts = [self.run(ATEXT, utf8=True)]
        while self.peek() == ".":
            self.at += 1
            parts.append(self.run(ATEXT, utf8=True))
        if not all(parts):
            raise self.fail("dot-atom")
        return ".".join(parts)

    def domain_name(self) -> str:
        """RFC 6376 §3.5: sub-domain 1*("." sub-domain)."""
        labels = [self.run(LDH)]
        while self.peek() == ".":
            self.at += 1
            labels.append(self.run(LDH))
        if len(labels) < 2 or any(not n or n[0] not in LET_DIG or n[-1] not in LET_DIG for n in labels):
            raise self.fail("domain-name")
        return ".".join(labels)

    # --- RFC 8601 §2.2 ---

    def authres(self) -> Field:
        self.literal("Authentication-Results:")
        self.cfws()
        authserv_id, version = self.value(), 1
        spaced = self.cfws()
        if spaced and self.peek() in string.digits and self.peek():
            version = self.digits()
            self.cfws()
        results: list[Result] = []
        self.comments.clear()
        self.literal(";")
        start = self.at
        self.cfws()
        if self.text[self.at : self.at + 4].lower() == "none" and not self.text[self.at + 4 : self.at + 5].strip(WSP):
            self.at += 4
            self.cfws()
            self.end()
            return Field(authserv_id, version, results)
        self.at = start
        results.append(self.resinfo())
        while self.peek() == ";":
            self.at += 1
            results.append(self.resinfo())
        self.end()
        return Field(authserv_id, version, results)

    def end(self) -> None:
        if self.peek():
            raise self.fail("the end")

    def resinfo(self) -> Result:
        """methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ], and the CFWS that may follow it."""
        self.comments = []
        self.cfws()
        method, version = self.keyword(), 1
        self.cfws()
        if self.peek() == "/":
            self.at += 1
            self.cfws()
            version = self.digits()
            self.cfws()
        self.literal("=")
        self.cfws()
        found = Result(method, self.keyword(), version)
        spaced = self.cfws()
        while self.peek() not in (";", ""):
            if not spaced:
                raise self.fail("CFWS")
            word = self.keyword()
            self.cfws()
            if self.peek() == "=" and word.lower() == "reason" and found.reason is None and not found.properties:
                self.at += 1
                self.cfws()
                found.reason = self.value()
                spaced = self.cfws()
                continue
            self.literal(".")
            self.cfws()
            name = self.keyword()
            self.cfws()
            self.literal("=")
            self.cfws()
            found.properties.append((word, name, self.pvalue()))
            # pvalue ends in [CFWS], so that the next propspec may follow at once; we write none so
            spaced = self.cfws()
        found.comments = self.comments
        return found

    def pvalue(self) -> str | Address:
        """( value / [ [ local-part ] "@" ] domain-name ); a domain-name alone is a token too."""
        start = self.at
        if self.peek() == "@":
            self.at += 1
            return Address(None, self.domain_name())
        if self.peek() == '"':
            local = self.quoted_string()
        else:
            self.run(ATEXT | {"."}, utf8=True)
            if self.peek() == "@":
                self.at = start
                local = self.dot_atom()
        if self.peek() == "@":
            self.at += 1
            return Address(local, self.domain_name())
        self.at = start
        return self.value()

    # --- RFC 7208 §9.1 ---

    def received_spf(self) -> tuple[str, list[tuple[str, str]]]:
        self.literal("Received-SPF:")
        self.cfws()
        result = self.keyword()
        if result not in SPF_RESULTS:
            raise self.fail("result")
        if not self.fws():
            raise self.fail("FWS")
        if self.peek() == "(":
            self.comment()
            if not self.fws():
                raise self.fail("FWS")
        pairs: list[tuple[str, str]] = []
        while self.peek():
            # RFC 7208 §12: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
            key = self.run(LDH | {"_", "."})
            if not key or key[0] not in string.ascii_letters:
                raise self.fail("key")
            self.cfws()
            self.literal("=")
            pairs.append((key, self.quoted_string() if self.peek() == '"' else self.dot_atom()))
            if not self.peek():
                break
            self.literal(";")
            self.cfws()
        return result, pairs


def check_lines(text: str, *, utf8: bool) -> None:
    """One header field in lines that any MTA takes (RFC 5322 §2.1.1, §2.2), without its final CRLF."""
    octets = text.encode()
    if not utf8 and not octets.isascii():
        raise OutsideGrammarError("octets that are not ASCII")
    lines = octets.split(b"\r\n")
    for number, line in enumerate(lines):
        if any(c < 0x20 and c != 9 for c in line) or 0x7F in line:
            raise OutsideGrammarError(f"a control in {line!r}")
        if any(0x80 <= ord(c) <= 0x9F for c in line.decode()):
            raise OutsideGrammarError(f"a C1 control in {line!r}")
        if len(line) > 998:
            raise OutsideGrammarError(f"a line of {len(line)} octets")
        if not line.strip(b" \t"):
            raise OutsideGrammarError("a line of white space")
        if (number > 0) != (line[:1] in (b" ", b"\t")):
            raise OutsideGrammarError("more or less than one field")


def read_authres(text: str, *, utf8: bool = False) -> Field:
    """Read an Authentication-Results field, given without its final CRLF."""
    check_lines(text, utf8=utf8)
    return Reader(text, utf8=utf8).authres()


def read_received_spf(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Read a Received-SPF field, given without its final CRLF."""
    check_lines(text, utf8=False)
    return Reader(text).received_spf()
