"""Whatever strangers send, the header fields we write are inside the grammar and say what we found, nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.outcomes import listed
from support.reported import told
from support.signing import NOW, key_zone, signed

import mailauth
from mailauth import Connection, Reason, Result, UsageError
from mailauth.arc.outcome import ArcOutcome
from mailauth.authres import MethodResult, Property, write, write_outcomes
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.iprev import IprevOutcome
from mailauth.spf.outcome import SpfOutcome
from mailauth.testing import Zone
from property import grammar8601
from property.grammar8601 import Address, OutsideGrammarError
from property.header_round_trips import (
    AUTHSERV_IDS,
    DOMAINS,
    METHODS,
    NASTY,
    PROPERTIES,
    DifferenceError,
    check,
    check_received_spf,
    trip,
)

words = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8)), max_size=8).map("".join)
texts = st.one_of(
    words,
    st.text(max_size=60),
    st.builds(lambda local, domain: f"{local}@{domain}", words, st.sampled_from(DOMAINS)),
    st.builds(lambda word, times: word * times, words, st.integers(1, 2000)).map(lambda t: t[:10_000]),
    st.binary(max_size=40).map(lambda b: b.decode("utf-8", "surrogateescape")),
    st.binary(max_size=40).map(lambda b: b.decode("latin-1")),
)
maybe = st.one_of(st.none(), texts)
said: dict[str, Any] = {"result": st.sampled_from(Result), "reason": st.sampled_from(Reason), "detail": words}
spf_outcomes = st.builds(SpfOutcome, **said, domain=maybe, scope=st.sampled_from(["mfrom", "helo"]), mechanism=maybe)
dkim_outcomes = st.builds(
    DkimOutcome,
    **said,
    index=st.just(0),
    domain=maybe,
    selector=maybe,
    identity=maybe,
    algorithm=maybe,
    b=st.one_of(st.none(), st.text("AB+/=", max_size=400), words.map(lambda b: b.replace("@", ""))),
    testing=st.booleans(),
)
arc_outcomes = st.builds(ArcOutcome, **said, oldest_pass=st.one_of(st.none(), st.integers(0, 50)))
dmarc_outcomes = st.builds(
    DmarcOutcome, **said, author_domain=maybe, policy=st.sampled_from([None, "none", "quarantine", "reject"])
)
addresses = [
    *(None, "", "unknown", "unix:/run/m", "192.0.2.3", "[192.0.2.3]:25", "2001:db8::1", "IPv6:2001:db8::1"),
    *("::ffff:192.0.2.3", "::192.0.2.3", "fe80::1%eth0", "[fe80::1%25a b]"),
]
connections = st.builds(Connection, ip=st.sampled_from(addresses), helo=maybe, mail_from=maybe)
method_results = st.builds(
    MethodResult,
    st.sampled_from(METHODS),
    st.sampled_from([str(word) for word in Result]),
    maybe,
    st.lists(st.builds(lambda p, v: Property(p[0], p[1], v), st.sampled_from(PROPERTIES), texts), max_size=4).map(
        tuple
    ),
    st.lists(texts, max_size=2).map(tuple),
    st.just(1),
)


@given(
    st.sampled_from(AUTHSERV_IDS),
    connections,
    st.fixed_dictionaries(
        {
            "spf": st.one_of(st.none(), spf_outcomes),
            "dkim": st.one_of(st.none(), st.lists(dkim_outcomes, max_size=4).map(tuple)),
            "arc": st.one_of(st.none(), arc_outcomes),
            "dmarc": st.one_of(st.none(), dmarc_outcomes),
            "iprev": st.one_of(st.none(), st.builds(IprevOutcome, **said, name=maybe)),
        }
    ),
    st.booleans(),
)
def test_outcomes(authserv_id: str, connection: Connection, outcomes: dict[str, Any], utf8: bool) -> None:  # noqa: FBT001
    field = write_outcomes(authserv_id, listed(outcomes), connection, utf8=utf8)
    check(authserv_id, told(outcomes, connection), utf8=utf8, with_peer=True, written=field)


@given(st.sampled_from(AUTHSERV_IDS), st.lists(method_results, max_size=3), st.booleans())
@example("mx.example.org", [MethodResult("dkim", "fail", "\r\n\tdkim=pass")], True)
@example("mx.example.org", [MethodResult("dkim", "fail", "x", (Property("header", "i", '"@example.com'),))], True)
@example("mx.example.org", [MethodResult("dnswl", "pass", None, (Property("dns", "sec", "yes"),))], False)
def test_results(authserv_id: str, results: list[MethodResult], utf8: bool) -> None:  # noqa: FBT001
    check(authserv_id, results, utf8=utf8, with_peer=True)


@given(spf_outcomes.filter(lambda o: o.result in grammar8601.SPF_RESULTS), connections, st.sampled_from(AUTHSERV_IDS))
def test_received_spf(outcome: SpfOutcome, connection: Connection, receiver: str) -> None:
    check_received_spf(outcome, connection, receiver)


def test_many_made_up_ones() -> None:
    for seed in range(4000):
        trip(seed)


@given(st.lists(method_results, min_size=20, max_size=40), st.integers(0, 4000))
@settings(max_examples=20)
def test_the_bound_holds_for_any_results(results: list[MethodResult], room: int) -> None:
    field = str(write("mx.example.org", results, max_bytes=room))
    read = grammar8601.read_authres(field).results
    # "; none" stands where nothing fits
    assert len(field) <= max(room, len("Authentication-Results: mx.example.org; none"))
    assert len(read) <= len(results)


# --- the reader of the test: what it must refuse ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: a.b; x=pass y.z=a b",
        "Authentication-Results: a.b; x=pass y.z=a;",
        "Authentication-Results: a.b",
        "Authentication-Results: a.b; none; x=pass",
        "Authentication-Results: a.b; nonesuch",
        "Authentication-Results: a.b; x_y=pass",
        "Authentication-Results: a.b; x=pass reason=a=b",
        "Authentication-Results: a.b; x=pass y.z=a reason=b",
        "Authentication-Results: a.b; x=pass y=z",
        "Authentication-Results: a.b; x=pass y.z=",
        'Authentication-Results: a.b; x=pass y.z="a',
        "Authentication-Results: a.b; x=pass (a",
        "Authentication-Results: a.b; x=pass (é)",
        "Authentication-Results: a.b; x=pass y.z=a..b@example.com",
        "Authentication-Results: a.b; x=pass y.z=a@com",
        "Authentication-Results: a.b; x=pass y.z=a@_x.example.com",
        "Authentication-Results: a.b; x=pass\r\ny.z=a",
        "Authentication-Results: a.b; x=pass\r\n \r\n y.z=a",
        "Authentication-Results: a.b; x=pass\n y.z=a",
        "Authentication-Results: a.b; x=pass (\x00)",
        "Authentication-Results: a.b; x=pass (" + "x" * 1000 + ")",
    ],
)
def test_the_reader_is_strict(field: str) -> None:
    with pytest.raises(OutsideGrammarError):
        grammar8601.read_authres(field)


def test_the_reader_reads_what_the_rfc_shows() -> None:
    # RFC 8601 Appendix B.3 to B.7, with what its grammar allows besides
    field = grammar8601.read_authres(
        'Authentication-Results: (a (b)) "our mail" (c) 1; (d) spf / 1 (e) = pass\r\n reason="x \\" y" (f)\r\n'
        '\tsmtp.mailfrom="joe soap"@example.net header.i=@a.example.com smtp . auth = x; dkim=fail'
    )
    assert (field.authserv_id, field.version) == ("our mail", 1)
    first, second = field.results
    assert (first.method, first.version, first.result, first.reason) == ("spf", 1, "pass", 'x " y')
    assert first.comments == ["d", "e", "f"]
    assert first.properties == [
        ("smtp", "mailfrom", Address("joe soap", "example.net")),
        ("header", "i", Address(None, "a.example.com")),
        ("smtp", "auth", "x"),
    ]
    assert (second.method, second.result, second.properties) == ("dkim", "fail", [])
    assert grammar8601.read_authres("Authentication-Results: a.b (c); (d) none (e)").results == []
    spf = 'Received-SPF: pass (a comment)\r\n receiver=mx.example.org; client-ip="::1";\r\n\thelo="";'
    assert grammar8601.read_received_spf(spf) == (
        "pass", [("receiver", "mx.example.org"), ("client-ip", "::1"), ("helo", "")],
    )  # fmt: skip


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = MethodResult("dkim", "fail", "x;\r\n\tdkim=pass", (Property("header", "i", 'a"b@example.com'),))
    check("mx.example.org", [hostile], utf8=False)
    with monkeypatch.context() as patch:
        patch.setitem(write.__globals__, "write_value", lambda text, **_: text)
        with pytest.raises((OutsideGrammarError, DifferenceError)):
            check("mx.example.org", [hostile], utf8=False)
    with monkeypatch.context() as patch:
        patch.setitem(write.__globals__, "_fitting", lambda rows, *_: rows[:-1])
        many = [MethodResult("dkim", "fail", "x" * 255)] * 80
        with pytest.raises(DifferenceError):
            check("mx.example.org", [*many, MethodResult("spf", "pass")], utf8=False)


# --- what the grammar does not have ----------------------------------------------------------------------------------


def written(result: MethodResult) -> grammar8601.Field | None:
    """Return what a strict reader finds of one result, None where the writer refuses it."""
    try:
        return grammar8601.read_authres(str(write("mx.example.org", [result])))
    except UsageError:
        return None


@pytest.mark.parametrize("local", ["a..b", ".a", "a.", "."])
def test_a_local_part_that_is_no_dot_atom(local: str) -> None:
    raw = signed(tags={"i": f"{local}@example.com"})
    auth = mailauth.authenticate(raw, Connection(), Zone(key_zone()), "mx.example.org", NOW)
    (dkim,) = (r for r in grammar8601.read_authres(str(auth.headers[0])).results if r.method == "dkim")
    assert ("header", "i", Address(local, "example.com")) in dkim.properties


@pytest.mark.parametrize("value", ["@com", "joe@localhost", "joe@_x.example.com"])
def test_an_address_in_a_domain_that_the_grammar_does_not_have(value: str) -> None:
    field = written(MethodResult("dkim", "fail", None, (Property("header", "i", value),)))
    assert field is not None
    # RFC 6376 §3.5: domain-name = sub-domain 1*("." sub-domain); as any other value it is a quoted-string
    assert field.results[0].properties == [("header", "i", value)]


@pytest.mark.parametrize(
    "result",
    [
        MethodResult("x_y", "pass"),
        MethodResult("x y", "pass"),
        MethodResult("", "pass"),
        MethodResult("x.y", "pass"),
        MethodResult("x", ""),
        MethodResult("x", "pass", None, (Property("", "version", "TLSv1.2"),)),
        MethodResult("x", "pass", None, (Property("smtp", "a;b", "c"),)),
    ],
    ids=str,
)
def test_a_word_that_is_no_keyword(result: MethodResult) -> None:
    """Refused, or left out; never a field that nobody can read."""
    written(result)


def test_the_version_of_a_method() -> None:
    # RFC 8601 §2.6: a reader ignores a result of a version it does not know; without "/2" it would believe it
    field = written(MethodResult("dkim", "pass", version=2))
    assert field is None or field.results == [] or field.results[0].version == 2
