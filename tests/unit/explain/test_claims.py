"""What nobody vouches for is told as a claim, what the outcomes decided is told as they decided it."""

from __future__ import annotations

import dataclasses
import html
import itertools
import re
from typing import Any

import pytest
from support.outcomes import replaced
from support.signing import MAIL, NOW, key_zone, sealed, signature, signed

from mailauth import Authentication, Connection, Disposition, Limits, Options, Reason, Result, authenticate
from mailauth.dkim.outcome import DkimOutcome
from mailauth.dmarc.outcome import DmarcOutcome
from mailauth.explain import Story, as_text, tell
from mailauth.explain.html import as_html
from mailauth.explain.reasons import CATALOGUE
from mailauth.testing import Zone

HEDGES = re.compile(r"claim|unverified|not verified|if (it|this)|fail|nobody", re.IGNORECASE)
CLIENT = Connection(ip="192.0.2.3", helo="mx.example.com", mail_from="anna@example.com")
REJECT = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}}


def check(raw: bytes = MAIL, zone: Any = None, connection: Connection | None = CLIENT, **more: Any) -> Authentication:
    return authenticate(raw, connection, Zone(zone or {}), "mx.example.org", NOW, **more)


def lines(found: Authentication, raw: bytes | None = None) -> list[str]:
    return [line.strip() for line in found.explain(raw).splitlines() if line.strip()]


def page(found: Authentication, raw: bytes | None = None) -> str:
    return as_html(tell(found, raw), found)


def page_lines(found: Authentication, raw: bytes) -> list[str]:
    """Return the text of the page, a line for each item, heading and paragraph."""
    pieces = re.split(
        r"</?(?:li|p|h\d|text|title|desc|td|th|g|section)\b[^>]*>", page(found, raw).partition("<main>")[2]
    )
    return [html.unescape(re.sub(r"<[^>]*>", "", piece)).strip() for piece in pieces]


# --- claims

INVENTED_SET = (
    b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=bigmail.example; s=arc; b=AAAA\r\n"
    b"ARC-Message-Signature: i=1; a=rsa-sha256; d=bigmail.example; s=arc; h=from; bh=AAAA; b=AAAA\r\n"
    b"ARC-Authentication-Results: i=1; mx.bigmail.example; dkim=pass header.d=example.com; dmarc=pass\r\n"
)
INVENTED_SIGNATURE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from:x-approved; l=3; bh=AAAA; b=AAAA;\r\n"
    b" z=Subject:Invoice=204711|From:Bank=20<anna@example.com>\r\n"
)


@pytest.mark.parametrize("zone", [REJECT | key_zone(), REJECT], ids=["key", "no key"])
def test_an_invented_signature_and_set_say_nothing_flatly(zone: Any) -> None:
    raw = INVENTED_SET + INVENTED_SIGNATURE + MAIL
    found = check(raw, zone)
    told = ("bigmail", "4711", "Bank", "x-approved", "still verified", "was changed", "l=3", "dkim=pass", "dmarc=pass")
    for line in [*lines(found, raw), *page_lines(found, raw)]:
        # Whether there is a key at a name is what DNS says
        assert not any(word in line for word in told) or HEDGES.search(line) or "arc._domainkey" in line, line


def test_a_broken_chain_counts_as_none() -> None:
    # RFC 8617 §5.2: what its sealers saw says nothing about the signature
    zone = REJECT | key_zone() | key_zone("lists.example.org", "arc", "rsa2048-list")
    raw = sealed(signed(), results="dkim=pass header.d=example.com").replace(b"Hello", b"Adieu")
    found = check(raw, zone)
    assert found.arc is not None
    assert found.arc.result is Result.FAIL
    assert not any("still verified" in line for line in lines(found, raw))
    assert any("lists.example.org" in line and "unverified" in line for line in lines(found, raw))
    whole = sealed(signed().replace(b"Subject: ", b"Subject: [list] "), results="dkim=pass header.i=@example.com")
    found = check(whole, zone)
    assert found.arc is not None
    assert found.arc.result is Result.PASS
    (seen,) = [line for line in lines(found, whole) if "still verified" in line]
    assert "lists.example.org (i=1), not trusted here, claims" in seen


def test_a_signature_that_verifies_is_told_as_a_fact() -> None:
    raw = signed(tags={"x": "1"})
    found = check(raw, key_zone())
    assert found.dkim[0].reason is Reason.EXPIRED
    (step,) = [step for step in tell(found, raw).steps if step.check == "dkim"]
    assert not any(HEDGES.search(line) for line in step.lines)


