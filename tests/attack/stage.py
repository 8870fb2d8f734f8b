"""The stage of the attacks: a victim, an attacker, their DNS, their mail, and the words that are safe.

The victim publishes p=reject and signs. The attacker's own mail always passes SPF and DKIM for his own domain, so that
every reader who takes his domain for the author's, or the author's for his, shows as a pass.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
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
    f"mail.{VICTIM}": {"TXT": ["v=spf1 a -all"], "A": [VICTIM_IP]},
    f"_dmarc.{VICTIM}": {"TXT": ["v=DMARC1; p=reject"]},
    "10.2.0.192.in-addr.arpa": {"PTR": [f"mail.{VICTIM}"]},
    **key_zone(VICTIM, "s1", "rsa2048-author"),
    **key_zone(VICTIM, "ed", "ed25519-author"),
    ATTACKER: {"TXT": [f"v=spf1 ip4:{ATTACKER_IP} -all"], "A": [ATTACKER_IP]},
    f"mail.{ATTACKER}": {"TXT": ["v=spf1 a -all"], "A": [ATTACKER_IP]},
    f"_dmarc.{ATTACKER}": {"TXT": ["v=DMARC1; p=none"]},
    "66.113.0.203.in-addr.arpa": {"PTR": [f"mail.{ATTACKER}"]},
    **key_zone(ATTACKER, "s1", "rsa2048-other"),
}

# MAIL is its From field, TO_DATE and BODY
TO_DATE = b"".join(split(MAIL)[0][1:])
BODY = b"\r\n" + split(MAIL)[1]


def case(
    name: str,
    why: str,
    raw: bytes = MAIL,
    words: Mapping[str, str] | None = None,
    *,
    connection: Connection = BY_ATTACKER,
    zone: Mapping[str, Any] | None = None,
    forged: Iterable[int] | None = None,
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
        forged=None if forged is None else tuple(forged),
        **others,
    )


# --- messages --------------------------------------------------------------------------------------------------------


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


def by_attacker_with(message: bytes, tags: bytes) -> bytes:
    """Return the message with a signature of the attacker over tags in raw octets, however odd."""
    h, c = "from:to:subject:date", "relaxed/relaxed"
    bh = digest(canonical_body(split(message)[1], c))
    own = f"DKIM-Signature: v=1; a=rsa-sha256; c={c}; h={h}; bh={bh}; ".encode() + tags + b"; b="
    signature = key("rsa2048-other").sign(signing._signed_data(message, own, h, c))
    return own + base64.b64encode(signature) + b"\r\n" + message


def attacker_key(domain: str, selector: str = "s1") -> dict[str, Any]:
    """Return a zone with the attacker's key at a domain."""
    return {f"{selector}._domainkey.{domain}": {"TXT": [key("rsa2048-other").record()]}}


def mail(author: str, rest: bytes = b"") -> bytes:
    """Return the message with another From, and more fields on top."""
    return rest + MAIL.replace(b"Anna <anna@example.com>", author.encode())


def spoof(author: bytes, *more: bytes, body: bytes = BODY) -> bytes:
    """Return a message with some From value, signed by the attacker's domain in such a way that it verifies."""
    return by_attacker(b"From: " + author + b"\r\n" + b"".join(more) + TO_DATE + body)


# --- words -----------------------------------------------------------------------------------------------------------

# No word but pass opens a door; for DMARC none opens one too, as no policy is applied
NOT_PASS = frozenset({"none", "fail", "softfail", "neutral", "policy", "temperror", "permerror"})
CLOSED = frozenset({"fail", "permerror", "temperror"})
HELD = frozenset({"quarantine", "reject", "defer"})


def first(word: str, safe: frozenset[str]) -> str:
    """Return `word` as the recommended one of those that are safe."""
    return "|".join([word, *sorted(safe - {word})])


def refused(word: str) -> str:
    """Return the words for a DKIM signature that must not pass; "none" would be a signature that is overlooked."""
    return first(word, frozenset({"fail", "policy", "neutral", "permerror", "none"}))


def forged(word: str = "fail") -> str:
    """Return the words for DMARC where the author is forged and DNS answers: "temperror" would put the victim off."""
    return first(word, frozenset({"fail", "permerror"}))


# --- verdicts that many attacks share --------------------------------------------------------------------------------

# No single author: RFC 9989 §5.3.1, §11.5; docs/decisions.md: permerror, and the advice is quarantine
REFUSED: Mapping[str, str] = {"dmarc": first("permerror", CLOSED), "dmarc.disposition": first("quarantine", HELD)}
# A readable author, who is the victim, and nothing aligned: the victim's p=reject (RFC 9989 §5.3.5, §7.4)
SPOOFED: Mapping[str, str] = {
    "dmarc": first("fail", CLOSED),
    "dmarc.author_domain": f"{VICTIM}|none",
    "dmarc.disposition": first("quarantine", HELD),
}
# The author is the attacker himself, who passes honestly: safe, as long as nobody else is named
HIMSELF: Mapping[str, str] = {"dmarc": first("pass", NOT_PASS), "dmarc.author_domain": f"{ATTACKER}|none"}
# Genuine mail: it must pass, so that every other case can show a wrong pass
PASSES: Mapping[str, str] = {"dmarc": "pass", "dmarc.author_domain": VICTIM}


def stranger(domain: str) -> Mapping[str, str]:
    """Return the words for an author at a domain without a DMARC record (RFC 9989 §5.3.7): it is not the victim's."""
    return {"dmarc": "none|fail|permerror", "dmarc.author_domain": f"{domain}|none"}
