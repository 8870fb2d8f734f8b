"""The DMARC verdict: alignment, result and advice (RFC 9989 §4.4, §5.3, §5.4).

Takes the outcomes of SPF and DKIM as values. An identifier counts only when it could share the Author Domain's
organization; trouble with any other changes nothing, so a sender cannot escape a policy by breaking its own DNS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from mailauth import names
from mailauth.author import Author
from mailauth.dmarc.discovery import OrganizationalDomain, Policy, Walk, find_policy, same_organization, walk
from mailauth.dmarc.record import PolicyWord, Record
from mailauth.dns import Evaluation, Use
from mailauth.limits import DEFAULT_LIMITS, DEFAULT_OPTIONS, Limits, Options
from mailauth.results import Disposition, DkimOutcome, DmarcOutcome, Identifier, Malformed, Reason, Result, SpfOutcome

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
    bounce: bool = False,
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
        bounce: the reverse-path is null: a From that names no domain is then no reason to hold the message back.
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
    return _Check(author, spf, dkim, limits, options, organizational_domain, ahead or Ahead(), bounce, trace).outcome()


# An Authenticated Identifier, as far as it is one (RFC 9989 §4.4), and the reason of its result
_Found: TypeAlias = tuple[Mechanism, str, Result, Reason]
# As quick as a plain tuple
_identifier_of: Callable[[tuple[Mechanism, str, Result, bool | None]], Identifier] = partial(tuple.__new__, Identifier)


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
        bounce: bool,  # noqa: FBT001  handed on by check()
        trace: list[Use],
    ) -> None:
        self.ahead, self.bounce, self.trace = ahead, bounce, trace
        self.author, self.spf, self.limits, self.options = author, spf, limits, options
        self.organizational_domain = organizational_domain
        self.discovery: Literal["treewalk", "psl"] = "treewalk" if organizational_domain is None else "psl"
        # RFC 9989 §4.4: every d= of a passing signature, and the MAIL FROM domain of an SPF pass; nothing else
        self.identifiers: list[_Found] = [
            ("dkim", names.to_ascii(d.domain) or d.domain, d.result, d.reason)
            for d in dkim
            if d.domain and (options.count_testing_keys or not d.testing)
        ]
        if spf is not None and spf.domain:
            domain = names.to_ascii(spf.domain) or spf.domain
            self.identifiers.append(("spf", domain, spf.result, spf.reason))
        self.walked: dict[str, bool | Malformed] = {}

    def outcome(self) -> Evaluation[DmarcOutcome]:
        domain = self.author.domain
        if domain is None:
            # RFC 9989 §11.5. Choice: no single author is a permerror, and advised to be held back
            result = Result.PERMERROR
            disposition = Disposition.REJECT if self.options.enforce_reject else Disposition.QUARANTINE
            if self.bounce and self.author.nobody:
                # Choice D31: a bounce that shows nobody's domain deceives nobody
                result, disposition = Result.NONE, Disposition.ACCEPT
            return DmarcOutcome(
                result=result,
                reason=self.author.reason or Reason.AUTHOR_MISSING,
                detail=self.author.detail,
                discovery=self.discovery,
                identifiers=tuple([_identifier_of((m, name, found, None)) for m, name, found, _ in self.identifiers]),
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
        passing = sorted({name for _, name, found, _ in self.identifiers if found is Result.PASS})
        passed = f"passed: {', '.join(passing)}; not aligned" if passing else "nothing passed"
        detail = f"no passing SPF or DKIM result is aligned with {domain} ({passed})"
        if self.spf is None or self.spf.reason is Reason.SPF_NO_CONNECTION:
            detail += "; SPF was not checked, so an SPF pass is not ruled out"
        return self._decided(policy, Result.FAIL, Reason.DMARC_NOT_ALIGNED, detail)

    def _alignment(self, domain: str, policy: Policy) -> Evaluation[tuple[tuple[Mechanism, ...], Malformed | None]]:
        """Return the mechanisms with an aligned pass, and the trouble that leaves the question open."""
        aligned: dict[Mechanism, None] = {}
        failure: Malformed | None = None
        # Exact matches first: they need no walk
        for mechanism, identifier, result, reason in sorted(self.identifiers, key=lambda i: i[1] != domain):
            # RFC 7208 §8.2, RFC 6376 §6.1: whatever is no pass counts as nothing
            if result not in (Result.PASS, Result.TEMPERROR) or mechanism in aligned:
                continue
            same = self._known(mechanism, identifier, policy)
            if same is None:
                same = self._compare((yield from walk(identifier)), policy)
            if isinstance(same, Malformed):
                failure = failure or same
            elif same and result is Result.PASS:
                aligned[mechanism] = None
            elif same:
                open_question = f"{mechanism} of {identifier} could align, but got no answer from DNS"
                failure = failure or Malformed(reason, open_question)
        # In the order of the methods, whatever was found first
        return tuple(m for m in _MECHANISMS if m in aligned), failure

    def _known(self, mechanism: Mechanism, identifier: str, policy: Policy) -> bool | Malformed | None:
        """Say whether an identifier is aligned, or what leaves that open; None where its walk was not made."""
        if identifier == policy.walk.domain:
            return True
        record = policy.record
        if record is not None and (record.strict_dkim if mechanism == "dkim" else record.strict_spf):
            return False
        if self.organizational_domain is not None:
            # RFC 7489 §3.2: the suffix list decides without DNS
            return self.organizational_domain(identifier) == policy.walk.organizational_domain
        # Choice D22: only what is at or below the Organizational Domain of the author; of others nothing is asked
        if not any(names.is_under(identifier, domain) for domain in policy.walk.organizations()):
            return False
        if identifier in self.ahead.walks and identifier not in self.walked:
            self._compare(self.ahead.walks[identifier], policy)
        return self.walked.get(identifier)

    def _compare(self, walked: Walk, policy: Policy) -> bool | Malformed:
        """Compare Organizational Domains, each from its own walk (RFC 9989 §4.10.2)."""
        self.trace += walked.uses
        same = same_organization(walked, policy.walk)
        failure = policy.walk.failure or walked.failure
        # Without a failure no name is open
        found = self.walked[walked.domain] = failure if same is None and failure is not None else bool(same)
        return found

    def _identified(self, policy: Policy) -> tuple[Identifier, ...]:
        """Say of each identifier whether it is aligned, as far as the answers at hand tell."""
        known = [(m, domain, result, self._known(m, domain, policy)) for m, domain, result, _ in self.identifiers]
        return tuple([_identifier_of((m, d, r, None if isinstance(a, Malformed) else a)) for m, d, r, a in known])

    def _decided(
        self, policy: Policy, result: Result, reason: Reason, detail: str, aligned: tuple[Mechanism, ...] = ()
    ) -> DmarcOutcome:
        record = policy.record
        published = {} if record is None else dict(record.published)
        if result is not Result.PASS and policy.walk.hints:
            # What its publisher may not know
            detail += f"; {policy.walk.hints[0]}"
        if record is not None:
            detail += self._about_pct(record, published)
        if self.author.deviation:
            detail += f"; From is outside RFC 5322 ({self.author.deviation}), but names one domain in every reading"
        return DmarcOutcome(
            result=result,
            reason=reason,
            detail=detail,
            author_domain=self.author.domain,
            policy_domain=policy.domain,
            organizational_domain=policy.walk.organizational_domain if policy.walk.decided else None,
            policy=policy.requested if record is not None and record.usable else None,
            published=published,
            testing=bool(record and record.testing),
            discovery=self.discovery,
            aligned=aligned,
            identifiers=self._identified(policy),
            disposition=self._disposition(result, policy.requested),
            secure=policy.walk.secure,
        )

    def _about_pct(self, record: Record, published: Mapping[str, str]) -> str:
        value = published.get("pct", "100")
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
