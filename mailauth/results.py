"""The outcomes as values: result words, reason codes, one frozen type a check.

Result words are those of RFC 8601; `Reason` says in one stable code what decided. `to_dict()` gives the JSON form
of the project's contract. An outcome has no truth value, so that `if auth.dmarc:` cannot read as "passed".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar

from mailauth.errors import MailauthError

T = TypeVar("T")


class Result(StrEnum):
    """The words of RFC 8601 §2.7; each check uses those its method defines."""

    NONE = "none"
    PASS = "pass"  # noqa: S105  a verdict, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Disposition(StrEnum):
    """What a receiver is advised to do with the message."""

    ACCEPT = "accept"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    DEFER = "defer"


class Reason(StrEnum):
    """What decided an outcome: stable codes for programs."""

    # DNS, any check
    DNS_TIMEOUT = "dns_timeout"
    DNS_FAILURE = "dns_failure"
    # SPF
    SPF_MATCH = "spf_match"
    SPF_NO_MATCH = "spf_no_match"
    SPF_NO_RECORD = "spf_no_record"
    SPF_NO_DOMAIN = "spf_no_domain"
    SPF_NO_CONNECTION = "spf_no_connection"
    SPF_MULTIPLE_RECORDS = "spf_multiple_records"
    SPF_SYNTAX = "spf_syntax"
    SPF_INCLUDE_NONE = "spf_include_none"
    SPF_REDIRECT_NONE = "spf_redirect_none"
    LIMIT_SPF_TERMS = "limit:spf_terms"
    LIMIT_SPF_VOID = "limit:spf_void"
    LIMIT_SPF_MX = "limit:spf_mx"
    LIMIT_SPF_QUERIES = "limit:spf_queries"
    LIMIT_RECORD_BYTES = "limit:record_bytes"
    # DKIM, and the signatures of ARC
    SIGNATURE_VERIFIED = "signature_verified"
    BODY_HASH_MISMATCH = "body_hash_mismatch"
    SIGNATURE_MISMATCH = "signature_mismatch"
    SIGNATURE_SYNTAX = "signature_syntax"
    SIGNATURE_VERSION = "signature_version"
    UNKNOWN_ALGORITHM = "unknown_algorithm"
    UNKNOWN_CANONICALIZATION = "unknown_canonicalization"
    UNKNOWN_QUERY_METHOD = "unknown_query_method"
    BODY_TOO_SHORT = "body_too_short"
    BAD_DOMAIN = "bad_domain"
    FROM_NOT_SIGNED = "from_not_signed"
    IDENTITY_MISMATCH = "identity_mismatch"
    RSA_SHA1 = "rsa_sha1"
    KEY_MISSING = "key_missing"
    KEY_REVOKED = "key_revoked"
    KEY_SYNTAX = "key_syntax"
    KEY_TYPE_MISMATCH = "key_type_mismatch"
    KEY_HASH_MISMATCH = "key_hash_mismatch"
    KEY_SERVICE_MISMATCH = "key_service_mismatch"
    KEY_TOO_SHORT = "key_too_short"
    LIMIT_KEY_BITS = "limit:key_bits"
    EXPIRED = "expired"
    FUTURE = "future"
    PARTIAL_BODY = "partial_body"
    PUBLIC_SUFFIX = "public_suffix"
    UNSIGNED_FROM = "unsigned_from"
    UNSIGNED_DUPLICATES = "unsigned_duplicates"
    LIMIT_SIGNATURES = "limit:signatures"
    LIMIT_SIGNATURE_BYTES = "limit:signature_bytes"
    LIMIT_TAGS = "limit:tags"
    LIMIT_SIGNED_HEADERS = "limit:signed_headers"
    # ARC
    ARC_NONE = "arc_none"
    ARC_VERIFIED = "arc_verified"
    ARC_STRUCTURE = "arc_structure"
    ARC_CV_FAIL = "arc_cv_fail"
    ARC_SEAL = "arc_seal"
    LIMIT_ARC_SETS = "limit:arc_sets"
    # DMARC
    DMARC_ALIGNED = "dmarc_aligned"
    DMARC_NOT_ALIGNED = "dmarc_not_aligned"
    DMARC_NO_RECORD = "dmarc_no_record"
    DMARC_BAD_RECORD = "dmarc_bad_record"
    AUTHOR_MISSING = "author_missing"
    AUTHOR_REPEATED = "author_repeated"
    AUTHOR_SYNTAX = "author_syntax"
    AUTHOR_DOMAINS = "author_domains"
    AUTHOR_DOMAIN_INVALID = "author_domain_invalid"
    HEADER_AMBIGUOUS = "header_ambiguous"
    LIMIT_HEADER_BYTES = "limit:header_bytes"
    LIMIT_HEADER_FIELDS = "limit:header_fields"
    LIMIT_FIELD_BYTES = "limit:field_bytes"
    LIMIT_FROM_BYTES = "limit:from_bytes"
    LIMIT_FROM_MAILBOXES = "limit:from_mailboxes"
    LIMIT_COMMENT_DEPTH = "limit:comment_depth"
    # iprev
    IPREV_MATCH = "iprev_match"
    IPREV_NO_MATCH = "iprev_no_match"
    IPREV_NO_PTR = "iprev_no_ptr"


def one_line(text: str) -> str:
    """Return words for a person as one line, for a log too, with "?" for what cannot be printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def utf8(to_dict: Callable[[T], dict[str, Any]]) -> Callable[[T], dict[str, Any]]:
    """Make text that can be written as UTF-8 of all that a `to_dict` returns: an escape for each lone surrogate."""

    @wraps(to_dict)
    def clean(self: T) -> dict[str, Any]:
        return {key: _utf8(value) for key, value in to_dict(self).items()}

    return clean


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_utf8(each) for each in value]
    return {_utf8(key): _utf8(each) for key, each in value.items()} if isinstance(value, dict) else value


