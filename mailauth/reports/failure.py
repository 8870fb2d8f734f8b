"""Which DMARC failure reports a message gives rise to (RFC 9991, RFC 9989 §4.7).

Nothing here runs unless a receiver calls it: reports about single messages tell strangers about the mail of others.
Knows no mail and no addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from mailauth.authentication import Authentication
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.results import Outcome, Reason, Result

AuthFailure: TypeAlias = Literal["dmarc", "bodyhash", "revoked", "signature", "spf"]
Mechanism: TypeAlias = Literal["dkim", "spf"]

_MECHANISMS: tuple[Mechanism, ...] = ("dkim", "spf")
_OPTIONS = {"0", "1", "d", "s"}
_SIGNATURES = 3  # reports about those of one message
_OF_DKIM: dict[Reason, AuthFailure] = {Reason.BODY_HASH_MISMATCH: "bodyhash", Reason.KEY_REVOKED: "revoked"}
# RFC 6591 §3.3 lists none too, and says that it is no failure
_OF_SPF = {Result.FAIL, Result.SOFTFAIL, Result.TEMPERROR, Result.PERMERROR}


class Failure(NamedTuple):
    """One failure to report.

    `auth_failure` is its type (RFC 9991 §4, RFC 6591 §3.3); `outcome` what it is a report of; `signature` the signature
    that the DKIM-Domain, -Identity and -Selector are of, None if the report says nothing of one; `spf` whether it names
    the SPF records; `alignment` the mechanisms that gave no aligned identity.
    """

    auth_failure: AuthFailure
    outcome: Outcome
    signature: DkimOutcome | None
    spf: bool
    alignment: tuple[Mechanism, ...]


def wanted(authentication: Authentication, *, psd_agreed: bool = False) -> tuple[Failure, ...]:
    """Return the failures that the DMARC record asks to be told of ("ruf" and "fo", RFC 9989 §4.7).

    None where the client was only guessed from the message, or DNS left the verdict open.

    Args:
        authentication: what was found of the message.
        psd_agreed: the operator of the public suffix has agreed to get reports. Without that, a record with `psd=y` is
            not heeded (RFC 9991 §2).
    """
    dmarc = authentication.dmarc
    if dmarc is None or authentication.connection.is_guess or dmarc.result not in (Result.PASS, Result.FAIL):
        return ()
    published = dmarc.published
    # RFC 9989 §4.7: without ruf, fo is ignored
    if not published.get("ruf") or (published.get("psd", "").lower() == "y" and not psd_agreed):
        return ()
    return tuple(_failures(authentication, dmarc, _options(published.get("fo", ""))))


def _options(fo: str) -> set[str]:
    """Return the options; 0 is the default, also for a value without any that is known."""
    return {option.strip().lower() for option in fo.split(":")} & _OPTIONS or {"0"}


def _failures(authentication: Authentication, dmarc: DmarcOutcome, options: set[str]) -> Iterator[Failure]:
    failed = tuple([each for each in _MECHANISMS if each not in dmarc.aligned])
    signatures = [each for each in authentication.dkim if _has_failed(each)]
    spf = authentication.spf
    spf_failed = spf is not None and spf.result in _OF_SPF
    if (options & {"0", "1"} and len(failed) == len(_MECHANISMS)) or ("1" in options and failed):
        # RFC 9991 §4: required for a failure of an aligned identifier; an open question counts as one
        aligned = {each.domain: each.aligned for each in dmarc.identifiers if each.mechanism == "dkim"}
        about = [each for each in signatures if each.domain and aligned.get(each.domain) is not False]
        about.sort(key=lambda each: aligned.get(each.domain or "") is None)
        with_spf = spf_failed and any(i.mechanism == "spf" and i.aligned is not False for i in dmarc.identifiers)
        signature = about[0] if about and "dkim" in failed else None
        yield Failure("dmarc", dmarc, signature, with_spf and "spf" in failed, failed)
    if "d" in options:
        # RFC 6591 §3: a single report describes a single failure
        distinct = {(each.domain, each.selector): each for each in reversed(signatures) if each.domain}
        for each in islice(reversed(distinct.values()), _SIGNATURES):
            yield Failure(_OF_DKIM.get(each.reason, "signature"), each, each, False, failed)
    if "s" in options and spf is not None and spf_failed:
        yield Failure("spf", spf, None, True, failed)


def _has_failed(signature: DkimOutcome) -> bool:
    """Whether a signature was evaluated and did not verify; one that policy or a limit put aside was not evaluated."""
    evaluated = signature.result is not Result.POLICY and not signature.reason.startswith("limit:")
    return evaluated and signature.result is not Result.PASS
