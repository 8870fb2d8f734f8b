"""The DMARC verdict: alignment, result and advice (RFC 9989 §4.4, §5.3, §5.4).

Takes the outcomes of SPF and DKIM as values. An identifier counts only when it could share the Author Domain's
organization; trouble with any other changes nothing, so a sender cannot escape a policy by breaking its own DNS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from mailauth import names
from mailauth.dmarc.discovery import OrganizationalDomain, Policy, Walk, find_policy, same_organization, walk
from mailauth.dmarc.record import PolicyWord, Record
from mailauth.dns import Evaluation, Use
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.message import Author
from mailauth.results import Disposition, DkimOutcome, DmarcOutcome, Malformed, Reason, Result, SpfOutcome

# Below 100
_PERCENT = re.compile("0?[0-9]{1,2}")

Mechanism: TypeAlias = Literal["dkim", "spf"]


def check(
    author: Author | str,
    *,
    spf: SpfOutcome | None = None,
    dkim: Sequence[DkimOutcome] = (),
    limits: Limits | None = None,
    options: Options | None = None,
    organizational_domain: OrganizationalDomain | None = None,
    ahead: Ahead | None = None,
    trace: list[Use] | None = None,
) -> Evaluation[DmarcOutcome]:
    """Evaluate DMARC for an Author Domain. Never raises for any DNS answer.

    Args:
        author: `Message.author`, or a domain in normal form.
        spf: outcome for the MAIL FROM identity (also the one with a null reverse-path); a HELO outcome is refused.
        dkim: outcomes of every signature.
        limits: `record_bytes` matters here.
        options: `count_testing_keys` and `enforce_reject` matter here.
        organizational_domain: None for the tree walk; `SuffixList.organizational_domain` for RFC 7489.
        ahead: what was asked early, beside the checks whose outcomes are given.
        trace: takes the use of each answer.

    Raises:
        TypeError: when `spf` is the outcome of the HELO identity (RFC 9989 §4.4.2).
    """
    if spf is not None and spf.scope != "mfrom":
        msg = "DMARC takes the SPF outcome of the MAIL FROM identity, not that of HELO"
        raise TypeError(msg)
    if isinstance(author, str):
        author = Author(domain=names.to_ascii(author) or author)
    limits, options = limits or DEFAULT_LIMITS, options or DEFAULT_OPTIONS
    trace = [] if trace is None else trace
    return _Check(author, spf, dkim, limits, options, organizational_domain, ahead or Ahead(), trace).outcome()


class _Identifier(NamedTuple):
    """An Authenticated Identifier, as far as it is one: RFC 9989 §4.4."""

    mechanism: Mechanism
    domain: str
    result: Result
    reason: Reason


def _invalid(record: Record) -> str:
    """Name the tags that make a record unusable (RFC 9989 §4.10.1, RFC 7489 §6.6.3)."""
    if "p" not in dict(record.published) and "sp" not in dict(record.published):
        return "no p="
    policies = [(name, value) for name, value in record.published if name in {"p", "sp", "np"}]
    return ", ".join(f"{name}={value[:40]!a}" for name, value in policies) + " of which one is invalid or stands twice,"


class _Check:
    def __init__(
        self,
        author: Author,
        spf: SpfOutcome | None,
        dkim: Sequence[DkimOutcome],
        limits: Limits,
        options: Options,
        organizational_domain: OrganizationalDomain | None,
        ahead: Ahead,
        trace: list[Use],
    ) -> None:
        self.ahead, self.trace = ahead, trace
        self.author, self.spf, self.limits, self.options = author, spf, limits, options
        self.organizational_domain = organizational_domain
        self.discovery: Literal["treewalk", "psl"] = "treewalk" if organizational_domain is None else "psl"
        # RFC 9989 §4.4: every d= of a passing signature, and the MAIL FROM domain of an SPF pass; nothing else
        self.identifiers = [
            _Identifier("dkim", names.to_ascii(d.domain) or d.domain, d.result, d.reason)
            for d in dkim
            if d.domain and (options.count_testing_keys or not d.testing)
        ]
        if spf is not None and spf.domain:
            domain = names.to_ascii(spf.domain) or spf.domain
            self.identifiers.append(_Identifier("spf", domain, spf.result, spf.reason))

    def outcome(self) -> Evaluation[DmarcOutcome]:
        domain = self.author.domain
        if domain is None:
            # RFC 9989 §11.5. Choice: no single author is a permerror, and advised to be held back
            disposition = Disposition.REJECT if self.options.enforce_reject else Disposition.QUARANTINE
            return DmarcOutcome(
                result=Result.PERMERROR,
                reason=self.author.reason or Reason.AUTHOR_MISSING,
                detail=self.author.detail,
                discovery=self.discovery,
                disposition=disposition,
            )
        policy = self.ahead.policy or (yield from find_policy(domain, self.organizational_domain))
        self.trace += policy.uses
        if policy.record is None and policy.failure is not None:
            return self._decided(policy, Result.TEMPERROR, policy.failure.reason, policy.failure.detail)
        if policy.record is None:
            detail = f"neither {domain} nor its organization publishes a DMARC record"
            return self._decided(policy, Result.NONE, Reason.DMARC_NO_RECORD, detail)
        if policy.record.size > self.limits.record_bytes:
            detail = f"the record of {policy.domain} has {policy.record.size} octets"
            return self._decided(policy, Result.PERMERROR, Reason.LIMIT_RECORD_BYTES, detail)
        if not policy.record.usable:
            detail = f"the record of {policy.domain} has {_invalid(policy.record)} and no valid rua"
            # RFC 7489 §6.6.3 step 6: no DMARC processing. RFC 9989 §9.2 has a word for such a record
            result = Result.NONE if self.discovery == "psl" else Result.PERMERROR
            return self._decided(policy, result, Reason.DMARC_BAD_RECORD, detail)
        aligned, failure = yield from self._alignment(domain, policy)
        if aligned:
            detail = f"{domain} is aligned with a pass of {' and '.join(aligned)}"
            return self._decided(policy, Result.PASS, Reason.DMARC_ALIGNED, detail, aligned)
        if failure := failure or policy.failure:
            # RFC 9989 §5.3.6: with unfinished DNS it is neither pass nor fail
            return self._decided(policy, Result.TEMPERROR, failure.reason, failure.detail)
        passing = sorted({i.domain for i in self.identifiers if i.result is Result.PASS})
        detail = f"nothing that passed is aligned with {domain}" + (
            f" (passed: {', '.join(passing)})" if passing else ""
        )
        if self.spf is None or self.spf.reason is Reason.SPF_NO_CONNECTION:
            detail += "; SPF was not checked, so an SPF pass is not ruled out"
        return self._decided(policy, Result.FAIL, Reason.DMARC_NOT_ALIGNED, detail)

    def _alignment(self, domain: str, policy: Policy) -> Evaluation[tuple[tuple[Mechanism, ...], Malformed | None]]:
        """Return the mechanisms with an aligned pass, and the trouble that leaves the question open."""
        assert policy.record is not None  # noqa: S101  outcome() has answered that case
        strict = {"dkim": policy.record.strict_dkim, "spf": policy.record.strict_spf}
        aligned: dict[Mechanism, None] = {}
        failure: Malformed | None = None
        # Exact matches first: they need no walk
        for mechanism, identifier, result, reason in sorted(self.identifiers, key=lambda i: i.domain != domain):
            # RFC 7208 §8.2, RFC 6376 §6.1: whatever is no pass counts as nothing
            if result not in (Result.PASS, Result.TEMPERROR) or mechanism in aligned:
                continue
            if identifier != domain:
                if strict[mechanism]:
                    continue
                same, trouble = yield from self._same_organization(identifier, policy)
                failure = failure or trouble
                if not same:
                    continue
            if result is Result.PASS:
                aligned[mechanism] = None
            else:
                open_question = f"{mechanism} of {identifier} could align, but got no answer from DNS"
                failure = failure or Malformed(reason, open_question)
        # In the order of the methods, whatever was found first
        return tuple(m for m in _MECHANISMS if m in aligned), failure

    def _same_organization(self, identifier: str, policy: Policy) -> Evaluation[tuple[bool, Malformed | None]]:
        """Compare Organizational Domains (RFC 9989 §4.10.2); the trouble that leaves it open, if it does."""
        if self.organizational_domain is not None:
            # The suffix list decides without DNS
            return self.organizational_domain(identifier) == policy.walk.organizational_domain, None
        # Choice D22: only what is at or below the Organizational Domain of the author; of others nothing is asked
        if not any(names.is_under(identifier, domain) for domain in policy.walk.organizations()):
            return False, None
        walked = self.ahead.walks.get(identifier) or (yield from walk(identifier))
        self.trace += walked.uses
        same = same_organization(walked, policy.walk)
        return bool(same), (policy.walk.failure or walked.failure) if same is None else None

    def _decided(
        self, policy: Policy, result: Result, reason: Reason, detail: str, aligned: tuple[Mechanism, ...] = ()
    ) -> DmarcOutcome:
        record = policy.record
        published = {} if record is None else dict(record.published)
        if result is not Result.PASS and policy.walk.hints:
            # What its publisher may not know
            detail += f"; {policy.walk.hints[0]}"
        if record is not None:
            detail += self._about_pct(record)
        return DmarcOutcome(
            result=result,
            reason=reason,
            detail=detail,
            author_domain=self.author.domain,
            policy_domain=policy.domain,
            organizational_domain=None if policy.walk.open else policy.walk.organizational_domain,
            policy=policy.requested if record is not None and record.usable else None,
            published=published,
            testing=bool(record and record.testing),
            discovery=self.discovery,
            aligned=aligned,
            disposition=self._disposition(result, policy.requested),
            secure=policy.walk.secure,
        )

    def _about_pct(self, record: Record) -> str:
        value = dict(record.published).get("pct", "100")
        if self.discovery == "treewalk":
            # Choice D18: unknown to RFC 9989, so it has no effect, which its publisher may not know
            return "" if value == "100" else "; pct= has no effect any more"
        if record.weaker:
            return "; by pct=0 the policy is one step weaker"
        # Choice: the share of the mail is left to who has the mail (RFC 7489 §6.6.4)
        partial = _PERCENT.fullmatch(value) is not None
        return f"; pct={value} is for a share of the mail, this advice for all of it" if partial else ""

    def _disposition(self, result: Result, requested: PolicyWord | None) -> Disposition:
        if result is Result.TEMPERROR:
            # RFC 9989 §5.3.6: no policy is applied; asking again later is safe
            return Disposition.DEFER
        # RFC 9989 §5.4, RFC 6376 §6.3: p=none changes nothing, nor do bad signatures alone
        if result is not Result.FAIL or requested in (None, "none"):
            return Disposition.ACCEPT
        # RFC 9989 §7.4: p=reject alone is no ground for rejecting; without other knowledge it is quarantine
        if requested == "reject" and self.options.enforce_reject:
            return Disposition.REJECT
        return Disposition.QUARANTINE


_MECHANISMS: tuple[Mechanism, ...] = ("dkim", "spf")


# Identifiers whose walk is asked ahead of knowing that they pass
_WALKS_AHEAD = 2


class Ahead(NamedTuple):
    """What was asked early: the policy of the author, and the walks of the first identifiers that could align."""

    policy: Policy | None = None
    walks: Mapping[str, Walk] = MappingProxyType({})


def walks_ahead(author_domain: str, identifiers: Iterable[str | None]) -> list[str]:
    """Return those of the domains that DKIM and SPF may authenticate whose walk is worth to be asked early."""
    related = dict.fromkeys(i for i in identifiers if i and i != author_domain and names.related(i, author_domain))
    return list(related)[:_WALKS_AHEAD]
