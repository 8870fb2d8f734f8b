"""What holds for any message, any connection and any DNS."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from support.signing import NOW
from support.strategies import connections, messages, options, zones

from mailauth import Authentication, Connection, Options, Question, aio, authenticate, authres
from mailauth.testing import Faults, Zone

WORDS = {
    "spf": {"none", "pass", "fail", "softfail", "neutral", "temperror", "permerror"},
    "dkim": {"pass", "fail", "policy", "neutral", "temperror", "permerror"},
    "arc": {"none", "pass", "fail"},
    "dmarc": {"none", "pass", "fail", "temperror", "permerror"},
    "iprev": {"pass", "fail", "temperror", "permerror"},
}


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
