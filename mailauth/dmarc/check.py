"""The DMARC verdict: alignment, result and advice (RFC 9989 §4.4, §5.3, §5.4).

Takes the outcomes of SPF and DKIM as values. An identifier counts only if it could share the Author Domain's
organization; failures of any other change nothing, so a sender cannot escape a policy by breaking its own DNS.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from mailauth import names
from mailauth.context import Context, context_of
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.author import Author
from mailauth.dmarc.discovery import OrganizationalDomain, Policy, Walk, find_policy, same_organization, walk
from mailauth.dmarc.outcome import DmarcOutcome, Identifier
from mailauth.dmarc.record import PolicyWord, Record
from mailauth.dns.values import Evaluation
from mailauth.results import Disposition, Problem, Reason, Result
from mailauth.spf.outcome import SpfOutcome
from mailauth.text import one_line

# Below 100
_PERCENT = re.compile("0?[0-9]{1,2}")
# Number of identifiers whose tree walk is asked before it is known that they pass
_WALKS_AHEAD = 2

Mechanism: TypeAlias = Literal["dkim", "spf"]
_MECHANISMS: tuple[Mechanism, ...] = ("dkim", "spf")
# A candidate for an Authenticated Identifier (RFC 9989 §4.4), and the reason of its result
_Found: TypeAlias = tuple[Mechanism, str, Result, Reason]


def check(
    author: Author | str,
    context: Context | None = None,
    *,
    spf: SpfOutcome | None = None,
    dkim: Sequence[DkimOutcome] = (),
    organizational_domain: OrganizationalDomain | None = None,
    policy: Policy | None = None,
    walked: Collection[str] = (),
    bounce: bool = False,
) -> Evaluation[DmarcOutcome]:
    """Evaluate DMARC for an Author Domain. Never raises for any DNS answer.

    Args:
        author: what `author_of` returned, or a domain in normal form.
        context: `Options.count_testing_keys`, `Options.enforce_reject` and `Limits.record_bytes` matter here.
        spf: outcome for the MAIL FROM identity (even with a null reverse-path); a HELO outcome is refused.
        dkim: outcomes of every signature.
        organizational_domain: None for the tree walk; `SuffixList.organizational_domain` for RFC 7489.
        policy: what `find_policy` found for the author, where that was asked before.
        walked: domains whose tree walk was asked early, beside the checks whose outcomes are given: whether they are
            aligned is told also where it decides nothing.
        bounce: the reverse-path is null, so that a From without a domain is not a reason to hold back the message.

    Raises:
        TypeError: if `spf` is the outcome of the HELO identity (RFC 9989 §4.4.2).
    """
    if spf is not None and spf.scope != "mfrom":
        msg = "DMARC takes the SPF outcome of the MAIL FROM identity, not that of HELO"
        raise TypeError(msg)
    if isinstance(author, str):
        author = Author(domain=names.to_ascii(author) or author)
    return _Check(author, context_of(context), spf, dkim, organizational_domain, walked, bounce).outcome(policy)


def walks_ahead(author_domain: str, identifiers: Iterable[str | None]) -> list[str]:
    """Return those of the domains that DKIM and SPF may authenticate whose walk is worth asking early."""
    related = dict.fromkeys(
        i for i in identifiers if i and i != author_domain and names.may_share_organization(i, author_domain)
    )
    return list(related)[:_WALKS_AHEAD]


def _invalid(record: Record) -> str:
    """Name the tags that make a record unusable (RFC 9989 §4.10.1, RFC 7489 §6.6.3)."""
    if "p" not in dict(record.published) and "sp" not in dict(record.published):
        return "no p="
    policies = [(name, value) for name, value in record.published if name in {"p", "sp", "np"}]
    return (
        ", ".join(f"{name}={value[:40]!a}" for name, value in policies) + " one of which is invalid or appears twice,"
    )


class _Verdict(NamedTuple):
    result: Result
    why: Problem
    aligned: tuple[Mechanism, ...] = ()


class _Check:
    def __init__(
        self,
        author: Author,
        context: Context,
        spf: SpfOutcome | None,
        dkim: Sequence[DkimOutcome],
        organizational_domain: OrganizationalDomain | None,
        walked_early: Collection[str],
        bounce: bool,  # noqa: FBT001 passed on by check()
    ) -> None:
        self.author, self.spf, self.walked_early, self.bounce = author, spf, walked_early, bounce
        self.limits, self.options = context.limits, context.options
        self.uses = context.noted
        self.organizational_domain = organizational_domain
        self.discovery: Literal["treewalk", "psl"] = "treewalk" if organizational_domain is None else "psl"
        # RFC 9989 §4.4: every d= of a passing signature, and the MAIL FROM domain of an SPF pass; nothing else
        self.identifiers: list[_Found] = [
            ("dkim", names.to_ascii(d.domain) or d.domain, d.result, d.reason)
            for d in dkim
            if d.domain and (self.options.count_testing_keys or not d.testing)
        ]
        if spf is not None and spf.domain:
            domain = names.to_ascii(spf.domain) or spf.domain
            self.identifiers.append(("spf", domain, spf.result, spf.reason))
        self.compared: dict[str, bool | Problem] = {}

    def outcome(self, policy: Policy | None) -> Evaluation[DmarcOutcome]:
        domain = self.author.domain
        if domain is None:
            reason, detail = self.author.problem or (Reason.AUTHOR_MISSING, "the message names no author")
            # RFC 9989 §11.5. Choice D13: without a single author the result is permerror, and the advice is to hold
            # back the message
            result = Result.PERMERROR
            disposition = Disposition.REJECT if self.options.enforce_reject else Disposition.QUARANTINE
            if self.bounce and self.author.names_no_domain:
                # Choice D31: a bounce that shows no domain deceives nobody
                result, disposition = Result.NONE, Disposition.ACCEPT
            return DmarcOutcome(
                result=result,
                reason=reason,
                detail=detail,
                discovery=self.discovery,
                identifiers=tuple([Identifier(m, name, result) for m, name, result, _ in self.identifiers]),
                disposition=disposition,
            )
        policy = policy or (yield from find_policy(domain, self.organizational_domain))
        self.uses += policy.uses
        verdict = yield from self._judged(domain, policy)
        return self._outcome(policy, verdict, (yield from self._identified(policy)))

    def _judged(self, domain: str, policy: Policy) -> Evaluation[_Verdict]:
        if policy.record is None and policy.failure is not None:
            return _Verdict(Result.TEMPERROR, policy.failure)
        if policy.record is None:
            detail = f"neither {domain} nor its organization publishes a DMARC record"
            return _Verdict(Result.NONE, Problem(Reason.DMARC_NO_RECORD, detail))
        if policy.record.size > self.limits.record_bytes:
            detail = f"the record of {policy.domain} has {policy.record.size} octets"
            return _Verdict(Result.PERMERROR, Problem(Reason.LIMIT_RECORD_BYTES, detail))
        if not policy.record.usable:
            detail = f"the record of {policy.domain} has {_invalid(policy.record)} and no valid rua"
            # RFC 7489 §6.6.3 step 6: no DMARC processing. RFC 9989 §9.2 has a result word for such a record
            result = Result.NONE if self.discovery == "psl" else Result.PERMERROR
            return _Verdict(result, Problem(Reason.DMARC_BAD_RECORD, detail))
        aligned, failure = yield from self._alignment(domain, policy)
        if aligned:
            detail = f"{' and '.join(m.upper() for m in aligned)} passed, aligned with {domain}"
            return _Verdict(Result.PASS, Problem(Reason.DMARC_ALIGNED, detail), aligned)
        if failure := failure or policy.failure:
            # RFC 9989 §5.3.6: if DNS did not answer, it is neither pass nor fail
            return _Verdict(Result.TEMPERROR, failure)
        passing = sorted({name for _, name, result, _ in self.identifiers if result is Result.PASS})
        passed = f"passed: {', '.join(passing)}; not aligned" if passing else "nothing passed"
        detail = f"no passing SPF or DKIM result is aligned with {domain} ({passed})"
        if self.spf is None or self.spf.reason is Reason.SPF_NO_CONNECTION:
            detail += "; SPF was not checked, so an SPF pass is not ruled out"
        return _Verdict(Result.FAIL, Problem(Reason.DMARC_NOT_ALIGNED, detail))

    def _alignment(self, domain: str, policy: Policy) -> Evaluation[tuple[tuple[Mechanism, ...], Problem | None]]:
        """Return the mechanisms with an aligned pass, and the failure that leaves the question open."""
        aligned: dict[Mechanism, None] = {}
        failure: Problem | None = None
        # Exact matches first: they need no tree walk
        for mechanism, identifier, result, reason in sorted(self.identifiers, key=lambda i: i[1] != domain):
            # RFC 7208 §8.2, RFC 6376 §6.1: whatever is not a pass counts as nothing
            if result not in (Result.PASS, Result.TEMPERROR) or mechanism in aligned:
                continue
            same = self._aligned(mechanism, identifier, policy)
            if same is None:
                same = self._compare((yield from walk(identifier)), policy)
            if isinstance(same, Problem):
                failure = failure or same
            elif same and result is Result.PASS:
                aligned[mechanism] = None
            elif same:
                open_question = f"the {mechanism.upper()} result for {identifier} could align, but DNS did not answer"
                failure = failure or Problem(reason, open_question)
        # In the order of the methods, not in the order they were found
        return tuple(m for m in _MECHANISMS if m in aligned), failure

    def _aligned(self, mechanism: Mechanism, identifier: str, policy: Policy) -> bool | Problem | None:
        """Say whether an identifier is aligned, or what leaves that open; None if its tree walk was not made."""
        if identifier == policy.walk.domain:
            return True
        record = policy.record
        if record is not None and (record.strict_dkim if mechanism == "dkim" else record.strict_spf):
            return False
        if self.organizational_domain is not None:
            # RFC 7489 §3.2: the suffix list decides without DNS
            return self.organizational_domain(identifier) == policy.walk.organizational_domain
        # Choice D22: only identifiers at or below the author's Organizational Domain; nothing is asked about others
        if not any(names.is_under(identifier, domain) for domain in policy.walk.organizations()):
            return False
        return self.compared.get(identifier)

    def _compare(self, walked: Walk, policy: Policy) -> bool | Problem:
        """Compare Organizational Domains, each from its own walk (RFC 9989 §4.10.2)."""
        self.uses += walked.uses
        same = same_organization(walked, policy.walk)
        failure = policy.walk.failure or walked.failure
        # Without a failure, every name was answered
        aligned = self.compared[walked.domain] = failure if same is None and failure is not None else bool(same)
        return aligned

    def _identified(self, policy: Policy) -> Evaluation[tuple[Identifier, ...]]:
        """Say whether each identifier is aligned, as far as the present answers show."""
        identified = []
        for mechanism, domain, result, _ in self.identifiers:
            same = self._aligned(mechanism, domain, policy)
            if same is None and domain in self.walked_early:
                same = self._compare((yield from walk(domain)), policy)
            identified.append(Identifier(mechanism, domain, result, None if isinstance(same, Problem) else same))
        return tuple(identified)

    def _outcome(self, policy: Policy, verdict: _Verdict, identifiers: tuple[Identifier, ...]) -> DmarcOutcome:
        result, (reason, detail), aligned = verdict
        record = policy.record
        published = {} if record is None else dict(record.published)
        if result is not Result.PASS and policy.walk.ignored:
            # The publisher may not know this
            detail += f"; {policy.walk.ignored[0]}"
        if record is not None:
            detail += self._about_pct(record, published)
        if self.author.deviation:
            detail += f"; From violates RFC 5322 ({self.author.deviation}), but names one domain in every reading"
        return DmarcOutcome(
            result=result,
            reason=reason,
            detail=one_line(detail),
            author_domain=self.author.domain,
            policy_domain=policy.domain,
            organizational_domain=policy.walk.organizational_domain if policy.walk.decided else None,
            policy=policy.requested if record is not None and record.usable else None,
            published=published,
            testing=bool(record and record.testing),
            discovery=self.discovery,
            aligned=aligned,
            identifiers=identifiers,
            disposition=self._disposition(result, policy.requested),
            secure=policy.walk.secure,
        )

    def _about_pct(self, record: Record, published: Mapping[str, str]) -> str:
        value = published.get("pct", "100")
        if self.discovery == "treewalk":
            # Choice D18: unknown to RFC 9989, so it has no effect, which the publisher may not know
            return "" if value == "100" else "; pct= no longer has any effect"
        if record.weaker:
            return "; pct=0 makes the policy one step weaker"
        # Choice D36: sampling is left to the caller (RFC 7489 §6.6.4)
        partial = _PERCENT.fullmatch(value) is not None
        return f"; pct={value} applies to a share of the mail, this advice to every message" if partial else ""

    def _disposition(self, result: Result, requested: PolicyWord | None) -> Disposition:
        if result is Result.TEMPERROR:
            # RFC 9989 §5.3.6: no policy is applied; asking again later is safe
            return Disposition.DEFER
        # RFC 9989 §5.4, RFC 6376 §6.3: p=none changes nothing, and neither do bad signatures alone
        if result is not Result.FAIL or requested in (None, "none"):
            return Disposition.ACCEPT
        # RFC 9989 §7.4: p=reject alone does not justify rejecting; without other knowledge it counts as quarantine
        if requested == "reject" and self.options.enforce_reject:
            return Disposition.REJECT
        return Disposition.QUARANTINE