def test_a_changed_body_is_a_fact_only_under_a_genuine_header() -> None:
    genuine = signed().replace(b"Hello", b"Adieu")
    assert "the body was changed after signing" in check(genuine, key_zone()).dkim[0].detail
    for unknown in (genuine.replace(b"Subject: ", b"Subject: Re: "), INVENTED_SIGNATURE.replace(b" l=3;", b"") + MAIL):
        outcome = check(unknown, key_zone()).dkim[0]
        assert outcome.reason is Reason.BODY_HASH_MISMATCH
        assert "was changed" not in outcome.detail
        assert "unverified signature claims" in outcome.detail


def test_a_message_with_signatures_that_were_not_looked_at() -> None:
    found = check(signed(), options=Options(checks=frozenset({"spf"})))
    assert "the message has no DKIM-Signature" not in found.explain(signed())
    assert "the message has no DKIM-Signature" in check().explain(MAIL)
    assert "key at None" not in check(b"DKIM-Signature: v=1\r\n" + MAIL).explain()


# --- alignment is that of the outcome


def test_a_subdomain_that_is_its_own_organization_is_not_aligned() -> None:
    # RFC 9989 §4.10.2: psd=n
    zone = REJECT | {
        "_dmarc.sub.example.com": {"TXT": ["v=DMARC1; p=none; psd=n"]},
        "x.sub.example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]},
        **key_zone("x.sub.example.com"),
    }
    raw = signed(tags={"d": "x.sub.example.com"})
    found = check(raw, zone, Connection(ip="192.0.2.3", mail_from="u@x.sub.example.com"))
    assert found.dmarc is not None
    assert found.dmarc.result is Result.FAIL
    told = lines(found, raw)
    for mechanism in ("dkim", "spf"):
        assert f"- {mechanism}=pass for x.sub.example.com, which is not aligned with example.com" in told
    assert not [line for line in told if "is aligned with" in line and "not aligned" not in line]
    drawn = page(found, raw)
    assert "MAIL FROM x.sub.example.com: pass, not aligned." in drawn
    assert "DKIM d=x.sub.example.com: pass, not aligned." in drawn


def test_what_was_not_decided_is_not_told() -> None:
    zone = key_zone("b.example.com")
    raw = signed(tags={"d": "b.example.com"})
    found = check(raw, {**zone, "_dmarc.example.com": "TIMEOUT"})
    assert "dkim=pass for b.example.com; whether that is aligned with example.com was not decided" in found.explain()
    assert "DKIM d=b.example.com: pass, alignment not decided, DMARC temperror." in page(found)


def test_the_alignment_of_a_failing_signature_comes_from_an_answer_asked_in_advance() -> None:
    raw = signed(tags={"d": "b.example.com"}).replace(b"Hello", b"Adieu")
    found = check(raw, REJECT | key_zone("b.example.com"))
    assert "dkim=fail for b.example.com, which is aligned with example.com" in found.explain()
    (traced,) = [each for each in found.trace if each.question.name == "_dmarc.b.example.com"]
    assert [use.check for use in traced.uses] == ["dmarc"]


def test_a_key_in_testing_that_does_not_count_is_not_drawn_as_aligned() -> None:
    found = check(signed(), REJECT | key_zone(t="y"), options=Options(count_testing_keys=False))
    assert "dkim=pass for" not in found.explain()
    assert "DKIM d=example.com: pass, not counted." in page(found)


# --- the limits of the call


def test_counters_are_told_with_the_limits_of_the_call() -> None:
    hosts = [f"h{i}.example.com" for i in range(12)]
    zone: Any = {h: {"A": ["198.51.100.1"]} for h in hosts}
    zone["example.com"] = {"TXT": [f"v=spf1 {' '.join('a:' + h for h in hosts)} exists:none.example.com -all"]}
    limits = Limits(spf_terms=20, spf_void=7)
    assert "13 of 20 terms that need DNS, 1 of 7 that found nothing" in check(zone=zone, limits=limits).explain()
    assert "11 (more than 10) terms that need DNS, 0 of 2" in check(zone=zone).explain()


FILLING = b"".join(b"X-%d: v\r\n" % i for i in range(6000))
COPIED = signature(MAIL, tags={"z": "Subject:Lunch|From:x", **{f"t{i}": "0" for i in range(70)}})


