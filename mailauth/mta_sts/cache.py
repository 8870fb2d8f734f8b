"""How long a policy of MTA-STS holds, and which one holds after a check (RFC 8461 §3.3, §5.1).

Values alone: who keeps them, and when to look, is for the sender to say. Of failing fetches, RFC 8461 §3.3 wants no
more than one in five minutes for an id.
"""

from __future__ import annotations

from typing import NamedTuple

from mailauth.errors import UsageError
from mailauth.mta_sts.outcome import MtaStsOutcome
from mailauth.mta_sts.policy import Policy

REFRESH = 86_400
"""Seconds after which a cached policy is to be fetched again (RFC 8461 §3.3 suggests a day)."""


class CachedPolicy(NamedTuple):
    """A policy as it was fetched.

    `domain` is the Policy Domain, for which alone it holds: no subdomain inherits it (RFC 8461 §3.4). `id` is that of
    the record which announced it, `fetched` when it was, in POSIX seconds.
    """

    domain: str
    policy: Policy
    id: str
    fetched: int


def fresh(cached: CachedPolicy, now: int) -> bool:
    """Whether a cached policy has not expired at a time in POSIX seconds."""
    # RFC 8461 §5.1: "whose time-since-fetch has not exceeded its max_age"
    return now - cached.fetched <= cached.policy.max_age


def due(cached: CachedPolicy, now: int) -> bool:
    """Whether a cached policy is to be fetched again: it has expired or is a day old.

    A sender that waits for the end leaves the moment of the fetch to whoever wants to be in its way.
    """
    return not fresh(cached, now) or now - cached.fetched >= REFRESH


def use(cached: CachedPolicy | None, outcome: MtaStsOutcome, now: int) -> CachedPolicy | None:
    """Return the policy that holds after a check: to be applied, and to be kept in place of the cached one.

    A policy that was fetched replaces the cached one, even by mode "none". Where none could be found or fetched, a
    cached one that is fresh holds (RFC 8461 §3.3): so nobody can remove a policy by being in the way.

    Args:
        cached: what was kept for the domain, None if nothing was.
        outcome: of `check`.
        now: when that was, in POSIX seconds.

    Returns:
        None where the domain has no policy, as far as can be told.

    Raises:
        UsageError: if the cached policy is that of another domain.
    """
    if cached is not None and cached.domain != outcome.domain:
        msg = f"this policy is that of {cached.domain}, not of {outcome.domain}: give that of the same domain, or None"
        raise UsageError(msg)
    if outcome.policy is not None and outcome.record is not None:
        return CachedPolicy(outcome.domain, outcome.policy, outcome.record.id, now)
    return cached if cached is not None and fresh(cached, now) else None
