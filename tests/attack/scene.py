"""The stage of the attacks: a victim, an attacker with SPF and DKIM of his own, their DNS, and who may say what.

The victim publishes p=reject and signs. The attacker owns another domain in good order, so that every reader who takes
his domain for the author's, or the author's for his, shows as a pass.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from support import signing
from support.signing import key, key_zone, signature

from attack.case import ATTACKER, VICTIM, Case
from mailauth import Connection

GOOD_IP, BAD_IP = "192.0.2.3", "198.51.100.66"
GENUINE = Connection(ip=GOOD_IP, helo=f"mx.{VICTIM}", mail_from=f"anna@{VICTIM}")
ATTACK = Connection(ip=BAD_IP, helo=f"mx.{ATTACKER}", mail_from=f"x@{ATTACKER}")

ZONE: Mapping[str, Any] = {
    VICTIM: {"TXT": [f"v=spf1 ip4:{GOOD_IP} -all"]},
    f"_dmarc.{VICTIM}": {"TXT": ["v=DMARC1; p=reject"]},
    f"mx.{VICTIM}": {"TXT": [f"v=spf1 ip4:{GOOD_IP} -all"], "A": [GOOD_IP]},
    "3.2.0.192.in-addr.arpa": {"PTR": [f"mx.{VICTIM}"]},
    **key_zone(VICTIM),
    ATTACKER: {"TXT": [f"v=spf1 ip4:{BAD_IP} -all"]},
    f"_dmarc.{ATTACKER}": {"TXT": ["v=DMARC1; p=none"]},
    f"mx.{ATTACKER}": {"TXT": [f"v=spf1 ip4:{BAD_IP} -all"], "A": [BAD_IP]},
    "66.100.51.198.in-addr.arpa": {"PTR": [f"mx.{ATTACKER}"]},
    **key_zone(ATTACKER, "a1", "rsa2048-other"),
}

TO_DATE = b"To: robin@example.org\r\nSubject: Your invoice\r\nDate: Mon, 02 Nov 2026 09:28:00 +0000\r\n"
BODY = b"\r\nPlease pay by Friday.\r\n"
H = "from:to:subject:date"
MAIL = b"From: Anna <anna@example.com>\r\n" + TO_DATE + BODY

# No word but pass opens a door; for DMARC none opens one too, as no policy is applied
NOT_PASS = frozenset({"none", "fail", "softfail", "neutral", "policy", "temperror", "permerror"})
CLOSED = frozenset({"fail", "permerror", "temperror"})
HELD = frozenset({"quarantine", "reject", "defer"})


def by_victim(message: bytes = MAIL, **arguments: Any) -> bytes:
    """Return the message with a signature of the victim on top."""
    return signature(message, **{"h": H, **arguments}) + message


def by_attacker(message: bytes, h: str = H, **arguments: Any) -> bytes:
    """Return the message with a signature of the attacker's own domain on top; it verifies."""
    tags = {"d": ATTACKER, "s": "a1"} | arguments.pop("tags", {})
    return signature(message, by="rsa2048-other", h=h, tags=tags, **arguments) + message


def by_attacker_with(message: bytes, tags: bytes, h: str = H) -> bytes:
    """Return the message with a signature of the attacker over tags in raw octets, however odd."""
    bh = base64.b64encode(hashlib.sha256(signing.relaxed_body(signing.split(message)[1])).digest())
    own = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; h=" + h.encode() + b"; bh=" + bh
    own += b"; " + tags + b"; b="
    data = signing._signed_data(message, own, h, "relaxed/relaxed")
    return own + base64.b64encode(key("rsa2048-other").sign(data)) + b"\r\n" + message


def spoof(author: bytes, *more: bytes, body: bytes = BODY) -> bytes:
    """Return a message with some From value, signed by the attacker's domain in such a way that it verifies."""
    return by_attacker(b"From: " + author + b"\r\n" + b"".join(more) + TO_DATE + body)


Words = tuple[frozenset[str] | set[str], str]


def case(
    identity: str, why: str, raw: bytes, words: Mapping[str, Words], *, forged: Iterable[int] | None = None, **rest: Any
) -> Case:
    """Return a case from {place: (safe words, the recommended one)}; the attacker sends it, unless `rest` says."""
    return Case(
        id=identity,
        why=why,
        raw=raw,
        safe={place: frozenset(safe) | {word} for place, (safe, word) in words.items()},
        recommended={place: word for place, (_, word) in words.items()},
        forged=None if forged is None else tuple(forged),
        **{"connection": ATTACK, "zone": ZONE, **rest},
    )


# --- verdicts that many attacks share --------------------------------------------------------------------------------

# No single author: RFC 9989 §5.3.1, §11.5; docs/decisions.md: permerror, and the advice is quarantine
REFUSED: Mapping[str, Words] = {"dmarc": (CLOSED, "permerror"), "dmarc.disposition": (HELD, "quarantine")}
# A readable author, who is the victim, and nothing aligned: the victim's p=reject (RFC 9989 §5.3.5, §7.4)
SPOOFED: Mapping[str, Words] = {
    "dmarc": (CLOSED, "fail"),
    "dmarc.author_domain": ({"none"}, VICTIM),
    "dmarc.disposition": (HELD, "quarantine"),
}
# The author is the attacker himself, who passes honestly: safe, as long as nobody else is named
HIMSELF: Mapping[str, Words] = {"dmarc": (NOT_PASS, "pass"), "dmarc.author_domain": ({"none"}, ATTACKER)}
# Genuine mail: it must pass, so that every other case can show a wrong pass
PASSES: Mapping[str, Words] = {"dmarc": (set(), "pass"), "dmarc.author_domain": (set(), VICTIM)}


def stranger(domain: str) -> Mapping[str, Words]:
    """Return the words for an author at a domain without a DMARC record (RFC 9989 §5.3.7): it is not the victim's."""
    return {"dmarc": ({"permerror", "fail"}, "none"), "dmarc.author_domain": ({"none"}, domain)}
