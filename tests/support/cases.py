"""What `testdata/messages/cases.json` expects of the project's own messages."""

from __future__ import annotations

from typing import Any

from mailauth import Authentication
from support.signing import TESTDATA

FOLDER = TESTDATA / "messages"


def compare(found: Authentication, expected: dict[str, Any]) -> None:
    assert found.spf is not None
    assert found.arc is not None
    assert found.dmarc is not None
    got: dict[str, Any] = {
        "spf": found.spf.result,
        "dkim": [o.result for o in found.dkim],
        "arc": found.arc.result,
        "dmarc": found.dmarc.result,
        "policy": found.dmarc.policy,
        "disposition": found.dmarc.disposition,
        "forged": list(found.forged),
        "instances": found.arc.instances,
        "oldest_pass": found.arc.oldest_pass,
    }
    assert {name: got[name] for name in expected if name != "why"} == {k: v for k, v in expected.items() if k != "why"}
