"""Servers that do not know EDNS (RFC 6891 §7): each resolver asks them again without it, against a real server."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from mailauth.dns import Question, Status
from mailauth.resolvers import DnspythonResolver
from unit.resolvers.dns_server import ASKED, NO_EDNS, SLOW, serving_tls
from unit.resolvers.tls import certificate
from unit.resolvers.ways import WAYS, ask

LONG = "z" * 2550  # octets: over TCP, so that is asked without EDNS too
# c-ares does not say whether SERVFAIL came with EDNS, and repeats a question as it is when nobody answers
UNTOLD = {"servfail", "dropped"}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls") / "dot.pem")


@pytest.mark.parametrize("refusal", NO_EDNS)
@pytest.mark.parametrize("way", WAYS)
def test_a_server_without_edns_is_asked_again(port: int, way: str, refusal: str) -> None:
    if way == "c-ares" and refusal in UNTOLD:
        pytest.skip("documented: c-ares cannot tell")
    questions = [(f"{refusal}.no-edns.example", rdtype) for rdtype in ("A", "TXT")]
    address, text = ask(way, port, *questions, timeout=0.5, lifetime=3.0)
    assert (address.status, address.records) == (Status.OK, ("192.0.2.1",))
    assert (text.status, text.records) == (Status.OK, (LONG.encode(),))


@pytest.mark.parametrize("way", ["blocking", "asyncio", "trio"])
def test_also_over_tcp(port: int, way: str) -> None:
    (answer,) = ask(way, port, ("tcp-no-edns.example", "A"))
    assert answer.records == ("192.0.2.1",)


@pytest.mark.parametrize("way", ["blocking", "asyncio", "trio"])
def test_also_over_tls(pem: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving_tls(context) as number:
        servers = [f"tls://127.0.0.1:{number}#dot.example"]
        (answer,) = ask(way, 0, ("notimp.no-edns.example", "A"), nameservers=servers)
    assert answer.records == ("192.0.2.1",)


@pytest.mark.parametrize("way", ["blocking", "asyncio", "trio"])
def test_a_refusal_that_is_not_about_edns_is_repeated_once(port: int, way: str) -> None:
    for name in ("formerr.example", "unscripted.example"):
        del ASKED[name]
        (answer,) = ask(way, port, (name, "TXT"))
        assert answer.status is Status.SERVFAIL
        assert ASKED[name] == 2
    # and an answer that shows EDNS not at all
    for name in ("servfail.example", "refused.example", "nx.example"):
        del ASKED[name]
        ask(way, port, (name, "TXT"))
        assert ASKED[name] == 1


@pytest.mark.parametrize("way", ["blocking", "asyncio", "trio"])
def test_the_second_query_has_what_is_left_of_the_time(port: int, way: str) -> None:
    # refused after SLOW, and without EDNS answered after SLOW
    (answer,) = ask(way, port, ("slow-no-edns.example", "A"), timeout=1.5 * SLOW, lifetime=1.5 * SLOW)
    assert answer.status is Status.TIMEOUT
    (answer,) = ask(way, port, ("slow-no-edns.example", "A"))
    assert answer.status is Status.OK


def test_a_server_that_is_silent_does_not_keep_another_from_being_asked_again(port: int) -> None:
    resolver = DnspythonResolver(["127.0.0.1", "127.0.0.9"], port=port, timeout=0.3, lifetime=3.0)
    (answer,) = resolver.resolve((Question("formerr.no-edns.example", "A"),))
    assert answer.records == ("192.0.2.1",)
