"""What counts as a difference of two verdicts, and what is only worded otherwise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.signing import NOW, key_zone, signed

from mailauth import authenticate
from mailauth.saved.same import differences
from mailauth.testing import Zone

VERDICT: dict[str, Any] = {
    **authenticate(signed(), None, Zone(key_zone()), "mx.example.org", NOW).to_dict(),
    "saved": {"problem": "why", "damage": [], "passed": [{"position": 1, "reason": "why"}], "evidence": []},
}


def changed(change: Callable[[Any], object]) -> Any:
    data = copy.deepcopy(json.loads(json.dumps(VERDICT)))
    change(data)
    return data


def put(*path: Any, value: Any) -> Callable[[Any], object]:
    def change(data: Any) -> None:
        for name in path[:-1]:
            data = data[name]
        data[path[-1]] = value

    return change


def test_a_verdict_is_the_same_as_itself() -> None:
    assert differences(VERDICT, json.loads(json.dumps(VERDICT))) == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("dkim", 0, "result"), "fail"),
        (("dkim", 0, "reason"), "expired"),
        (("dkim", 0, "domain"), "example.net"),
        (("dkim", 0, "index"), False),
        (("dkim", 0, "secure"), False),
        (("dkim", 0, "signed_headers"), ["from"]),
        (("dkim",), []),
        (("dmarc", "disposition"), "reject"),
        (("spf",), None),
        (("forged",), [0]),
        (("connection", "ip"), "192.0.2.1"),
        (("dns", 0, "answer", "status"), "timeout"),
        (("saved", "problem"), None),
        (("schema",), 1.0),
    ],
)
def test_what_is_strict(path: tuple[Any, ...], value: Any) -> None:
    for old, new in ((VERDICT, changed(put(*path, value=value))), (changed(put(*path, value=value)), VERDICT)):
        found = differences(old, new)
        assert found
        assert any(not each.words for each in found)


def test_the_path_to_a_difference() -> None:
    (found,) = differences(VERDICT, changed(put("dkim", 0, "result", value="fail")))
    assert (found.path, found.was, found.now) == ("dkim[0].result", "'pass'", "'fail'")


@pytest.mark.parametrize(
    "change",
    [
        put("dkim", 0, "detail", value="it verifies"),
        put("dmarc", "detail", value="in other words"),
        put("saved", "problem", value="in other words"),
        put("saved", "passed", 0, "reason", value="in other words"),
        put("headers", 0, value="Authentication-Results: mx.example.org; in other words"),
        put("dkim", 0, "news", value=1),
        put("news", value={"result": "pass"}),
        lambda data: data["dns"].append({"question": {"name": "x", "type": "A"}, "answer": {}}),
    ],
)
def test_what_a_newer_version_may_change(change: Callable[[Any], object]) -> None:
    found = differences(VERDICT, changed(change))
    assert found
    assert all(each.words for each in found)


def test_what_is_no_difference_at_all() -> None:
    assert differences(VERDICT, changed(put("version", value="99"))) == ()
    assert differences(VERDICT, changed(lambda data: data["dns"].reverse())) == ()
    assert differences(VERDICT, changed(put("headers", 0, value=VERDICT["headers"][0].replace("\r\n\t", " ")))) == ()


@pytest.mark.parametrize("name", [*VERDICT])
def test_an_old_verdict_without_something_is_another_one(name: str) -> None:
    old = changed(lambda data: data.pop(name))
    if name != "version":
        assert any(not each.words for each in differences(old, VERDICT))


@pytest.mark.parametrize(
    "old",
    [None, 1, "x", [], {}, [[]] * 1000, {"dns": 1}, {"dns": [1]}, {"dns": [{"question": []}]}, {"dkim": [None] * 1000},
     {"dns": [{"question": {"name": [], "type": {}}, "answer": 1}]}, {str(n): n for n in range(1000)}],
)  # fmt: skip
def test_any_json_can_be_compared(old: Any) -> None:
    found = differences(old, VERDICT)
    assert 0 < len(found) <= 100
    assert any(not each.words for each in found)
    assert all(len(each.path) < 1000 and len(each.was) < 400 for each in found)
