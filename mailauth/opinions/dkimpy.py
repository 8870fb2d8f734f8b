"""The opinion of dkimpy on DKIM and ARC, and what explains a difference. Not asked where it would run away."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from mailauth.arc.outcome import ArcOutcome
from mailauth.authentication import Authentication
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dns.values import Answer
from mailauth.message.fields import Message
from mailauth.opinions.answers import Answers, NoOpinion, Opinion, TooMuch, printable_words
from mailauth.results import Reason, Result

# Bounds on what these engines do in quadratic time or worse
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
_SIGNATURES = (b"dkim-signature", b"arc-message-signature", b"arc-seal")
_BARE_LF = re.compile(rb"(?<!\r)\n")


def _silent() -> logging.Logger:
    """Return an unregistered logger, so that the engine writes nowhere."""
    logger = logging.Logger("mailauth.opinions")  # noqa: LOG001
    logger.disabled = True
    return logger


def _txt_function(answers: Answers) -> Callable[..., bytes | None]:
    def lookup(name: bytes | str, timeout: float = 0) -> bytes | None:  # noqa: ARG001  its signature
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        answer = answers.require(text, "TXT")
        if any(len(each) > _MAX_KEY_RECORD for each in answer.records):
            raise TooMuch("the key record is so large that dkimpy would compute for seconds")
        record: bytes | None = answer.records[0] if answer.records else None
        return record

    return lookup


def _unsafe_message(message: Message) -> str | None:
    """Return why dkimpy is not asked about a message: it canonicalizes all of it, for each signature."""
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
    Reason.FROM_NOT_SIGNED: "dkimpy does not require From in h= (RFC 6376 §6.1.1)",
    Reason.RSA_SHA1: "dkimpy still verifies rsa-sha1 (RFC 8301 §3.1)",
    Reason.KEY_HASH_MISMATCH: "dkimpy ignores h= of the key (RFC 6376 §6.1.2)",
    Reason.IDENTITY_MISMATCH: "dkimpy ignores t=s of the key (RFC 6376 §3.6.1)",
    Reason.KEY_TYPE_MISMATCH: "dkimpy does not compare a= with k= of the key (RFC 6376 §6.1.2)",
    Reason.BODY_TOO_SHORT: "dkimpy accepts l= beyond the body (RFC 6376 §3.5)",
    Reason.PARTIAL_BODY: "a choice of ours: octets that l= leaves unsigned make it policy",
    Reason.EXPIRED: "dkimpy compares x= with today's clock, with ten hours of leeway; we with the time of receipt",
    Reason.FUTURE: "dkimpy compares t= with today's clock, with ten hours of leeway; we with the time of receipt",
    Reason.PUBLIC_SUFFIX: "a choice of ours: a public suffix as d= makes it policy",
    Reason.UNSIGNED_DUPLICATES: "a choice of ours in strict mode: a second field that is not signed makes it policy",
    Reason.LIMIT_SIGNATURES: "we evaluate a limited number of signatures",
    Reason.LIMIT_TAGS: "we read signatures of a limited size",
    Reason.LIMIT_SIGNED_HEADERS: "we read signatures of a limited size",
    Reason.LIMIT_KEY_BITS: "dkimpy has no upper bound for keys",
    Reason.SIGNATURE_SYNTAX: "dkimpy is more lenient with the syntax of the field (RFC 6376 §6.1.1)",
    Reason.KEY_SYNTAX: "dkimpy is more lenient with the key record (RFC 6376 §3.6.1)",
    Reason.DNS_TIMEOUT: "DNS did not answer our question for the key",
    Reason.DNS_FAILURE: "DNS did not answer our question for the key",
}


_DKIMPY_REFUSES = (
    ("is in the future", "dkimpy compares t= with today's clock, not with the time of receipt"),
    ("x= value is past", "dkimpy compares x= with today's clock, not with the time of receipt"),
    ("i= domain is not", "dkimpy neither unfolds nor decodes i= (RFC 6376 §2.11, §3.5)"),
    ("q= value", "dkimpy accepts neither a list of query methods nor dns/txt in upper case (RFC 6376 §3.5)"),
    ("Unexpected characters in RFC822 header", "dkimpy refuses a message with an unusual header line"),
    ("UnknownKeyTypeError: None", "dkimpy does not accept a list of services in s= of the key (RFC 6376 §3.6.1)"),
    ("IndexError", "dkimpy fails if the first line begins with white space"),
    ("not valid base64", "dkimpy requires base64 padding (RFC 6376 §2.10: optional)"),
    ("acl", "dkimpy needs PyNaCl for ed25519"),
)


def dkim_opinions(message: Message, authentication: Authentication, answers: Answers) -> list[Opinion]:
    """Compare the result of each DKIM-Signature."""
    import dkim  # noqa: PLC0415 optional: imported on use

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
                raise NoOpinion(refusal)  # noqa: TRY301  as what the engine meets
            key = answers.require(f"{outcome.selector}._domainkey.{outcome.domain}", "TXT")
            theirs = _run_dkimpy(
                lambda n=number: dkim.DKIM(message.raw, logger=_silent()).verify(idx=n, dnsfunc=lookup)  # type: ignore[misc]
            )
            opinions.append(_compare_dkim(check, message, outcome, theirs, key))
        except NoOpinion as reason:
            opinions.append(Opinion(check, "dkimpy", ours, None, None, printable_words(reason)))
    return opinions


def _run_dkimpy(verify: Callable[[], object]) -> str:
    try:
        return "pass" if verify() else "not a pass"
    except NoOpinion:
        raise
    except Exception as error:  # noqa: BLE001  it lets many types out
        return f"not a pass ({type(error).__name__}: {printable_words(error)})"


def _compare_dkim(check: str, message: Message, outcome: DkimOutcome, theirs: str, key: Answer) -> Opinion:
    passes = theirs == "pass"
    agrees = passes == (outcome.result is Result.PASS)
    explanation = None
    if not agrees:
        explanation = _DKIMPY_PASSES.get(outcome.reason) if passes else _dkimpy_refusal(theirs, key)
        explanation = explanation or _other_octets(message)
    if not agrees and explanation is None and "xn--" in f"{outcome.selector}.{outcome.domain}":
        explanation = "dkimpy does not convert U-labels to A-labels (RFC 8616 §5)"
    return Opinion(check, "dkimpy", str(outcome.result), theirs, agrees, explanation)


def _dkimpy_refusal(theirs: str, key: Answer) -> str | None:
    for part, words in _DKIMPY_REFUSES:
        if part in theirs:
            return words
    if len(key.records) > 1:
        return "dkimpy tries one of several key records; a verifier may try the others (RFC 6376 §6.1.2)"
    services = (re.search(rb"s[ \t]*=[^;]*:", r) for r in key.records)
    if theirs == "not a pass" and any(services):
        return "dkimpy does not accept a list of services in s= of the key (RFC 6376 §3.6.1)"
    if theirs == "not a pass" and any(len(re.sub(rb".*p=|[;\s].*", b"", r)) % 4 for r in key.records):
        return "dkimpy requires base64 padding in the key (RFC 6376 §2.10: optional)"
    return None


_OTHER_BLANKS = re.compile(rb"\r(?!\n)|[\v\f]")


_END_BLANKS = re.compile(rb"[ \t\r\n]\Z")


def _other_octets(message: Message) -> str | None:
    """Explain why dkimpy may hash other octets than we do."""
    if _BARE_LF.search(message.raw):
        return "dkimpy turns a bare LF into CRLF, and verifies what was not sent (RFC 6376 §5.3)"
    if _OTHER_BLANKS.search(message.raw[: message.body_start]):
        return "dkimpy strips CR, VT and FF, which are not white space (RFC 6376 §2.8)"
    if any(_END_BLANKS.search(message.fields[p]) for p in message.find(b"dkim-signature")):
        return "dkimpy strips the end of the DKIM-Signature field, whatever c= says (RFC 6376 §3.4.1)"
    if b"\r\nFrom " in b"\r\n" + message.raw[: message.body_start]:
        return "dkimpy takes a From field with white space before its colon for the first line of an mbox, and skips it"
    if message.raw.endswith((b" ", b"\t")):
        return "dkimpy keeps the white space at the end of a last line without CRLF (RFC 6376 §3.4.4)"
    return None


def arc_opinion(message: Message, authentication: Authentication, answers: Answers) -> Opinion:
    """Compare the result of the ARC chain."""
    import dkim  # noqa: PLC0415

    outcome = authentication.arc
    assert outcome is not None  # noqa: S101  the caller has looked
    try:
        refusal = _unsafe_message(message)
        if max(len(message.find(b"arc-seal")), len(message.find(b"arc-message-signature"))) > _MAX_ARC_SETS:
            refusal = f"more than {_MAX_ARC_SETS} ARC sets, which take dkimpy quadratic time"
        if refusal is not None:
            raise NoOpinion(refusal)  # noqa: TRY301  as what the engine meets
        verdict, _, why = dkim.ARC(message.raw, logger=_silent()).verify(dnsfunc=_txt_function(answers))
        # None: the last sealer found the chain broken
        theirs = "pass" if verdict == b"pass" else f"{(verdict or b'fail').decode()} ({printable_words(why)})"
    except NoOpinion as reason:
        return Opinion("arc", "dkimpy", str(outcome.result), None, None, printable_words(reason))
    except Exception as error:  # noqa: BLE001  it lets many types out
        theirs = f"error ({type(error).__name__}: {printable_words(error)})"
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
            Reason.ARC_STRUCTURE: "dkimpy checks the signatures, not the structure of the sets (RFC 8617 §5.2)",
            Reason.LIMIT_ARC_SETS: "dkimpy does not limit the number of sets (RFC 8617 §4.2.1)",
            Reason.PARTIAL_BODY: "a choice of ours: l= may not leave a part of the body unsigned",
        }
        return passes.get(outcome.reason) or _other_octets(message)
    if "IndexError" in theirs:
        return "dkimpy looks for exactly ' i=N;' and finds no other spelling of the instance"
    if "ed25519" in theirs:
        return "dkimpy does not support ed25519 in ARC (RFC 8463)"
    fields = [message.find(name) for name in (b"arc-seal", b"arc-message-signature", b"arc-authentication-results")]
    if any(b"(" in message.value(p).partition(b";")[0] for positions in fields for p in positions):
        return "dkimpy does not accept comments around the instance (RFC 8617 §4.2.1)"
    for positions in fields:
        instances = [int(m[1]) for p in positions if (m := _INSTANCE.search(message.fields[p]))]
        if instances != sorted(instances, reverse=True):
            return "dkimpy hashes the sets in the order they appear in, not by instance (RFC 8617 §5.1.1)"
    refusals = (_dkimpy_refusal("not a pass" if "did not validate" in theirs else theirs, key) for key in keys)
    return next(filter(None, refusals), None) or _other_octets(message)