class Malformed(MailauthError):  # noqa: N818  what is wrong is the input
    """A record, a field or an address outside its grammar.

    Raised by the parsers (`spf.parse`, `dkim.parse` …), never by a check: there it becomes an outcome. `reason` and
    `detail` say what is wrong.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the code and the words of the problem."""
        self.reason = reason
        self.detail = one_line(detail)
        super().__init__(self.detail)

    def to_keep(self) -> Malformed:
        """Return the same problem without the frames it was raised in, which hold a whole message."""
        return Malformed(self.reason, self.detail)

    def __reduce__(self) -> tuple[type[Malformed], tuple[Reason, str]]:
        """Pickle the problem, so that it can come out of a pool of processes."""
        return Malformed, (self.reason, self.detail)


class Outcome:
    """What every outcome shares: no truth value."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        """Refuse: a failed check is an object too."""
        msg = f"a {type(self).__name__} is neither true nor false: compare its .result, e.g. outcome.result == 'pass'"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfOutcome(Outcome):
    """SPF for one identity (RFC 7208).

    `domain` is the domain checked, `scope` the identity it came from, `mechanism` the directive that matched as the
    record writes it (None when none did). `explanation` is text of a third party, fetched after a fail: show it
    as a quotation, never write it into a header field or a log line. `lookups` counts the terms that cost DNS
    (`Limits.spf_terms`), `void_lookups` those that found nothing (`Limits.spf_void`). `secure`, here and in the other
    outcomes: every DNS answer it rests on was found secure by a validator that the resolver trusts; None where it was
    not asked.
    """

    result: Result
    reason: Reason
    detail: str
    domain: str | None
    scope: Literal["mfrom", "helo"]
    mechanism: str | None = None
    explanation: str | None = None
    lookups: int = 0
    void_lookups: int = 0
    secure: bool | None = None

    @utf8
    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "result": str(self.result),
            "reason": str(self.reason),
            "detail": self.detail,
            "domain": self.domain,
            "scope": self.scope,
            "mechanism": self.mechanism,
            "explanation": self.explanation,
            "lookups": self.lookups,
            "void_lookups": self.void_lookups,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimOutcome(Outcome):
    """One DKIM-Signature field (RFC 6376).

    `domain` (d=) and `selector` (s=) are in normal form, None where they are not domain names. `identity` is i= as
    the field has it, without white space, None when absent. `b` is the signature in base64 without white space.
    `body_length` is l=; `unsigned_bytes` the octets of the canonical body after it, white space too. `testing`: the
    key says t=y. `unsigned_duplicates`: fields a reader is shown that the message has more often than they are
    signed. `index`: the position of the field in the header section, 0 at the top.
    """

    result: Result
    reason: Reason
    detail: str
    index: int
    domain: str | None = None
    selector: str | None = None
    identity: str | None = None
    algorithm: str | None = None
    key_bits: int | None = None
    b: str | None = None
    signed_headers: tuple[str, ...] = ()
    body_length: int | None = None
    unsigned_bytes: int = 0
    timestamp: int | None = None
    expiration: int | None = None
    testing: bool = False
    unsigned_duplicates: tuple[str, ...] = ()
    secure: bool | None = None

    @utf8
    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "result": str(self.result),
            "reason": str(self.reason),
            "detail": self.detail,
            "domain": self.domain,
            "selector": self.selector,
            "identity": self.identity,
            "algorithm": self.algorithm,
            "key_bits": self.key_bits,
            "b": self.b,
            "signed_headers": list(self.signed_headers),
            "body_length": self.body_length,
            "unsigned_bytes": self.unsigned_bytes,
            "timestamp": self.timestamp,
            "expiration": self.expiration,
            "testing": self.testing,
            "index": self.index,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcOutcome(Outcome):
    """The ARC chain (RFC 8617): what it proves is who sealed, nothing else.

    `instances` counts the sets, `oldest_pass` is the instance from which on the message is unchanged (0: from the
    first), `sealers` are the d= of each seal by instance. `payloads` are the ARC-Authentication-Results of each
    instance, parsed when they are read: claims of the sealer, worth only as much as he is trusted. `trusted`: the
    chain passed, every sealer is in `Options.trusted_sealers`, and the newest message signature is of the last of them
    and covers From and the whole body.
    """

    result: Result
    reason: Reason
    detail: str
    instances: int = 0
    oldest_pass: int | None = None
    sealers: tuple[str, ...] = ()
    payloads: Sequence[Any] = ()
    trusted: bool = False
    secure: bool | None = None

    @utf8
    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "result": str(self.result),
            "reason": str(self.reason),
            "detail": self.detail,
            "instances": self.instances,
            "oldest_pass": self.oldest_pass,
            "sealers": list(self.sealers),
        }


class Identifier(NamedTuple):
    """An identifier that DMARC looked at: the d= of a signature, or the domain that SPF checked (RFC 9989 §4.4).

    `result` is that of its own check. `aligned` says whether it is aligned with the author domain; None where that was
    not decided: there is no author domain, the tree walk was not needed, or DNS did not answer.
    """

    mechanism: Literal["dkim", "spf"]
    domain: str
    result: Result
    aligned: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**self._asdict(), "result": str(self.result)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcOutcome(Outcome):
    """DMARC (RFC 9989, or RFC 7489 by option).

    `author_domain` is the domain of From, None when there is not exactly one (`reason` then says why, and a
    receiver may refuse the message). `policy` is the policy that applies after sp, np and t= were worked in, None
    where there is none or DNS left it open; `published` the tags of the record as published. `aligned` names the
    mechanisms that gave an aligned pass, `identifiers` all that were looked at, those of DKIM in the order of the
    signatures (not compared: the rest is the verdict). `disposition` is advice.
    """

    result: Result
    reason: Reason
    detail: str
    author_domain: str | None = None
    policy_domain: str | None = None
    organizational_domain: str | None = None
    policy: Literal["none", "quarantine", "reject"] | None = None
    published: Mapping[str, str] = field(default_factory=dict, hash=False)
    testing: bool = False
    discovery: Literal["treewalk", "psl"] = "treewalk"
    aligned: tuple[Literal["dkim", "spf"], ...] = ()
    identifiers: tuple[Identifier, ...] = field(default=(), compare=False)
    disposition: Disposition = Disposition.ACCEPT
    secure: bool | None = None

    @utf8
    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "result": str(self.result),
            "reason": str(self.reason),
            "detail": self.detail,
            "author_domain": self.author_domain,
            "policy_domain": self.policy_domain,
            "organizational_domain": self.organizational_domain,
            "policy": self.policy,
            "published": dict(self.published),
            "testing": self.testing,
            "discovery": self.discovery,
            "aligned": list(self.aligned),
            "disposition": str(self.disposition),
            "identifiers": [each.to_dict() for each in self.identifiers],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IprevOutcome(Outcome):
    """The reverse name of the client and back (RFC 8601 §3); `name` is the one that maps back, else the first."""

    result: Result
    reason: Reason
    detail: str
    name: str | None = None
    secure: bool | None = None

    @utf8
    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "result": str(self.result),
            "reason": str(self.reason),
            "detail": self.detail,
            "name": self.name,
        }
