"""One line an event, whatever its fields contain, and nothing personal unless asked for."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from support.sample import connection, simple, zone

from mailauth import Options
from mailauth.policy import Decision, Override
from mailauth.serve.judge import Judge
from mailauth.serve.log import Formatter, observer
from mailauth.testing import Zone

NASTY = 'a b="c"\r\nerror: forged line\x1b[31m\u2028\udc80\u202e'


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    logger = logging.getLogger("mailauth")
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    # pytest itself could not pass these lines on
    logger.propagate = False
    yield output
    logger.removeHandler(handler)
    logger.setLevel(before)
    logger.propagate = True


def lines(output: io.StringIO, *, as_json: bool, fields: dict[str, Any], message: str = "message judged") -> list[str]:
    (handler,) = (h for h in logging.getLogger("mailauth").handlers if getattr(h, "stream", None) is output)
    handler.setFormatter(Formatter(as_json=as_json))
    logging.getLogger("mailauth.test").info(message, extra=fields)
    return output.getvalue().splitlines()


def test_a_line_of_text(logged: io.StringIO) -> None:
    fields = {"action": "reject", "dkim": ["pass", "fail"], "rule": "two words", "ms": 3, "missing": None}
    (line,) = lines(logged, as_json=False, fields=fields)
    assert line == 'info: message judged action=reject dkim=pass,fail rule="two words" ms=3'


def test_a_line_of_json(logged: io.StringIO) -> None:
    (line,) = lines(logged, as_json=True, fields={"action": "reject", "dkim": ["pass", "fail"], "missing": None})
    found = json.loads(line)
    assert found.pop("time") > 0
    assert found == {"level": "info", "event": "message judged", "action": "reject", "dkim": ["pass", "fail"]}


@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_stranger_wrote_stays_on_its_line(logged: io.StringIO, as_json: Any) -> None:
    (line,) = lines(logged, as_json=as_json, fields={"helo": NASTY, "list": [NASTY]}, message=NASTY)
    assert line.isprintable()
    line.encode()
    if as_json:
        # A lone surrogate is an escape: JSON text is to be valid UTF-8
        assert json.loads(line)["helo"] == NASTY.replace("\udc80", "\\udc80")


@pytest.mark.parametrize("as_json", [False, True])
def test_an_exception_is_on_the_line(logged: io.StringIO, as_json: Any) -> None:
    (handler,) = (h for h in logging.getLogger("mailauth").handlers if getattr(h, "stream", None) is logged)
    handler.setFormatter(Formatter(as_json=as_json))
    logging.getLogger("mailauth.test").error("it failed", exc_info=ValueError(NASTY))
    (line,) = logged.getvalue().splitlines()
    assert "ValueError" in line
    assert line.isprintable()


@pytest.mark.anyio
@pytest.mark.parametrize("personal", [False, True])
async def test_what_is_logged_of_a_message(logged: io.StringIO, personal: Any) -> None:
    (handler,) = (h for h in logging.getLogger("mailauth").handlers if getattr(h, "stream", None) is logged)
    handler.setFormatter(Formatter(as_json=True))

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
    found = json.loads(logged.getvalue())
    assert found["action"] == "accept"
    assert found["rule"] == "mine"
    assert found["author_domain"] == "example.com"
    assert (found["spf"], found["spf_helo"], found["dkim"], found["dmarc"]) == (["pass"], ["pass"], ["pass"], ["pass"])
    assert (found["missed"], found["override"], found["octets"]) == (["tls"], "other", len(raw))
    assert found["questions"] > 3
    told = {"ip": "192.0.2.3", "helo": "mx.example.com", "mail_from": "anna@example.com"}
    assert {name: found.get(name) for name in told} == (told if personal else dict.fromkeys(told))
    assert ("anna" in logged.getvalue()) is personal
