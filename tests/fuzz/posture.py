"""The posture of a domain whose DNS comes from the input: nothing raises, nothing is asked without bound, all is shown.

The input is two parts with `BETWEEN` between them: the tricks of the resolver, and records of the zone, as of
`endtoend`. The domain is example.com.
"""

from __future__ import annotations

import json
from typing import Any

from support.page import FORBIDDEN, read

from fuzz.endtoend import BETWEEN, SUFFIXES, Hostile, Waiting, stepped
from mailauth import Context, Options, Question, aio, dmarc, run, spf
from mailauth.posture import examine
from mailauth.posture.html import as_html
from mailauth.posture.text import as_text

MOST = 500  # questions
CONTEXT = Context(options=Options(public_suffix_list=SUFFIXES))


class _Counting(Hostile):
    asked = 0

    def resolve(self, questions: tuple[Question, ...]) -> Any:
        self.asked += len(questions)
        return super().resolve(questions)


def posture(data: bytes) -> None:
    """Examine once with and once without coroutines, and hold what is said to the invariants."""
    tricks, _, zone = data.partition(BETWEEN)
    resolver = _Counting(zone, tricks)
    found = run(examine("example.com", selectors=["s1"], context=CONTEXT), resolver)
    assert resolver.asked <= MOST
    again = stepped(aio.run(examine("example.com", selectors=["s1"], context=CONTEXT), Waiting(zone, tricks)))
    assert again == found
    json.dumps(found.to_dict()).encode()
    assert FORBIDDEN.search(as_text(found)) is None
    read(as_html([found]))
    # A resolver that answers nothing makes no finding
    assert resolver.honest or not found.findings or found.mx.exists is not None
    assert found.rating.points == max(0, 100 - sum(points for _, points in found.rating.deductions))
    for finding in found.findings:
        assert finding.detail.isprintable()
        assert all(each.isascii() and each.isprintable() for each in finding.evidence)
        for fix in finding.fix:
            if fix.text.startswith("v=spf1"):
                spf.parse(fix.text.encode())
            elif fix.text.startswith("v=DMARC1"):
                assert dmarc.parse(fix.text.encode()) is not None
