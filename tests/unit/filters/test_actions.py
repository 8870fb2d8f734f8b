"""What a filter may answer: values that can be compared, and refused where no message could carry them."""

from __future__ import annotations

from typing import Any

import pytest

from mailauth import Disposition, UsageError
from mailauth.filters import accept, add, defer, quarantine, reject, remove


def test_actions_are_values() -> None:
    assert add("X-External", "yes") == add("X-External", "yes") != add("X-External", "no")
    assert reject("no") == reject("no") != reject("no", 554)
    assert remove("X-External") == remove("x-external") != remove(0)


def test_the_ends() -> None:
    assert [end.decision.action for end in (accept(), reject("no"), defer("later"), quarantine())] == [
        Disposition.ACCEPT,
        Disposition.REJECT,
        Disposition.DEFER,
        Disposition.QUARANTINE,
    ]
    assert str(reject("We do not know you").decision.reply) == "550 5.7.1 We do not know you"
    assert str(reject("Policy", 554, "5.7.0").decision.reply) == "554 5.7.0 Policy"
    assert str(defer("Come back later").decision.reply) == "451 4.7.1 Come back later"
    assert (quarantine().decision.folder, quarantine("Spam", "looks odd").decision.detail) == ("Junk", "looks odd")
    assert accept("a friend").decision.detail == "a friend"


def test_words_of_strangers_stay_on_their_line() -> None:
    end = reject("Grüße\r\n250 OK")
    assert str(end.decision.reply) == "550 5.7.1 Gr??e??250 OK"
    assert end.decision.detail == "Grüße??250 OK"
    assert accept("a\nb").decision.detail == "a?b"


@pytest.mark.parametrize("name", ["", "X External", "X-External:", "X-Größe", "X\n", "X" * 76, None, 7, b"X"])
def test_a_name_that_no_field_has(name: Any) -> None:
    with pytest.raises(UsageError, match="such as 'X-External'"):
        add(name, "yes")
    if name != 7:
        with pytest.raises(UsageError, match="such as 'X-External'"):
            remove(name)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: b", "a\n b", "a\r", "\0", "\x0b", "\x1b[31m", "\x7f", None, 7, b"a"])
def test_a_value_that_no_field_has(value: Any) -> None:
    with pytest.raises(UsageError, match="without line ends and controls"):
        add("X-External", value)


@pytest.mark.parametrize("position", [-1, True, False, 1.0])
def test_a_position_that_no_field_has(position: Any) -> None:
    with pytest.raises(UsageError, match="such as 'X-External'"):
        remove(position)


@pytest.mark.parametrize(
    ("action", "arguments", "message"),
    [
        (reject, ("no", 451, "4.7.1"), "reject.* takes a code from 500 to 599"),
        (defer, ("no", 550, "5.7.1"), "defer.* one from 400 to 499"),
        (reject, ("no", 550, "4.7.1"), "give a pair such as 550 and '5.7.1'"),
        (reject, ("no", 250, "2.0.0"), "give a pair such as 550 and '5.7.1'"),
        (reject, (None,), "the text must be str, not NoneType"),
        (accept, (b"x",), "the text must be str, not bytes"),
        (quarantine, ("Ju\nnk",), "give the name of a folder"),
        (quarantine, (None,), "give the name of a folder"),
    ],
)
def test_what_cannot_be_answered(action: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        action(*arguments)
