"""What a validating resolver says: a signed answer is secure, an unsigned one is not, a forged one is a failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support.resolving import ask, each_way, resolver, verify
from support.servers import master_file, nsd, sign, unbound
from support.signing import MAIL, NOW, key, sealed, signature

from mailauth import Connection
from mailauth.dns import Question, Status

SPF = "v=spf1 ip4:192.0.2.3 -all"
DMARC = "v=DMARC1; p=reject"


def domain(name: str) -> dict[str, Any]:
    """Everything that a message from this domain needs."""
    return {
        name: {"TXT": [SPF], "MX": [[10, f"mx.{name}"]]},
        f"mx.{name}": {"A": ["192.0.2.3"], "TXT": [SPF]},
        f"s1._domainkey.{name}": {"TXT": [key().record()]},
        f"arc._domainkey.{name}": {"TXT": [key("rsa2048-list").record()]},
        f"_dmarc.{name}": {"TXT": [DMARC]},
        f"alias.{name}": {"CNAME": [f"mx.{name}"]},
    }


SIGNED = {**domain("signed.example"), "out.signed.example": {"CNAME": ["mx.plain.example"]}}
PLAIN = {**domain("plain.example"), "in.plain.example": {"CNAME": ["mx.signed.example"]}}
REVERSE = {"3.2.0.192.in-addr.arpa": {"PTR": ["mx.signed.example"]}}


def tampered(text: str) -> str:
    """Change every record of the zone's own data, and its signatures stay as they were."""
    changed = text.replace("192.0.2.3", "192.0.2.4").replace("v=DKIM1", "v=DKIM1; n=x").replace("p=reject", "p=none")
    assert changed != text
    return changed


def without_denial(text: str) -> str:
    """Take away the signatures that prove what does not exist."""
    changed = re.sub(r"(?m)^\S+\s+\d+\s+IN\s+RRSIG\s+NSEC\s.*\n", "", text)
    assert changed != text
    return changed


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of nsd and of unbound."""
    directory = tmp_path_factory.mktemp("dnssec")
    zones, anchors = {".": master_file({**PLAIN, **REVERSE})}, []
    signed = {"signed.example": SIGNED, **{n: domain(n) for n in ("bogus.example", "hole.example", "old.example")}}
    for name, mapping in signed.items():
        origin = f"{name}."
        text, anchor = sign(directory / name, origin, master_file(mapping, origin), expired=name == "old.example")
        anchors.append(anchor)
        zones[origin] = {"bogus.example": tampered, "hole.example": without_denial}.get(name, str)(text)
        # the delegation, without DS: trust comes from the anchors
        zones["."] += f"{origin} IN NS ns.invalid.\n"
    with ExitStack() as stack:
        authority = stack.enter_context(nsd(directory / "nsd", zones))
        yield authority, stack.enter_context(unbound(directory / "unbound", authority, anchors))


# c-ares does not tell whether an answer is secure
with_dnspython = pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])


@with_dnspython
@pytest.mark.parametrize(
    ("name", "rdtype", "status", "secure"),
    [
        ("signed.example", "TXT", Status.OK, True),
        ("signed.example", "MX", Status.OK, True),
        ("s1._domainkey.signed.example", "TXT", Status.OK, True),
        ("_dmarc.signed.example", "TXT", Status.OK, True),
        ("alias.signed.example", "A", Status.OK, True),
        ("mx.signed.example", "AAAA", Status.NODATA, True),
        ("absent.signed.example", "TXT", Status.NXDOMAIN, True),
        ("plain.example", "TXT", Status.OK, False),
        ("_dmarc.plain.example", "TXT", Status.OK, False),
        ("mx.plain.example", "AAAA", Status.NODATA, False),
        ("absent.plain.example", "TXT", Status.NXDOMAIN, False),
        # one insecure link makes the whole answer insecure
        ("out.signed.example", "A", Status.OK, False),
        ("in.plain.example", "A", Status.OK, False),
    ],
)
def test_secure_or_not(
    servers: tuple[int, int], way: str, name: str, rdtype: str, status: Status, *, secure: bool
) -> None:
    batch = (Question(name, rdtype),)
    (answer,) = ask(way, servers[1], batch, trust_ad=True)
    assert (answer.status, answer.secure) == (status, secure)
    # a caller who does not trust the path is told nothing
    (answer,) = ask(way, servers[1], batch)
    assert (answer.status, answer.secure) == (status, None)


@each_way
@pytest.mark.parametrize(
    ("name", "rdtype"),
    [
        ("bogus.example", "TXT"),
        ("s1._domainkey.bogus.example", "TXT"),
        ("_dmarc.bogus.example", "TXT"),
        ("mx.bogus.example", "A"),
        ("alias.bogus.example", "A"),
        ("old.example", "TXT"),
        ("absent.old.example", "TXT"),
        ("mx.hole.example", "AAAA"),
        ("absent.hole.example", "TXT"),
        ("_dmarc.absent.hole.example", "TXT"),
    ],
)
def test_what_cannot_be_proved_is_a_failure_and_no_absence(
    servers: tuple[int, int], way: str, name: str, rdtype: str
) -> None:
    for options in ({},) if way == "c-ares" else ({}, {"trust_ad": True}):
        (answer,) = ask(way, servers[1], (Question(name, rdtype),), **options)
        assert answer.status is Status.SERVFAIL
        assert answer.records == ()
        assert not answer.secure
        assert answer.detail


def test_the_authority_itself_vouches_for_nothing(servers: tuple[int, int]) -> None:
    (answer,) = ask("sync", servers[0], (Question("signed.example", "TXT"),), trust_ad=True)
    assert (answer.status, answer.secure) == (Status.OK, False)


def mail_from(name: str) -> bytes:
    """A message whose author, signature and seal are those of a domain."""
    message = MAIL.replace(b"example.com", name.encode())
    tags = {"d": name}
    return sealed(signature(message, tags=tags) + message, domain=name)


@with_dnspython
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("signed.example", ("pass", "pass", "pass", "pass", "accept")),
        ("plain.example", ("pass", "pass", "pass", "pass", "accept")),
        # the tampered records would say: SPF fail, DKIM pass, ARC pass, DMARC p=none
        ("bogus.example", ("temperror", "temperror", "fail", "temperror", "defer")),
        ("old.example", ("temperror", "temperror", "fail", "temperror", "defer")),
        ("absent.hole.example", ("temperror", "temperror", "fail", "temperror", "defer")),
    ],
)
def test_verdicts(servers: tuple[int, int], way: str, name: str, words: tuple[str, ...]) -> None:
    connection = Connection(ip="192.0.2.3", helo="mx.signed.example", mail_from=f"anna@{name}")
    found = verify(way, resolver(way, servers[1], trust_ad=True), mail_from(name), connection, NOW)
    assert found.spf is not None
    assert found.arc is not None
    assert found.dmarc is not None
    assert found.iprev is not None
    got = (found.spf.result, found.dkim[0].result, found.arc.result, found.dmarc.result, found.dmarc.disposition)
    assert got == words
    assert found.iprev.result == "pass"
    if words[0] == "pass":
        secure = name == "signed.example"
        assert found.spf.secure is found.dkim[0].secure is found.arc.secure is secure
        # the walk up the tree asks insecure parents as well
        assert {q.name: a.secure for q, a in found.dns}[f"_dmarc.{name}"] is secure
