"""Signatures made from the words of RFC 6376 §3 and RFC 8617 §5.1, in plain slow code that shares none of ours.

For tags and combinations that no signing library makes. Keys are the test keys of `testdata/keys`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

TESTDATA = Path(__file__).resolve().parents[2] / "testdata"
NOW = 1_793_611_800  # 2026-11-02T09:30:00Z

MAIL = (
    b"From: Anna <anna@example.com>\r\n"
    b"To: robin@example.org\r\n"
    b"Subject:  Two   words\r\n"
    b"\tand a  third \r\n"
    b"Date: Mon, 02 Nov 2026 09:28:00 +0000\r\n"
    b"\r\n"
    b"Hello  Robin,\t\r\n"
    b"\r\n"
    b" indented\t text \r\n"
    b"\r\n"
    b"\r\n"
)


@dataclass(frozen=True)
class Key:
    """A private key, and the record that publishes it."""

    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, PKCS1v15(), SHA256())
        return self.private.sign(hashlib.sha256(data).digest())

    @property
    def public(self) -> str:
        """The value of p=."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            data = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(data).decode()

    def record(self, **tags: str | None) -> str:
        """Return the key record; a tag that is None is left out."""
        merged: dict[str, str | None] = {"v": "DKIM1", "k": self.kind, "p": self.public}
        merged |= tags
        return "; ".join(f"{name}={value}" for name, value in merged.items() if value is not None)


@cache
def key(name: str = "rsa2048-author") -> Key:
    """Return a key of testdata."""
    private = load_pem_private_key((TESTDATA / "keys" / f"{name}.pem").read_bytes(), None)
    assert isinstance(private, (RSAPrivateKey, Ed25519PrivateKey))
    return Key(private)


def key_zone(domain: str = "example.com", selector: str = "s1", name: str = "rsa2048-author", **tags: Any) -> Any:
    """Return a zone with one key."""
    return {f"{selector}._domainkey.{domain}": {"TXT": [key(name).record(**tags)]}}


# --- canonical forms -------------------------------------------------------------------------------------------------


def split(message: bytes) -> tuple[list[bytes], bytes]:
    """Return the header fields, each with its CRLF, and the body."""
    fields: list[bytes] = []
    rest = message
    while rest and not rest.startswith(b"\r\n"):
        line, end, rest = rest.partition(b"\r\n")
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line + end
        else:
            fields.append(line + end)
    return fields, rest[2:]


def relaxed_header(field: bytes) -> bytes:
    """RFC 6376 §3.4.2, step by step."""
    name, _, value = field.partition(b":")
    name = name.lower()
    value = value.removesuffix(b"\r\n").replace(b"\r\n", b"")
    value = re.sub(rb"[ \t]+", b" ", value)
    return name.rstrip(b" \t") + b":" + value.strip(b" ") + b"\r\n"


def simple_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.3: empty lines at the end are ignored; no final CRLF, and one is added."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: white space at line ends goes, runs become one space, then empty lines at the end go."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and lines[-1] == b"":
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def canonical_body(body: bytes, c: str) -> bytes:
    return relaxed_body(body) if c.partition("/")[2] == "relaxed" else simple_body(body)


# --- signing ---------------------------------------------------------------------------------------------------------


def _joined(name: str, tags: Mapping[str, str | None], separator: str, head: str = "") -> bytes:
    return f"{name}: {head}{separator.join(f'{k}={v}' for k, v in tags.items() if v is not None)}".encode()


def _with_b(name: str, tags: dict[str, str | None], separator: str, signature: bytes, head: str = "") -> bytes:
    return _joined(name, tags | {"b": base64.b64encode(signature).decode()}, separator, head) + b"\r\n"


