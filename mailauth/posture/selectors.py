"""Which DKIM selectors a domain may use: those that saved mail shows, and those that are often chosen.

Nothing in DNS lists the selectors of a domain (RFC 6376 §3.1): a guess that finds nothing says nothing. Asks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from mailauth.dkim.signature import read_signatures
from mailauth.limits import DEFAULT_LIMITS
from mailauth.message.fields import Message, Octets

MAX_SELECTORS = 40  # that were given or learnt
_MANY = 1000  # different selectors of a domain that are counted
# Selectors that are often chosen, and who chooses them
GUESSES: Mapping[str, str] = {
    "default": "the usual name of the guides to OpenDKIM, and cPanel",
    "mail": "the usual name of the guides to OpenDKIM",
    "dkim": "the usual name of Plesk and iRedMail, and of rspamd",
    "selector1": "Microsoft 365",
    "selector2": "Microsoft 365",
    "google": "Google Workspace",
    "s1": "SendGrid, and first keys in general",
    "s2": "SendGrid, and second keys in general",
    "k1": "Mailchimp and Mailgun",
    "k2": "Mailchimp",
    "k3": "Mailchimp",
    "mandrill": "Mailchimp Transactional",
    "mte1": "Mailchimp Transactional",
    "pm": "Postmark",
    "fm1": "Fastmail",
    "fm2": "Fastmail",
    "fm3": "Fastmail",
    "protonmail": "Proton Mail",
    "zoho": "Zoho Mail",
    "smtp": "Mailgun",
    "key1": "first keys in general",
    "rsa": "keys named by their kind",
    "ed25519": "keys named by their kind",
}


def learn(messages: Iterable[Message | Octets], domains: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the selectors of each domain in the DKIM signatures of messages, the most used first.

    Whether a signature verifies does not matter: a selector that a forger made up has no key. Never raises for any
    octets.

    Args:
        messages: in octets, or parsed.
        domains: the d= of the signatures, in normal form; subdomains have selectors of their own.
    """
    counts: dict[str, Counter[str]] = {domain: Counter() for domain in domains}
    for each in messages:
        message = each if isinstance(each, Message) else Message.parse(each)
        for read in read_signatures(message, DEFAULT_LIMITS):
            domain, selector = read.signature.domain, read.signature.selector
            if selector and domain in counts and (selector in counts[domain] or len(counts[domain]) < _MANY):
                counts[domain][selector] += 1
    return {
        domain: tuple(sorted(found, key=lambda selector: (-found[selector], selector))[:MAX_SELECTORS])
        for domain, found in counts.items()
    }
