"""What no attack may break, tried on every message of this corpus and on what hypothesis makes of them.

Each invariant is one of the receiver's, not of an RFC's wording: whoever can change a message or hide an answer must
gain nothing by it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.signing import NOW
from support.strategies import SEALED, SIGNED, connections, messages, options, zones

from attack import arc, dkim, dmarc, spf
from attack.case import RECEIVER, VICTIM, Case
from mailauth import Authentication, Connection, Message, Options, Question, Result, authenticate
from mailauth.dmarc import author_of
from mailauth.names import is_under
from mailauth.testing import Faults, Zone

# Where a whole top-level domain is one organization, strangers are aligned, which no label tells beforehand
HAZARD = "D2.com-without-psd"
CASES = [case for case in (*dkim.CASES, *spf.CASES, *dmarc.CASES, *arc.CASES) if case.id != HAZARD]
AUTHRES = b"authentication-results"

cases = st.sampled_from(CASES)


def made(raws: list[bytes], connections: st.SearchStrategy[Connection]) -> st.SearchStrategy[Case]:
    """Return cases of no catalogue: some messages over any DNS."""

    def case(raw: bytes, connection: Connection, zone: dict[str, Any]) -> Case:
        return Case(id="made", why="", raw=raw, safe={}, recommended={}, connection=connection, zone=zone)

    return st.builds(case, st.sampled_from(raws), connections, zones())


def check(case: Case, raw: bytes | None = None, faults: dict[Any, str] | None = None) -> Authentication:
    resolver = Faults(Zone(case.zone), {**case.faults, **(faults or {})})
    raw = case.raw if raw is None else raw
    return authenticate(raw, case.connection, resolver, RECEIVER, case.now, limits=case.limits, options=case.options)


def passes(found: Authentication) -> set[str]:
    """Name whatever passes; DKIM by the signature and its domain, as fields may move."""
    single = {
        "spf": found.spf,
        "helo_spf": found.helo_spf,
        "arc": found.arc,
        "dmarc": found.dmarc,
        "iprev": found.iprev,
    }
    return {name for name, outcome in single.items() if outcome is not None and outcome.result is Result.PASS} | {
        f"dkim {outcome.domain} {outcome.b}" for outcome in found.dkim if outcome.result is Result.PASS
    }


def verdict(found: Authentication) -> tuple[object, ...] | None:
    outcome = found.dmarc
    return None if outcome is None else (outcome.result, outcome.policy, outcome.aligned, outcome.disposition)


# --- a pass has one author, and something of his that passed


def hold_to_the_pass(found: Authentication, raw: bytes) -> None:
    outcome = found.dmarc
    if outcome is None or outcome.result is not Result.PASS:
        return
    author = author_of(Message.parse(raw)).domain
    assert author
    assert outcome.author_domain == author
    identifiers = {
        "dkim": {o.domain for o in found.dkim if o.result is Result.PASS},
        "spf": {found.spf.domain} if found.spf is not None and found.spf.result is Result.PASS else set(),
    }
    assert outcome.aligned
    for mechanism in outcome.aligned:
        organization = outcome.organizational_domain or author
        assert is_under(author, organization)
        assert any(domain and is_under(domain, organization) for domain in identifiers[mechanism])


@given(raw=messages, connection=connections, zone=zones(), chosen=options)
def test_a_pass_has_one_author_and_an_aligned_pass(
    raw: bytes, connection: Connection, zone: dict[str, Any], chosen: Options
) -> None:
    hold_to_the_pass(authenticate(raw, connection, Zone(zone), RECEIVER, NOW, options=chosen), raw)


@given(case=cases, other=cases)
def test_a_pass_is_the_authors_when_cases_are_mixed(case: Case, other: Case) -> None:
    raw, resolver = case.raw, Zone({**case.zone, **other.zone})
    hold_to_the_pass(authenticate(raw, other.connection, resolver, RECEIVER, case.now, options=other.options), raw)


# --- what is added to a signed part mends nothing

CHANGED = [case for case in CASES if case.id.startswith(("B13.changed", "E4.changed", "B10.", "E1.chain-of"))]


REPLACED = [raw.replace(*pair) for raw in (SIGNED, SEALED) for pair in ((b"Robin", b"Rupert"), (b"Two", b"A hundred"))]
replaced = made(REPLACED, st.just(Connection(source="none")))


@given(
    case=st.sampled_from(CHANGED),
    other=replaced,
    position=st.integers(0, 6000),
    octet=st.binary(min_size=1, max_size=1),
)
def test_one_more_octet_makes_no_pass(case: Case, other: Case, position: int, octet: bytes) -> None:
    for each in case, other:
        at = position % (len(each.raw) + 1)
        found = passes(check(each, each.raw[:at] + octet + each.raw[at:]))
        assert found <= passes(check(each)) - {"arc", "dmarc"}
        assert not [name for name in found if name.startswith(f"dkim {VICTIM}")]


FIELDS = [
    b"From: anna@example.com", b"From: evil@example.net", b"To: x", b"Subject: x", b"Date: x", b"X: y", b" x",
    b"DKIM-Signature: v=1",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=AAAA; b=AAAA", b"ARC-Seal: i=1; cv=none",
    b"ARC-Seal: i=9; cv=pass",
    b"ARC-Message-Signature: i=1", b"ARC-Authentication-Results: i=3; x; dmarc=pass",
    b"Authentication-Results: mx.example.org; dkim=pass header.d=example.com",
]  # fmt: skip


@given(case=st.sampled_from(CHANGED), field=st.sampled_from(FIELDS), place=st.integers(0, 20))
def test_one_more_field_makes_no_pass(case: Case, field: bytes, place: int) -> None:
    header, end, body = case.raw.partition(b"\r\n\r\n")
    lines = header.split(b"\r\n")
    lines.insert(place % (len(lines) + 1), field)
    found = check(case, b"\r\n".join(lines) + end + body)
    assert not passes(found) & {"arc", "dmarc"}
    assert not [each for each in passes(found) if each.startswith(f"dkim {VICTIM}")]


# --- junk signatures


def takes_junk(case: Case) -> bool:
    """Leave out the messages that junk above changes, or is known to crowd out."""
    raw = case.raw
    # A first line that continues nothing would continue the junk, and a bare LF at its end tells of a saved message
    whole = raw[:1] not in (b" ", b"\t") and b"\n" not in raw[: raw.find(b"\r\n")]
    # With l=, the good signature is not known to be better than junk of the same domain
    return whole and not re.search(rb"\bl ?=", raw)


WHOLE = [case for case in CASES if takes_junk(case)]
SHAPES: list[dict[str, str]] = [
    {},
    {"domain": "evil.example"},
    {"domain": VICTIM},
    {"domain": "a." + VICTIM},
    {"domain": "x{}." + VICTIM, "selector": "j"},
    {"domain": VICTIM, "selector": "s1"},
    {"domain": VICTIM, "more": "x=1; "},
    {"domain": VICTIM, "more": "v=1; "},
    {"domain": VICTIM, "more": "a=rsa-sha1; "},
    {"domain": VICTIM, "more": "l=5; "},
    {"domain": "com"},
]
junks = st.builds(lambda count, shape: dkim.junk(count, **shape), st.integers(1, 60), st.sampled_from(SHAPES))
paths = st.sampled_from([None, "anna@example.com", "x@a.example.com", "x@example.net", ""])
genuine = made([SIGNED, SEALED], st.builds(Connection, ip=st.just("192.0.2.3"), helo=st.just(VICTIM), mail_from=paths))


@given(case=st.sampled_from(WHOLE), other=genuine, junk=st.lists(junks, min_size=1, max_size=3).map(b"".join))
def test_junk_signatures_change_no_verdict(case: Case, other: Case, junk: bytes) -> None:
    for each in case, other:
        before, after = check(each), check(each, junk + each.raw)
        # A key that is asked for now, and gives no answer, leaves a question open that was not there before
        assume(not any(answer.failed for question, answer in after.dns if (question, answer) not in before.dns))
        assert verdict(after) == verdict(before)


# --- answers that are hidden


def hides(found: Authentication, choice: int) -> Question | None:
    """Choose a question whose answer counts (RFC 7208 §5.5: trouble with the client's own name is no match)."""
    counting = [q for q, _ in found.dns if q.rdtype != "PTR"]
    return counting[choice % len(counting)] if counting else None


FAULTS = st.sampled_from(["SERVFAIL", "TIMEOUT"])


def hold_to_the_rest(before: Authentication, after: Authentication) -> None:
    assert passes(after) <= passes(before)
    was, now = before.dmarc, after.dmarc
    if was is None or now is None:
        assert was is now
        return
    # Nothing is lost in silence: a pass that can no longer be shown is open, and is asked for again
    assert now.result in {was.result, Result.TEMPERROR}
    assert now.result is not Result.TEMPERROR or now.disposition == "defer"
    for name, spf_was, spf_now in (("spf", before.spf, after.spf), ("helo", before.helo_spf, after.helo_spf)):
        if spf_was is not None and spf_now is not None:
            assert spf_now.result in {spf_was.result, Result.TEMPERROR}, name
    for dkim_was, dkim_now in zip(before.dkim, after.dkim, strict=True):
        assert dkim_now.result in {dkim_was.result, Result.TEMPERROR}


# A record with ptr goes on to the next term, as if the client had no name
ANSWERED = [case for case in CASES if "ptr" not in str(case.zone) and "%{p}" not in str(case.zone)]


@given(case=st.sampled_from(ANSWERED), choice=st.integers(0, 99), word=FAULTS)
def test_a_hidden_answer_gives_and_takes_nothing(case: Case, choice: int, word: str) -> None:
    before = check(case)
    question = hides(before, choice)
    assume(question is not None)
    assert question is not None
    hold_to_the_rest(before, check(case, faults={tuple(question): word}))


GOOD = [case for case in ANSWERED if case.recommended.get("dmarc") == "pass" and len(case.raw) < 20_000]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in GOOD[::7]])
def test_every_hidden_answer_of_a_pass(case: Case) -> None:
    before = check(case)
    for question, _ in before.dns:
        hold_to_the_rest(before, check(case, faults={tuple(question): "SERVFAIL"}))


