"""Rules as data: read from a table, normalised, and refused with a remedy."""

from __future__ import annotations

import pickle
import tomllib
from ipaddress import ip_address
from typing import Any, get_args, get_type_hints

import pytest

from mailauth import UsageError
from mailauth.policy import POINTS, PRESETS, Rules
from mailauth.policy.rules import clients_of

TOML = """
reject = "always"
no_author = "reject"
temperror = "accept"
permerror = "quarantine"
folder = "Spam"
local = ["192.0.2.0/24", "2001:db8::/32"]
forwarders = ["198.51.100.9", "Forwarder.example."]
requirements = ["tls", "spf"]
missed = "quarantine"
encrypted = "reject"
[lists]
"dev.lists.example.org" = "example.org"
[domains]
"b\u00fccher.example" = "reject"
"""


def test_a_table_of_a_file_maps_onto_them() -> None:
    rules = Rules(**tomllib.loads(TOML))
    assert rules.local == {"192.0.2.0/24", "2001:db8::/32"}
    assert rules.lists == {"dev.lists.example.org": "example.org"}
    assert rules.domains == {"xn--bcher-kva.example": "reject"}
    assert rules.points == ("spf", "tls")
    assert clients_of(rules.forwarders).domains == ("forwarder.example",)
    assert pickle.loads(pickle.dumps(rules)) == rules == Rules(**tomllib.loads(TOML))
    assert rules != Rules()
    assert len({rules, Rules(), Rules()}) == 2


def test_the_table_names_every_rule() -> None:
    assert set(tomllib.loads(TOML)) == set(Rules.__slots__)


def test_what_is_given_may_change_afterwards() -> None:
    lists = {"dev.lists.example.org": "example.org"}
    rules = Rules(lists=lists)
    lists.clear()
    assert rules.lists


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"reject": "yes"}, "Rules(reject=…): 'yes' is not one of 'advice', 'never', 'always'"),
        ({"reject": True}, "True is not one of 'advice', 'never', 'always'"),
        ({"no_author": "accept"}, "not one of 'advice', 'quarantine', 'reject'"),
        ({"temperror": "reject"}, "not one of 'defer', 'accept'"),
        ({"permerror": "reject"}, "not one of 'accept', 'quarantine'"),
        ({"missed": ["note"]}, "not one of 'note', 'quarantine', 'reject'"),
        ({"folder": None}, "give a name without control characters, such as 'Junk', or ''"),
        ({"folder": "Junk\r\n"}, "give a name without control characters"),
        ({"local": "192.0.2.0/24"}, "give a set of strings, such as {'192.0.2.0/24'}"),
        ({"local": {"forwarder.example"}}, "only networks, such as '192.0.2.0/24', can be local"),
        ({"local": [b"192.0.2.1"]}, "b'192.0.2.1' is not a string"),
        ({"local": [0]}, "0 is not a string"),
        ({"local": {"0.0.0.0/0"}}, "0.0.0.0/0 is the whole Internet: give the networks that are meant"),
        ({"forwarders": {"192.0.2.0/24", "::/0"}}, "::/0 is the whole Internet"),
        ({"forwarders": 5}, "give a set of strings"),
        ({"forwarders": {"a.example": "b.example"}}, "give a set of strings"),
        ({"forwarders": {"192.0.2.1/24"}}, "the bits after the prefix are 0"),
        ({"forwarders": {"192.0.2.300"}}, "is neither a network nor a domain name"),
        ({"forwarders": {"example"}}, "is neither a network nor a domain name of two labels"),
        ({"forwarders": {""}}, "is neither a network nor a domain name"),
        (
            {"lists": ["dev.lists.example.org"]},
            "give a mapping, such as {'dev.lists.example.org': 'lists.example.org'}",
        ),
        ({"lists": {"dev": "example.org"}}, "'dev' is not a domain name of at least two labels"),
        ({"lists": {"dev.lists.example.org": "org"}}, "'org' is not a domain name of at least two labels"),
        ({"lists": {"dev.lists.example.org": None}}, "None is not a domain name"),
        ({"domains": {"example.org"}}, "give a mapping, such as {'example.org': 'reject'}"),
        ({"domains": {"com": "reject"}}, "'com' is not a domain name of at least two labels"),
        ({"domains": {"example.org": "accept"}}, "'accept' is not one of 'quarantine', 'reject'"),
        ({"requirements": "gmail"}, "give one of 'gmail-yahoo-2024', 'gmail-yahoo-2024-bulk', 'microsoft-2025', or a"),
        ({"requirements": ["spf", "sfp"]}, "'sfp' is not one of 'one-from', 'spf', 'dkim'"),
        ({"requirements": None}, "give a set of strings"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: Any, remedy: str) -> None:
    with pytest.raises(UsageError) as refused:
        Rules(**arguments)
    assert remedy in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("192.0.3.7", None),
        ("198.51.100.9", "198.51.100.9/32"),
        ("2001:db8::1", "2001:db8::/32"),
        ("2001:db9::1", None),
        ("::ffff:192.0.2.7", None),  # a `Connection` has made it the IPv4 address
    ],
)
def test_the_network_of_a_client(address: str, network: str | None) -> None:
    clients = clients_of(frozenset({"192.0.2.0/24", "198.51.100.9", "2001:db8::/32", "forwarder.example"}))
    assert clients.network_of(ip_address(address)) == network


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("example.com", ("example.com", "reject")),
        ("a.b.example.com", ("example.com", "reject")),
        ("news.example.com", ("news.example.com", "quarantine")),
        ("x.news.example.com", ("news.example.com", "quarantine")),
        ("notexample.com", None),
        ("com", None),
        ("", None),
    ],
)
def test_the_most_specific_domain_counts(author: str, found: Any) -> None:
    rules = Rules(domains={"example.com": "reject", "news.example.com": "quarantine"})
    assert rules.domain_rule(author) == found


def test_the_sets_are_of_points() -> None:
    for points in PRESETS.values():
        assert list(points) == [point for point in POINTS if point in points]
    for preset in PRESETS:
        assert Rules(requirements=preset).points == PRESETS[preset]


def test_the_words_of_each_rule_are_documented() -> None:
    hints = get_type_hints(Rules)
    for name in ("reject", "no_author", "temperror", "permerror", "missed"):
        for word in get_args(hints[name]):
            assert f'"{word}"' in (Rules.__doc__ or ""), (name, word)
