"""The known differences between mailauth and the engines it is compared with: a name, when it holds, and who is right.

Each is a defect of theirs by the RFC, or a documented choice of ours (`docs/decisions.md`). Where it can be done the
claim is proved: the engine is asked once more with just its defect mended, and must then agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import authres
import dkim
import spf

from differential.generate import COMMENTS, NOW, SCALE, MailCase, SpfCase, clock
from mailauth import Options, authenticate
from mailauth.arc.outcome import ArcOutcome
from mailauth.authres import AuthenticationResults, MethodResult, Property
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dns import Question
from mailauth.message import Message
from mailauth.message.address import parse_path
from mailauth.opinions import Opinion, answers, dkimpy, pyspf
from mailauth.resolvers import Zone
from mailauth.results import Reason
from mailauth.spf.outcome import SpfOutcome

T = TypeVar("T")


@dataclass(frozen=True)
class Difference(Generic[T]):
    """One known difference. `rare`: not met in a run of usual length."""

    name: str
    why: str
    holds: Callable[[T], bool] = field(repr=False)
    rare: bool = False


class Report(Generic[T]):
    """Counts agreements and named differences, keeps what nothing explains."""

    def __init__(self, known: Iterable[Difference[T]]) -> None:
        self.known = tuple(known)
        self.agreed = 0
        self.named: Counter[str] = Counter()
        self.unexplained: list[str] = []

    def differs(self, comparison: T, story: str, explanation: str | None) -> None:
        """Name a difference, or keep its story; a defect of theirs must have its explanation for users too."""
        name = next((d.name for d in self.known if d.holds(comparison)), None)
        if name is None:
            self.unexplained.append(story)
            return
        self.named[name] += 1
        if explanation is None:
            self.unexplained.append(f"{name}, but the second opinion has no explanation: {story}")

    def check(self) -> None:
        """Fail for a difference nothing explains."""
        count = len(self.unexplained)
        assert not count, f"{count} unexplained, {self.agreed} agree, {dict(self.named)}:\n" + "\n".join(
            self.unexplained[:12]
        )

    @property
    def dead(self) -> list[str]:
        """The differences of the list that were not met in a run of usual length."""
        return [] if SCALE < 1 else [d.name for d in self.known if not d.rare and not self.named[d.name]]


# --- SPF and pyspf ---------------------------------------------------------------------------------------------------


@dataclass
class SpfComparison:
    """What both said of one case."""

    case: SpfCase
    ours: SpfOutcome
    opinion: Opinion

    @property
    def words(self) -> str:
        return self.opinion.theirs or ""

    @cached_property
    def zone(self) -> Zone:
        return Zone(self.case.zone)

    @cached_property
    def records(self) -> str:
        """Every SPF record of the zone."""
        nodes = [node.get("TXT", []) for node in self.case.zone.values() if isinstance(node, dict)]
        return "\n".join(text for records in nodes if isinstance(records, list) for text in records)

    @cached_property
    def mended(self) -> str:
        """The verdict of pyspf with its known defects mended."""
        return _mended(self.case, self.zone, voids=self.ours.reason is Reason.LIMIT_SPF_VOID)

    @property
    def proved(self) -> bool:
        return self.mended == self.ours.result


_UNKNOWN_MODIFIER = re.compile(r"(?!redirect=|exp=)[A-Za-z][A-Za-z0-9_.-]*=[\x21-\x7e]*")


def _mended(case: SpfCase, zone: Zone, *, voids: bool) -> str:
    base = pyspf._pyspf(answers.Answers({}, zone))

    class Mended(base):  # type: ignore[misc, valid-type]
        def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> Any:  # noqa: FBT001, FBT002
            if not voids:
                self.void_lookups = 0
            try:
                return super().dns(name, qtype, cnames, ignore_void)
            except spf.TempError:
                if qtype == "PTR":  # RFC 7208 §5.5
                    return []
                raise

        def dns_mx(self, domain: str) -> Any:
            hosts = self.dns(domain, "MX")
            if len(hosts) > spf.MAX_MX:
                raise spf.PermError("too many MX names")
            # RFC 7208 §5.4: host by host
            return (ip for _, host in sorted(hosts) for ip in self.dns_a(host, self.A))

        def cidrmatch(self, ips: Iterable[str], bits: int) -> bool:
            return any(super(Mended, self).cidrmatch([ip], bits) for ip in ips)

        def validated_ptrs(self) -> Any:
            names = self.dns_ptr(self.i)[: spf.MAX_PTR]
            return [name for name in names if self.maps_back(name)]

        def maps_back(self, name: str) -> bool:
            try:
                return bool(self.cidrmatch(self.dns_a(name, self.A), self.cidrmax))
            except spf.TempError:  # RFC 7208 §5.5
                return False

        depth = -1

        def check1(self, text: str, domain: str, recursion: int) -> Any:
            # RFC 7208 §6.1: redirect= counts when it is followed
            if recursion == self.depth:
                self.check_lookups()
            kept, self.depth = self.depth, recursion
            try:
                return super().check1(text, domain, recursion)
            finally:
                self.depth = kept

        def check0(self, text: str, recursion: int) -> Any:
            # RFC 7208 §12: names of modifiers and the "r" of macros have no case
            text = re.sub(r" (?i:redirect|exp)=", lambda m: m[0].lower(), text or "")
            text = re.sub(r"(%\{[A-Za-z][0-9]*)R", r"\1r", text)
            text = re.sub(r"%\{([dh])([0-9]*)(r?)-\}", self.join, text)
            # RFC 7208 §6: of the modifiers only redirect= and exp= are unique
            version, *terms = text.split(" ")
            for term in [t for t in terms if _UNKNOWN_MODIFIER.fullmatch(t)]:
                self.expand(term.partition("=")[2])
                terms.remove(term)
            if any(t.startswith("redirect=") for t in terms):
                self.lookups -= 1
            return super().check0(" ".join([version, *terms]), recursion)

        def join(self, macro: re.Match[str]) -> str:
            parts = re.split("-", getattr(self, macro[1]))[:: -1 if macro[3] else 1]
            return ".".join(parts[-int(macro[2] or 99) :])  # RFC 7208 §7.3: with dots

        def validate_mechanism(self, mech: str) -> Any:
            try:
                return super().validate_mechanism(mech)
            except spf.PermError as problem:
                if "trivial recursion" not in str(problem):
                    raise
                return mech, "include", self.d, self.cidrmax, spf.RESULTS.get(mech[0], "pass")

        def expand(self, text: str, stripdot: bool = True) -> Any:  # noqa: FBT001, FBT002
            if text.endswith("%%"):  # RFC 7208 §7.1
                return super().expand(text[:-2], stripdot) + "%"
            name = str(super().expand(text, stripdot))
            while stripdot and len(name) > 253 and "." in name:  # RFC 7208 §7.3
                name = name.partition(".")[2]
            return name

    connection = case.connection
    query = Mended(i=str(connection.address), s=connection.mail_from, h=connection.helo, querytime=0, strict=True)
    path = parse_path(connection.mail_from or "")
    if path and path[1] and path[1].isascii():
        query.l, query.o = path
        query.d, query.s = query.o, "@".join(path)
    elif path and path[1]:
        query.d = query.o = "xn--bcher-kva.example"
    return str(query.check()[0])


def _says(words: str) -> Callable[[SpfComparison], bool]:
    return lambda c: words in c.words and c.proved


# What of `generate.BROKEN_TERMS` pyspf lets pass, as our details quote it
_LENIENT = (
    "%x",
    "\\tb",
    "%{d0}",
    "%{dz}",
    "%{d*}",
    "%{d.",
    "\\tmple",
    "%{s1r@}",
    "%{d'",
    "keeps 0 parts",
    "not a domain: ''",
)

SPF: tuple[Difference[SpfComparison], ...] = (
    Difference(
        "spf-quoted-at",
        "RFC 5321 §4.1.2: an @ inside a quoted local part is no separator; pyspf splits there",
        lambda c: '@b"' in (c.case.connection.mail_from or "") and (c.proved or c.words.startswith("none")),
    ),
    Difference(
        "spf-u-label",
        "RFC 8616 §4: a U-label is looked up as its A-label; pyspf asks for the U-label",
        lambda c: "bücher" in (c.case.connection.mail_from or "") and c.words.startswith("none"),
    ),
    Difference(
        "spf-utf8-local-part",
        "RFC 8616 §4: a term that uses a local part which is not ASCII does not match; pyspf looks it up",
        lambda c: not (c.case.connection.mail_from or "").rpartition("@")[0].isascii() and "%{" in c.records,
    ),
    Difference(
        "spf-void-queries",
        "RFC 7208 §4.6.4 limits lookups of terms; pyspf counts %{p}, repeated ones, and MX hosts behind the match",
        _says("Void lookup limit"),
    ),
    Difference(
        "spf-redirect-count",
        "RFC 7208 §4.6.4, §6.1: redirect= counts when it is followed; pyspf counts it when it reads the record",
        _says("Too many DNS lookups"),
    ),
    Difference(
        "spf-include-itself",
        "RFC 7208 §4.6: a term that is not reached has no effect; pyspf refuses include: of the domain itself unread",
        _says("trivial recursion"),
    ),
    Difference(
        "spf-modifier-twice",
        "RFC 7208 §6: only redirect= and exp= must not stand twice; pyspf refuses every second modifier",
        _says("MUST appear at most once"),
    ),
    Difference(
        "spf-percent-end",
        "RFC 7208 §7.1: a domain-spec may end in any macro-expand, %% too; pyspf refuses it",
        _says("invalid-macro-char"),
    ),
    Difference(
        "spf-pointer-failure",
        "RFC 7208 §5.5: a failed PTR look-up is no match, a name whose addresses fail is skipped; pyspf says temperror",
        lambda c: c.words.startswith("temperror") and (" PTR" in c.words or "ptr" in c.records) and c.proved,
    ),
    Difference(
        "spf-no-case",
        "RFC 7208 §12: ABNF strings have no case; pyspf knows redirect= and exp=, and r in macros, in lower case only",
        lambda c: bool(re.search(r" (?!redirect|exp)(?i:redirect|exp)=|%\{[A-Za-z][0-9]*R", c.records)) and c.proved,
    ),
    Difference(
        "spf-long-name",
        "RFC 7208 §7.3: labels go from the left until 253 octets are left; pyspf takes one label off",
        lambda c: "%{ir}.%{ir}" in c.records and c.proved,
    ),
    Difference(
        "spf-joiner",
        "RFC 7208 §7.3: the parts of a macro are joined with dots; pyspf puts the old delimiters back",
        lambda c: bool(re.search(r"%\{[dh][0-9]*r?-\}", c.records)) and c.proved,
    ),
    Difference(
        "spf-eager-hosts",
        "RFC 7208 §5.4: MX hosts are checked one by one until one matches; pyspf wants the addresses of all first",
        lambda c: c.words.startswith("temperror") and "mx" in c.records and c.proved,
    ),
    Difference(
        "spf-lenient-syntax",
        "RFC 7208 §4.6, §7.1, §12: a syntax error anywhere is a permerror; pyspf reads what is no macro as text",
        lambda c: c.ours.reason is Reason.SPF_SYNTAX and any(term in c.ours.detail for term in _LENIENT),
    ),
)


# --- DKIM, ARC and dkimpy --------------------------------------------------------------------------------------------


@dataclass
class MailComparison:
    """What both said of one signature, or of the chain."""

    case: MailCase
    ours: DkimOutcome | ArcOutcome
    opinion: Opinion
    number: int | None = None  # of the DKIM signature, None for ARC

    @property
    def words(self) -> str:
        return self.opinion.theirs or ""

    @property
    def passes(self) -> bool:
        """Whether dkimpy accepts it, and we do not."""
        return self.words == "pass"

    @cached_property
    def message(self) -> Message:
        return Message.parse(self.case.raw)

    @cached_property
    def tags(self) -> dict[bytes, bytes]:
        """The tags of the signature, in a crude reading."""
        field = self.message.fields[self.ours.index] if isinstance(self.ours, DkimOutcome) else b":"
        pairs = (spec.partition(b"=") for spec in field.partition(b":")[2].split(b";"))
        return {name.strip(): value.strip() for name, _, value in pairs}

    @cached_property
    def keys(self) -> list[bytes]:
        """The key records of the zone."""
        zone = Zone(self.case.zone)
        return [r for name in self.case.zone for a in zone.resolve((Question(name, "TXT"),)) for r in a.records]

    def verify(self, raw: bytes, zone: Zone | None = None) -> bool:
        return self.verdict(raw, zone) == "pass"

    def verdict(self, raw: bytes, zone: Zone | None = None) -> str:
        """Ask dkimpy once more, about other octets or with other keys."""
        zone = zone or Zone(self.case.zone)
        lookup = dkimpy._txt_function(answers.Answers({}, zone))
        with clock(NOW):
            if self.number is None:
                return dkimpy._run_dkimpy(lambda: dkim.ARC(raw, logger=_SILENT).verify(dnsfunc=lookup)[0] == b"pass")
            number = self.number
            return dkimpy._run_dkimpy(lambda: dkim.DKIM(raw, logger=_SILENT).verify(idx=number, dnsfunc=lookup))

    def proves(self, raw: bytes) -> bool:
        """Whether dkimpy accepts it in other octets, if need be with one plain key."""
        return any(self.verify(raw, zone) for zone in (None, *_single_keys(self)))

    def judge(self, raw: bytes) -> bool:
        """Whether we accept the signature or the chain in other octets, but for what dkimpy is known to overlook."""
        syntax = (Reason.SIGNATURE_SYNTAX, Reason.LIMIT_TAGS)
        overlooked = self.ours.reason in dkimpy._DKIMPY_PASSES and self.ours.reason not in syntax
        if raw == self.message.raw or overlooked:
            return False
        found = authenticate(raw, None, Zone(self.case.zone), "mx.example.org", NOW, None, ONLY_MAIL)
        outcomes = [found.arc] if self.number is None else found.dkim[self.number : self.number + 1]
        accepted = (Reason.SIGNATURE_VERIFIED, Reason.ARC_VERIFIED, *(dkimpy._DKIMPY_PASSES if self.passes else ()))
        return any(o is not None and o.reason in accepted for o in outcomes)


_SILENT = dkimpy._silent()
ONLY_MAIL = Options(checks=frozenset({"dkim", "arc"}))
_UNUSUAL = re.compile(rb"[\x21-\x7e]+?:")


def _usual(message: Message) -> bytes:
    """Return the message with white space before colons gone, and without lines that are no fields."""
    fields = [re.sub(rb"\A([^: \t\r\n]+)[ \t]+:", rb"\1:", f) for f in message.fields]
    kept = [f for f in fields if _UNUSUAL.match(f)]
    return b"\r\n".join(kept) + b"\r\n\r\n" + message.raw[message.body_start :]


def _in_order(message: Message) -> bytes:
    """Return the message with its ARC sets on top, the newest first."""

    def place(field: bytes) -> tuple[int, int]:
        name = field.partition(b":")[0].lower().strip()
        instance = re.search(rb"[\s;:]i\s*=\s*(\d+)", field)
        order = [b"arc-seal", b"arc-message-signature", b"arc-authentication-results"]
        return (-int(instance[1]), order.index(name)) if name in order and instance else (1, 0)

    fields: list[bytes] = sorted(message.fields, key=place)
    return b"\r\n".join(fields) + b"\r\n\r\n" + message.raw[message.body_start :]


def _stripped(message: Message, ours: DkimOutcome | ArcOutcome) -> bytes:
    """Return the message with the end of the signature field stripped."""
    fields = [*message.fields]
    if isinstance(ours, DkimOutcome):
        fields[ours.index] = fields[ours.index].rstrip()
    return b"\r\n".join(fields) + b"\r\n\r\n" + message.raw[message.body_start :]


def _plain_blanks(message: Message) -> bytes:
    """Return the message without CR, VT and FF in its header."""
    header = message.raw[: message.body_start]
    return re.sub(rb"\r(?!\n)|[\v\f]", b"", header) + message.raw[message.body_start :]


def _single_keys(c: MailComparison) -> Iterable[Zone]:
    """Return zones with one plain key record each."""
    for record in c.keys:
        tags = [t for t in record.decode("utf-8", "replace").split(";") if not t.strip().startswith("s")]
        plain = [
            t + "=" * (-len(t.strip()[2:].replace(" ", "")) % 4) if t.strip().startswith("p=") else t for t in tags
        ]
        owners = {
            o: n for o, n in c.case.zone.items() if record in Zone({o: n}).resolve((Question(o, "TXT"),))[0].records
        }
        yield Zone({**c.case.zone, **{owner: {"TXT": [";".join(plain)]} for owner in owners}})


def _bare_lf(c: MailComparison) -> bool:
    """Whether we judge as dkimpy does once each bare LF is a CRLF, as dkimpy makes it."""
    raw = re.sub(rb"(?<!\r)\n", b"\r\n", c.message.raw)
    return raw != c.message.raw and (c.judge(raw) == c.passes or _usual(Message.parse(raw)) != raw)


def _reason(*reasons: Reason) -> Callable[[MailComparison], bool]:
    return lambda c: c.passes and c.ours.reason in reasons


MAIL: tuple[Difference[MailComparison], ...] = (
    Difference(
        "bare-lf",
        "RFC 6376 §5.3: signatures are over what was sent, where a bare LF is data; dkimpy makes it CRLF",
        _bare_lf,
    ),
    Difference(
        "key-records",
        "RFC 6376 §3.6.1, §6.1.2, §2.10: several records may be tried, s= is a list, padding of base64 is optional",
        lambda c: not c.passes and any(c.verify(c.case.raw, zone) for zone in _single_keys(c)),
    ),
    Difference(
        "unusual-line",
        "RFC 6376 §5.4.2: what is not signed does not matter; dkimpy refuses unusual lines, skips From with a blank",
        lambda c: (
            not c.passes
            and (
                c.proves(_usual(c.message))
                or ("Unexpected characters" in c.words and re.search(rb" :|\n=", c.message.raw) is not None)
            )
        ),
    ),
    Difference(
        "other-blanks",
        "RFC 6376 §2.8, §3.4.2: only SP, HTAB and folding are white space; dkimpy strips CR, VT and FF too",
        lambda c: c.passes and c.judge(_plain_blanks(c.message)),
        rare=True,
    ),
    Difference(
        "last-line-blank",
        "RFC 6376 §3.4.4: white space at the end of lines is ignored, the last one without CRLF too; dkimpy keeps it",
        lambda c: c.case.raw.endswith((b" ", b"\t")) and "body hash mismatch" not in c.verdict(c.case.raw + b"\r\n"),
    ),
    Difference(
        "key-hash-ignored",
        "RFC 6376 §6.1.2: the hash of a= must be among those of h= in the key; dkimpy ignores h=",
        lambda c: _reason(Reason.KEY_HASH_MISMATCH)(c) and any(b"h=" in key for key in c.keys),
    ),
    Difference(
        "key-syntax-ignored",
        "RFC 6376 §3.6.1: v= must be DKIM1 and come first; names are case-sensitive; dkimpy reads v= anywhere",
        lambda c: _reason(Reason.KEY_SYNTAX)(c) and any(re.match(rb"(?i)k|V", key) for key in c.keys),
        rare=True,
    ),
)

DKIM: tuple[Difference[MailComparison], ...] = (
    *MAIL,
    Difference(
        "signature-padding",
        "RFC 6376 §2.10: the padding of base64 is optional; dkimpy wants it in b= and bh=",
        lambda c: not c.passes and "not valid base64" in c.words + c.verdict(_usual(c.message)),
        rare=True,
    ),
    Difference(
        "from-not-signed",
        "RFC 6376 §6.1.1: h= must name From; dkimpy does not look",
        lambda c: _reason(Reason.FROM_NOT_SIGNED)(c) and b"from" not in re.split(rb"\s*:\s*", c.tags[b"h"].lower()),
    ),
    Difference(
        "sha1",
        "RFC 8301 §3.1: rsa-sha1 must not verify; dkimpy lets it",
        lambda c: _reason(Reason.RSA_SHA1)(c) and c.tags[b"a"] == b"rsa-sha1",
    ),
    Difference(
        "simple-end-blanks",
        "RFC 6376 §3.4.1: simple changes nothing; dkimpy strips the end of the DKIM-Signature field all the same",
        lambda c: c.passes and c.judge(_stripped(c.message, c.ours)),
        rare=True,
    ),
    Difference(
        "key-type-ignored",
        "RFC 6376 §6.1.2: the key must fit a=; dkimpy takes the algorithm of the key whatever a= says",
        lambda c: (
            _reason(Reason.KEY_TYPE_MISMATCH)(c)
            and not any(b"k=" + c.tags[b"a"].partition(b"-")[0] in key for key in c.keys)
        ),
    ),
    Difference(
        "length-beyond-body",
        "RFC 6376 §3.5: l= must not exceed the body; dkimpy hashes what there is",
        lambda c: _reason(Reason.BODY_TOO_SHORT)(c) and c.tags[b"l"].isdigit(),
    ),
    Difference(
        "partial-body",
        "A choice (decision D8): octets that l= leaves unsigned make it policy (RFC 6376 §8.2)",
        lambda c: _reason(Reason.PARTIAL_BODY)(c) and c.tags[b"l"].isdigit(),
    ),
    Difference(
        "clock",
        "A choice (decision D7): x= and t= are granted 300 s, by dkimpy ten hours (RFC 6376 §3.5)",
        lambda c: (
            _reason(Reason.EXPIRED, Reason.FUTURE)(c)
            and any(0 < abs(int(c.tags[t]) - NOW) <= 36_000 for t in (b"x", b"t") if t in c.tags)
        ),
    ),
    Difference(
        "expires-at-once",
        "RFC 6376 §3.5: x= must be greater than t=; dkimpy accepts an equal one",
        lambda c: c.passes and "x= is not after t=" in c.ours.detail and c.tags[b"x"] == c.tags[b"t"],
    ),
    Difference(
        "empty-name",
        "RFC 6376 §3.5: h= is a list of field names with no empty one; dkimpy skips those",
        lambda c: c.passes and "empty item" in c.ours.detail and b"" in [n.strip() for n in c.tags[b"h"].split(b":")],
    ),
    Difference(
        "strict-key-ignored",
        "RFC 6376 §3.6.1: with t=s in the key i= must be at d= itself; dkimpy ignores t=s",
        lambda c: _reason(Reason.IDENTITY_MISMATCH)(c) and any(re.search(rb"t=(y:)?s", key) for key in c.keys),
    ),
    Difference(
        "query-methods",
        "RFC 6376 §3.5: q= is a list, unknown methods are skipped; dkimpy wants dns/txt to the letter",
        lambda c: "q= value" in c.words and b"dns/txt" in c.tags[b"q"].lower(),
    ),
)

ARC: tuple[Difference[MailComparison], ...] = (
    *MAIL,
    Difference(
        "arc-field-order",
        "RFC 8617 §5.1.1: sets are hashed by instance, wherever their fields stand; dkimpy goes by their places",
        lambda c: c.words.startswith("fail") and any(c.proves(_in_order(c.message) + end) for end in (b"", b"\r\n")),
    ),
    Difference(
        "arc-instance-spelling",
        "RFC 8617 §4.1.2: tag lists have FWS around names, values and semicolons; dkimpy looks for ' i=N;'",
        lambda c: "IndexError" in c.words,
    ),
)


# --- Authentication-Results and authres ------------------------------------------------------------------------------


@dataclass
class HeaderComparison:
    """What both read in one field. `theirs` is None where authres raised `error`."""

    text: str
    ours: AuthenticationResults
    theirs: list[MethodResult] | None
    error: str = ""

    @cached_property
    def unescaped(self) -> list[MethodResult]:
        """What authres read, with quoted pairs resolved."""
        return [
            MethodResult(
                r.method, r.result, r.reason and _unescape(r.reason), tuple(map(_plain, r.properties)), (), r.version
            )
            for r in self.theirs or []
        ]

    @property
    def found(self) -> list[MethodResult]:
        """What we read, without comments, which authres drops."""
        return [MethodResult(r.method, r.result, r.reason, r.properties, (), r.version) for r in self.ours.results]


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _plain(p: Property) -> Property:
    return Property(p.ptype, p.name, _unescape(p.value))


def _drops(c: HeaderComparison) -> bool:
    """Whether theirs is ours without some properties."""
    if c.theirs is None or len(c.unescaped) != len(c.found):
        return False
    for theirs, ours in zip(c.unescaped, c.found, strict=True):
        rest = iter(ours.properties)
        same = (theirs.method, theirs.result, theirs.version) == (ours.method, ours.result, ours.version)
        if not same or not all(p in rest for p in theirs.properties):
            return False
    return True


def _bare(text: str) -> str:
    """Return a field without comments, and without white space where CFWS may stand."""
    for comment in COMMENTS:
        text = text.replace(comment, " ")
    return re.sub(r"\s*([./=;])\s*", r"\1", text)


def _reads(text: str) -> bool:
    """Whether authres reads a field at all."""
    try:
        authres.all_features().parse(text)
    except authres.AuthResError:
        return False
    return True


HEADER: tuple[Difference[HeaderComparison], ...] = (
    Difference(
        "quoted-pairs",
        "RFC 5322 §3.2.1: the backslash of a quoted-pair is not part of the value; authres keeps it",
        lambda c: c.theirs is not None and c.unescaped == c.found,
    ),
    Difference(
        "dropped-properties",
        "RFC 8601 §2.2: pvalue may be a quoted-string anywhere, ptypes may be added; authres drops these properties",
        lambda c: _drops(c) and bool(re.search(r'"|dns|x\s*\.|x \(|==|é', c.text)),
    ),
    Difference(
        "refused-malformed",
        "A choice: what is outside the grammar is skipped and named; authres refuses the field or stops there",
        lambda c: bool(c.ours.problems),
    ),
    Difference(
        "refused-quoted",
        "RFC 8601 §2.2: quoted-strings may be a pvalue, an empty reason, the authserv-id; authres loses its place",
        lambda c: c.theirs is None and '"' in c.text,
    ),
    Difference(
        "refused-comments",
        "RFC 5322 §3.2.2: white space may stand on both sides of a comment, and behind the version of a method",
        lambda c: c.theirs is None and _reads(_bare(c.text)),
    ),
)
