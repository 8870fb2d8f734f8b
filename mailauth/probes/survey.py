"""A look at each mail exchanger of a domain, for its posture: is there TLS, and the certificate that was promised?

Connects to the first address of each host, which `examine` has looked up, and to a few hosts at most.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from mailauth.dane import DaneHost, HostStatus, match
from mailauth.posture import Posture, SmtpFacts
from mailauth.probes.downgrade import downgrade
from mailauth.probes.smtp import SmtpProber
from mailauth.probes.values import ProbeStatus, SmtpProbe

MAX_HOSTS = 5
"""How many mail exchangers are looked at, by preference."""

_WITHOUT = frozenset({ProbeStatus.NOT_OFFERED, ProbeStatus.NOT_READY, ProbeStatus.HANDSHAKE})


def survey(posture: Posture, prober: SmtpProber, now: datetime | float) -> tuple[SmtpFacts, ...]:
    """Look at the mail exchangers of a domain, all at once. Never raises for anything that a server does.

    Args:
        posture: of `examine`; give the result to its `with_smtp`.
        prober: makes the connections.
        now: when, an aware datetime or POSIX seconds: certificates are valid for a time.
    """
    hosts = [each for each in posture.dane.hosts if each.addresses][:MAX_HOSTS]
    if not hosts:
        return ()
    with ThreadPoolExecutor(len(hosts), "mailauth-probe") as threads:
        return tuple(threads.map(partial(_look, posture, prober, now), hosts))


def _look(posture: Posture, prober: SmtpProber, now: datetime | float, host: DaneHost) -> SmtpFacts:
    return facts_of(posture, host, prober.probe(host.host, host.addresses[0]), now)


def facts_of(posture: Posture, host: DaneHost, probe: SmtpProbe, now: datetime | float) -> SmtpFacts:
    """Return what a look at one mail exchanger means for the posture of its domain."""
    policy, promised = posture.mta_sts.policy, list[str]()
    # RFC 8461 §5: only the mode enforce forbids to go on without
    if policy is not None and policy.mode == "enforce":
        promised.append(f"the MTA-STS policy of {posture.domain}")
    # RFC 7672 §2.2: TLSA records promise TLS, whether or not they can be used
    if has_dane := posture.dane.mx_secure is True and host.status in (HostStatus.USABLE, HostStatus.UNUSABLE):
        promised.append(f"the TLSA records of {host.host}")
    verdict = downgrade(probe, promised)
    tls, chain = probe.tls, None
    if tls is not None and has_dane:
        chain = match(host.records, tls.chain, host.names, now)
    return SmtpFacts(
        host=host.host,
        address=probe.address,
        tls=True if tls is not None else False if probe.status in _WITHOUT else None,
        detail=probe.detail,
        version="" if tls is None else tls.version,
        certificate="" if tls is None else tls.certificate.value,
        certificate_detail="" if tls is None else tls.certificate_detail,
        dane=None if chain is None else chain.status.value,
        dane_detail="" if chain is None else chain.detail,
        promised=tuple(promised),
        downgrade=verdict.downgrade.value,
        evidence=verdict.evidence,
    )
