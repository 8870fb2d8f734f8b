"""What many rows say together, and how it is shown: counted right, bounded, and inert whatever strangers wrote."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.page import EVIL, read

from mailauth import counts as counting
from mailauth.counts import periods
from mailauth.saved import Row
from mailauth.saved.overview import as_html, as_text
from mailauth.saved.summary import Sender, Summary

DAY = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def row(result: str = "pass", domain: str | None = "example.com", **more: Any) -> Row:
    settings: dict[str, Any] = {"source": "in", "origin": "in#1", "received_at": DAY, "client_ip": "192.0.2.3"}
    return Row(dmarc_result=result, author_domain=domain, **(settings | more))


def summed(*rows: Row) -> Summary:
    found = Summary()
    for each in rows:
        found.add(each)
    return found


def test_counts() -> None:
    found = summed(
        row(), row(), row("fail"), row("none", "b.example"), row("none", "b.example"), row("permerror", None),
        row("temperror"),
        Row(source="in", origin="in#9", problem="the file is empty"),
    )  # fmt: skip
    assert found.rows == 8
    assert found.outcomes == {"pass": 2, "fail": 1, "none": 2, "error": 2}
    assert found.domains.ranked(2) == (
        [("example.com", Counter({"pass": 2, "fail": 1, "error": 1})), ("b.example", Counter({"none": 2}))],
        1,
        Counter({"error": 1}),
    )
    assert found.problems.by_key == {"the file is empty": {"problem": 1}}


def test_clients_that_fail() -> None:
    named = {"iprev_result": "pass", "iprev_name": "mx.example.net"}
    found = summed(
        row("fail", **named), row("fail", **named), row("pass", **named),
        row("fail", iprev_result="fail", iprev_name="liar.example"), row("fail", None, client_ip=None),
    )  # fmt: skip
    assert [(sender, counts.total()) for sender, counts in found.failing.ranked(9).top] == [
        (Sender("192.0.2.3", "mx.example.net", "example.com"), 2),
        # A name that does not resolve back is not that of the client
        (Sender("192.0.2.3", "", "example.com"), 1),
    ]


@pytest.mark.parametrize(
    ("days", "first", "number"),
    [(0, "2026-11-02", 1), (59, "2026-11-02", 60), (60, "2026-11", 3), (1800, "2026-11", 60), (3000, "2026", 10)],
)
def test_periods(days: int, first: str, number: int) -> None:
    found = summed(*(row(received_at=DAY + timedelta(n)) for n in range(days + 1)))
    told = periods(found.days)
    assert told[0][0] == first
    assert len(told) == number
    assert sum(each.total() for _, each in told) == days + 1


def test_strangers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_MAX_KEYS", 10)
    found = summed(
        *(row("fail", f"{n}.example", client_ip=f"192.0.2.{n}") for n in range(30)), row("pass", "3.example")
    )
    assert len(found.domains.by_key) <= 20 >= len(found.failing.by_key)
    assert found.domains.total() == Counter({"fail": 30, "pass": 1})
    assert found.failing.total() == Counter({"fail": 30})


def test_the_text() -> None:
    found = summed(row(), row("fail"), row("none", "b.example"), Row(source="in", origin="in#9", problem="why"))
    assert as_text(found) == (
        "4 messages, 1 of them without a verdict, received on 2026-11-02. "
        "DMARC: 1 pass, 1 fail, 1 none, 0 error.\n"
        "author domain  messages      pass      fail      none     error\n"
        "example.com           2         1         1         0         0\n"
        "b.example             1         0         0         1         0\n"
    )


def test_the_page() -> None:
    found = summed(
        row(), row("fail", iprev_result="pass", iprev_name="mx.example.net"), row("fail", None),
        row("none", received_at=DAY + timedelta(2)), Row(source="in", origin="in#9", problem="the file is empty"),
    )  # fmt: skip
    page = read(as_html(found, ["mail/in"]))
    assert page.texts["h1"] == ["5 messages"]
    assert page.texts["h2"] == ["DMARC", "Over time", "Author domains", "Clients whose mail fails", "Without a verdict"]
    assert page.texts["title"][0] == "mailauth: mail/in"
    cells = page.texts["td"]
    for cell in ("example.com", "(no single author)", "192.0.2.3", "mx.example.net", "the file is empty", "2026-11-04"):
        assert cell in cells
    # Each bar says in words what it shows
    assert page.texts["title"][2:] == ["2026-11-02: 1 pass, 2 fail", "2026-11-04: 1 none"]


def test_a_page_of_nothing() -> None:
    page = read(as_html(Summary()))
    assert page.texts["h1"] == ["0 messages"]
    assert as_text(Summary()).startswith("0 messages. DMARC: 0 pass")


def test_a_page_of_much() -> None:
    found = summed(*(row("fail", f"{n}.example", client_ip=f"192.0.2.{n}") for n in range(200)))
    text = as_html(found, [f"source{n}" for n in range(100)])
    assert len(text) < 100_000
    assert "source4 and 95 more" in text
    assert "(150 others)" in read(text).texts["td"]


@pytest.mark.parametrize("evil", [EVIL, "<div>", "<div class=bar>", "</table><script>"])
def test_strangers_cannot_write_into_the_page(evil: str) -> None:
    found = summed(
        row("fail", evil, client_ip=evil, iprev_result="pass", iprev_name=evil),
        Row(source=evil, origin=evil, problem=evil),
    )
    page = read(as_html(found, [evil]))
    assert "script" not in page.tags
    assert page.tags.count("div") == 2
    text = as_text(found)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(text.splitlines()) == 3


@given(st.text(), st.text())
def test_any_text_is_escaped(one: str, other: str) -> None:
    found = summed(row("fail", one, client_ip=other), Row(source="in", origin="in", problem=other))
    read(as_html(found, [one]))
