"""Mail services that are known by their networks and names: Microsoft 365 inside, and filters in front of mailboxes.

Data, and how it is looked up. What it means for a border is said in `border` and `verdict`. The lists are short on
purpose: a service that is missing leaves a client unknown or takes that of a hop inside, and never makes a pass of a
forgery.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from mailauth.saved.forms import Address
from mailauth.saved.received import Hop

# "Microsoft 365 URLs and IP address ranges" of 2026-08-14 has none of these networks, so neither customers nor
# strangers meet them; an earlier edition had parts of them, as "Exchange Online". Trace fields in public archives of
# mailing lists (2018 to 2026) have them between servers of Microsoft 365 only: 1096 in Asia, 10a6 in Europe, 10b6 in
# North America, 10c6 in Australia, 10d6 in South America.
# Never here: row 10 of the same list, from where the mail of every tenant leaves (40.92.0.0/15, 40.107.0.0/16,
# 52.100.0.0/14, 104.47.0.0/17, 2a01:111:f400::/48, 2a01:111:f403::/48), although servers inside use the last two too
_MICROSOFT = [ip_network(f"2603:{n}::/32") for n in ("1096", "10a6", "10b6", "10c6", "10d6")]
_MICROSOFT_NAMES = ("outlook.com", "office365.com", "exchangelabs.com")
# Where servers of filtering services have their names, as in trace fields of the same archives. They also send the mail
# of their customers
_GATEWAYS = {
    "pphosted.com": "Proofpoint",
    "ppe-hosted.com": "Proofpoint",
    "mimecast.com": "Mimecast",
    "ess.barracuda.com": "Barracuda",
    "iphmx.com": "Cisco",
    "messagelabs.com": "Symantec",
    "tmes.trendmicro.com": "Trend Micro",
    "tmes.trendmicro.eu": "Trend Micro",
    "hydra.sophos.com": "Sophos",
    "hornetsecurity.com": "Hornetsecurity",
    "cloud.vadesecure.com": "Vade",
    "antispamcloud.com": "SpamExperts",
    "mailcontrol.com": "Forcepoint",
}


def is_microsoft(name: str | None) -> bool:
    """Whether a name is one of a server of Microsoft 365, whoever says so."""
    return _is_below(name, _MICROSOFT_NAMES) is not None


def is_microsoft_inside(hop: Hop) -> bool:
    """Whether a hop is from one server of Microsoft 365 to another.

    The address decides. The name of the client, which it chose itself, only makes the hop a doubtful one.
    """
    return _is_own(hop.ip) and is_microsoft(hop.by) and is_microsoft(hop.name)


def gateway(name: str | None) -> str | None:
    """Return the filtering service that a name belongs to; None for any other. Give it names that were confirmed."""
    domain = _is_below(name, _GATEWAYS)
    return None if domain is None else _GATEWAYS[domain]


def _is_own(ip: Address | None) -> bool:
    return ip is not None and any(ip in network for network in _MICROSOFT if network.version == ip.version)


def _is_below(name: str | None, domains: Iterable[str]) -> str | None:
    """Return the one of these domains that a name is below."""
    name = (name or "").lower()
    return next((domain for domain in domains if name.endswith(f".{domain}")), None)
