"""The server that the resolvers here ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unit.resolvers.dns_server import serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as number:
        yield number
