"""The bounds of one check, each at its exact place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.contexts import taken

from mailauth import Answer, Connection, Context, Limits, Question, Result, Status, run, spf
from mailauth.resolvers import Zone
from mailauth.spf import macro
from mailauth.spf.outcome import SpfOutcome

V4 = "192.0.2.3"


def check(record: str, more: dict[str, Any] | None = None, **given: Any) -> SpfOutcome:
    zone = {"example.com": {"TXT": [record]}, **(more or {})}
    connection = Connection(
        ip=V4, helo=given.pop("helo", "mx.example.org"), mail_from=given.pop("mail_from", "a@example.com")
    )
    return run(spf.check(connection, taken(given), **given), Zone(zone))


# --- RFC 7208 §7.3: 253 octets of a name


def asked(spec: str, local: str) -> str | None:
    """Return the name that a term asks for, for a local part."""
    names: list[str] = []

    def resolver(name: str, rdtype: str) -> Answer:
        names.append(name)
        return Answer(Status.OK, (f"v=spf1 exists:{spec} -all".encode(),)) if rdtype == "TXT" else Answer(Status.NODATA)

    run(spf.check(Connection(ip=V4, mail_from=f"{local}@example.com")), resolver)
    assert len(names) <= 2
    return names[1] if len(names) == 2 else None


def labels(octets: int, *, first: int = 10) -> str:
    """Return labels with dots between: a first one of a size, so many octets in all."""
    rest = octets - first
    assert rest % 50 != 1
    return ".".join(["f" * first, *["x" * 49] * (rest // 50), *(["y" * (rest % 50 - 1)] if rest % 50 else [])])


END = ".end.example"


@pytest.mark.parametrize("first", [1, 10, 63])
def test_an_expansion_of_253_octets_is_asked_whole(first: int) -> None:
    local = labels(253 - len(END), first=first)
    assert asked("%{l}" + END, local) == local + END


@pytest.mark.parametrize("octets", [254, 260, 262, 263, 265, 303, 304, 305, 400, 900])
@pytest.mark.parametrize("first", [1, 10, 63])
def test_a_longer_one_loses_labels_on_the_left(octets: int, first: int) -> None:
    local = labels(octets - len(END), first=first)
    whole = local + END
    assert len(whole) == octets
    # As few as will do, and whole ones
    expected = next(end for i in range(1, 20) if len(end := whole.split(".", i)[i]) <= 253)
    assert asked("%{l}" + END, local) == expected
    assert expected.endswith(END)


def test_a_label_that_is_too_long_matches_nothing() -> None:
    assert asked("%{l}" + END, "x" * 63) == "x" * 63 + END
    assert asked("%{l}" + END, "x" * 64) is None
    # Where the label falls away, the name is good
    rest = "." + labels(250 - len(END))
    assert asked("%{l}" + END, "x" * 64 + rest) == rest[1:] + END


# --- Limits.spf_queries

HOSTS = {f"h{n}.example.net": {"A": ["198.51.100.1"]} for n in range(3)}
ZONE: dict[str, Any] = {
    **HOSTS,
    "i0.example.net": {"TXT": ["v=spf1 -all"]},
    "i1.example.net": {"TXT": ["v=spf1 a:h0.example.net -all"]},
    "m.example.net": {"MX": [[n, name] for n, name in enumerate(HOSTS)]},
    "3.2.0.192.in-addr.arpa": {"PTR": list(HOSTS)},
}


@pytest.mark.parametrize(
    ("terms", "queries"),
    [
        ("include:i0.example.net", 1),
        ("include:i0.example.net include:i0.example.net", 2),
        ("include:i1.example.net", 2),
        ("redirect=i0.example.net", 1),
        ("include:i1.example.net redirect=i1.example.net", 4),
        ("a:h0.example.net", 1),
        ("exists:nothing.example.net", 1),
        ("mx:m.example.net", 1 + 3),
        ("mx:i0.example.net", 1),
        # The name of the client, and the address of each of its names; looked up once
        ("ptr", 1 + 3),
        ("ptr ptr:x.example", 1 + 3),
        ("exists:%{p}.example.net", 1 + 1 + 3),
        ("ptr exists:%{p}.example.net a:h0.example.net", 1 + 3 + 1 + 1),
    ],
)
def test_each_query_of_a_term_counts(terms: str, queries: int) -> None:
    """All but the first, for the record itself."""
    record = f"v=spf1 {terms} ?all" if "redirect" not in terms else f"v=spf1 {terms}"
    for bound in range(queries):
        outcome = check(record, ZONE, limits=Limits(spf_queries=bound))
        assert (outcome.result, str(outcome.reason)) == (Result.PERMERROR, "limit:spf_queries")
        assert f"exceeds {bound} queries" in outcome.detail
    outcome = check(record, ZONE, limits=Limits(spf_queries=queries))
    assert outcome.result is (Result.FAIL if "redirect" in terms else Result.NEUTRAL)
    assert outcome == check(record, ZONE)


def test_no_more_than_so_many_are_asked() -> None:
    """A query past the bound is not only not counted."""
    for terms, bound in (("mx:m.example.net", 1), ("ptr", 1), ("mx:m.example.net", 3), ("ptr", 3)):
        questions: list[Question] = []
        zone = Zone({"example.com": {"TXT": [f"v=spf1 {terms} ?all"]}, **ZONE})

        class Watched:
            def resolve(
                self, asked: tuple[Question, ...], questions: list[Question] = questions, zone: Zone = zone
            ) -> Any:
                questions.extend(asked)
                return zone.resolve(asked)

        run(
            spf.check(Connection(ip=V4, mail_from="a@example.com"), Context(limits=Limits(spf_queries=bound))),
            Watched(),
        )
        assert len(questions) - 1 <= bound


def test_an_explanation_counts_for_no_query() -> None:
    zone = {**ZONE, "why.example.net": {"TXT": ["%{p} sent it"]}}
    outcome = check("v=spf1 -all exp=why.example.net", zone, limits=Limits(spf_queries=0, spf_terms=0))
    assert (outcome.result, outcome.explanation) == (Result.FAIL, "unknown sent it")


# --- explanations and identities


@pytest.mark.parametrize("length", [0, 1, 499, 500, 501, 5_000])
def test_an_explanation_is_cut_to_500_characters(length: int) -> None:
    text = ("abcdefghij" * 500)[:length]
    outcome = check("v=spf1 -all exp=why.example.com", {"why.example.com": {"TXT": [text]}})
    assert outcome.explanation == text[:500]
    # After expansion
    outcome = check("v=spf1 -all exp=why.example.com", {"why.example.com": {"TXT": [f"%{{l}}{text}"]}})
    assert outcome.explanation == ("a" + text)[:500]


@pytest.mark.parametrize(("extra", "explained"), [(0, True), (1, False)])
def test_the_text_of_an_explanation_is_bounded_like_a_record(extra: int, *, explained: bool) -> None:
    zone = {"why.example.com": {"TXT": ["x" * (100 + extra)]}}
    outcome = check("v=spf1 -all exp=why.example.com", zone, limits=Limits(record_bytes=100))
    assert outcome.result is Result.FAIL
    assert (outcome.explanation is not None) is explained


@pytest.mark.parametrize(("extra", "explained"), [(0, True), (1, False)])
def test_an_expansion_is_bounded(extra: int, *, explained: bool) -> None:
    """16 kB of text; what is longer is not an explanation."""
    text = "%{l}" * 16 + "x" * (16 * 1024 - 16 * 1000 + extra)
    local = ("y" * 49 + ".") * 20
    outcome = check(
        "v=spf1 -all exp=why.example.com", {"why.example.com": {"TXT": [text]}}, mail_from=f"{local}@example.com"
    )
    assert outcome.result is Result.FAIL
    assert (outcome.explanation is not None) is explained


@pytest.mark.parametrize("length", [999, 1000, 1001, 4000])
def test_a_local_part_is_cut_to_1000_characters(length: int) -> None:
    """What it says is seen in the last of its labels, which a macro takes."""
    local = "a" * (length - 2) + ".z"
    name = {"z.example.net": {"A": ["127.0.0.2"]}}
    outcome = check("v=spf1 exists:%{l1}.example.net -all", name, mail_from=f"{local}@example.com")
    assert outcome.result is (Result.PASS if length <= 1000 else Result.FAIL)


@pytest.mark.parametrize("length", [999, 1000, 1001, 4000])
def test_a_helo_name_is_cut_to_1000_characters(length: int) -> None:
    helo = "a" * (length - 2) + ".z"
    name = {"z.example.net": {"A": ["127.0.0.2"]}}
    outcome = check("v=spf1 exists:%{h1}.example.net -all", name, helo=helo)
    assert outcome.result is (Result.PASS if length <= 1000 else Result.FAIL)


def padded(terms: str, octets: int) -> dict[str, Any]:
    return {"TXT": [f"v=spf1 {terms}".ljust(octets)]}


@pytest.mark.parametrize(("last", "word"), [(99, "neutral"), (100, "neutral"), (101, "limit:record_bytes")])
@pytest.mark.parametrize("link", ["include:", "redirect="])
def test_the_records_of_a_check_are_bounded_together(link: str, last: int, word: str) -> None:
    """To three of the largest size."""
    zone = {
        "i1.example.com": padded(f"{link}i2.example.com", 100),
        "i2.example.com": padded(f"{link}i3.example.com", last - 20),
        "i3.example.com": padded("?all", 20),
    }
    record = f"v=spf1 {link}i1.example.com".ljust(100)
    outcome = check(record, zone, limits=Limits(record_bytes=100))
    assert (str(outcome.reason) if outcome.result is Result.PERMERROR else str(outcome.result)) == word
    assert check(record, zone).result is Result.NEUTRAL


def test_a_record_that_is_read_twice_counts_twice() -> None:
    zone = {"i.example.com": padded("?all", 100)}
    for count, word in ((2, "neutral"), (3, "permerror")):
        record = f"v=spf1 {'include:i.example.com ' * count}".ljust(100)
        assert check(record, zone, limits=Limits(record_bytes=100)).result == word


# --- transformers


@pytest.mark.parametrize("value", ["a.b.c.d.e", "", ".", "..", "a", ".a", "a."])
@pytest.mark.parametrize("delimiters", ["", ".", "-", ".-", "-.+"])
@pytest.mark.parametrize("count", ["", "1", "2", "3", "5", "6", "128"])
@pytest.mark.parametrize("reverse", ["", "r"])
def test_parts_are_those_of_the_whole_value(value: str, delimiters: str, count: str, reverse: str) -> None:
    """RFC 7208 §7.3: split at every delimiter, then reversed, then the right-hand parts, then joined by dots."""
    for text in (value, value.replace(".", "-"), value.replace(".", "-", 1)):
        parts = re.split(f"[{re.escape(delimiters or '.')}]", text)
        if reverse:
            parts = parts[::-1]
        if count:
            parts = parts[-int(count) :]
        found = macro.parse(f"%{{l{count}{reverse}{delimiters}}}").expand({"l": text})
        assert found == (".".join(parts) if delimiters or count or reverse else text)
