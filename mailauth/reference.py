"""The second opinion: what independent implementations say about the same message and the same DNS.

dkimpy, pyspf, authres and publicsuffix2 read the same octets over the transcript of an `Authentication`; each
disagreement is reported, with its explanation where it is a known defect or choice of theirs. Bounded: an engine that
would run away is not asked, and the report says so. Touches no network and none of their globals, so that any
number of threads may ask.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from mailauth import names
from mailauth.authenticate import Authentication
from mailauth.connection import Connection
from mailauth.dns import Answer, Evaluation, Question, run
from mailauth.message import Message
from mailauth.results import ArcOutcome, DkimOutcome, Outcome, Reason, Result, SpfOutcome
from mailauth.spf.record import is_spf

# What these engines do in quadratic time or worse
_BLANK_RUN = re.compile(rb"[ \t]{16,}")
_HEADER_BLANK_RUN = re.compile(rb"\s{16,}")
_MAX_BLANK_STEPS = 10_000_000
_MAX_FIELD = 64 * 1024
_MAX_FOLDS = 400
_MAX_FIELDS = 2000
_MAX_FIELD_SEARCHES = 500_000
_MAX_OCTETS = 64 * 1024 * 1024  # to canonicalise: dkimpy does the whole message anew for each signature
_MAX_KEY_RECORD = 1600  # octets: a key of 8,192 bits with an ordinary exponent
_MAX_ARC_SETS = 12
_MAX_SIGNATURES = 10
_MAX_HEADER_FIELD = 16 * 1024
_MAX_NESTING = 50
_SIGNATURES = (b"dkim-signature", b"arc-message-signature", b"arc-seal")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_MAX_SPF_RECORD = 4096
_MAX_IDENTITY = 512
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Opinion(Outcome):
    """What one engine said about one check.

    `theirs` is None when the engine was not asked; `explanation` then says why. With `agrees` False and no
    explanation the difference is not understood: please report it.
    """

    check: str
    engine: str
    ours: str
    theirs: str | None
    agrees: bool | None
    explanation: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "check": self.check,
            "engine": self.engine,
            "ours": self.ours,
            "theirs": self.theirs,
            "agrees": self.agrees,
            "explanation": self.explanation,
        }


def second_opinion(raw: bytes, authentication: Authentication, resolver: Any = None) -> tuple[Opinion, ...]:
    """Ask the independent engines about an authenticated message. Never raises for any message.

    Args:
        raw: the octets that were given to `authenticate`.
        authentication: its result; the engines get its DNS transcript.
        resolver: a synchronous resolver for what an engine asks and we did not, such as the key of a signature that
            we refused unseen; None: an engine that asks more gives no opinion.
    """
    message = Message.parse(raw)
    answers = _Answers(dict(authentication.dns), resolver)
    opinions = [
        _spf_opinion(authentication.connection, outcome, answers)
        for outcome in (authentication.spf, authentication.helo_spf)
        if outcome is not None and outcome.domain is not None and authentication.connection.address is not None
    ]
    opinions += _dkim_opinions(message, authentication, answers)
    if authentication.arc is not None and authentication.arc.result is not Result.NONE:
        opinions.append(_arc_opinion(message, authentication, answers))
    if authentication.dmarc is not None and authentication.dmarc.organizational_domain is not None:
        opinions.append(_organization_opinion(authentication))
    if authentication.headers:
        opinions.append(_header_opinion(authentication))
    return tuple(opinions)


class _NoOpinion(Exception):  # noqa: N818  carried through an engine, caught behind it
    """The engine cannot be asked; the words say why."""


class _NotRecorded(_NoOpinion):
    """The engine asked what we never asked."""


class _TooMuch(_NoOpinion):
    """The engine would run away with what it found."""


def _printable(words: object) -> str:
    """Return words of an engine, which may quote a stranger, as short and harmless text."""
    return re.sub(r"[^ -~]", "?", str(words)[:_SHOWN])


class _Answers:
    """The transcript, and behind it the resolver if there is one."""

    def __init__(self, transcript: dict[Question, Answer], resolver: Any) -> None:
        self._transcript, self._resolver = transcript, resolver

    def get(self, name: str, rdtype: str) -> Answer | None:
        question = Question(name.lower().removesuffix("."), rdtype)
        answer = self._transcript.get(question)
        if answer is None and self._resolver is not None:
            answer = self._transcript[question] = run(_ask(question), self._resolver)
        return answer

    def spf_records(self) -> list[bytes]:
        """Return every SPF record that was seen."""
        return [r for q, a in self._transcript.items() if q.rdtype == "TXT" for r in a.records if is_spf(r)]

    def require(self, name: str, rdtype: str) -> Answer:
        answer = self.get(name, rdtype)
        if answer is None:
            raise _NotRecorded(f"it asked for {name} {rdtype}, which our evaluation did not need")
        return answer


def _ask(question: Question) -> Evaluation[Answer]:
    (answer,) = yield (question,)
    return answer


# -- dkimpy


def _silent() -> logging.Logger:
    """Return a logger of nobody's, so that the engine writes nowhere."""
    logger = logging.Logger("mailauth.reference")  # noqa: LOG001  not registered, by intent
    logger.disabled = True
    return logger


