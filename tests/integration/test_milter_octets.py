"""Real mail servers and the milter leave the octets of a message alone, but for the named rules of each server.

`python tests/benchmarks/milter_octets.py` does the same with ten thousand messages.
"""

from __future__ import annotations

import pytest

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")

from support.mailservers import postfix, sendmail
from support.milter_octets import Server, compare


@pytest.mark.parametrize("server", [postfix, sendmail])
def test_the_octets_of_150_messages(server: Server) -> None:
    found = compare(server, range(150))
    assert found.differences == []
    # Most are not touched by the server, so the test tests something
    assert found.verified > 60
