"""One line an event, whatever its fields contain, and nothing personal unless asked for."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from support.sample import connection, simple, zone

from mailauth import Options
from mailauth.policy import Decision, Override
from mailauth.serve.judge import Judge
from mailauth.serve.log import Formatter, observer
from mailauth.testing import Zone

NASTY = 'a b="c"\r\nerror: forged line\x1b[31m\u2028\udc80\u202e'


def lines(
    fields: dict[str, Any], *, as_json: bool, message: str = "message judged", error: BaseException | None = None
) -> list[str]:
    """Return what is written for an event; nothing else may see it, because pytest could not pass it on."""
    raised = None if error is None else (type(error), error, None)
    logger = logging.getLogger("mailauth.test")
    record = logger.makeRecord(logger.name, logging.INFO, __file__, 1, message, (), raised, extra=fields)
    return Formatter(as_json=as_json).format(record).splitlines()


def test_a_line_of_text() -> None:
    fields = {"action": "reject", "dkim": ["pass", "fail"], "rule": "two words", "ms": 3, "missing": None}
    (line,) = lines(fields, as_json=False)
    assert line == 'info: message judged action=reject dkim=pass,fail rule="two words" ms=3'


def test_a_line_of_json() -> None:
    (line,) = lines({"action": "reject", "dkim": ["pass", "fail"], "missing": None}, as_json=True)
    found = json.loads(line)
    assert found.pop("time") > 0
    assert found == {"level": "info", "event": "message judged", "action": "reject", "dkim": ["pass", "fail"]}


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_stranger_wrote_stays_on_its_line(as_json: Any) -> None:
    (line,) = lines({"helo": NASTY, "list": [NASTY]}, as_json=as_json, message=NASTY)
    assert line.isprintable()
    line.encode()
    if as_json:
        # A lone surrogate is an escape: JSON text is to be valid UTF-8
        assert json.loads(line)["helo"] == NASTY.replace("\udc80", "\\udc80")


@pytest.mark.parametrize("as_json", [False, True])
def test_an_exception_is_on_the_line(as_json: Any) -> None:
    (line,) = lines({}, as_json=as_json, message="it failed", error=ValueError(NASTY))
    assert "ValueError" in line
    assert line.isprintable()


@pytest.mark.anyio
@pytest.mark.parametrize("personal", [False, True])
async def test_what_is_logged_of_a_message(caplog: pytest.LogCaptureFixture, personal: Any) -> None:
    caplog.set_level(logging.INFO, "mailauth")

    async def decide(*_: object) -> Decision:
        return Decision(rule="mine", detail="for anna@example.com", override=Override("other"), missed=("tls",))

    judge = Judge(
        decide,
        resolver=Zone(zone()),
        authserv_id="mx.example.org",
        options=Options(checks=frozenset({"spf", "dkim", "dmarc"})),
        observers=[observer(personal=personal)],
    )
    raw = simple()
    await judge(raw, connection())
    (line,) = (Formatter(as_json=True).format(record) for record in caplog.records)
    found = json.loads(line)
    assert found["action"] == "accept"
    assert found["rule"] == "mine"
    assert found["author_domain"] == "example.com"
    assert (found["spf"], found["spf_helo"], found["dkim"], found["dmarc"]) == (["pass"], ["pass"], ["pass"], ["pass"])
    assert (found["missed"], found["override"], found["octets"]) == (["tls"], "other", len(raw))
    assert found["questions"] > 3
    told = {"ip": "192.0.2.3", "helo": "mx.example.com", "mail_from": "anna@example.com"}
    assert {name: found.get(name) for name in told} == (told if personal else dict.fromkeys(told))
    assert ("anna" in line) is personal
