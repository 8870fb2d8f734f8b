"""The tree walk and the policy that applies (RFC 9989 §4.10)."""

from __future__ import annotations

from typing import Any

import pytest

from mailauth import Question, Reason, dmarc, run
from mailauth.dmarc.discovery import Policy, Walk
from mailauth.testing import Faults, Zone


def zone(records: dict[str, Any], names: dict[str, Any] | None = None) -> Zone:
    """Return DNS with these DMARC records, by the name they are about."""
    data: dict[str, Any] = dict(names or {})
    for name, value in records.items():
        texts = [value] if isinstance(value, str) and value.startswith("v=") else value
        data[f"_dmarc.{name}"] = {"TXT": texts}
    return Zone(data)


def walk(domain: str, records: dict[str, Any], **arguments: Any) -> Walk:
    return run(dmarc.walk(domain, **arguments), zone(records))


def policy(domain: str, records: dict[str, Any], names: dict[str, Any] | None = None) -> Policy:
    return run(dmarc.find_policy(domain), zone(records, names))


R, Q, N = "v=DMARC1; p=reject", "v=DMARC1; p=quarantine", "v=DMARC1; p=none"

# --- the names


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("com", ["com"]),
        ("example.com", ["example.com", "com"]),
        ("a.b.c.example.com", ["a.b.c.example.com", "b.c.example.com", "c.example.com", "example.com", "com"]),
        (
            "1.2.3.4.5.6.7.8",
            ["1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8", "3.4.5.6.7.8", "4.5.6.7.8", "5.6.7.8", "6.7.8", "7.8", "8"],
        ),
        # RFC 9989 §4.10: more than eight labels, and the walk jumps to seven
        (
            "a.b.c.d.e.f.g.h.i.j.mail.example",
            [
                "a.b.c.d.e.f.g.h.i.j.mail.example",
                "f.g.h.i.j.mail.example", "g.h.i.j.mail.example", "h.i.j.mail.example", "i.j.mail.example",
                "j.mail.example", "mail.example", "example",
            ],
        ),
    ],
)  # fmt: skip
def test_the_names_of_a_walk(domain: str, names: list[str]) -> None:
    assert dmarc.walk_names(domain) == names
    assert len(names) <= 8


def test_a_walk_takes_one_round() -> None:
    rounds: list[tuple[Question, ...]] = []

    class Watching:
        def resolve(self, questions: tuple[Question, ...]) -> Any:
            rounds.append(questions)
            return Zone({}).resolve(questions)

    run(dmarc.walk("a.b.example.com"), Watching())
    assert [[(q.name, q.rdtype) for q in batch] for batch in rounds] == [
        [(f"_dmarc.{n}", "TXT") for n in ("a.b.example.com", "b.example.com", "example.com", "com")]
    ]


def test_a_name_too_long_to_ask_is_skipped() -> None:
    domain = ".".join(["x" * 61] * 4)[:240] + ".example"
    assert len(domain) <= 253
    assert walk(domain, {"example": R}).organizational_domain == "example"


# --- Organizational Domain, RFC 9989 §4.10.2


# RFC 9989 §4.7, §4.10, §4.10.2
@pytest.mark.parametrize(
    ("domain", "records", "organizational"),
    [
        ("a.b.example.com", {}, "a.b.example.com"),
        ("a.b.example.com", {"example.com": R}, "example.com"),
        ("a.b.example.com", {"a.b.example.com": R}, "a.b.example.com"),
        # every record counts, the shortest name wins
        ("a.b.example.com", {"a.b.example.com": R, "b.example.com": R, "example.com": N}, "example.com"),
        ("a.b.example.com", {"b.example.com": R + "; psd=n", "example.com": R}, "b.example.com"),
        ("a.b.example.com", {"com": R + "; psd=y"}, "example.com"),
        ("a.b.example.com", {"example.com": R + "; psd=y", "com": R}, "b.example.com"),
        # psd=y at the domain itself
        ("example.com", {"example.com": R + "; psd=y", "com": R}, "example.com"),
        # a record without psd at a TLD: rule 3 as it stands
        ("a.example.com", {"com": N}, "com"),
        # several records are all discarded, and the walk goes on
        ("a.example.com", {"a.example.com": [R, N], "example.com": R}, "example.com"),
        ("a.example.com", {"a.example.com": ["v=spf1 -all", R]}, "a.example.com"),
        # the label comes from the domain, though the walk jumped over it
        ("a.b.c.d.e.f.g.h.i.example", {"d.e.f.g.h.i.example": R + "; psd=y"}, "c.d.e.f.g.h.i.example"),
    ],
)
def test_organizational_domains(domain: str, records: dict[str, Any], organizational: str) -> None:
    walked = walk(domain, records)
    assert walked.organizational_domain == organizational
    assert walked.failure is None