def _txt_function(answers: _Answers) -> Callable[..., bytes | None]:
    def lookup(name: bytes | str, timeout: float = 0) -> bytes | None:  # noqa: ARG001  its signature
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        answer = answers.require(text, "TXT")
        if any(len(each) > _MAX_KEY_RECORD for each in answer.records):
            raise _TooMuch("the key record is so large that dkimpy would calculate for seconds")
        record: bytes | None = answer.records[0] if answer.records else None
        return record

    return lookup


def _unsafe_message(message: Message) -> str | None:
    """Return why dkimpy is not asked about a message: it canonicalises all of it, for each signature."""
    signatures = [message.fields[p] for name in _SIGNATURES for p in message.find(name)]
    octets = len(message.raw) * min(len(signatures), _MAX_SIGNATURES + 2 * _MAX_ARC_SETS)
    if octets > _MAX_OCTETS:
        return f"dkimpy would canonicalise {octets} octets"
    header = message.raw[: message.body_start]
    runs = [*_HEADER_BLANK_RUN.finditer(header), *_BLANK_RUN.finditer(message.raw, message.body_start)]
    if sum((run.end() - run.start()) ** 2 for run in runs) > _MAX_BLANK_STEPS:
        return "the message has long runs of white space, which take dkimpy quadratic time"
    if len(message.fields) > _MAX_FIELDS:
        return f"the message has more than {_MAX_FIELDS} fields"
    if any(len(f) > _MAX_FIELD or f.count(b"\n") > _MAX_FOLDS for f in message.fields):
        return "the message has a very long field, which takes dkimpy quadratic time"
    if any(f.count(b":") * len(message.fields) > _MAX_FIELD_SEARCHES for f in signatures):
        return "h= of a signature names so many fields that dkimpy would search for seconds"
    return None


_DKIMPY_PASSES = {
    Reason.FROM_NOT_SIGNED: "dkimpy does not demand From in h= (RFC 6376 §6.1.1)",
    Reason.RSA_SHA1: "dkimpy still verifies rsa-sha1 (RFC 8301 §3.1)",
    Reason.KEY_HASH_MISMATCH: "dkimpy ignores h= of the key (RFC 6376 §6.1.2)",
    Reason.IDENTITY_MISMATCH: "dkimpy ignores t=s of the key (RFC 6376 §3.6.1)",
    Reason.KEY_TYPE_MISMATCH: "dkimpy does not compare a= with k= of the key (RFC 6376 §6.1.2)",
    Reason.BODY_TOO_SHORT: "dkimpy accepts l= beyond the body (RFC 6376 §3.5)",
    Reason.PARTIAL_BODY: "a choice of ours: octets that l= leaves unsigned make it policy",
    Reason.EXPIRED: "dkimpy compares x= with today's clock, with ten hours of leeway; we with the time of receipt",
    Reason.FUTURE: "dkimpy compares t= with today's clock, with ten hours of leeway; we with the time of receipt",
    Reason.PUBLIC_SUFFIX: "a choice of ours: a public suffix as d= makes it policy",
    Reason.UNSIGNED_DUPLICATES: "a choice of ours in strict mode: unsigned second fields make it policy",
    Reason.LIMIT_SIGNATURES: "we evaluate a limited number of signatures",
    Reason.LIMIT_TAGS: "we read signatures of a limited size",
    Reason.LIMIT_SIGNED_HEADERS: "we read signatures of a limited size",
    Reason.LIMIT_KEY_BITS: "dkimpy has no upper bound for keys",
    Reason.SIGNATURE_SYNTAX: "dkimpy is more lenient with the syntax of the field (RFC 6376 §6.1.1)",
    Reason.KEY_SYNTAX: "dkimpy is more lenient with the key record (RFC 6376 §3.6.1)",
    Reason.DNS_TIMEOUT: "the key was not answered for us",
    Reason.DNS_FAILURE: "the key was not answered for us",
}