# --- forged fields

_IDS = [
    "mx.example.org",
    "MX.Example.Org",
    '"mx.example.org"',
    "(x) mx.example.org",
    "mx.example.org 1",
    "mx.example.org.",
    "mx.example.net",
    "=?utf-8?q?mx?=",
    "mx.example.org/2",
    "\r\n mx.example.org",
    "",
    "mx\x00.example.org",
    "mx.example.org 2",
    "(mx.example.org",
    "ü",
]
_NAMES = [
    "Authentication-Results",
    "authentication-results",
    "Authentication-Results ",
    "X-Authentication-Results",
    "ARC-Authentication-Results",
    "Authentication-Results\x00",
]
claims = st.builds(
    "{}: {}; dmarc=pass header.from=example.com\r\n".format, st.sampled_from(_NAMES), st.sampled_from(_IDS)
)


@given(raw=messages, fields=st.lists(claims, max_size=4), line_end=st.sampled_from([b"\r\n", b"\n"]))
def test_forged_fields_are_authentication_results_and_stay_away(raw: bytes, fields: list[str], line_end: bytes) -> None:
    raw = ("".join(fields).encode() + raw).replace(b"\r\n", line_end)
    found = authenticate(raw, None, Zone({}), RECEIVER)
    message = Message.parse(raw)
    for position in found.forged:
        name = message.fields[position].partition(b":")[0].replace(b"\x00", b"").strip(b" \t").lower()
        # A first line that continues nothing would be taken for a part of what is put above it
        assert name == AUTHRES or (position == 0 and message.fields[0][:1] in (b" ", b"\t"))
    once = found.apply(raw)
    again = authenticate(once, None, Zone({}), RECEIVER)
    # Only what was put there is forged now; done once more, nothing else goes
    assert again.forged == tuple(range(len(found.headers)))
    assert again.apply(once) == prefix(again) + once[len(prefix(found)) :]


def prefix(found: Authentication) -> bytes:
    """The fields that are put on top."""
    end = b"\n" if found.normalised else b"\r\n"
    return b"".join(header.encode().replace(b"\r\n", end) + end for header in found.headers)