# --- policy, RFC 9989 §4.10.1


# RFC 9989 §4.7, §4.10.1
@pytest.mark.parametrize(
    ("domain", "records", "at", "requested"),
    [
        ("example.com", {}, None, None),
        ("example.com", {"example.com": R}, "example.com", "reject"),
        ("example.com", {"com": R}, "com", "reject"),
        ("a.example.com", {"example.com": R}, "example.com", "reject"),
        ("a.example.com", {"example.com": R + "; sp=quarantine"}, "example.com", "quarantine"),
        ("a.example.com", {"a.example.com": N, "example.com": R}, "a.example.com", "none"),
        ("a.example.com", {"a.example.com": Q + "; sp=reject", "example.com": R}, "a.example.com", "quarantine"),
        # the record in between is not the Organizational Domain's
        ("a.b.example.com", {"b.example.com": R, "example.com": N}, "example.com", "none"),
        # a public suffix speaks when the organization does not
        ("a.example.com", {"com": R + "; psd=y; sp=none"}, "com", "none"),
        ("example.com", {"com": R + "; psd=y"}, "com", "reject"),
        ("a.example.com", {"example.com": N, "com": R + "; psd=y"}, "example.com", "none"),
        ("a.example.com", {"a.example.com": [R, R], "example.com": Q}, "example.com", "quarantine"),
        ("example.com", {"example.com": R + "; t=y"}, "example.com", "quarantine"),
        ("example.com", {"example.com": Q + "; t=y"}, "example.com", "none"),
        ("example.com", {"example.com": N + "; t=y"}, "example.com", "none"),
        ("a.example.com", {"example.com": N + "; sp=reject; t=y"}, "example.com", "quarantine"),
        ("example.com", {"example.com": R + "; pct=0"}, "example.com", "reject"),
    ],
)
def test_policies(domain: str, records: dict[str, Any], at: str | None, requested: str | None) -> None:
    found = policy(domain, records, {"a.example.com": {"A": ["192.0.2.1"]}})
    assert (found.domain if found.record else None, found.requested) == (at, requested)
    assert found.failure is None


NP = {"example.com": N + "; sp=quarantine; np=reject"}


# RFC 9989 §4.7, §4.10.1
@pytest.mark.parametrize(
    ("names", "requested"),
    [
        ({}, "reject"),
        ({"a.example.com": {"A": ["192.0.2.1"]}}, "quarantine"),
        ({"a.example.com": {"TXT": ["anything"]}}, "quarantine"),
        ({"below.a.example.com": {"A": ["192.0.2.1"]}}, "quarantine"),  # an empty non-terminal exists
        # an alias is a record, wherever it leads
        ({"a.example.com": {"CNAME": ["nowhere.example"]}}, "quarantine"),
        ({"_dmarc.a.example.com": {"TXT": ["v=spf1"]}}, "quarantine"),
    ],
)
def test_np_is_for_names_that_do_not_exist(names: dict[str, Any], requested: str) -> None:
    found = policy("a.example.com", NP, names)
    assert found.requested == requested


def test_existence_is_asked_only_where_it_matters() -> None:
    asked: list[Question] = []

    def watch(records: dict[str, Any]) -> Any:
        class Watching:
            def resolve(self, questions: tuple[Question, ...]) -> Any:
                asked.extend(questions)
                return zone(records).resolve(questions)

        return Watching()

    for tags in ("", "; np=quarantine", "; sp=reject; np=reject"):
        run(dmarc.find_policy("a.example.com"), watch({"example.com": Q + tags}))
    run(dmarc.find_policy("example.com"), watch({"example.com": Q + "; np=reject"}))
    assert {q.rdtype for q in asked} == {"TXT"}


# --- trouble


# RFC 9989 §4.10.1
@pytest.mark.parametrize(("word", "reason"), [("TIMEOUT", Reason.DNS_TIMEOUT), ("SERVFAIL", Reason.DNS_FAILURE)])
def test_a_needed_name_without_answer(word: str, reason: Reason) -> None:
    for name in ("a.example.com", "example.com", "com"):
        found = policy("a.example.com", {name: word})
        assert found.record is None
        assert found.failure is not None
        assert found.failure.reason is reason
        assert name in found.failure.detail


def test_after_the_end_of_a_walk_nothing_is_needed() -> None:
    found = policy("a.example.com", {"example.com": R + "; psd=n", "com": "TIMEOUT"})
    assert found.failure is None
    assert found.requested == "reject"


def test_the_authors_own_record_suffices() -> None:
    found = policy("a.example.com", {"a.example.com": R, "com": "TIMEOUT"})
    assert (found.requested, found.failure) == ("reject", None)
    assert found.walk.failure is not None


