"""The project's own messages: made by dkimpy, expectations from the RFCs, answers from the zone of each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.cases import FOLDER, compare

from mailauth import Connection, Message, aio, authenticate
from mailauth.resolvers import Zone
from mailauth.saved import from_received

CASES = json.loads((FOLDER / "cases.json").read_text())


def arguments(case: dict[str, Any]) -> tuple[Any, ...]:
    connection = Connection(ip=case["ip"], helo=case["helo"], mail_from=case["mail_from"])
    raw = (FOLDER / case["message"]).read_bytes()
    return raw, connection, Zone.load(FOLDER / case["zone"]), "mx.example.org", case["now"]


each_case = pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])


@each_case
def test_sync(case: dict[str, Any]) -> None:
    compare(authenticate(*arguments(case)), case["expect"])


@each_case
@pytest.mark.anyio
async def test_async(case: dict[str, Any]) -> None:
    found = await aio.authenticate(*arguments(case))
    compare(found, case["expect"])
    assert found == authenticate(*arguments(case))


@each_case
def test_the_field_says_what_the_outcomes_say(case: dict[str, Any]) -> None:
    field = authenticate(*arguments(case)).headers[0].value.replace("\r\n", "")
    expected = case["expect"]
    assert field.startswith("mx.example.org")
    for method in ("spf", "arc", "dmarc"):
        assert f"{method}={expected[method]}" in field
    results = [part.split("=")[1].split()[0] for part in field.split(";") if part.strip().startswith("dkim=")]
    assert results == (expected["dkim"] or ["none"])


@each_case
def test_the_connection_can_be_read_from_the_trace_fields(case: dict[str, Any]) -> None:
    found = from_received(Message.parse((FOLDER / case["message"]).read_bytes()))
    assert (found.ip, found.helo, found.mail_from) == (case["ip"], case["helo"], case["mail_from"])
    assert found.source == "received"
