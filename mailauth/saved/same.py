"""Whether two verdicts are the same: JSON compared by meaning, with the path to each difference.

Results, reasons, domains and all other values are compared exactly. Sentences for people may be worded otherwise by
another version, and the header fields folded otherwise; that, and what only the newer verdict has, is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mailauth.text import shown

_MOST = 100
# Text for people, by the last name of its path; and by the whole path without positions
_WORDS = frozenset({"detail"})
_WORDED = frozenset({"headers[]", "saved.problem", "saved.passed[].reason"})
_LEFT_OUT = frozenset({"version"})
# What every verdict has: a newer version may say more, but without these an old one says nothing
_ALWAYS = frozenset({
    *("schema", "connection", "spf", "helo_spf", "dkim", "arc", "dmarc", "iprev", "headers", "forged", "dns", "saved"),
    *("ip", "helo", "mail_from", "source", "guess", "result", "reason", "domain", "selector", "sealers", "instances"),
    *("author_domain", "policy", "disposition", "aligned", "status", "records", "received_at", "damage"),
})  # fmt: skip


class Difference(NamedTuple):
    """One difference: where, what it was and what it is, and whether only words differ."""

    path: str
    was: str
    now: str
    words: bool


def differences(old: Any, new: Any) -> tuple[Difference, ...]:
    """Return the differences between two verdicts, as `to_dict` gives them; the first 100. Never raises for JSON data.

    Args:
        old: the verdict of then, perhaps from a stranger.
        new: the verdict of now.
    """
    found: list[Difference] = []
    for each in _compared(_by_question(old), _by_question(new), "", ""):
        found.append(each)
        if len(found) == _MOST:
            break
    return tuple(found)


def _by_question(verdict: Any) -> Any:
    """Return a verdict whose DNS answers are found by their question: the order of asking is no part of a verdict."""
    if not isinstance(verdict, dict) or not isinstance(verdict.get("dns"), list):
        return verdict
    try:
        found = {f"{row['question']['name']} {row['question']['type']}": row["answer"] for row in verdict["dns"]}
    except (TypeError, KeyError):
        return verdict
    return {**verdict, "dns": found} if len(found) == len(verdict["dns"]) else verdict


def _compared(old: Any, new: Any, path: str, kind: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            if not path and name in _LEFT_OUT:
                continue
            # A newer version may say more, and may ask other questions
            where, sort = f"{path}.{shown(name)[1:-1]}".lstrip("."), f"{kind}.{name}".lstrip(".")
            if name not in old:
                yield Difference(where, "(nothing)", shown(new[name]), words=name not in _ALWAYS)
            elif name not in new:
                yield Difference(where, shown(old[name]), "(nothing)", words=kind == "dns")
            else:
                yield from _compared(old[name], new[name], where, sort)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield Difference(path, f"{len(old)} items", f"{len(new)} items", words=f"{kind}[]" in _WORDED)
        for position, (was, now) in enumerate(zip(old, new, strict=False)):
            yield from _compared(was, now, f"{path}[{position}]", f"{kind}[]")
    # 1 == True, and both are JSON
    elif type(old) is not type(new) or old != new:
        text = isinstance(old, str) and isinstance(new, str)
        words = text and (kind.rpartition(".")[2] in _WORDS or kind in _WORDED)
        if not (words and kind == "headers[]" and old.split() == new.split()):
            yield Difference(path or "(all of it)", shown(old), shown(new), words=words)