def test_existence_that_cannot_be_found_out() -> None:
    resolver = Faults(zone(NP), {"a.example.com": "TIMEOUT"})
    found = run(dmarc.find_policy("a.example.com"), resolver)
    assert found.failure is not None
    assert found.failure.reason is Reason.DNS_TIMEOUT


@pytest.mark.parametrize(
    ("tags", "requested"),
    [
        # t=y: quarantine is none, and none is none, whether the name exists or not
        ("p=quarantine; np=none; t=y", "none"),
        ("p=reject; np=quarantine", None),
        ("p=reject; np=quarantine; t=y", None),
        ("p=reject; sp=none; np=quarantine; t=y", "none"),
    ],
)
def test_existence_is_not_asked_where_both_policies_come_to_the_same(tags: str, requested: str | None) -> None:
    found = run(
        dmarc.find_policy("a.example.com"),
        Faults(zone({"example.com": f"v=DMARC1; {tags}"}), {"a.example.com": "TIMEOUT"}),
    )
    assert found.requested == requested
    assert (found.failure is None) is (requested is not None)
    assert found.record is not None


# --- RFC 7489 and 9091


def organization(domain: str) -> str:
    """A suffix list that knows com and co.example."""
    labels = domain.split(".")
    suffix = 2 if domain.endswith("co.example") else 1
    return ".".join(labels[-suffix - 1 :])


@pytest.mark.parametrize(
    ("domain", "records", "at", "requested"),
    [
        ("example.com", {"example.com": R}, "example.com", "reject"),
        ("a.b.example.com", {"example.com": R + "; sp=quarantine"}, "example.com", "quarantine"),
        ("a.b.example.com", {"b.example.com": R}, None, None),  # in between is never asked
        ("a.b.example.com", {"a.b.example.com": [R, R], "example.com": R}, None, None),  # several end it
        ("a.x.co.example", {"co.example": R}, None, None),
        ("a.x.co.example", {"co.example": R + "; psd=y"}, "co.example", "reject"),
        ("a.x.co.example", {"x.co.example": Q, "co.example": R + "; psd=y"}, "x.co.example", "quarantine"),
        ("example.com", {"example.com": R + "; t=y"}, "example.com", "reject"),  # not known then
        ("example.com", {"example.com": R + "; psd=n"}, "example.com", "reject"),
        ("a.b.example.com", {"example.com": N + "; psd=y; sp=reject"}, "example.com", "reject"),
        # RFC 7489 §6.6.4
        ("example.com", {"example.com": R + "; pct=0"}, "example.com", "quarantine"),
        ("example.com", {"example.com": Q + "; pct=0"}, "example.com", "none"),
        ("example.com", {"example.com": R + "; pct=1"}, "example.com", "reject"),
    ],
)
def test_discovery_by_suffix_list(domain: str, records: dict[str, Any], at: str | None, requested: str | None) -> None:
    found = run(dmarc.find_policy(domain, organization), zone(records))
    assert (found.domain if found.record else None, found.requested) == (at, requested)
    assert found.walk.organizational_domain == organization(domain)


def test_trouble_in_suffix_list_mode() -> None:
    found = run(dmarc.find_policy("a.example.com", organization), zone({"a.example.com": "TIMEOUT", "example.com": R}))
    assert found.record is None
    assert found.failure is not None


@pytest.mark.parametrize(
    ("names", "requested"),
    [
        # RFC 9091 §2.7: a domain does not exist when A, AAAA and MX all say NXDOMAIN or NODATA
        ({}, "reject"),
        ({"a.example.com": {"A": ["192.0.2.1"]}}, "quarantine"),
        ({"a.example.com": {"AAAA": ["2001:db8::1"]}}, "quarantine"),
        ({"a.example.com": {"MX": [[10, "mx.example.com"]]}}, "quarantine"),
        ({"a.example.com": {"TXT": ["anything"]}}, "reject"),
        ({"below.a.example.com": {"A": ["192.0.2.1"]}}, "reject"),
        ({"a.example.com": {"CNAME": ["nowhere.example"]}}, "reject"),
        # one that answers is enough
        ({"a.example.com": {"A": "TIMEOUT", "MX": [[10, "mx.example.com"]]}}, "quarantine"),
        ({"a.example.com": {"A": "TIMEOUT", "TXT": ["x"]}}, None),
    ],
)
def test_existence_by_rfc_9091(names: dict[str, Any], requested: str | None) -> None:
    found = run(dmarc.find_policy("a.example.com", organization), zone(NP, names))
    assert found.requested == requested
    assert (found.failure is None) is (requested is not None)
    assert [(u.question.rdtype, u.rule) for u in found.uses][-3:] == [
        (rdtype, "RFC 9091 §2.7") for rdtype in ("A", "AAAA", "MX")
    ]
