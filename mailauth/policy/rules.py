"""The rules of a receiver, as data: what `decide` does where the standards leave it to the receiver.

Every value is plain data as TOML and JSON have it, and a list counts as a set, so that `Rules(**table)` reads a table
of a configuration file. What cannot be meant is refused when the rules are made. Knows no message and no outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Literal, NamedTuple, get_args, get_type_hints

from mailauth import names
from mailauth.errors import UsageError
from mailauth.text import UNSAFE, shown

# What a receiver may ask of senders: `Rules.requirements` names these points, or a set of them
POINTS = (*("one-from", "spf", "dkim", "spf-or-dkim", "dmarc-published", "alignment", "fcrdns", "tls", "one-click"),)
# What large receivers ask, by their announcements: of all senders, and of those of more than 5,000 messages a day
PRESETS: Mapping[str, tuple[str, ...]] = {
    # Google, "Email sender guidelines", and Yahoo, "Sender Best Practices", in force since February 2024
    "gmail-yahoo-2024": ("one-from", "spf-or-dkim", "fcrdns", "tls"),
    "gmail-yahoo-2024-bulk": (
        *("one-from", "spf", "dkim", "dmarc-published", "alignment", "fcrdns", "tls", "one-click"),
    ),
    # Microsoft, for outlook.com, hotmail.com and live.com, since 5 May 2025; it asks nothing of smaller senders
    "microsoft-2025": ("spf", "dkim", "dmarc-published", "alignment"),
}


class Clients(NamedTuple):
    """Clients by network, and by reverse name: the name, or a domain above it."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    domains: tuple[str, ...]

    def network_of(self, address: IPv4Address | IPv6Address) -> str | None:
        """Return the network that holds an address."""
        return next((str(network) for network in self.networks if address in network), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this receiver does with mail, where it has a choice.

    Args:
        reject: whether a message that fails DMARC under p=reject is rejected. "advice": if `Options.enforce_reject` was
            set for its evaluation; "never": it is quarantined (RFC 9989 §7.4); "always": you have the other knowledge
            that RFC 9989 §7.4 asks for.
        no_author: what happens to a message without a single author domain: "quarantine", "reject", or "advice", which
            rejects if `Options.enforce_reject` was set.
        temperror: what happens to a message whose DMARC result DNS left open: "defer" or "accept".
        permerror: what happens to a message whose author domain has a broken DMARC record: "accept" or "quarantine".
        folder: where quarantined mail goes; "" for wherever your program puts it.
        local: networks of our own, such as "192.0.2.0/24" and "2001:db8::/32"; their mail is accepted untouched, as is
            that of clients that logged in.
        forwarders: networks, and domains of forward-confirmed client names, that forward mail to us without changing
            who sent it; see `decide`.
        lists: mailing lists by List-Id, or by a domain above it; the value is the domain, or a domain above it, that
            must pass DKIM or SPF for the list to be believed.
        domains: author domains, with their subdomains, from which only mail with an aligned pass is accepted whatever
            policy they publish: "quarantine" or "reject". The most specific name counts.
        requirements: what senders must do: the name of a set in `PRESETS`, or points out of `POINTS`.
        missed: what happens to a message that misses a point: "note" (it is named in `Decision.missed`), "quarantine"
            or "reject".
        encrypted: what happens to a message with an encrypted archive or document: "accept", "quarantine" or "reject";
            see `attachments.encrypted`. Where it cannot be told whether an attachment is encrypted, "reject" is
            "quarantine". What is encrypted by S/MIME or OpenPGP is not meant.

    Raises:
        UsageError: for a value that cannot be meant.
    """

    reject: Literal["advice", "never", "always"] = "advice"
    no_author: Literal["advice", "quarantine", "reject"] = "advice"
    temperror: Literal["defer", "accept"] = "defer"
    permerror: Literal["accept", "quarantine"] = "accept"
    folder: str = "Junk"
    local: frozenset[str] = frozenset()
    forwarders: frozenset[str] = frozenset()
    lists: Mapping[str, str] = field(default_factory=dict, hash=False)
    domains: Mapping[str, Literal["quarantine", "reject"]] = field(default_factory=dict, hash=False)
    requirements: str | tuple[str, ...] = ()
    missed: Literal["note", "quarantine", "reject"] = "note"
    encrypted: Literal["accept", "quarantine", "reject"] = "accept"

    def __post_init__(self) -> None:
        """Normalise what was given, and refuse what cannot be meant."""
        for name, words in _WORDS.items():
            _one_of(name, getattr(self, name), words)
        if not isinstance(self.folder, str) or UNSAFE.search(self.folder):
            msg = f"Rules(folder={shown(self.folder)}): give a name without control characters, such as 'Junk', or ''"
            raise UsageError(msg)
        for name in ("local", "forwarders"):
            object.__setattr__(self, name, frozenset(_strings(name, getattr(self, name))))
        if clients_of(self.local).domains:
            msg = f"Rules(local={shown(self.local)}): only networks, such as '192.0.2.0/24', can be local"
            raise UsageError(msg)
        clients_of(self.forwarders)
        lists = {_domain("lists", key): _domain("lists", value) for key, value in _items("lists", self.lists)}
        object.__setattr__(self, "lists", lists)
        domains = {_domain("domains", key): value for key, value in _items("domains", self.domains)}
        for action in domains.values():
            _one_of("domains", action, ("quarantine", "reject"))
        object.__setattr__(self, "domains", domains)
        if isinstance(self.requirements, str):
            if self.requirements not in PRESETS:
                sets = ", ".join(map(repr, PRESETS))
                msg = f"Rules(requirements={shown(self.requirements)}): give one of {sets}, or a set of points"
                raise UsageError(msg)
        else:
            points = _strings("requirements", self.requirements)
            for point in points:
                _one_of("requirements", point, POINTS)
            object.__setattr__(self, "requirements", tuple([point for point in POINTS if point in points]))

    @property
    def reads_message(self) -> bool:
        """Whether some rule needs the octets of the message."""
        return bool(self.lists) or self.encrypted != "accept"

    @property
    def points(self) -> tuple[str, ...]:
        """The points that senders must meet."""
        wanted = self.requirements
        return PRESETS[wanted] if isinstance(wanted, str) else wanted

    def domain_rule(self, author: str) -> tuple[str, Literal["quarantine", "reject"]] | None:
        """Return the most specific of `domains` that an author domain in normal form is at or below, and its action."""
        while author:
            if (action := self.domains.get(author)) is not None:
                return author, action
            author = author.partition(".")[2]
        return None


_WORDS = {
    name: get_args(hint)
    for name, hint in get_type_hints(Rules).items()
    if name in {"reject", "no_author", "temperror", "permerror", "missed", "encrypted"}
}


@lru_cache(maxsize=64)
def clients_of(entries: frozenset[str]) -> Clients:
    """Return networks and domains read from text.

    Raises:
        UsageError: for text that is neither.
    """
    networks, domains = [], []
    for entry in sorted(entries):
        try:
            networks.append(ip_network(entry))
        except ValueError:
            name = names.qualified(entry)
            # What ends in digits or a prefix length is an address with a mistake in it
            if name is None or name.rpartition(".")[2].isdigit():
                msg = (
                    f"{shown(entry)} is neither a network nor a domain name of two labels: give '192.0.2.0/24' (the "
                    "bits after the prefix are 0), '2001:db8::/32' or 'forwarder.example'"
                )
                raise UsageError(msg) from None
            domains.append(name)
    if everyone := [str(network) for network in networks if not network.prefixlen]:
        msg = f"{everyone[0]} is the whole Internet: give the networks that are meant, such as '192.0.2.0/24'"
        raise UsageError(msg)
    return Clients(tuple(networks), tuple(domains))


def _one_of(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        msg = f"Rules({name}=…): {shown(value)} is not one of {', '.join(map(repr, words))}"
        raise UsageError(msg)


def _strings(name: str, value: Any) -> list[str]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Collection):
        msg = f"Rules({name}={shown(value)}): give a set of strings, such as {{{shown(value)}}}"
        raise UsageError(msg)
    if wrong := [each for each in value if not isinstance(each, str)]:
        msg = f"Rules({name}=…): {shown(wrong[0])} is not a string; give a set of strings"
        raise UsageError(msg)
    return list(value)


def _items(name: str, value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, Mapping):
        msg = f"Rules({name}={shown(value)}): give a mapping, such as {_EXAMPLES[name]}"
        raise UsageError(msg)
    return list(value.items())


_EXAMPLES = {
    "lists": "{'dev.lists.example.org': 'lists.example.org'}",
    "domains": "{'example.org': 'reject'}",
}


def _domain(name: str, value: object) -> str:
    domain = names.qualified(value)
    # A rule for a top-level domain would trust, or refuse, everyone below it
    if domain is None:
        msg = f"Rules({name}=…): {shown(value)} is not a domain name of at least two labels; give {_EXAMPLES[name]}"
        raise UsageError(msg)
    return domain


DEFAULT_RULES = Rules()