_DKIMPY_REFUSES = (
    ("is in the future", "dkimpy compares t= with today's clock, not with the time of receipt"),
    ("x= value is past", "dkimpy compares x= with today's clock, not with the time of receipt"),
    ("i= domain is not", "dkimpy neither unfolds nor decodes i= (RFC 6376 §2.11, §3.5)"),
    ("q= value", "dkimpy knows no list of query methods, and dns/txt in lower case only (RFC 6376 §3.5)"),
    ("Unexpected characters in RFC822 header", "dkimpy refuses a message with an unusual header line"),
    ("UnknownKeyTypeError: None", "dkimpy knows no list of services in s= of the key (RFC 6376 §3.6.1)"),
    ("IndexError", "dkimpy fails where the first line begins with white space"),
    ("not valid base64", "dkimpy wants the padding of base64 (RFC 6376 §2.10: optional)"),
    ("acl", "dkimpy needs PyNaCl for ed25519"),
)


def _dkim_opinions(message: Message, authentication: Authentication, answers: _Answers) -> list[Opinion]:
    import dkim  # noqa: PLC0415  an edge: imported when asked

    opinions = []
    unsafe = _unsafe_message(message)
    lookup = _txt_function(answers)
    for number, outcome in enumerate(authentication.dkim):
        check, ours = f"dkim {outcome.domain or 'without domain'}", str(outcome.result)
        refusal = unsafe
        if outcome.domain is None or outcome.selector is None:
            refusal = "the field names no key"
        elif number >= _MAX_SIGNATURES:
            refusal = f"more than {_MAX_SIGNATURES} signatures"
        try:
            if refusal is not None:
                raise _NoOpinion(refusal)  # noqa: TRY301  as what the engine meets
            key = answers.require(f"{outcome.selector}._domainkey.{outcome.domain}", "TXT")
            theirs = _run_dkimpy(
                lambda n=number: dkim.DKIM(message.raw, logger=_silent()).verify(idx=n, dnsfunc=lookup)  # type: ignore[misc]
            )
            opinions.append(_compare_dkim(check, message, outcome, theirs, key))
        except _NoOpinion as reason:
            opinions.append(Opinion(check, "dkimpy", ours, None, None, _printable(reason)))
    return opinions


def _run_dkimpy(verify: Callable[[], object]) -> str:
    try:
        return "pass" if verify() else "not a pass"
    except _NoOpinion:
        raise
    except Exception as error:  # noqa: BLE001  it lets many types out
        return f"not a pass ({type(error).__name__}: {_printable(error)})"


def _compare_dkim(check: str, message: Message, outcome: DkimOutcome, theirs: str, key: Answer) -> Opinion:
    passes = theirs == "pass"
    agrees = passes == (outcome.result is Result.PASS)
    explanation = None
    if not agrees:
        explanation = _DKIMPY_PASSES.get(outcome.reason) if passes else _dkimpy_refusal(theirs, key)
        explanation = explanation or _other_octets(message)
    if not agrees and explanation is None and "xn--" in f"{outcome.selector}.{outcome.domain}":
        explanation = "dkimpy does not turn U-labels into A-labels (RFC 8616 §5)"
    return Opinion(check, "dkimpy", str(outcome.result), theirs, agrees, explanation)


def _dkimpy_refusal(theirs: str, key: Answer) -> str | None:
    for part, words in _DKIMPY_REFUSES:
        if part in theirs:
            return words
    if len(key.records) > 1:
        return "dkimpy tries one of several key records; a verifier may try the others (RFC 6376 §6.1.2)"
    services = (re.search(rb"s[ \t]*=[^;]*:", r) for r in key.records)
    if theirs == "not a pass" and any(services):
        return "dkimpy knows no list of services in s= of the key (RFC 6376 §3.6.1)"
    if theirs == "not a pass" and any(len(re.sub(rb".*p=|[;\s].*", b"", r)) % 4 for r in key.records):
        return "dkimpy wants the padding of base64 in the key (RFC 6376 §2.10: optional)"
    return None


