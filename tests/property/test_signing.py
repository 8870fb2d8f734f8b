"""Whatever is signed or sealed verifies, and no signed octet can be changed."""

from __future__ import annotations

from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st
from support.ownmail import own_message
from support.signing import canonical_body, key, relaxed_header, split

from mailauth import Authentication, Message, Result, arc, authenticate, authres, dkim, run
from mailauth.dkim import Signer
from mailauth.message.edit import edited
from mailauth.testing import Zone

SIGNERS = {name: Signer("example.com", name, key(name).private) for name in ("rsa2048-author", "ed25519-author")}
SEALER = Signer("lists.example.org", "arc", key("rsa2048-list").private)
ZONE = Zone({signer.name: {"TXT": [signer.record]} for signer in (*SIGNERS.values(), SEALER)})
CANONICAL = ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]

randoms = st.integers(0, 2**32).map(Random)
messages = randoms.map(own_message)
signers = st.sampled_from([*SIGNERS])
canonicalizations = st.sampled_from(CANONICAL)


def result(raw: bytes) -> Result:
    return run(dkim.verify(Message.parse(raw)), ZONE)[0].result


# RFC 6376 §3.4, §3.7, §5
@given(raw=messages, signer=signers, c=canonicalizations, line_feeds=st.booleans())
def test_what_is_signed_verifies(raw: bytes, signer: str, c: str, *, line_feeds: bool) -> None:
    if line_feeds:
        raw = raw.replace(b"\r\n", b"\n")
    field = dkim.sign(raw, SIGNERS[signer], canonicalization=c)
    final = edited(raw, [field])
    assert result(final) is Result.PASS
    assert final.endswith(raw)
    assert max(map(len, field.split("\r\n"))) <= 78


def canonical(raw: bytes, c: str, names: list[bytes]) -> tuple[list[bytes], bytes]:
    """Return what a signature over these fields covers: by plain code that shares none of ours."""
    fields, body = split(raw)
    covered = [field for field in fields if field.partition(b":")[0].rstrip(b" \t").lower() in names]
    return [*map(relaxed_header, covered)] if c.startswith("relaxed") else covered, canonical_body(body, c)


# RFC 6376 §3.7
@given(raw=messages, signer=signers, c=canonicalizations, random=randoms)
def test_no_signed_octet_can_be_changed(raw: bytes, signer: str, c: str, random: Random) -> None:
    field = dkim.sign(raw, SIGNERS[signer], canonicalization=c)
    names = field.partition("h=")[2].partition(";")[0].replace("\r\n\t", "").encode().split(b":")
    position = random.randrange(len(raw))
    changed = raw[:position] + random.choice((b"", b"q", b" ", b"\r\n")) + raw[position + random.randrange(2) :]
    # Bare line feeds throughout are the CRLF of transit
    message = Message.parse(changed)
    # Nothing is believed of a header that two readers read differently: there, a line without a colon may be a field
    assume(not message.problems)
    changed = message.raw
    same = canonical(changed, c, names) == canonical(raw, c, names)
    assert (result(field.encode() + b"\r\n" + changed) is Result.PASS) is same


def arrived(raw: bytes) -> Authentication:
    return authenticate(raw, None, ZONE, "lists.example.org", 0)


# RFC 8617 §5.1, §5.2
@given(raw=messages, hops=st.integers(1, 3), random=randoms)
def test_what_is_sealed_validates(raw: bytes, hops: int, random: Random) -> None:
    for hop in range(1, hops + 1):
        found = arrived(raw)
        if random.random() < 0.5:
            # As a list does
            raw = b"List-Id: <x.lists.example.org>\r\n" + raw + b"\r\nfooter\r\n"
        fields = arc.seal(raw, found, SEALER)
        raw = edited(raw, fields)
        chain = arrived(raw).arc
        assert chain is not None
        assert (chain.result, chain.instances) == (Result.PASS, hop)
        assert chain.payloads[-1].results == authres.parse(found.headers[0].encode()).results