@pytest.mark.parametrize("limits", [Limits(header_fields=10_000), Limits(header_fields=10), Limits()], ids=repr)
@pytest.mark.parametrize("fields", [FILLING, b""], ids=["many", "few"])
def test_the_message_is_read_under_the_limits_of_the_call(limits: Limits, fields: bytes) -> None:
    raw = fields + INVENTED_SIGNATURE + MAIL
    found = check(raw, key_zone(), limits=limits)
    text = found.explain(raw)
    assert ("4711" in text) == (bool(found.dkim) and found.dkim[0].reason is Reason.BODY_HASH_MISMATCH)
    assert as_html(tell(found, raw), found)


def test_tags_beyond_the_usual_limit_are_compared() -> None:
    raw = COPIED + MAIL.replace(b"Subject: ", b"Subject: Re: ")
    assert "subject was 'Lunch'" in check(raw, key_zone(), limits=Limits(tags=100)).explain(raw)
    assert "Lunch" not in check(raw, key_zone()).explain(raw)


@pytest.mark.parametrize("other", [b"", MAIL, b"X: y\r\n" * 20 + MAIL, FILLING + MAIL, b"\xff" * 99])
def test_the_octets_of_another_message_do_no_harm(other: bytes) -> None:
    found = check(INVENTED_SET + INVENTED_SIGNATURE * 3 + MAIL, key_zone())
    assert "4711" not in found.explain(other)


# --- advice


def outcome(result: Result, disposition: Disposition, **more: Any) -> DmarcOutcome:
    more = {"author_domain": "example.com", "reason": Reason.DMARC_NOT_ALIGNED, "detail": "why"} | more
    return DmarcOutcome(result=result, disposition=disposition, **more)


@pytest.mark.parametrize("result", Result)
@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize("policy", [None, "none", "reject"])
def test_advice_speaks_of_a_pass_only_where_there_is_one(result: Result, disposition: Disposition, policy: Any) -> None:
    dmarc = outcome(result, disposition, policy=policy)
    advice = tell(replaced(check(), dmarc=dmarc)).advice
    starts = {"accept": "Accept it", "quarantine": "Hold it back", "reject": "Refuse it", "defer": "Defer it"}
    assert advice[0].startswith(starts[disposition])
    if result is not Result.PASS:
        assert not any(re.search(r"\bpass", line) for line in advice)


