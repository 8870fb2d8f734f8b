"""The project's own messages over nsd, and through unbound: the verdicts are those of `cases.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.cases import FOLDER, compare
from support.resolving import each_way, resolver, verify
from support.servers import master_file, merged, nsd, unbound

from mailauth import Connection, authenticate
from mailauth.resolvers import Zone

# a zone with fault words has no place in a master file
CASES = {
    case["name"]: case for case in json.loads((FOLDER / "cases.json").read_text()) if case["name"] != "dns-trouble"
}
ZONES = {name: json.loads((FOLDER / case["zone"]).read_text())["zone"] for name, case in CASES.items()}
GROUPS = merged(ZONES.values())


@pytest.fixture(scope="module", params=["nsd", "unbound"])
def ports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """One server for each group of zones that agree with each other."""
    with ExitStack() as stack:
        found = []
        for zone in GROUPS:
            directory = tmp_path_factory.mktemp("dns")
            port = stack.enter_context(nsd(directory / "nsd", {".": master_file(zone)}))
            if request.param == "unbound":
                port = stack.enter_context(unbound(directory / "unbound", port))
            found.append(port)
        yield found


def group_of(name: str) -> int:
    return next(n for n, group in enumerate(GROUPS) if group.items() >= ZONES[name].items())


@each_way
@pytest.mark.parametrize("name", CASES)
def test_every_message(ports: list[int], name: str, way: str) -> None:
    case, group = CASES[name], group_of(name)
    raw = (FOLDER / case["message"]).read_bytes()
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mail_from"])
    found = verify(way, resolver(way, ports[group]), raw, connection, case["now"])
    compare(found, case["expect"])
    # and nothing at all differs from what the same records say offline
    offline = authenticate(raw, connection, Zone(GROUPS[group]), "mx.example.org", case["now"])
    for part in ("spf", "helo_spf", "dkim", "arc", "dmarc", "iprev", "headers", "forged", "rounds"):
        assert getattr(found, part) == getattr(offline, part), part
    for (question, answer), (same, expected) in zip(found.dns, offline.dns, strict=True):
        assert question == same
        assert answer.status == expected.status, question
        assert sorted(answer.records) == sorted(expected.records), question
        assert answer.cnames == expected.cnames
