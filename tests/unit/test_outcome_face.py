"""A new outcome is written, shown and told without a change anywhere else: all go through `Authentication.outcomes`."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import ClassVar

import pytest
from support.outcomes import NAMES, replaced
from support.signing import NOW, key_zone, signed

from mailauth import Connection, Reason, Result, authenticate
from mailauth.authres import MethodResult, parse, write_outcomes
from mailauth.cli.render import rows
from mailauth.explain import as_text, tell
from mailauth.explain.html import as_html
from mailauth.results import Outcome
from mailauth.testing import Zone

CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.org", mail_from="a@example.com")
FOUND = authenticate(signed(), CONNECTION, Zone(key_zone()), "mx.example.org", NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lottery(Outcome):
    """A check that does not exist."""

    method: ClassVar[str] = "x-lottery"

    result: Result
    reason: Reason
    detail: str
    numbers: tuple[int, ...]
    name: str

    @property
    def subject(self) -> str:
        return self.name

    def rows(self, connection: Connection) -> tuple[MethodResult, ...]:
        return (
            self._row(("policy", "numbers", "-".join(map(str, self.numbers))), ("policy", "ip", str(connection.ip))),
        )


LOTTERY = Lottery(
    result=Result.FAIL, reason=Reason.IPREV_NO_MATCH, detail="no luck", numbers=(4, 8, 15), name="win.example"
)
WITH_IT = dataclasses.replace(FOUND, outcomes=(*FOUND.outcomes, LOTTERY))


def test_the_header_field_has_it() -> None:
    field = write_outcomes("mx.example.org", WITH_IT.outcomes, CONNECTION)
    *others, last = parse(field).results
    assert (last.method, last.result, last.reason) == ("x-lottery", "fail", "iprev_no_match")
    assert (last.get("policy.numbers"), last.get("policy.ip")) == ("4-8-15", "192.0.2.3")
    assert others == list(parse(write_outcomes("mx.example.org", FOUND.outcomes, CONNECTION)).results)


def test_the_table_has_it() -> None:
    assert rows(WITH_IT) == [*rows(FOUND), ("x-lottery", "fail", "win.example", "no luck")]


def test_the_story_and_the_page_have_it() -> None:
    story = tell(WITH_IT)
    assert (story.steps[-1].check, story.steps[-1].subject, story.steps[-1].result) == (
        "x-lottery", "win.example", "fail",
    )  # fmt: skip
    assert story.steps[:-1] == tell(FOUND).steps
    assert "x-lottery win.example: fail" in as_text(story)
    assert "no luck" in as_html(story, WITH_IT)


def test_the_json_object_has_it() -> None:
    data = WITH_IT.to_dict()
    assert data.pop("x-lottery") == {
        "result": "fail", "reason": "iprev_no_match", "detail": "no luck", "numbers": [4, 8, 15], "name": "win.example",
    }  # fmt: skip
    assert data == FOUND.to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_checked_has_its_key_all_the_same(name: str) -> None:
    nothing = dataclasses.replace(FOUND, outcomes=())
    assert getattr(nothing, name) == (() if name == "dkim" else None)
    assert nothing.to_dict()[name] == ([] if name == "dkim" else None)
    if name != "dkim":
        assert getattr(replaced(FOUND, **{name: None}), name) is None


def test_an_unsigned_message_has_an_outcome_that_is_not_a_signature() -> None:
    found = authenticate(b"From: a@example.com\r\n\r\n", CONNECTION, Zone({}), "mx.example.org", NOW)
    (outcome,) = [each for each in found.outcomes if each.method == "dkim"]
    assert (outcome.result, outcome.reason, outcome.subject) == ("none", "dkim_none", "")
    assert found.dkim == ()
    assert "dkim=none" in found.headers[0]
    assert found.to_dict()["dkim"] == []


@pytest.mark.parametrize("unit", [b"; a=b", b"; a=b c.d=e", b"(x)", b";", b'"'])
def test_the_json_of_hostile_payloads_is_bounded(unit: bytes) -> None:
    raw = signed()
    for i in range(1, 11):
        payload = (unit * 16_000)[:15_900]
        raw = (
            b"ARC-Seal: i=%d; a=rsa-sha256; cv=%s; d=e.example; s=s; b=AAAA\r\n" % (i, b"pass" if i > 1 else b"none")
            + b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=e.example; s=s; h=from; bh=AAAA; b=AAAA\r\n" % i
            + b"ARC-Authentication-Results: i=%d; x.example%s\r\n" % (i, payload)
            + raw
        )
    found = authenticate(raw, CONNECTION, Zone({}), "mx.example.org", NOW)
    assert found.arc is not None
    assert len(found.arc.payloads) == 10
    assert len(json.dumps(found.to_dict())) < 8 * len(raw)


def test_signatures_are_collected_once() -> None:
    # A filter may look at each by its number
    assert FOUND.dkim is FOUND.dkim
    assert dataclasses.replace(FOUND, outcomes=()).dkim == ()


def test_a_row_that_cannot_be_written_is_left_out_of_any_field() -> None:
    class Odd(Lottery):
        method: ClassVar[str] = "x_y"

    odd = Odd(**{name: getattr(LOTTERY, name) for name in ("result", "reason", "detail", "numbers", "name")})
    many = [*[LOTTERY] * 200, odd]
    field = write_outcomes("mx.example.org", many, CONNECTION, max_bytes=2000)
    assert 0 < len(parse(field).results) < 200
    assert "x_y" not in field
