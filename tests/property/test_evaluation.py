"""What holds for any message, any connection and any DNS."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import pickle
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from unit.signing import NOW

from mailauth import Authentication, Connection, Options, Question, Result, aio, authenticate, authres
from mailauth.testing import Faults, Zone
from property.strategies import SEALED, SIGNED, helos, ips, messages, senders, zones

WORDS = {
    "spf": {"none", "pass", "fail", "softfail", "neutral", "temperror", "permerror"},
    "dkim": {"pass", "fail", "policy", "neutral", "temperror", "permerror"},
    "arc": {"none", "pass", "fail"},
    "dmarc": {"none", "pass", "fail", "temperror", "permerror"},
    "iprev": {"pass", "fail", "temperror", "permerror"},
}

options = st.builds(
    Options,
    strict=st.booleans(),
    mode=st.sampled_from(["rfc9989", "rfc7489"]),
    allow_partial_body=st.booleans(),
    received_spf=st.booleans(),
    enforce_reject=st.booleans(),
    trusted_sealers=st.just(frozenset({"lists.example.org"})),
)
connections = st.builds(Connection, ip=ips, helo=helos, mail_from=senders)


def check(raw: bytes, connection: Connection | None, zone: Any, chosen: Options | None = None) -> Authentication:
    return authenticate(raw, connection, zone, "mx.example.org", NOW, options=chosen)


# RFC 6376 §6; RFC 7208 §4
@given(raw=messages, connection=connections, zone=zones(), chosen=options)
def test_any_message_over_any_dns(raw: bytes, connection: Connection, zone: Any, chosen: Options) -> None:
    found = check(raw, connection, Zone(zone), chosen)
    data = json.loads(json.dumps(found.to_dict()))
    for method, words in WORDS.items():
        for outcome in data[method] if method == "dkim" else [data[method]]:
            assert outcome is None or outcome["result"] in words
    dmarc = data["dmarc"]
    # a pass is a pass of one author and of something that is aligned
    if dmarc["result"] == "pass":
        assert dmarc["author_domain"]
        passed = {"dkim": [d["result"] for d in data["dkim"]], "spf": [data["spf"]["result"]]}
        assert dmarc["aligned"]
        assert all("pass" in passed[mechanism] for mechanism in dmarc["aligned"])
    assert dmarc["disposition"] in {"accept", "quarantine", "reject", "defer"}
    assert dmarc["disposition"] != "reject" or chosen.enforce_reject
    assert len(found.dns) <= 100
    assert pickle.loads(pickle.dumps(found)) == found
    # what we write is one field that reads back as the outcomes
    read = authres.parse(found.headers[0])
    assert (read.authserv_id, read.problems) == ("mx.example.org", ())
    assert [r.result for r in read.results if r.method == "dmarc"] == [dmarc["result"]]
    assert [r.result for r in read.results if r.method == "dkim"] == ([d["result"] for d in data["dkim"]] or ["none"])
    for header in found.headers:
        assert not [c for c in header.replace("\r\n\t", "") if c < " " or c == "\x7f"]
    # nothing but forged fields goes
    applied = found.apply(raw)
    line_end = b"\n" if found.normalised else b"\r\n"
    ours = b"".join(h.encode().replace(b"\r\n", line_end) + line_end for h in found.headers)
    assert applied.startswith(ours)
    assert found.forged or applied == ours + raw


@given(raw=messages, connection=connections, zone=zones(), chosen=options)
def test_equal_inputs_equal_outputs_with_and_without_a_loop(
    raw: bytes, connection: Connection, zone: Any, chosen: Options
) -> None:
    first = check(raw, connection, Zone(zone), chosen)
    assert check(raw, connection, Zone(zone), chosen) == first
    assert check(bytes(bytearray(raw)), pickle.loads(pickle.dumps(connection)), Zone(zone), chosen) == first

    class Async:
        async def resolve(self, questions: tuple[Question, ...]) -> Any:
            await asyncio.sleep(0)
            return Zone(zone).resolve(questions)

    assert asyncio.run(aio.authenticate(raw, connection, Async(), "mx.example.org", NOW, options=chosen)) == first


signed = st.sampled_from([SIGNED, SEALED])
good_senders = st.sampled_from([None, "anna@example.com", "x@a.example.com", "x@example.net", ""])


@st.composite
def junk(draw: Any) -> bytes:
    """Signatures that are worth nothing, whoever they claim to be of."""
    fields = b""
    for n in range(draw(st.integers(1, 25))):
        domain = draw(st.sampled_from(["evil.example", "example.net", "example.com", "a.example.com"]))
        bh = base64.b64encode(hashlib.sha256(b"junk").digest()).decode()
        broken = draw(st.sampled_from(["", "v=1; ", "a=rsa-sha1; ", "l=5; "]))
        tags = f"v=1; a=rsa-sha256; d={domain}; s=j{n}; h=from; bh={bh}; b=AAAA"
        fields += f"DKIM-Signature: {broken}{tags}\r\n".encode()
    return fields


@given(raw=signed, mail_from=good_senders, zone=zones(), fields=junk())
def test_junk_signatures_change_no_verdict(raw: bytes, mail_from: str | None, zone: Any, fields: bytes) -> None:
    connection = Connection(ip="192.0.2.3", helo="example.com", mail_from=mail_from)
    before, after = check(raw, connection, Zone(zone)).dmarc, check(fields + raw, connection, Zone(zone)).dmarc
    assert before is not None
    assert after is not None
    assert after.result == before.result
    assert (after.policy, after.aligned, after.disposition) == (before.policy, before.aligned, before.disposition)


def passes(found: Authentication) -> dict[str, bool]:
    data = found.to_dict()
    alone = {
        name: data[name]["result"] == "pass" for name in ("spf", "helo_spf", "arc", "dmarc", "iprev") if data[name]
    }
    return alone | {f"dkim {d['index']}": d["result"] == "pass" for d in data["dkim"]}


@given(raw=messages, connection=connections, zone=zones(), chosen=options, data=st.data())
def test_trouble_never_makes_a_pass(raw: bytes, connection: Connection, zone: Any, chosen: Options, data: Any) -> None:
    # RFC 7208 §5.5 wants it otherwise for ptr: a name that cannot be found does not match, and the next term may
    assume("ptr" not in json.dumps(zone))
    assume("%{p}" not in json.dumps(zone))
    before = check(raw, connection, Zone(zone), chosen)
    assume(before.dns)
    questions = data.draw(st.sets(st.sampled_from([q for q, _ in before.dns]), min_size=1, max_size=3))
    word = data.draw(st.sampled_from(["SERVFAIL", "TIMEOUT"]))
    after = check(raw, connection, Faults(Zone(zone), {tuple(q): word for q in questions}), chosen)
    was = passes(before)
    assert not [name for name, now in passes(after).items() if now and not was.get(name)]


changed = [raw.replace(*pair) for raw in (SIGNED, SEALED) for pair in ((b"Robin", b"Rupert"), (b"Two", b"A hundred"))]


@given(
    raw=st.sampled_from(changed), zone=zones(), position=st.integers(0, 4000), octet=st.binary(min_size=1, max_size=1)
)
def test_one_more_octet_makes_no_pass(raw: bytes, zone: Any, position: int, octet: bytes) -> None:
    position %= len(raw) + 1
    found = check(raw[:position] + octet + raw[position:], None, Zone(zone))
    assert Result.PASS not in {d.result for d in found.dkim}
    assert found.dmarc is not None
    assert found.dmarc.result is not Result.PASS