@pytest.mark.parametrize(
    "zone", [{}, {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=none"]}}, {"_dmarc.example.com": "TIMEOUT"}]
)
def test_no_word_of_a_pass_without_one(zone: Any) -> None:
    assert "pass" not in " ".join(tell(check(zone=zone)).advice)


def test_without_dmarc_there_is_no_advice() -> None:
    assert "no advice" in tell(check(options=Options(checks=frozenset({"dkim"})))).advice[0]


# --- a guessed client


@pytest.mark.parametrize("source", ["received", "stated"])
def test_a_guessed_client_is_told_first(source: Any) -> None:
    zone = REJECT | {"example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]}}
    guessed = dataclasses.replace(CLIENT, source=source)
    found = check(zone=zone, connection=guessed)
    assert found.dmarc is not None
    assert found.dmarc.result is Result.PASS
    headline = found.explain().splitlines()[0]
    assert headline.startswith("example.com sent this message: SPF confirms it")
    assert "read from the message: a guess" in headline
    drawn = page(found)
    assert "a guess" in drawn.partition("<h1>")[2].partition("</h1>")[0]
    for step in tell(found).steps:
        if step.check in ("spf", "spf helo", "iprev"):
            assert "a guess" in step.lines[0]
    given = check(zone=zone)
    assert "guess" not in given.explain()
    assert "guess" not in page(given)
    assert "guess" not in check(zone=zone, connection=None).explain()


# --- the modes


def test_each_mode_is_told_by_its_own_standard() -> None:
    zone = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; t=y; pct=50"]}}
    old = check(zone=zone, options=Options(mode="rfc7489")).explain()
    new = check(zone=zone).explain()
    assert "RFC 7489" in old
    assert "the policy that applies: reject\n" in old
    assert "any more" not in old
    assert "the policy that applies: quarantine (t=y: one step weaker)" in new
    assert "RFC 7489" not in new


# --- any outcome at all


def bounce(**more: Any) -> Authentication:
    dmarc = outcome(Result.NONE, Disposition.ACCEPT, author_domain=None, reason=Reason.AUTHOR_MISSING)
    found = check(connection=Connection(ip="192.0.2.3", helo="h.example", mail_from=""))
    return dataclasses.replace(replaced(found, dmarc=dmarc), **more)


def test_a_bounce_without_an_author_domain() -> None:
    told = tell(bounce())
    assert told.headline == "This bounce names no author domain"
    assert told.advice[0].startswith("Accept it")
    assert not any("refuse" in line for line in told.advice)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_with_every_result_has_a_story(reason: Reason) -> None:
    raw = sealed(signed())
    found = check(raw, REJECT | key_zone() | key_zone("lists.example.org", "arc", "rsa2048-list"))
    assert found.spf is not None
    assert found.helo_spf is not None
    assert found.arc is not None
    assert found.iprev is not None
    for result, author, disposition in itertools.product(Result, ("example.com", None), Disposition):
        same: dict[str, Any] = {"result": result, "reason": reason}
        every = replaced(
            found,
            spf=dataclasses.replace(found.spf, **same),
            helo_spf=dataclasses.replace(found.helo_spf, **same),
            dkim=(dataclasses.replace(found.dkim[0], **same),),
            arc=dataclasses.replace(found.arc, **same),
            dmarc=outcome(disposition=disposition, author_domain=author, **same),
            iprev=dataclasses.replace(found.iprev, **same),
        )
        told = tell(every, raw)
        assert told.headline
        assert {step.result for step in told.steps} == {str(result)}
        assert all(step.meaning == CATALOGUE[reason].meaning for step in told.steps)
        assert as_text(told, dns=True)
        assert as_html(told, every)


# --- positions


def test_positions_are_those_of_the_outcome() -> None:
    raw = b"X: y\r\n" + b"Authentication-Results: mx.example.org; none\r\n" + INVENTED_SIGNATURE + MAIL
    found = check(raw)
    assert found.dkim[0].index == 2
    assert "header field 2 (0 is the top)" in found.explain(raw)
    assert "Remove the forged header fields 1 (0 is the top)" in found.explain(raw)


# --- very much of something


def test_of_very_many_signatures_those_that_pass_are_shown() -> None:
    raw = b"DKIM-Signature: v=1\r\n" * 400 + signed()
    found = check(raw, key_zone())
    told: Story = tell(found, raw)
    shown = [step for step in told.steps if step.check == "dkim"]
    assert len(shown) == 51
    assert (shown[49].result, shown[50].result) == ("pass", "not shown")
    assert shown[50].subject == "351 more signatures"
    assert as_html(told, found).count("not shown") == 1


def many() -> tuple[DkimOutcome, ...]:
    template = DkimOutcome(result=Result.FAIL, reason=Reason.SIGNATURE_MISMATCH, detail="x" * 5000, index=0)
    return tuple(
        dataclasses.replace(template, index=i, domain=f"d{i}.example", selector="s", signed_headers=("subject",) * 512)
        for i in range(1000)
    )


def test_the_size_of_a_story_is_bounded() -> None:
    raw = b"Authentication-Results: mx.example.org; none\r\n" * 4000 + b"Subject: a\r\n" * 900 + MAIL
    found = replaced(check(raw), dkim=many())
    told = tell(found, raw)
    assert len(as_text(told)) < 150_000
    assert len(as_html(told, found)) < 250_000
    assert max(map(len, as_text(told).splitlines())) < 1500
    assert "… 3980 more" in as_text(told)


@pytest.mark.parametrize("tag", ["v", "a", "c", "d", "s", "i", "h", "l", "q", "t", "x", "z", "bh", "b"])
@pytest.mark.parametrize("name", [b"DKIM-Signature", b"ARC-Seal", b"ARC-Message-Signature"])
def test_no_tag_makes_a_line_longer(name: bytes, tag: str) -> None:
    tags = {"v": "1", "i": "1", "cv": "none", "a": "rsa-sha256", "d": "example.com", "s": "s1", "h": "from"} | {
        "bh": "AAAA",
        "b": "AAAA",
        tag: "x" * 15_000,
    }
    raw = name + ": {}\r\n".format("; ".join(f"{key}={value}" for key, value in tags.items())).encode() + MAIL
    found = check(raw)
    assert max(map(len, as_text(tell(found, raw)).splitlines())) < 1500
    assert "x" * 1500 not in page(found, raw)