_OTHER_BLANKS = re.compile(rb"\r(?!\n)|[\v\f]")
_END_BLANKS = re.compile(rb"[ \t\r\n]\Z")


def _other_octets(message: Message) -> str | None:
    """Explain how dkimpy may come to hash other octets than we."""
    if _BARE_LF.search(message.raw):
        return "dkimpy turns a bare LF into CRLF, and verifies what was not sent (RFC 6376 §5.3)"
    if _OTHER_BLANKS.search(message.raw[: message.body_start]):
        return "dkimpy strips CR, VT and FF, which are no white space (RFC 6376 §2.8)"
    if any(_END_BLANKS.search(message.fields[p]) for p in message.find(b"dkim-signature")):
        return "dkimpy strips the end of the DKIM-Signature field, whatever c= says (RFC 6376 §3.4.1)"
    if b"\r\nFrom " in b"\r\n" + message.raw[: message.body_start]:
        return "dkimpy takes a From field with white space before its colon for the first line of an mbox, and skips it"
    if message.raw.endswith((b" ", b"\t")):
        return "dkimpy keeps the white space at the end of a last line without CRLF (RFC 6376 §3.4.4)"
    return None


def _arc_opinion(message: Message, authentication: Authentication, answers: _Answers) -> Opinion:
    import dkim  # noqa: PLC0415

    outcome = authentication.arc
    assert outcome is not None  # noqa: S101  the caller has looked
    try:
        refusal = _unsafe_message(message)
        if max(len(message.find(b"arc-seal")), len(message.find(b"arc-message-signature"))) > _MAX_ARC_SETS:
            refusal = f"more than {_MAX_ARC_SETS} ARC sets, which take dkimpy quadratic time"
        if refusal is not None:
            raise _NoOpinion(refusal)  # noqa: TRY301  as what the engine meets
        verdict, _, why = dkim.ARC(message.raw, logger=_silent()).verify(dnsfunc=_txt_function(answers))
        # None: the last sealer found the chain broken
        theirs = "pass" if verdict == b"pass" else f"{(verdict or b'fail').decode()} ({_printable(why)})"
    except _NoOpinion as reason:
        return Opinion("arc", "dkimpy", str(outcome.result), None, None, _printable(reason))
    except Exception as error:  # noqa: BLE001  it lets many types out
        theirs = f"error ({type(error).__name__}: {_printable(error)})"
    agrees = (theirs == "pass") == (outcome.result is Result.PASS)
    explanation = None
    if not agrees:
        keys = [answer for question, answer in authentication.dns if "._domainkey." in question.name]
        explanation = _explain_arc(message, outcome, theirs, keys)
    return Opinion("arc", "dkimpy", str(outcome.result), theirs, agrees, explanation)


_INSTANCE = re.compile(rb"[\s;:]i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,2})")


def _explain_arc(message: Message, outcome: ArcOutcome, theirs: str, keys: list[Answer]) -> str | None:
    if theirs == "pass":
        passes = {
            **_DKIMPY_PASSES,
            Reason.ARC_STRUCTURE: "dkimpy judges the signatures without the structure of the sets (RFC 8617 §5.2)",
            Reason.LIMIT_ARC_SETS: "dkimpy has no limit of sets (RFC 8617 §4.2.1)",
            Reason.PARTIAL_BODY: "a choice of ours: l= may not leave a part of the body unsigned",
        }
        return passes.get(outcome.reason) or _other_octets(message)
    if "IndexError" in theirs:
        return "dkimpy looks for ' i=N;' to the letter and finds no other spelling of the instance"
    if "ed25519" in theirs:
        return "dkimpy knows no ed25519 in ARC (RFC 8463)"
    fields = [message.find(name) for name in (b"arc-seal", b"arc-message-signature", b"arc-authentication-results")]
    if any(b"(" in message.value(p).partition(b";")[0] for positions in fields for p in positions):
        return "dkimpy reads no comments around the instance (RFC 8617 §4.2.1)"
    for positions in fields:
        instances = [int(m[1]) for p in positions if (m := _INSTANCE.search(message.fields[p]))]
        if instances != sorted(instances, reverse=True):
            return "dkimpy hashes the sets in the order they stand in, not by instance (RFC 8617 §5.1.1)"
    refusals = (_dkimpy_refusal("not a pass" if "did not validate" in theirs else theirs, key) for key in keys)
    return next(filter(None, refusals), None) or _other_octets(message)


