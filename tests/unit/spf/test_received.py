"""Received-SPF (RFC 7208 §9.1): enough to replay the check, and nothing a stranger could add."""

from __future__ import annotations

import re

import pytest
import spf as pyspf

from mailauth import Connection, Options, authenticate, run, spf
from mailauth.testing import Zone

ZONE = Zone({"example.com": {"TXT": ["v=spf1 ip4:192.0.2.3 -all"]}, "h.example": {"TXT": ["v=spf1 -all"]}})


def write(
    *,
    scope: str = "mfrom",
    ip: str = "192.0.2.3",
    helo: str | None = "h.example",
    mail_from: str | None = "a@example.com",
) -> str:
    connection = Connection(ip=ip, helo=helo, mail_from=mail_from)
    outcome = run(spf.check(connection, scope=scope), ZONE)  # type: ignore[arg-type]
    return spf.write_received_spf(outcome, connection, "mx.example.org")


def pairs(field: str) -> dict[str, str]:
    """Read the key-value-list with a plain reader of dot-atoms and quoted-strings."""
    value = field.partition(":")[2].replace("\r\n", "").strip()
    result, _, rest = value.partition(" ")
    found = {"": result}
    for key, quoted, atom in re.findall(r'([a-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^";\s]*))(?:;\s*|$)', rest):
        found[key] = re.sub(r"\\(.)", r"\1", quoted) if quoted else atom
    return found


def test_everything_to_replay_the_check() -> None:
    field = write()
    assert field.startswith("Received-SPF: pass ")
    assert pairs(field) == {
        "": "pass",
        "client-ip": "192.0.2.3",
        "envelope-from": "a@example.com",
        "helo": "h.example",
        "receiver": "mx.example.org",
        "mechanism": "ip4:192.0.2.3",
        "identity": "mailfrom",
    }


def test_another_implementation_reads_the_same() -> None:
    query = pyspf.query("", "", "")
    query.parse_header_spf(write().partition(":")[2].replace("\r\n", "").strip())
    assert (query.result, query.i, query.s, query.h) == ("pass", "192.0.2.3", "a@example.com", "h.example")


def test_the_helo_identity() -> None:
    found = pairs(write(scope="helo"))
    assert (found[""], found["identity"]) == ("fail", "helo")
    assert "envelope-from" not in found


def test_no_match_and_problems() -> None:
    found = pairs(write(ip="2001:db8::1", mail_from="a@absent.example"))
    assert (found[""], found["mechanism"], found["problem"]) == ("none", "default", "spf_no_record")
    assert found["client-ip"] == "2001:db8::1"
    assert 'client-ip="2001:db8::1"' in write(ip="2001:db8::1")


@pytest.mark.parametrize(
    "hostile",
    [
        'a"b\r\nInjected: yes',
        "x; identity=helo; problem=none",
        'x"; client-ip=203.0.113.1; y="',
        "back\\slash\\",
        "tab\there \x1b[31m \x00",
        "ü\u202e",
        "x" * 900,
    ],
)
def test_hostile_values_stay_values(hostile: str) -> None:
    field = write(helo=hostile)
    assert field.isascii()
    assert set(re.findall(r"[\x00-\x1f]", field)) <= {"\r", "\n", "\t"}
    assert not re.search(r"\r(?!\n\t)|(?<!\r)\n", field)
    assert max(map(len, field.split("\r\n"))) <= 998
    found = pairs(field)
    assert list(found) == ["", "client-ip", "envelope-from", "helo", "receiver", "mechanism", "identity"]
    assert (found["client-ip"], found["identity"]) == ("192.0.2.3", "mailfrom")


def test_a_hostile_sender() -> None:
    found = pairs(write(mail_from='"x);dkim=pass header.d=bank.example ("@example.com'))
    assert found["envelope-from"] == '"x);dkim=pass header.d=bank.example ("@example.com'
    assert found["identity"] == "mailfrom"


def test_it_is_written_on_request_and_agrees() -> None:
    connection = Connection(ip="192.0.2.3", helo="h.example", mail_from="a@example.com")
    raw = b"From: a@example.com\r\n\r\n"
    silent = authenticate(raw, connection, ZONE, "mx.example.org", 0)
    assert [h.name for h in silent.headers] == ["Authentication-Results"]
    spoken = authenticate(raw, connection, ZONE, "mx.example.org", 0, options=Options(received_spf=True))
    assert [h.name for h in spoken.headers] == ["Authentication-Results", "Received-SPF"]
    assert spoken.headers[1].value.startswith("pass ")
    assert "spf=pass" in spoken.headers[0]
