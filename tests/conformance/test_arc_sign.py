"""ARC: the ValiMail suite of sealing.

Where our sets differ from those of the suite, by design:

| tag | the suite | ours |
|---|---|---|
| order | sorted by name | i= comes first, as RFC 8617 §4.1.2 and §4.1.3 have it, so that b= cannot be equal |
| b= | made with a key of 1024 bits | refused (RFC 8301 §3.2): b= is verified instead, with another key |
| h= | the fields that are named | the same with `oversign=[]`; by default some names are there once more |
| results | all Authentication-Results of one server, merged | one field: here the caller merges them, with `authres` |
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from support.signing import key
from support.suites import Case, each, message_path, zone_data

from mailauth import HeaderField, Message, Result, arc, authres, dkim, run
from mailauth.arc.outcome import ArcOutcome
from mailauth.message.edit import edited
from mailauth.testing import Zone

SIGNER = dkim.Signer("example.org", "dummy", key("rsa2048-list").private)


class Arrived(NamedTuple):
    headers: tuple[HeaderField, ...]
    arc: ArcOutcome


def tags(text: str) -> dict[str, str]:
    """Return a tag list without its signature and without white space."""
    specs = (spec.partition("=") for spec in re.sub(r"\s+", "", text).split(";"))
    return {name: value for name, _, value in specs if name != "b"}


def on_arrival(case: Case, message: Message) -> Arrived:
    server = case["srv_id"]
    fields = [authres.parse(message.fields[position]) for position in message.find(b"authentication-results")]
    merged = [result for field in fields if field.authserv_id == server for result in field.results]
    chain = run(arc.verify(message), Zone(zone_data(case["zone"])))
    return Arrived((authres.write(server, merged),), chain)


# RFC 8617 §5.1
@pytest.mark.parametrize("case", each("arc-sign"))
def test_sealing(case: Case) -> None:
    raw, expected = message_path(case).read_bytes(), case["expect"]
    found = on_arrival(case, Message.parse(raw))
    fields = arc.seal(raw, found, SIGNER, headers=case["sig_headers"].split(":"), oversign=[], now=case["t"])
    if not expected["AS"]:
        assert fields == ()
        return
    seal, signature, payload = fields
    assert tags(seal.value) == tags(expected["AS"])
    assert tags(signature.value) == tags(expected["AMS"])
    own, wanted = authres.parse(payload), authres.parse(f"ARC-Authentication-Results: {expected['AAR'].strip()}")
    assert (own.instance, own.authserv_id, own.results) == (wanted.instance, wanted.authserv_id, wanted.results)
    # Both keys are published at one name
    zone = zone_data(case["zone"])
    zone[SIGNER.name]["TXT"].append(SIGNER.record)
    after = run(arc.verify(Message.parse(edited(raw, fields))), Zone(zone))
    assert after.result is (Result.FAIL if tags(seal.value)["cv"] == "fail" else Result.PASS)
