"""Old keys of saved messages: used where a signature fits them, named, and without effect elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.signing import MAIL, NOW, key, key_zone, sealed, signature, signed

from mailauth.limits import Limits
from mailauth.resolvers import KeyFile, Recorder, Zone
from mailauth.saved import Saved, keys
from mailauth.saved import verify as verify_without_keys

TIME = datetime.fromtimestamp(NOW, UTC)
NAME = "s1._domainkey.example.com"
POLICY: dict[str, Any] = {"_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]}}
NEWER = key("rsa2048-other").record()
FITS = KeyFile("old.tsv", {NAME: (key().record().encode(),)})
ELSE = KeyFile("else.tsv", {NAME: (key("rsa2048-list").record().encode(), b"v=DKIM1; p=junk", b"\xff")})
OF_DNS: dict[str, Any] = {
    "absent": {},
    "replaced": {NAME: {"TXT": [NEWER]}},
    "replaced by many": {NAME: {"TXT": [NEWER, *(key(n).record(n=n) for n in ("rsa2048-list", "rsa2048-other"))]}},
    "revoked": {NAME: {"TXT": ["v=DKIM1; p="]}},
    "broken": {NAME: {"TXT": ["v=DKIM1; p=????"]}},
    "failed": {NAME: "SERVFAIL"},
    "slow": {NAME: "TIMEOUT"},
}
WHY = {"revoked": "DNS says that it is revoked", "failed": "DNS did not answer", "slow": "DNS did not answer"}


def verified(raw: bytes, dns: Any, *files: KeyFile) -> Saved:
    return keys.verify(raw, Zone(POLICY | dns), files, authserv_id="mx.example.org", now=TIME)


def results(saved: Saved) -> list[tuple[str, str, str]]:
    return [(each.check, each.result, each.reason) for each in saved.authentication.outcomes]


@pytest.mark.parametrize("dns", OF_DNS)
@pytest.mark.parametrize("files", [(FITS,), (ELSE, FITS), (FITS, ELSE)], ids=len)
def test_a_signature_that_fits_an_old_key_passes_and_says_so(dns: str, files: tuple[KeyFile, ...]) -> None:
    found = verified(signed(), OF_DNS[dns], *files).authentication
    (outcome,) = found.dkim
    assert outcome.result == "pass"
    assert outcome.detail.endswith(f"the key is from old.tsv: {WHY.get(dns, 'DNS no longer publishes it')}")
    assert found.dmarc is not None
    assert found.dmarc.result == "pass"


@pytest.mark.parametrize("dns", OF_DNS)
@pytest.mark.parametrize("raw", [signed(), signed().replace(b"Two", b"Six"), MAIL], ids=["good", "changed", "unsigned"])
def test_without_a_key_that_fits_the_verdict_is_that_of_dns(dns: str, raw: bytes) -> None:
    """An archive that has only some of the keys must not make a missing key look like a bad signature."""
    alone = verified(raw, OF_DNS[dns])
    assert results(verified(raw, OF_DNS[dns], ELSE)) == results(alone)
    if raw != signed():
        assert results(verified(raw, OF_DNS[dns], FITS)) == results(alone)


def test_a_body_that_was_changed_is_a_fail_whoever_has_the_key() -> None:
    raw = signed().replace(b"indented", b"expanded")
    assert verified(raw, {}, ELSE).authentication.dkim[0].reason == "key_missing"
    (outcome,) = verified(raw, {}, FITS).authentication.dkim
    assert (outcome.result, outcome.reason) == ("fail", "body_hash_mismatch")
    assert "the signed header fields are unchanged" in outcome.detail
    assert outcome.detail.endswith("the key is from old.tsv: DNS no longer publishes it")


def test_a_key_that_dns_has_is_not_called_an_old_one() -> None:
    same = KeyFile("old.tsv", {NAME: (key().record(n="the same key in other words").encode(),)})
    for raw in (signed(), signed().replace(b"indented", b"expanded")):
        found = verified(raw, key_zone(), same)
        assert "old.tsv" not in found.authentication.dkim[0].detail
        assert results(found) == results(verified(raw, key_zone()))


def test_an_old_key_has_to_be_usable() -> None:
    for record in (key().record(h="sha1"), key().record(s="other"), key("ed25519-author").record(), "v=DKIM1; p="):
        (outcome,) = verified(signed(), {}, KeyFile("old", {NAME: (record.encode(),)})).authentication.dkim
        assert (outcome.result, outcome.reason) == ("permerror", "key_missing")


def test_one_signature_of_two() -> None:
    raw = signature(MAIL, by="rsa2048-other", tags={"s": "s2"}) + signed()
    found = verified(raw, key_zone(selector="s2", name="rsa2048-other"), FITS).authentication
    assert [(each.result, "old.tsv" in each.detail) for each in found.dkim] == [("pass", False), ("pass", True)]


def test_a_chain_with_old_keys() -> None:
    chain = KeyFile("old.tsv", {"arc._domainkey.lists.example.org": (key("rsa2048-list").record().encode(),)})
    raw = sealed(sealed(MAIL), results="arc=pass")
    for dns in ({}, {"arc._domainkey.lists.example.org": "TIMEOUT"}):
        assert verified(raw, dns).authentication.arc.result == "fail"  # type: ignore[union-attr]
        arc = verified(raw, dns, chain).authentication.arc
        assert arc is not None
        assert arc.result == "pass"
        assert "keys are from old.tsv" in arc.detail
        changed = verified(raw.replace(b"Two", b"Six"), dns, chain)
        assert results(changed) == results(verified(raw.replace(b"Two", b"Six"), dns))


# --- which of several


@pytest.mark.parametrize("place", [1, 2, 3])
def test_which_of_several_keys_in_dns_a_signature_fits(place: int) -> None:
    records = [key("rsa2048-other").record(), key("rsa2048-list").record()]
    records.insert(place - 1, key().record())
    (outcome,) = verified(signed(), {NAME: {"TXT": records}}).authentication.dkim
    assert outcome.detail.endswith(f"; it is record {place} of 3 at {NAME}")


def test_one_key_beside_other_records_is_not_counted() -> None:
    (outcome,) = verified(signed(), {NAME: {"TXT": ["site=17", key().record()]}}).authentication.dkim
    assert outcome.detail.endswith("with its 2048-bit key")


def test_otherwise_it_is_the_verdict_without_keys() -> None:
    for raw in (signed(), b"", MAIL, b"\xff" * 100, signed().replace(b"b=", b"b==")):
        zone = Zone(POLICY | key_zone())
        assert keys.verify(raw, zone, (FITS,), authserv_id="mx", now=TIME) == verify_without_keys(
            raw, zone, authserv_id="mx", now=TIME
        )


# --- what is asked, and what is said


def test_dns_is_asked_once() -> None:
    asked: list[str] = []
    zone = Zone(POLICY)

    def resolve(name: str, rdtype: str) -> Any:
        asked.append(f"{name} {rdtype}")
        return zone.resolve(((name, rdtype),))[0]  # type: ignore[arg-type]

    assert keys.verify(signed(), resolve, (FITS,), authserv_id="mx", now=TIME).authentication.dkim
    assert len(asked) == len(set(asked)) > 2


@pytest.mark.parametrize("dns", OF_DNS)
def test_a_recording_has_no_old_keys(dns: str) -> None:
    recorder = Recorder(Zone(POLICY | OF_DNS[dns]))
    found = keys.verify(signed(), recorder, (FITS,), authserv_id="mx", now=TIME)
    assert found.authentication.dkim[0].result == "pass"
    again = keys.verify(signed(), Zone(recorder.to_dict()), authserv_id="mx", now=TIME)
    assert results(again) == results(verified(signed(), OF_DNS[dns]))


def test_a_recording_has_what_was_not_asked_because_the_time_was_up() -> None:
    recorder = Recorder(lambda *_: pytest.fail("asked"))
    keys.verify(signed(), recorder, (FITS,), authserv_id="mx", now=TIME, limits=Limits(seconds=0))
    again = keys.verify(signed(), Zone(recorder.to_dict()), authserv_id="mx", now=TIME).authentication
    assert (again.dkim[0].result, again.dkim[0].reason) == ("temperror", "dns_timeout")
    assert {answer.status for _, answer in again.dns} == {"timeout"}


def test_a_missing_key_is_no_statement_about_the_signature() -> None:
    (line,) = keys.notes(verified(signed(), {}))
    assert line == (
        f"no key at {NAME}: it is no longer published, or never was, which says nothing against the signature; "
        "--keys FILE gives an old key"
    )
    (line,) = keys.notes(verified(signed(), {}, ELSE), (ELSE,))
    assert line.endswith("else.tsv has none that fits")
    assert keys.notes(verified(signed(), {}, FITS), (FITS,)) == []
    assert keys.notes(verified(signed(), OF_DNS["replaced"])) == []


def test_many_signatures_and_many_keys_stay_bounded() -> None:
    many = KeyFile("old", {NAME: tuple(key("rsa2048-other").record(n=str(n)).encode() for n in range(5000))})
    raw = signature(MAIL) * 200 + MAIL
    found = verified(raw, {}, many).authentication
    assert {each.reason for each in found.dkim} == {"key_missing", "limit:signatures"}
