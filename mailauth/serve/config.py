"""The configuration file of a service: TOML, checked whole before anything starts.

Each table is a frozen dataclass; a key is an argument of it, and what the dataclass refuses, the file may not say.
Every problem is reported, with its line and a remedy. Needs the extra `serve`.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mailauth import names
from mailauth.authres.write import authserv_id_of
from mailauth.errors import UsageError
from mailauth.limits import Limits, Options
from mailauth.policy import Rules
from mailauth.reports.destinations import address_of
from mailauth.resolvers import AsyncDnspythonResolver
from mailauth.serve.diagnosis import Lines, hint, words
from mailauth.serve.milter import MARKER, MAX_BYTES, parse_address
from mailauth.stores.opening import check_url
from mailauth.text import one_line

_STRICT = ConfigDict(strict=True, extra="forbid")
_MAX_OCTETS = 1 << 20
_MODE = re.compile("0?[0-7]{3}")
_RELAY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+):([0-9]{1,5})")
# Fields of the marker's name are deleted from each message, so that it must not be one that has a meaning
_MARKER = re.compile("[Xx]-[!-9;-~]{1,70}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Milter:
    """How the milter talks to the mail server.

    Args:
        listen: addresses to listen on: "inet:PORT@HOST", "inet6:PORT@HOST" or "unix:/PATH".
        mode: the mode of UNIX-domain sockets, as octal digits.
        user: their owner; None: whoever runs the service.
        group: their group, such as that of the mail server.
        on_error: what becomes of a message that could not be judged: "tempfail" has the client try again, "accept"
            accepts it with a field that says so.
        quarantine: "field" marks such messages with `marker`, "hold" holds them in the queue of the mail server.
        marker: the name of the field that marks them; its value is "Yes" and the folder.
        skip_loopback: accept what comes from this host itself without a check, such as mail that a content filter
            hands back.
        max_bytes: octets of the largest message that is judged.
        too_large: what becomes of a larger one: it is accepted with a field that says so, or refused.
        max_held: octets of messages in memory, beyond which mail servers wait.
        max_connections: connections at a time; more wait.
        idle_seconds: a mail server that is silent for so long is left.
        judge_seconds: how long a message may take; see `on_error`.
        grace_seconds: how long messages in progress may take when the service stops.
    """

    listen: tuple[str, ...] = ("inet:8891@127.0.0.1",)
    mode: str = "0660"
    user: str | None = None
    group: str | None = None
    on_error: Literal["tempfail", "accept"] = "tempfail"
    quarantine: Literal["field", "hold"] = "field"
    marker: str = MARKER
    skip_loopback: bool = True
    max_bytes: int = MAX_BYTES
    too_large: Literal["accept", "reject"] = "accept"
    max_held: int = 4 * MAX_BYTES
    max_connections: int = 1000
    idle_seconds: float = 7200.0
    judge_seconds: float = 600.0
    grace_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what the server would."""
        for address in self.listen:
            parse_address(address)
        numbers = (self.max_bytes, self.max_held, self.max_connections, self.idle_seconds, self.judge_seconds)
        for right, remedy in (
            (self.listen, "at least one address, such as 'inet:8891@127.0.0.1'"),
            (_MODE.fullmatch(self.mode), "octal digits, such as '0660'"),
            (_MARKER.fullmatch(self.marker), "the name of a header field of your own, such as 'X-Spam'"),
            (min(numbers) > 0, "a number above 0"),
            (self.grace_seconds >= 0, "a number of at least 0"),
        ):
            if not right:
                raise UsageError(f"give {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Where DNS answers come from.

    Args:
        nameservers: IP addresses, https:// URLs or tls://IP#NAME; empty: those of the system.
        port: port of the nameservers that are addresses.
        timeout: seconds to wait for one server before the next is asked.
        zone: take every answer from this zone file instead, for tests.
    """

    nameservers: tuple[str, ...] = ()
    port: int = 53
    timeout: float = 5.0
    zone: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the resolver would."""
        _check_port(self.port, 1)
        if self.timeout <= 0:
            raise UsageError("give a number above 0")
        AsyncDnspythonResolver(self.nameservers or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Filters in Python.

    Args:
        files: Python files whose filters run, in this order, before the policy.
    """

    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is logged, to standard error.

    Args:
        level: the least severe events that are logged.
        form: "text", or "json" for one object a line.
        personal: log addresses of clients, reverse-paths and the details of decisions too.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    form: Literal["text", "json"] = "text"
    personal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Where Prometheus finds the figures.

    Args:
        address: IP address to listen on.
        port: port to listen on; 0: no metrics.
    """

    address: str = "127.0.0.1"
    port: int = 0

    def __post_init__(self) -> None:
        """Refuse what nobody can listen on."""
        _check_port(self.port, 0)
        try:
            ip_address(self.address)
        except ValueError:
            raise UsageError("give an IP address, such as '127.0.0.1'") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What is counted for DMARC reports, and who sends them.

    Args:
        store: where it is kept: the path of a file, or a postgresql:// URL; None: nothing is counted.
        org_name: the name of the organisation that reports.
        email: the address at which it can be reached about them.
        extra_contact_info: more about that, such as the URL of a page.
        period_hours: the hours that a report covers, from midnight UTC.
        retention_days: how long what was not sent is kept.
        relay: the mail server that takes the reports, HOST:PORT.
        relay_tls: "may" encrypts where the relay offers it; "must" also wants a certificate that this system trusts.
        submitter: the domain of this receiver, in the names of files; None: that of `email`.
        selector: the name of the DKIM key of the domain of `email`; None: the relay signs.
        key: the file of that key.
        form: "rfc7489" writes the format of RFC 7489.
    """

    store: str | None = None
    org_name: str = ""
    email: str = ""
    extra_contact_info: str = ""
    period_hours: int = 24
    retention_days: int = 14
    relay: str = "127.0.0.1:25"
    relay_tls: Literal["may", "must", "no"] = "may"
    submitter: str | None = None
    selector: str | None = None
    key: str | None = None
    form: Literal["rfc9990", "rfc7489"] = "rfc9990"

    def __post_init__(self) -> None:
        """Refuse what no report can have, and what is no store."""
        if self.store is not None:
            check_url(self.store)
        for right, remedy in (
            (all(text.isprintable() for text in (self.org_name, self.extra_contact_info)), "one line of text"),
            (not self.email or address_of(self.email), "an address, such as 'postmaster@example.org'"),
            (self.period_hours > 0 and 24 % self.period_hours == 0, "1, 2, 3, 4, 6, 8, 12 or 24"),
            (self.retention_days > 0, "a number above 0"),
            (_is_relay(self.relay), "HOST:PORT, such as '127.0.0.1:25' or '[::1]:25'"),
            (self.submitter is None or names.to_ascii(self.submitter), "a domain name, such as 'mx.example.org'"),
            ((self.selector is None) is (self.key is None), "selector and key together"),
        ):
            if not right:
                raise UsageError(f"give {remedy}")


def _is_relay(text: str) -> bool:
    match = _RELAY.fullmatch(text)
    # An IPv4 address is a name too
    known = match is not None and (match[1].startswith("[") or names.to_ascii(match[1]) is not None)
    return known and 0 < int(text.rpartition(":")[2]) < 65536


def _check_port(port: int, least: int) -> None:
    if not least <= port <= 65535:
        raise UsageError(f"give a port from {least} to 65535")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration. `authserv_id` is our name in Authentication-Results; None: the name of this host."""

    authserv_id: str | None = None
    milter: Milter = field(default_factory=Milter)
    dns: Dns = field(default_factory=Dns)
    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    policy: Rules = field(default_factory=Rules)
    filters: Filters = field(default_factory=Filters)
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)
    reports: Reports = field(default_factory=Reports)

    def __post_init__(self) -> None:
        """Refuse a name that cannot be written into a header field."""
        if self.authserv_id is not None:
            authserv_id_of(self.authserv_id)


_TABLES: dict[str, Any] = {
    each.name: each.default_factory for each in fields(Config) if isinstance(each.default_factory, type)
}


class Wrong(NamedTuple):
    """A problem of a configuration file: `line` from 1, 0 when it is unknown; `where` is the table and key."""

    line: int
    where: str
    what: str

    def __str__(self) -> str:
        """Return one line for a person."""
        return ": ".join(
            [*([f"line {self.line}"] if self.line else []), *([self.where] if self.where else []), self.what]
        )


class ConfigError(UsageError):
    """A configuration that cannot be used; `problems` has all that is wrong with it, `str()` a line for each."""

    def __init__(self, name: str, problems: list[Wrong]) -> None:
        super().__init__("\n".join(f"{name}: {each}" for each in problems))
        self.problems = tuple(problems)


def load(path: str) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: with every problem that was found.
    """
    try:
        with Path(path).open("rb") as file:
            octets = file.read(_MAX_OCTETS + 1)
    except OSError as error:
        raise ConfigError(path, [Wrong(0, "", f"cannot read it: {error.strerror}")]) from None
    return parse(octets, path)


def parse(octets: bytes, name: str = "configuration") -> Config:
    """Read a configuration.

    Args:
        octets: TOML in UTF-8.
        name: what errors call it.

    Raises:
        ConfigError: with every problem that was found.
    """
    if len(octets) > _MAX_OCTETS:
        raise ConfigError(name, [Wrong(0, "", f"larger than {_MAX_OCTETS} octets")])
    try:
        text = octets.decode()
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # tomllib names the line itself
        raise ConfigError(name, [Wrong(0, "", f"not TOML: {error}")]) from None
    lines = Lines(text)
    problems: list[Wrong] = []
    main = {key: value for key, value in given.items() if key not in _TABLES}
    values: dict[str, Any] = _arguments(Config, "", main, lines, problems)
    for table, kind in _TABLES.items():
        if table not in given:
            continue
        if isinstance(given[table], dict):
            values[table] = kind(**_arguments(kind, table, given[table], lines, problems))
        else:
            problems.append(Wrong(lines.of("", table), table, f"is a table: write [{table}] and its keys below"))
    if problems:
        raise ConfigError(name, sorted(problems))
    return Config(**values)


def _arguments(
    kind: type[Any], table: str, given: dict[str, Any], lines: Lines, problems: list[Wrong]
) -> dict[str, Any]:
    """Return the arguments of a dataclass, and add what is wrong to `problems`: then there are none."""
    hints = get_type_hints(kind)
    keys = [each.name for each in fields(kind) if each.name not in _TABLES or table]
    arguments = {}

    def wrong(key: str, what: str) -> None:
        where = f"[{table}] {key}".strip() if table else key
        problems.append(Wrong(lines.of(table, key), one_line(where), one_line(what)))

    for key, value in given.items():
        if key not in keys:
            wrong(key, f"there is no such key{hint(key, keys if table else [*keys, *_TABLES])}")
            continue
        try:
            # JSON has arrays only, and strictly typed: what TOML writes as an array becomes the set or tuple
            text = json.dumps(value, allow_nan=False)
            if "\\u0000" in text:
                wrong(key, "give text without NUL")
                continue
            arguments[key] = TypeAdapter(hints[key], config=_STRICT).validate_json(text)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                wrong(key, words(each, value))
        except (TypeError, ValueError):
            wrong(key, "give text in quotes, a number, true or false; dates, times, inf and nan are not used")
    try:
        kind(**arguments)
    except (UsageError, TypeError) as error:
        # Each key alone tells which it is; where none does, it is what they say together
        alone = [(key, found) for key, value in arguments.items() if (found := _refusal(kind, key, value))]
        for key, what in alone or [("", str(error))]:
            wrong(key, what)
        return {}
    return arguments


def _refusal(kind: type[Any], key: str, value: Any) -> str:
    try:
        kind(**{key: value})
    except (UsageError, TypeError) as error:
        return str(error)
    return ""
