"""Bounds and choices as data."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mailauth import Limits, MailauthError, Options, UsageError
from mailauth.limits import CHECKS


def test_the_bounds_of_the_rfcs() -> None:
    limits = Limits()
    # RFC 7208 §4.6.4, RFC 8617 §4.2.1, RFC 8301 §3.2
    assert (limits.spf_terms, limits.spf_void, limits.spf_mx, limits.spf_ptr) == (10, 2, 10, 10)
    assert limits.arc_sets == 50
    assert limits.min_key_bits == 1024
    assert limits.max_key_bits >= 4096


@pytest.mark.parametrize("wrong", [-1, 1.5, "10", None, True])
@pytest.mark.parametrize("name", ["signatures", "questions", "header_bytes"])
def test_a_bound_is_a_whole_number(name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=rf"Limits\({name}=.*give a whole number of at least 0"):
        Limits(**{name: wrong})


def test_zero_is_a_bound() -> None:
    assert Limits(signatures=0).signatures == 0


def test_both_are_values() -> None:
    assert Limits() == Limits()
    assert len({Limits(), Limits(tags=5)}) == 2
    assert pickle.loads(pickle.dumps(Limits(tags=5))) == Limits(tags=5)
    options = Options(checks=frozenset({"spf"}), trusted_sealers=frozenset({"example.com"}))
    assert pickle.loads(pickle.dumps(options)) == options
    assert hash(options) == hash(pickle.loads(pickle.dumps(options)))
    with pytest.raises(AttributeError):
        Limits().tags = 5  # type: ignore[misc]
    with pytest.raises(AttributeError):
        options.mode = "rfc7489"  # type: ignore[misc]


def test_all_checks_run_by_default() -> None:
    assert Options().checks == CHECKS == {"spf", "dkim", "arc", "dmarc", "iprev"}


def test_any_collection_of_names_will_do() -> None:
    assert Options(checks=["spf", "dkim"]).checks == {"spf", "dkim"}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["checks", "trusted_sealers", "authserv_ids"])
def test_a_string_is_no_set_of_names(name: str) -> None:
    arguments: dict[str, Any] = {name: "spf"}
    with pytest.raises(UsageError, match=r"give a set of strings, such as \{'spf'\}"):
        Options(**arguments)


def test_unknown_words() -> None:
    with pytest.raises(UsageError, match=r"unknown \['dkim2'\]; the checks are \['arc', 'bimi', 'dkim'"):
        Options(checks=frozenset({"spf", "dkim2"}))
    with pytest.raises(UsageError, match="'bimi' rests on DMARC: add 'dmarc'"):
        Options(checks=frozenset({"spf", "bimi"}))
    with pytest.raises(UsageError, match="the modes are 'rfc9989' and 'rfc7489'"):
        Options(mode="rfc7208")  # type: ignore[arg-type]


def test_a_usage_error_is_a_value_error() -> None:
    assert issubclass(UsageError, ValueError)
    assert issubclass(UsageError, MailauthError)
