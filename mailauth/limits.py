"""Every bound and every choice of a verification, as data.

`Limits` bounds the work that a stranger's message may cause; exceeding a limit is an outcome with its reason, never an
exception. `Options` holds the receiver's decisions: which checks run, which policy rules apply, what is unacceptable
locally. Both are frozen, so one object may serve every thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mailauth import names
from mailauth.errors import UsageError

MAX_MESSAGE = 150 * 2**20  # octets of a message in a file; even the largest mail systems accept no more
CHECKS = frozenset({"spf", "dkim", "arc", "dmarc", "iprev"})
# With those that are made only where somebody asks for them: BIMI fetches pages
ALL_CHECKS = CHECKS | {"bimi"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds for one message. Sizes are octets, sizes of keys are bits."""

    header_bytes: int = 512 * 1024
    header_fields: int = 5_000
    field_bytes: int = 64 * 1024
    from_bytes: int = 16 * 1024
    from_mailboxes: int = 64
    comment_depth: int = 50
    signature_bytes: int = 16 * 1024
    tags: int = 64
    signed_headers: int = 512
    signatures: int = 10
    arc_sets: int = 50  # RFC 8617 §4.2.1: no more than 50
    min_key_bits: int = 1024  # RFC 8301 §3.2
    max_key_bits: int = 8192
    max_key_exponent: int = 2**32
    key_records: int = 3
    record_bytes: int = 16 * 1024
    spf_terms: int = 10  # RFC 7208 §4.6.4
    spf_void: int = 2  # RFC 7208 §4.6.4
    spf_mx: int = 10  # RFC 7208 §4.6.4
    spf_ptr: int = 10  # RFC 7208 §4.6.4
    spf_queries: int = 60
    iprev_names: int = 10
    questions: int = 100
    rounds: int = 30
    seconds: int = 30  # RFC 7208 §4.6.4: at least 20
    authres_bytes: int = 16 * 1024

    def __post_init__(self) -> None:
        """Refuse a bound that is not a whole number of at least zero."""
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                msg = f"Limits({name}={value!r}): give a whole number of at least 0"
                raise UsageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What this receiver wants checked, and what it accepts.

    Args:
        checks: the checks to run, out of "spf", "dkim", "arc", "dmarc", "iprev"; and "bimi", which needs "dmarc" and a
            fetcher.
        mode: "rfc9989" discovers DMARC policy by the DNS tree walk; "rfc7489" by the public suffix list.
        strict: count every void SPF query (as the RFC 7208 test suite does), and give a signature that leaves a second
            Subject, Date, To … unsigned the result `policy`.
        allow_partial_body: let a DKIM signature pass whose l= leaves visible octets of the body unsigned.
        allow_expired: let a DKIM signature pass after its x= time.
        allow_future: let a DKIM signature pass whose t= is in the future.
        allow_public_suffix: let a DKIM signature pass whose d= is a registry's public suffix or a single label.
        count_testing_keys: a passing signature whose key says t=y counts for DMARC.
        enforce_reject: the receiver has other knowledge and may reject on p=reject (RFC 9989 §7.4).
        trusted_sealers: domains whose ARC sets this receiver believes. What such a sealer says about DMARC changes the
            advice for a message that fails, never the result.
        oldest_pass: check the older message signatures of an ARC chain too, which say since when the message has not
            changed (RFC 8617 §5.2 step 5, which is optional); without them `ArcOutcome.oldest_pass` is None.
        authserv_ids: our other names in Authentication-Results (other hosts, retired names); a field that claims one of
            them came from outside and is forged.
        received_spf: write a Received-SPF field as well.
        comments: write comments into Authentication-Results, which some readers of the field do not understand.
        public_suffix_list: path of a list to use instead of the installed ones, with the section markers of the one at
            publicsuffix.org; an incomplete list is refused.
        mark_roots: path of a file with the certificates, in PEM, of the authorities that are trusted for BIMI, in place
            of those that come with this package.
        require_evidence: show no logo that no mark certificate confirms (BIMI §8.5): anybody can publish any logo.
        clock_skew: seconds by which the clocks of signers may differ from ours.
    """

    checks: frozenset[str] = CHECKS
    mode: Literal["rfc9989", "rfc7489"] = "rfc9989"
    strict: bool = False
    allow_partial_body: bool = False
    allow_expired: bool = False
    allow_future: bool = False
    allow_public_suffix: bool = False
    count_testing_keys: bool = True
    enforce_reject: bool = False
    trusted_sealers: frozenset[str] = frozenset()
    oldest_pass: bool = True
    authserv_ids: frozenset[str] = frozenset()
    received_spf: bool = False
    comments: bool = True
    public_suffix_list: str | None = None
    mark_roots: str | None = None
    require_evidence: bool = False
    clock_skew: int = 300

    def __post_init__(self) -> None:
        """Refuse names that do not exist."""
        for name in ("checks", "trusted_sealers", "authserv_ids"):
            value = getattr(self, name)
            if isinstance(value, str):
                msg = f"Options({name}={value!r}): give a set of strings, such as {{{value!r}}}"
                raise UsageError(msg)
            object.__setattr__(self, name, frozenset(value))
        sealers = frozenset(names.to_ascii(domain) or domain for domain in self.trusted_sealers)
        object.__setattr__(self, "trusted_sealers", sealers)
        if unknown := self.checks - ALL_CHECKS:
            msg = f"Options(checks=…): unknown {sorted(unknown)}; the checks are {sorted(ALL_CHECKS)}"
            raise UsageError(msg)
        if "bimi" in self.checks and "dmarc" not in self.checks:
            msg = "Options(checks=…): 'bimi' rests on DMARC: add 'dmarc'"
            raise UsageError(msg)
        if self.mode not in {"rfc9989", "rfc7489"}:
            msg = f"Options(mode={self.mode!r}): the modes are 'rfc9989' and 'rfc7489'"
            raise UsageError(msg)


DEFAULT_LIMITS = Limits()
DEFAULT_OPTIONS = Options()
