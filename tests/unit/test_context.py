"""The context of a check: what it refuses, and what it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from support.signing import NOW, key_zone, signed

import mailauth
from mailauth import Connection, Context, Limits, Message, Options, UsageError, arc, dkim, dmarc, iprev, run, spf
from mailauth.testing import Zone

CONNECTION = Connection(ip="192.0.2.3", helo="mx.example.org", mail_from="a@example.com")
MESSAGE = Message.parse(signed())
CHECKS: list[Callable[[Any], Any]] = [
    lambda context: spf.check(CONNECTION, context),
    lambda context: dkim.verify(MESSAGE, context),
    lambda context: arc.verify(MESSAGE, context),
    lambda context: dmarc.check("example.com", context),
    lambda context: iprev.check(ip_address("192.0.2.3"), context),
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("wrong", [Limits(), Options(), "helo", NOW, run])
def test_another_object_in_its_place_is_named(check: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"context must be a mailauth\.Context\(.*, not "):
        run(check(wrong), Zone({}))


@pytest.mark.parametrize("check", CHECKS)
def test_no_context_is_one_of_defaults(check: Callable[[Any], Any]) -> None:
    zone = Zone(key_zone())
    assert run(check(None), zone) == run(check(Context()), zone)


@pytest.mark.parametrize("given", [{"limits": None}, {"limits": Options()}, {"options": None}, {"options": Limits()}])
def test_limits_and_options_of_another_type_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"Context\(\w+=…\) must be a mailauth\.\w+, not \w+; leave it out"):
        Context(**given)


@pytest.mark.parametrize("now", ["yesterday", datetime(2026, 1, 1), True, 10**30])  # noqa: DTZ001
def test_an_invalid_time_is_refused(now: Any) -> None:
    with pytest.raises(UsageError, match="give "):
        Context(now=now)


def test_times_are_equal_however_they_are_given() -> None:
    assert Context(now=datetime.fromtimestamp(NOW, UTC)).timestamp == Context(now=NOW).timestamp == NOW
    assert Context().timestamp is None


def test_one_without_uses_serves_many_messages_and_remembers_none() -> None:
    context = Context(now=NOW)
    for _ in range(3):
        run(dkim.verify(MESSAGE, context), Zone(key_zone()))
    assert context == Context(now=NOW)
    assert context.uses is None


def test_uses_are_taken_in_order() -> None:
    context = Context(now=NOW, uses=[])
    run(dkim.verify(MESSAGE, context), Zone(key_zone()))
    run(spf.check(CONNECTION, context), Zone({"example.com": {"TXT": ["v=spf1 a -all"]}}))
    assert context.uses is not None
    assert [use.check for use in context.uses] == ["dkim", "spf", "spf"]


def test_the_evaluation_of_a_message_needs_a_time() -> None:
    # Without one an expired signature would pass
    with pytest.raises(UsageError, match="give an aware datetime"):
        mailauth.evaluate(signed(), authserv_id="mx.example.org", now=None)  # type: ignore[arg-type]
