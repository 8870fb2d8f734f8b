"""The policy of MTA-STS (RFC 8461 §3.2): its text, and which hosts it allows. Knows nothing of where it is fetched."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias, cast

from mailauth import names
from mailauth.text import printable
from mailauth.versioned import Fields, Unreadable

Mode: TypeAlias = Literal["enforce", "testing", "none"]

MAX_BYTES = 64 * 1024  # RFC 8461 §3.3 suggests it
MAX_AGE = 31_557_600  # seconds
_VERSION = "STSv1"
_MODES = frozenset({"enforce", "testing", "none"})
# RFC 8461 §3.2: sts-policy-field, before its value; no white space is allowed before the colon
_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*+(.*)")
# "chars, including UTF-8, excluding CTLs and no leading/trailing spaces"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_DIGITS = re.compile(r"[0-9]{1,10}")
# RFC 5321 §4.1.2: sub-domain = Let-dig [Ldh-str]
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


class Policy(NamedTuple):
    """A policy.

    `mode` says what a sender does with a host that fails: "enforce": it does not deliver there; "testing": it reports
    that only; "none": there is no policy. `max_age` is for how many seconds it may be cached. `mx` are the patterns of
    the hosts, in order and as they were written; `extensions` the fields that RFC 8461 does not know.
    """

    mode: Mode
    max_age: int
    mx: tuple[str, ...]
    extensions: Fields = ()


def parse_policy(text: bytes) -> Policy | Unreadable:
    """Parse the text of a policy. Never raises for any octets.

    The grammar is that of RFC 8461 §3.2: lines end with LF or CRLF, the last need not, and none is empty. Fields have
    case and any order; of one that appears twice, the first counts, but `mx`, of which all do.
    """
    if len(text) > MAX_BYTES:
        return Unreadable(f"the policy has {len(text)} octets, more than {MAX_BYTES}")
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return Unreadable("the policy has octets that are not UTF-8")
    if not lines[-1]:
        lines.pop()
    found: dict[str, str] = {}
    mx: list[str] = []
    for number, line in enumerate(lines, 1):
        last = number == len(lines) and not text.endswith(b"\n")
        # A CR without LF does not end a line
        match = _FIELD.fullmatch((line if last else line.removesuffix("\r")).rstrip(" \t"))
        if match is None or not match[2] or _CONTROLS.search(match[2]):
            return Unreadable(f"line {number} is not a field: {printable(line.encode())}")
        name, value = match.groups()
        if name != "mx":
            found.setdefault(name, value)
        elif _is_pattern(value):
            mx.append(value)
        else:
            return Unreadable(f"line {number}: {printable(value.encode())} is not a host, nor *. before one")
    return _policy(found, tuple(mx))


def _policy(found: dict[str, str], mx: tuple[str, ...]) -> Policy | Unreadable:
    for name in ("version", "mode", "max_age"):
        if name not in found:
            near = next((each for each in found if each.lower() == name), None)
            return Unreadable(
                f"the field {name} is missing" + (f"; {near} is another, as fields have case" * bool(near))
            )
    version, mode, max_age = (found.pop(name) for name in ("version", "mode", "max_age"))
    if version != _VERSION:
        return Unreadable(f"the version is {printable(version.encode())}, not {_VERSION}")
    if mode not in _MODES:
        return Unreadable(f"the mode {printable(mode.encode())} is not enforce, testing or none")
    if _DIGITS.fullmatch(max_age) is None or int(max_age) > MAX_AGE:
        return Unreadable(f"the max_age {printable(max_age.encode())} is not a number of seconds up to {MAX_AGE}")
    if not mx and mode != "none":
        return Unreadable(f"there is no mx, which mode {mode} needs")
    return Policy(cast("Mode", mode), int(max_age), mx, tuple(found.items()))


def _is_pattern(value: str) -> bool:
    host = value.removeprefix("*.")
    return names.queryable(host) and all(map(_LABEL.fullmatch, host.split(".")))


def matches(mx_pattern: str, host: str) -> bool:
    """Whether a pattern of a policy allows a host: it is its name, or `*.` for exactly one label (RFC 8461 §4.1)."""
    return names.covers(mx_pattern, names.host_name(host))


def allowed_by(policy: Policy, host: str) -> str | None:
    """Return the first pattern of a policy that allows a host, None if no one does."""
    name = names.host_name(host)
    return next((pattern for pattern in policy.mx if names.covers(pattern, name)), None)
