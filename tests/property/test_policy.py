"""What holds for every decision, whatever the message, the connection, DNS and the rules."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.signing import NOW
from support.strategies import DOMAINS, connections, messages, options, zones

from mailauth import Connection, Disposition, Options, authenticate
from mailauth.policy import POINTS, PRESETS, Decision, Rules, decide, one_click
from mailauth.testing import Zone

NAMES = [domain for domain in DOMAINS if "." in domain]
CLIENTS = st.frozensets(st.sampled_from(["192.0.2.0/24", "198.51.100.77", "2001:db8::/32"]), max_size=2)
rules = st.builds(
    Rules,
    reject=st.sampled_from(["advice", "never", "always"]),
    no_author=st.sampled_from(["advice", "quarantine", "reject"]),
    temperror=st.sampled_from(["defer", "accept"]),
    permerror=st.sampled_from(["accept", "quarantine"]),
    local=CLIENTS,
    forwarders=st.one_of(CLIENTS, st.frozensets(st.sampled_from(NAMES), max_size=2)),
    lists=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=2),
    domains=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["quarantine", "reject"]), max_size=2),
    requirements=st.one_of(st.sampled_from(sorted(PRESETS)), st.frozensets(st.sampled_from(POINTS))),
    missed=st.sampled_from(["note", "quarantine", "reject"]),
    encrypted=st.sampled_from(["accept", "quarantine", "reject"]),
)


@given(raw=messages, connection=connections, zone=zones(), chosen=options, rules=rules, guess=st.booleans())
def test_any_decision(
    raw: bytes,
    connection: Connection,
    zone: Any,
    chosen: Options,
    rules: Rules,
    guess: bool,  # noqa: FBT001
) -> None:
    if guess:
        connection = dataclasses.replace(connection, source="received")
    auth = authenticate(raw, connection, Zone(zone), "mx.example.org", NOW, options=chosen)
    found = decide(auth, rules, message=raw)
    assert isinstance(found, Decision)
    assert json.dumps(found.to_dict())
    assert found.detail.isprintable()
    # a reply where one is needed, in the class of the action
    expected = {Disposition.REJECT: 550, Disposition.DEFER: 451}.get(found.action)
    assert (found.reply.code if found.reply else None) == expected
    assert len(str(found.reply)) <= 510
    assert str(found.reply).isascii()
    assert bool(found.folder) is (found.action is Disposition.QUARANTINE)
    assert found.action is not Disposition.REJECT or (connection.address is not None and not guess)
    assert set(found.missed) <= set(rules.points)
    if found.rule == "local":
        assert found.apply(raw) == raw
    else:
        assert found.apply(raw) == auth.apply(raw)
    # what passes is held back by requirements alone, and a fail is excused by an exception alone
    dmarc = auth.dmarc
    if dmarc is not None and found.rule not in {"local", "sealer", "forwarder", "list"}:
        if dmarc.result == "pass":
            assert found.rule in {"pass", "requirements", "encrypted"}
        if dmarc.result == "fail" and dmarc.policy in {"quarantine", "reject"}:
            assert found.action in {Disposition.QUARANTINE, Disposition.REJECT}
    uri = one_click(raw, auth)
    assert uri is None or (uri.isascii() and uri.isprintable() and uri[:8].lower() == "https://")
