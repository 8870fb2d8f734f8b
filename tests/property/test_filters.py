"""Any message, and the filters of the manual: they never raise, and give one decision with well-formed fields."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.growth import GROWTH, TIMES, Work, grows
from support.signing import NOW
from support.strategies import FRAGMENTS, connections, messages, zones

from mailauth import Authentication, Connection, Limits, Message, authenticate
from mailauth.filters import Chain, Filter, add, addresses, filter, load, remove, text  # noqa: A004
from mailauth.policy import Decision
from mailauth.testing import Zone, judge
from mailauth.text import one_line

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python-filters.md"
BLOCK = re.compile(r"(?ms)^```python\n(.*?)^```$")
NAMES = {"outside", "in_our_name", "imitation", "brand", "reply_elsewhere", "partner", "one_click_unsubscribe"}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Filter]:
    """Return the filters of the manual: all blocks of its last part but the tests."""
    part = PAGE.read_text(encoding="utf-8").partition("\n## Examples\n")[2].partition("\n### Their tests\n")[0]
    path = tmp_path_factory.mktemp("filters") / "examples.py"
    path.write_text("\n".join(BLOCK.findall(part)), encoding="utf-8")
    filters = load(path)
    assert {each.name for each in filters} == NAMES
    return filters


@filter
def echo(auth: Authentication, message: Message, connection: Connection) -> Any:
    """Repeat what strangers wrote."""
    return [
        *(add(f"X-{name}", text(message, name)) for name in ("Subject", "From", "DKIM-Signature")),
        *(add("X-Mailbox", " ".join(each)) for name in ("From", "To") for each in addresses(message, name)),
        add("X-Helo", one_line(connection.helo or "")),
        add("X-Sender", one_line(connection.mail_from or "")),
        remove("Authentication-Results"),
    ]


fields = st.sampled_from(
    [b"From: ", b"Reply-To: ", b"Subject: ", b"To: ", b"X-Outside: ", b"=?utf-8?q?", b"?=", b"\xfc"]
)
edges = st.lists(st.one_of(fields, st.sampled_from(FRAGMENTS), st.binary(max_size=8)), max_size=40).map(b"".join)


def check(raw: bytes, decision: Decision) -> None:
    utf8 = Message.parse(raw).utf8
    assert decision.add[0].startswith("Authentication-Results: mx.example.org")
    for field in decision.add[1:]:
        lines = field.split("\r\n")
        assert re.match(r"[!-9;-~]+:", lines[0])
        assert all(re.match(r"[ \t]+\S", line) for line in lines[1:])
        assert all(len(line.encode()) <= 998 for line in lines)
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", "".join(lines))
        assert utf8 or field.isascii()
    # the message is whole: what is not removed is there, below what was added
    applied = decision.apply(raw)
    line_end = b"\n" if Message.parse(raw).normalised else b"\r\n"
    if not raw.startswith(b"From "):
        assert applied.startswith(b"".join(f.encode().replace(b"\r\n", line_end) + line_end for f in decision.add))
    assert list(decision.remove) == sorted(set(decision.remove))


@given(raw=st.one_of(messages, edges), connection=connections, zone=zones())
def test_any_message(examples: list[Filter], raw: bytes, connection: Connection, zone: Any) -> None:
    # judge raises what a filter raises
    check(raw, judge([echo, *examples], raw, Zone(zone), connection, now=NOW))
    for each in examples:
        judge(each, raw, Zone(zone), connection, now=NOW)


@given(raw=st.one_of(messages, edges), connection=connections)
def test_a_chain_that_hides_errors_decides_the_same(examples: list[Filter], raw: bytes, connection: Connection) -> None:
    auth = authenticate(raw, connection, Zone({}), "mx.example.org", NOW)
    assert Chain(examples).run(auth, raw) == judge(examples, raw, None, connection, now=NOW)


WIDE = Limits(header_bytes=10**7, header_fields=10**6)


@pytest.mark.parametrize("limits", [None, WIDE], ids=["limited", "unlimited"])
@pytest.mark.parametrize(
    "line", [b"X-Outside: no\r\n", b"Reply-To: a@b.example\r\n", b"X\0: y\r\n", b"To: =?x?q?=\r\n"]
)
def test_very_many_fields(examples: list[Filter], line: bytes, limits: Limits | None) -> None:
    chain = Chain([echo, *examples])

    def made(times: int) -> Work:
        raw = b"From: anna@example.com\r\n" + line * times + b"\r\n"
        auth = authenticate(raw, None, Zone({}), "mx.example.org", NOW, limits)
        return partial(chain.run, auth, raw)

    assert grows(lambda: made(25_000), lambda: made(25_000 * TIMES)) < GROWTH
