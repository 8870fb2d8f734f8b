"""What the sections on DKIM, SPF, DMARC and ARC share: victim, attacker, their DNS, and the words that are safe.

The attacker's own mail always passes SPF and DKIM for his own domain: a wrong alignment would show as a pass.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from support import signing
from support.signing import MAIL, canonical_body, key, key_zone, split

from attack.case import ATTACKER, VICTIM, Case
from mailauth import Connection

VICTIM_IP, ATTACKER_IP = "192.0.2.10", "203.0.113.66"
BY_VICTIM = Connection(ip=VICTIM_IP, helo=f"mail.{VICTIM}", mail_from=f"anna@{VICTIM}")
BY_ATTACKER = Connection(ip=ATTACKER_IP, helo=f"mail.{ATTACKER}", mail_from=f"evil@{ATTACKER}")

ZONE: Mapping[str, Any] = {
    VICTIM: {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"], "A": [VICTIM_IP]},
    f"_dmarc.{VICTIM}": {"TXT": ["v=DMARC1; p=reject"]},
    **key_zone(VICTIM, "s1", "rsa2048-author"),
    **key_zone(VICTIM, "ed", "ed25519-author"),
    ATTACKER: {"TXT": ["v=spf1 ip4:203.0.113.66 -all"], "A": [ATTACKER_IP]},
    f"mail.{ATTACKER}": {"TXT": ["v=spf1 a -all"], "A": [ATTACKER_IP]},
    f"_dmarc.{ATTACKER}": {"TXT": ["v=DMARC1; p=none"]},
    **key_zone(ATTACKER, "s1", "rsa2048-other"),
}

# A DKIM signature that is refused, in whatever word; "none" would be a signature that is overlooked
_REFUSED = frozenset({"fail", "policy", "neutral", "permerror", "none"})
# What a forged author may come to where DNS answers: "none" would let him in, "temperror" put him off
_FORGED = frozenset({"fail", "permerror"})


def case(
    name: str,
    why: str,
    raw: bytes = MAIL,
    words: Mapping[str, str] | None = None,
    *,
    connection: Connection = BY_ATTACKER,
    zone: Mapping[str, Any] | None = None,
    **others: Any,
) -> Case:
    """Return a case. `words` are "recommended" or "recommended|also safe|also safe"; `zone` comes on top of `ZONE`."""
    listed = {place: text.split("|") for place, text in (words or {}).items()}
    return Case(
        id=name,
        why=why,
        raw=raw,
        safe={place: frozenset(said) for place, said in listed.items()},
        recommended={place: said[0] for place, said in listed.items()},
        connection=connection,
        zone={**ZONE, **(zone or {})},
        **others,
    )


def first(word: str, safe: frozenset[str]) -> str:
    """Return `word` as the recommended one of those that are safe."""
    return "|".join([word, *sorted(safe - {word})])


def refused(word: str) -> str:
    """Return the words for a DKIM signature that must not pass."""
    return first(word, _REFUSED)


def forged(word: str = "fail") -> str:
    """Return the words for DMARC where the author is forged and DNS answers."""
    return first(word, _FORGED)


def signed_with(
    sign: Callable[[bytes], bytes],
    message: bytes = MAIL,
    *,
    h: str = "from:to:subject:date",
    c: str = "relaxed/relaxed",
    tags: Mapping[str, str | None] | None = None,
) -> bytes:
    """Return the message with a signature made by any function of the signed octets."""
    body = canonical_body(split(message)[1], c)
    own: dict[str, str | None] = {
        "v": "1", "a": "rsa-sha256", "c": c, "d": VICTIM, "s": "s1", "h": h, "bh": digest(body), "b": "",
    }  # fmt: skip
    own |= tags or {}
    data = signing._signed_data(message, signing._joined("DKIM-Signature", own, "; "), h, c)
    return signing._with_b("DKIM-Signature", own, "; ", sign(data)) + message


def digest(octets: bytes) -> str:
    """Return the SHA-256 of some octets in base64."""
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def by_attacker(message: bytes = MAIL, domain: str = ATTACKER, selector: str = "s1", **arguments: Any) -> bytes:
    """Return the message with a good signature of the attacker's key on top."""
    tags = {"d": domain, "s": selector, **arguments.pop("tags", {})}
    return signing.signed(message, by="rsa2048-other", tags=tags, **arguments)


def attacker_key(domain: str, selector: str = "s1") -> dict[str, Any]:
    """Return a zone with the attacker's key at a domain."""
    return {f"{selector}._domainkey.{domain}": {"TXT": [key("rsa2048-other").record()]}}


def mail(author: str, rest: bytes = b"") -> bytes:
    """Return the message with another From, and more fields on top."""
    return rest + MAIL.replace(b"Anna <anna@example.com>", author.encode())
