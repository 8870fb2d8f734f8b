"""The posture of our own domains over a real DNS server, in each way to ask it: the same as from the zone file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.resolving import each_way, resolver, run
from support.servers import master_file, nsd

from mailauth import aio
from mailauth import run as drive
from mailauth.posture import examine
from mailauth.testing import Zone

DOMAINS = Path(__file__).resolve().parents[2] / "testdata" / "domains"
NAMES = ["good.example", "typical.example", "broken.example", "parked.example", "bare.example", "gone.example"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    zone = json.loads((DOMAINS / "all.json").read_text())["zone"]
    with nsd(tmp_path_factory.mktemp("nsd"), {".": master_file(zone)}) as port:
        yield port


@each_way
@pytest.mark.parametrize("name", NAMES)
def test_a_real_server_gives_the_same(way: str, name: str, port: int) -> None:
    if (way, name) == ("c-ares", "broken.example"):
        pytest.skip("c-ares does not report the alias of a selector that leads nowhere")

    async def work(asked: Any) -> Any:
        return await aio.run(examine(name), asked)

    found = run(way, resolver(way, port), lambda asked: drive(examine(name), asked), work)
    assert found == drive(examine(name), Zone.load(DOMAINS / "all.json"))
