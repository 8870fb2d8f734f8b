"""Generated policies, records, patterns and TLSA records, and what must hold for each."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mailauth import Answer, Status, run, tls_rpt
from mailauth.dane import Tlsa, Unreadable, check, parse_record
from mailauth.dane.record import strongest, why_unusable
from mailauth.dns.fetch import Fetch, Fetched, FetchStatus, run_fetching
from mailauth.mta_sts import Policy, Record, matches, parse_policy
from mailauth.mta_sts import check as check_policy
from mailauth.mta_sts import parse_record as parse_sts

ALNUM = "abcXYZ019"
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PATTERN = st.builds("{}{}".format, st.sampled_from(["", "*."]), HOST)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", fullmatch=True)
OTHER = NAME.filter(lambda name: name not in {"version", "mode", "max_age", "mx", "id", "rua", "v"})
VALUE = st.from_regex(r"[!-~]([ -~\u00a0-\u024f]{0,10}[!-~])?", fullmatch=True)
BLANKS = st.text(" \t", max_size=2)


@st.composite
def policies(draw: st.DrawFn) -> tuple[Policy, bytes]:
    """A policy, and a text of it by the grammar of RFC 8461 §3.2."""
    mode = draw(st.sampled_from(["enforce", "testing", "none"]))
    mx = draw(st.lists(PATTERN, min_size=mode != "none", max_size=4))
    age = draw(st.integers(0, 31_557_600))
    others = draw(st.dictionaries(OTHER, VALUE, max_size=3))
    fields = [("version", "STSv1"), ("mode", mode), ("max_age", str(age)), *others.items()]
    kept = draw(st.permutations(fields))
    # the order of patterns is theirs, and where they are does not matter
    lines = [*kept]
    for pattern in mx:
        lines.insert(draw(st.integers(0, len(lines))), ("mx", pattern))
    order = [value for name, value in lines if name == "mx"]
    # of a field that is there again, whatever it says does not count
    lines += [(draw(st.sampled_from(kept))[0], draw(VALUE)) for _ in range(draw(st.integers(0, 2)))]
    ends = [draw(st.sampled_from(["\n", "\r\n"])) for _ in lines]
    if draw(st.booleans()):
        ends[-1] = ""
    text = "".join(
        f"{name}:{draw(BLANKS)}{value}{draw(BLANKS)}{end}" for (name, value), end in zip(lines, ends, strict=True)
    )
    extensions = tuple([each for each in kept if each[0] in others])
    return Policy(mode, age, tuple(order), extensions), text.encode()  # type: ignore[arg-type]


@given(policies())
def test_every_policy_of_the_grammar_is_read(made: tuple[Policy, bytes]) -> None:
    policy, text = made
    assert parse_policy(text) == policy


@given(policies(), st.data())
def test_a_policy_without_a_field_is_none(made: tuple[Policy, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([b"version:", b"mode:", b"max_age:"]))
    lines = [line for line in made[1].split(b"\n") if not line.startswith(name)]
    assert isinstance(parse_policy(b"\n".join(lines)), Unreadable)


@given(st.binary(max_size=300))
def test_no_octets_are_too_odd(data: bytes) -> None:
    for parse in (parse_policy, parse_sts, tls_rpt.parse_record):
        found: Any = parse(data)
        assert not isinstance(found, Unreadable) or found.detail.isprintable()
    assert isinstance(parse_record(data.decode("utf-8", "surrogateescape")), (Tlsa, Unreadable))


@given(PATTERN, HOST, st.booleans())
def test_patterns(pattern: str, host: str, upper: bool) -> None:  # noqa: FBT001  hypothesis gives it
    """RFC 8461 §4.1, by labels."""
    left, right = pattern.split("."), host.split(".")
    expected = len(left) == len(right) and all(a in ("*", b) for a, b in zip(left, right, strict=True))
    assert matches(pattern.upper() if upper else pattern, host) is expected
    assert matches(pattern, pattern.replace("*", "x1"))
    assert not matches(pattern, f"x.{pattern.replace('*', 'x1')}")


EXTENSION = st.tuples(OTHER, st.from_regex(r"[!-:<>-~]+", fullmatch=True))


@given(st.text(ALNUM, min_size=1, max_size=32), st.lists(EXTENSION, max_size=3), BLANKS)
def test_every_record_of_the_grammar_is_read(identifier: str, others: list[tuple[str, str]], blanks: str) -> None:
    """RFC 8461 §3.1."""
    fields = [f"{name}={value}" for name, value in [("id", identifier), *others]]
    for order in (fields, fields[::-1]):
        text = f"{blanks};{blanks}".join(["v=STSv1", *order])
        expected = Record(identifier, tuple(others if order is fields else others[::-1]))
        for end in ("", ";", f"{blanks};{blanks}"):
            assert parse_sts((text + end).encode()) == expected
        assert isinstance(parse_sts(f"{text};;".encode()), Unreadable)


TLSA = st.builds(Tlsa, *[st.integers(0, 4)] * 3, st.sampled_from([0, 31, 32, 64]).map(bytes))


@given(st.lists(TLSA, max_size=6))
def test_which_records_count(records: list[Tlsa]) -> None:
    """RFC 7671 §9."""
    found = strongest(records)
    for each in records:
        stronger = [r for r in records if r[:2] == each[:2] and r.matching > each.matching and not why_unusable(r)]
        assert (each in found) == (not why_unusable(each) and (each.matching == 0 or not stronger))


ANSWERS = st.builds(
    lambda status, records, cnames, secure: Answer(
        status, tuple(records) if status is Status.OK else (), cnames=tuple(cnames), secure=secure
    ),
    st.sampled_from(Status), st.lists(st.integers(0, 3), max_size=3), st.lists(HOST, max_size=2),
    st.sampled_from([True, False, None]),
)  # fmt: skip
RECORDS: dict[str, list[Any]] = {
    "MX": [(10, "mx.example"), (10, ""), (0, "a b"), (5, "mx.example")],
    "A": ["192.0.2.1", "x", "", "192.0.2.2"],
    "AAAA": ["2001:db8::1", "x", "", "::"],
    "TLSA": [f"3 1 1 {'ab' * 32}", "3 1 1 ab", "x", f"1 1 1 {'ab' * 32}"],
    "TXT": [b"v=STSv1; id=1", b"v=TLSRPTv1; rua=mailto:a@b.example", b"v=STSv1; id=!", b"\xff"],
}


@given(st.data())
def test_checks_end_whatever_dns_says(data: st.DataObject) -> None:
    def answer(name: str, rdtype: str) -> Answer:
        drawn = data.draw(ANSWERS)
        records = tuple([RECORDS.get(rdtype, ["x"] * 4)[number] for number in drawn.records])
        return Answer(drawn.status, records, cnames=drawn.cnames, secure=drawn.secure)

    class Fetcher:
        def fetch(self, requests: tuple[Fetch, ...], timeout: float | None) -> list[Fetched]:
            status = data.draw(st.sampled_from(FetchStatus))
            code = {"ok": 200, "http": data.draw(st.sampled_from([301, 404, 500, 299]))}.get(status)
            body = b"version: STSv1\nmode: none\nmax_age: 1" if status == "ok" and data.draw(st.booleans()) else b""
            return [Fetched(status, code, body, data.draw(st.sampled_from(["text/plain", ""])))] * len(requests)

    found = run(check("example.com"), answer)
    for host in found.hosts:
        # what nobody vouches for counts as nothing
        assert bool(host.base) == (host.status in {"usable", "unusable"})
        assert host.detail.isprintable()
    assert not found.protected or found.mx_secure
    policy = run_fetching(check_policy("example.com"), answer, Fetcher())
    assert (policy.policy is not None) == (policy.policy_status == "found")
    assert (policy.record is not None) == (policy.record_status == "found")
    reports = run(tls_rpt.check("example.com"), answer)
    assert (reports.record is not None) == (reports.status == "found")