# -- pyspf


def _pyspf(answers: _Answers) -> Any:
    """Return the class of a pyspf query over the transcript: its look-up function is a global, its method is not."""
    import spf  # noqa: PLC0415  an edge: imported when asked

    class Query(spf.query):  # type: ignore[misc]
        overlong = False  # a name was asked that DNS cannot hold

        def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002, FBT001, FBT002
            name = str(name).lower().removesuffix(".")
            if not names.queryable(name):
                self.overlong = self.overlong or len(name) > names.MAX_NAME
                return []
            answer = answers.require(name, qtype)
            if answer.failed:
                raise spf.TempError(f"DNS {answer.status} for {name} {qtype}")
            if qtype == "TXT" and any(len(r) > _MAX_SPF_RECORD for r in answer.records):
                raise _TooMuch(f"a TXT record at {name} is so large that pyspf would calculate for seconds")
            records: list[Any] = [(r,) for r in answer.records] if qtype == "TXT" else list(answer.records)
            if not records and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                    raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
            return records

    return Query


def _spf_opinion(connection: Connection, outcome: SpfOutcome, answers: _Answers) -> Opinion:
    check = "spf" if outcome.scope == "mfrom" else "spf helo"
    sender = f"postmaster@{outcome.domain}" if outcome.scope == "helo" else connection.mail_from or ""
    ours = str(outcome.result)
    if max(len(sender), len(connection.helo or "")) > _MAX_IDENTITY:
        return Opinion(check, "pyspf", ours, None, None, "an identity of absurd length")
    words = ""
    query = _pyspf(answers)(i=str(connection.address), s=sender, h=connection.helo or "", querytime=0, strict=True)
    try:
        theirs, _, words = query.check()
    except _NoOpinion as reason:
        return Opinion(check, "pyspf", ours, None, None, _printable(reason))
    except Exception as error:  # noqa: BLE001  it lets many types out
        theirs, words = f"error ({type(error).__name__})", str(error)
    agrees = theirs == ours
    shown = theirs if agrees or not words else f"{theirs} ({_printable(words)})"
    explanation = None
    if not agrees:
        explanation = _explain_spf(connection, outcome, theirs, words, answers)
    if not agrees and explanation is None and query.overlong:
        explanation = "pyspf cuts a name that is too long by one label only (RFC 7208 §7.3)"
    return Opinion(check, "pyspf", ours, shown, agrees, explanation)


# What pyspf says where it is wrong
_PYSPF_SAYS = (
    ("Void lookup limit", "pyspf counts every query that finds nothing; RFC 7208 §4.6.4 limits the terms that do"),
    ("Too many DNS lookups", "pyspf counts redirect= when it reads it, not when it follows it (RFC 7208 §6.1)"),
    ("trivial recursion", "pyspf refuses an include of the domain itself before it is reached (RFC 7208 §4.6, §5.2)"),
    (
        "MUST appear at most once",
        "pyspf refuses any modifier that stands twice, not just redirect= and exp= (RFC 7208 §6)",
    ),
    ("invalid-macro-char", "pyspf refuses a macro-string that ends in %% (RFC 7208 §7.1)"),
    (" PTR", "pyspf makes a failed PTR look-up a temperror; the mechanism just does not match (RFC 7208 §5.5)"),
    ("DNS ", "pyspf asks for every host of mx and ptr, and one without answer is a temperror (RFC 7208 §5.4, §5.5)"),
    (
        "included domain",
        "a choice of ours: an include whose name is bad after expansion does not match (RFC 7208 §4.8)",
    ),
)

# What it overlooks
_PYSPF_PASSES = {
    Reason.SPF_SYNTAX: "pyspf takes some macros and modifiers outside the grammar for text (RFC 7208 §7.1, §12)",
    Reason.LIMIT_SPF_TERMS: "a choice of ours: %{p} costs one of the ten terms",
    Reason.LIMIT_SPF_QUERIES: "we make a limited number of queries",
    Reason.LIMIT_RECORD_BYTES: "we read records of a limited size",
}

