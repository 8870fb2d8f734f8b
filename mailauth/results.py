"""What every check has in common: result words, reason codes, problems, rows of a header field, the face of an outcome.

Result words are those of RFC 8601 and of BIMI; `Reason` says in one stable code what decided. Each check has its own
outcome, in its own package. An outcome has no truth value, so that `if auth.dmarc:` cannot read as "passed".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, NoReturn

from mailauth.connection import Connection
from mailauth.errors import MailauthError
from mailauth.text import encodable, one_line


class Result(StrEnum):
    """The result words of RFC 8601 §2.7, and two of BIMI; each check uses those that its method defines."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 a verdict, not a password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"
    # BIMI §8.7
    DECLINED = "declined"
    SKIPPED = "skipped"


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
    DKIM_NONE = "dkim_none"
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
    # BIMI
    BIMI_VERIFIED = "bimi_verified"
    BIMI_NO_RECORD = "bimi_no_record"
    BIMI_DECLINED = "bimi_declined"
    BIMI_NOT_AUTHENTICATED = "bimi_not_authenticated"
    BIMI_AUTHORS = "bimi_authors"
    BIMI_POLICY = "bimi_policy"
    BIMI_NO_EVIDENCE = "bimi_no_evidence"
    BIMI_SEVERAL_RECORDS = "bimi_several_records"
    BIMI_RECORD = "bimi_record"
    BIMI_UNREACHABLE = "bimi_unreachable"
    BIMI_NOT_FETCHED = "bimi_not_fetched"
    BIMI_INDICATOR = "bimi_indicator"
    BIMI_EVIDENCE = "bimi_evidence"
    # lists in DNS
    DNSLIST_LISTED = "dnslist_listed"
    DNSLIST_NOT_LISTED = "dnslist_not_listed"
    DNSLIST_BROKEN = "dnslist_broken"


class Problem(NamedTuple):
    """What is wrong: the code for programs, and words for a person."""

    reason: Reason
    detail: str


class Malformed(MailauthError):  # noqa: N818  what is wrong is the input
    """A record, a field or an address that violates its grammar.

    Raised by the parsers (`spf.parse`, `dkim.parse` …), never by a check: there its `problem` becomes an outcome.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Say what is wrong."""
        self.problem = Problem(reason, one_line(detail))
        super().__init__(self.problem.detail)

    @property
    def reason(self) -> Reason:
        """The code of the problem."""
        return self.problem.reason

    @property
    def detail(self) -> str:
        """The problem in words."""
        return self.problem.detail

    def __reduce__(self) -> tuple[type[Malformed], Problem]:
        """Pickle the problem, so that it can come out of a pool of processes."""
        return Malformed, self.problem


class Property(NamedTuple):
    """One property of a result, such as ptype "header", name "d", value "example.com"."""

    ptype: str
    name: str
    value: str


class MethodResult(NamedTuple):
    """One result of Authentication-Results (RFC 8601 §2.2): a row of the field.

    `properties` and `comments` are in their order; method and word are in lower case where they were read.
    """

    method: str
    result: str
    reason: str | None = None
    properties: tuple[Property, ...] = ()
    comments: tuple[str, ...] = ()
    version: int = 1

    def get(self, name: str) -> str | None:
        """Return the first value of a property such as "header.d"."""
        ptype, _, prop = name.partition(".")
        return next((p.value for p in self.properties if p.ptype == ptype and p.name == prop), None)


def to_plain(value: Any) -> Any:
    """Return a value, and all in it, as plain data for JSON; its text can be written as UTF-8."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: to_plain(each) for name, each in zip(value._fields, value, strict=True)}
    if is_dataclass(value):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
    return [to_plain(each) for each in value] if isinstance(value, Iterable) else value


class NoTruthValue:
    """What is neither true nor false: a failed check is an object too."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        """Refuse."""
        msg = f"a {type(self).__name__} is neither true nor false: compare a result, e.g. auth.dmarc.result == 'pass'"
        raise TypeError(msg)


class Outcome(NoTruthValue):
    """What every outcome is: a frozen dataclass with the same face, and a reason that the catalogue knows.

    Attributes:
        method: its name in Authentication-Results (RFC 8601 §2.7).
    """

    __slots__ = ()

    method: ClassVar[str]
    result: Result
    reason: Reason
    detail: str

    @property
    def check(self) -> str:
        """The check by the name that traces and tables give it."""
        return self.method

    @property
    def subject(self) -> str:
        """The domain or name that was checked; empty where there is none."""
        raise NotImplementedError

    @property
    def rests_on_client(self) -> bool:
        """Whether another client address could give another result."""
        return False

    def _guess(self, connection: Connection) -> tuple[str, ...]:
        """Return the comment of a row whose result rests on a client that is a guess."""
        return ("client read from the message",) if connection.is_guess and self.rests_on_client else ()

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        """Return what Authentication-Results says of it, for a message that came by this connection."""
        raise NotImplementedError

    def _row(
        self, *properties: tuple[str, str, str], comments: tuple[str, ...] = (), plain: bool = False
    ) -> MethodResult:
        """Return one row: (ptype, name, value) of each property; those with an empty value are left out.

        A `plain` row says the result without its reason.
        """
        # "pass" and "none" need no reason
        silent = plain or self.result in (Result.PASS, Result.NONE)
        found = tuple([Property(*each) for each in properties if each[2]])
        return MethodResult(self.method, self.result, None if silent else self.reason, found, comments)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, each field by its name."""
        plain: dict[str, Any] = to_plain(self)
        return plain