def _signed_data(message: bytes, own: bytes, h: str, c: str) -> bytes:
    """RFC 6376 §3.7: the fields of h= from the bottom up, then the signature field without its final CRLF."""
    left, data = split(message)[0], b""
    relaxed = c.partition("/")[0] == "relaxed"
    for name in h.lower().split(":"):
        for position in reversed(range(len(left))):
            if left[position].partition(b":")[0].rstrip(b" \t").lower() == name.strip().encode():
                field = left.pop(position)
                data += relaxed_header(field) if relaxed else field
                break
    own += b"\r\n"
    return data + (relaxed_header(own) if relaxed else own).removesuffix(b"\r\n")


def signature(
    message: bytes,
    *,
    name: str = "DKIM-Signature",
    by: str = "rsa2048-author",
    h: str = "from:to:subject:date",
    c: str = "relaxed/relaxed",
    separator: str = "; ",
    tags: Mapping[str, str | None] | None = None,
    head: str = "",
) -> bytes:
    """Return a signature field with its CRLF. `tags` come behind or replace the usual ones; None leaves one out.

    `head` is text that comes before all tags.
    """
    signer = key(by)
    own: dict[str, str | None] = {
        "v": "1", "a": f"{signer.kind}-sha256", "c": c, "d": "example.com", "s": "s1", "h": h, "bh": "", "b": "",
    }  # fmt: skip
    own |= tags or {}
    body = canonical_body(split(message)[1], c)
    if (length := own.get("l")) is not None and length.isdigit():
        body = body[: int(length)]
    if own["bh"] == "":
        own["bh"] = base64.b64encode(hashlib.sha256(body).digest()).decode()
    data = _signed_data(message, _joined(name, own, separator, head), h, c)
    return _with_b(name, own, separator, signer.sign(data), head)


def signed(message: bytes = MAIL, **arguments: Any) -> bytes:
    """Return the message with a signature on top."""
    return signature(message, **arguments) + message


def sealed(
    message: bytes,
    *,
    by: str = "rsa2048-list",
    domain: str = "lists.example.org",
    selector: str = "arc",
    results: str = "spf=pass",
    cv: str | None = None,
    h: str = "from:to:subject:date",
    c: str = "relaxed/relaxed",
    aar: str | None = None,
    ams: Mapping[str, str | None] | None = None,
    seal: Mapping[str, str | None] | None = None,
    head: str = "",
) -> bytes:
    """Return the message with one more ARC set on top (RFC 8617 §5.1).

    `ams` and `seal` change tags; `head` is text before them in both fields, and in the third if `aar` is None.
    """
    sets = arc_fields(message)
    i = len(sets) + 1
    first = aar if aar is not None else f"{head or f'i={i};'} {domain}; {results}"
    payload = f"ARC-Authentication-Results: {first}\r\n".encode()
    common: dict[str, str | None] = {"d": domain, "s": selector}
    message_signature = signature(
        message,
        name="ARC-Message-Signature",
        by=by,
        h=h,
        c=c,
        tags={"v": None, "i": None if head else str(i), **common, **(ams or {})},
        head=head,
    )
    data = b"".join(relaxed_header(field) for one in sets for field in one)
    data += relaxed_header(payload) + relaxed_header(message_signature)
    tags: dict[str, str | None] = {
        "i": None if head else str(i), "a": f"{key(by).kind}-sha256", "cv": cv or ("none" if i == 1 else "pass"),
        **common, "b": "",
    }  # fmt: skip
    tags |= seal or {}
    own = relaxed_header(_joined("ARC-Seal", tags, "; ", head) + b"\r\n").removesuffix(b"\r\n")
    return _with_b("ARC-Seal", tags, "; ", key(by).sign(data + own), head) + message_signature + payload + message


def arc_fields(message: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Return the sets of a message in their order: AAR, AMS, AS."""
    found: dict[tuple[int, bytes], bytes] = {}
    for field in split(message)[0]:
        name = field.partition(b":")[0].lower()
        if name.startswith(b"arc-") and (instance := re.search(rb"[:; ]i=([0-9]+)", field)):
            found[int(instance[1]), name] = field
    names = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
    return [
        (found[i, names[0]], found[i, names[1]], found[i, names[2]])
        for i in sorted({instance for instance, _ in found})
    ]
