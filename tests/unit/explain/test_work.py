"""A story costs no more than a line in the size of its message, and each thing in it is read once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import pytest
from support.growth import GROWTH, SMALL, TIMES, Work, grows
from support.outcomes import replaced
from support.shapes import WIDE, Job, job
from support.signing import MAIL

from mailauth import Limits, Result, authres
from mailauth.explain import as_text, tell
from mailauth.explain.copies import Copies
from mailauth.explain.html import as_html
from mailauth.message import Message

FROM = b"From: Anna <anna@example.com>\r\n\r\nbody\r\n"


def signature(copies: bytes = b"") -> bytes:
    field = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=AAAA; b=AAAA"
    return field + (b"; z=" + copies if copies else b"") + b"\r\n"


def chain(count: int, payload: bytes) -> bytes:
    tags = b"a=rsa-sha256; d=example.com; s=s1; "
    return b"".join(
        b"ARC-Seal: i=%d; cv=%s; %sb=AAAA\r\n" % (i, b"pass" if i > 1 else b"none", tags)
        + b"ARC-Message-Signature: i=%d; %sh=from; bh=AAAA; b=AAAA\r\n" % (i, tags)
        + b"ARC-Authentication-Results: i=%d; x.example%s\r\n" % (i, payload)
        for i in range(1, count + 1)
    )


def payloads(n: int) -> bytes:
    return signature() * (n // 2 // 80) + chain(20, b"; dkim=pass header.d=example.com" * (n // 2 // 20 // 32))


def sets(n: int) -> bytes:
    return signature() * (n // 2 // 80) + chain(n // 2 // 300, b"; dkim=pass header.d=example.com")


def copies(n: int) -> bytes:
    return signature(b"a:|" * (n // 30)) * 5 + b"a:\r\n" * (n // 8)


def one_field(n: int) -> bytes:
    return signature(b"x:") * (n // 2 // 86) + b"X: " + b"y z " * (n // 8) + b"\r\n"


SHAPES: dict[str, Callable[[int], bytes]] = {
    "payloads": payloads,
    "sets": sets,
    "copies of one field": copies,
    "one large field": one_field,
    "copies of none": lambda n: signature(b"|".join(b"f%d:" % i for i in range(n // 40))) * 5,
    "junk signatures": lambda n: b"DKIM-Signature: =\r\n" * (n // 19),
    "signed fields": lambda n: signature().replace(b"h=from", b"h=from" + b":x" * (n // 2)),
    "hops": lambda n: b"Received: from a by b; date\r\n" * (n // 29),
    "long hops": lambda n: (b"Received: from a" + b"\r\n b" * (n // 120) + b"\r\n") * 30,
    "forged": lambda n: b"Authentication-Results: mx.example.org; none\r\n" * (n // 46),
    "subjects": lambda n: b"Subject: x\r\n" * (n // 12),
    "encoded-words": lambda n: b"Subject: " + b"=?utf-8?q?x?= " * (n // 14) + b"\r\n",
    "charset": lambda n: b"Subject: =?" + b"utf-8" * (n // 5) + b"?q?x?=\r\n",
}


def stories(made: Job, limits: Limits | None) -> Work:
    """Return the work after the verdict: the text and the page."""
    found = made.run(limits)

    def work() -> None:
        told = tell(found, made.raw)
        as_text(told, dns=True)
        as_html(told, found)

    return work


@pytest.mark.parametrize("limits", [None, WIDE], ids=["limited", "unlimited"])
@pytest.mark.parametrize("name", SHAPES)
def test_growth(name: str, limits: Limits | None) -> None:
    small, large = (job(SHAPES[name](n) + FROM) for n in (SMALL, SMALL * TIMES))
    assert grows(partial(stories, small, limits), partial(stories, large, limits)) < GROWTH


def records(n: int) -> Job:
    """Terms that all use one answer, which is large."""
    terms = " exists:h.example.com" * (n // 42)
    zone: dict[str, Any] = {"example.com": {"TXT": [f"v=spf1{terms} -all"]}}
    return job(FROM, zone | {"h.example.com": {"TXT": ["x" * 250] * (n // 500)}})


def test_growth_with_dns() -> None:
    small, large = records(SMALL), records(SMALL * TIMES)
    assert grows(partial(stories, small, WIDE), partial(stories, large, WIDE)) < GROWTH


class Counted(Sequence[authres.AuthenticationResults]):
    """The payloads of a chain, which count how often each is read."""

    def __init__(self, payload: bytes, length: int) -> None:
        self.payload, self.length, self.reads = payload, length, Counter[int]()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        self.reads[index] += 1
        return authres.parse(self.payload)


@pytest.mark.parametrize("result", [Result.PASS, Result.FAIL])
def test_each_payload_is_read_once_for_text_and_page(result: Result) -> None:
    found = job(signature() * 100 + FROM).run()
    assert found.arc is not None
    counted = Counted(b"i=1; x.example; dkim=pass header.d=example.com", 50)
    arc = dataclasses.replace(found.arc, result=result, sealers=("example.org",) * 50, instances=50, payloads=counted)
    found = replaced(found, arc=arc)
    told = tell(found)
    as_html(told, found)
    assert max(counted.reads.values()) == 1
    assert len(counted.reads) <= 10
    (step,) = [step for step in told.steps if step.check == "arc"]
    assert "… 40 more" in step.lines
    seen = [line for step in told.steps for line in step.lines if "still verified" in line]
    assert bool(seen) == (result is Result.PASS)


class Watched(Message):
    """A message that counts how often each of its fields is read."""

    reads: ClassVar[Counter[int]] = Counter()

    def value(self, position: int) -> bytes:
        self.reads[position] += 1
        return super().value(position)


def test_each_field_is_read_once_for_all_copies() -> None:
    raw = signature(b"|".join([b"subject:", b"from:"] * 10)) * 40 + MAIL
    message = Watched.parse(raw)
    found = job(raw).run()
    Watched.reads.clear()
    compared = Copies(message, Limits())
    for each in found.dkim:
        # Two that are there, and 18 that are not
        assert len(compared.changes(each)) == 20
    assert set(Watched.reads.values()) == {1}
