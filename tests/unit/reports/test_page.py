"""The summary as text and as a page: what it says in words, and that strangers write nothing into it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.page import EVIL, FORBIDDEN, read

from mailauth.reports.meaning import of_all, of_sender, share
from mailauth.reports.overview import as_text
from mailauth.reports.page import as_html
from mailauth.reports.summary import OUTCOMES, Sender, Summary
from mailauth.reports.values import Counted, DkimResult, Override, SpfResult
from unit.reports.made import DAY, metadata, row, sent, signed


def sample() -> Summary:
    found = Summary(date(2026, 11, 28))
    for n in range(3):
        about = metadata(DAY + n * 86_400)
        found.add(about, row(messages=300, dkim_results=signed("example.com")))
        found.add(about, row("198.51.100.1", "pass", "fail", 1200, dkim_results=signed("mailer.example", "k")))
        found.add(about, row("203.0.113.9", "fail", "fail", 30, disposition="reject"))
        found.add(about, row("198.51.100.99", "fail", "fail", 9, spf_results=sent("tickets.example"),
                             overrides=(Override("mailing_list", "known"),)))  # fmt: skip
    return found


def test_the_text() -> None:
    text = as_text(sample())
    lines = text.splitlines()
    assert lines[0] == "3 reports of 1 organisation, 2026-10-28 to 2026-10-30: 4,617 messages."
    assert lines[1].startswith("2.5% of the mail that is reported is aligned by neither DKIM nor SPF; ")
    assert "receivers rejected or quarantined 76.9% of that" in lines[1]
    for line in (
        "         900     19.5%  aligned by DKIM and SPF",
        "       3,600    100.0%  mailer.example (by DKIM)",
        "          90      0.0%  203.0.113.9 as example.com",
        "       4,617     97.5%  Big Mail",
        "       4,617     97.5%  example.com: p=none",
        "          27      0.0%  mailing_list: known",
    ):
        assert line in lines


def test_the_page() -> None:
    page = read(as_html(sample(), "example.com"))
    assert page.texts["h1"] == ["example.com"]
    assert page.texts["h2"] == [
        "What is aligned", "Over time", "Who sends as you", "Sources of mail that fails", "From domains",
        "Your DKIM keys", "Reporters", "Policies that receivers found", "What receivers did",
    ]  # fmt: skip
    # Each bar says in words what it shows, and the same is in a table
    assert "2026-10-28: 300 both, 1,200 dkim, 39 neither" in page.texts["title"]
    assert ("svg", "role", "img") in page.attributes
    assert page.texts["td"].count("2026-10-28") == 1
    assert len(page.texts["caption"]) == page.tags.count("table")
    for cell in (
        "203.0.113.9",
        "s1",
        "Big Mail",
        "example.com: p=none",
        "2026-10-28 to 2026-10-30",
        "mailing_list: known",
    ):
        assert cell in page.texts["td"]


def test_nothing_at_all() -> None:
    assert as_text(Summary()).splitlines()[:2] == [
        "0 reports of 0 organisations: 0 messages.",
        "No message is reported.",
    ]
    assert read(as_html(Summary())).texts["h1"] == ["DMARC reports"]


def test_impossible_dates_are_told() -> None:
    found = Summary(date(2026, 11, 28))
    found.add(metadata(2**40), row(messages=4))
    told = "4 messages are in reports with impossible dates, and in no figure of a day."
    assert told in as_text(found)
    page = read(as_html(found))
    assert told in page.texts["p"]
    assert "There are none." in page.texts["p"]


def test_what_is_missing_is_a_dash() -> None:
    found = Summary()
    found.add(metadata(org=""), row("", "fail", "fail", header_from="", dkim_results=signed("")))
    assert "           1      0.0%  - as -" in as_text(found).splitlines()
    page = read(as_html(found))
    # A signature of no domain does not make a sender
    assert "-" in page.texts["bdi"]
    assert "-" in page.texts["td"]
    assert "nobody has verified that" in "".join(page.texts["caption"])


def test_a_page_of_much() -> None:
    found = Summary()
    for n in range(400):
        name = f"{n}.example"
        found.add(metadata(DAY + n * 86_400, org=name, domain=name), row(
            f"192.0.{n % 256}.{n // 256}", "fail", "fail", n + 1, header_from=name, dkim_results=signed("x" + name),
        ))  # fmt: skip
    text = as_html(found)
    assert len(text) < 100_000
    assert "(380 others)" in read(text).texts["td"]
    assert "(390 others)" in as_text(found)


# --- in words


@pytest.mark.parametrize(
    ("sender", "numbers", "said"),
    [
        (Sender("network", "192.0.2.0/24"), (70, 0, 0, 0), "10 messages a day: your DKIM key and SPF cover it."),
        (Sender("network", "192.0.2.0/24"), (60, 0, 10, 0), "14.3% of it has no valid DKIM signature of yours"),
        (Sender("dkim", "mailer.example"), (0, 84_000, 0, 0), "12,000 messages a day: your DKIM key signs it"),
        (Sender("network", "192.0.2.0/24"), (0, 0, 70, 0), "only SPF covers it"),
        (Sender("network", "192.0.2.0/24"), (0, 0, 0, 3), "3 messages in all: fails both: either a server of yours"),
        (Sender("dkim", "a.example"), (0, 0, 0, 7), "1 message a day: passes DKIM as itself, not as you: either a se"),
        (Sender("spf", "a.example"), (0, 0, 1, 999), "passes SPF as itself, not as you"),
        (
            Sender("dkim", "a.example"),
            (50, 0, 0, 50),
            "50.0% of it fails: not set up for your domain, changed on the way",
        ),
        (Sender("dkim", "a.example"), (0, 0, 50, 50), "Of the rest: only SPF covers it"),
        (Sender("network", "192.0.2.0/24"), (0, 0, 0, 0), "0 messages in all: reported without a message."),
    ],
)
def test_what_a_sender_means(sender: Sender, numbers: tuple[int, ...], said: str) -> None:
    assert said in of_sender(sender, Counter(dict(zip(OUTCOMES, numbers, strict=True))), 7)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "-"), (0, 10**6, "0.0%"), (1, 10**6, "0.1%"), (999_999, 10**6, "99.9%"), (5, 5, "100.0%"), (1, 3, "33.3%")],
)
def test_all_and_nothing_are_said_only_of_all_and_nothing(part: int, whole: int, said: str) -> None:
    assert share(part, whole) == said


def test_a_whole_that_is_aligned() -> None:
    found = Summary()
    found.add(metadata(), row())
    assert of_all(found) == "All of the mail that is reported is aligned."


# --- strangers


def evil(text: str) -> Counted:
    return row(
        text, "fail", "fail", disposition=text, header_from=text, envelope_from=text, overrides=(Override(text, text),),
        dkim_results=(DkimResult(text, text, "pass", text),), spf_results=(SpfResult(text, "pass", text),),
    )  # fmt: skip


@given(st.sampled_from([EVIL, "<div>", "</table><script>", "\x1b[2J", "\u202e"]) | st.text(max_size=30))
def test_strangers_write_neither_into_the_page_nor_to_the_terminal(text: str) -> None:
    found = Summary()
    found.add(metadata(org=text, domain=text, p=text, fo=text, testing=text), evil(text))
    found.add(metadata(), Counted(row()[0]._replace(dkim_results=signed("example.com", text)), 1))
    page = read(as_html(found, text))
    assert "script" not in page.tags
    assert "img" not in page.tags
    printed = as_text(found)
    assert FORBIDDEN.search(printed) is None
    assert len(printed.splitlines()) == printed.count("\n")
    assert not re.search("[\ud800-\udfff]", printed)