# What it reads differently
_PYSPF_READS = (
    (
        rb"(?i)%\{[^sl}][0-9]*r?\.*[+,/_=-]",
        "pyspf joins the parts of a macro with their own delimiters (RFC 7208 §7.3: dots)",
    ),
    (rb"%\{[A-Za-z][0-9]*R", "pyspf does not know R for r in a macro (RFC 7208 §7.1: ABNF has no case)"),
    (rb" (?!redirect=|exp=)(?i:redirect|exp)=", "pyspf knows modifiers in lower case only (RFC 7208 §4.6.1)"),
    (
        rb"(?i)%\{p",
        "pyspf looks up %{p} before the term is reached, and keeps that of the first domain (RFC 7208 §7.3)",
    ),
)


def _explain_spf(connection: Connection, outcome: SpfOutcome, theirs: str, words: str, answers: _Answers) -> str | None:
    local, _, domain = (connection.mail_from or "").rpartition("@")
    if "@" in local:
        return "pyspf splits an address at its first @, whatever is quoted (RFC 5321 §4.1.2)"
    if not domain.isascii() and outcome.scope == "mfrom":
        return "pyspf does not turn U-labels into A-labels (RFC 8616 §4)"
    if not local.isascii():
        return "pyspf looks up a local part that is not ASCII; a term that uses it does not match (RFC 8616 §4)"
    if theirs in ("permerror", "temperror"):
        for said, explanation in _PYSPF_SAYS:
            if said in words:
                return explanation
    elif outcome.reason in _PYSPF_PASSES:
        return _PYSPF_PASSES[outcome.reason]
    records = answers.spf_records()
    return next((why for pattern, why in _PYSPF_READS if any(re.search(pattern, r) for r in records)), None)


# -- publicsuffix2 and authres


@cache
def _suffix_list() -> Any:
    import publicsuffix2  # noqa: PLC0415  an edge: imported when asked

    return publicsuffix2.PublicSuffixList()


def _organization_opinion(authentication: Authentication) -> Opinion:
    outcome = authentication.dmarc
    assert outcome is not None  # noqa: S101  the caller has looked
    ours = outcome.organizational_domain or ""
    theirs = str(_suffix_list().get_sld(outcome.author_domain))
    explanation = None
    if theirs != ours:
        if outcome.discovery == "treewalk":
            explanation = "the tree walk goes by published records, the list by what was registered in 2019"
        else:
            explanation = "publicsuffix2 looks up its list of 2019, and takes names above a rule for rules"
    return Opinion("organizational domain", "publicsuffix2", ours, theirs, theirs == ours, explanation)


def _header_opinion(authentication: Authentication) -> Opinion:
    import authres  # noqa: PLC0415  an edge: imported when asked
    import authres.arc  # noqa: PLC0415
    import authres.dmarc  # noqa: PLC0415

    header = authentication.headers[0]
    from mailauth.authres import parse  # noqa: PLC0415  the name is that of the engine here

    ours = [f"{r.method}={r.result}" for r in parse(header).results]
    shown = ", ".join(ours) or "none"
    if len(header) > _MAX_HEADER_FIELD or header.count("(") > _MAX_NESTING:
        return Opinion("header", "authres", shown, None, None, "the field is too large for authres")
    try:
        context = authres.FeatureContext(authres.dmarc, authres.arc)
        read = context.parse(header.replace("\r\n", ""))
        found = [f"{r.method}={r.result}" for r in read.results]
        theirs = ", ".join(found) or "none"
        agrees = found == ours
    except Exception as error:  # noqa: BLE001  it lets many types out
        theirs, agrees = f"error ({type(error).__name__}: {_printable(error)})", False
    explanation = None
    if not agrees:
        if not header.isascii():
            explanation = "authres refuses UTF-8 (RFC 8601 §2.2 allows it in SMTPUTF8 mail)"
        elif header.partition(":")[2].lstrip().startswith('"'):
            explanation = "authres refuses a quoted authserv-id"
    return Opinion("header", "authres", shown, theirs, agrees, explanation)
